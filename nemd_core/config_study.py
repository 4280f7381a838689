"""A study: the points of a sweep, each a base, and the points that limits put around them, as one list of runs.

Takes configs that are sound; what makes them, and what may be wrong with them, is in config.py.
"""

from typing import Any, NamedTuple

from pydantic import BaseModel

from nemd_core.config_fill import BATH_TEMPERATURES
from nemd_core.config_identity import config_hash, run_id
from nemd_core.config_limits import Limit, Series, Step
from nemd_core.config_models import Config
from nemd_core.config_problems import get
from nemd_core.config_yaml import get_path, set_paths, show
from nemd_core.errors import Problem

_MEAN = ("baths.mean", "baths.difference")
"""They stand for the two temperatures, and are no keys of a resolved config."""


class Point(NamedTuple):
    """One run of a study: its values of the keys that vary, the resolved config, the run's name."""

    values: dict[str, Any]
    config: Config
    run_id: str


class Study(NamedTuple):
    """A config file: the points of its sweep in their order (without a sweep, one), then those that limits add."""

    name: str
    swept_keys: list[str]
    points: list[Point]
    """Each with values of the same keys: the swept ones, then those that limits change."""
    limits: list[Limit]


class Base(NamedTuple):
    """A point of the sweep: its values, its data, the config (None if it is refused), and what is wrong with it."""

    values: dict[str, Any]
    data: dict
    config: Config | None
    problems: list[Problem]


def find_twins(bases: list[Base]) -> list[Problem]:
    """Return the points of a sweep that are the run of an earlier one."""
    runs, problems = set(), []
    for base in bases:
        if base.problems:
            continue
        identity = config_hash(base.config)
        if identity in runs:
            text = ", ".join(f"{key}={show(value)}" for key, value in base.values.items())
            problems.append(Problem("sweep", text, "each point only once"))
        runs.add(identity)
    return problems


def assemble(
    name: str, swept: list[str], bases: list[Base], series: list[Series], around: list[list[list[Step]]]
) -> Study:
    """Return the study of sound bases; `around` holds, for each of them, the points of each series."""
    columns = _columns(swept, [step.settings for lists in around for steps in lists for step in steps])
    points = {
        config_hash(base.config): Point(
            _values(columns, base.config, base.data), base.config, run_id(base.config)
        )
        for base in bases
    }
    limits = []
    for base, lists in zip(bases, around, strict=True):
        own = points[config_hash(base.config)]
        case = {key: own.values[key] for key in swept}
        for item, steps in zip(series, lists, strict=True):
            for step in steps:
                if config_hash(step.config) not in points:
                    values = _values(columns, step.config, set_paths(base.data, step.settings))
                    points[config_hash(step.config)] = Point(values, step.config, run_id(step.config))
            names = [run_id(step.config) for step in steps]
            values = [step.value for step in steps]
            limits.append(Limit(case, item.name, item.parameter, values, names, own.run_id))
    return Study(name, swept, list(points.values()), limits)


def _columns(swept: list[str], settings: list[dict]) -> list[str]:
    """Return the keys that vary in a study."""
    changed = (BATH_TEMPERATURES if key in _MEAN else (key,) for item in settings for key in item)
    return list(dict.fromkeys([*swept, *(key for keys in changed for key in keys)]))


def _values(columns: list[str], config: Config, data: dict) -> dict[str, Any]:
    return {key: _value(key, config, data) for key in columns}


def _value(key: str, config: Config, data: dict):
    """Return the value of a key as the config has it (None where it has none); what it does not hold, as given."""
    if key == "structure.file":
        return get_path(data, key)
    if key in _MEAN:
        return float(get_path(data, key))
    try:
        value = get(config, key)
    except AttributeError:  # a key of a section that is absent, or replaced by one value
        return None
    return value.model_dump() if isinstance(value, BaseModel) else value
