"""The vector type of doubles: compiled, and as plain numpy where compilation is switched off."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from junctions import displace, junction
from numba import njit

from nemd_core.forces.build import build_forces
from nemd_core.potentials import Springs, lennard_jones
from nemd_core.simd import LANES, add_to_doubles, item, lanes, load, splat, sqrt, store, where_less


@njit
def _arithmetic(a, b, out, n, scalar):
    """One operation per vector."""
    x, y, s = load(a, n), load(b, n), splat(scalar)
    store(out, 0, x + y)
    store(out, LANES, x - y)
    store(out, 2 * LANES, x * y)
    store(out, 3 * LANES, x / y)
    store(out, 4 * LANES, sqrt(y))
    store(out, 5 * LANES, where_less(x, y, s))
    store(out, 6 * LANES, s)
    store(out, 7 * LANES, (x + y - s) * y)
    return item(b, n) + item(b, n + 1)


@pytest.fixture
def numbers():
    rng = np.random.default_rng(0)
    return rng.standard_normal(40), rng.uniform(0.5, 2.0, 40)


@pytest.mark.parametrize("n", [0, 1, 5, 8, 32])
def test_operations_lane_by_lane(numbers, n):
    """At any place of an array, aligned or not; the bits are those of the single operations."""
    a, b = numbers
    out = np.full(8 * LANES, np.nan)
    total = _arithmetic(a, b, out, n, 0.75)
    x, y = a[n : n + LANES], b[n : n + LANES]
    quick = [x + y, x - y, x * y, x / y, np.sqrt(y), np.where(x < y, 0.75, 0.0), np.full(LANES, 0.75)]
    for k, expected in enumerate(quick):
        assert np.array_equal(out[LANES * k : LANES * (k + 1)], expected), k
    assert out[7 * LANES :] == pytest.approx((x + y - 0.75) * y, rel=1e-15)  # may fuse
    assert total == b[n] + b[n + 1]


@njit
def _add(array, n, values):
    add_to_doubles(array, n, load(values, 0))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_added_to_doubles_is_widened_first(dtype):
    sums = np.arange(40.0)
    values = (1 / (3 + np.arange(lanes(dtype)))).astype(dtype)
    expected = sums.copy()
    expected[5 : 5 + len(values)] += values
    _add(sums, 5, values)
    assert np.array_equal(sums, expected)


@njit
def _store_and_select(array, n, left, right):
    store(array, n, where_less(load(left, 0), load(right, 0), load(left, 0)))


def test_store_touches_one_vector_only():
    array, left = np.full(LANES + 16, -1.0), np.arange(float(LANES))
    _store_and_select(array, 5, left, np.full(LANES, 10.0))
    assert list(array) == [-1.0] * 5 + list(left) + [-1.0] * 11


def test_select_is_strict_and_false_for_what_is_not_a_number():
    left = np.array([1.0, 2.0, 3.0, np.nan, np.inf, -np.inf, 0.0, -1.0])
    right = np.array([1.0, 2.5, np.nan, 1.0, np.inf, 0.0, np.inf, -1.5])
    array = np.full(8, 9.0)
    for n in range(0, 8, LANES):
        _store_and_select(array[n:], 0, left[n:], right[n:])
    assert list(array) == [0, 2.0, 0, 0, 0, -np.inf, 0.0, 0]


@njit
def _integers(values, n):
    return item(values, n)


def test_item_keeps_its_type():
    assert _integers(np.array([2**53 + 1, -4]), 0) == 2**53 + 1
    assert _integers(np.array([2**53 + 1, -4]), 1) == -4
    assert _integers(np.array([0.5, -0.25]), 1) == -0.25


WITHOUT_COMPILER = """
import numba, numpy as np
from nemd_core.forces.reference import reference_forces
from test_simd import small_cases
assert numba.config.DISABLE_JIT
for system, law, forces, u in small_cases():
    found, energy = forces.evaluate(system, u)
    expected, expected_energy = reference_forces(system, law, u)[:2]
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()
    assert abs(energy - expected_energy) < 1e-11 * abs(expected_energy)
print("same")
"""


def small_cases():
    """A chain of each kind of law, and a slip of a crystal: (system, law, forces, displacements)."""
    lj = lennard_jones([1.0, 1.2, 1.4], [1.0, 1.01, 0.98], 1.7, "force-shift")
    springs = Springs(np.array([1.0, 1.2, 1.5]), np.array([0.2, 0.25, 0.3]))
    for system, law, potential in (
        (junction("chain", 5, 6, a=1.1), lj, "lj"),
        (junction("chain", 5, 6), springs, "harmonic"),
        (junction("sc", 3, 3, cross_section=(3, 3), walls=1), springs, "harmonic"),
    ):
        yield system, law, build_forces(system, law, potential, 0.3), displace(system, 0.05)


def test_kernels_can_be_stepped_through_without_the_compiler():
    here = Path(__file__).parent
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(here), str(here.parent), str(here.parents[1])])
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_COMPILER], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "same\n"
