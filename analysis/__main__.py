"""Command line: `python -m analysis fit DIR`, `collect STUDYDIR`, `plot DIR`, `report STUDYDIR`."""

import argparse
import sys
from pathlib import Path

from nemd_core.errors import NemdError, StorageError
from nemd_core.storage import CONFIG

from .figures import FORMATS, UNIT_SYSTEMS
from .interface import FIGURE, INTERFACE, PROFILE, fit_run
from .report import write_report
from .study import RUNS, collect, plot_run, plot_study
from .tables import format_study

COMMANDS = {"study": ("collect", "plot", "report"), "run": ("fit", "plot")}
"""What can be done with a directory, by what it holds."""


def main(arguments=None) -> int:
    """Return the exit status: 0 done, 2 bad input (one line on standard error)."""
    options = _parser().parse_args(arguments)
    try:
        _refuse_other_kind(options.command, options.directory)
        if options.command == "fit":
            print(fit_run(options.directory).summary())
            print(f"written to {options.directory}: {PROFILE}, {INTERFACE}, {FIGURE}", end="; ")
            print(f"more figures: python -m analysis plot {options.directory}")
        elif options.command == "collect":
            print(format_study(collect(options.directory)))
        elif options.command == "report":
            print(write_report(options.directory))
        else:
            for path in _plot(Path(options.directory), options.format, options.units):
                print(path)
    except (NemdError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return NemdError.exit_status
    return 0


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
        ("plot", "write the figures of a study, or those of a run"),
        ("report", "write report.html of a study, with the figures that are there"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory")
        if name == "plot":
            command.add_argument("--format", nargs="+", choices=FORMATS, default=["png", "pdf"])
            command.add_argument("--units", choices=UNIT_SYSTEMS, default="reduced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
