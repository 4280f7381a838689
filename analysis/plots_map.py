"""Figures of theory over space: transmission over transverse wave vectors, and the exact steady state along x.

Each function draws a new figure and returns it, or None where its data are missing.
"""

from itertools import product
from types import SimpleNamespace

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.ndimage import map_coordinates

from .figures import QUANTITY, in_style
from .plots import plot_profile

COLOURS = "cividis"
PIXELS = 300
"""Along each edge of a map."""


@in_style()
def plot_transmission_map(prediction, scale) -> Figure | None:
    """The transmission at each transverse wave vector: the conductance that it makes, and at a few frequencies.

    None also where nothing passes, or where there is but one wave vector.
    """
    table = prediction.table("transmission_map")
    if table is None or len(table) == 1 or not prediction.fields["infinite_cross_section"]["G_classical"] > 0:
        return None
    names = [name for name in table if name.startswith("w=")]
    figure = Figure(figsize=(2.1 * (1 + len(names)) + 0.5, 3.4), layout="constrained")
    panels = figure.subplots(1, 1 + len(names), sharex=True, sharey=True)
    k = table[["k_y", "k_z"]].to_numpy() / scale("x")
    bar = {"location": "bottom", "pad": 0.04, "shrink": 0.9}
    image = _draw_map(k, scale("G") * table["G"], {}, panels[0])
    mean = scale("G") * table["G"].mean()
    label = f"$G(\\mathbf{{k}})$ ({scale.label('G')})\nmean {mean:.3g}"
    figure.colorbar(image, ax=panels[0], label=label, ticks=MaxNLocator(3), **bar)
    panels[0].set_title("all frequencies")
    largest = table[names].to_numpy().max()
    for name, ax in zip(names, panels[1:], strict=True):
        image = _draw_map(k, table[name], {"vmin": 0.0, "vmax": largest}, ax)
        ax.set_title(_at_frequency(scale("w") * float(name[2:]), scale))
    figure.colorbar(image, ax=list(panels[1:]), label="transmission $\\mathcal{T}$", aspect=60, **bar)
    unit = "1/σ" if scale.system == "reduced" else "$\\mathrm{nm^{-1}}$"
    for ax in panels:
        ax.set_xlabel(f"$k_y$ ({unit})")
        ax.locator_params(nbins=5)
    panels[0].set_ylabel(f"$k_z$ ({unit})")
    return figure


def _at_frequency(w, scale) -> str:
    return f"$\\omega$ = {w:.3g}/τ" if scale.system == "reduced" else f"$\\omega/2\\pi$ = {w:.3g} THz"


def _draw_map(k, values, limits, ax):
    """Values between the wave vectors of a mesh, over the first Brillouin zone."""
    look = {"cmap": COLOURS} | limits
    steps, n = _find_steps(k), round(np.sqrt(len(k)))
    mesh = np.empty((n, n))
    mesh[tuple(np.rint(k @ np.linalg.inv(steps)).astype(int).T % n)] = values
    edge = np.abs(k).max() + 0.5 * np.abs(steps).max()
    x = np.linspace(-edge, edge, PIXELS)
    pixels = np.stack(np.meshgrid(x, x), axis=-1)
    between = map_coordinates(
        mesh, np.moveaxis(pixels @ np.linalg.inv(steps), -1, 0), order=1, mode="grid-wrap"
    )
    others = n * np.array(list(product((-1, 0, 1), repeat=2))) @ steps
    nearest = np.min([np.linalg.norm(pixels - other, axis=-1) for other in others], axis=0)
    outside = np.linalg.norm(pixels, axis=-1) > nearest + 1e-9
    image = ax.imshow(np.ma.masked_array(between, outside), origin="lower", extent=2 * (-edge, edge), **look)
    shown = 1.04 * np.abs(pixels[~outside]).max(axis=0)
    ax.set(xlim=(-shown[0], shown[0]), ylim=(-shown[1], shown[1]))
    return image


def _find_steps(k) -> np.ndarray:
    """The two shortest independent vectors between neighbours of a mesh around its centre, as rows."""
    length = np.linalg.norm(k, axis=1)
    steps = k[np.argsort(length)[1:]]
    across = next(step for step in steps if abs(np.linalg.det([steps[0], step])) > 1e-6 * length.max() ** 2)
    return np.array([steps[0], across])


@in_style()
def plot_exact_profile(prediction, scale) -> Figure | None:
    """Temperatures of the exact harmonic steady state as those of a run are drawn (`plots.plot_profile`), without errors."""
    table, exact = prediction.table("exact_profile"), prediction.fields.get("exact")
    if table is None or exact is None:
        return None
    errors = dict.fromkeys(("temperature_stderr", "flux_stderr"), 0.0)
    interfaces = [interface | {"delta_T_stderr": np.nan} for interface in exact["interfaces"]]
    fields = prediction.fields | exact | {"interfaces": interfaces, "R_K_stderr": np.nan, "trusted": True}
    ax = Figure(figsize=(6.4, 4.0), layout="constrained").add_subplot()
    plot_profile(SimpleNamespace(profile=table.assign(**errors), interface=fields), ax, scale.system)
    J = f"{QUANTITY['J']} = {scale('J') * exact['J']:.4g} {scale.label('J')}"
    ax.set_title(f"exact harmonic steady state: {ax.get_title(loc='left')}, {J}", pad=16)
    return ax.figure
