"""Limits of a study: what its runs say of infinite length, zero bias, wide cross-sections, the baths, dt -> 0.

`limits.json` says which runs belong to which limit; the results of the runs are those of `study.load_study`. How each
limit is taken: limit_kinds.py, limit_plateau.py. `limits.csv` has one row per quantity: the swept keys of the case
(without seeds, over which points are pooled), limit, parameter, quantity, value, stderr, ci95_low, ci95_high (normal
errors: those of the runs are taken as known, and as independent), chi2, dof, p_value, without_furthest (the change of
value where the furthest point is left out), n_runs, note. Values are in reduced units. Rows whose quantity is
'suggestion' hold a sentence in `note`, and the value that it suggests where it is a number.
"""

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from nemd_core.config_parameters import LIMITS
from nemd_core.errors import StorageError
from nemd_core.storage import atomic

from . import limit_kinds
from .interface import PROFILE
from .limit_findings import Findings
from .limit_plateau import plateau
from .profile import read_profile
from .study import load_study
from .tables import (
    DONE,
    QUANTITIES,
    SEEDS,
    SYSTEMATIC,
    format_value,
    limit_title,
    pool_seeds,
    short_names,
)
from .uncertainty import with_error

TABLE = "limits.csv"
COLUMNS = "limit parameter quantity value stderr ci95_low ci95_high chi2 dof p_value without_furthest n_runs note".split()
KINDS = {
    ("length", "cells"): limit_kinds.length,
    ("bias", "difference"): limit_kinds.bias,
    ("timestep", "timestep"): limit_kinds.timestep,
} | {
    pair: partial(plateau, key=" = ".join(LIMITS[pair[0]][pair[1]].keys), anchored=anchored)
    for pair, anchored in {
        ("cross_section", "cells"): True,
        ("bath", "friction"): False,
        ("bath", "length"): True,
        ("bath", "ramp"): False,
    }.items()
}
"""How each is taken; of the plateaus, `anchored` are those whose largest value is the limit."""
SHOWN = ("R_K", "kappa_A", "kappa_B", "J", "linear_range", "rectification_slope")
"""Quantities of the printed table; limits.csv has them all."""


@dataclass
class Limit:
    """One limit of one case: its points and what they come to."""

    name: str
    parameter: str
    case: dict
    points: pd.DataFrame
    findings: Findings


def find_limits(study_dir, table: pd.DataFrame) -> list[Limit]:
    """Every limit of a study, whose table is that of `load_study`.

    Raises StorageError where there are none, or where `limits.json` does not belong to the study.
    """
    study_dir = Path(study_dir)
    if not table.attrs["limits"]:
        raise StorageError(f"{study_dir}: a study without limits; give its config a section 'limits'")
    groups = {}
    for entry in table.attrs["limits"]:
        case = {key: value for key, value in entry["case"].items() if key not in SEEDS}
        groups.setdefault((entry["name"], entry["parameter"], json.dumps(case)), []).append(entry)
    limits = []
    for (name, parameter, case), entries in groups.items():
        points = _gather_points(study_dir, table, entries)
        limits.append(Limit(name, parameter, json.loads(case), points, KINDS[name, parameter](points)))
    return limits


def _gather_points(study_dir: Path, table: pd.DataFrame, entries: list[dict]) -> pd.DataFrame:
    """The table of points of one limit (limit_kinds.py); entries that differ in their seeds alone share them."""
    values = entries[0]["values"]
    places = [(i, run) for entry in entries for i, run in enumerate(entry["run_ids"])]
    missing = sorted({run for _, run in places} - set(table["run"]))
    if missing:
        raise StorageError(f"{study_dir / 'limits.json'}: runs that runs.csv lacks: {', '.join(missing)}")
    runs = table.set_index("run").loc[[run for _, run in places]].reset_index()
    runs["point"] = [i for i, _ in places]
    runs.attrs = {"swept_keys": ["point"]}
    pooled = pool_seeds(runs).sort_values("point")
    points = pd.DataFrame({"value": [values[i] for i in pooled["point"]]}, pooled.index, dtype=object)
    points["x"] = [_number(value) for value in points["value"]]
    for name in QUANTITIES:
        points[name], points[f"{name}_stderr"] = pooled[name], pooled[f"{name}_claimed"]
    points[SYSTEMATIC] = pooled[SYSTEMATIC]
    points["trusted"], points["failed_checks"] = pooled["trusted"], pooled["failed_checks"]
    points["base"] = [entries[0]["run_ids"][i] == entries[0]["base"] for i in pooled["point"]]
    points["n_runs"] = pooled["n_resolved"]
    if entries[0]["name"] == "length":
        done_first = runs.sort_values("status", key=lambda status: status != DONE, kind="stable")
        first = done_first.drop_duplicates("point").sort_values("point")
        points["L_A"], points["L_B"] = np.transpose(
            [_slab_lengths(study_dir / row.run, row.status) for row in first.itertuples()]
        )
    return points.sort_values("x", ignore_index=True)


def _number(value) -> float:
    """The place of a value on an axis: that of a pair is its mean."""
    return float(np.mean([*value.values()] if isinstance(value, dict) else value))


def _slab_lengths(directory: Path, status: str) -> tuple[float, float]:
    """Measured lengths (sigma) of the slabs of A and B between bath and interface, means over those of each side."""
    if status != DONE:
        return np.nan, np.nan
    profile = read_profile(directory / PROFILE)
    x, region = profile["x"].to_numpy(), profile["region"].to_numpy()
    spacing = (x[-1] - x[0]) / (len(x) - 1)
    lengths = []
    for side in "AB":
        inside = np.flatnonzero(region == side)
        slabs = np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1)
        lengths.append(np.mean([x[slab[-1]] - x[slab[0]] + spacing for slab in slabs]))
    return tuple(lengths)


def extrapolate(study_dir) -> pd.DataFrame:
    """Write `limits.csv` of a study and return it; its columns are above.

    Raises StorageError where the study has no limits.
    """
    limits = find_limits(study_dir, load_study(study_dir))
    rows = [
        limit.case | {"limit": limit.name, "parameter": limit.parameter} | row
        for limit in limits
        for row in limit.findings.rows
    ]
    table = pd.DataFrame(rows, columns=[*limits[0].case, *COLUMNS])
    with atomic(Path(study_dir) / TABLE) as temporary:
        table.to_csv(temporary, index=False)
    return table


def read_limits(study_dir) -> pd.DataFrame | None:
    """The table that `extrapolate` wrote; None where there is none."""
    path = Path(study_dir) / TABLE
    return pd.read_csv(path, keep_default_na=False, na_values=[""]) if path.is_file() else None


def case_keys(table: pd.DataFrame) -> list[str]:
    """The columns of a table of limits that say which case a row is of."""
    return [name for name in table if name not in COLUMNS]


def format_limits(table: pd.DataFrame) -> str:
    """The table of limits as text: values with errors, then suggestions and what was left out."""
    keys = short_names(case_keys(table))
    shown = table[table["quantity"].isin(SHOWN)]
    columns = {short: [format_value(v) for v in shown[k]] for k, short in keys.items()}
    columns["limit"] = [limit_title(*pair) for pair in zip(shown["limit"], shown["parameter"], strict=True)]
    columns["quantity"] = list(shown["quantity"])
    columns["value"] = [_format_value(row) for row in shown.itertuples()]
    columns["chi2/dof (p)"] = [goodness(row) or "-" for row in shown.itertuples()]
    changes = shown["without_furthest"]
    columns["without furthest"] = ["-" if pd.isna(value) else f"±{value:.2g}" for value in changes]
    columns["runs"] = [str(n) for n in shown["n_runs"]]
    widths = {title: max(map(len, (title, *cells))) for title, cells in columns.items()}
    lines = ["  ".join(title.rjust(width) for title, width in widths.items())]
    lines += [
        "  ".join(columns[title][i].rjust(width) for title, width in widths.items())
        for i in range(len(shown))
    ]
    return "\n".join([*lines, "", *remarks(table)])


def _format_value(row) -> str:
    if pd.isna(row.value):
        return "-"
    return f"{row.value:g}" if pd.isna(row.stderr) else with_error(row.value, row.stderr)


def goodness(row) -> str:
    """chi2/dof (p) of a row of the table of limits; empty where there is no fit."""
    if pd.isna(row.chi2):
        return ""
    return f"{row.chi2:.2g}/{row.dof:.0f} ({row.p_value:.2g})" if row.dof else "dof 0"


def remarks(table: pd.DataFrame) -> list[str]:
    """Suggestions and notes of a table of limits as lines: which limit of which case, of which quantities, and what."""
    keys = short_names(case_keys(table))
    quantities = {}
    for _, row in table[table["quantity"].isin((*SHOWN, "suggestion"))].iterrows():
        case = ", ".join(f"{short} = {format_value(row[key])}" for key, short in keys.items())
        title = limit_title(row["limit"], row["parameter"]) + (f" ({case})" if case else "")
        for note in [] if pd.isna(row["note"]) else filter(None, row["note"].split("; ")):
            quantities.setdefault((title, note), []).append(row["quantity"])
    return [f"{title}, {', '.join(names)}: {note}" for (title, note), names in quantities.items()]
