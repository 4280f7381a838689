"""The oracles reproduce published and independently computed numbers for harmonic chains.

Tolerances are half a unit of the last printed digit of the reference, unless a test says otherwise.
"""

import numpy as np
import oracles
import pytest


@pytest.mark.parametrize(
    ("gamma", "J"), [(0.1, 0.0490243), (1.0, 0.1909830), (2.0, 0.1524029), (5.0, 0.0819002)]
)
def test_uniform_chain_reaches_rieder_lebowitz_lieb(gamma, J):
    assert oracles.rll_flux(k=1, m=1, gamma=gamma, T_hot=1.5, T_cold=0.5) == pytest.approx(J, abs=0.5e-7)
    # The finite chain converges exponentially at these frictions; N = 60 leaves less than the last digit.
    chain = oracles.chain_junction(30, 30, friction=gamma, T_hot=1.5, T_cold=0.5)
    assert oracles.steady_state(chain).J == pytest.approx(J, abs=1e-7)


def test_rieder_lebowitz_lieb_scales_with_stiffness_and_mass():
    """With time in units of sqrt(m/k), J(k, m, gamma) = sqrt(k/m) J(1, 1, gamma sqrt(m/k))."""
    J = oracles.rll_flux(k=3.0, m=2.0, gamma=0.7, T_hot=0.9, T_cold=0.4)
    unit = oracles.rll_flux(k=1.0, m=1.0, gamma=0.7 * np.sqrt(2 / 3), T_hot=0.9, T_cold=0.4)
    assert J == pytest.approx(np.sqrt(3 / 2) * unit, rel=1e-12)
    chain = oracles.chain_junction(
        25,
        25,
        mass_A=2.0,
        mass_B=2.0,
        stiffness_A=3.0,
        stiffness_B=3.0,
        friction=0.7,
        T_hot=0.9,
        T_cold=0.4,
    )
    assert oracles.steady_state(chain).J == pytest.approx(J, rel=1e-6)


@pytest.mark.parametrize(("length_A", "length_B", "J"), [(1, 1, 1 / 6), (1, 2, 0.1875), (2, 3, 21 / 110)])
def test_short_uniform_chains(length_A, length_B, J):
    """N = 2, 3, 5 at gamma = 1: 1/6, 3/16, 0.190909 (= 21/110)."""
    assert oracles.steady_state(oracles.chain_junction(length_A, length_B)).J == pytest.approx(J, rel=1e-12)


@pytest.mark.parametrize(
    ("n_atoms", "mass_ratio", "J"),
    [
        (160, 2, 0.110006),
        (160, 3, 0.071873),
        (160, 4, 0.051671),
        (40, 2, 0.109966),
        (40, 3, 0.071562),
        (40, 4, 0.051485),
    ],
)
def test_mass_step_chains(n_atoms, mass_ratio, J):
    chain = oracles.chain_junction(n_atoms // 2, n_atoms // 2, mass_B=mass_ratio)
    assert oracles.steady_state(chain).J == pytest.approx(J, abs=0.51e-6)


@pytest.mark.parametrize(
    ("m_B", "k_B", "k_I", "G"),
    [
        (1, 1, 1, 1 / np.pi),
        (2, 1, 1, 0.206157),
        (3, 1, 1, 0.156321),
        (4, 1, 1, 0.127277),
        (1, 2, 1.5, 0.307018),
    ],
)
def test_landauer_conductance(m_B, k_B, k_I, G):
    assert oracles.landauer_chain_conductance(1, 1, m_B, k_B, k_I) == pytest.approx(G, abs=0.51e-6)


@pytest.mark.parametrize(
    ("m_B", "k_B", "k_I", "two_probe", "four_probe", "nemd"),
    [
        (4, 1, 1, 7.857, 3.145, 4.096),
        (2, 1, 1, 4.851, 1.058, 1.7626),
        (1, 2, 1.5, 3.257, 0.5756, 1.0074),
        (1, 1, 1, np.pi, 0.0, 0.0),
    ],
)
def test_landauer_resistances(m_B, k_B, k_I, two_probe, four_probe, nemd):
    found = oracles.landauer_chain_resistances(1, 1, m_B, k_B, k_I)
    assert found == pytest.approx((two_probe, four_probe, nemd), abs=0.51e-3)


@pytest.mark.parametrize(("m_B", "k_B", "k_I"), [(4, 1, 1), (1, 9, 2), (3, 0.5, 0.75)])
def test_transmission_at_low_frequency_is_acoustic(m_B, k_B, k_I):
    """tau -> 4 Z1 Z2/(Z1 + Z2)², Z = sqrt(m k), with a correction of order w²."""
    Z = np.sqrt(m_B * k_B)
    tau = oracles.landauer_chain_transmission(1e-4, 1, 1, m_B, k_B, k_I)
    assert tau == pytest.approx(4 * Z / (1 + Z) ** 2, abs=1e-7)


@pytest.mark.parametrize(("mass_ratio", "deficit"), [(1, 0.017), (4, 0.026)])
def test_finite_baths_lie_below_landauer(mass_ratio, deficit):
    """120-atom baths with gamma = 0.05: 1.7 % and 2.6 % below Landauer.

    The length between them is not part of the reference (here 15 free atoms a side); it moves both by 0.2 %.
    """
    chain = oracles.chain_junction(135, 135, mass_B=mass_ratio, bath_hot=120, bath_cold=120, friction=0.05)
    G = oracles.landauer_chain_conductance(1, 1, mass_ratio, 1, 1)
    assert 1 - oracles.steady_state(chain).J / G == pytest.approx(deficit, abs=0.002)


def test_jump_between_long_ramped_baths_tends_to_the_nemd_resistance():
    """Mass ratio 2: R_K from the flat profiles is R_NEMD plus the reflection of the baths, below 2 % here."""
    chain = oracles.chain_junction(
        150, 150, mass_B=2, bath_hot=120, bath_cold=120, friction=0.1, ramp=True, T_hot=1.0, T_cold=0.0
    )
    exact = oracles.steady_state(chain)
    jump = exact.temperature[125:145].mean() - exact.temperature[155:175].mean()
    excess = jump / exact.J / oracles.landauer_chain_resistances(1, 1, 2, 1, 1)[2] - 1
    assert 0 < excess < 0.02
