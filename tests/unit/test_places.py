"""Positions that pair terms are computed from: their differences are bonds, through images too, and give the same forces."""

import numpy as np
import pytest
from force_cases import CASES, but_compiled, law_for
from junctions import LJ, configure, displace

from nemd_core import Simulation
from nemd_core.forces.build import build_forces
from nemd_core.forces.lattice import wrap
from nemd_core.forces.laws import flag
from nemd_core.forces.places import place, take_displacements
from nemd_core.simd import broadcastable

LENNARD_JONES = [case for case, (_, potential, _) in CASES.items() if potential == "lj"]


def make(case, replicas=1, truncation="force-shift"):
    system, potential, cutoff = CASES[case]
    law = law_for(potential, cutoff, truncation, species=system.species.max() + 1)
    return system, build_forces(system, law, potential, 0.35, replicas)


def by_displacements(forces):
    """The same forces, computed from displacements and ideal bonds."""
    law, field = forces.law._replace(placed=flag(False)), forces.field._replace(source=forces.field.home)
    places = take_displacements(forces.rows, apart=False)
    return forces._replace(places=places, law=law, pair_law=law, field=field, pair_field=field)


@pytest.mark.parametrize("replicas", but_compiled([1, 8], lambda replicas: replicas > 1))
@pytest.mark.parametrize("case", LENNARD_JONES)
def test_forces_are_those_of_displacements(case, replicas):
    system, forces = make(case, replicas)
    u = displace(system, 0.08)
    found, energy = forces.evaluate(system, u)
    expected, energy_by_displacements = by_displacements(forces).evaluate(system, u)
    error = np.abs(found - expected).max() / np.abs(expected).max()
    assert 0 < error < 1e-12  # not computed in the same way
    assert energy == pytest.approx(energy_by_displacements, rel=1e-12)


@pytest.mark.parametrize("case", LENNARD_JONES)
def test_differences_of_positions_are_bonds(case):
    """For each entry of the table, after sites moved; where a row lies across the sides, j is an image."""
    system, forces = make(case)
    rows, field, law = forces.rows, forces.pair_field, forces.law
    u = rows.scatter(system, displace(system, 0.08)[None])
    pair_x = forces.pair_array(np.zeros_like(u))
    for sheet in range(rows.sheets):
        wrap(sheet, u, field)
        place(sheet, u, pair_x, forces.places, field)
    at, u, components = pair_x.ravel(), u.ravel(), np.arange(rows.components)[:, None] * rows.stride
    bonds = law.bond[:: broadcastable(np.zeros(1)).size].reshape(-1, 3)
    placed, displaced = (where[:-1].reshape(rows.sheets, -1) for where in (field.source, field.home))
    k = components + np.arange(field.begin, field.end)
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


@pytest.mark.parametrize(
    "settings",
    [{}, {"structure__ends": "periodic", "baths__walls": 0}, {"run__precision": "mixed"}],
    ids=["fixed", "periodic", "mixed"],
)
def test_forces_of_a_run_belong_to_its_displacements(settings):
    """Bit for bit: at the start, after some steps, after a restart and where displacements were changed from outside."""
    group = Simulation(configure(LJ, **settings)).groups[0]
    system, state = group.system, group.state

    def assert_forces_are_up_to_date():
        kept = group.snapshot()
        expected, _ = group.forces.evaluate(system, kept["displacement"][0])
        assert np.array_equal(group.forces.rows.gather(system, state.f)[0], expected)
        return kept

    start = assert_forces_are_up_to_date()
    group.advance(0, 3, measure=False)
    later = assert_forces_are_up_to_date()
    assert np.abs(later["displacement"] - start["displacement"]).max() > 0
    group.restore(**start)
    assert_forces_are_up_to_date()
    state.u[:] = group.forces.rows.scatter(system, later["displacement"])
    group.find_forces()
    assert_forces_are_up_to_date()
