"""The start of the steady state: found where there is a transient, left alone where there is none."""

import numpy as np
import synthetic

from analysis import analyse
from analysis.steady import Start, find_start


def series(rng, n_rows, tau=8.0, n_rep=1, drift=0.0, decay=1.0):
    """Three quantities with a common transient: drift exp(-row/decay), in standard deviations of a row."""
    noise = np.stack([synthetic.ar1(rng, tau, (n_rep, n_rows)) for _ in range(3)], axis=2)
    return noise + drift * np.exp(-np.arange(n_rows) / decay)[:, None]


def test_a_transient_is_left_out_but_not_much_more():
    rng = np.random.default_rng(1)
    starts = [find_start(series(rng, 4000, drift=8.0, decay=200.0)).row for _ in range(50)]
    # after 400 rows a seventh of the transient is left: a standard deviation of a row
    assert np.percentile(starts, 10) >= 400
    assert np.median(starts) <= 1200


def test_rows_that_fill_no_bin_do_not_shift_the_start():
    rng = np.random.default_rng(5)
    rows = series(rng, 4000, drift=20.0, decay=200.0)
    start = find_start(rows).row
    assert start > 0 and find_start(np.concatenate([rows[:, :3], rows], axis=1)).row == start + 3


def test_nothing_is_left_out_of_a_steady_run():
    rng = np.random.default_rng(2)
    for n_rows in (300, 1000, 8000):
        left_out = np.mean([find_start(series(rng, n_rows)).row > 0 for _ in range(200)])
        assert left_out < 0.03 + 3 * np.sqrt(0.03 * 0.97 / 200)


def test_replicas_show_a_transient_that_one_of_them_hides():
    rng = np.random.default_rng(3)
    hidden = [find_start(series(rng, 1000, drift=1.5, decay=100.0)).row > 0 for _ in range(50)]
    shown = [find_start(series(rng, 1000, n_rep=64, drift=1.5, decay=100.0)).row > 0 for _ in range(50)]
    assert np.mean(hidden) < 0.3 and np.mean(shown) > 0.9


def test_a_run_that_is_still_on_its_way_is_not_steady():
    rng = np.random.default_rng(4)
    found = find_start(series(rng, 2000, drift=100.0, decay=200.0))
    assert not found.stationary and 800 < found.row <= 1000
    assert Start(0, 1000).stationary and Start(400, 1000).stationary


def test_few_rows_say_nothing():
    assert find_start(np.ones((2, 5, 3))) == Start(0, 5)


def test_the_analysis_begins_where_the_steady_state_does():
    """A transient in the temperatures alone: the same numbers as from the rows after it, and the time of the start."""
    samples, settings = synthetic.make(seed=3, n_rows=4000)
    transient = 0.2 * np.exp(-np.arange(4000) / 150)[:, None]
    samples.temperature[:, :, samples.layers["species"] == "A"] += transient
    fields = analyse(samples, settings).interface
    row = fields["n_discarded"]
    assert 300 <= row <= 1600 and fields["n_samples"] == 4000 - row
    assert fields["steady_from"] == row * samples.series_steps * samples.timestep
    kept = analyse(samples.rows_from(row), settings).interface
    for name in ("R_K", "R_K_stderr", "J_hot", "J_cold", "delta_T"):
        assert fields[name] == kept[name]
    assert {c["name"]: c["value"] for c in fields["checks"]}["energy_audit"] < 0.01
