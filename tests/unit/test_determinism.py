"""The same trajectory, bit for bit, whatever the threads, the replicas beside it, or the length of a block."""

import numpy as np
import pytest
from junctions import CHAIN, LIQUID, LJ, configure

import nemd_core.simulation as engine
from nemd_core import Simulation

pytestmark = pytest.mark.compiled

CASES = {
    "liquid": (LIQUID, {}),
    "chain": (CHAIN, {}),
    "lj": (LJ, {"materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99}}),
    "lj-harmonic": (
        LJ,
        {
            "materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 1.0},
            "interaction__potential": "lj-harmonic",
        },
    ),
    "alloy": (
        LJ,
        {
            "materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99},
            "structure__lattice_constant": {"lateral": 1.58, "A": 1.57, "B": 1.585},
            "structure__interface": {"kind": "intermixed", "layers": 4},
            "structure__length": {"A": 8, "B": 7},
        },
    ),
    "mixed precision": (
        LJ,
        {
            "materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99},
            "structure__length": {"A": 10, "B": 9},  # more cells than a sweep does at a time
            "run__precision": "mixed",
        },
    ),
    "periodic": (
        LJ,
        {
            "materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99},
            "structure__ends": "periodic",
            "baths__walls": 0,
            "structure__interface": {"kind": "rough", "layers": 2},
        },
    ),
}
SERIES = ("temperature", "flux", "heat_hot", "heat_cold", "energy", "stress", "energy_start")


def simulate(case, replica_ids=None, **settings):
    """A finished simulation of 300 steps."""
    base, own = CASES[case]
    steps = {"run__equilibration_steps": 100, "run__production_steps": 200, "run__block_steps": 100}
    simulation = Simulation(configure(base, **own | steps | settings), replica_ids)
    simulation.run()
    return simulation


def state(simulation):
    """Displacements, or positions, and velocities of all replicas, (2, replicas, sites, components)."""
    parts = [group.snapshot() for group in simulation.groups]
    names = ("position" if "position" in parts[0] else "displacement", "velocity")
    return np.stack([np.concatenate([part[name] for part in parts]) for name in names])


def assert_same(one, other, replicas=slice(None), of_other=slice(None)):
    """Equal bits of the final state and of everything measured."""
    assert np.array_equal(state(one)[:, replicas], state(other)[:, of_other])
    first, second = one.samples(), other.samples()
    for name in SERIES:
        assert np.array_equal(getattr(first, name)[replicas], getattr(second, name)[of_other]), name


@pytest.fixture(params=CASES)
def case(request):
    return request.param


@pytest.mark.parametrize("case", ["lj", "lj-harmonic", "alloy", "mixed precision", "periodic", "liquid"])
def test_threads_that_share_a_crystal(case, monkeypatch):
    monkeypatch.setattr(engine, "PARALLEL_SITES", 1)
    one, two = simulate(case, run__threads=1), simulate(case, run__threads=2)
    assert one.threads == 1 and two.threads == 2 and len(two.groups) == 1
    assert_same(one, two)


def test_threads_that_share_replicas(case):
    one = simulate(case, run__threads=1, run__replicas=5)
    two = simulate(case, run__threads=2, run__replicas=5)
    assert len(one.groups) == 1 and len(two.groups) == 2
    assert_same(one, two)


@pytest.mark.parametrize("among", [2, 5, 8, 9])
def test_a_replica_alone_or_among_others(case, among):
    together = simulate(case, run__replicas=among)
    for replica in {0, among // 2, among - 1}:
        assert_same(simulate(case, [replica]), together, of_other=slice(replica, replica + 1))


def test_a_replica_keeps_its_number(case):
    """Any subset, in any order: the number alone selects the random numbers."""
    some, all_five = simulate(case, [4, 1]), simulate(case, run__replicas=5)
    assert_same(some, all_five, of_other=[4, 1])


@pytest.mark.parametrize("block", [200, 500])
def test_block_steps_do_not_matter(case, block):
    settings = {"run__equilibration_steps": 300, "run__production_steps": 500}
    assert_same(
        simulate(case, **settings, run__block_steps=100), simulate(case, **settings, run__block_steps=block)
    )


def test_measuring_does_not_disturb(case):
    """More samples and more rows: the same trajectory."""
    rare, often = simulate(case), simulate(case, run__sample_every=1, run__series_steps=20)
    assert np.array_equal(state(rare), state(often))
    one, other = rare.samples(), often.samples()
    for name in ("heat_hot", "heat_cold", "energy"):
        assert np.array_equal(getattr(one, name), getattr(other, name)[:, 4::5]), name


def test_twice_the_same(case):
    assert_same(simulate(case), simulate(case))


def test_seeds_and_replicas_differ(case):
    runs = [simulate(case, run__replicas=2), simulate(case, run__replicas=2, run__seed=2)]
    velocities = np.concatenate([state(run)[1] for run in runs])
    moving = np.abs(velocities).max(axis=(0, 2)) > 0
    assert moving.sum() == runs[0].system.n_moving
    for i in range(4):
        for j in range(i):
            assert (velocities[i][moving] != velocities[j][moving]).all()


def test_walls_never_move(case):
    simulation = simulate(case)
    walls = ~simulation.system.moving_cell[simulation.system.cell_of_site]
    assert (state(simulation)[:, :, walls] == 0).all()
    assert (
        simulation.samples().temperature[:, :, simulation.samples().layers["region"] == "wall"] == 0
    ).all()


def test_initial_velocities_hold_twice_the_linear_profile():
    """Atoms start on their sites: kinetic energy T per component, of which equipartition leaves half."""
    base = {
        "baths__hot__temperature": 2.0,
        "baths__cold__temperature": 1.0,
        "structure__length": {"A": 8, "B": 8},
    }
    simulation = Simulation(configure(CHAIN, **base, baths__hot__length=2, run__replicas=400))
    v = state(simulation)[1, :, :, 0]
    system = simulation.system
    kinetic = (system.mass * v**2).mean(axis=0)
    x = np.clip((system.layer_x - 1) / (15 - 1), 0, 1)  # inner edges: the second and the last site
    expected = 2 * (2.0 - x)
    assert (np.abs(kinetic / expected - 1) < 4 * np.sqrt(2 / 400)).all()  # standard error 7 % each
    assert abs((kinetic / expected).mean() - 1) < 4 * np.sqrt(2 / 400 / 16)  # 1.8 %
    assert (state(simulation)[0] == 0).all()
