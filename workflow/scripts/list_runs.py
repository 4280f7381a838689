"""Write runs.csv: one line per point, run and values, in the order of the study; limits.json; a copy of the config file.

limits.json holds what the study's `limits` are made of, {"limits": [the fields of `nemd_core.config.Limit`, ...]}; a
study without them has none.
"""

import shutil
from pathlib import Path

from jobs import start_job

start_job(snakemake)

import pandas as pd

from nemd_core.config import load_study
from nemd_core.storage import atomic, write_json

study = load_study(snakemake.input[0])
rows = [{"run": point.run_id} | point.values for point in study.points]
with atomic(snakemake.output.runs) as temporary:
    pd.DataFrame(rows, columns=["run", *study.points[0].values], dtype=object).to_csv(temporary, index=False)
limits = Path(snakemake.output.runs).with_name("limits.json")
if study.limits:
    write_json(limits, {"limits": [limit._asdict() for limit in study.limits]})
else:  # of an earlier form of this study
    limits.unlink(missing_ok=True)
if not any(point.config.theory for point in study.points):
    Path(snakemake.output.runs).with_name("theory.csv").unlink(missing_ok=True)
with atomic(snakemake.output.config) as temporary:
    shutil.copyfile(snakemake.input[0], temporary)
