"""Reduced units, SI and the units that the field plots: against CODATA, against each other, and by their dimensions."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.constants import physical_constants

from nemd_core import ConfigError
from nemd_core.config import Config
from nemd_core.units import (
    ARGON,
    KRYPTON,
    QUANTITIES,
    REFERENCES,
    XENON,
    Reference,
    field_unit,
    pretty_unit,
    quantity_of,
    reduced_unit,
)

K_B = physical_constants["Boltzmann constant"][0]
U = physical_constants["atomic mass constant"][0]
H = physical_constants["Planck constant"][0]

PLOTTED = [name for name, quantity in QUANTITIES.items() if quantity.field]


def test_argon():
    assert ARGON.unit("temperature") == pytest.approx(119.8)
    assert ARGON.unit("time") == pytest.approx(2.156e-12, rel=1e-3)
    assert ARGON.unit("pressure") == pytest.approx(41.9e6, rel=1e-3)
    assert ARGON.unit("conductivity") == pytest.approx(0.0188, rel=1e-3)
    assert 2 * np.pi * ARGON.hbar == pytest.approx(0.186, rel=5e-3)  # de Boer's parameter of argon


@pytest.mark.parametrize("reference", REFERENCES.values(), ids=REFERENCES)
def test_results_against_codata(reference):
    """Every number of a result from epsilon, sigma and m by hand, with the constants as CODATA tabulates them."""
    p = reference.summary()
    epsilon, sigma, m = p["epsilon_K"] * K_B, p["sigma_angstrom"] * 1e-10, p["mass_u"] * U
    tau = sigma * np.sqrt(m / epsilon)
    J = epsilon / tau / sigma**2  # W/m²
    T = epsilon / K_B
    by_hand = {
        "delta_T": T,
        "J": J / 1e9,
        "R_K": T / J * 1e9,
        "G": J / T / 1e6,
        "kappa_A": J * sigma / T,
        "T_B": T,
        "x_interface": sigma * 1e9,
        "slope": T / sigma / 1e9,
        "stress_A": epsilon / sigma**3 / 1e6,
        "L_qq": J * T / 1e9,
        "time": tau * 1e12,
    }
    for name, value in by_hand.items():
        assert reference.to_field(1.0, name)[0] == pytest.approx(value, rel=1e-9), name
    chain = {
        "J": epsilon / tau * 1e9,
        "R_K": T / (epsilon / tau) / 1e9,
        "G": epsilon / tau / T * 1e12,
        "kappa_B": epsilon / tau * sigma / T * 1e21,
        "stress_B": epsilon / sigma * 1e12,
        "L_qq": epsilon / tau * T * 1e9,
        "T_A": T,
    }
    for name, value in chain.items():
        assert reference.to_field(1.0, name, dimensions=1)[0] == pytest.approx(value, rel=1e-9), name


def test_argon_in_numbers():
    """sigma³ sqrt(m/epsilon)/k_B of argon, worked out with a calculator."""
    assert ARGON.to_field(1.25, "R_K") == (pytest.approx(1.25 * 18.108, rel=1e-4), "m^2 K/GW")
    assert ARGON.to_field(0.03, "J") == (pytest.approx(0.03 * 6.6159, rel=1e-4), "GW/m^2")
    assert ARGON.to_field(1.0, "G") == (pytest.approx(1e3 / 18.108, rel=1e-4), "MW/(m^2 K)")
    assert ARGON.to_field(0.5, "J", 1) == (pytest.approx(0.38352, rel=1e-4), "nW")
    assert ARGON.to_field(None, "kappa_A") == (None, "W/(m K)")
    values, unit = ARGON.to_field(np.array([0.0, 2.0]), "x")
    np.testing.assert_allclose(values, [0.0, 0.681])
    assert unit == "nm"


def test_reduced_planck_constant():
    p = ARGON.summary()
    by_hand = (
        H / (2 * np.pi) / np.sqrt(p["mass_u"] * U * p["epsilon_K"] * K_B) / (p["sigma_angstrom"] * 1e-10)
    )
    assert pytest.approx(by_hand, rel=1e-9) == ARGON.hbar


def test_units_agree_with_each_other():
    unit = ARGON.unit
    assert unit("heat_flux") == pytest.approx(unit("energy") / unit("time") / unit("area"))
    assert unit("resistance") == pytest.approx(unit("temperature") / unit("heat_flux"))
    assert unit("conductance") == pytest.approx(1 / unit("resistance"))
    assert unit("conductivity") == pytest.approx(unit("heat_flux") / unit("temperature_gradient"))
    assert unit("onsager") == pytest.approx(unit("conductance") * unit("temperature") ** 2)
    assert unit("energy") == pytest.approx(unit("mass") * unit("velocity") ** 2)
    assert unit("stiffness") == pytest.approx(unit("mass") * unit("frequency") ** 2)
    assert unit("force") == pytest.approx(unit("pressure") * unit("area"))
    for of_area, of_chain in (
        ("heat_flux", "power"),
        ("conductance", "conductance_chain"),
        ("conductivity", "conductivity_chain"),
        ("onsager", "onsager_chain"),
    ):
        assert unit(of_chain) == pytest.approx(unit(of_area) * unit("area"))
    assert unit("resistance_chain") == pytest.approx(1 / unit("conductance_chain"))


# --- the names of units, read as what they say --------------------------------------------------------------------

DIMENSIONS = {  # powers of kg, m, s, K
    "1": (0, 0, 0, 0),
    "m": (0, 1, 0, 0),
    "s": (0, 0, 1, 0),
    "Hz": (0, 0, -1, 0),
    "K": (0, 0, 0, 1),
    "N": (1, 1, -2, 0),
    "Pa": (1, -1, -2, 0),
    "W": (1, 2, -3, 0),
    "epsilon": (1, 2, -2, 0),
    "sigma": (0, 1, 0, 0),
    "tau": (0, 0, 1, 0),
    "k_B": (1, 2, -2, -1),
}
PREFIXES = {"p": 1e-12, "n": 1e-9, "M": 1e6, "G": 1e9, "T": 1e12}


def read_unit(text):
    """(plain SI value of the prefixes, dimensions) of a unit such as `m^2 K/GW` or `MW/(m^2 K)`."""
    factor, dimensions = 1.0, np.zeros(4)
    for part, sign in zip(text.split("/"), (1, -1), strict=False):
        for token in part.strip("()").split():
            symbol, _, power = token.partition("^")
            power = sign * int(power or 1)
            if symbol not in DIMENSIONS:
                factor *= PREFIXES[symbol[0]] ** power
                symbol = symbol[1:]
            dimensions += power * np.array(DIMENSIONS[symbol])
    return factor, dimensions


@pytest.mark.parametrize("name", PLOTTED)
def test_names_of_units_say_what_the_numbers_are(name):
    quantity = QUANTITIES[name]
    parameters = np.array([DIMENSIONS["epsilon"], DIMENSIONS["sigma"], (1, 0, 0, 0), DIMENSIONS["k_B"]])
    dimensions = np.array(quantity.powers) @ parameters
    assert len(quantity.field.split("/")) <= 2 and len(quantity.reduced.split("/")) <= 2
    factor, of_field = read_unit(quantity.field)
    np.testing.assert_allclose(of_field, dimensions)
    turn = 2 * np.pi if quantity.field == "THz" else 1.0  # angular in reduced units
    assert quantity.per_si * factor * turn == pytest.approx(1.0)
    _, of_reduced = read_unit(quantity.reduced)
    np.testing.assert_allclose(of_reduced, dimensions)
    assert quantity.field.isascii() and quantity.reduced.isascii()


@pytest.mark.parametrize("name", PLOTTED)
def test_reduced_names_have_the_powers_of_the_parameters(name):
    """tau is sigma sqrt(m/epsilon): the name of a reduced unit spells out its powers, not only its dimension."""
    found = np.zeros(4)
    parameters = {
        "1": (0, 0, 0, 0),
        "epsilon": (1, 0, 0, 0),
        "sigma": (0, 1, 0, 0),
        "k_B": (0, 0, 0, 1),
        "tau": (-0.5, 1, 0.5, 0),
    }
    for part, sign in zip(QUANTITIES[name].reduced.split("/"), (1, -1), strict=False):
        for token in part.strip("()").split():
            symbol, _, power = token.partition("^")
            found += sign * int(power or 1) * np.array(parameters[symbol])
    np.testing.assert_allclose(found, QUANTITIES[name].powers)


def test_names_of_results():
    assert quantity_of("R_K_ci95") == quantity_of("R_K_stderr") == quantity_of("R_K") == "resistance"
    assert quantity_of("T_A_stderr") == quantity_of("delta_T") == "temperature"
    assert quantity_of("J_interface", 1) == "power"
    assert reduced_unit("kappa_A") == "k_B/(tau sigma)" and reduced_unit("kappa_A", 1) == "k_B sigma/tau"
    assert field_unit("stress_A") == "MPa" and field_unit("stress_A", 1) == "pN"
    for name in ("R_two_probe", "R_four_probe", "R_nemd"):
        assert quantity_of(name) == "resistance" and quantity_of(name, 1) == "resistance_chain"
    assert quantity_of("G_classical") == quantity_of("G_AA") == "conductance"
    assert field_unit("w_max") == "THz" and field_unit("sound_velocities") == "m/s"
    assert field_unit("elastic_constants") == "GPa" and field_unit("elastic_constants", 1) == "pN"
    assert pretty_unit(field_unit("G")) == "MW/(m² K)"
    assert pretty_unit(reduced_unit("R_K")) == "τ σ²/k_B"
    with pytest.raises(KeyError):
        quantity_of("colour")


# --- references ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("reference", "neighbours"), [(ARGON, 3.755), (KRYPTON, 3.992), (XENON, 4.335)])
def test_crystals_of_the_references_are_the_real_ones(reference, neighbours):
    """Neighbours in the LJ crystal are 1.0902 sigma apart; measured at T -> 0 in Å, with zero-point motion (1 %)."""
    assert 1.0902 * reference.sigma * 1e10 == pytest.approx(neighbours, rel=0.015)


def test_reference_from_a_configuration():
    assert Reference.from_config("xenon") is XENON
    parameters = {"epsilon_K": 100.0, "sigma_angstrom": 3.0, "mass_u": 20.0}
    for value in (parameters, SimpleNamespace(**parameters)):
        reference = Reference.from_config(value)
        assert reference.summary() == {"name": "custom"} | parameters
        assert reference.unit("temperature") == pytest.approx(100.0)
        assert reference.unit("length") == pytest.approx(3e-10)
        assert reference.unit("mass") == pytest.approx(20 * U)
    with pytest.raises(
        ConfigError, match=r"^reference: 'neon': must be argon, krypton, xenon, or {epsilon_K, "
    ):
        Reference.from_config("neon")


def test_the_configuration_knows_the_same_substances():
    choices = Config.model_json_schema()["properties"]["reference"]["oneOf"]
    assert [choice["enum"] for choice in choices if "enum" in choice] == [list(REFERENCES)]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_there_and_back(quantity):
    values = np.array([0.0, 0.3, -2.0])
    np.testing.assert_allclose(ARGON.from_si(ARGON.to_si(values, quantity), quantity), values)


def test_unknown_quantity():
    with pytest.raises(KeyError):
        ARGON.unit("charge")
