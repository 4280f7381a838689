"""Lattice dynamics of a perfect crystal: frequencies, group velocities, the standard path through the Brillouin zone.

Sums over the zone are in `density_of_states`, the limit of long waves in `elasticity`.
"""

from typing import NamedTuple

import numpy as np
from ase.cell import Cell

from ..errors import PhysicsError
from .crystal import ZERO, Bulk, dynamical_matrix, matrix_slopes, squared_scale, zone_points

_CHUNK = 4000
"""Wave vectors at once, which bounds the memory."""


class BandPath(NamedTuple):
    """A path through the Brillouin zone."""

    k: np.ndarray
    """Wave vectors in 1/sigma, in the axes of the junction, (n, 3)."""
    distance: np.ndarray
    """Along the path, in 1/sigma, (n,); it does not grow where the path jumps."""
    labels: list[tuple[float, str]]
    """Distance and name of each special point, ASE's ("G" the centre); "U|X" where the path jumps from U to X."""


def frequencies(bulk: Bulk, k) -> np.ndarray:
    """w of all branches in ascending order, (n_k, n_branches), in 1/tau; w² are the eigenvalues of D(k).

    k: (n_k, 3) in 1/sigma. Raises PhysicsError for an imaginary mode.
    """
    k = np.asarray(k, float)
    squared = [np.linalg.eigvalsh(dynamical_matrix(bulk, part)) for part in _parts(k)]
    return _root(bulk, k, np.concatenate(squared))


def group_velocities(bulk: Bulk, k, direction=(1.0, 0.0, 0.0)) -> tuple[np.ndarray, np.ndarray]:
    """w, (n_k, n_branches), and dw/dk, (n_k, n_branches, d), in sigma/tau, from dw²/dk = e·dD/dk·e (Hellmann, Feynman).

    Where branches meet, they are those that dD/dk along `direction` tells apart: along it these are true slopes. 0 for modes
    without frequency. Raises PhysicsError for an imaginary mode.
    """
    k, direction = np.asarray(k, float), np.asarray(direction, float)[: bulk.dimensions]
    found = [_slopes(bulk, part, direction) for part in _parts(k)]
    squared, slope = (np.concatenate(parts) for parts in zip(*found, strict=True))
    w = _root(bulk, k, squared)
    still = w**2 <= ZERO * squared_scale(bulk)
    return w, np.where(still[..., None], 0.0, slope / np.where(still, 1.0, 2 * w)[..., None])


def band_path(bulk: Bulk, points: int = 240) -> BandPath:
    """The standard path for the crystal's Bravais lattice (Setyawan and Curtarolo, Comput. Mater. Sci. 49, 299 (2010)).

    A strained crystal has the path of what it has become; a chain goes from zone centre to edge.
    """
    if bulk.dimensions == 1:
        edge = np.pi / bulk.volume
        distance = np.linspace(0.0, edge, points)
        return BandPath(np.outer(distance, [1.0, 0.0, 0.0]), distance, [(0.0, "G"), (edge, "X")])
    path = Cell(bulk.cell).bandpath(npoints=points)
    distance, at, names = path.get_linear_kpoint_axis()
    labels = []
    for x, name in zip(at, names, strict=True):
        if labels and x - labels[-1][0] < 1e-9 * distance[-1]:
            name = f"{labels.pop()[1]}|{name}"
        labels.append((float(x), name))
    return BandPath(path.kpts @ bulk.reciprocal, distance, labels)


def highest_frequency(bulk: Bulk) -> float:
    """The largest w on the standard path and a coarse mesh of the Brillouin zone, in 1/tau."""
    return float(frequencies(bulk, np.concatenate([band_path(bulk).k, zone_points(bulk, 8)])).max())


def _parts(k):
    return np.array_split(k, max(1, -(-len(k) // _CHUNK)))


def _root(bulk: Bulk, k, squared) -> np.ndarray:
    lowest = squared.min(axis=1)
    worst = int(lowest.argmin())
    if lowest[worst] < -ZERO * squared_scale(bulk):
        vector = ", ".join(f"{component:.4g}" for component in k[worst])
        raise PhysicsError(
            f"structure.lattice_constant: crystal {bulk.side} is unstable, w^2 = {lowest[worst]:.4g}/tau0^2 at "
            f"k = ({vector})/sigma0; must be a spacing at which every mode is stable, nearer to equilibrium"
        )
    return np.sqrt(np.maximum(squared, 0.0))


def _slopes(bulk: Bulk, k, direction):
    """w², (n_k, n_branches), and dw²/dk, (n_k, n_branches, d)."""
    squared, vectors = np.linalg.eigh(dynamical_matrix(bulk, k))
    change = matrix_slopes(bulk, k)
    along = np.tensordot(direction, change, 1)
    near = np.diff(squared, axis=1) < ZERO * squared_scale(bulk)
    for point in np.flatnonzero(near.any(axis=1)):
        for branches in np.split(np.arange(squared.shape[1]), np.flatnonzero(~near[point]) + 1):
            some = vectors[point][:, branches]
            _, mixed = np.linalg.eigh(some.conj().T @ along[point] @ some)
            vectors[point][:, branches] = some @ mixed
    return squared, np.einsum("nib,anij,njb->nba", vectors.conj(), change, vectors, optimize=True).real
