"""Theory in the pipeline: one job for each different junction, its numbers beside every run, and no harm where it fails."""

import json

import pandas as pd
import pytest

CONFIG = """
units: lj
structure: {lattice: chain, lattice_constant: 1.0, length: {A: 20, B: 20}}
materials: {A: {mass: 1.0, stiffness: 1.0}, B: {mass: 2.0, stiffness: 1.0}}
interaction: {potential: harmonic}
baths: {hot: {temperature: 1.5, length: 4}, cold: {temperature: 0.5, length: 4}, walls: 0}
run: {timestep: 0.05, equilibration_steps: 2000, production_steps: 20000, block_steps: 2000, replicas: 4, threads: 1}
fit: {skip_bath: 0, skip_interface: 0}
"""
SWEEP = "sweep: {{zip: {{materials.B.mass: {}, run.seed: {}}}}}\n"
LENGTHS = "sweep: {{zip: {{structure.length.A: {}, baths.hot.length: {}}}}}\n"
SHORT = ([4], [1])
"""Too short for a lead."""
GROWN = ([20, 4], [4, 1])
"""A junction before the one that is there, with which the theory has no trouble."""
LIMITS = "limits: {timestep: {timestep: [0.025]}}\n"


@pytest.fixture
def write(tmp_path):
    """`write(text)`: the config of the study, in this form."""

    def call(text):
        config = tmp_path / "small.yaml"
        config.write_text(CONFIG + text)
        return config

    return call


def test_runs_share_the_theory_of_their_junction_and_points_of_limits_need_none(
    tmp_path, write, dry_run, count_jobs
):
    rules = ("simulate_run", "predict_theory", "collect_theory")
    for text, wanted in (
        (SWEEP.format([2, 2], [1, 2]), (2, 1, 1)),
        (SWEEP.format([4, 2, 2], [1, 1, 2]), (3, 2, 1)),
        (LENGTHS.format(*GROWN) + LIMITS, (4, 2, 1)),
    ):
        jobs = count_jobs(dry_run(tmp_path, write(text)))
        assert tuple(jobs[rule] for rule in rules) == wanted


def test_theory_of_a_study_that_grows(tmp_path, write, snakemake, count_jobs):
    results = tmp_path / "results" / "small"

    def call(text, *arguments):
        process = snakemake(tmp_path, write(text), *arguments)
        assert process.returncode == 0, process.stdout
        return count_jobs(process)

    jobs = call(LENGTHS.format(*SHORT), "--until", "collect_study")
    assert (jobs["simulate_run"], jobs["predict_theory"]) == (1, 1)
    (failed,) = pd.read_csv(results / "theory.csv").itertuples()
    directory = results / "theory" / failed.key
    outcome = json.loads((directory / "predict_theory.json").read_text())
    assert outcome["status"] == "failed" and not (directory / "predict.json").exists()

    jobs = call(LENGTHS.format(*GROWN))
    assert (jobs["simulate_run"], jobs["predict_theory"]) == (1, 1)
    assert (results / "complete").exists()  # theory that fails fails no study
    theory = pd.read_csv(results / "theory.csv")
    assert list(theory.columns) == ["run", "key", "R_two_probe", "R_four_probe", "R_nemd", "status"]
    assert list(theory["run"]) == list(pd.read_csv(results / "runs.csv")["run"])
    assert theory["status"][0] == "done"
    assert theory["status"][1].startswith("failed: structure.length.A: ")
    assert theory["R_nemd"].tolist() == pytest.approx([1.7626, float("nan")], abs=5e-4, nan_ok=True)
    directory = results / "theory" / theory["key"][0]
    assert json.loads((directory / "predict.json").read_text())["theory_hash"].startswith(directory.name[2:])
    assert (directory / "transmission.png").stat().st_size > 0
    summary = pd.read_csv(results / "summary.csv")
    assert summary["R_nemd"].tolist() == pytest.approx(theory["R_nemd"].tolist(), nan_ok=True)

    samples = {path: path.stat().st_mtime_ns for path in results.glob("r-*/samples.h5")}
    jobs = call("theory: null\n" + LENGTHS.format(*GROWN), "--until", "collect_study")
    assert not {"predict_theory", "collect_theory"} & set(jobs)
    assert not (results / "theory.csv").exists()
    assert len(samples) == 2  # of the same runs, not simulated again
    assert {path: path.stat().st_mtime_ns for path in results.glob("r-*/samples.h5")} == samples
    assert pd.read_csv(results / "summary.csv")["R_nemd"].isna().all()
