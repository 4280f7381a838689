"""Where the steady state begins, found from the data.

The rule is that of Chodera, J. Chem. Theory Comput. 12, 1799 (2016): of all starts, take the one that leaves the most
independent samples. A transient makes the correlation time long, so that dropping it gains samples although rows are
lost. The number of independent samples is itself noisy: where nothing drifts, the largest of several would often
leave out a tenth of a run by chance, and leave error bars that are too small. So a start counts only if it gains
more than that noise explains.
"""

from dataclasses import dataclass

import numpy as np

from .uncertainty import SOKAL_WINDOW, autocorrelation_time

LATEST = 0.5
"""Starts are sought in this share of a run."""
TOO_LATE = 0.4
"""A run that is not steady after this share of it is too short."""
N_STARTS = 11
MAX_BINS = 1000
GAIN = 3.0
"""Standard errors of the number of independent samples that a start has to gain."""
MIN_ROWS = 16
"""Fewer rows say nothing."""


@dataclass(frozen=True)
class Start:
    """Where the steady state begins."""

    row: int
    """The first row of it."""
    n_rows: int
    """Rows of the run."""

    @property
    def stationary(self) -> bool:
        """Whether it begins in time: of a run that takes half its length to get there, little can be said."""
        return self.row <= TOO_LATE * self.n_rows


def find_start(series) -> Start:
    """The start of the steady state of series of shape (n_rep, n_rows, n_quantities): the one that suits all of them.

    Replicas are averaged first: they share a transient, and not the noise. A start gains if its number of independent
    samples exceeds that of the whole run by the factor 1 + 3 sqrt(2 w / n_effective), the second term from the error of
    an autocorrelation time with a window of w tau (Wolff, Comput. Phys. Commun. 156, 143 (2004), equation 42), w = 5.
    """
    mean = np.asarray(series, dtype=float).mean(axis=0)
    n_rows = len(mean)
    if n_rows < MIN_ROWS:
        return Start(0, n_rows)
    per_bin = -(-n_rows // MAX_BINS)
    n_bins = n_rows // per_bin
    bins = mean[n_rows - n_bins * per_bin :].reshape(n_bins, per_bin, -1).mean(axis=1)
    starts = np.unique((np.linspace(0.0, LATEST, N_STARTS) * n_bins).astype(int))
    counts = np.array([_count(bins[start:]) for start in starts])
    best = int(counts.argmax())
    noise = np.sqrt(2.0 * SOKAL_WINDOW / counts[best])
    if counts[best] <= counts[0] * (1.0 + GAIN * noise):
        return Start(0, n_rows)
    return Start(n_rows - (n_bins - int(starts[best])) * per_bin, n_rows)


def _count(bins: np.ndarray) -> float:
    """Independent samples of the quantity that has the fewest."""
    return len(bins) / (2.0 * float(np.maximum(autocorrelation_time(bins[None]), 0.5).max()))
