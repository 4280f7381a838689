"""Run the molecular dynamics of one point, unless it or another run of the study has it: samples.h5 and run.json."""

from jobs import start_job, write_outcome

start_job(snakemake)

from pathlib import Path

from nemd_core import reuse, run
from nemd_core.config import config_hash, load_config
from nemd_core.storage import RUN_INFO, write_json

config = load_config(snakemake.input.config, {"run.threads": snakemake.threads})
directory = Path(snakemake.input.config).parent
with write_outcome(snakemake.output.outcome) as outcome:
    shared = reuse(config, directory, sorted(directory.parent.glob("r-*")))
    if shared:
        print(f"nothing to simulate: {shared.name} has the same dynamics")
    estimate = None
    if config.run.until:
        from analysis.until import make_estimator  # takes a second to import, and other runs do without

        estimate = make_estimator(config)
    run(config, directory, resume=True, estimate=estimate)
if outcome["status"] != "done" and not (directory / RUN_INFO).exists():  # not physics: the engine had no say
    write_json(directory / RUN_INFO, outcome | {"config_hash": config_hash(config)})
