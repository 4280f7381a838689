"""The arithmetic of one pair on eight positions at once: Lennard-Jones, and matrices of force constants.

A law is a bundle of arrays; `pair_force` and `pair_energy` choose the arithmetic by its type when a kernel is
compiled. Positions are p of i in its sheet-wide array, q of j, k inside the row; `entry` counts the entries of a sheet's
table, `link` those of all sheets. `dx, dy, dz` is u_j - u_i, the difference of displacements; y and z are zero on a
chain.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from ..jit import inlined
from ..potentials import PAIR_TYPE, LennardJones, Springs, force_constants
from ..simd import LANES, fused, item, load, select_less, splat, sqrt, where_less
from ..system import SPECIES, System
from .rows import Pairs, Rows, Table

_KINDS = len(SPECIES)


class PairLaw(NamedTuple):
    """Lennard-Jones, with the quarters 12 a | -6 b | -slope | offset of coefficients.

    A vector of positions is plain if all its sites and all their neighbours are of one species on one side of the
    interface: then every pair has the same coefficients, and each entry one bond. `plain` tells its segment, the
    number of such a combination, or -1 for a mixed vector, whose coefficients follow from the species of both sites and
    whose bonds depend on the place.
    """

    plain: np.ndarray
    segment: np.ndarray
    """Coefficients of each segment: (quarters, segments, 8)."""
    bond: np.ndarray
    """Ideal vector of each entry in each segment: (segments, entries, 3)."""
    entries: int
    species: np.ndarray
    """Species of every site, as a number, laid out as the x of displacements."""
    pair: np.ndarray
    """Coefficients by species of i and j: (quarters, 3, 3)."""
    axial: np.ndarray
    """Ideal x from i to j along the row for each kind of bond: (kinds, width)."""
    kind: np.ndarray
    """Where `axial` of an entry begins; shape (entries,)."""
    third: bool
    """Whether there is a third species."""
    begin: int
    squared_cutoff: float
    shifted: bool
    """Whether there is a slope, which costs a square root."""


class LinearLaw(NamedTuple):
    """Force constants along the row for each kind of bond, as -K: xx | yy | zz | xy | xz | yz, `width` elements each."""

    constant: np.ndarray
    start: np.ndarray
    """Where the constants of an entry begin, for each sheet; shape (sheets, entries)."""
    width: int
    components: int


def pair_law(law: LennardJones, system: System, rows: Rows, table: Table, pairs: Pairs) -> PairLaw:
    """Spread Lennard-Jones parameters and ideal bonds over positions."""
    begin, _ = rows.window()
    quarters = np.array((12 * law.a, -6 * law.b, -law.slope, law.offset))
    plain, segments = _plain_vectors(system, rows, quarters)
    species = np.zeros((rows.sheets, rows.components, rows.stride))
    species[:, 0, : rows.rows * rows.width] = rows.spread(system, system.species).reshape(rows.sheets, -1)
    known = quarters.shape[1]
    pair = np.where(PAIR_TYPE < known, quarters[:, np.minimum(PAIR_TYPE, known - 1)], 0.0)
    bonds = [pairs.bonds(system.layer_spacing[side])[table.pairs] for _, side in segments]
    axial, kind = axial_bonds(system, rows, pairs)
    return PairLaw(
        plain=plain,
        segment=np.repeat(
            [[q[PAIR_TYPE[s, s]] for s, _ in segments] for q in quarters], LANES, axis=1
        ).ravel(),
        bond=np.array(bonds).ravel(),
        entries=len(table.pairs),
        species=species.ravel(),
        pair=pair.ravel(),
        axial=axial.ravel(),
        kind=kind[table.pairs] * rows.width,
        third=bool(system.species.max() > 1),
        begin=begin,
        squared_cutoff=float(law.cutoff) ** 2,
        shifted=bool(np.any(law.slope)),
    )


def _plain_vectors(system: System, rows: Rows, quarters) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """For each vector of positions its segment, or -1; and the (species, side) of each segment."""
    begin, end = rows.window()
    cells = system.inner_cell(
        rows.first_cell - rows.reach + np.arange((end - begin) // rows.replicas + 2 * rows.reach + 1)
    )
    by_cell = system.species.reshape(-1, system.n_cells)
    species = np.where((by_cell == by_cell[0]).all(axis=0), by_cell[0], -1)
    side = system.cell_side
    if quarters.shape[1] and (quarters == quarters[:, :1]).all():
        species = np.zeros_like(species)
    if system.axial[0] == system.axial[1]:
        side = np.zeros_like(side)
    key = np.where(species < 0, -1, 2 * species + side)[cells]
    first = (np.arange(begin, end, LANES) - begin) // rows.replicas
    last = (np.arange(begin, end, LANES) - begin + LANES - 1) // rows.replicas
    windows = [key[i : j + 2 * rows.reach + 1] for i, j in zip(first, last, strict=True)]
    chosen = np.array([w[0] if (w == w[0]).all() else -1 for w in windows])
    found = sorted(set(chosen) - {-1}) or [0]
    number = {int(value): n for n, value in enumerate(found)}
    plain = np.array([number.get(int(value), -1) for value in chosen])
    return plain, [divmod(int(value), 2) for value in found]


def axial_bonds(system: System, rows: Rows, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Ideal x from i to j along the row for each kind of pair, (kinds, width), and the kind of each pair."""
    kinds, kind = np.unique(np.column_stack([pairs.basis, pairs.offset[:, 0]]), axis=0, return_inverse=True)
    per_cell, sublayer = system.lattice.layers_per_cell, system.lattice.sublayer
    i, j, shift = kinds.T[:, :, None]
    layer = rows.cell_of_position * per_cell + sublayer[i]
    return system.distance(layer, layer + shift * per_cell + sublayer[j] - sublayer[i]), kind.ravel()


def linear_law(
    law: LennardJones | Springs, system: System, rows: Rows, table: Table, pairs: Pairs, relaxed=None
) -> LinearLaw:
    """Force constants of every bond. `relaxed`: displacement of each site from the ideal one, in sigma, shape
    (n_sites, components), zero where frozen; bonds are taken between the displaced sites."""
    order = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))[: 1 if rows.components == 1 else 6]
    species = rows.spread(system, system.species)
    inside = (rows.cell_of_position >= 0) & (rows.cell_of_position < system.n_cells) | system.periodic
    moved = np.zeros((3, *species.shape))
    for component in range(rows.components if relaxed is not None else 0):
        moved[component] = np.where(inside, rows.spread(system, relaxed[:, component]), 0.0)
    axial, kind = axial_bonds(system, rows, pairs)
    known, blocks, start = {}, [], np.empty((rows.sheets, len(table.pairs)), np.int64)
    size = len(order) * rows.width
    for sheet in range(rows.sheets):
        for entry, pair in enumerate(table.pairs):
            row, other, above = table.row[entry], table.neighbour[entry], table.sheet[sheet, entry]
            ahead = table.shift[entry] * rows.replicas
            types = PAIR_TYPE[species[sheet, row], np.roll(species[above, other], -ahead)]
            shift = np.roll(moved[:, above, other], -ahead, axis=-1) - moved[:, sheet, row]
            key = (pair, types.tobytes(), shift.tobytes())
            if key not in known:
                lateral = np.broadcast_to(pairs.lateral[pair], (rows.width, 2))
                bond = np.column_stack([axial[kind[pair]], lateral]) + shift.T
                matrix = force_constants(law, bond, types)
                known[key] = len(blocks) * size
                blocks.append(np.concatenate([-matrix[:, r, c] for r, c in order]))
            start[sheet, entry] = known[key]
    return LinearLaw(
        constant=np.concatenate(blocks), start=start.ravel(), width=rows.width, components=rows.components
    )


@inlined
def _lennard_jones_constants(law, p, k):
    """(is the vector at k mixed?, where its bonds begin, then 12 a, -6 b, -slope, offset of a plain vector, or those
    towards a neighbour of species A; then the same towards B and towards C)."""
    segment = item(law.plain, (k - law.begin) // LANES)
    mixed = segment < 0
    c = 0 if mixed else segment * LANES
    step = law.segment.size // 4
    a, b = load(law.segment, c), load(law.segment, c + step)
    slope, offset = load(law.segment, c + 2 * step), load(law.segment, c + 3 * step)
    a1, b1, slope1, offset1 = a, b, slope, offset
    a2, b2, slope2, offset2 = a, b, slope, offset
    if mixed:
        own = load(law.species, p)
        a, b = _towards(law, own, 0, 0), _towards(law, own, 1, 0)
        slope, offset = _towards(law, own, 2, 0), _towards(law, own, 3, 0)
        a1, b1 = _towards(law, own, 0, 1), _towards(law, own, 1, 1)
        slope1, offset1 = _towards(law, own, 2, 1), _towards(law, own, 3, 1)
        if law.third:
            a2, b2 = _towards(law, own, 0, 2), _towards(law, own, 1, 2)
            slope2, offset2 = _towards(law, own, 2, 2), _towards(law, own, 3, 2)
    bonds = 0 if mixed else 3 * law.entries * segment
    return mixed, bonds, (a, b, slope, offset), (a1, b1, slope1, offset1), (a2, b2, slope2, offset2)


@inlined
def _towards(law, own, quarter, other):
    """A coefficient between sites of species `own` and neighbours of one species."""
    c = _KINDS * _KINDS * quarter + other
    return _by_species(
        law,
        own,
        splat(item(law.pair, c)),
        splat(item(law.pair, c + _KINDS)),
        splat(item(law.pair, c + 2 * _KINDS)),
    )


@inlined
def _by_species(law, species, for_a, for_b, for_c):
    """Lane by lane the value that belongs to the species."""
    chosen = select_less(species, splat(0.5), for_a, for_b)
    if law.third:
        chosen = select_less(species, splat(1.5), chosen, for_c)
    return chosen


@inlined
def _lennard_jones_bond(law, constants, entry, k, dx, dy, dz):
    b = constants[1] + 3 * entry
    x = dx + splat(item(law.bond, b))
    if constants[0]:
        x = dx + load(law.axial, item(law.kind, entry) + k)
    y = dy + splat(item(law.bond, b + 1))
    z = dz + splat(item(law.bond, b + 2))
    return x, y, z, fused(x, x, fused(y, y, z * z))


@inlined
def _lennard_jones_force(law, constants, entry, link, q, k, dx, dy, dz):
    x, y, z, r2 = _lennard_jones_bond(law, constants, entry, k, dx, dy, dz)
    mixed, _, plain, towards_b, towards_c = constants
    a, b, slope, _ = plain
    if mixed:
        other = load(law.species, q)
        a = _by_species(law, other, a, towards_b[0], towards_c[0])
        b = _by_species(law, other, b, towards_b[1], towards_c[1])
        slope = _by_species(law, other, slope, towards_b[2], towards_c[2])
    inverse = splat(1.0) / r2
    inverse6 = inverse * inverse * inverse
    f = fused(a, inverse6, b) * inverse6
    if law.shifted:
        f = fused(slope, sqrt(r2), f)
    f = f * inverse
    f = where_less(r2, splat(law.squared_cutoff), f)
    return f * x, f * y, f * z


@inlined
def _lennard_jones_energy(law, constants, entry, link, q, k, dx, dy, dz):
    _, _, _, r2 = _lennard_jones_bond(law, constants, entry, k, dx, dy, dz)
    mixed, _, plain, towards_b, towards_c = constants
    a, b, slope, offset = plain
    if mixed:
        other = load(law.species, q)
        a = _by_species(law, other, a, towards_b[0], towards_c[0])
        b = _by_species(law, other, b, towards_b[1], towards_c[1])
        slope = _by_species(law, other, slope, towards_b[2], towards_c[2])
        offset = _by_species(law, other, offset, towards_b[3], towards_c[3])
    inverse = splat(1.0) / r2
    inverse6 = inverse * inverse * inverse
    energy = (splat(1.0 / 12.0) * a * inverse6 + splat(1.0 / 6.0) * b) * inverse6 + offset - slope * sqrt(r2)
    return where_less(r2, splat(law.squared_cutoff), energy)


@inlined
def _linear_constants(law, p, k):
    return 0


@inlined
def _linear_force(law, constants, entry, link, q, k, dx, dy, dz):
    c = item(law.start, link) + k
    w = law.width
    if law.components == 1:
        return load(law.constant, c) * dx, splat(0.0), splat(0.0)
    xy = load(law.constant, c + 3 * w)
    xz = load(law.constant, c + 4 * w)
    yz = load(law.constant, c + 5 * w)
    fx = fused(load(law.constant, c), dx, fused(xy, dy, xz * dz))
    fy = fused(xy, dx, fused(load(law.constant, c + w), dy, yz * dz))
    fz = fused(xz, dx, fused(yz, dy, load(law.constant, c + 2 * w) * dz))
    return fx, fy, fz


@inlined
def _linear_energy(law, constants, entry, link, q, k, dx, dy, dz):
    fx, fy, fz = _linear_force(law, constants, entry, link, q, k, dx, dy, dz)
    return splat(-0.5) * (fx * dx + fy * dy + fz * dz)


_CONSTANTS = {PairLaw: _lennard_jones_constants, LinearLaw: _linear_constants}
_FORCE = {PairLaw: _lennard_jones_force, LinearLaw: _linear_force}
_ENERGY = {PairLaw: _lennard_jones_energy, LinearLaw: _linear_energy}


def vector_constants(law, p, k):
    """What all pairs of the vector of sites at p have in common; handed to the functions below."""
    return _CONSTANTS[type(law)](law, p, k)


def pair_force(law, constants, entry, link, q, k, dx, dy, dz):
    """Force on j of the pairs (k ... k + 7, entry): three vectors."""
    return _FORCE[type(law)](law, constants, entry, link, q, k, dx, dy, dz)


def pair_energy(law, constants, entry, link, q, k, dx, dy, dz):
    """Energy of the pairs (k ... k + 7, entry)."""
    return _ENERGY[type(law)](law, constants, entry, link, q, k, dx, dy, dz)


@overload(vector_constants, jit_options={"forceinline": True})
def _compile_vector_constants(law, p, k):
    function = _CONSTANTS[law.instance_class]
    return lambda law, p, k: function(law, p, k)


@overload(pair_force, jit_options={"forceinline": True})
def _compile_pair_force(law, constants, entry, link, q, k, dx, dy, dz):
    function = _FORCE[law.instance_class]
    return lambda law, constants, entry, link, q, k, dx, dy, dz: function(
        law, constants, entry, link, q, k, dx, dy, dz
    )


@overload(pair_energy, jit_options={"forceinline": True})
def _compile_pair_energy(law, constants, entry, link, q, k, dx, dy, dz):
    function = _ENERGY[law.instance_class]
    return lambda law, constants, entry, link, q, k, dx, dy, dz: function(
        law, constants, entry, link, q, k, dx, dy, dz
    )
