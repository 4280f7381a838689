"""The neighbour list of atoms that may go anywhere: cells, ghosts, the order in memory, and lists in chunks.

Memory holds, packed as (x, y, z, species): the moving atoms, the frozen ones, one atom so far away that it fills up
lists without a force, and ghosts, the periodic images near the faces of the box. All pairs within cutoff + skin of a
moving atom i stand in i's list, so that each atom's forces are its own sum and threads never meet.

Moving atoms are sorted in space whenever the list is built: by columns along x, then by bins in these. Everything that a build
yields is a function of the positions (and the numbers of the atoms) alone: neither the order before it, nor the
threads, nor a restart change a bit of it.
"""

from typing import NamedTuple

import numpy as np

from ..jit import allocating_kernel, kernel
from ..simd import LANES
from ..simd_gather import NEAR_LANES, PACK, append_near, copy_block
from .sorting import (
    BUILDS,
    CHUNK,
    GHOSTS,
    NEEDED_GHOSTS,
    Box,
    Workshop,
    bin_of,
    fold,
    make_workshop,
    place_ghosts,
    sort_all,
    sort_moving,
    with_room,
)

DONE, FULL, LOST = range(3)
"""What comes of a build."""
_FAR = 1e9
_CANDIDATES = 1024
"""Room for the candidates of a bin; more is made where it is crowded."""
MIXED = -1
"""Kind of an atom with neighbours of several species."""


class Neighbours(NamedTuple):
    """The list. n: moving atoms, m: room for all atoms."""

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
    """Its length in vectors; (n,)."""
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
    needed: np.ndarray
    """Room that each chunk needed."""
    count: np.ndarray
    """Numbers that change, see GHOSTS and so on."""


def make_neighbours(
    box: Box, n: int, frozen, reach: float, skin: float, density: float
) -> tuple[Neighbours, Workshop]:
    """Room for the list of n moving atoms among frozen ones, packed as (frozen, 4), all images included.

    density: the highest number of atoms per volume expected; room that turns out too small is enlarged, see `enlarge`.
    """
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
        needed=np.zeros(chunks, np.int64),
        count=np.zeros(3, np.int64),
    )
    return _with_room(empty, make_workshop(box, n, reach), ghosts, room)


def _with_room(list_: Neighbours, work: Workshop, ghosts: int, room: int) -> tuple[Neighbours, Workshop]:
    """The same atoms with room for so many ghosts and so many neighbours in a chunk."""
    fixed = PACK * (list_.n + list_.frozen + 1)
    total = list_.n + list_.frozen + 1 + ghosts
    packed, velocity = np.zeros((2, PACK * total))
    packed[:fixed], velocity[:fixed] = list_.packed[:fixed], list_.velocity[:fixed]
    velocity[fixed + PACK - 1 :: PACK] = 0.5
    roomy = list_._replace(
        packed=packed,
        velocity=velocity,
        source=np.zeros(ghosts, np.int64),
        shift=np.zeros((3, ghosts)),
        offset=np.zeros(len(list_.needed) * room + NEAR_LANES, np.int32),
        room=room,
    )
    return roomy, with_room(work, total)


def enlarge(list_: Neighbours, work: Workshop) -> tuple[Neighbours, Workshop]:
    """Room enough for what a build has just asked for, and some more."""
    ghosts = max(len(list_.source), int(1.1 * list_.count[NEEDED_GHOSTS]))
    room = max(list_.room, int(1.1 * list_.needed.max()))
    return _with_room(list_, work, ghosts, room)


@kernel
def start_build(atoms, list_, work):
    """Everything of a build before the lists themselves. Returns DONE, FULL or LOST."""
    if not fold(atoms.x, atoms.image, work):
        return LOST
    sort_moving(atoms, list_, work)
    needed = place_ghosts(atoms.x, list_, work)
    list_.count[NEEDED_GHOSTS] = needed
    if needed > list_.source.size:
        return FULL
    list_.count[GHOSTS] = needed
    sort_all(atoms, list_, work)
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
    corner, others = work.corner, work.others
    for p in range(n + list_.frozen + needed):
        a = work.sorted[p]
        if a >= images - 1:
            a += 1  # beyond the far atom
        work.atom[p] = PACK * a
        for component in range(3):
            work.near[component, p] = packed[PACK * a + component] - corner[component]
        others[0, p + 1] = others[0, p] + (packed[PACK * a + 3] != 0.0)
        others[1, p + 1] = others[1, p] + (packed[PACK * a + 3] != 1.0)
    return DONE


@allocating_kernel
def build_chunk(chunk, list_, work):
    """The lists of a chunk of atoms. Atoms of a bin share their candidates, which are copied together for them."""
    nearest = np.empty((3, _CANDIDATES), np.float32)
    atom = np.empty(_CANDIDATES, np.int32)
    extent = 1.0 / work.inverse.min() * work.shape.max()
    limit = np.float32(list_.range**2 + 4e-6 * list_.range * extent + 1e-5)  # rounding must lose no pair
    far = np.int32(PACK * (list_.n + list_.frozen))
    base, filled, last = chunk * list_.room, 0, list_.room - 2 * NEAR_LANES
    ranges = np.empty((work.reach.size, 2), np.int64)
    bin_end, candidates, kind = -1, 0, MIXED
    for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n)):
        place = work.place[i]
        if place >= bin_end:
            here = bin_of(work, list_.built[0, i], list_.built[1, i], list_.built[2, i])
            bin_end = work.start[here + 1]
            columns, candidates, kind = _find_ranges(here, work, ranges)
            if candidates + 2 * NEAR_LANES > atom.size:
                nearest = np.empty((3, 2 * candidates + 2 * NEAR_LANES), np.float32)
                atom = np.empty(2 * candidates + 2 * NEAR_LANES, np.int32)
            _copy_candidates(ranges[:columns], work, nearest, atom)
        own = (work.near[0, place], work.near[1, place], work.near[2, place])
        begin = filled
        for k in range(0, candidates, NEAR_LANES):
            out = base + min(filled, last)
            filled += append_near(nearest[0], nearest[1], nearest[2], atom, k, own, limit, list_.offset, out)
        out = base + min(filled, last)
        for p in range(LANES):
            list_.offset[out + p] = far
        groups = max(1, (filled - begin + LANES - 1) // LANES)  # no list is empty
        filled = begin + LANES * groups
        list_.first[i], list_.groups[i], list_.kind[i] = base + begin, groups, kind
    list_.needed[chunk] = filled + 2 * NEAR_LANES


@kernel
def _find_ranges(here, work, ranges):
    """The columns around a bin: ranges[:columns] of sorted atoms. Returns (columns, atoms in them, their species or MIXED)."""
    nx, ny = work.shape[0], work.shape[1]
    ry, rz = work.reach.shape[0] // 2, work.reach.shape[1] // 2
    column, ix = here // nx, here % nx
    columns, candidates, not_a, not_b = 0, 0, 0, 0
    for dz in range(-rz, rz + 1):
        for dy in range(-ry, ry + 1):
            reach = work.reach[dy + ry, dz + rz]
            if reach < 0:
                continue
            row = (column + dz * ny + dy) * nx
            k = work.start[row + max(ix - reach, 0)]
            end = work.start[row + min(ix + reach, nx - 1) + 1]
            not_a += work.others[0, end] - work.others[0, k]
            not_b += work.others[1, end] - work.others[1, k]
            if k < end:
                ranges[columns, 0], ranges[columns, 1] = k, end
                columns += 1
                candidates += end - k
    return columns, candidates, 0 if not_a == 0 else (1 if not_b == 0 else MIXED)


@kernel
def _copy_candidates(ranges, work, nearest, atom):
    """Copy the atoms of these ranges one after the other, and after them some that are near to nothing."""
    found = 0
    for column in range(len(ranges)):
        begin, end = ranges[column, 0], ranges[column, 1]
        for k in range(begin, end, NEAR_LANES):
            m = found + k - begin
            for component in range(3):
                copy_block(work.near[component], k, nearest[component], m)
            copy_block(work.atom, k, atom, m)
        found += end - begin
    nearest[0, found : found + NEAR_LANES] = _FAR


@kernel
def finish_build(list_):
    """FULL if there was no room for all lists, else DONE: they hold from here on."""
    if list_.needed.max() > list_.room:
        return FULL
    list_.moved[:] = 0
    list_.count[BUILDS] += 1
    return DONE


@kernel
def build_all(atoms, list_, work):
    """A whole build on one thread. Returns DONE; FULL: `enlarge`, and build again; or LOST: an atom is nowhere."""
    status = start_build(atoms, list_, work)
    if status != DONE:
        return status
    for chunk in range(list_.moved.size):
        build_chunk(chunk, list_, work)
    return finish_build(list_)
