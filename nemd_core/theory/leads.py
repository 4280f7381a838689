"""The two leads of a junction and the device between them, as blocks of the mass-weighted force constants.

A lead is the perfect crystal of a side, taken from the middle of its slab and repeated for ever. Its principal layers are
so many lattice layers that only neighbours couple. The device begins and ends with a principal layer of relaxed constants
that have reached those of the lead. Where the strip is wider than the crystal's own lateral cell, the leads fall into
independent wave vectors (`Junction.folded`), and the outermost blocks of the device are given in these, so that no lead
is ever as wide as the device. What is done with the blocks is in `greens`, a lead's modes are in
`branches`.
"""

from typing import NamedTuple

import numpy as np

from ..errors import ConfigError, PhysicsError, Problem
from .strips import Strip

_LIKE_BULK = 1e-6
"""Largest relative deviation of force constants from those of the lead at the edge of the device."""
_GENERIC = np.array([0.7549, 1.3247])
"""A wave vector without symmetry, at which different sets of bonds have different sums."""


class Lead(NamedTuple):
    """A perfect crystal of one atom in each lattice layer, by its bonds to the same and to later layers."""

    side: str
    mass: float
    period: int
    """Layers after which it repeats, up to a lateral shift."""
    depth: int
    """Layers of a principal layer; a multiple of `period`."""
    phase: int
    """Which layer of the period is the first of a principal layer."""
    place: np.ndarray
    """Layer of the period at which each bond begins, (m,)."""
    offset: np.ndarray
    """How many layers later it ends, from 0, (m,)."""
    lateral: np.ndarray
    """From its beginning to its end along y and z, in sigma, (m, 2)."""
    stiffness: np.ndarray
    """(m, d, d)"""


class Junction(NamedTuple):
    """Leads and device of a strip. A block holds `width` sites, ordered by layers."""

    A: Lead
    B: Lead
    dimensions: int
    area: float
    """Of the strip, in sigma²; 1 for a chain."""
    lateral: np.ndarray
    """Lateral lattice vectors of the strip, (2, 2)."""
    width: int
    n_blocks: int
    mass: np.ndarray
    """Of the sites of the device, (n_blocks width,)."""
    position: np.ndarray
    """Their y and z, (n_blocks width, 2)."""
    onsite: np.ndarray
    """Sum of K over all bonds of each site, (n_blocks width, d, d)."""
    first: np.ndarray
    """Bonds inside a block, and from a block to the next one, (m,)."""
    second: np.ndarray
    vector: np.ndarray
    """Lateral, (m, 2)."""
    stiffness: np.ndarray
    folded: np.ndarray
    """What to add to k for the wave vectors of the leads that it stands for, (n_folded, 2); one row of zeros if primitive."""
    mismatch: float
    """Largest relative deviation of the force constants at the device's edges from those of the leads."""


def make_blocks(strip: Strip) -> Junction:
    """Leads and device of a junction; of the interface in the middle if its ends are periodic.

    Raises ConfigError for a side with too few layers between wall and interface, PhysicsError for one that is no crystal.
    """
    offset = _layer_offsets(strip)
    reach = int(np.abs(offset[strip.second >= 0]).max())
    rows = _bond_sums(strip, offset, reach)
    sides = [_find_crystal(strip, rows, reach, side) for side in (0, 1)]
    depth = max(-(-reach // crystal.period) * crystal.period for crystal in sides)
    edges = []
    for crystal, outward in zip(sides, (-1, 1), strict=True):
        _check_length(crystal, depth)
        deviation = _deviations(strip, rows, crystal)
        edge = crystal.centre
        while crystal.start <= edge - outward < crystal.stop and deviation[edge - outward] < _LIKE_BULK:
            edge -= outward
        edges.append(edge)
    first, last = edges[0] - depth + 1, edges[1] + depth - 1
    first -= -(last - first + 1) % depth
    _check_length(sides[0], depth, sides[0].start - first)
    leads = [
        _make_lead(strip, offset, sides[0], depth, first),
        _make_lead(strip, offset, sides[1], depth, last + 1),
    ]
    outer = ((sides[0], range(first, first + depth)), (sides[1], range(last - depth + 1, last + 1)))
    mismatch = max(_deviations(strip, rows, crystal)[list(layers)].max() for crystal, layers in outer)
    return _make_device(strip, offset, leads, range(first, last + 1), float(mismatch))


# ---- what of a strip is bulk ----


class _Crystal(NamedTuple):
    side: int
    start: int
    stop: int
    """Its layers that move and are pure; from the first to the one after the last."""
    centre: int
    """The layer from which the lead is taken."""
    period: int


def _layer_offsets(strip: Strip) -> np.ndarray:
    """Layers from the beginning of each bond to its end, the short way round; 0 for bonds beyond the ends."""
    n = strip.layer.max() + 1
    offset = (strip.layer[strip.second] - strip.layer[strip.first] + n // 2) % n - n // 2
    return np.where(strip.second >= 0, offset, 0)


def _bond_sums(strip: Strip, offset, reach: int) -> np.ndarray:
    """Sum of K exp(i k·r) over the bonds of each site to each layer, at one wave vector: (n, 2 reach + 1, d, d)."""
    inside = strip.second >= 0
    first, vector = strip.first[inside], strip.vector[inside, 1:]
    sums = np.zeros((len(strip.mass), 2 * reach + 1, strip.dimensions, strip.dimensions), complex)
    terms = strip.stiffness[inside] * np.exp(1j * (vector @ _GENERIC))[:, None, None]
    np.add.at(sums, (first, offset[inside] + reach), terms)
    return sums


def _find_crystal(strip: Strip, rows, reach: int, side: int) -> _Crystal:
    """The longest stretch of layers that hold only the species of a side and move, and where its middle lies."""
    n = strip.layer.max() + 1
    other = np.bincount(strip.layer, (strip.species != side) | ~strip.moving, minlength=n)
    pure = np.r_[False, other == 0, False]
    starts, stops = (
        np.flatnonzero(np.diff(pure.astype(int)) == 1),
        np.flatnonzero(np.diff(pure.astype(int)) == -1),
    )
    longest = int(np.argmax(stops - starts)) if len(starts) else 0
    start, stop = (int(starts[longest]), int(stops[longest])) if len(starts) else (0, 0)
    crystal = _Crystal(side, start, stop, (start + stop - 1) // 2, 1)
    _check_length(crystal, reach)
    for period in range(1, (stop - start) // 2):
        crystal = crystal._replace(period=period)
        ahead = _deviations(strip, rows, crystal)[crystal.centre : crystal.centre + period + 1]
        if ahead.max() < 1e-3:  # other layers of a period differ by as much as the force constants themselves
            return crystal
    name = "AB"[side]
    raise PhysicsError(
        f"materials.{name}: its layers do not repeat; theory needs a crystal of one species in {name}"
    )


def _check_length(crystal: _Crystal, depth: int, more: int = 0) -> None:
    """more: layers that the device needs beyond those of the slab."""
    name, n = "AB"[crystal.side], crystal.stop - crystal.start
    need = max(3 * depth + 2 * crystal.period, n + more)
    if n < need:
        value = f"{n} moving layers of nothing but {name}"
        allowed = f"theory needs at least {need} of them for a lead; make the side longer"
        raise ConfigError([Problem(f"structure.length.{name}", value, allowed)])


def _deviations(strip: Strip, rows, crystal: _Crystal) -> np.ndarray:
    """Of each layer, by how much its force constants differ from the crystal's, relative to the largest, (n_layers,)."""
    sample = np.stack([rows[np.argmax(strip.layer == crystal.centre + n)] for n in range(crystal.period)])
    wanted = sample[(strip.layer - crystal.centre) % crystal.period]
    away = np.abs(rows - wanted).max(axis=(1, 2, 3)) / np.abs(sample).max()
    deviation = np.zeros(strip.layer.max() + 1)
    np.maximum.at(deviation, strip.layer, away)
    return deviation


# ---- leads and device ----


def _make_lead(strip: Strip, offset, crystal: _Crystal, depth: int, begin: int) -> Lead:
    """The lead with the bonds of one site in each layer of the period; `begin`: the first layer of a principal layer."""
    kept = []
    for n in range(crystal.period):
        site = np.argmax(strip.layer == crystal.centre + n)
        bonds = np.flatnonzero((strip.first == site) & (strip.second >= 0) & (offset >= 0))
        kept += [(bond, n) for bond in bonds]
    bonds, place = np.array(kept).T
    return Lead(
        side="AB"[crystal.side],
        mass=float(strip.mass[strip.layer == crystal.centre][0]),
        period=crystal.period,
        depth=depth,
        phase=(begin - crystal.centre) % crystal.period,
        place=place,
        offset=offset[bonds],
        lateral=strip.vector[bonds, 1:],
        stiffness=strip.stiffness[bonds],
    )


def _make_device(strip: Strip, offset, leads, layers: range, mismatch: float) -> Junction:
    sites = np.flatnonzero((strip.layer >= layers.start) & (strip.layer < layers.stop))
    sites = sites[np.argsort(strip.layer[sites], kind="stable")]
    number = np.full(len(strip.mass) + 1, -1)
    number[sites] = np.arange(len(sites))
    starts = number[strip.first] >= 0
    onsite = np.zeros((len(sites), strip.dimensions, strip.dimensions))
    np.add.at(onsite, number[strip.first[starts]], strip.stiffness[starts])
    per_layer = len(sites) // len(layers)
    width = per_layer * leads[0].depth
    i, j = number[strip.first], number[strip.second]
    # With periodic ends the layers of a bond tell its way: the device never comes near its own image.
    kept = (
        starts & (j >= 0) & (np.abs(strip.layer[strip.second] - strip.layer[strip.first]) == np.abs(offset))
    )
    kept &= j // width - i // width >= 0
    return Junction(
        *leads,
        dimensions=strip.dimensions,
        area=strip.area,
        lateral=strip.lateral,
        width=width,
        n_blocks=len(sites) // width,
        mass=strip.mass[sites],
        position=strip.position[sites, 1:],
        onsite=onsite,
        first=i[kept],
        second=j[kept],
        vector=strip.vector[kept, 1:],
        stiffness=strip.stiffness[kept],
        folded=_fold(strip.lateral, strip.position[sites[:per_layer], 1:]),
        mismatch=mismatch,
    )


def _fold(lateral, position) -> np.ndarray:
    """Reciprocal lattice vectors of the strip under which the sites of one layer have different phases, (n, 2)."""
    n = len(position)
    if n == 1:
        return np.zeros((1, 2))
    reciprocal = 2 * np.pi * np.linalg.inv(lateral).T
    found, phases = [], np.zeros((0, n), complex)
    pairs = [(a, b) for a in range(n) for b in range(n)]
    for pair in sorted(pairs, key=sum):
        G = np.array(pair) @ reciprocal
        phase = np.exp(1j * ((position - position[0]) @ G))
        if (np.abs(phases.conj() @ phase) < 0.5 * n).all():
            found.append(G)
            phases = np.vstack([phases, phase])
        if len(found) == n:
            return np.array(found)
    raise PhysicsError("the layers of the leads are no lattice; theory needs crystals on both sides")


# ---- blocks at a wave vector ----


def layer_matrices(lead: Lead, k) -> np.ndarray:
    """Mass-weighted force constants from each layer of the period to those after it, (reach + 1, period, d, d).

    Entry [0] is the layer's own block. In the gauge exp(i k·r) with true lateral distances a lateral shift of layers does not
    show, so that fcc repeats after one layer.
    """
    reach, d = int(lead.offset.max()), lead.stiffness.shape[1]
    blocks = np.zeros((reach + 1, lead.period, d, d), complex)
    phase = np.exp(1j * (lead.lateral @ np.asarray(k, float)))
    np.subtract.at(blocks, (lead.offset, lead.place), lead.stiffness * phase[:, None, None])
    np.add.at(blocks[0], lead.place, lead.stiffness)
    later = lead.offset > 0
    np.add.at(blocks[0], (lead.place + lead.offset)[later] % lead.period, lead.stiffness[later])
    return blocks / lead.mass


def lead_blocks(lead: Lead, k) -> tuple[np.ndarray, np.ndarray]:
    """A principal layer's own block and the one to the next principal layer outwards, each (depth d, depth d)."""
    rows = layer_matrices(lead, k)
    reach, d = len(rows) - 1, rows.shape[-1]
    own = np.zeros((lead.depth, lead.depth, d, d), complex)
    ahead = np.zeros_like(own)
    for a in range(lead.depth):
        for s in range(reach + 1):
            block = rows[s, (lead.phase + a) % lead.period]
            if a + s >= lead.depth:
                ahead[a, a + s - lead.depth] = block
                continue
            own[a, a + s] = block
            own[a + s, a] = block.conj().T
    own, ahead = flatten_blocks(own), flatten_blocks(ahead)
    return own, (ahead.conj().T if lead.side == "A" else ahead)


def device_blocks(junction: Junction, k) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of the device and from each to the next: (n_blocks, n, n) and (n_blocks - 1, n, n), n = width d.

    The first and the last block are in the wave vectors of the leads, those of one wave vector together.
    """
    width, d, n_blocks = junction.width, junction.dimensions, junction.n_blocks
    phase = np.exp(1j * (junction.vector @ np.asarray(k, float)))
    mass = np.sqrt(junction.mass[junction.first] * junction.mass[junction.second])
    terms = junction.stiffness * (phase / mass)[:, None, None]
    block, row = np.divmod(junction.first, width)
    crossing, column = junction.second // width - block, junction.second % width
    own = np.zeros((n_blocks, width, width, d, d), complex)
    ahead = np.zeros((n_blocks - 1, width, width, d, d), complex)
    inside, across = crossing == 0, crossing == 1
    np.subtract.at(own, (block[inside], row[inside], column[inside]), terms[inside])
    np.subtract.at(ahead, (block[across], row[across], column[across]), terms[across])
    site = np.arange(len(junction.mass))
    own[site // width, site % width, site % width] += junction.onsite / junction.mass[:, None, None]
    own, ahead = flatten_blocks(own), flatten_blocks(ahead)
    if len(junction.folded) > 1:
        left, right = (_unfolding(junction, start) for start in (0, len(site) - width))
        own[0], own[-1] = left.conj().T @ own[0] @ left, right.conj().T @ own[-1] @ right
        ahead[0] = left.conj().T @ ahead[0]
        ahead[-1] = ahead[-1] @ right
    return own, ahead


def _unfolding(junction: Junction, start: int) -> np.ndarray:
    """Unitary matrix from the leads' wave vectors (columns) to the sites (rows) of an outer block, (n, n)."""
    n, d = len(junction.folded), junction.dimensions
    depth = junction.width // n
    position = junction.position[start : start + junction.width]
    phase = np.exp(1j * (position @ junction.folded.T)).reshape(depth, n, n) / np.sqrt(n)
    matrix = np.zeros((depth, n, d, n, depth, d), complex)
    for layer in range(depth):
        for component in range(d):
            matrix[layer, :, component, :, layer, component] = phase[layer]
    return matrix.reshape(junction.width * d, junction.width * d)


def flatten_blocks(blocks) -> np.ndarray:
    """(..., i, j, d, d) as matrices (..., i d, j d)."""
    *outer, n, m, d, _ = blocks.shape
    return blocks.swapaxes(-3, -2).reshape(*outer, n * d, m * d)
