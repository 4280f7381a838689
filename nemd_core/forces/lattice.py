"""Sums over the pairs of a crystal with a fixed table: forces, heat flow through planes, energy.

Each sweep does one sheet: every pair (i in the sheet, j above or beside it) once, eight positions at a time. Forces go
to a buffer of the sheet's own, which spans the sheets that j may lie in, so that threads never write to the same place
and the sum has a fixed order; `collect_forces` adds the buffers up.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..simd import LANES, item, load, splat, store, where_less
from .laws import pair_energy, pair_force, vector_constants


class Field(NamedTuple):
    """What the sweeps need besides displacements: layout numbers, the table, and places to write to."""

    sheets: int
    rows: int
    components: int
    replicas: int
    width: int
    stride: int
    begin: int
    end: int
    depth: int
    first: np.ndarray
    source: np.ndarray
    """`Table.source`, flat: entry + sheet * entries."""
    target: np.ndarray
    shift: np.ndarray
    buffer: np.ndarray
    """Forces by sheet of i and sheet of j, shape (sheets, depth, components, stride)."""
    weight: np.ndarray
    """Share of a pair's energy that is counted here, by shift, (2 reach + 1, width): 1 where i or j moves and 0 between
    frozen sites; with periodic ends ½ for either end in the crystal itself, since what reaches into the halo is seen twice."""
    reach: int
    flow: np.ndarray
    """½ F_(j<-i) · (v_i + v_j) at i's position for each shift of j, summed over samples; (sheets, 2 reach + 1, width)."""
    pull: np.ndarray
    """x component of F_(j<-i), summed in the same way."""
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
def sweep_forces(sheet, u, field, law):
    """Forces of all pairs of one sheet, into its buffer. u: (sheets, components, stride)."""
    u = u.reshape(-1)
    buffer = field.buffer[sheet].reshape(-1)
    buffer[:] = 0.0
    stride, crystal = field.stride, field.components == 3
    own = sheet * field.components * stride
    entries = sheet * field.shift.size
    zero = splat(0.0)
    for row in range(field.rows):
        for k in range(field.begin, field.end, LANES):
            p = row * field.width + k
            constants = vector_constants(law, own + p, k)
            x, y, z = load(u, own + p), zero, zero
            if crystal:
                y, z = load(u, own + p + stride), load(u, own + p + 2 * stride)
            fx, fy, fz = zero, zero, zero
            for entry in range(item(field.first, row), item(field.first, row + 1)):
                q = item(field.source, entries + entry) + k
                t = item(field.target, entry) + k
                if crystal:
                    dx = load(u, q) - x
                    dy = load(u, q + stride) - y
                    dz = load(u, q + 2 * stride) - z
                    px, py, pz = pair_force(law, constants, entry, entries + entry, q, k, dx, dy, dz)
                    fy = fy - py
                    fz = fz - pz
                    store(buffer, t + stride, load(buffer, t + stride) + py)
                    store(buffer, t + 2 * stride, load(buffer, t + 2 * stride) + pz)
                else:
                    dx = load(u, q) - x
                    px, py, pz = pair_force(law, constants, entry, entries + entry, q, k, dx, zero, zero)
                fx = fx - px
                store(buffer, t, load(buffer, t) + px)
            store(buffer, p, load(buffer, p) + fx)
            if crystal:
                store(buffer, p + stride, load(buffer, p + stride) + fy)
                store(buffer, p + 2 * stride, load(buffer, p + 2 * stride) + fz)


@kernel
def collect_forces(sheet, f, field):
    """Add up what all sheets found for this one, always in the same order. f: (sheets, components, stride)."""
    for component in range(field.components):
        total = f[sheet, component]
        total[:] = field.buffer[sheet, 0, component]
        for level in range(1, field.depth):
            part = field.buffer[(sheet - level) % field.sheets, level, component]
            for k in range(total.size):
                total[k] += part[k]


@kernel
def sweep_flow(sheet, u, v, field, law):
    """Add ½ F_(j<-i) · (v_i + v_j) and the x of F of all pairs that lie in different cells, at i's position, by shift; and,
    if wanted, the heat of all pairs from a site of species A to one of another."""
    u = u.reshape(-1)
    v = v.reshape(-1)
    flow = field.flow[sheet].reshape(-1)
    pull = field.pull[sheet].reshape(-1)
    crossing = field.crossing[sheet]
    between_species = field.marker.size > 0
    stride, crystal = field.stride, field.components == 3
    own = sheet * field.components * stride
    entries = sheet * field.shift.size
    zero, half = splat(0.0), splat(0.5)
    for row in range(field.rows):
        for k in range(field.begin, field.end, LANES):
            p = own + row * field.width + k
            constants = vector_constants(law, p, k)
            for entry in range(item(field.first, row), item(field.first, row + 1)):
                shift = item(field.shift, entry)
                if shift == 0 and not between_species:
                    continue
                q = item(field.source, entries + entry) + k
                dx, dy, dz = load(u, q) - load(u, p), zero, zero
                if crystal:
                    dy = load(u, q + stride) - load(u, p + stride)
                    dz = load(u, q + 2 * stride) - load(u, p + 2 * stride)
                px, py, pz = pair_force(law, constants, entry, entries + entry, q, k, dx, dy, dz)
                power = px * (load(v, p) + load(v, q))
                if crystal:
                    power = power + py * (load(v, p + stride) + load(v, q + stride))
                    power = power + pz * (load(v, p + 2 * stride) + load(v, q + 2 * stride))
                power = power * half
                b = (shift + field.reach) * field.width + k
                store(flow, b, load(flow, b) + power)
                store(pull, b, load(pull, b) + px)
                if between_species:
                    step = load(field.marker, p) - load(field.marker, q)
                    store(crossing, k, load(crossing, k) + power * step)


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
def sweep_energy(sheet, u, field, law):
    """Potential energy of all pairs of one sheet in which an atom moves, into `field.pair_energy`."""
    u = u.reshape(-1)
    weight = field.weight.reshape(-1)
    energy = field.pair_energy[sheet]
    energy[:] = 0.0
    stride, crystal = field.stride, field.components == 3
    own = sheet * field.components * stride
    entries = sheet * field.shift.size
    zero = splat(0.0)
    for k in range(field.begin, field.end, LANES):
        total = zero
        for row in range(field.rows):
            p = own + row * field.width + k
            constants = vector_constants(law, p, k)
            for entry in range(item(field.first, row), item(field.first, row + 1)):
                q = item(field.source, entries + entry) + k
                dx, dy, dz = load(u, q) - load(u, p), zero, zero
                if crystal:
                    dy = load(u, q + stride) - load(u, p + stride)
                    dz = load(u, q + 2 * stride) - load(u, p + 2 * stride)
                w = load(weight, (item(field.shift, entry) + field.reach) * field.width + k)
                total = total + w * pair_energy(law, constants, entry, entries + entry, q, k, dx, dy, dz)
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
    found = np.zeros(LANES)
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
    store(found, 0, total)
    return found.sum()
