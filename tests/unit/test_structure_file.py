"""A structure file in place of the builder: species by symbol or material, order and place of atoms, what is refused."""

from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest
from junctions import LJ
from lattices import KNOWN, STRAINED, lattice_system, small_junction

from nemd_core import StorageError, from_ase
from nemd_core.config import load_config
from nemd_core.structure import build
from nemd_core.system import SPECIES, System

CONFIGS = Path(__file__).parents[2] / "configs"
BOTH = LJ["materials"]
C = {"mass": 2.5, "epsilon": 1.2, "sigma": 0.97}
MASSES = np.array([1.0, 4.0, 2.5])


def pattern(system, seed=1, n=3):
    """A random species for every site."""
    return np.random.default_rng(seed).integers(0, n, system.n_sites)


def plain(system, species) -> ase.Atoms:
    """What another program might write: symbols and positions, no more."""
    symbols = np.array(system.symbols)[species]
    return ase.Atoms(symbols, positions=system.positions, cell=[system.length, *system.sides], pbc=True)


def read(path, atoms, materials=("A", "B", "C"), periodic=False, **settings) -> System:
    """The junction of `small_junction` with the species of `atoms`, through a file."""
    ase.io.write(path, atoms, format="extxyz")
    settings = {"materials__C": C} | settings if "C" in materials else settings
    return small_junction(periodic, structure__file=str(path), **settings)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "mine.extxyz"


@pytest.mark.parametrize("periodic", [False, True])
def test_species_by_symbol(path, periodic):
    sites = small_junction(periodic)
    species = pattern(sites)
    found = read(path, plain(sites, species), periodic=periodic)
    assert np.array_equal(found.species, species)
    assert np.array_equal(found.mass, MASSES[species])
    assert np.array_equal(found.positions, sites.positions)
    assert set(found.layer_species) == {"mixed"} and not found.rows_alike
    assert found.zone == (0, 0)
    assert np.array_equal(from_ase(found.to_ase()).species, species)


def test_symbols_of_the_configuration(path):
    sites = small_junction()
    species = pattern(sites, n=2)
    atoms = plain(sites, species)
    atoms.symbols = np.array(["Si", "Ge"])[species]
    materials = {"A": BOTH["A"] | {"symbol": "Si"}, "B": BOTH["B"] | {"symbol": "Ge"}}
    found = read(path, atoms, materials="AB", materials__A=materials["A"], materials__B=materials["B"])
    assert np.array_equal(found.species, species)
    assert found.to_ase().get_chemical_symbols() == atoms.get_chemical_symbols()


def test_a_column_material_comes_before_symbols(path):
    """Two materials may then have one symbol, as isotopes do."""
    sites = small_junction()
    species = pattern(sites)
    atoms = plain(sites, np.zeros_like(species))
    atoms.set_array("material", np.array(SPECIES)[species])
    found = read(path, atoms, materials__B=BOTH["B"] | {"symbol": "Ar"})
    assert np.array_equal(found.species, species)


def test_the_own_structure_file_gives_the_same_junction(path):
    wanted = small_junction(structure__interface={"kind": "intermixed", "layers": 4, "seed": 7})
    found = read(path, wanted.to_ase(), materials="AB")
    assert np.array_equal(found.species, wanted.species) and np.array_equal(found.mass, wanted.mass)


@pytest.mark.parametrize("name", [*KNOWN, *(f"{name}-periodic" for name in KNOWN)])
def test_every_lattice_from_a_file(name, path):
    name, _, periodic = name.partition("-")
    sites = lattice_system(name, bool(periodic), structure__lattice_constant=STRAINED)
    species = pattern(sites, n=2)
    atoms = plain(sites, species)[np.random.default_rng(3).permutation(sites.n_sites)]
    ase.io.write(path, atoms)
    found = lattice_system(
        name, bool(periodic), structure__lattice_constant=STRAINED, structure__file=str(path)
    )
    assert np.array_equal(found.species, species)


@pytest.mark.parametrize("periodic", [False, True])
def test_order_and_exact_place_do_not_matter(path, periodic):
    """Shuffled, a little off the sites, over the periodic sides; with fixed ends also shifted along x."""
    sites = small_junction(periodic)
    species, rng = pattern(sites), np.random.default_rng(2)
    atoms = plain(sites, species)
    atoms.positions += rng.uniform(-0.1, 0.1, atoms.positions.shape)  # a quarter of 1.12 is allowed
    box = np.array([sites.length if periodic else 0.0, *sites.sides])
    atoms.positions += rng.integers(-2, 3, atoms.positions.shape) * box
    if not periodic:
        atoms.positions[:, 0] += 17.3
    found = read(path, atoms[rng.permutation(len(atoms))], periodic=periodic)
    assert np.array_equal(found.species, species)
    assert np.array_equal(found.positions, sites.positions)  # sites stay those of the lattice


def test_periodic_files_keep_their_origin(path):
    """A whole layer folded to the other end is still the first; a crystal shifted by a layer is not this one."""
    sites = small_junction(periodic=True)
    species = pattern(sites)
    atoms = plain(sites, species)
    atoms.positions[:, 0] = np.mod(atoms.positions[:, 0] - 0.01, sites.length)
    assert np.array_equal(read(path, atoms, periodic=True).species, species)
    atoms.positions[:, 0] += sites.layer_spacing[0]
    with pytest.raises(StorageError, match="from the nearest site"):
        read(path, atoms, periodic=True)


def refuse(path, atoms, **settings) -> str:
    with pytest.raises(StorageError) as caught:
        read(path, atoms, **settings)
    message = str(caught.value)
    assert message.startswith(f"structure.file: {path}: ") and "\n" not in message
    return message.removeprefix(f"structure.file: {path}: ")


def atoms_of(species=None):
    sites = small_junction()
    return plain(sites, pattern(sites) if species is None else species)


def test_wrong_count(path):
    assert refuse(path, atoms_of()[:-1]) == "575 atoms; must be 576, one for each site of the lattice"
    assert "577 atoms" in refuse(path, atoms_of() + ase.Atoms("Ar"))


def test_vacancy_and_double_occupation(path):
    atoms = atoms_of()
    atoms.positions[20] = atoms.positions[300] + 0.01
    message = refuse(path, atoms)
    assert "atoms 20 and 300 are at one site" in message and "another site is empty" in message


def test_an_atom_off_its_site(path):
    atoms = atoms_of()
    atoms.positions[9, 1] += 0.4
    assert (
        refuse(path, atoms)
        == "atom 9 lies 0.4 sigma0 from the nearest site of the lattice; must be at most 0.279"
    )
    atoms.positions[9, 0] += 1000  # far away, and nothing else is out of place
    assert "atom 9 lies" in refuse(path, atoms)
    atoms.positions[9] = np.nan
    assert refuse(path, atoms) == "positions must be finite"


def test_another_lattice(path):
    atoms = atoms_of()
    atoms.positions *= 1.2
    assert "from the nearest site" in refuse(path, atoms)


def test_unknown_species(path):
    atoms = atoms_of()
    atoms.symbols[3] = "Au"
    expected = "species Au; must be Ar (materials.A), Kr (materials.B), Xe (materials.C)"
    assert refuse(path, atoms) == expected
    atoms.set_array("material", np.full(len(atoms), "D"))
    assert refuse(path, atoms) == "species D; must be A, B, C"


def test_a_third_species_needs_its_material(path):
    """Without materials.C an atom of it is no atom without mass, but refused."""
    atoms = atoms_of()
    expected = "species Xe; must be Ar (materials.A), Kr (materials.B)"
    assert refuse(path, atoms, materials="AB") == expected
    atoms.set_array("material", np.array(SPECIES)[pattern(small_junction())])
    assert refuse(path, atoms, materials="AB") == "species C; must be A, B"
    # a symbol that stands for C by default is free where there is no C
    xenon = atoms_of(np.zeros(576, int))
    xenon.symbols = "Xe576"
    found = read(path, xenon, materials="AB", materials__A=BOTH["A"] | {"symbol": "Xe"})
    assert (found.species == 0).all() and (found.mass == 1).all()


def test_equal_symbols_need_a_column(path):
    message = refuse(path, atoms_of(), materials__B=BOTH["B"] | {"symbol": "Ar"})
    assert "A: Ar, B: Ar, C: Xe" in message and "material" in message


@pytest.mark.parametrize(
    "text", ["", "3\n", "not a number\n\nAr 0 0 0\n", "2\nProperties=species:S:1:pos:R:3\nAr 0 0\nAr 1 0 0\n"]
)
def test_unreadable_files(path, text):
    path.write_text(text)
    with pytest.raises(StorageError) as caught:
        small_junction(structure__file=str(path))
    message = str(caught.value)
    assert "\n" not in message and message.startswith(
        f"structure.file: {path}: cannot be read as extended XYZ ("
    )


def test_a_file_that_is_gone(path):
    with pytest.raises(StorageError, match="cannot be read as extended XYZ") as caught:
        small_junction(structure__file=str(path))
    assert "\n" not in str(caught.value)


# --- the shipped one ------------------------------------------------------------------------------------------


def test_the_shipped_file_is_what_its_config_says(tmp_path, monkeypatch):
    """A balanced terrace; and the lines of Python at the head of the config, run again, give the file."""
    config = load_config(CONFIGS / "structure-file.yaml")
    system, flat = (
        build(config),
        build(load_config(CONFIGS / "structure-file.yaml", {"structure.file": None})),
    )
    other = system.species != flat.species
    assert other.sum() == 2 * system.sites_per_layer and system.species[other].mean() == 0.5
    high = system.positions[:, 1] < 0.5 * system.sides[0]
    edge = np.where(high, system.first_b_cell + 1, system.first_b_cell - 1)
    assert np.array_equal(system.species, system.cell_of_site >= edge)
    assert np.array_equal(system.mass, np.array([1.0, 4.0])[system.species])
    names = ("structure-file.yaml", "structure-file.extxyz")
    text, wanted = ((CONFIGS / name).read_text() for name in names)
    (tmp_path / "configs").mkdir()
    for name in names:
        (tmp_path / "configs" / name).write_bytes((CONFIGS / name).read_bytes())
    recipe = [line.removeprefix("#     ") for line in text.splitlines() if line.startswith("#     ")]
    assert len(wanted) < 100_000 and len(recipe) > 5
    monkeypatch.chdir(tmp_path)
    exec("\n".join(recipe), {})
    assert (tmp_path / "configs" / names[1]).read_text() == wanted


def test_the_zone_of_a_file_ends_where_its_own_layers_begin(path):
    """A foreign atom two layers inside A and one in B's first layer: what lies between is left out of the fits."""
    sites = small_junction()
    species = sites.species.copy()
    for layer, foreign in ((sites.first_b_layer - 2, 1), (sites.first_b_layer, 0)):
        species[np.flatnonzero(sites.layer_of_site == layer)[0]] = foreign
    found = read(path, plain(sites, species), materials="AB")
    # the layer between the plane and the foreign atom is pure, and counts as A's own
    assert found.zone == (0, 1)
    species[sites.layer_of_site == sites.first_b_layer - 1] = 1
    found = read(path, plain(sites, species), materials="AB")
    assert found.zone == (2, 1)
    assert list(found.interfaces["left"]) == [sites.first_b_layer - 3]
    assert list(found.interfaces["right"]) == [sites.first_b_layer + 1]
