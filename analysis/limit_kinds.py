"""The limits that a study may take, each from a table of points to numbers and a suggestion: one function each.

A point is one value of what the limit changes, as a row of a table: `value` as the config has it, `x` as a number
(for `length` also `L_A` and `L_B`), R_K, J, kappa_A and kappa_B each with its standard error (empty: not resolved),
`trusted`, `failed_checks`, `base` (whether it is the case itself), `n_runs`. Points are independent runs. Those that are
not trusted take no part, unless fewer than two would be left. What every function returns is a `Findings`.

Every limit has a furthest point: the shortest length, the largest bias or time step, the outermost value of a plateau.
`systematic` is by how much the result changes when it is left out.
"""

import numpy as np
import pandas as pd

from .extrapolation import Z95, Fit, find_plateau, first_settled, fit_mean, fit_weighted, joint_z
from .limit_findings import FEWEST, Findings, choose, list_values
from .tables import value_text

LENGTH_HARMLESS, BIAS_HARMLESS, TIMESTEP_HARMLESS = 0.05, 0.02, 0.01
"""Shares of R_K by which a suggested length, bias or time step may change it where the noise is smaller."""
UNLIKELY = 0.01
"""A chi2 less likely than this is remarked upon."""


def _fit(columns, y, stderr, used, distance) -> tuple[Fit | None, float | None]:
    """The fit of the points `used`, and its systematic change: that of c_0 without the points at the largest distance."""
    columns = np.asarray(columns, float)
    fit = fit_weighted(columns[used], y[used], stderr[used])
    if fit is None:
        return None, None
    near = used & (distance < distance[used].max() * (1 - 1e-9))
    without = fit_weighted(columns[near], y[near], stderr[near])
    return fit, None if without is None else abs(without.coefficients[0] - fit.coefficients[0])


def _quality(fit: Fit) -> str:
    if fit.dof == 0:
        return "dof 0: as many points as parameters, nothing tells whether the form fits"
    return f"the form does not fit (p = {fit.p_value:.1g})" if fit.p_value < UNLIKELY else ""


def _columns(points: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    return points[name].to_numpy(float), points[f"{name}_stderr"].to_numpy(float)


def _extrapolate(found: Findings, points, name: str, x, form: str) -> Fit | None:
    """Rows `name` and `name`_slope: y = y_0 + c x, at x = 0."""
    y, stderr = _columns(points, name)
    used, notes = choose(points, name)
    fit, systematic = _fit(np.stack([np.ones_like(x), x], axis=1), y, stderr, used, x)
    n = int(points["n_runs"][used].sum())
    if fit is None:
        found.add(name, n=n, note=[f"{used.sum()} usable points do not fix a line", *notes])
        return None
    found.fits[name] = fit
    value = fit.coefficients[0], fit.stderr()
    found.add(name, value, fit=fit, systematic=systematic, n=n, note=[_quality(fit), *notes])
    found.add(f"{name}_slope", (fit.coefficients[1], fit.stderr(1)), fit=fit, n=n, note=[form])
    return fit


def _suggest_settled(found: Findings, fit, x, points, harmless, words) -> None:
    """Suggest the cheapest value whose shift of R_K from that at x = 0, by the line, is harmless or not resolved."""
    if fit is None:
        found.suggest(None, f"none: {words['lacking']}")
        return
    R_0, c, c_stderr = fit.coefficients[0], fit.coefficients[1], fit.stderr(1)
    order = np.argsort(-x)[: np.isfinite(x).sum()]  # what is not known comes last
    shift, noise = abs(c) * x[order], c_stderr * x[order]
    first = first_settled(shift <= np.maximum(harmless * abs(R_0), noise))
    i = -1 if first is None else first
    value = points["value"].iloc[order[i]]
    size = f"{100 * shift[i] / abs(R_0):.2g} ± {100 * noise[i] / abs(R_0):.2g} %"
    if first is None:
        found.suggest(
            None, f"none: even at {value_text(value)} R_K lies {size} off {words['limit']}, {words['none']}"
        )
        return
    resolved = "" if shift[i] > noise[i] else ", which is not resolved from 0"
    found.suggest(
        value, f"{words['key']} = {value_text(value)}: R_K lies {size} off {words['limit']}{resolved}"
    )


def length(points: pd.DataFrame) -> Findings:
    """R_K and kappa at infinite length: R_K and 1/kappa are straight lines in 1/L.

    1/kappa = 1/kappa_inf + c/L: Schelling, Phillpot, Keblinski, PRB 65, 144306 (2002). L is the slab between bath and
    interface; R_K goes with the mean of 1/L_A and 1/L_B.
    """
    found = Findings()
    inverse = {side: 1.0 / points[f"L_{side}"].to_numpy(float) for side in "AB"}
    x = 0.5 * (inverse["A"] + inverse["B"])
    fit = _extrapolate(found, points, "R_K", x, "R_K = R_inf + c/L")
    for side in "AB":
        _extrapolate_conductivity(found, points, side, inverse[side])
    words = {
        "key": "structure.length",
        "limit": "the value at infinite length",
        "none": "take that or use longer slabs",
        "lacking": "two lengths with a result are needed",
    }
    _suggest_settled(found, fit, x, points, LENGTH_HARMLESS, words)
    return found


def _extrapolate_conductivity(found: Findings, points, side: str, x) -> None:
    """kappa at infinite length, with the interval of 1/kappa turned over."""
    name, inverse = f"kappa_{side}", f"inverse_kappa_{side}"
    kappa, stderr = _columns(points, name)
    used, notes = choose(points, name)
    columns = np.stack([np.ones_like(x), x], axis=1)
    fit, change = _fit(columns, 1.0 / kappa, stderr / kappa**2, used, x)
    n = int(points["n_runs"][used].sum())
    if fit is None:
        found.add(name, n=n, note=[f"{used.sum()} usable points do not fix a line", *notes])
        return
    found.fits[inverse] = fit
    value, error = fit.coefficients[0], fit.stderr()
    low, high = value - Z95 * error, value + Z95 * error
    notes = [_quality(fit), *notes]
    if low <= 0:
        reason = f"not resolved: the 95 % interval of 1/kappa at infinite length, {low:.3g} to {high:.3g}, contains 0"
        found.add(name, fit=fit, n=n, note=[reason, *notes])
    else:
        systematic = None if change is None else change / value**2
        number = 1.0 / value, error / value**2
        found.add(name, number, (1.0 / high, 1.0 / low), fit, systematic, n, notes)
    slope = fit.coefficients[1], fit.stderr(1)
    found.add(f"{inverse}_slope", slope, fit=fit, n=n, note=["1/kappa = 1/kappa_inf + c/L"])


def bias(points: pd.DataFrame) -> Findings:
    """Linear response and rectification: R_K(d) = R_0 + a d + b d², d = T_hot - T_cold.

    a is the odd part, fitted where there are both signs, b the even one, fitted where there are two sizes and points
    enough. Rectification is (|J(d)| - |J(-d)|) / their mean, for each pair of opposite d, and its slope in d through all pairs.
    """
    found = Findings()
    d = points["x"].to_numpy(float)
    y, stderr = _columns(points, "R_K")
    used, notes = choose(points, "R_K")
    terms = {"R_K": np.ones_like(d)}
    if (d[used] > 0).any() and (d[used] < 0).any():
        terms["R_K_odd"] = d
    else:
        notes.insert(0, "one sign only: the odd part is not known")
    if len(np.unique(np.round(np.abs(d[used]), 9))) > 1 and used.sum() > len(terms):
        terms["R_K_even"] = d**2
    fit, systematic = _fit(np.stack(list(terms.values()), axis=1), y, stderr, used, np.abs(d))
    n = int(points["n_runs"][used].sum())
    if fit is None:
        found.add("R_K", n=n, note=[f"{used.sum()} usable points do not fix R_0 + a d + b d²", *notes])
        found.suggest(None, "none: two biases with a result are needed")
    else:
        found.fits["R_K"] = fit
        for k, name in enumerate(terms):
            extra = {"systematic": systematic, "note": [_quality(fit), *notes]} if k == 0 else {}
            found.add(name, (fit.coefficients[k], fit.stderr(k)), fit=fit, n=n, **extra)
        _add_linear_range(found, fit, np.abs(d[used]), y[used], stderr[used])
    _add_rectification(found, points, d)
    return found


def _add_linear_range(found: Findings, fit: Fit, size, y, stderr) -> None:
    """The largest |d| up to which every R_K lies within 2 %, or what noise explains (5 %, jointly), of that at d -> 0."""
    offset, noise = fit.residuals(y, stderr)
    R_0 = abs(fit.coefficients[0])
    outside = np.abs(offset) > np.maximum(BIAS_HARMLESS * R_0, joint_z(len(y)) * noise)
    limit = size[outside].min() if outside.any() else np.inf
    inside = size[size < limit * (1 - 1e-9)]
    if not inside.size:
        found.add("linear_range", n=0, note=[f"R_K leaves it already at the smallest |d|, {limit:g}"])
        found.suggest(None, f"none: R_K depends on the bias already at {limit:g}, try smaller ones")
        return
    value = float(inside.max())
    found.add("linear_range", (value, None), n=len(inside))
    known = f"known to {100 * noise[size == value].max() / R_0:.2g} %"
    largest = "" if outside.any() else ", the largest that was tried"
    text = f"baths: T_hot - T_cold up to ±{value:g}{largest}: R_K agrees with that at zero bias ({known})"
    found.suggest(value, text)


def _add_rectification(found: Findings, points, d) -> None:
    used, notes = choose(points, "J")
    J, stderr = _columns(points, "J")
    sizes, shares, errors = [], [], []
    for size in sorted({round(value, 9) for value in d[used] if value > 0}):
        pair = [np.flatnonzero(used & np.isclose(d, sign * size)) for sign in (1, -1)]
        if not all(len(part) for part in pair):
            continue
        (up, down), (up_error, down_error) = (np.abs(v[[p[0] for p in pair]]) for v in (J, stderr))
        total = up + down
        sizes.append(size)
        shares.append(2.0 * (up - down) / total)
        errors.append(4.0 * np.hypot(down * up_error, up * down_error) / total**2)
        n = int(points["n_runs"].iloc[[p[0] for p in pair]].sum())
        found.add(f"rectification_at_{size:g}", (shares[-1], errors[-1]), n=n)
    if sizes:
        fit = fit_weighted(np.array(sizes)[:, None], np.array(shares), np.array(errors))
        found.fits["rectification"] = fit
        n = int(points["n_runs"][used].sum())
        found.add("rectification_slope", (fit.coefficients[0], fit.stderr()), fit=fit, n=n, note=notes)


def timestep(points: pd.DataFrame) -> Findings:
    """R_K and J at dt -> 0: the error of BAOAB, as of velocity Verlet, is of second order, R_K = R_0 + c dt²."""
    found = Findings()
    x = points["x"].to_numpy(float) ** 2
    fit = _extrapolate(found, points, "R_K", x, "R_K = R_0 + c dt^2")
    _extrapolate(found, points, "J", x, "J = J_0 + c dt^2")
    words = {
        "key": "run.timestep",
        "limit": "that at dt -> 0",
        "none": "take that or use shorter steps",
        "lacking": "two time steps with a result are needed",
    }
    _suggest_settled(found, fit, x, points, TIMESTEP_HARMLESS, words)
    return found


def plateau(points: pd.DataFrame, key: str, anchored: bool) -> Findings:
    """R_K as the weighted mean of the most neighbouring values of `key` that agree (`extrapolation.agree`).

    `anchored`: the largest value is the limit, must be among them, and the smallest of them is suggested. Else the case's
    own value is kept if it is among them, or the nearest to it is suggested.
    """
    found = Findings()
    used, notes = choose(points, "R_K")
    chosen = points[used]
    found.plateau = np.zeros(len(points), bool)
    if len(chosen) < FEWEST:
        found.add("R_K", n=len(chosen), note=["a plateau takes two values with a result", *notes])
        found.suggest(None, "none: two values with a result are needed")
        return found
    y, stderr = _columns(chosen, "R_K")
    part = find_plateau(y, stderr, anchored)
    inside = chosen[part]
    if len(inside) < FEWEST:
        where = f"at {value_text(chosen['value'].iloc[-1])}, the largest value" if anchored else "everywhere"
        found.add("R_K", n=len(chosen), note=[f"no plateau: R_K still changes {where}", *notes])
        way_out = "larger" if anchored else "other"
        found.suggest(None, f"none: R_K depends on {key} at all values that were tried, try {way_out} ones")
        return found
    found.plateau[np.flatnonzero(used)[part]] = True
    fit = found.fits["R_K"] = fit_mean(y[part], stderr[part])
    value = fit.coefficients[0], fit.stderr()
    ends = [slice(part.start + 1, part.stop)] + [slice(part.start, part.stop - 1)] * (not anchored)
    change = max(abs(fit_mean(y[end], stderr[end]).coefficients[0] - value[0]) for end in ends)
    notes = [f"plateau: {list_values(inside)}", *notes]
    found.add("R_K", value, fit=fit, systematic=change, n=int(inside["n_runs"].sum()), note=notes)
    suggested = inside["value"].iloc[0] if anchored else _nearest_to_base(chosen, part)
    offset, noise = (100 * np.abs(v).max() / abs(value[0]) for v in fit.residuals(y[part], stderr[part]))
    found.suggest(
        suggested,
        f"{key} = {value_text(suggested)}: R_K does not depend on it at {list_values(inside)} "
        f"(differences up to {offset:.2g} %, known to {noise:.2g} %)",
    )
    return found


def _nearest_to_base(chosen: pd.DataFrame, part: slice):
    """The value in the plateau nearest to that of the case itself."""
    x = chosen["x"].to_numpy(float)
    base = x[chosen["base"].to_numpy(bool)]
    inside = np.arange(part.start, part.stop)
    target = base[0] if base.size else x[inside].mean()
    return chosen["value"].iloc[inside[np.argmin(np.abs(x[inside] - target))]]
