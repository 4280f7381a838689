"""The time step, and blocks of steps that run compiled from end to end.

One step is BAOAB (Leimkuhler and Matthews 2013); atoms outside the baths skip O and follow velocity Verlet:

    B   v += dt/2 F/m        kick
    A   u += dt/2 v          drift
    O   bath                 bath sites only
    A   u += dt/2 v          drift
    B   v += dt/2 F/m        kick, with the new forces

Temperatures are taken in the middle, after O: there m<v²> = T holds at any dt for a harmonic mode. Heat flow and energy
are taken at the end, where positions, velocities and forces belong to the same time.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from .baths import apply_bath
from .forces.lattice import (
    collect_forces,
    count_intruders,
    sweep_energy,
    sweep_flow,
    sweep_forces,
    wrap,
)
from .jit import block_functions, kernel
from .observables import record_row

RUNNING, INTRUDER = 0, 1


class State(NamedTuple):
    """What moves. Vectors have the shape (sheets, components, stride), scalars (sheets, stride)."""

    u: np.ndarray
    """Displacement from the lattice site."""
    v: np.ndarray
    f: np.ndarray
    kick: np.ndarray
    """dt / (2 m); 0 on everything frozen."""


class Plan(NamedTuple):
    """Which steps a block does, and what it looks at. Steps are counted from the start of the run."""

    timestep: float
    seed: np.uint64
    first_step: int
    n_steps: int
    sample_every: int
    """Steps between samples of temperature and flow; 0 measures nothing (equilibration)."""
    series_steps: int
    check_every: int
    """Steps between looks at the neighbour table; 0 where any displacement is allowed."""


@kernel
def begin_step(sheet, state, field, baths, plan, step, kinetic, sampled):
    """B A O A of one sheet; adds v² in the middle of a sampled step to `kinetic`."""
    u, v, f, kick = state.u[sheet], state.v[sheet], state.f[sheet], state.kick[sheet]
    dt = plan.timestep
    for component in range(u.shape[0]):
        uc, vc, fc = u[component], v[component], f[component]
        for k in range(uc.size):
            vc[k] += kick[k] * fc[k]
            uc[k] += dt * vc[k]
    apply_bath(sheet, state.u, state.v, baths, np.uint64(step), plan.seed, 0.5 * dt)
    wrap(sheet, state.u, field)
    if sampled:
        total = kinetic[sheet]
        for component in range(u.shape[0]):
            vc = v[component]
            for k in range(vc.size):
                total[k] += vc[k] * vc[k]


@kernel
def end_step(sheet, state, field, sampled):
    """The forces of all sheets come together; the closing B."""
    collect_forces(sheet, state.f, field)
    v, f, kick = state.v[sheet], state.f[sheet], state.kick[sheet]
    for component in range(v.shape[0]):
        vc, fc = v[component], f[component]
        for k in range(vc.size):
            vc[k] += kick[k] * fc[k]
    if sampled:
        wrap(sheet, state.v, field)


@kernel
def look_for_intruders(sheet, u, outer, watch, meter):
    meter.intruders[sheet] = count_intruders(sheet, u, outer, watch)


@kernel
def any_intruder(meter):
    return meter.intruders.sum() > 0


def run_block(state, field, law, outer, watch, baths, plan, meter, series):
    """Do `plan.n_steps` steps. Rows of `series` fill up from 0. Returns (status, step at which it stopped)."""
    sheets = field.sheets
    row = 0
    for step in range(plan.first_step + 1, plan.first_step + plan.n_steps + 1):
        sampled = plan.sample_every > 0 and step % plan.sample_every == 0
        for sheet in prange(sheets):
            begin_step(sheet, state, field, baths, plan, step, meter.kinetic, sampled)
        for sheet in prange(sheets):
            sweep_forces(sheet, state.u, field, law)
        for sheet in prange(sheets):
            end_step(sheet, state, field, sampled)
        if sampled:
            for sheet in prange(sheets):
                sweep_flow(sheet, state.u, state.v, field, law)
        if plan.check_every > 0 and step % plan.check_every == 0:
            for sheet in prange(sheets):
                look_for_intruders(sheet, state.u, outer, watch, meter)
            if any_intruder(meter):
                return INTRUDER, step
        if plan.sample_every > 0 and step % plan.series_steps == 0:
            for sheet in prange(sheets):
                sweep_energy(sheet, state.u, field, law)
            record_row(row, state, field, baths, plan, meter, series)
            row += 1
    return RUNNING, plan.first_step + plan.n_steps


run_serial, run_parallel = block_functions(run_block)


@kernel
def initialise(state, field, law):
    """Forces of the present displacements."""
    for sheet in range(field.sheets):
        wrap(sheet, state.u, field)
    for sheet in range(field.sheets):
        sweep_forces(sheet, state.u, field, law)
    for sheet in range(field.sheets):
        collect_forces(sheet, state.f, field)
