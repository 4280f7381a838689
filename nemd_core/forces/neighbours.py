"""The neighbour list of atoms that may go anywhere: cells, ghosts, the order in memory, and lists in chunks.

Memory holds, packed as (x, y, z, species): the moving atoms, the frozen ones, one atom so far away that it fills up
lists without a force, and ghosts, the periodic images near the faces of the box. All pairs within cutoff + skin of a
moving atom i stand in i's list, so that each atom's forces are its own sum and threads never meet.

Moving atoms are sorted in space whenever the list is built: by columns along x, then by x. Everything that a build
yields is a function of the positions (and the numbers of the atoms) alone: neither the order before it, nor the
threads, nor a restart change a bit of it.
"""

from typing import NamedTuple

import numpy as np

from ..jit import kernel
from ..simd import LANES
from ..simd_gather import NEAR_LANES, PACK, append_near
from .sorting import BUILDS, CHUNK, GHOSTS, NEEDED_GHOSTS, bin_of, fold, place_ghosts, sort_atoms

DONE, FULL, LOST = range(3)
"""What comes of a build."""
_FAR = 1e9
_BIN = 0.25
"""Length of a bin along x, in ranges of the list."""
MIXED = -1
"""Kind of an atom with neighbours of several species."""


class Box(NamedTuple):
    """Where atoms may be."""

    low: float
    """Smallest x of anything; lengths in sigma. y and z begin at 0."""
    high: float
    sides: np.ndarray
    """Period along x (0: none), y and z, shape (3,)."""


class Cells(NamedTuple):
    """Columns along x that cover the box and its ghosts, each cut into bins."""

    low: np.ndarray
    """Lower corner, shape (3,)."""
    inverse: np.ndarray
    """1 / size of a bin along x, y, z; shape (3,)."""
    shape: np.ndarray
    """Bins along x, columns along y and z; shape (3,)."""
    reach: np.ndarray
    """How far along x atoms of a column are looked at, by its offset in y and z: (2 ry + 1, 2 rz + 1)."""
    start: np.ndarray
    """Place in the sorted order at which a bin begins; (bins + 1,), x fastest."""


class Neighbours(NamedTuple):
    """The list and what it is built in. n: moving atoms, m: room for all atoms."""

    box: Box
    cells: Cells
    n: int
    frozen: int
    range: float
    """cutoff + skin."""
    slack: float
    """Largest displacement for which a list holds, squared: (skin / 2)²."""
    packed: np.ndarray
    """x, y, z, species of every atom in memory, flat, (4 m,)."""
    velocity: np.ndarray
    """vx, vy, vz and the share of a pair's energy, ½ for moving atoms and 1 for frozen ones: as `packed`."""
    source: np.ndarray
    """The moving atom of each ghost; (room for ghosts,)."""
    shift: np.ndarray
    """Ghost minus source, (3, room for ghosts)."""
    first: np.ndarray
    """Where the list of an atom begins; (n,)."""
    groups: np.ndarray
    """Its length in vectors of 8; (n,)."""
    kind: np.ndarray
    """Species of all neighbours of an atom, or MIXED; (n,)."""
    offset: np.ndarray
    """The lists: `packed` holds neighbour k from 4 doubles x its place on; int32, by chunk."""
    room: int
    """Elements of `offset` for a chunk."""
    built: np.ndarray
    """Positions of the moving atoms at the last build, (3, n)."""
    moved: np.ndarray
    """Atoms that have moved more than half the skin since then, by chunk."""
    order: np.ndarray
    """Where each moving atom was in memory before the last build, (n,)."""
    rank: np.ndarray
    """Where those that were there went, (n,)."""
    key: np.ndarray
    """Bin of each atom, (m,)."""
    sorted: np.ndarray
    """Atoms in the order of bins, (m,)."""
    near: np.ndarray
    """x, y, z of the sorted atoms from `cells.low`, float32: (3, m + 16)."""
    atom: np.ndarray
    """Where the sorted atoms lie in `packed`; int32, (m + 16,)."""
    place: np.ndarray
    """Where a moving atom stands among the sorted, (n,)."""
    others: np.ndarray
    """Sorted atoms before a place that are not of species A, not of B; (2, m + 1)."""
    needed: np.ndarray
    """Room that each chunk needed."""
    count: np.ndarray
    """Numbers that change, see GHOSTS and so on."""
    parked: np.ndarray
    """Room to permute a column of the state, (n,)."""


def make_cells(box: Box, reach: float) -> Cells:
    """Cells for lists of this range."""
    columns = np.maximum(1, np.floor(box.sides[1:] / (0.5 * reach))).astype(np.int64)
    size = np.array([_BIN * reach, *box.sides[1:] / columns])
    ahead = np.ceil(reach / size[1:] - 1e-12).astype(np.int64)
    margin = reach if box.sides[0] else 0.0
    low = np.array([box.low - margin, *-ahead * size[1:]])
    bins = int(np.ceil((box.high + margin - low[0]) / size[0])) + 1
    shape = np.array([bins, *columns + 2 * ahead])
    gaps = [np.maximum(abs(np.arange(-n, n + 1)) - 1, 0) * d for n, d in zip(ahead, size[1:], strict=True)]
    squared = reach**2 - gaps[0][:, None] ** 2 - gaps[1][None, :] ** 2
    along = np.where(squared > 0, np.sqrt(np.maximum(squared, 0.0)) + 1e-3, -1.0)
    return Cells(low, 1 / size, shape, along, np.zeros(int(np.prod(shape)) + 1, np.int64))


def make_neighbours(box: Box, n: int, frozen, reach: float, skin: float, density: float) -> Neighbours:
    """Room for the list of n moving atoms among frozen ones, packed as (frozen, 4), all images included.

    density: the highest number of atoms per volume expected; room that turns out too small is enlarged, see `enlarge`.
    """
    cells = make_cells(box, reach)
    sides = np.array([box.sides[0] or box.high - box.low, *box.sides[1:]])
    margin = 2 * reach * (box.sides > 0)
    ghosts = int(1.2 * n * (np.prod(1 + margin / sides) - 1)) + 1000
    room = int(CHUNK * (1.25 * density * 4 / 3 * np.pi * reach**3 + LANES)) + NEAR_LANES
    chunks = -(-n // CHUNK)
    packed = np.zeros((n + len(frozen) + 1, PACK))
    packed[n : n + len(frozen)] = frozen
    packed[n + len(frozen), :3] = _FAR
    velocity = np.zeros_like(packed)
    velocity[:n, 3], velocity[n : n + len(frozen), 3] = 0.5, 1.0
    empty = Neighbours(
        box=box,
        cells=cells,
        n=n,
        frozen=len(frozen),
        range=reach,
        slack=(0.5 * skin) ** 2,
        packed=packed.ravel(),
        velocity=velocity.ravel(),
        source=np.zeros(0, np.int64),
        shift=np.zeros((3, 0)),
        first=np.zeros(n, np.int64),
        groups=np.zeros(n, np.int64),
        kind=np.zeros(n, np.int64),
        offset=np.zeros(0, np.int32),
        room=0,
        built=np.zeros((3, n)),
        moved=np.zeros(chunks, np.int64),
        order=np.zeros(n, np.int64),
        rank=np.zeros(n, np.int64),
        key=np.zeros(0, np.int64),
        sorted=np.zeros(0, np.int64),
        near=np.zeros((3, 0), np.float32),
        atom=np.zeros(0, np.int32),
        place=np.zeros(n, np.int64),
        others=np.zeros((2, 0), np.int64),
        needed=np.zeros(chunks, np.int64),
        count=np.zeros(3, np.int64),
        parked=np.zeros(n),
    )
    return _with_room(empty, ghosts, room)


def _with_room(list_: Neighbours, ghosts: int, room: int) -> Neighbours:
    """The same atoms with room for so many ghosts and so many neighbours in a chunk."""
    fixed = PACK * (list_.n + list_.frozen + 1)
    total = list_.n + list_.frozen + 1 + ghosts
    packed, velocity = np.zeros((2, PACK * total))
    packed[:fixed], velocity[:fixed] = list_.packed[:fixed], list_.velocity[:fixed]
    velocity[fixed + PACK - 1 :: PACK] = 0.5
    return list_._replace(
        packed=packed,
        velocity=velocity,
        source=np.zeros(ghosts, np.int64),
        shift=np.zeros((3, ghosts)),
        offset=np.zeros(len(list_.needed) * room + NEAR_LANES, np.int32),
        room=room,
        key=np.zeros(total, np.int64),
        sorted=np.zeros(total, np.int64),
        near=np.zeros((3, total + NEAR_LANES), np.float32),
        atom=np.zeros(total + NEAR_LANES, np.int32),
        others=np.zeros((2, total + 1), np.int64),
    )


def enlarge(list_: Neighbours) -> Neighbours:
    """Room enough for what a build has just asked for, and some more."""
    ghosts = max(len(list_.source), int(1.1 * list_.count[NEEDED_GHOSTS]))
    room = max(list_.room, int(1.1 * list_.needed.max()))
    return _with_room(list_, ghosts, room)


@kernel
def start_build(atoms, list_):
    """Everything of a build before the lists themselves. Returns DONE, FULL or LOST."""
    if not fold(atoms.x, atoms.image, list_.box):
        return LOST
    needed = place_ghosts(atoms.x, list_)
    list_.count[NEEDED_GHOSTS] = needed
    if needed > list_.source.size:
        return FULL
    list_.count[GHOSTS] = needed
    sort_atoms(atoms, list_)
    n, packed, images = list_.n, list_.packed, list_.n + list_.frozen + 1
    for i in range(n):
        packed[PACK * i + 3] = atoms.species[i]
        for component in range(3):
            packed[PACK * i + component] = atoms.x[component, i]
            list_.built[component, i] = atoms.x[component, i]
    for g in range(needed):
        p, q = PACK * (images + g), PACK * list_.source[g]
        for component in range(3):
            packed[p + component] = packed[q + component] + list_.shift[component, g]
        packed[p + 3] = packed[q + 3]
    low, others = list_.cells.low, list_.others
    for p in range(n + list_.frozen + needed):
        a = list_.sorted[p]
        if a < n:
            a = list_.rank[a]
        elif a >= images - 1:
            a += 1  # beyond the far atom
        list_.atom[p] = PACK * a
        for component in range(3):
            list_.near[component, p] = packed[PACK * a + component] - low[component]
        others[0, p + 1] = others[0, p] + (packed[PACK * a + 3] != 0.0)
        others[1, p + 1] = others[1, p] + (packed[PACK * a + 3] != 1.0)
    return DONE


@kernel
def build_chunk(chunk, list_):
    """The lists of a chunk of atoms."""
    cells, near, atom, start, others = list_.cells, list_.near, list_.atom, list_.cells.start, list_.others
    near_x, near_y, near_z = near[0], near[1], near[2]
    nx, ny = cells.shape[0], cells.shape[1]
    ry, rz = cells.reach.shape[0] // 2, cells.reach.shape[1] // 2
    extent = 1.0 / cells.inverse.min() * cells.shape.max()
    limit = np.float32(list_.range**2 + 4e-6 * list_.range * extent + 1e-5)  # rounding must lose no pair
    far = np.int32(PACK * (list_.n + list_.frozen))
    base, filled, last = chunk * list_.room, 0, list_.room - 2 * NEAR_LANES
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        place = list_.place[i]
        own = (near_x[place], near_y[place], near_z[place])
        x = list_.built[0, i] - cells.low[0]
        column = bin_of(cells, list_.built[0, i], list_.built[1, i], list_.built[2, i]) // nx
        begin, not_a, not_b = filled, 0, 0
        for dz in range(-rz, rz + 1):
            for dy in range(-ry, ry + 1):
                reach = cells.reach[dy + ry, dz + rz]
                if reach < 0.0:
                    continue
                row = (column + dz * ny + dy) * nx
                k = start[row + min(max(int((x - reach) * cells.inverse[0]), 0), nx - 1)]
                end = start[row + min(max(int((x + reach) * cells.inverse[0]), 0), nx - 1) + 1]
                not_a += others[0, end] - others[0, k]
                not_b += others[1, end] - others[1, k]
                while k < end:
                    out = base + min(filled, last)
                    filled += append_near(near_x, near_y, near_z, atom, k, end, own, limit, list_.offset, out)
                    k += NEAR_LANES
        out = base + min(filled, last)
        for p in range(LANES):
            list_.offset[out + p] = far
        groups = (filled - begin + LANES - 1) // LANES
        filled = begin + LANES * groups
        list_.first[i], list_.groups[i] = base + begin, groups
        list_.kind[i] = 0 if not_a == 0 else (1 if not_b == 0 else MIXED)
    list_.needed[chunk] = filled + 2 * NEAR_LANES


@kernel
def finish_build(list_):
    """FULL if there was no room for all lists, else DONE: they hold from here on."""
    if list_.needed.max() > list_.room:
        return FULL
    list_.moved[:] = 0
    list_.count[BUILDS] += 1
    return DONE


@kernel
def build_all(atoms, list_):
    """A whole build on one thread. Returns DONE; FULL: `enlarge`, and build again; or LOST: an atom is nowhere."""
    status = start_build(atoms, list_)
    if status != DONE:
        return status
    for chunk in range(list_.moved.size):
        build_chunk(chunk, list_)
    return finish_build(list_)
