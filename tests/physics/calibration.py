"""Do intervals cover the truth as often as they say? Independent short runs of harmonic junctions, whose answers are exact.

The runs are the replicas of one simulation, each analysed as if it were alone. Their length is counted in correlation
times 2 tau = V / Var(row) of the slower of delta_T and J_planes, the flux through the planes between the baths (the heat
of the baths, a part of J, only adds noise to rows). V, by which the variance of a mean over a long time L is V/L, is
exact (autocorrelation.py); the variance of a row is that of all rows of all runs, known to a per cent or better. A mean
over n correlation times is as good as one over n independent rows. Like `n_effective` this counts rows: longer rows, in
which fast noise averages out, have a longer correlation time.

A count of hits is right if it lies in the central 99.9 % of the binomial distribution that the interval promises.
"""

from collections import Counter
from dataclasses import dataclass, fields, replace

import numpy as np
from physics.autocorrelation import noise_of_means
from physics.validation import CENTRAL
from scipy import stats

from analysis import Settings, analyse
from analysis.estimates import LEVELS
from analysis.lines import find_interfaces
from nemd_core import Simulation
from nemd_core.storage import Samples

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


def simulate(config, junction, truth: dict) -> Ensemble:
    """Run all replicas of `config`; `junction` is the same for the oracles."""
    simulation = Simulation(config)
    simulation.run()
    samples, settings = simulation.samples(), Settings.from_config(config)
    rows, noise = rows_of(samples, settings), noise_of_means(config, junction)
    two_tau = max(noise[name] / rows[name].var() for name in noise)
    return Ensemble(samples, settings, truth, two_tau / (config.run.series_steps * config.run.timestep))


def rows_of(samples: Samples, settings: Settings) -> dict:
    """Series of delta_T and J_planes, among others, each (n_runs, n_rows)."""
    (interface,) = find_interfaces(samples, settings)
    return interface.rows(samples)


def calibrate(ensemble: Ensemble, correlation_times: int) -> Calibration:
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
