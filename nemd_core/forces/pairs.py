"""What one vector of sites has to do with its neighbours: forces, heat flow, energy. The inside of the sweeps.

Each is written for either kind of law; which one is meant is known when a sweep is compiled. Lennard-Jones pairs are
taken in steps, one pair ahead of the other: while the division for one is under way, the next is loaded and the last is
finished (tables of entries end with one more, so that there always is a next). A processor reorders what lies near, but
a pair takes longer than that. With the 32 registers of AVX-512 three pairs are under way at a time, with 16 two: what
does not fit into them costs more than the third pair gains. Far pairs, those of the outermost shells of a table, are
looked at before, and left out where none is within the cut-off: they would add zeros. Nothing returns early: the
compiler would then count references to every array, for each vector. What is called u, and x, y, z, are displacements, or
positions for a law that takes those (`places`).
"""

from numba.extending import overload

from ..jit import PART, kernel
from ..simd import LANES, add_to_doubles, any_less, fused, item, like, load, seldom, select_less, splat, store
from .laws import (
    LinearLaw,
    PairLaw,
    is_mixed,
    lennard_jones_bond,
    lennard_jones_constants,
    lennard_jones_energy,
    lennard_jones_force,
    lennard_jones_invert,
    linear_force,
)
from .rows import FAR_TOGETHER


@kernel
def _vector(array, p, field):
    """The components of a vector at p: x, y, z; on a chain y and z are zero."""
    x = load(array, p)
    y, z = like(x, 0.0), like(x, 0.0)
    if field.crystal.ndim > 1:
        y, z = load(array, p + field.stride), load(array, p + 2 * field.stride)
    return x, y, z


@kernel
def _add(array, p, field, x, y, z):
    store(array, p, load(array, p) + x)
    if field.crystal.ndim > 1:
        store(array, p + field.stride, load(array, p + field.stride) + y)
        store(array, p + 2 * field.stride, load(array, p + 2 * field.stride) + z)


@kernel
def _step(array, q, x, y, z, field):
    """(x, y, z) less array at q."""
    x1, y1, z1 = _vector(array, q, field)
    return x - x1, y - y1, z - z1


@kernel
def _span(row, k, all_, field):
    """The entries that the vector at k of a row needs, all or the near ones: (first, last exclusive)."""
    n = 4 * (k * field.rows + row)
    if all_:
        seldom()
        n += 2
    return item(field.span, n), item(field.span, n + 1)


# ---- forces ----


def _lennard_jones_forces(mixed, sheet, row, k, u, buffer, field, law):
    p = row * field.width + k
    own, entries = sheet * field.components * field.stride + p, sheet * field.shift.size
    constants = lennard_jones_constants(law, own, k, mixed)
    x, y, z = _vector(u, own, field)
    within = _any_within(mixed, row, k, u, x, y, z, entries, constants, field, law)
    first, last = _span(row, k, within, field)
    fx, fy, fz = _give(mixed, first, last, k, u, x, y, z, entries, constants, buffer, field, law)
    zero = like(x, 0.0)
    _add(buffer, p, field, zero - fx, zero - fy, zero - fz)


@kernel
def _any_within(mixed, row, k, u, x, y, z, entries, constants, field, law):
    """Whether any of the far neighbours of the sites at k of a row is within the cut-off. FAR_TOGETHER at a time."""
    limit = splat(law.squared_cutoff)
    least = limit
    for entry in range(item(field.far, row), item(field.far, row + 1), FAR_TOGETHER):
        _, a = _pair(mixed, entry, k, u, x, y, z, entries, constants, field, law)
        _, b = _pair(mixed, entry + 1, k, u, x, y, z, entries, constants, field, law)
        _, c = _pair(mixed, entry + 2, k, u, x, y, z, entries, constants, field, law)
        _, d = _pair(mixed, entry + 3, k, u, x, y, z, entries, constants, field, law)
        a, c = select_less(a, b, a, b), select_less(c, d, c, d)
        a = select_less(a, c, a, c)
        least = select_less(a, least, a, least)
    return any_less(least, limit)


@kernel
def _two_under_way(mixed, first, last, k, u, x, y, z, entries, constants, buffer, field, law):
    """Give all neighbours j their forces, and return what sites i at x, y, z give altogether."""
    fx, fy, fz = like(x, 0.0), like(x, 0.0), like(x, 0.0)
    a, squared = _pair(mixed, first, k, u, x, y, z, entries, constants, field, law)
    for entry in range(first, last):
        inverse, root = lennard_jones_invert(law, squared)
        b, next_squared = _pair(mixed, entry + 1, k, u, x, y, z, entries, constants, field, law)
        f = _force(mixed, entry, k, squared, inverse, root, entries, constants, field, law)
        fx, fy, fz = _act(f, a, entry, k, buffer, fx, fy, fz, field)
        a, squared = b, next_squared
    return fx, fy, fz


@kernel
def _three_under_way(mixed, first, last, k, u, x, y, z, entries, constants, buffer, field, law):
    """The same as `_two_under_way`."""
    fx, fy, fz = like(x, 0.0), like(x, 0.0), like(x, 0.0)
    a, squared = _pair(mixed, first, k, u, x, y, z, entries, constants, field, law)
    inverse, root = lennard_jones_invert(law, squared)
    b, next_squared = _pair(mixed, first + 1, k, u, x, y, z, entries, constants, field, law)
    for entry in range(first, last - 2):
        c, last_squared = _pair(mixed, entry + 2, k, u, x, y, z, entries, constants, field, law)
        next_inverse, next_root = lennard_jones_invert(law, next_squared)
        f = _force(mixed, entry, k, squared, inverse, root, entries, constants, field, law)
        fx, fy, fz = _act(f, a, entry, k, buffer, fx, fy, fz, field)
        a, squared, inverse, root = b, next_squared, next_inverse, next_root
        b, next_squared = c, last_squared
    for entry in range(max(first, last - 2), last):
        f = _force(mixed, entry, k, squared, inverse, root, entries, constants, field, law)
        fx, fy, fz = _act(f, a, entry, k, buffer, fx, fy, fz, field)
        a, squared = b, next_squared
        inverse, root = lennard_jones_invert(law, squared)
    return fx, fy, fz


_give = _three_under_way if LANES == 8 else _two_under_way


@kernel
def _pair(mixed, entry, k, u, x, y, z, entries, constants, field, law):
    """(r_i - r_j, its square) of an entry, of sites i at x, y, z."""
    dx, dy, dz = _step(u, item(field.source, entries + entry) + k, x, y, z, field)
    x, y, z, squared = lennard_jones_bond(law, constants, mixed, entry, k, dx, dy, dz)
    return (x, y, z), squared


@kernel
def _force(mixed, entry, k, squared, inverse, root, entries, constants, field, law):
    """-F/r of an entry."""
    q = item(field.source, entries + entry) + k
    return lennard_jones_force(law, constants, mixed, q, squared, inverse, root)


@kernel
def _act(f, r, entry, k, buffer, fx, fy, fz, field):
    """Give j its force, and return the sum of what i gives."""
    gx, gy, gz = f * r[0], f * r[1], f * r[2]
    _add(buffer, item(field.target, entry) + k, field, gx, gy, gz)
    return fx + gx, fy + gy, fz + gz


def _linear_forces(mixed, sheet, row, k, u, buffer, field, law):
    p = row * field.width + k
    own, entries = sheet * field.components * field.stride + p, sheet * field.shift.size
    x, y, z = _vector(u, own, field)
    fx, fy, fz = like(x, 0.0), like(x, 0.0), like(x, 0.0)
    first, last = _span(row, k, True, field)
    for entry in range(first, last):
        dx, dy, dz = _step(u, item(field.source, entries + entry) + k, x, y, z, field)
        gx, gy, gz = linear_force(law, entries + entry, k, dx, dy, dz)
        _add(buffer, item(field.target, entry) + k, field, gx, gy, gz)
        fx, fy, fz = fx + gx, fy + gy, fz + gz
    zero = like(x, 0.0)
    _add(buffer, p, field, zero - fx, zero - fy, zero - fz)


# ---- heat flow ----


@kernel
def _crossing(row, all_, field):
    """The crossing entries of a row, all or the near ones: (first, last exclusive)."""
    part = field.crossing_first[1] if all_ else field.crossing_first[0]
    return item(part, row), item(part, row + 1)


@kernel
def _along(r, q, velocity, v, field):
    """r·(v_i + v_j)."""
    x, y, z = r
    vx, vy, vz = velocity
    wx, wy, wz = _vector(v, q, field)
    along = x * (vx + wx)
    if field.crystal.ndim > 1:
        along = fused(z, vz + wz, fused(y, vy + wy, along))
    return along


@kernel
def _book_crossing(p, q, k, power, crossing, field):
    """Book half of F·(v_i + v_j) of a pair if the flow between species is wanted."""
    if field.between.ndim > 1:
        step = load(field.marker, p) - load(field.marker, q)
        add_to_doubles(crossing, k, like(power, 0.5) * power * step)


@kernel
def _book(n, k, power, pulled, flow, pull, field):
    """Add the sums of entries of one shift, of which number n of the crossing ones is the last, to those of that shift."""
    b = (item(field.shift, item(field.crossing_entry, n)) + field.reach) * field.width + k
    add_to_doubles(flow, b, like(power, 0.5) * power)
    add_to_doubles(pull, b, pulled)


def _lennard_jones_flow(mixed, sheet, row, k, u, v, flow, pull, field, law):
    p = sheet * field.components * field.stride + row * field.width + k
    entries = sheet * field.shift.size
    constants = lennard_jones_constants(law, p, k, mixed)
    x, y, z = _vector(u, p, field)
    within = _any_within(mixed, row, k, u, x, y, z, entries, constants, field, law)
    first, last = _crossing(row, within, field)
    velocity, crossing = _vector(v, p, field), field.crossing[sheet]
    power, pulled = like(x, 0.0), like(x, 0.0)
    entry = item(field.crossing_entry, first)
    a, squared = _pair(mixed, entry, k, u, x, y, z, entries, constants, field, law)
    for n in range(first, last):
        inverse, root = lennard_jones_invert(law, squared)
        after = item(field.crossing_entry, n + 1)
        b, next_squared = _pair(mixed, after, k, u, x, y, z, entries, constants, field, law)
        f = _force(mixed, entry, k, squared, inverse, root, entries, constants, field, law)
        q = item(field.home, entries + entry) + k
        along = _along(a, q, velocity, v, field)
        _book_crossing(p, q, k, f * along, crossing, field)
        power, pulled = fused(f, along, power), fused(f, a[0], pulled)
        if item(field.crossing_ends, n) > 0:
            _book(n, k, power, pulled, flow, pull, field)
            power, pulled = like(x, 0.0), like(x, 0.0)
        a, squared, entry = b, next_squared, after


def _linear_flow(mixed, sheet, row, k, u, v, flow, pull, field, law):
    p = sheet * field.components * field.stride + row * field.width + k
    entries = sheet * field.shift.size
    x, y, z = _vector(u, p, field)
    velocity, crossing = _vector(v, p, field), field.crossing[sheet]
    power, pulled = like(x, 0.0), like(x, 0.0)
    first, last = _crossing(row, True, field)
    for n in range(first, last):
        entry = item(field.crossing_entry, n)
        q = item(field.source, entries + entry) + k
        dx, dy, dz = _step(u, q, x, y, z, field)
        fx, fy, fz = linear_force(law, entries + entry, k, dx, dy, dz)
        along = _along((fx, fy, fz), q, velocity, v, field)
        _book_crossing(p, q, k, along, crossing, field)
        power, pulled = power + along, pulled + fx
        if item(field.crossing_ends, n) > 0:
            _book(n, k, power, pulled, flow, pull, field)
            power, pulled = like(x, 0.0), like(x, 0.0)


# ---- energy ----


def _lennard_jones_energies(sheet, row, k, u, weight, field, law):
    p = sheet * field.components * field.stride + row * field.width + k
    entries = sheet * field.shift.size
    constants = lennard_jones_constants(law, p, k, True)  # does for all vectors; seldom wanted
    x, y, z = _vector(u, p, field)
    total = like(x, 0.0)
    for entry in range(item(field.first, row), item(field.first, row + 1)):
        q = item(field.source, entries + entry) + k
        dx, dy, dz = _step(u, q, x, y, z, field)
        w = load(weight, (item(field.shift, entry) + field.reach) * field.width + k)
        total = total + w * lennard_jones_energy(law, constants, True, entry, q, k, dx, dy, dz)
    return total


def _linear_energies(sheet, row, k, u, weight, field, law):
    p = sheet * field.components * field.stride + row * field.width + k
    entries = sheet * field.shift.size
    x, y, z = _vector(u, p, field)
    total = like(x, 0.0)
    for entry in range(item(field.first, row), item(field.first, row + 1)):
        dx, dy, dz = _step(u, item(field.source, entries + entry) + k, x, y, z, field)
        fx, fy, fz = linear_force(law, entries + entry, k, dx, dy, dz)
        twice = fx * dx
        if field.crystal.ndim > 1:
            twice = twice + fy * dy + fz * dz
        w = load(weight, (item(field.shift, entry) + field.reach) * field.width + k)
        total = total + like(w, 0.5) * w * twice
    return total


def _never(law, k):
    return False


_MIXED = {PairLaw: is_mixed, LinearLaw: _never}
_FORCES = {PairLaw: _lennard_jones_forces, LinearLaw: _linear_forces}
_FLOW = {PairLaw: _lennard_jones_flow, LinearLaw: _linear_flow}
_ENERGIES = {PairLaw: _lennard_jones_energies, LinearLaw: _linear_energies}


def kinds_meet(law, k):
    """Whether the pairs of the sites at k of a row are of more than one kind."""
    return _MIXED[type(law)](law, k)


def add_forces(mixed, sheet, row, k, u, buffer, field, law):
    """Add the forces of all pairs of the sites at k of a row to the buffer of their sheet.

    mixed: what `kinds_meet` says of them, as a constant, so that either case is compiled for itself.
    """
    _FORCES[type(law)](mixed, sheet, row, k, u, buffer, field, law)


def add_flow(mixed, sheet, row, k, u, v, flow, pull, field, law):
    """Add ½ F·(v_i + v_j) and the x of F of their pairs to the sums by shift, F the force on j."""
    _FLOW[type(law)](mixed, sheet, row, k, u, v, flow, pull, field, law)


def pair_energies(sheet, row, k, u, weight, field, law):
    """Energy of all their pairs, by site; a pair counts by the weight of its shift."""
    return _ENERGIES[type(law)](sheet, row, k, u, weight, field, law)


@overload(kinds_meet, jit_options=PART)
def _compile_kinds(law, k):
    return getattr(_MIXED[law.instance_class], "py_func", _never)


@overload(add_forces, jit_options=PART)
def _compile_forces(mixed, sheet, row, k, u, buffer, field, law):
    return _FORCES[law.instance_class]


@overload(add_flow, jit_options=PART)
def _compile_flow(mixed, sheet, row, k, u, v, flow, pull, field, law):
    return _FLOW[law.instance_class]


@overload(pair_energies, jit_options=PART)
def _compile_energies(sheet, row, k, u, weight, field, law):
    return _ENERGIES[law.instance_class]
