"""Correlation times, blocks and error bars against series whose truth is known."""

import numpy as np
import pytest
import synthetic
from scipy import stats

from analysis import uncertainty
from nemd_core.errors import StorageError


def test_autocorrelation_time_of_ar1():
    """tau against the exact value; 4 standard errors by Wolff 2004, equation 42, with W = 5 tau."""
    rng = np.random.default_rng(1)
    for tau in (0.5, 3.0, 12.0):
        measured = uncertainty.autocorrelation_time(synthetic.ar1(rng, tau, (4, 20_000)))
        assert measured == pytest.approx(tau, rel=4 * np.sqrt(2 * (10 * tau + 1) / 80_000))


def test_autocorrelation_time_pools_replicas_and_columns():
    rng = np.random.default_rng(2)
    series = np.stack([synthetic.ar1(rng, 4.0, (3, 5000)), np.full((3, 5000), 7.1)], axis=2)
    both = uncertainty.autocorrelation_time(series)
    assert both[0] == uncertainty.autocorrelation_time(series[:, :, 0])
    assert both[1] == 0.5


def test_slow_process_under_fast_noise_is_seen():
    """Noise of nine times the variance hides a slow process from the window, not from the blocks."""
    rng = np.random.default_rng(3)
    tau, pulls = 20.0, []
    for _ in range(100):
        series = synthetic.ar1(rng, tau, (1, 8000)) + 3.0 * rng.standard_normal((1, 8000))
        blocks, _ = uncertainty.choose_blocks(series[:, :, None])
        assert blocks.length >= 2 * tau
        pulls.append(blocks.mean(series) / blocks.stderr(series))
    assert np.std(pulls) == pytest.approx(1.03, abs=4 / np.sqrt(200))


def test_error_of_a_bounded_difference_shrinks_with_the_blocks():
    """The flux between planes is the change of a bounded energy: its error falls as 1/T, not 1/sqrt(T)."""
    rng = np.random.default_rng(4)
    series = np.diff(synthetic.ar1(rng, 5.0, (1, 8001)), axis=1)
    blocks, _ = uncertainty.choose_blocks(series[:, :, None])
    naive = series.std() / np.sqrt(series.size)
    assert blocks.stderr(series) < 0.35 * naive


@pytest.mark.parametrize("n_rep, n_rows, tau", [(1, 2000, 8.0), (4, 500, 8.0), (8, 100, 4.0), (1, 640, 16.0)])
def test_error_bars_are_calibrated(n_rep, n_rows, tau):
    """Student's t at 68.3 % and 95 % covers the truth as often as it says, within 4 binomial errors."""
    rng = np.random.default_rng(5)
    n, t = 400, []
    dof = []
    for _ in range(n):
        series = synthetic.ar1(rng, tau, (n_rep, n_rows))
        blocks, _ = uncertainty.choose_blocks(series[:, :, None])
        t.append(blocks.mean(series) / blocks.stderr(series))
        dof.append(blocks.dof)
    for probability in (0.683, 0.95):
        covered = np.mean(np.abs(t) < stats.t.ppf(0.5 + probability / 2, dof))
        assert covered == pytest.approx(probability, abs=4 * np.sqrt(probability * (1 - probability) / n))


def test_blocks_cover_the_last_rows_of_every_replica():
    series = np.arange(2 * 23.0).reshape(2, 23)
    blocks = uncertainty.cut(2, 23, 5)
    assert (blocks.n_blocks, blocks.length, blocks.start, blocks.dof) == (8, 5, 3, 7)
    np.testing.assert_array_equal(blocks.means(series)[[0, 3, 4]], [5.0, 20.0, 28.0])
    assert blocks.mean(series) == series[:, 3:].mean()
    assert uncertainty.merge_blocks(blocks, 4).n_blocks == 4


def test_too_few_rows_are_refused():
    with pytest.raises(StorageError, match=r"2 rows; at least 8 .*production_steps"):
        uncertainty.choose_blocks(np.zeros((1, 2, 1)))


def test_jackknife_of_a_mean_is_the_standard_error():
    means = np.random.default_rng(6).standard_normal((12, 2))
    error = uncertainty.jackknife(lambda m: m[..., 1], means)
    assert error == pytest.approx(means[:, 1].std(ddof=1) / np.sqrt(12))


def test_fieller_covers_the_ratio_and_refuses_an_unresolved_denominator():
    """Coverage at 95 % for correlated means where the denominator is known to a third only."""
    rng = np.random.default_rng(7)
    covariance = np.array([[1.0, 0.6], [0.6, 1.0]])
    t = stats.norm.ppf(0.975)
    truth, covered, bounded = np.array([6.0, 3.0]), 0, 0
    for a, b in rng.multivariate_normal(truth, covariance, size=2000):
        interval = uncertainty.fieller(a, b, covariance, t)
        if interval is None:  # unbounded: abs(b) < t; the set then misses the truth only if a - 2 b is large
            covered += abs(a - 2 * b) <= t * np.sqrt(1 - 4 * 0.6 + 4)
        else:
            bounded += 1
            covered += interval[0] <= 2.0 <= interval[1]
    assert covered / 2000 == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / 2000))
    assert 0.7 < bounded / 2000 < 0.95
    assert uncertainty.fieller(1.0, 0.1, covariance, t) is None


def test_fieller_is_exact_without_noise():
    low, high = uncertainty.fieller(3.0, -2.0, np.zeros((2, 2)), 2.0)
    assert (low, high) == (-1.5, -1.5)


@pytest.mark.parametrize(
    "value, stderr, text",
    [
        (1.2345, 0.067, "1.234 ± 0.067"),
        (1234.5, 12.3, "1234 ± 12"),
        (0.00456, 0.0123, "0.005 ± 0.012"),
        (2.5, 0.0, "2.5 ± 0"),
    ],
)
def test_values_are_written_to_two_digits_of_their_error(value, stderr, text):
    assert uncertainty.with_error(value, stderr) == text


@pytest.mark.parametrize("n_rep, n_rows", [(1, 150), (1, 1000), (3, 700), (40, 50), (200, 9)])
def test_there_are_8_to_64_blocks_or_one_for_each_of_many_replicas(n_rep, n_rows):
    series = np.random.default_rng(9).standard_normal((n_rep, n_rows, 2))
    blocks, _ = uncertainty.choose_blocks(series)
    assert blocks.n_blocks == n_rep if n_rep > 64 else 8 <= blocks.n_blocks <= 64
    assert blocks.start + blocks.per_replica * blocks.length == n_rows


def test_replicas_of_one_block_need_no_correction():
    series = synthetic.ar1(np.random.default_rng(10), 5.0, (100, 30))
    blocks, _ = uncertainty.choose_blocks(series[:, :, None])
    assert blocks.per_replica == 1 and blocks.inflation == pytest.approx(1.0)
    assert blocks.stderr(series) == pytest.approx(series.mean(axis=1).std(ddof=1) / 10)


def test_independent_samples_know_a_slow_process_under_fast_noise():
    rng = np.random.default_rng(11)
    counts = []
    for _ in range(40):
        series = synthetic.ar1(rng, 50.0, (1, 8000)) + 2.0 * rng.standard_normal((1, 8000))
        counts.append(8000 / (2 * uncertainty.choose_blocks(series[:, :, None])[1][0]))
    true = 5 * 8000 / (2 * 50.0 + 4 * 1.0)  # variance of a row over that of the mean
    assert np.median(counts) < 1.6 * true


def test_covariance_of_means_is_that_of_their_errors_and_of_derived_values():
    """A linear function of the means has one standard error, whichever way it is taken; neighbours share something."""
    means = np.random.default_rng(12).standard_normal((12, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
    blocks = uncertainty.cut(1, 120, 10, memory=2.0)
    covariance, weights = blocks.covariance(means), np.array([0.7, -1.3])
    assert blocks.inflation > 1.1
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), blocks.stderr_of_means(means))
    derived = blocks.stderr_of_derived(lambda m: m @ weights, means)
    assert derived == pytest.approx(np.sqrt(weights @ covariance @ weights))
