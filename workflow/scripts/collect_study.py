"""Write summary.csv: one row per run, whatever became of it."""

from pathlib import Path

from jobs import start_job

start_job(snakemake)

from analysis import collect, format_study

print(format_study(collect(Path(snakemake.output[0]).parent)))
