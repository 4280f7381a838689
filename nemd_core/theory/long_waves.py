"""The quantum conductance, down to temperatures at which a mesh of the Brillouin zone has little more than its centre.

At a low frequency both leads have modes only near the zone's centre. There a mesh of a smaller zone takes over, three times
smaller with each step: so the number of modes grows as w², and G as T³. Sums on one mesh are in `landauer`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .branches import lead_frequencies
from .greens import transmit
from .landauer import Spectra, heat_capacity
from .leads import Junction

_SCALES = (1 / 3, 1 / 9, 1 / 27)
_FREQUENCIES = 40
"""In each step."""
_FEWEST = 8
"""Wave vectors each way below which a mesh is none: of a wide strip, which has a small zone."""
_DIRECTIONS = 24
_SAFE = 0.9


class QuantumSum(NamedTuple):
    """G(T) as a sum over frequencies, of the whole mesh and of the smaller zones together."""

    w: np.ndarray
    """In 1/tau, (n,)."""
    share: np.ndarray
    """tau dw/2pi of each, per area, (n,)."""

    def conductance(self, temperature: float, hbar: float) -> float:
        """G = (1/A) sum over k of ∫ dw/2pi ħw tau dn/dT, Bose-Einstein; temperature in epsilon/k_B, hbar in epsilon time."""
        return float(self.share @ heat_capacity(hbar * self.w / temperature))


def sum_quanta(junction: Junction, spectra: Spectra, n_mesh: int, threads: int = 1) -> QuantumSum:
    """Of spectra on a mesh with n_mesh wave vectors each way; of a chain, and of few wave vectors, of nothing else."""
    w, weight = spectra.nodes, spectra.weight * spectra.tau * spectra.points.weight[:, None]
    tops = _reaches(junction) if junction.dimensions == 3 and n_mesh >= _FEWEST else []
    outer = 1.0 - _fade(w, tops[0]) if tops else 1.0
    found = [(w.ravel(), (outer * weight).ravel() / spectra.full_area)]
    for scale, high, low in zip(_SCALES, tops, [*tops[1:], 0.0], strict=False):
        dw = (high - low) / _FREQUENCIES
        w = low + dw * (np.arange(_FREQUENCIES) + 0.5)
        with ThreadPoolExecutor(threads) as pool:
            tau = list(
                pool.map(lambda k, w=w: transmit(junction, k, w, spectra.eta).tau, scale * spectra.points.k)
            )
        found.append(
            (w, scale**2 * _fade(w, tops[0]) * dw * (spectra.points.weight @ tau) / spectra.full_area)
        )
    w, share = (np.concatenate(column) for column in zip(*found, strict=True))
    return QuantumSum(w, share / (2 * np.pi))


def _fade(w, top: float) -> np.ndarray:
    """From 1 at half of the top to 0 there: both sums are of smooth functions."""
    return np.cos(np.pi / 2 * np.clip(2 * w / top - 1, 0.0, 1.0)) ** 2


def _reaches(junction: Junction) -> list[float]:
    """Frequencies below which each of the smaller zones holds all wave vectors at which both leads have modes."""
    b = 2 * np.pi * np.linalg.inv(junction.lateral).T
    radius = min(np.linalg.norm(m * b[0] + n * b[1]) for m, n in ((1, 0), (0, 1), (1, 1), (1, -1))) / 2
    return [_SAFE * _first_mode(junction, scale * radius) for scale in _SCALES]


def _first_mode(junction: Junction, radius: float) -> float:
    """The frequency below which not both leads have modes at wave vectors of this length, nor at longer ones."""
    angles = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    turn = np.linspace(-1, 1, 65)
    found = []
    for k in radius * np.column_stack([np.cos(angles), np.sin(angles)]):
        lowest = [
            lead_frequencies(lead, k, np.concatenate([np.pi / lead.period * turn, radius * turn])).min()
            for lead in (junction.A, junction.B)
        ]
        found.append(max(lowest))
    return min(found)
