"""Set before anything imports numba: one thread for the libraries, several for the engine, one cache per checkout.

With NUMBA_DISABLE_JIT=1 kernels run as plain Python, a thousand times slower: then tests that simulate long in this
process, or are marked `compiled`, are skipped.
"""

import functools
import os
from pathlib import Path

import pytest

os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".cache" / "numba"))
os.environ.setdefault("NUMBA_NUM_THREADS", str(max(2, os.cpu_count() or 1)))
os.environ.setdefault("MPLBACKEND", "Agg")
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

PLAIN = os.environ.get("NUMBA_DISABLE_JIT", "0") == "1"
PLAIN_ATOM_STEPS = {1: 10_000, 3: 2_000}
"""What a group of replicas may do in plain Python, by dimensions: some ten seconds."""


def pytest_configure():
    if PLAIN:
        from nemd_core.group import Group
        from nemd_core.verlet_group import VerletGroup

        for kind in (Group, VerletGroup):
            kind.advance = _limited(kind.advance)


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason="too long in plain Python")
    for item in items:
        if PLAIN and item.get_closest_marker("compiled"):
            item.add_marker(skip)


def _limited(advance):
    """`advance` of a group, which skips the test where its atom-steps add up to too many."""

    @functools.wraps(advance)
    def limited(group, first_step, n_steps, measure):
        system = group.system
        group.atom_steps = getattr(group, "atom_steps", 0) + n_steps * system.n_moving * len(
            group.replica_ids
        )
        if group.atom_steps > PLAIN_ATOM_STEPS[system.lattice.dimensions]:
            pytest.skip(f"{group.atom_steps} atom-steps are too many in plain Python")
        return advance(group, first_step, n_steps, measure)

    return limited
