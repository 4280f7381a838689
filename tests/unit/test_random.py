"""Random numbers: published test vectors, numpy's own formula, moments, and independence of everything but the key."""

import numpy as np
import pytest

from nemd_core import random as engine

SEED, BATH, START = 12345, 0, 1
"""`BATH` and `START` are the streams of the baths and of the initial velocities."""


def philox(counter, key):
    """Philox4x32-10 in Python integers (Salmon et al., SC'11, section 3.4)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 % 2**32, (p0 >> 32) ^ c[3] ^ k[1], p0 % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def normals(site, replica=0, step=0, seed=SEED, stream=BATH):
    """Four normals for each site, shape (4, n)."""
    site = np.asarray(site, np.uint64)
    replica = np.full(site.size, replica, np.uint64)
    out, scratch = np.empty((2, 4, site.size))
    engine.fill_normals(out, scratch, site, replica, np.uint64(step), np.uint64(seed), np.uint64(stream))
    return out


PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([0] * 6, (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ([0xFFFFFFFF] * 6, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (PI, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
    ],
)
def test_philox_gives_the_published_vectors(words, expected):
    """Known answers of Random123 (file kat_vectors, philox4x32-10): counter, then key."""
    assert tuple(int(r) for r in engine.philox(*map(np.uint64, words))) == expected
    assert tuple(philox(words[:4], words[4:])) == expected


@pytest.mark.parametrize(("step", "seed", "stream"), [(7, SEED, BATH), (2**32 + 5, 2**32 + 9, START)])
def test_normals_are_box_muller_of_philox(step, seed, stream):
    site, replica = np.array([0, 1, 17, 2**31]), 3
    found = normals(site, replica, step, seed, stream)
    for n, s in enumerate(site):
        counter = (step % 2**32, (step >> 32) ^ (stream << 24), int(s), replica)
        words = philox(counter, (seed % 2**32, seed >> 32))
        u = (np.array(words) + 0.5) / 2**32
        for pair in (0, 1):
            radius, angle = np.sqrt(-2 * np.log(u[2 * pair])), 2 * np.pi * u[2 * pair + 1]
            expected = radius * np.cos(angle), radius * np.sin(angle)
            assert found[2 * pair : 2 * pair + 2, n] == pytest.approx(expected, abs=1e-12)


def test_box_muller_equals_numpy():
    """From the smallest to the largest uniform, around every power of two and sqrt(2), and over the whole circle."""
    half = 0.5 / 2**32
    rng = np.random.default_rng(1)
    powers = 2.0 ** -np.arange(1, 32)
    special = [
        half,
        1 - half,
        np.sqrt(0.5),
        *powers,
        *(powers + half),
        *(powers - half),
        *(powers * np.sqrt(2)),
    ]
    u = np.concatenate([special, rng.uniform(half, 1 - half, 4000)])
    quarters = np.array([0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875])
    turn = np.concatenate([quarters + half, np.abs(quarters - half), rng.uniform(0, 1, len(u) - 16)])
    first, second = np.empty((2, len(u)))
    engine._box_muller(first, second, u.copy(), turn)
    radius = np.sqrt(-2 * np.log(u))
    assert np.abs(first / radius - np.cos(2 * np.pi * turn)).max() < 1e-12
    assert np.abs(second / radius - np.sin(2 * np.pi * turn)).max() < 1e-12
    assert np.hypot(first, second) == pytest.approx(radius, rel=1e-12)
    assert radius.max() == pytest.approx(6.76, abs=0.01)


@pytest.mark.compiled
def test_moments():
    """Mean, variance, skewness and kurtosis of 8e5 numbers, each within four of its standard errors."""
    x = normals(np.arange(200_000), step=3)
    n = x.size
    for power, expected, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):  # variance of x^power
        error = np.sqrt(spread / n)  # 0.0011, 0.0016, 0.0043, 0.0110
        assert abs((x**power).mean() - expected) < 4 * error, power
        for row in x:
            assert abs((row**power).mean() - expected) < 4 * error * 2, power


@pytest.mark.compiled
def test_distribution():
    """Kolmogorov-Smirnov: the largest distance between the distributions, 1.95/sqrt(n) at the level 0.001."""
    from scipy.stats import kstest

    for row in normals(np.arange(50_000), step=11):
        assert kstest(row, "norm").statistic < 1.95 / np.sqrt(row.size)


BASE = {"replica": 0, "step": 5, "seed": SEED, "stream": BATH}


@pytest.mark.compiled
@pytest.mark.parametrize(
    "other",
    [
        {"step": 6},
        {"step": 5 + 2**32},
        {"replica": 1},
        {"seed": SEED + 1},
        {"seed": SEED + 2**32},
        {"stream": START},
    ],
)
def test_keys_give_independent_numbers(other):
    """No number in common, and no correlation of the numbers or of their squares: standard error 1/sqrt(n) = 0.0035."""
    site = np.arange(20_000)
    x, y = normals(site, **BASE).ravel(), normals(site, **BASE | other).ravel()
    assert not np.isin(x, y).any()
    for p, q in ((x, y), (x**2, y**2), (x, y**2), (x[:-1], y[1:]), (x[1:], y[:-1])):
        assert abs(np.corrcoef(p, q)[0, 1]) < 4 / np.sqrt(x.size)


@pytest.mark.compiled
def test_the_numbers_of_a_call_are_independent():
    x = normals(np.arange(80_000), **BASE)
    limit = 4 / np.sqrt(x.shape[1])
    for values in (x, x**2):
        matrix = np.corrcoef(values)
        assert np.abs(matrix - np.eye(4)).max() < limit
        for lag in (1, 2, 8):  # neighbouring sites
            assert abs(np.corrcoef(values[:, lag:].ravel(), values[:, :-lag].ravel())[0, 1]) < limit
    assert len(np.unique(x)) == x.size


@pytest.mark.compiled
def test_a_time_series_of_one_site_is_white():
    """2000 steps of 4 numbers: no correlation from one step to the next ones, standard error 0.011."""
    x = np.array([normals([42], step=step)[:, 0] for step in range(2000)])
    assert abs(x.mean()) < 4 / np.sqrt(x.size) and abs(x.var() - 1) < 4 * np.sqrt(2 / x.size)
    for lag in (1, 2, 3):
        assert abs(np.corrcoef(x[lag:].ravel(), x[:-lag].ravel())[0, 1]) < 4 / np.sqrt(x.size)


def test_a_site_gets_the_same_bits_in_any_company():
    sites = np.arange(1003)
    whole = normals(sites, step=9)
    order = np.random.default_rng(2).permutation(sites)
    assert np.array_equal(normals(order, step=9), whole[:, order])
    for start in range(9):  # every place in a vector
        for n in (1, 2, 7, 8, 9, 64):
            assert np.array_equal(normals(sites[start : start + n], step=9), whole[:, start : start + n])
    repeated = normals(np.repeat(sites[:50], 3), step=9)
    assert np.array_equal(repeated, np.repeat(whole[:, :50], 3, axis=1))


def test_replicas_may_share_an_array():
    site = np.repeat(np.arange(100, dtype=np.uint64), 4)
    replica = np.tile(np.arange(4, dtype=np.uint64), 100)
    out, scratch = np.empty((2, 4, 400))
    engine.fill_normals(out, scratch, site, replica, np.uint64(2), np.uint64(SEED), np.uint64(BATH))
    for r in range(4):
        assert np.array_equal(out[:, r::4], normals(np.arange(100), r, step=2))


def test_large_seeds_and_steps_are_accepted():
    """Seeds use all 64 bits; different halves give different numbers."""
    seeds = [0, 1, 2**32, 2**32 + 1, 2**63, 2**64 - 1]
    found = {normals([0], seed=seed)[0, 0] for seed in seeds}
    assert len(found) == len(seeds) and np.isfinite(list(found)).all()
