"""Builds a junction of two crystals, from a configuration or from an `ase.Atoms` that this package wrote."""

import ase
import numpy as np

from .errors import Problem, StorageError
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
        lattice = LATTICES[str(atoms.info["lattice"])]
        layer = np.asarray(atoms.arrays["layer"])
        region = np.asarray(atoms.arrays["region"])
        species = np.asarray(atoms.arrays["species"])
        cross_section = tuple(int(n) for n in atoms.info["cross_section"])
        constant, first_b = float(atoms.info["lattice_constant"]), int(atoms.info["first_b_cell"])
    except KeyError as error:
        raise StorageError(
            f"structure: {error.args[0]} is missing; a file written by `build` has it"
        ) from None
    cell = layer // lattice.layers_per_cell
    n_cells = int(cell.max()) + 1
    first = [int(np.argmax(cell == c)) for c in range(n_cells)]
    mass = np.array([atoms.get_masses()[np.argmax(species == s)] for s in SPECIES])
    system = System(
        lattice=lattice,
        lattice_constant=constant,
        cross_section=cross_section,
        n_cells=n_cells,
        first_b_cell=first_b,
        mass=mass,
        cell_region=np.array([REGIONS.index(str(region[i])) for i in first]),
    )
    agree = (
        len(atoms) == system.n_sites
        and np.array_equal(layer, system.layer_of_site)
        and np.array_equal(species, np.array(SPECIES)[system.species_of_site])
        and np.array_equal(region, np.array(REGIONS)[system.cell_region[system.cell_of_site]])
        and np.allclose(atoms.get_masses(), system.mass_of_site)
        and np.allclose(atoms.positions, system.positions, atol=1e-6 * constant)
    )
    if not agree:
        raise StorageError(
            str(Problem("structure", "its atoms are not those of the lattice it names", "a built junction"))
        )
    return system
