"""Sums over the Brillouin zone of a perfect crystal: means, the density of states, the overlap of two of them."""

from collections.abc import Callable
from itertools import product
from math import factorial
from typing import NamedTuple

import numpy as np

from ..errors import PhysicsError
from .crystal import Bulk, zone_points
from .phonons import group_velocities

MESH = {1: 4000, 3: 40}
"""Wave vectors along each reciprocal lattice vector, by dimension."""
_CHUNK = 200
"""Modes at once: alike in frequency, they reach few bins."""
_BEYOND = 0.01
"""Modes may lie above the last bin by so much of it: they count among the others there."""


class DensityOfStates(NamedTuple):
    """Share of the modes of a crystal per frequency; its integral is 1."""

    edges: np.ndarray
    """Of the bins, in 1/tau, (n + 1,)."""
    density: np.ndarray
    """g(w) of each bin, in tau, (n,)."""
    convergence: float
    """∫ |g - g'| dw, g' with half as many wave vectors each way; at most 2."""


def zone_mean(bulk: Bulk, function: Callable, mesh: int | None = None) -> np.ndarray:
    """Mean over the Brillouin zone of a function that is the same at k and -k.

    function: (n_k, 3) in 1/sigma -> (n_k, ...), for instance a moment of `phonons.frequencies`.
    """
    return np.mean(function(zone_points(bulk, mesh or MESH[bulk.dimensions])), axis=0)


def density_of_states(bulk: Bulk, edges, mesh: int | None = None) -> DensityOfStates:
    """The density of states in bins.

    Every mode of a mesh stands for its cell of the zone, in which its frequency is linear (Gilat and Raubenheimer,
    Phys. Rev. 144, 390 (1966)); near the zone's centre it is not, which adds some per cent to the lowest tenth. edges: of the bins in 1/tau, from 0 to the highest frequency or beyond. Raises PhysicsError
    if modes lie above the last edge, or for an imaginary mode.
    """
    edges, mesh = np.asarray(edges, float), mesh or MESH[bulk.dimensions]
    fine, coarse = (_count(bulk, edges, n) for n in (mesh, -(-mesh // 2)))
    return DensityOfStates(edges, fine / np.diff(edges), float(np.abs(fine - coarse).sum()))


def overlap(first: DensityOfStates, second: DensityOfStates) -> float:
    """∫ min(g_A, g_B) dw: 1 for equal densities, 0 for those without a common frequency; both in the same bins."""
    return float(np.minimum(first.density, second.density) @ np.diff(first.edges))


def _count(bulk: Bulk, edges, mesh: int) -> np.ndarray:
    """Share of the modes in every bin."""
    w, v = group_velocities(bulk, zone_points(bulk, mesh))
    if w.max() > edges[-1] * (1 + _BEYOND):
        raise PhysicsError(
            f"theory: bins up to {edges[-1]:.4g}/tau0: crystal {bulk.side} has modes up to {w.max():.4g}/tau0, "
            "which they must reach"
        )
    d, order = bulk.dimensions, np.argsort(w, axis=None)
    steps = bulk.reciprocal[:, :d] / (mesh + mesh % 2)
    half_width = 0.5 * np.abs(v.reshape(-1, d)[order] @ steps.T)
    half_width = np.maximum(half_width, 1e-3 * np.diff(edges).min())
    w, outside, below = w.ravel()[order], half_width.sum(axis=1), np.zeros(len(edges))
    for part in np.array_split(np.arange(w.size), -(-w.size // _CHUNK)):
        low, high = (w[part] - outside[part]).min(), (w[part] + outside[part]).max()
        near = (edges > low) & (edges < high)
        below[near] += _below(edges[near] - w[part, None], half_width[part]).sum(axis=0)
        below[edges >= high] += len(part)
        back = edges < -low  # what the linear frequency takes below 0 comes back above it
        below[back] -= _below(-edges[back] - w[part, None], half_width[part]).sum(axis=0)
    below[-1] = w.size  # as does, below the last edge, what it takes above it
    return np.diff(below) / w.size


def _below(x, half_width) -> np.ndarray:
    """Probability that a sum of d numbers, each uniform within its half width, is below x; (n, n_x).

    x: (n, n_x); half_width: (n, d). The integral of the density, d times over, of delta functions at the corners of the box.
    """
    d, total = half_width.shape[1], np.zeros(x.shape)
    for signs in product((1.0, -1.0), repeat=d):
        beyond = np.maximum(x + (half_width * signs).sum(axis=1, keepdims=True), 0.0)
        total += np.prod(signs) * (beyond if d == 1 else beyond * beyond * beyond)
    found = total / (factorial(d) * np.prod(2 * half_width, axis=1, keepdims=True))
    outside = half_width.sum(axis=1, keepdims=True)
    return np.where(x >= outside, 1.0, np.where(x <= -outside, 0.0, found))
