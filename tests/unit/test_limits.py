"""Limits of a study: synthetic results with known truth, from points to numbers, from files to tables and figures."""

import json

import numpy as np
import pandas as pd
import pytest
import studies
from matplotlib.colors import to_hex
from scipy import stats

from analysis import collect, extrapolate, format_limits, format_study, load_study, plot_limits, plot_study
from analysis import limit_kinds as kinds
from analysis.__main__ import main
from analysis.extrapolation import agree, find_plateau, first_settled, fit_weighted
from analysis.figures import Scale
from analysis.limit_plateau import plateau
from analysis.limits import COLUMNS, find_limits
from analysis.plots_limits import plot_limit
from analysis.report import write_report
from analysis.tables import base_runs, limit_points, pool_seeds
from nemd_core.errors import StorageError
from nemd_core.storage import write_json
from nemd_core.units import ARGON

DRAWS = 400
WITHIN = 4 * np.sqrt(0.95 * 0.05 / DRAWS)
"""Four standard errors of how often a 95 % interval holds the truth in that many draws."""
BIASES = np.array([-0.3, -0.2, -0.1, 0.1, 0.2, 0.3])
LENGTHS = np.array([20.0, 30.0, 50.0, 80.0])


def make_points(x, R_K, R_K_stderr=0.01, trusted=True, J=0.02, J_stderr=2e-4, base=0, **others):
    """Points of a limit; `others` may be kappa_A, kappa_B with their errors, L_A, L_B, and R_K_systematic."""
    x = np.asarray(x, float)
    points = pd.DataFrame({"value": list(map(float, x))}, dtype=object)
    empty = {f"kappa_{side}{end}": np.nan for side in "AB" for end in ("", "_stderr")}
    columns = {"x": x, "R_K": R_K, "R_K_stderr": R_K_stderr, "J": J, "J_stderr": J_stderr} | empty
    columns |= {"R_K_systematic": 0.0}
    points = points.assign(**columns | others, trusted=trusted, n_runs=1, base=np.arange(len(x)) == base)
    points["failed_checks"] = np.where(points["trusted"], "", "curvature;slab_length")
    return points


def slabs(L=LENGTHS, **others):
    return make_points(L, L_A=L, L_B=2 * L, **others)


def find(found, quantity):
    """The row of a quantity."""
    (row,) = [row for row in found.rows if row["quantity"] == quantity]
    return row


# ---- lines and plateaus ----


def test_weighted_line_is_that_of_polyfit():
    generator = np.random.default_rng(1)
    x, stderr = np.linspace(1.0, 3.0, 7), generator.uniform(0.1, 0.5, 7)
    y = 2.0 - x + stderr * generator.normal(size=7)
    fit = fit_weighted(np.stack([np.ones(7), x], axis=1), y, stderr)
    wanted, covariance = np.polyfit(x, y, 1, w=1 / stderr, cov="unscaled")
    np.testing.assert_allclose(fit.coefficients, wanted[::-1], rtol=1e-10)
    np.testing.assert_allclose(fit.covariance, covariance[::-1, ::-1], rtol=1e-10)
    chi2 = np.sum(((y - np.polyval(wanted, x)) / stderr) ** 2)
    assert fit.chi2 == pytest.approx(chi2) and fit.dof == 5
    assert fit.p_value == pytest.approx(stats.chi2.sf(chi2, 5))
    values, errors = fit.at([[1.0, 2.0]])
    assert values[0] == pytest.approx(np.polyval(wanted, 2.0))
    assert errors[0] == pytest.approx(np.sqrt(np.array([2.0, 1.0]) @ covariance @ [2.0, 1.0]))


def test_what_points_do_not_fix_has_no_fit():
    one = np.ones(2)
    assert fit_weighted(np.stack([one, one], axis=1), one, one) is None  # two points at the same place
    assert fit_weighted(np.stack([one[:1], one[:1]], axis=1), one[:1], one[:1]) is None
    assert fit_weighted(np.zeros((0, 2)), np.zeros(0), np.zeros(0)) is None


def test_residuals_know_what_a_point_shares_with_the_fit():
    """The scatter of y_i - c_0 over many draws is what `residuals` says."""
    generator = np.random.default_rng(2)
    x, stderr = np.array([0.5, 1.0, 2.0]), np.array([0.1, 0.2, 0.3])
    columns = np.stack([np.ones(3), x], axis=1)
    draws = []
    for _ in range(2000):
        y = stderr * generator.normal(size=3)
        offset, claimed = fit_weighted(columns, y, stderr).residuals(y, stderr)
        draws.append(offset)
    np.testing.assert_allclose(np.std(draws, axis=0), claimed, rtol=0.08)


@pytest.mark.parametrize(
    ("y", "anchored", "wanted"),
    [
        ([2.0, 1.0, 1.0, 1.0, 2.0], False, (1, 4)),
        ([2.0, 1.0, 1.0, 1.0, 2.0], True, (4, 5)),
        ([2.0, 1.0, 1.01, 0.985], True, (1, 4)),
        ([1.0, 1.0, 1.0], True, (0, 3)),
        ([1.0, 1.01, 3.0, 3.2], False, (0, 2)),
        ([1.0, 2.0], False, (0, 1)),
        ([0.96, 1.0], False, (0, 2)),  # 4 % from each other, within 3 % of their mean
        ([0.96, 1.0], True, (1, 2)),  # the limit is the last one
    ],
)
def test_plateau_is_the_widest_range_that_agrees(y, anchored, wanted):
    part = find_plateau(np.array(y), np.full(len(y), 0.003), anchored)
    assert (part.start, part.stop) == wanted


def test_equal_values_disagree_no_more_often_than_allowed():
    generator = np.random.default_rng(3)
    for anchored in (False, True):
        alarms = [
            not agree(1.0 + 0.2 * generator.normal(size=5), np.full(5, 0.2), anchored) for _ in range(DRAWS)
        ]
        assert np.mean(alarms) < 0.05 + WITHIN
    known = np.full(2, 1e-6)
    assert agree(np.array([1.0, 1.05]), known, False) and not agree(np.array([1.0, 1.1]), known, False)
    assert agree(np.array([1.02, 1.0]), known, True) and not agree(np.array([1.05, 1.0]), known, True)


def test_first_from_which_on_all_are_within():
    assert first_settled([True, False, True, True]) == 2
    assert first_settled([True, True]) == 0 and first_settled([True, False]) is None


# ---- length ----


def test_length_extrapolates_to_the_truth():
    points = slabs(R_K=1.0 + 3.0 * 0.75 / LENGTHS)
    points["kappa_A"], points["kappa_A_stderr"] = 1 / (0.05 + 0.4 / LENGTHS), 0.1
    points["kappa_B"], points["kappa_B_stderr"] = 1 / (0.02 + 0.6 / (2 * LENGTHS)), 0.1
    found = kinds.length(points)
    wanted = {"R_K": 1.0, "R_K_slope": 3.0, "kappa_A": 20.0, "kappa_B": 50.0}
    wanted |= {"inverse_kappa_A_slope": 0.4, "inverse_kappa_B_slope": 0.6}
    for quantity, value in wanted.items():  # R_K goes with the mean of 1/L_A and 1/L_B
        assert find(found, quantity)["value"] == pytest.approx(value)
    kappa = find(found, "kappa_A")
    assert (
        kappa["ci95_high"] - kappa["value"] > kappa["value"] - kappa["ci95_low"] > 0
    )  # that of 1/kappa, turned over
    assert kappa["n_runs"] == 4 and kappa["dof"] == 2


def test_intervals_of_length_hold_the_truth():
    generator = np.random.default_rng(4)
    held = {"R_K": 0, "kappa_A": 0}
    doubts = 0
    truth = {"R_K": 1.0, "kappa_A": 20.0}
    for _ in range(DRAWS):
        kappa = 1 / (0.05 + 0.4 / LENGTHS)
        points = slabs(R_K=1.0 + 2.25 / LENGTHS + 0.03 * generator.normal(size=4), R_K_stderr=0.03)
        points["kappa_A"] = kappa * (1 + 0.03 * generator.normal(size=4))
        points["kappa_A_stderr"] = 0.03 * kappa
        found = kinds.length(points)
        for name in held:
            row = find(found, name)
            held[name] += row["ci95_low"] <= truth[name] <= row["ci95_high"]
        doubts += find(found, "R_K")["p_value"] < 0.05
    for name, count in held.items():
        assert abs(count / DRAWS - 0.95) < WITHIN, name
    assert abs(doubts / DRAWS - 0.05) < WITHIN


def test_the_change_without_the_shortest_is_given():
    R_K = np.array([1.5, 1.1, 1.05, 1.04])
    row = find(kinds.length(slabs(R_K=R_K)), "R_K")
    x = 0.75 / LENGTHS
    ends = [np.polyfit(x[part], R_K[part], 1)[1] for part in (slice(None), slice(1, None))]
    assert row["without_furthest"] == pytest.approx(abs(ends[0] - ends[1]))


@pytest.mark.parametrize(
    ("c", "stderr", "value", "words"),
    [
        (2.0, 1e-3, 30.0, "structure.length = 30: R_K lies 5 ± "),  # 2 * 0.75 / 30 = 5 % off
        (10.0, 1e-3, None, "none: even at 80 R_K lies 9.4 ± "),
        (0.0, 0.04, 30.0, " % off the value at infinite length, which is not resolved from 0"),
        (
            0.0,
            0.2,
            None,
            "none: how far R_K lies off the value at infinite length at 80 is only known to ± 8.8 %",
        ),
        (0.0, 1.0, None, "none: R_K is not resolved from 0"),
    ],
)
def test_the_shortest_length_that_will_do_is_suggested(c, stderr, value, words):
    row = find(kinds.length(slabs(R_K=1.0 + c * 0.7499 / LENGTHS, R_K_stderr=stderr)), "suggestion")
    assert row["value"] == value and words in row["note"]


def test_a_length_that_is_left_out_is_not_suggested():
    trusted = np.array([False, True, True, True])
    assert find(kinds.length(slabs(R_K=1.0, R_K_stderr=1e-4)), "suggestion")["value"] == 20.0
    points = slabs(R_K=1.0, R_K_stderr=1e-4, trusted=trusted)
    assert find(kinds.length(points), "suggestion")["value"] == 30.0


def test_what_fit_windows_do_to_the_runs_is_noted():
    """The mean of the points that take part."""
    trusted = np.array([False, True, True, True])
    points = slabs(R_K=1.0, trusted=trusted, R_K_systematic=[9.0, 0.01, 0.02, 0.03])
    row = find(kinds.length(points), "R_K")
    assert (
        row["note"].split("; ")[1] == "fit windows: R_K_systematic is 0.02 in the mean, on top of the error"
    )


def test_a_conductivity_that_is_not_resolved_says_so():
    points = slabs(R_K=1.0)
    points["kappa_A"], points["kappa_A_stderr"] = (
        LENGTHS,
        0.3 * LENGTHS,
    )  # ballistic: kappa grows with the length
    points.loc[1:, "kappa_B"], points["kappa_B_stderr"] = 20.0, 0.5
    found = kinds.length(points)
    row = find(found, "kappa_A")
    assert row["value"] is None and "interval of 1/kappa at infinite length" in row["note"]
    row = find(found, "kappa_B")
    assert row["value"] == pytest.approx(20.0) and row["n_runs"] == 3 and row["note"] == "no kappa_B: 20"
    row = find(kinds.length(slabs(R_K=1.0)), "kappa_A")  # harmonic: no conductivity at all
    assert row["value"] is None and row["n_runs"] == 0 and "0 usable points" in row["note"]


def test_untrusted_points_take_no_part_unless_too_few_would_be_left():
    trusted = np.array([False, True, True, True])
    R_K = np.array([9.0, 1.0, 1.0, 1.0])
    row = find(kinds.length(slabs(R_K=R_K, trusted=trusted)), "R_K")
    assert row["value"] == pytest.approx(1.0) and row["n_runs"] == 3
    assert row["note"] == "left out, not trusted: 20 (curvature, slab_length)"
    row = find(kinds.length(slabs(R_K=1.0, trusted=trusted & (LENGTHS > 70))), "R_K")
    assert row["n_runs"] == 4 and row["note"].startswith(
        "used though NOT trusted: 20 (curvature, slab_length), 30"
    )


def test_two_points_leave_no_degree_of_freedom():
    row = find(kinds.length(slabs(LENGTHS[:2], R_K=[1.2, 1.1])), "R_K")
    assert row["dof"] == 0 and np.isnan(row["p_value"]) and row["note"].startswith("dof 0")
    assert row["without_furthest"] is None
    found = kinds.length(slabs(LENGTHS[:1], R_K=[1.2]))
    assert find(found, "R_K")["value"] is None and found.suggestion.startswith("none: two lengths")


def test_a_form_that_does_not_fit_is_remarked_upon():
    row = find(kinds.length(slabs(R_K=[1.5, 1.0, 1.5, 1.0])), "R_K")
    assert row["p_value"] < 0.01 and "the form does not fit" in row["note"]


# ---- bias ----


def test_bias_has_even_and_odd_parts():
    found = kinds.bias(make_points(BIASES, 1.0 + 0.2 * BIASES + 0.5 * BIASES**2))
    for quantity, value in {"R_K": 1.0, "R_K_odd": 0.2, "R_K_even": 0.5}.items():
        assert find(found, quantity)["value"] == pytest.approx(value)
    assert find(found, "R_K")["dof"] == 3


def test_intervals_of_bias_hold_the_truth():
    generator = np.random.default_rng(5)
    truth = {"R_K": 1.0, "R_K_odd": 0.2, "R_K_even": 0.5, "rectification_slope": 0.1}
    held = dict.fromkeys(truth, 0)
    stderr = 0.004 / np.abs(BIASES)
    for _ in range(DRAWS):
        R_K = 1.0 + 0.2 * BIASES + 0.5 * BIASES**2 + stderr * generator.normal(size=6)
        J = 0.1 * BIASES * (1.0 + 0.05 * BIASES) + 3e-4 * generator.normal(size=6)
        found = kinds.bias(make_points(BIASES, R_K, stderr, J=J, J_stderr=3e-4))
        for name in held:
            row = find(found, name)
            held[name] += row["ci95_low"] <= truth[name] <= row["ci95_high"]
    for name, count in held.items():
        assert abs(count / DRAWS - 0.95) < WITHIN, name


def test_rectification_is_a_number_with_its_error():
    """|J| of 1.1 and 0.9: 0.2 of their mean. Its error is the scatter of many draws."""
    x = np.array([-0.2, 0.1, 0.2])
    found = kinds.bias(make_points(x, 1.0, J=[-0.9, 0.5, 1.1], J_stderr=[0.03, 0.1, 0.02]))
    row = find(found, "rectification_at_0.2")
    generator = np.random.default_rng(6)
    up, down = 1.1 + 0.02 * generator.normal(size=4000), 0.9 + 0.03 * generator.normal(size=4000)
    assert row["value"] == pytest.approx(0.2)
    assert row["stderr"] == pytest.approx(np.std(2 * (up - down) / (up + down)), rel=0.06)
    assert find(found, "rectification_slope")["value"] == pytest.approx(1.0)
    assert not [row for row in found.rows if row["quantity"] == "rectification_at_0.1"]  # no run at -0.1


def test_linear_response_ends_where_R_K_leaves_its_value_at_zero():
    found = kinds.bias(make_points(BIASES, 1.0 + 0.49 * BIASES**2, 1e-4))  # 1.96 % at 0.2, 4.4 % at 0.3
    assert find(found, "linear_range")["value"] == pytest.approx(0.2)
    assert "up to ±0.2" in found.suggestion and "the largest that was tried" not in found.suggestion
    found = kinds.bias(make_points(BIASES, 1.0, 0.01))
    assert find(found, "suggestion")["value"] == 0.3 and "the largest that was tried" in found.suggestion
    found = kinds.bias(make_points(BIASES, 1.0 + 10 * BIASES**2, 1e-4))
    assert find(found, "linear_range")["value"] is None and found.suggestion.startswith("none")


@pytest.mark.parametrize(
    ("R_K", "stderr", "words"),
    [
        (1.0, 0.3, "none: R_K agrees with that at zero bias up to ±0.3 (known to "),
        (0.0, 0.01, "none: R_K is not resolved from 0"),
    ],
)
def test_no_linear_range_is_suggested_from_noise(R_K, stderr, words):
    found = kinds.bias(make_points(BIASES, R_K, stderr))
    assert found.suggestion.startswith(words) and find(found, "suggestion")["value"] is None
    assert find(found, "linear_range")["value"] == 0.3


def test_one_sign_of_the_bias_has_no_odd_part():
    found = kinds.bias(make_points([0.1, 0.2, 0.3], 1.0 + np.array([0.1, 0.2, 0.3]) ** 2))
    assert [row["quantity"] for row in found.rows] == ["R_K", "R_K_even", "linear_range", "suggestion"]
    assert find(found, "R_K")["note"] == "one sign only: the odd part is not known"
    found = kinds.bias(make_points([-0.2, 0.2], [1.1, 0.9]))
    assert find(found, "R_K_odd")["value"] == pytest.approx(-0.5)
    found = kinds.bias(make_points([-0.2, 0.1], [1.2, 0.9]))  # too few points for an even part
    assert find(found, "R_K")["value"] == pytest.approx(1.0) and find(found, "R_K")["dof"] == 0
    assert find(kinds.bias(make_points([0.2], [1.1])), "R_K")["value"] == pytest.approx(1.1)


# ---- plateaus and the time step ----


def test_plateau_has_mean_change_and_suggestion():
    points = make_points([3, 4, 6, 8], [1.3, 1.0, 1.01, 0.99], base=2)
    found = plateau(points, "structure.cross_section", anchored=True)
    row = find(found, "R_K")
    assert row["value"] == pytest.approx(1.0) and row["stderr"] == pytest.approx(0.01 / np.sqrt(3))
    assert row["dof"] == 2 and row["chi2"] == pytest.approx(2.0) and row["n_runs"] == 3
    assert row["without_furthest"] == pytest.approx(0.0)  # the mean of 6 and 8
    assert list(found.plateau) == [False, True, True, True]
    assert find(found, "suggestion")["value"] == 4.0 and "structure.cross_section = 4" in found.suggestion


def test_changes_that_are_harmless_but_no_noise_leave_the_value_at_the_limit():
    points = make_points([3, 4, 6, 8], [1.3, 1.02, 1.01, 1.0], 1e-4)
    found = plateau(points, "structure.cross_section", anchored=True)
    row = find(found, "R_K")
    assert (row["value"], row["stderr"], row["without_furthest"]) == (1.0, 1e-4, None)
    assert row["p_value"] < 1e-9 and "less than 3 %: R_K is that at the largest value" in row["note"]
    assert "hardly depends on it at 4, 6, 8 (differences up to 2 %" in found.suggestion
    found = plateau(points[1:], "baths.friction", anchored=False)
    row = find(found, "R_K")
    assert row["value"] == pytest.approx(1.01) and "by less than 3 %" in row["note"]


@pytest.mark.parametrize(
    ("R_K", "stderr", "words"),
    [
        (1.0, 0.5, "none: R_K agrees at 4, 6, 8 (differences up to 0 %, known to 41 %), which says little"),
        (0.01, 0.01, "none: R_K is not resolved from 0"),
    ],
)
def test_no_plateau_is_suggested_from_noise(R_K, stderr, words):
    found = plateau(make_points([4, 6, 8], R_K, stderr), "structure.cross_section", anchored=True)
    assert found.suggestion.startswith(words) and find(found, "suggestion")["value"] is None
    assert find(found, "R_K")["value"] == pytest.approx(R_K)


def test_a_ramp_that_matters_asks_for_longer_baths():
    found = plateau(make_points([0, 1], [1.1, 0.9]), "baths.ramp", anchored=False)
    assert found.suggestion == "none: with and without the ramp R_K differs by 20 ± 1.4 %: lengthen the baths"


def test_of_a_plateau_in_the_middle_the_own_value_is_kept():
    values = [0.1, 0.3, 1.0, 3.0, 10.0]
    R_K = [1.4, 1.0, 1.0, 1.0, 1.2]
    kept = plateau(make_points(values, R_K, base=2), "baths.friction", anchored=False)
    assert find(kept, "suggestion")["value"] == 1.0
    moved = plateau(make_points(values, R_K, base=4), "baths.friction", anchored=False)
    assert find(moved, "suggestion")["value"] == 3.0
    none = plateau(make_points(values, [1, 2, 3, 4, 5]), "baths.friction", anchored=False)
    assert find(none, "R_K")["value"] is None and none.suggestion.startswith("none: R_K depends on")
    one = plateau(make_points(values, [np.nan] * 4 + [1.0]), "baths.friction", anchored=False)
    assert find(one, "R_K")["value"] is None and one.suggestion.startswith("none: two values")


def test_plateau_of_equal_values_is_found_whole_and_its_interval_holds_the_truth():
    generator = np.random.default_rng(7)
    whole = held = 0
    for _ in range(DRAWS):
        points = make_points([0.3, 1, 3], 1.0 + 0.05 * generator.normal(size=3), 0.05)
        found = plateau(points, "baths.friction", anchored=False)
        row = find(found, "R_K")
        if found.plateau.all():
            whole += 1
            held += row["ci95_low"] <= 1.0 <= row["ci95_high"]
    assert whole / DRAWS > 0.95 - WITHIN
    assert abs(held / whole - 0.95) < WITHIN


def test_errors_grow_where_the_form_does_not_fit():
    """Points that scatter three times more than their errors say: the errors of the line are three times larger."""
    x, stderr = np.array([0.01, 0.02, 0.04, 0.08]), np.full(4, 0.1)
    columns = np.stack([np.ones(4), x], axis=1)
    scatter = 0.3 * np.sqrt(2) * np.array([1.0, -1.0, 1.0, -1.0])
    scatter -= columns @ np.linalg.lstsq(columns, scatter, rcond=None)[0]
    fit, quiet = (fit_weighted(columns, 1 + x + s, stderr) for s in (scatter, 0.1 * scatter))
    assert fit.p_value < 0.01 and fit.enlarged == pytest.approx(np.sqrt(fit.chi2 / 2))
    assert quiet.enlarged == 1.0
    assert fit.stderr() == pytest.approx(fit.enlarged * quiet.stderr())


@pytest.mark.parametrize(
    ("c", "stderr", "value", "words"),
    [
        (300.0, 1e-4, 0.005, "run.timestep = 0.005: R_K lies 0.75 ± "),  # 3 % at 0.01, 0.75 % at 0.005
        (0.0, 1e-4, 0.01, "run.timestep = 0.01"),
        (4000.0, 1e-4, None, "none: even at 0.0025 R_K lies 2.5 ± "),
        (0.0, 0.005, 0.01, "± 0.71 % off that at dt -> 0, which is not resolved from 0"),
        (0.0, 0.4, None, "at 0.0025 is only known to ± "),
    ],
)
def test_the_largest_time_step_that_will_do_is_suggested(c, stderr, value, words):
    dt = np.array([0.0025, 0.005, 0.01])
    found = kinds.timestep(make_points(dt, 1.0 + c * dt**2, stderr))
    assert find(found, "R_K")["value"] == pytest.approx(1.0)
    assert find(found, "R_K_slope")["value"] == pytest.approx(c, abs=1e-6)
    assert find(found, "J")["value"] == pytest.approx(0.02)
    assert find(found, "suggestion")["value"] == value and words in found.suggestion


# ---- a study on disk ----

MASS, SEED = "materials.B.mass", "run.seed"


def write_run(study, name, R_K, cells=24, failed=(), seed=0, status="done"):
    """What the summary and the limits read of a run; R_K may be NaN."""
    directory = study / name
    directory.mkdir(parents=True)
    write_json(directory / "run.json", {"status": status, "message": "killed", "wall_time": 1.0})
    numbers = {"R_K": R_K, "delta_T": 0.02 * R_K, "J": 0.02, "kappa_A": 20.0, "kappa_B": 10.0, "G": 1 / R_K}
    fields = {key: number for key, number in numbers.items()}
    fields |= {f"{key}_stderr": 0.02 * number for key, number in numbers.items()}
    checks = [{"name": check, "passed": False, "value": 1.0, "limit": 0.0, "message": ""} for check in failed]
    write_json(
        directory / "interface.json",
        fields
        | {"R_K_systematic": 0.01, "trusted": not failed, "checks": checks, "reference": "argon"}
        | {"units": {"R_K": "tau sigma^2/k_B", "J": "epsilon/(tau sigma^2)"}},
    )
    n = 2 * cells
    region = ["hot"] * 12 + ["A"] * n + ["B"] * n + ["cold"] * 12
    columns = "layer species n_sites temperature temperature_stderr flux flux_stderr fitted".split()
    profile = pd.DataFrame({"x": 0.79 * np.arange(len(region)), "region": region})
    profile.assign(**dict.fromkeys(columns, 0)).to_csv(directory / "profile.csv", index=False)


@pytest.fixture
def study(tmp_path):
    """Two masses, each with limits of length (one entry with two sides) and bath friction; one run is not trusted."""
    directory = tmp_path / "limits"
    rows, limits = [], []
    for mass in (2.0, 4.0):
        names = {}
        for cells in (12, 24, 48):
            names[cells] = f"r-{mass:g}-length{cells}"
            R_K = mass * (1.0 + 2.0 / cells)
            write_run(directory, names[cells], R_K, cells, ["curvature"] if cells == 12 and mass == 4 else ())
        write_run(directory, f"r-{mass:g}-friction", mass * (1.0 + 2.0 / 24))
        rows += [(name, mass) for name in (*names.values(), f"r-{mass:g}-friction")]
        common = {"case": {MASS: mass}, "base": names[24]}
        values = [12, 24, {"A": 40, "B": 56}]
        limits.append(
            common | {"name": "length", "parameter": "cells", "values": values, "run_ids": [*names.values()]}
        )
        runs = [f"r-{mass:g}-friction", names[24]]
        limits.append(
            common | {"name": "bath", "parameter": "friction", "values": [0.3, 1.0], "run_ids": runs}
        )
    pd.DataFrame(rows, columns=["run", MASS]).assign(**{"baths.friction": 1.0}).to_csv(
        directory / "runs.csv", index=False
    )
    write_json(directory / "limits.json", {"limits": limits})
    return directory


def test_table_of_limits_has_one_set_of_rows_per_case(study):
    table = extrapolate(study)
    assert list(table.columns) == [MASS, *COLUMNS]
    assert (
        "limit parameter quantity value stderr ci95_low ci95_high chi2 dof p_value without_furthest n_runs note".split()
    ) == COLUMNS
    for mass in (2.0, 4.0):
        part = table[table[MASS] == mass]
        length = part[part["limit"] == "length"].set_index("quantity")
        assert length["value"]["R_K"] == pytest.approx(mass)
        # 24 cells are 48 layers 0.79 apart
        assert length["value"]["R_K_slope"] == pytest.approx(mass * 2.0 * 1.58)
        assert length["value"]["kappa_A"] == pytest.approx(20.0)
        assert (part["parameter"] == "friction").sum() == 2
    assert table["note"].str.contains("left out, not trusted: 12 (curvature)", regex=False).sum() == 3
    written = pd.read_csv(study / "limits.csv")
    np.testing.assert_allclose(written["value"], table["value"].astype(float))


def test_only_points_of_the_sweep_stand_in_its_figure_and_pools(study):
    table = collect(study)
    assert table.attrs["swept_keys"] == [MASS] and len(table) == 8
    assert list(base_runs(table)["run"]) == ["r-2-length24", "r-4-length24"]
    assert len(pool_seeds(table)) == 2
    points = limit_points(table)
    assert points[:4] == ["length 12", "", "length A 40 B 56", "bath friction 0.3"]
    lines = format_study(table).splitlines()
    assert "limit" in lines[0] and "length A 40 B 56" in lines[3] and "NOT trusted: curvature" in lines[5]
    plot_study(study, ["png"])
    assert (study / "sweep.png").exists() and not (study / "map.png").exists()


def test_limits_are_printed_with_their_suggestions(study, capsys):
    assert main(["limits", str(study), "--format", "svg", "--units", "si"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(format_limits(extrapolate(study)))
    assert (
        "bath friction (B.mass = 2), suggestion: baths.friction = 1: R_K does not depend on it at 0.3, 1"
        in out
    )
    assert "length (B.mass = 4), R_K, kappa_A, kappa_B: left out, not trusted: 12 (curvature)" in out
    files = [f"{study}/{name}" for name in ("limits.csv", "limit_length.svg", "limit_bath_friction.svg")]
    assert out.splitlines()[-3:] == files
    assert "suggestion" in (study / "limit_length.svg").read_text()


def test_seeds_are_pooled_and_failed_runs_named(study):
    content = json.loads((study / "limits.json").read_text())
    entry = content["limits"][0]
    for seed in (1, 2):
        for cells in (12, 48):
            write_run(
                study,
                f"r-s{seed}-{cells}",
                1.0 + 0.1 * seed,
                cells,
                status="failed" if cells == 48 else "done",
            )
    seeds = [
        entry
        | {"case": {SEED: seed}, "values": [12, 48], "base": f"r-s{seed}-12"}
        | {"run_ids": [f"r-s{seed}-12", f"r-s{seed}-48"]}
        for seed in (1, 2)
    ]
    write_json(study / "limits.json", {"limits": seeds})
    runs = [(run, limit["case"][SEED]) for limit in seeds for run in limit["run_ids"]]
    pd.DataFrame(runs, columns=["run", SEED]).to_csv(study / "runs.csv", index=False)
    (limit,) = find_limits(study, load_study(study))
    assert limit.case == {} and limit.points["R_K"][0] == pytest.approx(1.15)
    assert limit.points["R_K_stderr"][0] == pytest.approx(0.02 * np.hypot(1.1, 1.2) / 2)
    assert np.isnan(limit.points["R_K"][1]) and np.isnan(limit.points["L_A"][1])
    row = extrapolate(study).iloc[0]
    assert row["quantity"] == "R_K" and pd.isna(row["value"]) and "no R_K: 48" in row["note"]


def test_limits_of_a_study_whose_runs_all_failed(study):
    for path in study.glob("r-*/run.json"):
        write_json(path, {"status": "failed", "message": "killed"})
    table = extrapolate(study)
    assert table["value"].isna().all() and table["note"].str.contains("no R_K").any()
    plot_limits(study, ["png"])
    assert "none: two lengths with a result are needed" in format_limits(table)


def test_a_limits_file_of_another_study_is_refused(study):
    content = json.loads((study / "limits.json").read_text())
    content["limits"][0]["run_ids"][0] = "r-foreign"
    write_json(study / "limits.json", content)
    with pytest.raises(StorageError, match=r"limits\.json: runs that runs\.csv lacks: r-foreign"):
        extrapolate(study)


def test_a_study_without_limits_has_no_tables_of_them(study, capsys):
    extrapolate(study)
    plot_limits(study, ["png"])
    assert {path.name for path in study.glob("limit*.*")} == {
        "limits.json",
        "limits.csv",
        "limit_length.png",
        "limit_bath_friction.png",
    }
    content = json.loads((study / "limits.json").read_text())
    write_json(study / "limits.json", {"limits": [e for e in content["limits"] if e["name"] == "length"]})
    plot_limits(study, ["png"])
    assert not (study / "limit_bath_friction.png").exists()
    (study / "limits.json").unlink()
    pd.read_csv(study / "runs.csv").drop(columns="baths.friction").to_csv(study / "runs.csv", index=False)
    assert "limit" not in format_study(collect(study)).splitlines()[0]
    assert not list(study.glob("limit*.*"))
    assert main(["limits", str(study)]) == 2
    assert "a study without limits; give its config a section 'limits'" in capsys.readouterr().err


# ---- figures and the report ----


def test_figure_shows_points_limit_and_suggestion(study):
    table = load_study(study)
    limits = [limit for limit in find_limits(study, table) if limit.name == "length"]
    axes = plot_limit(limits, table.attrs)
    assert len(axes) == 3
    fits, faces = {}, []
    for container in axes[0].containers:
        x, y = container[0].get_data()
        if len(x) and x[0] == 0.0:
            fits[to_hex(container[0].get_color())] = y[0]
        faces += [container[0].get_markerfacecolor()] * len(x)
    assert sorted(fits.values()) == pytest.approx([2.0, 4.0])
    assert faces.count("white") == 1  # the run that is not trusted
    title = axes[0].figure.get_suptitle()
    assert title.count("suggestion:") == 2 and title.startswith("limits   limit: length")
    legend = [text.get_text() for text in axes[0].figure.legends[0].get_texts()]
    assert legend == ["B.mass = 2", "B.mass = 4", "not trusted: curvature"]
    assert "L_A" in axes[1].get_xlabel()


def test_figure_in_si_units(study):
    table = load_study(study)
    limits = [limit for limit in find_limits(study, table) if limit.name == "bath"]
    plain, si = (plot_limit(limits[:1], table.attrs, units) for units in ("reduced", "si"))
    heights = [ax.containers[0][0].get_ydata() for (ax,) in (plain, si)]
    np.testing.assert_allclose(heights[1], heights[0] * ARGON.to_field(1.0, "R_K")[0])
    assert Scale(table.attrs, "si").label("R_K") in si[0].get_ylabel()


@pytest.mark.parametrize("name", ["bias", "cross_section", "timestep", "ramp"])
def test_every_limit_has_a_figure(name):
    from analysis.limits import KINDS, Limit

    place = {"bias": BIASES, "cross_section": [4, 6, 8], "timestep": [0.0025, 0.005], "ramp": [0, 1]}[name]
    points = make_points(place, 1.0, J=np.sign(place) * 0.02)
    key = {"bias": ("bias", "difference"), "ramp": ("bath", "ramp"), "timestep": ("timestep", "timestep")}
    key = key.get(name, (name, "cells"))
    axes = plot_limit([Limit(*key, {}, points, KINDS[key](points))], {})
    assert len(axes) == {"bias": 2, "timestep": 2}.get(name, 1)
    axes[0].figure.draw_without_rendering()
    assert "suggestion: " in axes[0].figure.get_suptitle()


def test_report_has_a_section_of_limits(tmp_path):
    study_dir = tmp_path / "study"
    runs = [studies.write_run(study_dir, number, mass=4.0, seed=number) for number in range(2)]
    pd.DataFrame({"run": runs, "baths.friction": [1.0, 3.0]}).to_csv(study_dir / "runs.csv", index=False)
    entry = {"case": {}, "name": "bath", "parameter": "friction", "values": [1.0, 3.0], "run_ids": runs}
    write_json(study_dir / "limits.json", {"limits": [entry | {"base": runs[0]}]})
    table = extrapolate(study_dir)
    plot_limits(study_dir, ["png"])
    text = write_report(study_dir).read_text()
    section = text[text.index('id="limits-heading"') : text.index('id="each-heading"')]
    suggestion = table["note"][table["quantity"] == "suggestion"].item()
    assert f"bath friction: {suggestion}" in section and section.count("<img") == 1
    assert section.count("<tr>") == 2 and "limits of bath friction" in text
    assert "bath friction 3" in text and 'data-value="bath friction 3"' in text
