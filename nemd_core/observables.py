"""What is measured: layer temperatures, heat flow and force through planes, heats of the baths, energy.

Sums run in a fixed order, so that a number does not depend on threads or on other replicas.
"""

from typing import NamedTuple

import numpy as np

from .baths import HOT
from .forces.lattice import sum_through
from .forces.rows import Rows
from .jit import kernel
from .system import REGIONS, System


class Meter(NamedTuple):
    """Running sums of a stretch, and the maps from memory positions to layers and planes."""

    kinetic: np.ndarray
    """Sum of v² over samples and components, half-step; (sheets, stride)."""
    intruders: np.ndarray
    """Pairs too close, by sheet; (sheets,)."""
    layer: np.ndarray
    """Layer at each element of a sheet, -1 where nothing moves; (stride,)."""
    mass: np.ndarray
    """Mass at each element, 0 where nothing moves; (sheets, stride)."""
    layer_scale: np.ndarray
    """1 / (components x moving sites) of each layer, 0 for walls; (n_layers,)."""
    plane: np.ndarray
    """Position in a row of the cell above each plane, at replica 0; (n_planes,)."""
    plane_share: np.ndarray
    """Share of each plane in the axial stress of A and of B; (2, n_planes)."""
    area: float


class Series(NamedTuple):
    """The rows that a block fills; see `storage.Samples`. Replica first, then row."""

    temperature: np.ndarray
    flux: np.ndarray
    heat_hot: np.ndarray
    heat_cold: np.ndarray
    energy: np.ndarray
    stress: np.ndarray
    """Axial stress in A and in B, positive in tension; (replica, row, 2)."""
    flux_species: np.ndarray
    """Heat flux from sites of species A to others, 0 unless asked for."""
    displacement: np.ndarray
    """Mean displacement along x of each layer at the end of the stretch; (replica, row, layer)."""
    count: np.ndarray
    """Mean number of atoms of each layer, which changes only where atoms may go anywhere; (replica, row, layer)."""


def build_meter(system: System, rows: Rows) -> Meter:
    """The maps of a system in its layout, and zeroed sums."""
    position = np.arange(rows.stride)
    row, cell = position // rows.width, np.resize(rows.cell_of_position, rows.stride)
    inside = (row < rows.rows) & (cell >= 0) & (cell < system.n_cells)
    moving = inside & system.moving_cell[np.where(inside, cell, 0)]
    basis = row % len(system.lattice.basis)
    per_cell = system.lattice.layers_per_cell
    moving_layer = system.moving_cell[system.layer_cell]
    mass = np.zeros((rows.sheets, rows.stride))
    mass[:, : rows.rows * rows.width] = rows.spread(system, system.mass).reshape(rows.sheets, -1)
    return Meter(
        kinetic=rows.scalars(),
        intruders=np.zeros(rows.sheets),
        layer=np.where(moving, cell * per_cell + system.lattice.sublayer[basis], -1),
        mass=np.where(moving, mass, 0.0),
        layer_scale=moving_layer / (rows.components * system.sites_per_layer),
        plane=rows.position(system.plane_cell),
        plane_share=plane_shares(system),
        area=system.area,
    )


def plane_shares(system: System) -> np.ndarray:
    """Which planes tell the stress of A and of B: those between two cells of that side's bulk, or of the side.

    Shape (2, n_planes).
    """
    upper = system.plane_cell
    lower = system.inner_cell(upper - 1)
    shares = np.zeros((2, len(upper)))
    for side, name in enumerate("AB"):
        bulk = system.cell_region == REGIONS.index(name)
        for cells in (bulk, system.cell_side == side):
            shares[side] = cells[lower] & cells[upper]
            if shares[side].any():
                shares[side] /= shares[side].sum()
                break
    return shares


def empty_series(system: System, replicas: int, n_rows: int) -> Series:
    """Room for `n_rows` rows of every replica."""
    shape = (replicas, n_rows)
    layers, planes = (*shape, system.n_layers), (*shape, len(system.plane_cell))
    scalars = [np.zeros(shape) for _ in range(4)]
    return Series(
        np.zeros(layers),
        np.zeros(planes),
        *scalars[:3],
        np.zeros((*shape, 2)),
        scalars[3],
        displacement=np.zeros(layers),
        count=np.zeros(layers) + system.layer_count,
    )


@kernel
def record_row(row, state, field, baths, plan, meter, series):
    """Turn the sums of a stretch into one row, and start the next stretch."""
    replicas = field.replicas
    samples = plan.series_steps // plan.sample_every
    series.temperature[:, row] = 0.0
    series.displacement[:, row] = 0.0
    for sheet in range(field.sheets):
        for k in range(field.stride):
            layer = meter.layer[k]
            if layer >= 0:
                replica = (k % field.width - field.begin) % replicas
                scale = meter.layer_scale[layer]
                series.temperature[replica, row, layer] += (
                    scale / samples * meter.mass[sheet, k] * meter.kinetic[sheet, k]
                )
                series.displacement[replica, row, layer] += field.components * scale * state.u[sheet, 0, k]
    meter.kinetic[:] = 0.0
    for replica in range(replicas):
        series.stress[replica, row] = 0.0
        for plane in range(meter.plane.size):
            boundary = meter.plane[plane] + replica
            heat = sum_through(field.flow, boundary, field)
            force = sum_through(field.pull, boundary, field)
            series.flux[replica, row, plane] = heat / (samples * meter.area)
            for side in range(2):
                # what lies left pulls what lies right down: tension
                share = meter.plane_share[side, plane]
                series.stress[replica, row, side] -= share * force / (samples * meter.area)
        series.energy[replica, row] = total_energy(replica, state, field, meter)
        crossing = 0.0
        for sheet in range(field.sheets):
            for k in range(field.begin + replica, field.end, replicas):
                crossing += field.crossing[sheet, k]
        series.flux_species[replica, row] = crossing / (samples * meter.area)
    field.flow[:] = 0.0
    field.pull[:] = 0.0
    field.crossing[:] = 0.0
    record_heats(row, baths, series)


@kernel
def record_heats(row, baths, series):
    """The cumulative heats of both baths."""
    series.heat_hot[:, row] = 0.0
    series.heat_cold[:, row] = 0.0
    replicas = series.energy.shape[0]
    for sheet in range(baths.heat.shape[0]):
        for n in range(baths.heat.shape[1]):
            replica = n % replicas
            if baths.bath[sheet, n] == HOT:
                series.heat_hot[replica, row] += baths.heat[sheet, n]
            else:
                series.heat_cold[replica, row] += baths.heat[sheet, n]


@kernel
def total_energy(replica, state, field, meter):
    """Full-step kinetic plus potential energy of one replica; `field.pair_energy` must be up to date."""
    total = 0.0
    for sheet in range(field.sheets):
        for k in range(field.begin + replica, field.end, field.replicas):
            total += field.pair_energy[sheet, k]
        for component in range(field.components):
            for row in range(field.rows):
                for k in range(
                    row * field.width + field.begin + replica, (row + 1) * field.width, field.replicas
                ):
                    v = state.v[sheet, component, k]
                    total += 0.5 * meter.mass[sheet, k] * v * v
    return total
