"""fcc along [100], [110] and [111]: the same crystal as ASE builds, with the same energy and forces."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.lattice.cubic import FaceCenteredCubic
from junctions import displace, junction
from scipy.spatial import cKDTree

from nemd_core.forces.build import build_forces
from nemd_core.potentials import lennard_jones

A, CUTOFF = 1.58, 2.5
DIRECTIONS = {
    100: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    110: [[1, 1, 0], [1, -1, 0], [0, 0, 1]],
    111: [[1, 1, 1], [1, -1, 0], [1, 1, -2]],
}
WIDTHS = {100: (4, 4), 110: (5, 4), 111: (5, 3)}
LENGTHS = {100: (2, 2), 110: (3, 3), 111: (2, 1)}
LAW = lennard_jones([1.0] * 3, [1.0] * 3, CUTOFF, "energy-shift")  # what ASE computes without smoothing


def crystal(orientation):
    """A periodic junction of equal materials, cut-off and more wide in every direction."""
    n_a, n_b = LENGTHS[orientation]
    width = WIDTHS[orientation]
    return junction("fcc", n_a, n_b, a=A, cross_section=width, orientation=orientation, periodic=True)


def ase_calculator():
    return AseLennardJones(sigma=1.0, epsilon=1.0, rc=CUTOFF, smooth=False)


def built_by_ase(system):
    """The same crystal by ASE, which takes the directions of its edges and knows nothing of ours."""
    directions = DIRECTIONS[system.lattice.orientation]
    size = (system.n_cells, *system.cross_section)
    atoms = FaceCenteredCubic("Ar", directions=directions, latticeconstant=A, pbc=True)
    # the smallest orthogonal cell of ASE may be several of ours: cut as many as fit
    repeats = np.array(size) * A * system.lattice.edges / atoms.cell.lengths()
    assert repeats == pytest.approx(np.rint(repeats), rel=1e-12)
    return atoms.repeat(np.rint(repeats).astype(int))


def match(system, atoms):
    """Atom of `atoms` at each site, after the shift that takes an atom of the first layer to a site of it."""
    box = np.array([system.length, *system.sides])
    tree = cKDTree(np.mod(system.positions, box), boxsize=box)
    for site in np.flatnonzero(system.layer_of_site == 0):
        moved = np.mod(atoms.positions - atoms.positions[0] + system.positions[site] + 1e-7, box)
        away, sites = tree.query(moved)
        if away.max() < 1e-6:
            assert len(set(sites)) == system.n_sites
            return np.argsort(sites)
    raise AssertionError("another crystal")


@pytest.fixture(scope="module", params=DIRECTIONS)
def case(request):
    system = crystal(request.param)
    return system, build_forces(system, LAW, "lj", 0.35)


def energy_per_atom(orientation):
    system = crystal(orientation)
    forces = build_forces(system, LAW, "lj", 0.35)
    return forces.evaluate(system, np.zeros((system.n_sites, 3)))[1] / system.n_sites


def test_the_same_crystal_as_ase(case):
    system, _ = case
    atoms = built_by_ase(system)
    assert len(atoms) == system.n_sites
    assert atoms.cell.lengths() == pytest.approx(np.array([system.length, *system.sides]), rel=1e-12)
    match(system, atoms)


def test_cohesive_energy(case):
    system, forces = case
    rest, energy = forces.evaluate(system, np.zeros((system.n_sites, 3)))
    assert np.abs(rest).max() < 1e-12
    for atoms in (bulk("Ar", "fcc", a=A), built_by_ase(system), system.to_ase()):
        atoms.calc = ase_calculator()
        expected = atoms.get_potential_energy() / len(atoms)
        assert energy / system.n_sites == pytest.approx(expected, abs=1e-10)


def test_orientations_have_one_energy():
    """Equal lattice constants, equal shells: [100], [110] and [111] differ by rounding alone."""
    first, *others = (energy_per_atom(orientation) for orientation in DIRECTIONS)
    assert others == pytest.approx([first] * 2, rel=1e-12)
    assert first < -6  # and it is a crystal: the full lattice sum is -8.6


def test_forces_on_displaced_atoms(case):
    system, forces = case
    u = displace(system, 0.08, seed=3)
    found, energy = forces.evaluate(system, u)
    atoms = system.to_ase()
    atoms.positions += u
    other = built_by_ase(system)
    order = match(system, other)
    other.positions[order] += u
    for theirs, sites in ((atoms, np.arange(system.n_sites)), (other, order)):
        theirs.calc = ase_calculator()
        expected = theirs.get_forces()[sites]
        assert np.abs(expected).max() > 10
        assert np.abs(found - expected).max() < 1e-9
        assert energy == pytest.approx(theirs.get_potential_energy(), abs=1e-10 * system.n_sites)
    assert found.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
