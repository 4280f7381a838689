"""Positions that pair terms are computed from: their differences are bonds, through images too, and give the same forces."""

import numpy as np
import pytest
from force_cases import CASES, but_compiled, law_for
from junctions import displace

from nemd_core.forces.build import build_forces
from nemd_core.forces.lattice import wrap
from nemd_core.forces.laws import flag
from nemd_core.forces.places import displacements, place
from nemd_core.simd import broadcastable

LENNARD_JONES = [case for case, (_, potential, _) in CASES.items() if potential == "lj"]


def make(case, replicas=1, truncation="force-shift"):
    system, potential, cutoff = CASES[case]
    law = law_for(potential, cutoff, truncation, species=system.species.max() + 1)
    return system, build_forces(system, law, potential, 0.35, replicas)


def by_displacements(forces):
    """The same forces, computed from displacements and ideal bonds."""
    places, law = displacements(forces.rows, apart=False), forces.pair_law._replace(placed=flag(False))
    source = forces.field.source
    return forces._replace(places=places, pair_law=law, pair_field=forces.pair_field._replace(source=source))


@pytest.mark.parametrize("replicas", but_compiled([1, 8], lambda replicas: replicas > 1))
@pytest.mark.parametrize("case", LENNARD_JONES)
def test_forces_are_those_of_displacements(case, replicas):
    system, forces = make(case, replicas)
    u = displace(system, 0.08)
    (found, _), (expected, _) = forces.evaluate(system, u), by_displacements(forces).evaluate(system, u)
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert 0 < error < 1e-12  # not computed in the same way


@pytest.mark.parametrize("case", LENNARD_JONES)
def test_differences_of_positions_are_bonds(case):
    """For each entry of the table, after sites moved; where a row lies across the sides, j is an image. With periodic ends,
    those of sites that sweeps only pass: what they find for them is not used."""
    system, forces = make(case)
    rows, field, law = forces.rows, forces.pair_field, forces.law
    u = rows.scatter(system, displace(system, 0.08)[None])
    pair_u = forces.pair_array(np.zeros_like(u))
    for sheet in range(rows.sheets):
        wrap(sheet, u, field)
        place(sheet, u, pair_u, forces.places, field)
    at, u, components = pair_u.ravel(), u.ravel(), np.arange(rows.components)[:, None] * rows.stride
    bonds = law.bond[:: broadcastable(np.zeros(1)).size].reshape(-1, 3)
    placed, displaced = (f.source[:-1].reshape(rows.sheets, -1) for f in (field, forces.field))
    k = components + np.arange(field.begin, field.end)
    if system.periodic:
        k = k[:, rows.reach * rows.replicas : -rows.reach * rows.replicas]
    through_images = 0
    for sheet in range(rows.sheets):
        for row in range(rows.rows):
            own = sheet * rows.components * rows.stride + row * rows.width + k
            for entry in range(*field.first[row : row + 2]):
                there, here = placed[sheet, entry] + k, displaced[sheet, entry] + k
                ideal = np.repeat(bonds[entry, : rows.components, None], k.shape[1], axis=1)
                ideal[0] = law.axial[law.kind[entry] + k[0]]
                assert np.abs(at[there] - at[own] - ideal - u[here] + u[own]).max() < 1e-13
                through_images += placed[sheet, entry] >= len(u)
    assert (through_images > 0) == (rows.components == 3) == (len(forces.places.row) > 0)


def test_an_image_is_there_once_and_only_if_wanted():
    _, forces = make("fcc-lj")
    places, rows, field = forces.places, forces.rows, forces.pair_field
    home = np.repeat(np.arange(rows.sheets), np.diff(places.first))
    shown = np.column_stack([home, places.row, places.side])
    assert len(np.unique(shown, axis=0)) == len(shown)
    begin = field.source[:-1] - np.tile(field.shift, rows.sheets) * rows.replicas
    sheet, slot = (
        begin // (rows.components * rows.stride),
        begin % (rows.components * rows.stride) // rows.width,
    )
    wanted = np.column_stack([sheet, slot])[sheet >= rows.sheets]
    assert {*map(tuple, wanted)} == {*zip(places.sheet, places.slot, strict=True)}
