"""Time to an error: how runs are taken to it, and what becomes of the output of LAMMPS."""

import numpy as np
import pytest
from junctions import LJ, configure

from analysis.__main__ import main
from analysis.bench import Estimated, Measurement, bench, format_table, pool, seconds_needed, steps_needed
from analysis.profile import check_samples
from nemd_core.errors import ConfigError, StorageError
from nemd_core.forces.build import build_forces
from nemd_core.foreign.lammps import (
    LEDGER,
    PROFILE,
    check_supported,
    data_text,
    input_text,
    read_lammps,
    run_lammps,
)
from nemd_core.group import set_temperatures
from nemd_core.potentials import law_of
from nemd_core.structure import build

# 4 + 2 x 10 thousand steps in 48 s: 2 ms each; an error of 10 % where 5 % are wanted
RUN = Measurement("code", 2, 2_000, 20_000, 48.0, R_K=-1.2, error=0.12, dof=8)


# ---- arithmetic ----


def test_production_grows_as_the_square_of_the_error_and_equilibration_does_not():
    steps = steps_needed(RUN, 0.05)
    assert steps == pytest.approx((80_000, 40_000))  # known to sqrt(2/8)
    assert seconds_needed(RUN, steps) == pytest.approx((168.0, 80.0))  # of 84 000 steps


def test_a_run_that_hit_the_error_needs_what_it_took():
    steps = steps_needed(RUN, 0.1)
    assert steps.value == pytest.approx(RUN.production)
    assert seconds_needed(RUN, steps).value == pytest.approx(RUN.seconds)


def test_steps_are_right_in_the_mean_and_scatter_as_claimed():
    """Errors from block means of white noise, whose true error after the run is 0.1."""
    n_blocks, n_runs = 9, 4000
    blocks = np.random.default_rng(1).normal(1.0, 0.1 * np.sqrt(n_blocks), (n_runs, n_blocks))
    errors = blocks.std(axis=1, ddof=1) / np.sqrt(n_blocks)
    measured = RUN._replace(R_K=1.0, dof=n_blocks - 1)
    found = np.array([steps_needed(measured._replace(error=error), 0.1).value for error in errors])
    claimed = steps_needed(measured._replace(error=0.1), 0.1)
    assert found.mean() == pytest.approx(claimed.value, abs=4 * claimed.error / np.sqrt(n_runs))
    assert found.std() == pytest.approx(
        claimed.error, rel=4 * np.sqrt(2 / n_runs)
    )  # chi-squared has long tails


def test_pooled_steps_are_weighted_by_their_degrees_of_freedom():
    pooled = pool(Estimated(100.0, 50.0), 8, Estimated(160.0, 46.2), 24)
    assert pooled == pytest.approx((145.0, 145.0 / 4))


def test_quotient_of_two_estimates():
    assert Estimated(6.0, 0.6).over(Estimated(2.0, 0.1)) == pytest.approx((3.0, 3 * np.hypot(0.1, 0.05)))


def test_estimates_are_shown_to_two_digits_of_the_error():
    assert str(Estimated(123456.0, 2345.0)) == "123500 ± 2300"
    assert str(Estimated(1.2345, 0.0234)) == "1.234 ± 0.023"


def test_table_names_both_codes_the_ratio_and_whether_they_agree():
    ours = RUN._replace(code="this engine", seconds=12.0)
    theirs = RUN._replace(code="LAMMPS", replicas=1, equilibration=4_000, R_K=-1.0, error=0.1)
    table = format_table(ours, theirs, 0.05)
    lines = table.splitlines()
    assert lines[0].split("  ")[0] == "code" and lines[0].endswith("seconds for 5 %")
    assert lines[1].startswith("this engine") and lines[1].endswith("42 ± 20")
    assert lines[2].startswith("LAMMPS") and lines[2].endswith("168 ± 80")
    assert "LAMMPS takes 4.0 ± 2.7 times as long." in lines
    assert "0.20 ± 0.16, 1.3 standard errors." in lines[-1]
    assert "4 times as long" in lines[-2]


# ---- output of LAMMPS ----


@pytest.fixture
def config():
    """Twelve cells of 3 x 3; two rows before production, four in it."""
    return configure(LJ, materials__B__epsilon=1.2, materials__B__sigma=0.98)


def write_output(directory, config, rows=6, n_layers=24):
    """What LAMMPS would write: layer k at 0.01 k + row, x one tenth of a row beyond its site; heats 3 and -2 a row."""
    x = build(config).layer_x
    profile = ["# Chunk-averaged data", "# Timestep", "# Chunk Ncount temp v_x"]
    for row in range(1, rows + 1):
        profile.append(f"{100 * row} {n_layers} 432")
        profile += [f"  {k + 1} 18 {0.01 * k + row:.8g} {x[k] + 0.1 * row:.8g}" for k in range(n_layers)]
    ledger = ["# Time-averaged data", "# TimeStep v_heat_hot v_heat_cold v_energy"]
    ledger += [f"{100 * row} {3 * row} {-2 * row} {row - 900}" for row in range(rows + 1)]
    (directory / PROFILE).write_text("\n".join(profile) + "\n")
    (directory / LEDGER).write_text("\n".join(ledger) + "\n")


def test_output_becomes_samples(tmp_path, config):
    write_output(tmp_path, config)
    samples = read_lammps(config, tmp_path)
    check_samples(samples)
    rows = np.array([3.0, 4.0, 5.0, 6.0])  # the first two are equilibration
    assert np.array_equal(samples.step, [100, 200, 300, 400])
    assert samples.temperature == pytest.approx(rows[None, :, None] + 0.01 * np.arange(24))
    assert samples.layers["x_mean"] - samples.layers["x0"] == pytest.approx(np.full(24, 0.45))
    assert samples.heat_hot == pytest.approx(3 * (rows[None] - 2))
    assert samples.heat_cold == pytest.approx(-2 * (rows[None] - 2))
    assert samples.energy == pytest.approx(rows[None] - 900) and samples.energy_start == pytest.approx([-898])
    # the hot bath gives 3, the cold one takes 2 in a row of 100 steps of 0.005
    assert samples.flux == pytest.approx(np.full(samples.flux.shape, 2.5 / (0.5 * (3 * 1.58) ** 2)))
    assert samples.flux.shape == (1, 4, len(samples.planes["x0"]))


def test_output_that_is_cut_off_or_another_run_is_refused(tmp_path, config):
    with pytest.raises(StorageError, match=PROFILE):
        read_lammps(config, tmp_path)
    write_output(tmp_path, config, rows=5)
    with pytest.raises(StorageError, match="up to 600"):
        read_lammps(config, tmp_path)
    write_output(tmp_path, config)
    with pytest.raises(StorageError, match=PROFILE):
        read_lammps(configure(LJ, structure__length__A=7), tmp_path)


# ---- input for LAMMPS ----


def test_input_holds_the_groups_and_the_mixed_potential(config):
    text = input_text(config)
    assert "group           wall molecule 1:4 21:24\n" in text
    assert "group           hot molecule 5:8\n" in text and "group           cold molecule 17:20\n" in text
    assert "pair_style      lj/smooth/linear 1.7\n" in text
    coefficients = [line.split()[1:] for line in text.splitlines() if line.startswith("pair_coeff")]
    assert np.array(coefficients, float) == pytest.approx(
        np.array([[1, 1, 1.0, 1.0], [1, 2, np.sqrt(1.2), 0.99], [2, 2, 1.2, 0.98]])
    )


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        ("baths.ramp", {"baths__ramp": True}),
        ("interaction.potential", {"interaction__potential": "lj-harmonic"}),
        ("structure.ends", {"structure__ends": "periodic", "baths__walls": 0}),
        ("structure.interface.plane", {"structure__interface": {"plane": "species"}}),
    ],
)
def test_what_the_input_cannot_express_is_refused(key, settings):
    with pytest.raises(ConfigError, match=key):
        check_supported(configure(LJ, **settings))


def test_a_chain_is_refused():
    one_dimensional = {"structure__lattice": "chain", "structure__cross_section": None}
    long = {"structure__lattice_constant": 1.12, "structure__length": {"A": 24, "B": 24}}
    chain = configure(LJ, **one_dimensional, **long)
    with pytest.raises(ConfigError, match=r"structure\.lattice: chain"):
        check_supported(chain)


@pytest.mark.parametrize(
    "option", [["--relative-error", "1.5"], ["--ranks", "0"], ["--set", "baths.ramp=true"]]
)
def test_command_refuses_bad_input_before_anything_runs(option, capsys):
    assert main(["bench", "configs/default.yaml", "--set", "materials.B.mass=4", *option]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and option[-1].split("=")[0] in error


# ---- LAMMPS itself ----


def section(text: str, name: str) -> np.ndarray:
    """The numbers of a section of a data file."""
    lines = text.split(f"\n{name}")[1].split("\n\n")[1].splitlines()
    return np.array([line.split() for line in lines], dtype=float)


@pytest.mark.lammps
@pytest.mark.parametrize("ranks", [1, 2])
def test_lammps_runs_the_same_junction(tmp_path, config, ranks):
    """Its energy at the start is the engine's, and what its baths give is what its energy gains."""
    outcome = run_lammps(config, tmp_path, ranks)
    assert outcome.seconds > 0
    system = build(config)
    velocities = section(data_text(config), "Velocities")[:, 1:]
    moving = system.moving_cell[system.cell_of_site]
    kinetic = 0.5 * np.sum(system.mass * np.sum(velocities**2, axis=1))
    thermal = 3 * np.sum(set_temperatures(system, config)[system.layer_of_site[moving]])
    assert kinetic == pytest.approx(thermal, rel=4 * np.sqrt(2 / (3 * moving.sum())))
    _, potential = build_forces(system, law_of(config), "lj", 0.35).evaluate(
        system, np.zeros((system.n_sites, 3))
    )
    start = np.loadtxt(tmp_path / LEDGER)[0]
    assert start[1:3] == pytest.approx([0, 0]) and start[3] == pytest.approx(potential + kinetic, rel=1e-7)

    samples = read_lammps(config, tmp_path)
    check_samples(samples)
    assert np.all(samples.temperature[:, :, samples.layers["region"] == "wall"] == 0)
    audit = samples.energy - samples.energy_start - samples.heat_hot - samples.heat_cold
    assert np.abs(audit).max() < 0.1 * np.abs(samples.energy - samples.energy_start).max()


@pytest.mark.lammps
def test_both_codes_end_in_one_table():
    """Too short to say much about R_K, long enough to resolve a flux."""
    table = bench(configure(LJ, run__production_steps=4000), 0.9, 6000, 1)
    assert "this engine" in table and "LAMMPS (" in table and "standard errors" in table
