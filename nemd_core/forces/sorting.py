"""Moving atoms in space: the periodic box, cells, images beyond the faces of the box, and the order in memory.

`atoms` is `atoms.Atoms`, `list_` is `neighbours.Neighbours`; lists are built there.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..simd_gather import NEAR_LANES, PACK

CHUNK = 256
"""Moving atoms of a chunk: the unit of work of a thread, and of sums, whatever the number of threads."""
GHOSTS, BUILDS, NEEDED_GHOSTS = range(3)
"""Places in `Neighbours.count`."""
_BIN = 1.0
"""Length of a bin along x, in ranges of the list."""
_ANYWHERE = 1e6
"""Boxes, or sigma, that an atom may have gone."""


class Box(NamedTuple):
    """Where atoms may be."""

    low: float
    """Smallest x of anything; lengths in sigma. y and z begin at 0."""
    high: float
    sides: np.ndarray
    """Period along x (0: none), y and z, shape (3,)."""


class Workshop(NamedTuple):
    """What a list is built in: the box; columns along x that cover it and its ghosts, cut into bins; and room to sort.

    n: moving atoms, m: room for all atoms.
    """

    low: float
    """As those of `Box`."""
    sides: np.ndarray
    corner: np.ndarray
    """Lower corner of all bins, shape (3,)."""
    inverse: np.ndarray
    """1 / size of a bin along x, y, z; shape (3,)."""
    shape: np.ndarray
    """Bins along x, columns along y and z; shape (3,)."""
    reach: np.ndarray
    """How many bins along x a column is looked at, -1 for not at all, by its offset in y and z: (2 ry + 1, 2 rz + 1)."""
    start: np.ndarray
    """Place in the sorted order at which a bin begins; (bins + 2,), x fastest."""
    order: np.ndarray
    """Where each moving atom was in memory before it was last sorted, (n,)."""
    place: np.ndarray
    """Where a moving atom stands among the sorted, (n,)."""
    parked: np.ndarray
    """Room to permute a column of the state, (n,)."""
    key: np.ndarray
    """Bin of each atom, (m,)."""
    sorted: np.ndarray
    """Atoms in the order of bins, (m,)."""
    near: np.ndarray
    """x, y, z of the sorted atoms from `corner`, float32: (3, m + 16)."""
    atom: np.ndarray
    """Where the sorted atoms lie in `Neighbours.packed`; int32, (m + 16,)."""
    others: np.ndarray
    """Sorted atoms before a place that are not of species A, not of B; (2, m + 1)."""


def make_workshop(box: Box, n: int, reach: float) -> Workshop:
    """Cells for lists of this range, without room for atoms: see `with_room`."""
    columns = np.maximum(1, np.floor(box.sides[1:] / (0.5 * reach))).astype(np.int64)
    size = np.array([_BIN * reach, *box.sides[1:] / columns])
    ahead = np.ceil(reach / size[1:] - 1e-12).astype(np.int64)
    margin = reach if box.sides[0] else 0.0
    corner = np.array([box.low - margin, *-(ahead + 1) * size[1:]])  # a column to spare, for rounding
    bins = int(np.ceil((box.high + margin - corner[0]) / size[0])) + 1
    shape = np.array([bins, *columns + 2 * ahead + 2])
    gaps = [np.maximum(abs(np.arange(-n, n + 1)) - 1, 0) * d for n, d in zip(ahead, size[1:], strict=True)]
    squared = reach**2 - gaps[0][:, None] ** 2 - gaps[1][None, :] ** 2
    along = np.ceil(np.sqrt(np.maximum(squared, 0)) / size[0] - 1e-12)
    empty = Workshop(
        low=box.low,
        sides=box.sides,
        corner=corner,
        inverse=1 / size,
        shape=shape,
        reach=np.where(squared > 0, along, -1).astype(np.int64),
        start=np.zeros(int(np.prod(shape)) + 2, np.int64),
        order=np.zeros(n, np.int64),
        place=np.zeros(n, np.int64),
        parked=np.zeros(n),
        **dict.fromkeys(("key", "sorted", "near", "atom", "others")),
    )
    return with_room(empty, 0)


def with_room(work: Workshop, m: int) -> Workshop:
    """Room to sort m atoms."""
    return work._replace(
        key=np.zeros(m, np.int64),
        sorted=np.zeros(m, np.int64),
        near=np.zeros((3, m + NEAR_LANES), np.float32),
        atom=np.zeros(m + NEAR_LANES, np.int32),
        others=np.zeros((2, m + 1), np.int64),
    )


@kernel
def bin_of(work, x, y, z):
    """The bin of a place; what lies beyond the ends along x belongs to the outermost bins."""
    nx, ny, nz = work.shape[0], work.shape[1], work.shape[2]
    ix = int((x - work.corner[0]) * work.inverse[0])
    iy = int((y - work.corner[1]) * work.inverse[1])
    iz = int((z - work.corner[2]) * work.inverse[2])
    ix, iy, iz = min(max(ix, 0), nx - 1), min(max(iy, 0), ny - 1), min(max(iz, 0), nz - 1)
    return (iz * ny + iy) * nx + ix


@kernel
def fold(x, image, work):
    """Bring atoms back into the periodic box; `image` counts by how many boxes. x, image: (3, n).

    Returns whether all of them are somewhere: forces too strong for the time step throw atoms anywhere, or nowhere.
    """
    for component in range(3):
        side = work.sides[component]
        place, turns = x[component], image[component]
        low = work.low if component == 0 else 0.0
        if side == 0.0:
            for i in range(place.size):
                if not (abs(place[i]) < _ANYWHERE):
                    return False
            continue
        for i in range(place.size):
            turn = np.floor((place[i] - low) / side)
            if turn != 0.0:
                if not (abs(turn) < _ANYWHERE):
                    return False
                place[i] -= turn * side
                turns[i] += int(turn)
            if place[i] >= low + side:  # rounding
                place[i] = low
                turns[i] += 1
    return True


@kernel
def place_ghosts(x, list_, work):
    """List the images of moving atoms that lie within range of the box. Returns how many there are, room or not."""
    reach = list_.range
    found = 0
    for i in range(list_.n):
        for tx in range(-1, 2):
            if tx != 0 and (
                work.sides[0] == 0.0 or not _near_face(x[0, i] - work.low, tx, work.sides[0], reach)
            ):
                continue
            for ty in range(-1, 2):
                if ty != 0 and not _near_face(x[1, i], ty, work.sides[1], reach):
                    continue
                for tz in range(-1, 2):
                    if tz != 0 and not _near_face(x[2, i], tz, work.sides[2], reach):
                        continue
                    if tx == 0 and ty == 0 and tz == 0:
                        continue
                    if found < list_.source.size:
                        list_.source[found] = i
                        list_.shift[0, found] = tx * work.sides[0]
                        list_.shift[1, found] = ty * work.sides[1]
                        list_.shift[2, found] = tz * work.sides[2]
                    found += 1
    return found


@kernel
def _near_face(x, turn, side, reach):
    """Whether the image of x, a side further up (turn 1) or down (-1), lies within reach of the box."""
    return x < reach if turn > 0 else x >= side - reach


@kernel
def sort_moving(atoms, list_, work):
    """Bring moving atoms into the order of bins; within a bin by number, whatever the order in memory was."""
    n, key, next_ = list_.n, work.key, work.start[1:]
    for i in range(n):
        key[i] = bin_of(work, atoms.x[0, i], atoms.x[1, i], atoms.x[2, i])
    _count(key, n, work.start)
    for m in range(n):
        i = atoms.by_number[m]
        rank = next_[key[i]]
        work.order[rank], atoms.by_number[m] = i, rank
        next_[key[i]] = rank + 1
    permute(atoms, work)


@kernel
def sort_all(atoms, list_, work):
    """Sort all atoms into bins: in each the moving ones, then the frozen, then `list_.count[GHOSTS]` ghosts."""
    n, key, next_, shift = list_.n, work.key, work.start[1:], list_.shift
    x, y, z = atoms.x[0], atoms.x[1], atoms.x[2]
    ghosts = n + list_.frozen
    for i in range(n):
        key[i] = bin_of(work, x[i], y[i], z[i])
    for i in range(n, ghosts):
        p = PACK * i
        key[i] = bin_of(work, list_.packed[p], list_.packed[p + 1], list_.packed[p + 2])
    for g in range(list_.count[GHOSTS]):
        i = list_.source[g]
        key[ghosts + g] = bin_of(work, x[i] + shift[0, g], y[i] + shift[1, g], z[i] + shift[2, g])
    total = ghosts + list_.count[GHOSTS]
    _count(key, total, work.start)
    for a in range(total):
        p = next_[key[a]]
        work.sorted[p] = a
        if a < n:
            work.place[a] = p
        next_[key[a]] = p + 1


@kernel
def _count(key, n, start):
    """Make start[b + 1] the number of those of the first n keys that are below b. Who places one with key b there, and adds 1
    to it, has in the end start[b] where bin b begins."""
    for b in range(start.size):
        start[b] = 0
    for i in range(n):
        start[key[i] + 2] += 1
    for b in range(2, start.size):
        start[b] += start[b - 1]


@kernel
def permute(atoms, work):
    """Bring what moving atoms carry into the order `work.order`."""
    for vector in (atoms.x, atoms.v):
        for component in range(3):
            _permute(vector[component], work.order, work.parked)
    for component in range(3):
        _permute(atoms.image[component], work.order, work.key)
    for column in (atoms.kick, atoms.mass):
        _permute(column, work.order, work.parked)
    for numbers in (atoms.number, atoms.species, atoms.layer):
        _permute(numbers, work.order, work.key)


@kernel
def _permute(column, order, room):
    for i in range(order.size):
        room[i] = column[order[i]]
    for i in range(order.size):
        column[i] = room[i]


@kernel
def pack(chunk, atoms, list_):
    """Copy the positions of a chunk to where pairs look for them."""
    packed, x, y, z = list_.packed, atoms.x[0], atoms.x[1], atoms.x[2]
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        packed[PACK * i] = x[i]
        packed[PACK * i + 1] = y[i]
        packed[PACK * i + 2] = z[i]


@kernel
def pack_ghosts(chunk, list_):
    """The same for a chunk of ghosts."""
    packed, shift = list_.packed, list_.shift
    images = list_.n + list_.frozen + 1
    for g in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.count[GHOSTS])):
        p, q = PACK * (images + g), PACK * list_.source[g]
        packed[p] = packed[q] + shift[0, g]
        packed[p + 1] = packed[q + 1] + shift[1, g]
        packed[p + 2] = packed[q + 2] + shift[2, g]
