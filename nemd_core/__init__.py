"""Thermal (Kapitza) resistance of an interface by non-equilibrium molecular dynamics: the engine.

`load_config` reads a YAML file, `run` does the dynamics, in a directory or without one, `read_samples` returns what it
measured; the package `analysis` turns that into R_K. `predict` says what theory expects of the same configuration.
"""

from .config import Config, load_config, load_study
from .errors import ConfigError, NemdError, PhysicsError, StorageError
from .relaxation import relax_all
from .runs import RunResult, prepare, reuse, run
from .simulation import Simulation
from .storage import Samples, read_run_info, read_samples
from .structure import build, from_ase
from .system import System
from .theory.predict import predict
from .until import Estimate
from .version import __version__

__all__ = [
    "Config",
    "ConfigError",
    "Estimate",
    "NemdError",
    "PhysicsError",
    "RunResult",
    "Samples",
    "Simulation",
    "StorageError",
    "System",
    "__version__",
    "build",
    "from_ase",
    "load_config",
    "load_study",
    "predict",
    "prepare",
    "read_run_info",
    "read_samples",
    "relax_all",
    "reuse",
    "run",
]
