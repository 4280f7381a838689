"""Lines of theory behind resistances that were simulated or solved: two-probe, four-probe and R_NEMD, told by dashes.

The figures themselves, with their points, are drawn in plots_study.py; those of theory alone in plots_theory.py.
"""

import numpy as np
import pandas as pd
from matplotlib.path import Path

from .figures import BLUE, QUANTITY, Scale, in_style, own_axes
from .tables import THEORY

DASHES = {"R_two_probe": (0, (1, 1.6)), "R_four_probe": (0, (4, 2)), "R_nemd": (0, (7, 2, 1.5, 2))}
NAMES = {"R_two_probe": "two-probe", "R_four_probe": "four-probe", "R_nemd": "$R_{\\mathrm{NEMD}}$"}
TICKS = {
    "R_two_probe": [(x - 0.04, x + 0.04) for x in (-0.46, -0.23, 0.0, 0.23, 0.46)],
    "R_four_probe": [(-0.5, -0.23), (-0.135, 0.135), (0.23, 0.5)],
    "R_nemd": [(-0.5, -0.15), (-0.04, 0.04), (0.15, 0.5)],
}
"""The dashes of a value that no line joins to another, in shares of its width."""
TICK_WIDTH = 20
"""Points."""
GREY = "0.35"
FEW_SERIES = 2
"""With more series than this, each with its own theory, only R_NEMD is drawn."""
SQUASHED = 4.0
"""By how much theory may compress what was simulated; what lies higher is cut off, and the legend says so."""
SAME = 1e-6
"""Relative difference below which two series share their theory."""


def draw_theory(series, joined: bool, factor: float, ax) -> list[tuple[str, np.ndarray]]:
    """The theory of each of `series`, pairs of a table with `_place` and a colour; nothing where there is none.

    Of series that share it, it is drawn once, in grey. `factor` turns reduced units into those of the axes. Returns
    the name and the values of every line, for `name_theory`.
    """
    known = [(rows.dropna(subset=THEORY, how="all"), colour) for rows, colour in series]
    known = [(rows, colour) for rows, colour in known if len(rows)]
    if not known:
        return []
    if _shared(pd.concat([rows for rows, _ in known])):
        rows = pd.concat([rows for rows, _ in series]).sort_values(["_place", *THEORY])
        known = [(rows.drop_duplicates("_place"), GREY)]
    names = THEORY if len(known) <= FEW_SERIES else ("R_nemd",)
    lines = []
    for rows, colour in known:
        for name in names:
            values = factor * rows[name].to_numpy(float)
            if not np.isfinite(values).any():
                continue
            _draw_line(name, rows["_place"].to_numpy(float), values, colour, joined, ax)
            lines.append((name, values))
    return lines


def name_theory(lines, bars: np.ndarray, ax) -> None:
    """Name the lines of theory in the legend, and cut off those that would squash the ends of `bars`.

    Zero is taken as the bottom of the axes unless bars reach below it.
    """
    if not lines:
        return
    tops = {}
    for name, values in lines:
        tops[name] = np.nanmax([tops.get(name, -np.inf), *values])
    lowest, highest = (0.0, max(tops.values())) if bars.size == 0 else (min(0.0, bars.min()), bars.max())
    limit = lowest + SQUASHED * (highest - lowest)
    for name in (name for name in DASHES if name in tops):
        note = f" (up to {tops[name]:.3g}, beyond the axis)" if tops[name] > limit else ""
        ax.plot([], [], color=GREY, ls=DASHES[name], lw=1.2, label=f"theory, {NAMES[name]}{note}")
    if max(tops.values()) > limit:
        highest = max([highest, *(top for top in tops.values() if top <= limit)])
        margin = 0.06 * (highest - lowest)
        ax.set_ylim(lowest - margin, highest + margin)


def plot_bath_lengths(lengths, R_K, theory, ax=None, units="reduced"):
    """R_K of finite set-ups against the length of their baths (cells), with R_NEMD and the four-probe value as lines.

    `theory` holds the fields of predict.json of one of them; they share their theory. `R_K` is in reduced units.
    """
    with in_style():
        ax = own_axes(ax, 5.2, 3.6)
        scale = Scale(theory, units)
        values = scale("R_K") * np.asarray(R_K, float)
        ax.plot(lengths, values, "o", color=BLUE, ms=5, label="exact, finite baths")
        for name in ("R_nemd", "R_four_probe"):
            style = {"color": GREY, "ls": DASHES[name], "lw": 1.2, "zorder": 1}
            ax.axhline(scale("R_K") * theory[name], label=f"theory, {NAMES[name]}", **style)
        ax.set_xlim(left=0.0)
        ax.margins(y=0.15)
        ax.set_xlabel("length of each bath (cells)")
        ax.set_ylabel(f"{QUANTITY['R_K']} ({scale.label('R_K')})")
        ax.legend()
    return ax


def _shared(rows: pd.DataFrame) -> bool:
    """Whether rows at the same place have the same theory."""
    by_place = rows.groupby("_place")[THEORY]
    spread, size = by_place.max() - by_place.min(), by_place.max().abs()
    return bool((spread.fillna(0.0) <= SAME * size.fillna(0.0)).all(axis=None))


def _draw_line(name, x, y, colour, joined, ax) -> None:
    """A dashed line through known neighbours; a short one across the place of every other value."""
    known = np.isfinite(y)
    beside = np.zeros(len(y), bool)
    if joined:
        beside[1:] |= known[:-1]
        beside[:-1] |= known[1:]
        ax.plot(x, y, color=colour, ls=DASHES[name], lw=1.2, zorder=0.5)
    alone = known & ~beside
    if alone.any():
        pieces = [(end, 0.0) for piece in TICKS[name] for end in piece]
        marker = Path(pieces, [Path.MOVETO, Path.LINETO] * len(TICKS[name]))
        ax.plot(x[alone], y[alone], ls="", marker=marker, ms=TICK_WIDTH, mew=1.2, color=colour, zorder=0.5)
