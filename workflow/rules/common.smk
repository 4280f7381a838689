# What the rules share: the study, the environment of the scripts, the resources of a run, the words at the end.
import hashlib
import json
import math
import os
import sys
from dataclasses import asdict
from pathlib import Path

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(workflow.basedir) / ".cache" / "numba"))
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

from nemd_core.config import dump_config, dynamics_hash, load_study
from nemd_core.crystals import crystals_of
from nemd_core.errors import EXIT_BAD_INPUT, NemdError
from nemd_core.lattice import find_lattice
from nemd_core.theory.prediction_files import theory_key


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


def name_figure(limit):
    """The figure of a limit, without suffix, as `limit_figure` of analysis/tables.py has it."""
    return f"limit_{limit.name}_{limit.parameter}" if limit.name == "bath" else f"limit_{limit.name}"


STUDY = read_study()
STUDY_FILE = str(workflow.configfiles[0])
STUDY_DIR = f"results/{STUDY.name}"
CRYSTALS = {crystal.key: crystal for point in STUDY.points for crystal in crystals_of(point.config)}
CONFIGS = {point.run_id: point.config for point in STUDY.points}
OUTCOMES = ("simulate_run.json", "analyse_run.json")
LIMITS_FILE = {"limits": f"{STUDY_DIR}/limits.json"} if STUDY.limits else {}
BASES = {limit.base for limit in STUDY.limits} or set(CONFIGS)
THEORY_KEYS = {run: theory_key(CONFIGS[run]) for run in CONFIGS if run in BASES and CONFIGS[run].theory}
THEORIES = {key: CONFIGS[run] for run, key in THEORY_KEYS.items()}
THEORY_FILE = {"theory": f"{STUDY_DIR}/theory.csv"} if THEORIES else {}
LIMIT_FIGURES = sorted({name_figure(limit) for limit in STUDY.limits})


wildcard_constraints:
    run=r"r-[0-9a-f]{10}",
    crystal=r"[a-z]+-[0-9a-f]+",
    key=r"t-[0-9a-f]{10}",


def digest_study():
    """Changes with the text of the config file, and with the points and their order, which a table may hold."""
    points = [(point.run_id, point.values) for point in STUDY.points]
    return hashlib.sha256(repr((Path(STUDY_FILE).read_text(encoding="utf-8"), points)).encode()).hexdigest()


def crystal_files(crystals):
    return [f"{STUDY_DIR}/crystals/{crystal.key}.json" for crystal in crystals]


def get_bulk_crystals(wildcards):
    """What a crystal strained to the junction's lateral constant needs: the bulk constants of both sides."""
    return crystal_files(CRYSTALS[wildcards.crystal].bulk)


def get_building_material(wildcards):
    """What a structure is made of: a file of the user's, and the crystals of `lattice_constant: auto`."""
    config = CONFIGS[wildcards.run]
    material = {"crystals": crystal_files(crystals_of(config))}
    return material | ({"structure": config.structure.file} if config.structure.file else {})


def get_theory_material(wildcards):
    """What a junction is made of. Its configuration is found in the study by its key: runs that share it come and go."""
    config = THEORIES[wildcards.key]
    material = {"study": ancient(STUDY_FILE), "crystals": crystal_files(crystals_of(config))}
    return material | ({"structure": config.structure.file} if config.structure.file else {})


def find_leaders():
    """dynamics_hash -> the first run of the study that has it."""
    leaders = {}
    for run, config in CONFIGS.items():
        leaders.setdefault(dynamics_hash(config), run)
    return leaders


LEADERS = find_leaders()


def get_leader(wildcards):
    """What a run waits for if it only fits differently: the outcome of the run whose samples it will share."""
    leader = LEADERS[dynamics_hash(CONFIGS[wildcards.run])]
    return [] if leader == wildcards.run else ancient(f"{STUDY_DIR}/{leader}/simulate_run.json")


def count_sites(wildcards):
    """Lattice sites of a run, all replicas, walls included."""
    config = CONFIGS[wildcards.run]
    structure = config.structure
    columns = math.prod(structure.cross_section or (1,))
    n_basis = len(find_lattice(structure.lattice, structure.orientation).basis)
    return (structure.length.A + structure.length.B) * columns * n_basis * config.run.replicas


def get_threads(wildcards):
    return CONFIGS[wildcards.run].run.threads


def count_production_steps(run):
    """Steps of production, at most: with `run.until` they are known only at the end."""
    return run.until.max_steps if run.until else run.production_steps


def get_memory(wildcards):
    """Megabytes: Python with its libraries, and generously what a site and the series of all replicas need."""
    config = CONFIGS[wildcards.run]
    structure = config.structure
    lattice = find_lattice(structure.lattice, structure.orientation)
    layers = (structure.length.A + structure.length.B) * lattice.layers_per_cell
    rows = count_production_steps(config.run) / config.run.series_steps * config.run.replicas
    # temperature, displacement and flux of each layer, 8 bytes each, and copies of them all
    held = 4 * rows * (3 * layers + 10) * 8
    return 1000 + math.ceil(count_sites(wildcards) / 500 + held / 1e6)


def get_runtime(wildcards):
    """Minutes: compilation, and the run at a quarter of the usual speed."""
    run = CONFIGS[wildcards.run].run
    steps = run.equilibration_steps + count_production_steps(run)
    seconds = steps * count_sites(wildcards) / (3e6 * run.threads)
    return 15 + math.ceil(seconds / 60)


def count_coupled(config):
    """Sites that move together in one lateral cell: of all rows where they differ, else of one conventional cell."""
    structure = config.structure
    disordered = structure.file or structure.interface.kind != "sharp"
    columns = math.prod(structure.cross_section or (1,)) if disordered else 1
    lattice = find_lattice(structure.lattice, structure.orientation)
    return columns * len(lattice.basis)


def get_theory_memory(wildcards):
    """Megabytes: Python with its libraries, and blocks of three degrees of freedom for each of a few layers of cells."""
    return 2000 + math.ceil(40 * (12 * count_coupled(THEORIES[wildcards.key])) ** 2 * 16 / 1e6)


def get_theory_runtime(wildcards):
    """Minutes, several times what was measured: 4 for a rough cross-section of 100 sites a cell."""
    return 15 + math.ceil((count_coupled(THEORIES[wildcards.key]) / 40) ** 3)


def show_study():
    """Print the table of results and where to look, as far as the study has got."""
    from analysis import format_limits, format_study, load_study as load_results, read_limits

    study_dir = Path(STUDY_DIR)
    if not (study_dir / "summary.csv").exists():
        return
    print(f"\n{format_study(load_results(study_dir))}\n")
    limits = read_limits(study_dir)
    if limits is not None:
        print(f"Limits\n{format_limits(limits)}\n")
    for what, name in (
        ("report", "report.html"),
        ("table", "summary.csv"),
        ("limits", "limits.csv"),
        ("theory", "theory.csv"),
    ):
        if (study_dir / name).exists():
            print(f"{what:<8} {STUDY_DIR}/{name}")
    figures = sorted(path.name for path in study_dir.glob("[!.]*") if path.suffix in (".png", ".pdf"))
    print(f"figures  {STUDY_DIR}/{', '.join([*figures, 'r-*/profile.png, running.png of each run'])}")


def close_failed_study():
    """After a failure: tables and figures of what there is; failed runs' outcomes are removed, so that a rerun tries them."""
    from analysis import collect, extrapolate, plot_limits

    study_dir = Path(STUDY_DIR)
    try:
        if (study_dir / "runs.csv").exists():
            collect(study_dir)
            if (study_dir / "limits.json").exists():
                extrapolate(study_dir)
                plot_limits(study_dir)
            show_study()
    finally:
        for path in (study_dir / run / name for run in CONFIGS for name in OUTCOMES):
            if path.exists() and json.loads(path.read_text())["status"] != "done":
                path.unlink()
    print("Not everything went well; what failed is tried again by the next call.", file=sys.stderr)
