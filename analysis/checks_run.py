"""Checks of the run: is it steady, do the baths hold, is it long enough, is its time step short enough?

- steady_state: two tests. The steady state must begin in time: within 40 % of the run (`steady.find_start`; what
  lies before it is left out). And in the part that is left T_A, T_B, delta_T and J may not change, by a straight line in
  time, jointly at 0.2 % (the first test has false alarms too); from the scatter of replicas where there are 8 or
  more, else from that of blocks. Harmless are the same limits as for the baths, and 2 % of |J|. No cap on noise: a run
  that is just long enough can't do better.
- bath_temperatures: a Langevin bath gives the power d sum_l rate_l n_l (T_set - T_l) to its layers of n_l
  sites, d the dimensions. With T_l taken after the O step of BAOAB, v' = c v + noise, c = exp(-gamma dt),
  this is exact for rate = (1/c² - 1) / (2 dt), the friction as dt -> 0. So the rate-weighted mean
  temperature of a bath lies off its set value by power / (d sum rate n), physically: little for a long
  bath, much for a bath of one atom. What is judged is that mean with the offset put back, against the set
  value. Harmless is 2 % of |T_hot - T_cold| (R_K does not depend on the bias in linear response) and
  0.5 % of the set value; where J is resolved noise counts up to 10 % of |T_hot - T_cold|, or the
  share of it that 4 standard errors are of J, if that is more.
  That offset itself may be half of |T_hot - T_cold| and its noise: between equal baths it never is more, whatever
  they are, and a single bath that takes more decides the flux instead of the junction.
- independent_samples: n_effective of delta_T and J, at least 20.
- time_step: w_max dt, w_max the highest frequency of the two crystals. Velocity Verlet turns a mode of frequency w
  too fast by the share (w dt)²/24 (to leading order); below 1 % for the fastest mode, w_max dt <= 0.49.
"""

import numpy as np
from scipy import special

from .checks import FALSE_ALARM, Evidence, outcome
from .steady import TOO_LATE
from .uncertainty import BINS_PER_BLOCK, MAX_BLOCKS, MIN_BLOCKS, Blocks, correlation, cut

FALSE_ALARM_DRIFT = 0.002
FLUX_DRIFT = 0.02
BATH_HARMLESS, BATH_HARMLESS_SELF, BATH_CAP = 0.02, 0.005, 0.10
OWN_OFFSET = 0.5
STEADY_REPLICAS = 8
DRIFT_BLOCK = 6.0
"""Shortest block of `own_blocks` in correlation scales."""
N_EFFECTIVE_LIMIT = 20.0
FREQUENCY_ERROR = 0.01


def steady_state(evidence: Evidence) -> dict:
    """A stationary part was found, and nothing drifts in it; value and limit are those of what failed, or drifts most."""
    start = evidence.start
    share = start.row / start.n_rows
    if not start.stationary:
        message = (
            f"the run becomes steady only after {100 * share:.2g} % of its production, if at all, allowed "
            f"{100 * TOO_LATE:g} %: raise run.equilibration_steps, then run.production_steps"
        )
        return outcome("steady_state", False, share, TOO_LATE, message)
    name, change, limit = _largest_drift(evidence)
    passed = change <= limit
    message = f"{name} changes by {change:.2g} over the run, allowed {limit:.2g}"
    if start.row > 0:
        message += f" (its first {100 * share:.2g} % were not steady and are left out)"
    if not passed:
        message += ": not steady yet; raise run.equilibration_steps"
    return outcome("steady_state", passed, change, limit, message)


def _largest_drift(evidence: Evidence) -> tuple[str, float, float]:
    """Name, change and limit of the quantity whose change lies highest against its limit."""
    names = ("T_A", "T_B", "delta_T", "J")
    settings, J = evidence.settings, abs(evidence.fields["J"])
    harmless_T = max(BATH_HARMLESS * evidence.bias, BATH_HARMLESS_SELF * max(settings.T_hot, settings.T_cold))
    results = []
    for number, (_, part) in enumerate(evidence.parts):
        for name in names:
            change, stderr, dof = change_over_run(part[name])
            tests = len(names) * len(evidence.parts)
            noise = float(special.stdtrit(dof, 1.0 - 0.5 * FALSE_ALARM_DRIFT / tests)) * stderr
            harmless = FLUX_DRIFT * J if name == "J" else harmless_T
            limit = max(harmless, noise, 1e-12 * float(np.abs(part[name]).max()))
            place = name + evidence.of_interface(number)
            results.append((abs(change) / max(limit, 1e-300), place, abs(change), limit))
    return max(results)[1:]


def change_over_run(series) -> tuple[float, float, int]:
    """Change of a series (n_rep, n_rows) along its least-squares line, with standard error and degrees of freedom.

    Blocks of its own, as many as its correlations allow: with few degrees of freedom Student's t would hide much. The
    correlations are those of what the line leaves over, else a drift would pass for a long correlation time.
    """
    n_rep, n_rows = series.shape
    time = np.linspace(-0.5, 0.5, n_rows)
    changes = series @ time / np.sum(time**2)
    change = changes.mean()
    if n_rep >= STEADY_REPLICAS:
        return change, changes.std(ddof=1) / np.sqrt(n_rep), n_rep - 1
    residual = series - series.mean() - change * time
    blocks = own_blocks(residual, -(-MIN_BLOCKS // n_rep))
    dof = blocks.n_blocks - 2
    variance = np.sum(blocks.means(residual) ** 2) / dof * blocks.inflation
    return change, float(np.sqrt(12.0 * variance / blocks.n_blocks)), dof  # 1/12: mean square of time


def own_blocks(residual, per_replica: int) -> Blocks:
    """Blocks of a series alone, (n_rep, n_rows), as many as its correlations allow but at least so many per replica."""
    n_rep, n_rows = residual.shape
    shortest = max(n_rep * n_rows // MAX_BLOCKS, 1)
    scale = max(correlation(residual, length)[1] for length in (1, max(1, shortest // BINS_PER_BLOCK)))
    longest = n_rows // per_replica
    return cut(n_rep, n_rows, min(longest, max(shortest, int(DRIFT_BLOCK * scale))), float(scale))


def bath_temperatures(evidence: Evidence) -> dict:
    """Mean bath temperatures, the physical offset put back, against the set values, and that offset; the worst counts."""
    settings, blocks, bias = evidence.settings, evidence.blocks, evidence.bias
    t, results = blocks.t(1.0 - FALSE_ALARM / 4), []  # two numbers of each bath
    for name, T_set in (("hot", settings.T_hot), ("cold", settings.T_cold)):
        temperature, caused = _bath_series(evidence, name)
        restored = temperature + caused
        offset = abs(float(blocks.mean(restored)) - T_set)
        harmless = max(BATH_HARMLESS * bias, BATH_HARMLESS_SELF * T_set)
        noise = t * float(blocks.stderr(restored))
        cap = evidence.noise_cap(BATH_CAP) * bias
        limit = max(harmless, min(noise, cap) if evidence.flux_resolved and bias > 0 else noise)
        text = f"the {name} bath lies {offset:.2g} off its {T_set:g} (the offset that its own power causes put back)"
        advice = "not steady yet, or the bath cannot hold its temperature; raise run.equilibration_steps, "
        results.append(
            (offset, limit, text, f"{advice}baths.{name}.length or baths.friction, or lower run.timestep")
        )
        if bias > 0:
            lost = abs(float(blocks.mean(caused)))
            limit = OWN_OFFSET * bias + t * float(blocks.stderr(caused))
            text = f"the {name} bath lies {lost:.2g} off its {T_set:g} by its own power"
            advice = f"too short or too weak for this flux; raise baths.{name}.length or baths.friction"
            results.append((lost, limit, text, advice))
    value, limit, message, advice = max(results, key=lambda result: _ratio(result[0], result[1]))
    passed = value <= limit
    if not passed:
        message += f", allowed {limit:.2g}: {advice}"
    return outcome("bath_temperatures", passed, value, limit, message)


def _bath_series(evidence: Evidence, bath: str) -> tuple[np.ndarray, np.ndarray]:
    """Series of a bath's temperature and of how far below its set value its own power puts it."""
    samples = evidence.samples
    layers = np.flatnonzero(samples.layers["region"] == bath)
    friction = samples.layers["friction"][layers]
    rate = np.expm1(2 * friction * samples.timestep) / (2 * samples.timestep)
    weights = rate * samples.layers["n_sites"][layers]
    temperature = samples.temperature[:, :, layers] @ (weights / weights.sum())
    heat = samples.heat_hot if bath == "hot" else samples.heat_cold
    power = np.diff(heat, axis=1, prepend=0.0) / (samples.series_steps * samples.timestep)
    return temperature, power / (evidence.settings.dimensions * weights.sum())


def _ratio(value: float, limit: float) -> float:
    """Value over limit; where nothing is allowed, anything is too much."""
    if limit > 0:
        return value / limit
    return np.inf if value > 0 else 0.0


def independent_samples(evidence: Evidence) -> dict:
    """Enough independent samples of delta_T and J for their error bars to mean something."""
    n_effective = evidence.n_effective
    passed = n_effective >= N_EFFECTIVE_LIMIT
    message = f"{n_effective:.3g} independent samples"
    if not passed:
        factor = N_EFFECTIVE_LIMIT / max(n_effective, 1e-3)
        message += (
            f", at least {N_EFFECTIVE_LIMIT:g} are needed: raise run.production_steps or run.replicas "
            f"about {max(factor, 1.1):.2g} times"
        )
    return outcome("independent_samples", passed, n_effective, N_EFFECTIVE_LIMIT, message)


def time_step(evidence: Evidence) -> dict:
    """The time step resolves the fastest vibration of both crystals."""
    w_max, timestep = evidence.settings.highest_frequency, evidence.settings.timestep
    value, limit = w_max * timestep, np.sqrt(24 * FREQUENCY_ERROR)
    passed = value <= limit
    message = f"w_max dt = {value:.2g}: the fastest mode turns {100 * value**2 / 24:.1g} % too fast"
    if not passed:
        message += (
            f", allowed {100 * FREQUENCY_ERROR:g} %: lower run.timestep ({timestep:g}) to at most "
            f"{limit / w_max:.2g}, better {0.5 * limit / w_max:.2g}"
        )
    return outcome("time_step", passed, value, limit, message)
