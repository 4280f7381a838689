"""Figures of a study: R_K against swept values; each function draws on given or new axes and returns them.

What is drawn comes from the table of `study.load_study`. Runs that differ only in their seeds are pooled.
Swept values are shown as the config has them, in reduced units also where R_K is in SI units.
"""

import textwrap
from collections import Counter

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from .figures import QUANTITY, SERIES, Scale, in_style, is_geometric, key_label, own_axes
from .plots_overlay import draw_theory, name_theory
from .tables import SEEDS, THEORY, base_runs, format_value, pool_seeds, short_names, swept_seeds

MANY_SERIES = 7
"""More series than this are coloured by their order, and their legend stands beside the axes."""
MANY_TICKS = 10
LONG_TICKS = 42
"""Characters in all tick labels together above which they are turned."""
LABEL_WIDTH, TITLE_WIDTH = 40, 80
"""Characters in a line of a label of the legend, and of the title of a map."""
COLOURS = "cividis"
WORDS = ("structure.orientation",)
"""Swept keys whose numbers are names: nothing lies between two of them."""
LARGEST_WRITTEN = 12
"""Columns or rows above which the values are not written into the cells of a map."""


def varying_keys(table: pd.DataFrame, first=()) -> list[str]:
    """`first`, then the swept keys that vary, without seeds and without those that the keys before them determine.

    So of keys that a sweep walks together only the first counts.
    """
    keys = list(first)
    seeds = swept_seeds(table)
    for key in table.attrs.get("swept_keys", []):
        known = len(table.drop_duplicates(keys)) if keys else 1
        if key not in seeds and len(table.drop_duplicates([*keys, key])) > known:
            keys.append(key)
    return keys


def plot_sweep(table, key, ax=None, units="reduced"):
    """R_K against the swept value `key` with error bars; what is not trusted is hollow.

    Behind the points stand the three resistances of theory, where the table has them (plots_overlay.py).
    Other swept keys become series of their own. Runs without a resolved R_K are left out. Error bars are one
    standard error; of pooled seeds, that of their spread. Raises KeyError for a key not in the table.
    """
    with in_style():
        ax = own_axes(ax, 5.2, 3.6)
        table = _pooled(table, [key])
        scale = Scale(table.attrs, units)
        table = table.assign(_place=_place(table[key], ax)).sort_values("_place")
        resolved = table[table["R_K"].notna()]
        series = _series(table, varying_keys(table, [key])[1:])
        joined = _is_scale(table[key]) and key not in SEEDS
        for rows, colour, marker, label in series:
            _draw_series(rows[rows["R_K"].notna()], colour, marker, label, joined, scale("R_K"), ax)
        theory = [(rows, colour) for rows, colour, *_ in series]
        lines = draw_theory(theory, joined, scale("R_K"), ax) if set(THEORY) <= set(table) else []
        untrusted = resolved[~resolved["trusted"].astype(bool)]
        if len(untrusted):
            label = textwrap.fill(untrusted_label(untrusted["failed_checks"]), LABEL_WIDTH)
            ax.plot([], [], "o", color="0.3", mfc="white", label=label)
        bars = [resolved["R_K"] + sign * resolved["R_K_stderr"] for sign in (-1, 1)]
        name_theory(lines, scale("R_K") * np.concatenate(bars), ax)
        _add_legend(len(series), ax)
        ax.set_xlabel("" if key == "run" else key_label(key))
        ax.set_ylabel(f"{QUANTITY['R_K']} ({scale.label('R_K')})")
        if resolved.empty:
            ax.text(0.5, 0.5, f"no run has a resolved {QUANTITY['R_K']}", transform=ax.transAxes, ha="center")
        elif (resolved["R_K"] < resolved["R_K_stderr"]).any():
            ax.axhline(0.0, color="0.6", lw=0.8, zorder=0)
        else:
            ax.set_ylim(bottom=0.0)
    return ax


def _series(table: pd.DataFrame, others: list[str]) -> list[tuple[pd.DataFrame, object, str, str | None]]:
    """Rows, colour, marker and label of each combination of other keys with a resolved R_K, ordered by their values."""
    resolved = table[table["R_K"].notna()]
    cases = sorted(set(resolved[others].dropna().itertuples(index=False, name=None))) if others else [()]
    short = short_names(table.attrs.get("swept_keys", []))
    colours = mpl.colormaps[COLOURS](np.linspace(0.0, 0.95, len(cases)))
    series = []
    for i, values in enumerate(cases):
        colour, marker = SERIES[i % len(SERIES)]
        if len(cases) > MANY_SERIES:
            colour = colours[i]
        pairs = zip(others, values, strict=True)
        label = ", ".join(f"{short[name]} = {format_value(value)}" for name, value in pairs) or None
        own = (table[others] == list(values)).all(axis=1)
        series.append((table[own], colour, marker, label))
    return series


def plot_map(table, x, y, ax=None, value="R_K", units="reduced"):
    """`value` (a column with errors, such as R_K or kappa_A) over two swept keys, as a map with contours.

    Cells are equally wide whatever the spacing of the values; contours need numbers along both axes. Cells are hatched
    where a run is not trusted and grey where there is no result, and hold their values up to 12 columns and rows. Other
    swept keys stand at their first value, which the title names. Raises KeyError for a key not in the table.
    """
    with in_style():
        ax = own_axes(ax, 5.2, 4.0)
        table = _pooled(table, [x, y])
        scale = Scale(table.attrs, units)
        table, fixed = _first_of_others(table, [x, y])
        columns, rows = _distinct(table[x]), _distinct(table[y])
        numbers = table.assign(**{value: table[value].astype(float) * scale(value)})
        grid = numbers.pivot_table(index=y, columns=x, values=value, dropna=False).reindex(
            index=rows, columns=columns
        )
        cells = np.ma.masked_invalid(grid.to_numpy(float))
        image = ax.pcolormesh(
            np.arange(len(columns)), np.arange(len(rows)), cells, shading="nearest", cmap=COLOURS
        )
        ax.set_facecolor("0.85")
        if cells.count():
            bar = ax.figure.colorbar(
                image, ax=ax, label=f"{QUANTITY.get(value, value)} ({scale.label(value)})"
            )
            bar.outline.set_visible(False)
            if _is_scale(table[x]) and _is_scale(table[y]):
                _draw_contours(cells, ax, bar)
        untrusted = table[~table["trusted"].astype(bool) & table[value].notna()]
        _hatch(untrusted, x, y, columns, rows, ax)
        if max(len(columns), len(rows)) <= LARGEST_WRITTEN:
            _write_values(cells, image, ax)
        for axis, names in ((ax.xaxis, columns), (ax.yaxis, rows)):
            step = -(-len(names) // (2 * MANY_TICKS))
            axis.set_ticks(np.arange(0, len(names), step), [format_value(name) for name in names[::step]])
        _turn_labels([format_value(name) for name in columns], ax)
        ax.set_xlabel(key_label(x))
        ax.set_ylabel(key_label(y))
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        notes = [f"{short} = {format_value(fixed[key])}" for key, short in short_names(fixed).items()]
        if len(untrusted):
            notes.append(f"hatched: {untrusted_label(untrusted['failed_checks'])}")
        if cells.mask.any():
            notes.append("grey: no result")
        ax.set_title(textwrap.fill(", ".join(notes), TITLE_WIDTH))
    return ax


def _pooled(table, shown):
    """The table with seeds pooled, unless seeds or single runs are what is shown; without runs that only limits ask for.

    Raises KeyError for an unknown key.
    """
    missing = [key for key in shown if key not in table]
    if missing:
        swept = ", ".join(table.attrs.get("swept_keys", [])) or "none"
        raise KeyError(f"{', '.join(missing)}: no such column; swept keys: {swept}")
    seeds = swept_seeds(table)
    return pool_seeds(table) if seeds and not {"run", *seeds} & set(shown) else base_runs(table)


def untrusted_label(failed_checks) -> str:
    """What is not trusted, and why: all checks that failed, the most frequent ones first."""
    counts = Counter(name for names in failed_checks for name in names.split(";") if name)
    reasons = ", ".join(name.replace("_", " ") for name, _ in counts.most_common())
    return f"not trusted: {reasons}" if reasons else "not trusted"


def _first_of_others(table, shown) -> tuple[pd.DataFrame, dict]:
    """The rows in which every other varying key has its first value, and these values."""
    fixed = {key: table[key].iloc[0] for key in varying_keys(table, shown)[len(shown) :]}
    for key, first in fixed.items():
        table = table[table[key] == first]
    return table, fixed


def fill_grid(table: pd.DataFrame, x: str, y: str) -> bool:
    """Whether the study has runs at every pair of the values of two swept keys."""
    return len(table.drop_duplicates([x, y])) == table[x].nunique() * table[y].nunique()


def _is_scale(values: pd.Series) -> bool:
    """Whether swept values are numbers with others between them."""
    return is_numeric_dtype(values) and not is_bool_dtype(values) and values.name not in WORDS


def _place(values: pd.Series, ax) -> pd.Series:
    """Where swept values stand on the x axis; sets its scale and ticks."""
    if _is_scale(values):
        ticks = _distinct(values)
        if is_geometric(ticks):
            ax.set_xscale("log")
            if len(ticks) <= MANY_TICKS:
                ax.set_xticks(ticks, [format_value(tick) for tick in ticks])
            else:
                ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                ax.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
            ax.xaxis.set_minor_locator(NullLocator())
        return values
    names = list(dict.fromkeys(values))
    texts = [format_value(name) for name in names]
    ax.set_xticks(range(len(names)), texts)
    ax.set_xlim(-0.5, len(names) - 0.5)
    _turn_labels(texts, ax)
    return values.map(names.index)


def _turn_labels(texts, ax) -> None:
    """Turn the labels of the x axis where they would run into each other."""
    if sum(map(len, texts)) > LONG_TICKS:
        size = 8 if len(texts) <= 2 * MANY_TICKS else 5
        ax.tick_params(axis="x", labelrotation=90 if len(texts) > MANY_TICKS else 30, labelsize=size)
        for label in ax.get_xticklabels():
            label.set(
                ha="center" if len(texts) > MANY_TICKS else "right",
                rotation_mode="anchor" if len(texts) <= MANY_TICKS else "default",
            )


def _draw_series(group, colour, marker, label, joined, factor, ax) -> None:
    if joined:
        ax.plot(group["_place"], factor * group["R_K"], color=colour, lw=0.8, alpha=0.5, zorder=1)
    trusted = group["trusted"].astype(bool)
    for part, face in ((group[trusted], colour), (group[~trusted], "white")):
        style = {"color": colour, "mfc": face, "ms": 5, "capsize": 2, "lw": 0, "elinewidth": 1}
        values = part["_place"], factor * part["R_K"], factor * part["R_K_stderr"]
        ax.errorbar(*values, marker=marker, zorder=2, **style)
    ax.plot([], [], marker=marker, color=colour, lw=0, label=label)


def _add_legend(n_series: int, ax) -> None:
    if not ax.get_legend_handles_labels()[0]:
        return
    if n_series > MANY_SERIES:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), ncols=-(-n_series // 16))
    else:
        ax.legend(frameon=True, framealpha=0.8, edgecolor="none")


def _draw_contours(cells, ax, bar) -> None:
    """Contours between the middles of the cells, carried on straight to the edges, and marked on the colour bar."""
    known = cells.compressed()
    if min(cells.shape) < 2 or known.min() == known.max():
        return
    y, x = (np.concatenate([[-0.5], np.arange(n), [n - 0.5]]) for n in cells.shape)
    values = _extended(_extended(cells.filled(np.nan)).T).T
    levels = MaxNLocator(6).tick_values(known.min(), known.max())
    levels = levels[(levels > known.min()) & (levels < known.max())]
    contours = ax.contour(x, y, np.ma.masked_invalid(values), levels=levels, colors="white", linewidths=0.9)
    contours.set_path_effects([withStroke(linewidth=1.7, foreground="0.35")])
    bar.add_lines(contours)


def _extended(rows) -> np.ndarray:
    """Rows with one more at either end, half a step beyond it, extrapolated from the last two."""
    return np.vstack([1.5 * rows[:1] - 0.5 * rows[1:2], rows, 1.5 * rows[-1:] - 0.5 * rows[-2:-1]])


def _hatch(untrusted, x, y, columns, rows, ax) -> None:
    for across, up in zip(untrusted[x], untrusted[y], strict=True):
        corner = columns.index(across) - 0.5, rows.index(up) - 0.5
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, hatch="////", edgecolor="white", lw=0, alpha=0.7))


def _write_values(cells, image, ax) -> None:
    """The value of each cell, light on dark or dark on light, over what is drawn there."""
    size = 8 if max(cells.shape) <= 8 else 6
    largest = np.abs(cells).max()
    decimals = max(0, 2 - int(np.floor(np.log10(largest)))) if largest else 0
    for (i, j), number in np.ndenumerate(cells.filled(np.nan)):
        if np.isnan(number):
            ax.text(j, i, "–", ha="center", va="center", color="0.4", fontsize=size)
            continue
        back = image.cmap(image.norm(number))
        dark = 0.299 * back[0] + 0.587 * back[1] + 0.114 * back[2] < 0.5
        stroke = [withStroke(linewidth=2.5, foreground=back)]
        text = f"{round(number, decimals) + 0.0:.{decimals}f}"  # + 0.0: no minus sign before a zero
        ax.text(
            j,
            i,
            text,
            ha="center",
            va="center",
            color="white" if dark else "black",
            fontsize=size,
            path_effects=stroke,
        )


def _distinct(values) -> list:
    """Distinct swept values: numbers sorted, words in the order of the sweep."""
    found = list(dict.fromkeys(values))
    return sorted(found) if is_numeric_dtype(values) else found
