"""Checks of the bulk fits and of the jump between them.

What the fits may be off by is never exactly zero: conductivity depends on temperature and baths bend the profile, so
a bulk line has a little curvature, and other windows a little other lines. So a limit here is the sum of what is harmless
and of what noise may add: a run in which the effect is harmless fails with the stated probability at most, however long
it is. Harmless is the largest of 5 % of the jump, its standard error, and 1 % of |T_hot - T_cold| (a jump much smaller
than that is only known to be small): an effect below it changes neither the result nor its error bar much. Noise has
no cap: it adds to the error bar of the jump as well.

- curvature: by how much T at the interface changes where a parabola replaces the line in the fit window (in harmonic
  systems with fit: auto, a line the constant), on each side.
- window_sensitivity: by how much the jump changes with the alternatives of `windows.Scan`: other windows on one side,
  and another model on both. The noise is that of the difference, over the same rows.
- slab_length: layers in the shortest fit window; at least 5 layers and 3 cells, so that a slope stands on more than
  its two ends and every atom of the cell takes part several times.
- jump_resolved: half the 95 % interval of delta_T against |delta_T|; or, where it contains 0, against 5 % of
  |T_hot - T_cold|: the jump is then known to be small, and an upper bound that means something (equal materials).
"""

import numpy as np

from nemd_core.config_geometry import bulk_layers

from .checks import FALSE_ALARM, Evidence, outcome
from .uncertainty import includes_zero

JUMP_HARMLESS, BIAS_HARMLESS = 0.05, 0.01
SMALL_JUMP = 0.05


def curvature(evidence: Evidence) -> dict:
    """One more order in each bulk fit; value and limit, in temperature, are those of the worst."""
    changes = []
    for number, scan in enumerate(evidence.scans):
        for side, series in scan.curvature.items():
            mean, stderr = evidence.blocks.mean(series), evidence.blocks.stderr(series)
            changes.append((number, side, f"the fit of {side}", float(mean), float(stderr)))
    name, side, change, limit, share = _worst(evidence, changes)
    message = (
        f"one more order in {name} (a parabola for a line) moves T at the interface by {change:.2g}{share}"
    )
    if change > limit:
        message += (
            f", allowed {limit:.2g}: the profile is curved in the fit window; {_advice(evidence, side)}"
        )
    return outcome("curvature", change <= limit, change, limit, message)


def window_sensitivity(evidence: Evidence) -> dict:
    """Other fit windows and models; value and limit, in temperature, are those of the worst."""
    changes = [
        (number, side, f"{alternative.name}, on {side}", alternative.difference, alternative.stderr)
        for number, scan in enumerate(evidence.scans)
        for side, alternatives in scan.sensitivity.items()
        for alternative in alternatives
    ]
    name, side, change, limit, share = _worst(evidence, changes)
    message = f"of {len(changes)} other fits, {name}, changes the jump most, by {change:.2g}{share}"
    if change > limit:
        message += f", allowed {limit:.2g}: the jump depends on the fit window; {_advice(evidence, side)}"
    return outcome("window_sensitivity", change <= limit, change, limit, message)


def _advice(evidence: Evidence, side: str) -> str:
    slab = " and ".join(f"structure.length.{name}" for name in side.split(" and "))
    if evidence.settings.fit_auto:
        return f"raise {slab}"
    if not (evidence.settings.fit_log or evidence.settings.harmonic):
        return f"use fit: auto, fit.model: log, or raise {slab} with fit.skip_bath and fit.skip_interface"
    return f"use fit: auto, or raise {slab} with fit.skip_bath and fit.skip_interface"


def _worst(evidence: Evidence, changes) -> tuple[str, str, float, float, str]:
    """Name, side, size, limit and share of the jump (in words) of the change that lies highest against its limit.

    `changes` holds tuples of number of the interface, side, name, change of the jump and its standard error.
    """
    blocks, results = evidence.blocks, []
    t = blocks.t(1.0 - FALSE_ALARM / len(changes))
    for number, side, name, change, stderr in changes:
        series = evidence.parts[number][1]["delta_T"]
        jump, jump_stderr = abs(float(blocks.mean(series))), float(blocks.stderr(series))
        limit = max(JUMP_HARMLESS * jump, jump_stderr, BIAS_HARMLESS * evidence.bias) + t * stderr
        limit = max(limit, 1e-12 * float(np.abs(evidence.parts[number][1]["T_A"]).max()))
        resolved = not includes_zero(jump, blocks.t(0.95) * jump_stderr)
        share = f" ({100 * abs(change) / jump:.2g} % of the jump)" if resolved else ""
        place = name + evidence.of_interface(number)
        results.append((abs(change) / max(limit, 1e-300), place, side, abs(change), limit, share))
    return max(results)[1:]


def slab_length(evidence: Evidence) -> dict:
    """The shortest fit window has layers enough for a line."""
    per_cell = evidence.settings.layers_per_cell
    n_layers, number, side = min(
        (len(line.layers), number, side)
        for number, (interface, _) in enumerate(evidence.parts)
        for side, line in interface.lines.items()
    )
    limit = bulk_layers(per_cell)
    place = f"{side}{evidence.of_interface(number)}"
    message = (
        f"the shortest fit window, that of {place}, has {n_layers} layers ({n_layers / per_cell:.3g} cells)"
    )
    if n_layers < limit:
        message += f", at least {limit} are needed: raise structure.length.{side} by {_cells_short(evidence, n_layers, limit)}"
        if not evidence.settings.fit_auto:
            message += ", or lower fit.skip_bath or fit.skip_interface if the profile is straight there"
    return outcome("slab_length", n_layers >= limit, n_layers, limit, message)


def _cells_short(evidence: Evidence, n_layers: int, limit: int) -> int:
    """Cells that a slab is too short by; with periodic ends it has a fit window on both sides of its bath."""
    cells = int(np.ceil((limit - n_layers) / evidence.settings.layers_per_cell))
    return cells * len(evidence.parts)


def jump_resolved(evidence: Evidence) -> dict:
    """The jump differs from 0, or is known to be small."""
    jump, half_width = abs(evidence.fields["delta_T"]), evidence.half_width("delta_T")
    scale = max(float(np.abs(part["T_A"]).max()) for _, part in evidence.parts)
    small = SMALL_JUMP * evidence.bias
    passed = True
    message = f"delta_T = {evidence.fields['delta_T']:.3g} ± {half_width:.2g} (95 %)"
    limit = max(jump, small)
    if includes_zero(jump, half_width, scale):
        bound = f"{100 * SMALL_JUMP:g} % of |T_hot - T_cold|, {small:.2g}"
        passed = half_width <= small
        if passed:
            message += f": no jump is resolved, and its error is below {bound}: R_K has an upper bound"
        else:
            message += (
                f": not resolved from 0, and its error is above {bound}; raise run.production_steps or run.replicas, "
                "or the difference of the bath temperatures"
            )
    else:
        message += ": resolved from 0"
    return outcome("jump_resolved", passed, half_width, limit, message)
