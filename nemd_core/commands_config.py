"""The commands `check` and `schema`: look at a config file, write nothing."""

import json
import sys

from nemd_core.config import json_schema, key_table, load_study
from nemd_core.errors import EXIT_BAD_INPUT, ConfigError, StorageError
from nemd_core.structure import build


def add_one_config(parser, output: str) -> None:
    """What every command takes that works on one configuration: CONFIG, -o DIR, --set. output: what DIR is."""
    parser.add_argument("config", metavar="CONFIG", help="YAML file")
    parser.add_argument("-o", "--output", metavar="DIR", required=True, help=output)
    parser.add_argument(
        "--set",
        metavar="a.b=v",
        action="append",
        default=[],
        help="replace a value; names a point of a sweep",
    )


def add_check(subparsers) -> None:
    """Register `check CONFIG`."""
    parser = subparsers.add_parser(
        "check",
        help="validate every point of a config file",
        description="Validate every point of a config file. Exit status 0, or 2 and one line per problem: "
        "dotted key, value, what is allowed. Nothing is written.",
    )
    parser.add_argument("config", metavar="CONFIG", help="YAML file")
    parser.set_defaults(func=command_check)


def add_schema(subparsers) -> None:
    """Register `schema [--table]`."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON schema of the config",
        description="Print the JSON schema of the config, or the table of all keys.",
    )
    parser.add_argument("--table", action="store_true", help="the key table in Markdown (configs/README.md)")
    parser.set_defaults(func=command_schema)


def command_check(args) -> int:
    """Validate every point; problems go to standard error, one line each."""
    try:
        study = load_study(args.config)
        for point in study.points:
            structure = point.config.structure
            if structure.file and structure.lattice_constant != "auto":  # whose sites are not known yet
                build(point.config)
    except (ConfigError, StorageError) as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    swept = f", swept over {', '.join(study.swept_keys)}" if study.swept_keys else ""
    runs = "1 run" if len(study.points) == 1 else f"{len(study.points)} runs"
    print(f"{args.config}: valid; study {study.name}: {runs}{swept}")
    return 0


def command_schema(args) -> int:
    """Print the JSON schema, or the key table."""
    sys.stdout.write(key_table() if args.table else json.dumps(json_schema(), indent=2) + "\n")
    return 0
