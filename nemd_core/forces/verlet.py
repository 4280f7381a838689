"""Pair sums over a neighbour list: forces, energies and powers of atoms that may go anywhere.

Every moving atom i has all its neighbours in its list and sums over them, a vector at a time, in the order of the list: no
reaction forces, no meeting of threads, the same bits whatever their number.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..potentials import PAIR_TYPE, LennardJones
from ..simd import LANES, fused, item, select_less, splat, sqrt, where_less
from ..simd_gather import PACK, add_lanes, gather_all, gather_xyz
from ..system import SPECIES
from .laws import flag
from .neighbours import MIXED
from .sorting import CHUNK, GHOSTS

_KINDS = len(SPECIES)


class PairTable(NamedTuple):
    """Lennard-Jones by the species of both atoms."""

    coefficient: np.ndarray
    """12 a | -6 b | -slope | offset by species of i and j: flat, (4, 3, 3)."""
    squared_cutoff: float
    shifted: np.ndarray
    """Whether there is a slope, which costs a square root, as `laws.flag` has it."""
    alike: bool
    """Whether all pairs have the same coefficients."""


def pair_table(law: LennardJones) -> PairTable:
    """The coefficients of a law."""
    quarters = np.array((12 * law.a, -6 * law.b, -law.slope, law.offset))
    known = quarters.shape[1]
    table = np.where(PAIR_TYPE < known, quarters[:, np.minimum(PAIR_TYPE, known - 1)], 0.0)
    return PairTable(
        table.ravel(),
        float(law.cutoff) ** 2,
        flag(np.any(law.slope)),
        bool((quarters == quarters[:, :1]).all()),
    )


@kernel
def _force_over_r(law, r2, inverse, a, b, slope):
    """-phi'(r) / r from r² and 1/r²."""
    inverse6 = inverse * inverse * inverse
    f = fused(a, inverse6, b) * inverse6
    if law.shifted.ndim > 1:
        f = fused(slope, sqrt(r2), f)
    return where_less(r2, splat(law.squared_cutoff), f * inverse)


@kernel
def _towards(law, quarter, own, other):
    return splat(item(law.coefficient, (quarter * _KINDS + own) * _KINDS + other))


@kernel
def _chosen(law, quarter, own, species):
    """The coefficient towards neighbours of these species, lane by lane."""
    later = select_less(species, splat(1.5), _towards(law, quarter, own, 1), _towards(law, quarter, own, 2))
    return select_less(species, splat(0.5), _towards(law, quarter, own, 0), later)


@kernel
def _one_species(kind, law):
    """The species whose coefficients hold for all neighbours of an atom, or MIXED."""
    return 0 if law.alike else kind


@kernel
def _difference(packed, offset, k, x, y, z):
    """dx, dy, dz, r² from an atom at (x, y, z) to a vector of neighbours."""
    xj, yj, zj = gather_xyz(packed, offset, k)
    dx, dy, dz = xj - x, yj - y, zj - z
    return dx, dy, dz, fused(dx, dx, fused(dy, dy, dz * dz))


@kernel
def sum_forces(chunk, atoms, list_, law):
    """Forces on the moving atoms of a chunk, into atoms.f."""
    packed, offset, f = list_.packed, list_.offset, atoms.f
    zero, one = splat(0.0), splat(1.0)
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        x, y, z = splat(atoms.x[0, i]), splat(atoms.x[1, i]), splat(atoms.x[2, i])
        own, kind = atoms.species[i], _one_species(list_.kind[i], law)
        fx, fy, fz = zero, zero, zero
        first = list_.first[i]
        end = first + LANES * list_.groups[i]
        if kind != MIXED:
            a, b = _towards(law, 0, own, kind), _towards(law, 1, own, kind)
            slope = _towards(law, 2, own, kind)
            dx, dy, dz, r2 = _difference(packed, offset, first, x, y, z)
            for k in range(first + LANES, end, LANES):
                inverse = one / r2
                next_x, next_y, next_z, next_r2 = _difference(packed, offset, k, x, y, z)
                g = _force_over_r(law, r2, inverse, a, b, slope)
                fx, fy, fz = fused(g, dx, fx), fused(g, dy, fy), fused(g, dz, fz)
                dx, dy, dz, r2 = next_x, next_y, next_z, next_r2
            g = _force_over_r(law, r2, one / r2, a, b, slope)
            fx, fy, fz = fused(g, dx, fx), fused(g, dy, fy), fused(g, dz, fz)
        else:
            for k in range(first, end, LANES):
                xj, yj, zj, species = gather_all(packed, offset, k)
                dx, dy, dz = xj - x, yj - y, zj - z
                r2 = fused(dx, dx, fused(dy, dy, dz * dz))
                a, b = _chosen(law, 0, own, species), _chosen(law, 1, own, species)
                g = _force_over_r(law, r2, one / r2, a, b, _chosen(law, 2, own, species))
                fx, fy, fz = fused(g, dx, fx), fused(g, dy, fy), fused(g, dz, fz)
        f[0, i], f[1, i], f[2, i] = -add_lanes(fx), -add_lanes(fy), -add_lanes(fz)


@kernel
def pack_velocities(chunk, atoms, list_):
    """Copy the velocities of a chunk to where pairs look for them."""
    packed = list_.velocity
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        for component in range(3):
            packed[PACK * i + component] = atoms.v[component, i]


@kernel
def pack_ghost_velocities(chunk, list_):
    """The same for a chunk of ghosts."""
    packed, images = list_.velocity, list_.n + list_.frozen + 1
    for g in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.count[GHOSTS])):
        p, q = PACK * (images + g), PACK * list_.source[g]
        for component in range(3):
            packed[p + component] = packed[q + component]


@kernel
def _pair(list_, k, x, y, z, law, own, kind):
    """(dx, dy, dz, -phi'/r) from a vector of neighbours to an atom at (x, y, z), and their species and velocities."""
    xj, yj, zj, species = gather_all(list_.packed, list_.offset, k)
    dx, dy, dz = x - xj, y - yj, z - zj
    r2 = fused(dx, dx, fused(dy, dy, dz * dz))
    one = 0 if kind == MIXED else kind
    a, b, slope = _towards(law, 0, own, one), _towards(law, 1, own, one), _towards(law, 2, own, one)
    if kind == MIXED:
        a, b = _chosen(law, 0, own, species), _chosen(law, 1, own, species)
        slope = _chosen(law, 2, own, species)
    velocity = gather_xyz(list_.velocity, list_.offset, k)
    g = _force_over_r(law, r2, splat(1.0) / r2, a, b, slope)
    return (dx, dy, dz, g), (xj, species), velocity


@kernel
def sum_powers(chunk, atoms, list_, law, power):
    """power[i] = W_i = ½ sum over j of F_(i<-j) · (v_i + v_j), the energy that atom i receives from all others per time.

    `list_.velocity` must be up to date.
    """
    f, v = atoms.f, atoms.v
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        x, y, z = splat(atoms.x[0, i]), splat(atoms.x[1, i]), splat(atoms.x[2, i])
        own, kind, total = atoms.species[i], _one_species(list_.kind[i], law), splat(0.0)
        for k in range(list_.first[i], list_.first[i] + LANES * list_.groups[i], LANES):
            (dx, dy, dz, g), _, (vx, vy, vz) = _pair(list_, k, x, y, z, law, own, kind)
            total = fused(g, fused(dx, vx, fused(dy, vy, dz * vz)), total)
        power[i] = 0.5 * (f[0, i] * v[0, i] + f[1, i] * v[1, i] + f[2, i] * v[2, i] + add_lanes(total))


@kernel
def sum_through(i, atoms, list_, law, plane):
    """What reaches atom i from atoms below a plane across x, and from species A, per time; as parts of W_i.

    Returns the part from below, the x of the force from below, and the part from A.
    """
    x, y, z = splat(atoms.x[0, i]), splat(atoms.x[1, i]), splat(atoms.x[2, i])
    vx, vy, vz = splat(atoms.v[0, i]), splat(atoms.v[1, i]), splat(atoms.v[2, i])
    own, kind, border, half = atoms.species[i], _one_species(list_.kind[i], law), splat(plane), splat(0.5)
    power, pull, power_a = splat(0.0), splat(0.0), splat(0.0)
    for k in range(list_.first[i], list_.first[i] + LANES * list_.groups[i], LANES):
        (dx, dy, dz, g), (xj, species), (ux, uy, uz) = _pair(list_, k, x, y, z, law, own, kind)
        given = g * fused(dx, vx + ux, fused(dy, vy + uy, dz * (vz + uz)))
        power = power + where_less(xj, border, given)
        pull = pull + where_less(xj, border, g * dx)
        power_a = power_a + where_less(species, half, given)
    return 0.5 * add_lanes(power), add_lanes(pull), 0.5 * add_lanes(power_a)


@kernel
def sum_energies(chunk, atoms, list_, law, potential):
    """potential[chunk]: energy of the pairs of a chunk, half of each with a moving atom, all of each with a frozen one."""
    total = splat(0.0)
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        x, y, z = splat(atoms.x[0, i]), splat(atoms.x[1, i]), splat(atoms.x[2, i])
        own = atoms.species[i]
        for k in range(list_.first[i], list_.first[i] + LANES * list_.groups[i], LANES):
            xj, yj, zj, species = gather_all(list_.packed, list_.offset, k)
            share = gather_all(list_.velocity, list_.offset, k)[3]
            dx, dy, dz = x - xj, y - yj, z - zj
            r2 = fused(dx, dx, fused(dy, dy, dz * dz))
            inverse = splat(1.0) / r2
            inverse6 = inverse * inverse * inverse
            a, b = _chosen(law, 0, own, species), _chosen(law, 1, own, species)
            energy = (splat(1 / 12) * a * inverse6 + splat(1 / 6) * b) * inverse6
            energy = energy + _chosen(law, 3, own, species) - _chosen(law, 2, own, species) * sqrt(r2)
            total = fused(share, where_less(r2, splat(law.squared_cutoff), energy), total)
    potential[chunk] = add_lanes(total)


@kernel
def sum_one(i, atoms, list_, law):
    """Half of the potential energy of one atom, and W_i, pair by pair: without `list_.velocity`."""
    packed, energy, power = list_.packed, 0.0, 0.0
    for k in range(list_.first[i], list_.first[i] + LANES * list_.groups[i]):
        p = list_.offset[k]
        dx, dy, dz = atoms.x[0, i] - packed[p], atoms.x[1, i] - packed[p + 1], atoms.x[2, i] - packed[p + 2]
        r2 = dx * dx + dy * dy + dz * dz
        if r2 >= law.squared_cutoff:
            continue
        c = _KINDS * atoms.species[i] + int(packed[p + 3])
        a, b = law.coefficient[c], law.coefficient[_KINDS**2 + c]
        slope, offset = law.coefficient[2 * _KINDS**2 + c], law.coefficient[3 * _KINDS**2 + c]
        inverse, r = 1.0 / r2, np.sqrt(r2)
        inverse6 = inverse * inverse * inverse
        energy += 0.5 * ((a / 12 * inverse6 + b / 6) * inverse6 + offset - slope * r)
        j = p // PACK
        if j > list_.n + list_.frozen:
            j = list_.source[j - list_.n - list_.frozen - 1]
        both = 0.0
        for component, d in enumerate((dx, dy, dz)):
            both += d * (atoms.v[component, i] + (atoms.v[component, j] if j < list_.n else 0.0))
        power += 0.5 * ((a * inverse6 + b) * inverse6 + slope * r) * inverse * both
    return energy, power
