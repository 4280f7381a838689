"""Reduced Lennard-Jones units, and SI through a reference substance. The only place with physical constants.

In reduced units the reference substance has epsilon = sigma = m = k_B = 1; materials are given relative to it.
"""

from typing import NamedTuple

from scipy.constants import angstrom, atomic_mass, hbar, k

EXPONENTS = {
    "length": (0, 1, 0, 0),
    "area": (0, 2, 0, 0),
    "mass": (0, 0, 1, 0),
    "energy": (1, 0, 0, 0),
    "temperature": (1, 0, 0, -1),
    "time": (-0.5, 1, 0.5, 0),
    "velocity": (0.5, 0, -0.5, 0),
    "frequency": (0.5, -1, -0.5, 0),
    "force": (1, -1, 0, 0),
    "stiffness": (1, -2, 0, 0),
    "pressure": (1, -3, 0, 0),
    "heat_flux": (1.5, -3, -0.5, 0),
    "resistance": (-0.5, 3, 0.5, -1),
    "conductance": (0.5, -3, -0.5, 1),
    "conductivity": (0.5, -2, -0.5, 1),
}
"""Powers of (epsilon, sigma, m, k_B) in the unit of each quantity.

Heat flux is J (power per area), resistance R_K = ΔT/J, conductance G = 1/R_K, conductivity kappa.
"""


class Reference(NamedTuple):
    """A substance whose Lennard-Jones parameters are the reduced units."""

    name: str
    epsilon: float
    """Depth of the pair potential, J."""
    sigma: float
    """Diameter, m."""
    mass: float
    """Mass of an atom, kg."""

    def unit(self, quantity: str) -> float:
        """Return the SI value of one reduced unit of a quantity in `EXPONENTS`; KeyError for another."""
        epsilon, sigma, mass, boltzmann = EXPONENTS[quantity]
        return self.epsilon**epsilon * self.sigma**sigma * self.mass**mass * k**boltzmann

    def to_si(self, value, quantity: str):
        """Return a reduced value (number or array) in SI: m, kg, J, K, s, W/m², m² K/W, W/(m² K), W/(m K), ..."""
        return value * self.unit(quantity)

    def from_si(self, value, quantity: str):
        """Return an SI value (number or array) in reduced units."""
        return value / self.unit(quantity)

    @property
    def hbar(self) -> float:
        """The reduced Planck constant in units of epsilon tau."""
        return hbar / (self.epsilon * self.unit("time"))


ARGON = Reference("argon", 119.8 * k, 3.405 * angstrom, 39.948 * atomic_mass)
