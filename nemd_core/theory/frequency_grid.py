"""Frequencies at which a junction's transmission is computed, and their weights in integrals over frequency.

At one transverse wave vector the transmission is smooth but for square roots where a branch of a lead begins or ends. So
every wave vector has nodes of its own, between these frequencies and clustered there; few are enough for many digits.
"""

from typing import NamedTuple

import numpy as np

from .branches import Branches, count_modes, find_extrema

_LEAST = 4
"""Nodes of a panel; where there are too few for all, panels are merged."""
_ONE = 1e-5
"""Extrema closer than this, relative to the highest, are one."""


class Nodes(NamedTuple):
    """Quadrature over the frequencies at which both leads have modes."""

    w: np.ndarray
    """Ascending, (n,)."""
    weight: np.ndarray
    """dw of each, (n,); all 0 where no frequency has modes on both sides."""
    panel: np.ndarray
    """Which panel each is in, (n,)."""
    edges: np.ndarray
    """Both ends of each panel, (n_panels, 2)."""


def place_nodes(sides: list[list[Branches]], n: int) -> Nodes:
    """n Gauss-Legendre nodes in panels between the extrema of all branches, where both sides have modes.

    Inside a panel w - edge ~ 1 - cos phi at both ends, which makes square roots smooth. sides: the branches of A and of B.
    """
    edges = _panels(sides, max(1, n // _LEAST))
    if not len(edges):
        top = max(b.w.max() for side in sides for b in side)
        return Nodes(np.full(n, top), np.zeros(n), np.zeros(n, int), edges)
    parts = [
        _fill(low, high, count)
        for (low, high), count in zip(edges, _allot(edges[:, 1] - edges[:, 0], n), strict=True)
    ]
    w, weight = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Nodes(w, weight, np.repeat(np.arange(len(edges)), [len(part[0]) for part in parts]), edges)


def interpolate(nodes: Nodes, values, w) -> np.ndarray:
    """Values at other frequencies, linear between the nodes of a panel, constant beyond them, 0 outside panels, (n_w,)."""
    result = np.zeros(len(w))
    for panel, (low, high) in enumerate(nodes.edges):
        inside, own = (w >= low) & (w < high), nodes.panel == panel
        result[inside] = np.interp(w[inside], nodes.w[own], values[own])
    return result


def _panels(sides, most: int) -> np.ndarray:
    """Intervals between neighbouring extrema in which both sides have modes, at most so many, (n_panels, 2)."""
    ends = np.unique(np.concatenate([[0.0]] + [find_extrema(b) for side in sides for b in side]))
    ends = ends[np.diff(ends, prepend=-np.inf) > _ONE * ends[-1]]
    middle = (ends[1:] + ends[:-1]) / 2
    modes = np.array([np.sum([count_modes(b, middle) for b in side], axis=0) for side in sides])
    panels = np.column_stack([ends[:-1], ends[1:]])[(modes > 0).all(axis=0)]
    while len(panels) > most:
        width = np.where(panels[1:, 0] == panels[:-1, 1], panels[1:, 1] - panels[:-1, 0], np.inf)
        if not np.isfinite(width).any():  # gaps between all of them
            widest = np.argsort(panels[:, 0] - panels[:, 1], kind="stable")[:most]
            return panels[np.sort(widest)]
        narrowest = int(np.argmin(width))
        panels[narrowest, 1] = panels[narrowest + 1, 1]
        panels = np.delete(panels, narrowest + 1, axis=0)
    return panels


def _allot(width, n: int) -> np.ndarray:
    """How many of n nodes each panel has: a few, and the rest in proportion to its width, (n_panels,)."""
    least = min(_LEAST, n // len(width))
    counts = least + ((n - least * len(width)) * width / width.sum()).astype(int)
    counts[np.argmax(width)] += n - counts.sum()
    return counts


def _fill(low: float, high: float, n: int):
    x, dx = np.polynomial.legendre.leggauss(n)
    if low == 0.0:  # nothing begins at frequency 0, and nodes next to it would drown in rounding
        phi = np.pi / 4 * (x + 1)
        return high * np.sin(phi), high * np.cos(phi) * np.pi / 4 * dx
    phi = np.pi / 2 * (x + 1)
    return low + (high - low) * (1 - np.cos(phi)) / 2, (high - low) * np.sin(phi) * np.pi / 4 * dx
