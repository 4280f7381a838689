"""Error bars of time averages from correlated series: correlation times, blocks, Student's t, ratios.

Every series here has the shape (n_rep, n_rows) or (n_rep, n_rows, ...): replicas are independent copies
of the same steady state and are pooled about their common mean. All times are in rows. One set of blocks
serves all quantities of a run, so the fluctuations that they share survive in every combination of them.

Two times describe a correlation: tau, the integrated autocorrelation time, by which samples lose weight
(n_effective = n / 2 tau), and its scale c, how far it reaches: c = tau - 1/(4 tau) for an exponential
decay. They part where a slow process hides under fast noise: then tau is short, yet blocks shorter than c
would miss what the slow process adds. So both are measured on bins too, in which the fast noise is small.

A mean over n blocks of L rows has the variance V_L / n, too small by the factor 1 - c/L because
neighbouring blocks still know of each other (to first order in 1/L); standard errors here are corrected.

What does not live here: what the quantities mean (interface.py, profile.py).
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, stats

from nemd_core.errors import StorageError

SOKAL_WINDOW = 5.0
BLOCK_SCALES = 5.0
"""Shortest block in correlation scales."""
BINS_PER_BLOCK = 8
MIN_BLOCKS = 8
"""Fewer blocks give a poor error bar; where the correlations are longer, blocks get shorter instead."""
FEW_BLOCKS = 16
"""Blocks are made longer than they must be only down to this number of them."""
MAX_BLOCKS = 400
FOLDS = 20


@dataclass(frozen=True)
class Blocks:
    """How the rows of a run are cut: `per_replica` blocks of `length` rows each, the last rows of the run.

    The first `start` rows (fewer than one per block) are left out, so that all blocks are equally long.
    """

    n_replicas: int
    length: int
    per_replica: int
    start: int

    @property
    def n_blocks(self) -> int:
        return self.n_replicas * self.per_replica

    @property
    def dof(self) -> int:
        """Degrees of freedom of a standard error taken from these blocks."""
        return self.n_blocks - 1

    def means(self, series) -> np.ndarray:
        """Block means, shape (n_blocks, ...), of a series of shape (n_rep, n_rows, ...)."""
        series = np.asarray(series, dtype=float)
        kept = series[:, self.start : self.start + self.per_replica * self.length]
        shape = (self.n_replicas, self.per_replica, self.length, *series.shape[2:])
        return kept.reshape(shape).mean(axis=2).reshape(self.n_blocks, *series.shape[2:])

    def mean(self, series) -> np.ndarray:
        """Mean over the rows that the blocks cover, shape (...)."""
        return self.means(series).mean(axis=0)

    def t(self, probability: float) -> float:
        """Two-sided Student quantile: a fraction `probability` of |t| lies below it."""
        return float(stats.t.ppf(0.5 + 0.5 * probability, self.dof))

    def correction(self, series) -> np.ndarray:
        """Factor on the variance of the mean for what neighbouring blocks share, shape (...), 1 to 1.5."""
        _, scale = correlation(series, max(1, self.length // BINS_PER_BLOCK))
        return 1.0 / (1.0 - np.minimum(scale / self.length, 1.0 / 3.0))

    def stderr(self, series) -> np.ndarray:
        """Standard error of the mean, shape (...), of a series of shape (n_rep, n_rows, ...)."""
        return np.sqrt(self.means(series).var(axis=0, ddof=1) / self.n_blocks * self.correction(series))


def autocorrelation_time(series, window: float = SOKAL_WINDOW) -> np.ndarray:
    """Integrated autocorrelation time tau = 1/2 + sum of rho(k), k = 1 to W, in rows.

    W is the smallest lag with W >= `window` tau(W) (Sokal 1989, Monte Carlo Methods in Statistical
    Mechanics, section 3). Replicas are pooled and the bias from subtracting the measured mean is taken
    out to leading order, as in Wolff, Comput. Phys. Commun. 156, 143 (2004), equations 31 and 49.

    `series` has shape (n_rep, n_rows, ...), the result shape (...); at least 0.5 / n_rows, and 0.5 for a
    series that does not vary. A slow process under much fast noise is not seen: see `correlation`.
    """
    series = np.asarray(series, dtype=float)
    n_rep, n_rows = series.shape[:2]
    columns = series.reshape(n_rep, n_rows, -1)
    tau = np.full(columns.shape[2], 0.5)
    n_fft = fft.next_fast_len(2 * n_rows, real=True)
    lags = np.arange(n_rows // 2 + 1)
    for k in range(columns.shape[2]):
        values = columns[:, :, k]
        deviation = values - values.mean()
        if not np.any(np.abs(deviation) > 1e-12 * np.abs(values).max(initial=0.0)):
            continue
        power = np.abs(fft.rfft(deviation, n_fft, axis=1)) ** 2
        rho = fft.irfft(power.mean(axis=0), n_fft)[: lags.size] / (n_rows - lags)
        rho /= rho[0]
        running = np.cumsum(rho) - 0.5
        enough = np.flatnonzero(lags >= window * running)
        last = max(1, enough[0]) if enough.size else lags[-1]
        last = min(last, lags[-1])
        corrected = running[last] * (1.0 + (2 * last + 1) / (n_rep * n_rows))
        tau[k] = max(corrected, 0.5 / n_rows)
    return tau.reshape(series.shape[2:])


def correlation(series, bin_length: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Integrated autocorrelation time and correlation scale in rows, each of shape (...), by way of bins.

    tau = B Var(bin) / Var(row) tau_bin and c = B (tau_bin - 1/(4 tau_bin)), where tau_bin is
    `autocorrelation_time` of the means over bins of B = `bin_length` rows; c is not negative.
    """
    series = np.asarray(series, dtype=float)
    binned = cut(*series.shape[:2], bin_length)
    bins = binned.means(series).reshape(series.shape[0], binned.per_replica, *series.shape[2:])
    tau = autocorrelation_time(bins)
    variance = series.var(axis=(0, 1))
    share = np.divide(bins.var(axis=(0, 1)), variance, out=np.ones_like(variance), where=variance > 0)
    scale = binned.length * np.maximum(tau - 0.25 / tau, 0.0)
    return np.where(variance > 0, binned.length * share * tau, 0.5), scale


def plateau_length(series, min_blocks: int = 32) -> int:
    """Block length in rows from which the blocked error of a series no longer changes significantly.

    Blocks of B = 1, 2, 4, ... rows (Flyvbjerg and Petersen, J. Chem. Phys. 91, 461 (1989)): the smallest B
    for which S(B) = B Var(block mean) agrees within two standard errors with that of all longer blocks.
    Sees slow processes of small amplitude, and fast ones that cancel, which a windowed sum does not.

    `series` has shape (n_rep, n_rows).
    """
    series = np.asarray(series, dtype=float)
    lengths, levels, errors = [], [], []
    length = 1
    while length == 1 or series.shape[0] * (series.shape[1] // length) >= min_blocks:
        blocks = cut(series.shape[0], series.shape[1], length)
        level = length * blocks.means(series).var(ddof=1) if blocks.n_blocks > 1 else 0.0
        lengths.append(length)
        levels.append(level)
        errors.append(level * np.sqrt(2.0 / max(blocks.dof, 1)))
        length *= 2
    for i, length in enumerate(lengths):
        if all(abs(levels[j] - levels[i]) <= 2.0 * errors[j] for j in range(i + 1, len(lengths))):
            return length
    return lengths[-1]


def cut(n_replicas: int, n_rows: int, length: int) -> Blocks:
    """Blocks of at least `length` rows, as equal as the rows allow."""
    per_replica = max(1, n_rows // max(1, int(length)))
    length = n_rows // per_replica
    return Blocks(n_replicas, length, per_replica, n_rows - per_replica * length)


def choose_blocks(series) -> tuple[Blocks, np.ndarray]:
    """Blocks common to all quantities, and the autocorrelation time tau of each in rows.

    tau is the longest of those found on rows and on bins, rather too long than too short.

    `series` has shape (n_rep, n_rows, n_quantities). With c the longest correlation scale and N the rows of
    all replicas, a block is 2 (c² N)^(1/3) rows long, which balances its bias against the number of blocks
    (after Lee et al., Phys. Rev. E 83, 066706 (2011)), but at least 5 c and the `plateau_length` of each
    quantity. There are at least `MIN_BLOCKS` blocks, even if they must then be shorter.

    Raises StorageError for fewer than `MIN_BLOCKS` rows in all.
    """
    series = np.asarray(series, dtype=float)
    n_rep, n_rows, n_quantities = series.shape
    total = n_rep * n_rows
    if total < MIN_BLOCKS:
        raise StorageError(
            f"samples: {total} rows; at least {MIN_BLOCKS} are needed for an error bar: "
            "raise run.production_steps"
        )
    shortest = max(total // MAX_BLOCKS, *(plateau_length(series[:, :, k]) for k in range(n_quantities)), 1)
    longest = n_rows // -(-MIN_BLOCKS // n_rep)
    length, longest_tau = 1, np.zeros(n_quantities)
    for _ in range(3):
        tau, scale = correlation(series, max(1, length // BINS_PER_BLOCK))
        longest_tau = np.maximum(longest_tau, tau)
        c = scale.max()
        balanced = min(2.0 * (c * c * total) ** (1 / 3), total / FEW_BLOCKS)
        length = max(shortest, int(np.ceil(max(BLOCK_SCALES * c, balanced))))
        length = max(1, min(length, longest))
    return cut(n_rep, n_rows, length), longest_tau


def merge_blocks(blocks: Blocks, at_most: int) -> Blocks:
    """Longer blocks over the same run: about `at_most` of them in all, but at least one per replica."""
    n_rows = blocks.start + blocks.per_replica * blocks.length
    per_replica = min(blocks.per_replica, max(1, at_most // blocks.n_replicas))
    return cut(blocks.n_replicas, n_rows, n_rows // per_replica)


def jackknife(function, means) -> float:
    """Standard error of `function(mean)` by leaving out one block at a time (Efron 1982, chapter 3).

    `means` has shape (n_blocks, n_quantities); `function` takes an array whose last axis holds the
    quantities and returns the derived value, vectorised over the axes before it.
    """
    n = len(means)
    left_out = (means.sum(axis=0) - means) / (n - 1)
    values = function(left_out)
    return float(np.sqrt((n - 1) / n * np.sum((values - values.mean()) ** 2)))


def fieller(a: float, b: float, covariance, t: float) -> tuple[float, float] | None:
    """Confidence interval of a/b for jointly normal means (Fieller, J. R. Stat. Soc. B 16, 175 (1954)).

    The set of all r with (a - r b)² <= t² Var(a - r b). `covariance` is that of the two means, shape
    (2, 2). None where b is not resolved from 0 at the same t: the set is then unbounded.
    """
    v_aa, v_ab, v_bb = covariance[0][0], covariance[0][1], covariance[1][1]
    A = b * b - t * t * v_bb
    if not includes_zero(b, t * np.sqrt(v_bb)) and A > 0:
        B = a * b - t * t * v_ab
        C = a * a - t * t * v_aa
        root = np.sqrt(max(B * B - A * C, 0.0))
        return (B - root) / A, (B + root) / A
    return None


def includes_zero(value: float, half_width: float, scale: float = 0.0) -> bool:
    """Whether value ± half_width includes 0, up to rounding errors relative to `scale`."""
    return not abs(value) > max(half_width, 1e-12 * scale)


def inverse_covariance_weights(means) -> np.ndarray:
    """Weights, not negative and of sum 1, that combine estimates of one number from their block means.

    `means` has shape (n_blocks, n_estimates); few estimates are meant. The measured covariance is shrunk
    towards its diagonal by the share of the correlations that is noise (Schäfer and Strimmer, Stat. Appl.
    Genet. Mol. Biol. 4, 32 (2005)), and the variances towards their mean by the share of their spread that
    is noise. Estimates of zero variance among noisy ones are not believed: they are shrunk like the others.
    """
    n, m = means.shape
    deviation = means - means.mean(axis=0)
    variance = (deviation**2).sum(axis=0) / (n - 1)
    if not np.all(variance > 0):
        return np.full(m, 1.0 / m)
    z = deviation / np.sqrt(variance)
    products = z[:, :, None] * z[:, None, :]
    correlation = products.sum(axis=0) / (n - 1)
    noise = n / (n - 1) ** 3 * ((products - products.mean(axis=0)) ** 2).sum(axis=0)
    off = ~np.eye(m, dtype=bool)
    shrink = np.clip(noise[off].sum() / max((correlation[off] ** 2).sum(), 1e-300), 0.0, 1.0)
    spread = variance.var()
    level = np.clip(2.0 / (n - 1) * np.mean(variance**2) / spread if spread > 0 else 1.0, 0.0, 1.0)
    variance = (1 - level) * variance + level * variance.mean()
    correlation[off] *= 1 - shrink
    covariance = correlation * np.sqrt(np.outer(variance, variance))
    active = np.arange(m)
    while True:
        weights = np.linalg.lstsq(covariance[np.ix_(active, active)], np.ones(active.size), rcond=1e-10)[0]
        weights /= weights.sum()
        if np.all(weights >= 0):
            break
        active = np.delete(active, np.argmin(weights))
    result = np.zeros(m)
    result[active] = weights
    return result


def combine(series, blocks: Blocks) -> np.ndarray:
    """One series from several that estimate the same number, shape (n_rep, n_rows).

    `series` has shape (n_rep, n_rows, n_estimates). The rows of a block are weighted by what the other
    blocks say (`inverse_covariance_weights`; many blocks are left out some at a time), never by
    themselves: weights fitted to the very noise that they average would make the error bar too small.
    """
    means = blocks.means(series)
    fold = np.arange(blocks.n_blocks) * min(blocks.n_blocks, FOLDS) // blocks.n_blocks
    weights = np.stack([inverse_covariance_weights(means[fold != k]) for k in range(fold[-1] + 1)])
    weights = np.repeat(weights[fold], blocks.length, axis=0).reshape(blocks.n_replicas, -1, means.shape[1])
    padding = ((0, 0), (blocks.start, 0), (0, 0))
    return np.sum(series * np.pad(weights, padding, mode="edge"), axis=2)


def with_error(value: float, stderr: float) -> str:
    """Value ± standard error, both to two digits of the error."""
    if not stderr > 0:
        return f"{value:.6g} ± 0"
    digits = max(0, 1 - int(np.floor(np.log10(stderr))))
    return f"{value:.{digits}f} ± {stderr:.{digits}f}"
