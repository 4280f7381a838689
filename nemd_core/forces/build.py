"""From a junction and its potential to the arrays that the sweeps work on."""

from dataclasses import replace
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from ..errors import PhysicsError
from ..potentials import PAIR_TYPE, LennardJones, Springs, force_constants
from ..simd import LANES, lanes
from ..system import SPECIES, System
from .lattice import (
    Field,
    Watch,
    collect_forces,
    sum_through,
    sweep_energy,
    sweep_flow,
    sweep_forces,
    wrap,
)
from .laws import and_one_more, axial_bonds, flag, linear_law, pair_law
from .places import Places, place, take_displacements, take_positions
from .rows import Pairs, Rows, Table, half_pairs, layout, tabulate

_SIGMAS = 6.0
"""Thermal relative displacements, in standard deviations, that the table must cover."""
_FAR_SIGMAS = 4.0
"""The same, beyond which a pair seldom comes within the cut-off."""
_SKIN = 0.1
"""Added to that, in nearest-neighbour distances: strain near interfaces and baths."""
_FORCE_TOLERANCE = 1e-10
_NOTHING = Watch(np.zeros(0), np.zeros(0, np.int64), np.zeros(0), 0.0)


class Forces(NamedTuple):
    """Everything that turns displacements into forces."""

    rows: Rows
    field: Field
    law: NamedTuple
    """Of doubles: what energy is computed with."""
    pair_field: Field
    pair_law: NamedTuple
    """What forces and flow are computed with: `field` and `law`, or the like in single precision."""
    places: Places
    """How what they are computed from follows from displacements."""
    outer: Field
    """Pairs that the table leaves out, watched so that none comes within the cut-off."""
    watch: Watch
    relaxed: np.ndarray
    """Displacement of the sites about which `law` is expanded, (n_sites, components); 0 unless lj-harmonic."""
    rest_pull: np.ndarray
    """Force along x through every plane on those sites, which `law` leaves out, (n_planes,); 0 unless lj-harmonic."""

    def pair_array(self, u: np.ndarray) -> np.ndarray:
        """What pair terms are computed from, (sheets or more, components, stride): u itself if that will do, or an array
        for `place` to keep up with u."""
        if self.places.apart.ndim == 1:
            return u
        return self.places.at_rest(self.rows, self.pair_field.buffer.dtype)

    def exact_array(self, u: np.ndarray, pair_x: np.ndarray) -> np.ndarray:
        """What energy is computed from, of doubles: `pair_x`, or u where that is of singles."""
        return pair_x if pair_x.dtype == u.dtype else u

    def evaluate(self, system: System, displacement: np.ndarray) -> tuple[np.ndarray, float]:
        """Forces on the moving sites, (n_sites, components), and the potential energy (pairs of frozen sites left out).

        displacement: (n_sites, components), from the sites that the law is expanded about.
        """
        u = self.rows.scatter(
            system, np.broadcast_to(displacement, (self.rows.replicas, *displacement.shape))
        )
        f, pair_x = self.rows.vectors(), self.pair_array(u)
        for sheet in range(self.rows.sheets):
            wrap(sheet, u, self.field)
            place(sheet, u, pair_x, self.places, self.field)
        for sheet in range(self.rows.sheets):
            sweep_forces(sheet, pair_x, self.pair_field, self.pair_law)
            sweep_energy(sheet, self.exact_array(u, pair_x), self.field, self.law)
        for sheet in range(self.rows.sheets):
            collect_forces(sheet, f, self.pair_field)
        energy = self.field.pair_energy[:, self.field.begin : self.field.end].sum() / self.rows.replicas
        return self.rows.gather(system, f)[0], float(energy)


def build_forces(
    system: System,
    law,
    potential: str,
    hottest: float,
    replicas: int = 1,
    between_species: bool = False,
    mixed: bool = False,
) -> Forces:
    """The force field of a junction.

    law: `LennardJones` or `Springs`. potential: 'lj', 'harmonic' or 'lj-harmonic'. hottest: the highest temperature
    expected, which sets how far beyond the cut-off the neighbour table reaches. between_species: whether the flow from
    species A to others will be measured. mixed: pair terms of forces in single precision.
    """
    relaxed = np.zeros((system.n_sites, system.lattice.dimensions))
    rest_pull = np.zeros(len(system.plane_cell))
    inner = _range(system, law)
    if potential != "harmonic":
        inner += _SKIN * system.nearest + _SIGMAS * _thermal_spread(system, law, hottest)
    pairs = half_pairs(system, 0.0, inner, unstrained=potential == "harmonic")
    outer_pairs = half_pairs(system, inner, inner + system.nearest) if potential == "lj" else pairs
    dtype = np.float32 if mixed else np.float64
    rows = layout(system, pairs.reach, outer_pairs.reach, replicas, lanes(dtype))
    far = _far_pairs(system, law, pairs, hottest) if potential == "lj" else None
    table = tabulate(system, rows, pairs, far)
    field = make_field(system, rows, table, between_species=between_species)
    pair_field, places = field, take_displacements(rows, apart=mixed)
    if mixed:
        pair_field = field._replace(
            buffer=rows.buffers(table.depth, dtype),
            marker=field.marker.astype(dtype),
            lanes=rows.lanes,
            block=rows.block(dtype),
            span=find_spans(table, field.weight, rows.window(), rows.lanes),
        )
    elif potential == "lj":
        places, source = take_positions(system, rows, pairs, table)
        field = pair_field = field._replace(source=and_one_more(source.ravel()))
    if potential == "lj":
        outer_table = tabulate(system, rows, outer_pairs)
        outer = make_field(system, rows, outer_table, outer=True)
        axial, kind = axial_bonds(system, rows, outer_pairs)
        watch = Watch(
            axial.ravel(),
            kind[outer_table.pairs] * rows.width,
            outer_pairs.lateral[outer_table.pairs].ravel(),
            float(law.cutoff) ** 2,
        )
        exact = pair_law(law, system, rows, table, pairs, places=places)._replace(placed=flag(not mixed))
        quick = pair_law(law, system, rows, table, pairs, dtype) if mixed else exact
        return Forces(rows, field, exact, pair_field, quick, places, outer, watch, relaxed, rest_pull)
    if potential == "lj-harmonic":
        relaxed = relax(system, law)
        rest_pull = _pull_at(relaxed, system, rows, field, pair_law(law, system, rows, table, pairs))
    exact = linear_law(law, system, rows, table, pairs, relaxed)
    quick = linear_law(law, system, rows, table, pairs, relaxed, dtype) if mixed else exact
    return Forces(rows, field, exact, pair_field, quick, places, field, _NOTHING, relaxed, rest_pull)


def _pull_at(displacement, system: System, rows: Rows, field: Field, law: NamedTuple) -> np.ndarray:
    """Force along x of what lies left of every plane on what lies right, at these displacements; shape (n_planes,)."""
    u = rows.scatter(system, np.broadcast_to(displacement, (rows.replicas, *displacement.shape)))
    for sheet in range(rows.sheets):
        wrap(sheet, u, field)
    for sheet in range(rows.sheets):
        sweep_flow(sheet, u, rows.vectors(), field, law)
    pull = np.array([sum_through(field.pull, plane, field) for plane in rows.position(system.plane_cell)])
    field.pull[:] = 0.0  # the heats are zero without velocities
    return pull


def make_field(
    system: System, rows: Rows, table: Table, outer: bool = False, between_species: bool = False
) -> Field:
    """Layout and table as the sweeps want them, with zeroed room for results."""
    cell = rows.cell_of_position
    reach = rows.outer_reach if outer else rows.reach
    shift = np.arange(-reach, reach + 1)[:, None]
    begin, end = rows.window(outer)

    def inside(cells):
        return (cells >= 0) & (cells < system.n_cells)

    def moves(cells):
        return inside(cells) & system.moving_cell[np.where(inside(cells), cells, 0)]

    if system.periodic:
        weight = 0.5 * inside(cell) + 0.5 * inside(cell + shift)
    else:
        weight = (moves(cell) | moves(cell + shift)).astype(float)
    wanted = (table.shift != 0) | between_species
    entries, near = np.arange(len(wanted)), max(table.first[-1], table.near[-1])
    crossing = np.flatnonzero(wanted & (entries < near))
    sums = np.column_stack([entries < table.first[-1], table.row, table.shift])[crossing]
    ends = np.append((np.diff(sums, axis=0) != 0).any(axis=1), True)[: len(crossing)]
    counts = np.concatenate([[0], np.cumsum(wanted)])
    home = and_one_more(table.source.ravel())
    marker = np.zeros((rows.sheets, rows.components, rows.stride) if between_species else (0, 0, 0))
    if between_species:
        is_a = rows.spread(system, system.species == SPECIES.index("A"))
        marker[:, 0, : rows.rows * rows.width] = is_a.reshape(rows.sheets, -1)
    return Field(
        sheets=rows.sheets,
        rows=rows.rows,
        components=rows.components,
        crystal=flag(rows.components == 3),
        replicas=rows.replicas,
        width=rows.width,
        stride=rows.stride,
        begin=begin,
        end=end,
        lanes=LANES,
        block=rows.block(np.float64),
        first=table.first,
        far=table.far,
        span=find_spans(table, weight, (begin, end), LANES),
        source=home,
        home=home,
        target=table.target,
        shift=table.shift,
        crossing_first=np.stack([counts[table.near], counts[table.first]]),
        crossing_entry=np.append(crossing, 0),
        crossing_ends=ends.astype(np.int64),
        buffer=rows.buffers(table.depth),
        part=rows.parts(table.depth),
        weight=weight,
        reach=reach,
        flow=np.zeros((rows.sheets, 2 * reach + 1, rows.width)),
        pull=np.zeros((rows.sheets, 2 * reach + 1, rows.width)),
        between=flag(between_species),
        marker=marker.ravel(),
        crossing=np.zeros((rows.sheets, rows.width)),
        origin=int(rows.position(0)),
        period=system.n_cells * rows.replicas if system.periodic else 0,
        pair_energy=np.zeros((rows.sheets, rows.width)),
    )


def find_spans(table: Table, weight, window: tuple[int, int], n_lanes: int) -> np.ndarray:
    """`Field.span`, from the weight of pairs by shift: the shortest that holds all entries with a weight, never empty."""
    (begin, end), reach, n_rows = window, len(weight) // 2, len(table.first) - 1
    counts = (weight[:, begin:end] > 0).reshape(2 * reach + 1, -1, n_lanes).any(axis=2)
    span = np.zeros((weight.shape[1], n_rows, 2, 2), np.int64)
    for row, part in product(range(n_rows), range(2)):
        first, last = (table.near, table.first)[part][row : row + 2]
        needed = counts[table.shift[first:last] + reach]
        some = needed.any(axis=0)
        span[begin:end:n_lanes, row, part, 0] = first + needed.argmax(axis=0)
        span[begin:end:n_lanes, row, part, 1] = np.where(some, last - needed[::-1].argmax(axis=0), first + 1)
    return span.ravel()


def _range(system: System, law: LennardJones | Springs) -> float:
    """How far the interaction reaches in the ideal crystal: the cut-off, or just beyond the nearest neighbours."""
    return 1.01 * system.nearest if isinstance(law, Springs) else law.cutoff


def _far_pairs(system: System, law: LennardJones, pairs: Pairs, hottest: float) -> np.ndarray:
    """Which pairs are so far beyond the cut-off that they come within it seldom; (n_pairs,)."""
    distance = np.linalg.norm(pairs.bonds(min(system.layer_spacing)), axis=1)
    return distance > law.cutoff + _FAR_SIGMAS * _thermal_spread(system, law, hottest)


def einstein_stiffness(system: System, law: LennardJones | Springs) -> np.ndarray:
    """Mean stiffness k of one atom against a crystal of its own kind, for each species of the system; shape (3,)."""
    pairs = half_pairs(system, 0.0, _range(system, law), unstrained=isinstance(law, Springs))
    weights = (pairs.basis == 0).sum(axis=1)
    components = system.lattice.dimensions
    stiffness = np.zeros(len(SPECIES))
    for s in np.unique(system.species):
        bonds = pairs.bonds(system.layer_spacing[min(s, 1)])
        constants = force_constants(law, bonds, PAIR_TYPE[s, s])[:, :components, :components]
        stiffness[s] = np.einsum("n,nii->", weights, constants) / components
    return stiffness


def _thermal_spread(system: System, law: LennardJones, hottest: float) -> float:
    """Standard deviation of the relative displacement of two atoms by Einstein's model, sqrt(2 T / k).

    No more than a fifth of the neighbour distance: beyond, a crystal melts (Lindemann), and the watch stops the run.
    """
    limit = 0.2 * system.nearest
    softest = float(einstein_stiffness(system, law)[np.unique(system.species)].min())
    return limit if softest * limit**2 <= 2 * hottest else float(np.sqrt(2 * hottest / softest))


def relax(system: System, law: LennardJones) -> np.ndarray:
    """Displacements of the sites to the energy minimum, shape (n_sites, components).

    Newton's method, each step solved by conjugate gradients. Where all rows carry the same species, one cell of the
    periodic cross-section is enough. Raises PhysicsError if there is no minimum nearby.
    """
    if not system.rows_alike:
        return _minimise(system, law)
    n_basis = len(system.lattice.basis)
    slim = replace(
        system,
        cross_section=(1, 1),
        species=system.species[: n_basis * system.n_cells],
        mass=system.mass[: n_basis * system.n_cells],
    )
    one = _minimise(slim, law).reshape(n_basis, system.n_cells, -1)
    return one[system.basis_of_row].reshape(system.n_sites, -1)


def _minimise(system: System, law: LennardJones) -> np.ndarray:
    pairs = half_pairs(system, 0.0, law.cutoff + system.nearest)
    rows = layout(system, pairs.reach, pairs.reach)
    table = tabulate(system, rows, pairs)
    field = make_field(system, rows, table)
    exact = pair_law(law, system, rows, table, pairs)
    places = take_displacements(rows, apart=False)
    full = Forces(rows, field, exact, field, exact, places, field, _NOTHING, None, None)
    moving = np.repeat(system.moving_cell[system.cell_of_site], rows.components)
    u = np.zeros(moving.size)
    force, energy = full.evaluate(system, u.reshape(-1, rows.components))
    for _ in range(50):
        if np.abs(force).max() < _FORCE_TOLERANCE:
            return u.reshape(-1, rows.components)
        displaced = u.reshape(-1, rows.components)
        stiffness = linear_law(law, system, rows, table, pairs, displaced)
        linear = full._replace(law=stiffness, pair_law=stiffness)

        def pull(direction, linear=linear):
            padded = np.zeros(moving.size)
            padded[moving] = direction
            padded = padded.reshape(-1, rows.components)
            # with periodic ends a uniform shift costs nothing, which conjugate gradients do not bear
            drift = padded.mean(axis=0) if system.periodic else 0.0
            return (drift - linear.evaluate(system, padded)[0]).ravel()[moving]

        hessian = LinearOperator((moving.sum(),) * 2, matvec=pull, dtype=float)
        step = np.zeros(moving.size)
        step[moving], _ = cg(hessian, force.ravel()[moving], rtol=1e-10, maxiter=20 * moving.size)
        for _ in range(20):
            new_force, new_energy = full.evaluate(system, (u + step).reshape(-1, rows.components))
            if np.isfinite(new_energy) and new_energy <= energy + 1e-9 * abs(energy):
                break
            step *= 0.5
        u, force, energy = u + step, new_force, new_energy
    raise PhysicsError(
        f"structure.lattice_constant: {system.lateral:g}: the junction has no energy minimum near its lattice "
        f"sites (largest force left {np.abs(force).max():.2g}); choose a spacing closer to equilibrium"
    )
