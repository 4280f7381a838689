"""Every shipped config is valid and gives a workflow; a bad one ends with its problems and nothing else."""

from pathlib import Path

import pytest

from nemd_core.config import load_study

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_config_dry_runs(path, tmp_path, dry_run, count_jobs):
    n_points = len(load_study(path).points)
    process = dry_run(tmp_path, path)
    assert process.returncode == 0, process.stdout
    assert count_jobs(process)["simulate_run"] == n_points >= 1
    assert not (tmp_path / "results").exists()


def test_default_is_shipped():
    assert ROOT / "configs" / "default.yaml" in CONFIGS


def test_bad_config_ends_with_its_problems(tmp_path, snakemake):
    config = tmp_path / "bad.yaml"
    text = (ROOT / "configs" / "default.yaml").read_text()
    config.write_text(text.replace("units: lj", "units: furlong").replace("friction:", "fricton:"))
    process = snakemake(tmp_path, config)
    assert process.returncode == 2
    lines = process.stdout.splitlines()
    assert any(line.startswith("units: furlong: ") for line in lines), process.stdout
    assert any(line.startswith("baths.fricton: ") for line in lines), process.stdout
    assert "Traceback" not in process.stdout and "File " not in process.stdout
    assert not (tmp_path / "results").exists()


def test_config_override_is_refused(tmp_path, snakemake):
    process = snakemake(tmp_path, ROOT / "configs" / "default.yaml", "--dry-run", "--config", "name=other")
    assert process.returncode == 2
    assert "--config: not read" in process.stdout
