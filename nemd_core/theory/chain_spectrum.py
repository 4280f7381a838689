"""Stationary averages of a long chain between baths as integrals over frequency, O(sites) for each frequency.

With G(w) = (K - w² - i w Gamma)^-1, mass-weighted as in `lyapunov`, and noise of density N = 2 Gamma T,

    <w_i²> = ∫_0^∞ dw/pi w² S_ii,    <q_i w_j> = -∫_0^∞ dw/pi w Im S_ij,    S = G N G^†.

K is block tridiagonal: G and S on the diagonal and next to it follow from one sweep from either end (recursive Green's
functions; Haug and Jauho, Quantum Kinetics in Transport and Optics of Semiconductors, chapter 12; baths as noise: Dhar and
Roy, J. Stat. Phys. 125, 801 (2006)). The integrals are judged by what holds for every site: its share of the modes is
complete, ∫_0^∞ dw/pi 2 w Im G_ii = 1.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import splu

from ..errors import PhysicsError
from .chain_kernels import LANES, count_modes, sweep
from .lyapunov import UNDAMPED, Modes, Response

_NODES, _SHARES = np.polynomial.legendre.leggauss(LANES)
_RESOLVED = 1e-10
"""Error of the number of modes in a panel, at which it is not divided again."""
_MODES_IN_PANEL = 3
"""At most: waves go up and down the chain so often between its ends, which the sum over all sites does not show."""
_ROUNDING = 2e-15
_NARROWEST = 1e-13
"""Of the highest frequency: nothing narrower is resolved."""
_TAIL = 1e4
"""Of the tail of an undamped mode, rate/(pi (w - w_m)²), a panel of width h adds up less than this times rate/h."""
_TOLERABLE = 1e-5
_PEAKS, _MAX_STEPS, _RATE_ERROR = 12, 20, 1e-6
_BATCHES = 64
"""As many for any number of threads, added in their order: the same bits."""


class Band(NamedTuple):
    """A matrix as a chain of n_blocks blocks of b places."""

    place: np.ndarray
    """Where each degree of freedom stands, shape (n,); places that are left over are bound to nothing."""
    diagonal: np.ndarray
    """(n_blocks, b, b)"""
    upper: np.ndarray
    """From each block to the next, (n_blocks - 1, b, b)."""
    rows: np.ndarray
    """Element (i + r, i) at [i, r], (n_blocks b, b + 1)."""


def respond_chain(K, modes: Modes, gamma, hot, threads: int) -> tuple[Response, float]:
    """What `lyapunov.respond` returns, and the largest share of a site's modes that the integrals miss.

    <q w^†> is filled in between neighbours only. Raises PhysicsError where the integrals do not converge.
    """
    band = make_band(K)
    kept = modes.kept(np.ones(len(K)))
    w, weight, density = find_nodes(band, modes, gamma, threads)
    kinetic, share, inside, across = _integrate(band, gamma, hot, w, weight, threads)
    missing = float(np.abs(share.ravel()[band.place] + kept - 1).max())
    if missing > _TOLERABLE:
        raise PhysicsError(
            f"no exact steady state: its integrals over frequency miss {missing:.1g} of the modes; a motion that the "
            "baths hardly reach does not decay"
        )
    n = np.arange(len(inside))
    blocks = np.zeros((len(n), *inside.shape[1:2], len(n), *inside.shape[2:]))
    blocks[n, :, n] = inside
    blocks[n[:-1], :, n[1:]] = across
    blocks[n[1:], :, n[:-1]] = -across.transpose(0, 2, 1)  # <q_i w_j + w_i q_j> is a derivative in time: 0
    correlation = blocks.reshape(2 * (band.rows.shape[0],))[np.ix_(band.place, band.place)]
    decay_rate = _slowest(K, gamma, modes, w, density)
    return Response(kinetic.ravel()[band.place], correlation, decay_rate), missing


def make_band(K: np.ndarray) -> Band:
    """K (n, n) as a band: as it stands, or, where its ends are joined to a ring, folded so that both halves run along.

    b is the narrowest block that reaches all neighbours.
    """
    n = len(K)
    site = np.arange(n)
    places = [site, np.where(2 * site < n, 2 * site, 2 * (n - site) - 1)]
    first, second = np.nonzero(K)
    widths = [max(int(np.abs(place[first] - place[second]).max()), 1) for place in places]
    place, b = places[int(np.argmin(widths))], min(widths)
    n_blocks = -(-n // b)
    padded = -np.eye(n_blocks * b)  # K - w² < 0: what is left over never resonates
    padded[np.ix_(place, place)] = K
    blocks = padded.reshape(n_blocks, b, n_blocks, b).swapaxes(1, 2)
    block = np.arange(n_blocks)
    rows = np.zeros((len(padded), b + 1))
    for r in range(b + 1):
        rows[: len(padded) - r, r] = np.diagonal(padded, r)
    return Band(place, blocks[block, block].copy(), blocks[block[:-1], block[1:]].copy(), rows)


def find_nodes(band: Band, modes: Modes, gamma, threads: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies from 0 to infinity, their weights, and the density of modes n'(w) there, each (n_w,).

    Panels with 16 nodes of Gauss and Legendre each. A panel is halved until the number of modes in it comes out: the integral of n'(w) against the difference of
    n(w) = -(1/pi) arg det(K - w² - i w Gamma), which is known at its ends. So no resonance is missed, however narrow. Beyond
    twice the highest frequency or friction, w = w_top/s.
    """
    damping = np.zeros(len(band.rows))
    damping[band.place] = gamma
    highest = modes.frequency.max()
    w_top = 2 * max(highest, gamma.max())
    edge = np.r_[1e-2 * _NARROWEST, np.linspace(0, 1, 1 + max(len(gamma) // 4, 16))[1:]] * highest
    edge = np.r_[edge, np.geomspace(highest, w_top, 8)[1:]]
    low, high = edge[:-1], edge[1:]
    at_edge = _count(band, damping, edge, threads)[0]
    below, above = at_edge[:-1], at_edge[1:]
    undamped = np.array([(group.frequency, group.rate, group.modes.shape[1]) for group in modes.undamped])
    before, narrowest = np.full(len(low), np.inf), _NARROWEST * w_top
    done = []
    while len(low):
        w = low[:, None] + (high - low)[:, None] * 0.5 * (1 + _NODES)
        weight = (high - low)[:, None] * 0.5 * _SHARES
        density = _count(band, damping, w.ravel(), threads)[1].reshape(w.shape)
        hidden, tail = _pass_over(undamped, low, high)
        error = np.abs((density * weight).sum(axis=1) - (above - below - hidden))
        # rounding of K moves a resonance, and where only that is left, halving does not help
        rounding = _ROUNDING * highest**2 / high * density.max(axis=1)
        stuck = (error < rounding) & (error > 0.5 * before)
        few = above - below < _MODES_IN_PANEL
        good = (few & ((error < _RESOLVED + tail) | stuck)) | (high - low < narrowest)
        done.append((w[good].ravel(), weight[good].ravel(), density[good].ravel()))
        low, high, below, above, before = (values[~good] for values in (low, high, below, above, error))
        middle = 0.5 * (low + high)
        between = _count(band, damping, middle, threads)[0]
        low, high = np.r_[low, middle], np.r_[middle, high]
        below, above, before = np.r_[below, between], np.r_[between, above], np.r_[before, before]
    s = 0.5 * (1 + _NODES)
    done.append((w_top / s, 0.5 * _SHARES * w_top / s**2, np.zeros(len(s))))
    return tuple(np.concatenate(parts) for parts in zip(*done, strict=True))


def _slowest(K, gamma, modes: Modes, w, density) -> float:
    """The smallest decay rate of an amplitude: -Re z over the roots of (z² + z Gamma + K) e = 0.

    The highest peaks of the density of modes, 1/(pi rate) each, corrected by inverse iteration with Newton's step (Ruhe,
    SIAM J. Numer. Anal. 10, 674 (1973)).
    """
    w, first = np.unique(w, return_index=True)
    density = density[first]
    beside = np.maximum(np.r_[0, density[:-1]], np.r_[density[1:], 0])
    peaks = np.flatnonzero(density > beside)
    rates, K = [], csc_array(K)
    for peak in peaks[np.argsort(density[peaks])[-_PEAKS:]]:
        z, e = complex(-1 / (np.pi * density[peak]), w[peak]), np.random.default_rng(0).random(len(gamma))
        for _ in range(_MAX_STEPS):
            matrix = csc_array(K + diags_array(z**2 + z * gamma))
            better = splu(matrix).solve((2 * z + gamma) * e)
            step = (e.conj() @ e) / (e.conj() @ better)
            z, e = z - step, better / np.linalg.norm(better)
            if abs(step) < _RATE_ERROR * abs(z.real):
                break
        rates.append(-z.real)
    resolved = [
        rate for rate in rates if rate > UNDAMPED * modes.frequency.max()
    ]  # a ring is held by nothing: 0
    return float(min(resolved, default=modes.rates_alone.min()))


def _pass_over(undamped, low, high) -> tuple[np.ndarray, np.ndarray]:
    """How many undamped modes are in each panel, and what their tails add to its nodes at most, each (n_panels,).

    undamped: frequency, rate and number of each group, (n, 3).
    """
    hidden, tail = np.zeros((2, len(low)))
    for w, rate, number in undamped:
        hidden += number * ((low < w) & (w < high))
        beside = (2 * low - high < w) & (w < 2 * high - low)
        tail += np.where(beside, number * _TAIL * rate / (high - low), 0.0)
    return hidden, tail


def _count(band: Band, damping, w, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Number of modes below frequencies w, and its derivative, each (n_w,)."""
    lanes = np.resize(w, (-(-len(w) // LANES), LANES)) if len(w) else np.zeros((0, LANES))
    found = np.zeros((2, *lanes.shape))

    def batch(k):
        part = _part(k, len(lanes))
        count_modes(band.rows, damping, lanes[part], *found[:, part])

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(batch, range(_BATCHES)))
    return tuple(values.ravel()[: len(w)] for values in found)


def _integrate(band: Band, gamma, hot, w, weight, threads: int):
    """<w_i²>, shares of the modes (n_blocks, b), <q w> in a block (n_blocks, b, b) and to the next (n_blocks - 1, b, b)."""
    n_blocks, b, _ = band.diagonal.shape
    damping, noise = np.zeros((2, n_blocks * b))
    damping[band.place], noise[band.place] = gamma, 2 * gamma * hot
    matrices = (band.diagonal, band.upper, band.upper.transpose(0, 2, 1).copy())
    rates = (damping.reshape(n_blocks, b), noise.reshape(n_blocks, b))

    shapes = ((n_blocks, b), (n_blocks, b), band.diagonal.shape, band.upper.shape)
    w, weight = w.reshape(-1, LANES), weight.reshape(-1, LANES) / np.pi

    def batch(k):
        sums = [np.zeros((*shape, LANES)) for shape in shapes]
        part = _part(k, len(w))
        sweep(*matrices, *rates, w[part], weight[part], *sums)
        return [lanes.sum(axis=-1) for lanes in sums]

    with ThreadPoolExecutor(threads) as pool:
        return [sum(parts) for parts in zip(*pool.map(batch, range(_BATCHES)), strict=True)]


def _part(k: int, n: int) -> slice:
    return slice(k * n // _BATCHES, (k + 1) * n // _BATCHES)
