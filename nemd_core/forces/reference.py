"""Slow, obvious sums over all pairs, to test the fast ones against. Plain numpy, O(N²), no tables, no rows.

Frozen atoms are those of the walls; beyond its ends a crystal is continued by frozen cells as far as the potential
reaches (a chain without walls needs them).
"""

import numpy as np

from ..potentials import LennardJones, Springs, force_constants, pair_derivatives
from ..system import System


def reference_forces(system: System, law: LennardJones | Springs, displacement, velocity=None):
    """Forces on all sites, potential energy, and heat flow through every plane.

    displacement, velocity: (n_sites, components). Returns (forces (n_sites, components), energy of all pairs in which
    an atom moves, flow (n_planes,)). Springs join nearest neighbours and are quadratic in the displacements.
    """
    components = system.lattice.dimensions
    reach = law.cutoff if isinstance(law, LennardJones) else system.lattice_constant
    sites, cell, species, moving = _continued(system, int(np.ceil(reach / system.lattice_constant)) + 1)
    n = len(sites)
    u, v = np.zeros((n, 3)), np.zeros((n, 3))
    u[: system.n_sites, :components] = displacement
    u[~moving] = 0.0
    if velocity is not None:
        v[: system.n_sites, :components] = velocity
        v[~moving] = 0.0
    forces, energy, flow = np.zeros((n, 3)), 0.0, np.zeros(len(system.plane_cell))
    for image in _images(system):
        for i in np.flatnonzero(moving):
            bond = sites + image - sites[i]
            ideal = np.linalg.norm(bond, axis=1)
            pair_type = species[i] + species
            d = u - u[i]
            if isinstance(law, Springs):
                near = (ideal > 0) & (
                    ideal < 1.01 * system.lattice.neighbour_distance * system.lattice_constant
                )
                partners = np.flatnonzero(near)
                k = force_constants(law, bond[partners], pair_type[partners])
                pull = np.einsum("nij,nj->ni", k, d[partners])
                pair_energy = 0.5 * np.einsum("ni,ni->n", pull, d[partners])
            else:
                r = np.linalg.norm(bond + d, axis=1)
                partners = np.flatnonzero((ideal > 0) & (r < law.cutoff))
                phi, slope, _ = pair_derivatives(law, r[partners], pair_type[partners])
                pull = (slope / r[partners])[:, None] * (bond + d)[partners]
                pair_energy = phi
            forces[i] += pull.sum(axis=0)
            energy += (np.where(moving[partners], 0.5, 1.0) * pair_energy).sum()
            # every pair is seen from each of its moving ends: half of a pair of two, all of a pair with a frozen atom
            power = -0.5 * np.einsum("ni,ni->n", pull, v[i] + v[partners])
            power *= np.where(moving[partners], 0.5, 1.0)
            for plane, boundary in enumerate(system.plane_cell):
                crosses = (cell[i] < boundary).astype(int) - (cell[partners] < boundary)
                flow[plane] += (crosses * power).sum()
    forces[~moving] = 0.0
    return forces[: system.n_sites, :components], energy, flow


def _continued(system: System, cells: int):
    """Sites, cells, species and mobility of the crystal and of frozen cells beyond both ends."""
    rows, a = system.positions.reshape(system.n_rows, system.n_cells, 3), system.lattice_constant
    step = np.array([a, 0.0, 0.0])
    below = np.concatenate([rows[:, 0] - n * step for n in range(1, cells + 1)])
    above = np.concatenate([rows[:, -1] + n * step for n in range(1, cells + 1)])
    each = np.repeat(np.arange(1, cells + 1), system.n_rows)
    cell = np.concatenate([system.cell_of_site, -each, system.n_cells - 1 + each])
    moving = np.zeros(len(cell), bool)
    moving[: system.n_sites] = system.moving_cell[system.cell_of_site]
    species = (cell >= system.first_b_cell).astype(np.int64)
    return np.concatenate([system.positions, below, above]), cell, species, moving


def _images(system: System):
    """Periodic images of the cross-section near enough to matter."""
    if system.lattice.dimensions == 1:
        return [np.zeros(3)]
    ny, nz = system.cross_section
    side = [[0.0, y * ny, z * nz] for y in (-1, 0, 1) for z in (-1, 0, 1)]
    return system.lattice_constant * np.array(side)
