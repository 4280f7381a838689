"""Zipped sweeps, baths by mean and difference, the file of a structure and its hash, and nonsense of all kinds."""

import hashlib
import random

import pytest
import yaml
from configurations import CHAIN, FCC, LJ, changed, only_problem, problems, study_problems, write

from nemd_core.config import (
    KEYS,
    STRUCTURE_INPUT,
    config_hash,
    dump_config,
    load_config,
    load_study,
    parse_config,
)
from nemd_core.config_yaml import set_path
from nemd_core.errors import ConfigError

# ---- zip ----


def swept(tmp_path, sweep, base=LJ):
    study = load_study(write(tmp_path / "x.yaml", base | {"sweep": sweep}))
    return study, [tuple(point.values.values()) for point in study.points]


def test_zipped_lists_are_walked_together(tmp_path):
    zipped = {"structure.length.A": [24, 26], "structure.length.B": [24, 28]}
    study, values = swept(tmp_path, {"zip": zipped})
    assert study.swept_keys == list(zipped) and values == [(24, 24), (26, 28)]


def test_zip_is_one_factor_of_the_product(tmp_path):
    zipped = {"structure.length.A": [24, 26], "structure.length.B": [24, 28]}
    study, values = swept(tmp_path, {"run.seed": [1, 2], "zip": zipped, "materials.B.mass": [1, 2]})
    assert study.swept_keys == ["run.seed", "structure.length.A", "structure.length.B", "materials.B.mass"]
    assert len(values) == 8 and values[:3] == [(1, 24, 24, 1.0), (1, 24, 24, 2.0), (1, 26, 28, 1.0)]
    assert study.points[2].config.structure.length.B == 28


def test_several_zips(tmp_path):
    zips = [
        {"structure.length.A": [24, 26], "structure.length.B": [24, 26]},
        {"run.seed": [1, 2, 3], "materials.B.mass": [1, 2, 4]},
    ]
    _, values = swept(tmp_path, {"zip": zips})
    assert values == [(n, n, seed, mass) for n in (24, 26) for seed, mass in ((1, 1.0), (2, 2.0), (3, 4.0))]


@pytest.mark.parametrize(
    ("sweep", "key"),
    [
        ({"zip": 3}, "sweep.zip"),
        ({"zip": {}}, "sweep.zip"),
        ({"zip": []}, "sweep.zip"),
        ({"zip": [{}]}, "sweep.zip"),
        ({"zip": [["run.seed", "run.replicas"]]}, "sweep.zip"),
        ({"zip": {"run.seed": [1, 2], "run.replicas": [1, 2, 3]}}, "sweep.zip.run.replicas"),
        ({"zip": {"run.sed": [1, 2], "run.replicas": [1, 2]}}, "sweep.zip.run.sed"),
        ({"zip": {"run.seed": 1, "run.replicas": [1, 2]}}, "sweep.zip.run.seed"),
        ({"zip": {"run.seed": [], "run.replicas": [1, 2]}}, "sweep.zip.run.seed"),
        ({"zip": {"run": [1, 2], "run.replicas": [1, 2]}}, "sweep.zip.run"),
        ({"zip": {"run.threads": [1, 2], "run.seed": [1, 2]}}, "sweep.zip.run.threads"),
        ({"zip": {"run.seed": [1, 2]}, "run.seed": [1, 2]}, "sweep.zip.run.seed"),
        ({"zip": [{"run.seed": [1, 2]}, {"run.seed": [1, 2]}]}, "sweep.zip.run.seed"),
        ({"zip": {"run.seed": [1, 1], "run.replicas": [2, 2]}}, "sweep"),
        ({"zip": {"run.seed": list(range(400))}, "run.replicas": list(range(1, 400))}, "sweep"),
        ({"zip": {"run.seed": [1, 2]}, "table": "points.csv"}, "sweep.table"),
        ({"zip": {"zip": [1, 2]}}, "sweep.zip.zip"),
    ],
)
def test_wrong_zip(tmp_path, sweep, key):
    found = study_problems(write(tmp_path / "x.yaml", LJ | {"sweep": sweep}))
    assert [problem.key for problem in found] == [key]


# ---- baths by mean and difference ----

MEAN = changed(
    LJ,
    "baths.mean=0.25",
    "baths.difference=0.2",
    without=["baths.hot.temperature", "baths.cold.temperature"],
)


def test_mean_and_difference_are_two_temperatures(tmp_path):
    config = parse_config(MEAN)
    assert (config.baths.hot.temperature, config.baths.cold.temperature) == (0.35, 0.15)
    assert config == parse_config(LJ) and config_hash(config) == config_hash(parse_config(LJ))
    assert "mean" not in dump_config(config)
    assert load_config(write(tmp_path / "dump.yaml", dump_config(config))) == config


def test_rounding_makes_no_other_run():
    config = parse_config(changed(MEAN, "baths.mean=0.3"))
    assert (config.baths.hot.temperature, config.baths.cold.temperature) == (
        0.4,
        0.2,
    )  # 0.3 - 0.1 is 0.19999...


@pytest.mark.parametrize("difference", ["0", "-0.2", "0.5", "2e-1"])
def test_differences(difference):
    baths = parse_config(changed(MEAN, f"baths.difference={difference}")).baths
    assert baths.hot.temperature - baths.cold.temperature == pytest.approx(float(difference))


@pytest.mark.parametrize(
    ("base", "settings", "without", "key"),
    [
        (MEAN, ["baths.difference=0.6"], [], "baths.difference"),
        (MEAN, ["baths.difference=-0.6"], [], "baths.difference"),
        (MEAN, [], ["baths.difference"], "baths.difference"),
        (MEAN, [], ["baths.mean"], "baths.mean"),
        (MEAN, ["baths.mean=-1"], [], "baths.mean"),
        (MEAN, ["baths.mean=warm"], [], "baths.mean"),
        (MEAN, ["baths.difference=.nan"], [], "baths.difference"),
        (MEAN, ["baths.difference=[0.1]"], [], "baths.difference"),
        (MEAN, ["baths.mean=.inf", "baths.difference=0"], [], "baths.mean"),
        (LJ, ["baths.mean=0.25"], [], "baths.mean"),
        (LJ, ["baths.difference=0.25"], ["baths.hot.temperature"], "baths.difference"),
        (MEAN, [], ["baths.hot"], "baths.hot"),
        (MEAN, ["baths.cold=3"], [], "baths.cold"),
        (LJ, [], ["baths.hot.temperature"], "baths.hot.temperature"),
    ],
)
def test_wrong_baths(base, settings, without, key):
    assert only_problem(changed(base, *settings, without=without)).key == key


def test_both_forms_name_what_to_remove():
    found = problems(changed(LJ, "baths.mean=0.25", "baths.difference=0.2"))
    assert [problem.key for problem in found] == ["baths.mean", "baths.difference"]
    assert all("must be absent" in problem.allowed for problem in found)


def test_mean_and_difference_can_be_swept(tmp_path):
    study, values = swept(tmp_path, {"baths.mean": [0.2, "3e-1"], "baths.difference": [0.1]}, MEAN)
    assert study.swept_keys == ["baths.mean", "baths.difference"] and values == [(0.2, 0.1), (0.3, 0.1)]
    assert study.points[1].config.baths.hot.temperature == 0.35
    path = tmp_path / "x.yaml"
    config = load_config(path, {"baths.mean": 0.3, "baths.difference": 0.1})
    assert config == study.points[1].config
    with pytest.raises(ConfigError) as caught:
        load_config(path, {"baths.difference": 0.1})
    assert [problem.key for problem in caught.value.problems] == ["sweep"]


# ---- sections as swept values ----


def test_lattice_constants_can_be_swept(tmp_path):
    sides = {"lateral": 1.58, "A": 1.6, "B": 1.56}
    study, values = swept(tmp_path, {"structure.lattice_constant": [1.58, "auto", sides]})
    assert [value for (value,) in values] == [1.58, "auto", sides]
    assert study.points[2].config.structure.lattice_constant.A == 1.6
    base = changed(LJ, "structure.lattice_constant={lateral: 1.58, A: 1.6, B: 1.56}")
    assert swept(tmp_path, {"structure.lattice_constant.A": [1.58, 1.6]}, base)[1] == [(1.58,), (1.6,)]


# ---- the structure file ----

FILE = changed(LJ, "structure.file=mine.extxyz")


@pytest.fixture
def study_dir(tmp_path):
    (tmp_path / "mine.extxyz").write_text("some atoms\n")
    write(tmp_path / "x.yaml", FILE)
    return tmp_path


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_file_stands_beside_the_config(study_dir, monkeypatch):
    monkeypatch.chdir(study_dir.parent)  # not where the file is
    for config in (
        load_study(study_dir / "x.yaml").points[0].config,
        load_config(f"{study_dir.name}/x.yaml"),
    ):
        assert config.structure.file == str(study_dir / "mine.extxyz")
        assert config.structure.file_sha256 == digest("some atoms\n")
    assert parse_config(FILE).structure.file == "mine.extxyz"


def test_the_hash_is_that_of_the_content(study_dir):
    first = load_config(study_dir / "x.yaml")
    (study_dir / "other.extxyz").write_text("some atoms\n")
    write(study_dir / "y.yaml", set_path(FILE, "structure.file", str(study_dir / "other.extxyz")))
    assert config_hash(load_config(study_dir / "y.yaml")) == config_hash(first)
    (study_dir / "mine.extxyz").write_text("other atoms\n")
    assert config_hash(load_config(study_dir / "x.yaml")) != config_hash(first)
    assert config_hash(first) != config_hash(parse_config(LJ))


def test_a_run_directory_reads_its_own_copy(study_dir):
    config = load_config(study_dir / "x.yaml")
    directory = study_dir / "run"
    directory.mkdir()
    path = write(directory / "config.yaml", dump_config(config))
    assert yaml.safe_load(path.read_text())["structure"]["file"] == STRUCTURE_INPUT
    gone = load_config(path)  # results can be analysed without the file
    (directory / STRUCTURE_INPUT).write_text("some atoms\n")
    again = load_config(path)
    assert again.structure.file == str(directory / STRUCTURE_INPUT)
    assert config_hash(again) == config_hash(config) == config_hash(gone)
    assert dump_config(again) == dump_config(config)
    (directory / STRUCTURE_INPUT).write_text("other atoms\n")
    found = study_problems(path)
    assert [problem.key for problem in found] == ["structure.file_sha256"]
    assert digest("other atoms\n") in found[0].allowed


def test_files_can_be_swept(study_dir):
    (study_dir / "b.extxyz").write_text("other atoms\n")
    study, values = swept(study_dir, {"structure.file": ["mine.extxyz", "b.extxyz"]}, FILE)
    assert values == [("mine.extxyz",), ("b.extxyz",)]
    assert [point.config.structure.file_sha256 for point in study.points] == [
        digest("some atoms\n"),
        digest("other atoms\n"),
    ]


@pytest.mark.parametrize(
    "name", ["none.extxyz", ".", "x.yaml/mine", "a\0b", "a\nb", "n" * 5000, "/proc/self/mem/x"]
)
def test_a_file_that_cannot_be_read(study_dir, name):
    found = study_problems(write(study_dir / "y.yaml", set_path(FILE, "structure.file", name)))
    assert [problem.key for problem in found] == ["structure.file"]
    assert "\n" not in str(found[0])


# ---- nonsense ----

NONSENSE = [
    None, True, 0, -1, 1.5, 10**400, float("nan"), float("inf"), "", "auto", "x" * 1000, "é\n", "1e999", "5e-3", [], [1],
    [[], {}], {}, {"a": 1}, {1: 2}, {"lateral": 1.5}, {"lateral": 1.5, "A": 1, "B": None}, "periodic", "chain", "fcc",
    "diamond", "harmonic", "verlet", "species", "rough", 110, 2, 1e-300, 1e300, {"mass": 1}, {"layers": 2}, {"temperature": 1},
]  # fmt: skip


def test_whatever_is_written_gives_lines(tmp_path):
    """Several keys and sections at a time hold anything; only ConfigError may come out, one line per problem."""
    rng = random.Random(3)
    paths = [
        *KEYS,
        *sorted({key.rpartition(".")[0] for key in KEYS if "." in key}),
        "sweep",
        "sweep.zip",
        "limits",
        "limits.length",
        "limits.length.cells",
        "limits.bath.friction",
        "nosuch.key",
    ]
    refused = 0
    for _ in range(300):
        data = changed(rng.choice([LJ, CHAIN, FCC, MEAN]))
        if rng.random() < 0.2:
            data["limits"] = {"length": {"cells": [30, 40]}, "bias": {"difference": [0.1]}}
            data["limits"] |= {"bath": {"length": [2, 7]}, "timestep": {"timestep": [0.001, "1e-300"]}}
        for key in rng.sample(paths, rng.randrange(1, 5)):
            data = set_path(data, key, rng.choice(NONSENSE))
        try:
            load_study(write(tmp_path / "x.yaml", data))
        except ConfigError as error:
            refused += 1
            lines = str(error).splitlines()
            assert len(lines) == len(error.problems) and all(line.count(": ") >= 2 for line in lines)
    assert refused > 200


def test_a_skin_where_there_is_no_cutoff(tmp_path):
    data = changed(CHAIN, "run.forces=verlet", "run.skin=0.3")
    keys = [problem.key for problem in study_problems(write(tmp_path / "x.yaml", data))]
    assert keys == ["run.forces"]


def test_a_limit_that_mends_what_is_wrong_with_its_base(tmp_path):
    data = changed(CHAIN, "baths.difference=harmonic") | {"limits": {"bias": {"difference": [0.1]}}}
    keys = {problem.key for problem in study_problems(write(tmp_path / "x.yaml", data))}
    assert keys == {"baths.difference"}
