"""`run.until` on the mass-step chain: many runs that end when R_K is known to 5 % and to 2 %, against the exact answer.

Each run is a replica of one long simulation, ended by the very code that ends a run (`until.Course`) with the very
estimator of the pipeline. The scatter of their results has to be what their error bars claim, and the mean unbiased,
although every run chose its own length.
"""

import numpy as np
import pytest
from physics.calibration import one_run
from physics.harmonic import junction_of
from physics.test_calibration import chain_config, exact
from physics.validation import CENTRAL
from scipy import stats

from analysis import make_estimator
from analysis.estimates import LEVELS
from nemd_core import Simulation
from nemd_core.until import REACHED, Course

N_RUNS, AT_ONCE = 200, 50


def until_config(relative_error, first, longest, seed):
    until = {"relative_error": relative_error, "max_steps": longest}
    return chain_config(1, first, seed, sample_every=10, series_steps=100, block_steps=20_000, until=until)


def end_runs(relative_error, first, longest, seed):
    """What AT_ONCE runs say when they end: value, error, steps of each."""
    config = until_config(relative_error, first, longest, seed)
    whole = {"production_steps": longest, "until": None, "replicas": AT_ONCE}
    long_run = config.model_copy(update={"run": config.run.model_copy(update=whole)})
    simulation = Simulation(long_run)
    simulation.run()
    samples, estimate, found = simulation.samples(), make_estimator(config), []
    for replica in range(AT_ONCE):
        run, course = one_run(samples, replica), Course(config, estimate)
        for look in course.looks:
            if course.ends_at(look, lambda run=run, look=look: run.first_rows(look // run.series_steps)):
                break
        assert course.decision.outcome == REACHED, course.message
        ended = course.summary()
        found.append((ended["value"], ended["error"], look))
    return found


@pytest.mark.validate
@pytest.mark.parametrize(
    "relative_error, first, longest", [(0.05, 30_000, 700_000), (0.02, 200_000, 3_000_000)]
)
def test_runs_end_with_the_error_that_they_claim(record, relative_error, first, longest):
    config = until_config(relative_error, first, longest, 1)
    truth = exact(config, junction_of(config))["R_K"]
    runs = [end_runs(relative_error, first, longest, seed) for seed in range(1, N_RUNS // AT_ONCE + 1)]
    value, error, steps = np.concatenate(runs).T
    scatter, claimed = value.std(ddof=1), np.sqrt(np.mean(error**2))
    name = f"run.until {100 * relative_error:g} %, {N_RUNS} runs"
    record.within(
        f"{name}: scatter of R_K over what is claimed", scatter / claimed, 1.0, tolerance=0.15, source="claim"
    )
    record(
        f"{name}: mean of R_K",
        value.mean(),
        scatter / np.sqrt(N_RUNS),
        truth,
        cap=0.1 * truth,
        source="exact",
    )
    hits, promised = int(np.sum(np.abs(value - truth) <= error)), LEVELS["ci68"]
    low, high = stats.binom.interval(CENTRAL, N_RUNS, promised)
    right = low <= hits <= high
    record.count(f"{name}: 68.3 % interval of R_K", hits, N_RUNS, promised, right, source="exact")
    assert right, f"{name}: {hits} of {N_RUNS} intervals cover the truth"
    print(
        f"steps {np.median(steps):.0f} ({steps.min():.0f} to {steps.max():.0f}), scatter {scatter / truth:.4f}"
    )
