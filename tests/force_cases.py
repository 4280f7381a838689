"""Junctions of every kind that forces are tested on, the pair laws that go with them, and what the sweeps make of both."""

import numpy as np
import pytest
from junctions import junction

from nemd_core.forces.lattice import (
    collect_forces,
    sum_through,
    sweep_energy,
    sweep_flow,
    sweep_forces,
    wrap,
)
from nemd_core.forces.places import place
from nemd_core.forces.reference import Reference
from nemd_core.potentials import Springs, lennard_jones

EPSILON, SIGMA = (1.0, 1.15, 1.4), (1.0, 1.01, 0.98)
"""Two species and a cross interaction of its own, as A-A, A-B, B-B."""
TWO_SPRINGS = Springs(np.array([1.0, 1.2, 1.5]), np.array([0.2, 0.25, 0.3]))
THREE = (1.0, 1.15, 1.4, 0.9, 1.25, 1.1), (1.0, 1.01, 0.98, 1.02, 0.99, 1.03)
"""Three species: A-A, A-B, B-B, A-C, B-C, C-C."""
THREE_SPRINGS = Springs(np.array([1.0, 1.2, 1.5, 0.8, 0.9, 1.1]), np.array([0.2, 0.25, 0.3, 0.1, 0.15, 0.35]))

CASES = {
    "chain-lj": (junction("chain", 6, 7, a=1.1), "lj", 2.5),
    "chain-walls-lj": (junction("chain", 8, 7, a=1.1, walls=3), "lj", 2.5),
    "chain-harmonic": (junction("chain", 6, 7, a=1.1), "harmonic", None),
    "chain-lj-harmonic": (junction("chain", 6, 7, a=1.1), "lj-harmonic", 2.5),
    "sc-lj": (junction("sc", 5, 6, a=1.1, cross_section=(3, 4), walls=2), "lj", 1.65),
    "sc-harmonic": (junction("sc", 5, 6, a=1.1, cross_section=(3, 4), walls=1), "harmonic", None),
    "fcc-lj": (junction("fcc", 4, 5, a=1.58, cross_section=(2, 2), walls=2), "lj", 2.36),
    "fcc-harmonic": (junction("fcc", 4, 4, a=1.58, cross_section=(2, 3), walls=1), "harmonic", None),
    "fcc-lj-harmonic": (junction("fcc", 4, 5, a=1.58, cross_section=(2, 2), walls=2), "lj-harmonic", 2.36),
    "fcc110-lj": (junction("fcc", 6, 7, a=1.58, cross_section=(3, 2), walls=3, orientation=110), "lj", 2.36),
    "fcc111-lj": (junction("fcc", 3, 4, a=1.58, cross_section=(3, 2), walls=1, orientation=111), "lj", 2.36),
    "bcc-harmonic": (junction("bcc", 4, 5, a=1.3, cross_section=(2, 3), walls=1), "harmonic", None),
    "diamond-harmonic": (junction("diamond", 3, 3, a=2.2, cross_section=(2, 2), walls=1), "harmonic", None),
    "strained-lj": (
        junction("fcc", 4, 5, a=1.6, axial=(1.55, 1.63), cross_section=(2, 2), walls=2),
        "lj",
        2.37,
    ),
    "strained-lj-harmonic": (
        junction("fcc", 4, 4, a=1.56, axial=(1.55, 1.58), cross_section=(2, 2), walls=2),
        "lj-harmonic",
        2.37,
    ),
    "alloy-lj": (junction("fcc", 4, 5, a=1.58, cross_section=(2, 2), walls=2, species=1), "lj", 2.36),
    "alloy-harmonic": (
        junction("fcc", 4, 4, a=1.58, cross_section=(2, 3), walls=1, species=2),
        "harmonic",
        None,
    ),
    "alloy-lj-harmonic": (
        junction("fcc", 3, 4, a=1.58, cross_section=(2, 2), walls=2, species=3),
        "lj-harmonic",
        2.36,
    ),
    "periodic-chain-harmonic": (junction("chain", 6, 7, periodic=True), "harmonic", None),
    "periodic-chain-lj": (junction("chain", 6, 7, a=1.1, periodic=True), "lj", 2.5),
    "periodic-lj": (
        junction("fcc", 3, 4, a=1.58, axial=(1.56, 1.6), cross_section=(2, 2), species=4, periodic=True),
        "lj",
        2.37,
    ),
}
"""system, potential, cut-off. Several cut-offs lie between two shells, so that no pair crosses one."""


def law_for(potential, cutoff, truncation="force-shift", species=2):
    if potential == "harmonic":
        return TWO_SPRINGS if species == 2 else THREE_SPRINGS
    return lennard_jones(*((EPSILON, SIGMA) if species == 2 else THREE), cutoff, truncation)


def but_compiled(cases, long):
    """The same cases; those of which `long(case)` says so are left out in plain Python."""
    return [pytest.param(case, marks=pytest.mark.compiled) if long(case) else case for case in cases]


def is_crystal(case):
    return CASES[case][0].lattice.dimensions == 3


def is_long(case):
    return case == "alloy-lj-harmonic"


def kernel_sums(system, forces, u, v):
    """What `Reference` holds, of all replicas at once; u, v: (replicas, n_sites, components)."""
    rows, field = forces.rows, forces.pair_field
    uu, vv, f = rows.scatter(system, u), rows.scatter(system, v), rows.vectors()
    pair_x = forces.pair_array(uu)
    for sums in (field.flow, field.pull, field.crossing):
        sums[:] = 0.0
    for sheet in range(rows.sheets):
        wrap(sheet, uu, field)
        wrap(sheet, vv, field)
        place(sheet, uu, pair_x, forces.places, field)
    for sheet in range(rows.sheets):
        sweep_forces(sheet, pair_x, field, forces.pair_law)
        sweep_flow(sheet, pair_x, vv.astype(pair_x.dtype), field, forces.pair_law)
        sweep_energy(sheet, forces.exact_array(uu, pair_x), forces.field, forces.law)
    for sheet in range(rows.sheets):
        collect_forces(sheet, f, field)
    window = field.pair_energy[:, field.begin : field.end].sum(axis=0)
    energies = np.array([window[r :: rows.replicas].sum() for r in range(rows.replicas)])
    planes = rows.position(system.plane_cell)
    through = [
        [[sum_through(sums, p + r, field) for p in planes] for r in range(rows.replicas)]
        for sums in (field.flow, field.pull)
    ]
    crossing = field.crossing[:, field.begin : field.end].sum(axis=0)
    crossings = np.array([crossing[r :: rows.replicas].sum() for r in range(rows.replicas)])
    return Reference(rows.gather(system, f), energies, *np.array(through), crossings)
