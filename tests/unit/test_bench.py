"""The benchmark's own book-keeping: what is measured with what. How fast anything is, no test says."""

import pytest

from nemd_core import bench

SMALL = bench.CASES[0]._replace(cells=(16, 4))


@pytest.fixture(autouse=True)
def quickly(monkeypatch):
    monkeypatch.setattr(bench, "_SECONDS", 0.01)


@pytest.mark.compiled
def test_a_case_is_measured_as_often_as_wanted(capsys):
    found = bench._compare(SMALL, 2, 3, None)
    assert (found["threads"], found["replicas"], len(found["rates"])) == (2, 1, 3)
    assert min(found["rates"]) > 0
    assert "2 threads" in capsys.readouterr().out


@pytest.mark.compiled
def test_threads_are_compared_with_processes(capsys):
    found = bench._compare_threads(SMALL, 2, 2)
    assert found["number"] == len(found["threads"]) == len(found["processes"]) == 2
    assert min(found["threads"] + found["processes"]) > 0
    assert "2 processes" in capsys.readouterr().out


@pytest.mark.compiled
def test_the_isolated_melt_has_no_baths():
    case = next(case for case in bench.CASES if case.isolated)._replace(cells=(12, 6))
    config = case.config(1, 100)
    assert config.run.equilibration_steps + config.run.production_steps == 100
    assert bench._measure(config, isolated=True) > 0


def test_sizes_are_about_what_was_asked_for():
    for atoms in (1_000, 10_000, 100_000, 1_000_000):
        (length, cross) = bench.size_case(atoms).cells
        assert 4 * length * cross**2 == pytest.approx(atoms, rel=0.05)
