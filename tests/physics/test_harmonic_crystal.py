"""Harmonic crystals of a few hundred atoms against their exact solution: fcc, and sc with transverse stiffness.

Every test compares with the expectation of its own run (harmonic.py) at 4 standard errors, with a cap on them. Some
modes of these crystals are damped by no bath and keep their initial energy: the scatter of the replicas includes it.
"""

import pytest
from physics.harmonic import check_averages, check_resistance, configure, measure


def fcc(replicas, equilibration, production):
    """432 atoms; mass ratio 2 and stiffness ratio 1.5, ramped baths."""
    return configure(
        "fcc",
        (6, 6),
        mass=(1.0, 2.0),
        stiffness=(1.0, 1.5),
        cross="arithmetic",
        baths={
            "hot": {"temperature": 1.5, "length": 2},
            "cold": {"temperature": 0.5, "length": 2},
            "friction": 0.5,
            "ramp": True,
            "walls": 1,
        },
        run={
            "timestep": 0.05,
            "equilibration_steps": equilibration,
            "production_steps": production,
            "replicas": replicas,
            "seed": 4,
        },
        fit={"skip_bath": 0.5, "skip_interface": 0.5},
    )


def sc(replicas, equilibration, production):
    """162 atoms; bonds with transverse stiffness, the colder bath in A, sides of unequal length."""
    return configure(
        "sc",
        (8, 10),
        mass=(2.0, 1.0),
        stiffness=(1.0, 1.5),
        transverse=(0.3, 0.6),
        cross="geometric",
        baths={
            "hot": {"temperature": 0.5, "length": 2},
            "cold": {"temperature": 1.5, "length": 3},
            "friction": 0.2,
            "walls": 1,
        },
        run={
            "timestep": 0.05,
            "equilibration_steps": equilibration,
            "production_steps": production,
            "replicas": replicas,
            "seed": 5,
        },
        fit={"skip_bath": 1, "skip_interface": 1},
    )


CRYSTALS = {"fcc junction": fcc, "sc junction": sc}


@pytest.mark.parametrize(
    ("name", "steps"), [("fcc junction", (48, 2_000, 10_000)), ("sc junction", (64, 4_000, 20_000))]
)
def test_crystal(record, name, steps):
    run = measure(CRYSTALS[name](*steps))
    check_averages(record, f"{name}, short", run, cap_T=0.015, cap_J=0.02)
    check_resistance(record, f"{name}, short", run, cap=0.05)


@pytest.mark.validate
@pytest.mark.parametrize(
    ("name", "steps"), [("fcc junction", (192, 4_000, 20_000)), ("sc junction", (64, 10_000, 160_000))]
)
def test_crystal_sharp(record, name, steps):
    run = measure(CRYSTALS[name](*steps))
    check_averages(record, name, run, cap_T=0.006, cap_J=0.006)
    check_resistance(record, name, run, cap=0.02)
