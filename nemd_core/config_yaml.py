"""From text to plain data: YAML files, YAML scalars, sweep tables, dotted keys.

Nothing here knows what a key means. Every refusal is a `ConfigError`.
"""

import csv
import io
import re
import reprlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml

from nemd_core.errors import ConfigError, Problem

_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_INF_NAN = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
EXPONENT_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$")
"""Numbers that YAML 1.1 loaders hand over as text."""


class _Loader(yaml.SafeLoader):
    """Safe loader with YAML 1.2 numbers (5e-3 is one, 010 is ten, 1:30 is text); refuses repeated keys."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key_node, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            key = (key_node.tag, key_node.value) if isinstance(key_node, yaml.ScalarNode) else id(key_node)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key_node.value} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in resolvers if tag not in _NUMBER_TAGS]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_NUMBER_TAGS[0], _INT, list("-+0123456789"))
_Loader.add_implicit_resolver(_NUMBER_TAGS[1], _FLOAT, list("-+.0123456789"))
_Loader.add_implicit_resolver(_NUMBER_TAGS[1], _INF_NAN, list("-+."))
_Loader.add_constructor(_NUMBER_TAGS[0], lambda loader, node: int(loader.construct_scalar(node), 10))


def parse_yaml(text: str, source: str):
    """Return the one document in `text`; `source` names it in the error.

    Raises
    ------
    ConfigError
        If the text is not YAML, repeats a key, or asks for objects that the safe loader refuses.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # _Loader is a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the text"
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        raise refuse(source, where, f"not valid YAML: {one_line(reason)}") from None
    except (ValueError, RecursionError) as error:
        raise refuse(source, "the text", f"not valid YAML: {one_line(error)}") from None


def refuse(key: str, value: str, allowed: str) -> ConfigError:
    """Return the error for one problem."""
    return ConfigError([Problem(key, value, allowed)])


def read_text(path: Path, key: str | None = None) -> str:
    """Return the UTF-8 text of a file; a `ConfigError` under `key` (default: the path) if there is none."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        reason = "no such file"
    except UnicodeDecodeError:
        reason = "not UTF-8 text"
    except (OSError, ValueError) as error:
        reason = one_line(getattr(error, "strerror", None) or str(error))
    if key is None:
        raise refuse(str(path), "cannot be read", reason)
    raise refuse(key, str(path), f"cannot be read: {reason}")


def read_mapping(path: Path) -> dict:
    """Return the mapping at the top of a YAML file, or raise `ConfigError`."""
    data = parse_yaml(read_text(path), str(path))
    if data is None:
        raise refuse(str(path), "empty", "must be a mapping of sections: units, structure, materials, ...")
    if not isinstance(data, dict):
        raise refuse(str(path), show(data), "must be a mapping of sections: units, structure, materials, ...")
    return data


def parse_overrides(items: Iterable[str]) -> dict[str, object]:
    """Return {dotted key: value} from texts like `run.seed=3`; values are YAML. A later item wins.

    Raises
    ------
    ConfigError
        If an item has no `=` or its value is not YAML.
    """
    overrides = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not key.strip():
            raise refuse("--set", show(item), "must look like run.seed=3")
        overrides[key.strip()] = parse_yaml(text, key.strip())
    return overrides


def read_table(path: Path, key: str) -> tuple[list[str], list[list]]:
    """Return (columns, rows) of a CSV file whose cells are YAML scalars; `key` names it in errors."""
    try:
        lines = [
            row
            for row in csv.reader(io.StringIO(read_text(path, key)), strict=True)
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise refuse(key, str(path), f"not a CSV table: {one_line(error)}") from None
    if len(lines) < 2:
        raise refuse(key, str(path), "must hold a line of dotted keys and at least one line of values")
    columns = [cell.strip() for cell in lines[0]]
    problems = []
    for column in columns:
        if columns.count(column) > 1:
            problems.append(Problem(key, show(column), "each column only once"))
    rows = []
    for number, line in enumerate(lines[1:], 1):
        if len(line) != len(columns) or not all(map(str.strip, line)):
            problems.append(Problem(key, f"point {number}", f"must have {len(columns)} values, none empty"))
            continue
        rows.append([parse_yaml(cell, f"{key}, point {number}") for cell in line])
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return columns, rows


def get_path(data, path: str):
    """Return the value at a dotted key of nested mappings; KeyError if there is none."""
    for part in path.split("."):
        if not isinstance(data, dict):
            raise KeyError(path)
        data = data[part]
    return data


def set_path(data: dict, path: str, value) -> dict:
    """Return a copy of nested mappings with the dotted key set; what is no mapping on the way is replaced."""
    head, _, rest = path.partition(".")
    if rest:
        inner = data.get(head)
        value = set_path(inner if isinstance(inner, dict) else {}, rest, value)
    return {**data, head: value}


def set_paths(data: dict, values: Mapping[str, object]) -> dict:
    """Return a copy of nested mappings with each of the dotted keys set, in their order."""
    for path, value in values.items():
        data = set_path(data, path, value)
    return data


_repr = reprlib.Repr()
_repr.maxlevel, _repr.maxstring, _repr.maxother = 3, 60, 60


def show(value) -> str:
    """Return a value for an error line: short, on one line, as one would write it in YAML."""
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = value.isprintable() and value.strip() == value != "" and len(value) <= 60
        looks_like_number = _INT.match(value) or _FLOAT.match(value) or value in ("true", "false", "null")
        return value if plain and not looks_like_number else _repr.repr(value)
    try:
        return one_line(_repr.repr(value))
    except (ValueError, RecursionError):  # an integer too long to print, a structure too deep
        return f"a {type(value).__name__} too large to show"


def one_line(text) -> str:
    """Return text with every run of white space as one blank."""
    return " ".join(str(text).split())
