"""Write what a run starts from: its resolved config, its structure for the eye and for other codes."""

import shutil
from pathlib import Path

from jobs import start_job

start_job(snakemake)

from nemd_core import prepare
from nemd_core.config import STRUCTURE_INPUT, load_config
from nemd_core.crystals import crystals_of, read_store
from nemd_core.storage import atomic, write_text

config_path = Path(snakemake.output.config)
if snakemake.input.get("structure"):  # config.yaml names the copy beside it
    with atomic(config_path.parent / STRUCTURE_INPUT) as temporary:
        shutil.copyfile(snakemake.input.structure, temporary)
write_text(config_path, snakemake.params.config)
config = load_config(config_path)
prepare(config, config_path.parent, read_store(snakemake.params.crystals, crystals_of(config)) or None)
