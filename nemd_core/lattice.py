"""The crystal lattices a junction can be built of. Lengths are in lattice constants.

A crystal that is turned, with [110] or [111] along x, is described by an orthogonal cell of its own, with other edges and
other sites. Its sites still repeat along x, so that rows and their neighbour tables work as for [100].
"""

from functools import cache
from typing import NamedTuple

import numpy as np


class Lattice(NamedTuple):
    """An orthogonal cell with one edge along x, the direction of the heat flux."""

    name: str
    orientation: int
    """Crystal direction along x: 100, 110 or 111."""
    dimensions: int
    """Components in which an atom moves: 1 for the chain (along x), 3 for crystals."""
    edges: np.ndarray
    """Edges of the cell along x, y and z, in lattice constants, shape (3,)."""
    basis: np.ndarray
    """Sites of one cell in fractions of the edges, shape (n_basis, 3), ordered by x."""
    layers_per_cell: int
    """Distinct x among the basis; layers are equally spaced."""
    neighbour_distance: float

    @property
    def sublayer(self) -> np.ndarray:
        """Layer inside the cell of each basis site, shape (n_basis,)."""
        return np.rint(self.basis[:, 0] * self.layers_per_cell).astype(np.int64)


_CUBIC = (1.0, 1.0, 1.0)
_FCC = [(0, 0, 0), (0, 1 / 2, 1 / 2), (1 / 2, 0, 1 / 2), (1 / 2, 1 / 2, 0)]
_DIAMOND = _FCC + [(x + 1 / 4, y + 1 / 4, z + 1 / 4) for x, y, z in _FCC]
_CELLS = {
    ("chain", 100): (_CUBIC, [(0, 0, 0)], 1.0),
    ("sc", 100): (_CUBIC, [(0, 0, 0)], 1.0),
    ("bcc", 100): (_CUBIC, [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)], np.sqrt(3) / 2),
    ("diamond", 100): (_CUBIC, _DIAMOND, np.sqrt(3) / 4),
    ("fcc", 100): (_CUBIC, _FCC, np.sqrt(1 / 2)),
    # x along [110], y along [1-10], z along [001]
    ("fcc", 110): (
        (np.sqrt(1 / 2), np.sqrt(1 / 2), 1.0),
        [(0, 0, 0), (1 / 2, 1 / 2, 1 / 2)],
        np.sqrt(1 / 2),
    ),
    # x along [111], y along [1-10], z along [11-2]: three close-packed layers of two sites
    ("fcc", 111): (
        (np.sqrt(3), np.sqrt(1 / 2), np.sqrt(3 / 2)),
        [(n / 3, y, z + n / 3) for n in range(3) for y, z in ((0, 0), (1 / 2, 1 / 2))],
        np.sqrt(1 / 2),
    ),
}
"""(name, orientation) -> edges, sites in fractions of the edges, distance of nearest neighbours."""
LATTICES = tuple(dict.fromkeys(name for name, _ in _CELLS))
ORIENTATIONS = tuple(dict.fromkeys(orientation for _, orientation in _CELLS))


def orientations_of(name: str) -> list[int]:
    """The crystal directions along x that a lattice comes in."""
    return [orientation for lattice, orientation in _CELLS if lattice == name]


@cache
def find_lattice(name: str, orientation: int = 100) -> Lattice:
    """The cell of a lattice with a crystal direction along x. Raises KeyError for one that is not there."""
    edges, basis, neighbour_distance = _CELLS[name, orientation]
    basis = np.array(sorted(basis, key=lambda site: site[0])) % 1.0
    layers = len(np.unique(basis[:, 0].round(9)))
    dimensions = 1 if name == "chain" else 3
    return Lattice(name, orientation, dimensions, np.array(edges), basis, layers, float(neighbour_distance))
