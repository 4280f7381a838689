"""What `predict` says of small junctions, the files it writes, the command, and what it refuses."""

import csv
import json
import math

import numpy as np
import pytest
from configurations import CHAIN, LJ, changed, write

from nemd_core import predict
from nemd_core.__main__ import main
from nemd_core.config import load_config, parse_config
from nemd_core.errors import ConfigError, PhysicsError, StorageError
from nemd_core.theory.prediction_files import theory_hash
from nemd_core.units import ARGON

STEP = changed(CHAIN, "materials.B.mass=4", "structure.length={A: 30, B: 30}")
FCC = changed(
    LJ,
    "structure.cross_section=[4, 4]",
    "structure.length={A: 16, B: 16}",
    "interaction.cutoff=1.7",
    "interaction.potential=lj-harmonic",
    "baths={hot: {temperature: 0.2, length: 3}, cold: {temperature: 0.1, length: 3}}",
    "theory={mesh: 4, frequencies: 40, temperatures: [0.01, 5.0]}",
)
LEVEL = ("G_classical", "R_two_probe", "R_four_probe", "R_nemd", "G_AA", "G_BB")


@pytest.fixture(scope="module")
def step():
    return predict(parse_config(STEP))


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    """An fcc junction: its fields, and the directory with its files."""
    directory = tmp_path_factory.mktemp("fcc") / "theory"
    return predict(parse_config(FCC), directory), directory


def read_columns(path):
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def numbers(columns, name):
    return np.array(columns[name], float)


# ---- numbers ----


@pytest.mark.parametrize(
    ("settings", "G", "two_probe", "four_probe", "nemd"),
    [
        (["materials.B.mass=4"], 0.127277, 7.857, 3.145, 4.096),
        (["materials.B.mass=2"], 0.206157, 4.851, 1.058, 1.7626),
        (["materials.B.stiffness=2"], 0.307018, 3.257, 0.5756, 1.0074),
        ([], 1 / math.pi, math.pi, 0.0, 0.0),
    ],
)
def test_chains_have_the_values_of_two_semi_infinite_ones(settings, G, two_probe, four_probe, nemd):
    fields = predict(parse_config(changed(CHAIN, "structure.length={A: 30, B: 30}", *settings)))
    assert fields["G_classical"] == pytest.approx(G, abs=1e-5)
    found = [fields[name] for name in ("R_two_probe", "R_four_probe", "R_nemd")]
    assert found == pytest.approx([two_probe, four_probe, nemd], abs=6e-4)  # as many digits as are given
    assert not fields["warnings"]


def test_numbers_are_made_of_each_other(step):
    G, G_AA, G_BB = (step[name] for name in ("G_classical", "G_AA", "G_BB"))
    assert (G_AA, G_BB) == pytest.approx((1 / math.pi, 0.5 / math.pi), rel=1e-5)  # w_max/2pi
    assert step["R_two_probe"] == pytest.approx(1 / G)
    assert step["R_four_probe"] == pytest.approx(1 / G - (1 / G_AA + 1 / G_BB) / 2)
    assert {name: step["infinite_cross_section"][name] for name in LEVEL} == {
        name: step[name] for name in LEVEL
    }


def test_bulk_of_a_chain(step):
    A, B = step["bulk"]["A"], step["bulk"]["B"]
    assert (A["w_max"], B["w_max"]) == pytest.approx((2.0, 1.0))
    assert A["sound_velocities"] == pytest.approx([1.0]) and B["sound_velocities"] == pytest.approx([0.5])
    assert A["elastic_constants"] == [pytest.approx([1.0])]
    # g = 2/(pi sqrt(w_max² - w²)): min(g_A, g_B) = g_A up to w = 1
    assert step["dos_overlap"] == pytest.approx(2 / math.pi * math.asin(0.5), abs=2e-3)


def test_quantum_conductance_of_a_chain_starts_with_its_quantum(step):
    """G = tau(0) pi²/3 k_B² T/h at low T, tau(0) = 4 Z1 Z2/(Z1 + Z2)² = 8/9; at high T the classical value."""
    fields = predict(parse_config(changed(STEP, "theory.temperatures=[0.001, 2.0]")))
    cold, hot = fields["quantum"]
    assert cold["G"] == pytest.approx(8 / 9 * math.pi**2 / 3 * 0.001 / (2 * math.pi * ARGON.hbar), rel=2e-3)
    assert hot["G"] == pytest.approx(fields["G_classical"], rel=1e-4)
    assert hot["temperature_K"] == pytest.approx(2 * 119.8)


def test_quantum_conductance_of_a_crystal_rises_as_the_cube_of_temperature():
    temperatures = [0.004, 0.008, 5.0]
    fields = predict(parse_config(changed(FCC, "theory.mesh=8", f"theory.temperatures={temperatures}")))
    G = [row["G"] for row in fields["quantum"]]
    assert math.log2(G[1] / G[0]) == pytest.approx(3.0, abs=0.1)
    plateau = fields["infinite_cross_section"][
        "G_classical"
    ]  # on the plain mesh, without the finer zones of the quantum sum
    assert G[2] == pytest.approx(plateau, rel=0.05)
    assert 0 < fields["landauer_flux"]["J_quantum"] < fields["landauer_flux"]["J_classical"]
    assert fields["si"]["landauer_flux"]["T_hot"]["unit"] == "K"


def test_si_is_the_same_in_the_units_of_the_field(crystal):
    fields, _ = crystal
    units, si = fields["units"], fields["si"]
    assert units["R_nemd"] == "tau sigma^2/k_B" and units["J"] == "epsilon/(tau sigma^2)"
    for values, twins in ((fields, si), (fields["infinite_cross_section"], si["infinite_cross_section"])):
        for name in LEVEL:
            value, unit = ARGON.to_field(values[name], name)
            assert twins[name] == {"value": pytest.approx(value), "unit": unit}
    w, v = fields["bulk"]["A"]["w_max"], fields["bulk"]["A"]["sound_velocities"]
    tau = ARGON.unit("time")
    assert si["bulk"]["A"]["w_max"] == {"value": pytest.approx(w / (2 * math.pi * tau) / 1e12), "unit": "THz"}
    assert si["bulk"]["A"]["sound_velocities"]["value"] == pytest.approx([x * ARGON.sigma / tau for x in v])
    assert si["quantum"][0]["temperature"] == {"value": pytest.approx(0.01 * 119.8), "unit": "K"}


# ---- files ----


def test_predict_json_holds_all_that_is_asked_for(crystal):
    fields, directory = crystal
    assert json.loads((directory / "predict.json").read_text()) == json.loads(
        json.dumps(fields, allow_nan=False)
    )
    names = {
        "quantum",
        "convergence",
        "units",
        "si",
        "bulk",
        "dos_overlap",
        "unresolved",
        "warnings",
        "potential",
    }
    names |= {"version", "theory_hash", "lattice_constants", "infinite_cross_section", *LEVEL}
    assert names <= fields.keys() and "exact" not in fields
    assert fields["theory_hash"] == theory_hash(parse_config(FCC))
    assert fields["lattice_constants"] == {"lateral": 1.58, "A": 1.58, "B": 1.58}
    assert fields["wave_vectors"] == 32 and fields["infinite_cross_section"]["wave_vectors"] == 16
    assert {"frequencies", "mesh", "eta", "mismatch"} <= fields["convergence"].keys()
    assert not list(directory.glob(".*"))


def test_tables_belong_to_the_numbers(crystal):
    fields, directory = crystal
    table = read_columns(directory / "transmission.csv")
    tau, w = numbers(table, "transmission"), numbers(table, "frequency")
    for side in "AB":
        assert (tau <= numbers(table, f"modes_{side}") * (1 + 1e-6) + 1e-6).all() and (tau >= -1e-9).all()
    assert numbers(table, "accumulation")[-1] == pytest.approx(fields["G_classical"], rel=1e-6)
    assert (np.diff(w) > 0).all()
    np.testing.assert_allclose(numbers(table, "frequency_THz"), w / (2 * np.pi * ARGON.unit("time") * 1e12))

    maps = read_columns(directory / "transmission_map.csv")
    G = fields["infinite_cross_section"]["G_classical"]
    assert len(maps["k_y"]) == 16 and numbers(maps, "G").mean() == pytest.approx(G, rel=1e-6)

    dos = read_columns(directory / "dos.csv")
    w = numbers(dos, "frequency")
    edges = np.concatenate([[0.0], (w[1:] + w[:-1]) / 2, [w[-1] + (w[-1] - w[-2]) / 2]])
    for side in "AB":
        assert numbers(dos, f"dos_{side}") @ np.diff(edges) == pytest.approx(1.0, abs=0.02)

    bands = read_columns(directory / "dispersion.csv")
    assert set(bands["side"]) == {"A", "B"} and {"G", "X", "L"} <= set(bands["label"])
    highest = max(numbers(bands, "w_3")[: bands["side"].index("B")])
    assert highest == pytest.approx(fields["bulk"]["A"]["w_max"])

    quantum = read_columns(directory / "conductance.csv")
    np.testing.assert_allclose(numbers(quantum, "G"), [row["G"] for row in fields["quantum"]])
    assert not (directory / "exact_profile.csv").exists()


def test_a_prediction_replaces_the_one_before(tmp_path):
    (tmp_path / "exact_profile.csv").write_text("of another configuration\n")
    predict(parse_config(STEP), tmp_path)
    assert not (tmp_path / "exact_profile.csv").exists() and not (tmp_path / "transmission_map.csv").exists()


def test_a_directory_that_cannot_be_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="is a file; a directory is needed"):
        predict(parse_config(STEP), tmp_path / "file")
    with pytest.raises(StorageError, match="cannot be made"):
        predict(parse_config(STEP), tmp_path / "file" / "below")


# ---- zeros, warnings, refusals ----


def test_sides_that_nothing_joins_pass_nothing_and_say_why():
    config = parse_config(changed(STEP, "interaction.cross.stiffness=1e-300"))
    fields = predict(config)
    assert fields["G_classical"] == 0.0 and fields["R_nemd"] is None
    assert set(fields["unresolved"]) == {"R_two_probe", "R_four_probe", "R_nemd"}
    assert "nothing passes" in fields["unresolved"]["R_nemd"]
    assert fields["si"]["R_nemd"]["value"] is None
    (warning,) = predict(config, exact=True)["warnings"]
    assert warning.startswith("exact: ") and warning.endswith("R_K is not known")


def test_imaginary_modes_are_refused(tmp_path):
    """Far beyond its spacing at rest the crystal has no stable vibrations."""
    config = parse_config(FCC)
    stretched = config.model_copy(
        update={"structure": config.structure.model_copy(update={"lattice_constant": 2.0})}
    )
    with pytest.raises(PhysicsError) as caught:
        predict(stretched, tmp_path)
    assert len(str(caught.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_side_that_is_too_short_is_refused():
    config = parse_config(
        changed(STEP, "structure.length={A: 4, B: 30}", "fit={skip_bath: 0, skip_interface: 0}")
    )
    short = config.model_copy(
        update={
            "structure": config.structure.model_copy(
                update={"length": config.structure.length.model_copy(update={"A": 2})}
            )
        }
    )
    with pytest.raises(ConfigError, match=r"structure.length.A"):
        predict(short)


def test_theory_that_is_switched_off(tmp_path):
    path = write(tmp_path / "x.yaml", STEP | {"theory": None})
    with pytest.raises(ConfigError, match=r"^theory: empty: must be a mapping, or be left out"):
        predict(load_config(path))


def test_the_exact_state_of_a_uniform_chain(tmp_path):
    """Rieder, Lebowitz and Lieb: one bath site at each end, friction 1, flat profile at the mean temperature."""
    fields = predict(parse_config(CHAIN), tmp_path, exact=True)
    exact = fields["exact"]
    assert [exact[name] for name in ("J", "J_hot", "J_cold")] == pytest.approx([0.1909830] * 3, abs=1e-6)
    assert exact["R_K"] == pytest.approx(0.0, abs=1e-3)  # the ends bend the profile a few sites deep
    assert exact["T_A"] - exact["T_B"] == pytest.approx(exact["delta_T"])
    assert fields["si"]["exact"]["J"] == {"value": pytest.approx(0.1909830 * 0.76704, rel=1e-3), "unit": "nW"}
    profile = read_columns(tmp_path / "exact_profile.csv")
    assert profile["region"][0] == "hot" and profile["region"][-1] == "cold"
    inside = {name: np.array(profile[name][12:28], float) for name in ("temperature", "flux")}
    np.testing.assert_allclose(inside["temperature"], 1.0, atol=1e-6)
    np.testing.assert_allclose(inside["flux"], 0.1909830, atol=1e-6)
    fitted = [float(value) for value in profile["fitted"] if value]
    assert len(fitted) == exact["fit_A"]["n_layers"] + exact["fit_B"]["n_layers"]
    assert json.loads((tmp_path / "predict.json").read_text())["exact"] == exact


def test_the_exact_state_is_of_linear_forces():
    with pytest.raises(ConfigError, match=r"^interaction.potential: lj: exact needs harmonic or lj-harmonic"):
        predict(parse_config(changed(FCC, "interaction.potential=lj")), exact=True)


# ---- the command ----


def test_command(tmp_path, capsys):
    path = write(tmp_path / "x.yaml", STEP | {"sweep": {"materials.B.mass": [2, 4]}})
    arguments = ["predict", str(path), "-o", str(tmp_path / "out")]
    assert main(arguments) == 2  # a sweep
    assert capsys.readouterr().err.startswith("sweep: materials.B.mass: one run has no sweep")
    assert main([*arguments, "--set", "materials.B.mass=4"]) == 0
    out = capsys.readouterr().out
    assert "R_nemd         4.096" in out and "R_two_probe" in out
    assert "cross-section" not in out  # a chain has none
    assert "< 0.0001 % with half the frequencies" in out
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"predict.json", "transmission.csv", "dispersion.csv", "dos.csv", "conductance.csv"} <= names
    assert {"transmission.png", "phonons.png"} <= names


def test_command_says_what_is_wrong_in_one_line(tmp_path, capsys):
    path = write(tmp_path / "x.yaml", STEP)
    assert main(["predict", str(path), "-o", str(path)]) == 2
    assert main(["predict", str(path), "-o", str(tmp_path / "out"), "--set", "theory.mesh=0"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{path}: is a file; a directory is needed",
        "theory.mesh: 0: must be an integer from 1 to 1000",
    ]
    assert not (tmp_path / "out").exists()
