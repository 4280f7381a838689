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
import gc
import hashlib
import os
from pathlib import Path

import numba
from numba import njit, types
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
    environment: a kernel must not raise what depends on its values, nor make Python objects. Nor does it count references
    to arrays, which would take a tenth of the time of compilation: whoever calls holds them, so it must not return any.
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

    def compile_extra(self, function):
        compiled = super().compile_extra(function)
        if _holds_arrays(compiled.signature.return_type):
            raise TypeError(
                f"{function.__qualname__}: a kernel must not return arrays, here {compiled.signature}"
            )
        return compiled


def _holds_arrays(kind) -> bool:
    return isinstance(kind, types.Array) or (
        isinstance(kind, types.BaseTuple) and any(_holds_arrays(k) for k in kind)
    )


PART = {
    "_nrt": False,
    "forceinline": True,
    "no_cpython_wrapper": True,
    "pipeline_class": _PartCompiler,
}
"""For numba's `overload`: what `kernel` asks for."""


class _Whole(JITCodeLibrary):
    """Code that Python calls. The part of it that takes hundreds of arrays from Python runs once a block, but to optimise it
    would take a quarter of the time that LLVM needs for the rest: it stays as it is."""

    def _optimize_functions(self, module):
        for function in module.functions:
            if function.name.startswith("_ZN7cpython") and not function.is_declaration:
                function.add_function_attribute("noinline")
                function.add_function_attribute("optnone")
        super()._optimize_functions(module)


class _WholeCompiler(Compiler):
    def __init__(self, typing, target, library, args, return_type, flags, local_types):
        library = _Whole(target.codegen(), "whole")
        library.enable_object_caching()
        super().__init__(typing, target, library, args, return_type, flags, local_types)

    def compile_extra(self, function):
        """Without looking for garbage: a compilation makes millions of objects and keeps them to its end."""
        collects = gc.isenabled()
        gc.disable()
        try:
            return super().compile_extra(function)
        finally:
            if collects:
                gc.enable()


class _Kernel(CPUDispatcher):
    def __init__(self, py_func, _=None, options=None):
        options = {"nopython": True, "boundscheck": None, **PART, **_OPTIONS, **(options or {})}
        super().__init__(py_func, targetoptions=options, pipeline_class=options.pop("pipeline_class"))

    @functools.cached_property
    def alone(self):
        return whole(self.py_func)

    def __call__(self, *arguments):
        return self.alone(*arguments)


whole = njit(cache=True, pipeline_class=_WholeCompiler, **_OPTIONS)
"""A function that Python calls, with everything that it calls inside."""


def kernel(function):
    """A function that becomes part of those that call it: a call hands over hundreds of numbers, which a short chain would
    feel. Where Python calls it, it is compiled `alone` as well."""
    return function if numba.config.DISABLE_JIT else _Kernel(function)


def allocating_kernel(function):
    """A kernel that makes arrays for itself, and pays for it: it counts references to all that it is given."""
    return function if numba.config.DISABLE_JIT else _Kernel(function, options={"_nrt": True})
