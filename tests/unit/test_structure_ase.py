"""Junctions on their way to ASE and to extended XYZ, and back."""

import ase
import ase.io
import numpy as np
import pytest
from junctions import LJ, junction
from lattices import KNOWN, STRAINED, lattice_system, small_junction

from nemd_core import StorageError, from_ase
from nemd_core.storage import write_structure
from nemd_core.system import SPECIES

JUNCTIONS = {
    **{name: lambda name=name: lattice_system(name) for name in KNOWN},
    **{f"{name}-periodic": lambda name=name: lattice_system(name, periodic=True) for name in KNOWN},
    "strained": lambda: lattice_system("fcc111", structure__lattice_constant=STRAINED),
    "strained-periodic": lambda: lattice_system(
        "fcc110", periodic=True, structure__lattice_constant=STRAINED
    ),
    "rough": lambda: small_junction(structure__interface={"kind": "rough", "layers": 3}),
    "intermixed-periodic": lambda: small_junction(
        periodic=True, structure__interface={"kind": "intermixed", "layers": 2}
    ),
    "graded": lambda: small_junction(
        structure__interlayer={"layers": 3, "masses": "geometric"}, materials__C={"epsilon": 1, "sigma": 1}
    ),
    "alloy": lambda: junction("fcc", 4, 5, a=1.6, axial=(1.5, 1.7), cross_section=(2, 3), walls=1, species=5),
    "symbols": lambda: small_junction(
        materials={
            side: values | {"symbol": s}
            for (side, values), s in zip(LJ["materials"].items(), ["Si", "Ge"], strict=True)
        }
    ),
}


@pytest.fixture(params=JUNCTIONS)
def system(request):
    return JUNCTIONS[request.param]()


def assert_same(one, other, digits=0.0):
    """Every field; `digits`: what a file may take from a mass."""
    assert one.lattice is other.lattice
    for name in ("lateral", "axial", "cross_section", "n_cells", "first_b_cell", "periodic", "zone"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("species", "cell_region", "positions"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert one.mass == pytest.approx(other.mass, rel=0, abs=digits)
    for s in np.unique(other.species):
        assert one.symbols[s] == other.symbols[s]
    for name, values in other.interfaces.items():
        assert np.array_equal(one.interfaces[name], values), name


def test_round_trip_through_ase(system):
    atoms = system.to_ase()
    crystal = system.lattice.name != "chain"
    assert len(atoms) == system.n_sites
    assert list(atoms.pbc) == [system.periodic, crystal, crystal]
    assert atoms.cell.lengths() == pytest.approx([system.length, *system.sides], rel=1e-15)
    assert np.array_equal(atoms.arrays["material"], np.array(SPECIES)[system.species])
    assert np.array_equal(atoms.arrays["layer"], system.layer_of_site)
    assert atoms.get_chemical_symbols() == [system.symbols[s] for s in system.species]
    assert_same(from_ase(atoms), system)


def test_round_trip_through_a_file(system, tmp_path):
    write_structure(tmp_path / "structure.extxyz", system.to_ase())
    header = (tmp_path / "structure.extxyz").read_text().splitlines()[1]
    for column in ("species", "material", "region", "layer", "masses"):
        assert column in header
    found = from_ase(ase.io.read(tmp_path / "structure.extxyz"))
    assert_same(found, system, digits=5e-9)  # a file keeps eight decimals
    assert [path.name for path in tmp_path.iterdir()] == ["structure.extxyz"]


def test_graded_masses_come_back():
    system = JUNCTIONS["graded"]()
    assert len(np.unique(system.mass)) == 5
    assert np.array_equal(from_ase(system.to_ase()).mass, system.mass)


def test_another_species_or_mass_is_another_junction():
    """Any site may carry any material: what an edit means is unambiguous as long as all that tells it agrees."""
    system = small_junction()
    atoms = system.to_ase()
    atoms.arrays["material"][100], atoms.symbols[100] = "B", "Kr"
    atoms.arrays["masses"][100] = 3.0
    found = from_ase(atoms)
    assert found.species[100] == 1 and found.mass[100] == 3.0 and system.species[100] == 0
    assert (found.species != system.species).sum() == 1


def _move(atoms):
    atoms.positions[7, 1] += 0.01


def _other_material(atoms):
    atoms.arrays["material"][0] = "B"  # and still the symbol of A


def _foreign_material(atoms):
    atoms.arrays["material"][0] = "D"


def _other_symbol(atoms):
    atoms.symbols[0] = "Kr"


def _other_region(atoms):
    atoms.arrays["region"][3] = "cold"


def _foreign_region(atoms):
    atoms.arrays["region"] = np.full(len(atoms), "bath")


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


def _foreign_orientation(atoms):
    atoms.info["orientation"] = 101


def _other_orientation(atoms):
    atoms.info["orientation"] = 110


def _foreign_cross_section(atoms):
    atoms.info["cross_section"] = 3


def _other_cross_section(atoms):
    atoms.info["cross_section"] = np.array([9, 1])


def _other_lateral(atoms):
    atoms.info["lateral"] *= 1.01


def _other_axial(atoms):
    atoms.info["axial"] = np.array([1.58, 1.6])


def _other_side(atoms):
    atoms.info["first_b_cell"] -= 1


def _other_cell(atoms):
    atoms.cell[0] *= 1.01


def _periodic_with_walls(atoms):
    atoms.pbc = True


def _open_sides(atoms):
    atoms.pbc = False


ALTERATIONS = [value for name, value in list(globals().items()) if name.startswith("_") and callable(value)]
ALTERATIONS = [alter for alter in ALTERATIONS if getattr(alter, "__module__", None) == __name__]


@pytest.mark.parametrize("alter", ALTERATIONS, ids=lambda f: f.__name__[1:])
def test_altered_atoms_are_refused(alter):
    """Wherever two pieces of information disagree."""
    atoms = small_junction().to_ase()
    alter(atoms)
    with pytest.raises(StorageError) as caught:
        from_ase(atoms)
    assert "\n" not in str(caught.value) and str(caught.value).startswith("structure: ")


def test_atoms_of_another_program_are_refused():
    with pytest.raises(StorageError, match="lattice is missing"):
        from_ase(ase.Atoms("Ar2", positions=[[0, 0, 0], [1, 0, 0]]))
