"""Junctions: layers, regions, species, positions, planes; and the way through files and back."""

import ase.io
import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from junctions import CHAIN, LJ, SPRINGS, configure, junction

from nemd_core import StorageError, from_ase
from nemd_core.lattice import LATTICES
from nemd_core.storage import write_structure
from nemd_core.structure import build
from nemd_core.system import REGIONS

SC = LJ | {
    "structure": {
        "lattice": "sc",
        "lattice_constant": 1.1,
        "cross_section": [3, 4],
        "length": {"A": 7, "B": 8},
    },
    "materials": SPRINGS,
    "interaction": {"potential": "harmonic"},
}
BASES = {"chain": CHAIN, "sc": SC, "fcc": LJ}
LAYERS_PER_CELL = {"chain": 1, "sc": 1, "fcc": 2}
SITES_PER_CELL = {"chain": 1, "sc": 1, "fcc": 4}


def system_of(lattice):
    return build(
        configure(
            BASES[lattice],
            structure__length={"A": 7, "B": 8},
            baths__hot__length=2,
            baths__cold__length=3,
        )
    )


def walled(lattice):
    return 0 if lattice == "chain" else 2


@pytest.fixture(params=BASES)
def lattice(request):
    return request.param


def test_layers_regions_and_species(lattice):
    system, walls, per_cell = system_of(lattice), walled(lattice), LAYERS_PER_CELL[lattice]
    cells = ["wall"] * walls + ["hot"] * 2 + ["A"] * (5 - walls)
    cells += ["B"] * (5 - walls) + ["cold"] * 3 + ["wall"] * walls
    assert len(cells) == system.n_cells == 15
    region = [REGIONS[r] for r in system.cell_region[system.layer_cell]]
    assert region == [name for name in cells for _ in range(per_cell)]
    assert system.n_layers == 15 * per_cell
    species = system.cell_species[system.layer_cell]
    assert list(species) == [0] * 7 * per_cell + [1] * 8 * per_cell
    ny, nz = {"chain": (1, 1), "sc": (3, 4), "fcc": (3, 3)}[lattice]
    assert system.n_sites == 15 * SITES_PER_CELL[lattice] * ny * nz
    assert system.n_moving == (15 - 2 * walls) * SITES_PER_CELL[lattice] * ny * nz
    assert system.sites_per_layer * system.n_layers == system.n_sites
    assert list(np.bincount(system.layer_of_site)) == [system.sites_per_layer] * system.n_layers
    assert system.mass_of_site == pytest.approx(np.where(system.species_of_site, system.mass[1], 1.0))
    assert system.area == pytest.approx(
        {"chain": 1.0, "sc": 12 * 1.1**2, "fcc": 9 * 1.58**2}[lattice], rel=1e-15
    )


def test_positions_follow_from_the_layers(lattice):
    system = system_of(lattice)
    x, y, z = system.positions.T
    a = system.lattice_constant
    spacing = a / LAYERS_PER_CELL[lattice]
    assert x == pytest.approx(system.layer_of_site * spacing, abs=1e-12)
    assert system.layer_x == pytest.approx(np.arange(system.n_layers) * spacing, abs=1e-12)
    assert x.min() == 0
    ny, nz = system.cross_section
    assert y.min() >= 0 and z.min() >= 0 and y.max() < ny * a and z.max() < nz * a
    interface = system.first_b_cell * a - 0.5 * spacing
    assert np.array_equal(x > interface, system.species_of_site == 1)


@pytest.mark.parametrize(
    ("name", "neighbours", "distance"), [("chain", 2, 1.0), ("sc", 6, 1.0), ("fcc", 12, 0.5**0.5)]
)
def test_nearest_neighbours(name, neighbours, distance):
    """Away from both ends every site has the neighbours of its lattice, over the periodic sides too, and none closer."""
    system = system_of(name)
    atoms = system.to_ase()
    nearest = distance * system.lattice_constant
    assert LATTICES[name].neighbour_distance == pytest.approx(distance)
    i, d = neighbor_list("id", atoms, 1.01 * nearest)
    count = np.bincount(i, minlength=len(atoms))
    inside = (system.layer_of_site > 0) & (system.layer_of_site < system.n_layers - 1)
    assert (count[inside] == neighbours).all() and (count[~inside] < neighbours).all()
    assert d == pytest.approx(np.full(len(d), nearest), rel=1e-12)
    assert atoms.get_volume() == pytest.approx(system.area * system.n_cells * system.lattice_constant) or (
        name == "chain"
    )


def test_lattices_are_ordered_and_equally_spaced():
    for lattice in LATTICES.values():
        x = lattice.basis[:, 0]
        assert (np.diff(x) >= 0).all()
        assert sorted(set(lattice.sublayer)) == list(range(lattice.layers_per_cell))
        assert x == pytest.approx(lattice.sublayer / lattice.layers_per_cell)


def test_planes_lie_between_cells(lattice):
    """One at the lower boundary of every cell, from the first moving one to the one behind the last."""
    system, walls = system_of(lattice), walled(lattice)
    expected = range(1, 15) if walls == 0 else range(walls, 15 - walls + 1)
    assert list(system.plane_cell) == list(expected)
    for cell, x in zip(system.plane_cell, system.plane_x, strict=True):
        below = system.layer_x[system.layer_cell == cell - 1].max()
        above = system.layer_x[system.layer_cell == cell].min()
        assert x == pytest.approx(0.5 * (below + above), rel=1e-12)
    assert system.first_b_cell in system.plane_cell


def test_a_bath_may_fill_its_side():
    system = junction("fcc", 4, 5, a=1.5, cross_section=(2, 3), walls=1, bath=3)
    assert [REGIONS[r] for r in system.cell_region] == ["wall"] + ["hot"] * 3 + ["B"] + ["cold"] * 3 + [
        "wall"
    ]


# --- files ----------------------------------------------------------------------------------------------------


def same(one, other):
    assert one.lattice is other.lattice
    assert one.lattice_constant == other.lattice_constant
    assert one.cross_section == other.cross_section and one.n_cells == other.n_cells
    assert one.first_b_cell == other.first_b_cell
    assert np.array_equal(one.cell_region, other.cell_region)
    assert one.mass == pytest.approx(other.mass, rel=1e-7)  # a file keeps eight decimals
    assert np.array_equal(one.positions, other.positions)


def test_round_trip_through_ase(lattice):
    system = system_of(lattice)
    atoms = system.to_ase()
    assert len(atoms) == system.n_sites
    assert list(atoms.pbc) == ([False] * 3 if lattice == "chain" else [False, True, True])
    assert set(atoms.arrays["material"]) == {"A", "B"}
    assert np.array_equal(atoms.arrays["layer"], system.layer_of_site)
    same(from_ase(atoms), system)


def test_round_trip_through_a_file(lattice, tmp_path):
    system = system_of(lattice)
    write_structure(tmp_path / "structure.extxyz", system.to_ase())
    header = (tmp_path / "structure.extxyz").read_text().splitlines()[1]
    for column in ("species", "material", "region", "layer"):
        assert column in header
    same(from_ase(ase.io.read(tmp_path / "structure.extxyz")), system)
    assert [path.name for path in tmp_path.iterdir()] == ["structure.extxyz"]


def _move(atoms):
    atoms.positions[7, 1] += 0.01


def _swap_materials(atoms):
    atoms.arrays["material"][0] = "B"


def _other_region(atoms):
    atoms.arrays["region"][3] = "cold"


def _foreign_region(atoms):
    atoms.arrays["region"] = np.full(len(atoms), "bath")


def _heavier(atoms):
    masses = atoms.get_masses()
    masses[5] *= 1.5
    atoms.set_masses(masses)


def _remove_one(atoms):
    del atoms[4]


def _remove_all(atoms):
    del atoms[:]


def _reorder(atoms):
    atoms.positions[[0, 1]] = atoms.positions[[1, 0]]


def _wrong_layer(atoms):
    atoms.arrays["layer"][2] += 1


def _far_layer(atoms):
    atoms.arrays["layer"][2] = 500


def _no_layer(atoms):
    del atoms.arrays["layer"]


def _no_lattice(atoms):
    del atoms.info["lattice"]


def _foreign_lattice(atoms):
    atoms.info["lattice"] = "hcp"


def _foreign_cross_section(atoms):
    atoms.info["cross_section"] = 3


def _other_constant(atoms):
    atoms.info["lattice_constant"] *= 1.01


def _other_interface(atoms):
    atoms.info["first_b_cell"] -= 1


ALTERATIONS = [
    _move,
    _swap_materials,
    _other_region,
    _foreign_region,
    _heavier,
    _remove_one,
    _remove_all,
    _reorder,
    _wrong_layer,
    _far_layer,
    _no_layer,
    _no_lattice,
    _foreign_lattice,
    _foreign_cross_section,
    _other_constant,
    _other_interface,
]


@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda f: f.__name__[1:])
def test_foreign_or_altered_atoms_are_refused(alter):
    atoms = system_of("fcc").to_ase()
    alter(atoms)
    with pytest.raises(StorageError) as caught:
        from_ase(atoms)
    assert "\n" not in str(caught.value) and "structure" in str(caught.value)


def test_atoms_of_another_program_are_refused():
    with pytest.raises(StorageError, match="lattice is missing"):
        from_ase(ase.Atoms("Ar2", positions=[[0, 0, 0], [1, 0, 0]]))
