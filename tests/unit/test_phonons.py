"""Lattice dynamics of the crystals: against phonopy, closed forms, the junction's own matrices, and numerical slopes."""

from functools import cache

import ase
import numpy as np
import pytest
from ase.calculators.lj import LennardJones as AseLennardJones
from junctions import CHAIN, LJ, configure
from lattices import CONSTANT, KNOWN, STRAINED, lattice_config
from phonopy import Phonopy
from phonopy.structure.atoms import PhonopyAtoms

from nemd_core.errors import PhysicsError
from nemd_core.theory.crystal import make_bulk, zone_points
from nemd_core.theory.density_of_states import density_of_states, overlap, zone_mean
from nemd_core.theory.elasticity import sound_velocities
from nemd_core.theory.phonons import band_path, frequencies, group_velocities, highest_frequency
from nemd_core.theory.strips import force_matrix, make_strip

AXES = {
    100: np.eye(3),
    110: np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]]) / np.sqrt([[2], [2], [1]]),
    111: np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]]),
}
"""Cubic components of x, y and z of a junction, as rows."""


def argon(orientation=100, truncation="energy-shift", constants=1.6, mass=1.0):
    """The configuration of an fcc Lennard-Jones junction, epsilon = sigma = 1, cut-off 2.5."""
    return configure(
        LJ,
        structure__orientation=orientation,
        structure__lattice_constant=constants,
        structure__cross_section=[8, 8],
        structure__length={"A": 20, "B": 20},
        materials__A__mass=mass,
        interaction__cutoff=2.5,
        interaction__truncation=truncation,
        baths__walls=5,
    )


def crystals():
    """Every lattice as springs, cubic and strained; fcc Lennard-Jones in every orientation."""
    cases = {name: make_bulk(lattice_config(name), "B", CONSTANT, CONSTANT) for name in KNOWN}
    for name in KNOWN:
        if name != "chain":
            cases[f"strained-{name}"] = make_bulk(lattice_config(name), "B", STRAINED["B"], CONSTANT)
    for orientation in AXES:
        cases[f"lj-{orientation}"] = make_bulk(argon(orientation), "A", 1.57, 1.6)
    return cases


CRYSTALS = crystals()


def some_k(bulk, n=6, seed=0):
    """Wave vectors with nothing special about them, within twice the Brillouin zone."""
    fractions = np.random.default_rng(seed).uniform(-1, 1, (n, bulk.dimensions))
    return fractions @ bulk.reciprocal


# --- phonopy --------------------------------------------------------------------------------------------------


@cache
def by_phonopy(axial, lateral, displacement):
    """phonopy with forces on displaced atoms by ASE's Lennard-Jones, in 4 x 4 x 4 cells: more than twice the cut-off."""
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    cell = PhonopyAtoms(
        symbols=["Ar"] * 4, masses=[1.0] * 4, cell=np.diag([axial, lateral, lateral]), scaled_positions=sites
    )
    phonon = Phonopy(cell, supercell_matrix=np.diag([4, 4, 4]), primitive_matrix="F")
    phonon.generate_displacements(distance=displacement, is_plusminus=True, is_diagonal=False)
    forces = []
    for supercell in phonon.supercells_with_displacements:
        atoms = ase.Atoms("Ar" * len(supercell), positions=supercell.positions, cell=supercell.cell, pbc=True)
        atoms.calc = AseLennardJones(sigma=1.0, epsilon=1.0, rc=2.5, smooth=False)
        forces.append(atoms.get_forces())
    phonon.forces = forces
    phonon.produce_force_constants()
    phonon.symmetrize_force_constants()  # so that uniform translations cost nothing
    return phonon


def phonopy_frequencies(phonon, k):
    """w at wave vectors in 1/sigma along the cubic axes; phonopy's unit of frequency divided out."""
    q = np.asarray(k) @ phonon.primitive.cell.T / (2 * np.pi)
    return phonon.run_qpoints(q).frequencies / phonon.unit_conversion_factor


@pytest.mark.parametrize("truncation", ["none", "energy-shift"])
@pytest.mark.parametrize(("axial", "lateral"), [(1.6, 1.6), (1.57, 1.62)])
def test_dispersions_are_those_of_phonopy(axial, lateral, truncation):
    bulk = make_bulk(argon(truncation=truncation), "A", axial, lateral)
    expected = phonopy_frequencies(by_phonopy(axial, lateral, 1e-4), band_path(bulk, 60).k)
    away = np.abs(frequencies(bulk, band_path(bulk, 60).k) - expected).max()
    assert away < 1e-6 * highest_frequency(bulk)
    grid = np.array(np.meshgrid(*[np.arange(4)] * 3)).reshape(3, -1).T  # commensurate with phonopy's cells
    k = 2 * np.pi * grid / (4 * np.array([axial, lateral, lateral]))
    away = np.abs(frequencies(bulk, k) - phonopy_frequencies(by_phonopy(axial, lateral, 1e-4), k)).max()
    assert away < 1e-6 * highest_frequency(bulk)


def test_what_differs_from_phonopy_is_its_central_difference():
    """An error of the second order in the displacement: 4² times larger at four times the displacement."""
    bulk = make_bulk(argon(), "A", 1.6, 1.6)
    k = band_path(bulk, 60).k
    small, large = (
        np.abs(frequencies(bulk, k) - phonopy_frequencies(by_phonopy(1.6, 1.6, h), k)).max()
        for h in (1e-4, 4e-4)
    )
    assert large / small == pytest.approx(16, rel=0.05)


@pytest.mark.parametrize("orientation", [110, 111])
def test_turned_crystals_have_the_same_dispersion(orientation):
    phonon = by_phonopy(1.6, 1.6, 1e-4)
    bulk = make_bulk(argon(orientation), "A", 1.6, 1.6)
    k = np.concatenate([band_path(bulk, 40).k, some_k(bulk)])
    expected = phonopy_frequencies(phonon, k @ AXES[orientation])
    assert np.abs(frequencies(bulk, k) - expected).max() < 1e-6 * highest_frequency(bulk)


# --- closed forms ---------------------------------------------------------------------------------------------


def test_a_chain_is_a_sine():
    config = configure(CHAIN, structure__lattice_constant=1.3)
    bulk = make_bulk(config, "B", 1.3, 1.0)
    path = band_path(bulk)
    w_max = 2 * np.sqrt(1.5 / 2.0)
    assert path.labels == [(0.0, "G"), (pytest.approx(np.pi / 1.3), "X")]
    assert frequencies(bulk, path.k)[:, 0] == pytest.approx(w_max * np.sin(0.65 * path.distance), abs=1e-9)
    assert highest_frequency(bulk) == pytest.approx(w_max)
    w, v = group_velocities(bulk, path.k[1:])
    assert v[:, 0, 0] == pytest.approx(0.65 * np.sqrt(w_max**2 - w[:, 0] ** 2), abs=1e-7)


def test_simple_cubic_springs_are_three_sines():
    """K along and across the six bonds: w_i² = 4/m Σ_j K_ij sin²(k_j a/2), K_ij across but for j = i."""
    bulk = CRYSTALS["sc"]
    k = some_k(bulk)
    K = 0.3 + (1.5 - 0.3) * np.eye(3)
    expected = np.sqrt(4 / 2.0 * np.sin(0.65 * k) ** 2 @ K)
    assert frequencies(bulk, k) == pytest.approx(np.sort(expected, axis=1), rel=1e-12)


def test_mass_scales_frequencies():
    light, heavy = (make_bulk(argon(mass=mass), "A", 1.6, 1.6) for mass in (1.0, 4.0))
    k = some_k(light)
    assert frequencies(light, k) == pytest.approx(2 * frequencies(heavy, k), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "branches"), [("chain", 1), ("sc", 3), ("bcc", 3), ("fcc", 3), ("diamond", 6)]
)
def test_primitive_cells(name, branches):
    bulk, per_cell = CRYSTALS[name], 1 if name == "chain" else KNOWN[name].density
    assert frequencies(bulk, some_k(bulk)).shape == (6, branches)
    assert bulk.volume == pytest.approx(len(bulk.mass) * CONSTANT ** (1 if name == "chain" else 3) / per_cell)
    assert len(bulk.first) == len(bulk.mass) * KNOWN[name].neighbours
    assert bulk.reciprocal @ bulk.cell[: bulk.dimensions].T == pytest.approx(
        2 * np.pi * np.eye(bulk.dimensions)
    )


@pytest.mark.parametrize("name", CRYSTALS)
def test_translations_cost_nothing_and_k_repeats(name):
    bulk = CRYSTALS[name]
    w_max = highest_frequency(bulk)
    at_rest = frequencies(bulk, np.zeros((1, 3)))[0]
    assert (at_rest[: bulk.dimensions] < 1e-6 * w_max).all()
    assert (at_rest[bulk.dimensions :] > 0.1 * w_max).all()
    k = some_k(bulk)
    for same in (k + bulk.reciprocal[0], -k):
        assert frequencies(bulk, same) == pytest.approx(frequencies(bulk, k), abs=1e-9 * w_max)


# --- the junction ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KNOWN)
def test_a_junction_of_equal_sides_has_the_modes_of_its_crystal(name):
    """A ring of N cells: every mode of the strip is one of the crystal, k_x a multiple of 2 pi / (N a)."""
    material = {"mass": 1.5, "stiffness": 1.0} | ({"transverse_stiffness": 0.2} if name != "chain" else {})
    config = lattice_config(name, periodic=True, materials={"A": material, "B": material})
    strip, known = make_strip(config), KNOWN[name]
    bulk = make_bulk(config, "A", strip.axial[0], CONSTANT)
    lateral = 0.4 * 2 * np.pi * np.linalg.pinv(strip.lateral).T[0] + [0.1, 0.2]
    lateral = lateral if strip.dimensions == 3 else np.zeros(2)
    weight = np.repeat(strip.mass**-0.5, strip.dimensions)
    found = np.sqrt(np.abs(np.linalg.eigvalsh(weight[:, None] * force_matrix(strip, lateral) * weight)))
    period = 15 * CONSTANT * known.edges[0]
    modes = len(found) // (bulk.dimensions * len(bulk.mass))  # distinct k_x at this lateral k
    k = np.column_stack([2 * np.pi / period * np.arange(modes), np.tile(lateral, (modes, 1))])
    assert np.sort(frequencies(bulk, k), axis=None) == pytest.approx(found, abs=1e-7)


# --- slopes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CRYSTALS)
def test_group_velocities_are_slopes(name):
    bulk, h = CRYSTALS[name], 1e-5
    k = some_k(bulk)
    w, v = group_velocities(bulk, k)
    assert w == pytest.approx(frequencies(bulk, k), rel=1e-12)
    scale = highest_frequency(bulk) * bulk.volume ** (1 / bulk.dimensions)
    for axis in range(bulk.dimensions):
        step = h * np.eye(3)[axis]
        slope = (frequencies(bulk, k + step) - frequencies(bulk, k - step)) / (2 * h)
        assert v[..., axis] == pytest.approx(slope, abs=1e-7 * scale)


@pytest.mark.parametrize("direction", [[0, 1, 0], [1, 1, 0], [1, 2, 3]])
def test_group_velocities_where_branches_meet(direction):
    """On the axis both transverse branches of a cubic crystal are one; off it they part, with the slopes found."""
    bulk, h = CRYSTALS["fcc"], 1e-6
    unit = np.array(direction) / np.linalg.norm(direction)
    k = np.array([[1.1, 0.0, 0.0], [0.0, 0.0, 0.7]])
    w, v = group_velocities(bulk, k, unit)
    assert w[:, 0] == pytest.approx(w[:, 1], rel=1e-9)
    forward = (frequencies(bulk, k + h * unit) - w) / h
    assert np.sort(v @ unit, axis=1) == pytest.approx(np.sort(forward, axis=1), abs=1e-5)


def test_modes_at_rest_have_no_velocity():
    _, v = group_velocities(CRYSTALS["diamond"], np.zeros((1, 3)))
    assert (v[0, :3] == 0).all()
    assert np.abs(v[0, 3:]).max() < 1e-9  # optical branches are flat there


# --- the path -------------------------------------------------------------------------------------------------


def test_the_path_is_the_standard_one():
    path = band_path(CRYSTALS["fcc"])
    assert "".join(name for _, name in path.labels) == "GXWKGLUWLK|UX"
    assert path.labels[1][0] == pytest.approx(2 * np.pi / CONSTANT)
    assert path.labels[-1][0] == pytest.approx(path.distance[-1])
    steps = np.linalg.norm(np.diff(path.k, axis=0), axis=1)
    walked = np.diff(path.distance)
    assert walked[walked > 0] == pytest.approx(steps[walked > 0])
    assert (walked == 0).sum() == 1  # from K to U


def test_the_path_of_a_turned_crystal_is_turned_with_it():
    straight = frequencies(CRYSTALS["fcc"], band_path(CRYSTALS["fcc"], 80).k)
    for name in ("fcc110", "fcc111"):
        bulk = CRYSTALS[name]
        assert frequencies(bulk, band_path(bulk, 80).k) == pytest.approx(straight, abs=1e-6)


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "chain"])
@pytest.mark.parametrize("strain", [-0.05, -1e-3, -2e-4, 1e-9, 1e-6, 3e-4, 0.01])
def test_every_strained_crystal_has_a_path(name, strain):
    bulk = make_bulk(lattice_config(name), "A", CONSTANT * (1 + strain), CONSTANT)
    path = band_path(bulk, 50)
    assert len(path.k) == len(path.distance) == 50
    assert (frequencies(bulk, path.k) >= 0).all()


# --- sums over the zone ---------------------------------------------------------------------------------------


def test_the_density_of_states_of_a_chain():
    """Share of the modes below w: 2/pi arcsin(w/w_max)."""
    bulk = CRYSTALS["chain"]
    w_max = highest_frequency(bulk)
    edges = np.linspace(0, w_max, 101)
    dos = density_of_states(bulk, edges)
    share = np.diff(2 / np.pi * np.arcsin(edges / w_max))
    assert dos.density * np.diff(edges) == pytest.approx(share, abs=1e-5)
    assert dos.convergence < 1e-4


@pytest.mark.parametrize("name", CRYSTALS)
def test_densities_of_states_are_normalised(name):
    bulk = CRYSTALS[name]
    dos = density_of_states(bulk, np.linspace(0, 1.02 * highest_frequency(bulk), 61), mesh=16)
    assert dos.density @ np.diff(dos.edges) == pytest.approx(1, abs=1e-12)
    assert (dos.density >= 0).all()
    # the mean of w² is that of an atom alone; a linear frequency adds the variance within the cells of the mesh
    middle, width = 0.5 * (dos.edges[1:] + dos.edges[:-1]), np.diff(dos.edges)
    traces = zone_mean(bulk, lambda k: (frequencies(bulk, k) ** 2).mean(axis=1), mesh=16)
    assert traces == pytest.approx(self_term(bulk), rel=1e-9)
    assert ((middle**2 + width**2 / 12) * dos.density) @ width == pytest.approx(traces, rel=0.01)


def self_term(bulk):
    """Mean over sites and directions of Σ K / m over the bonds of a site."""
    d, n = bulk.dimensions, len(bulk.mass)
    of_bond = np.trace(bulk.stiffness, axis1=1, axis2=2) / bulk.mass[bulk.first]
    return of_bond.sum() / (d * n)


def test_the_density_of_states_begins_as_debye_says():
    """g(w) -> V w²/(2 pi²) <1/v³>, the mean over directions and branches."""
    bulk = CRYSTALS["lj-100"]
    n = np.arange(2000) + 0.5  # directions, evenly spread by the golden angle
    z, turn = 1 - n / 1000, np.pi * (1 + 5**0.5) * n
    around = np.sqrt(1 - z**2)
    directions = np.column_stack([around * np.cos(turn), around * np.sin(turn), z])
    slowness = np.mean([sound_velocities(bulk, direction) ** -3.0 for direction in directions])
    low = 0.1 * highest_frequency(bulk)
    dos = density_of_states(bulk, np.array([0.0, low, 10 * low * 1.001]), mesh=60)
    expected = bulk.volume * low**3 / (6 * np.pi**2) * slowness
    # dispersion adds up to 5/6 x² to g, x = w/w_TA = 0.17, and the cells around the zone's centre another 2 %
    assert dos.density[0] * low == pytest.approx(expected, rel=0.05)
    assert dos.density[0] * low > expected


def test_mesh_convergence_is_what_it_says():
    bulk = CRYSTALS["lj-100"]
    edges = np.linspace(0, highest_frequency(bulk), 201)
    coarse, usual = density_of_states(bulk, edges, mesh=20), density_of_states(bulk, edges)
    assert usual.convergence == pytest.approx(np.abs(usual.density - coarse.density) @ np.diff(edges))
    assert usual.convergence < 0.02 < coarse.convergence


def test_overlap():
    light, heavy = (make_bulk(argon(mass=mass), "A", 1.6, 1.6) for mass in (1.0, 4.0))
    edges = np.linspace(0, highest_frequency(light), 401)
    first, second = (density_of_states(bulk, edges, mesh=20) for bulk in (light, heavy))
    assert overlap(first, first) == pytest.approx(1)
    assert overlap(first, second) == overlap(second, first)
    # g_B(w) = 2 g_A(2 w): the same number from one density alone
    g = np.interp(0.5 * (edges[1:] + edges[:-1]) * 2, 0.5 * (edges[1:] + edges[:-1]), first.density, right=0)
    expected = np.minimum(first.density, 2 * g) @ np.diff(edges)
    assert overlap(first, second) == pytest.approx(expected, abs=5e-3)
    none = density_of_states(make_bulk(argon(mass=1e6), "A", 1.6, 1.6), edges, mesh=8)
    assert overlap(first, none) < 1e-3


def test_zone_points_are_half_a_mesh():
    bulk = CRYSTALS["fcc"]
    k = zone_points(bulk, 5)
    assert len(k) == 6**3 / 2  # rounded up
    both = np.concatenate([k, -k])
    fractions = (both @ bulk.cell.T / (2 * np.pi) * 12).round().astype(int)
    assert len(np.unique(fractions, axis=0)) == 6**3
    assert (fractions % 2 == 1).all()


# --- errors ---------------------------------------------------------------------------------------------------


def test_imaginary_modes_are_an_error():
    """A crystal pulled apart beyond the inflection of its potential."""
    bulk = make_bulk(argon(), "A", 2.1, 1.6)
    with pytest.raises(
        PhysicsError, match=r"crystal A is unstable, w\^2 = -\d.* at k = \(.*\)/sigma0"
    ) as caught:
        frequencies(bulk, band_path(bulk).k)
    assert str(caught.value).startswith("structure.lattice_constant: ")
    assert "\n" not in str(caught.value)
    with pytest.raises(PhysicsError, match="squared sound velocity"):
        sound_velocities(bulk)


def test_bins_must_reach_all_modes():
    bulk = CRYSTALS["fcc"]
    with pytest.raises(PhysicsError, match="crystal B has modes up to"):
        density_of_states(bulk, np.linspace(0, 0.9 * highest_frequency(bulk), 11), mesh=10)
