"""Junctions of every lattice: layers, regions, species, positions, planes, interfaces, strained sides, periodic ends."""

import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from junctions import junction
from lattices import CONSTANT, KNOWN, STRAINED, lattice_system

from nemd_core.lattice import LATTICES, ORIENTATIONS, find_lattice, orientations_of
from nemd_core.system import REGIONS


@pytest.fixture(params=KNOWN)
def name(request):
    return request.param


def walled(name):
    return 0 if name == "chain" else 2


# --- lattices -------------------------------------------------------------------------------------------------


def test_every_lattice_is_known():
    cells = {(known.lattice, known.orientation) for known in KNOWN.values()}
    assert cells == {(lattice, turn) for lattice in LATTICES for turn in orientations_of(lattice)}
    assert {turn for _, turn in cells} == set(ORIENTATIONS)
    with pytest.raises(KeyError):
        find_lattice("sc", 110)


def test_cells(name):
    known = KNOWN[name]
    lattice = find_lattice(known.lattice, known.orientation)
    assert lattice.edges == pytest.approx(np.array(known.edges), rel=1e-15)
    assert lattice.layers_per_cell == known.layers_per_cell
    assert lattice.basis.shape == (known.sites_per_cell, 3)
    assert (lattice.basis >= 0).all() and (lattice.basis < 1).all()
    assert lattice.neighbour_distance == pytest.approx(known.nearest, rel=1e-15)
    x = lattice.basis[:, 0]
    assert (np.diff(x) >= 0).all()
    assert sorted(set(lattice.sublayer)) == list(range(lattice.layers_per_cell))
    assert x == pytest.approx(lattice.sublayer / lattice.layers_per_cell, abs=1e-15)
    assert known.sites_per_cell / np.prod(known.edges) == pytest.approx(known.density, rel=1e-14)


@pytest.mark.parametrize("periodic", [False, True])
def test_nearest_neighbours(name, periodic):
    """Away from both ends every site has the neighbours of its lattice, over the periodic sides too, and none closer."""
    system, known = lattice_system(name, periodic), KNOWN[name]
    atoms = system.to_ase()
    nearest = known.nearest * CONSTANT
    assert system.nearest == pytest.approx(nearest, rel=1e-15)
    i, j, d = neighbor_list("ijd", atoms, 1.01 * nearest)
    assert d == pytest.approx(np.full(len(d), nearest), rel=1e-12)
    layer = system.layer_of_site
    counts = np.bincount(i, minlength=len(atoms))
    reach = int(np.ceil(nearest / system.layer_spacing[0] - 1e-9))
    inside = np.full(len(atoms), periodic) | (layer >= reach) & (layer < system.n_layers - reach)
    assert (counts[inside] == known.neighbours).all() and inside.any()
    outermost = (layer == 0) | (layer == system.n_layers - 1)
    assert periodic or (counts[outermost] < known.neighbours).all()
    in_layer = np.bincount(i[layer[i] == layer[j]], minlength=len(atoms))
    assert (in_layer == known.in_layer).all()


# --- layers, regions, positions -------------------------------------------------------------------------------


def test_layers_regions_and_species(name):
    system, walls, known = lattice_system(name), walled(name), KNOWN[name]
    cells = ["wall"] * walls + ["hot"] * 2 + ["A"] * (5 - walls)
    cells += ["B"] * (5 - walls) + ["cold"] * 3 + ["wall"] * walls
    per_cell = known.layers_per_cell
    assert len(cells) == system.n_cells == 15
    assert list(system.layer_region) == [region for region in cells for _ in range(per_cell)]
    assert system.n_layers == 15 * per_cell and system.first_b_layer == 7 * per_cell
    assert list(system.cell_side) == [0] * 7 + [1] * 8
    assert list(system.layer_species) == ["A"] * 7 * per_cell + ["B"] * 8 * per_cell
    columns = np.prod(known.cross_section)
    assert system.n_sites == 15 * known.sites_per_cell * columns == len(system.positions)
    assert system.n_moving == (15 - 2 * walls) * known.sites_per_cell * columns
    assert system.sites_per_layer * system.n_layers == system.n_sites
    assert list(np.bincount(system.layer_of_site)) == [system.sites_per_layer] * system.n_layers
    on_a = system.layer_of_site < system.first_b_layer
    assert np.array_equal(system.species, np.where(on_a, 0, 1))
    assert np.array_equal(system.mass, np.where(on_a, 1.0, 2.0))
    assert not system.periodic and system.zone == (0, 0) and system.rows_alike


def test_positions_follow_from_the_layers(name):
    system, known = lattice_system(name), KNOWN[name]
    spacing = CONSTANT * known.edges[0] / known.layers_per_cell
    assert system.layer_spacing == pytest.approx(np.full(2, spacing), rel=1e-14)
    assert system.layer_x == pytest.approx(np.arange(system.n_layers) * spacing, abs=1e-12)
    x, y, z = system.positions.T
    assert x == pytest.approx(system.layer_of_site * spacing, abs=1e-12) and x.min() == 0
    sides = CONSTANT * np.array(known.edges[1:]) * known.cross_section
    assert system.sides == pytest.approx(sides, rel=1e-14)
    assert y.min() >= 0 and z.min() >= 0 and y.max() < sides[0] and z.max() < sides[1]
    assert system.length == pytest.approx(15 * CONSTANT * known.edges[0], rel=1e-14)
    if name == "chain":
        assert system.area == 1.0
    else:
        assert system.area == pytest.approx(np.prod(sides), rel=1e-14)
        density = system.n_sites / (system.area * system.length)
        assert density == pytest.approx(known.density / CONSTANT**3, rel=1e-13)


def test_planes_lie_between_cells(name):
    """One at the lower boundary of every cell, from the first moving one to the one behind the last."""
    system, walls = lattice_system(name), walled(name)
    expected = range(1, 15) if walls == 0 else range(walls, 15 - walls + 1)
    assert list(system.plane_cell) == list(expected)
    for cell, x in zip(system.plane_cell, system.plane_x, strict=True):
        below = system.layer_x[system.layer_cell == cell - 1].max()
        above = system.layer_x[system.layer_cell == cell].min()
        assert x == pytest.approx(0.5 * (below + above), rel=1e-12)


def test_the_interface_of_fixed_ends(name):
    system = lattice_system(name)
    found = system.interfaces
    assert [len(values) for values in found.values()] == [1] * 4
    assert system.plane_cell[found["plane"][0]] == 7
    assert (found["left"][0], found["right"][0]) == (system.first_b_layer - 1, system.first_b_layer)
    assert found["direction"][0] == 1


def test_a_bath_may_fill_its_side():
    system = junction("fcc", 4, 5, a=1.5, cross_section=(2, 3), walls=1, bath=3)
    regions = ["wall"] + ["hot"] * 3 + ["B"] + ["cold"] * 3 + ["wall"]
    assert [REGIONS[r] for r in system.cell_region] == regions


# --- strained sides -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("periodic", [False, True])
def test_strained_sides(name, periodic):
    """Each side has its own spacing along x, the gap at an interface is the mean of both, y and z are common."""
    system = lattice_system(name, periodic, structure__lattice_constant=STRAINED)
    known, first_b = KNOWN[name], system.first_b_layer
    a, b = (STRAINED[side] * known.edges[0] / known.layers_per_cell for side in "AB")
    gaps = [a] * (first_b - 1) + [0.5 * (a + b)] + [b] * (system.n_layers - first_b - 1)
    assert np.diff(system.layer_x) == pytest.approx(np.array(gaps), rel=1e-12)
    assert system.length == pytest.approx((7 * STRAINED["A"] + 8 * STRAINED["B"]) * known.edges[0], rel=1e-14)
    unstrained = lattice_system(name, periodic)
    assert np.array_equal(system.positions[:, 1:], unstrained.positions[:, 1:])
    # the crystal that strains are counted from has the lateral constant; a chain has no width, and is taken for A's
    reference = STRAINED["A" if name == "chain" else "lateral"]
    assert system.nearest == pytest.approx(known.nearest * reference, rel=1e-14)
    assert system.area == unstrained.area
    # planes lie half a spacing from the layers on either side, each in the spacing of its own crystal
    for cell, x in zip(system.plane_cell, system.plane_x, strict=True):
        first = cell * known.layers_per_cell
        assert system.layer_x[first] - x == pytest.approx(0.5 * (a if cell < 7 else b), rel=1e-11)
        if first:
            assert x - system.layer_x[first - 1] == pytest.approx(0.5 * (a if cell <= 7 else b), rel=1e-11)
    wrap = system.length - system.layer_x[-1]  # from the last layer to the image of the first
    assert wrap == pytest.approx(0.5 * (a + b), rel=1e-11)


@pytest.mark.parametrize("periodic", [False, True])
def test_distances_beyond_the_ends(name, periodic):
    """A fixed crystal goes on with the spacing of its last side, a periodic one begins again."""
    system = lattice_system(name, periodic, structure__lattice_constant=STRAINED)
    n, first_b = system.n_layers, system.first_b_layer
    layers = np.arange(-2 * n, 3 * n)
    in_b = np.mod(layers, n) >= first_b if periodic else layers >= first_b
    spacing = system.layer_spacing[in_b.astype(int)]
    x = np.concatenate([[0.0], np.cumsum(0.5 * (spacing[1:] + spacing[:-1]))])
    x -= x[2 * n]
    assert system.distance(0, layers) == pytest.approx(x, abs=1e-10)
    assert system.distance(0, np.arange(n)) == pytest.approx(system.layer_x, abs=1e-12)
    table = system.distance(layers[:, None], layers[None, ::7])
    assert table == pytest.approx(x[None, ::7] - x[:, None], abs=1e-10)
    halves = system.half_spacings(layers)
    assert np.array_equal(np.diff(halves, axis=0).sum(axis=1), np.full(len(layers) - 1, 2))
    assert halves.dtype.kind == "i" and np.array_equal(halves[2 * n], [0, 0])
    if periodic:
        assert system.distance(0, n) == pytest.approx(system.length, rel=1e-14)


# --- periodic ends --------------------------------------------------------------------------------------------


def test_periodic_ends(name):
    """A with its bath in the middle, then B with its own; all atoms move; an interface at x = 0 as well."""
    system, per_cell = lattice_system(name, periodic=True), KNOWN[name].layers_per_cell
    cells = ["A"] * 3 + ["hot"] + ["A"] * 3 + ["B"] * 3 + ["cold"] * 2 + ["B"] * 3
    assert [REGIONS[r] for r in system.cell_region] == cells
    assert system.periodic and system.moving_cell.all() and system.n_moving == system.n_sites
    assert list(system.to_ase().pbc) == [True] + [name != "chain"] * 2
    assert list(system.plane_cell) == list(range(15))
    spacing = system.layer_spacing[0]
    assert system.plane_x == pytest.approx(np.arange(15) * per_cell * spacing - 0.5 * spacing, abs=1e-12)
    found = system.interfaces
    assert list(system.plane_cell[found["plane"]]) == [7, 0]
    assert list(found["left"]) == [7 * per_cell - 1, 15 * per_cell - 1]
    assert list(found["right"]) == [7 * per_cell, 0]
    assert list(found["direction"]) == [1, -1]


def test_cells_beyond_the_ends():
    fixed, periodic = lattice_system("sc"), lattice_system("sc", periodic=True)
    cells = np.array([-16, -1, 0, 14, 15, 31])
    assert list(fixed.inner_cell(cells)) == [0, 0, 0, 14, 14, 14]
    assert list(periodic.inner_cell(cells)) == [14, 14, 0, 14, 0, 1]
