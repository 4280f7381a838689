"""The perfect crystal of one Lennard-Jones material: axial stress, the spacing without it, a guess at thermal expansion.

Lengths are in the material's sigma, energies in its epsilon. Spacings are lattice constants: `axial` along x, `lateral`
along y and z, or None for the cubic crystal, where it is the axial one.
"""

from typing import NamedTuple

import numpy as np

from .lattice import Lattice
from .potentials import LennardJones, lennard_jones, pair_derivatives

SPACINGS = np.linspace(0.85, 1.25, 81)
"""Where zero stress is looked for, over the spacing that puts nearest neighbours into the minimum of the potential."""
_WIDTH = 0.01
"""Relative difference of spacings in derivatives: the second derivative of the potential jumps at the cut-off."""


class Solid(NamedTuple):
    """A perfect crystal."""

    cell: Lattice
    law: LennardJones
    bonds: np.ndarray
    """Vectors from all sites of one cell to their neighbours in lattice constants, shape (n, 3): pairs of sites in one cell
    appear both ways."""
    unit: float
    """Lattice constant that puts nearest neighbours into the minimum of the potential."""


def make_solid(cell: Lattice, cutoff: float, truncation: str) -> Solid:
    """The crystal of a lattice, with all bonds that come within the cut-off at the smallest spacing looked at."""
    unit = 2 ** (1 / 6) / cell.neighbour_distance
    reach = cutoff / (SPACINGS[0] * (1 - _WIDTH) * unit)
    spans = np.ceil(reach / cell.edges).astype(int) + 1
    cells = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in spans), indexing="ij"), -1).reshape(-1, 3)
    bonds = (cell.basis[None, :, None] - cell.basis[:, None, None] + cells) * cell.edges
    bonds = bonds.reshape(-1, 3)
    distance = np.linalg.norm(bonds, axis=1)
    law = lennard_jones([1.0], [1.0], cutoff, truncation)
    return Solid(cell, law, bonds[(distance > 0) & (distance < reach)], unit)


def static_stress(solid: Solid, axial: float, lateral: float | None) -> float:
    """Axial stress at rest, positive in tension: phi'(r) x²/r per volume, summed over the pairs of atoms."""
    lateral = lateral or axial
    bonds = solid.bonds * (axial, lateral, lateral)
    r = np.linalg.norm(bonds, axis=1)
    _, first, _ = pair_derivatives(solid.law, r)
    return float(0.5 * (first * bonds[:, 0] ** 2 / r).sum() / _volume(solid, axial, lateral))


def find_stiffness(solid: Solid, axial: float, lateral: float | None) -> float:
    """Change of axial stress at rest per relative change of spacing: of the axial one, or of all if `lateral` is None."""
    low, high = (static_stress(solid, axial * (1 + h), lateral) for h in (-_WIDTH, _WIDTH))
    return (high - low) / (2 * _WIDTH)


def find_spacing(solid: Solid, lateral: float | None) -> float | None:
    """The axial spacing without stress at rest; None if there is none."""
    from scipy.optimize import brentq  # as ase.io in storage.py

    spacings = SPACINGS * solid.unit
    values = np.array([static_stress(solid, a, lateral) for a in spacings])
    (rising,) = np.nonzero((values[:-1] <= 0) & (values[1:] > 0))  # the others are unstable
    if not rising.size:
        return None
    first = rising[0]
    return float(brentq(lambda a: static_stress(solid, a, lateral), *spacings[first : first + 2], xtol=1e-13))


def guess_expansion(solid: Solid, axial: float, lateral: float | None, T: float) -> float:
    """Relative change of the spacing without stress from rest to T, to first order: a sixth too small at T = 0.3.

    The thermal stress is the derivative of 3/2 T ln k per atom by the axial spacing, k the mean stiffness of an atom against
    the others at rest (Einstein's model).
    """
    side = lateral or axial
    low, high = (_einstein(solid, axial * (1 + h), side) for h in (-_WIDTH, _WIDTH))
    gradient = np.log(high / low) / (2 * _WIDTH)
    stress = 1.5 * len(solid.cell.basis) * T * gradient / _volume(solid, axial, side)
    return float(-stress / find_stiffness(solid, axial, lateral))


def _einstein(solid: Solid, axial: float, lateral: float) -> float:
    r = np.linalg.norm(solid.bonds * (axial, lateral, lateral), axis=1)
    _, first, second = pair_derivatives(solid.law, r)
    return float((second + 2 * first / r).sum() / (3 * len(solid.cell.basis)))


def _volume(solid: Solid, axial: float, lateral: float) -> float:
    return float(axial * lateral**2 * np.prod(solid.cell.edges))
