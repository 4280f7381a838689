"""Tables of a study: seeds pooled, columns in SI units, and text for a reader. What a table holds: study.py."""

import re

import numpy as np
import pandas as pd
from scipy import special

from .uncertainty import with_error

QUANTITIES = ("R_K", "delta_T", "J", "kappa_A", "kappa_B")
SYSTEMATIC = "R_K_systematic"
RESULTS = [name for quantity in QUANTITIES for name in (quantity, f"{quantity}_stderr")]
RESULTS.insert(2, SYSTEMATIC)
STATE = ["trusted", "failed_checks", "status", "wall_time"]
CONDUCTANCE = ["G", "G_stderr"]
THEORY = ["R_two_probe", "R_four_probe", "R_nemd"]
"""What theory says of the same junction (theory.py), as R_K in reduced units; without errors."""
SI_QUANTITIES = ("R_K", "G", "delta_T", "J", "kappa_A", "kappa_B")
DONE = "done"
SEEDS = ("run.seed", "structure.interface.seed")
"""Swept keys that make independent copies of the same case."""
SECTIONS = ("materials", "structure", "interaction", "run")
"""Sections whose name says nothing that the rest of a key does not."""
STATUS_WIDTH = 70
"""Characters of a failed run's message in the printed table."""


def si_column(quantity: str, unit: str) -> str:
    """The column of a quantity in an SI unit: R_K in m^2 K/GW is `R_K_m2K_per_GW`."""
    above, _, below = re.sub(r"[\^ ()]", "", unit.replace("/", "|")).partition("|")
    return f"{quantity}_{above}" + (f"_per_{below}" if below else "")


def base_runs(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a study that stand for its points, without the runs that only its limits ask for."""
    bases = {limit["base"] for limit in table.attrs.get("limits", [])}
    return table[table["run"].isin(bases)] if bases else table


def limit_title(name: str, parameter: str) -> str:
    """A limit by name; one of the baths by its parameter too."""
    return f"{name} {parameter}" if name == "bath" else name


def limit_figure(name: str, parameter: str) -> str:
    """The name of the figure of a limit, without suffix."""
    return f"limit_{limit_title(name, parameter)}".replace(" ", "_")


def value_text(value) -> str:
    """A value of a limit in words: cells may be a number, one for each side, or a pair."""
    if isinstance(value, dict):
        return " ".join(f"{side} {value_text(part)}" for side, part in value.items())
    if isinstance(value, list):
        return " x ".join(map(value_text, value))
    return str(value).lower() if isinstance(value, bool) else f"{value:g}"


def limit_points(table: pd.DataFrame) -> list[str]:
    """For each row of a study which points of limits it is, such as `bath friction 3`; empty for those of the sweep."""
    points = {}
    for limit in table.attrs.get("limits", []):
        title = limit_title(limit["name"], limit["parameter"])
        for value, run in zip(limit["values"], limit["run_ids"], strict=True):
            points.setdefault(run, {})[f"{title} {value_text(value)}"] = None
    bases = set(base_runs(table)["run"])
    return ["" if run in bases else ", ".join(points.get(run, ())) for run in table["run"]]


def swept_seeds(table: pd.DataFrame) -> list[str]:
    """The swept keys of a table that are seeds."""
    return [key for key in table.attrs.get("swept_keys", []) if key in SEEDS]


def main_keys(table: pd.DataFrame) -> list[str]:
    """The swept keys without those that vary as an earlier one tells: of keys that a sweep walks together, the first.

    A seed tells nothing: where every run has its own, it does not stand for the case.
    """
    keys = table.attrs.get("swept_keys", [])
    n_values = {key: table[key].nunique(dropna=False) for key in keys}
    kept = []
    for key in keys:
        earlier = (name for name in kept if name not in SEEDS)
        walked = any(len(table.drop_duplicates([name, key])) == n_values[name] for name in earlier)
        if n_values[key] == 1 or not walked:
            kept.append(key)
    return kept


def other_keys(table: pd.DataFrame) -> list[str]:
    """The swept keys that `main_keys` leaves out."""
    kept = main_keys(table)
    return [key for key in table.attrs.get("swept_keys", []) if key not in kept]


def pool_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The table of a study with the rows that differ in their seeds only made one, in the order of `table`.

    Each quantity X becomes the mean over the finished runs, and is empty where one of them did not resolve it: those
    that happen to resolve it are no fair sample. Its columns are X; X_stderr, the standard error spread/sqrt(n);
    X_spread, the standard deviation of the runs; X_half95, half the 95 % interval by Student's t for n - 1 degrees of
    freedom (12.7 standard errors at n = 2, 2.8 at n = 5: the spread of a few runs is poorly known); X_claimed, what the
    runs' own errors promise for the mean, which should agree with X_stderr. With n = 1 the error is the run's own,
    spread and interval are empty. SI columns have X and X_stderr.

    n_seeds is the number of runs, n_resolved that of different ones with an R_K: runs with the same results are copies,
    whose seed had no say, and count once. R_K_systematic is the mean of theirs: what the fit windows do to one run they do
    to all. Theory is the mean over all runs: a rough interface has one for each seed. A row is trusted if all its runs
    are. Runs that only limits ask for take no part. `attrs` are those of `table` without the seeds among `swept_keys`, and
    without limits.
    """
    table = base_runs(table)
    keys = [key for key in table.attrs["swept_keys"] if key not in SEEDS]
    groups = table.groupby(keys, sort=False, dropna=False) if keys else [((), table)]
    pooled = pd.DataFrame(
        [dict(zip(keys, values, strict=True)) | _pool(group) for values, group in groups],
    )
    pooled.attrs = table.attrs | {"swept_keys": keys, "limits": []}
    return pooled


def _pool(group: pd.DataFrame) -> dict:
    finished = group[group["status"] == DONE]
    n_failed = len(group) - len(finished)
    results = [name for name in RESULTS if name in group]
    finished = finished.drop_duplicates(results)  # the seed of an interface that is sharp makes copies
    failed_checks = dict.fromkeys(
        name for names in group["failed_checks"] for name in names.split(";") if name
    )
    row = {"n_seeds": len(group), "n_resolved": int(finished["R_K"].notna().sum())}
    if SYSTEMATIC in group:
        row[SYSTEMATIC] = finished[SYSTEMATIC].astype(float).mean(skipna=False)
    row |= {name: group[name].astype(float).mean(skipna=False) for name in THEORY if name in group}
    for name in group.columns:
        if f"{name}_stderr" in group:
            numbers = _pool_values(finished[name], finished[f"{name}_stderr"])
            reduced = name in (*QUANTITIES, "G")
            row |= {
                f"{name}{end}": number for end, number in numbers.items() if reduced or end in ("", "_stderr")
            }
    return row | {
        "trusted": bool(group["trusted"].all()),
        "failed_checks": ";".join(failed_checks),
        "status": f"{n_failed} of {len(group)} runs without a result" if n_failed else DONE,
        "wall_time": group["wall_time"].sum(min_count=1),
    }


def _pool_values(values, errors) -> dict:
    """Mean and errors of one quantity of all finished runs, by the ends of their columns' names."""
    values, errors = values.to_numpy(float), errors.to_numpy(float)
    n = len(values)
    row = dict.fromkeys(("", "_stderr", "_spread", "_half95", "_claimed"), np.nan)
    if n == 0 or np.isnan(values).any():
        return row
    claimed = float(np.sqrt(np.sum(errors**2)) / n)
    row |= {"": float(values.mean()), "_stderr": claimed, "_claimed": claimed}
    if n > 1:
        spread = float(values.std(ddof=1))
        stderr = spread / np.sqrt(n)
        row |= {
            "_stderr": stderr,
            "_spread": spread,
            "_half95": float(special.stdtrit(n - 1, 0.975)) * stderr,
        }
    return row


def short_names(keys) -> dict[str, str]:
    """Shorter names of swept keys, as far as they stay different: materials.B.mass is B.mass."""
    short = {key: key.partition(".")[2] if key.partition(".")[0] in SECTIONS else key for key in keys}
    names = list(short.values())
    return {key: name if names.count(name) == 1 else key for key, name in short.items()}


def format_value(value) -> str:
    """A swept value as text: numbers without needless digits."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def format_study(table: pd.DataFrame) -> str:
    """The table of a study as text: `main_keys`, R_K in both units, J, and in short what became of each run.

    Where the study takes limits, a column names the points of those that a run was made for.
    """
    if table.attrs.get("limits"):
        parts = [_format_rows(table.assign(limit=limit_points(table)), ["run", "limit"])]
    else:
        parts = [_format_rows(table, ["run"])]
    others = other_keys(table)
    if others:
        short = short_names(table.attrs["swept_keys"])
        names = ", ".join(short[key] for key in others)
        parts.append(f"(not shown, as the swept keys that are shown determine them: {names})")
    seeds = swept_seeds(table)
    if seeds:
        pooled = pool_seeds(table)
        text = "mean ± spread of the runs / sqrt(n)"
        parts += [
            "",
            f"Pooled over {', '.join(seeds)} ({text}):",
            _format_rows(pooled, ["n_seeds"], ["R_K_half95", "R_K_claimed"]),
        ]
    return "\n".join(parts)


def _format_rows(table: pd.DataFrame, first: list[str], plain=()) -> str:
    """One line per row; the verdict comes last, as it may be long."""
    short = short_names(table.attrs.get("swept_keys", []))
    units, units_si = table.attrs.get("units", {}), table.attrs.get("units_si", {})
    columns = {name: [str(value) for value in table[name]] for name in first}
    columns |= {short[key]: [format_value(value) for value in table[key]] for key in main_keys(table)}
    columns[_with_unit("R_K", units)] = _format_numbers(table, "R_K")
    if "R_K" in units_si:
        columns[_with_unit("R_K", units_si)] = _format_numbers(table, si_column("R_K", units_si["R_K"]))
    columns[_with_unit("J", units)] = _format_numbers(table, "J")
    titles = {"R_K_half95": "95 %: ±", "R_K_claimed": "claimed: ±"}
    columns |= {
        titles[name]: ["-" if pd.isna(value) else f"{value:.2g}" for value in table[name]] for name in plain
    }
    widths = {title: max(map(len, (title, *cells))) for title, cells in columns.items()}
    lines = ["  ".join([*(title.rjust(width) for title, width in widths.items()), "verdict"])]
    for i, verdict in enumerate(_verdicts(table)):
        lines.append(
            "  ".join([*(columns[title][i].rjust(width) for title, width in widths.items()), verdict])
        )
    return "\n".join(lines)


def _with_unit(name: str, units: dict) -> str:
    return f"{name} ({units[name]})" if name in units else name


def _format_numbers(table: pd.DataFrame, name: str) -> list[str]:
    pairs = zip(table[name], table[f"{name}_stderr"], strict=True)
    return ["-" if pd.isna(value) else with_error(value, stderr) for value, stderr in pairs]


def _verdicts(table: pd.DataFrame) -> list[str]:
    states = zip(table["trusted"], table["failed_checks"], table["status"], strict=True)
    return [
        "trusted" if trusted else (f"NOT trusted: {failed}" if status == DONE else _shorten(status))
        for trusted, failed, status in states
    ]


def _shorten(text: str) -> str:
    return text if len(text) <= STATUS_WIDTH else f"{text[: STATUS_WIDTH - 1].rstrip()}…"
