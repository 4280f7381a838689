"""A junction of two lattices whose cells do not match across the interface: no fixed neighbour table holds it."""

from dataclasses import dataclass

import ase
import numpy as np

from .system import System


@dataclass(frozen=True)
class TwoLattices(System):
    """A junction with other cells along y and z on side B than on side A, on the same periodic sides.

    Sites of A come first, those of B after them, each row by row as in `System`. What concerns rows of the whole length
    (`n_rows`, `sites_per_layer`, ...) does not exist here.
    """

    cross_section_b: tuple[int, int] = (1, 1)
    """(ny, nz) cells of side B."""

    @property
    def strain(self) -> np.ndarray:
        """Strain of B along y and z, against the lattice constant that it has along x; shape (2,)."""
        return self._edges_b / (self.axial[1] * self.lattice.edges[1:]) - 1

    @property
    def gap(self) -> float:
        """So much that no site of A is closer to one of B than 0.9 of the mean neighbour distance: some face each other."""
        nearest = self.lattice.neighbour_distance * np.array([self.lateral, self.axial[1]])
        return max(0.0, float(0.9 * nearest.mean() - self.layer_spacing.mean()))

    @property
    def _edges_b(self) -> np.ndarray:
        return self.sides / np.array(self.cross_section_b)

    def _of_sides(self, values) -> np.ndarray:
        """Join what `values(cross_section, first cell, last cell)` gives for A and for B."""
        return np.concatenate(
            [
                values(self.cross_section, 0, self.first_b_cell),
                values(self.cross_section_b, self.first_b_cell, self.n_cells),
            ]
        )

    def _rows(self, cross_section) -> np.ndarray:
        return np.arange(cross_section[0] * cross_section[1] * len(self.lattice.basis))

    @property
    def n_sites(self) -> int:
        return len(self.cell_of_site)

    @property
    def cell_of_site(self) -> np.ndarray:
        return self._of_sides(lambda n, first, last: np.tile(np.arange(first, last), len(self._rows(n))))

    @property
    def basis_of_site(self) -> np.ndarray:
        return self._of_sides(
            lambda n, first, last: np.repeat(self._rows(n) % len(self.lattice.basis), last - first)
        )

    @property
    def lateral_places(self) -> np.ndarray:
        def places(n, first, last):
            cell = self._rows(n) // len(self.lattice.basis)
            return np.repeat(np.stack([cell % n[0], cell // n[0]], axis=1), last - first, axis=0)

        return self._of_sides(places) + self.lattice.basis[self.basis_of_site, 1:]

    @property
    def lateral_edges(self) -> np.ndarray:
        in_b = self.cell_side[self.cell_of_site][:, None] == 1
        return np.where(in_b, self._edges_b, self.lateral * self.lattice.edges[1:])

    def to_ase(self) -> ase.Atoms:
        atoms = super().to_ase()
        atoms.info["cross_section_b"] = np.array(self.cross_section_b)
        return atoms
