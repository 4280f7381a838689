"""Layer temperatures from trajectories, through MDAnalysis: our own H5MD files, and LAMMPS dumps with velocities.

    universe = open_trajectory("results/study/r-0123456789")
    profile = LayerTemperature(universe, reference=read_header(universe.trajectory.filename).reference)
    profile.run(verbose=True).results.temperature

MDAnalysis holds positions and velocities in single precision; the sums here are double, so that a temperature is right
to about 1e-7. Importing this module imports MDAnalysis, which takes a second.
"""

import warnings
from pathlib import Path

import MDAnalysis
import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.coordinates.H5MD import H5MDReader

from nemd_core.errors import StorageError
from nemd_core.trajectory import FILE_UNITS, read_header, trajectory_name
from nemd_core.units import Reference


def open_trajectory(path, replica: int = 0) -> MDAnalysis.Universe:
    """The trajectory of a run, from its directory (and replica) or from the file itself.

    Each layer is a residue, whose resid is the index of the layer; each region is a segment (wall, hot, A, B, cold):
    `universe.select_atoms("segid A and resid 12")`. Atoms carry names (chemical symbols), elements, types (the
    materials A, B, C), masses in u, and ids (numbers of the sites in the junction, from 0). Positions are in Angstrom,
    velocities in Angstrom/ps, times in ps. Raises StorageError where there is no trajectory of this package.
    """
    path = Path(path)
    if path.is_dir():
        path = path / trajectory_name(replica)
    header = read_header(path)
    if header.n_frames == 0:
        raise StorageError(f"{path}: holds no frames; the run stopped before its first one")
    layers, first, resindex = np.unique(header.layer, return_index=True, return_inverse=True)
    regions, segindex = np.unique(header.region[first], return_inverse=True)
    universe = MDAnalysis.Universe.empty(
        len(header.site), len(layers), len(regions), atom_resindex=resindex, residue_segindex=segindex
    )
    for name, values in (
        ("names", header.symbol),
        ("elements", header.symbol),
        ("types", header.material),
        ("masses", header.mass),
        ("ids", header.site),
        ("resids", layers),
        ("segids", regions),
    ):
        universe.add_TopologyAttr(name, values.astype(object) if values.dtype.kind == "U" else values)
    return universe.load_new(str(path), format="H5MD")


def open_lammps_dump(path, masses: dict, timestep: float = 1.0) -> MDAnalysis.Universe:
    """A LAMMPS dump in text form, with columns id, type, positions and vx vy vz; `masses` by atom type.

    Atoms are sorted by id. Nothing is converted: lengths, velocities and masses stay in the units of the dump; the time
    of a frame is its step times `timestep`. Raises StorageError where the file cannot be read, has no velocities, or
    holds a type without a mass.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # masses guessed to be 1: they are set below
            universe = MDAnalysis.Universe(
                str(path), format="LAMMPSDUMP", topology_format="LAMMPSDUMP", dt=timestep
            )
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise StorageError(f"{path}: not a LAMMPS dump ({' '.join(str(error).split())})") from None
    by_type = {str(kind): float(mass) for kind, mass in masses.items()}
    missing = sorted(set(universe.atoms.types) - set(by_type))
    if missing:
        raise StorageError(f"{path}: atom types without a mass: {', '.join(missing)}")
    universe.add_TopologyAttr("masses", [by_type[kind] for kind in universe.atoms.types])
    if not universe.trajectory.ts.has_velocities:
        raise StorageError(f"{path}: holds no velocities; dump the columns vx vy vz")
    return universe


class LayerTemperature(AnalysisBase):
    """Kinetic temperature of each layer, mean over the frames: `T = <sum m v²> / (d N k_B)`.

    d is the number of components and N the number of atoms of the layer; nothing is subtracted for drift. The
    velocities are taken as they are stored: half-step ones in our trajectories, so that the result is that of the run;
    full-step ones in LAMMPS dumps, colder by a part w² dt²/4 of each mode.

    Parameters
    ----------
    atoms : AtomGroup or Universe
        With masses and velocities. Atoms may not be updated from frame to frame.
    layers : array, shape (n_atoms,), optional
        Layer of each atom, integers; negative: not counted. Default: the resids, which are the layers in a universe of
        `open_trajectory`. For a dump of a crystal with layers a/2 apart: `np.rint(2 * x / a).astype(int)`.
    units : "metal" or "lj"
        What velocities and masses are in: Angstrom/ps and u (MDAnalysis, our trajectories, LAMMPS `units metal`), or
        reduced units (LAMMPS `units lj`).
    reference : nemd_core.units.Reference, optional
        For units "metal": temperatures in epsilon/k_B and lengths in sigma of this substance. Without it they are in K
        and Angstrom; with units "lj" they are reduced already and it is refused.
    dimensions : int, optional
        Components in which atoms move. Default: what a trajectory of this package says, 3 for others.
    verbose : bool
        Show a progress bar.

    Results, one entry per layer in rising order, after `.run(start, stop, step)`:

    ``results.layers``       the layers, shape (n_layers,)
    ``results.x``            mean position along x
    ``results.n_sites``      atoms in the layer
    ``results.temperature``  mean temperature; NaN where nothing moved (frozen walls)

    Raises ValueError for units or layers that do not fit, StorageError when frames hold no velocities. Not handled:
    atoms that wander between layers, layers that are partly frozen, positions wrapped in x (for `x`).
    """

    def __init__(self, atoms, layers=None, *, units="metal", reference=None, dimensions=None, verbose=False):
        super().__init__(atoms.universe.trajectory, verbose=verbose)
        atoms = atoms.atoms
        layers = np.asarray(atoms.resids if layers is None else layers)
        if layers.shape != (len(atoms),) or layers.dtype.kind not in "iu":
            raise ValueError(
                f"layers: shape {layers.shape} of {layers.dtype}: one integer for each of {len(atoms)} atoms"
            )
        self._atoms = atoms[layers >= 0]
        self._layers, self._slot = np.unique(layers[layers >= 0], return_inverse=True)
        self._masses = self._atoms.masses
        self._unit = {name: _unit(name, units, reference) for name in ("temperature", "length")}
        self._dimensions = dimensions or _dimensions_of(self._trajectory)

    def _prepare(self):
        if not self._trajectory.ts.has_velocities:
            raise StorageError(f"{self._trajectory.filename}: holds no velocities")
        self._twice_kinetic, self._x = np.zeros((2, len(self._layers)))

    def _single_frame(self):
        v = self._atoms.velocities.astype(float)
        self._twice_kinetic += self._sum(self._masses * np.einsum("ij,ij->i", v, v))
        self._x += self._sum(self._atoms.positions[:, 0].astype(float))

    def _conclude(self):
        n_sites = self._sum(None)
        counted = n_sites * max(self.n_frames, 1)
        temperature = self._unit["temperature"] * self._twice_kinetic / (self._dimensions * counted)
        temperature[self._twice_kinetic == 0.0] = np.nan
        x = self._unit["length"] * self._x / counted
        self.results.layers = self._layers
        self.results.n_sites = n_sites
        self.results.x = x if self.n_frames else np.full(len(x), np.nan)
        self.results.temperature = temperature

    def _sum(self, values):
        """Sum over the atoms of each layer."""
        return np.bincount(self._slot, values, minlength=len(self._layers))


def _unit(quantity: str, units: str, reference: Reference | None) -> float:
    """What one unit of a quantity in the trajectory (for a temperature: m v² = 1) is in the unit of the result."""
    if units == "lj":
        if reference is not None:
            raise ValueError("reference: given with units lj, which are reduced already: leave it out")
        return 1.0
    if units != "metal":
        raise ValueError(f"units: {units}: metal or lj")
    result = {"temperature": 1.0, "length": FILE_UNITS.unit("length")}[quantity]
    if reference is not None:
        result = reference.unit(quantity)
    return FILE_UNITS.unit(quantity) / result


def _dimensions_of(trajectory) -> int:
    if isinstance(trajectory, H5MDReader):
        try:
            return read_header(trajectory.filename).dimensions
        except StorageError:  # H5MD of another program
            pass
    return 3
