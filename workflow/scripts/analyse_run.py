"""Fit one run: profile.csv, interface.json, profile.png. A run that failed passes its reason on."""

from pathlib import Path

from jobs import read_outcome, start_job, write_outcome

start_job(snakemake)

from analysis import fit_run
from nemd_core.errors import NemdError

directory = Path(snakemake.input.outcome).parent
for name in ("profile.csv", "interface.json", "profile.png"):  # of an earlier result
    (directory / name).unlink(missing_ok=True)
with write_outcome(snakemake.output.outcome):
    simulated = read_outcome(snakemake.input.outcome)
    if simulated["status"] != "done":
        raise NemdError(simulated["message"])
    print(fit_run(directory).summary())
