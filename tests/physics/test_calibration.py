"""The error bars of many independent short runs against exact answers, and how often sound runs fail a check.

The junctions are harmonic, so that truth is exact (oracles.py), also for the time step of the runs. The mass-step chain
has a slow tail of waves that the interface reflects: of the noise of delta_T 6 % come later than 500 tau. The small fcc
junction lies along [111], where every wave couples to the baths (along [100] some never do), and its baths are weak and
ramped, so that few reflect: 5 % come later than 200 tau, and 3 % from waves that live 120000 tau, which no run sees. Bias
costs nothing in a linear system: the cold bath is nearly at zero.
"""

import numpy as np
import oracles
import pytest
from physics import autocorrelation
from physics.autocorrelation import noise_of_mean, noise_of_means, steady_wave
from physics.calibration import (
    LEVELS,
    QUANTITIES,
    TOO_SHORT,
    calibrate,
    rows_of,
    simulate,
)
from physics.harmonic import configure, junction_of, junction_of_crystal, noiseless_samples
from physics.validation import mean_and_stderr
from scipy import stats
from scipy.integrate import quad

from analysis import Settings, analyse
from analysis.uncertainty import cut
from nemd_core.config import parse_config

FALSE_ALARM = 0.02
"""Share of sound runs that a check may fail."""


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


def crystal_config(n_runs, production):
    """288 moving atoms, two cells free on either side: small enough for its oracle, and for 400 runs.

    Of what the start leaves in delta_T 2000 tau of equilibration keep less than a tenth of the standard error of a run.
    """
    stiff = {"stiffness": 1.0}
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "fcc",
                "orientation": 111,
                "lattice_constant": 2**0.5,
                "cross_section": [3, 2],
                "length": {"A": 5, "B": 5},
            },
            "materials": {"A": {"mass": 1.0, **stiff}, "B": {"mass": 1.5, **stiff}},
            "interaction": {"potential": "harmonic"},
            "baths": {
                "hot": {"temperature": 1.95, "length": 2},
                "cold": {"temperature": 0.05, "length": 2},
                "friction": 0.1,
                "ramp": True,
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
                "seed": 1,
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
"""Checks that six free layers fail for good reason."""


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


def check_noise(record, name, config, junction, ensemble):
    """The variance of means over a tenth of a run, pooled over all runs, against Wick's theorem."""
    rows = rows_of(ensemble.samples, ensemble.settings)
    n_runs, n_rows = rows["J_planes"].shape
    blocks = cut(n_runs, n_rows, n_rows // 10)
    length = blocks.length * config.run.series_steps * config.run.timestep
    for quantity, exact_noise in noise_of_means(config, junction, length).items():
        means = blocks.means(rows[quantity]).reshape(n_runs, -1)
        copies = length * np.mean((means - means.mean()) ** 2, axis=1) / exact_noise
        record(
            f"{name}: variance of {quantity} in means over {length:.4g} tau over the exact one",
            *mean_and_stderr(copies),
            1.0,
            cap=0.05,
            source="Wick's theorem",
        )


def check_calibration(record, name, config, junction, lengths):
    """All of the above for runs of `lengths` correlation times."""
    ensemble = simulate(config, junction, exact(config, junction))
    check_noise(record, name, config, junction, ensemble)
    row = config.run.series_steps * config.run.timestep
    print(f"{name}: a correlation time is {ensemble.correlation_time * row:.4g} tau")
    for correlation_times in lengths:
        found = calibrate(ensemble, correlation_times)
        check_coverage(record, name, found, correlation_times)
        if correlation_times > 10:
            few_layers = TOO_SMALL if junction.dimensions == 3 else set()
            short = RESOLUTION if correlation_times < 100 else set()
            check_alarms(record, name, found, correlation_times, few_layers | short)


@pytest.mark.parametrize("length", [7.0, np.inf])
def test_noise_of_one_oscillator(length):
    """w² of a damped oscillator in a bath, C(t) = 2 T² [exp(-g t/2) (cos W t - g/(2 W) sin W t)]², W² = w² - g²/4."""
    w2, g, T = 1.7, 0.3, 1.4
    A, S = steady_wave(np.array([[w2]]), np.array([g]), np.array([T]))
    np.testing.assert_allclose(S, T * np.diag([1 / w2, 1.0]), atol=1e-12)
    W = np.sqrt(w2 - g**2 / 4)

    def C(t):
        return 2 * T**2 * np.exp(-g * t) * (np.cos(W * t) - g / (2 * W) * np.sin(W * t)) ** 2

    expected = 2 * quad(lambda t: (1 - t / length) * C(t), 0, min(length, 200.0), limit=500)[0]
    assert noise_of_mean(A, S, np.diag([0.0, 1.0]), length) == pytest.approx(expected, rel=1e-6)


def test_waves_add_up_to_the_whole(monkeypatch):
    """The noise of a simple cubic junction, wave by wave and in one."""
    config = configure(
        "sc",
        (5, 5),
        mass=(1.0, 2.0),
        transverse=(0.3, 0.3),
        cross="arithmetic",
        baths={
            "hot": {"temperature": 1.5, "length": 1},
            "cold": {"temperature": 0.5, "length": 1},
            "friction": 0.5,
            "walls": 1,
        },
        run={"timestep": 0.1, "equilibration_steps": 0, "production_steps": 500, "block_steps": 500},
        fit={"skip_bath": 0, "skip_interface": 0},
    )
    junction = junction_of(config)
    by_wave = noise_of_means(config, junction)
    n = junction.dimensions * junction.moving.sum()
    monkeypatch.setattr(autocorrelation, "waves", lambda *_: [np.eye(n)])
    assert by_wave == pytest.approx(noise_of_means(config, junction), rel=1e-6)


def test_error_bars_of_short_chains(record):
    config = chain_config(200, 20_000)
    check_calibration(record, "Mass-step chain, 200 runs", config, junction_of(config), (30, 100))


@pytest.mark.validate
def test_calibration_of_the_mass_step_chain(record):
    config = chain_config(2000, 20_000, seed=2)
    check_calibration(record, "Mass-step chain, 2000 runs", config, junction_of(config), (10, 30, 100))


@pytest.mark.validate
def test_calibration_of_a_small_crystal(record):
    config = crystal_config(400, 20_000)
    name = "Harmonic fcc junction [111], 400 runs"
    check_calibration(record, name, config, junction_of_crystal(config), (10, 30, 100))
