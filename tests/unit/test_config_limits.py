"""`limits`: the points around a base, what tells them from it, and a line that names the limit for all that is wrong."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from configurations import CHAIN, LJ, changed, problems, study_problems, write

from nemd_core.config import Limit, config_hash, load_config, load_study, parse_config, run_id
from nemd_core.config_parameters import LIMITS
from nemd_core.errors import ConfigError

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
ROOM = changed(LJ, "fit=auto")
"""Has room for shorter slabs."""


def study_of(tmp_path, limits, base=ROOM, sweep=None):
    """Return the study of a base with limits, written as YAML text."""
    data = base | {"limits": yaml.safe_load(limits)} | ({"sweep": sweep} if sweep else {})
    return load_study(write(tmp_path / "x.yaml", data))


def wrong(tmp_path, limits, base=ROOM, sweep=None):
    """Return the lines of the problems."""
    with pytest.raises(ConfigError) as caught:
        study_of(tmp_path, limits, base, sweep)
    lines = [str(problem) for problem in caught.value.problems]
    assert str(caught.value).splitlines() == lines and len(set(lines)) == len(lines)
    return lines


def config_of(study, limit, value):
    run = limit.run_ids[limit.values.index(value)]
    return next(point.config for point in study.points if point.run_id == run)


def changes(config, base):
    """Return {dotted key: value} in which a config differs from its base."""

    def walk(a, b, path):
        if isinstance(a, dict) and isinstance(b, dict):
            for key in a:
                yield from walk(a[key], b[key], f"{path}.{key}".strip("."))
        elif a != b:
            yield path, a

    return dict(walk(config.model_dump(), base.model_dump(), ""))


# ---- what is around a base ----

TWICE = {"structure.length.A": 48, "structure.length.B": 48}


@pytest.mark.parametrize(
    ("name", "block", "values", "value", "expected"),
    [
        ("length", "cells: [16, 48]", [16, 24, 48], 48, TWICE),
        ("length", "cells: [16, 24, 48]", [16, 24, 48], 48, TWICE),
        ("length", "cells: [4.8e1, '1.6e1']", [16, 24, 48], 48, TWICE),
        ("length", "cells: [{A: 24, B: 28}]", [24, {"A": 24, "B": 28}], {"A": 24, "B": 28}, {"structure.length.B": 28}),
        ("length", "cells: [{A: 24, B: 24}, {A: 48, B: 48}]", [24, 48], 48, TWICE),
        ("bias", "difference: [0.1]", [0.1, 0.2], 0.1, {"baths.hot.temperature": 0.3, "baths.cold.temperature": 0.2}),
        (
            "bias",
            "difference: [0.3, -0.2]",
            [-0.2, 0.2, 0.3],
            -0.2,
            {"baths.hot.temperature": 0.15, "baths.cold.temperature": 0.35},
        ),
        ("cross_section", "cells: [4, 8]", [4, 6, 8], 4, {"structure.cross_section": (4, 4)}),
        ("cross_section", "cells: [[4, 6], [8, 8]]", [[4, 6], 6, 8], [4, 6], {"structure.cross_section": (4, 6)}),
        ("bath", "friction: [0.3, 1, 3]", [0.3, 1.0, 3.0], 3.0, {"baths.friction": 3.0}),
        (
            "bath",
            "length: [3, 12]",
            [3, 6, 12],
            12,
            {"baths.hot.length": 12, "baths.cold.length": 12, "structure.length.A": 30, "structure.length.B": 30},
        ),
        ("bath", "ramp: [true]", [False, True], True, {"baths.ramp": True}),
        (
            "timestep",
            "timestep: [0.0025, 0.01]",
            [0.0025, 0.005, 0.01],
            0.0025,
            {"run.timestep": 0.0025, "run.equilibration_steps": 200_000, "run.production_steps": 800_000},
        ),
    ],
)  # fmt: skip
def test_points_of_a_limit(tmp_path, name, block, values, value, expected):
    study = study_of(tmp_path, f"{name}: {{{block}}}")
    (limit,) = study.limits
    base = parse_config(ROOM)
    assert limit._replace(run_ids=[]) == Limit({}, name, block.split(":")[0], values, [], run_id(base))
    assert changes(config_of(study, limit, value), base) == expected
    assert study.points[0].config == base and limit.base in limit.run_ids
    assert [point.run_id for point in study.points].count(limit.base) == 1
    assert len(study.points) == len(values) == len(set(limit.run_ids))


def test_the_columns_are_the_keys_that_limits_change(tmp_path):
    limits = "{length: {cells: [36]}, bias: {difference: [0.1]}, bath: {ramp: [true]}}"
    study = study_of(tmp_path, limits, sweep={"run.seed": [1, 2]})
    assert study.swept_keys == ["run.seed"]
    columns = "run.seed structure.length.A structure.length.B baths.hot.temperature baths.cold.temperature baths.ramp"
    assert all(list(point.values) == columns.split() for point in study.points)
    assert list(study.points[0].values.values()) == [1, 24, 24, 0.35, 0.15, False]
    assert [list(point.values.values()) for point in study.points[2:5]] == [
        [1, 36, 36, 0.35, 0.15, False],
        [1, 24, 24, 0.3, 0.2, False],
        [1, 24, 24, 0.35, 0.15, True],
    ]
    assert all(point.run_id == run_id(point.config) for point in study.points)


def test_each_point_of_a_sweep_is_a_base(tmp_path):
    study = study_of(tmp_path, "{bath: {friction: [3], length: [3]}}", sweep={"materials.B.mass": [1, 4]})
    assert len(study.points) == 2 * (1 + 1 + 1)
    assert [(limit.case, limit.parameter) for limit in study.limits] == [
        ({"materials.B.mass": mass}, parameter) for mass in (1.0, 4.0) for parameter in ("friction", "length")
    ]
    assert [limit.base for limit in study.limits] == [study.points[i].run_id for i in (0, 0, 1, 1)]
    for limit in study.limits:
        masses = {config_of(study, limit, value).materials.B.mass for value in limit.values}
        assert masses == {limit.case["materials.B.mass"]}


def test_points_that_are_equal_are_one_run(tmp_path):
    sweep = {"zip": {"structure.length.A": [24, 36], "structure.length.B": [24, 36]}}
    study = study_of(tmp_path, "{length: {cells: [24, 36, 48]}}", sweep=sweep)
    assert len(study.points) == 3 and len(study.limits) == 2
    assert study.limits[0].run_ids == study.limits[1].run_ids
    assert study.limits[0].base != study.limits[1].base
    assert [tuple(point.values.values()) for point in study.points] == [(24, 24), (36, 36), (48, 48)]


def test_keys_beside_a_list_go_along(tmp_path):
    block = "{length: {cells: [36, 48], run.production_steps: [6e5, 800000], fit: [auto, {skip_bath: 3}]}}"
    study = study_of(tmp_path, block)
    base, limit = parse_config(ROOM), study.limits[0]
    fit = {"skip_bath": 3.0, "skip_interface": 4.0, "model": "linear"}
    assert changes(config_of(study, limit, 48), base) == TWICE | {"run.production_steps": 800_000, "fit": fit}
    assert list(study.points[2].values.values()) == [48, 48, 800_000, fit]
    assert study.points[0].values["fit"] == "auto"


def test_a_listed_value_of_the_base_may_have_what_the_base_has_beside_it(tmp_path):
    study = study_of(tmp_path, "{length: {cells: [24, 36, 36], run.seed: [1, 2, 2]}}")
    assert study.limits[0].values == [24, 36] and len(study.points) == 2


def test_the_mean_of_the_bias_is_that_of_the_base(tmp_path):
    baths = ["baths.mean=3e-1", "baths.difference=0.1"]
    base = changed(LJ, *baths, without=["baths.hot.temperature", "baths.cold.temperature"])
    study = study_of(tmp_path, "{bias: {difference: [-0.1, 0.2]}}", base, {"baths.difference": [0.1, 0.3]})
    assert [limit.values for limit in study.limits] == [[-0.1, 0.1, 0.2], [-0.1, 0.2, 0.3]]
    rows = {tuple(point.values.values()) for point in study.points}
    assert rows == {(0.1, 0.35, 0.25), (0.3, 0.45, 0.15), (-0.1, 0.25, 0.35), (0.2, 0.4, 0.2)}


def test_bath_length_leaves_the_free_slab(tmp_path):
    base = changed(ROOM, "structure.length.B=30", "structure.ends=periodic")
    study = study_of(tmp_path, "{bath: {length: [2, 8, 12]}}", base)
    for value, (a, b) in zip([2, 6, 8, 12], [(20, 26), (24, 30), (26, 32), (30, 36)], strict=True):
        length = config_of(study, study.limits[0], value).structure.length
        assert (length.A, length.B) == (a, b)


def test_steps_that_follow_the_time_step_are_whole_rows_and_never_shorter(tmp_path):
    steps = ["run.equilibration_steps=0", "run.production_steps=40000", "run.series_steps=400"]
    base = changed(ROOM, *steps, "run.until={relative_error: 0.1, max_steps: 80000}")
    study = study_of(tmp_path, "{timestep: {timestep: [0.003, 0.007, 0.01]}}", base)
    runs = [config_of(study, study.limits[0], value).run for value in (0.003, 0.007, 0.01)]
    assert [run.production_steps for run in runs] == [66_800, 28_800, 20_000]
    assert [run.until.max_steps for run in runs] == [133_600, 57_200, 40_000]
    assert all(run.equilibration_steps == 0 for run in runs)
    for run in runs:
        assert 0 <= run.production_steps * run.timestep - 200 < 400 * run.timestep
    assert study.points[0].values["run.until.max_steps"] == 80_000


def test_steps_beside_the_time_step_count(tmp_path):
    study = study_of(tmp_path, "{timestep: {timestep: [0.01], run.production_steps: [300000]}}")
    run = config_of(study, study.limits[0], 0.01).run
    assert (run.equilibration_steps, run.production_steps) == (50_000, 300_000)


def test_a_run_alone_is_the_base(tmp_path):
    path = write(tmp_path / "x.yaml", ROOM | {"limits": {"length": {"cells": [36]}}})
    assert load_config(path) == parse_config(ROOM)
    assert load_config(path, {"structure.length.A": 30}).structure.length.A == 30
    with pytest.raises(ConfigError) as caught:
        load_config(write(path, ROOM | {"limits": {"length": {"cells": ["long"]}}}))
    assert [problem.key for problem in caught.value.problems] == ["limits.length.cells"]


@pytest.mark.parametrize("limits", [None, {}])
def test_no_limits(tmp_path, limits):
    study = load_study(write(tmp_path / "x.yaml", ROOM | {"limits": limits}))
    assert study.limits == [] and len(study.points) == 1 and study.points[0].values == {}


# ---- what is wrong ----

CELLS = "must be an integer from 1 to 1000000 or a mapping with the keys A, B"


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ("[1]", "limits: [1]: must be a mapping with some of length, bias, cross_section, bath, timestep"),
        ("{lenght: {cells: [36]}}", "limits.lenght: unknown: no such limit; there are length, bias, cross_section, bath, timestep"),
        ("{3: {cells: [36]}}", "limits.3: unknown: no such limit; there are length, bias, cross_section, bath, timestep"),
        ("{length: [36]}", "limits.length: [36]: must be a mapping with a list cells"),
        ("{length: }", "limits.length: empty: must be a mapping with a list cells"),
        ("{bath: {}}", "limits.bath: {}: must be a mapping with a list friction, length or ramp"),
        ("{bath: {run.seed: [1]}}", "limits.bath: no list: must have a list friction, length or ramp"),
        ("{length: {cell: [36]}}", "limits.length.cell: unknown: must be cells, or a dotted key of the config"),
        ("{bath: {cells: [36]}}", "limits.bath.cells: unknown: must be friction, length or ramp, or a dotted key of the config"),
        ("{length: {cells: 36}}", f"limits.length.cells: 36: must be a list of values, each {CELLS[8:]}"),
        ("{length: {cells: []}}", f"limits.length.cells: []: must be a list of values, each {CELLS[8:]}"),
        ("{length: {cells: [36, 40.5]}}", f"limits.length.cells: 40.5: {CELLS}"),
        ("{length: {cells: [24, {A: 30}]}}", f"limits.length.cells: {{'A': 30}}: {CELLS}"),
        ("{length: {cells: [[30, 30]]}}", f"limits.length.cells: [30, 30]: {CELLS}"),
        ("{bias: {difference: [0.1, 0]}}", "limits.bias.difference: 0: must be a number other than 0"),
        ("{bias: {difference: [.nan]}}", "limits.bias.difference: nan: must be a number other than 0"),
        ("{cross_section: {cells: [[6, 6, 6]]}}", "limits.cross_section.cells: [6, 6, 6]: must be an integer from 1 to 1000000 or two integers [ny, nz], each from 1 to 1000000"),
        ("{bath: {friction: [0]}}", "limits.bath.friction: 0: must be a number > 0"),
        ("{bath: {length: [true]}}", "limits.bath.length: true: must be an integer from 1 to 1000000"),
        ("{bath: {ramp: [1]}}", "limits.bath.ramp: 1: must be true or false"),
        ("{timestep: {timestep: [-1]}}", "limits.timestep.timestep: -1: must be a number > 0"),
        ("{length: {cells: [24]}}", "limits.length.cells: [24]: must hold a value other than 24, which is that of the config itself"),
        ("{bias: {difference: [2e-1]}}", "limits.bias.difference: [0.2]: must hold a value other than 0.2, which is that of the config itself"),
        ("{bath: {ramp: [false, false]}}", "limits.bath.ramp: [False, False]: must hold a value other than false, which is that of the config itself"),
        # keys beside a list
        ("{length: {cells: [36], run.sed: [1]}}", "limits.length.run.sed: unknown: no such key; did you mean run.seed?"),
        ("{length: {cells: [36], run: [1]}}", "limits.length.run: a section: must be one of its keys, such as run.timestep"),
        ("{length: {cells: [36], run.threads: [1]}}", "limits.length.run.threads: listed: must be a key that can change the result"),
        ("{length: {cells: [36], name: [x]}}", "limits.length.name: listed: must be a key that can change the result"),
        ("{length: {cells: [36], output.trajectory_every: [100]}}", "limits.length.output.trajectory_every: listed: must be a key that can change the result"),
        ("{length: {cells: [36], structure.length.A: [30]}}", "limits.length.structure.length.A: listed: must be absent: cells sets it"),
        ("{bias: {difference: [0.1], baths.mean: [0.3]}}", "limits.bias.baths.mean: listed: must be absent: difference sets it"),
        ("{length: {cells: [36, 48], run.seed: [2]}}", "limits.length.run.seed: 1 values: must have as many values as cells, 2"),
        ("{length: {cells: [36], run.seed: 2}}", "limits.length.run.seed: 2: must be a list"),
        ("{bath: {ramp: [true], friction: [3], run.seed: [2]}}", "limits.bath.run.seed: listed: must stand in a block with one list; here are ramp and friction"),
        ("{length: {cells: [24, 36], run.seed: [2, 2]}}", "limits.length.cells: 24: must have the config's own run.seed (1) beside it; or leave 24 out: the config itself is always a point"),
        ("{bath: {ramp: [false, true], fit: [{skip_bath: 2}, auto]}}", "limits.bath.ramp: false: must have the config's own fit (auto) beside it; or leave false out: the config itself is always a point"),
        ("{length: {cells: [36, 36], run.seed: [2, 3]}}", "limits.length.cells: 36: must be listed once: it stands there with different values of run.seed"),
        # points that are refused
        ("{bias: {difference: [0.6]}}", "limits.bias.difference: 0.6: baths.difference: 0.6: must be at most 2 baths.mean = 0.5 in size: no bath can be colder than 0"),
        ("{cross_section: {cells: [3, 8]}}", "limits.cross_section.cells: 3: structure.cross_section: [3, 3]: must be at least 4 cells each way: at least 2 cutoff = 5 wide"),
        ("{timestep: {timestep: [0.1]}}", "limits.timestep.timestep: 0.1: run.timestep: 0.1: must be below 2/w_max = 0.08963 of crystal A, better a tenth of it"),
        ("{length: {cells: [{A: 30, B: 8}]}}", "limits.length.cells: {'A': 30, 'B': 8}: structure.length.B: 8: must be longer, or baths.cold.length shorter: fit auto needs at least 14 layers between bath and interface, and has 0"),
        ("{length: {cells: [36], run.seed: [-1]}}", "limits.length.cells: 36: run.seed: -1: must be an integer from 0 to 2^63 - 1"),
        ("{timestep: {timestep: [1e-12]}}", None),
    ],
)  # fmt: skip
def test_wrong_limits(tmp_path, limits, line):
    lines = wrong(tmp_path, limits)
    if line is None:  # steps beyond all bounds, of both phases
        assert [one.split(": ")[:3] for one in lines] == [
            ["limits.timestep.timestep", "1e-12", f"run.{phase}_steps"]
            for phase in ("equilibration", "production")
        ]
        return
    assert lines == [line]


def test_a_length_that_is_too_short_names_both_sides(tmp_path):
    assert wrong(tmp_path, "{length: {cells: [6, 36]}}") == [
        f"limits.length.cells: 6: baths.{bath}.length: 6: must be at most 4: bath and wall overlap the slab {side}, 2 of "
        "whose 6 cells are wall"
        for bath, side in (("hot", "A"), ("cold", "B"))
    ]


def test_all_problems_come_at_once(tmp_path):
    """Of the base, the block, and every point, each once; what is wrong with the base is not said of its points again."""
    base = changed(ROOM, "run.seed=-1", "baths.frction=2")
    limits = (
        "{length: {cells: [x, 6]}, bath: {friction: [-1, 2], lenth: [3]}, bias: {difference: [0.6]}, b: 1}"
    )
    lines = wrong(tmp_path, limits, base, {"materials.B.mass": [1, 2], "run.sed": [1]})
    assert [line.split(": ")[0] for line in lines] == [
        "sweep.run.sed",
        "limits.length.cells",
        "limits.bath.lenth",
        "limits.bath.friction",
        "limits.b",
        "baths.frction",
        "run.seed",
        "limits.length.cells",
        "limits.length.cells",
        "limits.bias.difference",
    ]
    assert sum("no such key" in line for line in lines) == 2


def test_a_base_without_the_value_is_reported_alone(tmp_path):
    base = changed(ROOM, without=["baths.hot.temperature"])
    lines = wrong(tmp_path, "{bias: {difference: [0.1]}, timestep: {timestep: [0.004]}}", base)
    assert [line.split(": ")[0] for line in lines] == ["baths.hot.temperature"]
    base = changed(ROOM, "run.timestep=fast", "structure.length.A=0")
    lines = wrong(tmp_path, "{timestep: {timestep: [0.004]}, bath: {length: [3]}}", base)
    assert [line.split(": ")[0] for line in lines] == ["structure.length.A", "run.timestep"]


@pytest.mark.parametrize(
    ("limits", "base", "start"),
    [
        ("{bias: {difference: [0.1]}}", changed(ROOM, "baths.hot.temperature=0.15"), "limits.bias.difference: 0: "),
        ("{bath: {length: [3]}}", changed(ROOM, "baths.hot.length=4"), "limits.bath.length: 4 and 6: "),
        ("{cross_section: {cells: [3]}}", CHAIN, "limits.cross_section: present: must be absent where there is no"),
    ],
)  # fmt: skip
def test_bases_that_cannot_be_varied(tmp_path, limits, base, start):
    (line,) = wrong(tmp_path, limits, base)
    assert line.startswith(start)


def test_a_structure_file_has_one_size(tmp_path):
    for name in ("x", "y"):
        (tmp_path / f"{name}.extxyz").write_text(name)
    base = changed(ROOM, "structure.file=x.extxyz")
    (line,) = wrong(tmp_path, "{length: {cells: [36]}, bath: {friction: [3]}}", base)
    assert line.startswith("limits.length.cells: present: must be absent with structure.file")
    (line,) = wrong(tmp_path, "{bath: {length: [3]}}", base)
    assert line.startswith("limits.bath.length: present: ")
    study = study_of(tmp_path, "{length: {cells: [36], structure.file: [y.extxyz]}}", base)
    assert [point.values["structure.file"] for point in study.points] == ["x.extxyz", "y.extxyz"]


def test_the_limits_of_the_handbook_are_those_of_a_shipped_config(tmp_path):
    text = (ROOT / "docs" / "usage.md").read_text()
    (block,) = re.findall(r"```yaml\n(limits:\n.*?)```", text, re.DOTALL)
    data = yaml.safe_load((ROOT / "configs" / "default.yaml").read_text()) | yaml.safe_load(block)
    study = load_study(write(tmp_path / "x.yaml", data))
    assert {limit.name for limit in study.limits} == {"length", "bias", "cross_section", "bath", "timestep"}
    length = study.limits[0]
    assert length.values == [16, 24, 36, 54] and length.base == length.run_ids[1]


def test_a_mistake_in_the_code_is_not_taken_for_one_in_the_config(tmp_path, monkeypatch):
    def read(config):
        return config.run.timstep

    wrong_one = LIMITS["timestep"]["timestep"]._replace(read=read)
    monkeypatch.setitem(LIMITS["timestep"], "timestep", wrong_one)
    with pytest.raises(AttributeError, match="timstep"):
        study_of(tmp_path, "{timestep: {timestep: [0.004]}}")


def test_too_many_points(tmp_path, monkeypatch):
    monkeypatch.setattr("nemd_core.config.MAX_POINTS", 9)
    lines = wrong(tmp_path, "{bath: {friction: [2, 3, 4, 5]}}", sweep={"run.seed": [1, 2]})
    assert lines == ["limits: 10 points with those of the sweep: at most 9"]


def test_limits_are_no_keys_of_a_run(tmp_path):
    assert problems(ROOM | {"limits": {"length": {"cells": [36]}}})[0].key == "limits"
    path = write(tmp_path / "x.yaml", ROOM | {"sweep": {"limits.length.cells": [36, 48]}})
    assert [problem.key for problem in study_problems(path)] == ["sweep.limits.length.cells"]
    assert config_hash(
        load_config(write(path, ROOM | {"limits": {"bath": {"ramp": [True]}}}))
    ) == config_hash(parse_config(ROOM))


# ---- the script of rule list_runs ----


def list_runs(path, directory):
    """Run the script as Snakemake does, in a process of its own: it redirects what is printed."""
    code = (
        "import runpy, sys\nfrom types import SimpleNamespace as N\n"
        f"sys.path.insert(0, {str(SCRIPTS)!r})\n"
        f"d = {str(directory)!r}\n"
        f"job = N(input=[{str(path)!r}], output=N(runs=d + '/runs.csv', config=d + '/x.yaml'), log=[d + '/log'], threads=1)\n"
        "runpy.run_path(sys.path[0] + '/list_runs.py', {'snakemake': job})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0, (directory / "log").read_text()


def test_list_runs(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    limits = "{cross_section: {cells: [4, [4, 6]]}, bath: {ramp: [true]}}"
    study = study_of(tmp_path, limits, sweep={"structure.lattice_constant": [1.58, "auto"]})
    list_runs(tmp_path / "x.yaml", out)
    with (out / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["run", "structure.lattice_constant", "structure.cross_section", "baths.ramp"]
    assert [row["run"] for row in rows] == [point.run_id for point in study.points]
    assert list(rows[0].values())[1:] == ["1.58", "(6, 6)", "False"]
    written = json.loads((out / "limits.json").read_text())
    assert written == {"limits": [limit._asdict() for limit in study.limits]}
    assert written["limits"][0]["values"] == [4, [4, 6], 6]
    write(tmp_path / "x.yaml", ROOM)
    list_runs(tmp_path / "x.yaml", out)
    assert (out / "runs.csv").read_text().splitlines() == ["run", run_id(parse_config(ROOM))]
    assert not (out / "limits.json").exists()
