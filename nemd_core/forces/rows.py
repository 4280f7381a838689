"""How a crystal lies in memory: rows along x, and the fixed table of neighbouring rows.

A row holds the sites of one basis atom in one cross-section cell: contiguous along x, replicas innermost, so that the
neighbour at a given lattice offset of every site of a row is another row shifted by a constant. Rows with the same iz
form a sheet; a sheet is the unit of work of a thread. Arrays of vectors have the shape (sheet, component, stride) and
arrays of scalars (sheet, stride); inside a sheet, element = row * width + position.

Halo: only the moving cells and some frozen cells on both sides are stored, enough for every neighbour in reach. Everything that is not a moving site has displacement and velocity zero for ever: beyond its ends the crystal
goes on, frozen. Strides are odd multiples of a cache line, because streams a power of two apart evict each other.
"""

from typing import NamedTuple

import numpy as np

from ..simd import LANES
from ..system import System


class Rows(NamedTuple):
    """The numbers that turn a site into a memory position."""

    sheets: int
    rows: int
    """Rows in a sheet."""
    components: int
    replicas: int
    width: int
    stride: int
    begin: int
    """Position of the first cell that the pair loops visit; a multiple of the vector length."""
    length: int
    """Positions that the pair loops visit in a row; a multiple of the vector length."""
    margin: int
    """Positions that the watch over outer pairs visits on either side besides; a multiple of the vector length."""
    first_cell: int
    """The cell (of the system, may be negative) at position `begin`."""
    reach: int
    """How many cells along x a neighbour may be away."""
    outer_reach: int
    """How many cells along x an outer pair may be apart."""

    def position(self, cell, replica=0):
        """Position inside a row of a cell (arrays broadcast)."""
        return self.begin + (np.asarray(cell) - self.first_cell) * self.replicas + replica

    @property
    def cell_of_position(self) -> np.ndarray:
        """The cell of each position of a row; may lie outside the system, shape (width,)."""
        return (np.arange(self.width) - self.begin) // self.replicas + self.first_cell

    def window(self, outer: bool = False) -> tuple[int, int]:
        """First and last (exclusive) position that a sweep visits."""
        margin = self.margin if outer else 0
        return self.begin - margin, self.begin + self.length + margin

    def vectors(self) -> np.ndarray:
        return _aligned_zeros((self.sheets, self.components, self.stride))

    def scalars(self) -> np.ndarray:
        return _aligned_zeros((self.sheets, self.stride))

    def elements(self, system: System) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(site, sheet, element at replica 0) of every moving site, in the order of sites."""
        site = np.flatnonzero(system.moving_cell[system.cell_of_site])
        row = site // system.n_cells
        element = (row % self.rows) * self.width + self.position(site % system.n_cells)
        return site, row // self.rows, element

    def gather(self, system: System, array: np.ndarray) -> np.ndarray:
        """From memory to sites: (sheet, component, stride) -> (replica, n_sites, component), zero on frozen sites."""
        out = np.zeros((self.replicas, system.n_sites, self.components))
        site, sheet, element = self.elements(system)
        for replica in range(self.replicas):
            out[replica, site] = array[sheet, :, element + replica]
        return out

    def scatter(self, system: System, values: np.ndarray) -> np.ndarray:
        """From sites to memory, the inverse of `gather`; values of frozen sites are dropped."""
        out = self.vectors()
        site, sheet, element = self.elements(system)
        for replica in range(self.replicas):
            out[sheet, :, element + replica] = values[replica, site]
        return out


class Table(NamedTuple):
    """Half of the neighbour pairs, row by row: each pair of sites appears once, with i in the row and j elsewhere."""

    first: np.ndarray
    """Entries of row r are first[r] : first[r + 1]; shape (rows + 1,)."""
    source: np.ndarray
    """Where j's first component lies, minus i's position in its row; shape (sheets, entries)."""
    target: np.ndarray
    """The same place in the force buffer of i's sheet; shape (entries,)."""
    shift: np.ndarray
    """Cells that j lies further along x than i; shape (entries,)."""
    basis: np.ndarray
    """Basis atoms of i and j; shape (entries, 2)."""
    offset: np.ndarray
    """Lattice cells from i to j; shape (entries, 3)."""
    bond: np.ndarray
    """Ideal vector from i to j in sigma; shape (entries, 3)."""
    depth: int
    """Sheets that a force buffer spans: the own one and those above it within reach."""


def _aligned_zeros(shape) -> np.ndarray:
    """Zeros whose first element starts a cache line."""
    size = int(np.prod(shape))
    raw = np.zeros(size + LANES)
    start = -(raw.ctypes.data // 8) % LANES
    return raw[start : start + size].reshape(shape)


def _padded(n: int) -> int:
    return -(-n // LANES) * LANES


def _odd_lines(n: int) -> int:
    lines = _padded(n) // LANES
    return (lines + 1 - lines % 2) * LANES


def half_offsets(system: System, inner: float, outer: float):
    """Every pair of sites with inner <= r < outer once: list of (basis i, basis j, (ox, oy, oz), bond)."""
    basis, a, chain = system.lattice.basis, system.lattice_constant, system.lattice.dimensions == 1
    span = int(np.ceil(outer / a)) + 1
    side = range(1) if chain else range(-span, span + 1)
    pairs = []
    for i, site in enumerate(basis):
        for j, other in enumerate(basis):
            for ox in range(-span, span + 1):
                for oy in side:
                    for oz in side:
                        if (oz, oy, ox, j - i) <= (0, 0, 0, 0):
                            continue
                        bond = a * (other - site + np.array([ox, oy, oz]))
                        if inner <= np.linalg.norm(bond) < outer:
                            pairs.append((i, j, (ox, oy, oz), bond))
    return pairs


def reach_of(pairs) -> int:
    """How many cells along x the pairs reach."""
    return max(abs(offset[0]) for _, _, offset, _ in pairs)


def layout(system: System, reach: int, outer_reach: int, replicas: int = 1) -> Rows:
    """Rows for force sweeps of one reach and, a margin wider on both sides, for the watch over outer pairs."""
    moving = np.flatnonzero(system.moving_cell)
    first, cells = moving[0] - reach, len(moving) + 2 * reach
    margin = _padded((outer_reach - reach) * replicas)
    begin, length = margin + _padded(outer_reach * replicas), _padded(cells * replicas)
    width = _odd_lines(begin + length + margin + outer_reach * replicas)
    ny, nz = system.cross_section
    rows = ny * len(system.lattice.basis)
    return Rows(
        sheets=nz,
        rows=rows,
        components=system.lattice.dimensions,
        replicas=replicas,
        width=width,
        stride=_odd_lines(rows * width),
        begin=begin,
        length=length,
        margin=margin,
        first_cell=int(first),
        reach=reach,
        outer_reach=outer_reach,
    )


def tabulate(system: System, rows: Rows, pairs) -> Table:
    """The neighbour table of `pairs` for this layout.

    Entries of a row are ordered by falling shift. Two that touch the same row at different shifts then lie far apart in
    time, so that the second does not wait for the stores of the first; and what a site receives from one row arrives
    in the order of the cells it comes from, however many replicas share a vector, so that its sum has the same bits.
    """
    ny, nz = system.cross_section
    n_basis = len(system.lattice.basis)
    sheet_size = rows.components * rows.stride
    entries, first = [], [0]
    for row in range(rows.rows):
        iy, i = divmod(row, n_basis)
        own = [pair for pair in pairs if pair[0] == i]
        for _, j, offset, bond in sorted(
            own, key=lambda pair: (-pair[2][0], pair[2][2], pair[2][1], pair[1])
        ):
            neighbour = ((iy + offset[1]) % ny) * n_basis + j
            entries.append((neighbour * rows.width + offset[0] * rows.replicas, i, j, offset, bond))
        first.append(len(entries))
    inside = np.array([entry[0] for entry in entries])
    offset = np.array([entry[3] for entry in entries])
    sheets = (np.arange(nz)[:, None] + offset[None, :, 2]) % nz
    return Table(
        first=np.array(first),
        source=sheets * sheet_size + inside,
        target=offset[:, 2] * sheet_size + inside,
        shift=offset[:, 0].copy(),
        basis=np.array([entry[1:3] for entry in entries]),
        offset=offset,
        bond=np.array([entry[4] for entry in entries]),
        depth=int(offset[:, 2].max()) + 1,
    )
