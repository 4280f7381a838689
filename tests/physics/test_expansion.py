"""Thermal expansion against LAMMPS: the spacing at which the engine's crystal is without stress at a temperature.

The reference (lammps_expansion/) is a crystal whose box follows its pressure; here the box is fixed and the stress measured.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from physics.engine import configure, simulate
from physics.validation import mean_and_stderr

from nemd_core import relaxation
from nemd_core.crystals import Crystal
from nemd_core.relaxation import relax_crystal

REFERENCE = json.loads((Path(__file__).parent / "lammps_expansion" / "reference.json").read_text())


def crystal_of(case):
    """The crystal of a reference run, and bulk results from which its lateral constant follows."""
    common = (1.0, 1.0, 2.5, "force-shift", case["temperature"])
    if case["lateral"] is None:
        return Crystal("bulk", "fcc", None, *common, None), {}
    crystal = Crystal("axial", "fcc", case["orientation"], *common, (2.0, 1.0))
    return crystal, {bulk.key: {"lattice_constant": case["lateral"]} for bulk in crystal.bulk}


@pytest.mark.parametrize("name", ["warm", "strained"])
def test_no_stress_at_the_spacing_of_lammps(record, name):
    case = REFERENCE[name]
    crystal, _ = crystal_of(case)
    spacing = case["lattice_constant"]
    stress, stderr = relaxation._measure_stress(crystal, spacing, case["lateral"] or spacing, 6000, seed=5)
    slope = 110  # stress per relative change of spacing; within a fifth for both
    stderr = np.hypot(stderr, slope * case["stderr"] / spacing)
    cap = slope * 1.5e-4
    record(
        f"fcc crystal, {name}: stress at LAMMPS's spacing", stress, stderr, 0.0, cap=cap, source="LAMMPS, NPT"
    )


@pytest.mark.validate
@pytest.mark.parametrize("name", REFERENCE)
def test_lattice_constant_agrees_with_lammps(record, name):
    """To 1e-4; the expansion itself, from a(0) = 1.5580, is 0.5 % (cold) to 1.8 % (warm)."""
    case = REFERENCE[name]
    found = relax_crystal(*crystal_of(case))
    stderr = np.hypot(found["stderr"], case["stderr"])
    cap = 1e-4 * case["lattice_constant"]
    quantity = f"fcc crystal, {name}, T = {case['temperature']}: lattice constant"
    record(
        quantity, found["lattice_constant"], stderr, case["lattice_constant"], cap=cap, source="LAMMPS, NPT"
    )


@pytest.mark.validate
@pytest.mark.parametrize("ratio", [1, 2, 4, 8])
def test_a_relaxed_junction_stays_where_it_is(record, ratio):
    """Without a difference of temperatures the interface keeps its place, and both sides pull equally."""
    config = configure(
        masses=(1.0, 1.0),
        epsilons=(1.0, ratio),
        temperatures=(0.2, 0.2),
        lattice_constant="auto",
        cells=16,
        baths=(4, 4),
        cross_section=5,
        timestep=0.004,
        equilibration_steps=20_000,
        production_steps=60_000,
        seed=3,
    )
    samples, fitted = simulate(config)
    layers, beside = samples.layers, [samples.interfaces[side][0] for side in ("left", "right")]
    spacing, place = np.diff(layers["x0"][beside])[0], layers["x0"][beside].mean()
    blocks = samples.stress[0].reshape(20, -1, 2).mean(axis=1)
    record(
        f"epsilon ratio {ratio}, relaxed, T = 0.2: axial stress of A less that of B",
        *mean_and_stderr(blocks[:, 0] - blocks[:, 1]),
        0.0,
        cap=0.05,
        source="balance of forces",
    )
    assert abs(fitted["x_interface"] - place) < 0.02 * spacing
