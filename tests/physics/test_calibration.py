"""The error bars of many independent short runs against exact answers, and how often sound runs fail a check.

The junctions are harmonic, so that truth is exact (oracles.py), also for the time step of the runs. The mass-step chain
has a slow tail of waves that the interface reflects; the small fcc junction lies along [111], where every motion couples
to the baths (along [100] some never do). Bias costs nothing in a linear system: the cold bath is nearly at zero.
"""

import oracles
import pytest
from physics.calibration import (
    LEVELS,
    QUANTITIES,
    TOO_SHORT,
    calibrate,
    measure_correlation_time,
    measure_decay_time,
    simulate,
)
from physics.harmonic import configure, junction_of, junction_of_crystal, noiseless_samples
from scipy import stats

from analysis import Settings, analyse
from nemd_core.config import parse_config

FALSE_ALARM = 0.02
"""Share of sound runs that a check may fail."""
CHAIN_TIME = 11.2
"""Correlation time in tau, known to a fifth or so."""
CRYSTAL_TIME = 100.0
"""The same for the crystal, rather long than short. Its slow waves live for 30 to 230: after 4.6 of these times the sum of
the autocorrelation of delta_T is complete to 1 %, as it is for an exponential."""


def chain_config(n_runs, production, seed=1, **run):
    """The mass-step chain; `run` replaces keys of that section."""
    temperatures = {"hot": {"temperature": 1.95, "length": 12}, "cold": {"temperature": 0.05, "length": 12}}
    steps = {"timestep": 0.1, "equilibration_steps": 5000, "production_steps": production, "seed": seed}
    rows = {"sample_every": 5, "series_steps": 20, "block_steps": 2000}
    return configure(
        "chain",
        (30, 30),
        mass=(1.0, 4.0),
        cross="arithmetic",
        baths={**temperatures, "friction": 0.4, "ramp": True, "walls": 0},
        run={**steps, **rows, "replicas": n_runs, **run},
        fit={"skip_bath": 3, "skip_interface": 3},
    )


def crystal_config(n_runs, production, seed=1):
    """A few hundred atoms, three layers free on either side: small enough for its oracle, and for 400 runs."""
    stiff = {"stiffness": 1.0}
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "fcc",
                "orientation": 111,
                "lattice_constant": 2**0.5,
                "cross_section": [3, 2],
                "length": {"A": 4, "B": 4},
            },
            "materials": {"A": {"mass": 1.0, **stiff}, "B": {"mass": 1.5, **stiff}},
            "interaction": {"potential": "harmonic"},
            "baths": {
                "hot": {"temperature": 1.95, "length": 2},
                "cold": {"temperature": 0.05, "length": 2},
                "friction": 0.3,
                "walls": 1,
            },
            "run": {
                "timestep": 0.1,
                "equilibration_steps": 20000,
                "production_steps": production,
                "sample_every": 5,
                "series_steps": 50,
                "block_steps": 5000,
                "replicas": n_runs,
                "seed": seed,
                "threads": 1,
            },
            "fit": {"skip_bath": 0, "skip_interface": 0},
        }
    )


def exact(config, junction) -> dict:
    """R_K, J and delta_T of the steady state under the very time step, by the same fit."""
    state = oracles.steady_state_discrete(junction, config.run.timestep)
    fields = analyse(noiseless_samples(config, junction, state), Settings.from_config(config)).interface
    return {quantity: fields[quantity] for quantity in QUANTITIES}


RESOLUTION = {TOO_SHORT, "jump_resolved", "flux_resolved"}
"""Checks that say that a run is short: of runs of 30 correlation times that is often true, and no false alarm."""
TOO_SMALL = {"slab_length", "curvature", "window_sensitivity"}
"""Checks that three free layers fail for good reason."""


def check_coverage(record, name, found, correlation_times):
    """Every interval covers the truth as often as it says, or the runs are flagged as too short."""
    flagged, wrong = found.failed[TOO_SHORT] / found.n_runs, []
    for quantity in QUANTITIES:
        for interval, promised in LEVELS.items():
            right = found.is_right(quantity, interval)
            record.count(
                f"{name}, {correlation_times} correlation times: {100 * promised:.3g} % interval of {quantity}",
                found.hits[quantity, interval],
                found.n_runs,
                promised,
                right or flagged >= 0.95,
                source=f"exact; {100 * flagged:.0f} % flagged too short",
            )
            if not right:
                wrong.append((quantity, interval, found.coverage(quantity, interval)))
    assert not wrong or flagged >= 0.95, f"{name}: {wrong}; only {flagged:.1%} flagged as too short"


def check_alarms(record, name, found, correlation_times, true_alarms):
    """No check fails more than 2 % of sound runs (of few, what 2 % may look like); `true_alarms` have reason to."""
    shares = {check: n / found.n_runs for check, n in found.failed.items() if check not in true_alarms}
    print(name, correlation_times, {check: n / found.n_runs for check, n in found.failed.items()})
    worst = max(shares, key=shares.get, default="none")
    record.within(
        f"{name}, {correlation_times} correlation times: most frequent false alarm ({worst})",
        shares.get(worst, 0.0),
        0.0,
        tolerance=FALSE_ALARM
        if found.n_runs > 200
        else stats.binom.ppf(0.999, found.n_runs, FALSE_ALARM) / found.n_runs,
        source=f"{found.n_runs} sound runs",
    )


def test_error_bars_of_short_chains(record):
    config = chain_config(200, 20_000)
    ensemble = simulate(config, exact(config, junction_of(config)), CHAIN_TIME)
    for correlation_times in (30, 100):
        found = calibrate(ensemble, correlation_times)
        check_coverage(record, "Mass-step chain, 200 runs", found, correlation_times)
    check_alarms(record, "Mass-step chain, 200 runs", found, 100, set())


@pytest.mark.validate
def test_calibration_of_the_mass_step_chain(record):
    config = chain_config(2000, 20_000, seed=2)
    ensemble = simulate(config, exact(config, junction_of(config)), CHAIN_TIME)
    assert measure_correlation_time(ensemble) == pytest.approx(ensemble.correlation_time, rel=0.3)
    for correlation_times in (10, 30, 100):
        found = calibrate(ensemble, correlation_times)
        check_coverage(record, "Mass-step chain, 2000 runs", found, correlation_times)
        if correlation_times > 10:
            alarms = RESOLUTION if correlation_times < 100 else set()
            check_alarms(record, "Mass-step chain, 2000 runs", found, correlation_times, alarms)


@pytest.mark.validate
def test_calibration_of_a_small_crystal(record):
    config = crystal_config(400, 130_000)
    ensemble = simulate(config, exact(config, junction_of_crystal(config)), CRYSTAL_TIME)
    assert measure_decay_time(ensemble) == pytest.approx(ensemble.correlation_time, rel=0.3)
    for correlation_times in (10, 30, 100):
        found = calibrate(ensemble, correlation_times)
        check_coverage(record, "Harmonic fcc junction [111], 400 runs", found, correlation_times)
        if correlation_times > 10:
            alarms = TOO_SMALL | (RESOLUTION if correlation_times < 100 else set())
            check_alarms(record, "Harmonic fcc junction [111], 400 runs", found, correlation_times, alarms)
