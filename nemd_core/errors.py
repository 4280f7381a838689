"""Errors that a user can act on, and the exit statuses they lead to."""

from typing import NamedTuple

EXIT_BAD_INPUT = 2
EXIT_PHYSICS = 3
EXIT_CHECKPOINTED = 75


class Problem(NamedTuple):
    """One thing that is wrong with the input: which key, what value, what is allowed."""

    key: str
    value: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.key}: {self.value}: {self.allowed}"


class NemdError(Exception):
    """Base of every error this package raises on purpose; `exit_status` is what the command line returns."""

    exit_status = EXIT_BAD_INPUT


class ConfigError(NemdError):
    """The configuration is refused; `problems` holds every reason."""

    def __init__(self, problems: list[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class StorageError(NemdError):
    """A file or directory that cannot be used as asked: foreign, incomplete, or already holding a run."""


class PhysicsError(NemdError):
    """A run that physics stopped: non-finite values, the energy audit, or a broken neighbour table."""

    exit_status = EXIT_PHYSICS


class TableError(PhysicsError):
    """The neighbour table of a crystal broke: it diffuses or melts."""


class Interrupted(NemdError):
    """A run that was asked to stop, and can go on from its checkpoint."""

    exit_status = EXIT_CHECKPOINTED
