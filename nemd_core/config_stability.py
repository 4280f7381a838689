"""Lattice dynamics of the materials' perfect crystals: are they stable, and is the time step short enough?"""

import math
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from nemd_core.config_geometry import lattice_of, reaches, relaxed_constant, spacings
from nemd_core.config_problems import get
from nemd_core.config_yaml import show
from nemd_core.errors import Problem
from nemd_core.lattice import Lattice, find_lattice
from nemd_core.potentials import Springs, force_constants, lennard_jones

_MESH = 8
"""Points of k along each reciprocal edge of the orthogonal cell; even, so that the zone's corners are among them."""

_FAR = 4.0
"""Bonds of more than so many sigma are left out with forces verlet: of atoms much smaller than others there are very many
within the cut-off, and they stiffen a crystal by less than a thousandth."""

CRYSTALS = (("A", "A"), ("B", "B"), ("C", "A"), ("C", "B"))
"""Materials, and the sides whose lattice constant along x their crystal has; a film of C lies on both."""


def stability(config, name: str, side: str) -> Iterator[Problem]:
    """Yield a crystal with zero-frequency modes beyond translation, or with growing ones.

    What is relaxed (lattice_constant auto) is not judged by its estimate, and what may melt (forces verlet) not at all.
    """
    if config.run.forces == "verlet":
        return
    constant, modes = config.structure.lattice_constant, _modes(config, name, side)
    if modes is None or constant == "auto" or modes[0] > 1e-8 * modes[1]:
        return
    lattice = config.structure.lattice
    if config.interaction.potential == "harmonic":
        key = f"materials.{name}.transverse_stiffness"
        text = f"must be > 0: central springs alone leave {lattice} zero-frequency modes beyond translation"
        yield Problem(key, show(get(config, key) or 0.0), text)
    elif isinstance(constant, float):
        text = f"must make both {lattice} crystals mechanically stable: there are modes with w^2 <= 0"
        yield Problem("structure.lattice_constant", show(constant), text)
    else:
        text = f"with lateral {constant.lateral:g} must make the {lattice} crystal of {name} mechanically stable: there "
        key = f"structure.lattice_constant.{side}"
        yield Problem(key, show(getattr(constant, side)), text + "are modes with w^2 <= 0")


def timestep(config) -> Iterator[Problem]:
    """Yield a time step at which velocity Verlet blows up, w_max dt >= 2."""
    frequency, name = highest_frequency(config)
    if config.run.timestep * frequency >= 2:
        text = f"must be below 2/w_max = {2 / frequency:.4g} of crystal {name}, better a tenth of it"
        yield Problem("run.timestep", show(config.run.timestep), text)


def highest_frequency(config) -> tuple[float, str]:
    """Return w_max (1/time) of the materials' perfect crystals, and the material that has it; (0, "") if none is known.

    A liquid vibrates as fast as a crystal whose atoms are as close: with forces verlet, spacings are at most those of the
    relaxed crystal.
    """
    found = [(0.0, "")]
    for name, side in CRYSTALS:
        modes = _modes(config, name, side)
        if modes is not None and 0 < modes[1] < math.inf:
            found.append((math.sqrt(modes[1] / _least_mass(config, name)), name))
    return max(found)


def _least_mass(config, name: str) -> float:
    """Return the smallest mass of a material's atoms; graded masses lie between those of A and B."""
    mass = get(config, f"materials.{name}.mass")
    return min(config.materials.A.mass, config.materials.B.mass) if mass is None else mass


def _modes(config, name: str, side: str) -> tuple[float, float] | None:
    """Return the smallest and largest m w^2 of a material's crystal with the lattice constants of a side.

    None if there is no such material, or it is refused anyway.
    """
    interaction, material = config.interaction, get(config, f"materials.{name}")
    verlet = config.run.forces == "verlet"
    if material is None:
        return None
    if interaction.potential == "harmonic":
        law = ("springs", material.stiffness, material.transverse_stiffness or 0.0)
    else:
        cutoff = min(interaction.cutoff, _FAR * material.sigma) if verlet else interaction.cutoff
        law = ("lj", material.epsilon, material.sigma, cutoff, interaction.truncation)
    if not reaches(config):
        return None
    lateral, a, b, _ = spacings(config)
    axial = b if side == "B" else a
    if verlet:
        most = relaxed_constant(lattice_of(config), material.sigma)
        lateral, axial = min(lateral, most), min(axial, most)
    return mode_range(lattice_of(config).name, lattice_of(config).orientation, lateral, axial, law)


@lru_cache(maxsize=10_000)
def mode_range(
    lattice: str, orientation: int, lateral: float, axial: float, law: tuple
) -> tuple[float, float]:
    """Return the smallest and largest m w^2 of a perfect crystal, its uniform translations left out.

    They are the eigenvalues of D(k)_ab = δ_ab sum_r K(r) - sum_(r: a->b) K(r) exp(i k·r), with the second derivatives
    K(r) of the pair energy for every bond r from site a, prestress included (Ashcroft and Mermin, Solid State Physics,
    chapter 22), on a mesh of k that holds Gamma and the zone boundary of the orthogonal cell.

    Arguments
    ---------
    lateral, axial : lattice constants along y and z, and along x.
    law : ("springs", longitudinal, transverse) or ("lj", epsilon, sigma, cutoff, truncation).
    """
    cell = find_lattice(lattice, orientation)
    size, n_basis = cell.dimensions, len(cell.basis)
    first, second, shift, bond = _bonds(cell, np.array([axial, lateral, lateral]), law)
    with np.errstate(all="ignore"):
        if law[0] == "springs":
            pair_law = Springs(np.array([law[1]]), np.array([law[2]]))
        else:
            pair_law = lennard_jones([law[1]], [law[2]], law[3], law[4])
        stiffness = force_constants(pair_law, bond)[:, :size, :size]
    if not np.all(np.isfinite(stiffness)):
        return 0.0, math.inf
    k = _half_mesh(size)
    matrix = np.zeros((len(k), n_basis, size, n_basis, size), complex)
    phase = np.exp(2j * np.pi * (k @ shift.T))
    for a in range(n_basis):
        matrix[:, a, :, a, :] = stiffness[first == a].sum(axis=0)
        for b in range(n_basis):
            pair = (first == a) & (second == b)
            matrix[:, a, :, b, :] -= np.tensordot(phase[:, pair], stiffness[pair], 1)
    squared = np.linalg.eigvalsh(matrix.reshape(len(k), n_basis * size, n_basis * size))
    at_gamma = squared[0][np.argsort(np.abs(squared[0]))[size:]]  # without the translations
    others = np.concatenate([squared[1:].ravel(), at_gamma])
    return float(others.min()), float(others.max())


def _bonds(cell: Lattice, constants: np.ndarray, law: tuple) -> tuple[np.ndarray, ...]:
    """Return the bonds from the sites of one cell: site, partner's basis number and cell, vector.

    Springs join nearest neighbours of the unstrained lattice; Lennard-Jones reaches to the cut-off.
    """
    springs = law[0] == "springs"
    scale = cell.edges * (1.0 if springs else constants)
    reach = cell.neighbour_distance * 1.001 if springs else law[3]
    sites = cell.basis * scale
    extent = [math.ceil(reach / edge) + 1 if axis < cell.dimensions else 0 for axis, edge in enumerate(scale)]
    shifts = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in extent), indexing="ij"), -1).reshape(-1, 3)
    vectors = sites[None, :, None] + (shifts * scale)[None, None] - sites[:, None, None]
    length = np.linalg.norm(vectors, axis=-1)
    first, second, cells = np.nonzero((length > 1e-9 * scale.min()) & (length < reach))
    bond = vectors[first, second, cells]
    return first, second, shifts[cells], bond * constants if springs else bond


def _half_mesh(dimensions: int) -> np.ndarray:
    """Return points of k in units of the reciprocal edges, Gamma first, one of each pair k and -k; shape (n, 3)."""
    points = [range(_MESH) if axis < dimensions else (0,) for axis in range(3)]
    mesh = np.stack(np.meshgrid(*points, indexing="ij"), -1).reshape(-1, 3)
    number = np.array([_MESH**2, _MESH, 1])
    return mesh[mesh @ number <= (-mesh % _MESH) @ number] / _MESH
