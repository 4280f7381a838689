"""The crystal lattices a junction can be built of. Lengths here are fractions of the lattice constant."""

from typing import NamedTuple

import numpy as np


class Lattice(NamedTuple):
    """A conventional orthogonal cell with one edge along x, the direction of the heat flux."""

    name: str
    dimensions: int
    """Components in which an atom moves: 1 for the chain (along x), 3 for crystals."""
    basis: np.ndarray
    """Sites of one cell, shape (n_basis, 3), ordered by x."""
    layers_per_cell: int
    """Distinct x among the basis; layers are equally spaced."""
    neighbour_distance: float

    @property
    def sublayer(self) -> np.ndarray:
        """Layer inside the cell of each basis site, shape (n_basis,)."""
        return np.rint(self.basis[:, 0] * self.layers_per_cell).astype(np.int64)


def _lattice(name, dimensions, basis, neighbour_distance):
    basis = np.array(basis, dtype=float)
    return Lattice(name, dimensions, basis, len(np.unique(basis[:, 0])), neighbour_distance)


LATTICES = {
    lattice.name: lattice
    for lattice in (
        _lattice("chain", 1, [(0, 0, 0)], 1.0),
        _lattice("sc", 3, [(0, 0, 0)], 1.0),
        _lattice("fcc", 3, [(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)], np.sqrt(0.5)),
    )
}
