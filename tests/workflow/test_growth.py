"""A study that grows computes what is new, and nothing else."""

import json
import shutil

from studies import write_chain

HEADER = "run.seed,fit.skip_bath\n"
TWO = "1,2\n1,4\n"
"""The second only fits differently: it waits for the first, and shares its samples."""


def test_a_study_of_two_runs_extended_to_four_computes_two(tmp_path, snakemake, dry_run, count_jobs):
    config, table = tmp_path / "seeds.yaml", tmp_path / "points.csv"
    write_chain(config, sweep={"table": table.name})
    table.write_text(HEADER + TWO)
    first = snakemake(tmp_path, config, "--until", "collect_study")
    assert first.returncode == 0, first.stdout
    assert count_jobs(first)["simulate_run"] == 2
    results = tmp_path / "results" / "seeds"

    def origins():
        names = [line.split(",")[0] for line in (results / "runs.csv").read_text().splitlines()[1:]]
        infos = [json.loads((results / name / "run.json").read_text()) for name in names]
        return names, [info.get("reused_from") for info in infos]

    names, reused = origins()
    assert reused == [None, names[0]]
    files = {path: path.stat().st_mtime_ns for path in results.glob("r-*/**/*") if path.is_file()}

    table.write_text(HEADER + TWO + "2,2\n1,3\n")  # the config file itself stays as it is
    second = snakemake(tmp_path, config, "--until", "collect_study")
    assert second.returncode == 0, second.stdout
    jobs = count_jobs(second)
    assert [jobs[rule] for rule in ("build_structure", "simulate_run", "analyse_run")] == [2, 2, 2]
    assert {path: path.stat().st_mtime_ns for path in files} == files
    assert len((results / "summary.csv").read_text().splitlines()) == 5
    names, reused = origins()
    assert reused == [None, names[0], None, names[0]]

    # of a study that has its results, a run whose directory was removed is the only one that would be computed again
    shutil.rmtree(results / names[2])
    assert count_jobs(dry_run(tmp_path, config))["simulate_run"] == 1
