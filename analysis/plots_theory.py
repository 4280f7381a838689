"""Figures of theory alone: phonons of both sides, transmission, conductance; and the files of all of them.

What is drawn comes from the files of a prediction (theory.py). The map over transverse wave vectors and the exact
steady state are in plots_map.py; theory beside simulations is drawn in plots_overlay.py. Each function draws a new
figure and returns it, or None where its data are missing.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from .figures import BLACK, BLUE, FORMATS, GREEN, ORANGE, QUANTITY, VERMILION, Scale, in_style, save
from .plots_map import plot_exact_profile, plot_transmission_map
from .theory import load_prediction

SIDES = {"A": BLUE, "B": GREEN}
"""Sides have the colours of their materials, as in the figures of runs."""
WAVE_VECTORS = {
    "": {"color": BLACK, "lw": 1.2, "zorder": 3, "label": "simulated cross-section"},
    "_mesh": {"color": VERMILION, "lw": 1.0, "zorder": 2, "label": "infinite cross-section"},
}
"""How lines look by the ends of their columns; of a single wave vector, as in a chain, there is the first alone."""
GUIDE = {"color": "0.5", "lw": 1.0}
FREQUENCY = {"reduced": "frequency $\\omega$", "si": "frequency $\\omega/2\\pi$"}
CLOSE = 0.075
"""Share of a path within which two names of special points touch."""
SPIKE = 6.0
"""Densities of states are cut off at so many times their median: at the band edge of a chain they diverge."""
LOW, FIT = 0.1, 0.02
"""Where G is below the first share of its plateau, T³ goes through the point nearest to the second one."""
STEEP = 0.8
"""Share of its power with which G must rise there: on a coarse mesh, or where all points are warm, it does not."""


def plot_prediction(directory, formats=("png", "pdf"), units="reduced") -> list[Path]:
    """Write the figures of a prediction, in each format, and return their paths.

    `phonons.*`, `transmission.*`, `transmission_map.*` (not of a single wave vector), `conductance.*` and `exact_profile.*` (of the exact
    steady state), each where its data are; those of an earlier prediction go. Raises StorageError where there is none.
    """
    prediction = load_prediction(directory)
    scale = Scale(prediction.fields, units)
    figures = {
        "phonons": plot_phonons,
        "transmission": plot_transmission,
        "transmission_map": plot_transmission_map,
        "conductance": plot_conductance,
        "exact_profile": plot_exact_profile,
    }
    paths = []
    for stem, draw in figures.items():
        for kind in FORMATS:
            (prediction.directory / f"{stem}.{kind}").unlink(missing_ok=True)
        figure = draw(prediction, scale)
        if figure is not None:
            paths += [save(figure.axes[0], prediction.directory / f"{stem}.{kind}") for kind in formats]
    return paths


@in_style()
def plot_phonons(prediction, scale) -> Figure | None:
    """Dispersions of A and B along the standard paths and both densities of states, over one axis of frequencies."""
    bands, dos = prediction.table("dispersion"), prediction.table("dos")
    if bands is None or dos is None:
        return None
    figure = Figure(figsize=(7.2, 3.8), layout="constrained")
    *panels, last = figure.subplots(1, 3, sharey=True, width_ratios=(1.5, 1.5, 1))
    for side, ax in zip(SIDES, panels, strict=True):
        _draw_bands(bands[bands["side"] == side], SIDES[side], scale("w"), ax)
        ax.set_title(f"material {side}")
    _draw_densities(dos, prediction.fields.get("dos_overlap"), scale, last)
    panels[0].set_ylabel(_frequency_label(scale))
    panels[0].set_ylim(bottom=0.0)
    return figure


def _draw_bands(bands, colour, factor, ax) -> None:
    """All branches of one side, broken where the path jumps; a line at each special point."""
    branches = [name for name in bands if name.startswith("w")]
    jumps = 1 + np.flatnonzero(np.diff(bands["distance"]) <= 0)
    for part in np.split(np.arange(len(bands)), jumps):
        ax.plot(bands["distance"].iloc[part], factor * bands[branches].iloc[part], color=colour, lw=1.2)
    named = bands[bands["label"].notna()]
    for x in named["distance"]:
        ax.axvline(x, color="0.8", lw=0.8, zorder=0)
    ax.set_xticks(named["distance"], _stagger(named["distance"], named["label"].str.replace("G", "Γ")))
    ax.set_xlim(bands["distance"].min(), bands["distance"].max())
    ax.tick_params(axis="x", length=0)


def _stagger(places, names) -> list[str]:
    """The names of special points, one line lower where they would run into the one before."""
    near, last, texts = CLOSE * np.ptp(places), -np.inf, []
    for place, name in zip(places, names, strict=True):
        lower = place - last < near * max(1, len(name) - 1)
        last = last if lower else place
        texts.append(f"\n{name}" if lower else name)
    return texts


def _draw_densities(dos, overlap, scale, ax) -> None:
    """Both densities of states along x; what they share is filled."""
    w, per = scale("w") * dos["frequency"], 1.0 / scale("w")
    for side, dashes in (("A", "-"), ("B", (0, (4, 1.2)))):
        ax.plot(per * dos[f"dos_{side}"], w, color=SIDES[side], ls=dashes, lw=1.2, label=side)
    shared = per * np.minimum(dos["dos_A"], dos["dos_B"])
    label = "overlap" if overlap is None else f"overlap {overlap:.3f}"
    ax.fill_betweenx(w, 0.0, shared, color=ORANGE, alpha=0.4, lw=0, label=label)
    known = [per * dos[name] for name in ("dos_A", "dos_B")]
    ax.set_xlim(0.0, min(1.05 * max(map(max, known)), SPIKE * max(g[g > 0].median() for g in known)))
    ax.set_xlabel(f"density of states ({_inverse(scale)})")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, columnspacing=1.0, handlelength=1.4)


@in_style()
def plot_transmission(prediction, scale) -> Figure | None:
    """T(w) below the modes of either side, the smaller of which is the radiation limit; below it G up to each w."""
    table = prediction.table("transmission")
    if table is None:
        return None
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(2.0, 1.0))
    w = scale("w") * table["frequency"]
    mesh = prediction.fields["infinite_cross_section"]
    single = prediction.fields["wave_vectors"] == mesh["wave_vectors"] == 1
    for side in SIDES:
        modes = table[f"modes_{side}"]
        upper.fill_between(w, modes, color=SIDES[side], alpha=0.14, lw=0, step="mid")
        upper.step(w, modes, where="mid", color=SIDES[side], lw=0.8, label=f"modes of {side}")
    for end, style in WAVE_VECTORS.items():
        if single and end:
            continue
        label = "transmission" if single else f"transmission, {style['label']}"
        upper.plot(w, table[f"transmission{end}"], **style | {"label": label})
        lower.plot(w, scale("G") * table[f"accumulation{end}"], **style)
    upper.set_ylabel("transmission $\\mathcal{T}$, number of modes")
    upper.set_ylim(bottom=0.0)
    upper.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2)
    reason = prediction.fields.get("unresolved", {}).get("R_nemd")
    if reason:
        lower.text(0.5, 0.5, reason, transform=lower.transAxes, ha="center", va="center")
    lower.set_ylim(0.0, 1.0 if reason else None)
    lower.set_ylabel(f"$G$ up to $\\omega$ ({scale.label('G')})")
    lower.set_xlabel(_frequency_label(scale))
    lower.set_xlim(0.0, w.max())
    return figure


@in_style()
def plot_conductance(prediction, scale) -> Figure | None:
    """G(T) with Bose-Einstein statistics, its T³ law at low T and its classical plateau; both systems of units.

    None also where nothing passes at any temperature.
    """
    table = prediction.table("conductance")
    plateau = scale("G") * prediction.fields["infinite_cross_section"]["G_classical"]
    if table is None or not plateau > 0:
        return None
    figure = Figure(figsize=(5.2, 3.9), layout="constrained")
    ax = figure.add_subplot()
    table = table.drop_duplicates("temperature").sort_values("temperature")  # as they were asked for
    T, G = scale("T") * table["temperature"].to_numpy(), scale("G") * table["G"].to_numpy()
    ax.loglog(T, G, "o-", color=BLUE, ms=3.5, lw=1.2, label="quantum", zorder=2)
    ax.axhline(plateau, ls=(0, (4, 2)), label="classical", zorder=1, **GUIDE)
    _draw_power_law(T, G, plateau, scale.dimensions, ax)
    ax.set_ylim(top=2.0 * plateau)
    ax.set_xlabel(f"temperature $T$ ({scale.label('T')})")
    ax.set_ylabel(f"{QUANTITY['G']} ({scale.label('G')})")
    _add_other_units(prediction, scale, ax)
    ax.legend(loc="lower right")
    return figure


def _draw_power_law(T, G, plateau, dimensions, ax) -> None:
    """T³, of a chain T, through the computed point that lies deepest in its range; nothing where none does."""
    T, G = T[G > 0], G[G > 0]
    if len(T) < 2:
        return
    rise = np.gradient(np.log(G), np.log(T))
    low = np.flatnonzero((G < LOW * plateau) & (rise > STEEP * dimensions))
    if not low.size:
        return
    through = low[np.argmin(np.abs(np.log(G[low] / (FIT * plateau))))]
    y = np.array([G.min(), plateau])
    label = f"$T^{dimensions}$" if dimensions > 1 else "$T$"
    ax.plot(T[through] * (y / G[through]) ** (1 / dimensions), y, ls=":", label=label, zorder=3, **GUIDE)


def _add_other_units(prediction, scale, ax) -> None:
    """Axes above and at the right in the other system of units."""
    other = Scale(prediction.fields, "si" if scale.system == "reduced" else "reduced")
    for name, symbol, add in (
        ("T", "temperature $T$", ax.secondary_xaxis),
        ("G", QUANTITY["G"], ax.secondary_yaxis),
    ):
        factor = other(name) / scale(name)
        axis = add(
            "top" if name == "T" else "right",
            functions=(lambda x, f=factor: f * x, lambda x, f=factor: x / f),
        )
        label = f"{symbol} ({other.label(name)})"
        axis.set_xlabel(label) if name == "T" else axis.set_ylabel(label)


def _frequency_label(scale) -> str:
    return f"{FREQUENCY[scale.system]} ({scale.label('w')})"


def _inverse(scale) -> str:
    """The unit of a density per frequency."""
    return "$τ$" if scale.system == "reduced" else "$\\mathrm{THz^{-1}}$"
