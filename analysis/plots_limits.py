"""Figures of the limits of a study: points, what they are extrapolated by, and the suggestion in the title.

One figure per limit, `limit_<name>.*` (of the baths `limit_bath_<parameter>.*`), whose cases are series. What is not
trusted is hollow. Swept values are in reduced units also where results are in SI units.
"""

import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from .figures import (
    BLACK,
    FORMATS,
    QUANTITY,
    SERIES,
    Scale,
    in_style,
    is_geometric,
    key_label,
    save,
    unit_label,
)
from .limit_findings import choose
from .limits import Limit, find_limits
from .plots_study import COLOURS, MANY_SERIES, untrusted_label
from .study import load_study
from .tables import format_value, limit_figure, limit_title, short_names, value_text
from .uncertainty import with_error

PANELS = {
    "length": ("R_K", "kappa_A", "kappa_B"),
    "bias": ("R_K", "rectification"),
    "cross_section": ("R_K",),
    "bath": ("R_K",),
    "timestep": ("R_K", "J"),
}
PANEL_SIZE, LINE = (4.6, 3.1), 0.16
"""Inches; each line of the title adds one to the height."""
CHARACTERS = 66
"""In a line of the title above one panel."""
MANY_CASES = 3
"""With more cases than this the title holds no results: they would fill the figure."""
N_CURVE = 101
BIAS = r"T_{\mathrm{hot}} - T_{\mathrm{cold}}"
TERMS = {"R_K": lambda d: d**0, "R_K_odd": lambda d: d, "R_K_even": lambda d: d**2}


def plot_limits(study_dir, formats=("png", "pdf"), units="reduced") -> list[Path]:
    """Write the figures of all limits of a study, in each format, and return their paths.

    Raises StorageError where the study has no limits.
    """
    table = load_study(study_dir)
    by_figure = {}
    for limit in find_limits(study_dir, table):
        by_figure.setdefault(limit_figure(limit.name, limit.parameter), []).append(limit)
    paths = []
    for stem, limits in by_figure.items():
        axes = plot_limit(limits, table.attrs, units)
        paths += [save(axes[0], Path(study_dir) / f"{stem}.{kind}") for kind in formats]
    for path in Path(study_dir).glob("limit_*.*"):  # of an earlier form of this study
        if path.stem not in by_figure and path.suffix[1:] in FORMATS:
            path.unlink()
    return paths


def plot_limit(limits: list[Limit], described: dict, units="reduced") -> list:
    """The figure of one limit, its cases as series; returns its axes.

    `described` is what holds `units` and `reference`, the attrs of a study's table.
    """
    scale = Scale(described, units)
    with in_style():
        first = limits[0]
        names = [name for name in PANELS[first.name] if any(_has(limit, name) for limit in limits)]
        names = names or ["R_K"]
        lines = _title(limits, scale, described.get("study", ""), len(names))
        size = PANEL_SIZE[0] * len(names), PANEL_SIZE[1] + LINE * len(lines)
        figure = Figure(figsize=size, layout="constrained")
        axes = list(figure.subplots(1, len(names), squeeze=False)[0])
        for ax, name in zip(axes, names, strict=True):
            for limit, (colour, marker) in zip(limits, _styles(len(limits)), strict=True):
                _draw(limit, name, ax, scale, colour, marker, alone=len(limits) == 1)
            _label(first, name, ax, scale)
        _add_legend(limits, axes)
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9)
    return axes


def _styles(n: int) -> list[tuple]:
    """Colour and marker of each of n series; with many, the colours of a map."""
    series = [SERIES[i % len(SERIES)] for i in range(n)]
    if n <= MANY_SERIES:
        return series
    colours = mpl.colormaps[COLOURS](np.linspace(0.0, 0.95, n))
    return [(colour, marker) for colour, (_, marker) in zip(colours, series, strict=True)]


def _has(limit: Limit, name: str) -> bool:
    if name == "rectification":
        return name in limit.findings.fits
    return bool(limit.points[name].notna().any())


def _place(limit: Limit, name: str) -> np.ndarray:
    """Where the points of a limit stand on the axis of a panel."""
    if limit.name == "length":
        inverse = {side: 1.0 / limit.points[f"L_{side}"].to_numpy(float) for side in "AB"}
        return inverse[name[-1]] if name.startswith("kappa") else 0.5 * (inverse["A"] + inverse["B"])
    x = limit.points["x"].to_numpy(float)
    if limit.name == "cross_section":
        return x**-2.0
    return x**2 if limit.name == "timestep" else x


def _draw(limit: Limit, name: str, ax, scale: Scale, colour, marker, alone: bool) -> None:
    if name == "rectification":
        _draw_rectification(limit, ax, colour, marker)
        return
    points = limit.points[limit.points[name].notna()]
    place = _place(limit, name)[limit.points[name].notna()] / _x_scale(limit, scale)
    value, stderr = points[name].to_numpy(float), points[f"{name}_stderr"].to_numpy(float)
    factor = scale(name)
    if name.startswith("kappa"):
        value, stderr, factor = 1.0 / value, stderr / value**2, 1.0 / factor
    trusted = points["trusted"].to_numpy(bool)
    for part, face in ((trusted, colour), (~trusted, "white")):
        style = {"color": colour, "mfc": face, "ms": 5, "capsize": 2, "lw": 0, "elinewidth": 1}
        ax.errorbar(
            place[part], factor * value[part], factor * stderr[part], marker=marker, zorder=3, **style
        )
    if alone and limit.name in ("length", "cross_section", "timestep"):
        for at, height, text in zip(place, factor * value, points["value"], strict=True):
            offset = {"xytext": (4, 5), "textcoords": "offset points", "fontsize": 7, "color": "0.4"}
            ax.annotate(value_text(text), (at, height), **offset)
    _draw_fit(limit, name, ax, scale, factor, colour)


def _x_scale(limit: Limit, scale: Scale) -> float:
    return scale("x") if limit.name == "length" else 1.0


def _draw_fit(limit: Limit, name: str, ax, scale: Scale, factor: float, colour) -> None:
    """The fit with its 68 % band: a line on to the limit, which is marked, a parabola, or a plateau."""
    fit = limit.findings.fits.get(f"inverse_{name}" if name.startswith("kappa") else name)
    if fit is None:
        return
    used = choose(limit.points, name)[0]
    place = _place(limit, name)
    if limit.findings.plateau is not None:
        inside = place[limit.findings.plateau]
        x = np.array([inside.min(), inside.max()])
        columns = np.ones((2, 1))
    elif limit.name == "bias":
        x = np.linspace(min(0.0, place[used].min()), max(0.0, place[used].max()), N_CURVE)
        terms = [row["quantity"] for row in limit.findings.rows if row["quantity"] in TERMS]
        columns = np.stack([TERMS[term](x) for term in terms], axis=1)
    else:
        x = np.array([0.0, place[used].max()])
        columns = np.stack([np.ones(2), x], axis=1)
    value, stderr = (factor * numbers for numbers in fit.at(columns))
    x = x / _x_scale(limit, scale)
    ax.plot(x, value, color=colour, lw=1.2, zorder=2)
    ax.fill_between(x, value - stderr, value + stderr, color=colour, alpha=0.15, lw=0, zorder=1)
    if limit.findings.plateau is None:
        limit_value = factor * fit.coefficients[0], factor * fit.stderr()
        style = {"color": colour, "mec": BLACK, "ms": 6, "capsize": 3, "elinewidth": 1.2, "clip_on": False}
        ax.errorbar([0.0], *limit_value, marker="D", zorder=4, **style)


def _draw_rectification(limit: Limit, ax, colour, marker) -> None:
    rows = [row for row in limit.findings.rows if row["quantity"].startswith("rectification_at_")]
    if not rows:
        return
    x = [float(row["quantity"].removeprefix("rectification_at_")) for row in rows]
    style = {"color": colour, "ms": 5, "capsize": 2, "lw": 0, "elinewidth": 1}
    bars = [row["value"] for row in rows], [row["stderr"] for row in rows]
    ax.errorbar(x, *bars, marker=marker, zorder=3, **style)
    ends = np.array([0.0, max(x)])
    value, stderr = limit.findings.fits["rectification"].at(ends[:, None])
    ax.plot(ends, value, color=colour, lw=1.2, zorder=2)
    ax.fill_between(ends, value - stderr, value + stderr, color=colour, alpha=0.15, lw=0, zorder=1)


def _label(limit: Limit, name: str, ax, scale: Scale) -> None:
    """Names of both axes and the scale of the lower one."""
    ax.set_xlabel(_x_label(limit, name, scale))
    if name == "rectification":
        ax.set_ylabel("rectification $(|J_+| - |J_-|)\\,/\\,$mean")
        ax.axhline(0.0, color="0.6", lw=0.8, zorder=0)
    elif name.startswith("kappa"):
        ax.set_ylabel(f"$1/${QUANTITY[name]} (1 / {scale.label(name)})")
    else:
        ax.set_ylabel(f"{QUANTITY[name]} ({scale.label(name)})")
    x = limit.points["x"]
    if limit.parameter == "ramp":
        ax.set_xticks([0, 1], ["false", "true"])
        ax.set_xlim(-0.5, 1.5)
    elif limit.name == "bath" and is_geometric(x):
        ax.set_xscale("log")
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()
    elif limit.name in ("length", "cross_section", "timestep") or name == "rectification":
        ax.set_xlim(left=0.0)
    if limit.name == "timestep":
        ax.ticklabel_format(axis="x", style="sci", scilimits=(0, 0))


def _x_label(limit: Limit, name: str, scale: Scale) -> str:
    if limit.name == "length":
        side = f"_{name[-1]}" if name.startswith("kappa") else ""
        return f"$1/L{side}$ (1/{scale.label('x')})"
    if limit.name == "bias":
        size = f"|{BIAS}|" if name == "rectification" else BIAS
        return f"${size}$ ({unit_label('epsilon/k_B')})"
    if limit.name == "cross_section":
        return "$1/n^2$, $n$ the cells across"
    if limit.name == "timestep":
        return f"d$t^2$ ({unit_label('tau^2')})"
    return key_label({"length": "baths.hot.length"}.get(limit.parameter, f"baths.{limit.parameter}"))


def _add_legend(limits: list[Limit], axes) -> None:
    """The cases, and what is hollow with the reasons, beside or below the points."""
    handles = []
    if len(limits) > 1:
        for limit, (colour, marker) in zip(limits, _styles(len(limits)), strict=True):
            handles += axes[0].plot([], [], marker=marker, color=colour, lw=0, label=_case(limit))
    doubtful = [points[~points["trusted"].astype(bool)] for points in (limit.points for limit in limits)]
    names = [names for points in doubtful for names in points["failed_checks"][points["R_K"].notna()]]
    if names:
        label = textwrap.fill(untrusted_label(names), 40)
        handles += axes[0].plot([], [], "o", color="0.3", mfc="white", lw=0, label=label)
    if handles:
        axes[0].figure.legend(handles=handles, loc="outside lower left", ncols=min(3, len(handles)))


def _case(limit: Limit) -> str:
    short = short_names(limit.case)
    return ", ".join(f"{short[key]} = {format_value(value)}" for key, value in limit.case.items())


def _title(limits: list[Limit], scale: Scale, study: str, n_panels: int) -> list[str]:
    """The study and the limit; below, R_K in the limit and the suggestion of each case."""
    name = limit_title(limits[0].name, limits[0].parameter).replace("_", " ")
    lines = [f"{study}   limit: {name}".strip()]
    if len(limits) > MANY_CASES:
        return [*lines, "results and suggestions of each case: limits.csv"]
    for limit in limits:
        row = next(row for row in limit.findings.rows if row["quantity"] == "R_K")
        value = f"no {QUANTITY['R_K']} in this limit"
        if row["value"] is not None:
            number = with_error(scale("R_K") * row["value"], scale("R_K") * row["stderr"])
            value = f"{QUANTITY['R_K']} = {number} {scale.label('R_K')}"
        case = f"{_case(limit)}: " if len(limits) > 1 else ""
        lines.append(f"{case}{value}")
        width = CHARACTERS * n_panels
        lines += textwrap.wrap(f"suggestion: {limit.findings.suggestion}", width)
    return lines
