"""Pair functions against their formulas: truncations, derivatives, mixing, force constants."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, SPRINGS, configure

from nemd_core.potentials import (
    LennardJones,
    Springs,
    force_constants,
    law_of,
    lennard_jones,
    mix,
    pair_derivatives,
)

EPSILON, SIGMA, CUTOFF = (1.0, 1.3, 1.7), (1.0, 1.05, 1.1), 2.5
TRUNCATIONS = ("none", "energy-shift", "force-shift")
R = np.array([0.9, 1.0, 1.12, 1.5, 2.0, 2.499])


def plain(r, epsilon=1.0, sigma=1.0):
    """4 epsilon ((sigma/r)^12 - (sigma/r)^6) and its derivative, written out."""
    s6 = (sigma / r) ** 6
    return 4 * epsilon * (s6**2 - s6), -24 * epsilon * (2 * s6**2 - s6) / r


@pytest.mark.parametrize("pair_type", [0, 1, 2])
@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_lennard_jones_and_its_truncations(truncation, pair_type):
    energy, first, _ = pair_derivatives(lennard_jones(EPSILON, SIGMA, CUTOFF, truncation), R, pair_type)
    phi, slope = plain(R, EPSILON[pair_type], SIGMA[pair_type])
    phi_c, slope_c = plain(CUTOFF, EPSILON[pair_type], SIGMA[pair_type])
    if truncation == "energy-shift":
        phi = phi - phi_c
    if truncation == "force-shift":  # LAMMPS lj/smooth/linear
        phi, slope = phi - phi_c - (R - CUTOFF) * slope_c, slope - slope_c
    assert energy == pytest.approx(phi, rel=1e-12, abs=1e-13)
    assert first == pytest.approx(slope, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("truncation", TRUNCATIONS)
def test_value_at_the_cutoff_and_beyond(truncation):
    law = lennard_jones(EPSILON, SIGMA, CUTOFF, truncation)
    just_inside = CUTOFF * (1 - 1e-12)
    for pair_type in range(3):
        energy, first, _ = pair_derivatives(law, just_inside, pair_type)
        assert (abs(energy) < 1e-12) == (truncation != "none")
        assert (abs(first) < 1e-11) == (truncation == "force-shift")
        assert [float(value) for value in pair_derivatives(law, CUTOFF, pair_type)] == [0, 0, 0]
        assert [float(value) for value in pair_derivatives(law, CUTOFF + 1, pair_type)] == [0, 0, 0]


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize("order", [0, 1])
def test_derivatives_follow_from_the_energy(truncation, order):
    law = lennard_jones(EPSILON, SIGMA, CUTOFF, truncation)
    h, r = 1e-3, np.array([1.0, 1.12, 1.5, 2.0, 2.4])
    for pair_type in range(3):
        values = [pair_derivatives(law, r + n * h, pair_type)[order] for n in (-3, -2, -1, 1, 2, 3)]
        slope = np.tensordot([-1, 9, -45, 45, -9, 1], values, axes=1) / (60 * h)  # error h^6 f^(7) / 140
        assert pair_derivatives(law, r, pair_type)[order + 1] == pytest.approx(slope, rel=1e-8, abs=1e-8)


def test_minimum_of_the_plain_potential():
    law = lennard_jones(EPSILON, SIGMA, 1e3, "none")
    for pair_type in range(3):
        energy, first, second = pair_derivatives(law, 2 ** (1 / 6) * SIGMA[pair_type], pair_type)
        assert energy == pytest.approx(-EPSILON[pair_type], rel=1e-14)
        assert abs(first) < 1e-12
        assert second == pytest.approx(72 * EPSILON[pair_type] / (2 ** (1 / 3) * SIGMA[pair_type] ** 2))


@pytest.mark.parametrize(
    ("rule", "expected"), [("arithmetic", 2.5), ("geometric", 2.0), (7.0, 7.0), (0.0, 0.0)]
)
def test_mixing(rule, expected):
    assert mix(rule, 1.0, 4.0) == mix(rule, 4.0, 1.0) == expected
    if isinstance(rule, str):
        assert mix(rule, 3.0, 3.0) == pytest.approx(3.0, rel=1e-15)


def test_law_of_a_lennard_jones_configuration():
    materials = {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 2.0, "epsilon": 1.44, "sigma": 1.02},
    }
    law = law_of(configure(LJ, materials=materials))
    expected = lennard_jones((1.0, 1.2, 1.44), (1.0, 1.01, 1.02), 1.7, "force-shift")  # Lorentz-Berthelot
    assert isinstance(law, LennardJones)
    for found, value in zip(law, expected, strict=True):
        assert found == pytest.approx(value, rel=1e-14)
    law = law_of(
        configure(
            LJ,
            materials=materials,
            interaction__cross={"epsilon": 0.7, "sigma": "geometric"},
            interaction__truncation="none",
        )
    )
    expected = lennard_jones((1.0, 0.7, 1.44), (1.0, 1.02**0.5, 1.02), 1.7, "none")
    for found, value in zip(law, expected, strict=True):
        assert found == pytest.approx(value, rel=1e-14)


def test_law_of_springs():
    law = law_of(configure(CHAIN))
    assert isinstance(law, Springs)
    assert list(law.longitudinal) == [1.0, 1.25, 1.5] and list(law.transverse) == [0, 0, 0]
    law = law_of(configure(CHAIN, interaction__cross={"stiffness": 0.5}))
    assert list(law.longitudinal) == [1.0, 0.5, 1.5]
    base = LJ | {"materials": SPRINGS, "interaction": {"potential": "harmonic"}}
    law = law_of(configure(base, interaction__cross={"stiffness": "geometric", "transverse_stiffness": 0.05}))
    assert law.longitudinal == pytest.approx([1.0, 1.5**0.5, 1.5], rel=1e-15)
    assert list(law.transverse) == [0.2, 0.05, 0.3]


def test_force_constants_of_springs():
    law = Springs(np.array([1.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.3]))
    assert force_constants(law, [2.0, 0, 0], 1) == pytest.approx(np.diag([2.0, 0.2, 0.2]))
    bond = np.array([1.0, 1.0, 0.0])
    matrix = force_constants(law, bond, 2)
    across = np.array([1.0, -1.0, 0.0])
    assert matrix @ bond == pytest.approx(3.0 * bond)
    assert matrix @ across == pytest.approx(0.3 * across)
    assert matrix @ [0, 0, 1.0] == pytest.approx([0, 0, 0.3])
    stack = force_constants(law, [[1.0, 0, 0], [0, 0, -2.0]], [0, 2])
    assert stack == pytest.approx(np.array([np.diag([1.0, 0.1, 0.1]), np.diag([0.3, 0.3, 3.0])]))


def test_force_constants_are_second_derivatives_of_the_pair_energy():
    law, bond, h = lennard_jones(EPSILON, SIGMA, CUTOFF, "force-shift"), np.array([0.7, -0.6, 0.65]), 1e-3
    points, weights = (-3, -2, -1, 1, 2, 3), np.array([-1, 9, -45, 45, -9, 1]) / (60 * h)

    def gradient(d):
        r = np.linalg.norm(bond + d)
        return pair_derivatives(law, r, 1)[1] * (bond + d) / r

    expected = [weights @ [gradient(n * h * axis) for n in points] for axis in np.eye(3)]
    assert force_constants(law, bond, 1) == pytest.approx(np.array(expected), rel=1e-8, abs=1e-8)
    assert (force_constants(law, [2.5, 0, 0], 1) == 0).all()
