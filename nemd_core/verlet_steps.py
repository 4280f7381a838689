"""The time step of atoms that may go anywhere, and blocks of steps that run compiled from end to end.

BAOAB as in `integrator`, with the same random numbers: those of an atom are keyed by the site it comes from. A bath acts
on the atoms that are inside its region in the middle of the step, where O stands: friction then depends on positions
that O leaves as they are, and each O keeps the canonical distribution of its bath.

The neighbour list is looked at in every step, before forces: as soon as an atom has moved by more than half the skin
since the last build, it is built anew. So no pair within the cut-off is ever missing.
"""

from typing import NamedTuple

import numpy as np

from .baths import HOT, exchange, layer_friction
from .forces.neighbours import DONE, build_chunk, finish_build, start_build
from .forces.sorting import CHUNK, GHOSTS, pack, pack_ghosts
from .forces.verlet import pack_ghost_velocities, pack_velocities, sum_energies, sum_forces, sum_powers
from .jit import kernel, whole
from .random import fill_normals
from .system import System
from .team import meet, said, say, share
from .verlet_meter import (
    add_crossings,
    cross_chunk,
    find_layers,
    record_row,
    sample_flow,
    sample_layers,
    sample_reference,
)


class Reservoirs(NamedTuple):
    """The baths by bins along x, (n_layers,), and their ledger."""

    bath: np.ndarray
    """HOT or COLD; -1 outside the baths."""
    memory: np.ndarray
    """c = exp(-gamma dt)."""
    noise: np.ndarray
    """sqrt((1 - c²) T)."""
    heat: np.ndarray
    """Energy given by each bath since production began, (chunks, 2)."""
    replica: np.ndarray
    """The replica, which keys random numbers, (CHUNK,)."""
    layer: np.ndarray
    """Bin of each atom in the middle of the step, (n,): of a step with baths or samples."""
    element: np.ndarray
    """Atoms inside a bath, by chunk, (n,)."""
    site: np.ndarray
    """Their numbers, (n,)."""
    normals: np.ndarray
    """Room for random numbers, (chunks, 8 CHUNK)."""


def make_reservoirs(system: System, config, replica: int, n: int) -> Reservoirs:
    """The baths of a replica with n moving atoms."""
    region, baths, chunks = system.layer_region, config.baths, -(-n // CHUNK)
    memory = np.exp(-layer_friction(system, baths) * config.run.timestep)
    T = np.select([region == "hot", region == "cold"], [baths.hot.temperature, baths.cold.temperature])
    return Reservoirs(
        bath=np.select([region == "hot", region == "cold"], [HOT, 1 - HOT], -1),
        memory=memory,
        noise=np.sqrt((1 - memory**2) * T),
        heat=np.zeros((chunks, 2)),
        replica=np.full(CHUNK, replica, np.uint64),
        layer=np.zeros(n, np.int64),
        element=np.zeros(n, np.int64),
        site=np.zeros(n, np.uint64),
        normals=np.zeros((chunks, 8 * CHUNK)),
    )


@kernel
def begin_chunk(chunk, atoms, list_, reservoirs, bins, plan, step, closed, bathed, sampled):
    """B A O A of a chunk; packs where its atoms end, and notes in `reservoirs.layer` where they are in the middle.

    closed: whether the step before has had its closing B, with the same forces as this one begins with. bathed, sampled:
    who wants to know where atoms are, baths or the meter.
    """
    first, last, dt = chunk * CHUNK, min((chunk + 1) * CHUNK, list_.n), plan.timestep
    for component in range(3):
        x, v, f = atoms.x[component], atoms.v[component], atoms.f[component]
        if not closed:
            for i in range(first, last):
                v[i] += atoms.kick[i] * f[i]
        for i in range(first, last):
            v[i] += atoms.kick[i] * f[i]
            x[i] += dt * v[i]
    if bathed or sampled:
        find_layers(chunk, atoms, bins, 0.5 * dt, reservoirs.layer)
    if bathed:
        n = find_bathed(chunk, atoms, reservoirs)
        apply_baths(chunk, n, atoms, reservoirs, np.uint64(step), plan.seed, 0.5 * dt)
    moved, x, built = 0, atoms.x, list_.built
    for i in range(first, last):
        dx, dy, dz = x[0, i] - built[0, i], x[1, i] - built[1, i], x[2, i] - built[2, i]
        moved += not (dx * dx + dy * dy + dz * dz <= list_.slack)
    list_.moved[chunk] = moved
    pack(chunk, atoms, list_)


@kernel
def any_bath(reservoirs):
    """Whether there are baths: an isolated junction has none."""
    found = False
    for k in range(reservoirs.bath.size):
        found |= reservoirs.bath[k] >= 0
    return found


@kernel
def find_bathed(chunk, atoms, reservoirs):
    """Note which atoms of a chunk are in a bath; returns how many."""
    first, layer = chunk * CHUNK, reservoirs.layer
    found = first
    for i in range(first, min(first + CHUNK, layer.size)):
        reservoirs.element[found] = i
        found += reservoirs.bath[layer[i]] >= 0
    for m in range(first, found):
        reservoirs.site[m] = atoms.number[reservoirs.element[m]]
    return found - first


@kernel
def apply_baths(chunk, n, atoms, reservoirs, step, seed, half_step):
    """O on the n atoms of a chunk that `find_bathed` noted, and the half drift after it; as `baths.apply_bath`."""
    first, layer = chunk * CHUNK, reservoirs.layer
    room = reservoirs.normals[chunk]
    normals = room[: 4 * n].reshape(4, n)
    fill_normals(
        normals,
        room[4 * CHUNK : 4 * CHUNK + 4 * n].reshape(4, n),
        reservoirs.site[first : first + n],
        reservoirs.replica[:n],
        step,
        seed,
        np.uint64(0),
    )
    for m in range(n):
        i = reservoirs.element[first + m]
        k, half_mass = layer[i], 0.5 * atoms.mass[i]
        noise, given = reservoirs.noise[k] / np.sqrt(atoms.mass[i]), 0.0
        for component in range(3):
            before = atoms.v[component, i]
            after, heat = exchange(before, reservoirs.memory[k], noise, normals[component, m], half_mass)
            atoms.v[component, i] = after
            atoms.x[component, i] += half_step * (after - before)
            given += heat
        reservoirs.heat[chunk, reservoirs.bath[k]] += given


@kernel
def end_chunk(chunk, atoms):
    """The closing B of a chunk."""
    for component in range(3):
        v, f = atoms.v[component], atoms.f[component]
        for i in range(chunk * CHUNK, min((chunk + 1) * CHUNK, v.size)):
            v[i] += atoms.kick[i] * f[i]


@kernel
def must_build(list_):
    """Whether an atom has moved too far for the list."""
    return list_.moved.sum() > 0


@kernel
def count_ghost_chunks(list_):
    return (list_.count[GHOSTS] + CHUNK - 1) // CHUNK


@kernel
def build_together(member, members, meeting, atoms, list_, work):
    """A whole build by all threads; returns its status."""
    meet(meeting, members)
    if member == 0:
        say(meeting, start_build(atoms, list_, work))
    meet(meeting, members)
    if said(meeting) != DONE:
        return said(meeting)
    for chunk in share(list_.moved.size, member, members):
        build_chunk(chunk, list_, work)
    meet(meeting, members)
    if member == 0:
        say(meeting, finish_build(list_))
    meet(meeting, members)
    return said(meeting)


@kernel
def sample_together(member, members, meeting, atoms, list_, law, bins, meter):
    """Heat flow, from the energy that every atom receives."""
    chunks = list_.moved.size
    for chunk in share(chunks, member, members):
        pack_velocities(chunk, atoms, list_)
    meet(meeting, members)
    for chunk in share(count_ghost_chunks(list_), member, members):
        pack_ghost_velocities(chunk, list_)
    meet(meeting, members)
    for chunk in share(chunks, member, members):
        sum_powers(chunk, atoms, list_, law, meter.power)
        sample_reference(chunk, atoms, list_, law, bins, meter)
    meet(meeting, members)
    if member == 0:
        sample_flow(atoms, meter)


@whole
def run_block(
    member,
    members,
    meeting,
    atoms,
    list_,
    work,
    law,
    reservoirs,
    bins,
    plan,
    meter,
    series,
    replica,
    row,
    midway,
):
    """Do the steps of `plan`; rows of `series` fill up from `row`. Returns (status, step at which it stopped, next row).

    member, members, meeting: one of the threads that share the chunks, see `team`. midway: begin in the middle of the
    first step, where a block with status FULL has stopped. Other statuses are DONE and LOST: an atom is nowhere.
    """
    chunks, dt, closed, bathed = list_.moved.size, plan.timestep, np.bool_(True), any_bath(reservoirs)
    for step in range(plan.first_step + 1, plan.first_step + plan.n_steps + 1):
        sampled = plan.sample_every > 0 and step % plan.sample_every == 0
        if not midway:
            for chunk in share(chunks, member, members):
                begin_chunk(chunk, atoms, list_, reservoirs, bins, plan, step, closed, bathed, sampled)
            meet(meeting, members)
            if sampled and member == 0:
                sample_layers(atoms, reservoirs.layer, bins, 0.5 * dt, meter)
        midway = False
        if must_build(list_):
            status = build_together(member, members, meeting, atoms, list_, work)
            if status != DONE:
                return status, step - 1, row
        else:
            for chunk in share(count_ghost_chunks(list_), member, members):
                pack_ghosts(chunk, list_)
            meet(meeting, members)
        closed = plan.sample_every > 0 or step == plan.first_step + plan.n_steps
        for chunk in share(chunks, member, members):
            sum_forces(chunk, atoms, list_, law)
            if closed:
                end_chunk(chunk, atoms)
        meet(meeting, members)
        if plan.sample_every > 0:
            for chunk in share(chunks, member, members):
                cross_chunk(chunk, atoms, list_, law, bins, dt, meter)
            meet(meeting, members)
            if member == 0:
                add_crossings(bins, meter)
        if sampled:
            sample_together(member, members, meeting, atoms, list_, law, bins, meter)
        if plan.sample_every > 0 and step % plan.series_steps == 0:
            for chunk in share(chunks, member, members):
                sum_energies(chunk, atoms, list_, law, meter.potential)
            meet(meeting, members)
            if member == 0:
                record_row(row, replica, atoms, reservoirs, bins, plan, meter, series)
            row += 1
        if plan.sample_every > 0:
            meet(meeting, members)
    return DONE, plan.first_step + plan.n_steps, row
