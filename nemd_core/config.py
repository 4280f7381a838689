"""Reading a configuration: files, sweeps and overrides become checked `Config`s, with every problem at once.

The models are in config_models.py, what a key must be by itself in config_types.py, what keys must be together in
config_checks.py. Files become plain data in config_yaml.py, values that depend on others are filled in by config_fill.py,
sweeps become points in config_sweep.py, errors lines in config_problems.py; hashes are made in config_identity.py,
the key table and the schema in config_docs.py.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError

from nemd_core import config_checks, config_docs
from nemd_core.config_fill import BATH_TEMPERATURES, fill, resolve_file
from nemd_core.config_identity import (
    NOT_IN_DYNAMICS,
    NOT_IN_HASH,
    STRUCTURE_INPUT,
    config_hash,
    dump_config,
    dynamics_hash,
    run_id,
)
from nemd_core.config_models import KEYS, SECTIONS, Config
from nemd_core.config_problems import check_key, drop, explain, get, salvage
from nemd_core.config_sweep import expand
from nemd_core.config_types import Name
from nemd_core.config_yaml import read_mapping, refuse, set_path, show
from nemd_core.errors import ConfigError, Problem

__all__ = [
    "KEYS",
    "NOT_IN_DYNAMICS",
    "NOT_IN_HASH",
    "SECTIONS",
    "STRUCTURE_INPUT",
    "Config",
    "Point",
    "Study",
    "config_hash",
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
    if data.pop("sweep", None):
        raise refuse("sweep", "present", "one run has no sweep")
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
    return [p for p in problems if not (p.key in BATH_TEMPERATURES and p.value == "missing")]


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
        config, found = _examine(_override(data, values), path.parent)
        problems += found
        if found:
            continue
        swept = {key: _swept_value(config, key, value) for key, value in values.items()}
        point = Point(swept, config, run_id(config))
        if config_hash(config) in runs:
            text = ", ".join(f"{key}={show(value)}" for key, value in values.items())
            problems.append(Problem("sweep", text, "each point only once"))
        runs[config_hash(config)] = point
        points.append(point)
    name = data.get("name") or path.stem
    problems += _name_problems(data, name)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return Study(name, columns, points)


def _name_problems(data: dict, name) -> list[Problem]:
    """Return that a file's own name cannot name its study; a name that is given is checked with the other keys."""
    try:
        TypeAdapter(Name).validate_python(name)
    except ValidationError:
        if not data.get("name"):
            text = f"the file's own name cannot name a study; must be {KEYS['name'].allowed}"
            return [Problem("name", "missing", text)]
    return []


def _swept_value(config: Config, key: str, given):
    """Return the value of a swept key as the config has it; what the resolved config no longer holds, as given."""
    value = get(config, key)
    if key == "structure.file":
        return given
    if key in ("baths.mean", "baths.difference"):
        return float(given)
    return value.model_dump() if isinstance(value, BaseModel) else value


def load_config(path: str | Path, overrides: Mapping[str, Any] | None = None) -> Config:
    """Return the config of one run; `overrides` are dotted keys with values, and may name a point of a sweep.

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
    columns, _, problems = _expand(data.pop("sweep", None), path.parent)
    left = [key for key in columns if key not in overrides]
    if left:
        hint = " ".join(f"--set {key}=..." for key in left)
        text = f"one run has no sweep; name one of its points with {hint} (in Python: overrides)"
        problems.append(Problem("sweep", ", ".join(left), text))
    config, found = _examine(_override(data, overrides), path.parent)
    # keys that the sweep would set are missing here: their problems would only repeat the line above
    problems += [problem for problem in found if problem.key not in left]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return config


def _override(data: dict, values: Mapping[str, Any]) -> dict:
    for path, value in values.items():
        data = set_path(data, path, value)
    return data


def _expand(sweep, folder: Path) -> tuple[list[str], list[list], list[Problem]]:
    return expand(sweep, folder, lambda key: check_key(key, KEYS, SECTIONS), NOT_IN_HASH)


def json_schema() -> dict:
    """Return the JSON schema of a config file."""
    return config_docs.json_schema(Config, SWEEP_TEXT)


def key_table() -> str:
    """Return configs/README.md: how to read a config file, and a table of every key."""
    return config_docs.key_table(Config, SWEEP_TEXT)
