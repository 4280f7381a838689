"""Every file that the engine reads or writes. Each appears under a temporary name first and is then renamed."""

import json
import os
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import h5py
import numpy as np

from .errors import StorageError

SAMPLES = "samples.h5"
RUN_INFO = "run.json"
CONFIG = "config.yaml"
STRUCTURE = "structure.extxyz"
SAMPLES_FORMAT = "nemd-samples-2"
_OLD_FORMATS = ("nemd-samples-1",)

_SERIES_UNITS = {
    "temperature": ("epsilon/k_B", "half-step kinetic temperature of a layer, mean over the stretch"),
    "flux": (
        "epsilon/(sigma^2 tau)",
        "heat flow through a plane per area, mean over the stretch, positive along +x: from A to B with fixed ends",
    ),
    "heat_hot": ("epsilon", "energy given by the bath in A to the crystal since production began, at `step`"),
    "heat_cold": (
        "epsilon",
        "energy given by the bath in B to the crystal since production began, at `step`",
    ),
    "energy": ("epsilon", "full-step kinetic plus potential energy at `step`"),
    "stress": (
        "epsilon/sigma^3",
        "axial stress in A and in B, positive in tension: force along x per area, mean over planes and stretch",
    ),
    "flux_species": (
        "epsilon/(sigma^2 tau)",
        "heat that all sites of A give to all others, per area of one cross-section, mean over the stretch",
    ),
}
_OPTIONAL = ("flux_species",)
"""Series that a run measures only on request."""
_GROUPS = ("layers", "planes", "interfaces")
_COLUMN_UNITS = {"x0": "sigma", "x_mean": "sigma", "friction": "1/tau"}
_ATTRIBUTES = {"units": str, "area": float, "period": float, "timestep": float, "series_steps": int}


@dataclass
class Samples:
    """What a run measured; see `_SERIES_UNITS` for units and signs (a chain has no
    cross-section: its area is 1, its fluxes are epsilon/tau, its stress is epsilon/sigma).

    Rows of the series are stretches of `series_steps` steps, each ending at `step`. Axes of a series are
    (replica, row) or (replica, row, layer, plane or side). Lengths are in sigma.
    """

    layers: dict[str, np.ndarray]
    """x0, x_mean, region, species (A, B, C or mixed), n_sites, friction (of the bath, 1/tau; 0 outside the
    baths); one entry per lattice layer along x."""
    planes: dict[str, np.ndarray]
    """x0 and cell (the plane is the lower boundary of that cell); one entry per plane."""
    interfaces: dict[str, np.ndarray]
    """plane (index into `planes`), left and right (the layers on either side of the interface zone; left is
    the last layer and right the first at the boundary of a periodic cell), direction (+1: A is on the left
    and heat from A to B flows along +x; -1: B is on the left); one entry per interface."""
    period: float
    """Length of a periodic cell along x, 0.0 with fixed ends."""
    step: np.ndarray
    temperature: np.ndarray
    flux: np.ndarray
    heat_hot: np.ndarray
    heat_cold: np.ndarray
    energy: np.ndarray
    stress: np.ndarray
    """Shape (replica, row, 2): inside A and inside B."""
    energy_start: np.ndarray
    """Energy when production began, shape (replica,)."""
    area: float
    """Cross-section; 1 for a chain."""
    timestep: float
    series_steps: int
    flux_species: np.ndarray | None = None
    """With `structure.interface.plane: species`, else None."""
    units: str = "lj"
    attrs: dict = field(default_factory=dict)

    @property
    def n_interfaces(self) -> int:
        return len(self.interfaces["plane"])

    def first_rows(self, end: int) -> "Samples":
        """Without the rows from `end` on. Layers are where they are in the whole run."""
        return self._select(slice(None, end))

    def rows_from(self, start: int) -> "Samples":
        """Without the first `start` rows: heats count, and the energy audit begins, from there."""
        if start == 0:
            return self
        kept = self._select(slice(start, None))
        return replace(
            kept,
            heat_hot=kept.heat_hot - self.heat_hot[:, start - 1 : start],
            heat_cold=kept.heat_cold - self.heat_cold[:, start - 1 : start],
            energy_start=self.energy[:, start - 1],
        )

    def _select(self, rows: slice) -> "Samples":
        """Some rows. Every array of two axes or more is a series."""
        series = {name: value[:, rows] for name, value in vars(self).items() if getattr(value, "ndim", 0) > 1}
        return replace(self, step=self.step[rows], **series)


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
    import ase.io  # slow to import, and few jobs need it

    with atomic(path) as temporary:
        ase.io.write(temporary, atoms, format="extxyz")


def write_samples(path, samples: Samples) -> None:
    """Write `samples.h5`."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(samples.attrs)
        file.attrs["format"] = SAMPLES_FORMAT
        for name in _ATTRIBUTES:
            file.attrs[name] = getattr(samples, name)
        for group in _GROUPS:
            for name, values in getattr(samples, group).items():
                file[f"{group}/{name}"] = values.astype("S") if values.dtype.kind == "U" else values
                if name in _COLUMN_UNITS:
                    file[f"{group}/{name}"].attrs["unit"] = _COLUMN_UNITS[name]
        file["series/step"] = samples.step
        file["series/step"].attrs["description"] = "steps of production done at the end of the stretch"
        file["series"].attrs["energy_start"] = samples.energy_start
        for name, (unit, description) in _SERIES_UNITS.items():
            if getattr(samples, name) is None:
                continue
            file[f"series/{name}"] = getattr(samples, name)
            file[f"series/{name}"].attrs.update(unit=unit, description=description)


def read_samples(path) -> Samples:
    """Read `samples.h5`. Raises StorageError for a file that is missing, truncated, or not of this format."""
    try:
        with h5py.File(path, "r") as file:
            attrs = dict(file.attrs)
            found = attrs.pop("format", None)
            if found in _OLD_FORMATS:
                raise StorageError(
                    f"{path}: written by an older version (format {found}, now {SAMPLES_FORMAT}): "
                    "simulate the run again with --overwrite"
                )
            if found != SAMPLES_FORMAT:
                raise StorageError(f"{path}: not a samples file of format {SAMPLES_FORMAT}")
            series = {name: file[f"series/{name}"][()] for name in _SERIES_UNITS if name not in _OPTIONAL}
            for name in _OPTIONAL:
                if name in file["series"]:
                    series[name] = file[f"series/{name}"][()]
            return Samples(
                **{group: {name: _decode(v[()]) for name, v in file[group].items()} for group in _GROUPS},
                **{name: convert(attrs.pop(name)) for name, convert in _ATTRIBUTES.items()},
                **series,
                step=file["series/step"][()],
                energy_start=file["series"].attrs["energy_start"],
                attrs=attrs,
            )
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file") from None
    except (OSError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())  # h5py's messages may have several lines
        raise StorageError(f"{path}: truncated or not a samples file ({reason})") from None


def _decode(values):
    return values.astype("U") if values.dtype.kind == "S" else values
