"""What pair terms of forces are computed from: positions, for Lennard-Jones in double precision, or displacements.

The difference of two positions is the bond itself; a difference of displacements has the ideal bond added, three operations
more of some thirty. Across the periodic sides a bond leads to an image of a row, moved by a side of the crystal: images
lie behind the sheets, packed like rows of further sheets, and only those that the table wants exist. Bonds are rounded
to 1e-16 of the length of the crystal, as in other codes; singles could not bear that, and springs do not want bonds.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..system import System
from .laws import flag
from .rows import Pairs, Rows, Table, aligned_zeros


class Places(NamedTuple):
    """How the array that pair terms are computed from, shape (sheets + some for images, components, stride), follows from
    displacements; both in sigma."""

    apart: np.ndarray
    """Whether it is an array of its own, as `laws.flag` has it; else it is that of displacements itself."""
    along: np.ndarray
    """Ideal x along a row of each basis atom, and its y and z inside a cell, shape (n_basis, components, width)."""
    corner: np.ndarray
    """Ideal y and z of the cell that a row belongs to, and zero for x, shape (sheets, rows, components)."""
    first: np.ndarray
    """Images of rows of sheet s are first[s] : first[s + 1]; shape (sheets + 1,)."""
    row: np.ndarray
    """The row that each shows; shape (images,)."""
    sheet: np.ndarray
    """The sheet that it lies in, beyond those of the crystal; shape (images,)."""
    slot: np.ndarray
    """The row of that sheet; shape (images,)."""
    side: np.ndarray
    """What it is moved by, in sigma, shape (images, components)."""

    def room(self, rows: Rows, dtype) -> np.ndarray:
        """Such an array, zero."""
        sheets = max(rows.sheets, self.sheet.max(initial=-1) + 1)
        return aligned_zeros((sheets, rows.components, rows.stride), dtype)

    def at_rest(self, rows: Rows, dtype) -> np.ndarray:
        """Such an array when nothing is displaced."""
        out = self.room(rows, dtype)
        along = self.along[np.arange(rows.rows) % len(self.along)]
        for sheet in range(rows.sheets):
            by_component = np.swapaxes(along + self.corner[sheet, :, :, None], 0, 1)
            out[sheet, :, : rows.rows * rows.width] = by_component.reshape(rows.components, -1)
        for component in range(rows.components):
            self.show(rows, out[:, component])
            for sheet, slot, side in zip(self.sheet, self.slot, self.side[:, component], strict=True):
                out[sheet, component, slot * rows.width : (slot + 1) * rows.width] += side
        return out

    def show(self, rows: Rows, values: np.ndarray) -> None:
        """Give images what the rows have that they show. values: one component of such an array, (sheets and more, stride)."""
        home = np.repeat(np.arange(rows.sheets), np.diff(self.first))
        position = np.arange(rows.width)
        there, here = (row[:, None] * rows.width + position for row in (self.slot, self.row))
        values[self.sheet[:, None], there] = values[home[:, None], here]


def take_displacements(rows: Rows, apart: bool) -> Places:
    """Places of pair terms that take displacements. apart: in another precision."""
    none = np.zeros(0, np.int64)
    return Places(
        flag(apart),
        np.zeros((1, rows.components, rows.width)),
        np.zeros((rows.sheets, rows.rows, rows.components)),
        np.zeros(rows.sheets + 1, np.int64),
        *(none, none, none),
        np.zeros((0, rows.components)),
    )


def take_positions(system: System, rows: Rows, pairs: Pairs, table: Table) -> tuple[Places, np.ndarray]:
    """Places of pair terms that take positions; and what `table.source` is for their array, (sheets, entries)."""
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
def place(sheet, u, pair_x, places, field):
    """Bring what pair terms are computed from up to date with the displacements u of one sheet, halo included: where sweeps
    look for pairs and, with fixed ends, no further, for there nothing moves."""
    if places.apart.ndim == 1:
        return
    first, last = field.begin, field.end
    if field.period > 0:
        first, last = 0, field.width
    for row in range(field.rows):
        begin, end = row * field.width + first, row * field.width + last
        for component in range(field.components):
            along = places.along[row % places.along.shape[0], component, first:last]
            corner = places.corner[sheet, row, component]
            displaced, out = u[sheet, component, begin:end], pair_x[sheet, component, begin:end]
            for k in range(out.size):
                out[k] = displaced[k] + (along[k] + corner)
    for n in range(places.first[sheet], places.first[sheet + 1]):
        begin, end = places.row[n] * field.width + first, places.row[n] * field.width + last
        ahead = (places.slot[n] - places.row[n]) * field.width
        for component in range(field.components):
            side = places.side[n, component]
            shown = pair_x[sheet, component, begin:end]
            out = pair_x[places.sheet[n], component, begin + ahead : end + ahead]
            for k in range(out.size):
                out[k] = shown[k] + side
