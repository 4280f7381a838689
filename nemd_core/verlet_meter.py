"""What is measured where atoms may go anywhere: temperatures of bins along x, heat flow and force through planes.

Bins are the ideal layers of the lattice, half a spacing to either side; planes are boundaries of bins.

Heat flow through a plane, the method of planes (Todd, Daivis and Evans, Phys. Rev. E 51, 4362 (1995)):

    Q = sum over i below, j above of ½ F_(j<-i) · (v_i + v_j)  +  sum over crossings of (½ m v² + ½ sum_j phi_ij) sign(v_x) / dt

The first sum is taken at every sample. With W_i, what atom i receives from all others per time (`verlet.sum_powers`), it
changes from one boundary of a bin to the next by the W of the atoms between: only one plane, the reference, is
summed pair by pair. The second sum has every crossing of every step, with the energy at the middle of the step,
e_n - ½ dt W_n: so Q dt is what the energies on either side change by, to second order in dt, and the flux through all planes
is that of the baths also where atoms cross. The same goes for momentum: force through a plane plus m v_x of what crosses.
"""

from typing import NamedTuple

import numpy as np

from .baths import HOT
from .forces.sorting import CHUNK
from .forces.verlet import sum_one, sum_through
from .jit import kernel
from .observables import plane_shares
from .system import System


class Bins(NamedTuple):
    """Bins along x: those of side A and those of side B are equally wide each."""

    low: float
    """Lower end of the junction."""
    boundary: float
    """The interface."""
    begin_a: float
    """Where the bins of A begin, and those of B; what lies in a gap beside them belongs to the next one."""
    begin_b: float
    inverse_a: float
    """1 / width of a bin in A."""
    inverse_b: float
    first_b: int
    n: int
    period: float
    """0 with fixed ends."""
    centre: np.ndarray
    """Ideal layers, (n,)."""


class Meter(NamedTuple):
    """Running sums of a stretch; arrays over bins have the shape (n_layers,), those over their lower boundaries too."""

    kinetic: np.ndarray
    """m v² of the atoms of a bin, in the middle of sampled steps."""
    number: np.ndarray
    """Atoms of a bin."""
    displaced: np.ndarray
    """Their x from the middle of the bin."""
    received: np.ndarray
    """W of the atoms of a bin."""
    force: np.ndarray
    """x of the forces on them."""
    carried: np.ndarray
    """Energy of what crossed a boundary upwards, less that of what crossed downwards."""
    pushed: np.ndarray
    """The same for momentum."""
    through: np.ndarray
    """Room for the heat and the momentum that pass each boundary: (2, n_layers)."""
    power: np.ndarray
    """W of each atom, (n,)."""
    reference: np.ndarray
    """By chunk: W from below the reference plane, x of that force, W from A of other species; (chunks, 3)."""
    potential: np.ndarray
    """Potential energy by chunk."""
    here: np.ndarray
    """Bin of each atom, (n,)."""
    crossings: np.ndarray
    """Atoms of a chunk that have just crossed a boundary."""
    way: np.ndarray
    """Bins that they come from and go to, by chunk; (2, n)."""
    load: np.ndarray
    """Their energies and momenta, (2, n)."""
    plane_layer: np.ndarray
    """The bin above each plane, (n_planes,)."""
    plane_share: np.ndarray
    """Share of each plane in the axial stress of A and of B; (2, n_planes)."""
    area: float
    between_species: bool
    """Whether the heat from A to all others is wanted."""


def make_bins(system: System) -> Bins:
    """The bins of a junction."""
    spacing, first_b = system.layer_spacing, system.first_b_layer
    begin_a = float(system.layer_x[0] - 0.5 * spacing[0])
    begin_b = float(system.layer_x[first_b] - 0.5 * spacing[1])
    return Bins(
        low=begin_a - 0.5 * system.gap,
        boundary=begin_b - 0.5 * system.gap,
        begin_a=begin_a,
        begin_b=begin_b,
        inverse_a=1 / float(spacing[0]),
        inverse_b=1 / float(spacing[1]),
        first_b=first_b,
        n=system.n_layers,
        period=system.length if system.periodic else 0.0,
        centre=system.layer_x,
    )


def make_meter(system: System, n: int, between_species: bool) -> Meter:
    """Zeroed sums for n moving atoms."""
    chunks, bins = -(-n // CHUNK), np.zeros((7, system.n_layers))
    return Meter(
        *bins,
        through=np.zeros((2, system.n_layers)),
        power=np.zeros(n),
        reference=np.zeros((chunks, 3)),
        potential=np.zeros(chunks),
        here=np.zeros(n, np.int64),
        crossings=np.zeros(chunks, np.int64),
        way=np.zeros((2, n), np.int64),
        load=np.zeros((2, n)),
        plane_layer=system.plane_cell * system.lattice.layers_per_cell,
        plane_share=plane_shares(system),
        area=system.area,
        between_species=between_species,
    )


@kernel
def layer_at(x, bins):
    """The bin of a place; what lies beyond fixed ends belongs to the outermost."""
    if bins.period > 0.0:
        x = x - bins.period * np.floor((x - bins.low) / bins.period)
    if x < bins.boundary:
        return min(max(int(np.floor((x - bins.begin_a) * bins.inverse_a)), 0), bins.first_b - 1)
    return min(bins.first_b + max(int(np.floor((x - bins.begin_b) * bins.inverse_b)), 0), bins.n - 1)


@kernel
def find_layers(chunk, atoms, bins, back, layer):
    """The bins of a chunk's atoms a time `back` ago (at velocities as they are now), into `layer`."""
    x, v = atoms.x[0], atoms.v[0]
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, x.size)):
        layer[i] = layer_at(x[i] - back * v[i], bins)


@kernel
def sample_layers(atoms, layer, bins, back, meter):
    """Add what the atoms are in the middle of a step, a time `back` ago; `layer` holds their bins then."""
    v, mass = atoms.v, atoms.mass
    for i in range(mass.size):
        k = layer[i]
        meter.kinetic[k] += mass[i] * (v[0, i] * v[0, i] + v[1, i] * v[1, i] + v[2, i] * v[2, i])
        meter.number[k] += 1.0
        away = atoms.x[0, i] - back * v[0, i] - bins.centre[k]
        if bins.period > 0.0:
            away -= bins.period * np.floor(away / bins.period + 0.5)
        meter.displaced[k] += away


@kernel
def cross_chunk(chunk, atoms, list_, law, bins, dt, meter):
    """Note which atoms of a chunk have left their bin, and what they carry."""
    find_layers(chunk, atoms, bins, 0.0, meter.here)
    first = chunk * CHUNK
    found, layer, here = first, atoms.layer, meter.here
    for i in range(first, min(first + CHUNK, list_.n)):
        if here[i] == layer[i]:
            continue
        energy, power = sum_one(i, atoms, list_, law)
        for component in range(3):
            energy += 0.5 * atoms.mass[i] * atoms.v[component, i] ** 2
        meter.way[0, found], meter.way[1, found] = layer[i], here[i]
        meter.load[0, found] = energy - 0.5 * dt * power
        meter.load[1, found] = atoms.mass[i] * (atoms.v[0, i] - atoms.kick[i] * atoms.f[0, i])
        layer[i] = here[i]
        found += 1
    meter.crossings[chunk] = found - first


@kernel
def add_crossings(bins, meter):
    """Add up what crossed in this step, in the order of chunks."""
    for chunk in range(meter.crossings.size):
        for n in range(chunk * CHUNK, chunk * CHUNK + meter.crossings[chunk]):
            low, steps = meter.way[0, n], meter.way[1, n] - meter.way[0, n]
            if bins.period > 0.0 and 2 * abs(steps) > bins.n:
                steps -= bins.n if steps > 0 else -bins.n
            sign = 1.0
            if steps < 0:
                low, steps, sign = low + steps, -steps, -1.0
            for step in range(1, steps + 1):
                boundary = (low + step) % bins.n
                meter.carried[boundary] += sign * meter.load[0, n]
                meter.pushed[boundary] += sign * meter.load[1, n]


@kernel
def sample_reference(chunk, atoms, list_, law, bins, meter):
    """Pair sums of a chunk through the reference plane, where B begins; and from A to other species, if wanted."""
    plane, total = bins.boundary, meter.reference[chunk]
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        x = atoms.x[0, i]
        above = plane <= x and x < plane + list_.range
        other = meter.between_species and atoms.species[i] > 0 and list_.kind[i] != atoms.species[i]
        if above or other:
            power, pull, power_a = sum_through(i, atoms, list_, law, plane)
            if above:
                total[0] += power
                total[1] += pull
            if other:
                total[2] += power_a


@kernel
def sample_flow(atoms, meter):
    """Add what the atoms of each bin receive."""
    for i in range(meter.power.size):
        meter.received[atoms.layer[i]] += meter.power[i]
        meter.force[atoms.layer[i]] += atoms.f[0, i]


@kernel
def _through(through, reference, gained, bins):
    """From what passes the reference plane to what passes each boundary: it loses on its way what bins gain."""
    through[bins.first_b] = reference
    steps = bins.n - 1 if bins.period > 0.0 else bins.n - 1 - bins.first_b
    for step in range(steps):
        k = (bins.first_b + step) % bins.n
        through[(k + 1) % bins.n] = through[k] - gained[k]
    if bins.period == 0.0:
        for k in range(bins.first_b - 1, -1, -1):
            through[k] = through[k + 1] + gained[k]


@kernel
def record_row(row, replica, atoms, reservoirs, bins, plan, meter, series):
    """Turn the sums of a stretch into one row, and start the next stretch. A bin without atoms has temperature 0."""
    samples = plan.series_steps // plan.sample_every
    duration = plan.series_steps * plan.timestep
    for k in range(bins.n):
        number = max(meter.number[k], 1.0)
        series.temperature[replica, row, k] = meter.kinetic[k] / (3.0 * number)
        series.displacement[replica, row, k] = meter.displaced[k] / number
        series.count[replica, row, k] = meter.number[k] / samples
    power = pull = power_a = 0.0
    for chunk in range(meter.potential.size):
        power += meter.reference[chunk, 0]
        pull += meter.reference[chunk, 1]
        power_a += meter.reference[chunk, 2]
    heat, force = meter.through[0], meter.through[1]
    _through(heat, power, meter.received, bins)
    _through(force, pull, meter.force, bins)
    series.stress[replica, row] = 0.0
    for plane in range(meter.plane_layer.size):
        k = meter.plane_layer[plane]
        flux = heat[k] / samples + meter.carried[k] / duration
        pressure = force[k] / samples + meter.pushed[k] / duration
        series.flux[replica, row, plane] = flux / meter.area
        for side in range(2):
            series.stress[replica, row, side] -= meter.plane_share[side, plane] * pressure / meter.area
    series.flux_species[replica, row] = power_a / samples / meter.area
    series.energy[replica, row] = total_energy(atoms, meter)
    record_heats(row, replica, reservoirs, series)
    meter.kinetic[:] = 0.0
    meter.number[:] = 0.0
    meter.displaced[:] = 0.0
    meter.received[:] = 0.0
    meter.force[:] = 0.0
    meter.carried[:] = 0.0
    meter.pushed[:] = 0.0
    meter.reference[:] = 0.0


@kernel
def record_heats(row, replica, reservoirs, series):
    """The cumulative heats of both baths."""
    hot = cold = 0.0
    for chunk in range(reservoirs.heat.shape[0]):
        hot += reservoirs.heat[chunk, HOT]
        cold += reservoirs.heat[chunk, 1 - HOT]
    series.heat_hot[replica, row], series.heat_cold[replica, row] = hot, cold


@kernel
def total_energy(atoms, meter):
    """Full-step kinetic plus potential energy; `meter.potential` must be up to date."""
    total = 0.0
    for chunk in range(meter.potential.size):
        total += meter.potential[chunk]
    for i in range(atoms.mass.size):
        v = atoms.v
        total += 0.5 * atoms.mass[i] * (v[0, i] * v[0, i] + v[1, i] * v[1, i] + v[2, i] * v[2, i])
    return total
