"""From a junction and its potential to the arrays that the sweeps work on."""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import LinearOperator, cg

from ..errors import PhysicsError
from ..potentials import LennardJones, Springs, force_constants
from ..system import System
from .lattice import Field, Watch, collect_forces, sweep_energy, sweep_forces
from .laws import linear_law, pair_law
from .rows import Rows, Table, half_offsets, layout, reach_of, tabulate

_SIGMAS = 6.0
"""Thermal relative displacements, in standard deviations, that the table must cover."""
_SKIN = 0.1
"""Added to that, in nearest-neighbour distances: strain near interfaces and baths."""
_FORCE_TOLERANCE = 1e-10
_NOTHING = Watch(np.zeros(0), 0.0)


class Forces(NamedTuple):
    """Everything that turns displacements into forces."""

    rows: Rows
    field: Field
    law: NamedTuple
    outer: Field
    """Pairs that the table leaves out, watched so that none comes within the cut-off."""
    watch: Watch
    relaxed: np.ndarray
    """Displacement of the sites about which `law` is expanded, (n_basis, n_cells, components); 0 unless lj-harmonic."""

    def evaluate(self, system: System, displacement: np.ndarray) -> tuple[np.ndarray, float]:
        """Forces on the moving sites, (n_sites, components), and the potential energy (pairs of frozen sites left out).

        displacement: (n_sites, components), from the sites that the law is expanded about.
        """
        u = self.rows.scatter(
            system, np.broadcast_to(displacement, (self.rows.replicas, *displacement.shape))
        )
        f = self.rows.vectors()
        for sheet in range(self.rows.sheets):
            sweep_forces(sheet, u, self.field, self.law)
            sweep_energy(sheet, u, self.field, self.law)
        for sheet in range(self.rows.sheets):
            collect_forces(sheet, f, self.field)
        energy = self.field.pair_energy[:, self.field.begin : self.field.end].sum() / self.rows.replicas
        return self.rows.gather(system, f)[0], float(energy)


def build_forces(system: System, law, potential: str, hottest: float, replicas: int = 1) -> Forces:
    """The force field of a junction.

    law: `LennardJones` or `Springs`. potential: 'lj', 'harmonic' or 'lj-harmonic'. hottest: the highest temperature
    expected, which sets how far beyond the cut-off the neighbour table reaches.
    """
    relaxed = np.zeros((len(system.lattice.basis), system.n_cells, system.lattice.dimensions))
    nearest = system.lattice.neighbour_distance * system.lattice_constant
    inner = _range(system, law)
    if potential != "harmonic":
        inner += _SKIN * nearest + _SIGMAS * _thermal_spread(system, law, hottest)
    pairs = half_offsets(system, 0.0, inner)
    outer_pairs = half_offsets(system, inner, inner + nearest) if potential == "lj" else pairs
    rows = layout(system, reach_of(pairs), reach_of(outer_pairs), replicas)
    table = tabulate(system, rows, pairs)
    field = make_field(system, rows, table)
    if potential == "lj":
        outer_table = tabulate(system, rows, outer_pairs)
        outer = make_field(system, rows, outer_table, outer=True)
        watch = Watch(outer_table.bond.ravel(), float(law.cutoff) ** 2)
        return Forces(rows, field, pair_law(law, system, rows, table), outer, watch, relaxed)
    if potential == "lj-harmonic":
        relaxed = relax(system, law)
    linear = linear_law(law, system, rows, table, relaxed)
    return Forces(rows, field, linear, field, _NOTHING, relaxed)


def make_field(system: System, rows: Rows, table: Table, outer: bool = False) -> Field:
    """Layout and table as the sweeps want them, with zeroed room for results."""
    cell = rows.cell_of_position
    reach = rows.outer_reach if outer else rows.reach
    shift = np.arange(-reach, reach + 1)[:, None]
    begin, end = rows.window(outer)

    def moves(cells):
        inside = (cells >= 0) & (cells < system.n_cells)
        return inside & system.moving_cell[np.where(inside, cells, 0)]

    buffer = np.concatenate([rows.vectors()[:, None]] * table.depth, axis=1)
    return Field(
        sheets=rows.sheets,
        rows=rows.rows,
        components=rows.components,
        replicas=rows.replicas,
        width=rows.width,
        stride=rows.stride,
        begin=begin,
        end=end,
        depth=table.depth,
        first=table.first,
        source=table.source.ravel(),
        target=table.target,
        shift=table.shift,
        buffer=buffer,
        weight=(moves(cell) | moves(cell + shift)).astype(float),
        reach=reach,
        flow=np.zeros((rows.sheets, 2 * reach + 1, rows.width)),
        pair_energy=np.zeros((rows.sheets, rows.width)),
    )


def _range(system: System, law: LennardJones | Springs) -> float:
    """How far the interaction reaches in the ideal crystal: the cut-off, or just beyond the nearest neighbours."""
    nearest = system.lattice.neighbour_distance * system.lattice_constant
    return 1.01 * nearest if isinstance(law, Springs) else law.cutoff


def einstein_stiffness(system: System, law: LennardJones | Springs) -> np.ndarray:
    """Mean stiffness k of one atom against the crystal around it, for A and for B; shape (2,)."""
    pairs = half_offsets(system, 0.0, _range(system, law))
    bonds = np.array([bond for i, j, _, bond in pairs if 0 in (i, j)])
    weights = np.array([(i == 0) + (j == 0) for i, j, _, _ in pairs if 0 in (i, j)])
    components = system.lattice.dimensions
    constants = [force_constants(law, bonds, t)[:, :components, :components] for t in (0, 2)]
    return np.array([np.einsum("n,nii->", weights, k) / components for k in constants])


def _thermal_spread(system: System, law: LennardJones, hottest: float) -> float:
    """Standard deviation of the relative displacement of two atoms by Einstein's model, sqrt(2 T / k).

    No more than a fifth of the neighbour distance: beyond, a crystal melts (Lindemann), and the watch stops the run.
    """
    limit = 0.2 * system.lattice.neighbour_distance * system.lattice_constant
    softest = float(einstein_stiffness(system, law).min())
    return limit if softest * limit**2 <= 2 * hottest else float(np.sqrt(2 * hottest / softest))


def relax(system: System, law: LennardJones) -> np.ndarray:
    """Displacements of the sites to the energy minimum, shape (n_basis, n_cells, components).

    Newton's method, each step solved by conjugate gradients. The crystal is periodic in its cross-section, so one cell
    of it is enough. Raises PhysicsError if there is no minimum nearby.
    """
    slim = System(**{**vars(system), "cross_section": (1, 1)})
    nearest = system.lattice.neighbour_distance * system.lattice_constant
    pairs = half_offsets(slim, 0.0, law.cutoff + nearest)
    rows = layout(slim, reach_of(pairs), reach_of(pairs))
    table = tabulate(slim, rows, pairs)
    field = make_field(slim, rows, table)
    full = Forces(rows, field, pair_law(law, slim, rows, table), field, _NOTHING, None)
    shape = (len(slim.lattice.basis), slim.n_cells, rows.components)
    moving = np.broadcast_to(slim.moving_cell[None, :, None], shape).ravel()
    u = np.zeros(moving.size)
    force, energy = full.evaluate(slim, u.reshape(-1, rows.components))
    for _ in range(50):
        if np.abs(force).max() < _FORCE_TOLERANCE:
            return u.reshape(shape)
        linear = full._replace(law=linear_law(law, slim, rows, table, u.reshape(shape)))

        def pull(direction, linear=linear):
            padded = np.zeros(moving.size)
            padded[moving] = direction
            return -linear.evaluate(slim, padded.reshape(-1, rows.components))[0].ravel()[moving]

        hessian = LinearOperator((moving.sum(),) * 2, matvec=pull, dtype=float)
        step = np.zeros(moving.size)
        step[moving], _ = cg(hessian, force.ravel()[moving], rtol=1e-10, maxiter=20 * moving.size)
        for _ in range(20):
            new_force, new_energy = full.evaluate(slim, (u + step).reshape(-1, rows.components))
            if np.isfinite(new_energy) and new_energy <= energy + 1e-9 * abs(energy):
                break
            step *= 0.5
        u, force, energy = u + step, new_force, new_energy
    raise PhysicsError(
        f"structure.lattice_constant: {system.lattice_constant}: the junction has no energy minimum near its lattice "
        f"sites (largest force left {np.abs(force).max():.2g}); choose a spacing closer to equilibrium"
    )
