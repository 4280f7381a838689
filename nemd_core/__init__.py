"""Thermal (Kapitza) resistance of an interface by non-equilibrium molecular dynamics: the engine.

`load_config` reads a YAML file, `run` does the dynamics, in a directory or without one, `read_samples` returns what it
measured; the package `analysis` turns that into R_K. `predict` says what theory expects of the same configuration.

A name is imported when it is first asked for: jobs that only read and write files do without Numba and the engine, which
take longer to import than the jobs to do.
"""

from .lazy_names import lazy_names

_MODULES = {
    "config": ["Config", "load_config", "load_study"],
    "errors": ["ConfigError", "NemdError", "PhysicsError", "StorageError"],
    "relaxation": ["relax_all"],
    "runs": ["RunResult", "prepare", "reuse", "run"],
    "simulation": ["Simulation"],
    "storage": ["Samples", "read_run_info", "read_samples"],
    "structure": ["build", "from_ase"],
    "system": ["System"],
    "theory.predict": ["predict"],
    "until": ["Estimate"],
    "version": ["__version__"],
}

__all__, __getattr__, __dir__ = lazy_names(__name__, _MODULES)
