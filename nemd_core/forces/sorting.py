"""Moving atoms in space: the periodic box, their images beyond its faces, and their order in memory.

Works on what `neighbours` lays out; lists are built there. `atoms` is `atoms.Atoms`.
"""

import numpy as np

from ..jit import inlined, kernel
from ..simd_gather import PACK

CHUNK = 256
"""Moving atoms of a chunk: the unit of work of a thread, and of sums, whatever the number of threads."""
GHOSTS, BUILDS, NEEDED_GHOSTS = range(3)
"""Places in `Neighbours.count`."""
_ANYWHERE = 1e6
"""Boxes, or sigma, that an atom may have gone."""


@inlined
def bin_of(cells, x, y, z):
    """The bin of a place; what lies beyond the ends along x belongs to the outermost bins."""
    nx, ny, nz = cells.shape[0], cells.shape[1], cells.shape[2]
    ix = int((x - cells.low[0]) * cells.inverse[0])
    iy = int((y - cells.low[1]) * cells.inverse[1])
    iz = int((z - cells.low[2]) * cells.inverse[2])
    ix, iy, iz = min(max(ix, 0), nx - 1), min(max(iy, 0), ny - 1), min(max(iz, 0), nz - 1)
    return (iz * ny + iy) * nx + ix


@kernel
def fold(x, image, box):
    """Bring atoms back into the periodic box; `image` counts by how many boxes. x, image: (3, n).

    Returns whether all of them are somewhere: forces too strong for the time step throw atoms anywhere, or nowhere.
    """
    for component in range(3):
        side = box.sides[component]
        place, turns = x[component], image[component]
        low = box.low if component == 0 else 0.0
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
def place_ghosts(x, list_):
    """List the images of moving atoms that lie within range of the box. Returns how many there are, room or not."""
    box, reach = list_.box, list_.range
    found = 0
    for i in range(list_.n):
        for tx in range(-1, 2):
            if tx != 0 and (
                box.sides[0] == 0.0 or not _near_face(x[0, i] - box.low, tx, box.sides[0], reach)
            ):
                continue
            for ty in range(-1, 2):
                if ty != 0 and not _near_face(x[1, i], ty, box.sides[1], reach):
                    continue
                for tz in range(-1, 2):
                    if tz != 0 and not _near_face(x[2, i], tz, box.sides[2], reach):
                        continue
                    if tx == 0 and ty == 0 and tz == 0:
                        continue
                    if found < list_.source.size:
                        list_.source[found] = i
                        list_.shift[0, found] = tx * box.sides[0]
                        list_.shift[1, found] = ty * box.sides[1]
                        list_.shift[2, found] = tz * box.sides[2]
                    found += 1
    return found


@inlined
def _near_face(x, turn, side, reach):
    """Whether the image of x, a side further up (turn 1) or down (-1), lies within reach of the box."""
    return x < reach if turn > 0 else x >= side - reach


@kernel
def sort_atoms(atoms, list_):
    """Sort all atoms into bins, and the moving ones in memory alike. `list_.count[GHOSTS]` ghosts are placed."""
    n, cells, key, sorted_, start = list_.n, list_.cells, list_.key, list_.sorted, list_.cells.start
    images = n + list_.frozen + 1
    total = images - 1 + list_.count[GHOSTS]
    x, y, z = atoms.x[0], atoms.x[1], atoms.x[2]
    for i in range(n):
        key[i] = bin_of(cells, x[i], y[i], z[i])
    for i in range(n, n + list_.frozen):
        p = PACK * i
        key[i] = bin_of(cells, list_.packed[p], list_.packed[p + 1], list_.packed[p + 2])
    for g in range(list_.count[GHOSTS]):
        i, shift = list_.source[g], list_.shift
        key[images - 1 + g] = bin_of(cells, x[i] + shift[0, g], y[i] + shift[1, g], z[i] + shift[2, g])
    start[:] = 0
    for i in range(total):
        start[key[i] + 1] += 1
    for b in range(1, start.size):
        start[b] += start[b - 1]
    for i in range(total):
        sorted_[start[key[i]]] = i
        start[key[i]] += 1
    for b in range(start.size - 1, 0, -1):
        start[b] = start[b - 1]
    start[0] = 0
    for b in range(start.size - 1):  # within a bin by number, whatever the order in memory was
        for p in range(start[b] + 1, start[b + 1]):
            moving = sorted_[p]
            number = _number(moving, atoms, list_)
            q = p
            while q > start[b] and _number(sorted_[q - 1], atoms, list_) > number:
                sorted_[q] = sorted_[q - 1]
                q -= 1
            sorted_[q] = moving
    rank = 0
    for p in range(total):
        if sorted_[p] < n:
            list_.order[rank] = sorted_[p]
            list_.rank[sorted_[p]] = rank
            list_.place[rank] = p
            rank += 1
    permute(atoms, list_)
    for g in range(list_.count[GHOSTS]):
        list_.source[g] = list_.rank[list_.source[g]]


@inlined
def _number(a, atoms, list_):
    """What tells atoms of a bin apart: the number of a moving atom or of a ghost's source; frozen atoms come last."""
    if a < list_.n:
        return atoms.number[a]
    if a < list_.n + list_.frozen:
        return np.int64(1) << np.int64(62) | np.int64(a)
    return atoms.number[list_.source[a - list_.n - list_.frozen]]


@kernel
def permute(atoms, list_):
    """Bring everything that moving atoms carry into the order `list_.order`."""
    for vector in (atoms.x, atoms.v):
        for component in range(3):
            _permute(vector[component], list_.order, list_.parked)
    for component in range(3):
        _permute(atoms.image[component], list_.order, list_.key)
    for column in (atoms.kick, atoms.mass):
        _permute(column, list_.order, list_.parked)
    for numbers in (atoms.number, atoms.species, atoms.layer):
        _permute(numbers, list_.order, list_.key)


@kernel
def _permute(column, order, room):
    for i in range(order.size):
        room[i] = column[order[i]]
    column[:] = room[: order.size]


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
