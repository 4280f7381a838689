"""Checks of what one run can't see of itself: motions that outlive it.

- slow_modes: in a harmonic junction the error of delta_T is known exactly (`nemd_core.theory.transients`): what the start
  has left in it, which has no jump, and the scatter of the means of runs as long as this one, over all starts. So is the
  standard error that blocks such as those of this run show on average. Each with the error of J added, as in R_K, the first
  may be 1.3 times the second (a 95 % interval then covers 87 %), or 2 % of the jump: what motions that hardly reach a bath
  keep of the start does not decay in any run. Where no jump is resolved, 1 % of |T_hot - T_cold| is harmless. Nothing in it
  is noise but the choice of blocks and windows, and the error of J. Anharmonic crystals have no such answer; their motions
  scatter each other, the colder the more slowly.
- replicas_agree: the standard error of delta_T and J by the scatter of the means of 4 or more replicas. Harmless is 1.3 times
  the one that is claimed (where each replica is one block they are the same); noise may explain what an F test at 1 % for
  both allows, against that which the blocks of each replica by itself say. This is all that can notice frozen motions in a
  cold Lennard-Jones crystal; and no replicas show what the start has left in all of them.
"""

from dataclasses import replace

import numpy as np
from scipy import special

from nemd_core.errors import PhysicsError

from .checks import FALSE_ALARM, Evidence, outcome
from .checks_fit import BIAS_HARMLESS
from .checks_run import own_blocks
from .uncertainty import includes_zero

ERROR_RATIO, ERROR_HARMLESS = 1.3, 0.02
MIN_REPLICAS = 4


def slow_modes(evidence: Evidence) -> dict:
    """The true error of delta_T against what the blocks show, both exact and in temperature."""
    transients, blocks = evidence.settings.transients, evidence.blocks
    if transients is None:
        return _not_judged("slow_modes", "only harmonic forces have an exact answer")
    try:
        if not transients.affordable:
            return _not_judged("slow_modes", "the junction is too large for an exact answer")
        first_row, n_rows = evidence.start.row + blocks.start, blocks.per_replica * blocks.length
        found = transients.jump_error(_jump_weights(evidence), first_row, (n_rows, blocks.length))
    except PhysicsError as error:
        return outcome("slow_modes", False, 0.0, 0.0, str(error))
    of_run, of_block = found.variances
    scatter = np.sqrt(of_run / blocks.n_replicas)
    error = np.hypot(found.bias, scatter)
    shown = np.sqrt(blocks.inflation * (of_block - scatter**2) / blocks.dof)
    fields = evidence.fields
    jump = abs(fields["delta_T"])
    of_J = jump * fields["J_stderr"] / max(abs(fields["J"]), 1e-300)
    # error² + of_J² may be ERROR_RATIO² (shown² + of_J²)
    limit = np.hypot(ERROR_RATIO * shown, np.sqrt(ERROR_RATIO**2 - 1) * of_J)
    resolved = not includes_zero(jump, evidence.half_width("delta_T"))
    limit = max(limit, ERROR_HARMLESS * jump if resolved else BIAS_HARMLESS * evidence.bias)
    passed = error <= limit
    message = (
        f"exactly, delta_T is off by {error:.2g} ({found.bias:.2g} left of the start, {scatter:.2g} from run to run); "
        f"blocks show {shown:.2g}"
    )
    if not passed:
        key = "equilibration_steps" if abs(found.bias) > scatter else "replicas"
        message += (
            f", allowed {limit:.2g}: {100 * found.alive:.2g} % of all motions outlive the equilibration; "
            f"raise run.{key}"
        )
    return outcome("slow_modes", passed, error, limit, message)


def _jump_weights(evidence: Evidence) -> tuple[float, ...]:
    """delta_T as a linear map of layer temperatures, (n_layers,)."""
    weights = np.zeros(len(evidence.samples.layers["x0"]))
    for interface, _ in evidence.parts:
        for side, sign in (("A", 1), ("B", -1)):
            line = interface.lines[side]
            np.add.at(weights, line.layers, sign * line.to_interface / len(evidence.parts))
    return tuple(weights.tolist())


def replicas_agree(evidence: Evidence) -> dict:
    """Standard error from the means of replicas against those from blocks; the worse of delta_T and J."""
    n_rep, names, results = evidence.blocks.n_replicas, ("delta_T", "J"), []
    if n_rep < MIN_REPLICAS:
        return _not_judged("replicas_agree", f"it takes {MIN_REPLICAS} replicas or more")
    for name in names:
        means = evidence.rows[name].mean(axis=1, keepdims=True)
        error = float(means.std(ddof=1) / np.sqrt(n_rep))
        alone = replace(own_blocks(evidence.rows[name] - means, 2), n_replicas=1)
        within = [alone.stderr(series[None]) for series in evidence.rows[name]]
        shown = np.sqrt(np.mean(np.square(within)) / n_rep)
        dof = n_rep - 1, n_rep * alone.dof
        noise = np.sqrt(special.fdtri(*dof, 1 - FALSE_ALARM / len(names))) * shown
        limit = max(ERROR_RATIO * evidence.fields[f"{name}_stderr"], noise, 1e-12 * np.abs(means).max())
        results.append((error / max(limit, 1e-300), name, error, limit))
    _, name, error, limit = max(results)
    message = f"replicas scatter as if the standard error of {name} were {error:.2g}"
    if error > limit:
        message += (
            f", allowed {limit:.2g}: something outlives the run, and its error bars are too small; "
            "raise run.replicas, or run.equilibration_steps and run.production_steps"
        )
    return outcome("replicas_agree", error <= limit, error, limit, message)


def _not_judged(name: str, reason: str) -> dict:
    return outcome(name, True, 0.0, 0.0, f"not judged: {reason}")
