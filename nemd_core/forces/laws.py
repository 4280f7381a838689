"""The arithmetic of one pair on eight positions at once: Lennard-Jones, and matrices of force constants.

A law is a bundle of arrays; `pair_force` and `pair_energy` choose the arithmetic by its type when a kernel is
compiled. `dx, dy, dz` is u_j - u_i, the difference of displacements; y and z are zero on a chain.
"""

from typing import NamedTuple

import numpy as np
from numba.extending import overload

from ..jit import inlined
from ..potentials import PAIR_TYPES, LennardJones, Springs, force_constants
from ..simd import LANES, fused, item, load, splat, sqrt, where_less
from .rows import Rows, Table


class PairLaw(NamedTuple):
    """Lennard-Jones. Coefficients lie in `coefficient` as 12 a | -6 b | -slope | offset, `span` elements each.

    Each quarter begins with one vector per pair type, and from `along_row` goes on with an array along the row for
    each shift. `uniform` holds for each vector of positions where the former begins, or -1 near an interface, where
    the latter are needed.
    """

    bond: np.ndarray
    uniform: np.ndarray
    coefficient: np.ndarray
    span: int
    along_row: int
    width: int
    reach: int
    begin: int
    squared_cutoff: float
    shifted: bool
    """Whether there is a slope, which costs a square root."""


class LinearLaw(NamedTuple):
    """Force constants along the row for each kind of bond, as -K: xx | yy | zz | xy | xz | yz, `width` elements each."""

    constant: np.ndarray
    start: np.ndarray
    """Where the constants of an entry begin; shape (entries,)."""
    width: int
    components: int


def pair_law(law: LennardJones, system, rows: Rows, table: Table) -> PairLaw:
    """Spread Lennard-Jones parameters over positions."""
    begin, end = rows.window()
    quarters = (12 * law.a, -6 * law.b, -law.slope, law.offset)
    types = _types_along_row(system, rows)
    if all(len(set(q)) == 1 for q in quarters):
        types[:] = 0
    vectors = np.moveaxis(types[:, begin:end].reshape(len(types), -1, LANES), 1, 0).reshape(
        -1, len(types) * LANES
    )
    uniform = (vectors == vectors[:, :1]).all(axis=1)
    coefficient = np.array([np.concatenate([np.repeat(q, LANES), q[types].ravel()]) for q in quarters])
    return PairLaw(
        bond=table.bond.ravel(),
        uniform=np.where(uniform, vectors[:, 0] * LANES, -1),
        coefficient=coefficient.ravel(),
        span=coefficient.shape[1],
        along_row=len(PAIR_TYPES) * LANES,
        width=rows.width,
        reach=rows.reach,
        begin=begin,
        squared_cutoff=float(law.cutoff) ** 2,
        shifted=bool(np.any(law.slope)),
    )


def linear_law(law: LennardJones | Springs, system, rows: Rows, table: Table, relaxed=None) -> LinearLaw:
    """Force constants of every bond. `relaxed`: displacement of each (basis, cell) from the ideal site, in sigma,
    shape (n_basis, n_cells, components); bonds are taken between the displaced sites."""
    types = _types_along_row(system, rows)
    kinds, kind = np.unique(np.hstack([table.basis, table.offset]), axis=0, return_inverse=True)
    order = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))[: 1 if rows.components == 1 else 6]
    blocks = []

    def shifted(basis, shift):
        """Displacement of the relaxed sites along the row; the crystal beyond its ends stays where it is."""
        cell = rows.cell_of_position + shift
        inside = (cell >= 0) & (cell < system.n_cells)
        return np.where(inside[:, None], relaxed[basis, np.where(inside, cell, 0)], 0.0)

    for number, (i, j, ox, _, _) in enumerate(kinds):
        bond = np.broadcast_to(table.bond[np.argmax(kind == number)], (rows.width, 3)).copy()
        if relaxed is not None:
            bond[:, : rows.components] += shifted(j, ox) - shifted(i, 0)
        matrix = force_constants(law, bond, types[ox + rows.reach])
        blocks.append(np.stack([-matrix[:, row, column] for row, column in order]))
    constant = np.array(blocks)
    return LinearLaw(
        constant=constant.ravel(),
        start=kind.ravel() * constant[0].size,
        width=rows.width,
        components=rows.components,
    )


def _types_along_row(system, rows: Rows) -> np.ndarray:
    """Pair type of each position with its neighbour at every shift, shape (2 reach + 1, width)."""
    cell = rows.cell_of_position
    shift = np.arange(-rows.reach, rows.reach + 1)[:, None]
    return (cell >= system.first_b_cell).astype(np.int64) + (cell + shift >= system.first_b_cell)


@inlined
def _lennard_jones_constants(law, k):
    """(is the vector at k mixed?, 12 a, -6 b, -slope, offset): the constants of a uniform vector of positions."""
    c = item(law.uniform, (k - law.begin) // LANES)
    mixed = c < 0
    c = 0 if mixed else c
    return (
        mixed,
        load(law.coefficient, c),
        load(law.coefficient, c + law.span),
        load(law.coefficient, c + 2 * law.span),
        load(law.coefficient, c + 3 * law.span),
    )


@inlined
def _lennard_jones_bond(law, entry, dx, dy, dz):
    x = dx + splat(item(law.bond, 3 * entry))
    y = dy + splat(item(law.bond, 3 * entry + 1))
    z = dz + splat(item(law.bond, 3 * entry + 2))
    return x, y, z, fused(x, x, fused(y, y, z * z))


@inlined
def _lennard_jones_force(law, constants, entry, shift, k, dx, dy, dz):
    x, y, z, r2 = _lennard_jones_bond(law, entry, dx, dy, dz)
    mixed, a, b, slope, _ = constants
    if mixed:
        c = law.along_row + (shift + law.reach) * law.width + k
        a, b = load(law.coefficient, c), load(law.coefficient, c + law.span)
        slope = load(law.coefficient, c + 2 * law.span)
    inverse = splat(1.0) / r2
    inverse6 = inverse * inverse * inverse
    f = fused(a, inverse6, b) * inverse6
    if law.shifted:
        f = fused(slope, sqrt(r2), f)
    f = f * inverse
    f = where_less(r2, splat(law.squared_cutoff), f)
    return f * x, f * y, f * z


@inlined
def _lennard_jones_energy(law, constants, entry, shift, k, dx, dy, dz):
    _, _, _, r2 = _lennard_jones_bond(law, entry, dx, dy, dz)
    mixed, a, b, slope, offset = constants
    if mixed:
        c = law.along_row + (shift + law.reach) * law.width + k
        a, b = load(law.coefficient, c), load(law.coefficient, c + law.span)
        slope, offset = load(law.coefficient, c + 2 * law.span), load(law.coefficient, c + 3 * law.span)
    inverse = splat(1.0) / r2
    inverse6 = inverse * inverse * inverse
    energy = (splat(1.0 / 12.0) * a * inverse6 + splat(1.0 / 6.0) * b) * inverse6 + offset - slope * sqrt(r2)
    return where_less(r2, splat(law.squared_cutoff), energy)


@inlined
def _linear_constants(law, k):
    return 0


@inlined
def _linear_force(law, constants, entry, shift, k, dx, dy, dz):
    c = item(law.start, entry) + k
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
def _linear_energy(law, constants, entry, shift, k, dx, dy, dz):
    fx, fy, fz = _linear_force(law, constants, entry, shift, k, dx, dy, dz)
    return splat(-0.5) * (fx * dx + fy * dy + fz * dz)


_CONSTANTS = {PairLaw: _lennard_jones_constants, LinearLaw: _linear_constants}
_FORCE = {PairLaw: _lennard_jones_force, LinearLaw: _linear_force}
_ENERGY = {PairLaw: _lennard_jones_energy, LinearLaw: _linear_energy}


def vector_constants(law, k):
    """What all pairs of the vector of positions at k have in common; handed to the functions below."""
    return _CONSTANTS[type(law)](law, k)


def pair_force(law, constants, entry, shift, k, dx, dy, dz):
    """Force on j of the pairs (k ... k + 7, entry): three vectors."""
    return _FORCE[type(law)](law, constants, entry, shift, k, dx, dy, dz)


def pair_energy(law, constants, entry, shift, k, dx, dy, dz):
    """Energy of the pairs (k ... k + 7, entry)."""
    return _ENERGY[type(law)](law, constants, entry, shift, k, dx, dy, dz)


@overload(vector_constants, jit_options={"forceinline": True})
def _compile_vector_constants(law, k):
    function = _CONSTANTS[law.instance_class]
    return lambda law, k: function(law, k)


@overload(pair_force, jit_options={"forceinline": True})
def _compile_pair_force(law, constants, entry, shift, k, dx, dy, dz):
    function = _FORCE[law.instance_class]
    return lambda law, constants, entry, shift, k, dx, dy, dz: function(
        law, constants, entry, shift, k, dx, dy, dz
    )


@overload(pair_energy, jit_options={"forceinline": True})
def _compile_pair_energy(law, constants, entry, shift, k, dx, dy, dz):
    function = _ENERGY[law.instance_class]
    return lambda law, constants, entry, shift, k, dx, dy, dz: function(
        law, constants, entry, shift, k, dx, dy, dz
    )
