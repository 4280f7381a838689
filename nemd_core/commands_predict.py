"""The command `predict`: what theory says of one configuration, as a short table, files and figures."""

import sys

from .commands_config import add_one_config
from .units import pretty_unit

_ROWS = ("G_classical", "R_two_probe", "R_four_probe", "R_nemd")
_EXACT = ("R_K", "J", "delta_T")
_PARAMETERS = {"frequencies": "half the frequencies", "mesh": "half the mesh", "eta": "twice eta"}
_FIRST, _GAP = 15, 2
"""Widths of the first column, and between the others."""


def add_predict(subparsers) -> None:
    """Register `predict CONFIG -o DIR`."""
    parser = subparsers.add_parser(
        "predict",
        help="theory of the same junction, without Snakemake",
        description="Lattice dynamics and Green's functions of one configuration: conductance, three resistances, "
        "spectra. Exit status: 0 done, 2 bad input, 3 a crystal is unstable.",
    )
    add_one_config(parser, "directory of the results")
    parser.add_argument(
        "--exact",
        action="store_true",
        help="also the exact steady state of the finite set-up with its baths (harmonic, lj-harmonic)",
    )
    parser.set_defaults(func=command_predict)


def command_predict(args) -> int:
    """Predict, print the numbers, say where the rest is."""
    from .config import load_config
    from .config_yaml import parse_overrides
    from .theory.predict import predict

    config = load_config(args.config, parse_overrides(args.set))
    fields = predict(config, args.output, exact=args.exact)
    print("\n".join(format_prediction(fields)))
    for warning in fields["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"{args.output}: predict.json and its tables")

    from analysis import plot_prediction  # here alone: theory does without figures

    figures = plot_prediction(args.output)
    print(f"figures: {', '.join(path.name for path in figures if path.suffix == '.png')}")
    return 0


def format_prediction(fields: dict) -> list[str]:
    """Lines for a reader: a row for each number, with a column for either cross-section; a chain has none."""
    levels = {"simulated cross-section": (fields, fields["si"])}
    if fields["dimensions"] == 3:
        name = "infinite_cross_section"
        levels["infinite cross-section"] = (fields[name], fields["si"][name])
    columns = [
        [title, *(_number(values, si, fields["units"], name) for name in _ROWS)]
        for title, (values, si) in levels.items()
    ]
    widths = [max(map(len, column)) + _GAP for column in columns]
    lines = [
        f"{name:<{_FIRST}}" + "".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
        for name, *cells in zip(("", *_ROWS), *columns, strict=True)
    ][fields["dimensions"] == 1 :]
    if "exact" in fields:
        exact, si = fields["exact"], fields["si"]["exact"]
        lines += [
            f"{f'exact {name}':<{_FIRST}}{_number(exact, si, fields['units'], name)}" for name in _EXACT
        ]
    changes = [
        f"{_percent(max(abs(change['G']), abs(change['R_nemd'])))} with {how}"
        for name, how in _PARAMETERS.items()
        if (change := fields["convergence"][name]) and change["G"] is not None
    ]
    lines += [f"G and R_nemd change by {', '.join(changes)}"] if changes else []
    return [line.rstrip() for line in lines + sorted(set(fields["unresolved"].values()))]


def _percent(share: float) -> str:
    """Two digits; below a millionth no more than that."""
    if share < 1e-6:
        return "< 0.0001 %"
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _number(values: dict, si: dict, units: dict, name: str) -> str:
    if values[name] is None:
        return "none"
    twin = si[name]
    return f"{values[name]:.6g} {pretty_unit(units[name])}  ({twin['value']:.4g} {pretty_unit(twin['unit'])})"
