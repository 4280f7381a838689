"""Write limits.csv and the figures of a study's limits."""

from pathlib import Path

from jobs import start_job

start_job(snakemake)

from analysis import extrapolate, format_limits, plot_limits

study_dir = Path(snakemake.output.table).parent
print(format_limits(extrapolate(study_dir)))
plot_limits(study_dir)
