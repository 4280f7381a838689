"""What moving atoms carry when they may go anywhere. Columns are in the order of memory, which changes; numbers stay,
and so does the order of `by_number`."""

from typing import NamedTuple

import numpy as np


class Atoms(NamedTuple):
    """Moving atoms. Vectors have the shape (3, n), columns (n,)."""

    x: np.ndarray
    """Positions in sigma, folded into the box at the last build of the neighbour list."""
    v: np.ndarray
    f: np.ndarray
    image: np.ndarray
    """Boxes to add for the position that is not folded."""
    kick: np.ndarray
    """dt / (2 m)."""
    mass: np.ndarray
    number: np.ndarray
    """Site of the system from which the atom comes: what keys its random numbers."""
    by_number: np.ndarray
    """Where in memory the atoms are, in the order of their numbers."""
    species: np.ndarray
    layer: np.ndarray
    """Bin along x where the atom is, at a whole step."""


def make_atoms(x, v, mass, number, species, timestep: float) -> Atoms:
    """Atoms at positions x with velocities v, both (n, 3)."""
    n = len(x)
    return Atoms(
        x=np.ascontiguousarray(x.T, dtype=float),
        v=np.ascontiguousarray(v.T, dtype=float),
        f=np.zeros((3, n)),
        image=np.zeros((3, n), np.int64),
        kick=0.5 * timestep / mass,
        mass=np.array(mass, dtype=float),
        number=np.array(number, dtype=np.int64),
        by_number=np.argsort(number),
        species=np.array(species, dtype=np.int64),
        layer=np.zeros(n, np.int64),
    )
