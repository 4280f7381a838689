"""Write runs.csv: run and swept values, one line per point, in the order of the sweep; and a copy of the config file."""

import shutil

from jobs import start_job

start_job(snakemake)

import pandas as pd

from nemd_core.config import load_study
from nemd_core.storage import atomic

study = load_study(snakemake.input[0])
rows = [{"run": point.run_id} | point.values for point in study.points]
with atomic(snakemake.output.runs) as temporary:
    pd.DataFrame(rows, columns=["run", *study.swept_keys]).to_csv(temporary, index=False)
with atomic(snakemake.output.config) as temporary:
    shutil.copyfile(snakemake.input[0], temporary)
