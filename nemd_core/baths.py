"""Hot and cold Langevin baths and their energy ledger.

Ornstein-Uhlenbeck step of BAOAB (Leimkuhler and Matthews, Appl. Math. Res. Express 2013, 34), per component:

    v <- c v + sqrt((1 - c²) T / m) R,      c = exp(-gamma dt)

gamma friction (1/time), T set temperature (energy), m mass, R a standard normal number. The ledger adds up the kinetic
energy that this line gives to each bath atom, exactly and step by step.

Ramped friction grows as 2 gamma sin²(pi s/2) from s = 0 at the inner edge of a bath to 1 at the outer; a layer n of N,
counted from the inner edge, has s = (n + ½)/N. It reflects far less than a bath that begins abruptly. A bath in the
middle of a periodic side has two inner edges and rises from both.
"""

from typing import NamedTuple

import numpy as np

from .forces.rows import Rows
from .jit import kernel
from .random import fill_normals
from .system import REGIONS, System

HOT, COLD = 0, 1


class Baths(NamedTuple):
    """Bath sites, sheet by sheet; all arrays but `noise_room` have the shape (sheets, sites)."""

    element: np.ndarray
    """Where the site lies inside its sheet."""
    site: np.ndarray
    """Number of the site in the system: the counter of its random numbers."""
    replica: np.ndarray
    bath: np.ndarray
    """HOT or COLD."""
    memory: np.ndarray
    """c of the equation above."""
    noise: np.ndarray
    """sqrt((1 - c²) T / m)."""
    half_mass: np.ndarray
    heat: np.ndarray
    """Energy given to the site since production began."""
    normals: np.ndarray
    """Room for random numbers, shape (sheets, 8, sites)."""


def bath_friction(n_layers: int, friction: float, ramp: bool) -> np.ndarray:
    """Friction of each layer of a bath from its inner to its outer edge, shape (n_layers,)."""
    s = (np.arange(n_layers) + 0.5) / n_layers
    return friction * (2 * np.sin(np.pi * s / 2) ** 2 if ramp else np.ones(n_layers))


def layer_friction(system: System, baths) -> np.ndarray:
    """Friction of each layer of a system, shape (n_layers,), zero outside the baths."""
    friction = np.zeros(system.n_layers)
    for name, outward in (("hot", -1), ("cold", 1)):
        layers = np.flatnonzero(system.layer_region == name)[::outward]
        if system.periodic:
            layers = np.stack([layers, layers[::-1]])[:, : (len(layers) + 1) // 2]
        friction[layers] = bath_friction(layers.shape[-1], baths.friction, baths.ramp)
    return friction


def build_baths(system: System, rows: Rows, config, replica_ids) -> Baths:
    """The bath sites of every replica. replica_ids: the number of each replica, which keys its random numbers."""
    site, sheet, element = rows.elements(system)
    layer, region = system.layer_of_site[site], system.cell_region[system.cell_of_site[site]]
    in_bath = np.isin(region, [REGIONS.index("hot"), REGIONS.index("cold")])
    site, sheet, element, layer, region = (a[in_bath] for a in (site, sheet, element, layer, region))
    order = np.argsort(sheet, kind="stable")
    bath = np.where(region == REGIONS.index("hot"), HOT, COLD)
    temperature = np.array([config.baths.hot.temperature, config.baths.cold.temperature])[bath]
    mass = system.mass[site]
    memory = np.exp(-layer_friction(system, config.baths)[layer] * config.run.timestep)
    noise = np.sqrt((1 - memory**2) * temperature / mass)

    def spread(values):
        by_sheet = values[order].reshape(rows.sheets, -1)
        return np.repeat(by_sheet, rows.replicas, axis=1)

    number = np.tile(np.arange(rows.replicas), (rows.sheets, len(site) // rows.sheets))
    element = spread(element) + number
    return Baths(
        element=element,
        site=spread(site).astype(np.uint64),
        replica=np.asarray(replica_ids, np.uint64)[number],
        bath=spread(bath),
        memory=spread(memory),
        noise=spread(noise),
        half_mass=spread(0.5 * mass),
        heat=np.zeros(element.shape),
        normals=np.zeros((rows.sheets, 8, element.shape[1])),
    )


@kernel
def exchange(before, memory, noise, normal, half_mass):
    """O of one component of a velocity: the new one, and the kinetic energy that the bath gives."""
    after = memory * before + noise * normal
    return after, half_mass * (after * after - before * before)


@kernel
def apply_bath(sheet, u, v, baths, step, seed, half_step):
    """O, and the half drift of the bath sites around it: u gains half_step (v_after - v_before).

    The caller has drifted every site by a whole step with the velocity before O. u, v: (sheets, components, stride).
    """
    room = baths.normals[sheet]
    normals = room[:4]
    fill_normals(normals, room[4:], baths.site[sheet], baths.replica[sheet], step, seed, np.uint64(0))
    element, memory, noise = baths.element[sheet], baths.memory[sheet], baths.noise[sheet]
    half_mass, heat = baths.half_mass[sheet], baths.heat[sheet]
    for component in range(v.shape[1]):
        uc, vc, random = u[sheet, component], v[sheet, component], normals[component]
        for n in range(element.size):
            k = element[n]
            before = vc[k]
            after, given = exchange(before, memory[n], noise[n], random[n], half_mass[n])
            vc[k] = after
            uc[k] += half_step * (after - before)
            heat[n] += given
