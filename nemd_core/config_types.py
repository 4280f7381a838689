"""The types of configuration values: what each accepts, in code and in words, and how a field is declared."""

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from ase.data import chemical_symbols
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, Strict, StringConstraints

from nemd_core.config_docs import REQUIRED, Allowed
from nemd_core.config_yaml import EXPONENT_NUMBER


def to_number(value) -> float:
    """Return a value as a float; ValueError if it is not one, or too large for one."""
    if isinstance(value, str) and EXPONENT_NUMBER.match(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("not a number")
    try:
        return value + 0.0  # -0.0 becomes 0.0
    except OverflowError:
        raise ValueError("not a finite number") from None


def _integer(value):
    if isinstance(value, str) and EXPONENT_NUMBER.match(value):
        value = float(value)
    if isinstance(value, float) and math.isfinite(value) and value == round(value):
        value = int(value)  # 1e5 is an integer too
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not an integer")
    return value


def _float(allowed: str, **bounds):
    return Annotated[
        float,
        BeforeValidator(to_number),
        Field(allow_inf_nan=False, **bounds),
        Allowed(f"a number {allowed}".strip()),
    ]


def _int(allowed: str, **bounds):
    return Annotated[int, BeforeValidator(_integer), Field(**bounds), Allowed(f"an integer {allowed}")]


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("zero")
    return value


def _element(value: str) -> str:
    if value not in chemical_symbols[1:]:  # the first is a placeholder
        raise ValueError("not a chemical symbol")
    return value


def _some_regions(value: tuple) -> tuple:
    if not value or len(set(value)) < len(value):
        raise ValueError("none, or one twice")
    return tuple(region for region in REGIONS if region in value)


REGIONS = ("wall", "hot", "A", "B", "cold")

Number = _float("")
Positive = _float("> 0", gt=0)
NonNegative = _float(">= 0", ge=0)
Fraction = _float("above 0 and below 1", gt=0, lt=1)
NonZero = Annotated[
    float,
    BeforeValidator(to_number),
    AfterValidator(_not_zero),
    Field(allow_inf_nan=False),
    Allowed("a number other than 0"),
]
Cells = _int("from 1 to 1000000", ge=1, le=10**6)
WallCells = _int("from 0 to 1000", ge=0, le=1000)
Layers = _int("from 1 to 10000", ge=1, le=10**4)
LayersOrNone = _int("from 0 to 10000", ge=0, le=10**4)
Count = _int("from 1 to 100000", ge=1, le=10**5)
Steps = _int("from 1 to 10^12", ge=1, le=10**12)
StepsOrNone = _int("from 0 to 10^12", ge=0, le=10**12)
Seed = _int("from 0 to 2^63 - 1", ge=0, le=2**63 - 1)
CrossSection = Annotated[tuple[Cells, Cells], Allowed("two integers [ny, nz], each from 1 to 1000000")]
Orientation = Annotated[Literal[100, 110, 111], BeforeValidator(_integer)]
FileName = Annotated[str, StringConstraints(strict=True, min_length=1), Allowed("the name of a file")]
Sha256 = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[0-9a-f]{64}$"), Allowed("64 hexadecimal digits")
]
Symbol = Annotated[
    str, Strict(), AfterValidator(_element), Allowed("the symbol of a chemical element, such as Ar")
]
Regions = Annotated[
    tuple[Literal[REGIONS], ...],
    AfterValidator(_some_regions),
    Allowed(f"a list of some of {', '.join(REGIONS)}, each once"),
]
Mesh = _int("from 1 to 1000", ge=1, le=1000)
Frequencies = _int("from 10 to 100000", ge=10, le=10**5)
Temperatures = Annotated[
    tuple[Positive, ...], Field(min_length=1), Allowed("a list of numbers > 0, at least one")
]
Name = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100),
    Allowed("at most 100 of the letters A-Z a-z, digits, . _ -, the first a letter or digit"),
]
Flag = Annotated[bool, Strict()]
Mixing = Annotated[Literal["arithmetic", "geometric"] | Positive, Field(union_mode="left_to_right")]
MixingOrZero = Annotated[Literal["arithmetic", "geometric"] | NonNegative, Field(union_mode="left_to_right")]


def key(unit: str, text: str, default=REQUIRED, by_potential: dict | None = None):
    """Return the field of a key.

    Arguments
    ---------
    unit : of its numbers, or "".
    text : what it means.
    default : value, or REQUIRED.
    by_potential : {potential: default or REQUIRED} for a key that only some potentials have.
    """
    extra = {"unit": unit, "text": text}
    if by_potential is not None:
        default = None
        extra["default_by_potential"] = by_potential
    description = f"{text} [{unit}]" if unit else text
    return Field(... if default is REQUIRED else default, description=description, json_schema_extra=extra)


def for_lj(default) -> dict:
    """Return the same default for both Lennard-Jones potentials."""
    return {"lj": default, "lj-harmonic": default}


def section(text: str, **kwargs):
    """Return the field of a section of keys."""
    return Field(description=text, **kwargs)


def keys_or_value(value) -> str:
    """Tell a section from a value, for fields that take either."""
    return "keys" if isinstance(value, Mapping | BaseModel) else "value"
