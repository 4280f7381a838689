"""Write report.html: the whole study in one file that needs no network."""

from pathlib import Path

from jobs import start_job

start_job(snakemake)

from analysis.report import write_report

write_report(Path(snakemake.input.summary).parent)
