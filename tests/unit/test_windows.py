"""Fit windows from the data: on junctions of a known profile, with noise that layers share along x and in time.

Unless a test says otherwise ln T is straight in the bulk, the model of `fit: auto`.
"""

from dataclasses import replace

import numpy as np
import pytest
import synthetic
from scipy import stats

from analysis.lines import LEVEL, LINE, LOG_LINE, configured_window, find_interfaces, find_slab, fit_logarithm
from analysis.uncertainty import choose_blocks, cut
from analysis.windows import choose_windows, scan_windows
from nemd_core.errors import StorageError
from nemd_core.storage import Samples

BATH, PER_CELL = 4, 2
JUMP, T_MIDDLE, J, KAPPA_A, KAPPA_B = 0.06, 0.25, 0.05, 30.0, 19.0
N_ROWS, TAU = 1000, 4.0
AUTO = replace(synthetic.SETTINGS, layers_per_cell=PER_CELL, fit_auto=True, skip_bath=0.0, skip_interface=0.0)
FIXED = replace(AUTO, fit_auto=False, skip_interface=2, skip_bath=2)


def straight(n, T_0, slope):
    """Temperatures of the layers 1/4, 3/4, ... cells from the interface, shape (n,)."""
    return T_0 + slope * distance(n)


def exponential(n, T_0, slope):
    """ln T is straight: kappa ~ 1/T."""
    return T_0 * np.exp(slope / T_0 * distance(n))


def layers(n, at_interface, at_bath):
    """Curved regions at the ends: (amplitude, decay length in cells) of each."""
    x = distance(n)
    (a, length_a), (b, length_b) = at_interface, at_bath
    return a * np.exp(-x / length_a) + b * np.exp(-(n / PER_CELL - x) / length_b)


def distance(n):
    return (np.arange(n) + 0.5) / PER_CELL


def spatial_covariance(n):
    """Of layers of one side: what all share, what neighbours share, and noise of their own; 1 on the diagonal."""
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return 0.4 + 0.45 * np.exp(-apart / 6.0) + 0.15 * np.eye(n)


def junction(A, B, noise, seed=0) -> Samples:
    """Samples with fixed ends of slabs with the temperatures A and B, each of shape (n,) from the interface on.

    `noise` is the standard error of the mean temperature of a layer, from noise with the correlation time TAU rows.
    """
    rng, n = np.random.default_rng(seed), len(A)
    T = np.concatenate([np.full(BATH, A[-1]), A[::-1], B, np.full(BATH, B[-1])])
    temperature = np.tile(T, (N_ROWS, 1))
    root = np.linalg.cholesky(spatial_covariance(n)) * noise * np.sqrt(N_ROWS / (2 * TAU))
    for side in (
        slice(BATH, BATH + n),
        slice(BATH + n, BATH + 2 * n),
    ):  # the covariance is the same from either end
        temperature[:, side] += (root @ synthetic.ar1(rng, TAU, (n, N_ROWS))).T
    region = np.repeat(["hot", "A", "B", "cold"], [BATH, n, n, BATH])
    x, nothing, middle = np.arange(len(T)) / PER_CELL, np.zeros((1, N_ROWS)), BATH + n
    return Samples(
        layers={"x0": x, "x_mean": x, "region": region},
        planes={"x0": x[1:] - 0.5 / PER_CELL, "cell": np.arange(len(T) - 1)},
        interfaces={
            name: np.array([k])
            for name, k in (("plane", middle - 1), ("left", middle - 1), ("right", middle), ("direction", 1))
        },
        period=0.0,
        step=100 * np.arange(1, N_ROWS + 1),
        temperature=temperature[None],
        flux=np.full((1, N_ROWS, len(T) - 1), J),
        heat_hot=nothing,
        heat_cold=nothing,
        energy=nothing,
        stress=np.zeros((1, N_ROWS, 2)),
        energy_start=np.zeros(1),
        area=1.0,
        timestep=0.005,
        series_steps=100,
    )


def slabs(n, profile=exponential, at_A=((0, 1), (0, 1)), at_B=((0, 1), (0, 1))):
    """Temperatures of both slabs, heat flowing from A to B."""
    A = profile(n, T_MIDDLE + JUMP / 2, J / KAPPA_A) + layers(n, *at_A)
    return A, profile(n, T_MIDDLE - JUMP / 2, -J / KAPPA_B) + layers(n, *at_B)


def analyse_jump(samples, settings=AUTO):
    """(jump, its standard error, degrees of freedom, windows, Scan)"""
    rough = find_interfaces(samples, settings)[0].rows(samples)["delta_T"]
    blocks, _ = choose_blocks(rough[:, :, None])
    windows = [dict.fromkeys("AB", configured_window(settings))]
    if settings.fit_auto:
        windows = choose_windows(samples, settings, blocks)
    interfaces = find_interfaces(samples, settings, windows)
    jump = interfaces[0].rows(samples)["delta_T"]
    scan = scan_windows(samples, settings, blocks, interfaces)[0]
    return float(blocks.mean(jump)), float(blocks.stderr(jump)), blocks.dof, windows[0], scan


def repeat(A, B, noise, n, settings=AUTO):
    """Columns error of the jump, standard error, dof, systematic error; and the windows, of n runs."""
    rows, windows = [], []
    for seed in range(n):
        jump, stderr, dof, window, scan = analyse_jump(junction(A, B, noise, seed), settings)
        rows.append((jump - JUMP, stderr, dof, scan.delta_T_systematic))
        windows.append([*window["A"], *window["B"]])
    return np.array(rows).T, np.array(windows)


def best_fixed_error(A, B, noise):
    """Least root mean square error of the jump over all windows of whole cells, the same on both sides: lines through
    ln T."""
    n, covariance, errors = len(A), spatial_covariance(len(A)), []
    for near in range(PER_CELL, n, PER_CELL):
        for far in range(PER_CELL, n - near - n // 3, PER_CELL):
            x = distance(n)[near : n - far]
            fit = np.zeros(n)
            fit[near : n - far] = np.linalg.pinv(np.stack([np.ones(len(x)), x], axis=1))[0]
            T_A, T_B = (np.exp(fit @ np.log(T)) for T in (A, B))
            variance = sum(c @ covariance @ c for c in (fit * T_A / A, fit * T_B / B))
            errors.append(np.hypot(T_A - T_B - JUMP, noise * np.sqrt(variance)))
    return min(errors)


# --- the window -----------------------------------------------------------------------------------------------------


def test_where_ln_T_is_straight_the_window_is_nearly_the_widest_and_the_jump_unbiased():
    """And choosing it costs little, against the same window fixed beforehand, on the same runs."""
    n, (A, B), noise, widest = 200, slabs(60), 0.0005, (2 * PER_CELL, 2 * PER_CELL)
    (error, stderr, dof, systematic), windows = repeat(A, B, noise, n)
    assert np.mean(windows == 2 * PER_CELL) > 0.85
    assert abs(error.mean()) < 4 * error.std() / np.sqrt(n)
    fixed = []
    for seed in range(n):
        samples = junction(A, B, noise, seed)
        interface = find_interfaces(samples, AUTO, [{"A": widest, "B": widest}])[0]
        fixed.append(interface.rows(samples)["delta_T"].mean() - JUMP)
    assert np.sqrt(np.mean(error**2)) < 1.2 * np.sqrt(np.mean(np.square(fixed)))
    for probability in (0.683, 0.95):
        covered = np.mean(np.abs(error) < stats.t.ppf(0.5 + probability / 2, dof) * stderr)
        assert covered == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / n))
    assert np.median(systematic / stderr) < 0.5


@pytest.mark.parametrize("noise", [0.0005, 0.002])
def test_curved_regions_at_bath_and_interface_are_left_out(noise):
    """Decay lengths of 1 to 2 cells: bias below half the standard error, error near that of the best window."""
    n = 80
    A, B = slabs(80, at_A=((-0.004, 1.5), (0.003, 1.0)), at_B=((0.012, 1.0), (-0.004, 2.0)))
    (error, stderr, *_), _ = repeat(A, B, noise, n)
    sampling = error.std() / np.sqrt(n)
    assert abs(error.mean()) < 0.5 * np.sqrt(np.mean(stderr**2)) + 3 * sampling
    assert np.sqrt(np.mean(error**2)) < (1.3 + 3 / np.sqrt(2 * n)) * best_fixed_error(A, B, noise)
    samples, everything = junction(A, B, 0.0), [{"A": (0, 0), "B": (0, 0)}]
    whole_slabs = find_interfaces(samples, AUTO, everything)[0].rows(samples)["delta_T"].mean() - JUMP
    assert abs(error.mean()) < 0.5 * abs(whole_slabs)


@pytest.mark.parametrize("at_A, end", [(((0.02, 2.0), (0, 1)), 0), (((0, 1), (0.02, 2.0)), 1)])
def test_more_is_left_out_where_it_is_curved(at_A, end):
    n = 30
    A, B = slabs(60, at_A=at_A)
    windows = repeat(A, B, 0.0005, n)[1]
    assert np.all(windows[:, end] >= 5 * PER_CELL)
    assert np.mean(np.delete(windows, end, axis=1) == 2 * PER_CELL) > 0.8


def test_fixed_windows_are_those_of_the_configuration():
    samples = junction(*slabs(40), 0.001)
    settings = replace(AUTO, fit_auto=False, skip_interface=3, skip_bath=5)
    windows = [{"A": (6, 10), "B": (6, 10)}]
    by_windows, by_settings = (find_interfaces(samples, settings, w)[0] for w in (windows, None))
    for side in "AB":
        there, here = by_windows.lines[side], by_settings.lines[side]
        np.testing.assert_array_equal(there.layers, here.layers)
        np.testing.assert_allclose(there.to_interface, here.to_interface)


def test_windows_are_those_of_their_side():
    """(near, far): what is left out at the interface and at the bath, in layers."""
    samples = junction(*slabs(40), 0.0)
    A, B = find_interfaces(samples, AUTO, [{"A": (3, 7), "B": (10, 2)}])[0].lines.values()
    first = BATH + 40
    np.testing.assert_array_equal(A.layers, np.arange(BATH + 7, first - 3))
    np.testing.assert_array_equal(B.layers, np.arange(first + 10, first + 40 - 2))


@pytest.mark.parametrize(
    "n, per_cell, needed",
    [(13, 2, 14), (8, 1, 9), (3, 2, 14), (27, 4, 28)],
    ids=["fcc", "chain", "tiny", "diamond"],
)
def test_slabs_that_are_too_short_are_refused(n, per_cell, needed):
    samples, settings = junction(*slabs(n), 0.001), replace(AUTO, layers_per_cell=per_cell)
    message = rf"fit: auto: {n} layers of A .* at least {needed} are needed: raise structure.length.A"
    with pytest.raises(StorageError, match=message):
        choose_windows(samples, settings, cut(1, N_ROWS, 50))
    long_enough = junction(*slabs(needed), 0.001)
    assert len(choose_windows(long_enough, settings, cut(1, N_ROWS, 50))) == 1


def test_a_window_of_too_few_layers_is_refused():
    samples = junction(*slabs(10), 0.001)
    with pytest.raises(StorageError, match=r"fit window of A: 2 of 10 layers .* raise structure.length.A"):
        find_interfaces(samples, AUTO, [{"A": (4, 4), "B": (1, 1)}])


# --- the line ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("degree", [1, 2])
def test_the_linear_map_of_a_line_through_ln_T_has_its_values_and_derivatives(degree):
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-9.0, -1.0, 12))
    T = 0.3 - 0.01 * x + 0.02 * rng.standard_normal(12)

    def at_0(T):
        """T and its slope at x = 0."""
        polynomial = np.polynomial.Polynomial.fit(x, np.log(T), degree)
        value = np.exp(polynomial(0.0))
        return np.array([value, value * polynomial.deriv()(0.0)])

    linear, step = np.array(fit_logarithm(x, T, degree)), 1e-6
    np.testing.assert_allclose(linear @ T, at_0(T), rtol=1e-10)
    for k, change in enumerate(step * np.eye(12)):
        numerical = (at_0(T + change) - at_0(T - change)) / (2 * step)
        np.testing.assert_allclose(linear[:, k], numerical, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("settings", [AUTO, replace(FIXED, fit_log=True)])
@pytest.mark.parametrize("window", [(4, 4), (10, 24), (30, 0)])
def test_kappa_of_a_line_through_ln_T_is_that_at_the_interface(window, settings):
    """kappa ~ 1/T without noise: T, -J / (dT/dx) at the interface and the whole line are exact, in any window."""
    A, B = slabs(60)
    samples = junction(A, B, 0.0)
    interface = find_interfaces(samples, settings, [{"A": window, "B": window}])[0]
    rows = interface.rows(samples)
    T, far = samples.temperature[0, 0], (len(samples.temperature[0, 0]) - 1) / PER_CELL
    for side, kappa, T_0, end in (
        ("A", KAPPA_A, T_MIDDLE + JUMP / 2, BATH / PER_CELL),
        ("B", KAPPA_B, T_MIDDLE - JUMP / 2, far - BATH / PER_CELL),
    ):
        line = interface.lines[side]
        np.testing.assert_allclose(rows[f"T_{side}"], T_0, rtol=1e-12)
        np.testing.assert_allclose(-rows["J_planes"] / rows[f"slope_{side}"], kappa, rtol=1e-9)
        assert line(T, end) == pytest.approx((A if side == "A" else B)[-1], rel=1e-10)
        summary = line.summary(T)
        assert summary["model"] == LOG_LINE == "ln T straight"
        assert summary["slope"] == pytest.approx(-J / kappa, rel=1e-9)
        x = line.x_interface
        assert summary["intercept"] == pytest.approx(T_0 * np.exp(J / kappa / T_0 * x), rel=1e-9)


def test_lines_through_ln_T_of_periodic_ends_have_the_slopes_along_their_path():
    samples, settings = synthetic.make_periodic(noise=0.0, n_rows=40)
    in_A = samples.layers["species"] == "A"
    T_0 = synthetic.T_MIDDLE + np.where(in_A, 0.5, -0.5) * synthetic.DELTA_T
    samples.temperature[:] = T_0 * np.exp(samples.temperature / T_0 - 1)
    for seen in (samples, synthetic.reverse(samples)):
        for interface in find_interfaces(seen, replace(settings, fit_auto=True)):
            rows = interface.rows(seen)
            np.testing.assert_allclose(rows["delta_T"], synthetic.DELTA_T, rtol=1e-10)
            np.testing.assert_allclose(rows["slope_A"], synthetic.SLOPE_A, rtol=1e-9)
            np.testing.assert_allclose(rows["slope_B"], synthetic.SLOPE_B, rtol=1e-9)


# --- what other fits say ------------------------------------------------------------------------------------------

WRONG_MODEL = pytest.mark.parametrize(
    "profile, settings, other",
    [(exponential, FIXED, "a fit with ln T straight"), (straight, AUTO, "a fit with T straight")],
    ids=["fixed", "auto"],
)
RIGHT_MODEL = pytest.mark.parametrize(
    "profile, settings", [(straight, FIXED), (exponential, AUTO)], ids=["fixed", "auto"]
)


@WRONG_MODEL
@pytest.mark.parametrize("n", [60, 80])
def test_the_systematic_error_covers_a_wrong_model(profile, settings, other, n):
    """The other model holds and is resolved to hold: the jump is off by more than its error says."""
    A, B = slabs(n, profile)
    _, stderr, _, window, scan = analyse_jump(junction(A, B, 0.0003, seed=1), settings)
    noiseless = junction(A, B, 0.0)
    exact = find_interfaces(noiseless, settings, [window])[0].rows(noiseless)
    shift = exact["delta_T"].mean() - JUMP
    assert abs(shift) > 2 * stderr
    assert 0.9 * abs(shift) < scan.delta_T_systematic < 2.5 * abs(shift)
    (alternative,) = scan.sensitivity["A and B"]
    assert alternative.name == other and alternative.stderr < 0.3 * stderr
    assert alternative.difference == pytest.approx(-shift, rel=0.2)


@WRONG_MODEL
def test_short_runs_cover_the_shift_with_both_errors(profile, settings, other):
    """As above with noise that hides the curvature, in slabs of 16 cells between baths and interface."""
    n = 100
    (error, stderr, dof, systematic), _ = repeat(*slabs(32, profile), 0.0005, n, settings)
    covered = np.mean(np.abs(error) < stats.t.ppf(0.8415, dof) * np.hypot(stderr, systematic))
    assert covered > 0.683 - 3 * np.sqrt(0.683 * 0.317 / n)


@RIGHT_MODEL
def test_the_other_model_has_no_say_where_the_fitted_one_holds(profile, settings):
    _, stderr, _, _, scan = analyse_jump(junction(*slabs(80, profile), 0.0005), settings)
    assert abs(scan.sensitivity["A and B"][0].difference) < 0.1 * stderr
    assert scan.delta_T_systematic < stderr


@RIGHT_MODEL
def test_the_scan_of_a_noiseless_line_finds_nothing(profile, settings):
    assert_nothing_found(junction(*slabs(40, profile), 0.0), settings)


def test_the_scan_of_a_noiseless_line_finds_nothing_in_layers_of_one_cell():
    assert_nothing_found(synthetic.make(noise=0.0, n_rows=40)[0], FIXED)


@pytest.mark.parametrize("settings", [FIXED, AUTO], ids=["fixed", "auto"])
def test_both_models_agree_on_a_level_bulk(settings):
    assert_nothing_found(junction(np.full(40, 0.5), np.full(40, 0.25), 0.0), settings)


def assert_nothing_found(samples, settings):
    jump, *_, scan = analyse_jump(samples, settings)
    assert scan.delta_T_systematic < 1e-9 * jump
    assert [len(others) for others in scan.sensitivity.values()] == [4, 4, 1]
    assert all(
        abs(other.difference) < 1e-9 * jump for others in scan.sensitivity.values() for other in others
    )
    for side in "AB":
        np.testing.assert_allclose(scan.curvature[side], 0.0, atol=1e-9 * jump)


def test_alternatives_are_inside_the_window():
    """Each alternative sees only layers of the fit window: others may do what they like."""
    samples = junction(*slabs(40), 0.001)
    settings = replace(AUTO, fit_auto=False, skip_interface=3, skip_bath=5)
    there = analyse_jump(samples, settings)[-1]
    slab = find_slab(samples, "A")
    samples.temperature[:, :, slab.layers[[0, 5, 30, 39]]] += 0.1  # of 0 to 39; the window is 6 to 29
    here = analyse_jump(samples, settings)[-1]
    for one, other in zip(there.sensitivity["A"], here.sensitivity["A"], strict=True):
        assert other.difference == pytest.approx(one.difference) and one.stderr > 0
    samples.temperature[:, :, slab.layers[6]] += 0.1
    assert (
        analyse_jump(samples, settings)[-1].sensitivity["A"][0].difference
        < there.sensitivity["A"][0].difference
    )


@pytest.mark.parametrize("settings", [FIXED, AUTO], ids=["fixed", "auto"])
def test_curvature_is_what_a_parabola_changes(settings):
    """A parabola through what the model fits, T or ln T, is exact in A; B is straight."""
    x, window = distance(40), [{"A": (4, 4), "B": (4, 4)}]
    A, B = slabs(40, exponential if settings.fit_auto else straight)
    A = A * np.exp(4e-4 * x**2) if settings.fit_auto else A + 1e-4 * x**2
    samples, blocks = junction(A, B, 0.0), cut(1, N_ROWS, 50)
    interfaces = find_interfaces(samples, settings, window)
    scan = scan_windows(samples, settings, blocks, interfaces)[0]
    T_A = interfaces[0].rows(samples)["T_A"]
    np.testing.assert_allclose(T_A + scan.curvature["A"], T_MIDDLE + JUMP / 2)
    np.testing.assert_allclose(scan.curvature["B"], 0.0, atol=1e-12)
    assert abs(T_A - T_MIDDLE - JUMP / 2).min() > 1e-3 and scan.delta_T_systematic > 0


# --- harmonic systems, periodic ends ------------------------------------------------------------------------------


def test_a_harmonic_bulk_has_no_slope():
    n, settings = 60, replace(AUTO, harmonic=True)
    A, B = np.full(n, 0.3) + layers(n, (0.02, 1.5), (0.01, 1.5)), np.full(n, 0.2)
    samples = junction(A, B, 0.0005)
    jump, stderr, _, windows, scan = analyse_jump(samples, settings)
    interface = find_interfaces(samples, settings, [windows])[0]
    for side, line in interface.lines.items():
        assert not np.any(line.to_slope)
        np.testing.assert_allclose(line.to_interface, 1 / len(line.layers))
        assert np.all(interface.rows(samples)[f"slope_{side}"] == 0)
        assert line.model == LEVEL and len(scan.sensitivity[side]) == 4  # windows only, no other model
    assert windows["A"][0] > 2 * PER_CELL and windows["A"][1] > 2 * PER_CELL
    assert abs(jump - 0.1) < 4 * stderr
    sloped = analyse_jump(samples, replace(AUTO))[1]
    assert stderr < sloped  # an invented gradient costs precision
    fixed = replace(settings, fit_auto=False, skip_interface=5, skip_bath=5)
    plain = find_interfaces(samples, fixed)[0].lines["A"]  # fixed windows: the line through T, always
    assert plain.model == LINE and np.any(plain.to_slope)
    assert len(analyse_jump(samples, fixed)[-1].sensitivity["A"]) == 4


def test_a_slope_in_a_harmonic_bulk_shows_as_curvature():
    samples, settings = junction(*slabs(60), 0.0005), replace(AUTO, harmonic=True)
    blocks = cut(1, N_ROWS, 50)
    *_, scan = analyse_jump(samples, settings)
    assert all(abs(blocks.mean(series)) > 5 * blocks.stderr(series) for series in scan.curvature.values())


def test_periodic_ends_have_windows_at_each_interface():
    samples, settings = synthetic.make_periodic(seed=4)
    settings, blocks = replace(settings, fit_auto=True), cut(1, 2000, 80)
    windows = choose_windows(samples, settings, blocks)
    interfaces = find_interfaces(samples, settings, windows)
    scans = scan_windows(samples, settings, blocks, interfaces)
    assert len(windows) == len(interfaces) == len(scans) == 2
    for window, interface in zip(windows, interfaces, strict=True):
        jump = interface.rows(samples)["delta_T"]
        assert abs(blocks.mean(jump) - synthetic.DELTA_T) < 4 * blocks.stderr(jump)
        for side, line in interface.lines.items():
            assert len(line.layers) == synthetic.BULK - sum(window[side])

    turned = synthetic.reverse(samples)
    assert choose_windows(turned, settings, blocks) == windows
    mirrored = synthetic.mirror(samples)
    swapped = [{"A": window["B"], "B": window["A"]} for window in windows]
    assert choose_windows(mirrored, settings, blocks) == swapped
    there = scan_windows(mirrored, settings, blocks, find_interfaces(mirrored, settings, swapped))
    for scan, other in zip(scans, there, strict=True):
        assert other.delta_T_systematic == pytest.approx(scan.delta_T_systematic, rel=1e-6)
        np.testing.assert_allclose(other.curvature["B"], scan.curvature["A"], atol=1e-12)
