"""Write the resolved config of a run, and its structure for the eye and for other codes."""

from jobs import start_job

start_job(snakemake)

from nemd_core import build
from nemd_core.config import load_config
from nemd_core.storage import write_structure, write_text

write_text(snakemake.output.config, snakemake.params.config)
write_structure(snakemake.output.structure, build(load_config(snakemake.output.config)).to_ase())
