"""Every kind of junction through the pipeline, as small as it can be, up to the table; one as far as the report."""

import json

import ase.io
import pandas as pd
import pytest
import yaml

from nemd_core import build, read_samples
from nemd_core.config import load_config, parse_config
from nemd_core.crystals import lattice_constants

CONFIG = {
    "units": "lj",
    "structure": {
        "lattice": "fcc",
        "lattice_constant": 1.58,
        "cross_section": [3, 3],
        "length": {"A": 10, "B": 10},
    },
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 4.0, "epsilon": 1.0, "sigma": 1.0},
    },
    "interaction": {"potential": "lj", "cutoff": 1.7},
    "baths": {"mean": 0.25, "difference": 0.2, "hot": {"length": 2}, "cold": {"length": 2}},
    "run": {"equilibration_steps": 400, "production_steps": 2000, "block_steps": 400, "threads": 1},
    "fit": {"skip_bath": 0, "skip_interface": 0},
    "theory": None,  # of a disordered interface it takes a minute
}
TABLE = ("--until", "collect_study")
"""What comes after the table knows nothing of junctions."""


@pytest.fixture
def study(tmp_path, snakemake):
    """Run a study made of CONFIG with other `structure` keys and sections; returns (its directory, its summary)."""

    def call(structure, *arguments, **sections):
        config = tmp_path / "junction.yaml"
        data = CONFIG | {"structure": CONFIG["structure"] | structure} | sections
        config.write_text(yaml.safe_dump(data))
        process = snakemake(tmp_path, config, *arguments)
        assert process.returncode == 0, process.stdout
        results = tmp_path / "results" / "junction"
        summary = pd.read_csv(results / "summary.csv")
        assert (summary["status"] == "done").all() and summary["J"].notna().all()
        return results, summary

    return call


def test_disordered_interfaces_with_both_kinds_of_ends(study):
    kinds = {"structure.interface.kind": ["rough", "intermixed"], "structure.ends": ["fixed", "periodic"]}
    results, summary = study({"interface": {"kind": "rough", "layers": 3}}, sweep={"zip": kinds})
    assert len(summary) == 2
    assert (results / "report.html").stat().st_size > 0
    for row in summary.itertuples():
        fields = json.loads((results / row.run / "interface.json").read_text())
        periodic = "ends: periodic" in (results / row.run / "config.yaml").read_text()
        assert len(fields["interfaces"]) == 1 + periodic
        species = read_samples(results / row.run / "samples.h5").layers["species"]
        assert list(species).count("mixed") == 3 * (1 + periodic)  # every layer of the zone


def test_an_interlayer_of_a_third_material(study):
    materials = CONFIG["materials"] | {"C": {"epsilon": 1.0, "sigma": 1.0}}
    results, summary = study(
        {"interlayer": {"layers": 4, "masses": "geometric"}}, *TABLE, materials=materials
    )
    species = read_samples(results / summary["run"][0] / "samples.h5").layers["species"]
    assert list(species).count("C") == 4


def test_a_structure_file(study, tmp_path):
    """A file that puts a single atom of B into A: computed as such, kept beside the run, read from its own copy."""
    atoms = build(parse_config(CONFIG)).to_ase()
    inside = int((atoms.arrays["region"] == "A").nonzero()[0][0])
    material = atoms.arrays["material"].copy()
    material[inside] = "B"
    atoms.set_array("material", material)
    ase.io.write(tmp_path / "mine.extxyz", atoms, format="extxyz")
    results, summary = study({"file": "mine.extxyz"}, *TABLE)
    run = results / summary["run"][0]
    species = read_samples(run / "samples.h5").layers["species"]
    assert list(species).count("mixed") == 1
    assert (run / "input.extxyz").read_bytes() == (tmp_path / "mine.extxyz").read_bytes()
    assert "file: input.extxyz" in (run / "config.yaml").read_text()


def test_relaxed_lattice_constants_are_computed_once(study):
    """Two masses, one pair of crystals: two bulk constants, two axial ones. At T = 0 (lj-harmonic) they are exact."""
    materials = {"A": CONFIG["materials"]["A"], "B": CONFIG["materials"]["B"] | {"epsilon": 2.0}}
    results, summary = study(
        {"lattice_constant": "auto"},
        *TABLE,
        materials=materials,
        interaction={"potential": "lj-harmonic", "cutoff": 1.7},
        sweep={"materials.B.mass": [2.0, 4.0]},
        theory={"mesh": 1, "frequencies": 10},
    )
    crystals = {path.stem: json.loads(path.read_text()) for path in results.glob("crystals/*.json")}
    assert sorted(crystal["kind"] for crystal in crystals.values()) == ["axial", "axial", "bulk", "bulk"]
    for run in summary["run"]:
        assert json.loads((results / run / "crystals.json").read_text()) == crystals
    theory = pd.read_csv(results / "theory.csv")  # of the same constants
    assert theory["status"].tolist() == ["done", "done"]
    for run, key in zip(theory["run"], theory["key"], strict=True):
        predicted = json.loads((results / "theory" / key / "predict.json").read_text())["lattice_constants"]
        constants = lattice_constants(load_config(results / run / "config.yaml"), crystals)
        assert predicted == dict(zip(("lateral", "A", "B"), constants, strict=True))
