"""What a run of finite length of a harmonic junction owes to its start: the exact error of its jump, without simulation.

Some motions of a junction hardly reach a bath: they outlive the equilibration, and keep the profile of the start, which
has no jump; or they outlive the whole run, and what one start gave them nothing in this run can tell. Both follow from
the eigenvalues of the damped motion (those of single modes are too optimistic: baths mix them). Between Langevin baths
z = (y, w) obeys dz = A z dt + noise; in the eigenvectors of A every covariance <z_a z_b*> relaxes by itself, as
e^(s t) with s = lambda_a + lambda_b*, from that of the start to the stationary one. The jump is quadratic, z^† Q z, so

- its mean at time t is off by the sum of Q_ba (S_start - S)_ab e^(s t);
- its covariance at a lag t is 2 tr(Q e^(A t) S Q S e^(A^† t)) by Wick's theorem (Isserlis, Biometrika 12, 134 (1918)).

Sums of e^(s t) over the samples of a run are geometric. In continuous time: a time step changes them by O(dt²).

The start is that of `group`: atoms at rest on their sites, velocities at twice the linear profile. Pairs that never relax
keep what it gave them, as in `steady_state`. The covariance is that of the stationary state but for one thing: a motion that
remembers a start at rest has its energy fluctuate from start to start up to twice as much (in the variance) as in
equilibrium, by the factor 1 + |e^(s t)|² of a pair that has lived for t; its mean over the run is taken.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy import linalg

from ..structure import build
from .lyapunov import UNDAMPED, equations_of_motion
from .steady_state import LinearJunction, modes_at, prepare_junction
from .strips import make_strip, simulated_points

MAX_WORK = 2e10
"""Largest sum of m³ over all wave vectors, m the order of A: about a minute on one core."""
_STILL = 1e-3
"""|s t| below which a pair does not change in the time t."""
_TINY = 1e-12


class Wave(NamedTuple):
    """One wave vector in the eigenvectors of A: n degrees of freedom, m eigenvalues."""

    weight: int
    """How many wave vectors it stands for."""
    rate: np.ndarray
    """Eigenvalues lambda, 1/time, (m,)."""
    velocity: np.ndarray
    """Mass-weighted velocities in each eigenvector, (n, m)."""
    amplitude: np.ndarray
    """Amplitude of each eigenvector that a unit velocity excites, (m, n)."""


class JumpError(NamedTuple):
    """How far delta_T of a run is off, in units of temperature."""

    bias: float
    """What is left of the start, in the mean over many runs."""
    variances: tuple[float, ...]
    """Of the means over the given numbers of rows of one replica, over all starts."""
    alive: float
    """Share of all motions whose amplitude has not fallen to 1/e when the measurement begins."""


class Transients:
    """The motions of a harmonic junction and what they remember; solved when first asked for."""

    def __init__(self, config, crystals=None):
        """crystals: what `relax_all` found, for `lattice_constant: auto`."""
        self._config, self._crystals = config, crystals
        self._known = {}

    @cached_property
    def _junction(self) -> LinearJunction:
        system = build(self._config, self._crystals)
        return prepare_junction(self._config, system, make_strip(self._config, self._crystals))

    @cached_property
    def _points(self):
        return simulated_points(self._junction.strip)

    @cached_property
    def affordable(self) -> bool:
        """Whether the junction is small enough."""
        return len(self._points.k) * (2 * len(self._junction.gamma)) ** 3 <= MAX_WORK

    @cached_property
    def waves(self) -> list[Wave]:
        points = self._points
        return [_solve(self._junction, k, weight) for k, weight in zip(points.k, points.weight, strict=True)]

    def jump_error(self, weights: tuple[float, ...], first_row: int, counts: tuple[int, ...]) -> JumpError:
        """Of delta_T = Σ weights_l T_l over all layers l, walls too.

        first_row: rows of production that are left out. counts: numbers of rows to take the mean over; the bias is that
        of the first.
        """
        key = weights, first_row, counts
        if key not in self._known:
            self._known = {key: self._solve_jump(*key)}  # the last one: a fit may be repeated
        return self._known[key]

    def _solve_jump(self, weights, first_row, counts) -> JumpError:
        run = self._config.run
        start = (run.equilibration_steps + first_row * run.series_steps) * run.timestep
        spacing, samples = run.sample_every * run.timestep, run.series_steps // run.sample_every
        counts = [n * samples for n in counts]
        junction, T = self._junction, self._temperatures
        strip = junction.strip
        layer = strip.layer[junction.site]
        sites = np.bincount(layer, minlength=len(weights))
        form = np.repeat(np.array(weights)[layer] / sites[layer], strip.dimensions) / strip.dimensions
        total = np.zeros(1 + len(counts))
        for wave in self.waves:
            found = _relax(wave, form, T, start, spacing, counts)
            share = wave.weight / strip.n_strips
            total += share * found / np.r_[1, np.full(len(counts), strip.n_strips)]
        n_alive = [wave.weight * np.count_nonzero(-wave.rate.real * start < 1) for wave in self.waves]
        alive = sum(n_alive) / sum(wave.weight * len(wave.rate) for wave in self.waves)
        return JumpError(float(total[0]), tuple(total[1:].tolist()), alive)

    @property
    def _temperatures(self) -> tuple[np.ndarray, np.ndarray]:
        """Noise 2 gamma T of the baths, and covariance of the velocities at the start, (n d,) each."""
        baths, junction = self._config.baths, self._junction
        bias = baths.hot.temperature - baths.cold.temperature
        noise = 2 * junction.gamma * (baths.cold.temperature + bias * junction.hot)
        return noise, 2 * (baths.cold.temperature + bias * junction.start)


def _solve(junction: LinearJunction, k, weight) -> Wave:
    modes = modes_at(junction, k)[0]
    basis = np.hstack([modes.damped, *(group.modes for group in modes.undamped)])
    never = [np.full(group.modes.shape[1], group.frequency) for group in modes.undamped]
    A, bound = equations_of_motion(basis, np.concatenate([modes.frequency, *never]), junction.gamma)
    rate, vectors = linalg.eig(A, check_finite=False)
    amplitude = np.linalg.inv(vectors)[:, len(bound) :] @ basis.conj().T
    return Wave(int(weight), rate, basis @ vectors[len(bound) :], amplitude)


def _relax(wave: Wave, form, temperatures, start, spacing, counts) -> np.ndarray:
    """Bias of z^† Q z in the mean over counts[0] samples, and its variances in those over each of `counts`."""
    rate, velocity, amplitude = wave.rate, wave.velocity, wave.amplitude
    noise, begun = ((amplitude * T) @ amplitude.conj().T for T in temperatures)
    s = rate[:, None] + rate.conj()
    relaxes = np.abs(s) > 2 * UNDAMPED * np.abs(rate).max()
    S = np.where(relaxes, -noise / np.where(relaxes, s, 1.0), begun)
    Q = ((velocity.conj().T * form) @ velocity).T

    def lived(time):
        grown = np.exp(rate * time)
        return np.outer(grown, grown.conj())

    left, x, once = lived(start), s * spacing, lived(spacing)
    d = np.expm1(x)
    d[d == 0] = _TINY

    def sums(n):
        """Σ e^(j x) over n samples, and Σ (n - j) e^(j x) over their lags j."""
        grown, still = lived(n * spacing) - 1, np.abs(n * x) < _STILL
        mean = np.where(still, 1.0, once * grown / (n * d))
        return mean, np.where(still, 0.5 * n * (n - 1), once * (grown - n * d) / d**2)

    kept = (begun - S) * left * sums(counts[0])[0]
    half = (S + kept) @ velocity.conj().T
    fades = np.minimum(2 * counts[0] * spacing * s.real, -_TINY)
    at_rest = np.abs(left) ** 2 * np.expm1(fades) / fades
    spread = 2 * Q * ((half * form) @ half.conj().T) * (1 + at_rest)
    variances = [np.sum(spread * (1 / n + 2 / n**2 * sums(n)[1])).real for n in counts]
    return np.array([np.sum(Q * kept).real, *variances])
