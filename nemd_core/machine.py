"""How fast the vector unit of this machine is, and how near to it the force kernel comes. For the benchmark."""

import time

import numpy as np

from .forces.lattice import sweep_forces
from .group import Group
from .jit import kernel
from .simd import LANES, fused, load, store
from .structure import build

_OPERATIONS, _FOR_BONDS, _FOR_ROOT = 22, 3, 7 if LANES == 8 else 3
"""Vector operations of a Lennard-Jones pair in pairs.py (differences 3, r² 3, 1/r² 1, force 5, cut-off 1, components 3,
sums of both partners 6), what bonds take besides where differences are of displacements, and what 1/r takes: an estimate
and its step, or a root."""
_REPEATS = 15


@kernel
def _multiply_and_add(numbers, n):
    """32 n operations on vectors, half of them fused, that need not wait for each other: 8 fused ones, which take four
    cycles, and 6 sums, which take three, keep two units of each kind at work and fit into sixteen registers."""
    a, b = load(numbers, 0), load(numbers, LANES)
    s0, s1, s2, s3, s4, s5, s6, s7 = a, a, a, a, a, a, a, a
    t0, t1, t2, t3, t4, t5 = b, b, b, b, b, b
    for _ in range(n):
        s0, t0 = fused(s0, a, b), t0 + a
        s1, t1 = fused(s1, a, b), t1 + a
        s2, t2 = fused(s2, a, b), t2 + a
        s3, t3 = fused(s3, a, b), t3 + a
        s4, t4 = fused(s4, a, b), t4 + a
        s5, t5 = fused(s5, a, b), t5 + a
        s6, t0 = fused(s6, a, b), t0 + a
        s7, t1 = fused(s7, a, b), t1 + a
        s0, t2 = fused(s0, a, b), t2 + a
        s1, t3 = fused(s1, a, b), t3 + a
        s2, t4 = fused(s2, a, b), t4 + a
        s3, t5 = fused(s3, a, b), t5 + a
        s4, t0 = fused(s4, a, b), t0 + a
        s5, t1 = fused(s5, a, b), t1 + a
        s6, t2 = fused(s6, a, b), t2 + a
        s7, t3 = fused(s7, a, b), t3 + a
    store(numbers, 0, s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7)
    store(numbers, LANES, t0 + t1 + t2 + t3 + t4 + t5)


def arithmetic_rate() -> float:
    """Operations on vectors a second at best, multiplications and additions in equal parts, one core."""
    n = 100_000

    def work():
        _multiply_and_add(np.full(2 * LANES, 1e-3), n)

    return 32 * n / _quickest(work)


def seconds_per_pair(config) -> tuple[float, float]:
    """(seconds that the force kernel takes for a pair, vector operations that a pair is), one core.

    A near pair counts once, whether it lies within the cut-off or not; far ones, of which the crystal at rest has none
    within it, and padding of rows not at all.
    """
    group = Group(config, build(config), [0], 1)
    forces, u = group.forces, group.state.pair_x
    sheets = range(forces.rows.sheets)

    def work():
        for sheet in sheets:
            sweep_forces(sheet, u, forces.pair_field, forces.pair_law)

    rows, field = forces.rows, forces.pair_field
    middle = field.begin + (field.end - field.begin) // (2 * field.lanes) * field.lanes
    first, last = field.span.reshape(rows.width, rows.rows, 2, 2)[middle, :, 0].T
    pairs = group.system.n_moving * (last - first).mean()
    operations = _OPERATIONS + (_FOR_ROOT if config.interaction.truncation == "force-shift" else 0)
    operations += _FOR_BONDS if config.run.precision == "mixed" else 0
    return _quickest(work) / pairs, operations / forces.rows.lanes


def _quickest(work) -> float:
    work()
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
