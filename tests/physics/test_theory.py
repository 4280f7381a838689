"""Three ways to the resistance of one harmonic junction: Green's functions, the exact steady state, and the simulation.

Green's functions know only leads without end and weigh modes as thermometers do (R_nemd); the exact steady state has the
walls and baths of the run; the simulation has its noise as well. Long, ramped baths reflect little, so all three meet.
Lennard-Jones forces, cold enough, join them.
"""

import pytest

from analysis import Settings, analyse
from nemd_core import Simulation, predict
from nemd_core.config import parse_config

BATH_ERROR = 0.02
"""What baths of 14 cells may still reflect, as a part of R_K."""

LONG = {"equilibration_steps": 300_000, "production_steps": 200_000}
"""Harmonic crystals do not scatter: 4 % of their modes (grazing ones) outlive 300 tau, 2 % 1500 tau. Until then they keep the
linear profile of the start, which has no jump, and R_K is too low by as much."""


def junction(mass, potential="lj-harmonic", hot=1.0, cold=0.1, length=28, bath=14, constant=1.6, **run):
    """fcc crystals that differ in mass; a linear system, so that a cold bath near 0 gives the strongest signal."""
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "fcc",
                "lattice_constant": constant,
                "cross_section": [4, 4],
                "length": {"A": length, "B": length},
            },
            "materials": {
                "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
                "B": {"mass": mass, "epsilon": 1.0, "sigma": 1.0},
            },
            "interaction": {"potential": potential},
            "baths": {
                "hot": {"temperature": hot, "length": bath},
                "cold": {"temperature": cold, "length": bath},
                "ramp": True,
            },
            "run": {"timestep": 0.005, "threads": 2, **run},
            "fit": "auto",
            "theory": {"mesh": 8},
        }
    )


def chain(mass, bath):
    """Two chains of 100 free atoms a side between ramped baths; longer baths are gentler."""
    materials = {"A": {"mass": 1.0, "stiffness": 1.0}, "B": {"mass": mass, "stiffness": 1.0}}
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "chain",
                "lattice_constant": 1.0,
                "length": {"A": 100 + bath, "B": 100 + bath},
            },
            "materials": materials,
            "interaction": {"potential": "harmonic"},
            "baths": {
                "hot": {"temperature": 1.5, "length": bath},
                "cold": {"temperature": 0.5, "length": bath},
                "friction": 16 / bath,
                "ramp": True,
                "walls": 0,
            },
            "fit": "auto",
        }
    )


def simulate(config):
    simulation = Simulation(config)
    simulation.run()
    return analyse(simulation.samples(), Settings.from_config(config)).interface


@pytest.mark.parametrize("mass, R_nemd, R_four_probe", [(2, 1.7626, 1.058), (4, 4.096, 3.145)])
def test_long_baths_lead_to_R_nemd(mass, R_nemd, R_four_probe):
    exact = [predict(chain(mass, bath), exact=True)["exact"]["R_K"] for bath in (40, 160)]
    assert abs(exact[1] - R_nemd) < abs(exact[0] - R_nemd)
    assert exact[1] == pytest.approx(R_nemd, rel=0.02)
    assert exact[1] > R_four_probe * 1.2


@pytest.mark.parametrize("mass", [pytest.param(2, marks=pytest.mark.validate), 4])
def test_green_functions_and_exact_state_agree(mass):
    fields = predict(junction(mass, length=24, bath=12), exact=True)
    assert fields["exact"]["R_K"] == pytest.approx(fields["R_nemd"], rel=BATH_ERROR)


@pytest.mark.validate
@pytest.mark.parametrize("mass", [2, 4])
def test_harmonic_crystals(record, mass):
    config = junction(mass, **LONG)
    fields, measured = predict(config, exact=True), simulate(config)
    name, R_K = f"fcc, lj-harmonic, mass ratio {mass}", fields["exact"]["R_K"]
    record.within(
        f"{name}: exact R_K", R_K, fields["R_nemd"], tolerance=BATH_ERROR * R_K, source="Green's functions"
    )
    record(
        f"{name}: R_K",
        measured["R_K"],
        measured["R_K_stderr"],
        R_K,
        cap=0.03 * R_K,
        source="Lyapunov equation",
    )


@pytest.mark.validate
def test_cold_crystals_are_harmonic(record):
    """At T = 0.001 what anharmonicity lets through is below the noise: it grows with T, to a quarter of G at 0.02.

    The crystals are free of stress: a stretched one does work on a plane that wobbles, which drowns so small a flux.
    """
    config = junction(4, "lj", 0.0015, 0.0005, constant=1.558, **LONG)
    measured, R_nemd = simulate(config), predict(config)["R_nemd"]
    record(
        "LJ fcc at T = 0.001, mass ratio 4: R_K",
        measured["R_K"],
        measured["R_K_stderr"],
        R_nemd,
        cap=0.04 * R_nemd,
        source="R_nemd of Green's functions",
    )
