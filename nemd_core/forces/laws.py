"""The arithmetic of one pair on a vector of positions at once: Lennard-Jones, and matrices of force constants.

A law is a bundle of arrays, of doubles or of singles. Positions are p of i in its sheet-wide array, q of j, k inside the
row; `entry` counts the entries of a sheet's table, `link` those of all sheets. `dx, dy, dz` is u_i - u_j, the difference
of displacements or, where a law is `placed`, of positions; what is subtracted can come straight from memory; y and z are
zero on a chain.

A pair takes three steps, so that a sweep can begin one pair while the division of the one before is under way: `bond`,
`invert` and `force`. For linear forces the first does all.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..potentials import PAIR_TYPE, LennardJones, Springs, force_constants
from ..simd import (
    broadcast,
    broadcastable,
    fused,
    item,
    lanes,
    like,
    load,
    reciprocal,
    reciprocal_and_root,
    select_less,
    splat,
    sqrt,
    where_less,
)
from ..system import SPECIES, System
from .rows import Pairs, Rows, Table

_KINDS, _QUARTERS = len(SPECIES), 4


class PairLaw(NamedTuple):
    """Lennard-Jones, with the quarters -12 a | 6 b | slope | offset of coefficients.

    A vector of positions is plain if all its sites and all their neighbours are of one species on one side of the
    interface: then every pair has the same coefficients, and each entry one bond. `plain` tells, at the position of its
    first site, its segment, the number of such a combination, or -1 for a mixed vector, whose coefficients follow from the
    species of both sites and whose bonds depend on the place.
    """

    plain: np.ndarray
    segment: np.ndarray
    """Coefficients of each segment and the squared cut-off: (segments, quarters + 1), for `broadcast`."""
    bond: np.ndarray
    """Ideal vector of each entry in each segment: (segments, entries, 3), for `broadcast`."""
    entries: int
    species: np.ndarray
    """Species of every site and image, as a number, laid out as the x of what pair terms are computed from."""
    pair: np.ndarray
    """Coefficients by species of i and j: (quarters, 3, 3)."""
    axial: np.ndarray
    """Ideal x from i to j along the row for each kind of bond: (kinds, width)."""
    kind: np.ndarray
    """Where `axial` of an entry begins; shape (entries,)."""
    third: np.ndarray
    """Whether there is a third species, as `flag` has it."""
    shifted: np.ndarray
    """Whether there is a slope, which costs a square root, as `flag` has it."""
    placed: np.ndarray
    """Whether it is given positions, whose differences are bonds, instead of displacements; as `flag` has it."""
    squared_cutoff: float


def flag(condition) -> np.ndarray:
    """A yes or no that is known when code is compiled: an array with two dimensions or one, which is part of its type."""
    return np.zeros((1, 1) if condition else (1,))


def and_one_more(entries) -> np.ndarray:
    """The same with the last repeated, for sweeps that look one entry ahead."""
    return np.concatenate([entries, entries[-1:]])


class LinearLaw(NamedTuple):
    """Force constants K along the row for each kind of bond: xx | yy | zz | xy | xz | yz, `width` elements each."""

    constant: np.ndarray
    start: np.ndarray
    """Where the constants of an entry begin, for each sheet; shape (sheets, entries)."""
    width: int
    crystal: np.ndarray
    """Whether the bonds lie in three dimensions, as `flag` has it."""


def pair_law(
    law: LennardJones, system: System, rows: Rows, table: Table, pairs: Pairs, dtype=np.float64, places=None
) -> PairLaw:
    """Spread Lennard-Jones parameters and ideal bonds over positions in memory, as numbers of this type.

    places: the `Places` of what pair terms take, if the law shall do for them too.
    """
    quarters = np.array((-12 * law.a, 6 * law.b, law.slope, law.offset))
    plain, segments = _plain_vectors(system, rows, quarters, lanes(dtype))
    species = rows.vectors(dtype) if places is None else places.room(rows, dtype)
    species[: rows.sheets, 0, : rows.rows * rows.width] = rows.spread(system, system.species).reshape(
        rows.sheets, -1
    )
    if places is not None:
        places.show(rows, species[:, 0])
    known = quarters.shape[1]
    pair = np.where(PAIR_TYPE < known, quarters[:, np.minimum(PAIR_TYPE, known - 1)], 0.0)
    bonds = np.concatenate([pairs.bonds(system.layer_spacing[side])[table.pairs] for _, side in segments])
    axial, kind = axial_bonds(system, rows, pairs)
    squared_cutoff = float(law.cutoff) ** 2
    of_segments = np.array([(*quarters[:, PAIR_TYPE[s, s]], squared_cutoff) for s, _ in segments])
    return PairLaw(
        plain=plain,
        segment=broadcastable(of_segments.ravel().astype(dtype)),
        bond=broadcastable(and_one_more(bonds).ravel().astype(dtype)),
        entries=len(table.pairs),
        species=species.ravel(),
        pair=pair.ravel().astype(dtype),
        axial=axial.ravel().astype(dtype),
        kind=and_one_more(kind[table.pairs] * rows.width),
        third=flag(system.species.max() > 1),
        shifted=flag(np.any(law.slope)),
        placed=flag(False),
        squared_cutoff=dtype(squared_cutoff),
    )


def _plain_vectors(
    system: System, rows: Rows, quarters, n_lanes: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """For each vector of positions its segment, or -1, (width,); and the (species, side) of each segment."""
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
    first = (np.arange(begin, end, n_lanes) - begin) // rows.replicas
    last = (np.arange(begin, end, n_lanes) - begin + n_lanes - 1) // rows.replicas
    windows = [key[i : j + 2 * rows.reach + 1] for i, j in zip(first, last, strict=True)]
    chosen = np.array([w[0] if (w == w[0]).all() else -1 for w in windows])
    found = sorted(set(chosen) - {-1}) or [0]
    number = {int(value): n for n, value in enumerate(found)}
    plain = np.full(rows.width, -1)
    plain[begin:end:n_lanes] = [number.get(int(value), -1) for value in chosen]
    return plain, [divmod(int(value), 2) for value in found]


def axial_bonds(system: System, rows: Rows, pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """Ideal x from i to j along the row for each kind of pair, (kinds, width), and the kind of each pair."""
    kinds, kind = np.unique(np.column_stack([pairs.basis, pairs.offset[:, 0]]), axis=0, return_inverse=True)
    per_cell, sublayer = system.lattice.layers_per_cell, system.lattice.sublayer
    i, j, shift = kinds.T[:, :, None]
    layer = rows.cell_of_position * per_cell + sublayer[i]
    return system.distance(layer, layer + shift * per_cell + sublayer[j] - sublayer[i]), kind.ravel()


def linear_law(
    law: LennardJones | Springs,
    system: System,
    rows: Rows,
    table: Table,
    pairs: Pairs,
    relaxed=None,
    dtype=np.float64,
) -> LinearLaw:
    """Force constants of every bond, as numbers of this type. `relaxed`: displacement of each site from the ideal one, in
    sigma, shape (n_sites, components), zero where frozen; bonds are taken between the displaced sites."""
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
                blocks.append(np.concatenate([matrix[:, r, c] for r, c in order]))
            start[sheet, entry] = known[key]
    return LinearLaw(
        constant=np.concatenate(blocks).astype(dtype),
        start=start.ravel(),
        width=rows.width,
        crystal=flag(rows.components == 3),
    )


@kernel
def is_mixed(law, k):
    """Whether the vector at k in a row has pairs of more than one kind."""
    return item(law.plain, k) < 0


@kernel
def lennard_jones_constants(law, p, k, mixed):
    """(where the bonds of a plain vector begin, where its coefficients do, then those of a mixed one towards a neighbour
    of species A, as -12 a, 6 b, slope, offset; the same towards B and towards C)."""
    segment = 0 if mixed else item(law.plain, k)
    none = like(load(law.segment, 0), 0.0)
    towards_a = towards_b = towards_c = none, none, none, none
    if mixed:
        own = load(law.species, p)
        towards_a, towards_b = _towards(law, own, 0), _towards(law, own, 1)
        if law.third.ndim > 1:
            towards_c = _towards(law, own, 2)
    return 3 * law.entries * segment, (_QUARTERS + 1) * segment, towards_a, towards_b, towards_c


@kernel
def _towards(law, own, other):
    """The coefficients between sites of species `own` and neighbours of one species."""
    return (
        _quarter(law, own, 0, other),
        _quarter(law, own, 1, other),
        _quarter(law, own, 2, other),
        _quarter(law, own, 3, other),
    )


@kernel
def _quarter(law, own, quarter, other):
    """A coefficient between sites of species `own` and neighbours of one species."""
    c = _KINDS * _KINDS * quarter + other
    return _by_species(
        law,
        own,
        splat(item(law.pair, c)),
        splat(item(law.pair, c + _KINDS)),
        splat(item(law.pair, c + 2 * _KINDS)),
    )


@kernel
def _by_species(law, species, for_a, for_b, for_c):
    """Lane by lane the value that belongs to the species."""
    chosen = select_less(species, like(species, 0.5), for_a, for_b)
    if law.third.ndim > 1:
        chosen = select_less(species, like(species, 1.5), chosen, for_c)
    return chosen


@kernel
def lennard_jones_bond(law, constants, mixed, entry, k, dx, dy, dz):
    """r_i - r_j and its square: x, y, z, r²."""
    x, y, z = dx, dy, dz
    if law.placed.ndim == 1:
        b = constants[0] + 3 * entry
        x = dx - (load(law.axial, item(law.kind, entry) + k) if mixed else broadcast(law.bond, b))
        y = dy - broadcast(law.bond, b + 1)
        z = dz - broadcast(law.bond, b + 2)
    return x, y, z, fused(x, x, fused(y, y, z * z))


@kernel
def lennard_jones_invert(law, r2):
    """1/r² and, where a slope wants it, 1/r."""
    if law.shifted.ndim > 1:
        return reciprocal_and_root(r2)
    return reciprocal(r2), r2


@kernel
def _coefficients(law, constants, mixed, q):
    """-12 a, 6 b, slope and offset of pairs with sites at q.

    Those of a plain vector are read anew for each pair, as parts of operations: registers are for what changes.
    """
    _, c, towards_a, towards_b, towards_c = constants
    a, b = broadcast(law.segment, c), broadcast(law.segment, c + 1)
    slope, offset = broadcast(law.segment, c + 2), broadcast(law.segment, c + 3)
    if mixed:
        other = load(law.species, q)
        a = _by_species(law, other, towards_a[0], towards_b[0], towards_c[0])
        b = _by_species(law, other, towards_a[1], towards_b[1], towards_c[1])
        slope = _by_species(law, other, towards_a[2], towards_b[2], towards_c[2])
        offset = _by_species(law, other, towards_a[3], towards_b[3], towards_c[3])
    return a, b, slope, offset


@kernel
def lennard_jones_force(law, constants, mixed, q, r2, inverse, root):
    """-F/r: times r_i - r_j it is the force on j; that on i is the opposite."""
    a, b, slope, _ = _coefficients(law, constants, mixed, q)
    inverse4 = inverse * inverse
    f = fused(a, inverse4 * inverse, b) * (inverse4 * inverse4)
    if law.shifted.ndim > 1:
        f = fused(slope, root, f)
    return where_less(r2, broadcast(law.segment, constants[1] + _QUARTERS), f)


@kernel
def lennard_jones_energy(law, constants, mixed, entry, q, k, dx, dy, dz):
    """Energy of a pair."""
    _, _, _, r2 = lennard_jones_bond(law, constants, mixed, entry, k, dx, dy, dz)
    a, b, slope, offset = _coefficients(law, constants, mixed, q)
    inverse = reciprocal(r2)
    inverse6 = inverse * inverse * inverse
    energy = (
        offset
        - fused(like(a, 1.0 / 12.0) * a, inverse6, like(b, 1.0 / 6.0) * b) * inverse6
        + slope * sqrt(r2)
    )
    return where_less(r2, broadcast(law.segment, constants[1] + _QUARTERS), energy)


@kernel
def linear_force(law, link, k, dx, dy, dz):
    """Force on j of a pair, K (u_i - u_j): three vectors."""
    c = item(law.start, link) + k
    w = law.width
    fx, fy, fz = load(law.constant, c) * dx, dy, dz
    if law.crystal.ndim > 1:
        xy = load(law.constant, c + 3 * w)
        xz = load(law.constant, c + 4 * w)
        yz = load(law.constant, c + 5 * w)
        fx = fused(load(law.constant, c), dx, fused(xy, dy, xz * dz))
        fy = fused(xy, dx, fused(load(law.constant, c + w), dy, yz * dz))
        fz = fused(xz, dx, fused(yz, dy, load(law.constant, c + 2 * w) * dz))
    return fx, fy, fz
