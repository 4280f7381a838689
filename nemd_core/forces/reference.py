"""Slow, obvious sums over all pairs, to test the fast ones against. Plain numpy, O(N²), no tables, no rows.

Frozen atoms are those of the walls; beyond its fixed ends a crystal is continued by frozen cells as far as the potential
reaches (a chain without walls needs them), beyond periodic ends by its images.
"""

from typing import NamedTuple

import numpy as np

from ..potentials import PAIR_TYPE, LennardJones, Springs, force_constants, pair_derivatives
from ..system import System


class Reference(NamedTuple):
    """What the slow sums give."""

    forces: np.ndarray
    """(n_sites, components), zero on frozen sites."""
    energy: float
    """Of all pairs in which an atom moves."""
    flow: np.ndarray
    """Heat flow through every plane, (n_planes,)."""
    pull: np.ndarray
    """Force along x of what lies left of a plane on what lies right of it, (n_planes,)."""
    crossing: float
    """Heat flow from all sites of species A to all others."""


def reference_forces(system: System, law: LennardJones | Springs, displacement, velocity=None) -> Reference:
    """Forces, energy, and what goes through the planes, pair by pair.

    displacement, velocity: (n_sites, components). Springs join nearest neighbours and are quadratic in the displacements.
    """
    components = system.lattice.dimensions
    reach = law.cutoff if isinstance(law, LennardJones) else system.nearest
    sites, layer, home = system.continued(int(np.ceil(reach / system.layer_spacing.min())) + 2)
    moving = system.moving_cell[system.cell_of_site]
    inside = (layer >= 0) & (layer < system.n_layers)
    u, v = np.zeros((len(sites), 3)), np.zeros((len(sites), 3))
    follows = moving[home] & (inside | system.periodic)
    u[follows, :components] = displacement[home[follows]]
    if velocity is not None:
        v[follows, :components] = velocity[home[follows]]
    species, cell = system.species[home], layer // system.lattice.layers_per_cell
    forces, energy, crossing = np.zeros((system.n_sites, 3)), 0.0, 0.0
    flow, through = np.zeros((2, len(system.plane_cell)))
    for image in _images(system):
        for i in np.flatnonzero(moving):
            here = np.flatnonzero((home == i) & inside)[0]
            bond = sites + image - sites[here]
            pair_type = PAIR_TYPE[system.species[i], species]
            d = u - u[here]
            if isinstance(law, Springs):
                partners = np.flatnonzero(_neighbours(system, layer - layer[here], bond))
                k = force_constants(law, bond[partners], pair_type[partners])
                pull = np.einsum("nij,nj->ni", k, d[partners])
                pair_energy = 0.5 * np.einsum("ni,ni->n", pull, d[partners])
            else:
                r = np.linalg.norm(bond + d, axis=1)
                partners = np.flatnonzero((np.linalg.norm(bond, axis=1) > 1e-9) & (r < law.cutoff))
                phi, slope, _ = pair_derivatives(law, r[partners], pair_type[partners])
                pull = (slope / r[partners])[:, None] * (bond + d)[partners]
                pair_energy = phi
            forces[i] += pull.sum(axis=0)
            # every pair is seen from each of its moving ends: half of a pair of two, all of a pair with a frozen atom
            share = np.where(follows[partners], 0.5, 1.0)
            energy += (share * pair_energy).sum()
            power = -0.5 * np.einsum("ni,ni->n", pull, v[here] + v[partners])
            crossing += ((int(species[here] == 0) - (species[partners] == 0)) * share * power).sum()
            for plane, boundary in enumerate(system.plane_cell):
                for turn in (-1, 0, 1) if system.periodic else (0,):
                    edge = boundary + turn * system.n_cells
                    crosses = (cell[here] < edge).astype(int) - (cell[partners] < edge)
                    flow[plane] += (crosses * share * power).sum()
                    through[plane] -= (crosses * share * pull[:, 0]).sum()
    return Reference(forces[:, :components], energy, flow, through, crossing)


def _neighbours(system: System, layers, bond) -> np.ndarray:
    """Which bonds join nearest neighbours in the crystal without strain."""
    edge = system.lattice.edges[0] * system.lateral / system.lattice.layers_per_cell
    r = np.linalg.norm(np.column_stack([layers * edge, bond[:, 1:]]), axis=1)
    return (r > 1e-9) & (r < 1.01 * system.nearest)


def _images(system: System):
    """Periodic images of the cross-section near enough to matter."""
    if system.lattice.dimensions == 1:
        return [np.zeros(3)]
    return [np.array([0.0, y, z]) * [0.0, *system.sides] for y in (-1, 0, 1) for z in (-1, 0, 1)]
