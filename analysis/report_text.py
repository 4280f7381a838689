"""Numbers, units and quantities as text for the report: concise errors, symbols, durations.

Nothing here knows files. What holds markup is `Markup`, made of escaped parts.
"""

import math
import re

from markupsafe import Markup, escape

from nemd_core.units import pretty_unit

NOTHING = "–"
LABELS = {
    name: Markup(label)
    for name, label in {
        "R_K": "<var>R</var><sub>K</sub>",
        "G": "<var>G</var>",
        "delta_T": "Δ<var>T</var>",
        "J": "<var>J</var>",
        "J_hot": "<var>J</var><sub>hot</sub>",
        "J_cold": "<var>J</var><sub>cold</sub>",
        "J_interface": "<var>J</var><sub>interface</sub>",
        "T_A": "<var>T</var><sub>A</sub>",
        "T_B": "<var>T</var><sub>B</sub>",
        "kappa_A": "<var>κ</var><sub>A</sub>",
        "kappa_B": "<var>κ</var><sub>B</sub>",
        "stress_A": "<var>σ</var><sub>xx</sub> in A",
        "stress_B": "<var>σ</var><sub>xx</sub> in B",
        "x_interface": "<var>x</var><sub>interface</sub>",
        "L_qq": "<var>L</var><sub>qq</sub>",
    }.items()
}
MEANINGS = {
    "R_K": "thermal resistance of the interface",
    "G": "thermal conductance, 1 / R_K",
    "delta_T": "temperature jump",
    "J": "heat flux, all estimates combined",
    "J_hot": "flux given by the bath in A",
    "J_cold": "flux taken by the bath in B",
    "J_interface": "flux through the interface",
    "T_A": "line of A at the interface",
    "T_B": "line of B at the interface",
    "kappa_A": "conductivity of A",
    "kappa_B": "conductivity of B",
    "stress_A": "axial stress, positive in tension",
    "stress_B": "axial stress, positive in tension",
    "x_interface": "position of the interface",
    "L_qq": "Onsager coefficient, G T²",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = str.maketrans("-", "−")


def concise(value: float | None, stderr: float | None = None) -> str:
    """A value with its standard error to two digits in brackets: 1.221(32), 112.3(4.5), 2.46(15)×10⁻⁵.

    Without an error the value has five digits; without a value there is a dash.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    largest = max(abs(value), stderr or 0.0)
    power = math.floor(math.log10(largest)) if largest > 0 else 0
    if not -4 <= power < 6:
        scaled = [None if number is None else number / 10.0**power for number in (value, stderr)]
        return f"{concise(*scaled)}×10{str(power).translate(_SUPERSCRIPTS)}"
    if not stderr or not math.isfinite(stderr):
        return f"{value:.5g}".translate(_MINUS)
    last = int(f"{stderr:.1e}".split("e")[1]) - 1  # power of the second digit of the rounded error
    decimals = max(0, -last)
    error = f"{stderr:.1f}" if last == -1 else f"{round(stderr / 10.0**last) * 10 ** max(0, last):d}"
    return f"{round(value, -last):.{decimals}f}({error})".translate(_MINUS)


def unit_markup(unit: str) -> Markup:
    """A unit of `nemd_core.units` with symbols, unbroken."""
    text = str(escape(pretty_unit(unit).replace(" ", "\u00a0")))
    return Markup(text.replace("k_B", "k<sub>B</sub>"))


def key_markup(key: str) -> Markup:
    """A dotted key that may break after its dots."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=\.)", str(key)) if part)


def duration(seconds: float | None) -> str:
    """Wall time for a reader: 12.5 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
