"""Pair sums over the neighbour list against slow sums over all pairs, for disordered atoms of two species."""

import numpy as np
import pytest
from numba import njit

from nemd_core.atoms import make_atoms
from nemd_core.forces.neighbours import DONE, build_all, enlarge, make_neighbours
from nemd_core.forces.sorting import BUILDS, CHUNK, GHOSTS, Box
from nemd_core.forces.verlet import (
    pack_ghost_velocities,
    pack_velocities,
    pair_table,
    sum_energies,
    sum_forces,
    sum_one,
    sum_powers,
    sum_through,
)
from nemd_core.potentials import PAIR_TYPE, lennard_jones, pair_derivatives
from nemd_core.simd import LANES
from nemd_core.simd_gather import PACK, append_near

SIDES = np.array([7.3, 6.1, 5.6])


def gas(n=150, frozen=12, periodic=True, seed=0):
    """Atoms nowhere closer than 0.85, in random order: positions, velocities, species; the last ones frozen."""
    rng = np.random.default_rng(seed)
    places = []
    while len(places) < n + frozen:
        place = rng.uniform(0, SIDES)
        if all(np.linalg.norm(_nearest(place - other, periodic)) > 0.85 for other in places):
            places.append(place)
    v = rng.standard_normal((n + frozen, 3))
    v[n:] = 0
    return np.array(places), v, rng.integers(0, 3, n + frozen)


def _nearest(d, periodic):
    sides = SIDES * ([1, 1, 1] if periodic else [0, 1, 1])
    return d - sides * np.rint(np.divide(d, sides, out=np.zeros_like(d), where=sides > 0))


def images(places, periodic):
    shifts = [np.array([a, b, c]) * SIDES for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)]
    return [s for s in shifts if periodic or s[0] == 0]


def build(x, v, species, n, periodic, reach=2.6, skin=0.3, density=0.8):
    atoms = make_atoms(x[:n], v[:n], np.ones(n), np.arange(n), species[:n], 0.005)
    frozen = [np.column_stack([x[n:] + s, species[n:]]) for s in images(x, periodic)]
    box = Box(0.0, SIDES[0], SIDES * [periodic, 1, 1])
    list_, work = make_neighbours(box, n, np.concatenate(frozen), reach, skin, density)
    while build_all(atoms, list_, work) != DONE:
        list_, work = enlarge(list_, work)
    return atoms, list_, work


def slow_sums(x, v, species, n, periodic, law, plane):
    """Forces, potential energy, W of each moving atom; and what crosses the plane, by plain numpy."""
    f, power, energy, through, pull = np.zeros((n, 3)), np.zeros(n), 0.0, 0.0, 0.0
    for i in range(n):
        for shift in images(x, periodic):
            d = x[i] - x - shift
            r = np.linalg.norm(d, axis=1)
            j = np.flatnonzero((r < law.cutoff) & (r > 1e-9))
            phi, slope, _ = pair_derivatives(law, r[j], PAIR_TYPE[species[i], species[j]])
            pair = -(slope / r[j])[:, None] * d[j]
            f[i] += pair.sum(axis=0)
            given = 0.5 * np.einsum("nk,nk->n", pair, v[i] + v[j])
            power[i] += given.sum()
            energy += (np.where(j < n, 0.5, 1.0) * phi).sum()
            crosses = (x[i, 0] >= plane) & ((x[j] + shift)[:, 0] < plane)
            through += given[crosses].sum()
            pull += pair[crosses, 0].sum()
    return f, energy, power, through, pull


@pytest.mark.parametrize("periodic", [True, False])
@pytest.mark.parametrize(
    ("truncation", "n", "mixed"),
    [("none", 150, True), ("force-shift", 150, True), ("force-shift", 150, False), ("none", 4, False)],
)
def test_sums_equal_those_over_all_pairs(periodic, truncation, n, mixed):
    """Four atoms have few neighbours or none."""
    law = lennard_jones([1, 1.2, 1.4, 0.9, 1.1, 0.8], [1, 0.98, 0.96, 1.02, 1.0, 0.97], 2.3, truncation)
    x, v, species = gas(n, frozen=12 if mixed else 1, periodic=periodic)
    species = species if mixed else np.zeros_like(species)
    atoms, list_, _ = build(x, v, species, n, periodic)
    f, energy, power, through, pull = slow_sums(x, v, species, n, periodic, law, plane=3.0)
    table, number, found = pair_table(law), atoms.number, np.zeros(n)
    for chunk in range(len(list_.moved)):
        sum_forces(chunk, atoms, list_, table)
        pack_velocities(chunk, atoms, list_)
    for chunk in range(-(-list_.count[GHOSTS] // CHUNK)):
        pack_ghost_velocities(chunk, list_)
    for chunk in range(len(list_.moved)):
        sum_powers(chunk, atoms, list_, table, found)
    scale = np.abs(f).max()
    np.testing.assert_allclose(atoms.f.T, f[number], rtol=0, atol=1e-12 * scale)
    np.testing.assert_allclose(found, power[number], rtol=0, atol=1e-12 * scale)
    potential = np.zeros(len(list_.moved))
    for chunk in range(len(list_.moved)):
        sum_energies(chunk, atoms, list_, table, potential)
    assert potential.sum() == pytest.approx(energy, rel=1e-12)
    one = np.array([sum_one(i, atoms, list_, table) for i in range(n)])
    np.testing.assert_allclose(one[:, 1], power[number], rtol=0, atol=1e-12 * scale)
    above = atoms.x[0] >= 3.0
    total = sum(np.array(sum_through(i, atoms, list_, table, 3.0)) for i in np.flatnonzero(above))
    assert total[0] == pytest.approx(through, abs=1e-12 * scale)
    assert total[1] == pytest.approx(pull, abs=1e-12 * scale)


@pytest.mark.compiled
def test_lists_of_a_crowd_are_whole():
    """Where a bin has more candidates than is usual."""
    n, rng = 1300, np.random.default_rng(5)
    x = rng.uniform(0, SIDES, (n, 3))
    atoms, list_, _ = build(x, np.zeros((n, 3)), np.zeros(n, int), n, True, density=n / SIDES.prod())
    far, packed = PACK * n, list_.packed.reshape(-1, PACK)
    for i in range(0, n, 50):
        listed = list_.offset[list_.first[i] : list_.first[i] + LANES * list_.groups[i]]
        found = np.linalg.norm(packed[listed[listed != far] // PACK, :3] - atoms.x[:, i], axis=1)
        shifts = np.array(images(x, True))
        r = np.linalg.norm(atoms.x.T[:, None] + shifts - atoms.x[:, i], axis=2)
        expected = np.sort(r[(r > 0) & (r < 2.6)])
        assert len(expected) > 300
        np.testing.assert_allclose(np.sort(found)[: len(expected)], expected, rtol=1e-12)
        assert len(found) <= len(expected) + 1  # one may be as far as rounding allows


@njit
def _append(places, atoms, begin, own, limit, out, n):
    return append_near(places[0], places[1], places[2], atoms, begin, own, limit, out, n)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("begin", [0, 3, 20])
def test_near_candidates_are_appended_in_their_order(share, begin):
    """Those of the next sixteen that are near and not at no distance; what lies sixteen further on is left alone."""
    rng = np.random.default_rng(begin)
    near = rng.uniform(size=60) < share
    places = np.where(near, 0.5, 3.0).astype(np.float32) * np.ones((3, 1), np.float32)
    places[:, begin + 1] = 0.0  # the atom itself
    atoms, out, n = np.arange(60, dtype=np.int32), np.full(40, -1, np.int32), 7
    own, limit = (np.float32(0),) * 3, np.float32(1.0)
    expected = [k for k in range(begin, begin + 16) if near[k] and k != begin + 1]
    assert _append(places, atoms, begin, own, limit, out, n) == len(expected)
    assert list(out[n : n + len(expected)]) == expected
    assert (out[:n] == -1).all() and (out[n + 16 :] == -1).all()


def assert_same_lists(one, other):
    """The same atoms, at the same places, in the same order."""
    assert np.array_equal(one.first, other.first) and np.array_equal(one.groups, other.groups)
    for first, groups in zip(one.first, one.groups, strict=True):
        offsets = [n.offset[first : first + LANES * groups] for n in (one, other)]
        assert np.array_equal(*offsets)
        places = [n.packed.reshape(-1, 4)[some // 4] for n, some in zip((one, other), offsets, strict=True)]
        assert np.array_equal(*places)


def test_a_list_without_room_is_enlarged_and_then_the_same():
    x, v, species = gas()
    roomy, small = (build(x, v, species, 150, True, density=density)[1] for density in (0.8, 0.01))
    assert small.count[BUILDS] == roomy.count[BUILDS] == 1
    assert np.array_equal(roomy.groups, small.groups) and np.array_equal(roomy.kind, small.kind)
    assert_same_lists(roomy, small)


def test_order_and_lists_depend_on_positions_and_numbers_alone():
    """Whatever the order in memory was before."""
    x, v, species = gas()
    one, list_, _ = build(x, v, species, 150, True)
    shuffled = np.random.default_rng(1).permutation(150)
    other = make_atoms(x[shuffled], v[shuffled], np.ones(150), shuffled, species[shuffled], 0.005)
    _, again, work = build(x, v, species, 150, True)
    assert build_all(other, again, work) == DONE
    for name in ("x", "v", "number", "species"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert_same_lists(list_, again)
