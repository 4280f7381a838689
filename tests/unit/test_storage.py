"""Files: what is written is read back; what is not complete, or not ours, is refused in one line."""

import dataclasses
import json

import h5py
import numpy as np
import pytest
import synthetic

from nemd_core import StorageError, read_run_info, read_samples
from nemd_core.storage import atomic, write_json, write_samples, write_structure, write_text


@pytest.fixture
def samples():
    found, _ = synthetic.make_periodic(n_rep=2, n_rows=5)
    found.flux_species = found.flux[:, :, 0]
    found.attrs.update(version="1.2.3", config_hash="abc", seed=7)
    return found


@pytest.fixture
def path(tmp_path, samples):
    write_samples(tmp_path / "samples.h5", samples)
    return tmp_path / "samples.h5"


def refused(read, path):
    """The one line in which `read` refuses a path."""
    with pytest.raises(StorageError) as caught:
        read(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)
    assert caught.value.exit_status == 2
    return str(caught.value)


# --- samples.h5 -----------------------------------------------------------------------------------------------


def test_samples_round_trip(path, samples):
    found = read_samples(path)
    for field in dataclasses.fields(samples):
        value, back = getattr(samples, field.name), getattr(found, field.name)
        if isinstance(value, dict):
            assert value.keys() == back.keys(), field.name
            for key in value:
                assert np.array_equal(value[key], back[key]), key
        else:
            assert np.array_equal(value, back), field.name
            assert np.asarray(value).dtype.kind == np.asarray(back).dtype.kind, field.name
    assert found.layers["region"].dtype.kind == "U"


def test_samples_file_has_the_layout_of_the_design(path, samples):
    n_rep, n_rows, n_layers, n_planes = 2, 5, len(samples.layers["x0"]), len(samples.planes["x0"])
    with h5py.File(path) as file:
        assert set(file["layers"]) == {"x0", "x_mean", "region", "species", "n_sites", "friction"}
        assert all(values.shape == (n_layers,) for values in file["layers"].values())
        series = file["series"]
        measured = {"temperature", "flux", "flux_species", "heat_hot", "heat_cold", "energy", "stress"}
        assert set(series) == {"step"} | measured
        assert series["temperature"].shape == (n_rep, n_rows, n_layers)
        assert series["flux"].shape == (n_rep, n_rows, n_planes)
        for name in ("heat_hot", "heat_cold", "energy", "flux_species"):
            assert series[name].shape == (n_rep, n_rows)
        assert series["stress"].shape == (n_rep, n_rows, 2)
        assert series["step"].shape == (n_rows,)
        for name in measured:
            assert series[name].attrs["unit"] and series[name].attrs["description"]
        assert "from A to B" in series["flux"].attrs["description"]  # the sign
        assert file["layers/x0"].attrs["unit"] == "sigma" and file["planes/x0"].attrs["unit"] == "sigma"
        assert file["layers/friction"].attrs["unit"] == "1/tau"
        assert {name: values[()].tolist() for name, values in file["interfaces"].items()} == {
            "plane": [34, 0],
            "left": [33, 67],
            "right": [34, 0],
            "direction": [1, -1],
        }
        assert file.attrs["units"] == "lj" and file.attrs["period"] == 68.0
        assert file.attrs["seed"] == 7 and file.attrs["config_hash"] == "abc"


def test_the_flux_by_species_is_optional(tmp_path, samples):
    write_samples(tmp_path / "samples.h5", dataclasses.replace(samples, flux_species=None))
    assert read_samples(tmp_path / "samples.h5").flux_species is None
    with h5py.File(tmp_path / "samples.h5") as file:
        assert "flux_species" not in file["series"]


def test_samples_of_the_first_format_are_named_as_such(path):
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "nemd-samples-1"
        del file["interfaces"]
    message = refused(read_samples, path)
    assert "older version (format nemd-samples-1, now nemd-samples-2)" in message and "--overwrite" in message


def test_missing_file(tmp_path):
    assert "no such file" in refused(read_samples, tmp_path / "samples.h5")
    refused(read_samples, tmp_path)  # a directory


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(read_samples, path)


@pytest.mark.parametrize("content", [b"", b"layers: none\n", b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_foreign_bytes(tmp_path, content):
    path = tmp_path / "samples.h5"
    path.write_bytes(content)
    refused(read_samples, path)


def test_foreign_hdf5(tmp_path):
    path = tmp_path / "samples.h5"
    with h5py.File(path, "w") as file:
        file["series"] = np.arange(3)
    assert "format" in refused(read_samples, path)


def test_file_of_another_format_version(path):
    with h5py.File(path, "a") as file:
        file.attrs["format"] = "nemd-samples-999"
    assert "format" in refused(read_samples, path)


@pytest.mark.parametrize(
    "name",
    [
        *("layers", "planes", "interfaces", "series"),
        *("series/step", "series/flux", "series/temperature", "series/energy", "series/stress"),
    ],
)
def test_missing_part(path, name):
    with h5py.File(path, "a") as file:
        del file[name]
    refused(read_samples, path)


@pytest.mark.parametrize(
    ("where", "name"),
    [("/", "area"), ("/", "timestep"), ("/", "units"), ("/", "period"), ("series", "energy_start")],
)
def test_missing_attribute(path, where, name):
    with h5py.File(path, "a") as file:
        del file[where].attrs[name]
    refused(read_samples, path)


def test_group_where_a_dataset_belongs(path):
    with h5py.File(path, "a") as file:
        del file["series/flux"]
        file.create_group("series/flux")
    refused(read_samples, path)


# --- run.json -------------------------------------------------------------------------------------------------


def test_run_info_round_trip(tmp_path):
    info = {"status": "done", "steps": 3, "energy_audit": {"drift": 1e-300, "passed": True}}
    write_json(tmp_path / "run.json", info)
    assert read_run_info(tmp_path) == info
    assert json.loads((tmp_path / "run.json").read_text()) == info


@pytest.mark.parametrize("content", [None, b"", b'{"status": "do', b"\xff\xfe", b"[1, 2]", b'"done"'])
def test_bad_run_info(tmp_path, content):
    if content is not None:
        (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(StorageError) as caught:
        read_run_info(tmp_path)
    assert "\n" not in str(caught.value) and "run.json" in str(caught.value)


# --- atomic writes --------------------------------------------------------------------------------------------


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "x.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == []


def test_a_write_that_fails_keeps_what_was_there(tmp_path):
    path = tmp_path / "x.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt), atomic(path) as temporary:
        temporary.write_text("half")
        assert path.read_text() == "old" and temporary.parent == tmp_path
        raise KeyboardInterrupt
    assert names(tmp_path) == ["x.txt"] and path.read_text() == "old"
    write_text(path, "new")
    assert names(tmp_path) == ["x.txt"] and path.read_text() == "new"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}])
def test_json_that_cannot_be_written(tmp_path, value):
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "run.json", {"value": value})
    assert names(tmp_path) == []


def test_samples_that_cannot_be_written(tmp_path, samples):
    samples.layers["region"] = np.array([None, "hot"], dtype=object)
    with pytest.raises(TypeError):
        write_samples(tmp_path / "samples.h5", samples)
    assert names(tmp_path) == []


def test_structure_that_cannot_be_written(tmp_path):
    with pytest.raises(Exception, match=r".*"):
        write_structure(tmp_path / "structure.extxyz", "no atoms")
    assert names(tmp_path) == []
