"""Command line: `python -m analysis fit DIR`, `collect STUDYDIR`, `plot DIR`."""

import argparse
import sys
from pathlib import Path

from nemd_core.errors import NemdError

from .figures import FORMATS, UNIT_SYSTEMS
from .interface import INTERFACE, fit_run
from .study import collect, plot_run, plot_study
from .tables import format_study


def main(arguments=None) -> int:
    """Return the exit status: 0 done, 2 bad input (one line on standard error)."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "fit":
            print(fit_run(options.directory).summary())
        elif options.command == "collect":
            print(format_study(collect(options.directory)))
        else:
            plot = plot_run if (Path(options.directory) / INTERFACE).exists() else plot_study
            for path in plot(options.directory, options.format, options.units):
                print(path)
    except (NemdError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return NemdError.exit_status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis", description="From samples to R_K.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("fit", "analyse a run: write profile.csv, interface.json and profile.png into its directory"),
        ("collect", "write summary.csv of a study, and pooled.csv where seeds are swept; print them"),
        ("plot", "write the figures of a study, or those of a run"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory")
        if name == "plot":
            command.add_argument("--format", nargs="+", choices=FORMATS, default=["png", "pdf"])
            command.add_argument("--units", choices=UNIT_SYSTEMS, default="reduced")
    return parser


if __name__ == "__main__":
    sys.exit(main())
