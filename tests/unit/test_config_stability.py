"""Frequencies of the perfect crystals against textbook values, a slow sum and other descriptions of the same crystal."""

import numpy as np
import pytest
from configurations import FCC, LJ, changed, problems

from nemd_core.config import parse_config
from nemd_core.config_stability import highest_frequency, mode_range
from nemd_core.lattice import find_lattice

CELLS = [
    ("chain", 100),
    ("sc", 100),
    ("bcc", 100),
    ("diamond", 100),
    ("fcc", 100),
    ("fcc", 110),
    ("fcc", 111),
]


@pytest.mark.parametrize(("lattice", "orientation"), CELLS)
def test_largest_frequency_of_nearest_neighbour_springs(lattice, orientation):
    """m w² at the top of the spectrum: 4 k; sc at R: 4 k + 8 q; fcc at X: 8 k + 8 q (four neighbours stay in phase);
    bcc at H, where both sublattices move against each other: 2 · 8 (k + 2 q)/3; diamond at Gamma: 2 · 4 (k + 2 q)/3."""
    k, q = 2.0, 0.3
    expected = {
        "chain": 4 * k,
        "sc": 4 * k + 8 * q,
        "fcc": 8 * k + 8 * q,
        "bcc": 16 / 3 * (k + 2 * q),
        "diamond": 8 / 3 * (k + 2 * q),
    }
    _, highest = mode_range(lattice, orientation, 1.3, 1.3, ("springs", k, q))
    assert highest == pytest.approx(expected[lattice], rel=1e-12)


@pytest.mark.parametrize(("lattice", "orientation"), CELLS)
def test_central_springs_hold_only_chain_and_fcc(lattice, orientation):
    lowest, highest = mode_range(lattice, orientation, 1.3, 1.3, ("springs", 2.0, 0.0))
    assert (lowest > 1e-3 * highest) == (lattice in ("chain", "fcc"))
    lowest, highest = mode_range(lattice, orientation, 1.3, 1.3, ("springs", 2.0, 0.2))
    assert lowest > 1e-3 * highest


def test_lennard_jones_fcc_is_the_same_however_it_is_turned():
    """The largest frequency is at X, a corner of all three meshes."""
    law = ("lj", 1.0, 1.0, 2.5, "force-shift")
    ranges = [mode_range("fcc", orientation, 1.58, 1.58, law) for orientation in (100, 110, 111)]
    assert all(lowest > 0 for lowest, _ in ranges)
    assert np.ptp([highest for _, highest in ranges]) < 1e-9 * ranges[0][1]


@pytest.mark.parametrize(
    ("lattice", "orientation", "law"),
    [("fcc", 111, ("lj", 1.3, 1.05, 2.2, "none")), ("diamond", 100, ("springs", 2.0, 0.3))],
)
def test_against_a_periodic_block(lattice, orientation, law):
    """A block of 4 × 4 × 4 strained cells has the modes of every second k of the mesh: none lies outside the range."""
    lateral, axial, n = 1.56, 1.6, 4
    cell = find_lattice(lattice, orientation)
    edges = cell.edges * [axial, lateral, lateral]
    corners = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    sites = ((corners + cell.basis) * edges).reshape(-1, 3)
    bond = sites - sites[:, None]
    bond -= n * edges * np.rint(bond / (n * edges))
    length = np.linalg.norm(bond, axis=-1)
    np.fill_diagonal(length, np.inf)
    if law[0] == "springs":
        unstrained = np.linalg.norm(bond / [axial, lateral, lateral], axis=-1)
        near = (unstrained < 1.01 * cell.neighbour_distance) & np.isfinite(length)
        along, across = law[1] * near, law[2] * near
    else:
        epsilon, sigma, near = law[1], law[2], length < law[3]
        s6 = (sigma / length) ** 6
        along = near * 4 * epsilon * (156 * s6**2 - 42 * s6) / length**2
        across = near * 4 * epsilon * (-12 * s6**2 + 6 * s6) / length**2
    direction = bond / length[..., None]
    outer = np.einsum("ijx,ijy->ijxy", direction, direction)
    pair = (along - across)[..., None, None] * outer + across[..., None, None] * np.eye(3)
    matrix = -pair.transpose(0, 2, 1, 3)
    for i in range(len(sites)):
        matrix[i, :, i] += pair[i].sum(axis=0)
    squared = np.linalg.eigvalsh(matrix.reshape(3 * len(sites), -1))[3:]
    lowest, highest = mode_range(lattice, orientation, lateral, axial, law)
    assert lowest <= squared[0] * (1 + 1e-9) and squared[-1] <= highest * (1 + 1e-9)
    assert squared[-1] == pytest.approx(highest, rel=1e-3)  # Gamma or a zone boundary


def test_sites_on_top_of_each_other_have_no_finite_frequency():
    assert mode_range("fcc", 100, 1e-100, 1e-100, ("lj", 1.0, 1.0, 2e-100, "none"))[1] == np.inf


@pytest.mark.parametrize("lattice", ["sc", "bcc", "diamond"])
def test_floppy_crystals_need_transverse_stiffness_on_both_sides(lattice):
    settings = [
        f"structure.lattice={lattice}",
        "structure.cross_section=[3, 3]",
        "baths.hot.length=2",
        "baths.cold.length=2",
    ]
    keys = {problem.key for problem in problems(changed(FCC, *settings))}
    assert keys == {"materials.A.transverse_stiffness", "materials.B.transverse_stiffness"}
    stiff = [f"materials.{side}.transverse_stiffness=0.1" for side in "AB"]
    parse_config(changed(FCC, *settings, *stiff))


C = "materials.C={mass: 1, epsilon: 1, sigma: 1}"


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        # lateral and axial stretched by the same factor: sound or not as one constant is
        (["structure.lattice_constant={lateral: 1.8, A: 1.8, B: 1.8}"], "A B"),
        (["structure.lattice_constant={lateral: 1.58, A: 1.58, B: 1.95}"], "B"),
        (["structure.lattice_constant={lateral: 1.58, A: 1.95, B: 1.58}"], "A"),
    ],
)
def test_a_side_that_is_stretched_too_far_is_named(settings, key):
    found = {problem.key for problem in problems(changed(LJ, *settings))}
    assert found == {f"structure.lattice_constant.{side}" for side in key.split()}


def test_the_interlayer_counts_for_the_time_step_and_for_stability():
    film = ["structure.interlayer={layers: 2}", C]
    parse_config(changed(LJ, *film))
    light = problems(changed(LJ, *film, "materials.C.mass=0.001"))
    assert [problem.key for problem in light] == ["run.timestep"] and "crystal C" in light[0].allowed
    small = problems(changed(LJ, *film, "materials.C.sigma=0.8"))
    assert {problem.key for problem in small} == {"structure.lattice_constant"}


@pytest.mark.parametrize("side", ["A", "B"])
def test_a_film_counts_on_the_side_where_it_is_squeezed(side):
    squeezed = {"lateral": 1.58, "A": 1.58, "B": 1.58, side: 1.5}
    constants = f"structure.lattice_constant={squeezed}"
    found = problems(changed(LJ, constants, "structure.interlayer={layers: 2}", C, "materials.C.mass=0.001"))
    law = ("lj", 1.0, 1.0, 2.5, "force-shift")
    limit = 2 * np.sqrt(0.001 / mode_range("fcc", 100, 1.58, 1.5, law)[1])
    assert [problem.key for problem in found] == ["run.timestep"] and f"{limit:.4g}" in found[0].allowed


def test_graded_masses_lie_between_those_of_the_sides():
    data = changed(
        LJ,
        "structure.interlayer={layers: 2, masses: geometric}",
        "materials.C={epsilon: 1000, sigma: 1}",
        "materials.A.mass=0.5",
    )
    found = problems(data)
    assert [problem.key for problem in found] == ["run.timestep"]
    limit = float(found[0].allowed.split("= ")[1].split()[0])
    heavier = problems(changed(data, "materials.A.mass=2"))
    assert float(heavier[0].allowed.split("= ")[1].split()[0]) == pytest.approx(2 * limit, rel=1e-3)


def test_small_atoms_among_large_ones_need_no_more_bonds_than_others():
    """With forces verlet: within the cut-off of the large ones, 2.5, there are a million neighbours."""
    data = changed(LJ, "run.timestep=1e-4", "run.forces=verlet")
    small, larger = (parse_config(changed(data, f"materials.B.sigma={sigma}")) for sigma in (0.02, 0.04))
    assert small.materials.B.sigma == 0.02
    # w ~ sqrt(epsilon / m) / sigma
    assert highest_frequency(small)[0] == pytest.approx(2 * highest_frequency(larger)[0], rel=1e-3)
