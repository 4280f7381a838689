"""Command line: python -m nemd_core check | run | predict | bench | schema."""

import argparse
import sys

from .commands_config import add_check, add_one_config, add_schema
from .commands_predict import add_predict
from .errors import EXIT_BAD_INPUT, NemdError


def add_run(subparsers) -> None:
    """Register `run CONFIG -o DIR`."""
    parser = subparsers.add_parser(
        "run",
        help="one run, without Snakemake",
        description="Run one configuration. Exit status: 0 done, 2 bad input, 3 stopped by physics, 75 stopped by "
        "SIGTERM (--resume goes on from its checkpoint).",
    )
    add_one_config(parser, "directory of the run")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep a finished run, go on with an unfinished one from its checkpoint, start one that is not there",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the run that DIR holds")
    parser.set_defaults(func=command_run)


def command_run(args) -> int:
    """Run, and say in a few lines where the results are."""
    from .config import load_config
    from .config_yaml import parse_overrides
    from .runs import run

    config = load_config(args.config, parse_overrides(args.set))
    estimate = None
    if config.run.until:
        from analysis.until import make_estimator  # here alone: the engine does without the analysis

        estimate = make_estimator(config)
    result = run(config, args.output, resume=args.resume, overwrite=args.overwrite, estimate=estimate)
    info = result.info
    if result.kept:
        print(f"{result.directory}: kept, as it holds the finished run of this configuration")
        return 0
    print(f"{result.directory}: {info['steps']} steps of {info['moving_atoms']} moving atoms done", end=" ")
    print(f"({info['atom_steps_per_s'] / 1e6:.1f} million atom-steps/s)")
    if info["until"]:
        print(info["until"]["message"])
    print(f"next: python -m analysis fit {result.directory}")
    return 0


def add_bench(subparsers) -> None:
    """Register `bench [--against lammps]`."""
    parser = subparsers.add_parser(
        "bench",
        help="atom-steps per second on this machine",
        description="Measure atom-steps per second on this machine, next to a peer in the same call if asked.",
    )
    parser.add_argument("--against", choices=["lammps"], help="also run the peer (needs `lmp` on the PATH)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="thread counts to measure")
    parser.add_argument("--repeats", type=int, default=3, help="measurements per case; the median is printed")
    parser.add_argument(
        "--sizes",
        type=float,
        nargs="*",
        default=[1e3, 1e4, 1e5, 1e6],
        metavar="ATOMS",
        help="crystals to measure speed and memory of besides (default: 1e3 1e4 1e5 1e6)",
    )
    parser.add_argument("--json", metavar="FILE", help="write the numbers there as well")
    parser.set_defaults(func=command_bench)


def command_bench(args) -> int:
    from .bench import bench

    return bench(args.threads, args.repeats, args.against, [int(size) for size in args.sizes], args.json)


def main(argv=None) -> int:
    """Parse, run, and turn the package's own errors into one line each and an exit status."""
    parser = argparse.ArgumentParser(prog="python -m nemd_core", description=__doc__)
    subparsers = parser.add_subparsers(metavar="COMMAND")
    for add in (add_check, add_run, add_predict, add_bench, add_schema):
        add(subparsers)
    args = parser.parse_args(argv)
    if "func" not in args:
        parser.print_help(sys.stderr)
        return EXIT_BAD_INPUT
    try:
        return args.func(args)
    except NemdError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted: the run is not finished", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
