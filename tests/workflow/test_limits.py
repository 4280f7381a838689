"""A study with limits through the whole pipeline, and what is left of them when the config asks for none."""

import json

import pandas as pd
from studies import write_chain

LIMITS = {"timestep": {"timestep": [0.01]}, "bath": {"ramp": [True]}}
TOO_COARSE = 0.05
"""A time step at which physics stops the run."""
FILES = {"limits.csv"} | {
    f"limit_{name}.{kind}" for name in ("timestep", "bath_ramp") for kind in ("png", "pdf")
}


def test_limits_are_taken_shown_and_removed(tmp_path, snakemake, count_jobs):
    config = tmp_path / "small.yaml"
    write_chain(config, limits=LIMITS)
    process = snakemake(tmp_path, config)
    assert process.returncode == 0, process.stdout
    jobs = count_jobs(process)
    assert jobs["simulate_run"] == 3 and jobs["extrapolate_limits"] == 1
    results = tmp_path / "results" / "small"
    assert all((results / name).stat().st_size > 0 for name in FILES)
    limits = json.loads((results / "limits.json").read_text())["limits"]
    assert [limit["parameter"] for limit in limits] == ["timestep", "ramp"]
    table = pd.read_csv(results / "limits.csv")
    suggestions = table["note"][table["quantity"] == "suggestion"]
    assert len(suggestions) == 2 and all(text in process.stdout for text in suggestions)
    assert 'id="limits-heading"' in (results / "report.html").read_text()

    write_chain(config, limits=LIMITS | {"timestep": {"timestep": [0.01, TOO_COARSE]}})
    process = snakemake(tmp_path, config)
    assert process.returncode != 0 and "Traceback" not in process.stdout, process.stdout
    assert count_jobs(process)["simulate_run"] == 1
    table = pd.read_csv(results / "limits.csv")
    (notes,) = table["note"][(table["limit"] == "timestep") & (table["quantity"] == "R_K")]
    (lost,) = [note for note in notes.split("; ") if note.startswith("no R_K: ")]
    assert lost.endswith(f"{TOO_COARSE}") and lost in process.stdout
    figure = results / "limit_timestep.png"
    assert figure.stat().st_mtime_ns > (results / "limits.csv").stat().st_mtime_ns  # both show the same runs
    assert not (results / "complete").exists()

    write_chain(config)
    process = snakemake(tmp_path, config)
    assert process.returncode == 0, process.stdout
    assert not {"simulate_run", "extrapolate_limits"} & set(count_jobs(process))
    assert not list(results.glob("limit*"))
    assert 'id="limits-heading"' not in (results / "report.html").read_text()
    assert len(pd.read_csv(results / "summary.csv")) == 1
