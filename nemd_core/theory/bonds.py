"""The bonds of a junction and the narrowest lateral cell that tells all of them; translations of a lattice.

For `strips` and `crystal`, which have what is meant for others.
"""

from itertools import product
from typing import NamedTuple

import numpy as np

from ..forces.rows import half_pairs
from ..potentials import PAIR_TYPE, Springs, force_constants
from ..system import System

NEIGHBOURS = 1.01
"""Springs join sites within so many nearest-neighbour distances of the unstrained crystal."""


class Bonds(NamedTuple):
    """The bonds of a strip: see there."""

    first: np.ndarray
    second: np.ndarray
    vector: np.ndarray
    stiffness: np.ndarray


def find_bonds(system: System, law, relaxed, site, representative) -> Bonds:
    """All bonds that begin at the chosen sites."""
    springs, d = isinstance(law, Springs), system.lattice.dimensions
    moved = 2 * np.sqrt((relaxed**2).sum(axis=1).max())
    reach = NEIGHBOURS * system.nearest if springs else law.cutoff + moved
    pairs = half_pairs(system, 0.0, reach, unstrained=springs)
    number = np.full(system.n_sites, -1)
    number[site] = np.arange(len(site))
    row, cell = np.divmod(site, system.n_cells)
    found = []
    for way in (1, -1):
        for (here, there), offset, layers, lateral in zip(*pairs, strict=True):
            if way < 0:
                here, there = there, here
            first = np.flatnonzero(system.basis_of_row[row] == here)
            ahead = cell[first] + way * offset[0]
            inner = system.inner_cell(ahead)
            beyond = (ahead != inner) & (not system.periodic)
            other = _row_at(system, row[first], way * offset[1:], there) * system.n_cells + inner
            layer = system.layer_of_site[site[first]]
            vector = np.column_stack(
                [system.distance(layer, layer + way * layers), np.tile(way * lateral, (len(first), 1))]
            )
            vector += np.where(beyond[:, None], 0.0, relaxed[other]) - relaxed[site[first]]
            K = force_constants(law, vector, PAIR_TYPE[system.species[site[first]], system.species[other]])
            near = np.full(len(first), True) if springs else np.linalg.norm(vector, axis=1) < law.cutoff
            second = np.where(beyond, -1, number[representative[other]])
            found.append((first[near], second[near], vector[near], K[near, :d, :d]))
    return Bonds(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _row_at(system: System, row, offset, basis):
    """The row of a basis atom so many cells along y and z away from other rows."""
    ny, nz = system.cross_section
    z, y = np.divmod(row // len(system.lattice.basis), ny)
    corner = (z + offset[1]) % nz * ny + (y + offset[0]) % ny
    return corner * len(system.lattice.basis) + basis


def narrowest_cell(system: System) -> tuple[np.ndarray, np.ndarray]:
    """Shortest lateral lattice vectors, (2, 2), and for every site the one that stands for it, (n_sites,)."""
    basis, n_basis = system.lattice.basis, len(system.lattice.basis)
    site = np.arange(system.n_sites)
    masses = system.mass.reshape(-1, n_basis, system.n_cells)
    if not system.rows_alike or (masses != masses[0]).any():
        return np.diag(system.sides), site
    columns = np.concatenate([system.species.reshape(-1, n_basis, system.n_cells)[0], masses[0]], axis=1)
    steps, images = zip(
        *(
            (step[1:], image)
            for step, image in translations(basis)
            if step[0] == 0 and (columns == columns[image]).all()
        ),
        strict=True,
    )
    first = np.min(images, axis=0)  # of all basis atoms that are translations of one another, the first
    basis_of_site = system.basis_of_row[site // system.n_cells]
    lateral = shortest_vectors(np.array(steps), system.lateral * system.lattice.edges[1:])
    return lateral, first[basis_of_site] * system.n_cells + system.cell_of_site


def translations(basis) -> list[tuple[np.ndarray, np.ndarray]]:
    """Fractions of the cell by which its sites are moved onto themselves, (3,), and the image of each, (n_basis,)."""
    found = []
    for step in (basis - basis[0]) % 1.0:
        away = (basis[:, None] + step - basis[None]) % 1.0
        same = (np.minimum(away, 1 - away) < 1e-9).all(axis=2)
        if same.any(axis=1).all():
            found.append((step, same.argmax(axis=1)))
    return found


def shortest_vectors(steps, edges) -> np.ndarray:
    """The shortest vectors, a right-handed set of d rows, of the lattice of a cell and fractions of it, (n, d)."""
    d = len(edges)
    grid = np.array(list(product((0, 1, -1), repeat=d)))[:, None]
    vectors = ((grid + steps) * edges).reshape(-1, d)
    order = np.lexsort((*-vectors.T[::-1].round(9), np.linalg.norm(vectors, axis=1).round(9)))
    chosen = np.zeros((0, d))
    for vector in vectors[order[1:]]:  # without the one of length 0
        more = np.vstack([chosen, vector])
        if np.linalg.matrix_rank(more, tol=1e-6 * edges.min()) > len(chosen):
            chosen = more
        if len(chosen) == d:
            break
    if np.linalg.det(chosen) < 0:
        chosen[-1] *= -1
    return chosen


def middle_constants(system: System, position) -> np.ndarray:
    """Lattice constants along x in the middle of the layers between bath and interface zone, in A and in B, (2,)."""
    x = np.bincount(system.layer_of_site, position[:, 0]) / system.sites_per_layer
    bulk = np.flatnonzero(np.isin(system.layer_region, ("A", "B")))
    constants = []
    for side, beside, before in zip((0, 1), system.zone, (True, False), strict=True):
        edge = system.first_b_layer - beside if before else system.first_b_layer + beside
        layers = bulk[bulk < edge] if before else bulk[bulk >= edge]
        breaks = np.flatnonzero(np.diff(layers) > 1)  # periodic ends: the stretch next to the interface
        layers = (layers[breaks[-1] + 1 :] if before else layers[: breaks[0] + 1]) if len(breaks) else layers
        width = min(system.lattice.layers_per_cell, len(layers) - 1)
        if width < 1:
            constants.append(system.axial[side])
            continue
        low = layers[(len(layers) - 1 - width) // 2]
        constants.append(
            (x[low + width] - x[low]) / width / system.lattice.edges[0] * system.lattice.layers_per_cell
        )
    return np.array(constants)
