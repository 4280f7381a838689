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

from .baths import apply_bath
from .forces.lattice import (
    collect_and_move,
    collect_forces,
    count_intruders,
    sweep_energy,
    sweep_flow,
    sweep_forces,
    wrap,
)
from .forces.places import place
from .jit import kernel, whole
from .observables import record_row
from .simd import LANES
from .team import meet, share

RUNNING, INTRUDER = 0, 1


class State(NamedTuple):
    """What moves. Vectors have the shape (sheets, components, stride), scalars (sheets, stride)."""

    u: np.ndarray
    """Displacement from the lattice site."""
    v: np.ndarray
    f: np.ndarray
    pair_x: np.ndarray
    """What the pair terms of forces and flow are computed from, see `forces.places`."""
    pair_v: np.ndarray
    """Velocities in the precision of these: v itself, or singles that are brought up to date when the flow is wanted."""
    exact_x: np.ndarray
    """What energy is computed from, of doubles: `pair_x` or u."""
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
    fresh: bool
    """Whether forces must be found before the first step: displacements were changed from outside."""


@kernel
def open_step(sheet, state, field, baths, plan, step, kinetic, sampled, closed):
    """B A O A of one sheet; adds v² in the middle of a sampled step to `kinetic`. closed: whether the step before has had its
    closing B, with the forces of which this one begins."""
    dt = plan.timestep
    if closed:
        u, v, f, kick = state.u[sheet], state.v[sheet], state.f[sheet], state.kick[sheet]
        for component in range(u.shape[0]):
            uc, vc, fc = u[component], v[component], f[component]
            for k in range(uc.size):
                vc[k] += kick[k] * fc[k]
                uc[k] += dt * vc[k]
    else:
        collect_and_move(sheet, state.u, state.v, state.f, state.kick, dt, field)
    apply_bath(sheet, state.u, state.v, baths, np.uint64(step), plan.seed, 0.5 * dt)
    if sampled:
        total = kinetic[sheet]
        for component in range(field.components):
            vc = state.v[sheet, component]
            for k in range(vc.size):
                total[k] += vc[k] * vc[k]


@kernel
def close_step(sheet, state):
    """The closing B."""
    v, f, kick = state.v[sheet], state.f[sheet], state.kick[sheet]
    for component in range(v.shape[0]):
        vc, fc = v[component], f[component]
        for k in range(vc.size):
            vc[k] += kick[k] * fc[k]


@kernel
def take_singles(sheet, state):
    v, pair_v = state.v[sheet], state.pair_v[sheet]
    for component in range(v.shape[0]):
        exact, short = v[component], pair_v[component]
        for k in range(exact.size):
            short[k] = exact[k]


@kernel
def any_intruder(meter):
    return meter.intruders.sum() > 0


@whole
def run_block(
    member,
    members,
    meeting,
    state,
    field,
    law,
    pair_field,
    pair_law,
    places,
    outer,
    watch,
    baths,
    plan,
    meter,
    series,
):
    """Do `plan.n_steps` steps, after finding the forces if they are wanted. Rows of `series` fill up from 0. Returns (status,
    step at which it stopped).

    member, members, meeting: one of the threads that share the sheets, see `team`. pair_field, pair_law, places: what forces
    and flow are computed with; field and law, of doubles, serve energy. The closing B of a step waits for the next one, unless
    something is to be looked at in between: threads meet twice in a step.
    """
    # a bare 0 or True would be types of their own, and what takes them compiled twice
    row, closed = np.int64(0), np.bool_(True)
    last = plan.first_step + plan.n_steps
    for step in range(plan.first_step + (0 if plan.fresh else 1), last + 1):
        moves = step > plan.first_step
        sampled = moves and plan.sample_every > 0 and step % plan.sample_every == 0
        recorded = moves and plan.sample_every > 0 and step % plan.series_steps == 0
        checked = moves and plan.check_every > 0 and step % plan.check_every == 0
        for sheet in share(field.sheets, member, members):
            if moves:
                open_step(sheet, state, pair_field, baths, plan, step, meter.kinetic, sampled, closed)
            wrap(sheet, state.u, field)
            place(sheet, state.u, state.pair_x, places, field)
        meet(meeting, members)
        for sheet in share(field.sheets, member, members):
            sweep_forces(sheet, state.pair_x, pair_field, pair_law)
        meet(meeting, members)
        closed = sampled or recorded or checked or not moves or step == last
        if not closed:
            continue
        for sheet in share(field.sheets, member, members):
            collect_forces(sheet, state.f, pair_field)
            if moves:
                close_step(sheet, state)
            wrap(sheet, state.v, field)
            if sampled and pair_field.lanes > LANES:
                take_singles(sheet, state)
        meet(meeting, members)
        for sheet in share(field.sheets, member, members):
            if sampled:
                sweep_flow(sheet, state.pair_x, state.pair_v, pair_field, pair_law)
            if checked:
                meter.intruders[sheet] = count_intruders(sheet, state.u, outer, watch)
            if recorded:
                sweep_energy(sheet, state.exact_x, field, law)
        meet(meeting, members)
        if checked and any_intruder(meter):
            return INTRUDER, step
        if recorded:
            if member == 0:
                record_row(row, state, field, baths, plan, meter, series)
            row += 1
            meet(meeting, members)
    return RUNNING, last
