"""Find the lattice constant of one crystal without stress."""

import sys
from pathlib import Path

from jobs import start_job

start_job(snakemake)

from nemd_core.crystals import Crystal, read_store
from nemd_core.errors import NemdError
from nemd_core.relaxation import relax_crystal
from nemd_core.storage import write_json

crystal = Crystal(**snakemake.params.crystal)
store = Path(snakemake.output[0]).parent
try:
    write_json(snakemake.output[0], relax_crystal(crystal, read_store(store, crystal.bulk)))
except NemdError as error:
    sys.exit(str(error))
