"""The `limits` of a config file: lists that vary one thing about a base, to extrapolate it away or to find a plateau.

`read_limits` checks the block by itself, `expand_limit` finds the runs of one list around one base. What can be varied
stands in config_parameters.py; how bases, limits and sweep make a study, in config.py.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter, ValidationError

from nemd_core.config_identity import config_hash
from nemd_core.config_models import Config
from nemd_core.config_parameters import LIMITS, order, plain
from nemd_core.config_problems import get, printable
from nemd_core.config_yaml import show
from nemd_core.errors import ConfigError, Problem

LIMITS_TEXT = (
    "what a result is not to depend on, or is extrapolated in: each block has a list of values that replace the "
    "config's own one at a time, and may have dotted keys with lists of the same length, set along with it"
)

_SIZES = {"structure.length.A", "structure.length.B", "structure.cross_section"}


class Limit(NamedTuple):
    """The runs of one list around one base."""

    case: dict[str, Any]
    """Swept keys with the values of the base."""
    name: str
    """length, bias, cross_section, bath or timestep."""
    parameter: str
    """cells, difference, friction, length, ramp or timestep."""
    values: list
    """The listed ones and the base's own, in rising order."""
    run_ids: list[str]
    base: str
    """The run of the base, one of `run_ids`."""


class Series(NamedTuple):
    """One list of the block: values of a parameter, and those of the keys beside it."""

    name: str
    parameter: str
    values: list
    beside: dict[str, list]
    whole: bool
    """Whether no value was left out because it is wrong by itself."""

    @property
    def path(self) -> str:
        return f"limits.{self.name}.{self.parameter}"


class Step(NamedTuple):
    """One value of a list, the config that has it, and what tells it from the base: {dotted key: value}."""

    value: Any
    config: Any
    settings: dict[str, Any]


# ---- the block by itself ----


def read_limits(block, check_key: Callable[[str, str], list[Problem]]) -> tuple[list[Series], list[Problem]]:
    """Return the sound lists of a `limits` block, and what is wrong with it whatever the config is.

    `check_key` returns the problems of a dotted key that is listed, with the prefix that it is to have in them.
    """
    if block is None or block == {}:
        return [], []
    names = ", ".join(LIMITS)
    if not isinstance(block, dict):
        return [], [Problem("limits", show(block), f"must be a mapping with some of {names}")]
    found, problems = [], []
    for name, content in block.items():
        if name not in LIMITS:
            problems.append(
                Problem(f"limits.{printable(str(name))}", "unknown", f"no such limit; there are {names}")
            )
        elif not isinstance(content, dict) or not content:
            lists = _join(LIMITS[name])
            problems.append(
                Problem(f"limits.{name}", show(content), f"must be a mapping with a list {lists}")
            )
        else:
            series, wrong = _read_block(name, content, check_key)
            found += series
            problems += wrong
    return found, problems


def _join(names: Collection[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def _read_block(name: str, content: dict, check_key) -> tuple[list[Series], list[Problem]]:
    varied = [key for key in content if key in LIMITS[name]]
    problems = list(_check_beside(name, content, varied, check_key))
    if not varied and not problems:
        problems.append(Problem(f"limits.{name}", "no list", f"must have a list {_join(LIMITS[name])}"))
    beside = None if problems else {key: values for key, values in content.items() if key not in varied}
    found = []
    for parameter in varied:
        values, wrong = _read_values(name, parameter, content[parameter])
        problems += wrong
        if beside is not None and values:  # else what is wrong with the points might be due to that
            kept = {key: [listed[number] for number in values] for key, listed in beside.items()}
            found.append(Series(name, parameter, list(values.values()), kept, not wrong))
    return found, problems


def _check_beside(name: str, content: dict, varied: list[str], check_key) -> Iterator[Problem]:
    """Yield what is wrong with the dotted keys of a block."""
    prefix = f"limits.{name}"
    for key, values in content.items():
        path = f"{prefix}.{printable(str(key))}"
        if key in varied:
            continue
        wrong = check_key(key, prefix)
        if wrong and wrong[0].value == "unknown" and "." not in str(key):
            yield Problem(path, "unknown", f"must be {_join(LIMITS[name])}, or a dotted key of the config")
        elif wrong:
            yield from wrong
        elif len(varied) > 1:
            text = f"must stand in a block with one list; here are {' and '.join(varied)}"
            yield Problem(path, "listed", text)
        elif varied and key in LIMITS[name][varied[0]].keys:
            yield Problem(path, "listed", f"must be absent: {varied[0]} sets it")
        elif not isinstance(values, list):
            yield Problem(path, show(values), "must be a list")
        elif varied and isinstance(content[varied[0]], list) and len(values) != len(content[varied[0]]):
            text = f"must have as many values as {varied[0]}, {len(content[varied[0]])}"
            yield Problem(path, f"{len(values)} values", text)


def _read_values(name: str, parameter: str, values) -> tuple[dict[int, Any], list[Problem]]:
    """Return the sound values of a list by their place in it; each wrong one is a problem."""
    path, kind = f"limits.{name}.{parameter}", LIMITS[name][parameter]
    if not isinstance(values, list) or not values:
        return {}, [Problem(path, show(values), f"must be a list of values, each {kind.allowed}")]
    adapter, found, problems = TypeAdapter(kind.accepts), {}, []
    for number, value in enumerate(values):
        try:
            found[number] = plain(adapter.validate_python(value))
        except ValidationError:
            problems.append(Problem(path, show(value), f"must be {kind.allowed}"))
    return found, problems


# ---- around a base ----


def expand_limit(
    series: Series, base, examine: Callable[[Mapping], tuple[Any, list[Problem]]]
) -> tuple[list[Step], list[Problem]]:
    """Return the points of one list around a base, the base among them, in rising order; and what is wrong.

    Arguments
    ---------
    base : config; or the sound values of one that is refused, for which only problems can be found.
    examine : {dotted key: value} -> the base with these settings (None if it is refused), and the problems that the
        base does not have.
    """
    parameter = LIMITS[series.name][series.parameter]
    try:
        own = parameter.read(base)
        changes = [{} if value == own else parameter.settings(base, value) for value in series.values]
        file = base.structure.file
    except ConfigError as error:
        return [], error.problems
    except AttributeError:
        if isinstance(base, Config):
            raise
        return [], []  # a key of the base is wrong
    if series.whole and all(value == own for value in series.values):
        text = f"must hold a value other than {show(own)}, which is that of the config itself"
        return [], [Problem(series.path, show(series.values), text)]
    if file is not None and "structure.file" not in series.beside and _SIZES & set().union(*changes):
        text = "must be absent with structure.file, whose atoms are of one size; or list a structure.file for each value"
        return [], [Problem(series.path, "present", text)]
    found, problems = [], []
    for number, (value, settings) in enumerate(zip(series.values, changes, strict=True)):
        settings |= {key: values[number] for key, values in series.beside.items()}
        config, wrong = examine(settings)
        problems += [Problem(series.path, show(value), str(problem)) for problem in wrong]
        if config is not None:
            found.append(Step(value, config, settings))
    if problems or len(found) < len(series.values) or not isinstance(base, Config):
        return [], problems  # where the base is refused, its own problems are listed
    return _unite([Step(own, base, {}), *found], series)


def _unite(steps: list[Step], series: Series) -> tuple[list[Step], list[Problem]]:
    """Return one step for each value, in rising order, the first being the base's; and values that stand for two runs."""
    united, problems = {}, []
    for step in steps:
        known = united.setdefault(order(step.value), step)
        if config_hash(known.config) == config_hash(step.config):
            continue
        if known is steps[0]:
            keys = " and ".join(f"{key}{_own(known.config, key)}" for key in series.beside)
            text = (
                f"must have the config's own {keys} beside it; "
                f"or leave {show(step.value)} out: the config itself is always a point"
            )
        else:
            keys = " and ".join(series.beside)
            text = f"must be listed once: it stands there with different values of {keys}"
        problems.append(Problem(series.path, show(step.value), text))
    return [united[key] for key in sorted(united)], problems


def _own(config: Config, key: str) -> str:
    """Return the config's own value of a key in brackets; nothing where it is a whole section, or the config has none."""
    try:
        value = get(config, key)
    except AttributeError:  # a key of a section that is absent
        return ""
    return "" if isinstance(value, BaseModel) else f" ({show(value)})"


# ---- in words ----


def table_rows() -> list[tuple[str, ...]]:
    """Return a row of the key table for the block and each of its lists."""
    rows = [("limits", f"a mapping with some of {', '.join(LIMITS)}", "", LIMITS_TEXT)]
    for name, parameters in LIMITS.items():
        rows += [
            (f"limits.{name}.{parameter}", f"a list, each {kind.allowed}", kind.unit, kind.text)
            for parameter, kind in parameters.items()
        ]
    return [(f"`{key}`", "", words, unit or "-", text) for key, words, unit, text in rows]


def limits_schema(keys: Collection[str]) -> dict:
    """Return the JSON schema of the block; `keys` are the dotted keys of a config."""
    blocks = {}
    for name, parameters in LIMITS.items():
        lists = {}
        for parameter, kind in parameters.items():
            items = TypeAdapter(kind.accepts).json_schema()
            items.pop("$defs", None)  # the config's own schema has them
            description = f"{kind.text} [{kind.unit}]" if kind.unit else kind.text
            lists[parameter] = {"description": description, "type": "array", "minItems": 1, "items": items}
        blocks[name] = {
            "type": "object",
            "properties": lists,
            "propertyNames": {"enum": [*lists, *keys]},
            "additionalProperties": {"type": "array", "minItems": 1},
            "anyOf": [{"required": [parameter]} for parameter in lists],
        }
    block = {"type": "object", "properties": blocks, "additionalProperties": False}
    return {"description": LIMITS_TEXT, "anyOf": [{"type": "null"}, block]}
