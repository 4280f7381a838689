"""The checks that decide whether a result is trusted; each is {name, passed, value, limit, message}.

`passed` means value <= limit, except for the number of independent samples, which must reach its limit.
Limits are of two kinds: what noise may explain, and what is physically harmless. A check asks for neither
less than the second nor more than a cap, so that noise can neither fail a sound run nor hide a broken one.

- flux_agreement: J_hot, J_cold and the flux through every plane between the baths against the combined J (with
  periodic ends, each path's planes against the J of its interface), jointly: Student's t at a probability of false alarm of 1 % for all of them together (Bonferroni).
  Differences between planes are bounded energies over time, so few long blocks judge them best.
  Harmless is 1 % of |J| (the energy audit allows as much), the cap 10 %.
- energy_audit: linear drift of E - Q, E the energy and Q the heat given by both baths, against the heat
  transferred |Q_hot|; where J is not resolved from 0, against half the sum of |heat| over all rows and
  baths, what the baths exchanged. Limit 1 %.
- bath_temperatures: a Langevin bath gives the power d sum_l rate_l n_l (T_set - T_l) to its layers of n_l
  sites, d the dimensions. With T_l taken after the O step of BAOAB, v' = c v + noise, c = exp(-gamma dt),
  this is exact for rate = (1/c² - 1) / (2 dt), the friction as dt -> 0. So the rate-weighted mean
  temperature of a bath lies off its set value by power / (d sum rate n), physically: little for a long
  bath, much for a bath of one atom. What is judged is that mean with the offset put back, against the set
  value. Harmless is 2 % of |T_hot - T_cold| (R_K does not depend on the bias in linear response) and
  0.5 % of the set value; the cap 10 % of |T_hot - T_cold|.
- steady_state: the change of T_A, T_B, delta_T and J over the run, by a straight line in time, jointly as
  above at 0.1 %; from the scatter of replicas where there are 8 or more, else from that of blocks. Harmless
  are the same limits as for the baths, and 2 % of |J|. No cap: a run that is just long enough can't do better.
- independent_samples: n_effective of delta_T and J, at least 20.
- flux_resolved: half the 95 % interval of J against |J|.

Caps apply where J is resolved from 0.
"""

import numpy as np
from scipy import stats

from nemd_core.storage import Samples

from .uncertainty import Blocks, includes_zero, merge_blocks

FALSE_ALARM, FALSE_ALARM_STEADY = 0.01, 0.001
FLUX_HARMLESS, FLUX_CAP, FLUX_DRIFT = 0.01, 0.10, 0.02
FLUX_BLOCKS = 16
ENERGY_LIMIT = 0.01
BATH_HARMLESS, BATH_HARMLESS_SELF, BATH_CAP = 0.02, 0.005, 0.10
STEADY_REPLICAS = 8
N_EFFECTIVE_LIMIT = 20.0


def judge(samples: Samples, settings, rows: dict, parts, blocks: Blocks, n_effective: float) -> list[dict]:
    """All checks of a run.

    `rows` holds the series J, J_hot, J_cold, J_interface, each of shape (n_rep, n_rows); `parts` pairs every interface
    (`lines.Interface`) with its own series J, T_A, T_B and delta_T.
    """
    J = float(blocks.mean(rows["J"]))
    resolved = not includes_zero(J, blocks.t(0.95) * float(blocks.stderr(rows["J"])), np.abs(rows["J"]).max())
    return [
        check_fluxes(samples, rows, parts, blocks, resolved),
        check_energy(samples, resolved),
        check_baths(samples, settings, blocks, resolved),
        check_steady(settings, rows, parts, blocks),
        check_count(n_effective),
        check_resolved(J, blocks.t(0.95) * float(blocks.stderr(rows["J"])), resolved),
    ]


def check_fluxes(samples: Samples, rows: dict, parts, blocks: Blocks, resolved: bool) -> dict:
    """Every estimate of the flux against the combined one; value and limit are those of the worst."""
    names, estimates = ["J_hot", "J_cold"], [rows["J_hot"], rows["J_cold"]]
    wanted = [rows["J"], rows["J"]]
    if samples.flux_species is not None:
        names.append("the heat that A gives to the other atoms")
        estimates.append(rows["J_interface"])
        wanted.append(rows["J"])
    for number, (interface, part) in enumerate(parts, 1):
        for plane in interface.planes:
            place = f"x = {samples.planes['x0'][plane]:.4g}"
            if plane == interface.plane:
                place = "the interface" if len(parts) == 1 else f"interface {number}"
            names.append(f"the flux through the plane at {place}")
            estimates.append(interface.direction * samples.flux[:, :, plane])
            wanted.append(part["J"])
    estimates = np.stack(estimates, axis=2)
    difference = estimates - np.stack(wanted, axis=2)
    J = float(blocks.mean(rows["J"]))
    long_blocks = merge_blocks(blocks, FLUX_BLOCKS)
    offset = np.abs(difference.mean(axis=(0, 1)))
    stderr = long_blocks.means(difference).std(axis=0, ddof=1) / np.sqrt(long_blocks.n_blocks)
    limits = long_blocks.t(1.0 - FALSE_ALARM / len(names)) * stderr
    if resolved:
        limits = np.maximum(FLUX_HARMLESS * abs(J), np.minimum(limits, FLUX_CAP * abs(J)))
    limits = np.maximum(limits, 1e-12 * np.abs(estimates).max())
    worst = int(np.argmax(offset / np.maximum(limits, 1e-300)))
    passed = bool(offset[worst] <= limits[worst])
    share = f" ({100 * offset[worst] / abs(J):.2g} % of J)" if resolved else ""
    if passed:
        message = f"all fluxes agree; {names[worst]} lies furthest from J, by {offset[worst]:.2g}{share}"
    else:
        message = (
            f"{names[worst]} differs from J by {offset[worst]:.2g}{share}, allowed {limits[worst]:.2g}: "
            "not steady yet or too short; raise run.equilibration_steps, then run.production_steps"
        )
    return _check("flux_agreement", passed, offset[worst], limits[worst], message)


def check_energy(samples: Samples, resolved: bool) -> dict:
    """Drift of E - Q over the run against the heat transferred; the worst replica counts."""
    heat = samples.heat_hot + samples.heat_cold
    audit = samples.energy - np.asarray(samples.energy_start)[:, None] - heat
    audit = np.concatenate([np.zeros((len(audit), 1)), audit], axis=1)
    drift = np.abs(np.polyfit(np.linspace(-0.5, 0.5, audit.shape[1]), audit.T, 1)[0]).max()
    if resolved:
        transferred = abs(samples.heat_hot[:, -1].mean())
        against = "heat transferred"
    else:
        steps = [
            np.abs(np.diff(q, axis=1, prepend=0.0)).sum(axis=1) for q in (samples.heat_hot, samples.heat_cold)
        ]
        transferred = 0.5 * np.mean(steps[0] + steps[1])
        against = "heat exchanged with the baths"
    value = drift / transferred if transferred > 0 else float(drift > 0)
    passed = bool(value <= ENERGY_LIMIT)
    message = f"energy minus heat drifted by {100 * value:.2g} % of the {against}"
    if not passed:
        message += f", allowed {100 * ENERGY_LIMIT:g} %: lower run.timestep (the drift falls as its square)"
    return _check("energy_audit", passed, value, ENERGY_LIMIT, message)


def check_baths(samples: Samples, settings, blocks: Blocks, resolved: bool) -> dict:
    """Mean bath temperatures, the physical offset put back, against the set values; the worse one counts."""
    results = []
    bias = abs(settings.T_hot - settings.T_cold)
    for name, T_set, heat in (
        ("hot", settings.T_hot, samples.heat_hot),
        ("cold", settings.T_cold, samples.heat_cold),
    ):
        layers = np.flatnonzero(samples.layers["region"] == name)
        friction = samples.layers["friction"][layers]
        rate = np.expm1(2 * friction * samples.timestep) / (2 * samples.timestep)
        weights = rate * samples.layers["n_sites"][layers]
        temperature = samples.temperature[:, :, layers] @ (weights / weights.sum())
        power = np.diff(heat, axis=1, prepend=0.0) / (samples.series_steps * samples.timestep)
        restored = temperature + power / (settings.dimensions * weights.sum())
        offset = abs(float(blocks.mean(restored)) - T_set)
        harmless = max(BATH_HARMLESS * bias, BATH_HARMLESS_SELF * T_set)
        noise = blocks.t(1.0 - FALSE_ALARM / 2) * float(blocks.stderr(restored))
        limit = max(harmless, min(noise, BATH_CAP * bias) if resolved and bias > 0 else noise)
        results.append((offset / limit if limit > 0 else float(offset > 0) * 2, name, offset, limit, T_set))
    _, name, offset, limit, T_set = max(results)
    passed = bool(offset <= limit)
    message = (
        f"the {name} bath lies {offset:.2g} off its {T_set:g} (the offset that its own power causes put back)"
    )
    if not passed:
        message += (
            f", allowed {limit:.2g}: not steady yet, or the bath cannot hold its temperature; raise "
            f"run.equilibration_steps, baths.{name}.length or baths.friction, or lower run.timestep"
        )
    return _check("bath_temperatures", passed, offset, limit, message)


def check_steady(settings, rows: dict, parts, blocks: Blocks) -> dict:
    """Drift of temperatures and flux over the run, at every interface; value and limit are those of the worst."""
    names = ("T_A", "T_B", "delta_T", "J")
    harmless_T = max(
        BATH_HARMLESS * abs(settings.T_hot - settings.T_cold),
        BATH_HARMLESS_SELF * max(settings.T_hot, settings.T_cold),
    )
    results = []
    J = abs(float(blocks.mean(rows["J"])))
    tests = [
        (name if len(parts) == 1 else f"{name} of interface {number}", part[name])
        for number, (_, part) in enumerate(parts, 1)
        for name in names
    ]
    for name, series in tests:
        change, stderr, dof = change_over_run(series, blocks)
        noise = float(stats.t.ppf(1.0 - 0.5 * FALSE_ALARM_STEADY / len(tests), dof)) * stderr
        harmless = FLUX_DRIFT * J if name.startswith("J") else harmless_T
        limit = max(harmless, noise, 1e-12 * float(np.abs(series).max()))
        results.append((abs(change) / max(limit, 1e-300), name, abs(change), limit))
    _, name, change, limit = max(results)
    passed = bool(change <= limit)
    message = f"{name} changes by {change:.2g} over the run, allowed {limit:.2g}"
    if not passed:
        message += ": not steady yet; raise run.equilibration_steps"
    return _check("steady_state", passed, change, limit, message)


def change_over_run(series, blocks: Blocks) -> tuple[float, float, int]:
    """Change of a series along its least-squares line, with standard error and degrees of freedom."""
    if len(series) >= STEADY_REPLICAS:
        time = np.linspace(-0.5, 0.5, series.shape[1])
        changes = series @ time / np.sum(time**2)
        return changes.mean(), changes.std(ddof=1) / np.sqrt(len(changes)), len(changes) - 1
    means = blocks.means(series)
    time = np.tile(np.linspace(-0.5, 0.5, blocks.per_replica), blocks.n_replicas)
    change = means @ time / np.sum(time**2)
    residual = means - means.mean() - change * time
    dof = blocks.n_blocks - 2
    variance = np.sum(residual**2) / dof / np.sum(time**2) * blocks.correction(series)
    return float(change), float(np.sqrt(variance)), dof


def check_count(n_effective: float) -> dict:
    """Enough independent samples of delta_T and J for their error bars to mean something."""
    passed = bool(n_effective >= N_EFFECTIVE_LIMIT)
    message = f"{n_effective:.3g} independent samples"
    if not passed:
        factor = N_EFFECTIVE_LIMIT / max(n_effective, 1e-3)
        message += (
            f", at least {N_EFFECTIVE_LIMIT:g} are needed: raise run.production_steps or run.replicas "
            f"about {max(factor, 1.1):.2g} times"
        )
    return _check("independent_samples", passed, n_effective, N_EFFECTIVE_LIMIT, message)


def check_resolved(J: float, half_width: float, resolved: bool) -> dict:
    """Whether the flux differs from 0: without a flux there is no R_K."""
    message = f"J = {J:.3g} ± {half_width:.2g} (95 %)"
    if not resolved:
        message += (
            ": not resolved from 0; raise the difference of the bath temperatures or run.production_steps"
        )
    return _check("flux_resolved", resolved, half_width, abs(J), message)


def _check(name: str, passed: bool, value, limit, message: str) -> dict:
    return {"name": name, "passed": passed, "value": float(value), "limit": float(limit), "message": message}
