"""Strips of a junction and their wave vectors: against the engine, the slow twin, and what symmetry demands."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, changed, configure
from lattices import KNOWN, STRAINED, lattice_config

from nemd_core.forces.build import build_forces
from nemd_core.forces.reference import reference_forces
from nemd_core.potentials import law_of
from nemd_core.structure import build
from nemd_core.theory.bonds import narrowest_cell
from nemd_core.theory.strips import force_matrix, make_strip, mesh_points, simulated_points, symmetries

UNEQUAL = {
    "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
    "B": {"mass": 4.0, "epsilon": 1.4, "sigma": 0.98},
}
C = {"mass": 2.0, "epsilon": 1.2, "sigma": 1.01}
LJ_CHAIN = changed(LJ, interaction__cutoff=2.5, baths__walls=3) | {
    "structure": {"lattice": "chain", "lattice_constant": 1.12, "length": {"A": 9, "B": 8}}
}


def lennard_jones(potential="lj-harmonic", orientation=100, **settings):
    """An fcc junction of unequal materials, as long along x in every orientation, but for the cells' edges."""
    cells = {100: (7, (3, 3)), 110: (9, (4, 3)), 111: (6, (4, 2))}[orientation]
    base = {
        "structure__orientation": orientation,
        "structure__length": {"A": cells[0], "B": cells[0]},
        "structure__cross_section": list(cells[1]),
        "materials": UNEQUAL,
        "interaction__potential": potential,
        "baths__walls": 3 if orientation == 110 else 2,
    }
    return configure(LJ, **base | settings)


def junctions():
    """Every lattice as springs, and Lennard-Jones with all that an interface can be."""
    cases = {name: lattice_config(name) for name in KNOWN}
    cases["strained-springs"] = lattice_config("fcc", structure__lattice_constant=STRAINED)
    cases["periodic-springs"] = lattice_config("fcc", periodic=True)
    cases["chain-walls"] = configure(CHAIN, baths__walls=1, structure__length={"A": 7, "B": 6})
    cases["chain-lj"] = configure(LJ_CHAIN, materials=UNEQUAL, interaction__potential="lj-harmonic")
    for orientation in (100, 110, 111):
        cases[f"lj-{orientation}"] = lennard_jones(orientation=orientation)
    strain = {"lateral": 1.57, "A": 1.56, "B": 1.59}
    cases["strained-lj"] = lennard_jones(structure__lattice_constant=strain)
    cases["rough"] = lennard_jones(
        structure__interface={"kind": "rough", "layers": 2},
        structure__cross_section=[4, 3],
        structure__length={"A": 6, "B": 6},
    )
    cases["interlayer"] = lennard_jones(
        materials=UNEQUAL | {"C": {**C, "mass": None}},
        structure__interlayer={"layers": 3, "masses": "geometric"},
    )
    return cases


CASES = junctions()


def parameter(name):
    """A rough junction is relaxed as a whole."""
    return pytest.param(name, marks=pytest.mark.compiled if name == "rough" else ())


@pytest.fixture(scope="module", params=[parameter(name) for name in CASES])
def junction(request):
    """(config, System, Strip)"""
    config = CASES[request.param]
    return config, build(config), make_strip(config)


def strip_sites(system, strip):
    """The site of the strip that stands for each site of the system."""
    _, stands_for = narrowest_cell(system)
    number = np.full(system.n_sites, -1)
    number[strip.site] = np.arange(len(strip.site))
    return number[stands_for]


def bloch_wave(system, strip, displaced, k, seed=0):
    """A real wave cos(k·r + phase) of random amplitudes on the moving sites, and the force -K(k) u on them."""
    n, d = len(strip.mass), strip.dimensions
    rng = np.random.default_rng(seed)
    amplitude = (rng.standard_normal((2, n, d)).T @ [1, 1j]).T * strip.moving[:, None]
    phase = np.exp(1j * (displaced[:, 1:] @ k))[:, None]
    moving = system.moving_cell[system.cell_of_site][:, None]
    force = -(force_matrix(strip, k) @ amplitude.ravel()).reshape(n, d)
    of_site = strip_sites(system, strip)
    return tuple((phase * field[of_site]).real * moving for field in (amplitude, force))


def some(points, n=4):
    return points.full[np.linspace(0, len(points.full) - 1, min(n, len(points.full))).astype(int)]


# --- the Hamiltonian ------------------------------------------------------------------------------------------


def test_forces_are_those_of_the_engine(junction):
    config, system, strip = junction
    potential = config.interaction.potential
    forces = build_forces(system, law_of(config), potential, 0.01)
    displaced = system.positions
    displaced[:, : strip.dimensions] += forces.relaxed
    assert np.allclose(displaced[strip.site], strip.position, rtol=0, atol=1e-9)
    for k in some(simulated_points(strip)):
        u, expected = bloch_wave(system, strip, displaced, k)
        found, _ = forces.evaluate(system, u)
        assert np.abs(found - expected).max() < 1e-12 * np.abs(found).max()


@pytest.mark.parametrize(
    "config",
    [
        lennard_jones("lj"),
        configure(LJ_CHAIN, materials=UNEQUAL),
        configure(
            LJ_CHAIN, materials=UNEQUAL, structure__ends="periodic", baths__walls=0, baths__hot__length=1
        ),
        lennard_jones(
            "lj", structure__ends="periodic", baths__walls=0, baths__hot__length=1, baths__cold__length=1
        ),
    ],
    ids=["fcc", "chain", "periodic-chain", "periodic-fcc"],
)
def test_lennard_jones_is_expanded_to_second_order(config):
    system, strip = build(config), make_strip(config)
    forces = build_forces(system, law_of(config), "lj", 0.01)
    moved = strip.position - system.positions[strip.site]
    moved = moved[strip_sites(system, strip), : strip.dimensions]
    displaced = system.positions
    displaced[:, : strip.dimensions] += moved
    at_rest, _ = forces.evaluate(system, moved)
    for k in some(simulated_points(strip), 2):
        u, expected = bloch_wave(system, strip, displaced, k)
        slopes = [  # central differences at two steps: their error falls as the square of the step
            (forces.evaluate(system, moved + h * u)[0] - forces.evaluate(system, moved - h * u)[0]) / (2 * h)
            for h in (1e-5, 2e-5)
        ]
        assert np.abs(at_rest).max() < 1e-9 * np.abs(expected).max()
        assert np.abs((4 * slopes[0] - slopes[1]) / 3 - expected).max() < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["chain", "diamond", "fcc110"])
def test_springs_are_those_of_the_slow_twin(name):
    config = lattice_config(name)
    system, strip = build(config), make_strip(config)
    u, expected = bloch_wave(system, strip, system.positions, simulated_points(strip).full[-1])
    found = reference_forces(system, law_of(config), u).forces
    assert np.abs(found - expected).max() < 1e-12 * np.abs(found).max()


def test_lennard_jones_is_that_of_the_slow_twin():
    config = configure(LJ_CHAIN, materials=UNEQUAL)
    system, strip, h = build(config), make_strip(config), 1e-5
    moved = (strip.position - system.positions)[np.argsort(strip.site), :1]
    u, expected = bloch_wave(system, strip, system.positions, np.zeros(2))
    low, high = (reference_forces(system, law_of(config), moved + s * u).forces for s in (-h, h))
    # the third order of phi'''' h²: 1e-10 of phi'' times about 500
    assert np.abs((high - low) / (2 * h) - expected).max() < 1e-7 * np.abs(expected).max()


# --- bonds and sites ------------------------------------------------------------------------------------------


def test_every_bond_is_seen_from_both_ends(junction):
    _, _, strip = junction
    inside = strip.second >= 0
    i, j, r, K = strip.first[inside], strip.second[inside], strip.vector[inside], strip.stiffness[inside]
    there = np.column_stack([i, j, r.round(6) + 0.0, K.reshape(len(K), -1).round(6) + 0.0])
    back = np.column_stack([j, i, -r.round(6) + 0.0, K.reshape(len(K), -1).round(6) + 0.0])
    assert np.array_equal(there[np.lexsort(there.T)], back[np.lexsort(back.T)])
    assert np.allclose(K, K.transpose(0, 2, 1), rtol=0, atol=1e-12)


def test_sites_stand_in_the_order_of_layers(junction):
    _, system, strip = junction
    assert (np.diff(strip.layer) >= 0).all()
    assert np.array_equal(strip.mass, system.mass[strip.site])
    assert np.array_equal(strip.species, system.species[strip.site])
    assert len(strip.mass) * strip.n_strips == system.n_sites
    assert strip.area * strip.n_strips == pytest.approx(system.area)
    if strip.dimensions == 3:
        assert np.linalg.det(strip.lateral) == pytest.approx(strip.area)  # right-handed


@pytest.mark.parametrize(
    ("name", "sites_in_a_layer", "vectors"),
    [
        ("fcc", 1, 0.5**0.5),
        ("fcc110", 1, None),
        ("fcc111", 1, 0.5**0.5),
        ("diamond", 1, 0.5**0.5),
        ("sc", 1, 1.0),
        ("bcc", 1, 1.0),
    ],
)
def test_the_cell_is_primitive(name, sites_in_a_layer, vectors):
    strip = make_strip(lattice_config(name))
    assert (np.bincount(strip.layer) == sites_in_a_layer).all()
    if vectors:
        assert np.linalg.norm(strip.lateral, axis=1) == pytest.approx(1.3 * vectors)


@pytest.mark.compiled
def test_a_disordered_cross_section_is_one_strip():
    config = CASES["rough"]
    strip = make_strip(config)
    assert strip.n_strips == 1
    assert np.array_equal(np.diag(strip.lateral), strip.sides)


def test_no_bond_is_lost_in_a_perfect_crystal():
    """Uniform translations of all sites of a periodic crystal cost nothing; with walls they do."""
    for periodic in (True, False):
        strip = make_strip(lattice_config("fcc", periodic=periodic))
        uniform = np.tile(np.eye(3), (len(strip.mass), 1))
        force = force_matrix(strip, [0.0, 0.0]) @ uniform
        beyond = np.zeros(len(strip.mass), bool)
        beyond[strip.first[strip.second < 0]] = True
        assert np.abs(force[~np.repeat(beyond, 3)]).max() < 1e-12
        assert beyond.any() != periodic
        assert not (beyond & strip.moving).any()


def test_some_sites_alone(junction):
    """Of chosen sites the matrix keeps what ties them to all others."""
    _, _, strip = junction
    k = simulated_points(strip).full[-1]
    chosen = np.flatnonzero(strip.moving)[: len(strip.mass) // 3]
    rows = (strip.dimensions * chosen[:, None] + np.arange(strip.dimensions)).ravel()
    assert np.array_equal(force_matrix(strip, k, chosen), force_matrix(strip, k)[np.ix_(rows, rows)])


def test_stress_is_the_same_on_both_sides():
    """Where the junction is relaxed, the axial spacings found in the middle of both slabs carry one stress."""
    config = lennard_jones(structure__length={"A": 16, "B": 16}, structure__lattice_constant=1.56)
    system, strip, law = build(config), make_strip(config), law_of(config)
    forces = build_forces(system, law, "lj-harmonic", 0.01)
    pull = forces.rest_pull / system.area
    assert np.ptp(pull) < 1e-9 * np.abs(pull).max()
    for side, pair_type in ((0, 0), (1, 2)):
        one = np.argmax(law.a == law.a[pair_type])
        epsilon, sigma = (law.b[one] ** 2 / (4 * law.a[one])), (law.a[one] / law.b[one]) ** (1 / 6)
        found = axial_stress(epsilon, sigma, law.cutoff, strip.axial[side], 1.56)
        assert found == pytest.approx(-pull.mean(), rel=1e-6)


def axial_stress(epsilon, sigma, cutoff, axial, lateral):
    """Of an fcc crystal with a force-shifted potential, summed over its half-integer sites."""
    n = np.array(np.meshgrid(*[np.arange(-8, 9)] * 3)).reshape(3, -1).T
    r = n[n.sum(axis=1) % 2 == 0] * np.array([axial, lateral, lateral]) / 2
    distance = np.linalg.norm(r, axis=1)
    r, distance = r[(distance > 0) & (distance < cutoff)], distance[(distance > 0) & (distance < cutoff)]

    def slope(x):
        return 4 * epsilon * (-12 * sigma**12 / x**13 + 6 * sigma**6 / x**7)

    phi = slope(distance) - slope(cutoff)
    return (phi * r[:, 0] ** 2 / distance).sum() / (2 * axial * lateral**2 / 4)


# --- wave vectors ---------------------------------------------------------------------------------------------


def test_simulated_points_are_those_of_the_cross_section(junction):
    _, _, strip = junction
    points = simulated_points(strip)
    assert points.weight.sum() == len(points.full) == strip.n_strips
    assert np.abs(np.exp(1j * points.full * strip.sides) - 1).max() < 1e-9
    phases = np.exp(1j * (points.full @ strip.lateral.T)).round(6) + 0.0
    assert len(np.unique(phases, axis=0)) == strip.n_strips  # distinct up to reciprocal vectors


def test_points_stand_for_those_of_equal_spectrum(junction):
    """Reduction by symmetry leaves the eigenvalues of K(k), weighted by masses, as they are."""
    _, _, strip = junction
    if len(strip.mass) > 100:
        return
    weight = np.repeat(strip.mass**-0.5, strip.dimensions)
    for points in (simulated_points(strip), mesh_points(strip, 4)):
        assert np.array_equal(np.bincount(points.index), points.weight)
        spectra = [np.linalg.eigvalsh(weight[:, None] * force_matrix(strip, k) * weight) for k in points.full]
        of_each = np.array(
            [np.linalg.eigvalsh(weight[:, None] * force_matrix(strip, k) * weight) for k in points.k]
        )
        assert np.abs(np.array(spectra) - of_each[points.index]).max() < 1e-9 * np.max(spectra)


@pytest.mark.parametrize(
    ("name", "mesh", "expected", "operations"),
    [
        ("chain", 6, 1, 1),
        ("sc", 6, 10, 8),  # square: (n/2 + 1)(n/2 + 2)/2
        ("bcc", 8, 15, 8),
        ("fcc", 8, 15, 8),
        ("fcc110", 6, 16, 4),  # rectangle: (n/2 + 1)²
        ("fcc111", 6, 7, 6),  # hexagon, with time reversal all twelve
        ("diamond", 6, 16, 4),  # its layers have two mirrors, along the diagonals
        pytest.param("rough", 4, 10, 1, marks=pytest.mark.compiled),  # k and -k alone: n²/2 + 2
        ("interlayer", 8, 15, 8),
    ],
)
def test_meshes_are_reduced_by_the_symmetry_there_is(name, mesh, expected, operations):
    strip = make_strip(CASES[name])
    points = mesh_points(strip, mesh)
    assert len(symmetries(strip)) == operations
    assert len(points.k) == expected
    assert points.weight.sum() == len(points.full) == (1 if name == "chain" else mesh**2)
    assert np.abs(points.k).sum(axis=1).min() == 0.0  # the zone's centre is one of them


def test_wave_vectors_lie_in_the_first_zone(junction):
    _, _, strip = junction
    if strip.dimensions == 1:
        return
    reciprocal = 2 * np.pi * np.linalg.inv(strip.lateral).T
    around = np.array([[i, j] for i in (-2, -1, 0, 1, 2) for j in (-2, -1, 0, 1, 2)]) @ reciprocal
    k = mesh_points(strip, 7).full
    shortest = np.linalg.norm(k[:, None] + around, axis=2).min(axis=1)
    assert np.linalg.norm(k, axis=1) == pytest.approx(shortest, abs=1e-9)


def test_an_unequal_cross_section_has_no_exchange_of_y_and_z():
    """3 x 4 cells of sc: the exchange maps the crystal onto itself, but not these wave vectors."""
    strip = make_strip(lattice_config("sc"))
    assert len(simulated_points(strip).k) == 6  # 0 and ±1 along y; 0, ±1 and 2 along z
