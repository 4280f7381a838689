"""Error bars of time averages from correlated series: correlation times, blocks, Student's t, ratios.

Every series here has the shape (n_rep, n_rows) or (n_rep, n_rows, ...): replicas are independent copies
of the same steady state and are pooled about their common mean. All times are in rows. One set of blocks
serves all quantities of a run, so the fluctuations that they share survive in every combination of them.

Two times describe a correlation: tau, the integrated autocorrelation time, by which samples lose weight
(n_effective = n / 2 tau), and its scale c, how far it reaches: c = tau - 1/(4 tau) for an exponential
decay. A run is cut into few long blocks; what neighbouring blocks still share is put back by way of c, the
memory of the run, the longest of those quantities that enter R_K: all of them are driven by the same modes.

How right the errors are was measured against exact answers: tests/physics/test_calibration.py. A process that
is slower than a run, or hides in it under much fast noise, is not seen by any method.

What does not live here: what the quantities mean (interface.py, profile.py).
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, special

from nemd_core.errors import StorageError

SOKAL_WINDOW = 5.0
MIN_BLOCKS = 8
"""Fewer blocks give a poor error bar."""
MAX_BLOCKS = 64
"""More blocks would only make the error of the error smaller, now at a tenth, and miss slower processes."""
BLOCK_SCALES = 20.0
"""Length of a block in correlation scales, where the run is long enough."""
BINS_PER_BLOCK = 8
MAX_OVERLAP = 0.5
"""Memory over length of a block, at most: what is measured in shorter blocks says nothing of longer ones."""


@dataclass(frozen=True)
class Blocks:
    """How the rows of a run are cut: `per_replica` blocks of `length` rows each, the last rows of the run.

    The first `start` rows (fewer than one per block) are left out, so that all blocks are equally long.
    """

    n_replicas: int
    length: int
    per_replica: int
    start: int
    memory: float = 0.0
    """Correlation scale c of the run in rows."""

    @property
    def n_blocks(self) -> int:
        return self.n_replicas * self.per_replica

    @property
    def dof(self) -> int:
        """Degrees of freedom of a standard error taken from these blocks."""
        return self.n_blocks - 1

    @property
    def inflation(self) -> float:
        """Factor on the variance of a mean for what neighbouring blocks share; 1 where every replica is one block.

        To first order in a = c / length a block mean has the variance S (1 - a), that of a replica of p blocks
        (S / p) (1 - a / p), and the scatter of all n blocks about their common mean is less by the variance of the
        latter: together n (1 - a) - (1 - a / p), over n - 1.
        """
        a, p, n = min(self.memory / self.length, MAX_OVERLAP), self.per_replica, self.n_blocks
        of_mean = 1.0 - a / p
        return of_mean * (n - 1) / (n * (1.0 - a) - of_mean)

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
        return float(special.stdtrit(self.dof, 0.5 + 0.5 * probability))

    def stderr(self, series) -> np.ndarray:
        """Standard error of the mean, shape (...), of a series of shape (n_rep, n_rows, ...)."""
        return self.stderr_of_means(self.means(series))

    def stderr_of_means(self, means) -> np.ndarray:
        """The same from block means of shape (n_blocks, ...)."""
        return np.sqrt(means.var(axis=0, ddof=1) / self.n_blocks * self.inflation)

    def covariance(self, means) -> np.ndarray:
        """Covariance of the means of all quantities, (n_quantities, n_quantities), from block means (n_blocks, n_quantities)."""
        return np.cov(means, rowvar=False) / self.n_blocks * self.inflation

    def stderr_of_derived(self, function, means) -> float:
        """Standard error of `function(mean)`, from block means: see `jackknife`."""
        return np.sqrt(self.inflation) * jackknife(function, means)


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


def cut(n_replicas: int, n_rows: int, length: int, memory: float = 0.0) -> Blocks:
    """Blocks of at least `length` rows, as equal as the rows allow."""
    return _divide(n_replicas, n_rows, max(1, n_rows // max(1, int(length))), memory)


def _divide(n_replicas: int, n_rows: int, per_replica: int, memory: float) -> Blocks:
    return Blocks(n_replicas, n_rows // per_replica, per_replica, n_rows % per_replica, memory)


def choose_blocks(series) -> tuple[Blocks, np.ndarray]:
    """Blocks common to all quantities of a run, and the autocorrelation time tau of each in rows, the longer of those on
    rows and on bins.

    `series` has shape (n_rep, n_rows, n_quantities), of those that decide: what enters R_K. From 64 replicas on, each
    is one block, without any assumption about correlations. Else there are 8 to 64 blocks, each 20 correlation scales
    long if there is room. That scale is the longest of all, on rows and on bins: a slow process under much fast noise
    hides in rows, and would be cut to pieces. The memory of the blocks is the mean of both: rows miss what hides, bins
    are noisy, and the longest of noisy numbers is too long.

    Raises StorageError for fewer than 8 rows in all.
    """
    series = np.asarray(series, dtype=float)
    n_rep, n_rows, _ = series.shape
    total = n_rep * n_rows
    if total < MIN_BLOCKS:
        raise StorageError(
            f"samples: {total} rows; at least {MIN_BLOCKS} are needed for an error bar: "
            "raise run.production_steps"
        )
    tau_on_rows, scale = correlation(series)
    on_rows = float(scale.max())
    length = min(total / MIN_BLOCKS, max(total / MAX_BLOCKS, BLOCK_SCALES * on_rows))
    tau_on_bins, scale = correlation(series, max(1, int(length) // BINS_PER_BLOCK))
    on_bins = float(scale.max())
    length = min(total / MIN_BLOCKS, max(length, BLOCK_SCALES * on_bins))
    per_replica = min(max(round(total / length) // n_rep, -(-MIN_BLOCKS // n_rep)), n_rows)
    if n_rep >= MAX_BLOCKS:
        per_replica = 1
    memory = 0.5 * (on_rows + on_bins)
    return _divide(n_rep, n_rows, per_replica, memory), np.maximum(tau_on_rows, tau_on_bins)


def merge_blocks(blocks: Blocks, at_most: int) -> Blocks:
    """Longer blocks over the same run: about `at_most` of them in all, but at least one per replica."""
    n_rows = blocks.start + blocks.per_replica * blocks.length
    per_replica = min(blocks.per_replica, max(1, at_most // blocks.n_replicas))
    return _divide(blocks.n_replicas, n_rows, per_replica, blocks.memory)


def jackknife(function, means) -> float:
    """Standard error of `function(mean)` by leaving out one block at a time (Efron 1982, chapter 3), of independent blocks.

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


def with_error(value: float, stderr: float) -> str:
    """Value ± standard error, both to two digits of the error; of what has none (nan), the value to four digits."""
    if np.isnan(stderr):
        return f"{value:.4g}"
    if not stderr > 0:
        return f"{value:.6g} ± 0"
    digits = max(0, 1 - int(np.floor(np.log10(stderr))))
    return f"{value:.{digits}f} ± {stderr:.{digits}f}"
