"""A small study through the whole pipeline: finished, not repeated, grown by a run that fails, and tried again."""

import json
from pathlib import Path

import pandas as pd
import pytest

CONFIG = """
units: lj
structure: {{lattice: chain, lattice_constant: 1.12, length: {{A: 20, B: 20}}}}
materials:
  A: {{mass: 1.0, epsilon: 1.0, sigma: 1.0}}
  B: {{mass: 2.0, epsilon: 1.0, sigma: 1.0}}
interaction: {{potential: lj, cutoff: 1.7}}
baths: {{hot: {{temperature: 2.0, length: 4}}, cold: {{temperature: 1.0, length: 4}}, walls: 2}}
run: {{equilibration_steps: 2000, production_steps: 8000, block_steps: 2000, threads: 1}}
fit: {{skip_bath: 2, skip_interface: 2}}
sweep:
  run.timestep: [{timesteps}]
"""
GOOD, COARSE = 0.005, 0.05
"""Time steps; with the second physics stops the run soon: atoms leave their places, or the energy audit fails."""


@pytest.fixture(scope="module")
def study(tmp_path_factory, snakemake):
    """The finished study of one good run, in its own directory; `call(*timesteps)` runs it with these points."""
    directory = tmp_path_factory.mktemp("study")

    def call(*timesteps):
        config = directory / "small.yaml"
        config.write_text(CONFIG.format(timesteps=", ".join(map(str, timesteps))))
        return snakemake(directory, config)

    call.results = directory / "results" / "small"
    call.first = call(GOOD)
    return call


def read_summary(study):
    return pd.read_csv(study.results / "summary.csv").set_index("run.timestep")


def modification_times(directory):
    return {path: path.stat().st_mtime_ns for path in Path(directory).rglob("*") if path.is_file()}


def test_study_runs_end_to_end(study):
    assert study.first.returncode == 0, study.first.stdout
    assert "Results are in results/small" in study.first.stdout
    (run,) = study.results.glob("r-*")
    for name in (
        "config.yaml",
        "structure.extxyz",
        "samples.h5",
        "run.json",
        "profile.csv",
        "interface.json",
        "profile.png",
    ):
        assert (run / name).stat().st_size > 0, name
    assert (run / "logs" / "simulate_run.log").stat().st_size > 0
    assert (study.results / "sweep.png").exists()
    row = read_summary(study).loc[GOOD]
    assert row["run"] == run.name and row["status"] == "done" and row["delta_T_stderr"] > 0


def test_finished_study_is_not_repeated(study):
    before = modification_times(study.results)
    process = study(GOOD)
    assert process.returncode == 0, process.stdout
    repeated = {
        path.name for path, time in modification_times(study.results).items() if before.get(path) != time
    }
    # the config file was written again, so that the cheap steps that read it may be too
    assert repeated <= {"runs.csv", "summary.csv", "sweep.png", "complete"} | {
        f"{rule}.{end}"
        for rule in ("list_runs", "collect_study", "plot_study", "check_study")
        for end in ("log", "tsv")
    }


def test_failed_run_hides_nothing_and_is_tried_again(study):
    (good,) = study.results.glob("r-*")
    before = modification_times(good)
    process = study(GOOD, COARSE)
    assert process.returncode != 0
    assert "Traceback" not in process.stdout, process.stdout
    summary = read_summary(study)
    assert summary.loc[GOOD, "status"] == "done"
    status = summary.loc[COARSE, "status"]
    assert status.startswith("failed: run."), status  # what to change comes first
    assert status in process.stdout
    assert pd.isna(summary.loc[COARSE, "R_K"])
    assert not (study.results / "complete").exists()
    assert modification_times(good) == before  # a sweep that grows recomputes nothing

    bad = study.results / summary.loc[COARSE, "run"]
    assert json.loads((bad / "run.json").read_text())["status"] == "failed"
    log = bad / "logs" / "simulate_run.log"
    tried = log.stat().st_mtime_ns
    again = study(GOOD, COARSE)
    assert again.returncode != 0
    assert log.stat().st_mtime_ns > tried
    assert modification_times(good) == before
