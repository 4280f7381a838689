"""Pair potentials: Lennard-Jones with its truncations, springs, and the rules that mix two materials.

Everything here is per pair and per pair type; sums over a crystal live in `forces`. Pair types are numbered as in
PAIR_TYPES; the last three exist only where there is a third material. Units: epsilon, sigma.
"""

from typing import NamedTuple

import numpy as np

PAIR_TYPES = ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2))
"""The two species of each pair type."""
PAIR_TYPE = np.array([[0, 1, 3], [1, 2, 4], [3, 4, 5]])
"""The pair type of two species, shape (3, 3)."""


class LennardJones(NamedTuple):
    """phi(r) = a r^-12 - b r^-6 + offset + slope r inside `cutoff`, 0 outside; one value per pair type.

    a = 4 epsilon sigma^12 and b = 4 epsilon sigma^6. `slope` makes the force vanish at the cut-off (force-shift),
    `offset` the energy (energy-shift and force-shift).
    """

    a: np.ndarray
    b: np.ndarray
    offset: np.ndarray
    slope: np.ndarray
    cutoff: float


class Springs(NamedTuple):
    """Nearest-neighbour springs: K = longitudinal rr + transverse (1 - rr); one value per pair type."""

    longitudinal: np.ndarray
    transverse: np.ndarray


def mix(rule, first: float, second: float) -> float:
    """The cross value by a rule, 'arithmetic' or 'geometric' mean, or the given number itself."""
    if rule == "arithmetic":
        return 0.5 * (first + second)
    if rule == "geometric":
        return float(np.sqrt(first * second))
    return float(rule)


def lennard_jones(epsilon, sigma, cutoff: float, truncation: str) -> LennardJones:
    """The Lennard-Jones parameters for `epsilon` and `sigma`, each one value per pair type.

    truncation: 'none' (LAMMPS lj/cut), 'energy-shift' (the same forces), or 'force-shift' (lj/smooth/linear).
    """
    epsilon, sigma = np.asarray(epsilon, float), np.asarray(sigma, float)
    a, b = 4 * epsilon * sigma**12, 4 * epsilon * sigma**6
    plain = LennardJones(a, b, np.zeros_like(a), np.zeros_like(a), cutoff)
    energy, first, _ = _derivatives(plain, cutoff)
    if truncation == "energy-shift":
        return plain._replace(offset=-energy)
    if truncation == "force-shift":
        return plain._replace(offset=cutoff * first - energy, slope=-first)
    return plain


def pair_derivatives(law: LennardJones, r, pair_type=0):
    """phi(r) and its first and second derivative, 0 beyond the cut-off; `r` and `pair_type` broadcast."""
    one = LennardJones(*(np.asarray(p)[pair_type] for p in law[:4]), law.cutoff)
    return tuple(np.where(np.asarray(r) < law.cutoff, value, 0.0) for value in _derivatives(one, r))


def _derivatives(law: LennardJones, r):
    r6 = np.asarray(r, float) ** -6
    energy = law.a * r6**2 - law.b * r6 + law.offset + law.slope * r
    first = (-12 * law.a * r6**2 + 6 * law.b * r6) / r + law.slope
    second = (156 * law.a * r6**2 - 42 * law.b * r6) / r**2
    return energy, first, second


def force_constants(law, bond, pair_type=0):
    """The matrix K of E = ½ d·K·d for the relative displacement d of two atoms joined by `bond`.

    Lennard-Jones: K = (phi'' - phi'/r) rr + phi'/r 1, prestress included. `bond` has shape (..., 3); returns
    (..., 3, 3). The term linear in d is left out: it cancels in the sum over a relaxed crystal.
    """
    bond = np.asarray(bond, float)
    r = np.linalg.norm(bond, axis=-1)
    if isinstance(law, Springs):
        along, across = law.longitudinal[pair_type], law.transverse[pair_type]
    else:
        _, first, second = pair_derivatives(law, r, pair_type)
        along, across = second, first / r
    direction = bond / r[..., None]
    rr = direction[..., :, None] * direction[..., None, :]
    along, across = (np.asarray(k)[..., None, None] for k in (along, across))
    return (along - across) * rr + across * np.eye(3)


def law_of(config) -> LennardJones | Springs:
    """The pair potential that a configuration describes.

    `interaction.cross` is for pairs of A and B; a rule given there also holds for pairs with C, else the usual one.
    """
    materials, cross = config.materials, config.interaction.cross
    all_three = [material for material in (materials.A, materials.B, materials.C) if material]

    def each(name, usual):
        rule = getattr(cross, name) or 0.0  # a chain has no transverse stiffness
        values = []
        for first, second in PAIR_TYPES[: 3 if len(all_three) == 2 else 6]:
            pair = [getattr(all_three[n], name) or 0.0 for n in (first, second)]
            given = rule if isinstance(rule, str) or (first, second) == (0, 1) else usual
            values.append(pair[0] if first == second else mix(given, *pair))
        return np.array(values)

    if config.interaction.potential == "harmonic":
        return Springs(each("stiffness", "arithmetic"), each("transverse_stiffness", "arithmetic"))
    return lennard_jones(
        each("epsilon", "geometric"),
        each("sigma", "arithmetic"),
        config.interaction.cutoff,
        config.interaction.truncation,
    )
