"""Thermal (Kapitza) resistance of an interface by non-equilibrium molecular dynamics: the engine.

`load_config` reads a YAML file, `run` does the dynamics, in a directory or without one, `read_samples` returns what it
measured; the package `analysis` turns that into R_K. `predict` says what theory expects of the same configuration.

A name is imported when it is first asked for: jobs that only read and write files do without Numba and the engine, which
take longer to import than the jobs to do.
"""

from importlib import import_module

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
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *_HOME})
