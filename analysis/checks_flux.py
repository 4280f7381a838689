"""Checks of the heat: is the flux the same everywhere, is energy conserved, is there a flux at all?

- flux_agreement: J_hot, J_cold and the flux through every plane between the baths against the combined J (with
  periodic ends, each path's planes against the J of its interface), jointly. Differences between planes are
  bounded energies over time, so few long blocks judge them best. Harmless is 1 % of |J| (the energy audit allows
  as much). Where J is resolved noise counts up to 10 % of |J|, or 4 standard errors of J where that is more: it can
  neither hide a broken run nor fail a sound one whose J is poorly known.
- energy_audit: linear drift of E - Q, E the energy and Q the heat given by both baths, against the heat
  transferred |Q_hot|; where J is not resolved from 0, against half the sum of |heat| over all rows and
  baths, what the baths exchanged. Limit 1 %.
- flux_resolved: half the 95 % interval of J against |J|.
"""

import numpy as np

from .checks import FALSE_ALARM, Evidence, outcome
from .uncertainty import merge_blocks

FLUX_HARMLESS, FLUX_CAP = 0.01, 0.10
FLUX_BLOCKS = 16
ENERGY_LIMIT = 0.01


def flux_agreement(evidence: Evidence) -> dict:
    """Every estimate of the flux against the combined one; value and limit are those of the worst."""
    names, estimates, wanted = _fluxes(evidence)
    difference = estimates - wanted
    J, resolved = evidence.fields["J"], evidence.flux_resolved
    blocks = merge_blocks(evidence.blocks, FLUX_BLOCKS)
    offset = np.abs(difference.mean(axis=(0, 1)))
    stderr = blocks.means(difference).std(axis=0, ddof=1) / np.sqrt(blocks.n_blocks)
    limits = blocks.t(1.0 - FALSE_ALARM / len(names)) * stderr
    if resolved:
        cap = evidence.noise_cap(FLUX_CAP) * abs(J)
        limits = np.maximum(FLUX_HARMLESS * abs(J), np.minimum(limits, cap))
    limits = np.maximum(limits, 1e-12 * np.abs(estimates).max())
    worst = int(np.argmax(offset / np.maximum(limits, 1e-300)))
    passed = offset[worst] <= limits[worst]
    share = f" ({100 * offset[worst] / abs(J):.2g} % of J)" if resolved else ""
    if passed:
        message = f"all fluxes agree; {names[worst]} lies furthest from J, by {offset[worst]:.2g}{share}"
    else:
        message = (
            f"{names[worst]} differs from J by {offset[worst]:.2g}{share}, allowed {limits[worst]:.2g}: "
            "not steady yet or too short; raise run.equilibration_steps, then run.production_steps "
            "(or lower run.timestep, if energy_audit or time_step fails too)"
        )
    return outcome("flux_agreement", passed, offset[worst], limits[worst], message)


def _fluxes(evidence: Evidence) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names of all estimates of the flux, their series and what each should be: (n_rep, n_rows, n) each."""
    samples, rows = evidence.samples, evidence.rows
    names, estimates = ["J_hot", "J_cold"], [rows["J_hot"], rows["J_cold"]]
    wanted = [rows["J"], rows["J"]]
    if samples.flux_species is not None:
        names.append("the heat that A gives to the other atoms")
        estimates.append(rows["J_interface"])
        wanted.append(rows["J"])
    for number, (interface, part) in enumerate(evidence.parts, 1):
        for plane in interface.planes:
            place = f"x = {samples.planes['x0'][plane]:.4g}"
            if plane == interface.plane:
                place = "the interface" if len(evidence.parts) == 1 else f"interface {number}"
            names.append(f"the flux through the plane at {place}")
            estimates.append(interface.direction * samples.flux[:, :, plane])
            wanted.append(part["J"])
    return names, np.stack(estimates, axis=2), np.stack(wanted, axis=2)


def energy_audit(evidence: Evidence) -> dict:
    """Drift of E - Q over the run against the heat transferred; the worst replica counts."""
    samples = evidence.samples
    heat = samples.heat_hot + samples.heat_cold
    audit = samples.energy - np.asarray(samples.energy_start)[:, None] - heat
    audit = np.concatenate([np.zeros((len(audit), 1)), audit], axis=1)
    drift = np.abs(np.polyfit(np.linspace(-0.5, 0.5, audit.shape[1]), audit.T, 1)[0]).max()
    if evidence.flux_resolved:
        transferred = abs(samples.heat_hot[:, -1].mean())
        against = "heat transferred"
    else:
        steps = [
            np.abs(np.diff(q, axis=1, prepend=0.0)).sum(axis=1) for q in (samples.heat_hot, samples.heat_cold)
        ]
        transferred = 0.5 * np.mean(steps[0] + steps[1])
        against = "heat exchanged with the baths"
    value = drift / transferred if transferred > 0 else float(drift > 0)
    passed = value <= ENERGY_LIMIT
    message = f"energy minus heat drifted by {100 * value:.2g} % of the {against}"
    if not passed:
        message += (
            f", allowed {100 * ENERGY_LIMIT:g} %: lower run.timestep (the drift falls as its square), "
            "or the bath temperatures if the crystal melts"
        )
    return outcome("energy_audit", passed, value, ENERGY_LIMIT, message)


def flux_resolved(evidence: Evidence) -> dict:
    """Whether the flux differs from 0: without a flux there is no R_K."""
    J, half_width = evidence.fields["J"], evidence.half_width("J")
    message = f"J = {J:.3g} ± {half_width:.2g} (95 %)"
    if not evidence.flux_resolved:
        message += (
            ": not resolved from 0; raise the difference of the bath temperatures or run.production_steps"
        )
    return outcome("flux_resolved", evidence.flux_resolved, half_width, abs(J), message)
