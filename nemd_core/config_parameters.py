"""What `limits` can vary about a config: each parameter's own value there, and the keys that another value sets.

The block of a file, and the runs that come of it, are the business of config_limits.py.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import BaseModel

from nemd_core.config_docs import options
from nemd_core.config_fill import BATH_TEMPERATURES
from nemd_core.config_models import Length
from nemd_core.config_problems import get
from nemd_core.config_types import Cells, CrossSection, Flag, NonZero, Positive
from nemd_core.config_yaml import refuse

_LENGTHS = ("structure.length.A", "structure.length.B")
_BATH_LENGTHS = ("baths.hot.length", "baths.cold.length")
_STEPS = ("run.equilibration_steps", "run.production_steps", "run.until.max_steps")


class Parameter(NamedTuple):
    """What a list of a block varies."""

    accepts: Any
    """The type of one value."""
    unit: str
    text: str
    keys: tuple[str, ...]
    """The keys that it stands for: they cannot be listed beside it."""
    read: Callable[[Any], Any]
    """config -> its own value; raises ConfigError if it has none that could be varied."""
    settings: Callable[[Any, Any], dict]
    """config, value -> {dotted key: value or None for none} of the run with that value."""

    @property
    def allowed(self) -> str:
        """One value in words."""
        return " or ".join(
            option if isinstance(option, str) else f"a mapping with the keys {', '.join(option.model_fields)}"
            for option in options(self.accepts)
        )


def plain(value):
    """Return a validated value as one writes it: a pair as a mapping or list, two that are equal as one number."""
    value = value.model_dump() if isinstance(value, BaseModel) else value
    if not isinstance(value, dict | tuple):
        return value
    pair = list(value.values()) if isinstance(value, dict) else list(value)
    if pair[0] == pair[1]:
        return pair[0]
    return value if isinstance(value, dict) else pair


def order(value) -> tuple:
    """Return what tells values of one parameter apart and sorts them: numbers, and pairs by their mean."""
    pair = (
        tuple(value.values() if isinstance(value, dict) else value)
        if isinstance(value, dict | list)
        else (value,)
    )
    return sum(pair) / len(pair), pair


# ---- own values, and what other values set ----


def _read_length(config):
    return plain({side: get(config, key) for side, key in zip("AB", _LENGTHS, strict=True)})


def _set_length(config, value) -> dict:
    return dict(zip(_LENGTHS, value.values() if isinstance(value, dict) else (value, value), strict=True))


def _mean(config) -> float:
    # 12 digits, as where mean and difference become temperatures
    return float(f"{sum(get(config, key) for key in BATH_TEMPERATURES) / 2:.12g}")


def _read_difference(config) -> float:
    hot, cold = (get(config, key) for key in BATH_TEMPERATURES)
    if hot == cold:
        text = "the baths of the config itself must differ in temperature: it is one of the points"
        raise refuse("limits.bias.difference", "0", text)
    return float(f"{hot - cold:.12g}")


def _set_difference(config, value) -> dict:
    given = {"baths.mean": _mean(config), "baths.difference": value}
    return given | dict.fromkeys(BATH_TEMPERATURES)


def _read_cross_section(config):
    if config.structure.cross_section is None:
        text = "must be absent where there is no structure.cross_section, as in a chain"
        raise refuse("limits.cross_section", "present", text)
    return plain(config.structure.cross_section)


def _set_cross_section(config, value) -> dict:
    return {"structure.cross_section": value if isinstance(value, list) else [value, value]}


def _read_bath_length(config) -> int:
    hot, cold = (get(config, key) for key in _BATH_LENGTHS)
    if hot != cold:
        text = "the baths of the config itself must be equally long: it is one of the points"
        raise refuse("limits.bath.length", f"{hot} and {cold}", text)
    return hot


def _set_bath_length(config, value) -> dict:
    longer = value - _read_bath_length(config)
    return dict.fromkeys(_BATH_LENGTHS, value) | {key: get(config, key) + longer for key in _LENGTHS}


def _set_timestep(config, value) -> dict:
    # beyond 1e15, no number of steps is allowed; nor are they finite
    ratio, row = min(config.run.timestep / value, 1e15), config.run.series_steps
    found = {"run.timestep": value}
    for key in _STEPS[: 3 if config.run.until else 2]:
        # whole rows of the series, so rounded up; what rounding errors make of a whole number must not add one
        found[key] = row * math.ceil(get(config, key) / row * ratio * (1 - 1e-12))
    return found


def _one_key(accepts, unit: str, text: str, key: str) -> Parameter:
    """Return the parameter that is a key of the config, and sets nothing else."""
    return Parameter(
        accepts, unit, text, (key,), lambda config: get(config, key), lambda _, value: {key: value}
    )


LIMITS = {
    "length": {
        "cells": Parameter(
            Cells | Length,
            "cells",
            "structure.length.A = B: R_K and both conductivities against 1/L, L the slab between bath and interface, "
            "extrapolated to infinite length",
            _LENGTHS,
            _read_length,
            _set_length,
        )
    },
    "bias": {
        "difference": Parameter(
            NonZero,
            "epsilon0/k_B",
            "temperature of the hot bath minus that of the cold, about the config's mean: linear response, "
            "rectification",
            (*BATH_TEMPERATURES, "baths.mean", "baths.difference"),
            _read_difference,
            _set_difference,
        )
    },
    "cross_section": {
        "cells": Parameter(
            Cells | CrossSection,
            "cells",
            "structure.cross_section, n for [n, n]: where R_K no longer depends on it",
            ("structure.cross_section",),
            _read_cross_section,
            _set_cross_section,
        )
    },
    "bath": {
        "friction": _one_key(
            Positive, "1/tau0", "baths.friction: where R_K does not depend on it", "baths.friction"
        ),
        "length": Parameter(
            Cells,
            "cells",
            "length of both baths; each slab grows or shrinks with its bath, what lies between the baths stays",
            _BATH_LENGTHS,
            _read_bath_length,
            _set_bath_length,
        ),
        "ramp": _one_key(Flag, "", "baths.ramp: whether R_K depends on it", "baths.ramp"),
    },
    "timestep": {
        "timestep": Parameter(
            Positive,
            "tau0",
            "run.timestep, extrapolated to 0; equilibration_steps, production_steps and until.max_steps follow, so that "
            "the simulated times stay (rounded up to whole rows of the series)",
            ("run.timestep",),
            lambda config: config.run.timestep,
            _set_timestep,
        )
    },
}
"""Block -> parameter: one of them in most."""
