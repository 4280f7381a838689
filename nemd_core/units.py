"""Reduced Lennard-Jones units, and SI through a reference substance. The only place with physical constants.

In reduced units the reference substance has epsilon = sigma = m = k_B = 1; materials are given relative to it.

Every named number of a result (`R_K`, `T_A`, ...) measures one quantity; `QUANTITIES` holds the three faces of each
quantity: its powers of the reference's parameters, the name of its reduced unit, and the unit that the field plots. A
chain has no cross-section, so its heat flux is a power, its conductivity a power per temperature gradient and its
stress a force: `quantity_of` knows.
"""

from math import pi
from typing import NamedTuple

from scipy.constants import angstrom, atomic_mass, hbar, k, pico

from .errors import ConfigError, Problem


class Quantity(NamedTuple):
    """Units of one physical quantity."""

    powers: tuple[float, float, float, float]
    """Powers of (epsilon, sigma, m, k_B) in its unit."""
    reduced: str = ""
    """Name of the reduced unit, in ASCII as files have it; empty where no result is of this quantity."""
    field: str = ""
    """Name of the unit that the field plots, in ASCII."""
    per_si: float = 1.0
    """How many field units one plain SI unit is."""


QUANTITIES = {
    "length": Quantity((0, 1, 0, 0), "sigma", "nm", 1e9),
    "area": Quantity((0, 2, 0, 0), "sigma^2", "nm^2", 1e18),
    "mass": Quantity((0, 0, 1, 0)),
    "energy": Quantity((1, 0, 0, 0)),
    "temperature": Quantity((1, 0, 0, -1), "epsilon/k_B", "K", 1.0),
    "temperature_gradient": Quantity((1, -1, 0, -1), "epsilon/(k_B sigma)", "K/nm", 1e-9),
    "time": Quantity((-0.5, 1, 0.5, 0), "tau", "ps", 1e12),
    "velocity": Quantity((0.5, 0, -0.5, 0), "sigma/tau", "m/s", 1.0),
    "frequency": Quantity((0.5, -1, -0.5, 0), "1/tau", "THz", 1e-12 / (2 * pi)),
    "force": Quantity((1, -1, 0, 0), "epsilon/sigma", "pN", 1e12),
    "stiffness": Quantity((1, -2, 0, 0)),
    "pressure": Quantity((1, -3, 0, 0), "epsilon/sigma^3", "MPa", 1e-6),
    "modulus": Quantity((1, -3, 0, 0), "epsilon/sigma^3", "GPa", 1e-9),
    "heat_flux": Quantity((1.5, -3, -0.5, 0), "epsilon/(tau sigma^2)", "GW/m^2", 1e-9),
    "resistance": Quantity((-0.5, 3, 0.5, -1), "tau sigma^2/k_B", "m^2 K/GW", 1e9),
    "conductance": Quantity((0.5, -3, -0.5, 1), "k_B/(tau sigma^2)", "MW/(m^2 K)", 1e-6),
    "conductivity": Quantity((0.5, -2, -0.5, 1), "k_B/(tau sigma)", "W/(m K)", 1.0),
    "onsager": Quantity((2.5, -3, -0.5, -1), "epsilon^2/(k_B tau sigma^2)", "GW K/m^2", 1e-9),
    "power": Quantity((1.5, -1, -0.5, 0), "epsilon/tau", "nW", 1e9),
    "resistance_chain": Quantity((-0.5, 1, 0.5, -1), "tau/k_B", "K/nW", 1e-9),
    "conductance_chain": Quantity((0.5, -1, -0.5, 1), "k_B/tau", "pW/K", 1e12),
    "conductivity_chain": Quantity((0.5, 0, -0.5, 1), "k_B sigma/tau", "pW nm/K", 1e21),
    "onsager_chain": Quantity((2.5, -1, -0.5, -1), "epsilon^2/(k_B tau)", "nW K", 1e9),
}
"""Heat flux is J (power per area), resistance R_K = ΔT/J, conductance G = 1/R_K, conductivity kappa, onsager G T².

Frequencies are angular in reduced units, and the field counts periods: w_max in 1/tau, w_max/2pi in THz. A modulus is an
elastic constant, whose field plots larger units than that of stress."""

_OF_CHAIN = {
    "pressure": "force",
    "modulus": "force",
    "heat_flux": "power",
    "resistance": "resistance_chain",
    "conductance": "conductance_chain",
    "conductivity": "conductivity_chain",
    "onsager": "onsager_chain",
}
_QUANTITY_OF = {
    "x": "length",
    "time": "time",
    "temperature": "temperature",
    "T": "temperature",
    "delta_T": "temperature",
    "slope": "temperature_gradient",
    "flux": "heat_flux",
    "J": "heat_flux",
    "R_K": "resistance",
    "R": "resistance",
    "G": "conductance",
    "kappa": "conductivity",
    "L_qq": "onsager",
    "stress": "pressure",
    "w": "frequency",
    "sound_velocities": "velocity",
    "elastic_constants": "modulus",
    "lattice_constants": "length",
    "relaxed_lattice_constants": "length",
}


_ENDINGS = ("_stderr", "_ci68", "_ci95", "_systematic")
"""Of names of errors and intervals, which have the unit of their quantity."""


def quantity_of(name: str, dimensions: int = 3) -> str:
    """The quantity, a key of `QUANTITIES`, that a named result measures; KeyError for an unknown name.

    Names are those of `_QUANTITY_OF` and of results made of them: T_A, J_hot, kappa_B, R_K_stderr, x_interface, ...
    `dimensions` is 1 for a chain.
    """
    stem = name
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    quantity = _QUANTITY_OF[stem if stem in _QUANTITY_OF else stem.split("_")[0]]
    return _OF_CHAIN.get(quantity, quantity) if dimensions == 1 else quantity


def reduced_unit(name: str, dimensions: int = 3) -> str:
    """Name of the reduced unit of a named result."""
    return QUANTITIES[quantity_of(name, dimensions)].reduced


def field_unit(name: str, dimensions: int = 3) -> str:
    """Name of the unit in which the field plots a named result."""
    return QUANTITIES[quantity_of(name, dimensions)].field


def pretty_unit(unit: str) -> str:
    """A unit as files name it, with symbols for a reader: `m^2 K/GW` is m² K/GW, `tau sigma^2/k_B` is τ σ²/k_B."""
    for plain, symbol in (("^2", "²"), ("^3", "³"), ("epsilon", "ε"), ("sigma", "σ"), ("tau", "τ")):
        unit = unit.replace(plain, symbol)
    return unit


class Reference(NamedTuple):
    """A substance whose Lennard-Jones parameters are the reduced units."""

    name: str
    epsilon: float
    """Depth of the pair potential, J."""
    sigma: float
    """Diameter, m."""
    mass: float
    """Mass of an atom, kg."""

    @classmethod
    def of(cls, name: str, epsilon_K: float, sigma_angstrom: float, mass_u: float) -> "Reference":
        """epsilon/k_B in K, sigma in Å, mass in u."""
        return cls(name, epsilon_K * k, sigma_angstrom * angstrom, mass_u * atomic_mass)

    @classmethod
    def from_config(cls, value) -> "Reference":
        """The substance of the key `reference`: a name, or an object or mapping with epsilon_K, sigma_angstrom, mass_u.

        Raises ConfigError for a name that is not known.
        """
        if isinstance(value, str):
            if value not in REFERENCES:
                allowed = f"must be {', '.join(REFERENCES)}, or {{{', '.join(_PARAMETERS)}}}"
                raise ConfigError([Problem("reference", repr(value), allowed)])
            return REFERENCES[value]
        parameters = value if isinstance(value, dict) else vars(value)
        return cls.of("custom", *(parameters[name] for name in _PARAMETERS))

    def summary(self) -> dict:
        """Name and parameters, in the units of the configuration, to ten digits."""
        parameters = (self.epsilon / k, self.sigma / angstrom, self.mass / atomic_mass)
        return {"name": self.name} | {
            name: float(f"{parameter:.10g}") for name, parameter in zip(_PARAMETERS, parameters, strict=True)
        }

    def unit(self, quantity: str) -> float:
        """Return the SI value of one reduced unit of a quantity in `QUANTITIES`; KeyError for another."""
        epsilon, sigma, mass, boltzmann = QUANTITIES[quantity].powers
        return self.epsilon**epsilon * self.sigma**sigma * self.mass**mass * k**boltzmann

    def to_si(self, value, quantity: str):
        """Return a reduced value (number or array) in SI: m, kg, J, K, s, W/m², m² K/W, W/(m² K), W/(m K), ..."""
        return value * self.unit(quantity)

    def from_si(self, value, quantity: str):
        """Return an SI value (number or array) in reduced units."""
        return value / self.unit(quantity)

    def to_field(self, value, name: str, dimensions: int = 3):
        """A named result (number or array; None stays None) in the field's unit: (value, name of the unit).

        `dimensions` is 1 for a chain. KeyError for an unknown name.
        """
        quantity = quantity_of(name, dimensions)
        factor = self.unit(quantity) * QUANTITIES[quantity].per_si
        return None if value is None else value * factor, QUANTITIES[quantity].field

    @property
    def hbar(self) -> float:
        """The reduced Planck constant in units of epsilon tau."""
        return hbar / (self.epsilon * self.unit("time"))


_PARAMETERS = ("epsilon_K", "sigma_angstrom", "mass_u")
ARGON = Reference.of("argon", 119.8, 3.405, 39.948)
"""Michels, Wijker and Wijker, Physica 15, 627 (1949)."""
KRYPTON = Reference.of("krypton", 163.0, 3.65, 83.798)
"""Of the solid: Bernardes, Phys. Rev. 112, 1534 (1958): 225e-16 erg and 3.65 Å, as in Kittel, Introduction to Solid
State Physics, chapter 3. Fits to the gas differ by several per cent (171 K, 3.60 Å)."""
XENON = Reference.of("xenon", 231.8, 3.98, 131.293)
"""Of the solid, from the same table: 320e-16 erg and 3.98 Å. Fits to the gas: 221 K, 4.10 Å."""
REFERENCES = {reference.name: reference for reference in (ARGON, KRYPTON, XENON)}

FILE_UNITS = Reference("u, Angstrom, ps", atomic_mass * (angstrom / pico) ** 2, angstrom, atomic_mass)
"""The units of trajectories as if they were a reference substance; one unit of temperature is u (Angstrom/ps)² / k_B."""
