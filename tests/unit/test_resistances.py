"""The three resistances against exact values of chains, sum rules of perfect crystals, and the convergence report."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, SPRINGS, changed, configure
from oracles import landauer_chain_resistances

from nemd_core.theory.landauer import compute_spectra
from nemd_core.theory.leads import make_blocks
from nemd_core.theory.resistances import report_convergence, resistances
from nemd_core.theory.strips import Points, make_strip, mesh_points, simulated_points

NAMES = ("R_two_probe", "R_four_probe", "R_nemd")
LONG = {"A": 12, "B": 12}
SOFT = changed(
    LJ, interaction={"potential": "harmonic"}, materials=SPRINGS, structure__length=LONG, baths__walls=1
)
HARMONIC_LJ = changed(LJ, interaction__potential="lj-harmonic", structure__length=LONG)
CRYSTAL = SPRINGS["A"]


def prepare(base, **settings):
    strip = make_strip(configure(base, **settings))
    return strip, make_blocks(strip)


def on_simulated_points(base, n=64, **settings):
    strip, junction = prepare(base, **settings)
    return compute_spectra(junction, simulated_points(strip), n)


@pytest.mark.parametrize("mass, stiffness", [(4, 1), (2, 1), (1, 2), (0.25, 1), (3, 0.5)])
def test_chains(mass, stiffness):
    other = {"mass": mass, "stiffness": stiffness}
    found = resistances(on_simulated_points(CHAIN, materials__B=other, structure__length=LONG))
    exact = landauer_chain_resistances(1.0, 1.0, mass, stiffness, (1 + stiffness) / 2)
    np.testing.assert_allclose([found[name] for name in NAMES], exact, rtol=5e-6)
    assert found["G_classical"] == pytest.approx(1 / exact[0], rel=1e-6)
    assert found["G_AA"] == pytest.approx(1 / np.pi) and found["G_BB"] == pytest.approx(
        np.sqrt(stiffness / mass) / np.pi
    )


def test_quoted_values_of_chains():
    """Mass ratio 4: 7.857, 3.145, 4.096; mass ratio 2: 4.851, 1.058, 1.7626; stiffness ratio 2: 3.257, 0.5756, 1.0074."""
    cases = {
        (4, 1): (7.857, 3.145, 4.096),
        (2, 1): (4.851, 1.058, 1.7626),
        (1, 2): (3.257, 0.5756, 1.0074),
    }
    for (mass, stiffness), values in cases.items():
        other = {"mass": mass, "stiffness": stiffness}
        found = resistances(on_simulated_points(CHAIN, materials__B=other, structure__length=LONG))
        np.testing.assert_allclose([found[name] for name in NAMES], values, rtol=5e-4)  # four digits


@pytest.mark.parametrize(
    "base, settings",
    [
        (CHAIN, {}),
        (SOFT, {"structure__lattice": "sc"}),
        (SOFT, {"structure__lattice": "bcc"}),  # some of its modes do not travel at all
        (SOFT, {"structure__lattice": "diamond"}),
        (SOFT, {"structure__orientation": 110}),
        (SOFT, {"structure__orientation": 111}),
        (HARMONIC_LJ, {}),
    ],
)
def test_perfect_crystals_have_no_resistance_but_the_two_probe_one(base, settings):
    settings = settings | {"materials__B": base["materials"]["A"], "structure__length": LONG}
    found = resistances(on_simulated_points(base, n=100, **settings))
    assert found["mean_tau_A"] == pytest.approx(1.0, abs=2e-3)
    assert found["mean_tau_B"] == pytest.approx(1.0, abs=2e-3)
    assert found["R_four_probe"] == pytest.approx(0.0, abs=1e-3 * found["R_two_probe"])
    assert found["R_nemd"] == pytest.approx(0.0, abs=2e-3 * found["R_two_probe"])
    assert found["G_classical"] == pytest.approx(found["G_AA"], rel=1e-3)


def test_swapped_sides_have_the_same_resistances():
    materials = {"A": SPRINGS["B"], "B": SPRINGS["A"]}
    forth, back = (resistances(on_simulated_points(SOFT, **c)) for c in ({}, {"materials": materials}))
    assert [forth[name] for name in NAMES] == pytest.approx([back[name] for name in NAMES], rel=1e-4)
    assert forth["mean_tau_A"] == pytest.approx(back["mean_tau_B"], rel=1e-3)


def test_a_crystals_resistances_are_ordered():
    found = resistances(on_simulated_points(HARMONIC_LJ))
    assert found["R_four_probe"] < found["R_nemd"] < found["R_two_probe"]
    assert found["R_nemd"] == pytest.approx(
        (1 - (found["mean_tau_A"] + found["mean_tau_B"]) / 2) / found["G_classical"]
    )


# ---- nothing passes ----


def test_bands_apart_give_zero_and_say_so():
    """At the corner of the zone A's modes begin above the highest of a very heavy B."""
    strip, junction = prepare(SOFT, structure__lattice="sc", materials__B__mass=400.0)
    corner = np.full((1, 2), np.pi / strip.lateral[0].max())
    spectra = compute_spectra(junction, Points(corner, np.ones(1, int), corner, np.zeros(1, int)), 32)
    found = resistances(spectra)
    assert found["G_classical"] == 0 and found["G_AA"] > 0
    assert [found[name] for name in NAMES] == [None] * 3
    assert found["reason"].startswith(
        "nothing passes: A and B share no frequency at any wave vector: modes in A from w = "
    )
    report = report_convergence(junction, spectra)
    assert report["frequencies"] == {"value": 32, "G": None, "R_nemd": None} and not report["warnings"]


def test_no_bonds_between_the_sides_give_zero_and_say_so():
    strip, junction = prepare(CHAIN, structure__length=LONG)
    half = junction.n_blocks * junction.width // 2
    across = (junction.first < half) & (junction.second >= half)
    cut = junction._replace(stiffness=junction.stiffness * ~across[:, None, None])
    found = resistances(compute_spectra(cut, simulated_points(strip), 32))
    assert found["G_classical"] == 0
    assert found["reason"].startswith("nothing passes: the force constants that join A and B are none")


# ---- convergence ----


def test_report_of_a_chain():
    strip, junction = prepare(CHAIN, structure__length=LONG)
    report = report_convergence(junction, compute_spectra(junction, simulated_points(strip), 64), mesh=20)
    assert report["mesh"] is None and report["warnings"] == [] and report["mismatch"] == 0
    assert report["frequencies"]["value"] == 64
    for name in ("eta", "frequencies"):
        assert abs(report[name]["G"]) < 1e-6 and abs(report[name]["R_nemd"]) < 1e-5


def test_half_the_mesh_is_the_smaller_mesh():
    strip, junction = prepare(SOFT)
    fine, coarse = (compute_spectra(junction, mesh_points(strip, n), 48) for n in (8, 4))
    report = report_convergence(junction, fine, mesh=8)
    fine, coarse = resistances(fine), resistances(coarse)
    assert report["mesh"]["value"] == 8
    assert report["mesh"]["G"] == pytest.approx(coarse["G_classical"] / fine["G_classical"] - 1, rel=1e-6)
    assert report["mesh"]["R_nemd"] == pytest.approx(coarse["R_nemd"] / fine["R_nemd"] - 1, rel=1e-6)


def test_a_coarse_mesh_is_warned_of():
    strip, junction = prepare(SOFT)
    report = report_convergence(junction, compute_spectra(junction, mesh_points(strip, 2), 48), mesh=2)
    (warning,) = report["warnings"]
    assert warning.startswith("mesh: 2: half as many wave vectors a side change G or R_nemd by ")
    assert warning.endswith("raise theory.mesh")
