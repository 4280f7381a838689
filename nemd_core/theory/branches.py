"""The branches of a lead along x at one transverse wave vector, and the counting of its modes.

What passes from lead to lead is in `greens`; the bulk crystal's dispersion along band paths is in `phonons`.
"""

from typing import NamedTuple

import numpy as np

from ..errors import PhysicsError
from .leads import Lead, flatten_blocks, layer_matrices

_COARSE, _FINE = 96, 32
"""Intervals of q over which branches are followed, and the parts of one in which a branch has an extremum."""
_FLAT = 0.02
"""Slope dw/dq next to an extremum, relative to the highest frequency, above which it is a kink."""
_STILL = 1e-7
"""The same, below which a mode does not travel."""
_UNSTABLE = 1e-6
"""Squared frequencies below minus this part of the largest are imaginary modes, not rounding."""


class Branches(NamedTuple):
    """Frequencies over one turn of q, both ends included."""

    q: np.ndarray
    """Wave number along x in radians a layer, ascending, (n_q,)."""
    w: np.ndarray
    """(n_q, n_branches), ascending at every q."""


def lead_frequencies(lead: Lead, k, q) -> np.ndarray:
    """Frequencies of the lead's modes of wave vector (q, k), ascending, (n_q, period d); q in radians a layer.

    Raises PhysicsError for an imaginary one.
    """
    rows = layer_matrices(lead, k)
    p, d = lead.period, rows.shape[-1]
    matrix = np.zeros((len(q), p, p, d, d), complex)
    for s, blocks in enumerate(rows):
        wave = np.exp(1j * s * np.asarray(q))[:, None, None]
        for a, block in enumerate(blocks):
            matrix[:, a, (a + s) % p] += wave * block
            if s:
                matrix[:, (a + s) % p, a] += wave.conj() * block.conj().T
    squares = np.linalg.eigvalsh(flatten_blocks(matrix))
    if squares.min() < -_UNSTABLE * np.abs(squares).max():
        worst = q[int(np.argmin(squares.min(axis=1)))]
        raise PhysicsError(
            f"materials.{lead.side}: imaginary mode, w² = {squares.min():.4g} at {worst:.4g} a layer along x and "
            f"k = ({k[0]:.4g}, {k[1]:.4g}): the crystal is not stable"
        )
    return np.sqrt(np.maximum(squares, 0.0))


def follow_branches(lead: Lead, k) -> Branches:
    """The branches of a lead, finer where one has an extremum: there modes begin or end."""
    q = np.linspace(0, 2 * np.pi / lead.period, _COARSE + 1)
    w = lead_frequencies(lead, k, q)
    slope = np.diff(w, axis=0)
    turns = (slope * np.roll(slope, 1, axis=0) <= 0).any(axis=1)
    intervals = np.flatnonzero(turns | np.roll(turns, -1))
    inner = (q[intervals, None] + q[1] * np.arange(1, _FINE) / _FINE).ravel()
    if len(inner):
        q, w = np.concatenate([q, inner]), np.concatenate([w, lead_frequencies(lead, k, inner)])
    order = np.argsort(q)
    return Branches(q[order], w[order])


def find_extrema(branches: Branches) -> np.ndarray:
    """Frequencies at which a branch turns, and so modes begin or end, ascending, (n,).

    Where two branches cross, those above and below have a kink: nothing begins or ends.
    """
    after = np.diff(branches.q)[:, None]
    before = np.roll(after, 1, axis=0)
    rise = np.diff(branches.w, axis=0) / after
    fall = np.roll(rise, 1, axis=0)
    flat = np.minimum(np.abs(rise), np.abs(fall)) < _FLAT * branches.w.max()
    slope = (fall * after + rise * before) / (before + after)
    bend = 2 * (rise - fall) / (before + after)
    vertex = branches.w[:-1] - np.divide(slope**2, 2 * bend, out=np.zeros_like(bend), where=bend != 0)
    return np.unique(np.maximum(vertex[(rise * fall <= 0) & flat], 0.0))


def count_modes(branches: Branches, w) -> np.ndarray:
    """M(w), the modes that travel one way: half the crossings of each frequency, (n_w,)."""
    low = np.minimum(branches.w[1:], branches.w[:-1]).ravel()
    high = np.maximum(branches.w[1:], branches.w[:-1]).ravel()
    begun, ended = (np.searchsorted(np.sort(ends), w, side="right") for ends in (low, high))
    return (begun - ended) / 2


def integrate_modes(branches: Branches) -> float:
    """∫ M dw = ½ sum over branches of ∫ |dw/dq| dq."""
    return float(np.abs(np.diff(branches.w, axis=0)).sum() / 2)


def mobile_share(branches: Branches) -> float:
    """The part of all modes that travel at all: 1 but where a branch does not depend on q, as springs at zone edges have it."""
    step = np.diff(branches.q)[:, None]
    moves = np.abs(np.diff(branches.w, axis=0)) > _STILL * branches.w.max() * step
    return float((step * moves).sum() / (step.sum() * branches.w.shape[1]))
