"""What the report says of theory beside the simulation, as data of the template: table, reasons, figures."""

from collections import Counter
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from .report_runs import Numbers, describe_point, embed_figure, sort_key, swept_value
from .report_text import LABELS, NOTHING, concise, key_markup
from .tables import DONE, THEORY, base_runs, main_keys, pool_seeds, short_names, swept_seeds
from .theory import FIGURES, PREDICTIONS, load_prediction, read_theory

NAMES = {
    "R_nemd": Markup("<var>R</var><sub>NEMD</sub>"),
    "R_four_probe": Markup("four-probe"),
    "R_two_probe": Markup("two-probe"),
}
RATIO = Markup("<var>R</var><sub>K</sub> / <var>R</var><sub>NEMD</sub>")
ZERO = 1e-3
"""Share of the two-probe resistance below which another is zero: integrals over frequency are good to 1e-5 to 1e-4 of it."""
MOST_SHOWN = 2
"""Junctions whose figures are in the report: the first and the last."""


def view_theory(study_dir: Path, table: pd.DataFrame, numbers: Numbers) -> dict | None:
    """The theory of a study beside its R_K; None where the study has no theory."""
    theory = read_theory(study_dir)
    if theory is None:
        return None
    cases = pool_seeds(table) if swept_seeds(table) else base_runs(table)
    keys = main_keys(cases)
    columns = [
        {"label": key_markup(short), "kind": swept_value(cases[key].iloc[0])["kind"], "units": None}
        for key, short in short_names(keys).items()
    ]
    columns.append({"label": LABELS["R_K"], "kind": "number", "units": numbers.units("R_K")})
    columns += [{"label": NAMES[name], "kind": "number", "units": numbers.units("R_K")} for name in NAMES]
    columns.insert(-2, {"label": RATIO, "kind": "number", "units": None})
    reasons = Counter(reason for _, row in theory.iterrows() if (reason := _reason(study_dir, row)))
    return {
        "columns": columns,
        "rows": [_row(row, keys, numbers) for _, row in cases.iterrows()],
        "notes": [f"{count} of {len(theory)} runs without {text}" for text, count in reasons.items()],
        "figures": _figures(Path(study_dir), theory, base_runs(table)),
    }


def _reason(study_dir: Path, row: pd.Series) -> str:
    """Why theory has no R_NEMD for a run; empty where it has one."""
    if row["status"] != DONE:
        return f"theory, {row['status']}"
    if pd.notna(row["R_nemd"]):
        return ""
    return f"R_NEMD: {load_prediction(study_dir / PREDICTIONS / row['key']).fields['unresolved']['R_nemd']}"


def _row(row: pd.Series, keys, numbers: Numbers) -> list[dict]:
    values = row[THEORY].astype(float)
    values = values.mask(values.abs() <= ZERO * values["R_two_probe"], 0.0)
    cells = [swept_value(row[key]) for key in keys] + [numbers.cell(row, "R_K")]
    cells += [numbers.cell(values, name, "R_K") for name in NAMES]
    cells.insert(-2, _ratio(row, values["R_nemd"]))
    return cells


def _ratio(row: pd.Series, R_nemd: float) -> dict:
    """R_K in units of R_NEMD, with the error of R_K."""
    if pd.isna(row["R_K"]) or not R_nemd > 0:
        return {"kind": "number", "text": NOTHING, "sort": ""}
    ratio = row["R_K"] / R_nemd
    text = concise(float(ratio), float(row["R_K_stderr"] / R_nemd))
    return {"kind": "number", "text": text, "sort": sort_key(ratio)}


def _figures(study_dir: Path, theory: pd.DataFrame, table: pd.DataFrame) -> list[dict]:
    """The figures of the first and of the last junction that have some, each named by the first run that it belongs to."""
    runs = theory[theory["status"] == DONE].drop_duplicates("key").merge(table, on="run", suffixes=("", "_"))
    directories = [study_dir / PREDICTIONS / key for key in runs["key"]]
    drawn = [
        i for i, path in enumerate(directories) if any((path / f"{stem}.png").is_file() for stem in FIGURES)
    ]
    figures = []
    for i in [*drawn[: MOST_SHOWN - 1], *drawn[MOST_SHOWN - 1 :][-1:]]:
        point = describe_point(runs.iloc[i], main_keys(table))
        of = f" ({point})" if point and len(directories) > 1 else ""
        figures += [
            embed_figure(path.read_bytes(), f"{text}{of}", f"{text}{of}, in reduced units.")
            for path, text in ((directories[i] / f"{stem}.png", text) for stem, text in FIGURES.items())
            if path.is_file()
        ]
    return figures
