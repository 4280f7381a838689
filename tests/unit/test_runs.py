"""A run in a directory: its files, its exit status, and what it refuses. In process, and once as a user calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import ase.io
import h5py
import numpy as np
import pytest
import yaml
from junctions import CHAIN, LJ, changed, configure

from nemd_core import (
    ConfigError,
    PhysicsError,
    Simulation,
    StorageError,
    from_ase,
    read_run_info,
    read_samples,
    reuse,
    run,
)
from nemd_core.__main__ import main
from nemd_core.config import config_hash, dynamics_hash, load_config
from nemd_core.storage import atomic, write_samples
from nemd_core.structure import build

FILES = ["config.yaml", "run.json", "samples.h5", "structure.extxyz"]
REPOSITORY = Path(__file__).parents[2]


def write_config(directory, base=CHAIN, **settings):
    """A config file of `changed(base, ...)`; returns its path as text."""
    path = directory / "study.yaml"
    path.write_text(yaml.safe_dump(changed(base, **settings)), encoding="utf-8")
    return str(path)


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def contents(directory):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir()}


def one_line(text):
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.fixture
def finished(tmp_path):
    """A finished run: its directory and the arguments that made it."""
    arguments = ["run", write_config(tmp_path), "-o", str(tmp_path / "out")]
    assert main(arguments) == 0
    return tmp_path / "out", arguments


# --- the command ----------------------------------------------------------------------------------------------


def command(*arguments, cwd):
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(
        [sys.executable, "-m", "nemd_core", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
    )


@pytest.mark.compiled
def test_as_a_user_calls_it(tmp_path):
    config = write_config(tmp_path)
    done = command("run", config, "-o", "a/b", "--set", "run.seed=5", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert names(tmp_path / "a/b") == FILES
    assert read_run_info(tmp_path / "a/b")["seed"] == 5
    assert "a/b" in done.stdout and "python -m analysis fit a/b" in done.stdout
    # not on a terminal: log lines, no bar
    assert "\r" not in done.stderr and "producing step 600/600" in done.stderr.splitlines()[-1]
    again = command("run", config, "-o", "a/b", "--set", "run.seed=5", cwd=tmp_path)
    assert again.returncode == 2 and again.stdout == ""
    line = one_line(again.stderr)
    assert "--resume" in line and "--overwrite" in line
    unknown = command("run", config, "-o", "c", "--set", "run.sed=5", cwd=tmp_path)
    assert unknown.returncode == 2 and "run.sed" in one_line(unknown.stderr)
    assert not (tmp_path / "c").exists()


def test_what_a_run_leaves(finished):
    directory, arguments = finished
    assert names(directory) == FILES
    config = load_config(arguments[1])
    written = load_config(directory / "config.yaml")
    assert config_hash(written) == config_hash(config)
    assert (
        yaml.safe_load((directory / "config.yaml").read_text())["run"]["precision"] == "double"
    )  # a default
    assert len(ase.io.read(directory / "structure.extxyz")) == 10
    samples = read_samples(directory / "samples.h5")
    assert samples.attrs["config_hash"] == config_hash(config) and samples.attrs["seed"] == config.run.seed


def test_the_structure_of_a_run_is_its_junction(tmp_path):
    assert main(["run", write_config(tmp_path), "-o", str(tmp_path / "out")]) == 0
    system, expected = from_ase(ase.io.read(tmp_path / "out/structure.extxyz")), build(configure(CHAIN))
    assert np.array_equal(system.positions, expected.positions)
    assert np.array_equal(system.cell_region, expected.cell_region)


def test_run_json_has_the_fields_of_the_design(finished):
    info = read_run_info(finished[0])
    config = load_config(finished[1][1])
    assert info["status"] == "done" and info["message"] == ""
    assert info["config_hash"] == config_hash(config) and info["seed"] == config.run.seed
    assert info["dynamics_hash"] == dynamics_hash(config) and info["trajectory"] is None
    assert info["steps"] == 600 and info["atoms"] == 10 and info["units"] == "lj" and info["threads"] == 1
    assert info["version"] and info["hardware"]["cores"] >= 1 and "git_revision" in info
    assert info["wall_time"] > 0
    assert info["atom_steps_per_s"] == pytest.approx(10 * 600 / info["wall_time"], rel=0.2)
    audit = info["energy_audit"]
    assert audit["passed"] is True and abs(audit["drift"]) <= audit["allowed"]


def test_samples_have_the_shapes_of_the_design(tmp_path):
    config = configure(LJ, run__replicas=2, run__production_steps=600, run__block_steps=400)
    result = run(config, tmp_path / "out", progress=False)
    system = build(config)
    with h5py.File(tmp_path / "out/samples.h5") as file:
        series = file["series"]
        assert list(series["step"]) == [100, 200, 300, 400, 500, 600]
        assert series["temperature"].shape == (2, 6, system.n_layers) == (2, 6, 24)
        assert series["flux"].shape == (2, 6, len(system.plane_cell)) == (2, 6, 9)
        assert all(series[name].shape == (2, 6) for name in ("heat_hot", "heat_cold", "energy"))
        assert set(file["layers"]) == {"x0", "x_mean", "region", "species", "n_sites", "friction"}
        assert series["stress"].shape == (2, 6, 2) and "flux_species" not in series
        assert list(file["layers/n_sites"]) == [18] * 24
        assert list(file["layers/region"].asstr())[::2] == (
            ["wall"] * 2 + ["hot"] * 2 + ["A"] * 2 + ["B"] * 2 + ["cold"] * 2 + ["wall"] * 2
        )
        assert list(file["planes/cell"]) == list(range(2, 11))
        interfaces = {name: list(values) for name, values in file["interfaces"].items()}
        # plane 4 is the lower boundary of cell 6, the first of B
        assert interfaces == {"plane": [4], "left": [11], "right": [12], "direction": [1]}
        assert file.attrs["area"] == pytest.approx((3 * 1.58) ** 2)
    samples = read_samples(tmp_path / "out/samples.h5")
    moving = samples.layers["region"] != "wall"
    assert (samples.temperature[:, :, moving] > 0).all() and (samples.temperature[:, :, ~moving] == 0).all()
    assert samples.layers["x0"] == pytest.approx(0.79 * np.arange(24))
    strain = samples.layers["x_mean"] - samples.layers["x0"]
    assert (strain[~moving] == 0).all() and (strain[moving] != 0).all() and np.abs(strain).max() < 0.1
    assert samples.energy_start.shape == (2,)
    assert result.info["moving_atoms"] == 8 * 36 and result.info["replicas"] == 2
    # every row of the ledger: energy follows the heats of both baths from the very start of production
    drift = samples.energy - samples.energy_start[:, None] - samples.heat_hot - samples.heat_cold
    exchanged = np.abs(samples.heat_hot).max()
    assert exchanged > 1 and np.abs(drift).max() < 0.02 * exchanged


# --- signs and the ledger -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hot", "cold"), [(1.5, 0.5), (0.5, 1.5)])
def test_flux_is_positive_from_the_hot_side_A_to_B(tmp_path, hot, cold):
    """RLL chain of 10 atoms: J = 0.19 for a bias of 1 (about 0.12 with this mass step); standard error about 2 %."""
    config = configure(
        CHAIN,
        baths__hot__temperature=hot,
        baths__cold__temperature=cold,
        run__equilibration_steps=2000,
        run__production_steps=4000,
        run__block_steps=2000,
        run__replicas=64,
    )
    run(config, tmp_path, progress=False)
    samples, sign = read_samples(tmp_path / "samples.h5"), np.sign(hot - cold)
    per_replica = sign * samples.flux.mean(axis=1)
    J, error = per_replica.mean(axis=0), per_replica.std(axis=0, ddof=1) / 8
    assert (error < 0.02).all() and (J > 8 * error).all()  # at every plane
    time = samples.step[-1] * samples.timestep * samples.area
    for heat, direction in ((samples.heat_hot, sign), (samples.heat_cold, -sign)):
        rate = direction * heat[:, -1] / time
        assert abs(rate.mean() - J.mean()) < 4 * np.hypot(rate.std(ddof=1) / 8, error.max())
    # cumulative: what the system holds is what it had and what it was given, row by row, at the level of NVE
    drift = samples.energy - samples.energy_start[:, None] - samples.heat_hot - samples.heat_cold
    assert np.abs(drift).max() < 0.05 and np.abs(np.diff(samples.heat_hot)).mean() > 0.5


def test_heat_through_every_plane_is_what_the_part_beyond_gains(tmp_path):
    """Heat of a bath = heat through a plane + what is stored between, which stays bounded: exact bookkeeping."""
    config = configure(CHAIN, run__sample_every=1, run__production_steps=4000, run__replicas=4)
    run(config, tmp_path, progress=False)
    samples = read_samples(tmp_path / "samples.h5")
    passed = np.cumsum(samples.flux, axis=1) * samples.area * samples.timestep * samples.series_steps
    assert np.abs(samples.heat_hot).max() > 5
    stored = np.abs(samples.heat_hot[:, :, None] - passed)
    assert stored.max() < samples.energy.max() + np.abs(samples.energy_start).max()
    gained = samples.heat_hot + samples.heat_cold
    assert gained == pytest.approx(samples.energy - samples.energy_start[:, None], abs=0.05)


# --- directories ----------------------------------------------------------------------------------------------


def test_a_directory_with_a_run_is_refused(finished, capsys):
    directory, arguments = finished
    before = contents(directory)
    capsys.readouterr()
    assert main(arguments) == 2
    line = one_line(capsys.readouterr().err)
    assert str(directory) in line and "--resume" in line and "--overwrite" in line
    assert contents(directory) == before


def test_resume_keeps_a_finished_run(finished):
    directory, arguments = finished
    before = contents(directory)
    assert main([*arguments, "--resume"]) == 0
    assert contents(directory) == before  # not a byte, not a time stamp


@pytest.mark.parametrize("make", [False, True], ids=["absent", "empty"])
def test_resume_starts_where_nothing_is(tmp_path, make):
    if make:
        (tmp_path / "out").mkdir()
    assert main(["run", write_config(tmp_path), "-o", str(tmp_path / "out"), "--resume"]) == 0
    assert names(tmp_path / "out") == FILES


def test_resume_refuses_another_configuration(finished, capsys):
    directory, arguments = finished
    before = contents(directory)
    other = config_hash(load_config(arguments[1], {"run.seed": 2}))
    mine = config_hash(load_config(arguments[1]))
    capsys.readouterr()
    assert main([*arguments, "--set", "run.seed=2", "--resume"]) == 2
    line = one_line(capsys.readouterr().err)
    assert str(directory) in line and mine[:10] in line and other[:10] in line
    assert contents(directory) == before


def test_resume_does_not_mind_what_cannot_change_the_result(finished):
    """The run is kept; only its config.yaml says what is asked for now, which the analysis reads."""
    directory, arguments = finished
    before = contents(directory)
    same = ["run.threads=2", "name=other", "reference=krypton"]
    assert main([*arguments, *(word for item in same for word in ("--set", item)), "--resume"]) == 0
    after = contents(directory)
    assert after.pop("config.yaml") != before.pop("config.yaml") and after == before
    assert load_config(directory / "config.yaml").reference == "krypton"


def test_overwrite_starts_again(finished):
    directory, arguments = finished
    old = read_samples(directory / "samples.h5")
    assert main([*arguments, "--set", "run.seed=2", "--overwrite"]) == 0
    assert names(directory) == FILES and read_run_info(directory)["seed"] == 2
    assert not np.array_equal(read_samples(directory / "samples.h5").energy, old.energy)
    assert load_config(directory / "config.yaml").run.seed == 2
    assert main([*arguments, "--overwrite"]) == 0  # and back: the same bits as the first time
    assert np.array_equal(read_samples(directory / "samples.h5").energy, old.energy)


@pytest.mark.parametrize("name", ["run.json", "samples.h5"])
def test_resume_starts_again_where_a_part_is_missing(finished, name):
    directory, arguments = finished
    old = read_samples(directory / "samples.h5")
    (directory / name).unlink()
    assert main(arguments) == 2
    assert main([*arguments, "--resume"]) == 0
    assert names(directory) == FILES
    assert np.array_equal(read_samples(directory / "samples.h5").energy, old.energy)


@pytest.mark.parametrize("content", ["", '{"status": "do', "[]"])
def test_resume_refuses_a_run_json_that_is_not_ours(finished, capsys, content):
    directory, arguments = finished
    (directory / "run.json").write_text(content)
    capsys.readouterr()
    assert main([*arguments, "--resume"]) == 2
    assert "run.json" in one_line(capsys.readouterr().err)


def test_a_file_in_the_place_of_the_directory(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert main(["run", write_config(tmp_path), "-o", str(tmp_path / "out"), "--overwrite"]) == 2
    assert "directory" in one_line(capsys.readouterr().err)
    assert (tmp_path / "out").read_text() == "mine"


def test_a_file_on_the_way_to_the_directory(tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert main(["run", write_config(tmp_path), "-o", str(tmp_path / "out/run")]) == 2
    assert "out" in one_line(capsys.readouterr().err)


# --- without a directory, with more files ---------------------------------------------------------------------


def test_a_run_without_a_directory_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(configure(CHAIN), progress=False)
    assert names(tmp_path) == [] and result.directory is None and result.info["status"] == "done"
    written = run(configure(CHAIN), tmp_path / "out", progress=False)
    kept = run(configure(CHAIN), tmp_path / "out", resume=True, progress=False)
    for other in (written, kept):  # held in memory, and read from the file
        assert np.array_equal(result.samples.temperature, other.samples.temperature)
        assert result.samples.attrs == other.samples.attrs
    with pytest.raises(ConfigError, match=r"output\.trajectory_every: 100: .*directory"):
        run(configure(CHAIN, output__trajectory_every=100), progress=False)


def test_trajectories_one_for_each_replica(tmp_path):
    config = configure(CHAIN, output__trajectory_every=100, run__replicas=2)
    run(config, tmp_path / "out", progress=False)
    trajectories = ["trajectory-1.h5md", "trajectory.h5md"]
    assert names(tmp_path / "out") == sorted([*FILES, *trajectories])
    frames = []
    for name in trajectories:
        with h5py.File(tmp_path / "out" / name) as file:
            frames.append(file["particles/trajectory/position/value"][()])
    assert frames[0].shape == frames[1].shape == (4, 10, 3) and not np.array_equal(*frames)


def test_resume_wants_the_trajectory_that_is_asked_for(finished):
    """A finished run without it starts again, to the same bits; one that has it is kept, also when it is not needed."""
    directory, arguments = finished
    energy = read_samples(directory / "samples.h5").energy
    asked = [*arguments, "--set", "output.trajectory_every=100", "--resume"]
    assert main(asked) == 0
    assert names(directory) == sorted([*FILES, "trajectory.h5md"])
    assert np.array_equal(read_samples(directory / "samples.h5").energy, energy)
    held = contents(directory)["trajectory.h5md"]
    assert main(asked) == 0 and main([*arguments, "--resume"]) == 0
    assert contents(directory)["trajectory.h5md"] == held
    assert main([*arguments, "--set", "output.trajectory_every=200", "--resume"]) == 0
    with h5py.File(directory / "trajectory.h5md") as file:
        assert list(file["particles/trajectory/position/step"]) == [200, 400]
    assert main([*arguments, "--overwrite"]) == 0
    assert names(directory) == FILES


def test_a_run_that_physics_stops_keeps_its_trajectory_so_far(tmp_path):
    config = configure(LJ, **COARSE, run__block_steps=10, output__trajectory_every=10)
    with pytest.raises(PhysicsError):
        run(config, tmp_path / "out", progress=False)
    assert names(tmp_path / "out") == sorted([*FILES, "trajectory.h5md"])
    with h5py.File(tmp_path / "out/trajectory.h5md") as file:
        assert len(file["particles/trajectory/position/step"]) > 0


def write_structure_file(directory, material):
    """A structure file for CHAIN whose atoms have these materials; returns the settings that name it."""
    atoms = build(configure(CHAIN)).to_ase()
    atoms.set_array("material", np.array(material))
    ase.io.write(directory / "mine.extxyz", atoms, format="extxyz")
    return {"structure__file": "mine.extxyz"}


def test_a_structure_file_is_kept_with_the_run(tmp_path, capsys):
    settings = write_structure_file(tmp_path, list("AAABABABBB"))
    config = load_config(write_config(tmp_path, **settings))
    run(config, tmp_path / "out", progress=False)
    assert names(tmp_path / "out") == sorted([*FILES, "input.extxyz"])
    assert (tmp_path / "out/input.extxyz").read_bytes() == (tmp_path / "mine.extxyz").read_bytes()
    (tmp_path / "mine.extxyz").unlink()  # the directory holds all that its config needs
    again = load_config(tmp_path / "out/config.yaml")
    assert config_hash(again) == config_hash(config)
    run(again, tmp_path / "again", progress=False)
    energies = [read_samples(tmp_path / name / "samples.h5").energy for name in ("out", "again")]
    assert np.array_equal(*energies)
    with pytest.raises(StorageError, match=r"structure\.file: .*mine\.extxyz: cannot be read"):
        run(config, tmp_path / "third", progress=False)


def test_a_structure_file_that_changed_since_it_was_read_is_refused(tmp_path):
    config = load_config(write_config(tmp_path, **write_structure_file(tmp_path, list("AAABABABBB"))))
    write_structure_file(tmp_path, list("AAAAABBBBB"))
    with pytest.raises(StorageError, match=r"structure\.file: .*mine\.extxyz.*sha256") as refused:
        run(config, tmp_path / "out", progress=False)
    one_line(str(refused.value))
    assert not (tmp_path / "out/samples.h5").exists()


def test_relaxed_crystals_are_kept_with_the_run(tmp_path, monkeypatch):
    """Relaxed once; a run that starts again in its directory takes what is there."""
    steps = {"run__equilibration_steps": 200, "run__production_steps": 400}
    config = configure(LJ, structure__lattice_constant="auto", interaction__potential="lj-harmonic", **steps)
    run(config, tmp_path / "out", progress=False)
    assert names(tmp_path / "out") == sorted([*FILES, "crystals.json"])
    (crystal,) = json.loads((tmp_path / "out/crystals.json").read_text()).values()  # equal materials: one
    assert crystal["kind"] == "bulk" and crystal["method"] == "static"
    lateral = from_ase(ase.io.read(tmp_path / "out/structure.extxyz")).lateral
    assert lateral == pytest.approx(crystal["lattice_constant"], rel=1e-12)
    monkeypatch.setattr("nemd_core.relaxation.relax_all", None)
    run(config, tmp_path / "out", overwrite=True, progress=False)


# --- what another run of a study has --------------------------------------------------------------------------


def test_a_run_that_differs_in_its_fit_reuses_the_dynamics(finished, tmp_path):
    directory, arguments = finished
    other = load_config(arguments[1], {"fit.skip_bath": 1.0})
    assert config_hash(other) != config_hash(load_config(arguments[1]))
    assert reuse(other, tmp_path / "new", [tmp_path / "new", tmp_path / "none", directory]) == directory
    assert names(tmp_path / "new") == FILES
    assert (tmp_path / "new/samples.h5").samefile(directory / "samples.h5")
    info, own = read_run_info(tmp_path / "new"), read_run_info(directory)
    assert info["reused_from"] == directory.name and info["config_hash"] == config_hash(other)
    assert info["dynamics_hash"] == own["dynamics_hash"] and info["wall_time"] == own["wall_time"]
    before = contents(tmp_path / "new")
    assert run(other, tmp_path / "new", resume=True, progress=False).info == info
    assert reuse(other, tmp_path / "new", [directory]) is None  # it has a run of its own now
    assert contents(tmp_path / "new") == before
    # the shared file is nobody's to change: a run that starts again writes its own
    old = contents(directory)
    run(other, tmp_path / "new", overwrite=True, progress=False)
    assert contents(directory) == old


@pytest.mark.parametrize(
    ("overrides", "spoil"),
    [
        ({"run.seed": 2}, {}),
        ({"fit.skip_bath": 1.0}, {"status": "failed"}),
        ({"fit.skip_bath": 1.0, "output.trajectory_every": 100}, {}),
    ],
    ids=["another seed", "a failed run", "no trajectory"],
)
def test_nothing_is_reused_that_does_not_fit(finished, tmp_path, overrides, spoil):
    directory, arguments = finished
    info = read_run_info(directory) | spoil
    (directory / "run.json").write_text(json.dumps(info))
    assert reuse(load_config(arguments[1], overrides), tmp_path / "new", [directory]) is None
    assert not (tmp_path / "new").exists()


# --- configurations -------------------------------------------------------------------------------------------


def test_a_sweep_is_refused_and_a_point_of_it_is_run(tmp_path, capsys):
    config = write_config(tmp_path, sweep={"materials.B.mass": [1.0, 2.0], "run.seed": [1, 2]})
    output = ["-o", str(tmp_path / "out")]
    assert main(["run", config, *output]) == 2
    line = one_line(capsys.readouterr().err)
    assert "sweep" in line and "--set materials.B.mass=" in line and "--set run.seed=" in line
    assert main(["run", config, *output, "--set", "run.seed=2"]) == 2
    assert not (tmp_path / "out").exists()
    assert main(["run", config, *output, "--set", "run.seed=2", "--set", "materials.B.mass=3"]) == 0
    written = load_config(tmp_path / "out/config.yaml")
    assert written.materials.B.mass == 3.0 and written.run.seed == 2


def test_bad_input_names_every_key_and_writes_nothing(tmp_path, capsys):
    config = write_config(tmp_path, materials__A__mass=-1.0, run__seed="one")
    assert main(["run", config, "-o", str(tmp_path / "out")]) == 2
    keys = [line.split(":")[0] for line in capsys.readouterr().err.splitlines()]
    assert keys == ["materials.A.mass", "run.seed"]
    assert names(tmp_path) == ["study.yaml"]


def test_a_config_that_is_not_there(tmp_path, capsys):
    assert main(["run", str(tmp_path / "no.yaml"), "-o", str(tmp_path / "out")]) == 2
    assert "no.yaml" in one_line(capsys.readouterr().err)
    assert names(tmp_path) == []


def test_usage_errors_exit_with_2(capsys):
    assert main([]) == 2
    for arguments in (["run"], ["run", "x.yaml"], ["walk"]):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 2
    capsys.readouterr()


# --- stopped by physics ---------------------------------------------------------------------------------------

COARSE = {
    # below 2/w_max = 0.077 of the perfect crystal, which the configuration asks for, yet too large for what is not
    # harmonic in the motion
    "run__timestep": 0.04,
    "baths__hot__temperature": 0.3,
    "baths__cold__temperature": 0.3,
    "baths__friction": 0.2,
    "run__equilibration_steps": 0,
    "run__sample_every": 10,
    "run__series_steps": 10,
    "run__production_steps": 20000,
}


def stopped(directory, base, capsys, **settings):
    """Run to a failure by physics; returns (the line on the terminal, run.json)."""
    directory.mkdir(exist_ok=True)
    status = main(["run", write_config(directory, base, **settings), "-o", str(directory / "out")])
    line = capsys.readouterr().err.splitlines()[-1]
    info = json.loads((directory / "out/run.json").read_text())
    assert status == 3
    assert info["status"] == "failed" and info["message"] == line
    assert info["wall_time"] > 0 and info["config_hash"]
    return line, info


def test_a_time_step_too_large_stops_the_run(tmp_path, capsys):
    """In production: what was measured stays readable, up to the last row that was finished."""
    line, info = stopped(tmp_path, LJ, capsys, **COARSE, run__block_steps=10)
    assert "run.timestep: 0.04" in line and "smaller time step" in line
    assert names(tmp_path / "out") == FILES
    samples = read_samples(tmp_path / "out/samples.h5")
    rows = len(samples.step)
    assert 0 < rows <= 2000 and list(samples.step) == list(range(10, 10 * rows + 1, 10))
    assert samples.step[-1] <= info["steps"] + 10
    assert np.isfinite(samples.temperature).all() and np.isfinite(samples.energy).all()
    # resuming a failed run tries again, and fails alike
    arguments = ["run", str(tmp_path / "study.yaml"), "-o", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert main([*arguments, "--resume"]) == 3
    assert np.array_equal(read_samples(tmp_path / "out/samples.h5").energy, samples.energy)
    capsys.readouterr()


def test_a_failure_in_equilibration_leaves_no_samples(tmp_path, capsys):
    settings = COARSE | {"run__equilibration_steps": 20000, "run__block_steps": 2000}
    line, info = stopped(tmp_path, LJ, capsys, **settings)
    assert "run.timestep" in line or "run.forces" in line
    assert names(tmp_path / "out") == ["config.yaml", "run.json", "structure.extxyz"]
    assert info["steps"] <= 20000


def test_non_finite_values_stop_the_run(tmp_path, capsys):
    """A spring across the interface so stiff that its own mode grows, whatever both crystals allow."""
    stiff = {"interaction__cross": {"stiffness": 100.0}, "run__timestep": 0.5, "run__block_steps": 1000}
    line, info = stopped(tmp_path, CHAIN, capsys, **stiff, run__equilibration_steps=1000)
    assert line.startswith("run.timestep: 0.5") and "non-finite" in line and "smaller time step" in line
    assert names(tmp_path / "out") == ["config.yaml", "run.json", "structure.extxyz"]
    assert info["steps"] <= 1000  # and run.json is strict JSON, without NaN


SOUND = {
    # E at whole steps is above the conserved energy by w² dt²/4 of the potential energy, at rest by nothing: this
    # bounded difference is no drift
    "chain, dt = 0.4": (CHAIN, {"run__timestep": 0.4, "run__replicas": 4}),
    "chain, dt = 0.1": (CHAIN, {"run__timestep": 0.1, "structure__length": {"A": 20, "B": 20}}),
    "lj, dt = 0.0125": (LJ, {"run__timestep": 0.0125}),
}


@pytest.mark.parametrize("case", SOUND)
def test_the_audit_passes_a_sound_run_in_equilibrium(case):
    base, settings = SOUND[case]
    warm = {"baths__hot__temperature": 0.3, "baths__cold__temperature": 0.3, "baths__friction": 0.5}
    steps = {"run__equilibration_steps": 2000, "run__production_steps": 2000}
    for seed in (1, 2, 3):
        simulation = Simulation(configure(base, **settings, **warm, **steps, run__seed=seed))
        simulation.run()
        assert simulation.audit.passed


def test_a_crystal_that_melts_is_noticed(tmp_path, capsys):
    """Far above the melting line: atoms diffuse, the table no longer holds, and the way out is named."""
    line, _ = stopped(
        tmp_path,
        LJ,
        capsys,
        baths__hot__temperature=5.0,
        baths__cold__temperature=5.0,
        run__timestep=0.002,
        run__equilibration_steps=40000,
        run__block_steps=2000,
    )
    assert line.startswith("run.forces: lattice") and "forces: verlet" in line and "melts" in line


def test_a_failed_run_is_not_done(tmp_path):
    config = configure(LJ, **COARSE, run__block_steps=1000)
    with pytest.raises(PhysicsError) as caught:
        run(config, tmp_path / "out", progress=False)
    assert "\n" not in str(caught.value) and caught.value.exit_status == 3
    with pytest.raises(StorageError):
        run(config, tmp_path / "out", progress=False)


# --- interruption ---------------------------------------------------------------------------------------------


def test_a_write_that_fails_leaves_no_run(tmp_path, monkeypatch):
    """The disk is full when samples.h5 is written: no file of that name, no run.json that says done."""

    def half_written(path, samples):
        with atomic(path) as temporary:
            write_samples(temporary, samples)
            raise OSError("No space left on device")

    monkeypatch.setattr("nemd_core.storage.write_samples", half_written)
    with pytest.raises(OSError, match="No space"):
        run(configure(CHAIN), tmp_path / "out", progress=False)
    assert names(tmp_path / "out") == ["config.yaml", "structure.extxyz"]
