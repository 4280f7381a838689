"""The configuration: one pydantic model per section, the only place where defaults live; reading, hashing.

What a key must be by itself stands in its type (config_types.py), what keys must be together in
config_checks.py. Files become plain data in config_yaml.py, sweeps points in config_sweep.py, errors lines in
config_problems.py; the key table and the schema are made in config_docs.py.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from nemd_core import config_checks, config_docs
from nemd_core.config_docs import REQUIRED
from nemd_core.config_problems import check_key, drop, explain, salvage
from nemd_core.config_sweep import expand
from nemd_core.config_types import (
    Cells,
    Count,
    CrossSection,
    Flag,
    Mixing,
    MixingOrZero,
    Name,
    NonNegative,
    Positive,
    Seed,
    Steps,
    StepsOrNone,
    WallCells,
    for_lj,
    key,
    keys_or_value,
    section,
)
from nemd_core.config_yaml import get_path, read_mapping, refuse, set_path, show
from nemd_core.errors import ConfigError, Problem

NOT_IN_HASH = ("name", "run.threads", "run.checkpoint_seconds")
"""Keys that cannot change a result."""


class Section(BaseModel):
    """A group of keys; unknown keys are refused, values cannot be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Length(Section):
    """The extent of both sides."""

    A: Cells = key("cells", "length of side A along x, wall and bath included")
    B: Cells = key("cells", "length of side B along x, wall and bath included")


class LatticeConstants(Section):
    """A lattice constant for each side."""

    lateral: Positive = key("sigma0", "lattice constant of both sides along y and z (not supported yet)")
    A: Positive = key("sigma0", "lattice constant of A along x (not supported yet)")
    B: Positive = key("sigma0", "lattice constant of B along x (not supported yet)")


class Structure(Section):
    """The junction of two crystals."""

    lattice: Literal["chain", "sc", "fcc", "bcc", "diamond"] = key(
        "", "lattice of both sides; a chain moves along x only (bcc and diamond: not supported yet)"
    )
    lattice_constant: Annotated[
        Annotated[LatticeConstants, Tag("keys")] | Annotated[Positive | Literal["auto"], Tag("value")],
        Discriminator(keys_or_value),
    ] = key("sigma0", "edge of the conventional cell on both sides (auto and per side: not supported yet)")
    cross_section: CrossSection | None = key(
        "cells", "periodic cells along y and z, two cut-offs wide or more; a chain has none", None
    )
    length: Length = section("Cells along x on each side.")
    ends: Literal["fixed", "periodic"] = key(
        "", "how x ends: frozen walls, or a second interface (periodic: not supported yet)", "fixed"
    )


class Material(Section):
    """The atoms of one side and their interaction."""

    mass: Positive = key("m0", "mass of an atom")
    epsilon: Positive | None = key(
        "epsilon0", "depth of the Lennard-Jones potential", by_potential=for_lj(REQUIRED)
    )
    sigma: Positive | None = key(
        "sigma0", "diameter of the Lennard-Jones potential", by_potential=for_lj(REQUIRED)
    )
    stiffness: Positive | None = key(
        "epsilon0/sigma0^2",
        "spring constant along the bond to a nearest neighbour",
        by_potential={"harmonic": REQUIRED},
    )
    transverse_stiffness: NonNegative | None = key(
        "epsilon0/sigma0^2",
        "spring constant across the bond; sc needs one, a chain has none",
        by_potential={"harmonic": 0.0},
    )


class Materials(Section):
    """A fills x below the interface, B the rest."""

    A: Material = section("Material of side A.")
    B: Material = section("Material of side B.")


class Cross(Section):
    """The interaction between an atom of A and one of B."""

    epsilon: Mixing | None = key(
        "epsilon0", "depth between A and B: a mean of both or a number", by_potential=for_lj("geometric")
    )
    sigma: Mixing | None = key(
        "sigma0", "diameter between A and B: a mean of both or a number", by_potential=for_lj("arithmetic")
    )
    stiffness: Mixing | None = key(
        "epsilon0/sigma0^2",
        "spring constant between A and B: a mean of both or a number",
        by_potential={"harmonic": "arithmetic"},
    )
    transverse_stiffness: MixingOrZero | None = key(
        "epsilon0/sigma0^2",
        "the same across the bond; a chain has none",
        by_potential={"harmonic": "arithmetic"},
    )


class Interaction(Section):
    """How atoms interact."""

    potential: Literal["lj", "harmonic", "lj-harmonic"] = key(
        "", "Lennard-Jones; springs between nearest neighbours; Lennard-Jones to second order"
    )
    cutoff: Positive | None = key(
        "sigma0", "distance beyond which atoms do not interact", by_potential=for_lj(2.5)
    )
    truncation: Literal["none", "energy-shift", "force-shift"] | None = key(
        "",
        "what happens at the cut-off (LAMMPS: lj/cut; the same with shift yes; lj/smooth/linear)",
        by_potential=for_lj("force-shift"),
    )
    cross: Cross = section("The interaction across the interface.", default_factory=Cross)


class Bath(Section):
    """One heat bath."""

    temperature: NonNegative = key("epsilon0/k_B", "temperature of the bath")
    length: Cells = key("cells", "length of the bath along x, next to the wall")


class Baths(Section):
    """The two heat baths and the walls behind them."""

    method: Literal["langevin"] = key("", "kind of bath", "langevin")
    hot: Bath = section("The bath in A; it may be the colder one, the flux then changes sign.")
    cold: Bath = section("The bath in B.")
    friction: Positive = key("1/tau0", "friction of the baths", 1.0)
    ramp: Flag = key(
        "", "true: friction rises as 2 friction sin^2(pi s/2), s = 0 at the inner edge, 1 at the outer", False
    )
    walls: WallCells = key("cells", "frozen cells at each end; 0 only for a chain", 2)


class Run(Section):
    """Time step, lengths of the run and how it is computed."""

    timestep: Positive = key("tau0", "time step", 0.005)
    equilibration_steps: StepsOrNone = key(
        "steps", "steps before measuring; a multiple of series_steps", 100_000
    )
    production_steps: Steps = key("steps", "measured steps; a multiple of series_steps", 400_000)
    sample_every: Steps = key("steps", "interval between measurements", 10)
    series_steps: Steps = key(
        "steps", "stretch averaged into one row of samples.h5; a multiple of sample_every", 100
    )
    block_steps: Steps = key(
        "steps",
        "compiled stretch between checks, checkpoints and progress lines; a multiple of series_steps",
        20_000,
    )
    replicas: Count = key("copies", "independent copies in one process, seeds derived from seed", 1)
    seed: Seed = key("", "seed of all random numbers", 1)
    threads: Count = key("threads", "threads of the run; the result does not depend on them", 2)
    checkpoint_seconds: Positive = key("s", "wall time between checkpoints", 600.0)
    precision: Literal["double", "mixed"] = key(
        "", "floating-point precision (mixed: not supported yet)", "double"
    )
    forces: Literal["auto", "lattice", "verlet"] = key(
        "", "neighbour table: fixed for crystals, or (not supported yet) a Verlet list", "auto"
    )

    @field_validator("forces", mode="after")
    @classmethod
    def _resolve_auto(cls, value):
        return "lattice" if value == "auto" else value


class Fit(Section):
    """What the bulk fits leave out."""

    skip_bath: NonNegative = key("cells", "left out of the bulk fit next to each bath", 4.0)
    skip_interface: NonNegative = key("cells", "left out of the bulk fit next to the interface", 4.0)


class Config(Section):
    """One run, every default filled in; `load_config` and `parse_config` check it as a whole."""

    name: Name | None = key("", "name of the study's directory in results/; else the file's name", None)
    units: Literal["lj"] = key("", "reduced units of a reference substance")
    structure: Structure = section("The junction.")
    materials: Materials = section("The two materials.")
    interaction: Interaction = section("The interaction.")
    baths: Baths = section("Heat baths and walls.")
    run: Run = section("The run.", default_factory=Run)
    fit: Annotated[
        Annotated[Fit, Tag("keys")] | Annotated[Literal["auto"], Tag("value")], Discriminator(keys_or_value)
    ] = key("cells", "what the bulk fits leave out (auto: not supported yet)", Fit())

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data):
        return fill_by_potential(data) if isinstance(data, Mapping) else data


KEYS = config_docs.keys(Config)
SECTIONS = config_docs.sections(Config)
SWEEP_TEXT = (
    "dotted keys with lists of values, whose product the study runs; or table: a CSV file (relative to this "
    "file) with one column per dotted key and one line per point"
)


def fill_by_potential(data: Mapping) -> dict:
    """Return a copy of a config's data with the defaults that depend on the potential filled in."""
    data = dict(data)
    interaction, structure = data.get("interaction"), data.get("structure")
    if not isinstance(interaction, dict) or not isinstance(interaction.get("potential"), str):
        return data
    chain = isinstance(structure, dict) and structure.get("lattice") == "chain"
    if interaction.get("cross") is None:
        data = set_path(data, "interaction.cross", {})
    for item in KEYS.values():
        default = (item.by_potential or {}).get(interaction["potential"], REQUIRED)
        section_key, _, leaf = item.path.rpartition(".")
        if default is REQUIRED or (chain and leaf == "transverse_stiffness"):
            continue
        try:
            parent = get_path(data, section_key)
        except KeyError:
            continue
        if isinstance(parent, dict) and parent.get(leaf) is None:
            data = set_path(data, item.path, default)
    return data


# ---- from data to a Config, with every problem at once ----


def parse_config(data: Mapping) -> Config:
    """Return the checked configuration of one run from nested mappings.

    Raises
    ------
    ConfigError
        With every problem of keys, values, geometry and lattice dynamics; also if there is a `sweep`.
    """
    data = dict(data)
    if data.pop("sweep", None):
        raise refuse("sweep", "present", "one run has no sweep")
    config, problems = _examine(data)
    if problems:
        raise ConfigError(problems)
    return config


def _examine(data: dict) -> tuple[Config | None, list[Problem]]:
    """Return the config (None if some key is wrong) and every problem, those between sound keys included."""
    data = fill_by_potential(data)
    try:
        config, problems = Config.model_validate(data), []
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        config, problems = None, [explain(Config, item["loc"], data, KEYS, SECTIONS) for item in found]
    view = config or salvage(Config, data)
    unsupported = config_checks.find_unsupported(view)
    if unsupported:
        view = salvage(Config, data)
        for problem in unsupported:
            drop(view, problem.key)
    complete = config is not None and not unsupported
    problems += unsupported + config_checks.find_problems(view, KEYS, complete)
    return config, list(dict.fromkeys(problems))


# ---- files, sweeps, overrides ----


class Point(NamedTuple):
    """One run of a study: the swept values, the resolved config, the run's name."""

    values: dict[str, Any]
    config: Config
    run_id: str


class Study(NamedTuple):
    """A config file: its points in the order of the sweep (a file without a sweep has one)."""

    name: str
    swept_keys: list[str]
    points: list[Point]


def load_study(path: str | Path) -> Study:
    """Return every run of a config file.

    Raises
    ------
    ConfigError
        With the problems of every point; one that several points share is listed once.
    """
    path = Path(path)
    data = read_mapping(path)
    columns, rows, problems = _expand(data.pop("sweep", None), path.parent)
    points, runs = [], {}
    for row in rows:
        values = dict(zip(columns, row, strict=True))
        config, found = _examine(_override(data, values))
        problems += found
        if found:
            continue
        point = Point({key: config_checks.get(config, key) for key in columns}, config, run_id(config))
        if config_hash(config) in runs:
            text = ", ".join(f"{key}={show(value)}" for key, value in values.items())
            problems.append(Problem("sweep", text, "each point only once"))
        runs[config_hash(config)] = point
        points.append(point)
    name = data.get("name") or path.stem
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        if not data.get("name"):
            problems.append(
                Problem(
                    "name",
                    "missing",
                    f"the file's own name cannot name a study; must be {KEYS['name'].allowed}",
                )
            )
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return Study(name, columns, points)


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the config of one run; `overrides` are dotted keys with values, and may name a point of a sweep.

    Raises
    ------
    ConfigError
        With every problem; also if the file has a sweep and the overrides leave one of its keys open.
    """
    overrides = dict(overrides or {})
    path = Path(path)
    data = read_mapping(path)
    columns, _, problems = _expand(data.pop("sweep", None), path.parent)
    problems += [problem for key in overrides for problem in check_key(key, KEYS, SECTIONS)]
    left = [key for key in columns if key not in overrides]
    if left:
        hint = " ".join(f"--set {key}=..." for key in left)
        problems.append(
            Problem("sweep", ", ".join(left), f"one run has no sweep; name one of its points with {hint}")
        )
    known = {key: value for key, value in overrides.items() if key in KEYS}
    # keys that the sweep would set are missing here: their problems would only repeat the line above
    found = [problem for problem in _examine(_override(data, known))[1] if problem.key not in left]
    problems = list(dict.fromkeys(problems + found))
    if problems:
        raise ConfigError(problems)
    return parse_config(_override(data, known))


def _override(data: dict, values: Mapping[str, Any]) -> dict:
    for path, value in values.items():
        data = set_path(data, path, value)
    return data


def _expand(sweep, folder: Path) -> tuple[list[str], list[list], list[Problem]]:
    return expand(sweep, folder, lambda key: check_key(key, KEYS, SECTIONS), NOT_IN_HASH)


# ---- identity, writing ----


def config_hash(config: Config) -> str:
    """Return the sha256 (hex) of the resolved config without the keys that cannot change a result."""
    data = config.model_dump(mode="json", exclude_none=True)
    for path in NOT_IN_HASH:
        section, _, leaf = path.rpartition(".")
        (data[section] if section else data).pop(leaf, None)
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def run_id(config: Config) -> str:
    """Return the name of the run's directory: `r-` and the first ten digits of the hash."""
    return f"r-{config_hash(config)[:10]}"


def dump_config(config: Config) -> str:
    """Return the resolved config as YAML with every default filled in; reading it gives the same hash."""
    data = config.model_dump(mode="json", exclude_none=True)
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=None)


def json_schema() -> dict:
    """Return the JSON schema of a config file."""
    return config_docs.json_schema(Config, SWEEP_TEXT)


def key_table() -> str:
    """Return configs/README.md: how to read a config file, and a table of every key."""
    return config_docs.key_table(Config, SWEEP_TEXT)
