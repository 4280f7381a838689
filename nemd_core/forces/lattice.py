"""Sums over the pairs of a crystal with a fixed table: forces, heat flow through planes, energy.

Each sweep does one sheet: every pair (i in the sheet, j above or beside it) once, a vector of positions at a time. Forces
go to a buffer of the sheet's own, which spans the sheets that j may lie in, so that threads never write to the same place
and the sum has a fixed order; `collect_forces` adds the buffers up. Where a sheet has few rows, a force sweep does
some cells of all of them, then the next: neighbouring rows share most of what they read and write.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..simd import LANES, item, like, load, load_doubles, splat, store, where_less
from ..simd_gather import add_lanes
from .pairs import add_flow, add_forces, kinds_meet, pair_energies

_CHUNK = 256
"""Numbers that are added up at a time: few enough to stay in the first-level cache."""


class Field(NamedTuple):
    """What the sweeps need besides displacements or positions: layout numbers, the table, and where to write to."""

    sheets: int
    rows: int
    components: int
    crystal: np.ndarray
    """Whether there are three components, as `laws.flag` has it."""
    replicas: int
    width: int
    stride: int
    begin: int
    end: int
    lanes: int
    """Numbers in a vector of forces and of flow."""
    block: int
    """Positions that forces are found for in all rows before the next: few, so that what rows share stays in the cache."""
    first: np.ndarray
    far: np.ndarray
    """Like `first`, for the copies of far entries: whose pairs are beyond the cut-off nearly always."""
    span: np.ndarray
    """First and last (exclusive) entry that a vector of forces needs, of the near ones and of all: what binds only frozen
    sites is left out at either end. At the position of its first site; shape (width, rows, 2, 2), flat."""
    source: np.ndarray
    """Where j is found in what pair terms take: `Table.source`, or what `take_positions` made of it, flat: entry + sheet *
    entries; and one more."""
    home: np.ndarray
    """Where its velocity is found: `Table.source`, in the same way."""
    target: np.ndarray
    shift: np.ndarray
    crossing_first: np.ndarray
    """Like `first`, for `crossing_entry`: of near pairs, and of all; shape (2, rows + 1)."""
    crossing_entry: np.ndarray
    """The entries whose heat flow is wanted: those that lie in different cells, or all if the flow between species is; and
    one more."""
    crossing_ends: np.ndarray
    """1 if such an entry is the last of its row and shift, else 0."""
    buffer: np.ndarray
    """Forces by sheet of i and sheet of j, shape (sheets, depth, components, stride)."""
    part: np.ndarray
    """Where in it the forces on a sheet begin that each of the sheets below it found, (sheets, depth)."""
    weight: np.ndarray
    """Share of a pair's energy that is counted here, by shift, (2 reach + 1, width): 1 where i or j moves and 0 between
    frozen sites; with periodic ends ½ for either end in the crystal itself, since what reaches into the halo is seen twice."""
    reach: int
    flow: np.ndarray
    """½ F_(j<-i) · (v_i + v_j) at i's position for each shift of j, summed over samples; (sheets, 2 reach + 1, width)."""
    pull: np.ndarray
    """x component of F_(j<-i), summed in the same way."""
    between: np.ndarray
    """Whether the flow between species is wanted, as `laws.flag` has it."""
    marker: np.ndarray
    """1 on sites of species A, laid out as the x of displacements; empty unless the flow between species is wanted."""
    crossing: np.ndarray
    """½ F_(j<-i) · (v_i + v_j) from sites of A to others, at i's position, summed over samples; (sheets, width)."""
    origin: int
    """Position of cell 0."""
    period: int
    """Positions after which a periodic row begins again; 0 with fixed ends."""
    pair_energy: np.ndarray
    """Potential energy booked at i's position in its row, shape (sheets, width)."""


@kernel
def sweep_forces(sheet, x, field, law):
    """Add the forces of all pairs of one sheet to its buffer, which `collect_forces` left empty.

    x: what `field` and `law` take, see `places`, (sheets or more, components, stride).
    """
    x = x.reshape(-1)
    buffer = field.buffer[sheet].reshape(-1)
    for start in range(field.begin, field.end, field.block):
        for row in range(field.rows):
            for k in range(start, min(start + field.block, field.end), field.lanes):
                if kinds_meet(law, k):
                    add_forces(True, sheet, row, k, x, buffer, field, law)
                else:
                    add_forces(False, sheet, row, k, x, buffer, field, law)


@kernel
def _collect(start, end, f, own, buffer, part, lanes):
    """Add up numbers start to end of what all sheets found for one, always in the same order, and clear them."""
    cleared = like(load(buffer, 0), 0.0)
    for level in range(part.size):
        begin = item(part, level)
        for k in range(start, end, LANES):
            total = load_doubles(buffer, begin + k)
            if level > 0:
                total = load(f, own + k) + total
            store(f, own + k, total)
        for k in range(start, end, lanes):
            store(buffer, begin + k, cleared)


@kernel
def collect_forces(sheet, f, field):
    """Add up what all sheets found for this one, and clear it. f: (sheets, components, stride)."""
    f, buffer, part = f[sheet].reshape(-1), field.buffer.reshape(-1), field.part[sheet]
    for start in range(0, f.size, _CHUNK):
        _collect(start, min(start + _CHUNK, f.size), f, 0, buffer, part, field.lanes)


@kernel
def collect_and_move(sheet, u, v, f, kick, dt, field):
    """Let the forces that `collect_forces` would find act twice, v += kick f, and drift: u += dt v. f: room for a chunk."""
    u, v, f, kick = u[sheet].reshape(-1), v[sheet].reshape(-1), f[sheet].reshape(-1), kick[sheet]
    buffer, part = field.buffer.reshape(-1), field.part[sheet]
    step = splat(dt)
    for component in range(field.components):
        begin = component * field.stride
        for start in range(0, field.stride, _CHUNK):
            end = min(start + _CHUNK, field.stride)
            _collect(begin + start, begin + end, f, -(begin + start), buffer, part, field.lanes)
            for k in range(start, end, LANES):
                gain = load(kick, k) * load(f, k - start)
                after = load(v, begin + k) + gain + gain
                store(v, begin + k, after)
                store(u, begin + k, load(u, begin + k) + step * after)


@kernel
def sweep_flow(sheet, x, v, field, law):
    """Add ½ F_(j<-i) · (v_i + v_j) and the x of F of all pairs that lie in different cells, at i's position, by shift; and,
    if wanted, the heat of all pairs from a site of species A to one of another. x: what `field` and `law` take; v: velocities
    in that precision."""
    x, v = x.reshape(-1), v.reshape(-1)
    flow, pull = field.flow[sheet].reshape(-1), field.pull[sheet].reshape(-1)
    for row in range(field.rows):
        for k in range(field.begin, field.end, field.lanes):
            if kinds_meet(law, k):
                add_flow(True, sheet, row, k, x, v, flow, pull, field, law)
            else:
                add_flow(False, sheet, row, k, x, v, flow, pull, field, law)


@kernel
def wrap(sheet, array, field):
    """Give the halo of periodic rows what the cells have that it stands for. array: (sheets, components, stride)."""
    period = field.period
    if period == 0:
        return
    for component in range(field.components):
        values = array[sheet, component]
        for row in range(field.rows):
            first = row * field.width + field.origin
            for k in range(first - 1, row * field.width - 1, -1):
                values[k] = values[k + period]
            for k in range(first + period, (row + 1) * field.width):
                values[k] = values[k - period]


@kernel
def sweep_energy(sheet, x, field, law):
    """Potential energy of all pairs of one sheet in which an atom moves, into `field.pair_energy`. x: what `field` and `law`
    take, of doubles."""
    x, weight = x.reshape(-1), field.weight.reshape(-1)
    energy = field.pair_energy[sheet]
    energy[:] = 0.0
    for k in range(field.begin, field.end, LANES):
        total = splat(0.0)
        for row in range(field.rows):
            total = total + pair_energies(sheet, row, k, x, weight, field, law)
        store(energy, k, total)


@kernel
def sum_through(sums, boundary, field):
    """What goes from left to right through the lower boundary of the cell at a position, summed over samples.

    sums: `field.flow` gives the heat, Q = sum over i left, j right of ½ F_(j<-i) · (v_i + v_j), exact for pair forces, also
    inside an interface; `field.pull` the force along x on what lies right.
    """
    total = 0.0
    for sheet in range(field.sheets):
        for shift in range(1, field.reach + 1):
            for cells in range(1, shift + 1):
                k = boundary - cells * field.replicas
                total += sums[sheet, field.reach + shift, k]
                # j is left of i here, and the force on i is the opposite one
                total -= sums[sheet, field.reach - shift, k + shift * field.replicas]
    return total


class Watch(NamedTuple):
    """The pairs that a table leaves out and that must stay beyond the cut-off."""

    axial: np.ndarray
    """Ideal x from i to j along the row for each kind of bond, flat; empty where nothing need be watched."""
    kind: np.ndarray
    """Where `axial` of an entry of the outer table begins; shape (entries,)."""
    lateral: np.ndarray
    """Ideal y and z of each entry, flat."""
    squared_cutoff: float


@kernel
def count_intruders(sheet, u, field, watch):
    """Number of pairs of one sheet closer than the cut-off; `field` and `watch` are those of the outer pairs."""
    u = u.reshape(-1)
    stride, crystal = field.stride, field.components == 3
    own = sheet * field.components * stride
    entries = sheet * field.shift.size
    total, one, limit = splat(0.0), splat(1.0), splat(watch.squared_cutoff)
    for k in range(field.begin, field.end, LANES):
        for row in range(field.rows):
            p = own + row * field.width + k
            for entry in range(item(field.first, row), item(field.first, row + 1)):
                q = item(field.source, entries + entry) + k
                x = load(u, q) - load(u, p) + load(watch.axial, item(watch.kind, entry) + k)
                r2 = x * x
                if crystal:
                    y = load(u, q + stride) - load(u, p + stride) + splat(item(watch.lateral, 2 * entry))
                    z = load(u, q + 2 * stride) - load(u, p + 2 * stride)
                    z = z + splat(item(watch.lateral, 2 * entry + 1))
                    r2 = r2 + y * y + z * z
                total = total + where_less(r2, limit, one)
    return add_lanes(total)
