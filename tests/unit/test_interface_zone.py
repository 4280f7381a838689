"""Rough and intermixed interfaces and interlayers: what stands where, how much of it, and that the seed decides."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, SPRINGS, configure

from nemd_core.errors import ConfigError
from nemd_core.structure import build

C = {"mass": 2.0, "epsilon": 1.0, "sigma": 1.0}
GRADED = {"epsilon": 1.0, "sigma": 1.0}
LAYERS = 24  # on each side
SITES = 6 * 4 * 2  # in a layer


def zoned(periodic=False, **settings):
    """An fcc junction of 12 + 12 cells, mass 1 in A and 4 in B, with settings of `structure`."""
    if periodic:
        settings |= {"ends": "periodic"}
    settings = {f"structure__{key}": value for key, value in settings.items() if key != "C"} | {
        f"materials__{key}": value for key, value in settings.items() if key == "C"
    }
    settings |= {"baths__walls": 0} if periodic else {}
    return build(
        configure(
            LJ,
            structure__cross_section=[6, 4],
            structure__length={"A": 12, "B": 12},
            baths__hot__length=2,
            baths__cold__length=2,
            **settings,
        )
    )


def disordered(kind, layers, seed=1, periodic=False):
    return zoned(periodic, interface={"kind": kind, "layers": layers, "seed": seed})


def by_layer(system, values):
    """Values of the sites of each layer, shape (n_layers, sites per layer)."""
    order = np.argsort(system.layer_of_site, kind="stable")
    return values[order].reshape(system.n_layers, -1)


def zone_layers(system):
    """Masks of the layers inside the zone of each interface, and the depth of each layer on B's side."""
    on_a, on_b = system.zone
    layer = np.arange(system.n_layers)
    depths = [layer - system.first_b_layer]
    if system.periodic:
        depths.append(np.where(layer < system.first_b_layer, -1 - layer, system.n_layers - 1 - layer))
    return [((depth >= -on_a) & (depth < on_b), depth) for depth in depths]


# --- rough and intermixed -------------------------------------------------------------------------------------


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("kind", ["rough", "intermixed"])
@pytest.mark.parametrize("layers", [1, 4, 5])
def test_disorder_stays_in_its_zone(kind, layers, periodic):
    system = disordered(kind, layers, periodic=periodic)
    assert system.zone == (layers // 2, layers - layers // 2)
    zones = zone_layers(system)
    inside = np.any([mask for mask, _ in zones], axis=0)
    assert inside.sum() == layers * (2 if periodic else 1)
    in_a = np.arange(system.n_layers) < system.first_b_layer
    species = by_layer(system, system.species)
    assert (species[in_a & ~inside] == 0).all() and (species[~in_a & ~inside] == 1).all()
    assert np.array_equal(system.mass, np.array([1.0, 4.0])[system.species])
    names = system.layer_species
    assert set(names[in_a & ~inside]) == {"A"} and set(names[~in_a & ~inside]) == {"B"}
    assert set(names[inside]) == {"mixed"}
    for mask, depth in zones:
        counts = (species[mask] == 1).sum(axis=1)
        assert (np.diff(counts[np.argsort(depth[mask])]) > 0).all()  # the share of B rises away from A


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("kind", ["rough", "intermixed"])
def test_interfaces_name_the_layers_beside_the_zone(kind, periodic):
    found = disordered(kind, 5, periodic=periodic).interfaces
    assert list(found["left"]) == ([21, 44] if periodic else [21])
    assert list(found["right"]) == ([27, 2] if periodic else [27])
    assert list(found["direction"]) == ([1, -1] if periodic else [1])


@pytest.mark.parametrize("layers", [1, 2, 3, 5, 7])
def test_shares_of_a_solid_solution_are_exact(layers):
    system = disordered("intermixed", layers)
    mask, _ = zone_layers(system)[0]
    counts = by_layer(system, system.species)[mask].sum(axis=1)
    assert list(counts) == [round(SITES * (n + 1) / (layers + 1)) for n in range(layers)]
    assert counts.sum() == SITES * layers // 2


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 7])
def test_rough_columns_are_solid_on_solid(layers):
    """In a column of the cross-section A lies below one height and B above it; heights fill the zone evenly."""
    system = disordered("rough", layers)
    on_a, on_b = system.zone
    columns = system.species.reshape(
        24, 4, system.n_cells
    )  # cells of the cross-section, basis, cells along x
    layer = system.layer_of_site.reshape(columns.shape)
    heights = []
    for species, where in zip(columns, layer, strict=True):
        along = species.ravel()[np.argsort(where.ravel(), kind="stable")]
        assert (np.diff(along) >= 0).all()  # never A above B
        top, bottom = where[species == 0].max(), where[species == 1].min()
        assert bottom == top + 1
        heights.append(bottom - system.first_b_layer)
    assert set(heights) == set(range(-on_a, on_b + 1))
    counts = np.unique(heights, return_counts=True)[1]
    assert counts.max() - counts.min() <= 1
    if layers % 2 == 0:  # the plane of the interface is the mean height
        assert np.array_equal(counts, counts[::-1]) and np.mean(heights) == 0


def test_few_columns_stay_about_the_middle():
    """Two columns share a zone of four layers: a step of two, half of it on either side."""
    config = configure(
        LJ
        | {
            "structure": LJ["structure"] | {"cross_section": [2, 1]},
            "interaction": {"potential": "harmonic"},
        },
        materials=SPRINGS,
        structure__length={"A": 12, "B": 12},
        structure__interface={"kind": "rough", "layers": 4},
        structure__lattice="diamond",
    )
    system = build(config)
    b = by_layer(system, system.species).sum(axis=1)
    middle = b[system.first_b_layer - 2 : system.first_b_layer + 2]
    assert list(middle) == [
        0,
        system.sites_per_layer // 2,
        system.sites_per_layer // 2,
        system.sites_per_layer,
    ]


@pytest.mark.parametrize("kind", ["rough", "intermixed"])
def test_the_seed_decides(kind):
    one, same, other = (disordered(kind, 4, seed).species for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert one.sum() == other.sum()
    assert not disordered(kind, 4).rows_alike


@pytest.mark.parametrize("kind", ["rough", "intermixed"])
def test_both_interfaces_have_their_own_disorder(kind):
    system = disordered(kind, 4, periodic=True)
    species = by_layer(system, system.species)
    (first, depth), (second, other) = zone_layers(system)
    one, two = (species[mask][np.argsort(d[mask])] for mask, d in ((first, depth), (second, other)))
    assert np.array_equal(one.sum(axis=1), two.sum(axis=1))
    assert not np.array_equal(one, two)
    # the first interface is that of fixed ends with the same seed
    assert np.array_equal(one, by_layer(fixed := disordered(kind, 4), fixed.species)[first])


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("kind", ["rough", "intermixed"])
def test_neither_side_is_favoured(kind, periodic):
    """An even zone holds as much A as B, layer for layer in mirrored order."""
    system = disordered(kind, 6, periodic=periodic)
    b = by_layer(system, system.species).sum(axis=1)
    for mask, depth in zone_layers(system):
        counts = b[mask][np.argsort(depth[mask])]
        assert list(counts + counts[::-1]) == [SITES] * 6
    assert system.species.sum() == system.n_sites // 2


def test_a_chain_mixes_by_chance():
    """One site in a layer: over many seeds, the layers of the zone are B in a third and in two thirds of all chains."""
    interface = {"kind": "intermixed", "layers": 2}
    chains = [configure(CHAIN, structure__interface=interface | {"seed": seed}) for seed in range(300)]
    share = np.mean([build(chain).species for chain in chains], axis=0)
    assert list(share[:4]) == [0] * 4 and list(share[6:]) == [1] * 4
    assert share[4:6] == pytest.approx([1 / 3, 2 / 3], abs=4 * np.sqrt(2 / 9 / 300))


# --- interlayers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize("layers", [1, 4, 5])
def test_a_film_of_c(layers, periodic):
    system = zoned(periodic, interlayer={"layers": layers}, C=C)
    assert system.zone == (layers // 2, layers - layers // 2)
    names = np.repeat(["A", "B"], LAYERS)
    for mask, _ in zone_layers(system):
        assert mask.sum() == layers
        names[mask] = "C"
    assert list(system.layer_species) == list(names)
    mass = dict(A=1.0, B=4.0, C=2.0)
    assert np.array_equal(by_layer(system, system.mass)[:, 0], [mass[name] for name in names])
    assert system.rows_alike
    found = system.interfaces
    assert list(names[found["left"]]) == ["A", "B"][: len(found["left"])]
    assert list(names[found["right"]]) == ["B", "A"][: len(found["left"])]


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(
    ("masses", "expected"),
    [("linear", [1.75, 2.5, 3.25]), ("geometric", [4**0.25, 2.0, 4**0.75])],
)
def test_graded_masses(masses, expected, periodic):
    """Equal steps, or equal ratios, from A's mass to B's; both are left out."""
    system = zoned(periodic, interlayer={"layers": 3, "masses": masses}, C=GRADED)
    mass = by_layer(system, system.mass)
    assert (mass == mass[:, :1]).all()
    for mask, depth in zone_layers(system):
        assert mass[mask, 0][np.argsort(depth[mask])] == pytest.approx(np.array(expected), rel=1e-14)
    inside = np.any([mask for mask, _ in zone_layers(system)], axis=0)
    assert np.array_equal(inside, system.layer_species == "C")
    assert np.array_equal(mass[~inside, 0], np.repeat([1.0, 4.0], LAYERS)[~inside])


# --- errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"interface": {"kind": "rough", "layers": 0}}, "structure.interface.layers"),
        ({"interface": {"kind": "intermixed", "layers": 41}}, "structure.interface.layers"),
        ({"interface": {"kind": "sharp", "layers": 2}}, "structure.interface.layers"),
        ({"interlayer": {"layers": 2}}, "materials.C"),
        ({"interlayer": {"layers": 41}, "C": C}, "structure.interlayer.layers"),
        ({"interlayer": {"layers": 2, "masses": "linear"}, "C": C}, "materials.C.mass"),
        ({"interlayer": {"layers": 2}, "C": GRADED}, "materials.C.mass"),
    ],
)
def test_errors_in_one_line(settings, key):
    with pytest.raises(ConfigError) as caught:
        zoned(**settings)
    assert {problem.key for problem in caught.value.problems} == {key}
    assert len(str(caught.value).splitlines()) == len(caught.value.problems)
