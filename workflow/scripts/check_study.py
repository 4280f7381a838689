"""Fail, naming them, if there are runs without a result."""

import sys

from jobs import start_job

start_job(snakemake)

import pandas as pd

summary = pd.read_csv(snakemake.input.summary)
without = summary[summary["status"] != "done"]
for row in without.itertuples():
    print(f"{row.run}: {row.status}")
sys.exit(f"{len(without)} of {len(summary)} runs have no result" if len(without) else 0)
