"""What all figures share: colours, style, units in labels, files. No figure is drawn here.

Colours are those of Okabe and Ito, told apart also by those who cannot tell red from green; what matters
is told by shape too. Figures for files need no display.
"""

import math
import re
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from nemd_core.config import Config
from nemd_core.config_docs import keys
from nemd_core.errors import StorageError
from nemd_core.storage import atomic
from nemd_core.units import Reference, field_unit, reduced_unit

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000 #E69F00 #56B4E9 #009E73 #F0E442 #0072B2 #D55E00 #CC79A7".split()
)
SERIES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "v"), (SKY, "P"), (BLACK, "X"))
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "nemd-kapitza",
}
"""Text stays text in PDF and SVG, so that a journal or an editor can change it."""
FORMATS = ("png", "pdf", "svg")
DPI = 170
UNIT_SYSTEMS = ("reduced", "si")
SYMBOLS = {"epsilon": "ε", "sigma": "σ", "tau": "τ", "k_B": "k_{\\mathrm{B}}"}
QUANTITY = {
    "R_K": "$R_{\\mathrm{K}}$",
    "G": "$G$",
    "J": "$J$",
    "delta_T": "$\\Delta T$",
    "kappa_A": "$\\kappa_{\\mathrm{A}}$",
    "kappa_B": "$\\kappa_{\\mathrm{B}}$",
}


@contextmanager
def in_style():
    """The style of all figures, for as long as the context lasts.

    Not `rc_context`: when the first figure of a notebook is made inside it, it undoes what the notebook's backend sets
    for all figures that follow, and they are not shown.
    """
    before = {name: mpl.rcParams[name] for name in STYLE}
    mpl.rcParams.update(STYLE)
    try:
        yield
    finally:
        mpl.rcParams.update(before)


class Scale:
    """What to multiply reduced values by, and the units to write beside them, in one system of units.

    `described` is what holds `units` and `reference`: the fields of interface.json, or the attrs of a study's table.
    """

    def __init__(self, described, system: str = "reduced"):
        if system not in UNIT_SYSTEMS:
            raise StorageError(f"units: {system!r}: must be {' or '.join(UNIT_SYSTEMS)}")
        self.system = system
        self.dimensions = 1 if described.get("units", {}).get("J") == reduced_unit("J", 1) else 3
        self.reference = Reference.from_config(described.get("reference", "argon"))

    def __call__(self, name: str) -> float:
        """One reduced unit of a named result in this system of units."""
        return 1.0 if self.system == "reduced" else self.reference.to_field(1.0, name, self.dimensions)[0]

    def label(self, name: str) -> str:
        """The unit of a named result, with symbols."""
        unit_of = reduced_unit if self.system == "reduced" else field_unit
        return unit_label(unit_of(name, self.dimensions), self.system)


def unit_label(unit: str, system: str = "reduced") -> str:
    """A unit such as `epsilon/(tau sigma^2)` or `m^2 K/GW` as a label with symbols; SI units stand upright."""
    text = unit.replace(" ", r"\,")
    if system == "si":
        return "$\\mathrm{" + text + "}$"
    for word, symbol in SYMBOLS.items():
        text = text.replace(word, symbol)
    return f"${text}$"


def key_label(key: str) -> str:
    """A config key as the label of an axis, with its unit where it has one."""
    known = keys(Config).get(key)
    unit = known.unit if known else ""
    if "0" in unit or "k_B" in unit:  # of the reference substance: sigma0, epsilon0, tau0, m0
        unit = unit_label(re.sub(r"(epsilon|sigma|tau)0", r"\1", unit).replace("m0", "m_0"))
    return f"{key} ({unit})" if unit else key


def own_axes(ax, width: float, height: float):
    """`ax`, or the axes of a new figure where it is None."""
    return ax if ax is not None else plt.subplots(figsize=(width, height), layout="constrained")[1]


def new_axes(width: float, height: float):
    """Axes of a new figure that pyplot does not hold on to, for files."""
    with in_style():
        return Figure(figsize=(width, height), layout="constrained").add_subplot()


def save(ax, path) -> Path:
    """Write the figure of `ax` as PNG, PDF or SVG, by the suffix of `path`; the same figure gives the same bytes.

    Raises StorageError for another suffix.
    """
    path = Path(path)
    kind = path.suffix.lstrip(".")
    if kind not in FORMATS:
        raise StorageError(
            f"{path}: figures are written as {', '.join(FORMATS)}, not as {kind or 'a file without suffix'}"
        )
    metadata = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind)
    with in_style(), atomic(path) as temporary:
        ax.figure.savefig(temporary, dpi=DPI, metadata=metadata)
    return path


def is_geometric(values) -> bool:
    """Whether distinct numbers are spaced by factors rather than by steps, such as 1, 2, 4, 8."""
    values = sorted({float(value) for value in values})
    if len(values) < 3 or values[0] <= 0 or values[-1] < 4 * values[0]:
        return False
    ratios = [math.log(b / a) for a, b in pairwise(values)]
    steps = [b - a for a, b in pairwise(values)]
    return min(ratios) / max(ratios) > min(steps) / max(steps)
