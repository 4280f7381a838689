"""Trajectories on disk: H5MD 1.1, which MDAnalysis opens as it is, and extended XYZ for ASE and OVITO.

A file holds one replica. Everything that a reader needs is in it: units, masses, materials, symbols, and the layer and
region of each site. Numbers are double precision, in Angstrom, ps, Angstrom/ps and u, through the reference substance
of the run.

Positions belong to whole steps; velocities are those in the middle of the same step (BAOAB, n - 1/2), from which layer
temperatures are taken. Positions are not wrapped into the box.

No analysis here: `analysis.trajectory` reads these files through MDAnalysis.
"""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import ase.units
import h5py
import numpy as np

from .errors import ConfigError, Problem, StorageError
from .storage import atomic
from .system import REGIONS, SPECIES, System
from .units import FILE_UNITS, Reference
from .version import __version__

FORMAT = "nemd-trajectory-1"
GROUP = "trajectory"
"""Name of the group of particles: the one where MDAnalysis looks when it is given no topology."""
_CHUNK_BYTES = 2**18
"""Size of the chunks in the file."""
_UNITS = {"position": "Angstrom", "velocity": "Angstrom ps-1"}


def trajectory_name(replica: int = 0) -> str:
    """The file of a replica in the directory of a run."""
    return f"trajectory-{replica}.h5md" if replica else "trajectory.h5md"


class TrajectoryWriter:
    """Takes the frames of a run, and makes an H5MD file of them when it is closed.

    Until then they lie one after the other in a plain file beside it, `<name>.frames`, which a run that goes on from a
    checkpoint takes up again. A context manager: left by an exception, it leaves only that file. Raises ConfigError when
    `regions` hold no site, StorageError when a file cannot be written.
    """

    def __init__(self, path, system: System, reference: Reference, timestep: float, regions=None, after=None):
        """`timestep` in reduced units; `regions` is a subset of `system.REGIONS`, None for all sites. after: the step up
        to which the frames of an earlier part are kept; None starts anew. StorageError if they are not there."""
        self.path = Path(path)
        self.frames = self.path.with_name(f"{self.path.name}.frames")
        self._atoms, self._reference, self._dimensions = system.to_ase(), reference, system.lattice.dimensions
        self._sites = np.arange(len(self._atoms))
        if regions is not None:
            self._sites = np.flatnonzero(np.isin(self._atoms.arrays["region"], list(regions)))
        if not len(self._sites):
            raise ConfigError(
                [
                    Problem(
                        "output.trajectory_regions",
                        f"[{', '.join(regions)}]",
                        f"no site of this junction lies there; it has {', '.join(_present(self._atoms))}",
                    )
                ]
            )
        self._scale = {
            name: reference.unit(quantity) / FILE_UNITS.unit(quantity)
            for name, quantity in (("position", "length"), ("velocity", "velocity"))
        }
        self._tau = reference.unit("time") / FILE_UNITS.unit("time") * timestep
        shape = (len(self._sites), 3)
        self._kind = np.dtype([("step", "i8"), ("position", "f8", shape), ("velocity", "f8", shape)])
        self._frame = np.zeros(1, self._kind)
        with self._writing():
            kept = self._count(after) if after is not None else 0
            self._out = open(self.frames, "r+b" if after is not None else "wb")
            self._out.truncate(kept * self._kind.itemsize)
            self._out.seek(0, os.SEEK_END)

    def _count(self, after: int) -> int:
        """Frames of an earlier part up to a step."""
        if not self.frames.exists():
            raise StorageError(f"{self.frames}: no such file; its run cannot go on without it: --overwrite")
        whole = self.frames.stat().st_size // self._kind.itemsize
        if not whole:
            return 0
        return int((np.memmap(self.frames, self._kind, "r", shape=(whole,))["step"] <= after).sum())

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if exception[0] is None:
            self.close()
        else:
            self.abandon()

    def abandon(self) -> None:
        """Leave the frames where they are, for a run that goes on later."""
        self._out.close()

    def write(self, step: int, positions: np.ndarray, velocities: np.ndarray) -> None:
        """Add a frame, in reduced units: whole-step positions and half-step velocities of every site.

        Shapes (n_sites, 3), or (n_sites, 1) for a chain, whose y and z are then 0. Steps have to grow.
        """
        self._frame["step"] = step
        for name, values in (("position", positions), ("velocity", velocities)):
            self._frame[name][0, :, : values.shape[1]] = values[self._sites] * self._scale[name]
        with self._writing():
            self._out.write(self._frame.tobytes())

    def flush(self) -> None:
        """Bring every frame so far to disk."""
        with self._writing():
            self._out.flush()
            os.fsync(self._out.fileno())

    def close(self, keep_frames: bool = False) -> None:
        """Make the file of all frames; closing again does nothing. keep_frames: the plain file stays as well."""
        if self._out.closed:
            return
        with self._writing():
            self._out.close()
            whole = self.frames.stat().st_size // self._kind.itemsize
            frames = np.memmap(self.frames, self._kind, "r", shape=(whole,)) if whole else self._frame[:0]
            with atomic(self.path) as temporary, h5py.File(temporary, "w") as file:
                _write_header(file, self._atoms, self._sites, self._dimensions, self._reference, self._tau)
                _write_frames(
                    file[f"particles/{GROUP}"], frames, self._tau, file["parameters/nemd"].attrs["edges"]
                )
            if not keep_frames:
                self.frames.unlink()

    @contextmanager
    def _writing(self):
        try:
            yield
        except OSError as error:
            reason = " ".join(str(error).split())
            raise StorageError(f"{self.path}: cannot be written ({reason})") from None


def _write_frames(particles, frames, tau: float, edges) -> None:
    """The datasets that grow with the frames; all share one `step` and `time`, as H5MD advises."""
    n = len(frames)
    for name, unit in _UNITS.items():
        shape = frames[name].shape
        chunk = (max(1, min(n, _CHUNK_BYTES // (24 * shape[1]))), *shape[1:])
        values = particles.create_dataset(f"{name}/value", shape, "f8", chunks=chunk if n else None)
        values.attrs["unit"] = unit
        for first in range(0, n, chunk[0]):
            values[first : first + chunk[0]] = frames[name][first : first + chunk[0]]
    particles["position"].attrs["description"] = "at the end of `step`, not wrapped into the box"
    particles["velocity"].attrs["description"] = "half a time step before `step`: in the middle of BAOAB"
    particles["box/edges/value"] = np.broadcast_to(edges, (n, 3))
    particles["box/edges/value"].attrs["unit"] = "Angstrom"
    particles["position/step"] = frames["step"]
    particles["position/time"] = frames["step"] * tau
    particles["position/time"].attrs["unit"] = "ps"
    for other in ("velocity", "box/edges"):
        for name in ("step", "time"):
            particles[f"{other}/{name}"] = particles[f"position/{name}"]


class Header(NamedTuple):
    """What a trajectory file says about its sites; arrays have the shape (n_sites,) of those in the file."""

    site: np.ndarray
    """Number of each site in the junction."""
    layer: np.ndarray
    region: np.ndarray
    """Names, of `system.REGIONS`."""
    material: np.ndarray
    """A, B or C."""
    symbol: np.ndarray
    mass: np.ndarray
    """u."""
    edges: np.ndarray
    """Edges of the box in Angstrom, shape (3,)."""
    periodic: np.ndarray
    """Whether the box repeats along x, y and z, shape (3,)."""
    dimensions: int
    """Components in which the atoms move: 1 for a chain."""
    timestep: float
    """ps."""
    reference: Reference
    n_frames: int


def read_header(path) -> Header:
    """What a trajectory of this package says about itself. Raises StorageError for any other file."""
    try:
        with h5py.File(path, "r") as file:
            run, particles = file["parameters/nemd"].attrs, file[f"particles/{GROUP}"]
            if run["format"] != FORMAT:
                raise StorageError(f"{path}: not a trajectory of format {FORMAT}")
            names = (("region", REGIONS), ("species", SPECIES))
            region, material = (np.array(of)[particles[name][()]] for name, of in names)
            return Header(
                site=particles["id"][()],
                layer=particles["layer"][()],
                region=region,
                material=material,
                symbol=particles["symbol"].asstr()[()].astype("U"),
                mass=particles["mass"][()],
                edges=run["edges"],
                periodic=np.array([str(b) == "periodic" for b in particles["box"].attrs["boundary"]]),
                dimensions=int(run["dimensions"]),
                timestep=float(run["timestep"]),
                reference=Reference(
                    str(run["reference"]), *(float(run[name]) for name in ("epsilon", "sigma", "mass"))
                ),
                n_frames=len(particles["position/step"]),
            )
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file; output.trajectory_every > 0 asks for one") from None
    except (OSError, KeyError, IndexError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise StorageError(f"{path}: not a trajectory of this package ({reason})") from None


def trajectory_to_extxyz(h5md_path, xyz_path, every: int = 1) -> int:
    """Write every `every`-th frame of a trajectory as extended XYZ for ASE and OVITO; returns how many.

    Positions in Angstrom; `momenta` in the units of ASE, so that `Atoms.get_velocities` works, and `velo`, the name that
    OVITO knows, in Angstrom/ps; arrays masses, material, region, layer, id; step and time_ps beside each frame. Frames
    go through memory one by one. Raises StorageError for a file that is not a trajectory of this package.
    """
    from ase.io.extxyz import write_xyz  # as in storage.py

    header = read_header(h5md_path)
    atoms = ase.Atoms(header.symbol, cell=header.edges, pbc=header.periodic, masses=header.mass)
    for name, values in (("material", header.material), ("region", header.region)):
        atoms.set_array(name, values)
    atoms.set_array("layer", header.layer)
    atoms.set_array("id", header.site)
    frames = range(0, header.n_frames, every)
    with h5py.File(h5md_path, "r") as file, atomic(xyz_path) as temporary, open(temporary, "w") as out:
        position, velocity = (file[f"particles/{GROUP}/{name}"] for name in ("position", "velocity"))
        for frame in frames:
            v = velocity["value"][frame]
            atoms.positions = position["value"][frame]
            atoms.set_velocities(v / (1000 * ase.units.fs))
            atoms.set_array("velo", v)
            atoms.info["step"] = int(position["step"][frame])
            atoms.info["time_ps"] = float(position["time"][frame])
            write_xyz(out, atoms, write_results=False)
    return len(frames)


def _present(atoms) -> list[str]:
    return [name for name in REGIONS if name in atoms.arrays["region"]]


def _write_header(file, atoms, sites, dimensions: int, reference: Reference, timestep: float) -> None:
    """Everything in the file but the frames; `timestep` in ps."""
    file.create_group("h5md").attrs["version"] = np.array([1, 1])
    file.create_group("h5md/author").attrs["name"] = "N/A"
    file.create_group("h5md/creator").attrs.update(name="nemd_core", version=__version__)
    file.create_group("h5md/modules/units").attrs["version"] = np.array([1, 0])

    particles = file.create_group(f"particles/{GROUP}")
    boundary = [("none", "periodic")[int(repeats)] for repeats in atoms.pbc]
    particles.create_group("box").attrs.update(dimension=3, boundary=boundary)
    for name, values, of in (
        ("species", atoms.arrays["material"], SPECIES),
        ("region", atoms.arrays["region"], REGIONS),
    ):
        kind = h5py.enum_dtype({word: n for n, word in enumerate(of)}, basetype="i1")
        particles.create_dataset(name, data=[of.index(word) for word in values[sites]], dtype=kind)
    particles["id"] = sites
    particles["layer"] = atoms.arrays["layer"][sites]
    particles["symbol"] = np.array(atoms.get_chemical_symbols(), dtype="S")[sites]
    particles["mass"] = atoms.get_masses()[sites] * (reference.unit("mass") / FILE_UNITS.unit("mass"))
    particles["mass"].attrs["unit"] = "u"

    file.create_group("parameters/nemd").attrs.update(
        format=FORMAT,
        dimensions=dimensions,
        timestep=timestep,
        edges=atoms.cell.lengths() * reference.unit("length") / FILE_UNITS.unit("length"),
        reference=reference.name,
        epsilon=reference.epsilon,
        sigma=reference.sigma,
        mass=reference.mass,
        description="timestep in ps, edges in Angstrom; reference: name, epsilon (J), sigma (m) and mass (kg) of the "
        "substance whose Lennard-Jones parameters are the reduced units of the run",
    )
