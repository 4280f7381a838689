"""Names of a package that are imported from its modules when they are first asked for."""

import sys
from collections.abc import Callable
from importlib import import_module


def lazy_names(package: str, modules: dict[str, list[str]]) -> tuple[list[str], Callable, Callable]:
    """What a package's `__all__`, `__getattr__` and `__dir__` are to be. modules: the names that each module gives."""
    home = {name: module for module, names in modules.items() for name in names}

    def get(name):
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f".{home[name]}", package), name)

    def list_names():
        return sorted({*vars(sys.modules[package]), *home})

    return sorted(home), get, list_names
