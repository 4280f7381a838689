"""Figures of one run; each function draws on given or new axes and returns them.

What is drawn comes from `profile` and `interface` of a `Result` or of a loaded `Run`. With `units="si"` values
are those of the reference substance. Layers of a third material and of mixed species have colours of their
own. Periodic ends have two interfaces: the one at the cell's boundary is drawn at both ends of the cell.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from .figures import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    QUANTITY,
    SKY,
    VERMILION,
    Scale,
    in_style,
    own_axes,
    save,
)
from .lines import LOG_LINE
from .uncertainty import with_error

LAYERS = {"A": (BLUE, "o"), "B": (GREEN, "s"), "C": (ORANGE, "^"), "mixed": (PURPLE, "D")}
"""Colour and marker of a layer by its species; sides have the colours of their materials."""
NAMES = {"C": "layers of C", "mixed": "mixed layers"}
POINTS = {"ms": 3, "mfc": "white", "mew": 0.8, "elinewidth": 0.8}
DASHED = (0, (3, 2))
SIZE = (6.4, 4.0)
TITLE_WIDTH = 82
"""Characters in a line of a title."""
CURVE_POINTS = 50
LONG_ARROW = 0.15
"""Share of the range of temperatures above which there is room beside the arrow of the jump."""
WIDEST = 5.0
"""Error bars up to this many times the median one are shown whole."""


def plot_profile(result, ax=None, units="reduced"):
    """Layer temperatures with error bars, both bulk lines up to each interface, and the jump between them.

    Lines are solid over the layers they were fitted to, dashed beyond; baths and frozen walls are shaded.
    """
    with in_style():
        ax = own_axes(ax, *SIZE)
        fields, scale, profile, marks = _begin(result, ax, units)
        _name_baths(profile, ax)
        measured = profile[profile["temperature"].notna()]
        for species, (colour, marker) in LAYERS.items():
            layers = measured[measured["species"] == species]
            if len(layers):
                values = layers["x"], layers["temperature"], layers["temperature_stderr"]
                style = POINTS | {"color": colour, "fmt": marker, "label": NAMES.get(species)}
                if species in NAMES:
                    style |= {"mfc": colour, "ms": 4}
                ax.errorbar(*values, zorder=2, **style)
        _draw_lines(profile, marks, ax)
        _mark_jumps(marks, fields["J"] >= 0, np.ptp(measured["temperature"]), scale.label("delta_T"), ax)
        ax.set_ylabel(f"temperature $T$ ({scale.label('temperature')})")
        box = {"frameon": True, "framealpha": 0.8, "edgecolor": "none"}
        ax.legend(loc="upper right" if fields["J"] >= 0 else "upper left", **box)
        ax.set_title(_headline(fields, scale), pad=16)
    return ax


def plot_flux(result, ax=None, units="reduced"):
    """The flux through every plane with error bars, and what the baths give and take.

    With periodic ends heat flows both ways: the flux is negative where it runs from A to B along -x.
    """
    with in_style():
        ax = own_axes(ax, *SIZE)
        fields, scale, profile, marks = _begin(result, ax, units)
        x = profile["x"].to_numpy()
        above = 0.5 * (x + np.append(x[1:], 2 * x[-1] - x[-2]))
        flux = profile["flux"], profile["flux_stderr"]
        ax.errorbar(above, *flux, fmt="o", color=BLACK, label="planes", zorder=3, **POINTS)
        directions = (1,) if len(marks) == 1 else (1, -1)
        for name, colour, dashes, label in (
            ("J_hot", VERMILION, "-", "given by the hot bath"),
            ("J_cold", BLUE, "--", "taken by the cold bath"),
        ):
            stderr = scale("J") * fields[f"{name}_stderr"]
            for direction in directions:
                J = direction * scale("J") * fields[name]
                ax.axhline(
                    J, color=colour, ls=dashes, lw=1.2, label=label if direction > 0 else None, zorder=2
                )
                ax.axhspan(J - stderr, J + stderr, color=colour, alpha=0.15, lw=0)
        ax.set_ylabel(f"heat flux $J$ ({scale.label('J')})")
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0.0), max(high, 0.0))
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def plot_running(run, ax=None, units="reduced"):
    """R_K of the first part of a run, with its error, against how long that part is.

    `run` has `running`, a table of `running.running_resistance`. The band is the final value with its standard
    error: a run that was long enough comes into it early and stays.
    """
    with in_style():
        ax = own_axes(ax, 5.2, 3.4)
        fields, table = run.interface, run.running
        scale = Scale(fields, units)
        values = [table[name] * scale(name) for name in ("time", "R_K", "R_K_stderr")]
        ax.set_xlabel(f"simulated time ({scale.label('time')})")
        ax.set_ylabel(f"{QUANTITY['R_K']} ({scale.label('R_K')})")
        ax.set_title(_headline(fields, scale))
        if table.empty:
            ax.text(
                0.5,
                0.5,
                f"no part of the run resolves {QUANTITY['R_K']}",
                transform=ax.transAxes,
                ha="center",
            )
            return ax
        style = {"color": BLUE, "ms": 3.5, "lw": 0.8, "elinewidth": 1, "capsize": 2}
        ax.errorbar(*values, fmt="o-", label="up to that time", zorder=3, **style)
        if fields["R_K"] is not None:
            final, stderr = (scale("R_K") * fields[name] for name in ("R_K", "R_K_stderr"))
            ax.axhspan(final - stderr, final + stderr, color=ORANGE, alpha=0.3, lw=0, zorder=1)
            ax.axhline(final, color=ORANGE, lw=1.2, label="whole run", zorder=2)
        ax.set_xlim(left=0.0)
        _fit_to_settled(*values[1:], ax)
        ax.legend()
    return ax


def save_profile(result, path, units="reduced") -> None:
    """`profile.png`, or PDF or SVG by suffix: temperatures above, fluxes below."""
    with in_style():
        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        plot_profile(result, upper, units)
        plot_flux(result, lower, units)
        upper.set_xlabel("")
        save(upper, path)


def _begin(result, ax, units):
    """Prepare axes over x: label, limits, regions, a dotted line at each interface.

    Returns the fields of interface.json, the scale, the profile in its units and where the interfaces are drawn.
    """
    fields = result.interface
    scale = Scale(fields, units)
    profile = _in_units(result.profile, scale)
    marks = _interface_marks(profile, fields, scale)
    _shade_regions(profile, ax)
    for mark in marks:
        ax.axvline(mark["x"], color="0.35", lw=0.8, ls=":", zorder=1)
    ax.set_xlabel(f"position $x$ ({scale.label('x')})")
    ends = [*profile["x"].iloc[[0, -1]], *(mark["x"] for mark in marks)]
    ax.set_xlim(min(ends), max(ends))
    return fields, scale, profile, marks


def _in_units(profile, scale):
    """The profile with its values in the units of `scale`."""
    names = ("x", "temperature", "temperature_stderr", "flux", "flux_stderr")
    values = {name: profile[name] * scale(name) for name in names}
    return profile.assign(**values, fitted=profile["fitted"] * scale("temperature"))


def _interface_marks(profile, fields, scale) -> list[dict]:
    """Where each interface is drawn, with its x, T_A, T_B, delta_T and its error in the units of `scale`.

    One that lies beyond the first or last layer is the boundary of a periodic cell and stands at both `ends`. There is
    room from `beside` on, to the right of the layers of other species around it.
    """
    others = profile["x"][profile["species"].isin(NAMES)]
    first, last = profile["x"].iloc[0], profile["x"].iloc[-1]
    marks = []
    for interface in fields["interfaces"]:
        mark = {name: scale(name) * interface[name] for name in ("T_A", "T_B", "delta_T", "delta_T_stderr")}
        x = scale("x") * interface["x_interface"]
        mark["model"] = interface["fit_A"]["model"]
        places = [x] if first < x < last else [x, first + last - x]
        for place in places:
            zone = others[abs(others - place) < 0.25 * (last - first)]
            mark |= {"x": place, "first": place == min(places), "ends": len(places)}
            marks.append(mark | {"beside": max(place, *zone) if len(zone) else place})
    return marks


def _fit_to_settled(value, stderr, ax) -> None:
    """Let the wide bars of the first short parts run off the axes rather than flatten all others."""
    settled = stderr <= WIDEST * stderr.median()
    if settled.any():
        low, high = (value - stderr)[settled].min(), (value + stderr)[settled].max()
        ax.set_ylim(low - 0.05 * (high - low), high + 0.15 * (high - low))


def _shade_regions(profile, ax) -> None:
    """Shade baths and walls up to midway to the next region's first layer."""
    x, region = profile["x"].to_numpy(), profile["region"].to_numpy()
    edges = np.concatenate([[x[0]], 0.5 * (x[1:] + x[:-1]), [x[-1]]])
    for name, style in (
        ("hot", {"color": VERMILION, "alpha": 0.12, "lw": 0}),
        ("cold", {"color": SKY, "alpha": 0.22, "lw": 0}),
        ("wall", {"facecolor": "0.9", "edgecolor": "0.6", "hatch": "////", "lw": 0}),
    ):
        for first, last in _stretches(region == name):
            ax.axvspan(edges[first], edges[last + 1], zorder=0, **style)


def _name_baths(profile, ax) -> None:
    """The names of the baths above the axes, where no point can hide them."""
    x, region = profile["x"].to_numpy(), profile["region"].to_numpy()
    for name in ("hot", "cold"):
        for first, last in _stretches(region == name):
            place = (0.5 * (x[first] + x[last]), 1.01)
            ax.text(*place, name, transform=ax.get_xaxis_transform(), ha="center", fontsize=8, color="0.3")


def _stretches(mask) -> list[tuple[int, int]]:
    """First and last index of every stretch of neighbours for which `mask` holds."""
    layers = np.flatnonzero(mask)
    parts = np.split(layers, np.flatnonzero(np.diff(layers) > 1) + 1)
    return [(part[0], part[-1]) for part in parts if part.size]


def _draw_lines(profile, marks, ax) -> None:
    """The bulk line of every fit window: solid there, dashed over the rest of its bulk and on to its interface."""
    x, fitted = profile["x"].to_numpy(), profile["fitted"].to_numpy()
    labelled = set()
    for side in "AB":
        bulks = _stretches((profile["region"] == side).to_numpy())
        for first, last in _stretches(np.isfinite(fitted) & (profile["region"] == side).to_numpy()):
            window = x[first], x[last]
            mark = min(marks, key=lambda mark: min(abs(mark["x"] - end) for end in window))
            bulk = next(bulk for bulk in bulks if bulk[0] <= first <= bulk[1])
            left, right = min(x[bulk[0]], mark["x"]), max(x[bulk[1]], mark["x"])
            if mark["x"] > window[1]:
                right = mark["x"]
            else:
                left = mark["x"]
            label = None if side in labelled else f"fit of {side}"
            labelled.add(side)
            colour = LAYERS[side][0]
            for ends, style in (
                ((left, window[0]), {"lw": 1.2, "ls": DASHED}),
                ((window[1], right), {"lw": 1.2, "ls": DASHED}),
                (window, {"lw": 1.8, "label": label}),
            ):
                x_drawn = np.linspace(*ends, CURVE_POINTS if mark["model"] == LOG_LINE else 2)
                line = _extend(window, fitted[[first, last]], x_drawn, mark["model"])
                ax.plot(x_drawn, line, color=colour, zorder=3, **style)


def _extend(window, ends, x, model: str) -> np.ndarray:
    """The line through its values at both ends of its window, at positions x."""
    share = (x - window[0]) / (window[1] - window[0])
    if model == LOG_LINE:
        return ends[0] * (ends[1] / ends[0]) ** share
    return ends[0] + (ends[1] - ends[0]) * share


def _mark_jumps(marks, falling, height, unit, ax) -> None:
    """A double arrow between both lines at each interface, named to its right where it does not hide the points:
    beside a long arrow; of a short one above where temperatures fall from A to B, else below. `height` is the range of
    all temperatures."""
    arrow = {"arrowstyle": "<->", "color": BLACK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
    for mark in marks:
        x, T_A, T_B = mark["x"], mark["T_A"], mark["T_B"]
        ax.annotate("", (x, T_A), (x, T_B), arrowprops=arrow, zorder=4, annotation_clip=False)
        if not mark["first"]:
            continue
        above = falling == (mark["ends"] == 1)
        place = (max(T_A, T_B), 8, "bottom") if above else (min(T_A, T_B), -8, "top")
        if abs(T_A - T_B) > LONG_ARROW * height:
            place = (0.5 * (T_A + T_B), 0, "center")
        ax.annotate(
            f"$\\Delta T$ = {with_error(mark['delta_T'], mark['delta_T_stderr'])} {unit}",
            (mark["beside"], place[0]),
            xytext=(8, place[1]),
            textcoords="offset points",
            va=place[2],
            bbox=box,
            zorder=5,
        )


def _headline(fields, scale) -> str:
    """R_K with its error; below it the checks that failed."""
    if fields["R_K"] is None:
        text = f"{QUANTITY['R_K']} not resolved"
    else:
        value = with_error(scale("R_K") * fields["R_K"], scale("R_K") * fields["R_K_stderr"])
        text = f"{QUANTITY['R_K']} = {value} {scale.label('R_K')}"
    if not fields["trusted"]:
        failed = [check["name"].replace("_", " ") for check in fields["checks"] if not check["passed"]]
        text += "\n" + textwrap.fill("not trusted: " + ", ".join(failed), TITLE_WIDTH)
    return text
