"""What is compiled when: no kernel depends on what the digest leaves out that keys the cache of compiled code, see
nemd_core/jit.py, nothing is compiled that only becomes part of something else, and a block of steps not anew for another
number of rows."""

import gc
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from junctions import CHAIN, LJ, configure
from numba import typeof
from numba.core.registry import cpu_target

import nemd_core
from nemd_core.baths import exchange
from nemd_core.jit import kernel, whole
from nemd_core.observables import empty_series
from nemd_core.structure import build

PACKAGE = Path(nemd_core.__file__).parent
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")
}
THEORY = {name: source for name, source in SOURCES.items() if name.startswith("theory/")}
COMPILED = {name for name, source in THEORY.items() if "jit import" in source}
"""Files of theory/ that are in the digest."""


def test_the_engine_knows_nothing_of_theory():
    importing = {
        name
        for name in SOURCES.keys() - THEORY.keys()
        if re.search(r"^ *(from|import) .*\btheory\b", SOURCES[name], re.MULTILINE)
    }
    assert importing == {"commands_predict.py"}  # which compiles nothing


def test_theory_compiles_only_in_files_that_stand_alone():
    assert COMPILED == {name for name in THEORY if re.search(r"\b(numba|jit)\b", THEORY[name])}
    for name in COMPILED:
        assert not re.search(r"^ *(from \.(?!\.)|.*\btheory\b.*import)", THEORY[name], re.MULTILINE), name


@whole
def _twice(array):
    return _once(array) + _once(array)


@kernel
def _once(array):
    return array[0]


@pytest.mark.compiled
def test_parts_are_no_machine_code_of_their_own():
    assert _twice(np.full(2, 1.5)) == 3.0
    (code,), (part,) = _twice.overloads.values(), _once.overloads.values()
    engine = cpu_target.target_context.codegen()._engine
    assert engine.is_symbol_defined(code.fndesc.mangled_name)
    assert not engine.is_symbol_defined(part.fndesc.mangled_name)
    assert not _once.alone.overloads
    assert _once(np.full(2, 1.5)) == 1.5  # which compiles it alone
    assert _once.alone.overloads


@kernel
def _tail(array):
    return array.sum(), array[1:]


@whole
def _last(array):
    return _tail(array)[1][0]


@pytest.mark.compiled
def test_a_kernel_that_returns_an_array_is_refused():
    """It counts no references, so that its caller would give back one that nobody took."""
    with pytest.raises(TypeError, match="_tail: a kernel must not return arrays"):
        _last(np.ones(3))
    assert gc.isenabled()


@kernel
def _parity(array):
    return array.view(np.uint64)[1:][0] & np.uint64(1)


@whole
def _parities(array):
    return _parity(array) + _parity(array[::-1].copy())


@pytest.mark.compiled
def test_arrays_are_held_as_often_after_a_call_as_before():
    """Also where a kernel looks at them in another way, or its caller made them."""
    array = np.ones(2)
    before = sys.getrefcount(array)
    for _ in range(3):
        assert _parities(array) == 0
        _once(array)
    assert sys.getrefcount(array) == before


@pytest.mark.compiled
def test_a_kernel_reaches_another_process():
    command = "import pickle, sys; print(pickle.load(sys.stdin.buffer).__name__)"
    sent = pickle.dumps(exchange)
    there = subprocess.run([sys.executable, "-c", command], input=sent, capture_output=True, check=True)
    assert there.stdout.split() == [b"exchange"]


def test_rows_of_every_number_have_one_type():
    """For Numba the order in memory belongs to the type of an array."""
    kinds = {
        typeof(empty_series(build(configure(base)), replicas, rows))
        for base in (CHAIN, LJ)
        for replicas in (1, 2)
        for rows in (0, 1, 5)
    }
    assert len(kinds) == 1
