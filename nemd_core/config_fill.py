"""Values that depend on other keys: defaults of the potential and of the ends, bath temperatures, a file's hash.

Works on plain data, before the models see it: what cannot be filled in is left for them to complain about.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from nemd_core.config_docs import REQUIRED, Key
from nemd_core.config_types import to_number
from nemd_core.config_yaml import get_path, one_line, set_path, show
from nemd_core.errors import Problem

SKIN = 0.3
"""Default of `run.skin`, in sigma0: a thinner one is outgrown sooner, a thicker one has more pairs."""
BATH_TEMPERATURES = ("baths.hot.temperature", "baths.cold.temperature")


def fill(data: Mapping, keys: Mapping[str, Key]) -> tuple[dict, list[Problem]]:
    """Return a copy of a config's data with such values filled in, and what is wrong with them."""
    data = _fill_by_potential(dict(data), keys)
    baths = _get(data, "baths")
    if _get(data, "structure.ends") == "periodic" and isinstance(baths, dict) and "walls" not in baths:
        data = set_path(data, "baths.walls", 0)
    return _fill_temperatures(_fill_forces(data))


def _fill_forces(data: dict) -> dict:
    """Verlet forces for what is not one lattice, and their skin."""
    run = _get(data, "run")
    if run is not None and not isinstance(run, dict):
        return data
    if _get(data, "run.forces") in (None, "auto"):
        two = _get(data, "structure.cross_section_B") is not None
        data = set_path(data, "run.forces", "verlet" if two else "lattice")
    if _get(data, "run.forces") == "verlet" and _get(data, "run.skin") is None:
        data = set_path(data, "run.skin", SKIN)
    return data


def _get(data, path: str):
    try:
        return get_path(data, path)
    except KeyError:
        return None


def _fill_by_potential(data: dict, keys: Mapping[str, Key]) -> dict:
    potential = _get(data, "interaction.potential")
    if not isinstance(potential, str):
        return data
    chain = _get(data, "structure.lattice") == "chain"
    if _get(data, "interaction.cross") is None:
        data = set_path(data, "interaction.cross", {})
    for item in keys.values():
        default = (item.by_potential or {}).get(potential, REQUIRED)
        section_key, _, leaf = item.path.rpartition(".")
        if default is REQUIRED or (chain and leaf == "transverse_stiffness"):
            continue
        parent = _get(data, section_key)
        if isinstance(parent, dict) and parent.get(leaf) is None:
            data = set_path(data, item.path, default)
    return data


def _fill_temperatures(data: dict) -> tuple[dict, list[Problem]]:
    """Put the temperatures of both baths in place of `baths.mean` and `baths.difference`."""
    given = {name: _get(data, f"baths.{name}") for name in ("mean", "difference")}
    named = [name for name, value in given.items() if value is not None]
    if not named:
        return data, []
    if any(_get(data, key) is not None for key in BATH_TEMPERATURES):
        text = "must be absent where baths.hot or baths.cold has a temperature: mean and difference, or both of those"
        return data, [Problem(f"baths.{name}", show(given[name]), text) for name in named]
    if len(named) == 1:
        other = "difference" if named == ["mean"] else "mean"
        text = f"must be a number; baths.{named[0]} needs it, and temperatures are not given"
        return data, [Problem(f"baths.{other}", "missing", text)]
    try:
        mean, difference = (to_number(value) for value in given.values())
    except ValueError:
        return data, []
    if not 0 <= mean < float("inf") or not abs(difference) < float("inf"):
        return data, []
    if abs(difference) > 2 * mean:
        text = f"must be at most 2 baths.mean = {2 * mean:g} in size: no bath can be colder than 0"
        return data, [Problem("baths.difference", show(given["difference"]), text)]
    for key, sign in zip(BATH_TEMPERATURES, (1, -1), strict=True):
        if isinstance(_get(data, key.rpartition(".")[0]), dict):
            # 12 digits: what rounding leaves of 0.3 - 0.1 must not tell this run from the one written as 0.2
            data = set_path(data, key, float(f"{mean + sign * difference / 2:.12g}"))
    kept = {name: value for name, value in data["baths"].items() if name not in given}
    return {**data, "baths": kept}, []


def resolve_file(data: dict, folder: Path) -> tuple[dict, list[Problem]]:
    """Make `structure.file` an absolute path and fill in the hash of its content.

    A file that is gone is no problem where the hash is given: what was computed from it can still be read.
    """
    name, known = _get(data, "structure.file"), _get(data, "structure.file_sha256")
    if not isinstance(name, str) or not name:
        return data, []
    try:
        path = (folder / name).resolve()
        data = set_path(data, "structure.file", str(path))
        status = path.stat()
        found = _sha256(path, status.st_mtime_ns, status.st_size)
    except FileNotFoundError:
        found = known
        if known is None:
            return data, [Problem("structure.file", show(name), f"no such file in {path.parent}")]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return data, [Problem("structure.file", show(name), f"cannot be read: {one_line(reason)}")]
    if known is None:
        return set_path(data, "structure.file_sha256", found), []
    if known != found:
        text = f"must be that of {path.name}, {found}, or be left out"
        return data, [Problem("structure.file_sha256", show(known), text)]
    return data, []


@lru_cache(maxsize=16)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    """A sweep asks for the same file at each point."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
