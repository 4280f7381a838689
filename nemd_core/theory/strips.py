"""A junction to second order about its relaxed sites: one lateral primitive cell over its whole length.

All transverse wave vectors k = (k_y, k_z) of a junction follow from the bonds of one strip, with the phase
exp(i k·(r_j - r_i)) of the true lateral distance. Here are the strip, its matrices, and the wave vectors that matter: those
of the simulated cross-section and meshes, less what symmetry tells. How bonds are found is in `bonds`, what the matrices
are for in `greens` and `steady_state`; perfect crystals are in `crystal`.
"""

from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from ..forces.build import relax
from ..potentials import LennardJones, Springs, law_of
from ..structure import build
from ..system import System
from .bonds import find_bonds, middle_constants, narrowest_cell

_SAME = 1e-6
"""Sites that symmetry maps within so many sigma are the same."""


class Strip(NamedTuple):
    """One lateral primitive cell of a junction, ordered by layers. d is 1 for a chain and 3 for a crystal."""

    position: np.ndarray
    """Relaxed sites in sigma, (n, 3)."""
    mass: np.ndarray
    """(n,)"""
    layer: np.ndarray
    """Lattice layer along x, (n,)."""
    cell: np.ndarray
    """Cell along x, (n,)."""
    species: np.ndarray
    """Index into SPECIES, (n,)."""
    moving: np.ndarray
    """False in the walls, (n,)."""
    site: np.ndarray
    """Index of a site of the System that each one stands for, (n,)."""
    lateral: np.ndarray
    """Lateral lattice vectors (y, z) of the strip as rows, in sigma, (2, 2); zeros for a chain."""
    sides: np.ndarray
    """Edges of the simulated cross-section along y and z, in sigma, (2,); zeros for a chain."""
    n_strips: int
    """Strips in the simulated cross-section."""
    area: float
    """Of one strip, in sigma²; 1 for a chain."""
    dimensions: int
    """d: 1 or 3."""
    first: np.ndarray
    """Site at which each bond begins, (m,); every bond is listed from both its ends."""
    second: np.ndarray
    """Site at which it ends, (m,); -1 for a frozen one beyond the ends of the junction."""
    vector: np.ndarray
    """From the first to the image of the second that it is bound to, relaxed, in sigma, (m, 3)."""
    stiffness: np.ndarray
    """K of the bond's energy ½ d·K·d, d the difference of displacements, (m, d, d)."""
    axial: np.ndarray
    """Lattice constants along x in the middle of A and of B, relaxed, in sigma, (2,)."""


class Points(NamedTuple):
    """Wave vectors that stand for a full set, from which they follow by symmetry."""

    k: np.ndarray
    """(k_y, k_z) in 1/sigma, (n_k, 2)."""
    weight: np.ndarray
    """Number of wave vectors of the full set that each stands for, (n_k,)."""
    full: np.ndarray
    """The full set, in the first Brillouin zone, (n_full, 2)."""
    index: np.ndarray
    """Which of `k` stands for each of the full set, (n_full,)."""


def make_strip(config, crystals: dict | None = None) -> Strip:
    """The strip of a configuration's junction.

    Lennard-Jones is expanded about the energy minimum between the frozen walls, springs as they are. Where all rows carry
    the same species, the strip is as narrow as the crystal allows, otherwise the whole cross-section. crystals: what
    `relaxation.relax_all` found, for a relaxed lattice constant. Raises PhysicsError where there is no minimum.
    """
    return strip_of(build(config, crystals), law_of(config))


def strip_of(system: System, law: LennardJones | Springs) -> Strip:
    """The strip of a junction with a pair law; see `make_strip`."""
    relaxed = np.zeros((system.n_sites, 3))
    if isinstance(law, LennardJones):
        relaxed[:, : system.lattice.dimensions] = relax(system, law)
    lateral, representative = narrowest_cell(system)
    chosen = np.unique(representative)
    site = chosen[np.lexsort((chosen, system.layer_of_site[chosen]))]
    bonds = find_bonds(system, law, relaxed, site, representative)
    chain = system.lattice.dimensions == 1
    n_strips = system.n_sites // len(site)
    position = system.positions + relaxed
    return Strip(
        position=position[site],
        mass=system.mass[site],
        layer=system.layer_of_site[site],
        cell=system.cell_of_site[site],
        species=system.species[site],
        moving=system.moving_cell[system.cell_of_site[site]],
        site=site,
        lateral=np.zeros((2, 2)) if chain else lateral,
        sides=np.zeros(2) if chain else system.sides,
        n_strips=n_strips,
        area=system.area / n_strips,
        dimensions=system.lattice.dimensions,
        **bonds._asdict(),
        axial=middle_constants(system, position),
    )


def force_matrix(strip: Strip, k, sites=slice(None)) -> np.ndarray:
    """K(k) of the chosen sites, complex, (n d, n d), not weighted by masses.

    K(k)_ij = delta_ij Σ K - Σ K exp(i k·r_lateral), the first sum over all bonds of i, also those that end at sites that
    are left out or frozen, the second over the bonds from i to images of j. k: (k_y, k_z) in 1/sigma. sites: anything that
    indexes the strip's sites.
    """
    chosen = np.arange(len(strip.mass))[sites]
    place = np.full(len(strip.mass) + 1, -1)  # the last: of bonds that end beyond the ends
    place[chosen] = np.arange(len(chosen))
    n, d = len(chosen), strip.dimensions
    starts = place[strip.first] >= 0
    i, j, K = place[strip.first[starts]], place[strip.second[starts]], strip.stiffness[starts]
    matrix = np.zeros((n, n, d, d), complex)
    np.add.at(matrix, (i, i), K)
    inside = j >= 0
    phase = np.exp(1j * (strip.vector[starts][inside, 1:] @ np.asarray(k, float)))
    np.subtract.at(matrix, (i[inside], j[inside]), K[inside] * phase[:, None, None])
    return matrix.transpose(0, 2, 1, 3).reshape(n * d, n * d)


# ---- transverse wave vectors ----


def simulated_points(strip: Strip) -> Points:
    """The wave vectors of the simulated cross-section, exp(i k·L) = 1 for both its sides; their number is `n_strips`."""
    n = strip.n_strips
    if strip.dimensions == 1:
        return _reduce(strip, np.zeros((1, 2), int), 1)
    per_side = np.rint(strip.lateral / strip.sides * n).astype(int)  # a_i·(1/L_y, 1/L_z), times n
    period = n // np.gcd.reduce([*per_side, [n, n]])  # after so many 2 pi/L k repeats
    turns = np.array(list(product(*map(range, period))))
    return _reduce(strip, np.unique(turns @ per_side.T % n, axis=0), n)


def mesh_points(strip: Strip, n: int) -> Points:
    """The n x n mesh of the strip's lateral Brillouin zone with the zone's centre in it; one point for a chain."""
    if strip.dimensions == 1:
        n = 1
    return _reduce(strip, np.array(list(product(range(n), repeat=2))), n)


def symmetries(strip: Strip) -> list[np.ndarray]:
    """Rotations and mirrors of y and z that map the strip's sites onto themselves, as integer (2, 2) matrices.

    M of the lateral lattice L: the rows of M L are the images of those of L.
    """
    identity = np.eye(2, dtype=int)
    if strip.dimensions == 1:
        return [identity]
    metric = strip.lateral @ strip.lateral.T
    kept = []
    for entries in product((-1, 0, 1), repeat=4):
        M = np.array(entries).reshape(2, 2)
        turned = np.abs(M @ metric @ M.T - metric).max() < _SAME * metric.max()
        if turned and ((M == identity).all() or _maps_onto_itself(strip, M)):
            kept.append(M)
    return kept


def _maps_onto_itself(strip: Strip, M) -> bool:
    """Whether a turn by M, and some shift along y and z, maps every site onto one of the same kind."""
    kind = np.column_stack([strip.layer, strip.species, strip.mass, strip.moving])
    _, kind, count = np.unique(kind, axis=0, return_inverse=True, return_counts=True)
    kind, scale = kind.ravel(), np.sqrt(strip.area)
    fraction = strip.position[:, 1:] @ np.linalg.inv(strip.lateral)
    x, turned = strip.position[:, 0] / scale, fraction @ M
    tree = cKDTree(np.column_stack([_fold(fraction), x]), boxsize=[1.0, 1.0, 0.0])  # x is not periodic
    rarest = np.flatnonzero(kind == np.argmin(count))
    for target in rarest:
        moved = _fold(turned + fraction[target] - turned[rarest[0]])
        away, image = tree.query(np.column_stack([moved, x]))
        if away.max() * scale < _SAME and (kind[image] == kind).all():
            return True
    return False


def _fold(fraction):
    folded = fraction % 1.0
    return np.where(folded >= 1.0, 0.0, folded)  # -1e-17 % 1.0 is 1.0


def _reduce(strip: Strip, turns, n: int) -> Points:
    """One of each set of equivalent wave vectors. turns: k·a_i/(2 pi) n as integers from 0 to n - 1, (n_full, 2)."""
    key = turns @ [n, 1]
    own = {int(value): number for number, value in enumerate(key)}
    lowest = key.copy()
    for M in symmetries(strip):
        images = turns @ M.T % n @ [n, 1]
        if set(images.tolist()) == own.keys():
            back = -(turns @ M.T) % n @ [n, 1]  # K(-k) is the conjugate of K(k)
            lowest = np.minimum(lowest, np.minimum(images, back))
    stands, index, weight = np.unique(lowest, return_inverse=True, return_counts=True)
    full = _first_zone(strip, turns / n)
    return Points(full[[own[int(value)] for value in stands]], weight, full, index.ravel())


def _first_zone(strip: Strip, fraction) -> np.ndarray:
    """The shortest equivalents of wave vectors given by k·a_i/(2 pi), (n, 2)."""
    if strip.dimensions == 1:
        return np.zeros((len(fraction), 2))
    reciprocal = 2 * np.pi * np.linalg.inv(strip.lateral).T
    shifts = np.array(list(product((0, -1, 1), repeat=2)))
    k = (fraction[:, None] + shifts) @ reciprocal
    length = np.linalg.norm(k, axis=2).round(9)
    return k[np.arange(len(k)), length.argmin(axis=1)]
