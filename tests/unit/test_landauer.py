"""Landauer sums: chains against exact integrals, the acoustic model against Debye's, limits of quantum statistics."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, SPRINGS, changed, configure
from oracles import landauer_chain_conductance

from nemd_core.theory.branches import Branches
from nemd_core.theory.frequency_grid import interpolate, place_nodes
from nemd_core.theory.landauer import (
    Spectra,
    accumulate,
    compute_spectra,
    conductance,
    conductance_map,
    flux,
    heat_capacity,
)
from nemd_core.theory.leads import make_blocks
from nemd_core.theory.strips import Points, make_strip, mesh_points

HBAR = 0.03
SC = changed(
    LJ,
    interaction={"potential": "harmonic"},
    materials=SPRINGS,
    structure={
        "lattice": "sc",
        "lattice_constant": 1.0,
        "cross_section": [3, 3],
        "length": {"A": 12, "B": 12},
    },
    baths__walls=1,
)


def spectra(base, n=60, mesh=1, **settings) -> Spectra:
    strip = make_strip(configure(base, **settings))
    return compute_spectra(make_blocks(strip), mesh_points(strip, mesh), n)


@pytest.fixture(scope="module")
def crystal() -> Spectra:
    return spectra(SC, mesh=6)


@pytest.mark.parametrize(
    "mass, stiffness, value",
    [(1, 1, 1 / np.pi), (2, 1, 0.206157), (3, 1, 0.156321), (4, 1, 0.127277), (1, 2, 0.307018)],
)
@pytest.mark.parametrize("n", [16, 61])
def test_conductance_of_chains(mass, stiffness, value, n):
    other = {"mass": mass, "stiffness": stiffness}
    found = conductance(spectra(CHAIN, n, materials__B=other, structure__length={"A": 9, "B": 9}))
    exact = landauer_chain_conductance(1.0, 1.0, mass, stiffness, (1 + stiffness) / 2)
    assert exact == pytest.approx(value, abs=6e-7)  # the last digit of the six that are quoted
    assert found == pytest.approx(exact, rel=1e-6 if n > 50 else 1e-5)


# ---- statistics ----


def acoustic(velocity, n=60) -> Spectra:
    """One branch w = velocity |k, q|, transmitted in full, on wave vectors that fill a disc around k = 0."""
    step = 2 / n
    k = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) * step - 1] * 2), axis=-1).reshape(-1, 2)
    x, dx = np.polynomial.legendre.leggauss(40)
    low = velocity * np.linalg.norm(k, axis=1)
    w, weight = low[:, None] + 20 * (x + 1), np.tile(20 * dx, (len(k), 1))
    points = Points(k, np.ones(len(k)), k, np.arange(len(k)))
    none = np.zeros(len(k))
    area = (2 * np.pi / step) ** 2 / len(k)  # one wave vector has (2 pi)²/A
    return Spectra(points, area, 40, 0.0, w[0], w * 0, w, w, w, weight, w**0, *[none] * 6)


def test_low_temperatures_follow_debye():
    """G = pi² T³/(30 ħ³ v²) for one branch of velocity v that is transmitted in full (physics of the Debye model)."""
    v, T = 5.0, 0.01
    assert HBAR * v * 1.0 / T > 14  # the disc holds all modes that T excites
    found = conductance(acoustic(v), T, HBAR)
    assert found == pytest.approx(np.pi**2 * T**3 / (30 * HBAR**3 * v**2), rel=2e-3)


def test_conductance_of_a_crystal_rises_as_the_cube_of_temperature():
    """On wave vectors so near to k = 0 that only they carry anything at these temperatures."""
    strip = make_strip(configure(SC))
    i, j = np.tril_indices(16)
    k, weight = 0.025 * np.stack([i + 0.5, j + 0.5], axis=1), 2 - (i == j)
    fine = compute_spectra(make_blocks(strip), Points(k, weight, k, np.arange(len(k))), 60)
    low, high = (conductance(fine, T, HBAR) for T in (0.0003, 0.0006))
    # Branches bend, which raises the ratio by 1.6 %; the 16 x 16 wave vectors by 1.2 % more.
    assert np.log2(high / low) == pytest.approx(3.0, abs=0.06)


def test_high_temperatures_are_classical(crystal):
    classical, T = conductance(crystal), 100 * HBAR * crystal.w.max()
    assert conductance(crystal, T, HBAR) == pytest.approx(classical, rel=1e-5)  # (ħw/T)²/12
    values = [conductance(crystal, T, HBAR) for T in np.geomspace(0.001, 1, 12)]
    assert (np.diff(values) > 0).all() and values[-1] < classical


def test_small_differences_of_temperature_give_the_conductance(crystal):
    T, dT = 0.03, 0.001
    J = flux(crystal, T + dT / 2, T - dT / 2, HBAR)
    assert J / dT == pytest.approx(conductance(crystal, T, HBAR), rel=1e-3)  # (dT/T)²
    assert flux(crystal, T - dT / 2, T + dT / 2, HBAR) == pytest.approx(-J, rel=1e-12)
    assert flux(crystal, 0.4, 0.1) == pytest.approx(0.3 * conductance(crystal))
    assert 0 < flux(crystal, 0.4, 0.0, HBAR) < flux(crystal, 0.4, 0.0)
    assert flux(crystal, 40.0, 10.0, HBAR) == pytest.approx(30 * conductance(crystal), rel=1e-4)


def test_heat_capacity_of_a_mode():
    x = np.array([1e-3, 0.5, 3.0, 20.0])
    np.testing.assert_allclose(heat_capacity(x), x**2 * np.exp(x) / np.expm1(x) ** 2, rtol=1e-9)
    assert heat_capacity(0.0) == 1 and heat_capacity(1e6) < 1e-200


# ---- sums and curves ----


def test_sums_do_not_depend_on_threads_or_on_the_reduction_by_symmetry(crystal):
    strip = make_strip(configure(SC))
    junction, points = make_blocks(strip), mesh_points(strip, 6)
    assert conductance(compute_spectra(junction, points, 60, threads=3)) == conductance(crystal)
    every = Points(points.full, np.ones(36, int), points.full, np.arange(36))
    assert conductance(compute_spectra(junction, every, 60)) == pytest.approx(conductance(crystal), rel=1e-9)


def test_curve_agrees_with_the_nodes_and_stays_below_the_modes(crystal):
    assert (crystal.transmission >= 0).all()
    fewer = np.minimum(crystal.modes_A, crystal.modes_B)
    assert (crystal.transmission <= fewer).all()
    assert (crystal.tau >= -1e-9).all() and (crystal.tau <= fewer.max(axis=1, keepdims=True) + 1e-6).all()
    step = crystal.w[1] - crystal.w[0]
    even = crystal.points.weight @ crystal.transmission @ np.full(len(crystal.w), step)
    assert even / (2 * np.pi * crystal.full_area) == pytest.approx(conductance(crystal), rel=0.01)
    assert crystal.full_area == pytest.approx(36.0)


def test_map_and_accumulation_hold_the_conductance(crystal):
    by_point = conductance_map(crystal)[crystal.points.index]
    assert by_point.mean() == pytest.approx(conductance(crystal), rel=1e-12)
    running = accumulate(crystal)
    assert (np.diff(running) >= 0).all() and running[-1] == 1
    assert (accumulate(crystal, 0.01, HBAR) >= running - 1e-12).all()  # the cold excites low frequencies


def test_nodes_integrate_square_roots_at_every_edge():
    """Two branches 1 to 3 and 2 to 5 on one side, 0 to 4 on the other: modes on both from 1 to 4, edges at 2 and 3."""
    q = np.linspace(0, 2 * np.pi, 401)
    wave = (1 - np.cos(q)) / 2
    A, B = Branches(q, np.stack([1 + 2 * wave, 2 + 3 * wave], axis=1)), Branches(q, 4 * wave[:, None])
    nodes = place_nodes([[A], [B]], 60)
    np.testing.assert_allclose(nodes.edges, [[1, 2], [2, 3], [3, 4]], atol=1e-3)
    assert nodes.weight.sum() == pytest.approx(3.0, abs=1e-3)
    inside = nodes.panel == 1
    edge = nodes.edges[1]
    root = np.sqrt((nodes.w[inside] - edge[0]) * (edge[1] - nodes.w[inside]))
    assert nodes.weight[inside] @ root == pytest.approx(np.pi / 8 * np.diff(edge)[0] ** 2, rel=1e-6)
    assert nodes.weight[inside] @ (1 / root) == pytest.approx(np.pi, rel=1e-6)
    np.testing.assert_allclose(
        interpolate(nodes, 0 * nodes.w + 2.0, np.array([0.5, 1.5, 3.9, 4.5])), [0, 2, 2, 0]
    )
