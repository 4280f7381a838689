"""A study that grows computes what is new, and nothing else."""

import json
import shutil

from studies import write_chain

HEADER = "run.seed,fit.skip_bath\n"
FOUR = "1,2\n2,2\n3,2\n3,4\n"
"""The last one only fits differently: it waits for the third, and shares its samples."""


def test_a_study_of_four_runs_extended_to_eight_computes_four(tmp_path, snakemake, dry_run, count_jobs):
    config, table = tmp_path / "seeds.yaml", tmp_path / "points.csv"
    write_chain(config, sweep={"table": table.name})
    table.write_text(HEADER + FOUR)
    first = snakemake(tmp_path, config, "--until", "collect_study")
    assert first.returncode == 0, first.stdout
    assert count_jobs(first)["simulate_run"] == 4
    results = tmp_path / "results" / "seeds"
    names = [line.split(",")[0] for line in (results / "runs.csv").read_text().splitlines()[1:]]
    origins = [json.loads((results / name / "run.json").read_text()).get("reused_from") for name in names]
    assert origins == [None, None, None, names[2]]
    files = {path: path.stat().st_mtime_ns for path in results.glob("r-*/**/*") if path.is_file()}

    table.write_text(HEADER + FOUR + "4,2\n5,2\n6,2\n1,4\n")  # the config file itself stays as it is
    second = snakemake(tmp_path, config)
    assert second.returncode == 0, second.stdout
    jobs = count_jobs(second)
    assert [jobs[rule] for rule in ("build_structure", "simulate_run", "analyse_run")] == [4, 4, 4]
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len((results / "summary.csv").read_text().splitlines()) == 9

    # of a finished study, a run whose directory was removed is the only one that would be computed again
    shutil.rmtree(results / names[1])
    assert count_jobs(dry_run(tmp_path, config))["simulate_run"] == 1
