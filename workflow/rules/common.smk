# What the rules share: the study, the environment of the scripts, the resources of a run.
import json
import math
import os
import sys
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(workflow.basedir) / ".cache" / "numba"))
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from nemd_core.config import dump_config, load_study
from nemd_core.errors import EXIT_BAD_INPUT, NemdError
from nemd_core.lattice import LATTICES


def read_study():
    """The study of the config file; a bad one ends here, one line per problem, before anything is written."""
    if len(workflow.configfiles) != 1:
        refuse("--configfile: more than one: a study has exactly one config file")
    if workflow.config_settings.config:
        refuse("--config: not read: the config file alone says what the study is")
    try:
        return load_study(workflow.configfiles[0])
    except NemdError as error:
        refuse(f"{workflow.configfiles[0]} is refused\n{error}")


def refuse(lines):
    print(lines, file=sys.stderr)
    sys.exit(EXIT_BAD_INPUT)


STUDY = read_study()
STUDY_FILE = str(workflow.configfiles[0])
STUDY_DIR = f"results/{STUDY.name}"
CONFIGS = {point.run_id: point.config for point in STUDY.points}
OUTCOMES = ("simulate_run.json", "analyse_run.json")


wildcard_constraints:
    run=r"r-[0-9a-f]{10}",


def count_sites(wildcards):
    """Lattice sites of a run, all replicas, walls included."""
    config = CONFIGS[wildcards.run]
    structure = config.structure
    columns = math.prod(structure.cross_section or (1,))
    n_basis = len(LATTICES[structure.lattice].basis)
    return (structure.length.A + structure.length.B) * columns * n_basis * config.run.replicas


def get_threads(wildcards):
    return CONFIGS[wildcards.run].run.threads


def get_memory(wildcards):
    """Megabytes: Python with its libraries, and generously what a site and its series need."""
    return 1000 + math.ceil(count_sites(wildcards) / 500)


def get_runtime(wildcards):
    """Minutes: compilation, and the run at a quarter of the usual speed."""
    run = CONFIGS[wildcards.run].run
    steps = run.equilibration_steps + run.production_steps
    seconds = steps * count_sites(wildcards) / (3e6 * run.threads)
    return 15 + math.ceil(seconds / 60)


def close_failed_study():
    """After a failure: a summary of what there is, and the failed runs' outcomes removed so that a rerun tries them."""
    from analysis import collect

    study_dir = Path(STUDY_DIR)
    if (study_dir / "runs.csv").exists():
        table = collect(study_dir)
        for row in table[table["status"] != "done"].itertuples():
            print(f"{row.run}: {row.status}", file=sys.stderr)
    for path in (study_dir / run / name for run in CONFIGS for name in OUTCOMES):
        if path.exists() and json.loads(path.read_text())["status"] != "done":
            path.unlink()
    print(
        f"Runs that failed are listed in {STUDY_DIR}/summary.csv; a rerun tries them again.", file=sys.stderr
    )
