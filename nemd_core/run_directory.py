"""What the directory of a run holds of an earlier one, what of it counts, and the trajectories that are written there."""

from contextlib import contextmanager
from pathlib import Path

from . import storage
from .checkpoint import CHECKPOINT, Snapshot, read_checkpoint
from .config import config_hash, crystal_twin, dump_config, dynamics_hash
from .errors import StorageError
from .system import System
from .trajectory import TrajectoryWriter, trajectory_name
from .units import Reference


def list_trajectories(config) -> list[str]:
    """Names of the trajectories that are asked for, one per replica."""
    if not config.output.trajectory_every:
        return []
    return [trajectory_name(replica) for replica in range(config.run.replicas)]


def describe_trajectory(config) -> dict | None:
    """What a trajectory depends on beside the dynamics, for run.json; None where none is asked for."""
    if not config.output.trajectory_every:
        return None
    reference = Reference.from_config(config.reference).summary()
    return config.output.model_dump(mode="json") | {"reference": reference}


@contextmanager
def open_trajectories(config, directory: Path | None, system: System, snapshot: Snapshot | None):
    """A writer for each replica, none where no trajectory is asked for.

    The files get their names at the end, also where physics stopped the run.
    """
    if directory is None or not config.output.trajectory_every:
        yield []
        return
    reference, regions = Reference.from_config(config.reference), config.output.trajectory_regions
    after = None
    if snapshot:
        after = snapshot.step - snapshot.phase_start if snapshot.producing else 0
    writers = []
    try:
        for name in list_trajectories(config):
            path = directory / name
            writers.append(TrajectoryWriter(path, system, reference, config.run.timestep, regions, after))
        yield writers
    except BaseException:
        for writer in writers:
            writer.abandon()
        raise
    for writer in writers:
        writer.close(keep_frames=True)


def refresh_config(config, directory: Path) -> None:
    """Let config.yaml of a run that is kept say what is asked for now: `reference` and `output` may differ."""
    path, text = directory / storage.CONFIG, dump_config(config)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        storage.write_text(path, text)


def find_finished(directory: Path, identity: str, config, resume: bool, overwrite: bool) -> dict | None:
    """The run.json of a finished run to keep, or None if there is work to do."""
    if directory.exists() and not directory.is_dir():
        raise StorageError(f"{directory}: is a file; a directory is needed")
    names = (storage.RUN_INFO, storage.SAMPLES, CHECKPOINT)
    held = [name for name in names if (directory / name).exists()]
    if not held or overwrite:
        return None
    if not resume:
        raise StorageError(
            f"{directory}: already holds a run ({', '.join(held)}); use --resume to keep it or --overwrite to replace it"
        )
    if storage.RUN_INFO not in held:
        return None
    info = storage.read_run_info(directory)
    if _broke_as_crystal(info, config):
        return None
    if info.get("config_hash") != identity:
        raise StorageError(
            f"{directory}: holds a run of another configuration (hash {str(info.get('config_hash'))[:10]}, not "
            f"{identity[:10]}); choose another directory, or --overwrite"
        )
    return info if is_finished(directory, info, config) else None


def _broke_as_crystal(info: dict, config) -> bool:
    """Whether a run.json is that of the same junction with forces lattice, stopped by physics."""
    twin = crystal_twin(config)
    return (
        twin is not None and info.get("status") == "failed" and info.get("config_hash") == config_hash(twin)
    )


def is_finished(directory: Path, info: dict, config) -> bool:
    """Whether a run ended well and its directory holds everything that `config.output` asks for."""
    if info.get("status") != "done" or not (directory / storage.SAMPLES).exists():
        return False
    asked = list_trajectories(config)
    same = not asked or info.get("trajectory") == describe_trajectory(config)
    return same and all((directory / name).exists() for name in asked)


def find_checkpoint(config, directory: Path, resume: bool) -> Snapshot | None:
    """Where an unfinished run goes on, or None if it starts from the beginning.

    With forces verlet that may be the last checkpoint of the same junction with forces lattice, also of one whose table
    broke.
    """
    path, info = directory / CHECKPOINT, directory / storage.RUN_INFO
    if not resume or not path.exists():
        return None
    if info.exists() and not _broke_as_crystal(storage.read_run_info(directory), config):
        return None
    twin = crystal_twin(config)
    return read_checkpoint(path, dynamics_hash(config), twin and dynamics_hash(twin))


def clear(directory: Path, checkpoint: bool = True) -> None:
    """Remove the results of an earlier run, and what one that was killed left half written; its checkpoint only if told
    so."""
    held = (storage.RUN_INFO, storage.SAMPLES, *([CHECKPOINT] if checkpoint else []))
    for pattern in (*held, "trajectory*.h5md", "trajectory*.frames"):
        for path in directory.glob(pattern):
            path.unlink()
