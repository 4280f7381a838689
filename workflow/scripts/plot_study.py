"""Plot R_K against the swept values."""

from pathlib import Path

from jobs import start_job

start_job(snakemake)

from analysis import plot_study

plot_study(Path(snakemake.input.summary).parent)
