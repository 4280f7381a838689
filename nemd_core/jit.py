"""The options of every compiled function, in one place, and where the compiled code is kept.

The cache directory carries a digest of this package's sources: Numba looks only at the file of the outermost function
when it judges whether a cached result is still true. Only files of theory/ that compile nothing are left out, as no kernel
can depend on them: tests/unit/test_jit.py. Parallel jobs may share the directory: Numba renames complete
files into place, but it adds an entry in steps (read the index, write the index, write the code), between which two
processes can give the same file to different code. A lock makes each addition, and each look-up, one step; where files
cannot be locked, the cache is not used.
"""

import fcntl
import functools
import hashlib
import os
from pathlib import Path

import numba
from numba import njit
from numba.core.caching import IndexDataCacheFile
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.registry import CPUDispatcher

_PACKAGE = Path(__file__).parent


def _source_digest() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        source = path.read_bytes()
        if path.parent.name != "theory" or b"jit import" in source:
            digest.update(source)
    return digest.hexdigest()[:16]


SOURCE_DIGEST = _source_digest()
"""What tells one version of the engine from another."""
_base = os.environ.get("NUMBA_CACHE_DIR") or Path.home() / ".cache" / "nemd_core"
CACHE_DIRECTORY = Path(_base) / f"nemd-{SOURCE_DIGEST}"
numba.config.CACHE_DIR = str(CACHE_DIRECTORY)


def _locked(method, mode):
    """Do `method` of a cache file under a lock on its directory."""

    @functools.wraps(method)
    def locked(self, *arguments):
        try:
            with open(Path(self._cache_path) / "lock", "a") as lock:
                fcntl.flock(lock, mode)
                return method(self, *arguments)
        except OSError:
            return None

    return locked


if not hasattr(IndexDataCacheFile.save, "__wrapped__"):
    IndexDataCacheFile.save = _locked(IndexDataCacheFile.save, fcntl.LOCK_EX)
    IndexDataCacheFile.load = _locked(IndexDataCacheFile.load, fcntl.LOCK_SH)

_OPTIONS = {
    "error_model": "numpy",
    "fastmath": {"nsz"},
    "nogil": True,
    "no_cfunc_wrapper": True,
}
"""Nothing is reordered or fused, so that a site gets the same bits whatever its neighbours in the vector, its thread, or the
number of replicas. (Which product of a b + c d is fused depends on what the compiler inlines where: with `contract`, the
serial and the parallel block differ.)"""


class _Part(JITCodeLibrary):
    """Code that only ever becomes part of other code: simplified, but neither optimised nor made into machine code.

    What is inlined is optimised where it ends up; Numba would do both at every level of calls besides. A part has no
    environment: a kernel must not raise what depends on its values, nor make Python objects.
    """

    class codegen:
        """What Numba asks, for the address of the environment."""

        @staticmethod
        def set_env(name, env):
            pass

    def _optimize_final_module(self):
        pass

    def _finalize_final_module(self):
        self._finalize_dynamic_globals()
        self._finalized = True

    def get_pointer_to_function(self, name):
        return 0


class _PartCompiler(Compiler):
    def __init__(self, typing, target, library, args, return_type, flags, local_types):
        library = _Part(target.codegen(), "part")
        super().__init__(typing, target, library, args, return_type, flags, local_types)


PART = {"forceinline": True, "no_cpython_wrapper": True, "pipeline_class": _PartCompiler}
"""For numba's `overload`: what `kernel` asks for."""


class _Kernel(CPUDispatcher):
    def __init__(self, py_func, *_):
        """The rest is what a copy brings along, from another process."""
        options = {"nopython": True, "boundscheck": None, **PART, **_OPTIONS}
        super().__init__(py_func, targetoptions=options, pipeline_class=options.pop("pipeline_class"))

    @functools.cached_property
    def alone(self):
        return whole(self.py_func)

    def __call__(self, *arguments):
        return self.alone(*arguments)


whole = njit(cache=True, **_OPTIONS)
"""A function that Python calls, with everything that it calls inside."""


def kernel(function):
    """A function that becomes part of those that call it: a call hands over hundreds of numbers, which a short chain would
    feel. Where Python calls it, it is compiled `alone` as well."""
    return function if numba.config.DISABLE_JIT else _Kernel(function)
