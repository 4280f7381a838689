"""Do intervals cover the truth as often as they say? Independent short runs of harmonic junctions, whose answers are exact.

The runs are the replicas of one simulation, each analysed as if it were alone. Their length is counted in correlation
times c, by which the variance of a mean over a time L falls short of its law for long times, S (1 - c/L)/L. It was
measured on all runs together (`measure_correlation_time`): where a fifth of S is missing, L is 5 c, and where a tenth is,
10 c; the longer one counts, so that slow processes of small amplitude do too. A count of hits is right if it lies in the
central 99.9 % of the binomial distribution that the interval promises.
"""

from collections import Counter
from dataclasses import dataclass, fields, replace

import numpy as np
from physics.validation import CENTRAL
from scipy import fft, stats

from analysis import Settings, analyse
from analysis.estimates import LEVELS
from analysis.lines import find_interfaces
from analysis.uncertainty import cut
from nemd_core import Simulation
from nemd_core.storage import Samples

MISSING = (0.2, 0.1)
"""Shares of the long-time variance that tell the correlation time."""
QUANTITIES = ("R_K", "J", "delta_T")
TOO_SHORT = "independent_samples"
"""The check that flags a run as too short for an error bar."""


@dataclass(frozen=True)
class Ensemble:
    """Independent runs, and what each of them should find."""

    samples: Samples
    settings: Settings
    truth: dict
    """Exact R_K, J and delta_T."""
    correlation_time: float
    """In rows."""


@dataclass(frozen=True)
class Calibration:
    """How often the intervals of `n_runs` runs of one length covered the truth, and what their checks said."""

    n_runs: int
    hits: Counter
    """(quantity, interval) -> runs whose interval covers the truth."""
    failed: Counter
    """Name of a check -> runs that failed it."""

    def coverage(self, quantity: str, interval: str) -> float:
        return self.hits[quantity, interval] / self.n_runs

    def is_right(self, quantity: str, interval: str) -> bool:
        """Whether the count of hits lies in the central 99.9 % of the binomial distribution."""
        low, high = stats.binom.interval(CENTRAL, self.n_runs, LEVELS[interval])
        return low <= self.hits[quantity, interval] <= high


def simulate(config, truth: dict, correlation_time: float) -> Ensemble:
    """Run all replicas of `config`; `correlation_time` in units of time."""
    simulation = Simulation(config)
    simulation.run()
    row = config.run.series_steps * config.run.timestep
    return Ensemble(simulation.samples(), Settings.from_config(config), truth, correlation_time / row)


def measure_correlation_time(ensemble: Ensemble) -> float:
    """The longest c of delta_T and J in rows."""
    (interface,) = find_interfaces(ensemble.samples, ensemble.settings)
    rows = interface.rows(ensemble.samples)
    return max(_correlation_time(rows[name]) for name in ("delta_T", "J_planes"))


def _correlation_time(series) -> float:
    """c in rows, from all runs of a series of shape (n_runs, n_rows)."""
    n_rows = series.shape[1]
    lengths = np.unique(np.geomspace(1, n_rows, 60).astype(int))
    S = []
    for length in lengths:
        blocks = cut(len(series), n_rows, length)
        S.append(blocks.length * blocks.means(series).var())
    S = np.array(S)
    long_time = S[lengths >= n_rows / 3].mean()
    return max(missing * lengths[np.argmax(S >= (1 - missing) * long_time)] for missing in MISSING)


def measure_decay_time(ensemble: Ensemble, share: float = 0.99) -> float:
    """Lag in rows at which the sum of the autocorrelation of delta_T has reached `share` of its final value, divided by
    -ln(1 - share): for an exponential the correlation time, for several that of the slowest ones that count."""
    (interface,) = find_interfaces(ensemble.samples, ensemble.settings)
    series = interface.rows(ensemble.samples)["delta_T"]
    n_rows = series.shape[1]
    n_fft = fft.next_fast_len(2 * n_rows)
    power = np.mean(np.abs(fft.rfft(series - series.mean(), n_fft, axis=1)) ** 2, axis=0)
    total = np.cumsum(fft.irfft(power, n_fft)[:n_rows] / np.arange(n_rows, 0, -1))
    final = total[n_rows // 20 : n_rows // 5].mean()
    return float(np.argmax(total >= share * final) / -np.log(1 - share))


def calibrate(ensemble: Ensemble, correlation_times: float) -> Calibration:
    """Analyse the first part of every run, `correlation_times` long."""
    n_runs, n_rows = ensemble.samples.energy.shape
    end = round(correlation_times * ensemble.correlation_time)
    assert end <= n_rows, f"{n_rows} rows are less than {correlation_times} correlation times ({end} rows)"
    part = ensemble.samples.first_rows(end)
    hits, failed = Counter(), Counter()
    for run in range(n_runs):
        found = analyse(one_run(part, run), ensemble.settings).interface
        failed.update(check["name"] for check in found["checks"] if not check["passed"])
        for quantity in QUANTITIES:
            for interval in LEVELS:
                limits = found[f"{quantity}_{interval}"]
                # where J is not resolved the interval of R_K is unbounded, and covers all there is
                hits[quantity, interval] += (
                    limits is None or limits[0] <= ensemble.truth[quantity] <= limits[1]
                )
    return Calibration(n_runs, hits, failed)


def one_run(samples: Samples, run: int) -> Samples:
    """The samples of one replica alone."""
    series = {
        field.name: value[run : run + 1]
        for field in fields(samples)
        if isinstance(value := getattr(samples, field.name), np.ndarray) and value.ndim > 1
    }
    return replace(samples, energy_start=samples.energy_start[run : run + 1], **series)
