"""Command line: `python -m analysis fit DIR`, `collect STUDYDIR`, `plot STUDYDIR`."""

import argparse
import sys

from nemd_core.errors import NemdError

from .interface import fit_run
from .study import collect, format_study, plot_study


def main(arguments=None) -> int:
    """Return the exit status: 0 done, 2 bad input (one line on standard error)."""
    parser = argparse.ArgumentParser(prog="python -m analysis", description="From samples to R_K.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("fit", "analyse a run: write profile.csv, interface.json and profile.png into its directory"),
        ("collect", "write summary.csv of a study and print it"),
        ("plot", "write the sweep figure of a study"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory")
    options = parser.parse_args(arguments)
    try:
        if options.command == "fit":
            print(fit_run(options.directory).summary())
        elif options.command == "collect":
            print(format_study(collect(options.directory)))
        else:
            print(plot_study(options.directory))
    except (NemdError, OSError) as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return NemdError.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
