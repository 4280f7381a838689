"""Periodic ends: two interfaces, two baths in the middle of both sides, heat that leaves each bath both ways."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
from physics.engine import configure, simulate
from physics.validation import mean_and_stderr

from nemd_core import Simulation
from nemd_core.config import parse_config

SIDE, BATH, T_HOT, T_COLD, MASSES = 18, 4, 1.5, 0.5, (1.0, 3.0)
TETHER = 1e-6


def ring_config(replicas, seed):
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "chain",
                "lattice_constant": 1.0,
                "length": {"A": SIDE, "B": SIDE},
                "ends": "periodic",
            },
            "materials": {
                "A": {"mass": MASSES[0], "stiffness": 1.0},
                "B": {"mass": MASSES[1], "stiffness": 1.0},
            },
            "interaction": {"potential": "harmonic"},
            "baths": {
                "hot": {"temperature": T_HOT, "length": BATH},
                "cold": {"temperature": T_COLD, "length": BATH},
                "friction": 0.5,
                "ramp": True,
            },
            "run": {
                "timestep": 0.1,
                "equilibration_steps": 20_000,
                "production_steps": 20_000,
                "series_steps": 500,
                "replicas": replicas,
                "seed": seed,
                "threads": 1,
            },
            "fit": {"skip_bath": 1, "skip_interface": 1},
        }
    )


def exact_ring(config):
    """The same ring for the oracle, put together from a chain: its ends joined, the baths in the middle.

    The bond that closes the ring crosses all the planes of a chain, so the fluxes through planes are of no use here. A
    weak tether stands for the freedom to float, which the oracle refuses: it turns once in 50 000 time units.
    """
    chain = oracles.chain_junction(SIDE, SIDE, *MASSES)
    beside = (SIDE - BATH) // 2
    region = np.repeat(["A", "hot", "A", "B", "cold", "B"], [beside, BATH, beside] * 2)
    half = oracles.ramp_friction(config.baths.friction, BATH // 2)
    friction = np.zeros(2 * SIDE)
    for name in ("hot", "cold"):
        friction[region == name] = np.concatenate([half, half[::-1]])
    ring = replace(
        chain,
        friction=friction,
        temperature=np.select([region == "hot", region == "cold"], [T_HOT, T_COLD], 0.0),
        bath=np.where(np.isin(region, ["hot", "cold"]), region, ""),
        springs=np.vstack([chain.springs, [0, 2 * SIDE - 1]]),
        spring_vectors=np.vstack([chain.spring_vectors, [[-1.0, 0.0, 0.0]]]),
        spring_tensors=np.concatenate([chain.spring_tensors, np.ones((1, 1, 1))]),
        anchors=TETHER * (np.arange(2 * SIDE) == 0)[:, None, None],
        layer_region=region,
    )
    x = np.arange(2 * SIDE)
    known = [np.flatnonzero(region == name)[n] for name in ("hot", "cold") for n in (0, -1)]
    start = np.interp(x, known, [T_HOT, T_HOT, T_COLD, T_COLD], period=2 * SIDE)
    run = config.run
    return oracles.finite_run(ring, run.timestep, 2 * start, run.equilibration_steps, run.production_steps)


def check_ring(record, replicas, seed, cap):
    """Layer temperatures, heats of both baths, and half of them through either interface."""
    config = ring_config(replicas, seed)
    simulation = Simulation(config)
    simulation.run()
    samples, exact = simulation.samples(), exact_ring(config)
    time = config.run.production_steps * config.run.timestep
    interface, boundary = samples.flux[:, :, samples.interfaces["plane"]].mean(axis=1).T
    measured = [
        samples.temperature.mean(axis=1),
        samples.heat_hot[:, -1:] / time,
        -samples.heat_cold[:, -1:] / time,
    ]
    measured += [interface[:, None], -boundary[:, None]]
    J = 0.5 * exact.heat_hot
    record.vector(
        "Harmonic ring, mass ratio 3: temperatures, heats, half of them through each interface",
        np.hstack(measured),
        np.concatenate([exact.temperature, [exact.heat_hot, -exact.heat_cold, J, J]]),
        cap=np.concatenate([np.full(2 * SIDE, cap), np.full(4, 0.5 * cap)]),
        source="covariance of the time step",
    )
    record(
        "Harmonic ring: flux through the mean of both interfaces",
        *mean_and_stderr(0.5 * (interface - boundary)),
        J,
        cap=0.5 * cap,
        source="covariance of the time step",
    )


def test_a_harmonic_ring_is_exact(record):
    check_ring(record, 128, 5, 0.03)


@pytest.mark.validate
def test_a_harmonic_ring_is_exact_to_a_percent(record):
    check_ring(record, 1024, 6, 0.01)


@pytest.mark.validate
def test_periodic_and_fixed_ends_agree(record):
    """Lennard-Jones, mass ratio 4: the same baths, as far from the interface, with a wall behind or the next interface."""
    run = {"production": 150_000, "equilibration": 30_000}
    run = {f"{name}_steps": steps for name, steps in run.items()}
    fixed = configure(fit=(5, 3), seed=11, replicas=2, **run)
    free = fixed.structure.length.A - fixed.baths.walls - fixed.baths.hot.length
    ring = configure(
        fit=(5, 3), cells=fixed.baths.hot.length + 2 * free, walls=0, ends="periodic", seed=12, **run
    )
    (_, one), (_, two) = simulate(fixed), simulate(ring)
    stderr = np.hypot(one["R_K_stderr"], two["R_K_stderr"])
    record(
        "LJ fcc, mass ratio 4: R_K with periodic less R_K with fixed ends",
        two["R_K"] - one["R_K"],
        stderr,
        0.0,
        cap=0.08,
        source="the same interface",
    )
    both = two["interfaces"]
    record(
        "LJ fcc, periodic ends: R_K of one interface less that of the other",
        both[0]["R_K"] - both[1]["R_K"],
        np.hypot(*(interface["R_K_stderr"] for interface in both)),
        0.0,
        cap=0.12,
        source="symmetry",
    )
