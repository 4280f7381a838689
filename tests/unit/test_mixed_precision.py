"""Pair terms in single precision: forces as those of doubles to 24 bits, everything else in double."""

import numpy as np
import pytest
from force_cases import CASES, but_compiled, is_long, kernel_sums, law_for
from junctions import LJ, configure, displace, junction, moving

from nemd_core import Simulation
from nemd_core.forces.build import build_forces
from nemd_core.simd import LANES

SINGLE = 2.0**-24
"""Relative rounding of a number in single precision."""


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("name", but_compiled(CASES, is_long))
def test_forces_are_those_of_doubles_but_for_rounding(name, replicas):
    """r² and its powers amplify the rounding of r by 14, and some 50 terms add up."""
    system, potential, cutoff = CASES[name]
    law = law_for(potential, cutoff, species=1 + int(system.species.max()))
    u = displace(system, 0.05)
    (exact, energy), (found, same_energy) = (
        build_forces(system, law, potential, 0.35, replicas, mixed=mixed).evaluate(system, u)
        for mixed in (False, True)
    )
    error = np.abs(found - exact).max() / np.abs(exact).max()
    assert 0 < error < 60 * SINGLE
    assert same_energy == pytest.approx(energy, rel=1e-14)  # computed in double


@pytest.mark.parametrize("name", ["chain-lj", "fcc-lj-harmonic", "alloy-lj", "periodic-lj"])
@pytest.mark.parametrize("replicas", [1, 3])
def test_heat_flow_is_that_of_doubles_but_for_rounding(name, replicas):
    """Through every plane, the force on it and, with fixed ends, what goes from species A to others."""
    system, potential, cutoff = CASES[name]
    law = law_for(potential, cutoff, species=1 + int(system.species.max()))
    u = np.array([displace(system, 0.05, seed=r) for r in range(replicas)])
    v = np.random.default_rng(3).standard_normal(u.shape) * moving(system)[:, None]
    exact, found = (
        kernel_sums(
            system,
            build_forces(system, law, potential, 0.35, replicas, between_species=True, mixed=mixed),
            u,
            v,
        )
        for mixed in (False, True)
    )
    scale = {"flow": exact.flow, "pull": exact.pull} | ({} if system.periodic else {"crossing": exact.flow})
    for sums, of in scale.items():
        error = np.abs(getattr(found, sums) - getattr(exact, sums)).max() / np.abs(of).max()
        assert 0 < error < 100 * SINGLE, sums


def test_far_pairs_count_where_they_come_within_the_cutoff():
    """Where the potential is continuous, so that rounding puts no pair on the other side of a step."""
    system = junction("fcc", 5, 5, a=4 ** (1 / 3), cross_section=(4, 4), walls=2)
    law, u = law_for("lj", 2.5, "force-shift"), displace(system, 0.12)
    exact, found = (build_forces(system, law, "lj", 0.35, mixed=mixed) for mixed in (False, True))
    assert found.pair_field.far[-1] > found.pair_field.far[0]
    (exact, _), (found, _) = exact.evaluate(system, u), found.evaluate(system, u)
    assert 0 < np.abs(found - exact).max() < 60 * SINGLE * np.abs(exact).max()


def test_state_and_sums_are_double():
    group = Simulation(configure(LJ, run__precision="mixed")).groups[0]
    forces, state = group.forces, group.state
    assert forces.rows.lanes == forces.pair_field.lanes == 2 * LANES
    assert {forces.pair_field.buffer.dtype, state.pair_x.dtype, forces.pair_law.segment.dtype} == {
        np.dtype(np.float32)
    }
    doubles = (state.u, state.v, state.f, forces.pair_field.flow, forces.law.segment, group.baths.heat)
    assert {array.dtype for array in doubles} == {np.dtype(np.float64)}


def run(precision, **settings):
    steps = {"run__equilibration_steps": 200, "run__production_steps": 800, "run__block_steps": 200}
    simulation = Simulation(configure(LJ, **steps, run__precision=precision, **settings))
    simulation.run()
    return simulation


def test_the_same_start_and_the_same_ledger():
    """Trajectories part as chaos has it, from rounding; energy is kept to the same share of what the baths gave."""
    double, mixed = run("double"), run("mixed")
    one, other = double.samples(), mixed.samples()
    first = np.abs(other.energy[0, 0] / one.energy[0, 0] - 1)
    assert 0 < first < 1e-3
    for samples in (one, other):
        given = samples.energy_start + samples.heat_hot[:, -1] + samples.heat_cold[:, -1]
        thermal = 3 * double.system.n_moving * 0.25
        assert abs(samples.energy[:, -1] - given)[0] < 1e-2 * thermal
    assert mixed.audit.passed


def test_energy_of_an_isolated_crystal_does_not_drift():
    """Without friction nothing gives energy: what drifts is what single precision costs."""
    crystal = {"baths__friction": 1e-9}
    change = {}
    for precision in ("double", "mixed"):
        simulation = run(precision, **crystal)
        energy = simulation.samples().energy[0]
        change[precision] = np.abs(energy - energy[0]).max() / (3 * simulation.system.n_moving * 0.25)
    assert change["mixed"] < 1.5 * change["double"]  # what velocity Verlet itself lets energy waver
