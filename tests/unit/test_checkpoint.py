"""Checkpoints: a run that stopped, was stopped or was killed goes on bit for bit; what is no checkpoint is refused."""

import os
import random
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
import yaml
from junctions import CHAIN, LIQUID, LJ, changed, configure

import nemd_core.checkpoint
import nemd_core.simulation
from nemd_core import Estimate, Simulation, StorageError, read_run_info, read_samples, run
from nemd_core.checkpoint import CHECKPOINT, Keeper, read_checkpoint, write_checkpoint
from nemd_core.errors import Interrupted

pytestmark = pytest.mark.compiled

SERIES = ("temperature", "flux", "heat_hot", "heat_cold", "energy", "stress", "energy_start", "step")
CASES = {
    "chain": (CHAIN, {"run__replicas": 5}),
    "lj": (LJ, {"materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99}}),
    "liquid": (LIQUID, {"run__replicas": 2}),
    "periodic": (
        LJ,
        {
            "structure__ends": "periodic",
            "baths__walls": 0,
            "structure__interface": {"kind": "rough", "layers": 2},
            "run__replicas": 2,
        },
    ),
}


class StopAt:
    """A keeper that stops the run when it gets to a step, and holds what a checkpoint would."""

    def __init__(self, step):
        self.step = step

    def visit(self, simulation):
        if simulation.step >= self.step:
            self.snapshot = simulation.snapshot()
            raise Interrupted("enough")


def stopped_at(config, step, estimate=None):
    keeper = StopAt(step)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted):
        patch.setattr(nemd_core.simulation, "STRETCH_SECONDS", 0.0)  # every row of the series ends a stretch
        Simulation(config, estimate=estimate).run(keeper=keeper)
    assert keeper.snapshot.step == step
    return keeper.snapshot


def assert_equal_samples(one, other):
    for name in SERIES:
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert np.array_equal(one.layers["x_mean"], other.layers["x_mean"])


@pytest.mark.parametrize("step", [100, 200, 300])
@pytest.mark.parametrize("case", CASES)
def test_a_run_goes_on_bit_for_bit(case, step):
    """From the middle of the equilibration, its end, the middle of the production; with other threads too."""
    base, own = CASES[case]
    config = configure(base, **own)
    whole = Simulation(config)
    whole.run()
    snapshot = stopped_at(config, step)
    for threads in (1, 2):
        rest = Simulation(configure(base, **own, run__threads=threads))
        rest.restore(snapshot)
        rest.run()
        assert_equal_samples(rest.samples(), whole.samples())
        assert rest.audit == whole.audit


def flux_estimate(samples):
    """The heat flow through the middle of the chain, from independent rows."""
    rows = samples.flux[:, :, 4].ravel()
    return Estimate(rows.mean(), rows.std(ddof=1) / np.sqrt(rows.size), rows.size)


UNTIL = {
    "run__until": {"relative_error": 0.1, "max_steps": 40_000},
    "run__production_steps": 1000,
    "run__block_steps": 2000,
    "run__replicas": 3,
}
STOPS = ["while equilibrating", "before the first look", "at a look", "between two", "at the last"]


@pytest.mark.parametrize("stop", STOPS)
def test_a_run_until_its_result_is_known_goes_on_bit_for_bit(stop):
    """It ends at the same look, wherever it was stopped, with other threads too."""
    config = configure(CHAIN, **UNTIL)
    whole = Simulation(config, estimate=flux_estimate)
    whole.run()
    assert 1000 < whole.course.look < 40_000
    looks = [config.run.equilibration_steps + look for look in whole.course.looks]
    steps = dict(zip(STOPS, (100, 700, looks[2], looks[2] + 100, whole.step), strict=True))
    snapshot = stopped_at(config, steps[stop], flux_estimate)
    for threads in (1, 2):
        rest = Simulation(configure(CHAIN, **UNTIL, run__threads=threads), estimate=flux_estimate)
        rest.restore(snapshot)
        rest.run()
        assert_equal_samples(rest.samples(), whole.samples())
        assert rest.course.summary() == whole.course.summary() and rest.audit == whole.audit


def test_a_checkpoint_comes_back_from_its_file(tmp_path):
    snapshot = stopped_at(configure(*CASES["lj"][:1], **CASES["lj"][1]), 300)
    write_checkpoint(tmp_path / CHECKPOINT, snapshot, "abc")
    found = read_checkpoint(tmp_path / CHECKPOINT, "abc")
    for name, value in vars(snapshot).items():
        if isinstance(value, dict):
            assert getattr(found, name).keys() == value.keys()
            assert all(np.array_equal(getattr(found, name)[key], array) for key, array in value.items())
        else:
            assert np.array_equal(getattr(found, name), value), name
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]


# --- files that are refused -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = tmp_path_factory.mktemp("written") / CHECKPOINT
    write_checkpoint(path, stopped_at(configure(CHAIN), 300), "f" * 64)
    return path


def refusal(path, identity="f" * 64):
    with pytest.raises(StorageError) as caught:
        read_checkpoint(path, identity)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


def test_another_configuration_is_refused_by_name(written):
    assert "checkpoint of another configuration (dynamics_hash ffff" in refusal(written, "e" * 64)


def test_another_version_of_the_code_is_refused_by_name(written, monkeypatch):
    monkeypatch.setattr(nemd_core.checkpoint, "SOURCE_DIGEST", "0" * 16)
    assert "checkpoint of another version of the code" in refusal(written)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused(written, tmp_path, share):
    content = written.read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[: int(share * len(content))])
    refusal(tmp_path / CHECKPOINT)


def test_foreign_files_are_refused(tmp_path):
    (tmp_path / "text.h5").write_text("not a checkpoint")
    refusal(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    assert "not a checkpoint of format" in refusal(tmp_path / "other.h5")
    refusal(tmp_path / "none.h5")


# --- a process that is stopped --------------------------------------------------------------------------------


def test_a_caller_that_lives_on_is_not_ended_later(tmp_path):
    """In a process of its own a run that takes too long to stop is left; here it stopped, and the caller stays."""
    path = tmp_path / CHECKPOINT
    with pytest.raises(Interrupted, match="stopped by SIGTERM"), Keeper(path, "a", 1e6) as keeper:
        os.kill(os.getpid(), signal.SIGTERM)
        Simulation(configure(CHAIN)).run(keeper=keeper)
    keeper._leave.join(timeout=1.0)
    assert keeper.stopping and not keeper._leave.is_alive()
    assert read_checkpoint(path, "a").step > 0


def test_a_stop_while_a_result_is_estimated_is_heard_before_the_run_goes_on(tmp_path):
    path = tmp_path / CHECKPOINT

    def estimate(samples):
        os.kill(os.getpid(), signal.SIGTERM)
        return flux_estimate(samples)

    simulation = Simulation(configure(CHAIN, **UNTIL), estimate=estimate)
    with pytest.raises(Interrupted), Keeper(path, "a", 1e6) as keeper:
        simulation.run(keeper=keeper)
    assert read_checkpoint(path, "a").step == simulation.step == 200 + simulation.course.looks[0]


START_UP = 2.0
"""Seconds in which a process begins to work, about; stops may come earlier."""
LONG = changed(
    CHAIN,
    structure__length={"A": 40, "B": 40},
    run__equilibration_steps=200_000,
    run__production_steps=800_000,
    run__series_steps=1000,
    run__block_steps=20_000,
    run__replicas=16,
    run__checkpoint_seconds=0.1,
    output={"trajectory_every": 100_000},
)


def start(config, directory, *options):
    command = [sys.executable, "-m", "nemd_core", "run", str(config), "-o", str(directory), *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def stop_and_go_on(tmp_path, n_stops, seed, production_steps):
    """Stop a run by SIGKILL and SIGTERM in turn, at random moments; compare with the whole run. Returns the stops."""
    config, settings = tmp_path / "long.yaml", changed(LONG, run__production_steps=production_steps)
    config.write_text(yaml.safe_dump(settings))
    whole = run(configure(settings), tmp_path / "whole", progress=False)
    wall, moments = whole.info["wall_time"], random.Random(seed)
    directory, seen = tmp_path / "stopped", []
    for number in range(n_stops):
        process = start(config, directory, "--resume", "--set", f"run.threads={1 + number % 2}")
        stop = (signal.SIGKILL, signal.SIGTERM)[number % 2]
        time.sleep(START_UP + moments.uniform(-0.5, 0.9 * wall / n_stops))
        if process.poll() is not None:
            break
        process.send_signal(stop)
        _, errors = process.communicate(timeout=60)
        if process.returncode == 0:
            break
        allowed = {-stop}
        if stop == signal.SIGTERM and (directory / "config.yaml").exists():
            allowed = {Interrupted.exit_status}
            if not errors:  # on a slow machine it was still importing, and nothing listened yet
                allowed.add(-stop)
        assert process.returncode in allowed, errors
        seen.append((stop, (directory / CHECKPOINT).exists()))
    assert start(config, directory, "--resume").wait(timeout=300) == 0
    assert any(exists for _, exists in seen)
    assert_equal_samples(read_samples(directory / "samples.h5"), whole.samples)
    assert read_run_info(directory)["energy_audit"] == whole.info["energy_audit"]
    assert sorted(os.listdir(directory)) == sorted(os.listdir(tmp_path / "whole"))
    for replica in ("", "-7"):
        name = f"trajectory{replica}.h5md"
        with h5py.File(directory / name) as one, h5py.File(tmp_path / "whole" / name) as other:
            for path in ("position/value", "velocity/value", "position/step"):
                mine, wanted = (file[f"particles/trajectory/{path}"][()] for file in (one, other))
                assert np.array_equal(mine, wanted)
    return len(seen)


def test_a_run_that_is_killed_and_stopped_ends_as_if_it_had_not_been(tmp_path):
    stop_and_go_on(tmp_path, 4, 1, 800_000)


@pytest.mark.validate
def test_twenty_stops_at_random_moments(tmp_path):
    assert stop_and_go_on(tmp_path, 20, 2, 5_000_000) == 20
