"""Whether a result is trusted: all checks of a run, each {name, passed, value, limit, message}.

`passed` means value <= limit, except for independent_samples and slab_length, which must reach their limit.
The message of a check that failed says what to change. A result is trusted only if all of them pass.

Limits are of two kinds: what noise may explain, and what is physically harmless. Noise is judged by Student's t
from the blocks of the run, at a probability of false alarm of 1 % for all numbers of a check together. How the
two are combined, and why, stands at each check:

- checks_run: steady_state, bath_temperatures, independent_samples, time_step
- checks_memory: slow_modes, replicas_agree
- checks_flux: flux_agreement, energy_audit, flux_resolved
- checks_fit: curvature, window_sensitivity, slab_length, jump_resolved
"""

from .checks import Evidence
from .checks_fit import curvature, jump_resolved, slab_length, window_sensitivity
from .checks_flux import energy_audit, flux_agreement, flux_resolved
from .checks_memory import replicas_agree, slow_modes
from .checks_run import bath_temperatures, independent_samples, steady_state, time_step

__all__ = ["CHECKS", "Evidence", "judge"]

CHECKS = (
    steady_state,
    flux_agreement,
    energy_audit,
    bath_temperatures,
    curvature,
    window_sensitivity,
    independent_samples,
    slow_modes,
    replicas_agree,
    slab_length,
    time_step,
    jump_resolved,
    flux_resolved,
)
"""Each takes the evidence and returns its outcome; named after it."""


def judge(evidence: Evidence) -> list[dict]:
    """All checks of a run, in the order of `CHECKS`."""
    return [check(evidence) for check in CHECKS]
