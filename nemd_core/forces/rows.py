"""How a crystal lies in memory: rows along x, and the fixed table of neighbouring rows.

A row holds the sites of one basis atom in one cross-section cell: contiguous along x, replicas innermost, so that the
neighbour at a given lattice offset of every site of a row is another row shifted by a constant. Rows with the same iz
form a sheet; a sheet is the unit of work of a thread. Arrays of vectors have the shape (sheet, component, stride) and
arrays of scalars (sheet, stride); inside a sheet, element = row * width + position.

Halo: only the moving cells and some cells on both sides are stored, enough for every neighbour in reach. With fixed ends
these are frozen: displacement and velocity zero for ever, and beyond its ends the crystal goes on. With periodic ends
they are images of the cells at the other end, copied anew after every move; forces found for them are not used, for
each pair that reaches into the halo is visited once at either end. Strides are odd multiples of a cache line, because
streams a power of two apart evict each other.
"""

from typing import NamedTuple

import numpy as np

from ..simd import LANES
from ..system import System

FAR_TOGETHER = 4
"""Far pairs that are looked at together: as many as are written out in `pairs._any_within`."""
_LINE = 8
"""Doubles of a cache line."""
_FEW_ROWS = 48
"""Rows of a sheet up to which it is quicker to sweep all of them a block at a time (3 % on Zen 3; no faster with 56)."""


class Rows(NamedTuple):
    """The numbers that turn a site into a memory position."""

    sheets: int
    rows: int
    """Rows in a sheet."""
    components: int
    replicas: int
    width: int
    stride: int
    lanes: int
    """Numbers in a vector of forces."""
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

    def block(self, dtype) -> int:
        """Positions of a row that a force sweep does at a time, of all rows: as many cells as a cache line has numbers,
        however many replicas there are, so that the order of sums does not depend on them.

        All where there is but one row, or so many that nothing of a block is left in the caches when the next begins.
        """
        if not 1 < self.rows <= _FEW_ROWS:
            return self.length
        return _LINE * 8 // np.dtype(dtype).itemsize * self.replicas

    def vectors(self, dtype=np.float64) -> np.ndarray:
        return aligned_zeros((self.sheets, self.components, self.stride), dtype)

    def scalars(self) -> np.ndarray:
        return aligned_zeros((self.sheets, self.stride), np.float64)

    def buffers(self, depth: int, dtype=np.float64) -> np.ndarray:
        """Room for forces by sheet of i and sheet of j, shape (sheets, depth, components, stride)."""
        return aligned_zeros((self.sheets, depth, self.components, self.stride), dtype)

    def parts(self, depth: int) -> np.ndarray:
        """Where in such a buffer the forces on a sheet begin that each of the sheets below it found, (sheets, depth)."""
        level = np.arange(depth)
        below = (np.arange(self.sheets)[:, None] - level) % self.sheets
        return (below * depth + level) * self.components * self.stride

    def elements(self, system: System) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(site, sheet, element at replica 0) of every moving site, in the order of sites."""
        site = np.flatnonzero(system.moving_cell[system.cell_of_site])
        row = site // system.n_cells
        element = (row % self.rows) * self.width + self.position(site % system.n_cells)
        return site, row // self.rows, element

    def cells(self, system: System) -> np.ndarray:
        """The cell of the system that stands for each position of a row: itself, its image, or the outermost."""
        return system.inner_cell(self.cell_of_position)

    def spread(self, system: System, values: np.ndarray) -> np.ndarray:
        """From sites to every position, halo included: (n_sites,) -> (sheets, rows, width)."""
        return values.reshape(self.sheets, self.rows, system.n_cells)[:, :, self.cells(system)]

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
    """Half of the neighbour pairs, row by row: each pair of sites appears once, with i in the row and j elsewhere.

    Where some pairs are far, copies follow these first[-1] entries: of the near ones, row by row, and of the far ones.
    """

    first: np.ndarray
    """Entries of row r are first[r] : first[r + 1]; shape (rows + 1,)."""
    near: np.ndarray
    """The same for those of them that are not far."""
    far: np.ndarray
    """The same for those that are, the last repeated until there are a multiple of FAR_TOGETHER."""
    source: np.ndarray
    """Where j's first component lies, minus i's position in its row; shape (sheets, entries)."""
    target: np.ndarray
    """The same place in the force buffer of i's sheet; shape (entries,)."""
    pairs: np.ndarray
    """The pair of each entry, an index into the list that was tabulated; shape (entries,)."""
    shift: np.ndarray
    """Cells that j lies further along x than i; shape (entries,)."""
    row: np.ndarray
    """Row of i in its sheet; shape (entries,)."""
    neighbour: np.ndarray
    """Row of j in its sheet; shape (entries,)."""
    sheet: np.ndarray
    """Sheet of j, by sheet of i; shape (sheets, entries)."""
    depth: int
    """Sheets that a force buffer spans: the own one and those above it within reach."""


def aligned_zeros(shape, dtype) -> np.ndarray:
    """Zeros whose first element starts a cache line."""
    size, line = int(np.prod(shape)), 64 // np.dtype(dtype).itemsize
    raw = np.zeros(size + line, dtype)
    start = -(raw.ctypes.data // raw.itemsize) % line
    return raw[start : start + size].reshape(shape)


def _padded(n: int, lanes: int = LANES) -> int:
    return -(-n // lanes) * lanes


def _odd_lines(n: int, lanes: int) -> int:
    """At least n numbers, in an odd number of cache lines of doubles, or of vectors where those are longer."""
    line = max(lanes, _LINE)
    lines = _padded(n, line) // line
    return (lines + 1 - lines % 2) * line


class Pairs(NamedTuple):
    """Pairs of sites, one for each kind of neighbour; arrays over the pairs."""

    basis: np.ndarray
    """Basis atoms of i and j; shape (n, 2)."""
    offset: np.ndarray
    """Lattice cells from i to j; shape (n, 3)."""
    layers: np.ndarray
    """Layers that j lies above i along x; shape (n,)."""
    lateral: np.ndarray
    """Ideal y and z from i to j, in sigma; shape (n, 2)."""

    @property
    def reach(self) -> int:
        """How many cells along x the pairs reach."""
        return int(np.abs(self.offset[:, 0]).max())

    def bonds(self, spacing: float) -> np.ndarray:
        """Ideal vectors from i to j in a crystal with this distance between layers, in sigma, shape (n, 3)."""
        return np.column_stack([self.layers * spacing, self.lateral])


def half_pairs(system: System, inner: float, outer: float, unstrained: bool = False) -> Pairs:
    """Every pair of sites once with inner <= r < outer, in sigma, in the crystal with the smaller spacing along x.

    unstrained: r is that in the crystal of the lateral lattice constant (springs know neighbours, not distances).
    """
    lattice = system.lattice
    axial = system.lateral if unstrained else min(system.axial)
    scale = lattice.edges * np.array([axial, system.lateral, system.lateral])
    span = [
        int(np.ceil(outer / edge)) + 1 if lattice.dimensions == 3 or n == 0 else 0
        for n, edge in enumerate(scale)
    ]
    cells = np.stack(np.meshgrid(*[np.arange(-n, n + 1) for n in span], indexing="ij"), axis=-1).reshape(
        -1, 3
    )
    basis, offset = [], []
    for i, site in enumerate(lattice.basis):
        for j, other in enumerate(lattice.basis):
            r = np.linalg.norm(scale * (other - site + cells), axis=1)
            ahead = [(oz, oy, ox, j - i) > (0, 0, 0, 0) for ox, oy, oz in cells]
            found = cells[(inner <= r) & (r < outer) & ahead]
            offset.append(found)
            basis.append(np.broadcast_to([i, j], (len(found), 2)))
    basis, offset = np.concatenate(basis), np.concatenate(offset)
    step = lattice.basis[basis[:, 1]] - lattice.basis[basis[:, 0]] + offset
    return Pairs(
        basis=basis,
        offset=offset,
        layers=np.rint(step[:, 0] * lattice.layers_per_cell).astype(np.int64),
        lateral=step[:, 1:] * scale[1:],
    )


def layout(system: System, reach: int, outer_reach: int, replicas: int = 1, lanes: int = LANES) -> Rows:
    """Rows for force sweeps of one reach and, a margin wider on both sides, for the watch over outer pairs.

    lanes: numbers in a vector, a multiple of LANES.
    """
    moving = np.flatnonzero(system.moving_cell)
    first, cells = moving[0] - reach, len(moving) + 2 * reach
    margin = _padded((outer_reach - reach) * replicas, lanes)
    begin, length = margin + _padded(outer_reach * replicas, lanes), _padded(cells * replicas, lanes)
    width = _odd_lines(begin + length + margin + outer_reach * replicas, lanes)
    ny, nz = system.cross_section
    rows = ny * len(system.lattice.basis)
    return Rows(
        sheets=nz,
        rows=rows,
        components=system.lattice.dimensions,
        replicas=replicas,
        width=width,
        stride=_odd_lines(rows * width, lanes),
        lanes=lanes,
        begin=begin,
        length=length,
        margin=margin,
        first_cell=int(first),
        reach=reach,
        outer_reach=outer_reach,
    )


def tabulate(system: System, rows: Rows, pairs: Pairs, far=None) -> Table:
    """The neighbour table of `pairs` for this layout. far: which pairs are far, (n_pairs,); none by default.

    Entries of a row are ordered by falling shift. Two that touch the same row at different shifts then lie far apart in
    time, so that the second does not wait for the stores of the first; and what a site receives from one row arrives
    in the order of the cells it comes from, however many replicas share a vector, so that its sum has the same bits.
    """
    ny, nz = system.cross_section
    n_basis = len(system.lattice.basis)
    ox, oy, oz = pairs.offset.T
    order = np.lexsort((pairs.basis[:, 1], oy, oz, -ox))
    own = [order[pairs.basis[order, 0] == i] for i in range(n_basis)]
    parts = [own]
    if far is not None and far.any():
        distant = [entries[far[entries]] for entries in own]
        distant = [np.append(e, np.repeat(e[-1:], -len(e) % FAR_TOGETHER)) for e in distant]
        parts = [own, [entries[~far[entries]] for entries in own], distant]
    by_row = [[part[row % n_basis] for row in range(rows.rows)] for part in parts]
    chosen = np.concatenate([entries for part in by_row for entries in part])
    row = np.concatenate([np.repeat(np.arange(rows.rows), [len(e) for e in part]) for part in by_row])
    starts = np.concatenate([[0], np.cumsum([len(entries) for part in by_row for entries in part])])
    first = [starts[n * rows.rows : (n + 1) * rows.rows + 1] for n in range(len(parts))]
    if len(parts) == 1:
        first += [first[0], np.zeros_like(first[0])]
    neighbour = (row // n_basis + oy[chosen]) % ny * n_basis + pairs.basis[chosen, 1]
    inside = neighbour * rows.width + ox[chosen] * rows.replicas
    sheet = (np.arange(nz)[:, None] + oz[None, chosen]) % nz
    sheet_size = rows.components * rows.stride
    return Table(
        first=first[0],
        near=first[1],
        far=first[2],
        source=sheet * sheet_size + inside,
        target=oz[chosen] * sheet_size + inside,
        pairs=chosen,
        shift=ox[chosen],
        row=row,
        neighbour=neighbour,
        sheet=sheet,
        depth=int(oz[chosen].max()) + 1,
    )
