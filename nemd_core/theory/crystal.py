"""A perfect crystal of one side of a junction to second order about its sites, strained as that side is.

Its lattice dynamics are in `phonons`, `density_of_states` and `elasticity`; the junction itself is in `strips`.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from ..lattice import find_lattice
from ..potentials import PAIR_TYPE, Springs, force_constants, law_of
from ..system import SPECIES
from .bonds import NEIGHBOURS, shortest_vectors, translations

ZERO = 1e-9
"""Squared frequencies within this share of the largest one of an atom alone are zero."""


class Bulk(NamedTuple):
    """One primitive cell of a crystal in the axes of the junction. d is 1 for a chain and 3 for a crystal."""

    side: str
    """'A' or 'B'."""
    cell: np.ndarray
    """Primitive lattice vectors as rows, in sigma, (3, 3); those along y and z are zero for a chain."""
    position: np.ndarray
    """Sites in sigma, (n, 3)."""
    mass: np.ndarray
    """(n,)"""
    first: np.ndarray
    """Site at which each bond begins, (m,); every bond is listed from both its ends."""
    second: np.ndarray
    """Site at which it ends, up to a lattice vector, (m,)."""
    vector: np.ndarray
    """From one to the other, in sigma, (m, 3)."""
    stiffness: np.ndarray
    """K of the bond's energy ½ d·K·d, (m, d, d)."""
    dimensions: int
    """d: 1 or 3."""

    @property
    def volume(self) -> float:
        """Of the primitive cell, in sigma³; the length of a chain's."""
        return float(abs(self.cell[0, 0] if self.dimensions == 1 else np.linalg.det(self.cell)))

    @property
    def reciprocal(self) -> np.ndarray:
        """Reciprocal lattice vectors as rows, b_i·a_j = 2 pi delta_ij, in 1/sigma, (d, 3)."""
        return 2 * np.pi * np.linalg.pinv(self.cell).T[: self.dimensions]


def make_bulk(config, side: str, axial: float, lateral: float) -> Bulk:
    """The crystal of a side with lattice constants along x and across, in sigma.

    For the sides of a junction: `Strip.axial`, and the first of `crystals.lattice_constants`.
    """
    lattice, law = find_lattice(config.structure.lattice, config.structure.orientation), law_of(config)
    d, basis, edges = lattice.dimensions, lattice.basis, lattice.edges * [axial, lateral, lateral]
    steps, images = zip(*translations(basis), strict=True)
    chosen, home = np.unique(np.min(images, axis=0), return_inverse=True)
    reach = NEIGHBOURS * lattice.neighbour_distance if isinstance(law, Springs) else law.cutoff
    measure = lattice.edges if isinstance(law, Springs) else edges
    spans = [int(np.ceil(reach / edge)) + 1 if n < d else 0 for n, edge in enumerate(measure)]
    cells = np.array(list(product(*(range(-n, n + 1) for n in spans))))
    bonds = basis[None, :, None] - basis[chosen, None, None] + cells
    length = np.linalg.norm(bonds * measure, axis=-1)
    first, other, _ = near = np.nonzero((length > 1e-9) & (length < reach))
    vector, species = bonds[near] * edges, SPECIES.index(side)
    cell = np.zeros((3, 3))
    cell[:d, :d] = shortest_vectors(np.array(steps)[:, :d], edges[:d])
    return Bulk(
        side=side,
        cell=cell,
        position=basis[chosen] * edges,
        mass=np.full(len(chosen), getattr(config.materials, side).mass),
        first=first,
        second=home.ravel()[other],
        vector=vector,
        stiffness=force_constants(law, vector, PAIR_TYPE[species, species])[:, :d, :d],
        dimensions=d,
    )


def dynamical_matrix(bulk: Bulk, k) -> np.ndarray:
    """D(k) = Σ K (delta_ij - exp(i k·r)) / sqrt(m_i m_j), (n_k, n d, n d), with true distances r in the phase.

    k: (n_k, 3) in 1/sigma; of a chain only k_x matters.
    """
    return _on_site(bulk) - bond_sums(bulk, np.exp(1j * (np.asarray(k) @ bulk.vector.T)))


def matrix_slopes(bulk: Bulk, k) -> np.ndarray:
    """dD/dk along x, y and z, (d, n_k, n d, n d); see `dynamical_matrix`."""
    phase = np.exp(1j * (np.asarray(k) @ bulk.vector.T))
    return np.stack([bond_sums(bulk, -1j * x * phase) for x in bulk.vector.T[: bulk.dimensions]])


def bond_sums(bulk: Bulk, factors, on_site: bool = False) -> np.ndarray:
    """Sums of K times a factor of each bond, over the bonds between two sites and 1 / sqrt(m_i m_j), (n_k, n d, n d).

    factors: (n_k, m). on_site: put all bonds on the site at which they begin.
    """
    n, d = len(bulk.mass), bulk.dimensions
    matrix = np.zeros((len(factors), n, d, n, d), complex)
    for i, j in {(i, i if on_site else j) for i, j in zip(bulk.first, bulk.second, strict=True)}:
        between = (bulk.first == i) & (on_site | (bulk.second == j))
        K = bulk.stiffness[between].reshape(-1, d * d)
        weight = 1 / np.sqrt(bulk.mass[i] * bulk.mass[j])
        matrix[:, i, :, j] = weight * (factors[:, between] @ K).reshape(-1, d, d)
    return matrix.reshape(-1, n * d, n * d)


def squared_scale(bulk: Bulk) -> float:
    """The largest squared frequency of an atom alone among the others at rest."""
    return float(np.linalg.eigvalsh(_on_site(bulk)).max())


def _on_site(bulk: Bulk) -> np.ndarray:
    return bond_sums(bulk, np.ones((1, len(bulk.first))), on_site=True)


def zone_points(bulk: Bulk, mesh: int) -> np.ndarray:
    """One of each k and -k of a mesh of mesh^d wave vectors around the zone's centre, in 1/sigma, (mesh^d / 2, 3).

    All count the same. No point lies on the centre; `mesh` is rounded up to an even number.
    """
    half = -(-mesh // 2)
    steps = (np.arange(2 * half) + 0.5) / (2 * half) - 0.5
    fractions = np.array(list(product(steps[:half], *[steps] * (bulk.dimensions - 1))))
    return fractions @ bulk.reciprocal
