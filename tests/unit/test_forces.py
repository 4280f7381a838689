"""Forces, energies and heat flow of the row kernels: against ASE, the gradient, Newton's laws and the slow twin."""

import ase
import numpy as np
import pytest
from ase.calculators.lj import LennardJones as AseLennardJones
from ase.neighborlist import neighbor_list
from force_cases import CASES, TWO_SPRINGS, but_compiled, is_crystal, is_long, kernel_sums, law_for
from junctions import CHAIN, LJ, SPRINGS, configure, displace, junction, moving

from nemd_core.errors import PhysicsError
from nemd_core.forces.build import build_forces
from nemd_core.forces.reference import reference_forces
from nemd_core.potentials import law_of, lennard_jones
from nemd_core.structure import build

TRUNCATIONS = ("none", "energy-shift", "force-shift")
HOTTEST = 0.35


def make(case, truncation="force-shift", replicas=1):
    """(system, pair law, Forces) of a case."""
    system, potential, cutoff = CASES[case]
    law = law_for(potential, cutoff, truncation, species=system.species.max() + 1)
    return system, law, build_forces(system, law, potential, HOTTEST, replicas, between_species=True)


def ase_forces(atoms, parts, cutoff):
    """Forces and (shifted) energy by ASE, which knows one species: sums over parts of the crystal.

    parts: (mask, epsilon, sigma, weight); the mixed pairs are all pairs less those of A and those of B.
    """
    forces, energy = np.zeros((len(atoms), 3)), 0.0
    for mask, epsilon, sigma, weight in parts:
        some = ase.Atoms(positions=atoms.positions[mask], cell=atoms.cell, pbc=atoms.pbc)
        some.symbols = ["Ar"] * len(some)
        some.calc = AseLennardJones(sigma=sigma, epsilon=epsilon, rc=cutoff, smooth=False)
        forces[mask] += weight * some.get_forces()
        energy += weight * some.get_potential_energy()
    return forces, energy


# --- ASE ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("truncation", ["none", "energy-shift"])
@pytest.mark.parametrize("species", [1, 2])
def test_lennard_jones_equals_ase(species, truncation):
    settings = {"structure__cross_section": [4, 4], "interaction__cutoff": 2.5}
    settings["interaction__truncation"] = truncation
    if species == 2:
        settings["materials__B"] = {"mass": 4.0, "epsilon": 1.4, "sigma": 0.98}
        settings["interaction__cross"] = {"epsilon": 1.15, "sigma": 1.01}
    config = configure(
        LJ, structure__length={"A": 5, "B": 5}, baths__hot__length=1, baths__cold__length=1, **settings
    )
    system = build(config)
    forces = build_forces(system, law_of(config), "lj", HOTTEST)
    mobile, u = moving(system), displace(system, 0.08)
    atoms = system.to_ase()
    atoms.positions += u
    everything, a = np.ones(len(atoms), bool), atoms.arrays["material"] == "A"
    if species == 1:
        pairs = [(everything, 1.0, 1.0, 1)]
    else:
        pairs = [(everything, 1.15, 1.01, 1), (a, 1.15, 1.01, -1), (~a, 1.15, 1.01, -1)]
        pairs += [(a, 1.0, 1.0, 1), (~a, 1.4, 0.98, 1)]
    expected, energy = ase_forces(atoms, pairs, 2.5)
    # the engine leaves out the pairs of frozen atoms
    _, frozen = ase_forces(atoms, [(mask & ~mobile, e, s, w) for mask, e, s, w in pairs], 2.5)
    energy -= frozen
    if truncation == "none":  # ASE always shifts: give every counted pair its value at the cut-off back
        i, j = neighbor_list("ij", atoms, 2.5)
        counted = (i < j) & (mobile[i] | mobile[j])
        for both, epsilon, sigma in ((2, 1.0, 1.0), (1, 1.15, 1.01), (0, 1.4, 0.98)):
            if species == 1:
                epsilon = sigma = 1.0
            s6 = (sigma / 2.5) ** 6
            energy += (counted & (a[i].astype(int) + a[j] == both)).sum() * 4 * epsilon * (s6**2 - s6)
    found, found_energy = forces.evaluate(system, u)
    assert np.abs(found - expected)[mobile].max() < 1e-9 * np.abs(expected[mobile]).max()
    assert (found[~mobile] == 0).all()
    assert found_energy == pytest.approx(energy, rel=1e-11)
    # Newton's third law: what the moving atoms feel, the walls give (ASE's forces on all atoms sum to zero)
    walls_pull = ase_forces(atoms, [(mask & ~mobile, e, s, w) for mask, e, s, w in pairs], 2.5)[0]
    on_walls = (expected - walls_pull)[~mobile].sum(axis=0)
    assert found.sum(axis=0) == pytest.approx(-on_walls, abs=1e-9 * np.abs(expected).max())


# --- the gradient ---------------------------------------------------------------------------------------------

WEIGHTS = np.array([1 / 280, -4 / 105, 1 / 5, -4 / 5, 0, 4 / 5, -1 / 5, 4 / 105, -1 / 280])
"""Central first derivative over nine points: error h^8 f^(9) / 630."""


@pytest.mark.parametrize("case", but_compiled(CASES, is_long))
def test_forces_are_the_negative_gradient(case):
    assert_forces_are_the_negative_gradient(*make(case)[::2])


@pytest.mark.parametrize("truncation", TRUNCATIONS[:2])
@pytest.mark.parametrize("case", but_compiled([case for case in CASES if CASES[case][1] == "lj"], is_crystal))
def test_forces_are_the_negative_gradient_of_other_truncations(case, truncation):
    assert_forces_are_the_negative_gradient(*make(case, truncation)[::2])


def assert_forces_are_the_negative_gradient(system, forces):
    h, rng = 1e-3, np.random.default_rng(1)
    u = displace(system, 0.02, seed=2)
    force, _ = forces.evaluate(system, u)
    x = np.flatnonzero(moving(system))
    beside = x[np.abs(system.cell_of_site[x] - system.first_b_cell + 0.5) < 1]
    sites = [x[0], x[-1], *rng.choice(x, 3), *rng.choice(beside, 3)]  # next to the walls, anywhere, interface
    for site in sites:
        direction = np.zeros_like(u)
        direction[site] = rng.standard_normal(u.shape[1])
        direction[site] /= np.linalg.norm(direction[site])
        energies = [forces.evaluate(system, u + n * h * direction)[1] for n in range(-4, 5)]
        expected = -(WEIGHTS @ energies) / h
        # rounding of the energy, 1e-16 |E| / h, where it is more than 1e-9 of the largest force
        noise = 3e-16 * abs(energies[4]) / h
        tolerance = max(1e-9 * np.abs(force).max(), noise)
        assert tolerance < 1e-8 * np.abs(force).max()
        assert np.sum(force * direction) == pytest.approx(expected, abs=tolerance)


# --- Newton's third law ---------------------------------------------------------------------------------------


def deep_displacement(system, reach, size=0.05):
    """Displacements of the sites so deep inside that the walls do not feel them."""
    u = displace(system, size, seed=3)
    x = system.positions[:, 0]
    inner = x[moving(system)]
    u[(x < inner.min() + reach) | (x > inner.max() - reach)] = 0.0
    assert np.abs(u).any()
    return u


@pytest.mark.parametrize("lattice", ["chain", "sc", "fcc"])
@pytest.mark.parametrize("potential", ["lj", "harmonic", "lj-harmonic"])
def test_inner_forces_sum_to_zero(lattice, potential):
    if (lattice, potential) == ("sc", "lj-harmonic"):
        pytest.skip("a Lennard-Jones sc crystal has no minimum to expand about")
    a = {"chain": 1.1, "sc": 1.1, "fcc": 1.58}[lattice]
    options = {} if lattice == "chain" else {"cross_section": (3, 3), "walls": 2}
    system = junction(lattice, 8, 8, a=a, **options)
    forces = build_forces(system, law_for(potential, 1.65), potential, HOTTEST)
    rest, _ = forces.evaluate(system, np.zeros((system.n_sites, system.lattice.dimensions)))
    bent, _ = forces.evaluate(system, deep_displacement(system, 1.9))
    scale = np.abs(bent - rest).max()
    assert scale > 0.01
    # the walls of two materials press with different forces, the same before and after
    assert (bent - rest).sum(axis=0) == pytest.approx(np.zeros(bent.shape[1]), abs=1e-11 * scale)
    assert rest.sum(axis=0)[1:] == pytest.approx(np.zeros(bent.shape[1] - 1), abs=1e-11 * scale)
    if potential != "lj":
        assert np.abs(rest).max() == 0


def test_a_perfect_crystal_has_no_forces():
    system = junction("fcc", 4, 4, a=1.58, cross_section=(2, 2), walls=2)
    forces = build_forces(system, lennard_jones([1.0] * 3, [1.0] * 3, 2.36, "force-shift"), "lj", HOTTEST)
    found, energy = forces.evaluate(system, np.zeros((system.n_sites, 3)))
    assert np.abs(found).max() < 1e-12
    # every moving atom has half of its pairs, and all of those with a frozen one
    assert energy < -5 * system.n_moving


# --- the slow twin --------------------------------------------------------------------------------------------


def assert_equal_to_reference(system, law, forces, replicas, size=0.05):
    """Replicas, each displaced in its own way, agree with the sums over all pairs: the first, the last and one between."""
    shape = (replicas, system.n_sites, system.lattice.dimensions)
    u = np.array([displace(system, size, seed=10 + r) for r in range(replicas)])
    v = np.random.default_rng(7).standard_normal(shape)
    v[:, ~moving(system)] = 0.0
    found = kernel_sums(system, forces, u, v)
    for r in {0, replicas // 2, replicas - 1}:
        expected = reference_forces(system, law, u[r], v[r])
        assert np.abs(found.forces[r] - expected.forces).max() < 1e-11 * np.abs(expected.forces).max()
        assert found.energy[r] == pytest.approx(expected.energy, rel=1e-11)
        for name in ("flow", "pull"):
            wanted = getattr(expected, name)
            assert getattr(found, name)[r] == pytest.approx(wanted, abs=1e-11 * np.abs(wanted).max())
            assert np.abs(wanted).min() > 0
        if forces.field.marker.size and not system.periodic:
            assert found.crossing[r] == pytest.approx(
                expected.crossing, abs=1e-11 * np.abs(expected.flow).max()
            )
            assert expected.crossing != 0


@pytest.mark.parametrize("replicas", [1, 3, 8])
@pytest.mark.parametrize("case", [case for case in CASES if not case.endswith("lj-harmonic")])
def test_kernel_equals_reference(case, replicas):
    system, law, forces = make(case, replicas=replicas)
    assert_equal_to_reference(system, law, forces, replicas)


@pytest.mark.parametrize("case", ["chain-walls-lj", "fcc-lj", "bcc-harmonic", "periodic-lj"])
@pytest.mark.parametrize("replicas", [1, 8])
def test_a_vector_leaves_out_only_what_is_frozen_on_both_sides(case, replicas):
    system, _, forces = make(case, replicas=replicas)
    field, moves = forces.pair_field, np.zeros(forces.rows.width, bool)
    cells = forces.rows.cell_of_position
    inside = (cells >= 0) & (cells < system.n_cells)
    moves[inside] = system.moving_cell[cells[inside]]
    near, span = np.moveaxis(field.span.reshape(field.width, field.rows, 2, 2), 2, 0)
    left_out = needed = 0
    for k in range(field.begin, field.end, field.lanes):
        sites = np.arange(k, k + field.lanes)
        for row in range(field.rows):
            for entry in range(*field.first[row : row + 2]):
                binds = moves[sites].any() or moves[sites + field.shift[entry] * replicas].any()
                visited = span[k, row, 0] <= entry < span[k, row, 1]
                assert visited or not binds
                left_out, needed = left_out + (not visited), needed + binds
    # with eight replicas a vector lies in one cell, and those beyond the ends need the entries of one side
    assert left_out > 0 or replicas == 1
    assert needed > 0
    lengths = np.diff(near[field.begin : field.end : field.lanes]).sum(axis=(1, 2))
    assert replicas == 1 or (lengths[[0, -1]] < lengths.max()).all()


@pytest.mark.parametrize(("species", "seed"), [(2, None), (3, 1)])
@pytest.mark.parametrize("replicas", but_compiled([1, 8], lambda replicas: replicas > 1))
def test_far_pairs_count_where_they_come_within_the_cutoff(replicas, species, seed):
    """And elsewhere no bit changes without them."""
    system = junction("fcc", 5, 5, a=4 ** (1 / 3), cross_section=(4, 4), walls=2, species=seed)
    law = law_for("lj", 2.5, "none", species)
    forces = build_forces(system, law, "lj", HOTTEST, replicas)
    assert_equal_to_reference(system, law, forces, replicas, size=0.12)
    blind = forces._replace(pair_field=forces.pair_field._replace(far=np.zeros_like(forces.field.far)))
    small, large = (
        np.abs(np.subtract(*(some.evaluate(system, displace(system, size))[0] for some in (forces, blind))))
        for size in (0.04, 0.12)
    )
    assert small.max() == 0
    assert 0.03 < large.max()  # the force at the cut-off is 0.039 epsilon


@pytest.mark.parametrize("truncation", ["none", "energy-shift"])
def test_kernel_equals_reference_for_other_truncations(truncation):
    system, law, forces = make("fcc-lj", truncation)
    assert_equal_to_reference(system, law, forces, 1)


@pytest.mark.parametrize("n_a", range(4, 13))
def test_interface_anywhere_in_a_vector(n_a):
    """The boundary between uniform and mixed vectors of positions takes every place, its edges included."""
    law = law_for("lj", 2.5)
    for system in (
        junction("chain", n_a, 16 - n_a, a=1.1),
        junction("fcc", n_a, 16 - n_a, a=1.58, cross_section=(1, 2), walls=2),
    ):
        crystal = system.lattice.dimensions == 3
        law = law_for(
            "lj", 1.5 if crystal else 2.5
        )  # below the width of one cell: at most the nearest images
        assert_equal_to_reference(system, law, build_forces(system, law, "lj", HOTTEST), 1)


@pytest.mark.parametrize("replicas", [1, 3])
def test_springs_with_the_interface_anywhere(replicas):
    for n_a in range(3, 12):
        system = junction("chain", n_a, 14 - n_a)
        forces = build_forces(system, TWO_SPRINGS, "harmonic", HOTTEST, replicas)
        assert_equal_to_reference(system, TWO_SPRINGS, forces, replicas, size=0.5)


def test_only_the_mass_changes_at_the_interface():
    """Equal interaction: one set of constants for the whole crystal."""
    system = junction("fcc", 5, 4, a=1.58, cross_section=(2, 2), walls=2)
    law = lennard_jones([1.1] * 3, [0.99] * 3, 2.36, "force-shift")
    assert_equal_to_reference(system, law, build_forces(system, law, "lj", HOTTEST), 1)


def test_heat_flow_of_a_spring_written_out():
    """Q = ½ F_(j<-i) (v_i + v_j) with F_(j<-i) = k (u_i - u_j): positive if a moving site pushes to the right."""
    system = junction("chain", 3, 3)
    forces = build_forces(system, TWO_SPRINGS, "harmonic", HOTTEST)
    u = np.array([[[0.3], [-0.2], [0.5], [0.1], [0.0], [-0.4]]])
    v = np.array([[[1.0], [2.0], [-1.0], [0.5], [0.0], [3.0]]])
    force, energy, flow = kernel_sums(system, forces, u, v)[:3]
    k = np.array([1.0, 1.0, 1.2, 1.5, 1.5])
    left, right = u[0, :-1, 0], u[0, 1:, 0]
    assert flow[0] == pytest.approx(0.5 * k * (left - right) * (v[0, :-1, 0] + v[0, 1:, 0]), abs=1e-14)
    push = np.concatenate([[-1.0 * u[0, 0, 0]], k * (left - right), [1.5 * u[0, -1, 0]]])
    assert force[0, :, 0] == pytest.approx(
        push[:-1] - push[1:], abs=1e-14
    )  # both ends are tied to fixed sites
    ends = 0.5 * (u[0, 0, 0] ** 2 + 1.5 * u[0, -1, 0] ** 2)
    assert energy[0] == pytest.approx(ends + 0.5 * (k * (left - right) ** 2).sum(), rel=1e-14)


@pytest.mark.parametrize("case", ["chain-lj", "strained-lj", "fcc111-lj", "fcc-harmonic"])
def test_across_a_sharp_interface_species_and_plane_see_the_same_heat(case):
    system, _, forces = make(case)
    u, v = displace(system, 0.05)[None], displace(system, 1.0, seed=1)[None]
    found = kernel_sums(system, forces, u, v)
    (plane,) = system.interfaces["plane"]
    assert found.crossing[0] == pytest.approx(found.flow[0, plane], abs=1e-12 * np.abs(found.flow).max())


# --- harmonic forces ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", but_compiled([case for case in CASES if case.endswith("harmonic")], is_long))
def test_harmonic_energy_is_exactly_quadratic(case):
    system, _, forces = make(case)
    d = displace(system, 0.1, seed=5)
    f, e = forces.evaluate(system, d)
    for factor in (2.0, -4.0):  # powers of two only shift exponents
        scaled_f, scaled_e = forces.evaluate(system, factor * d)
        assert np.array_equal(scaled_f, factor * f) and scaled_e == factor**2 * e
    other = displace(system, 0.1, seed=6)
    sum_f, _ = forces.evaluate(system, d + other)
    assert sum_f == pytest.approx(f + forces.evaluate(system, other)[0], abs=1e-12 * np.abs(f).max())
    assert e == pytest.approx(-0.5 * np.sum(f * d), rel=1e-12)  # Euler's theorem
    assert forces.evaluate(system, 0 * d)[1] == 0
    assert np.sum(f * other) == pytest.approx(np.sum(forces.evaluate(system, other)[0] * d), rel=1e-9)


@pytest.mark.parametrize("truncation", TRUNCATIONS)
@pytest.mark.parametrize(
    "case", but_compiled([case for case in CASES if case.endswith("lj-harmonic")], is_crystal)
)
def test_lj_harmonic_is_the_second_order_of_lj(case, truncation):
    system, law, linear = make(case, truncation)
    full = build_forces(system, law, "lj", HOTTEST)
    sites = linear.relaxed
    rest, _ = full.evaluate(system, sites)
    assert np.abs(rest).max() < 1e-9
    h, rng = 2e-3, np.random.default_rng(4)
    x = np.flatnonzero(moving(system))
    chosen = [x[0], x[-1], *rng.choice(x[np.abs(system.cell_of_site[x] - system.first_b_cell + 0.5) < 2], 4)]
    for site in chosen:
        for component in range(system.lattice.dimensions):
            d = np.zeros((system.n_sites, system.lattice.dimensions))
            d[site, component] = 1.0
            stencil = [full.evaluate(system, sites + n * h * d)[0] for n in range(-4, 5)]
            expected = np.tensordot(WEIGHTS, stencil, axes=1) / h
            found, _ = linear.evaluate(system, d)
            assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith("lj-harmonic")])
def test_at_rest_every_plane_carries_the_same_force(case):
    """No net force on any atom: what lies left of a plane pulls on the rest alike, wherever the plane is."""
    system, law, linear = make(case, replicas=3)
    expected = reference_forces(system, law, linear.relaxed).pull
    assert linear.rest_pull == pytest.approx(expected, rel=1e-8)
    assert np.ptp(expected) < 1e-8 * np.abs(expected).max()
    assert not linear.field.pull.any() and not linear.field.flow.any() and not linear.field.crossing.any()


def test_relaxation_lowers_the_energy_to_a_minimum():
    system, law, linear = make("fcc-lj-harmonic")
    full, sites = build_forces(system, law, "lj", HOTTEST), linear.relaxed
    ideal_force, ideal = full.evaluate(system, 0 * sites)
    _, relaxed = full.evaluate(system, sites)
    assert np.abs(ideal_force).max() > 0.1 and relaxed < ideal
    assert np.abs(sites).max() > 1e-3
    assert (sites[~moving(system)] == 0).all()
    for seed in range(5):
        assert full.evaluate(system, sites + displace(system, 0.01, seed))[1] > relaxed


def test_relaxed_sites_of_a_wider_crystal_are_the_same():
    """The relaxation looks at one cell of the cross-section; the sum over the real one must agree."""
    law = law_for("lj", 2.36)
    system = junction("fcc", 5, 4, a=1.58, cross_section=(3, 4), walls=2)
    linear = build_forces(system, law, "lj-harmonic", HOTTEST)
    rest, _ = build_forces(system, law, "lj", HOTTEST).evaluate(system, linear.relaxed)
    assert np.abs(rest).max() < 1e-9


@pytest.mark.parametrize("lattice", ["chain", "fcc"])
def test_equal_materials_stay_on_the_lattice(lattice):
    options = {"a": 1.1} if lattice == "chain" else {"a": 1.58, "cross_section": (2, 2), "walls": 2}
    system = junction(lattice, 5, 5, **options)
    law = lennard_jones([1.3] * 3, [1.0] * 3, 2.36, "force-shift")
    assert np.abs(build_forces(system, law, "lj-harmonic", HOTTEST).relaxed).max() < 1e-12


def test_no_minimum_is_a_physics_error_of_one_line():
    """Both crystals are stable, but A and B do not hold each other: at this distance their bond has long snapped."""
    system = junction("chain", 5, 5, a=1.12)
    law = lennard_jones([1.0, 1.0, 1.0], [1.0, 0.6, 1.0], 2.5, "force-shift")
    with pytest.raises(PhysicsError) as caught, np.errstate(all="ignore"):
        build_forces(system, law, "lj-harmonic", HOTTEST)
    assert "structure.lattice_constant" in str(caught.value) and "\n" not in str(caught.value)


# --- the neighbour table --------------------------------------------------------------------------------------


def test_table_covers_thermal_motion():
    """Pairs that displacements bring within the cut-off are in the table, at six standard deviations too."""
    system, law, forces = make("fcc-lj")
    for site in np.flatnonzero(moving(system))[[0, 20, -1]]:
        u = np.zeros((system.n_sites, 3))
        u[site] = [0.2, -0.15, 0.1]
        expected, energy = reference_forces(system, law, u)[:2]
        found, found_energy = forces.evaluate(system, u)
        assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()
        assert found_energy == pytest.approx(energy, rel=1e-11)


def test_configured_junctions_give_the_same_forces():
    """From a configuration to forces: materials, mixing and walls arrive where they belong."""
    for base, size in (
        (LJ, 0.05),
        (CHAIN, 0.5),
        (LJ | {"materials": SPRINGS, "interaction": {"potential": "harmonic"}}, 0.3),
    ):
        config = configure(base)
        if base is LJ:
            config = configure(LJ, materials__B={"mass": 2.0, "epsilon": 1.3, "sigma": 0.99})
        system, law = build(config), law_of(config)
        forces = build_forces(system, law, config.interaction.potential, HOTTEST)
        assert_equal_to_reference(system, law, forces, 1, size)
