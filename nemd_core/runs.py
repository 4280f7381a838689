"""A run in a directory: config.yaml, structure.extxyz, then samples.h5 and run.json when it ends."""

import os
import platform
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import storage
from .config import config_hash, dump_config
from .errors import PhysicsError, StorageError
from .progress import Progress
from .simulation import Simulation
from .structure import build
from .version import __version__


@dataclass
class RunResult:
    """What `run` did: the directory and its run.json."""

    directory: Path
    info: dict


def prepare(config, directory) -> None:
    """Write config.yaml (every default filled in) and structure.extxyz into `directory`, which is made if needed."""
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{directory}: cannot be made ({error.strerror})") from None
    storage.write_structure(directory / storage.STRUCTURE, build(config).to_ase())
    storage.write_text(directory / storage.CONFIG, dump_config(config))


def run(
    config, directory, *, resume: bool = False, overwrite: bool = False, progress: bool = True
) -> RunResult:
    """Run `config` in `directory` and write its results there.

    A directory that already holds a run is refused, unless `overwrite` (start again) or `resume` (a finished run of
    the same configuration is kept; anything else starts from the beginning). Raises StorageError for a directory that
    cannot be used, PhysicsError when physics stopped the run: what was measured by then is written first.
    """
    directory = Path(directory)
    finished = _look_at(directory, config, resume, overwrite)
    if finished:
        return RunResult(directory, finished)
    if directory.exists():
        for name in (storage.RUN_INFO, storage.SAMPLES):
            (directory / name).unlink(missing_ok=True)
    prepare(config, directory)
    started = time.monotonic()
    simulation = Simulation(config)
    error = None
    try:
        simulation.run(Progress() if progress else None)
    except PhysicsError as stopped:
        error = stopped
    samples = simulation.samples()
    info = _describe(config, simulation, time.monotonic() - started, error)
    if samples is not None:
        samples.attrs.update(version=info["version"], config_hash=info["config_hash"], seed=config.run.seed)
        storage.write_samples(directory / storage.SAMPLES, samples)
    storage.write_json(directory / storage.RUN_INFO, info)
    if error:
        raise error
    return RunResult(directory, info)


def _look_at(directory: Path, config, resume: bool, overwrite: bool) -> dict | None:
    """The run.json of a finished run to keep, or None if there is work to do."""
    if directory.exists() and not directory.is_dir():
        raise StorageError(f"{directory}: is a file; a directory is needed")
    held = [name for name in (storage.RUN_INFO, storage.SAMPLES) if (directory / name).exists()]
    if not held or overwrite:
        return None
    if not resume:
        raise StorageError(
            f"{directory}: already holds a run ({', '.join(held)}); use --resume to keep it or --overwrite to replace it"
        )
    if storage.RUN_INFO not in held:
        return None
    info = storage.read_run_info(directory)
    if info.get("config_hash") != config_hash(config):
        raise StorageError(
            f"{directory}: holds a run of another configuration (hash {str(info.get('config_hash'))[:10]}, not "
            f"{config_hash(config)[:10]}); choose another directory, or --overwrite"
        )
    return info if info.get("status") == "done" and storage.SAMPLES in held else None


def _describe(config, simulation: Simulation, wall_time: float, error: Exception | None) -> dict:
    sites = simulation.system.n_moving * len(simulation.replica_ids)
    audit = simulation.audit
    return {
        "status": "failed" if error else "done",
        "message": str(error) if error else "",
        "version": __version__,
        "git_revision": _git_revision(),
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "replicas": len(simulation.replica_ids),
        "hardware": {
            "machine": platform.machine(),
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": sys.version.split()[0],
        },
        "threads": simulation.threads,
        "steps": simulation.step,
        "equilibration_steps": config.run.equilibration_steps,
        "atoms": simulation.system.n_sites,
        "moving_atoms": simulation.system.n_moving,
        "wall_time": round(wall_time, 3),
        "atom_steps_per_s": round(sites * simulation.step / wall_time),
        "units": config.units,
        "energy_audit": {
            "drift": _finite(audit.drift),
            "heat_transferred": _finite(audit.heat),
            "allowed": _finite(audit.allowed),
            "passed": audit.passed,
        },
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
