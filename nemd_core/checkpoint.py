"""Checkpoints: the state of an unfinished run, from which it goes on bit for bit as if it had never stopped.

A checkpoint is written whole under a temporary name and renamed, so that a run that is killed at any moment leaves the
last one. Displacements, velocities and heats are kept by replica and site, so the number of threads may change. Forces
follow from displacements, and counter-based random numbers have no state.
"""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from .errors import Interrupted, StorageError
from .jit import SOURCE_DIGEST
from .storage import atomic

CHECKPOINT = "checkpoint.h5"
_FORMAT = "nemd-checkpoint-2"
_MAPPINGS = ("state", "series")
"""Fields of a snapshot that hold arrays by name."""
_PATIENCE = 4.0
"""Seconds after SIGTERM in which the stretch under way must end; then the last checkpoint has to do."""


@dataclass
class Snapshot:
    """What a run needs to go on. Reduced units; axes begin with the replica."""

    step: int
    phase_start: int
    """Step at which the present phase, equilibration or production, began."""
    producing: bool
    energy_start: np.ndarray
    state: dict[str, np.ndarray]
    """What a group's `snapshot` holds, by name."""
    series: dict[str, np.ndarray]
    """The rows so far by name, empty before the first."""

    @property
    def of_crystal(self) -> bool:
        """Whether it holds the atoms of a crystal, by their sites."""
        return "displacement" in self.state


def write_checkpoint(path, snapshot: Snapshot, identity: str) -> None:
    """Replace the checkpoint at `path`. identity: the hash of what decides the trajectory, `config.dynamics_hash`."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(format=_FORMAT, code=SOURCE_DIGEST, dynamics_hash=identity)
        for name, value in vars(snapshot).items():
            if name not in _MAPPINGS:
                file[name] = value
        for group in _MAPPINGS:
            for name, values in getattr(snapshot, group).items():
                file[f"{group}/{name}"] = values


def read_checkpoint(path, identity: str, crystal: str | None = None) -> Snapshot:
    """The snapshot of a run with this `config.dynamics_hash`; or of the one that `crystal` names, if it is of a crystal.

    Raises StorageError, naming what differs, for a file of another configuration or code, truncated, or foreign."""
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("format") != _FORMAT:
                raise StorageError(f"{path}: not a checkpoint of format {_FORMAT}; delete it, or --overwrite")
            for name, own in (("dynamics_hash", identity), ("code", SOURCE_DIGEST)):
                found = str(file.attrs[name])
                if found != own and not (name == "dynamics_hash" and found == crystal):
                    what = (
                        "another configuration" if name == "dynamics_hash" else "another version of the code"
                    )
                    raise StorageError(
                        f"{path}: checkpoint of {what} ({name} {found[:10]}, not {own[:10]}); delete it, or --overwrite"
                    )
            values = {name: file[name][()] for name in Snapshot.__dataclass_fields__ if name not in _MAPPINGS}
            for group in _MAPPINGS:
                values[group] = {name: array[()] for name, array in file.get(group, {}).items()}
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file") from None
    except (OSError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise StorageError(
            f"{path}: truncated or not a checkpoint ({reason}); delete it, or --overwrite"
        ) from None
    numbers = {name: int(values[name]) for name in ("step", "phase_start")}
    return Snapshot(**values | numbers | {"producing": bool(values["producing"])})


class Keeper:
    """Writes a checkpoint every so often, and a last one when SIGTERM asks the run to stop.

    A context manager around the run. Visited between compiled stretches, where rows of the series are complete.
    """

    def __init__(self, path, identity: str, seconds: float, writers=()):
        self.path, self.identity, self.seconds, self.writers = Path(path), identity, seconds, writers
        self.stopping = False
        self._next = time.monotonic() + seconds
        self._leave = threading.Timer(_PATIENCE, os._exit, (Interrupted.exit_status,))
        self._leave.daemon = True

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGTERM, self._stop)
        return self

    def __exit__(self, *exception):
        self._leave.cancel()  # the caller may live on
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._before)

    def _stop(self, *_):
        """Remember to stop. Compiled code cannot be interrupted: if it takes too long (while it is being compiled, too),
        leave without a new checkpoint; files appear only when they are complete."""
        if not self.stopping:
            self.stopping = True
            self._leave.start()

    def visit(self, simulation) -> None:
        """Write a checkpoint if it is time. Raises Interrupted after it if the run was asked to stop."""
        if not self.stopping and time.monotonic() < self._next:
            return
        for writer in self.writers:
            writer.flush()
        write_checkpoint(self.path, simulation.snapshot(), self.identity)
        self._next = time.monotonic() + self.seconds
        if self.stopping:
            raise Interrupted(
                f"{self.path.parent}: stopped by SIGTERM at step {simulation.step} of {simulation.total_steps}; "
                "--resume goes on from there"
            )
