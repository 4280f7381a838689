"""The crystal that a run carries: sites, layers, regions, species. No dynamics here."""

from dataclasses import dataclass

import ase
import numpy as np

from .lattice import Lattice

SPECIES = ("A", "B")
REGIONS = ("wall", "hot", "A", "B", "cold")
_STAND_INS = ("Ar", "Kr")
"""Chemical symbols that stand for A and B in files: what extxyz and ASE call the species of an atom."""


@dataclass(frozen=True)
class System:
    """A junction. Sites are numbered row by row: site = ((iz ny + iy) n_basis + b) n_cells + ix.

    A row holds the sites of one basis atom in one cross-section cell, along x. Lengths in sigma, masses in the mass of
    the reference substance.
    """

    lattice: Lattice
    lattice_constant: float
    cross_section: tuple[int, int]
    """(ny, nz) cells, periodic; (1, 1) for a chain."""
    n_cells: int
    """Cells along x, walls included."""
    first_b_cell: int
    """Material A fills the cells below this one."""
    mass: np.ndarray
    """Mass of each species, shape (2,)."""
    cell_region: np.ndarray
    """Index into REGIONS for each cell along x, shape (n_cells,)."""

    @property
    def n_rows(self) -> int:
        return self.cross_section[0] * self.cross_section[1] * len(self.lattice.basis)

    @property
    def n_sites(self) -> int:
        return self.n_rows * self.n_cells

    @property
    def n_layers(self) -> int:
        return self.n_cells * self.lattice.layers_per_cell

    @property
    def n_moving(self) -> int:
        return self.n_rows * int(self.moving_cell.sum())

    @property
    def area(self) -> float:
        """Cross-section in sigma²; 1 for a chain."""
        ny, nz = self.cross_section
        return 1.0 if self.lattice.dimensions == 1 else ny * nz * self.lattice_constant**2

    @property
    def cell_species(self) -> np.ndarray:
        """Species index of each cell, shape (n_cells,)."""
        return (np.arange(self.n_cells) >= self.first_b_cell).astype(np.int64)

    @property
    def moving_cell(self) -> np.ndarray:
        return self.cell_region != REGIONS.index("wall")

    @property
    def cell_of_site(self) -> np.ndarray:
        return np.tile(np.arange(self.n_cells), self.n_rows)

    @property
    def layer_of_site(self) -> np.ndarray:
        """Layer index along x of each site, shape (n_sites,)."""
        sublayer = np.repeat(self.basis_of_row, self.n_cells)
        return self.cell_of_site * self.lattice.layers_per_cell + self.lattice.sublayer[sublayer]

    @property
    def basis_of_row(self) -> np.ndarray:
        return np.arange(self.n_rows) % len(self.lattice.basis)

    @property
    def species_of_site(self) -> np.ndarray:
        return self.cell_species[self.cell_of_site]

    @property
    def mass_of_site(self) -> np.ndarray:
        return self.mass[self.species_of_site]

    @property
    def positions(self) -> np.ndarray:
        """Ideal sites in sigma, x = 0 at the first layer, shape (n_sites, 3)."""
        ny, _ = self.cross_section
        row = np.arange(self.n_rows)
        basis = self.lattice.basis[self.basis_of_row]
        cell = row // len(self.lattice.basis)
        corner = basis + np.stack([np.zeros_like(cell), cell % ny, cell // ny], axis=1)
        sites = corner[:, None, :] + np.arange(self.n_cells)[None, :, None] * np.array([1.0, 0.0, 0.0])
        return self.lattice_constant * sites.reshape(-1, 3)

    @property
    def layer_x(self) -> np.ndarray:
        return np.arange(self.n_layers) * self.lattice_constant / self.lattice.layers_per_cell

    @property
    def layer_cell(self) -> np.ndarray:
        return np.arange(self.n_layers) // self.lattice.layers_per_cell

    @property
    def layer_region(self) -> np.ndarray:
        """Name of the region of each layer, shape (n_layers,)."""
        return np.array(REGIONS)[self.cell_region[self.layer_cell]]

    @property
    def sites_per_layer(self) -> int:
        return self.n_sites // self.n_layers

    @property
    def plane_cell(self) -> np.ndarray:
        """Cells whose lower boundary is a plane of the flux: every boundary with a moving atom beside it."""
        moving = np.flatnonzero(self.moving_cell)
        return np.arange(max(moving[0], 1), min(moving[-1] + 2, self.n_cells))

    @property
    def plane_x(self) -> np.ndarray:
        """Planes lie midway between the last layer of one cell and the first of the next."""
        return (self.plane_cell - 0.5 / self.lattice.layers_per_cell) * self.lattice_constant

    def to_ase(self) -> ase.Atoms:
        """The junction as `ase.Atoms`: periodic in y and z, with arrays material (A or B), region and layer."""
        ny, nz = self.cross_section
        region = np.array(REGIONS)[self.cell_region[self.cell_of_site]]
        atoms = ase.Atoms(
            symbols=np.array(_STAND_INS)[self.species_of_site],
            positions=self.positions,
            cell=self.lattice_constant * np.array([self.n_cells, ny, nz]),
            pbc=(False, True, True) if self.lattice.dimensions == 3 else False,
            masses=self.mass_of_site,
        )
        atoms.set_array("material", np.array(SPECIES)[self.species_of_site])
        atoms.set_array("region", region)
        atoms.set_array("layer", self.layer_of_site)
        atoms.info.update(
            lattice=self.lattice.name,
            lattice_constant=self.lattice_constant,
            cross_section=np.array(self.cross_section),
            first_b_cell=self.first_b_cell,
        )
        return atoms
