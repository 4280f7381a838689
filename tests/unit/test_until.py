"""`run.until`: where production is looked at, what a look decides, and runs that end so. Resumed: test_checkpoint.py."""

import io
import json
import subprocess
import sys
from itertools import pairwise
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import synthetic
import yaml
from junctions import CHAIN, changed, configure

import analysis.until
from analysis import Settings, analyse
from nemd_core import ConfigError, Estimate, Simulation, read_run_info, read_samples, run
from nemd_core.__main__ import main
from nemd_core.progress import Progress
from nemd_core.until import (
    CANNOT_REACH,
    GO_ON,
    GROWTH,
    MIN_SAMPLES,
    OUT_OF_STEPS,
    REACHED,
    decide,
    list_looks,
)

MANY = 10.0 * MIN_SAMPLES


def until(relative_error=0.02, max_steps=4_000_000):
    return SimpleNamespace(relative_error=relative_error, max_steps=max_steps)


# --- looks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "most", "series"), [(400_000, 4_000_000, 100), (300, 90_000, 100), (5, 6, 1)]
)
def test_looks_lie_a_factor_apart_from_the_first_to_the_last(first, most, series):
    run = SimpleNamespace(production_steps=first, series_steps=series, until=until(max_steps=most))
    looks = list_looks(run)
    assert looks[0] == first and looks[-1] == most
    assert all(look % series == 0 for look in looks)
    for one, other in pairwise(looks):
        assert one < other <= GROWTH * one + series  # nobody does more than a fifth too much
    assert len(looks) <= 2 + np.log(most / first) / np.log(GROWTH)


def test_without_until_production_has_its_length():
    run = SimpleNamespace(production_steps=400, series_steps=100, until=None)
    assert list_looks(run) == [400]


# --- decisions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "estimate", "outcome", "predicted"),
    [
        (400_000, Estimate(2.0, 0.039, MANY), REACHED, 400_000 * (0.039 / 0.04) ** 2),
        (
            400_000,
            Estimate(-2.0, 0.039, MANY),
            REACHED,
            400_000 * (0.039 / 0.04) ** 2,
        ),  # the sign is no matter
        (400_000, Estimate(2.0, 0.08, MANY), GO_ON, 1_600_000),
        (400_000, Estimate(2.0, 0.001, MIN_SAMPLES / 2), GO_ON, 800_000),  # an error bar of few samples
        (400_000, None, GO_ON, None),
        (4_000_000, None, OUT_OF_STEPS, None),
        (4_000_000, Estimate(2.0, 0.041, MANY), OUT_OF_STEPS, 4_000_000 * (0.041 / 0.04) ** 2),
        (4_000_000, Estimate(2.0, 0.040, MANY), REACHED, 4_000_000),
        (999_900, Estimate(2.0, 4.0, MANY), GO_ON, 999_900 * 1e4),  # too early to give up
        (1_000_000, Estimate(2.0, 0.12, MANY), CANNOT_REACH, 9_000_000),
        (1_000_000, Estimate(2.0, 0.11, MANY), GO_ON, 7_562_500),  # within what errors of error bars may do
        (1_000_000, Estimate(0.0, 0.1, MANY), CANNOT_REACH, None),  # no share of nothing
    ],
)
def test_what_a_look_decides(look, estimate, outcome, predicted):
    decision = decide(look, estimate, until())
    assert decision.outcome == outcome
    assert decision.predicted_steps == (None if predicted is None else pytest.approx(predicted))


def stop_synthetic(rng, relative_error, needed, max_steps, repeats, row=100):
    """Runs of independent normal rows of mean 1 that need `needed` steps; returns outcomes, values, errors, looks."""
    target = until(relative_error, max_steps)
    looks = list_looks(SimpleNamespace(production_steps=max_steps // 100, series_steps=row, until=target))
    rows = 1 + relative_error * np.sqrt(needed / row) * rng.standard_normal((repeats, max_steps // row))
    sums, squares = rows.cumsum(axis=1), (rows**2).cumsum(axis=1)
    ends = []
    for sum_, square in zip(sums, squares, strict=True):
        for look in looks:
            n = look // row
            mean = sum_[n - 1] / n
            error = np.sqrt((square[n - 1] / n - mean**2) / (n - 1))
            outcome = decide(look, Estimate(mean, error, n), target).outcome
            if outcome != GO_ON:
                ends.append((outcome, mean, error, look))
                break
    return [np.array(column) for column in zip(*ends, strict=True)]


def test_the_bias_of_stopping_is_of_second_order():
    """True value 1. An upward fluctuation d shortens the run by 2 d of its length, so runs end 2 r² too high."""
    rng, r, repeats = np.random.default_rng(1), 0.1, 4000
    outcomes, values, errors, looks = stop_synthetic(rng, r, 40_000, 400_000, repeats)
    assert (outcomes == REACHED).all() and (errors <= r * np.abs(values)).all()
    standard_error = values.std(ddof=1) / np.sqrt(repeats)
    assert 0 < values.mean() - 1 < 2 * r**2 + 3 * standard_error
    # 68.3 % if the length were fixed
    covered = (np.abs(values - 1) <= errors).mean()
    assert abs(covered - 0.683) < 0.03 + 3 * np.sqrt(0.683 * 0.317 / repeats)
    assert np.median(looks) <= 40_000 * GROWTH


def test_giving_up_is_hardly_ever_wrong_and_saves_most_of_a_hopeless_run():
    rng = np.random.default_rng(2)
    outcomes, *_ = stop_synthetic(rng, 0.1, 50_000, 100_000, 1000)
    assert (outcomes == REACHED).mean() > 0.99
    outcomes, *_, looks = stop_synthetic(rng, 0.1, 1_000_000, 100_000, 1000)
    assert (outcomes == CANNOT_REACH).mean() > 0.99 and np.mean(looks) < 100_000 / 2


# --- runs -----------------------------------------------------------------------------------------------------


def flux_estimate(samples):
    """J of the middle plane, from independent rows."""
    rows = samples.flux[:, :, samples.flux.shape[2] // 2].ravel()
    return Estimate(float(rows.mean()), float(rows.std(ddof=1) / np.sqrt(rows.size)), float(rows.size))


def chain(relative_error=0.1, max_steps=40_000, **settings):
    steps = {"run__production_steps": 1000, "run__block_steps": 2000, "run__replicas": 3}
    target = {"relative_error": relative_error, "max_steps": max_steps}
    return configure(CHAIN, **steps, run__until=target, **settings)


def test_a_run_ends_where_two_looks_in_a_row_say_so(tmp_path):
    result = run(chain(), tmp_path / "out", progress=False, estimate=flux_estimate)
    info, samples = result.info["until"], result.samples
    found = flux_estimate(samples)
    assert info["reached"] is True and (info["value"], info["error"]) == found[:2]
    assert found.error <= 0.1 * found.value and found.n_effective >= MIN_SAMPLES
    assert (info["relative_error"], info["max_steps"]) == (0.1, 40_000)
    looks = list_looks(chain().run)
    assert info["production_steps"] == samples.step[-1] in looks[1:-1]
    assert result.info["steps"] == 200 + samples.step[-1] and result.info["status"] == "done"
    # it was known one look earlier, and not at any two looks in a row before
    known = [
        decide(look, flux_estimate(samples.first_rows(look // 100)), chain().run.until).outcome == REACHED
        for look in looks[: looks.index(samples.step[-1]) + 1]
    ]
    assert known[-2:] == [True, True] and not any(a and b for a, b in pairwise(known[:-1]))
    # a fixed run of that length is the same run
    fixed = run(
        configure(CHAIN, run__production_steps=int(samples.step[-1]), run__replicas=3), progress=False
    )
    assert np.array_equal(fixed.samples.flux, samples.flux) and fixed.info["until"] is None
    assert json.loads((tmp_path / "out/run.json").read_text())["until"] == info
    kept = run(chain(), tmp_path / "out", resume=True, progress=False, estimate=flux_estimate)
    assert kept.kept and kept.info == result.info


def test_a_run_that_cannot_reach_its_target_stops_early_with_advice(tmp_path):
    result = run(chain(relative_error=0.001), tmp_path / "out", progress=False, estimate=flux_estimate)
    info = result.info["until"]
    assert info["reached"] is False and result.info["status"] == "done"
    assert 10_000 <= info["production_steps"] <= 10_000 * GROWTH + 100
    assert info["predicted_steps"] > 80_000
    needed = info["production_steps"] * (info["error"] / (0.001 * info["value"])) ** 2
    assert info["predicted_steps"] == pytest.approx(needed, abs=1)
    for word in (
        "run.until.max_steps is 40000",
        "bath temperatures",
        "run.replicas",
        "wanted 0.1 %",
        "needed",
    ):
        assert word in info["message"]
    assert "cross_section" not in info["message"]  # a chain has none


@pytest.mark.parametrize("estimate", [lambda samples: None, lambda samples: Estimate(1.0, 0.12, 100.0)])
def test_a_run_out_of_steps_says_so(estimate):
    result = run(chain(max_steps=2000), progress=False, estimate=estimate)
    info = result.info["until"]
    assert info["reached"] is False and info["production_steps"] == 2000 == result.samples.step[-1]
    assert "run.until.max_steps is 2000" in info["message"]
    assert ("not resolved" in info["message"]) == (info["value"] is None)


def test_until_needs_an_estimate(tmp_path):
    for call in (lambda: run(chain(), tmp_path / "out", progress=False), lambda: Simulation(chain())):
        with pytest.raises(ConfigError, match=r"^run\.until: .*estimate=analysis\.make_estimator\(config\)$"):
            call()
    assert not (tmp_path / "out").exists()


def test_the_trajectory_ends_with_the_run(tmp_path):
    config = chain(output__trajectory_every=500)
    result = run(config, tmp_path / "out", progress=False, estimate=flux_estimate)
    with h5py.File(tmp_path / "out/trajectory.h5md") as file:
        steps = file["particles/trajectory/position/step"][()]
    assert list(steps) == list(range(500, result.samples.step[-1] + 1, 500))


# --- what is shown --------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_progress_shows_how_the_error_falls(stream):
    out = stream()
    simulation = Simulation(chain(), estimate=flux_estimate)
    simulation.run(Progress(stream=out))
    lines = out.getvalue().replace("\r", "\n").splitlines()
    looks = [line for line in lines if "production steps" in line]
    taken = simulation.course.looks.index(simulation.course.look) + 1
    assert len(looks) == taken and all("R_K = " in line and " ± " in line for line in looks)
    assert all(("needed" in line or "confirm" in line) and "s left" in line for line in looks[:-1])
    assert "has to confirm it" in looks[-2] and "reached" in looks[-1]
    first = next(n for n, line in enumerate(lines) if "production steps" in line)
    shown = [line for line in lines[:first] if "producing" in line]
    assert all(line.endswith("s to the next look") for line in shown)
    final = lines[-1]
    assert f"producing step {simulation.step}/{simulation.step} " in final and final.endswith("0 s left")
    assert ("[####################]" in final) == (stream is Terminal)


def test_what_is_left_follows_the_prediction():
    """R_K known to twice the target at the first look: four times its steps, at the look after that."""
    simulation = Simulation(chain(), estimate=lambda samples: Estimate(1.0, 0.2, 100.0))
    course = simulation.course
    assert not course.predicted and simulation.total_steps == 200 + 1000
    assert course.ends_at(1000, lambda: None) is False
    expected = min(look for look in course.looks if look >= 4000)
    assert course.predicted and simulation.total_steps == 200 + expected
    assert "about 4000 needed" in course.message


# --- the estimate of the analysis -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    """A chain long enough for bulk fits."""
    length = {"A": 12, "B": 12}
    config = configure(CHAIN, structure__length=length, run__production_steps=20_000, run__replicas=8)
    return config, run(config, progress=False).samples


def test_the_estimate_is_that_of_the_analysis(measured):
    config, samples = measured
    estimate = analysis.until.make_estimator(config)(samples)
    fields = analyse(samples, Settings.from_config(config)).interface
    low, high = fields["R_K_ci68"]
    assert estimate == (fields["R_K"], pytest.approx((high - low) / 2), fields["n_effective"])
    # about the standard error, which two-sided intervals widen by Student's t
    assert fields["R_K_stderr"] < 1.1 * estimate.error < 1.5 * fields["R_K_stderr"]


def test_there_is_no_estimate_before_anything_is_resolved(measured, monkeypatch):
    config, samples = measured
    estimate = analysis.until.make_estimator(config)

    assert estimate(synthetic.make(n_rows=5)[0]) is None  # too few for an error bar
    fields = {"R_K": None, "R_K_ci68": None, "n_effective": 50.0}
    monkeypatch.setattr(analysis.until, "analyse", lambda *_: SimpleNamespace(interface=fields))
    assert estimate(samples) is None


def test_as_a_user_calls_it(tmp_path, capsys):
    settings = changed(
        CHAIN,
        structure__length={"A": 12, "B": 12},
        run__production_steps=5000,
        run__replicas=8,
        run__until={"relative_error": 0.5, "max_steps": 100_000},
    )
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(settings))
    assert main(["run", str(tmp_path / "study.yaml"), "-o", str(tmp_path / "out")]) == 0
    info = read_run_info(tmp_path / "out")["until"]
    assert info["reached"] and info["error"] <= 0.5 * abs(info["value"])
    assert read_samples(tmp_path / "out/samples.h5").step[-1] == info["production_steps"]
    printed = capsys.readouterr()
    assert info["message"] in printed.out and info["message"] in printed.err


def test_the_engine_does_without_the_analysis():
    code = "import nemd_core.__main__, nemd_core, sys; assert not {'analysis', 'pandas'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_analysis_does_without_the_engine():
    """A job that fits or draws would wait longer for Numba than for its work."""
    code = "import sys; from analysis import fit_run, plot_study; assert not {'numba', 'scipy.stats'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
