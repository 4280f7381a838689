"""Forces of both kernels with the vectors of another processor: with AVX-512 where there is none, and the reverse."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nemd_core.simd import LANES

TESTS = Path(__file__).parents[1]
CHOSEN = """
unit/test_simd.py::test_operations_lane_by_lane
unit/test_simd.py::test_what_is_added_to_doubles_is_widened_first
unit/test_forces.py::test_kernel_equals_reference[fcc-lj-3]
unit/test_mixed_precision.py::test_forces_are_those_of_doubles_but_for_rounding[fcc-lj-3]
unit/test_verlet_forces.py::test_sums_equal_those_over_all_pairs[force-shift-150-True-True]
unit/test_verlet_forces.py::test_near_candidates_are_appended_in_their_order
"""


@pytest.mark.compiled
def test_kernels_with_the_vectors_of_another_processor(tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "other_vectors", "-p", "no:cacheprovider"]
        + [str(TESTS / name) for name in CHOSEN.split()],
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "NUMBA_CACHE_DIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.returncode == 0, process.stdout
    assert f"vectors of {12 - LANES} doubles" in process.stdout
    assert int(re.search(r"(\d+) passed", process.stdout)[1]) >= len(CHOSEN.split())
