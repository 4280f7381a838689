"""Long waves: sound velocities against slopes and closed forms, elastic constants against the energy of strained crystals."""

import numpy as np
import pytest
from junctions import LJ, configure
from lattices import CONSTANT, KNOWN, STRAINED, lattice_config

from nemd_core.lattice import find_lattice
from nemd_core.potentials import law_of, pair_derivatives
from nemd_core.solids import make_solid, static_stress
from nemd_core.theory.crystal import make_bulk
from nemd_core.theory.elasticity import elastic_constants, sound_velocities
from nemd_core.theory.phonons import frequencies

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
AXIAL, LATERAL = 1.57, 1.6


def lennard_jones(orientation=100):
    return configure(
        LJ,
        structure__orientation=orientation,
        structure__lattice_constant={"lateral": LATERAL, "A": AXIAL, "B": AXIAL},
        structure__cross_section=[8, 8],
        structure__length={"A": 20, "B": 20},
        interaction__cutoff=2.5,
        baths__walls=5,
    )


def crystals():
    """Every lattice as springs, strained along x; fcc Lennard-Jones under pressure in every orientation."""
    cases = {}
    for name in KNOWN:
        axial = CONSTANT if name == "chain" else STRAINED["B"]
        cases[name] = make_bulk(lattice_config(name), "B", axial, CONSTANT)
    for orientation in (100, 110, 111):
        cases[f"lj-{orientation}"] = make_bulk(lennard_jones(orientation), "A", AXIAL, LATERAL)
    return cases


CRYSTALS = crystals()
DIRECTIONS = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "none": [0.3, -0.5, 0.8]}


def christoffel(elasticity, direction):
    """Sound velocities from rho v² u_i = (C_ijkl + stress_jl delta_ik) n_j n_l u_k."""
    n = np.array(direction) / np.linalg.norm(direction)
    if elasticity.constants.shape == (1, 1):
        return np.sqrt(elasticity.constants[0] / elasticity.density)
    C = tensor(elasticity.constants)
    matrix = np.einsum("ijkl,j,l->ik", C, n, n) + (n @ elasticity.stress @ n) * np.eye(3)
    return np.sqrt(np.linalg.eigvalsh(matrix) / elasticity.density)


def tensor(constants):
    """C_ijkl from Voigt's matrix."""
    C = np.empty((3, 3, 3, 3))
    for a, (i, j) in enumerate(VOIGT):
        for b, (k, m) in enumerate(VOIGT):
            C[i, j, k, m] = C[j, i, k, m] = C[i, j, m, k] = C[j, i, m, k] = constants[a, b]
    return C


# --- one number, three ways -----------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", CRYSTALS)
def test_sound_velocities_are_slopes_and_follow_from_elastic_constants(name, direction):
    bulk, n = CRYSTALS[name], np.array(DIRECTIONS[direction])
    if name == "chain":
        n = np.array([1.0, 0.0, 0.0])
    v = sound_velocities(bulk, n)
    q = 1e-3  # the curvature adds (q r)²/24 to a slope, r up to the cut-off
    slope = frequencies(bulk, q * n[None] / np.linalg.norm(n))[0, : bulk.dimensions] / q
    assert v == pytest.approx(slope, rel=1e-6)
    assert v == pytest.approx(christoffel(elastic_constants(bulk), n), rel=1e-12)


# --- the energy of strained crystals --------------------------------------------------------------------------


def strained_energy(orientation, strain):
    """Energy per volume at rest of the Lennard-Jones crystal under a symmetric Lagrangian strain, F² = 1 + 2 strain."""
    lattice, law = find_lattice("fcc", orientation), law_of(lennard_jones(orientation))
    edges = lattice.edges * [AXIAL, LATERAL, LATERAL]
    cells = np.array(np.meshgrid(*[np.arange(-6, 7)] * 3)).reshape(3, -1).T
    bonds = ((lattice.basis[:, None] + cells - lattice.basis[0]) * edges).reshape(-1, 3)
    bonds = bonds[(np.linalg.norm(bonds, axis=1) > 1e-9) & (np.linalg.norm(bonds, axis=1) < 3.2)]
    r = np.sqrt(np.einsum("ni,ij,nj->n", bonds, np.eye(3) + 2 * strain, bonds))
    return 0.5 * pair_derivatives(law, r)[0].sum() * len(lattice.basis) / edges.prod()


@pytest.mark.parametrize("orientation", [100, 110, 111])
def test_elastic_constants_are_second_derivatives_of_the_energy(orientation):
    """Stress and constants of a crystal in which every atom is a centre of symmetry: no atom gives way."""
    found, h = elastic_constants(CRYSTALS[f"lj-{orientation}"]), 1e-4
    units = np.zeros((6, 3, 3))
    for unit, (i, j) in zip(units, VOIGT, strict=True):
        unit[i, j] += 0.5
        unit[j, i] += 0.5
    scale = np.abs(found.constants).max()
    for a in range(6):
        first = (strained_energy(orientation, h * units[a]) - strained_energy(orientation, -h * units[a])) / (
            2 * h
        )
        assert found.stress[VOIGT[a]] == pytest.approx(first, abs=1e-5 * scale)
        for b in range(6):
            second = sum(
                s * t * strained_energy(orientation, h * (s * units[a] + t * units[b]))
                for s in (1, -1)
                for t in (1, -1)
            ) / (4 * h**2)
            # phi'''' h²/phi'' = 1e-5; rounding of the energy, 1e-15/h² = 1e-7
            assert found.constants[a, b] == pytest.approx(second, abs=3e-5 * scale)


def test_stress_is_that_of_the_relaxation():
    found = elastic_constants(CRYSTALS["lj-100"]).stress
    expected = static_stress(make_solid(find_lattice("fcc"), 2.5, "force-shift"), AXIAL, LATERAL)
    assert found[0, 0] == pytest.approx(expected, rel=1e-12)
    assert found == pytest.approx(np.diag(np.diag(found)), abs=1e-12)


@pytest.mark.parametrize("orientation", [110, 111])
def test_a_turned_crystal_has_turned_constants(orientation):
    """Without strain: C_ijkl of the cubic crystal seen along other axes."""
    axes = {
        110: np.array([[1, 1, 0], [1, -1, 0], [0, 0, 1]]) / np.sqrt([[2], [2], [1]]),
        111: np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]]),
    }[orientation]
    cubic, turned = (
        elastic_constants(make_bulk(lennard_jones(n), "A", LATERAL, LATERAL)) for n in (100, orientation)
    )
    C = np.einsum("ai,bj,ck,dl,ijkl->abcd", axes, axes, axes, axes, tensor(cubic.constants))
    assert tensor(turned.constants) == pytest.approx(C, abs=1e-10 * np.abs(C).max())
    assert cubic.constants[0, 1] == pytest.approx(cubic.constants[3, 3])  # Cauchy: central pair forces
    assert turned.density == pytest.approx(cubic.density)


# --- textbooks ------------------------------------------------------------------------------------------------


def springs(name, stiffness, transverse):
    material = {"mass": 3.0, "stiffness": stiffness, "transverse_stiffness": transverse}
    config = lattice_config(name, materials={"A": material, "B": material})
    return make_bulk(config, "A", CONSTANT, CONSTANT)


def test_fcc_with_central_springs():
    """C11 = 2 k/a, C12 = C44 = k/a, and no stress."""
    found = elastic_constants(springs("fcc", 1.7, 0.0))
    k = 1.7 / CONSTANT
    assert found.constants[:3, :3] == pytest.approx(k * (np.ones((3, 3)) + np.eye(3)))
    assert found.constants[3:, 3:] == pytest.approx(k * np.eye(3))
    assert np.abs(found.stress).max() < 1e-12
    assert found.density == pytest.approx(3.0 * 4 / CONSTANT**3)


def test_diamond_of_two_force_constants():
    """Born's model, K = [[α, β, β], [β, α, β], [β, β, α]] for each bond: ρv² along [100] is α/a and (α² - β²)/(α a)."""
    bulk = springs("diamond", 1.7, 0.4)
    alpha, beta = (1.7 + 2 * 0.4) / 3, (1.7 - 0.4) / 3
    density = 3.0 * 8 / CONSTANT**3
    slow, fast = (alpha**2 - beta**2) / (alpha * CONSTANT), alpha / CONSTANT
    assert density * sound_velocities(bulk) ** 2 == pytest.approx([slow, slow, fast], rel=1e-12)


def test_a_chain_has_one_modulus():
    """k a, and v = a sqrt(k/m)."""
    found = elastic_constants(CRYSTALS["chain"])
    assert found.constants == pytest.approx(np.array([[1.5 * CONSTANT]]))
    assert found.density == pytest.approx(2.0 / CONSTANT)
    assert sound_velocities(CRYSTALS["chain"]) == pytest.approx([CONSTANT * np.sqrt(1.5 / 2.0)])


def test_constants_are_those_of_a_stable_crystal():
    for name, bulk in CRYSTALS.items():
        found = elastic_constants(bulk)
        assert found.constants == pytest.approx(found.constants.T, abs=1e-10), name
        assert (sound_velocities(bulk) > 0).all(), name
