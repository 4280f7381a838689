"""From what pydantic says to lines that a user can act on: dotted key, value, what is allowed."""

import difflib
from collections.abc import Collection
from types import SimpleNamespace
from typing import Annotated

from pydantic import BaseModel, Discriminator, TypeAdapter, ValidationError

from nemd_core.config_docs import allowed_text, is_leaf, section_of
from nemd_core.config_yaml import show
from nemd_core.errors import Problem


def explain(
    model: type[BaseModel], loc: tuple, data: dict, keys: Collection, sections: Collection
) -> Problem:
    """Return one pydantic error at `loc` as a problem of the key that holds the value."""
    path, field, tagged = [], None, False
    for part in map(str, loc):
        if tagged:  # pydantic's mark of what a field that takes a value or a section was read as
            tagged, model = False, model if part == "keys" else None
        elif model is None:
            break  # a place inside a leaf's value
        else:
            path.append(part)
            field = model.model_fields.get(part)
            if field is None:
                break
            model = section_of(field)
            tagged = model is not None and is_leaf(field)
    dotted, value = ".".join(path), data
    for part in path:
        names = {str(name): name for name in value}
        if part not in names:
            return Problem(dotted, "missing", f"must be {allowed_text(field)}")
        value = value[names[part]]
    if field is None:
        return Problem(printable(dotted), show(value), suggest(path, keys, sections))
    return Problem(dotted, show(value), f"must be {allowed_text(field)}")


def check_key(key, keys: Collection, sections: Collection) -> list[Problem]:
    """Return the problem of a dotted key that is to be set or swept, as a list; empty if it is a leaf."""
    if key in keys:
        return []
    if key in sections:
        first = next(k for k in keys if k.startswith(f"{key}."))
        return [Problem(key, "a section", f"must be one of its keys, such as {first}")]
    return [Problem(printable(str(key)), "unknown", suggest(str(key).split("."), keys, sections))]


def suggest(path: list[str], keys: Collection, sections: Collection) -> str:
    """Return the words for a key that does not exist, with the closest one that does."""
    parent, leaf, key = ".".join(path[:-1]), path[-1], ".".join(path)
    if "." in leaf:
        return "no such key; outside sweep and limits, write sections as nested mappings"
    known = [*keys, *sections, "sweep", "limits"]
    siblings = [k for k in known if k.rpartition(".")[0] == parent]
    by_leaf = {k.rpartition(".")[2]: k for k in reversed(known)}
    match = difflib.get_close_matches(key, siblings, 1, 0.85) or [
        by_leaf[name] for name in difflib.get_close_matches(leaf, by_leaf, 1, 0.7)
    ]
    match = match or difflib.get_close_matches(key, known, 1, 0.75)
    if match:
        return f"no such key; did you mean {match[0]}?"
    if siblings:
        return f"no such key; there are {', '.join(dict.fromkeys(siblings))}"
    return "no such key"


def printable(key: str) -> str:
    """Return a key fit for one line."""
    return key if key.isprintable() and len(key) <= 100 else show(key)


def salvage(model: type[BaseModel], data) -> SimpleNamespace:
    """Return the values under a model that are right by themselves; those that are not have no attribute."""
    values = {}
    for name, field in model.model_fields.items():
        given = data.get(name) if isinstance(data, dict) else None
        section = section_of(field)
        if section is not None and not field.is_required() and field.default is None:  # may be left out
            if given is None or isinstance(given, dict):
                values[name] = None if given is None else salvage(section, given)
        elif section is not None and (isinstance(given, dict) or not (is_leaf(field) or field.is_required())):
            values[name] = salvage(section, given)
        elif isinstance(data, dict) and name in data and (section is None or is_leaf(field)):
            metadata = [item for item in field.metadata if not isinstance(item, Discriminator)]
            annotation = Annotated[field.annotation, *metadata] if metadata else field.annotation
            try:
                values[name] = TypeAdapter(annotation).validate_python(given)
            except ValidationError:
                continue
        elif not field.is_required():
            values[name] = field.get_default(call_default_factory=True)
    return SimpleNamespace(**values)


def get(config, key: str):
    """Return the value of a dotted key; AttributeError if salvaged values lack it."""
    for name in key.split("."):
        config = getattr(config, name)
    return config


def drop(view: SimpleNamespace, key: str) -> None:
    """Remove a dotted key from salvaged values."""
    *parents, leaf = key.split(".")
    for name in parents:
        view = getattr(view, name)
    delattr(view, leaf)
