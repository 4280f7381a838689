"""Command line: `python -m analysis fit DIR`, `collect STUDYDIR`, `limits STUDYDIR`, `plot DIR`, `report STUDYDIR`,
`theory DIR`, `bench`."""

import argparse
import sys
from pathlib import Path

from nemd_core.config import load_config
from nemd_core.config_yaml import parse_overrides
from nemd_core.errors import NemdError, StorageError
from nemd_core.storage import CONFIG

from .bench import bench
from .figures import FORMATS, UNIT_SYSTEMS
from .interface import FIGURE, INTERFACE, PROFILE, fit_run
from .limits import TABLE, extrapolate, format_limits
from .plots_limits import plot_limits
from .plots_theory import plot_prediction
from .report import write_report
from .study import RUNS, collect, plot_run, plot_study
from .tables import format_study

COMMANDS = {"study": ("collect", "limits", "plot", "report"), "run": ("fit", "plot")}
"""What can be done with a directory, by what it holds."""
BENCH_CONFIG, BENCH_POINT = "configs/default.yaml", {"materials.B.mass": 4}
"""What `bench` runs unless told otherwise."""


def main(arguments=None) -> int:
    """Return the exit status: 0 done, 2 bad input (one line on standard error)."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "bench":
            print(_bench(options))
            return 0
        if options.command == "theory":
            print(*plot_prediction(options.directory, *_look(options)), sep="\n")
            return 0
        _refuse_other_kind(options.command, options.directory)
        if options.command == "fit":
            print(fit_run(options.directory).summary())
            print(f"written to {options.directory}: {PROFILE}, {INTERFACE}, {FIGURE}", end="; ")
            print(f"more figures: python -m analysis plot {options.directory}")
        elif options.command == "collect":
            print(format_study(collect(options.directory)))
        elif options.command == "limits":
            print(format_limits(extrapolate(options.directory)), end="\n\n")
            for path in [Path(options.directory) / TABLE, *plot_limits(options.directory, *_look(options))]:
                print(path)
        elif options.command == "report":
            print(write_report(options.directory))
        else:
            for path in _plot(Path(options.directory), *_look(options)):
                print(path)
    except (NemdError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return NemdError.exit_status
    return 0


def _bench(options) -> str:
    overrides = parse_overrides(options.set)
    if options.config is None:
        options.config, overrides = BENCH_CONFIG, BENCH_POINT | overrides
    config = load_config(options.config, overrides)
    return bench(config, options.relative_error, options.lammps_steps, options.ranks)


def _look(options) -> tuple:
    """Formats and units of figures."""
    return options.format, options.units


def _kind(directory) -> str | None:
    """Whether a directory holds a study or a run."""
    if (Path(directory) / RUNS).is_file():
        return "study"
    return "run" if (Path(directory) / CONFIG).is_file() else None


def _refuse_other_kind(command: str, directory) -> None:
    """Raise StorageError for a run where a study is needed or the other way round, with what can be done with it."""
    kind = _kind(directory)
    if kind and command not in COMMANDS[kind]:
        *others, last = COMMANDS[kind]
        needed = "run" if kind == "study" else "study"
        raise StorageError(
            f"{directory}: holds no {needed}; it is a {kind}: use {', '.join(others)} or {last}"
        )


def _plot(directory: Path, formats, units) -> list[Path]:
    """Write the figures of a study or of a run, whichever the directory holds."""
    kind = _kind(directory)
    if kind is None:
        raise StorageError(f"{directory}: holds neither a study ({RUNS}) nor a run ({CONFIG})")
    return (plot_study if kind == "study" else plot_run)(directory, formats, units)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="From samples to R_K.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("fit", "analyse a run: write profile.csv, interface.json and profile.png into its directory"),
        ("collect", "write summary.csv of a study, and pooled.csv where seeds are swept; print them"),
        (
            "limits",
            "write limits.csv and the figures of a study's limits; print the table with its suggestions",
        ),
        ("plot", "write the figures of a study, or those of a run"),
        ("report", "write report.html of a study, with the figures that are there"),
        ("theory", "write the figures of a prediction (python -m nemd_core predict) into its directory"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory")
        if name in ("limits", "plot", "theory"):
            command.add_argument("--format", nargs="+", choices=FORMATS, default=["png", "pdf"])
            command.add_argument("--units", choices=UNIT_SYSTEMS, default="reduced")
    _add_bench(commands)
    return parser


def _add_bench(commands) -> None:
    text = "how long this engine and LAMMPS take until R_K is known to a given error (needs `lmp`: make peer)"
    command = commands.add_parser("bench", help=text, description=text)
    point = " ".join(f"{key}={value}" for key, value in BENCH_POINT.items())
    command.add_argument("config", nargs="?", help=f"YAML file; default: {BENCH_CONFIG} with {point}")
    command.add_argument("--set", metavar="a.b=v", action="append", default=[], help="replace a value")
    command.add_argument("--relative-error", type=float, default=0.03, help="of R_K, 68 %%; default: 0.03")
    command.add_argument("--lammps-steps", type=int, help="production of LAMMPS; default: that of the file")
    command.add_argument("--ranks", type=int, default=2, help="cores that each code uses; default: 2")


if __name__ == "__main__":
    sys.exit(main())
