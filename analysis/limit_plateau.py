"""The limits that look for a plateau: where R_K does not depend on a setting. Points and findings: limit_kinds.py."""

import numpy as np
import pandas as pd

from .extrapolation import HARMLESS, Fit, explained, find_plateau, fit_last, fit_mean
from .limit_findings import FEWEST, KNOWN, Findings, choose, list_values, numbers, unresolved
from .tables import value_text


def plateau(points: pd.DataFrame, key: str, anchored: bool) -> Findings:
    """R_K as the weighted mean of the most neighbouring values of `key` that agree (`extrapolation.agree`).

    `anchored`: the largest value is the limit, must be among them, and the smallest of them is suggested; where they
    differ by more than noise, R_K is that at the largest. Else the case's own value is kept if it is among them, or the
    nearest to it is suggested.
    """
    found = Findings()
    used, notes = choose(points, "R_K")
    chosen = points[used]
    found.plateau = np.zeros(len(points), bool)
    if len(chosen) < FEWEST:
        found.add("R_K", n=len(chosen), note=["a plateau takes two values with a result", *notes])
        found.suggest(None, "none: two values with a result are needed")
        return found
    y, stderr = numbers(chosen, "R_K")
    part = find_plateau(y, stderr, anchored)
    inside = chosen[part]
    if len(inside) < FEWEST:
        where = f"at {value_text(chosen['value'].iloc[-1])}, the largest value" if anchored else "everywhere"
        found.add("R_K", n=len(chosen), note=[f"no plateau: R_K still changes {where}", *notes])
        found.suggest(None, _advise(chosen, key, anchored))
        return found
    found.plateau[np.flatnonzero(used)[part]] = True
    fit, change, doubt = _fit_plateau(y[part], stderr[part], anchored)
    found.fits["R_K"] = fit
    notes = [f"plateau: {list_values(inside)}", doubt, *notes]
    value = fit.coefficients[0], fit.stderr()
    found.add("R_K", value, fit=fit, without_furthest=change, n=int(inside["n_runs"].sum()), note=notes)
    _suggest_plateau(found, fit, chosen, part, key, anchored)
    return found


def _advise(chosen: pd.DataFrame, key: str, anchored: bool) -> str:
    """What to do where no two values agree."""
    if key != "baths.ramp":
        way_out = "larger" if anchored else "other"
        return f"none: R_K depends on {key} at all values that were tried, try {way_out} ones"
    (y_0, y_1), errors = numbers(chosen, "R_K")
    share, error = 100 * np.array([y_1 - y_0, np.hypot(*errors)]) / abs(0.5 * (y_0 + y_1))
    return (
        f"none: with and without the ramp R_K differs by {abs(share):.2g} ± {error:.2g} %: lengthen the baths"
    )


def _fit_plateau(y, stderr, anchored: bool) -> tuple[Fit, float | None, str]:
    """R_K of a plateau, its change without the outermost value, and what is to be said of it."""
    fit = fit_mean(y, stderr)
    noise_alone = explained(fit)
    doubt = "" if noise_alone else f"differs by more than noise, but by less than {100 * HARMLESS:g} %"
    if anchored and not noise_alone:
        return fit_last(y, stderr), None, f"{doubt}: R_K is that at the largest value"
    ends = [slice(1, None)] + [slice(None, -1)] * (not anchored)
    change = max(abs(fit_mean(y[end], stderr[end]).coefficients[0] - fit.coefficients[0]) for end in ends)
    return fit, change, doubt


def _suggest_plateau(found: Findings, fit: Fit, chosen, part: slice, key: str, anchored: bool) -> None:
    inside = chosen[part]
    if unresolved(fit):
        found.suggest(None, unresolved(fit))
        return
    offset, noise = (
        np.abs(v).max() / abs(fit.coefficients[0]) for v in fit.residuals(*numbers(inside, "R_K"))
    )
    size = f"differences up to {100 * offset:.2g} %, known to {100 * noise:.2g} %"
    if noise > KNOWN:
        found.suggest(
            None, f"none: R_K agrees at {list_values(inside)} ({size}), which says little: run longer"
        )
        return
    suggested = inside["value"].iloc[0] if anchored else _nearest_to_base(chosen, part)
    where = list_values(inside)
    verb = "does not depend" if explained(fit) else "hardly depends"
    text = f"{key} = {value_text(suggested)}: R_K {verb} on it at {where} ({size})"
    found.suggest(suggested, text)


def _nearest_to_base(chosen: pd.DataFrame, part: slice):
    """The value in the plateau nearest to that of the case itself."""
    x = chosen["x"].to_numpy(float)
    base = x[chosen["base"].to_numpy(bool)]
    inside = np.arange(part.start, part.stop)
    target = base[0] if base.size else x[inside].mean()
    return chosen["value"].iloc[inside[np.argmin(np.abs(x[inside] - target))]]
