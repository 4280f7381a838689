"""configs/README.md is the key table that the models give; the commands that print and check."""

import argparse
import json
from pathlib import Path

import jsonschema
import pytest

from nemd_core.commands_config import add_check, add_schema
from nemd_core.config import KEYS, json_schema, key_table
from nemd_core.config_yaml import read_mapping

CONFIGS = Path(__file__).parents[2] / "configs"


def run(*arguments):
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    add_check(subparsers)
    add_schema(subparsers)
    args = parser.parse_args(list(map(str, arguments)))
    return args.func(args)


def test_the_table_has_not_drifted():
    text = (CONFIGS / "README.md").read_text()
    assert text == key_table(), "run: python -m nemd_core schema --table > configs/README.md"


def test_the_table_has_every_key_with_its_unit():
    for key in KEYS.values():
        row = next(line for line in key_table().splitlines() if line.startswith(f"| `{key.path}` |"))
        assert len(row.split(" | ")) == 5
        numeric = "number" in key.allowed or "integer" in key.allowed
        assert not numeric or key.unit or key.path.endswith(".seed") or key.path == "structure.orientation", (
            f"{key.path} has no unit"
        )
        assert key.description


def test_schema_prints_json(capsys):
    assert run("schema") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Config"
    assert run("schema", "--table") == 0
    assert capsys.readouterr().out == key_table()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_configs_follow_the_schema(path):
    """Editors check files against it; baths by mean and difference, zip and sections that may be missing included."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read_mapping(path), schema)


def test_the_schema_refuses_what_is_no_key():
    data = read_mapping(CONFIGS / "default.yaml")
    for sweep in ({"no.such.key": [1]}, {"zip": {"no.such.key": [1]}}, {"run.seed": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(data | {"sweep": sweep}, json_schema())


LIMITS = {
    "length": {"cells": [16, {"A": 16, "B": 20}], "run.seed": [1, 2]},
    "bias": {"difference": [-0.2, 0.1]},
    "cross_section": {"cells": [4, [4, 6]]},
    "bath": {"friction": [0.3], "length": [3], "ramp": [False, True]},
    "timestep": {"timestep": [0.01]},
}


def test_the_schema_has_limits_and_until():
    data = read_mapping(CONFIGS / "default.yaml") | {"limits": LIMITS}
    data["run"] |= {"until": {"relative_error": 0.02, "max_steps": 4_000_000}}
    data["fit"] = "auto"
    jsonschema.validate(data, json_schema())


@pytest.mark.parametrize(
    "limits",
    [
        [],
        {"lenght": {"cells": [16]}},
        {"length": [16]},
        {"length": {"cells": 16}},
        {"length": {"cells": [{"A": 16}]}},
        {"length": {"run.seed": [1, 2]}},
        {"length": {"cells": [16], "no.such.key": [1]}},
        {"bath": {}},
        {"bath": {"ramp": [1]}},
        {"timestep": {"timestep": ["short"]}},
    ],
)
def test_the_schema_refuses_what_is_no_limit(limits):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read_mapping(CONFIGS / "default.yaml") | {"limits": limits}, json_schema())


def test_the_table_has_the_limits():
    rows = [line for line in key_table().splitlines() if line.startswith("| `limits")]
    assert len(rows) == 8 and all(len(row.split(" | ")) == 5 for row in rows)
    assert "| a list, each an integer from 1 to 1000000 or a mapping with the keys A, B | cells |" in rows[1]


def test_check_looks_at_every_point_of_the_limits(tmp_path, capsys):
    path = tmp_path / "x.yaml"
    path.write_text((CONFIGS / "default.yaml").read_text() + "limits: {length: {cells: [36, 54]}}\n")
    assert run("check", path) == 0
    assert "12 runs" in capsys.readouterr().out
    path.write_text(path.read_text().replace("54]", "5]"))
    assert run("check", path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all(line.startswith("limits.length.cells: 5: baths.") for line in lines)


def test_check_accepts_a_shipped_config(capsys):
    assert run("check", CONFIGS / "default.yaml") == 0
    assert "4 runs" in capsys.readouterr().out


def test_check_refuses_with_one_line_per_problem(tmp_path, capsys):
    path = tmp_path / "x.yaml"
    text = (CONFIGS / "default.yaml").read_text()
    path.write_text(text.replace("temperature: 0.35", "temperature: -0.1").replace("friction", "frction"))
    assert run("check", path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert any(line.startswith("baths.hot.temperature: -0.1: ") for line in lines)
    assert any(line.startswith("baths.frction: ") and "baths.friction?" in line for line in lines)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["none.yaml", ""])
def test_check_refuses_what_is_no_file(tmp_path, capsys, name):
    assert run("check", tmp_path / name) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
