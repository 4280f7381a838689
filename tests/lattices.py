"""Every lattice and orientation with what is known about it, and a configured junction of each."""

from typing import NamedTuple

from junctions import CHAIN, LJ, SPRINGS, configure

from nemd_core.structure import build
from nemd_core.system import System


class Known(NamedTuple):
    """Textbook values; lengths in lattice constants."""

    lattice: str
    orientation: int
    edges: tuple[float, float, float]
    layers_per_cell: int
    sites_per_cell: int
    neighbours: int
    """Nearest neighbours of a site."""
    in_layer: int
    """How many of them lie in its own layer."""
    nearest: float
    density: int
    """Sites in a conventional cubic cell."""
    cross_section: tuple[int, int]
    """Cells of the junction along y and z: few, but wide enough for springs."""


CUBIC = (1.0, 1.0, 1.0)
KNOWN = {
    "chain": Known("chain", 100, CUBIC, 1, 1, 2, 0, 1.0, 1, (1, 1)),
    "sc": Known("sc", 100, CUBIC, 1, 1, 6, 4, 1.0, 1, (3, 4)),
    "bcc": Known("bcc", 100, CUBIC, 2, 2, 8, 0, 0.75**0.5, 2, (3, 2)),
    "diamond": Known("diamond", 100, CUBIC, 4, 8, 4, 0, 3**0.5 / 4, 8, (2, 1)),
    "fcc": Known("fcc", 100, CUBIC, 2, 4, 12, 4, 0.5**0.5, 4, (3, 2)),
    "fcc110": Known("fcc", 110, (0.5**0.5, 0.5**0.5, 1.0), 2, 2, 12, 2, 0.5**0.5, 4, (3, 2)),
    "fcc111": Known("fcc", 111, (3**0.5, 0.5**0.5, 1.5**0.5), 3, 6, 12, 6, 0.5**0.5, 4, (3, 2)),
}
CONSTANT = 1.3
STRAINED = {"lateral": 1.3, "A": 1.27, "B": 1.36}
SPRING_CRYSTAL = LJ | {"materials": SPRINGS, "interaction": {"potential": "harmonic"}}


def lattice_config(name: str, periodic: bool = False, **settings):
    """A configuration of springs, 7 cells of A and 8 of B, baths of 2 and 3 cells (periodic: 1 and 2), walls of 2.

    A chain and a periodic crystal have no walls.
    """
    known = KNOWN[name]
    base = CHAIN if name == "chain" else SPRING_CRYSTAL
    structure = {
        "lattice": known.lattice,
        "orientation": known.orientation,
        "lattice_constant": CONSTANT,
        "length": {"A": 7, "B": 8},
        "ends": "periodic" if periodic else "fixed",
    }
    if name != "chain":
        structure["cross_section"] = list(known.cross_section)
    baths = base["baths"] | {"walls": 0 if periodic or name == "chain" else 2}
    baths["hot"] = baths["hot"] | {"length": 1 if periodic else 2}
    baths["cold"] = baths["cold"] | {"length": 2 if periodic else 3}
    return configure(base | {"structure": structure, "baths": baths}, **settings)


def lattice_system(name: str, periodic: bool = False, **settings) -> System:
    """The junction of `lattice_config`."""
    return build(lattice_config(name, periodic, **settings))


def small_junction(periodic: bool = False, **settings) -> System:
    """An fcc Lennard-Jones junction of 8 + 8 cells, 576 sites, masses 1 and 4, with settings."""
    ends = {"structure__ends": "periodic", "baths__walls": 0} if periodic else {}
    return build(configure(LJ, **{"structure__length": {"A": 8, "B": 8}} | ends | settings))
