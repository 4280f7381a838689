"""What the report says of the limits of a study, as data of the template: table, suggestions, figures."""

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from .limits import SHOWN, case_keys, goodness, read_limits, remarks
from .report_runs import Numbers, embed_figure, swept_value
from .report_text import LABELS, NOTHING, concise, key_markup
from .tables import limit_figure, limit_title, short_names

NAMES = {
    "linear_range": "linear response up to",
    "rectification_slope": "rectification per temperature difference",
}
"""Quantities that only limits have."""
CAPTION = (
    "In reduced units. Bars and bands are one standard error; diamonds are extrapolated, lines without one are plateaus. "
    "Hollow points are not trusted."
)


def view_limits(study_dir: Path, numbers: Numbers) -> dict | None:
    """The limits of a study; None where it has none."""
    table = read_limits(study_dir)
    if table is None:
        return None
    keys = case_keys(table)
    shown = table[table["quantity"].isin(SHOWN)]
    columns = [
        {"label": key_markup(short), "kind": swept_value(table[key].iloc[0])["kind"]}
        for key, short in short_names(keys).items()
    ]
    texts = remarks(table)
    pairs = table[["limit", "parameter"]].drop_duplicates().itertuples(index=False, name=None)
    figures = {limit_title(*pair): study_dir / f"{limit_figure(*pair)}.png" for pair in pairs}
    return {
        "columns": columns,
        "rows": [_row(row, keys, numbers) for _, row in shown.iterrows()],
        "suggestions": [text.replace(", suggestion:", ":", 1) for text in texts if ", suggestion:" in text],
        "notes": [text for text in texts if ", suggestion:" not in text],
        "figures": [
            embed_figure(path.read_bytes(), f"R_K in the limit of {title.replace('_', ' ')}", CAPTION)
            for title, path in figures.items()
            if path.is_file()
        ],
    }


def _row(row: pd.Series, keys, numbers: Numbers) -> dict:
    quantity = row["quantity"]
    title = limit_title(row["limit"], row["parameter"]).replace("_", " ")
    low, high = row["ci95_low"], row["ci95_high"]
    interval = {"reduced": NOTHING, "si": NOTHING}
    if pd.notna(low):
        factors = {"reduced": 1.0, "si": _si_factor(numbers, quantity)}
        interval = {
            system: " to ".join(concise(factor * end) for end in (low, high))
            for system, factor in factors.items()
        }
    return {
        "case": [swept_value(row[key]) for key in keys],
        "limit": title,
        "quantity": LABELS.get(quantity, NAMES.get(quantity)),
        "value": _value(numbers, row),
        "interval": interval,
        "goodness": goodness(row) or NOTHING,
        "systematic": {
            "reduced": _plain(row["without_furthest"]),
            "si": _plain(row["without_furthest"] * _si_factor(numbers, quantity)),
        },
        "n_runs": f"{row['n_runs']:.0f}",
    }


def _value(numbers: Numbers, row: pd.Series) -> dict:
    """Value and unit in both systems."""
    quantity = row["quantity"]
    value, stderr = (None if pd.isna(row[name]) else float(row[name]) for name in ("value", "stderr"))
    factor = _si_factor(numbers, quantity)
    si = [None if number is None else factor * number for number in (value, stderr)]
    if quantity == "rectification_slope":
        units = {"reduced": Markup("k<sub>B</sub>/ε"), "si": "1/K"}
    else:
        units = numbers.units("delta_T" if quantity == "linear_range" else quantity)
    return {
        "reduced": concise(value, stderr),
        "si": concise(*si),
        "units": units or {"reduced": "", "si": ""},
    }


def _si_factor(numbers: Numbers, quantity: str) -> float:
    if quantity == "rectification_slope":
        return 1.0 / numbers.si("delta_T")
    return numbers.si("delta_T" if quantity == "linear_range" else quantity)


def _plain(number) -> str:
    return NOTHING if pd.isna(number) else f"{number:.2g}"
