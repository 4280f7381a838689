"""Figures of a run and of a study; each function draws on given or new axes and returns them.

Colours are those of Okabe and Ito, told apart also by those who cannot tell red from green; what matters
is told by shape too. Figures made here need no display. What is drawn comes from `profile` and `interface`
of a `Result` or a loaded `Run`.
"""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from pandas.api.types import is_numeric_dtype

from nemd_core.storage import atomic

from .uncertainty import with_error

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000 #E69F00 #56B4E9 #009E73 #F0E442 #0072B2 #D55E00 #CC79A7".split()
)
SERIES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "v"), (SKY, "P"), (BLACK, "X"))
SIDE = {"A": BLUE, "B": GREEN}
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
SYMBOLS = {"epsilon": "ε", "sigma": "σ", "tau": "τ", "k_B": "k_{\\mathrm{B}}"}


def unit_label(unit: str) -> str:
    """A unit such as `epsilon/(tau sigma^2)` as a label with symbols."""
    text = unit
    for word, symbol in SYMBOLS.items():
        text = text.replace(word, symbol)
    return "$" + text.replace(" ", r"\,") + "$"


def plot_profile(result, ax=None):
    """Layer temperatures with error bars, both bulk lines up to the interface, and the jump between them.

    Lines are solid over the layers they were fitted to, dashed beyond; baths and frozen walls are shaded.
    """
    with mpl.rc_context(STYLE):
        ax = ax if ax is not None else plt.subplots(figsize=(6.4, 4.0), layout="constrained")[1]
        profile, fields = result.profile, result.interface
        x_interface = fields["x_interface"]
        _shade_regions(profile, ax)
        _name_baths(profile, ax)
        measured = profile[profile["temperature"].notna()]
        for side, colour in SIDE.items():
            layers = measured[measured["species"] == side]
            ax.errorbar(
                layers["x"],
                layers["temperature"],
                layers["temperature_stderr"],
                fmt="o" if side == "A" else "s",
                ms=3,
                color=colour,
                mfc="white",
                mew=0.8,
                elinewidth=0.8,
                zorder=2,
            )
            fit = fields[f"fit_{side}"]
            bulk = layers[layers["region"] == side]["x"]
            _draw_line(fit, [bulk.min(), bulk.max(), x_interface], colour, side, ax)
        ax.axvline(x_interface, color="0.35", lw=0.8, ls=":", zorder=1)
        _mark_jump(fields, ax)
        units = fields["units"]
        ax.set_xlabel(f"position $x$ ({unit_label(units['x'])})")
        ax.set_ylabel(f"temperature $T$ ({unit_label(units['temperature'])})")
        ax.set_xlim(profile["x"].min(), profile["x"].max())
        ax.legend(loc="upper right" if fields["J"] >= 0 else "upper left")
        ax.set_title(_headline(fields), fontsize=9, loc="left", pad=16)
    return ax


def plot_flux(result, ax=None):
    """The flux through every plane with error bars, and what the baths give and take."""
    with mpl.rc_context(STYLE):
        ax = ax if ax is not None else plt.subplots(figsize=(6.4, 4.0), layout="constrained")[1]
        profile, fields = result.profile, result.interface
        _shade_regions(profile, ax)
        above = 0.5 * (profile["x"] + profile["x"].shift(-1))
        ax.errorbar(
            above,
            profile["flux"],
            profile["flux_stderr"],
            fmt="o",
            ms=3,
            color=BLACK,
            mfc="white",
            mew=0.8,
            elinewidth=0.8,
            label="planes",
            zorder=3,
        )
        for name, colour, dashes, label in (
            ("J_hot", VERMILION, "-", "given by the hot bath"),
            ("J_cold", BLUE, "--", "taken by the cold bath"),
        ):
            J, stderr = fields[name], fields[f"{name}_stderr"]
            ax.axhline(J, color=colour, ls=dashes, lw=1.2, label=label, zorder=2)
            ax.axhspan(J - stderr, J + stderr, color=colour, alpha=0.15, lw=0)
        ax.axvline(fields["x_interface"], color="0.35", lw=0.8, ls=":", zorder=1)
        units = fields["units"]
        ax.set_xlabel(f"position $x$ ({unit_label(units['x'])})")
        ax.set_ylabel(f"heat flux $J$ ({unit_label(units['J'])})")
        ax.set_xlim(profile["x"].min(), profile["x"].max())
        low, high = ax.get_ylim()
        ax.set_ylim(min(low, 0.0), max(high, 0.0))
        ax.legend(loc="lower center" if fields["J"] >= 0 else "upper center")
    return ax


def plot_sweep(study, key, ax=None):
    """R_K against the swept value `key` with error bars; runs that are not trusted are hollow.

    `study` is the table of `study.load_study`. Other swept keys become series of their own. Runs without a
    resolved R_K are left out. Error bars are one standard error. Raises KeyError for a key not in the table.
    """
    with mpl.rc_context(STYLE):
        ax = ax if ax is not None else plt.subplots(figsize=(5.2, 3.6), layout="constrained")[1]
        swept = study.attrs.get("swept_keys", [])
        others = [name for name in swept if name != key and study[name].nunique() > 1]
        place = study[key]
        if not is_numeric_dtype(place):
            names = list(dict.fromkeys(place))
            place = place.map(names.index)
            ax.set_xticks(range(len(names)), [str(name) for name in names])
        resolved = study[study["R_K"].notna()].assign(_place=place).sort_values("_place")
        groups = list(resolved.groupby(others)) if others else [((), resolved)]
        for i, (values, group) in enumerate(groups):
            colour, marker = SERIES[i % len(SERIES)]
            pairs = zip(others, values, strict=True)
            label = ", ".join(f"{name.split('.', 1)[-1]} = {value}" for name, value in pairs) or None
            if is_numeric_dtype(study[key]):
                ax.plot(group["_place"], group["R_K"], color=colour, lw=0.8, alpha=0.5, zorder=1)
            trusted = group["trusted"].astype(bool)
            for part, face in ((group[trusted], colour), (group[~trusted], "white")):
                style = {"color": colour, "mfc": face, "ms": 5, "capsize": 2, "lw": 0, "elinewidth": 1}
                ax.errorbar(part["_place"], part["R_K"], part["R_K_stderr"], marker=marker, zorder=2, **style)
            ax.plot([], [], marker=marker, color=colour, lw=0, label=label)
        if not resolved["trusted"].astype(bool).all():
            ax.plot([], [], "o", color="0.3", mfc="white", label="not trusted")
        if ax.get_legend_handles_labels()[0]:
            ax.legend()
        units = study.attrs.get("units", {})
        ax.set_xlabel(key)
        ax.set_ylabel("$R_K$" + (f" ({unit_label(units['R_K'])})" if "R_K" in units else ""))
        if (resolved["R_K"] < resolved["R_K_stderr"]).any():
            ax.axhline(0.0, color="0.6", lw=0.8, zorder=0)
        else:
            ax.set_ylim(bottom=0.0)
    return ax


def new_axes(width: float, height: float):
    """Axes of a new figure that pyplot does not hold on to, for files."""
    with mpl.rc_context(STYLE):
        return Figure(figsize=(width, height), layout="constrained").add_subplot()


def save(ax, path) -> None:
    """Write the figure of `ax` under a temporary name, then rename it."""
    with atomic(path) as temporary:
        ax.figure.savefig(temporary, dpi=160)


def save_profile(result, path) -> None:
    """`profile.png`: temperatures above, fluxes below."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.4, 5.6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.2, 1))
        plot_profile(result, upper)
        plot_flux(result, lower)
        upper.set_xlabel("")
        save(upper, path)


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


def _draw_line(fit, ends, colour, side, ax) -> None:
    """Solid over the fit window, dashed over the rest of the side and on to the interface."""
    low, high = fit["window"]
    for x, style in (
        ([min(ends), low], {"lw": 1.2, "ls": (0, (3, 2))}),
        ([high, max(ends)], {"lw": 1.2, "ls": (0, (3, 2))}),
        ([low, high], {"lw": 1.8, "label": f"fit of {side}"}),
    ):
        ax.plot(x, fit["intercept"] + fit["slope"] * np.array(x), color=colour, zorder=3, **style)


def _mark_jump(fields, ax) -> None:
    """A double arrow between both lines at the interface, named where it does not hide the points."""
    x, T_A, T_B = fields["x_interface"], fields["T_A"], fields["T_B"]
    arrow = {"arrowstyle": "<->", "color": BLACK, "lw": 1.2, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 8}
    ax.annotate("", (x, T_A), (x, T_B), arrowprops=arrow, zorder=4)
    text = f"$\\Delta T$ = {with_error(fields['delta_T'], fields['delta_T_stderr'])}"
    up = T_A >= T_B
    y = max(T_A, T_B) if up else min(T_A, T_B)
    box = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.8}
    ax.annotate(
        text,
        (x, y),
        xytext=(8, 8 if up else -8),
        textcoords="offset points",
        va="bottom" if up else "top",
        fontsize=9,
        bbox=box,
        zorder=5,
    )


def _headline(fields) -> str:
    if fields["R_K"] is None:
        text = "$R_K$ not resolved"
    else:
        unit = unit_label(fields["units"]["R_K"])
        text = f"$R_K$ = {with_error(fields['R_K'], fields['R_K_stderr'])} {unit}"
    if not fields["trusted"]:
        failed = [check["name"].replace("_", " ") for check in fields["checks"] if not check["passed"]]
        text += "   not trusted: " + ", ".join(failed)
    return text
