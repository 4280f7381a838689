"""The limits that a study may take, each from a table of points to numbers and a suggestion: one function each.

Those that look for a plateau share theirs, in limit_plateau.py.

A point is one value of what the limit changes, as a row of a table: `value` as the config has it, `x` as a number
(for `length` also `L_A` and `L_B`), R_K, J, kappa_A and kappa_B each with its standard error (empty: not resolved),
`trusted`, `failed_checks`, `base` (whether it is the case itself), `n_runs`. Points are independent runs. Those that are
not trusted take no part, unless fewer than two would be left. What every function returns is a `Findings`.

Every limit has a furthest point: the shortest length, the largest bias or time step, the outermost value of a plateau.
`without_furthest` is by how much the result changes when it is left out.
"""

import numpy as np
import pandas as pd

from .extrapolation import Z95, Fit, first_settled, fit_weighted, joint_z
from .limit_findings import KNOWN, RESOLVED, Findings, choose, numbers, unresolved
from .tables import value_text

LENGTH_HARMLESS, BIAS_HARMLESS, TIMESTEP_HARMLESS = 0.05, 0.02, 0.02
"""Shares of R_K by which a suggested length, bias or time step may change it; and to which that must be known."""


def _fit(columns, y, stderr, used, distance) -> tuple[Fit | None, float | None]:
    """The fit of the points `used`, and the change of c_0 without those of them at the largest distance."""
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
    if fit.enlarged == 1.0:
        return ""
    return f"the form does not fit (p = {fit.p_value:.1g}): errors enlarged {fit.enlarged:.2g} times"


def _extrapolate(found: Findings, points, name: str, x, form: str) -> Fit | None:
    """Rows `name` and `name`_slope: y = y_0 + c x, at x = 0."""
    y, stderr = numbers(points, name)
    used, notes = choose(points, name)
    fit, change = _fit(np.stack([np.ones_like(x), x], axis=1), y, stderr, used, x)
    n = int(points["n_runs"][used].sum())
    if fit is None:
        found.add(name, n=n, note=[f"{used.sum()} usable points do not fix a line", *notes])
        return None
    found.fits[name] = fit
    value = fit.coefficients[0], fit.stderr()
    found.add(name, value, fit=fit, without_furthest=change, n=n, note=[_quality(fit), *notes])
    found.add(f"{name}_slope", (fit.coefficients[1], fit.stderr(1)), fit=fit, n=n, note=[form])
    return fit


def _suggest_settled(found: Findings, fit, x, points, harmless, words) -> None:
    """Suggest the cheapest value whose shift of R_K from that at x = 0, by the line, is harmless, and known to be."""
    if fit is None or unresolved(fit):
        found.suggest(None, f"none: {words['lacking']}" if fit is None else unresolved(fit))
        return
    used = np.flatnonzero(choose(points, "R_K")[0])
    order = used[np.argsort(-x[used])]  # what is left out has no say
    shift, noise = (
        abs(size) * x[order] / abs(fit.coefficients[0]) for size in (fit.coefficients[1], fit.stderr(1))
    )
    first = first_settled((shift <= harmless) & (noise <= harmless))
    i = -1 if first is None else first
    value = points["value"].iloc[order[i]]
    size = f"{100 * shift[i]:.2g} ± {100 * noise[i]:.2g} %"
    if first is not None:
        resolved = "" if shift[i] > noise[i] else ", which is not resolved from 0"
        text = f"{words['key']} = {value_text(value)}: R_K lies {size} off {words['limit']}{resolved}"
        found.suggest(value, text)
    elif noise[i] > harmless and shift[i] < RESOLVED * noise[i]:
        known = f"how far R_K lies off {words['limit']} at {value_text(value)}"
        found.suggest(None, f"none: {known} is only known to ± {100 * noise[i]:.2g} % of R_K, run longer")
    else:
        text = f"even at {value_text(value)} R_K lies {size} off {words['limit']}, {words['none']}"
        found.suggest(None, f"none: {text}")


def length(points: pd.DataFrame) -> Findings:
    """R_K and kappa at infinite length: R_K and 1/kappa are straight lines in 1/L.

    1/kappa = 1/kappa_inf + c/L: Schelling, Phillpot, Keblinski, PRB 65, 144306 (2002). L is the slab between bath and
    interface; R_K goes with the mean of 1/L_A and 1/L_B: R_K = R_inf + c/L is empirical, its chi2 says whether it will do.
    kappa of a fit in ln T is that at the temperature of the interface, which the length moves a little.
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
    kappa, stderr = numbers(points, name)
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
        change = None if change is None else change / value**2
        number = 1.0 / value, error / value**2
        found.add(name, number, (1.0 / high, 1.0 / low), fit, change, n, notes)
    slope = fit.coefficients[1], fit.stderr(1)
    found.add(f"{inverse}_slope", slope, fit=fit, n=n, note=["1/kappa = 1/kappa_inf + c/L"])


def bias(points: pd.DataFrame) -> Findings:
    """Linear response and rectification: R_K(d) = R_0 + a d + b d², d = T_hot - T_cold.

    a is the odd part, fitted where there are both signs, b the even one, fitted where there are two sizes and points
    enough. Rectification is (|J(d)| - |J(-d)|) / their mean, for each pair of opposite d, and its slope in d through all pairs.
    """
    found = Findings()
    d = points["x"].to_numpy(float)
    y, stderr = numbers(points, "R_K")
    used, notes = choose(points, "R_K")
    terms = {"R_K": np.ones_like(d)}
    if (d[used] > 0).any() and (d[used] < 0).any():
        terms["R_K_odd"] = d
    else:
        notes.insert(0, "one sign only: the odd part is not known")
    if len(np.unique(np.round(np.abs(d[used]), 9))) > 1 and used.sum() > len(terms):
        terms["R_K_even"] = d**2
    fit, change = _fit(np.stack(list(terms.values()), axis=1), y, stderr, used, np.abs(d))
    n = int(points["n_runs"][used].sum())
    if fit is None:
        found.add("R_K", n=n, note=[f"{used.sum()} usable points do not fix R_0 + a d + b d²", *notes])
        found.suggest(None, "none: two biases with a result are needed")
    else:
        found.fits["R_K"] = fit
        for k, name in enumerate(terms):
            extra = {"without_furthest": change, "note": [_quality(fit), *notes]} if k == 0 else {}
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
    if unresolved(fit):
        found.suggest(None, unresolved(fit))
        return
    share = noise[size == value].max() / R_0
    known = f"known to {100 * share:.2g} %"
    if share > KNOWN:
        text = f"R_K agrees with that at zero bias up to ±{value:g} ({known}), which says little: run longer"
        found.suggest(None, f"none: {text}")
        return
    largest = "" if outside.any() else ", the largest that was tried"
    text = f"baths: T_hot - T_cold up to ±{value:g}{largest}: R_K agrees with that at zero bias ({known})"
    found.suggest(value, text)


def _add_rectification(found: Findings, points, d) -> None:
    used, notes = choose(points, "J")
    J, stderr = numbers(points, "J")
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
