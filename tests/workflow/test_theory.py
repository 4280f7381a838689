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
TOO_SHORT = """
sweep: {zip: {structure.length.A: [4, 20], baths.hot.length: [1, 4]}}
limits: {timestep: {timestep: [0.025]}}
"""


@pytest.fixture
def study(tmp_path, snakemake):
    """`call(text)`: the pipeline with this config; `call.results`: where its files are."""

    def call(text):
        config = tmp_path / "small.yaml"
        config.write_text(text)
        return snakemake(tmp_path, config)

    call.results = tmp_path / "results" / "small"
    return call


def test_runs_of_one_junction_share_their_theory(study, count_jobs):
    process = study(CONFIG + SWEEP.format([2, 2], [1, 2]))
    assert process.returncode == 0, process.stdout
    jobs = count_jobs(process)
    assert (jobs["simulate_run"], jobs["predict_theory"], jobs["collect_theory"]) == (2, 1, 1)

    grown = study(
        CONFIG + SWEEP.format([4, 2, 2], [1, 1, 2])
    )  # another junction, before those that are there
    assert grown.returncode == 0, grown.stdout
    jobs = count_jobs(grown)
    assert (jobs["simulate_run"], jobs["predict_theory"]) == (1, 1)
    theory = pd.read_csv(study.results / "theory.csv")
    assert list(theory.columns) == ["run", "key", "R_two_probe", "R_four_probe", "R_nemd", "status"]
    assert list(theory["run"]) == list(pd.read_csv(study.results / "runs.csv")["run"])
    assert set(theory["status"]) == {"done"} and theory["key"].nunique() == 2
    assert theory["R_nemd"].tolist() == pytest.approx([4.096, 1.7626, 1.7626], abs=5e-4)
    for key in set(theory["key"]):
        directory = study.results / "theory" / key
        assert json.loads((directory / "predict.json").read_text())["theory_hash"].startswith(key[2:])
        assert (directory / "transmission.png").stat().st_size > 0
    summary = pd.read_csv(study.results / "summary.csv")
    assert summary["R_nemd"].tolist() == pytest.approx(theory["R_nemd"].tolist())

    samples = {path: path.stat().st_mtime_ns for path in study.results.glob("r-*/samples.h5")}
    without = study(CONFIG + "theory: null\n" + SWEEP.format([4, 2, 2], [1, 1, 2]))
    assert without.returncode == 0, without.stdout
    assert "predict_theory" not in count_jobs(without)
    assert not (study.results / "theory.csv").exists()
    assert len(samples) == 3  # of the same runs, not simulated again
    assert {path: path.stat().st_mtime_ns for path in study.results.glob("r-*/samples.h5")} == samples


def test_theory_that_fails_fails_no_study_and_points_of_limits_need_none(study, count_jobs):
    process = study(CONFIG + TOO_SHORT)
    assert process.returncode == 0, process.stdout
    assert (count_jobs(process)["simulate_run"], count_jobs(process)["predict_theory"]) == (4, 2)
    theory = pd.read_csv(study.results / "theory.csv")
    assert theory["status"].str.startswith("failed: structure.length.A: ").tolist() == [True, False]
    assert theory["R_nemd"].isna().tolist() == [True, False]
    assert (study.results / "complete").exists()
    directory = study.results / "theory" / theory["key"][0]
    outcome = json.loads((directory / "predict_theory.json").read_text())
    assert outcome["status"] == "failed" and not (directory / "predict.json").exists()
