"""Builds a junction of two crystals, from a configuration or from an `ase.Atoms` that this package wrote."""

import ase
import numpy as np

from .errors import StorageError
from .lattice import LATTICES
from .system import REGIONS, SPECIES, System


def build(config) -> System:
    """The junction of a configuration: walls, hot bath, A, interface, B, cold bath, walls along x."""
    structure, baths = config.structure, config.baths
    n_a, n_b = structure.length.A, structure.length.B
    lengths = (
        ("wall", baths.walls),
        ("hot", baths.hot.length),
        ("A", n_a - baths.walls - baths.hot.length),
        ("B", n_b - baths.walls - baths.cold.length),
        ("cold", baths.cold.length),
        ("wall", baths.walls),
    )
    return System(
        lattice=LATTICES[structure.lattice],
        lattice_constant=float(structure.lattice_constant),
        cross_section=tuple(structure.cross_section or (1, 1)),
        n_cells=n_a + n_b,
        first_b_cell=n_a,
        mass=np.array([config.materials.A.mass, config.materials.B.mass], dtype=float),
        cell_region=np.repeat([REGIONS.index(name) for name, _ in lengths], [n for _, n in lengths]),
    )


def from_ase(atoms: ase.Atoms) -> System:
    """The junction that `System.to_ase` wrote. Raises StorageError when information is missing or disagrees."""
    try:
        system = _system_of(atoms)
        wanted = system.to_ase()
        same = all(
            np.array_equal(atoms.arrays[name], wanted.arrays[name])
            for name in ("material", "region", "layer")
        )
        same = same and np.allclose(atoms.get_masses(), wanted.get_masses())
        same = same and np.allclose(atoms.positions, wanted.positions, atol=1e-6 * system.lattice_constant)
    except KeyError as error:
        raise StorageError(
            f"structure: {error.args[0]} is missing; a file written by `build` has it"
        ) from None
    except (IndexError, TypeError, ValueError):
        same = False
    if not same:
        raise StorageError("structure: its atoms are not those of the junction that it names")
    return system


def _system_of(atoms: ase.Atoms) -> System:
    """What the information beside the atoms says; whether they agree is for the caller to see."""
    lattice = LATTICES[str(atoms.info["lattice"])]
    region, material = atoms.arrays["region"], atoms.arrays["material"]
    cell = np.asarray(atoms.arrays["layer"]) // lattice.layers_per_cell
    first = [int(np.flatnonzero(cell == c)[0]) for c in range(int(cell.max()) + 1)]
    return System(
        lattice=lattice,
        lattice_constant=float(atoms.info["lattice_constant"]),
        cross_section=tuple(int(n) for n in atoms.info["cross_section"]),
        n_cells=len(first),
        first_b_cell=int(atoms.info["first_b_cell"]),
        mass=np.array([atoms.get_masses()[np.flatnonzero(material == s)[0]] for s in SPECIES]),
        cell_region=np.array([REGIONS.index(str(region[i])) for i in first]),
    )
