"""Relaxed lattice constants: lattice sums against independent ones, crystals of a junction, their store, the search."""

import itertools
import json

import ase
import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from junctions import CHAIN, LJ, configure
from scipy.optimize import minimize_scalar

from nemd_core import relaxation
from nemd_core.crystals import Crystal, crystals_of, lattice_constants
from nemd_core.errors import ConfigError, PhysicsError, StorageError
from nemd_core.lattice import find_lattice
from nemd_core.relaxation import fit_zero, relax_all, relax_crystal
from nemd_core.simulation import Simulation
from nemd_core.solids import (
    SPACINGS,
    find_spacing,
    find_stiffness,
    guess_expansion,
    make_solid,
    static_stress,
)

ORIENTATIONS = (100, 110, 111)
AUTO = {"structure__lattice_constant": "auto", "interaction__cutoff": 1.7}
AT_REST = AUTO | {"interaction__potential": "lj-harmonic"}
TWO = {
    "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
    "B": {"mass": 4.0, "epsilon": 2.0, "sigma": 1.03},
}

BATHS = {"hot": {"length": 2}, "cold": {"length": 2}}


def bulk(T=0.0, epsilon=1.0, sigma=1.0, cutoff=2.5):
    return Crystal("bulk", "fcc", None, epsilon, sigma, cutoff, "force-shift", T, None)


def fcc_shells(n=8):
    """Vectors to the fcc sites around one, in lattice constants, and their distances."""
    sites = (
        np.array([v for v in itertools.product(range(-n, n + 1), repeat=3) if sum(v) % 2 == 0 and any(v)]) / 2
    )
    return sites, np.linalg.norm(sites, axis=1)


def force_shifted(r, cutoff):
    """phi, phi' and phi'' of the force-shifted Lennard-Jones potential, written out."""
    phi, first = 4 * (r**-12 - r**-6), -48 * r**-13 + 24 * r**-7
    phi_c, first_c = 4 * (cutoff**-12 - cutoff**-6), -48 * cutoff**-13 + 24 * cutoff**-7
    inside = r < cutoff
    second = 624 * r**-14 - 168 * r**-8
    return (phi - phi_c - (r - cutoff) * first_c) * inside, (first - first_c) * inside, second * inside


# ---- lattice sums ----


def test_constant_of_the_truncated_crystal_minimises_its_energy():
    _, r = fcc_shells()
    found = minimize_scalar(
        lambda a: force_shifted(a * r, 2.5)[0].sum(),
        bounds=(1.5, 1.6),
        method="bounded",
        options={"xatol": 1e-9},
    )
    a = find_spacing(make_solid(find_lattice("fcc"), 2.5, "force-shift"), None)
    assert a == pytest.approx(found.x, rel=1e-7)
    assert a == pytest.approx(1.55800, abs=0.5e-5)


def test_constant_of_the_full_crystal():
    """sum r^-12 = 12.13188 and sum r^-6 = 14.45392 over fcc neighbours (Kittel, Introduction to Solid State Physics)."""
    a = find_spacing(make_solid(find_lattice("fcc"), 12.0, "none"), None)
    assert a == pytest.approx(np.sqrt(2) * (2 * 12.13188 / 14.45392) ** (1 / 6), rel=1e-4)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_stress_equals_ase(orientation):
    cell = find_lattice("fcc", orientation)
    axial, lateral = 1.55, 1.575
    box = cell.edges * (axial, lateral, lateral)
    atoms = ase.Atoms("Ar" * len(cell.basis), positions=cell.basis * box, cell=box, pbc=True)
    atoms.calc = LennardJones(sigma=1.0, epsilon=1.0, rc=2.5)
    for truncation in ("none", "energy-shift"):
        found = static_stress(make_solid(cell, 2.5, truncation), axial, lateral)
        assert found == pytest.approx(atoms.get_stress()[0], rel=1e-10)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_small_strains_follow_the_elastic_constants(orientation):
    """Without axial stress, axial strain = -(C12' + C13')/C11' lateral strain, in the frame of the orientation."""
    solid = make_solid(find_lattice("fcc", orientation), 2.5, "force-shift")
    a, h = find_spacing(solid, None), 1e-4
    bonds, r = fcc_shells()
    bonds, r = a * bonds, a * r
    _, first, second = force_shifted(r, 2.5)
    weight = 0.5 * (second - first / r) / r**2 / (a**3 / 4)
    C11, C12 = (weight * bonds[:, 0] ** 2 * bonds[:, axis] ** 2 @ np.ones(len(r)) for axis in (0, 1))
    C44 = C12  # central forces, no stress
    frame = {
        100: (C11, C12, C12),
        110: ((C11 + C12 + 2 * C44) / 2, (C11 + C12 - 2 * C44) / 2, C12),
        111: ((C11 + 2 * C12 + 4 * C44) / 3, *[(C11 + 2 * C12 - 2 * C44) / 3] * 2),
    }
    along, *across = frame[orientation]
    slope = (find_spacing(solid, a * (1 + h)) - find_spacing(solid, a * (1 - h))) / (2 * h * a)
    assert slope == pytest.approx(-sum(across) / along, rel=1e-5)
    # over a finite width, in which stiffness changes by several per cent to second order
    assert find_stiffness(solid, a, a) == pytest.approx(along, rel=0.02)
    assert find_stiffness(solid, a, None) == pytest.approx(C11 + 2 * C12, rel=0.02)


def test_no_spacing_where_the_sides_are_torn_apart():
    solid = make_solid(find_lattice("fcc"), 2.5, "force-shift")
    assert find_spacing(solid, 3.0) is None
    assert SPACINGS[0] < find_spacing(solid, 1.5) / solid.unit < SPACINGS[-1]


def test_guess_of_the_expansion_has_its_stated_error():
    """LAMMPS (tests/physics/lammps_expansion): a(0.1) = 1.56648, a(0.3) = 1.58625; a(0) = 1.55800."""
    solid = make_solid(find_lattice("fcc"), 2.5, "force-shift")
    guess = [guess_expansion(solid, 1.558, None, T) for T in (0.1, 0.3)]
    assert guess == pytest.approx(np.log(np.array([1.56648, 1.58625]) / 1.558), rel=0.17)
    assert guess_expansion(solid, 1.558, 1.558, 0.1) > guess[0]  # alone, x has to make room


# ---- which crystals ----


def test_one_crystal_for_equal_materials_whatever_their_masses():
    (crystal,) = crystals_of(configure(LJ, **AUTO))
    assert crystal == bulk(0.25, cutoff=1.7)
    assert configure(LJ).structure.lattice_constant == 1.58 and crystals_of(configure(LJ)) == []


def test_bulk_before_axial_for_unequal_ones():
    config = configure(LJ, **AUTO, materials=TWO)
    found = crystals_of(config)
    assert [c.kind for c in found] == ["bulk", "bulk", "axial", "axial"]
    assert [(c.epsilon, c.sigma) for c in found] == 2 * [(1.0, 1.0), (2.0, 1.03)]
    assert [c.partner for c in found[2:]] == [(2.0, 1.03), (1.0, 1.0)]
    assert found[2].bulk == found[:2] and found[3].bulk == found[1::-1] and found[0].bulk == []
    assert all(c.temperature == 0.25 for c in found)
    assert all(c.temperature == 0 for c in crystals_of(configure(LJ, **AT_REST, materials=TWO)))


def test_keys_tell_crystals_apart_and_nothing_else():
    def keys(**changes):
        return [c.key for c in crystals_of(configure(LJ, **AUTO, materials=TWO, **changes))]

    first = keys()
    assert len(set(first)) == 4
    assert keys(materials__B__mass=9.0, run__seed=7, structure__length__A=8) == first
    assert keys(baths__hot__temperature=0.15, baths__cold__temperature=0.35) == first
    turned = keys(structure__orientation=111, structure__cross_section=[5, 3])
    assert turned[:2] == first[:2] and not set(turned[2:]) & set(first)
    other = keys(materials__B__epsilon=3.0)
    assert other[0] == first[0] and not set(other[1:]) & set(first)
    assert not set(keys(baths__hot__temperature=0.3)) & set(first)
    means = [{"mean": 0.3, "difference": d} for d in (0.2, 0.1)]  # 0.4 and 0.2: (0.4 + 0.2) / 2 is not 0.3
    assert len({tuple(keys(baths=LJ["baths"] | BATHS | mean)) for mean in means}) == 1
    assert not set(keys(interaction__truncation="none")) & set(first)


# ---- their constants ----


def test_constants_that_are_given():
    assert lattice_constants(configure(LJ)) == (1.58, 1.58, 1.58)
    sides = {"lateral": 1.57, "A": 1.56, "B": 1.59}
    assert lattice_constants(configure(LJ, structure__lattice_constant=sides)) == (1.57, 1.56, 1.59)
    chain = CHAIN["structure"] | {"lattice_constant": sides | {"lateral": 10}}
    without_width = configure(CHAIN | {"structure": chain})
    assert lattice_constants(without_width) == (1.56, 1.56, 1.59)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_relaxed_sides_are_without_axial_stress(orientation):
    config = configure(
        LJ, **AT_REST, materials=TWO, structure__orientation=orientation, structure__cross_section=[5, 3]
    )
    lateral, *axial = lattice_constants(config, relax_all(config))
    cell = find_lattice("fcc", orientation)
    unstrained = []
    for a, material in zip(axial, (config.materials.A, config.materials.B), strict=True):
        solid = make_solid(cell, 1.7 / material.sigma, "force-shift")
        assert abs(static_stress(solid, a / material.sigma, lateral / material.sigma)) < 1e-9
        unstrained.append(material.sigma * find_spacing(solid, None))
    assert lateral == pytest.approx(np.mean(unstrained), rel=1e-12)
    assert axial[0] < unstrained[0] and axial[1] > unstrained[1]  # A is stretched sideways, B squeezed


def test_equal_materials_stay_cubic():
    a = 1.3 * find_spacing(make_solid(find_lattice("fcc"), 2.2 / 1.3, "force-shift"), None)
    same = {"mass": 1.0, "epsilon": 2.5, "sigma": 1.3}
    config = configure(LJ, **AT_REST | {"interaction__cutoff": 2.2}, materials={"A": same, "B": same})
    assert lattice_constants(config, relax_all(config)) == pytest.approx((a, a, a), rel=1e-12)


def test_known_results_are_used():
    config = configure(LJ, **AUTO, materials=TWO)
    known = {c.key: {"lattice_constant": 1.5 + 0.01 * n} for n, c in enumerate(crystals_of(config))}
    assert lattice_constants(config, known) == pytest.approx((1.505, 1.52, 1.53))
    known.popitem()
    with pytest.raises(ConfigError, match="auto: needs its crystals relaxed first"):
        lattice_constants(config, known)


def test_result_at_rest_in_the_units_of_the_configuration():
    result = relax_crystal(bulk(epsilon=4.0, sigma=2.0, cutoff=5.0), {})
    assert json.loads(json.dumps(result)) == result
    assert result["lattice_constant"] == pytest.approx(2 * 1.5579987, rel=1e-7)
    solid = make_solid(find_lattice("fcc"), 2.5, "force-shift")
    stiffness = find_stiffness(solid, result["lattice_constant"] / 2, None)
    assert result["stiffness"] == pytest.approx(4 / 8 * stiffness)
    assert [result[name] for name in ("method", "stderr", "stress", "steps", "lateral")] == [
        "static",
        0,
        0,
        0,
        None,
    ]


# ---- the store ----


def test_store_is_completed_once(tmp_path, monkeypatch):
    config = configure(LJ, **AT_REST, materials=TWO)
    first = relax_all(config, tmp_path / "crystals")
    assert {path.stem for path in (tmp_path / "crystals").iterdir()} == {c.key for c in crystals_of(config)}
    calls = []
    monkeypatch.setattr(
        relaxation,
        "relax_crystal",
        lambda crystal, known: calls.append(crystal) or relax_crystal(crystal, known),
    )
    again = relax_all(config, tmp_path / "crystals")
    assert not calls and lattice_constants(config, again) == lattice_constants(config, first)
    lost = crystals_of(config)[2]
    (tmp_path / "crystals" / f"{lost.key}.json").unlink()
    relax_all(config, tmp_path / "crystals")
    assert calls == [lost]
    assert relax_all(configure(LJ), tmp_path / "nothing") == {} and not (tmp_path / "nothing").exists()


def test_broken_store_is_named(tmp_path):
    config = configure(LJ, **AT_REST)
    (path,) = [tmp_path / f"{c.key}.json" for c in crystals_of(config)]
    path.write_text("{")
    with pytest.raises(StorageError, match=f"{path.name}: cannot be read .*; delete it"):
        relax_all(config, tmp_path)


def test_stress_of_a_linear_crystal_holds_that_at_rest():
    """lj-harmonic at a constant that is not its own: the run says how far from equilibrium it stands."""
    cold = {"baths__hot__temperature": 1e-6, "baths__cold__temperature": 1e-6}
    config = configure(
        LJ,
        **cold,
        interaction__potential="lj-harmonic",
        structure__lattice_constant=1.6,
        materials__B__mass=1,
    )
    simulation = Simulation(config)
    simulation.run()
    expected = static_stress(make_solid(find_lattice("fcc"), 1.7, "force-shift"), 1.6, None)
    assert expected > 0.1
    assert simulation.samples().stress == pytest.approx(expected, abs=1e-3)


# ---- the search at T > 0, with stress from a formula ----


def test_zero_of_a_line():
    x = np.array([0.45, 0.453, 0.4527])
    step, stderr, C = fit_zero(x, 130 * (x - 0.4525), np.array([1e-2, 1e-2, 2e-3]), 130.0)
    assert (step, C) == pytest.approx((0.4525 - 0.4527, 130.0))
    assert stderr == pytest.approx(2e-3 / 130, rel=0.1)
    one, stderr, C = fit_zero(x[:1], np.array([0.26]), np.array([2e-3]), 130.0)
    assert (one, C) == pytest.approx((-0.002, 130.0))
    assert stderr == pytest.approx(np.hypot(2e-3 / 130, 0.25 * 0.002))


def test_error_of_the_zero_is_its_scatter():
    rng, stderr = np.random.default_rng(1), np.array([1e-2, 1e-2, 3e-3])
    x = 0.45 + np.array([0.003, 0.0004, 0.0])
    fits = [
        fit_zero(x, 120 * (x - 0.45) + stderr * rng.standard_normal(3), stderr, 120.0) for _ in range(500)
    ]
    step, claimed, _ = np.transpose(fits)
    assert np.std(step) == pytest.approx(
        claimed.mean(), rel=0.15
    )  # scatter of a standard deviation of 500: 3 %
    assert abs(step.mean()) < 4 * np.std(step) / np.sqrt(500)


def formula(zero, calls=None):
    """A stress that vanishes at `zero`, softer and more curved than the estimate says, with the noise of real runs."""
    rng = np.random.default_rng(2)

    def measure(crystal, axial, lateral, steps, seed):
        if calls is not None:
            calls.append((axial, lateral, steps))
        strain, stderr = np.log(axial / zero), 0.6 / np.sqrt(steps)
        return 90 * (strain - 8 * strain**2) + stderr * rng.standard_normal(), stderr

    return measure


def test_search_finds_the_spacing(monkeypatch):
    calls = []
    monkeypatch.setattr(relaxation, "_measure_stress", formula(1.586, calls))
    result = relax_crystal(bulk(0.3), {})
    assert result["stderr"] < 1e-4 and abs(result["lattice_constant"] - 1.586) < 4 * result["stderr"]
    assert abs(result["lattice_constant"] / result["spacing"] - 1) < 2e-4
    axial, lateral, steps = zip(*calls, strict=True)
    assert axial == lateral and steps[-1] == max(steps) > steps[0]
    assert result["steps"] > sum(steps) and result["method"] == "dynamic"


def test_search_along_x_keeps_the_lateral_constant(monkeypatch):
    calls = []
    monkeypatch.setattr(relaxation, "_measure_stress", formula(1.57, calls))
    crystal = Crystal("axial", "fcc", 110, 2.0, 1.1, 2.5, "force-shift", 0.4, (1.0, 1.0))
    known = {b.key: {"lattice_constant": a} for b, a in zip(crystal.bulk, (1.76, 1.74), strict=True)}
    result = relax_crystal(crystal, known)
    assert {lateral for _, lateral, _ in calls} == {1.75 / 1.1} and result["lateral"] == pytest.approx(1.75)
    assert abs(result["lattice_constant"] - 1.1 * 1.57) < 4 * result["stderr"]
    assert result["stress_stderr"] == pytest.approx(2.0 / 1.1**3 * 0.6 / np.sqrt(calls[-1][2]))


@pytest.mark.parametrize(("stress", "reason"), [(-40.0, "leads nowhere"), (1.0, "did not settle")])
def test_no_spacing_is_refused_in_one_line(monkeypatch, stress, reason):
    signs = itertools.cycle([1, -1] if stress == 1.0 else [1])
    monkeypatch.setattr(relaxation, "_measure_stress", lambda *_: (stress * next(signs), 1e-3))
    with pytest.raises(PhysicsError, match="lattice_constant: auto: no bulk fcc crystal") as error:
        relax_crystal(bulk(0.3), {})
    assert reason in str(error.value) and "\n" not in str(error.value)


@pytest.mark.compiled
def test_crystal_that_melts_is_refused_in_one_line():
    with pytest.raises(PhysicsError, match=r"auto: no bulk fcc crystal .* at temperature 1\.5") as error:
        relax_crystal(bulk(1.5), {})
    assert "\n" not in str(error.value) and "lower the bath temperatures" in str(error.value)
