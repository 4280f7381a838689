"""Runs with forces verlet: the same trajectory as the lattice kernel on a crystal, liquids, and crystals that melt."""

import json

import numpy as np
import pytest
import yaml
from ase.calculators.lj import LennardJones
from configurations import CHAIN, FCC, only_problem, problems
from configurations import LJ as JUNCTION
from configurations import changed as with_keys
from junctions import LIQUID, LJ, changed, configure
from scipy.spatial import cKDTree

from nemd_core import Simulation, build, from_ase, predict, read_samples
from nemd_core.__main__ import main
from nemd_core.config import parse_config
from nemd_core.errors import ConfigError
from nemd_core.forces.reference import reference_forces
from nemd_core.forces.verlet import sum_one
from nemd_core.potentials import law_of
from nemd_core.verlet_meter import find_layers

SHORT = {
    "run__equilibration_steps": 0,
    "run__production_steps": 40,
    "run__block_steps": 40,
    "run__series_steps": 20,
}
CRYSTALS = {
    "fixed": {},
    "periodic": {"structure__ends": "periodic", "baths__walls": 0},
    "strained": {
        "materials__B": {"mass": 4.0, "epsilon": 1.3, "sigma": 0.99},
        "structure__lattice_constant": {"lateral": 1.58, "A": 1.57, "B": 1.585},
        "structure__interface": {"kind": "sharp", "plane": "species"},
    },
}


def places(simulation):
    """Positions and velocities of every site, each (replica, n_sites, 3)."""
    return simulation.groups[0].frames()


def test_an_isolated_junction_gets_no_heat_and_keeps_its_energy():
    """But for the error of the time step, a hundredth of what the baths exchange with the same junction."""
    energies = {}
    for isolated in (False, True):
        simulation = Simulation(configure(LJ, **SHORT, run__forces="verlet", run__timestep=0.001))
        group = simulation.groups[0]
        if isolated:
            group.isolate()
        before = group.energy()
        simulation.run()
        energies[isolated] = group.energy() - before
        assert (np.array(group.heats()) == 0).all() == isolated
    assert np.abs(energies[True]).max() < 0.01 * np.abs(energies[False]).min()


@pytest.mark.parametrize("name", CRYSTALS)
def test_both_kernels_agree_on_a_crystal(name):
    """Positions, velocities and everything measured, over 40 steps with baths and frozen walls."""
    runs = []
    for forces in ("lattice", "verlet"):
        runs.append(Simulation(configure(LJ, **SHORT, **CRYSTALS[name], run__forces=forces)))
        runs[-1].run()
    for one, other in zip(*map(places, runs), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)
    first, second = (simulation.samples() for simulation in runs)
    for series in ("temperature", "flux", "heat_hot", "heat_cold", "stress", "energy", "flux_species"):
        wanted = getattr(first, series)
        if wanted is not None:
            atol = 1e-11 * np.abs(wanted).max()
            np.testing.assert_allclose(getattr(second, series), wanted, rtol=0, atol=atol, err_msg=series)
    assert np.array_equal(first.layers["n_sites"], second.layers["n_sites"])


def start(steps=300, **settings):
    """The group of one liquid whose baths are switched off, after it has melted, or begun to."""
    simulation = Simulation(configure(LIQUID, **settings))
    (group,) = simulation.groups
    group.advance(0, steps, False)
    (replica,) = group.replicas
    replica.reservoirs.memory[:], replica.reservoirs.noise[:] = 1.0, 0.0
    return group, replica


def sums_by_cell(group, replica):
    """Energy of the atoms of each cell along x, ½ m v² and half of their pairs, and what they receive per time."""
    atoms, sums = replica.atoms, np.zeros((2, group.system.n_layers))
    for chunk in range(len(replica.list.moved)):
        find_layers(chunk, atoms, group.bins, 0.0, atoms.layer)
    own = 0.5 * (atoms.mass * atoms.v**2).sum(axis=0)
    for i, layer in enumerate(atoms.layer):
        energy, power = sum_one(i, atoms, replica.list, replica.law)
        sums[:, layer] += own[i] + energy, power
    return sums.reshape(2, group.system.n_cells, -1).sum(axis=2)


@pytest.mark.parametrize("dt", [0.004, 0.002])
def test_cells_gain_what_flows_through_their_planes_also_where_atoms_cross(dt):
    """Every step counted, the sum over steps made a trapezoid: equal but for the second order of the time step."""
    steps = int(0.4 / dt)
    group, replica = start(run__timestep=dt, run__sample_every=1, run__series_steps=steps)
    begin, received = sums_by_cell(group, replica)
    before = np.bincount(replica.atoms.layer)
    _, _, series = group.advance(0, steps, True)
    end, received_last = sums_by_cell(group, replica)
    flown = series.flux[0, 0] * group.system.area * dt * steps
    gained = flown - np.roll(flown, -1) - 0.5 * dt * (received_last - received)
    assert np.abs(flown).max() > 10 and np.abs(np.bincount(replica.atoms.layer) - before).sum() > 10
    np.testing.assert_allclose(gained, end - begin, rtol=0, atol=6e3 * dt**2)


def test_forces_of_a_melt_are_those_of_the_slow_reference():
    """Two materials, force-shift. Few steps: the reference looks for images not far from the sites."""
    group, replica = start(60)
    system, moved = group.system, group.frames()[0][0] - group.system.positions
    assert 0.5 < np.abs(moved).max() < 1.5
    wanted = reference_forces(system, law_of(group.config), moved)
    scale = np.abs(wanted.forces).max()
    np.testing.assert_allclose(replica.by_number(replica.atoms.f), wanted.forces, rtol=0, atol=1e-12 * scale)
    kinetic = 0.5 * (replica.atoms.mass * replica.atoms.v**2).sum()
    assert replica.energy() - kinetic == pytest.approx(wanted.energy, rel=1e-12)


def test_forces_of_a_melt_are_those_of_ase():
    """One material, truncation none; ASE shifts the energy to zero at the cut-off, as we do where atoms cross it."""
    one = {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0}
    group, replica = start(materials={"A": one, "B": one}, interaction__truncation="none")
    atoms = group.system.to_ase()
    atoms.positions, atoms.pbc = group.frames()[0][0], True
    atoms.calc = LennardJones(sigma=1.0, epsilon=1.0, rc=group.config.interaction.cutoff)
    forces = atoms.get_forces()
    scale = np.abs(forces).max()
    np.testing.assert_allclose(replica.by_number(replica.atoms.f), forces, rtol=0, atol=1e-12 * scale)
    kinetic = 0.5 * (replica.atoms.mass * replica.atoms.v**2).sum()
    assert replica.energy() - kinetic == pytest.approx(atoms.get_potential_energy(), rel=1e-12)


def test_energy_and_momentum_are_conserved_without_baths():
    group, replica = start()
    energy, momentum = group.energy(), replica.atoms.mass @ replica.atoms.v.T
    group.advance(300, 300, False)
    assert abs(group.energy() - energy) < 1e-4 * 3 * replica.list.n
    np.testing.assert_allclose(replica.atoms.mass @ replica.atoms.v.T, momentum, rtol=0, atol=1e-10)


def test_no_list_is_used_that_an_atom_has_outgrown():
    """After every step: where atoms are, against where they were when the list was built."""
    group, replica = start()
    builds, skin = replica.list.count[1], group.config.run.skin
    for step in range(300, 360):
        group.advance(step, 1, False)
        away = np.linalg.norm(replica.atoms.x - replica.list.built, axis=0)
        assert away.max() <= 0.5 * skin
    assert 3 < replica.list.count[1] - builds < 30  # not at every step


def test_the_ledger_closes_in_a_liquid():
    simulation = Simulation(configure(LIQUID, run__production_steps=1000, run__timestep=0.002))
    simulation.run()
    assert simulation.audit.passed
    samples = simulation.samples()
    audit = samples.energy[0] - samples.energy_start[0] - samples.heat_hot[0] - samples.heat_cold[0]
    assert np.abs(audit).max() < 2e-3 * 1.5 * simulation.system.n_moving
    assert samples.layers["n_sites"].sum() == pytest.approx(simulation.system.n_sites)
    assert np.abs(samples.layers["x_mean"] - samples.layers["x0"]).max() < 0.5
    assert simulation.groups[0].describe()["builds"] > 10


def test_a_crystal_that_melts_goes_on_with_forces_verlet(tmp_path, capsys):
    """From the last checkpoint of the run that its table has stopped, which is kept for that."""
    hot = {"baths__hot__temperature": 5.0, "baths__cold__temperature": 5.0, "run__timestep": 0.002}
    steps = {"run__equilibration_steps": 20000, "run__checkpoint_seconds": 1e-6}
    path, out = tmp_path / "config.yaml", tmp_path / "out"
    path.write_text(yaml.safe_dump(changed(LJ, **hot, **steps)))
    assert main(["run", str(path), "-o", str(out)]) == 3
    line = capsys.readouterr().err.splitlines()[-1]
    assert "melts" in line and "--resume --set run.forces=verlet" in line
    assert (out / "checkpoint.h5").exists()
    again = ["run", str(path), "-o", str(out), "--resume", "--set", "run.equilibration_steps=400"]
    assert main(again) == 2  # another run, with the same forces
    other = ["run", str(path), "-o", str(out), "--resume", "--set", "run.forces=verlet"]
    assert main(other) == 0
    info = json.loads((out / "run.json").read_text())
    assert info["status"] == "done" and info["started_from"]["forces"] == "lattice"
    assert info["started_from"]["step"] > 0 and info["steps"] == 20400
    assert info["neighbour_list"]["builds"] > 100
    assert np.isfinite(read_samples(out / "samples.h5").temperature).all()
    assert not (out / "checkpoint.h5").exists()
    assert main(other) == 0 and "kept" in capsys.readouterr().out


# --- configuration --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "settings", "key", "words"),
    [
        (FCC, ["run.forces=verlet"], "run.forces", "must be lattice for potential harmonic"),
        (JUNCTION, ["run.forces=verlet", "interaction.potential=lj-harmonic"], "run.forces", "lj-harmonic"),
        (JUNCTION, ["run.skin=0.3"], "run.skin", "not a key of forces lattice"),
        (JUNCTION, ["run.forces=verlet", "run.skin=3"], "run.skin", "must be at most interaction.cutoff"),
        (JUNCTION, ["run.forces=verlet", "run.skin=0"], "run.skin", "must be a number > 0"),
    ],
)
def test_what_does_not_go_with_these_forces_is_refused_by_name(base, settings, key, words):
    problem = only_problem(with_keys(base, *settings))
    assert problem.key == key and words in problem.allowed


def test_a_chain_is_refused():
    problem = only_problem(with_keys(CHAIN, "run.forces=verlet"))
    assert problem.key == "run.forces"


def test_auto_is_lattice_and_has_no_skin():
    run = parse_config(JUNCTION).run
    assert run.forces == "lattice" and run.skin is None
    assert parse_config(with_keys(JUNCTION, "run.forces=verlet")).run.skin == 0.3


def test_a_liquid_need_not_be_a_stable_crystal():
    """The lattice from which it starts is one of the wanted density."""
    thin = "structure.lattice_constant=1.8821"
    assert only_problem(with_keys(JUNCTION, thin)).key == "structure.lattice_constant"
    parse_config(with_keys(JUNCTION, thin, "run.forces=verlet"))


# --- lattices that do not match -------------------------------------------------------------------------------

UNEQUAL = (
    "structure.lattice_constant={lateral: 1.58, A: 1.58, B: 1.9}",
    "structure.cross_section_B=[5, 5]",
    "materials.B.sigma=1.2",
)


def test_lattices_that_do_not_match_are_one_junction_of_two():
    config = parse_config(with_keys(JUNCTION, *UNEQUAL, "structure.length={A: 24, B: 23}"))
    assert config.run.forces == "verlet"
    system = build(config)
    assert system.n_sites == 4 * (24 * 36 + 23 * 25) == len(system.positions) == len(system.mass)
    assert list(np.unique(system.layer_count)) == [50, 72]
    np.testing.assert_allclose(system.strain, 6 * 1.58 / 5 / 1.9 - 1, rtol=0, atol=1e-12)
    inside = system.positions[:, 1:] < system.sides
    assert inside.all() and (system.layer_species == np.repeat(["A", "B"], [48, 46])).all()
    tree = cKDTree(system.positions - [-1, 0, 0], boxsize=[100, *system.sides])
    nearest = tree.query(system.positions - [-1, 0, 0], 2)[0][:, 1]
    assert 0.9 * (1.58 + 1.9) / 2 / 2**0.5 <= nearest.min() + 1e-9 and nearest.max() < 1.36
    assert (np.diff(system.layer_x) > 0).all() and np.diff(system.layer_x).argmax() == 47
    assert system.layer_x[47] < system.plane_x[system.interfaces["plane"][0]] < system.layer_x[48]
    again = from_ase(system.to_ase())
    assert np.array_equal(again.positions, system.positions) and np.array_equal(again.species, system.species)


def test_lattices_that_do_not_match_run():
    """Walls, baths and the flux through every plane, the interface among them, are those of the ledger's energy."""
    base = changed(
        LJ,
        structure__lattice_constant={"lateral": 1.58, "A": 1.58, "B": 1.9},
        structure__cross_section=[4, 4],
        structure__cross_section_B=[3, 3],
        structure__length={"A": 7, "B": 7},
        materials__B={"mass": 2.0, "epsilon": 1.0, "sigma": 1.2},
        run__production_steps=400,
    )
    base["structure"]["lattice_constant"]["B"] = 2.1
    simulation = Simulation(parse_config(base))
    simulation.run()
    samples = simulation.samples()
    assert simulation.audit.passed and np.isfinite(samples.flux).all()
    assert samples.layers["n_sites"][0] == 32 and samples.layers["n_sites"][-1] == 18
    assert samples.layers["n_sites"].sum() == pytest.approx(simulation.system.n_sites)


@pytest.mark.parametrize(
    ("setting", "key", "words"),
    [
        ("structure.cross_section_B=[6, 5]", "structure.cross_section_B", "5 cells come closest"),
        ("structure.lattice_constant=1.58", "structure.lattice_constant", "must be a mapping"),
        (
            "structure.interface={kind: rough, layers: 2}",
            "structure.interface.kind",
            "the sites are not one lattice",
        ),
        ("structure.interlayer={layers: 2}", "structure.interlayer", "must be absent"),
    ],
)
def test_what_does_not_go_with_two_lattices_is_refused(setting, key, words):
    data = with_keys(JUNCTION, *UNEQUAL, setting)
    if "interlayer" in setting:
        data["materials"]["C"] = {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0}
    problem = only_problem(data)
    assert problem.key == key and words in problem.allowed


def test_forces_lattice_do_not_hold_two_lattices():
    found = problems(with_keys(JUNCTION, *UNEQUAL, "run.forces=lattice"))
    keys = {problem.key: problem.allowed for problem in found}
    assert "must be verlet with structure.cross_section_B" in keys["run.forces"]


def test_theory_takes_one_lattice():
    config = parse_config(with_keys(JUNCTION, *UNEQUAL))
    with pytest.raises(ConfigError, match="must be absent for theory"):
        predict(config)
