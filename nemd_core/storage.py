"""Every file that the engine reads or writes. Each appears under a temporary name first and is then renamed."""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ase.io
import h5py
import numpy as np

from .errors import StorageError

SAMPLES = "samples.h5"
RUN_INFO = "run.json"
CONFIG = "config.yaml"
STRUCTURE = "structure.extxyz"
SAMPLES_FORMAT = "nemd-samples-1"

_SERIES_UNITS = {
    "temperature": ("epsilon/k_B", "half-step kinetic temperature of a layer, mean over the stretch"),
    "flux": (
        "epsilon/(sigma^2 tau)",
        "heat flow through a plane per area, mean over the stretch, positive from A to B",
    ),
    "heat_hot": ("epsilon", "energy given by the bath in A to the crystal since production began, at `step`"),
    "heat_cold": (
        "epsilon",
        "energy given by the bath in B to the crystal since production began, at `step`",
    ),
    "energy": ("epsilon", "full-step kinetic plus potential energy at `step`"),
}


@dataclass
class Samples:
    """What a run measured; see `_SERIES_UNITS` for units and signs.

    Rows of the series are stretches of `series_steps` steps, each ending at `step`. Axes of a series are
    (replica, row) or (replica, row, layer or plane). Lengths are in sigma.
    """

    layers: dict[str, np.ndarray]
    """x0, x_mean, region, species, n_sites; one entry per lattice layer along x."""
    planes: dict[str, np.ndarray]
    """x0 and cell (the plane is the lower boundary of that cell); one entry per plane."""
    interface_plane: int
    step: np.ndarray
    temperature: np.ndarray
    flux: np.ndarray
    heat_hot: np.ndarray
    heat_cold: np.ndarray
    energy: np.ndarray
    energy_start: np.ndarray
    """Energy when production began, shape (replica,)."""
    area: float
    timestep: float
    series_steps: int
    units: str = "lj"
    attrs: dict = field(default_factory=dict)


@contextmanager
def atomic(path):
    """Yield a temporary name beside `path`; rename it to `path` on success, remove it on failure."""
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path, content) -> None:
    """Write strict JSON: a NaN or an infinity raises ValueError."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_run_info(directory) -> dict:
    """The `run.json` of a run directory. Raises StorageError where there is none or it cannot be read."""
    path = Path(directory) / RUN_INFO
    try:
        info = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file; the directory holds no run") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from None
    if not isinstance(info, dict):
        raise StorageError(f"{path}: not the description of a run")
    return info


def write_structure(path, atoms) -> None:
    """Write an `ase.Atoms` as extended XYZ."""
    with atomic(path) as temporary:
        ase.io.write(temporary, atoms, format="extxyz")


def write_samples(path, samples: Samples) -> None:
    """Write `samples.h5`."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(samples.attrs)
        file.attrs["format"] = SAMPLES_FORMAT
        file.attrs["units"] = samples.units
        file.attrs["area"] = samples.area
        file.attrs["timestep"] = samples.timestep
        file.attrs["series_steps"] = samples.series_steps
        for group, columns in (("layers", samples.layers), ("planes", samples.planes)):
            for name, values in columns.items():
                file[f"{group}/{name}"] = values.astype("S") if values.dtype.kind == "U" else values
                if name in ("x0", "x_mean"):
                    file[f"{group}/{name}"].attrs["unit"] = "sigma"
        file["planes"].attrs["interface"] = samples.interface_plane
        file["series/step"] = samples.step
        file["series/step"].attrs["description"] = "steps of production done at the end of the stretch"
        file["series"].attrs["energy_start"] = samples.energy_start
        for name, (unit, description) in _SERIES_UNITS.items():
            file[f"series/{name}"] = getattr(samples, name)
            file[f"series/{name}"].attrs.update(unit=unit, description=description)


def read_samples(path) -> Samples:
    """Read `samples.h5`. Raises StorageError for a file that is missing, truncated, or not of this format."""
    try:
        with h5py.File(path, "r") as file:
            attrs = dict(file.attrs)
            if attrs.pop("format", None) != SAMPLES_FORMAT:
                raise StorageError(f"{path}: not a samples file of format {SAMPLES_FORMAT}")
            layers, planes = ({k: _decode(v[()]) for k, v in file[g].items()} for g in ("layers", "planes"))
            return Samples(
                layers=layers,
                planes=planes,
                interface_plane=int(file["planes"].attrs["interface"]),
                step=file["series/step"][()],
                energy_start=file["series"].attrs["energy_start"],
                area=float(attrs.pop("area")),
                timestep=float(attrs.pop("timestep")),
                series_steps=int(attrs.pop("series_steps")),
                units=str(attrs.pop("units")),
                attrs=attrs,
                **{name: file[f"series/{name}"][()] for name in _SERIES_UNITS},
            )
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file") from None
    except (OSError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())  # h5py's messages may have several lines
        raise StorageError(f"{path}: truncated or not a samples file ({reason})") from None


def _decode(values):
    return values.astype("U") if values.dtype.kind == "S" else values
