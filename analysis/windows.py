"""Which layers the bulk lines are fitted to, and what other reasonable fits would have said.

`fit: auto` grows a window on each side of each interface, from the middle outwards, after Lepski (Theory Probab. Appl.
35, 454 (1991); Goldenshluger and Lepski, Ann. Stat. 39, 1608 (2011)): among nested windows the widest whose answer is
not contradicted by a narrower one.

- Start: the middle of the slab; 2, 3, 5, 8, ... cells (each 1.5 times the last) may be left out at either end, as many as
  leave a third of the layers, and at least 5 layers and 3 cells.
- Step: the end at the interface and the end at the bath move outwards in turn. The wider window stands if T at the
  interface agrees with that of each window before it, within the noise of the difference: Student's t at 99 %, from block
  means, so that what layers share along x and in time is in it. Else that end has met the curved region there: it goes
  back by one step more and stays.

Windows that hug the interface are never compared with each other alone: all of them hold the same curved layers and
would agree. What is straight in the bulk, T or ln T, is not found from the data (`lines.bulk_model`): where kappa ~ 1/T, a
line through T would shrink the window until nothing but noise is left, far from the interface.

`Scan` holds alternatives: windows inside the fit window, shorter by a quarter at the interface, at the bath or at both,
or by a half at the bath (by a half at the interface, the noise of the longer way to the interface would hide all else);
and the other model over the same layers, ln T straight in place of T or the reverse; none in harmonic systems. The
systematic error of the jump is made of

- on each side, the root mean square of what the windows change, less what the noise of these differences explains;
- what the other model on both sides changes, less its noise, times the square root of its weight; the weights of the
  models go as exp(-chi²/2) and add up to 1 (model averaging: Buckland, Burnham and Augustin, Biometrics 53, 603 (1997)).
  chi² compares what a parabola changes with what it should: nothing if the fitted model holds, as much as the other
  model does if that one holds.

What is not here: checks of these numbers (checks_fit.py).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from nemd_core.config_geometry import AUTO_SHARE, AUTO_SKIP, auto_fit_layers, bulk_layers
from nemd_core.errors import StorageError
from nemd_core.storage import Samples

from .lines import (
    LEVEL,
    LINE,
    LOG_LINE,
    bulk_model,
    find_slab,
    fit_logarithm,
    fit_polynomial,
)
from .uncertainty import Blocks

AGREEMENT = 0.99
"""Probability that noise alone does not contradict a wider window, at each comparison."""
GRID_RATIO = 1.5
"""Each step leaves out this many times the last; the first leaves out config_geometry.AUTO_SKIP cells, which costs a
straight profile little."""
SHORTER = ((0.25, 0.0), (0.0, 0.25), (0.25, 0.25), (0.0, 0.5))
"""Alternative windows: shares of the fit window left out at the interface and at the bath."""
ENDS = ("interface", "bath")


class Alternative(NamedTuple):
    """Another fit of one side: by how much T at the interface changes with it (another model: times the square root of
    its weight)."""

    name: str
    difference: float
    stderr: float
    """Of the difference, over the same rows."""


@dataclass(frozen=True)
class Scan:
    """What other reasonable fits say about the lines of one interface."""

    sensitivity: dict[str, list[Alternative]]
    """By side, A and B: of T at the interface. "A and B": of the jump, what the other model on both sides changes."""
    curvature: dict[str, np.ndarray]
    """By side: by how much T at the interface changes where a parabola replaces the line, through T or ln T as the line
    (a line the constant), series of shape (n_rep, n_rows)."""
    delta_T_systematic: float
    """Error of the jump from the choice of windows and model, 68 %: that of R_K is this by |J|."""


@dataclass(frozen=True)
class _Profile:
    """One side of an interface, from the interface outwards."""

    distance: np.ndarray
    """Of its layers from the interface, shape (n,)."""
    temperature: np.ndarray
    """Mean temperatures, shape (n,)."""
    model: str
    """What is fitted: LINE, LOG_LINE or LEVEL."""

    @property
    def other(self) -> str | None:
        """The model that might as well hold."""
        return {LINE: LOG_LINE, LOG_LINE: LINE, LEVEL: None}[self.model]

    def fit(self, window, more: int = 0, model: str | None = None) -> np.ndarray:
        """Coefficients that give T at the interface from layer temperatures, shape (n,).

        `window` is (near, far), layers left out at either end; the degree is raised by `more`.
        """
        model = model or self.model
        inside = slice(window[0], len(self.distance) - window[1])
        x, degree = self.distance[inside], more + (model != LEVEL)
        coefficients = np.zeros(len(self.distance))
        if model == LOG_LINE:
            coefficients[inside] = fit_logarithm(x, self.temperature[inside], degree)[0]
        else:
            coefficients[inside] = fit_polynomial(x, degree)[0]
        return coefficients


def choose_windows(samples: Samples, settings, blocks: Blocks) -> list[dict[str, tuple[int, int]]]:
    """The fit windows of each interface by side for `fit: auto`: (near, far), layers left out at the interface and at the
    bath. Raises StorageError where a slab is too short.
    """
    return [
        {side: _choose_window(samples, settings, blocks, side, k) for side in "AB"}
        for k in range(samples.n_interfaces)
    ]


def _choose_window(samples: Samples, settings, blocks: Blocks, side: str, interface: int) -> tuple[int, int]:
    slab = find_slab(samples, side, interface)
    means = blocks.means(samples.temperature[:, :, slab.layers])
    profile = _profile(slab, means.mean(axis=0), settings)
    steps = _steps(len(slab.layers), settings.layers_per_cell, side)
    return _grow(profile, means, steps, blocks)


def _profile(slab, temperature, settings) -> _Profile:
    return _Profile(np.abs(slab.x - slab.x_interface), temperature, bulk_model(settings))


def _steps(n_layers: int, per_cell: int, side: str) -> list[int]:
    """Layers that may be left out at one end, in rising order."""
    needed = auto_fit_layers(per_cell)
    if n_layers < needed:
        raise StorageError(
            f"fit: auto: {n_layers} layers of {side} lie between bath and interface; at least {needed} are needed: "
            f"raise structure.length.{side}, or set fit.skip_bath and fit.skip_interface"
        )
    cells, steps = AUTO_SKIP, []
    while n_layers - 2 * cells * per_cell >= max(AUTO_SHARE * n_layers, bulk_layers(per_cell)):
        steps.append(cells * per_cell)
        cells = int(np.ceil(GRID_RATIO * cells))
    return steps


def _grow(profile: _Profile, means, steps, blocks: Blocks) -> tuple[int, int]:
    """The widest window that agrees with those inside it, pulled in by a step where it met a curved region.

    `means` are block means of the layer temperatures, shape (n_blocks, n).
    """
    at = [len(steps) - 1] * 2  # the step of the end at the interface, and of that at the bath
    growing, stopped = [0, 1], []

    def fit():
        return means @ profile.fit([steps[k] for k in at])

    accepted = [fit()]
    while growing:
        for end in tuple(growing):
            if at[end] == 0:
                growing.remove(end)
                continue
            at[end] -= 1
            wider = fit()
            if _agrees(blocks, wider[:, None] - np.stack(accepted, axis=1), np.abs(wider).max()):
                accepted.append(wider)
                continue
            at[end] += 1
            growing.remove(end)
            stopped.append(end)
    for end in stopped:
        at[end] = min(at[end] + 1, len(steps) - 1)
    return steps[at[0]], steps[at[1]]


def _agrees(blocks: Blocks, differences, scale: float) -> bool:
    """Whether no difference, given by its block means along the first axis, is resolved from 0."""
    noise = blocks.t(AGREEMENT) * blocks.stderr_of_means(differences)
    return bool(np.all(np.abs(differences.mean(axis=0)) <= np.maximum(noise, 1e-12 * scale)))


def scan_windows(samples: Samples, settings, blocks: Blocks, interfaces) -> list[Scan]:
    """What other windows and models say, one Scan for each of `interfaces` (`lines.Interface`)."""
    return [_scan(samples, settings, blocks, interface, k) for k, interface in enumerate(interfaces)]


def _scan(samples: Samples, settings, blocks: Blocks, interface, number: int) -> Scan:
    sensitivity, curvature, others, variance = {}, {}, {}, 0.0
    for side, line in interface.lines.items():
        slab = find_slab(samples, side, number)
        temperature = samples.temperature[:, :, slab.layers]
        profile = _profile(slab, blocks.mean(temperature), settings)
        window = _window_of(line, slab)
        chosen = profile.fit(window)
        names, windows = zip(*_shorter_windows(window, len(slab.layers)), strict=True)
        shorter = np.stack([profile.fit(window) for window in windows], axis=1)
        difference, stderr = _mean(blocks, temperature @ (shorter - chosen[:, None]))
        sensitivity[side] = [Alternative(*row) for row in zip(names, difference, stderr, strict=True)]
        variance += _excess(difference, stderr)
        curvature[side] = temperature @ (profile.fit(window, more=1) - chosen)
        if profile.other and not settings.harmonic:
            others[side] = temperature @ (profile.fit(window, model=profile.other) - chosen)
    if len(others) == 2:  # one material behaves like the other: both lines change together
        weight = _weight_of_other(blocks, curvature, others)
        series = others["A"] - others["B"]
        sensitivity["A and B"] = [
            Alternative(f"a fit with {profile.other}", *_mean(blocks, np.sqrt(weight) * series))
        ]
        variance += weight * _excess(*_mean(blocks, series))
    return Scan(sensitivity, curvature, float(np.sqrt(variance)))


def _mean(blocks: Blocks, series):
    """Mean and standard error, as numbers or lists of them."""
    return blocks.mean(series).tolist(), blocks.stderr(series).tolist()


def _excess(difference, stderr) -> float:
    """Mean square of differences beyond what their noise explains, not below 0."""
    return max(float(np.mean(np.square(difference) - np.square(stderr))), 0.0)


def _weight_of_other(blocks: Blocks, curvature, others) -> float:
    """Weight, 0 to 1, of the other model on both sides against the one that is fitted, from what parabolas change."""
    chi2 = 0.0  # of the model that is fitted less that of the other
    for side, series in curvature.items():
        change, stderr = _mean(blocks, series)
        expected = float(blocks.mean(others[side]))
        noise = max(stderr, 1e-12 * abs(expected), 1e-150)  # without noise the sign decides
        chi2 += (change**2 - (change - expected) ** 2) / noise**2
    return float(special.expit(0.5 * chi2))


def _window_of(line, slab) -> tuple[int, int]:
    """(near, far) of a line that exists."""
    inside = np.flatnonzero(np.isin(slab.layers, line.layers))
    return int(inside[0]), len(slab.layers) - 1 - int(inside[-1])


def _shorter_windows(window, n_layers: int):
    """Names and (near, far) of the windows inside one that differ from it and hold at least 2 layers."""
    n = n_layers - sum(window)
    for shares in SHORTER:
        cuts = [max(1, round(share * n)) if share else 0 for share in shares]
        if n - sum(cuts) >= 2:
            ends = [f"{cut} layers shorter at the {end}" for cut, end in zip(cuts, ENDS, strict=True) if cut]
            yield "a fit window " + " and ".join(ends), (window[0] + cuts[0], window[1] + cuts[1])
