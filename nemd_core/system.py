"""The crystal that a run carries: sites, layers, regions, species. No dynamics here."""

from dataclasses import dataclass

import ase
import numpy as np

from .lattice import Lattice

SPECIES = ("A", "B", "C")
REGIONS = ("wall", "hot", "A", "B", "cold")
MIXED = "mixed"
"""Species of a layer that holds atoms of more than one."""


@dataclass(frozen=True)
class System:
    """A junction. Sites are numbered row by row: site = ((iz ny + iy) n_basis + b) n_cells + ix.

    A row holds the sites of one basis atom in one cross-section cell, along x. Lengths in sigma, masses in the mass of
    the reference substance. The two sides A and B are cells; which material sits on a site is its species.
    """

    lattice: Lattice
    lateral: float
    """Lattice constant along y and z, of both sides."""
    axial: tuple[float, float]
    """Lattice constants along x, of the cells of A and of B."""
    cross_section: tuple[int, int]
    """(ny, nz) cells, periodic; (1, 1) for a chain."""
    n_cells: int
    """Cells along x, walls included."""
    first_b_cell: int
    """Side A is the cells below this one."""
    species: np.ndarray
    """Index into SPECIES of each site, shape (n_sites,)."""
    mass: np.ndarray
    """Mass of each site, shape (n_sites,)."""
    cell_region: np.ndarray
    """Index into REGIONS for each cell along x, shape (n_cells,)."""
    periodic: bool = False
    """Whether B's last cell borders on A's first: a second interface, at x = 0."""
    zone: tuple[int, int] = (0, 0)
    """Layers on A's and on B's side of an interface that are rough, mixed or of a third material."""
    symbols: tuple[str, ...] = ("Ar", "Kr", "Xe")
    """Chemical symbols that stand for A, B and C in files: what extxyz and ASE call the species of an atom."""

    # ---- counts ----

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
        return int(self.moving_site.sum())

    @property
    def sites_per_layer(self) -> int:
        return self.n_sites // self.n_layers

    @property
    def layer_count(self) -> np.ndarray:
        """Sites of each layer, shape (n_layers,)."""
        return np.bincount(self.layer_of_site, minlength=self.n_layers)

    @property
    def first_b_layer(self) -> int:
        return self.first_b_cell * self.lattice.layers_per_cell

    # ---- lengths ----

    @property
    def sides(self) -> np.ndarray:
        """Edges of the periodic cross-section along y and z, shape (2,)."""
        return self.lateral * self.lattice.edges[1:] * np.array(self.cross_section)

    @property
    def area(self) -> float:
        """Cross-section in sigma²; 1 for a chain."""
        return 1.0 if self.lattice.dimensions == 1 else float(np.prod(self.sides))

    @property
    def layer_spacing(self) -> np.ndarray:
        """Distance of neighbouring layers in A and in B, shape (2,)."""
        return np.array(self.axial) * self.lattice.edges[0] / self.lattice.layers_per_cell

    @property
    def gap(self) -> float:
        """What lies between the half spacings of A and B at an interface."""
        return 0.0

    @property
    def nearest(self) -> float:
        """Distance of nearest neighbours in the unstrained crystal of the lateral lattice constant."""
        return self.lattice.neighbour_distance * self.lateral

    @property
    def length(self) -> float:
        """Extent along x: layers times their spacing; the period of a periodic junction."""
        layers = np.array([self.first_b_layer, self.n_layers - self.first_b_layer])
        return float(layers @ self.layer_spacing) + (2 if self.periodic else 1) * self.gap

    def half_spacings(self, layer) -> np.ndarray:
        """Half spacings of A and of B between layer 0 and `layer`; any integers, shape (..., 2).

        Every layer brings half a spacing on either side of it, so that the interface lies midway between two crystals.
        Beyond its ends a junction goes on with their crystals, or, if periodic, begins again.
        """
        layer = np.asarray(layer)
        n, first_b = self.n_layers, self.first_b_layer
        turns, place = divmod(layer, n) if self.periodic else (0, layer)
        beyond = place >= first_b
        in_a = np.where(beyond, 2 * first_b - 1, 2 * place)
        in_b = np.where(beyond, 2 * (place - first_b) + 1, 0)
        return np.stack([in_a + 2 * first_b * turns, in_b + 2 * (n - first_b) * turns], axis=-1)

    def distance(self, layer, other) -> np.ndarray:
        """Distance along x from one ideal layer to another (arrays of any integers broadcast)."""
        halves = self.half_spacings(other) - self.half_spacings(layer)
        x = 0.5 * (halves[..., 0] * self.layer_spacing[0] + halves[..., 1] * self.layer_spacing[1])
        return x + self.gap * (self._interfaces_below(other) - self._interfaces_below(layer))

    def _interfaces_below(self, layer) -> np.ndarray:
        turns, place = divmod(np.asarray(layer), self.n_layers) if self.periodic else (0, np.asarray(layer))
        return 2 * turns + (place >= self.first_b_layer)

    # ---- cells ----

    @property
    def cell_side(self) -> np.ndarray:
        """Side of each cell, 0 for A and 1 for B, shape (n_cells,)."""
        return (np.arange(self.n_cells) >= self.first_b_cell).astype(np.int64)

    @property
    def moving_cell(self) -> np.ndarray:
        return self.cell_region != REGIONS.index("wall")

    @property
    def moving_site(self) -> np.ndarray:
        """Mask of the sites that move, shape (n_sites,)."""
        return self.moving_cell[self.cell_of_site]

    def inner_cell(self, cell) -> np.ndarray:
        """The cell that stands for one beyond the ends: its periodic image, or the outermost of the junction."""
        return np.mod(cell, self.n_cells) if self.periodic else np.clip(cell, 0, self.n_cells - 1)

    # ---- sites ----

    @property
    def cell_of_site(self) -> np.ndarray:
        return np.tile(np.arange(self.n_cells), self.n_rows)

    @property
    def basis_of_site(self) -> np.ndarray:
        return np.repeat(self.basis_of_row, self.n_cells)

    @property
    def layer_of_site(self) -> np.ndarray:
        """Layer index along x of each site, shape (n_sites,)."""
        return self.cell_of_site * self.lattice.layers_per_cell + self.lattice.sublayer[self.basis_of_site]

    @property
    def basis_of_row(self) -> np.ndarray:
        return np.arange(self.n_rows) % len(self.lattice.basis)

    @property
    def rows_alike(self) -> bool:
        """Whether all rows of a basis atom carry the same species: then one cell of the cross-section tells all."""
        rows = self.species.reshape(-1, len(self.lattice.basis), self.n_cells)
        return bool((rows == rows[0]).all())

    @property
    def lateral_places(self) -> np.ndarray:
        """Ideal y and z of each site, in cells, shape (n_sites, 2)."""
        ny, _ = self.cross_section
        cell = np.arange(self.n_rows) // len(self.lattice.basis)
        corner = self.lattice.basis[self.basis_of_row, 1:] + np.stack([cell % ny, cell // ny], axis=1)
        return np.repeat(corner, self.n_cells, axis=0)

    @property
    def lateral_edges(self) -> np.ndarray:
        """Edges of a cell along y and z, (2,), or of each site's cell, (n_sites, 2)."""
        return self.lateral * self.lattice.edges[1:]

    @property
    def positions(self) -> np.ndarray:
        """Ideal sites in sigma, x = 0 at the first layer, shape (n_sites, 3)."""
        return np.column_stack([self.layer_x[self.layer_of_site], self.lateral_edges * self.lateral_places])

    def continued(self, layers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The crystal some layers beyond both ends: positions (n, 3), their layers, and the sites that they continue.

        Beyond fixed ends lie sites like those of the outermost cells, beyond periodic ones images.
        """
        per_cell = self.lattice.layers_per_cell
        more = -(-layers // per_cell)
        cells = np.arange(-more, self.n_cells + more)
        inner = self.inner_cell(cells)
        by_cell = np.split(
            np.argsort(self.cell_of_site, kind="stable"), np.cumsum(np.bincount(self.cell_of_site))
        )
        site = np.concatenate([by_cell[cell] for cell in inner])
        beyond = np.repeat(cells - inner, [len(by_cell[cell]) for cell in inner])
        layer = self.layer_of_site[site] + beyond * per_cell
        places = np.column_stack([self.distance(0, layer), self.positions[site, 1:]])
        return places, layer, site

    # ---- layers ----

    @property
    def layer_x(self) -> np.ndarray:
        return self.distance(0, np.arange(self.n_layers))

    @property
    def layer_cell(self) -> np.ndarray:
        return np.arange(self.n_layers) // self.lattice.layers_per_cell

    @property
    def layer_region(self) -> np.ndarray:
        """Name of the region of each layer, shape (n_layers,)."""
        return np.array(REGIONS)[self.cell_region[self.layer_cell]]

    @property
    def layer_species(self) -> np.ndarray:
        """Name of the species of each layer, or 'mixed', shape (n_layers,)."""
        species = self.species[np.argsort(self.layer_of_site, kind="stable")]
        first = np.concatenate([[0], np.cumsum(self.layer_count)[:-1]])
        least, most = np.minimum.reduceat(species, first), np.maximum.reduceat(species, first)
        return np.where(least == most, np.array(SPECIES)[least], MIXED)

    # ---- planes and interfaces ----

    @property
    def plane_cell(self) -> np.ndarray:
        """Cells whose lower boundary is a plane of the flux: every boundary with a moving atom beside it."""
        if self.periodic:
            return np.arange(self.n_cells)
        moving = np.flatnonzero(self.moving_cell)
        return np.arange(max(moving[0], 1), min(moving[-1] + 2, self.n_cells))

    @property
    def plane_x(self) -> np.ndarray:
        """Planes lie half a spacing below the first layer of a cell, where the cell before it ends; or amid a gap."""
        first = self.plane_cell * self.lattice.layers_per_cell
        spacing = self.layer_spacing[self.cell_side[self.plane_cell]]
        interface = (self.plane_cell == self.first_b_cell) | (self.plane_cell == 0)
        return self.layer_x[first] - 0.5 * (spacing + self.gap * interface)

    @property
    def interfaces(self) -> dict[str, np.ndarray]:
        """plane (index among the planes), left and right (the layers beside the interface zone), direction (+1: A lies
        on the left, -1: on the right); one entry per interface."""
        on_a, on_b = self.zone
        plane = [int(np.flatnonzero(self.plane_cell == self.first_b_cell)[0])]
        left, right, direction = [self.first_b_layer - 1 - on_a], [self.first_b_layer + on_b], [1]
        if self.periodic:
            plane.append(0)
            left.append(self.n_layers - 1 - on_b)
            right.append(on_a)
            direction.append(-1)
        values = {"plane": plane, "left": left, "right": right, "direction": direction}
        return {name: np.array(numbers) for name, numbers in values.items()}

    # ---- other codes ----

    def to_ase(self) -> ase.Atoms:
        """The junction as `ase.Atoms`: periodic in y and z, with arrays material (A, B or C), region and layer."""
        crystal = self.lattice.dimensions == 3
        atoms = ase.Atoms(
            symbols=np.array(self.symbols)[self.species],
            positions=self.positions,
            cell=[self.length, *self.sides],
            pbc=(self.periodic, crystal, crystal),
            masses=self.mass,
        )
        atoms.set_array("material", np.array(SPECIES)[self.species])
        atoms.set_array("region", np.array(REGIONS)[self.cell_region[self.cell_of_site]])
        atoms.set_array("layer", self.layer_of_site)
        atoms.info.update(
            lattice=self.lattice.name,
            orientation=self.lattice.orientation,
            lateral=self.lateral,
            axial=np.array(self.axial),
            cross_section=np.array(self.cross_section),
            first_b_cell=self.first_b_cell,
            zone=np.array(self.zone),
        )
        return atoms
