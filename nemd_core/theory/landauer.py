"""Landauer sums: from the transmission at every wave vector to fluxes and conductances per area, classical and quantum.

k_B = 1. The transmission itself is in `greens`, the three resistances and the convergence report in `resistances`.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .branches import count_modes, follow_branches, integrate_modes, lead_frequencies, mobile_share
from .frequency_grid import interpolate, place_nodes
from .greens import Transmission, transmit
from .leads import Junction
from .strips import Points

ETA = 1e-9
"""Imaginary part of the frequency, relative to the lower of both leads' highest frequencies."""
_WAVE_NUMBERS = 65
"""Along x, over one turn with both ends, where a lead's highest frequency is sought."""


class Spectra(NamedTuple):
    """What passes at every wave vector and frequency, and what the leads could carry."""

    points: Points
    area: float
    """Of one strip, in sigma²; 1 for a chain."""
    n: int
    """Nodes at each wave vector."""
    eta: float
    w: np.ndarray
    """Evenly spaced frequencies, n up to the lower of both leads' highest and on to the higher one, (n_w,)."""
    transmission: np.ndarray
    """tau(k, w), interpolated between the nodes and kept between 0 and the modes, (n_k, n_w)."""
    modes_A: np.ndarray
    """M_A(k, w): modes of A that travel one way, (n_k, n_w)."""
    modes_B: np.ndarray
    nodes: np.ndarray
    """The frequencies at which tau was computed, other ones at every wave vector, (n_k, n)."""
    weight: np.ndarray
    """Their quadrature weights dw, (n_k, n)."""
    tau: np.ndarray
    """(n_k, n)"""
    ballistic_A: np.ndarray
    """∫ M_A dw, from the dispersion, (n_k,)."""
    ballistic_B: np.ndarray
    tau_sum_A: np.ndarray
    """Sum of tau over all modes of A, each with weight one, relative to the number of modes, (n_k,)."""
    tau_sum_B: np.ndarray
    mobile_A: np.ndarray
    """The part of A's modes that travel along x at all, (n_k,)."""
    mobile_B: np.ndarray

    @property
    def full_area(self) -> float:
        """The area that the full set of wave vectors stands for, one strip each, in sigma²."""
        return self.area * float(self.points.weight.sum())


def compute_spectra(
    junction: Junction, points: Points, n: int, threads: int = 1, eta: float | None = None
) -> Spectra:
    """Transmission and modes at all points, with n frequencies at each; wave vectors are spread over threads.

    eta: imaginary part of the frequency; None for a part 1e-9 of the highest. Raises PhysicsError for imaginary modes.
    """
    tops = [_highest(junction, lead, points) for lead in (junction.A, junction.B)]
    step = min(tops) / n
    w = (np.arange(max(n, int(np.ceil(max(tops) / step - 0.5)))) + 0.5) * step
    eta = ETA * min(tops) if eta is None else eta
    with ThreadPoolExecutor(threads) as pool:
        rows = list(pool.map(lambda k: _compute_one(junction, k, w, n, eta), points.k))
    columns = (np.array(column) for column in zip(*rows, strict=True))
    return Spectra(points, junction.area, n, eta, w, *columns)


def _highest(junction: Junction, lead, points: Points) -> float:
    q = np.linspace(0, 2 * np.pi / lead.period, _WAVE_NUMBERS)
    waves = (points.k[:, None] + junction.folded).reshape(-1, 2)
    return float(max(lead_frequencies(lead, wave, q).max() for wave in waves))


def _compute_one(junction: Junction, k, w, n: int, eta: float) -> tuple:
    """The fields of Spectra from `transmission` on, at one wave vector."""
    sides = [
        [follow_branches(lead, wave) for wave in k + junction.folded] for lead in (junction.A, junction.B)
    ]
    nodes = place_nodes(sides, n)
    passes = len(nodes.edges) > 0
    found = transmit(junction, k, nodes.w, eta) if passes else Transmission(*np.zeros((3, n)))
    modes = [np.sum([count_modes(b, w) for b in side], axis=0) for side in sides]
    return (
        np.minimum(interpolate(nodes, found.tau, w), np.minimum(*modes)),
        *modes,
        nodes.w,
        nodes.weight,
        found.tau,
        *(sum(integrate_modes(b) for b in side) for side in sides),
        nodes.weight @ found.tau_dos_A,
        nodes.weight @ found.tau_dos_B,
        *(float(np.mean([mobile_share(b) for b in side])) for side in sides),
    )


# ---- conductance and flux ----


def conductance(spectra: Spectra, temperature: float | None = None, hbar: float | None = None) -> float:
    """G = (1/A) sum over k of ∫ dw/2pi ħw tau dn/dT (Bose-Einstein), or (1/A) sum of ∫ dw/2pi tau without a temperature.

    The classical limit is what a classical simulation sees. temperature in epsilon/k_B, hbar in epsilon time
    (`units.Reference.hbar`). Per area; of the whole chain for a chain.
    """
    if temperature is None:
        return _integrate(spectra, 1.0)
    return _integrate(spectra, heat_capacity(hbar * spectra.nodes / temperature))


def flux(spectra: Spectra, T_hot: float, T_cold: float, hbar: float | None = None) -> float:
    """J = (1/A) sum over k of ∫ dw/2pi ħw tau [n(T_hot) - n(T_cold)], from A to B if A is the hot side.

    Without hbar the classical limit, G (T_hot - T_cold). Temperatures in epsilon/k_B, 0 or more.
    """
    if hbar is None:
        return conductance(spectra) * (T_hot - T_cold)
    energy = hbar * spectra.nodes
    return _integrate(spectra, energy * (_occupation(energy, T_hot) - _occupation(energy, T_cold)))


def accumulate(spectra: Spectra, temperature: float | None = None, hbar: float | None = None) -> np.ndarray:
    """The part of the conductance that frequencies up to each of `spectra.w` carry, from 0 to 1, (n_w,)."""
    weight = 1.0 if temperature is None else heat_capacity(hbar * spectra.w / temperature)
    running = np.cumsum(weight * (spectra.points.weight @ spectra.transmission))
    return running / running[-1] if running[-1] > 0 else running


def conductance_map(spectra: Spectra) -> np.ndarray:
    """The classical G of each wave vector, as if all were like it, (n_k,); the mean over the full set is G."""
    return (spectra.tau * spectra.weight).sum(axis=1) / (2 * np.pi * spectra.area)


def heat_capacity(x) -> np.ndarray:
    """ħw dn/dT of a mode in k_B: (x/2)²/sinh²(x/2) with x = ħw/T; 1 in the classical limit."""
    half = np.minimum(np.asarray(x, float) / 2, 300.0)  # beyond, nothing is left and sinh overflows
    return np.divide(half, np.sinh(half), out=np.ones_like(half), where=half > 0) ** 2


def _integrate(spectra: Spectra, factor) -> float:
    sums = (spectra.tau * spectra.weight * factor).sum(axis=1)
    return float(spectra.points.weight @ sums / (2 * np.pi * spectra.full_area))


def _occupation(energy, temperature: float) -> np.ndarray:
    """Bose and Einstein's mean number of phonons; none at T = 0."""
    if temperature == 0:
        return np.zeros_like(energy)
    return 1 / np.expm1(np.minimum(energy / temperature, 600.0))
