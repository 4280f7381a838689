"""The exact steady state where it takes long: Lennard-Jones crystals against dense matrices, and very long chains."""

import numpy as np
import oracles
import pytest
from junctions import LJ, changed
from physics.harmonic import configure

from nemd_core.baths import layer_friction
from nemd_core.config import parse_config
from nemd_core.forces.build import build_forces
from nemd_core.potentials import law_of
from nemd_core.structure import build
from nemd_core.theory.steady_state import steady_state

SMALL = changed(
    LJ,
    structure__length={"A": 5, "B": 5},
    materials__B__epsilon=1.4,
    materials__B__sigma=0.98,
    interaction={"potential": "lj-harmonic", "cutoff": 1.7},
    baths={
        "hot": {"temperature": 0.35, "length": 1},
        "cold": {"temperature": 0.15, "length": 1},
        "friction": 1.0,
        "walls": 2,
    },
)
ROUGH = {"structure__length": {"A": 6, "B": 6}, "structure__interface": {"kind": "rough", "layers": 2}}
FIT = {"skip_bath": 20, "skip_interface": 20}


def engine_matrix(config):
    """Force constants of the moving degrees of freedom, column by column from the forces of the engine."""
    system = build(config)
    forces = build_forces(system, law_of(config), "lj-harmonic", 0.0)
    moving = np.flatnonzero(system.moving_cell[system.cell_of_site])
    K = np.zeros((3 * len(moving),) * 2)
    for column in range(len(K)):
        u = np.zeros((system.n_sites, 3))
        u[moving[column // 3], column % 3] = 1.0
        K[:, column] = -forces.evaluate(system, u)[0][moving].ravel()
    return system, K, np.repeat(moving, 3)


@pytest.mark.validate
@pytest.mark.parametrize("settings", [{}, ROUGH], ids=["sharp", "rough"])
def test_lennard_jones_crystal_against_its_forces(settings, record):
    """216 and 288 atoms in real space, no symmetry used, the engine's own linear forces."""
    config = parse_config(changed(SMALL, **settings))
    system, K, site = engine_matrix(config)
    layer, mass = system.layer_of_site[site], system.mass[site]
    T = np.select([system.layer_region == name for name in ("hot", "cold")], [0.35, 0.15], 0.0)
    gamma = layer_friction(system, config.baths)[layer]
    S = oracles.steady_state_dense((K + K.T) / 2, mass, gamma, T[layer])
    kinetic = S.diagonal()[len(K) :] / mass
    count = np.bincount(layer, minlength=system.n_layers)
    expected = np.bincount(layer, kinetic, system.n_layers) / np.maximum(count, 1)
    J = (gamma * (T[layer] - kinetic))[system.layer_region[layer] == "hot"].sum() / system.area
    state = steady_state(config)
    assert state.n_undamped == 0
    name = "rough" if settings else "sharp"
    worst = np.abs(state.temperature - expected)[count > 0].max()
    record.within(
        f"Exact state, {name} LJ crystal: largest error of T", worst, 0, tolerance=1e-7, source="dense"
    )
    record.within(f"Exact state, {name} LJ crystal: J", state.J, J, tolerance=1e-7, source="dense")


def long_chain(bath, friction, mass=4.0, slab=100):
    baths = {
        "hot": {"temperature": 1.5, "length": bath},
        "cold": {"temperature": 0.5, "length": bath},
        "friction": friction,
        "ramp": True,
        "walls": 0,
    }
    length = (slab + bath,) * 2
    run = {"timestep": 0.05}
    return configure("chain", length, mass=(1.0, mass), cross="arithmetic", baths=baths, run=run, fit=FIT)


@pytest.mark.validate
@pytest.mark.parametrize("mass", [2.0, 4.0])
def test_longer_baths_approach_the_nemd_resistance(mass, record):
    """Not the four-probe value, which is lower by a quarter and more."""
    _, four, nemd = oracles.landauer_chain_resistances(1, 1, mass, 1, 1)
    excess = [steady_state(long_chain(bath, 20 / bath, mass)).R_K - nemd for bath in (50, 100, 200, 400)]
    assert (np.diff(excess) < 0).all() and excess[-1] > 0
    assert nemd - four > 30 * excess[-1]
    record.within(
        f"Exact state, mass ratio {mass:g}, baths of 400 sites: R_K",
        nemd + excess[-1],
        nemd,
        tolerance=0.01 * nemd,
        source="R_NEMD of two half-infinite chains",
    )


@pytest.mark.validate
@pytest.mark.parametrize("friction", [1.0, 0.1])
def test_two_thousand_atoms_carry_as_much_as_infinitely_many(friction, record):
    baths = {"hot": {"temperature": 1.5, "length": 1}, "cold": {"temperature": 0.5, "length": 1}}
    baths |= {"friction": friction, "walls": 0}
    config = configure(
        "chain", (1000, 1000), cross="arithmetic", baths=baths, run={"timestep": 0.05}, fit=FIT
    )
    state, J = steady_state(config), oracles.rll_flux(1, 1, friction, 1.5, 0.5)
    record.within(
        f"Exact state, 2000 atoms, friction {friction:g}: J",
        state.J,
        J,
        tolerance=1e-8,
        source="Rieder et al. 1967",
    )
    assert np.abs(state.temperature[10:-10] - 1.0).max() < 1e-6
