"""The exact steady state of a harmonic junction as it is simulated: its walls, baths, friction, ramp and fit windows.

Springs, and Lennard-Jones to second order, are linear: in continuous time the stationary covariance of displacements and
velocities follows without statistics. A crystal splits into the transverse wave vectors of its cross-section (`strips`),
each solved by `lyapunov`; a long chain is solved by `chain_spectrum`. Here the pieces become a profile, fluxes and jumps.
Classical; what a finite time step changes, O(dt²), is not in it.

Modes that no bath reaches (fcc with nearest-neighbour springs has some) keep what the start gave them: as in `group`,
atoms at rest on their sites with twice the kinetic energy of the linear profile between the baths, half of which is left.
They carry no heat.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..baths import layer_friction
from ..config_yaml import refuse, show
from ..group import set_temperatures
from ..structure import build
from ..system import System
from .chain_spectrum import respond_chain
from .jumps import Jump, find_jumps, fit_model
from .lyapunov import Modes, Response, find_modes, respond
from .strips import Strip, force_matrix, make_strip, simulated_points

MAX_DENSE, MAX_CHAIN = 2000, 4000
"""Degrees of freedom of one wave vector: more take hours, or more memory than a workstation has."""
_SHORT_CHAIN = 300
"""Up to here a Lyapunov equation is faster than integrals over frequency."""
_REAL = 1e-12


@dataclass(frozen=True)
class ExactState:
    """Exact stationary averages; fluxes and heats per area, positive from A to B. n_layers with walls."""

    x: np.ndarray
    """Mean position of each layer about which the forces are linear, in sigma, (n_layers,)."""
    region: np.ndarray
    """wall, hot, A, B or cold, (n_layers,)."""
    species: np.ndarray
    """A, B, C or mixed, (n_layers,)."""
    temperature: np.ndarray
    """(n_layers,), nan in walls."""
    plane_x: np.ndarray
    """Planes between cells, midway between two layers, (n_planes,)."""
    flux: np.ndarray
    """Through each plane, (n_planes,)."""
    J: float
    """Mean over the planes between the baths."""
    heat_hot: float
    """Given by the hot bath to the system; through two interfaces with periodic ends."""
    heat_cold: float
    """Given by the cold bath to the system."""
    T_A: float
    """Of the line in A at the interface; with periodic ends, as delta_T and J, the mean of both interfaces."""
    T_B: float
    delta_T: float
    R_K: float
    """Known also at equal bath temperatures: it does not depend on them."""
    interfaces: tuple[Jump, ...]
    """Each interface with its fit windows."""
    fit: str
    """How T_A and T_B are found: a straight line through the windows of the configuration, or a level."""
    n_modes: int
    n_undamped: int
    """Modes that no bath reaches."""
    decay_rate: float
    """Of the slowest amplitude that a bath reaches, 1/time: a run must equilibrate for several times its inverse."""
    residual: float
    """Largest relative deviation from J of a plane between the baths or of a bath."""
    missing: float
    """Largest share of a layer's modes that integrals over frequency miss; 0 where none are needed."""


class _Sums(NamedTuple):
    """Response to a hot bath at 1 and a cold one at 0: of the strip's moving sites, and of its bonds."""

    kinetic: np.ndarray
    """Temperature of each site, (n,)."""
    heat: np.ndarray
    """What a bath gives to each site, (n,)."""
    bond: np.ndarray
    """Heat through each bond from the left to the right, (m,)."""
    n_undamped: int
    decay_rate: float
    missing: float


class LinearJunction(NamedTuple):
    """What all wave vectors share. Moving sites only; n of them with d components."""

    strip: Strip
    site: np.ndarray
    """Their indices in the strip, (n,)."""
    root_mass: np.ndarray
    """(n d,)"""
    gamma: np.ndarray
    """(n d,)"""
    hot: np.ndarray
    """1 in the hot bath, (n d,)."""
    start: np.ndarray
    """The linear profile from 1 to 0, (n d,)."""
    bonds: np.ndarray
    """Indices in the strip of the bonds between moving sites whose second is on the right, (m,)."""
    ends: np.ndarray
    """Both ends of these bonds among the moving sites, (2, m)."""


def steady_state(config, crystals=None, threads: int | None = None) -> ExactState:
    """The exact stationary state of a harmonic or lj-harmonic configuration, in continuous time.

    A S + S A^† = -D for the covariance S of z = (q, w), mass-weighted, dz = A z dt + noise (Rieder, Lebowitz and Lieb, J.
    Math. Phys. 8, 1073 (1967)). Heat through a bond is <½ F·(v_i + v_j)>. crystals: what `relax_all` found, for
    `lattice_constant: auto`. threads: wave vectors, or frequencies, at a time; by default `run.threads`, as far as there
    are cores. Raises ConfigError for anharmonic forces and for what is too large, PhysicsError where there is no steady
    state.
    """
    if config.interaction.potential == "lj":
        raise refuse("interaction.potential", "lj", "exact needs harmonic or lj-harmonic")
    system, strip = build(config, crystals), make_strip(config, crystals)
    junction = prepare_junction(config, system, strip)
    _check_size(config, junction)
    threads = threads or min(config.run.threads, os.cpu_count() or 1)
    points = simulated_points(strip)
    if strip.dimensions == 1:
        return _collect(config, system, junction, _solve(junction, points.k[0], threads))
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(lambda k: _solve(junction, k, 1), points.k))
    kinetic, heat, bond, n_undamped, decay_rate, missing = zip(*parts, strict=True)
    share = points.weight / points.weight.sum()
    sums = _Sums(
        share @ np.array(kinetic),
        share @ np.array(heat),
        share @ np.array(bond),
        int(points.weight @ np.array(n_undamped)),
        min(decay_rate),
        max(missing),
    )
    return _collect(config, system, junction, sums)


def _check_size(config, junction: LinearJunction) -> None:
    structure, size = config.structure, len(junction.gamma)
    if junction.strip.dimensions == 1:
        limit, key, value = MAX_CHAIN, "structure.length", f"{structure.length.A} + {structure.length.B}"
    else:
        limit, key, value = MAX_DENSE, "structure.cross_section", show(list(structure.cross_section))
    if size > limit:
        text = f"exact solves {size} degrees of freedom at once, must be at most {limit}"
        if junction.strip.n_strips == 1 < junction.strip.dimensions:
            text += ": without order along y and z the whole cross-section counts"
        raise refuse(key, value, text)


def prepare_junction(config, system: System, strip: Strip) -> LinearJunction:
    """The moving sites of a strip with their baths and the temperatures of their start."""
    site = np.flatnonzero(strip.moving)
    place = np.full(len(strip.mass) + 1, -1)  # the last is for what is frozen beyond the ends
    place[site] = np.arange(len(site))
    ends = place[[strip.first, strip.second]]
    bonds = np.flatnonzero((ends >= 0).all(axis=0) & (strip.vector[:, 0] > 0))
    layer = strip.layer[site]
    unit = {"hot": {"temperature": 1.0}, "cold": {"temperature": 0.0}}
    baths = {name: getattr(config.baths, name).model_copy(update=values) for name, values in unit.items()}
    start = set_temperatures(
        system, config.model_copy(update={"baths": config.baths.model_copy(update=baths)})
    )

    def spread(values):
        return np.repeat(values, strip.dimensions)

    return LinearJunction(
        strip=strip,
        site=site,
        root_mass=spread(np.sqrt(strip.mass[site])),
        gamma=spread(layer_friction(system, config.baths)[layer]),
        hot=spread((system.layer_region[layer] == "hot").astype(float)),
        start=spread(start[layer]),
        bonds=bonds,
        ends=ends[:, bonds],
    )


def _solve(junction: LinearJunction, k, threads: int) -> _Sums:
    """One wave vector. threads: for the frequencies of a long chain."""
    strip, gamma, hot = junction.strip, junction.gamma, junction.hot
    d, n = strip.dimensions, len(junction.site)
    modes, K, gauge = modes_at(junction, k)
    if d == 1 and n > _SHORT_CHAIN:
        response, missing = respond_chain(K, modes, gamma, hot, threads)
    else:
        response, missing = respond(modes, gamma, hot), 0.0
    kinetic = response.kinetic + modes.kept(junction.start)
    return _Sums(
        kinetic.reshape(n, d).mean(axis=1),
        (gamma * (hot - response.kinetic)).reshape(n, d).sum(axis=1),
        _bond_heat(junction, k, gauge / junction.root_mass, response),
        modes.n_undamped,
        response.decay_rate,
        missing,
    )


def modes_at(junction: LinearJunction, k) -> tuple[Modes, np.ndarray, np.ndarray]:
    """The normal modes at a wave vector; the mass-weighted force matrix K and its gauge, u = gauge q / root_mass."""
    strip, d = junction.strip, junction.strip.dimensions
    K, gauge = _real_form(force_matrix(strip, k, junction.site) / np.outer(*2 * [junction.root_mass]), d)
    where = "" if d == 1 else f" at k = ({k[0]:.4g}, {k[1]:.4g})"
    return find_modes(K, junction.gamma, where), K, gauge


def _real_form(K: np.ndarray, d: int) -> tuple[np.ndarray, np.ndarray]:
    """K and the gauge u = gauge q in which it is real, if it is so with u_y = i q_y and u_z = i q_z.

    Where a two-fold axis along x passes through every site, K_xy and K_xz are imaginary: real arithmetic is four times
    faster.
    """
    gauge = np.tile([1, 1j, 1j][:d], len(K) // d)
    turned = gauge.conj()[:, None] * K * gauge
    if np.abs(turned.imag).max() < _REAL * np.abs(turned).max():
        return turned.real.copy(), gauge
    return K, np.ones(len(K))


def _bond_heat(junction: LinearJunction, k, scale, response: Response) -> np.ndarray:
    """<½ F·(v_i + v_j)> through each bond, F = -K (u_j - u_i) the force on j, u = scale q; shape (m,)."""
    strip, (i, j) = junction.strip, junction.ends
    d, n = strip.dimensions, len(junction.site)

    def uv(first, second):
        pairs = response.correlation.reshape(n, d, n, d)[first, :, second]
        scales = scale.reshape(n, d)
        return scales[first, :, None] * pairs * scales[second, None].conj()

    phase = np.exp(1j * strip.vector[junction.bonds, 1:] @ np.asarray(k))[:, None, None]
    pairs = phase * uv(j, i) + uv(j, j) - uv(i, i) - phase.conj() * uv(i, j)
    return -0.5 * np.einsum("bij,bij->b", strip.stiffness[junction.bonds], pairs).real


def _collect(config, system: System, junction: LinearJunction, sums: _Sums) -> ExactState:
    """Averages by layer and plane. All is linear: computed for baths at 1 and 0, and scaled at the end."""
    strip, per_layer = junction.strip, {"minlength": system.n_layers}
    layer = strip.layer[junction.site]
    count = np.bincount(layer, **per_layer)
    kinetic = np.bincount(layer, sums.kinetic, **per_layer) / np.where(count > 0, count, np.nan)
    x = np.bincount(strip.layer, strip.position[:, 0]) / np.bincount(strip.layer)
    above = system.plane_cell * system.lattice.layers_per_cell
    flux = _plane_flux(system, junction, sums.bond)
    hot, cold = (sums.heat[system.layer_region[layer] == name].sum() / strip.area for name in ("hot", "cold"))
    jumps = find_jumps(config, system, x, kinetic, flux)
    J = float(np.mean([jump.J for jump in jumps]))
    between = np.concatenate([jump.direction * flux[jump.planes] for jump in jumps])
    through = np.r_[between, hot / len(jumps), -cold / len(jumps)]

    T_cold = config.baths.cold.temperature
    bias = config.baths.hot.temperature - T_cold
    T_A, T_B = (
        T_cold + bias * float(np.mean([getattr(jump, side).at_interface for jump in jumps])) for side in "AB"
    )
    return ExactState(
        x=x,
        region=system.layer_region,
        species=system.layer_species,
        temperature=T_cold + bias * kinetic,
        plane_x=0.5 * (x[above - 1] - system.length * (above == 0) + x[above]),
        flux=bias * flux,
        J=bias * J,
        heat_hot=bias * float(hot),
        heat_cold=bias * float(cold),
        T_A=T_A,
        T_B=T_B,
        delta_T=T_A - T_B,
        R_K=float(np.mean([jump.delta_T for jump in jumps])) / J,
        interfaces=tuple(jump.scaled(T_cold, bias) for jump in jumps),
        fit=fit_model(config),
        n_modes=len(junction.gamma) * (1 if strip.dimensions == 1 else strip.n_strips),
        n_undamped=sums.n_undamped,
        decay_rate=sums.decay_rate,
        residual=float(np.abs(through / J - 1).max()),
        missing=sums.missing,
    )


def _plane_flux(system: System, junction: LinearJunction, bond) -> np.ndarray:
    """Flux through each plane, from the heat through the bonds that end in cells on either side of it, (n_planes,)."""
    strip = junction.strip
    first, second = (strip.cell[ends[junction.bonds]] for ends in (strip.first, strip.second))
    period = system.n_cells if system.periodic else np.inf
    to_plane = np.mod(system.plane_cell[:, None] - 1 - first, period)  # cells beyond that of the first end
    crosses = to_plane < np.mod(second - first, period)
    return crosses @ bond / strip.area
