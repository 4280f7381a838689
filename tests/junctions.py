"""Small junctions for the tests of the engine: configurations, and systems that no configuration would allow."""

import copy

import numpy as np

from nemd_core.config import parse_config
from nemd_core.config_yaml import set_path
from nemd_core.lattice import find_lattice
from nemd_core.system import REGIONS, System

LJ = {
    "units": "lj",
    "structure": {
        "lattice": "fcc",
        "lattice_constant": 1.58,
        "cross_section": [3, 3],
        "length": {"A": 6, "B": 6},
    },
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 4.0, "epsilon": 1.0, "sigma": 1.0},
    },
    "interaction": {"potential": "lj", "cutoff": 1.7},
    "baths": {
        "hot": {"temperature": 0.35, "length": 2},
        "cold": {"temperature": 0.15, "length": 2},
        "friction": 1.0,
        "walls": 2,
    },
    "run": {
        "timestep": 0.005,
        "equilibration_steps": 200,
        "production_steps": 400,
        "sample_every": 10,
        "series_steps": 100,
        "block_steps": 200,
        "threads": 1,
    },
    "fit": {"skip_bath": 0, "skip_interface": 0},
}
CHAIN = LJ | {
    "structure": {"lattice": "chain", "lattice_constant": 1.0, "length": {"A": 5, "B": 5}},
    "materials": {"A": {"mass": 1.0, "stiffness": 1.0}, "B": {"mass": 2.0, "stiffness": 1.5}},
    "interaction": {"potential": "harmonic"},
    "baths": {
        "hot": {"temperature": 1.5, "length": 1},
        "cold": {"temperature": 0.5, "length": 1},
        "friction": 1.0,
        "walls": 0,
    },
    "run": LJ["run"] | {"timestep": 0.05},
}
LIQUID = LJ | {
    "structure": {
        "lattice": "fcc",
        "lattice_constant": 1.75,
        "cross_section": [3, 3],
        "length": {"A": 7, "B": 7},
        "ends": "periodic",
    },
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 2.0, "epsilon": 1.1, "sigma": 0.98},
    },
    "baths": {"hot": {"temperature": 1.8, "length": 3}, "cold": {"temperature": 1.4, "length": 3}},
    "run": LJ["run"] | {"forces": "verlet"},
}
"""Two liquids that begin as crystals of density 0.75, at temperatures at which they melt at once."""
SPRINGS = {
    "A": {"mass": 1.0, "stiffness": 1.0, "transverse_stiffness": 0.2},
    "B": {"mass": 2.0, "stiffness": 1.5, "transverse_stiffness": 0.3},
}


def changed(base, **settings):
    """A copy of `base` with values replaced; 'a__b' stands for the key 'a.b'."""
    data = copy.deepcopy(base)
    for key, value in settings.items():
        data = set_path(data, key.replace("__", "."), value)
    return data


def configure(base, **settings):
    """The checked configuration of `changed(base, ...)`."""
    return parse_config(changed(base, **settings))


def junction(
    lattice,
    n_a,
    n_b,
    *,
    a=1.0,
    cross_section=(1, 1),
    walls=0,
    mass=(1.0, 4.0, 2.0),
    bath=1,
    orientation=100,
    axial=None,
    species=None,
    periodic=False,
) -> System:
    """A junction straight from its numbers, without the checks that a configuration has to pass.

    axial: lattice constants along x of A and B, else both are `a`. species: of each site, else a sharp interface; or the
    seed of a random choice among A, B and C for every site.
    """
    cell = find_lattice(lattice, orientation)
    lengths = (
        ("wall", walls),
        ("hot", bath),
        ("A", n_a - walls - bath),
        ("B", n_b - walls - bath),
        ("cold", bath),
        ("wall", walls),
    )
    if periodic:
        lengths = (("A", n_a - bath), ("hot", bath), ("B", n_b - bath), ("cold", bath))
    region = np.repeat([REGIONS.index(name) for name, _ in lengths], [n for _, n in lengths])
    n_rows = cross_section[0] * cross_section[1] * len(cell.basis)
    if species is None:
        species = np.tile(np.arange(n_a + n_b) >= n_a, n_rows).astype(int)
    elif np.ndim(species) == 0:
        species = np.random.default_rng(species).integers(0, 3, n_rows * (n_a + n_b))
    return System(
        lattice=cell,
        lateral=a,
        axial=axial or (a, a),
        cross_section=cross_section,
        n_cells=n_a + n_b,
        first_b_cell=n_a,
        species=species,
        mass=np.array([*mass, 1.0])[species],
        cell_region=region,
        periodic=periodic,
    )


def moving(system: System) -> np.ndarray:
    """Mask of the sites that move, shape (n_sites,)."""
    return system.moving_cell[system.cell_of_site]


def displace(system: System, size: float, seed=0) -> np.ndarray:
    """Random displacements of the moving sites, uniform within `size` per component, (n_sites, components)."""
    u = np.random.default_rng(seed).uniform(-size, size, (system.n_sites, system.lattice.dimensions))
    u[~moving(system)] = 0.0
    return u
