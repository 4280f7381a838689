"""What keys there are: a walk over the section models gives the key table, the schema and the allowed values.

The models themselves (and their defaults) are in config_models.py; nothing here names a key of theirs.
"""

import copy
import types
from collections.abc import Iterator
from typing import Annotated, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

REQUIRED = "required"


class Allowed(str):
    """The values that a constrained type accepts, in words; rides along in `Annotated`."""


class Key(NamedTuple):
    """One leaf of the configuration."""

    path: str
    allowed: str
    default: object
    """The default, `REQUIRED`, or None when the default depends on the potential or there is none."""
    by_potential: dict | None
    """{potential: default or REQUIRED} for keys that only some potentials have."""
    unit: str
    description: str


def options(annotation, metadata=()) -> Iterator:
    """Yield what a type accepts: texts for values, model classes for sections; None is left out."""
    for item in metadata:
        if isinstance(item, Allowed):
            yield str(item)
            return
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *metadata = get_args(annotation)
        yield from options(inner, metadata)
    elif origin in (Union, types.UnionType):
        for inner in get_args(annotation):
            yield from options(inner)
    elif origin is Literal:
        yield from map(str, get_args(annotation))
    elif annotation is bool:
        yield from ("true", "false")
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif annotation is not type(None):
        raise TypeError(f"no words for the type {annotation}")


def section_of(field: FieldInfo) -> type[BaseModel] | None:
    """Return the model of a field that is, or may be, a section of keys."""
    for option in options(field.annotation, field.metadata):
        if not isinstance(option, str):
            return option
    return None


def is_leaf(field: FieldInfo) -> bool:
    """Return whether a field takes a value; one that takes a value or a section of keys is both."""
    return any(isinstance(option, str) for option in options(field.annotation, field.metadata))


def allowed_text(field: FieldInfo) -> str:
    """Return the values a field accepts in words, such as `lj, harmonic or lj-harmonic`."""
    texts = sorted(options(field.annotation, field.metadata), key=lambda option: not isinstance(option, str))
    texts = [
        t if isinstance(t, str) else f"a mapping with the keys {', '.join(t.model_fields)}" for t in texts
    ]
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def keys(model: type[BaseModel], prefix: str = "") -> dict[str, Key]:
    """Return every leaf under a model by its dotted key, in the order of the models."""
    found = {}
    for name, field in model.model_fields.items():
        path = prefix + name
        section = section_of(field)
        if is_leaf(field):
            extra = field.json_schema_extra or {}
            default = REQUIRED if field.is_required() else field.get_default(call_default_factory=True)
            found[path] = Key(
                path,
                allowed_text(field),
                default,
                extra.get("default_by_potential"),
                extra.get("unit", ""),
                extra.get("text", ""),
            )
        if section is not None:
            found |= keys(section, path + ".")
    return found


def sections(model: type[BaseModel], prefix: str = "") -> list[str]:
    """Return the dotted keys of all sections."""
    found = []
    for name, field in model.model_fields.items():
        section = section_of(field)
        if section is not None:
            found += [prefix + name, *sections(section, f"{prefix}{name}.")]
    return found


_TABLE_HEAD = """\
# Configuration

Each file here is a complete study; its first lines say what it shows, what the answer should be and how long
it takes.
`default.yaml` is the one that `make run` computes. Check a file of your own with

    python -m nemd_core check my.yaml

The table is generated: `python -m nemd_core schema --table > configs/README.md`.

- Units are reduced (`k_B = 1`): masses, energies and lengths in those of a reference substance, `m0`,
  `epsilon0`, `sigma0`, with the time `tau0 = sigma0 sqrt(m0/epsilon0)`. Neither material needs to be 1.
  `reference` says which substance gives the SI values; it does not change a run.
- Numbers may be written `5e-3`. Infinities and NaN are refused.
- A default that depends on the potential names it; a key without default there does not apply and is refused.
- `structure.interlayer` and `materials.C` may be left out as a whole; inside, `required` holds where they are given.
- `hot` is the bath in A, `cold` the one in B; hot may be the colder one. Positive flux runs from A to B.
- `baths: {mean: 0.25, difference: 0.2, ...}` stands for the temperatures 0.35 (hot) and 0.15 (cold). Both keys can be
  swept; a run's own config holds the two temperatures.
- `length` and `cross_section` count cells of the lattice in its orientation; their edges stand at
  `structure.orientation`.
- `structure.file` holds one atom for each site of the lattice that the other keys describe, within a quarter of the
  neighbour distance, positions in `sigma0`. Its column `material` (A, B or C) counts before chemical symbols; without
  it, atoms are told by the `symbol` of each material. Masses in the file are not read. With fixed ends the atoms may
  stand anywhere along x; with periodic ends x = 0 is the first layer of the file. A run keeps a copy as `input.extxyz`.
- `sweep` takes dotted keys with lists, and the study runs their product:
  `sweep: {materials.B.mass: [1, 2, 4], run.seed: [1, 2]}` is six runs. Lists under `zip` are walked together, as one
  factor of the product: `sweep: {zip: {structure.length.A: [20, 40], structure.length.B: [20, 40]}}` is two runs;
  `zip` may be a list of such mappings. `sweep: {table: points.csv}` reads the points from a CSV file next to the
  config: one column per dotted key, one line per point.
- `run.until: {relative_error: 0.02, max_steps: 4000000}` lets a run go on until the error of R_K is 2 % of it, for at
  most so many measured steps.
- `theory: null` leaves the theory out of the pipeline. No key of this section makes another run of a config.
- `limits` asks what R_K still depends on, or extrapolates it. The config itself is the base, and always one of the points;
  each list varies one thing about it:
  `limits: {length: {cells: [16, 36, 54]}, bath: {friction: [0.3, 3], ramp: [false, true]}}` is, for a base of 24 cells with
  friction 1 and no ramp, the base and six more runs. A length may be `{A: 16, B: 20}`, a cross-section `[6, 4]`. Other dotted
  keys in a block with one list are lists of the same length:
  `limits: {length: {cells: [36, 54], run.production_steps: [300000, 600000]}}`. With a sweep, each of its points is a base.

| key | default | allowed | unit | meaning |
|---|---|---|---|---|
"""


def _cell(text) -> str:
    return str(text).replace("|", "\\|")


def _default_text(key: Key) -> str:
    if key.by_potential:
        return "; ".join(f"{potential}: {value}" for potential, value in key.by_potential.items())
    if key.default is None:
        return ""
    if isinstance(key.default, BaseModel):
        return ", ".join(
            f"{name}: {value if isinstance(value, str) else format(value, 'g')}"
            for name, value in key.default
        )
    if isinstance(key.default, bool):
        return str(key.default).lower()
    if isinstance(key.default, tuple):
        return ", ".join(key.default)
    return f"{key.default:g}" if isinstance(key.default, float) else str(key.default)


def key_table(model: type[BaseModel], sweep_text: str, limits: list[tuple[str, ...]]) -> str:
    """Return configs/README.md: how to read a config, and one row per key; `limits` are the rows of that block."""
    rows = [
        (f"`{key.path}`", _default_text(key), key.allowed, key.unit or "-", key.description)
        for key in keys(model).values()
    ]
    rows += [("`sweep`", "", "dotted keys with lists and zip, or table", "-", sweep_text), *limits]
    return _TABLE_HEAD + "".join(f"| {' | '.join(map(_cell, cells))} |\n" for cells in rows)


def json_schema(model: type[BaseModel], sweep_text: str, limits: dict) -> dict:
    """Return the JSON schema (draft 2020-12) of a config file, its `sweep` and the schema of its `limits` included."""
    schema = copy.deepcopy(model.model_json_schema())
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    lists = {
        "type": "object",
        "propertyNames": {"enum": list(keys(model))},
        "additionalProperties": {"type": "array", "minItems": 1},
        "minProperties": 1,
    }
    schema["properties"]["sweep"] = {
        "description": sweep_text,
        "anyOf": [
            {"type": "null"},
            {
                "type": "object",
                "properties": {"table": {"type": "string"}},
                "required": ["table"],
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"zip": {"anyOf": [lists, {"type": "array", "minItems": 1, "items": lists}]}},
                "propertyNames": {"enum": [*keys(model), "zip"]},
                "additionalProperties": {"type": "array", "minItems": 1},
            },
        ],
    }
    schema["properties"]["limits"] = limits
    return schema
