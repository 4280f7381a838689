"""`report.html` of a study: tables, figures, checks and provenance in one file that needs nothing else.

The page is a Jinja template with its style and script beside it (report_page/). Here the data of the study as a
whole are gathered, in report_runs.py those of each run. Whatever comes from files is escaped, and the page's
own content security policy lets no other script run and nothing be fetched.
"""

import base64
import hashlib
import shlex
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pandas.api.types import is_numeric_dtype

from nemd_core import __version__
from nemd_core.storage import write_text
from nemd_core.units import REFERENCES

from .report_limits import view_limits
from .report_runs import Numbers, describe_point, embed_figure, swept_value, view_run
from .report_text import LABELS, MEANINGS, duration, key_markup
from .report_theory import view_theory
from .study import load_study
from .tables import (
    DONE,
    QUANTITIES,
    base_runs,
    limit_points,
    limit_title,
    main_keys,
    other_keys,
    pool_seeds,
    short_names,
    swept_seeds,
)

REPORT = "report.html"
PAGE = Path(__file__).parent / "report_page"
LIBRARIES = ("numpy", "numba", "scipy", "h5py", "pandas", "matplotlib")
FIGURES = {
    "sweep.png": (
        "R_K against the first swept key",
        "R_K against the first swept key, in reduced units; other keys are series of their own. Bars are one "
        "standard error, hollow points are not trusted, for the reasons in the legend. Dashed and dotted lines are theory.",
    ),
    "map.png": (
        "Map of R_K over the first two swept keys",
        "R_K over the first two swept keys, in reduced units; hatched cells are not trusted.",
    ),
}
"""Figures that `plot_study` makes where they make sense: what they show, in a few words and in a caption."""
SHARED = ("Package", "Git revision", "Python", "Hardware")
"""What the runs of a study usually have in common."""


def write_report(study_dir, path=None) -> Path:
    """Write the report of a study to `path` (default: report.html in its directory) and return where it is.

    Raises StorageError where the directory holds no study.
    """
    study_dir = Path(study_dir)
    path = Path(path) if path is not None else study_dir / REPORT
    write_text(path, render_report(study_dir))
    return path


def render_report(study_dir: Path) -> str:
    """The page as text."""
    table = load_study(study_dir)
    numbers = Numbers(table.attrs)
    keys = main_keys(table), other_keys(table)
    points = zip(table.iterrows(), limit_points(table), strict=True)
    runs = [view_run(study_dir, row, *keys, numbers, limit) for (_, row), limit in points]
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("page.html").render(
        name=table.attrs["study"],
        sentence=describe_sweep(table),
        date=datetime.now(UTC).date().isoformat(),
        version=__version__,
        facts=headline(table, numbers),
        reference=describe_reference(table.attrs["reference"]),
        swept=key_columns(table),
        quantities=[{"label": LABELS[name], "units": numbers.units(name)} for name in QUANTITIES],
        runs=runs,
        pooled=pooled_table(table, numbers) if swept_seeds(table) else None,
        limits=view_limits(study_dir, numbers),
        figures=study_figures(study_dir),
        theory=view_theory(study_dir, table, numbers),
        provenance=provenance(runs),
        command=shlex.join(["snakemake", "--cores", "2", "--configfile", f"configs/{study_dir.name}.yaml"]),
        study_config=_read_study_config(study_dir),
        style=Markup(style),
        script=Markup(script),
        style_hash=source_hash(style),
        script_hash=source_hash(script),
    )


def source_hash(text: str) -> str:
    """The source expression of a content security policy that lets exactly this inline text act."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def describe_sweep(table: pd.DataFrame) -> str:
    """What was swept, in one sentence; of keys that others determine, only the names."""
    count = f"{len(table)} run{'s' * (len(table) != 1)}"
    titles = {limit_title(limit["name"], limit["parameter"]): None for limit in table.attrs["limits"]}
    limits = f"; limits of {', '.join(titles).replace('_', ' ')}" if titles else ""
    table = base_runs(table)
    parts = []
    for key in main_keys(table):
        values = list(dict.fromkeys(table[key]))
        if is_numeric_dtype(table[key]) and len(values) > 4:
            parts.append(f"{key} ({len(values)} values, {min(values):.10g} to {max(values):.10g})")
        else:
            parts.append(f"{key} ({', '.join(swept_value(value)['text'] for value in values)})")
    if not parts:
        return f"{count}, nothing swept{limits}."
    others = other_keys(table)
    walked = f", and along with that {', '.join(others)}" if others else ""
    return f"{count} over {' and '.join(parts)}{walked}{limits}."


def describe_reference(reference) -> str:
    """The substance behind the SI units: its name, or the parameters of one without."""
    if isinstance(reference, str):
        return reference
    if reference["name"] in REFERENCES:
        return reference["name"]
    return "ε/k_B = {epsilon_K:g} K, σ = {sigma_angstrom:g} Å, m = {mass_u:g} u".format(**reference)


def key_columns(table: pd.DataFrame) -> list[dict]:
    """Headings of the swept keys, without those that others determine."""
    short = short_names(table.attrs["swept_keys"])
    return [
        {"label": key_markup(short[key]), "kind": swept_value(table[key].iloc[0])["kind"], "units": None}
        for key in main_keys(table)
    ]


def pooled_table(table: pd.DataFrame, numbers: Numbers) -> dict:
    """Runs that differ in their seeds alone, taken together: columns and rows of cells."""
    pooled = pool_seeds(table)
    columns = key_columns(pooled)
    columns.append({"label": "Runs", "kind": "number", "units": None})
    columns += [
        {"label": label, "kind": "number", "units": numbers.units("R_K")}
        for label in (LABELS["R_K"], "± 95 %", "± claimed")
    ]
    others = (*QUANTITIES[1:], "G")
    columns += [{"label": LABELS[name], "kind": "number", "units": numbers.units(name)} for name in others]
    columns.append({"label": "Verdict", "kind": "text", "units": None})
    rows = []
    for _, row in pooled.iterrows():
        cells = [swept_value(row[key]) for key in main_keys(pooled)]
        cells += [swept_value(row["n_seeds"]), numbers.cell(row, "R_K")]
        cells += [numbers.error_cell(row, name, "R_K") for name in ("R_K_half95", "R_K_claimed")]
        cells += [numbers.cell(row, name) for name in others]
        reasons = row["failed_checks"].replace(";", ", ").replace("_", " ")
        doubt = f"not all trusted: {reasons}" if reasons else "not all trusted"
        rows.append([*cells, swept_value("trusted" if row["trusted"] else doubt)])
    return {"columns": columns, "rows": rows}


def headline(table: pd.DataFrame, numbers: Numbers) -> list[dict]:
    """What a reader wants to see first: how many runs can be trusted; the range of R_K or the results of a single case.

    Seeds are pooled: the extremes of single seeds would be those of their noise. Runs that only limits ask for count as
    runs alone.
    """
    failed = int((table["status"] != DONE).sum())
    trusted = int(table["trusted"].sum())
    others = ((len(table) - trusted - failed, "not trusted"), (failed, "failed"))
    note = ", ".join(f"{count} {word}" for count, word in others if count)
    facts = [{"label": "Trusted runs", "text": f"{trusted} of {len(table)}", "note": note}]
    cases = pool_seeds(table) if swept_seeds(table) else base_runs(table)
    results = _single_results(cases.iloc[0], numbers) if len(cases) == 1 else _extremes(cases, numbers)
    wall_time = duration(float(table["wall_time"].sum()))
    return [*facts, *results, {"label": "Wall time of all runs", "text": wall_time, "note": ""}]


def _single_results(case: pd.Series, numbers: Numbers) -> list[dict]:
    names = ("R_K", "G", "delta_T", "J") if numbers.known else ()
    reasons = case["failed_checks"].replace(";", ", ").replace("_", " ")
    note = "" if case["trusted"] or not reasons else f"not trusted: {reasons}"
    return [
        {
            "label": MEANINGS[name][0].upper() + MEANINGS[name][1:],
            "number": numbers.cell(case, name),
            "note": note,
        }
        for name in names
    ]


def _extremes(cases: pd.DataFrame, numbers: Numbers) -> list[dict]:
    """The smallest and the largest trusted R_K, with the point that has it."""
    resolved = cases[cases["trusted"].astype(bool) & cases["R_K"].notna()].sort_values("R_K")
    facts = []
    for word, part in (("Smallest", resolved[:1]), ("Largest", resolved[1:][-1:])):
        for _, case in part.iterrows():
            label = Markup("{} trusted {}").format(word, LABELS["R_K"])
            point = describe_point(case, main_keys(cases))
            facts.append({"label": label, "number": numbers.cell(case, "R_K"), "note": point})
    return facts


def study_figures(study_dir: Path) -> list[dict]:
    """The figures that stand in the directory of the study itself."""
    return [
        embed_figure((study_dir / name).read_bytes(), alt, caption)
        for name, (alt, caption) in FIGURES.items()
        if (study_dir / name).is_file()
    ]


def provenance(runs: list[dict]) -> list[tuple[str, str]]:
    """Version and machine of the runs (with the number of runs where they differ), and of this report."""
    pairs = []
    for name in SHARED:
        values = Counter(value for run in runs for key, value in run["provenance"] if key == name)
        counted = (f"{value} ({count} runs)" for value, count in values.items())
        if values:
            pairs.append((f"{name} of the runs", ", ".join(values if len(values) == 1 else counted)))
    libraries = ", ".join(f"{library} {version(library)}" for library in LIBRARIES)
    here = f"nemd-kapitza {__version__}, Python {sys.version.split()[0]}, {libraries}"
    return [*pairs, ("Report written with", here)]


def _read_study_config(study_dir: Path) -> str:
    """The configuration file of the study, if its copy stands in the directory under the study's name."""
    path = study_dir / f"{study_dir.name}.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""
