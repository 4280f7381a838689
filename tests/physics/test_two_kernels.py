"""One crystal under both kernels: a fixed table of neighbours, and a list that follows the atoms."""

import numpy as np
import pytest
from physics.engine import configure, simulate


@pytest.mark.validate
def test_both_kernels_find_the_same_resistance(record):
    """Small crystals, mass ratio 4. The trajectories part after some thousand steps: two samples of one physics."""
    found = {}
    for forces in ("lattice", "verlet"):
        config = configure(
            cells=16,
            cross_section=4,
            baths=(4, 4),
            forces=forces,
            replicas=2,
            equilibration_steps=20_000,
            production_steps=200_000,
        )
        found[forces] = simulate(config)[1]
    lattice, verlet = found.values()
    for name, cap in (("R_K", 0.15), ("J", 0.002)):
        stderr = np.hypot(lattice[f"{name}_stderr"], verlet[f"{name}_stderr"])
        record(
            f"Mass ratio 4, 16 cells a side: {name}, verlet less lattice",
            verlet[name] - lattice[name],
            stderr,
            0.0,
            cap=cap,
            source="forces: lattice",
        )
