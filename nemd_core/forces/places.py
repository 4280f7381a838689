"""What pair terms are computed from: for Lennard-Jones in double precision where atoms are, otherwise how far they are displaced.

The difference of two positions is the bond itself; a difference of displacements has the ideal bond added, three operations
more of some thirty. Across the periodic sides a bond leads to an image of a row, moved by a side of the crystal: images
lie behind the sheets, packed like rows of further sheets, and only those that the table wants exist. Positions are as
long as the crystal, so that bonds are rounded to 1e-14 sigma or so, as in other codes; singles could not bear that.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..system import System
from .laws import flag
from .rows import Pairs, Rows, Table, aligned_zeros


class Places(NamedTuple):
    """How pair terms' array, shape (sheets + some for images, components, stride), follows from displacements."""

    apart: np.ndarray
    """Whether it is an array of its own, as `laws.flag` has it; else it is that of displacements itself."""
    along: np.ndarray
    """What is added along a row of each basis atom, shape (n_basis, components, width)."""
    corner: np.ndarray
    """What is added to a row besides, shape (sheets, rows, components)."""
    first: np.ndarray
    """Images of rows of sheet s are first[s] : first[s + 1]."""
    row: np.ndarray
    """The row that each shows."""
    sheet: np.ndarray
    """The sheet that it lies in."""
    slot: np.ndarray
    """The row of that sheet."""
    side: np.ndarray
    """What it is moved by, shape (images, components)."""

    def array(self, rows: Rows, dtype) -> np.ndarray:
        """An array of its own for the pair terms, zero."""
        sheets = max(rows.sheets, self.sheet.max(initial=-1) + 1)
        return aligned_zeros((sheets, rows.components, rows.stride), dtype)

    def with_images(self, rows: Rows, values: np.ndarray) -> np.ndarray:
        """Something of the sheets, (sheets, components, stride), and the same of images, as they lie in such an array."""
        out = self.array(rows, np.float64)
        out[: rows.sheets] = values
        home = np.repeat(np.arange(rows.sheets), np.diff(self.first))
        position = np.arange(rows.width)
        there, here = (row[:, None] * rows.width + position for row in (self.slot, self.row))
        out[self.sheet[:, None], :, there] = out[home[:, None], :, here]
        return out


def displacements(rows: Rows, apart: bool) -> Places:
    """Pair terms take displacements. apart: in another precision."""
    none = np.zeros(0, np.int64)
    return Places(
        flag(apart),
        np.zeros((1, rows.components, rows.width)),
        np.zeros((rows.sheets, rows.rows, rows.components)),
        np.zeros(rows.sheets + 1, np.int64),
        *(none, none, none),
        np.zeros((0, rows.components)),
    )


def positions(system: System, rows: Rows, pairs: Pairs, table: Table) -> tuple[Places, np.ndarray]:
    """Pair terms take positions; and `table.source` for their array."""
    ny, nz = system.cross_section
    n_basis, lattice = len(system.lattice.basis), system.lattice
    layer = rows.cell_of_position * lattice.layers_per_cell + lattice.sublayer[:, None]
    along = np.zeros((n_basis, 3, rows.width))
    along[:, 0] = system.distance(0, layer)
    along[:, 1:] = (lattice.basis[:, 1:] * system.lateral_edges)[:, :, None]
    iz, row = np.indices((rows.sheets, rows.rows))
    corner = np.zeros((rows.sheets, rows.rows, 3))
    corner[..., 1:] = np.stack([row // n_basis, iz], axis=-1) * system.lateral_edges

    _, oy, oz = pairs.offset[table.pairs].T
    turns = np.stack(
        np.broadcast_arrays(
            *(table.sheet, table.neighbour),
            *((table.row // n_basis + oy) // ny, (np.arange(nz)[:, None] + oz) // nz),
        ),
        axis=-1,
    )
    away = turns[..., 2:].any(axis=-1)
    image, which = np.unique(turns[away], axis=0, return_inverse=True)
    sheet, slot = divmod(np.arange(len(image)), rows.rows)
    sheet += rows.sheets
    source = table.source.copy()
    begin = sheet * rows.components * rows.stride + slot * rows.width
    source[away] = begin[which.ravel()] + (table.shift * rows.replicas + np.zeros_like(source))[away]
    side = np.zeros((len(image), 3))
    side[:, 1:] = image[:, 2:] * np.array(system.cross_section) * system.lateral_edges
    places = Places(
        apart=flag(True),
        along=along[:, : rows.components].copy(),
        corner=corner[..., : rows.components].copy(),
        first=np.searchsorted(image[:, 0], np.arange(rows.sheets + 1)),
        row=image[:, 1].copy(),
        sheet=sheet,
        slot=slot,
        side=side[:, : rows.components].copy(),
    )
    return places, source


@kernel
def place(sheet, u, pair_u, places, field):
    """Bring what pair terms are computed from up to date with the displacements u of one sheet, where the sweeps look for
    pairs; what lies further out never moves."""
    if places.apart.ndim == 1:
        return
    for row in range(field.rows):
        begin, end = row * field.width + field.begin, row * field.width + field.end
        for component in range(field.components):
            along = places.along[row % places.along.shape[0], component, field.begin : field.end]
            corner = places.corner[sheet, row, component]
            displaced, out = u[sheet, component, begin:end], pair_u[sheet, component, begin:end]
            for k in range(out.size):
                out[k] = displaced[k] + (along[k] + corner)
    for n in range(places.first[sheet], places.first[sheet + 1]):
        begin, there = places.row[n] * field.width + field.begin, places.slot[n] * field.width + field.begin
        size = field.end - field.begin
        for component in range(field.components):
            side = places.side[n, component]
            shown = pair_u[sheet, component, begin : begin + size]
            out = pair_u[places.sheet[n], component, there : there + size]
            for k in range(size):
                out[k] = shown[k] + side
