"""A small study through the whole pipeline: finished, not repeated, grown by a run that fails, tried again, edited."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest
from studies import CHAIN, write_chain

GOOD, COARSE = 0.005, 0.05
"""Time steps; with the second physics stops the run soon: atoms leave their places, or the energy audit fails."""


@pytest.fixture(scope="module")
def study(tmp_path_factory, snakemake):
    """The finished study of one good run, in its own directory; `call(*timesteps, ...)` runs it again."""
    directory = tmp_path_factory.mktemp("study")

    def call(*timesteps, skip=2, reference="argon"):
        fit = CHAIN["fit"] | {"skip_bath": skip}
        write_chain(call.config, fit=fit, reference=reference, sweep={"run.timestep": list(timesteps)})
        return snakemake(directory, call.config)

    call.config = directory / "small.yaml"
    call.results = directory / "results" / "small"
    call.first = call(GOOD)
    return call


def read_summary(study):
    return pd.read_csv(study.results / "summary.csv").set_index("run.timestep")


def modification_times(directory):
    return {path: path.stat().st_mtime_ns for path in Path(directory).rglob("*") if path.is_file()}


def changed_names(directory, before):
    """Names of the files that are new or newer than in `before`."""
    return {path.name for path, time in modification_times(directory).items() if before.get(path) != time}


def test_study_runs_end_to_end(study):
    assert study.first.returncode == 0, study.first.stdout
    (run,) = study.results.glob("r-*")
    for name in (
        "config.yaml",
        "structure.extxyz",
        "samples.h5",
        "run.json",
        "profile.csv",
        "interface.json",
        "profile.png",
        "running.png",
    ):
        assert (run / name).stat().st_size > 0, name
    assert (run / "logs" / "simulate_run.log").stat().st_size > 0
    for name in ("sweep.png", "sweep.pdf", "report.html", "small.yaml"):
        assert (study.results / name).stat().st_size > 0, name
    row = read_summary(study).loc[GOOD]
    assert row["run"] == run.name and row["status"] == "done" and row["delta_T_stderr"] > 0


def test_the_end_shows_the_results_and_where_to_look(study):
    (run,) = study.results.glob("r-*")
    end = study.first.stdout[study.first.stdout.index(f"{run.name} ") :]
    assert "±" in end
    for name in ("report.html", "summary.csv", "sweep.png", "sweep.pdf"):
        assert name in end, name


def test_finished_study_is_not_repeated(study, count_jobs):
    before = modification_times(study.results)
    os.utime(study.config)  # an editor that saved, a new checkout
    process = study(GOOD)
    assert process.returncode == 0, process.stdout
    assert count_jobs(process) == {}
    assert changed_names(study.results, before) == {"all.log"}
    assert "report.html" in process.stdout and "±" in process.stdout  # the table is shown all the same


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
    assert status[:60] in process.stdout  # the printed table cuts long messages; summary.csv has all of it
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


def test_editing_what_only_the_analysis_reads_simulates_nothing(study):
    run = study.results / read_summary(study).loc[GOOD, "run"]
    before = modification_times(run)
    process = study(GOOD, reference="krypton")
    assert process.returncode == 0, process.stdout
    (now,) = read_summary(study)["run"]
    assert now == run.name  # another substance is no other run
    assert {"interface.json", "profile.png"} <= changed_names(run, before)
    assert not {"samples.h5", "run.json"} & changed_names(run, before)
    assert json.loads((run / "interface.json").read_text())["reference"]["name"] == "krypton"

    refitted = study(GOOD, reference="krypton", skip=3)
    assert refitted.returncode == 0, refitted.stdout
    (name,) = read_summary(study)["run"]
    other = study.results / name
    assert other != run and not {"samples.h5", "run.json"} & changed_names(run, before)
    assert json.loads((other / "run.json").read_text())["reused_from"] == run.name
    assert (other / "samples.h5").read_bytes() == (run / "samples.h5").read_bytes()
    windows = [json.loads((d / "interface.json").read_text())["fit_A"]["window"] for d in (run, other)]
    assert windows[0] != windows[1]
