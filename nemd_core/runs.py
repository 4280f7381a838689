"""A run: its files in a directory (or none), what is kept of an earlier one, what another run of a study lends it.

A directory holds config.yaml, structure.extxyz, input.extxyz (the structure file, where there is one), crystals.json
(with `lattice_constant: auto`), trajectories where they are asked for, samples.h5, and run.json, which is written last.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from . import storage
from .checkpoint import CHECKPOINT, Keeper, Snapshot
from .config import STRUCTURE_INPUT, config_hash, dump_config, dynamics_hash
from .config_yaml import refuse
from .crystals import CRYSTALS
from .errors import PhysicsError, StorageError, TableError
from .progress import Progress
from .relaxation import find_crystals
from .run_directory import (
    clear,
    describe_trajectory,
    find_checkpoint,
    find_finished,
    is_finished,
    list_trajectories,
    open_trajectories,
    refresh_config,
)
from .simulation import Simulation
from .storage import Samples
from .structure import build
from .until import check_estimate
from .version import __version__


@dataclass
class RunResult:
    """What `run` did: the directory, None where nothing was written, and its run.json."""

    directory: Path | None
    info: dict
    kept: bool = False
    """Whether the directory held this very run already, finished."""
    _samples: Samples | None = field(default=None, repr=False)

    @property
    def samples(self) -> Samples:
        """What was measured; of a run that was kept, read from its directory."""
        if self._samples is None:
            self._samples = storage.read_samples(self.directory / storage.SAMPLES)
        return self._samples


def prepare(config, directory, crystals=None) -> None:
    """Write what a run starts from into `directory`, which is made if needed.

    These are config.yaml (every default filled in), structure.extxyz, a copy of `structure.file`, and `crystals` as
    crystals.json. Raises StorageError where the directory or the structure file cannot be used.
    """
    directory, system = Path(directory), build(config, crystals)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{directory}: cannot be made ({error.strerror})") from None
    if config.structure.file is not None:
        _copy_structure_file(config.structure, directory / STRUCTURE_INPUT)
    if crystals is not None:
        storage.write_json(directory / CRYSTALS, crystals)
    else:
        (directory / CRYSTALS).unlink(missing_ok=True)
    storage.write_structure(directory / storage.STRUCTURE, system.to_ase())
    storage.write_text(directory / storage.CONFIG, dump_config(config))


def _copy_structure_file(structure, target: Path) -> None:
    source = Path(structure.file)
    try:
        content = source.read_bytes()
    except OSError as error:
        raise StorageError(f"structure.file: {source}: cannot be read ({error.strerror})") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest != structure.file_sha256:
        raise StorageError(
            f"structure.file: {source}: its content (sha256 {digest[:10]}...) is not that of the configuration "
            f"({structure.file_sha256[:10]}...); restore the file, or start from the study's config file again"
        )
    if source.resolve() != target.resolve():
        with storage.atomic(target) as temporary:
            temporary.write_bytes(content)


def run(
    config,
    directory=None,
    *,
    crystals: dict | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    estimate=None,
) -> RunResult:
    """Run `config`; write its results into `directory`, or nothing at all without one.

    A directory that already holds a run is refused, unless `overwrite` (start again) or `resume` (a finished run of
    the same configuration is kept if it holds the trajectory that is asked for; an unfinished one goes on from its
    checkpoint; anything else starts from the beginning). `crystals` is what `relax_all` found for `lattice_constant:
    auto`; without it, crystals.json of the directory counts, or the crystals are relaxed here. `estimate` is what
    `run.until` needs: a function that says what is known of R_K, `Samples` -> `Estimate` or None
    (`analysis.make_estimator(config)`).

    Raises ConfigError where it is missing, StorageError for a directory that cannot be used, PhysicsError when physics
    stopped the run (what was measured by then is written first), Interrupted after SIGTERM, with a checkpoint.
    """
    check_estimate(config, estimate)
    identity = config_hash(config)  # refuses a structure file of unknown content before anything is written
    if directory is not None:
        directory = Path(directory)
        finished = find_finished(directory, identity, config, resume, overwrite)
        if finished:
            refresh_config(config, directory)
            return RunResult(directory, finished, kept=True)
    elif config.output.trajectory_every:
        every = str(config.output.trajectory_every)
        raise refuse("output.trajectory_every", every, "must be 0 where run gets no directory to write to")
    crystals = find_crystals(config, directory, crystals, progress)
    snapshot = None if directory is None else _set_up(config, directory, crystals, resume)
    started = time.monotonic()
    simulation = Simulation(config, crystals=crystals, estimate=estimate)
    if snapshot:
        simulation.restore(snapshot)
    first_step = simulation.step
    error = _simulate(simulation, directory, snapshot, Progress(first_step) if progress else None)
    info = _describe(config, simulation, first_step, time.monotonic() - started, error)
    samples = _write_results(config, directory, simulation.samples(), info, isinstance(error, TableError))
    if error:
        raise error
    return RunResult(directory, info, _samples=samples)


def _set_up(config, directory: Path, crystals: dict | None, resume: bool) -> Snapshot | None:
    """Make the directory ready for a run; returns where an unfinished one goes on."""
    for left_over in directory.glob(".*.tmp.*"):  # of a run that was killed
        left_over.unlink()
    snapshot = find_checkpoint(config, directory, resume)
    if snapshot is None or _starts_anew(snapshot, config):
        clear(directory, checkpoint=snapshot is None)
    prepare(config, directory, crystals)
    return snapshot


def _starts_anew(snapshot: Snapshot, config) -> bool:
    """Whether a run takes no more than positions and velocities from a snapshot."""
    return snapshot.of_crystal and config.run.forces == "verlet"


def _simulate(simulation: Simulation, directory: Path | None, snapshot, progress) -> PhysicsError | None:
    """Run to the end, with trajectories and checkpoints where there is a directory; returns what stopped it, if physics."""
    config = simulation.config
    kept = None if snapshot and _starts_anew(snapshot, config) else snapshot
    with open_trajectories(config, directory, simulation.system, kept) as writers:
        keeper = nullcontext()
        if directory is not None:
            path, seconds = directory / CHECKPOINT, config.run.checkpoint_seconds
            keeper = Keeper(path, dynamics_hash(config), seconds, writers)
        try:
            with keeper as kept:
                simulation.run(progress, writers, kept)
        except PhysicsError as stopped:
            return stopped
    return None


def _write_results(
    config, directory: Path | None, samples: Samples | None, info: dict, keep_checkpoint: bool
) -> Samples | None:
    """Write samples.h5, run.json last of all, and remove what an unfinished run needs, but for a checkpoint from which
    other forces may start. Returns the samples, labelled."""
    if samples is not None:
        samples.attrs.update(version=info["version"], config_hash=info["config_hash"], seed=config.run.seed)
    if directory is None:
        return samples
    if samples is not None:
        storage.write_samples(directory / storage.SAMPLES, samples)
    storage.write_json(directory / storage.RUN_INFO, info)
    left = list(directory.glob("trajectory*.frames"))
    for path in left if keep_checkpoint else (directory / CHECKPOINT, *left):
        path.unlink(missing_ok=True)
    return samples


def reuse(config, directory, others) -> Path | None:
    """Let `directory` share what another run with the same dynamics measured; returns that run's directory, or None.

    `others` are run directories to look into. The files are linked (copied where they cannot be), for no file of a run
    is ever changed in place; run.json names the run that made them. A directory with a run.json of its own is left alone.
    """
    directory, wanted = Path(directory), dynamics_hash(config)
    if (directory / storage.RUN_INFO).exists():
        return None
    for other in map(Path, others):
        try:
            info = storage.read_run_info(other)
        except StorageError:  # no run there, or not one of ours
            continue
        if (
            info.get("dynamics_hash") != wanted
            or info.get("started_from")
            or not is_finished(other, info, config)
        ):
            continue
        prepare(config, directory, find_crystals(config, other))
        for name in (storage.SAMPLES, *list_trajectories(config)):
            with storage.atomic(directory / name) as temporary:
                _link(other / name, temporary)
        own = {
            "config_hash": config_hash(config),
            "reused_from": info.get("reused_from") or other.name,
            "trajectory": describe_trajectory(config),
        }
        storage.write_json(directory / storage.RUN_INFO, info | own)
        return other
    return None


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)


def _describe(config, simulation: Simulation, first_step: int, wall_time: float, error) -> dict:
    """The content of run.json. first_step: where this part of the run began, which took `wall_time` seconds."""
    sites = simulation.system.n_moving * len(simulation.replica_ids)
    audit = simulation.audit
    return {
        "status": "failed" if error else "done",
        "message": str(error) if error else "",
        "version": __version__,
        "git_revision": _git_revision(),
        "config_hash": config_hash(config),
        "dynamics_hash": dynamics_hash(config),
        "seed": config.run.seed,
        "replicas": len(simulation.replica_ids),
        "hardware": {
            "machine": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": sys.version.split()[0],
        },
        "threads": simulation.threads,
        "started_from": simulation.started_from,
        "neighbour_list": simulation.groups[0].describe(),
        "steps": simulation.step,
        "equilibration_steps": config.run.equilibration_steps,
        "atoms": simulation.system.n_sites,
        "moving_atoms": simulation.system.n_moving,
        "wall_time": round(wall_time, 3),
        "atom_steps_per_s": round(sites * (simulation.step - first_step) / wall_time),
        "units": config.units,
        "trajectory": describe_trajectory(config),
        "energy_audit": {
            "drift": _finite(audit.drift),
            "heat_transferred": _finite(audit.heat),
            "allowed": _finite(audit.allowed),
            "passed": audit.passed,
        },
        "until": simulation.course.summary(),
    }


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def _git_revision() -> str | None:
    """The revision of the source this package runs from, with '+' if it was changed; None outside a checkout."""
    here = Path(__file__).parent

    def git(*words):
        done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=10)
        return done.stdout.strip() if done.returncode == 0 else None

    try:
        revision = git("rev-parse", "HEAD")
        return (
            revision + "+" * bool(git("status", "--porcelain", "--untracked-files=no")) if revision else None
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
