"""Reading a configuration: files, sweeps, limits and overrides become checked `Config`s, with every problem at once.

The models are in config_models.py, what a key must be by itself in config_types.py, what keys must be together in
config_checks.py. Files become plain data in config_yaml.py, values that depend on others are filled in by config_fill.py,
sweeps become points in config_sweep.py and get others around them in config_limits.py, all of them a study in
config_study.py, errors lines in config_problems.py; hashes are made in config_identity.py, the key table and the schema
in config_docs.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from nemd_core import config_checks, config_docs
from nemd_core.config_fill import BATH_TEMPERATURES, fill, resolve_file
from nemd_core.config_identity import (
    NOT_IN_DYNAMICS,
    NOT_IN_HASH,
    STRUCTURE_INPUT,
    config_hash,
    crystal_twin,
    dump_config,
    dynamics_hash,
    run_id,
)
from nemd_core.config_limits import Limit, Series, Step, expand_limit, limits_schema, read_limits, table_rows
from nemd_core.config_models import KEYS, SECTIONS, Config
from nemd_core.config_problems import check_key, drop, explain, printable, salvage
from nemd_core.config_study import Base, Point, Study, assemble, find_twins
from nemd_core.config_sweep import MAX_POINTS, expand
from nemd_core.config_types import Name
from nemd_core.config_yaml import read_mapping, set_paths
from nemd_core.errors import ConfigError, Problem

__all__ = [
    "KEYS",
    "NOT_IN_DYNAMICS",
    "NOT_IN_HASH",
    "SECTIONS",
    "STRUCTURE_INPUT",
    "Config",
    "Limit",
    "Point",
    "Study",
    "config_hash",
    "crystal_twin",
    "dump_config",
    "dynamics_hash",
    "json_schema",
    "key_table",
    "load_config",
    "load_study",
    "parse_config",
    "run_id",
]

SWEEP_TEXT = (
    "dotted keys with lists of values, whose product the study runs; zip: a mapping, or a list of mappings, of such "
    "lists that are walked together; or table: a CSV file (relative to this file) with one column per dotted key and "
    "one line per point"
)


# ---- from data to a Config, with every problem at once ----


def parse_config(data: Mapping) -> Config:
    """Return the checked configuration of one run from nested mappings.

    A `structure.file` stays as it is written, and is not read.

    Raises
    ------
    ConfigError
        With every problem of keys, values, geometry and lattice dynamics; also if there is a `sweep`.
    """
    data = dict(data)
    present = [name for name in ("sweep", "limits") if data.pop(name, None)]
    if present:
        raise ConfigError(
            [Problem(name, "present", f"must be absent: one run has no {name}") for name in present]
        )
    config, problems = _examine(data)
    if problems:
        raise ConfigError(problems)
    return config


def _examine(data: dict, folder: Path | None = None) -> tuple[Config | None, list[Problem]]:
    """Return the config (None if some key is wrong) and every problem, those between sound keys included.

    folder: where `structure.file` is looked for; without one the file is left alone.
    """
    data, problems = fill(data, KEYS)
    if folder is not None:
        data, found = resolve_file(data, folder)
        problems += found
    config = None
    try:
        config = Config.model_validate(data)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        problems += _without_echoes(
            [explain(Config, item["loc"], data, KEYS, SECTIONS) for item in found], data
        )
    view = config or salvage(Config, data)
    refused = config_checks.find_refused(view, KEYS)
    if refused:
        view = salvage(Config, data)
        for problem in refused:
            drop(view, problem.key)
    problems += refused + config_checks.find_problems(view, KEYS, config is not None and not refused)
    return config, list(dict.fromkeys(problems))


def _without_echoes(problems: list[Problem], data: dict) -> list[Problem]:
    """Leave out that bath temperatures are missing where wrong values of `baths.mean` or `difference` are why."""
    baths = data.get("baths")
    if not isinstance(baths, dict) or all(baths.get(name) is None for name in ("mean", "difference")):
        return problems
    return [p for p in problems if not (p.key in BATH_TEMPERATURES and p.value in ("missing", "empty"))]


# ---- files, sweeps, limits, overrides ----


def load_study(path: str | Path) -> Study:
    """Return every run of a config file.

    Raises
    ------
    ConfigError
        With the problems of every point; one that several points share is listed once.
    """
    path = Path(path)
    data = read_mapping(path)
    swept, rows, problems = expand(data.pop("sweep", None), path.parent, _check_listed)
    series, found = read_limits(data.pop("limits", None), _check_listed)
    problems += found
    n_points = len(rows) * (1 + sum(len(item.values) for item in series))
    if n_points > MAX_POINTS:
        problems.append(
            Problem("limits", f"{n_points} points with those of the sweep", f"at most {MAX_POINTS}")
        )
        series = []
    bases = [_read_base(data, dict(zip(swept, row, strict=True)), path.parent) for row in rows]
    problems += [problem for base in bases for problem in base.problems] + find_twins(bases)
    around = []
    for base in bases:
        lists, found = _look_around(base, series, path.parent)
        around.append(lists)
        problems += found
    name = data.get("name") or path.stem
    problems += _name_problems(data, name)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return assemble(name, swept, bases, series, around)


def _read_base(data: dict, values: dict, folder: Path) -> Base:
    data = set_paths(data, values)
    return Base(values, data, *_examine(data, folder))


def _look_around(base: Base, series: list[Series], folder: Path) -> tuple[list[list[Step]], list[Problem]]:
    """Return the points of each series around a base, and their problems, without those of the base."""

    def examine(settings):
        config, problems = _examine(set_paths(base.data, settings), folder)
        return None if problems else config, [p for p in problems if p not in base.problems]

    sound = base.config or salvage(Config, fill(base.data, KEYS)[0])
    found = [expand_limit(item, sound, examine) for item in series]
    return [steps for steps, _ in found], [problem for _, problems in found for problem in problems]


def _name_problems(data: dict, name) -> list[Problem]:
    """Return that a file's own name cannot name its study; a name that is given is checked with the other keys."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        if not data.get("name"):
            text = f"the file's own name cannot name a study; must be {KEYS['name'].allowed}"
            return [Problem("name", "missing", text)]
    return []


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the config of one run; `overrides` are dotted keys with values, and may name a point of a sweep.

    `limits` are checked by themselves, and left out: the run is their base.

    Raises
    ------
    ConfigError
        With every problem; also if the file has a sweep and the overrides leave one of its keys open. Overrides that
        are no keys are reported alone.
    """
    overrides = dict(overrides or {})
    # what a misspelt key was meant to set would otherwise be reported as left open
    unknown = [problem for key in overrides for problem in check_key(key, KEYS, SECTIONS)]
    if unknown:
        raise ConfigError(unknown)
    path = Path(path)
    data = read_mapping(path)
    columns, _, problems = expand(data.pop("sweep", None), path.parent, _check_listed)
    problems += read_limits(data.pop("limits", None), _check_listed)[1]
    left = [key for key in columns if key not in overrides]
    if left:
        hint = " ".join(f"--set {key}=..." for key in left)
        text = f"one run has no sweep; name one of its points with {hint} (in Python: overrides)"
        problems.append(Problem("sweep", ", ".join(left), text))
    config, found = _examine(set_paths(data, overrides), path.parent)
    # keys that the sweep would set are missing here: their problems would only repeat the line above
    problems += [problem for problem in found if problem.key not in left]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return config


def _check_listed(key, prefix: str) -> list[Problem]:
    """Return the problem of a dotted key that has a list of values in a sweep or a limit, under that prefix."""
    if any(f"{key}.".startswith(f"{path}.") for path in NOT_IN_HASH):
        text = "must be a key that can change the result"
        return [Problem(f"{prefix}.{printable(str(key))}", "listed", text)]
    return [problem._replace(key=f"{prefix}.{problem.key}") for problem in check_key(key, KEYS, SECTIONS)]


def json_schema() -> dict:
    """Return the JSON schema of a config file."""
    return config_docs.json_schema(Config, SWEEP_TEXT, limits_schema(KEYS))


def key_table() -> str:
    """Return configs/README.md: how to read a config file, and a table of every key."""
    return config_docs.key_table(Config, SWEEP_TEXT, table_rows())
