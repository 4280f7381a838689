"""Fit one run: profile.csv, interface.json, profile.png, running.png. A run that failed passes its reason on."""

from pathlib import Path

from jobs import read_outcome, start_job, write_outcome

start_job(snakemake)

from analysis import fit_run, plot_run
from nemd_core.errors import NemdError

directory = Path(snakemake.input.outcome).parent
for pattern in ("profile.*", "running.*", "interface.json"):  # of an earlier result
    for path in directory.glob(pattern):
        path.unlink()
with write_outcome(snakemake.output.outcome):
    simulated = read_outcome(snakemake.input.outcome)
    if simulated["status"] != "done":
        raise NemdError(simulated["message"])
    print(fit_run(directory).summary())
    plot_run(directory, formats=["png"])
