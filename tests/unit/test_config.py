"""Every way a config can be wrong names its key; hashes tell runs apart and nothing else; shipped configs load."""

import copy
import random
from pathlib import Path

import pytest
import yaml
from configurations import CHAIN, FCC, LJ, changed, only_problem, problems, study_problems, write

from nemd_core.config import (
    KEYS,
    NOT_IN_HASH,
    SECTIONS,
    Config,
    config_hash,
    dump_config,
    json_schema,
    load_config,
    load_study,
    parse_config,
    run_id,
)
from nemd_core.config_geometry import fit_layer_count
from nemd_core.config_yaml import parse_overrides, set_path
from nemd_core.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.yaml"))

# ---- what is right ----


@pytest.mark.parametrize("base", [LJ, CHAIN, FCC])
def test_valid_configs_have_every_default(base):
    config = parse_config(base)
    assert config.run.series_steps == 100 and config.run.forces == "lattice"
    assert config.fit.skip_bath == 4


def test_defaults_follow_the_potential():
    lj, chain, fcc = map(parse_config, (LJ, CHAIN, FCC))
    assert (lj.interaction.cutoff, lj.interaction.truncation) == (2.5, "force-shift")
    assert (lj.interaction.cross.epsilon, lj.interaction.cross.sigma) == ("geometric", "arithmetic")
    assert lj.interaction.cross.stiffness is None and lj.materials.A.transverse_stiffness is None
    assert chain.interaction.cutoff is None and chain.interaction.cross.stiffness == "arithmetic"
    assert chain.materials.A.transverse_stiffness is None
    assert (
        fcc.materials.A.transverse_stiffness == 0
        and fcc.interaction.cross.transverse_stiffness == "arithmetic"
    )


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configs_load(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # from anywhere
    study = load_study(path)
    assert study.name == path.stem and study.points
    assert len({point.run_id for point in study.points}) == len(study.points)
    comment = [line for line in path.read_text().splitlines()[:4] if line.startswith("#")]
    assert 2 <= len(comment) <= 3


def test_the_shipped_configs_are_there():
    names = (
        "default equal-materials lj-harmonic lj-stiffness mass-stiffness-map seeds orientations periodic "
        "rough-interface graded-interlayer structure-file mass-step-chain stiffness-step-chain rll-chain "
        "harmonic-fcc-mass-step diamond-harmonic limits temperature liquid solid-liquid"
    )
    assert set(names.split()) == {path.stem for path in CONFIGS}


@pytest.mark.parametrize(
    "setting",
    [
        "run.timestep=5e-3",
        "run.equilibration_steps=1e5",
        "baths.hot.temperature=0",
        "baths.cold.temperature=0.35",  # equal baths
        "baths.hot.temperature=0.05",  # hot is the colder one
        "run.forces=lattice",
        "interaction.cross.epsilon=0.5",
        "interaction.potential=lj-harmonic",
        "structure.cross_section=[4, 5]",
        "baths.ramp=true",
        "name=my_study-2.0",
        "run.seed=9223372036854775807",
    ],
)
def test_accepted(setting):
    parse_config(changed(LJ, setting))


def test_numbers_with_an_exponent_are_numbers_even_as_text():
    data = changed(LJ)
    data["run"] = {"timestep": "5e-3"}  # what a YAML 1.1 loader makes of 5e-3
    assert parse_config(data).run.timestep == 0.005


# ---- types and ranges ----


@pytest.mark.parametrize(
    ("setting", "key"),
    [
        ("units=si", "units"),
        ("structure.lattice=hcp", "structure.lattice"),
        ("structure.lattice=[fcc]", "structure.lattice"),
        ("structure.lattice_constant=0", "structure.lattice_constant"),
        ("structure.lattice_constant=fine", "structure.lattice_constant"),
        ("structure.cross_section=[6]", "structure.cross_section"),
        ("structure.cross_section=[6, 6.5]", "structure.cross_section"),
        ("structure.cross_section=6", "structure.cross_section"),
        ("structure.length.A=0", "structure.length.A"),
        ("structure.length.B=24.5", "structure.length.B"),
        ("structure.length=24", "structure.length"),
        ("materials.A.mass=-1", "materials.A.mass"),
        ("materials.B.mass=heavy", "materials.B.mass"),
        ("materials.B.mass='4'", "materials.B.mass"),
        ("materials.B.mass=true", "materials.B.mass"),
        ("materials.A.mass=.inf", "materials.A.mass"),
        ("materials.A.epsilon=0", "materials.A.epsilon"),
        ("interaction.potential=morse", "interaction.potential"),
        ("interaction.truncation=smooth", "interaction.truncation"),
        ("interaction.cross.epsilon=harmonic", "interaction.cross.epsilon"),
        ("interaction.cross=geometric", "interaction.cross"),
        ("baths.method=hoover", "baths.method"),
        ("baths.hot.temperature=-0.1", "baths.hot.temperature"),
        ("baths.hot.temperature=.nan", "baths.hot.temperature"),
        ("baths.cold.temperature=1e999", "baths.cold.temperature"),
        ("baths.friction=0", "baths.friction"),
        ("baths.ramp=1", "baths.ramp"),
        ("baths.walls=-1", "baths.walls"),
        ("baths=3", "baths"),
        ("run.timestep=0", "run.timestep"),
        ("run.timestep=-.inf", "run.timestep"),
        ("run.production_steps=0", "run.production_steps"),
        ("run.equilibration_steps=-100", "run.equilibration_steps"),
        ("run.replicas=0", "run.replicas"),
        ("run.threads=0", "run.threads"),
        ("run.seed=-1", "run.seed"),
        ("run.seed=9223372036854775808", "run.seed"),
        ("run.seed=true", "run.seed"),
        ("run.seed='3'", "run.seed"),
        ("run.checkpoint_seconds=0", "run.checkpoint_seconds"),
        ("fit.skip_bath=-1", "fit.skip_bath"),
        ("fit=3", "fit"),
        ("name=a/b", "name"),
        ("name=..", "name"),
        ("name=3", "name"),
    ],
)
def test_wrong_value(setting, key):
    problem = only_problem(changed(LJ, setting))
    assert problem.key == key
    assert problem.allowed.startswith("must be ")


def test_an_integer_too_large_for_a_float():
    data = changed(LJ)
    data["materials"]["A"]["mass"] = 10**400
    assert only_problem(data).key == "materials.A.mass"


@pytest.mark.parametrize(
    ("setting", "key", "suggestion"),
    [
        ("structure.latice=fcc", "structure.latice", "structure.lattice?"),
        ("fit.skip_bat=1", "fit.skip_bat", "fit.skip_bath?"),
        ("run.friction=1", "run.friction", "baths.friction?"),
        ("materails.A.mass=1", "materails", "materials?"),
        ("interaction.cross.epsilom=1", "interaction.cross.epsilom", "interaction.cross.epsilon?"),
        ("swep=1", "swep", "sweep?"),
        ("limts=1", "limts", "limits?"),
        ("run.untill=1", "run.untill", "run.until?"),
    ],
)
def test_unknown_key_suggests_the_closest(setting, key, suggestion):
    problem = only_problem(changed(LJ, setting))
    assert problem.key == key
    assert problem.allowed == f"no such key; did you mean {suggestion}"


def test_dotted_keys_at_the_top_are_explained():
    data = changed(LJ)
    data["baths.friction"] = 1.0
    assert "nested" in only_problem(data).allowed


@pytest.mark.parametrize(
    "key",
    "units structure structure.lattice structure.length.B materials.B materials.A.mass materials.B.sigma "
    "interaction.potential baths.cold baths.hot.temperature".split(),
)
def test_missing_key(key):
    problem = only_problem(changed(LJ, without=[key]))
    assert (problem.key, problem.value) == (key, "missing")


def test_all_problems_at_once():
    data = changed(
        LJ,
        "structure.latice=fcc",
        "materials.A.mass=-1",
        "baths.hot.temperature=-0.1",
        "run.precision=half",
        "run.series_steps=15",
        "baths.cold.length=30",
        "structure.cross_section=[3, 3]",
        without=["units"],
    )
    assert {problem.key for problem in problems(data)} == {
        "structure.latice",
        "materials.A.mass",
        "baths.hot.temperature",
        "run.precision",
        "run.series_steps",
        "run.equilibration_steps",
        "run.production_steps",
        "run.block_steps",
        "baths.cold.length",
        "structure.cross_section",
        "units",
    }


# ---- what keys must be together ----


@pytest.mark.parametrize(
    ("base", "settings", "key"),
    [
        (LJ, ["baths.hot.length=23"], "baths.hot.length"),
        (LJ, ["baths.cold.length=23"], "baths.cold.length"),
        (LJ, ["baths.walls=30"], "baths.walls"),
        (LJ, ["baths.hot.length=13"], "fit.skip_bath"),
        (LJ, ["fit.skip_interface=11"], "fit.skip_bath"),
        (LJ, ["fit.model=log", "interaction.potential=lj-harmonic"], "fit.model"),
        (LJ, ["structure.cross_section=[6, 3]"], "structure.cross_section"),
        (LJ, ["interaction.cutoff=4.8", "baths.walls=4"], "structure.cross_section"),
        (
            LJ,
            ["interaction.potential=lj-harmonic", "structure.cross_section=[3, 6]"],
            "structure.cross_section",
        ),
        (FCC, ["structure.cross_section=[1, 2]"], "structure.cross_section"),
        (CHAIN, ["structure.cross_section=[2, 2]"], "structure.cross_section"),
        (LJ, ["baths.walls=0"], "baths.walls"),
        (LJ, ["baths.walls=1"], "baths.walls"),
        (FCC, ["baths.walls=0"], "baths.walls"),
        (LJ, ["interaction.cutoff=1.1"], "interaction.cutoff"),
        (LJ, ["interaction.cutoff=20"], "interaction.cutoff"),
        (LJ, ["structure.lattice_constant=1e-3"], "interaction.cutoff"),
        (FCC, ["interaction.cutoff=2.5"], "interaction.cutoff"),
        (FCC, ["interaction.truncation=none"], "interaction.truncation"),
        (FCC, ["materials.A.sigma=1"], "materials.A.sigma"),
        (LJ, ["materials.B.stiffness=1"], "materials.B.stiffness"),
        (LJ, ["interaction.cross.stiffness=1"], "interaction.cross.stiffness"),
        (FCC, ["interaction.cross.epsilon=1"], "interaction.cross.epsilon"),
        (CHAIN, ["materials.A.transverse_stiffness=0.1"], "materials.A.transverse_stiffness"),
        (CHAIN, ["interaction.cross.transverse_stiffness=0.1"], "interaction.cross.transverse_stiffness"),
        (LJ, ["structure.lattice_constant=1.8"], "structure.lattice_constant"),
        (
            LJ,
            ["structure.lattice=sc", "baths.hot.length=3", "baths.cold.length=3"],
            "structure.lattice_constant",
        ),
        (LJ, ["run.timestep=0.1"], "run.timestep"),
        (FCC, ["run.timestep=0.8"], "run.timestep"),
        (CHAIN, ["run.timestep=1.0"], "run.timestep"),
        (LJ, ["run.sample_every=30"], "run.series_steps"),
        (LJ, ["run.block_steps=150"], "run.block_steps"),
        (LJ, ["run.equilibration_steps=150"], "run.equilibration_steps"),
        (LJ, ["run.production_steps=50"], "run.production_steps"),
    ],
)
def test_keys_that_do_not_fit_together(base, settings, key):
    assert {problem.key for problem in problems(changed(base, *settings))} == {key}  # perhaps for A and for B


def test_a_crystal_needs_a_cross_section():
    assert only_problem(changed(LJ, without=["structure.cross_section"])).key == "structure.cross_section"


def test_each_potential_needs_its_keys():
    found = problems(changed(CHAIN, without=["materials.A.stiffness"]))
    assert [(p.key, p.value) for p in found] == [("materials.A.stiffness", "missing")]


def test_sc_with_central_springs_is_refused_on_both_sides():
    sc = [
        "structure.lattice=sc",
        "structure.cross_section=[3, 3]",
        "baths.hot.length=2",
        "baths.cold.length=2",
    ]
    keys = {problem.key for problem in problems(changed(FCC, *sc))}
    assert keys == {"materials.A.transverse_stiffness", "materials.B.transverse_stiffness"}
    stiff = [f"materials.{side}.transverse_stiffness=0.1" for side in "AB"]
    parse_config(changed(FCC, *sc, *stiff))
    found = problems(changed(FCC, *sc, *stiff, "structure.cross_section=[2, 3]"))
    assert [problem.key for problem in found] == [
        "structure.cross_section"
    ]  # both sides' neighbours are one atom


def test_fit_layer_count():
    config = parse_config(changed(LJ, "fit.skip_bath=3", "fit.skip_interface=3"))
    assert fit_layer_count(config, "A") == 2 * (24 - 2 - 6 - 3 - 3)
    config = parse_config(changed(LJ, "fit.skip_bath=2.5", "fit.skip_interface=3.3"))
    assert fit_layer_count(config, "B") == 20  # half a cell is one layer; a quarter cuts no layer's middle
    assert fit_layer_count(parse_config(CHAIN), "A") == 20 - 1 - 8


def test_too_few_layers_for_any_fit_window_name_what_is_too_short():
    found = problems(changed(LJ, "structure.length.A=9", "baths.cold.length=22"))
    need = "the fit needs at least 3 layers between bath and interface, and has"
    assert [str(problem) for problem in found] == [
        f"structure.length.A: 9: must be longer, or baths.hot.length shorter: {need} 2",
        f"structure.length.B: 24: must be longer, or baths.cold.length shorter: {need} 0",
    ]
    found = problems(changed(LJ, "structure.interface={kind: rough, layers: 60}"))
    assert [problem.key for problem in found] == ["structure.length.A", "structure.length.B"]
    assert "or baths.hot.length or structure.interface.layers shorter" in found[0].allowed
    assert "leave at least 3 of the 4 layers" in only_problem(changed(LJ, "structure.length.A=10")).allowed


# ---- files ----


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "[1, 2]",
        "3",
        "a: [",
        "units: lj\nunits: lj\n",
        "run: {seed: 1, seed: 2}",
        "a: !!python/object/apply:os.system [true]",
        "? [1]\n: 2",
        "\x00",
        "a: 1\n--- \nb: 2\n",
        "- " * 5000,
        f"a: {'9' * 5000}",
    ],
)
def test_bad_text_gives_one_line(tmp_path, text):
    path = write(tmp_path / "x.yaml", text)
    found = study_problems(path)
    assert len(found) == 1 and found[0].key == str(path)
    assert "\n" not in str(found[0])


def test_yaml_that_refers_to_itself(tmp_path):
    assert study_problems(write(tmp_path / "x.yaml", "a: &x [*x]"))


def test_no_such_file_a_directory_and_bytes(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"# \xe9\xff\nunits: lj\n")
    reasons = {"none.yaml": "no such file", "": "Is a directory", "latin.yaml": "not UTF-8 text"}
    for name, reason in reasons.items():
        path = tmp_path / name
        assert [str(problem) for problem in study_problems(path)] == [f"{path}: cannot be read: {reason}"]
        with pytest.raises(ConfigError):
            load_config(path)
    found = study_problems(write(tmp_path / "x.yaml", LJ | {"sweep": {"table": "none.csv"}}))
    assert str(found[0]) == f"sweep.table: {tmp_path}/none.csv: cannot be read: no such file"


def test_a_file_name_that_cannot_name_a_study(tmp_path):
    path = write(tmp_path / "my study.yaml", LJ)
    assert [problem.key for problem in study_problems(path)] == ["name"]
    write(path, LJ | {"name": "mine"})
    assert load_study(path).name == "mine"


# ---- sweeps ----


def test_product_of_lists(tmp_path):
    sweep = {
        "materials.B.mass": [1, "5e-1"],
        "structure.length.A": [24, 26],
        "structure.cross_section": [[6, 6]],
    }
    study = load_study(write(tmp_path / "x.yaml", LJ | {"sweep": sweep}))
    assert study.swept_keys == list(sweep)
    assert [tuple(p.values.values())[:2] for p in study.points] == [
        (1.0, 24),
        (1.0, 26),
        (0.5, 24),
        (0.5, 26),
    ]
    assert [p.config.materials.B.mass for p in study.points] == [1.0, 1.0, 0.5, 0.5]
    assert all(p.run_id == run_id(p.config) for p in study.points)


def test_no_sweep_is_one_point(tmp_path):
    for sweep in ({}, {"sweep": None}, {"sweep": {}}):
        study = load_study(write(tmp_path / "x.yaml", LJ | sweep))
        assert study.swept_keys == [] and len(study.points) == 1 and study.points[0].values == {}


def test_table(tmp_path):
    write(tmp_path / "points.csv", 'materials.B.mass,structure.cross_section\n5e-1,"[6, 6]"\n2,"[7, 7]"\n')
    study = load_study(write(tmp_path / "x.yaml", LJ | {"sweep": {"table": "points.csv"}}))
    assert [p.config.materials.B.mass for p in study.points] == [0.5, 2.0]
    assert study.points[1].config.structure.cross_section == (7, 7)


@pytest.mark.parametrize(
    ("sweep", "key"),
    [
        ([1], "sweep"),
        ({"materials.B.mas": [1]}, "sweep.materials.B.mas"),
        ({"materials.B": [1]}, "sweep.materials.B"),
        ({"materials": {"B": {"mass": [1]}}}, "sweep.materials"),
        ({3: [1]}, "sweep.3"),
        ({"materials.B.mass": []}, "sweep.materials.B.mass"),
        ({"materials.B.mass": 3}, "sweep.materials.B.mass"),
        ({"materials.B.mass": [1, 1.0]}, "sweep"),
        ({"materials.B.mass": [1, -1, -1]}, "materials.B.mass"),
        ({"run.threads": [1, 2]}, "sweep.run.threads"),
        ({"reference": ["argon", "xenon"]}, "sweep.reference"),
        ({"reference.mass_u": [1, 2]}, "sweep.reference.mass_u"),
        ({"output.trajectory_every": [10, 20]}, "sweep.output.trajectory_every"),
        ({"table": "none.csv"}, "sweep.table"),
        ({"table": 3}, "sweep.table"),
        ({"table": "points.csv", "run.seed": [1]}, "sweep.table"),
        ({"run.seed": list(range(400)), "run.replicas": list(range(1, 400))}, "sweep"),
        ({"structure.length.A": [24, 12]}, "fit.skip_bath"),
        ({"run.forces": ["auto", "lattice"]}, "sweep"),
    ],
)
def test_wrong_sweep(tmp_path, sweep, key):
    found = study_problems(write(tmp_path / "x.yaml", LJ | {"sweep": sweep}))
    assert [problem.key for problem in found] == [key]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "run.seed\n",
        "run.seed,run.replicas\n1\n",
        "run.seed,run.seed\n1,2\n",
        'run.seed\n"[1"\n',
        "run.seed,materials.B.mass\n1,\n",
        "run.sed\n1\n",
        "run.seed\n1\n1\n",
    ],
)
def test_wrong_table(tmp_path, text):
    write(tmp_path / "points.csv", text)
    found = study_problems(write(tmp_path / "x.yaml", LJ | {"sweep": {"table": "points.csv"}}))
    assert len(found) == 1 and found[0].key.startswith("sweep")


def test_problems_of_base_sweep_and_points_come_together(tmp_path):
    data = changed(LJ, "run.seed=-1") | {"sweep": {"materials.B.mas": [1], "baths.hot.length": [6, 40]}}
    found = study_problems(write(tmp_path / "x.yaml", data))
    assert {problem.key for problem in found} == {"run.seed", "sweep.materials.B.mas", "baths.hot.length"}


# ---- one run ----


def test_overrides(tmp_path):
    path = write(tmp_path / "x.yaml", LJ | {"sweep": {"materials.B.mass": [1, 2]}})
    config = load_config(path, parse_overrides(["materials.B.mass=5e-1", "run.seed=3"]))
    assert (config.materials.B.mass, config.run.seed) == (0.5, 3)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert [problem.key for problem in caught.value.problems] == ["sweep"]
    assert str(caught.value).endswith("with --set materials.B.mass=... (in Python: overrides)")


@pytest.mark.parametrize(
    ("overrides", "key"),
    [({"run.sed": 1}, "run.sed"), ({"baths": 1}, "baths"), ({"run.seed": -1}, "run.seed")],
)
def test_wrong_override(tmp_path, overrides, key):
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path / "x.yaml", LJ), overrides)
    assert [problem.key for problem in caught.value.problems] == [key]


def test_an_unknown_override_hides_that_the_sweep_is_open(tmp_path):
    path = write(tmp_path / "x.yaml", LJ | {"sweep": {"materials.B.mass": [1, 2]}})
    with pytest.raises(ConfigError) as caught:
        load_config(path, {"materials.B.mas": 2, "foo.bar": 2})
    assert [problem.key for problem in caught.value.problems] == ["materials.B.mas", "foo.bar"]


@pytest.mark.parametrize("item", ["run.seed", "=3", "run.seed=[1"])
def test_wrong_set(item):
    with pytest.raises(ConfigError):
        parse_overrides([item])


# ---- identity ----


def test_hash_ignores_how_a_value_is_written(tmp_path):
    texts = [
        yaml.safe_dump(LJ) + f"run: {{timestep: {dt}, seed: {s}}}\n"
        for dt, s in (("5e-3", 1), ("0.005", "1e0"))
    ]
    texts.append(texts[0].replace("mass: 1.0", "mass: 1"))
    hashes = {config_hash(load_config(write(tmp_path / "x.yaml", text))) for text in texts}
    assert len(hashes) == 1


def test_hash_ignores_what_cannot_change_a_result():
    same = [
        "name=other",
        "run.threads=7",
        "run.checkpoint_seconds=3",
        "run.forces=auto",
        "run.forces=lattice",
        "reference=xenon",
        "reference={epsilon_K: 120, sigma_angstrom: 3.4, mass_u: 40}",
        "output={trajectory_every: 100, trajectory_regions: [A, B]}",
    ]
    assert {config_hash(parse_config(changed(LJ, setting))) for setting in same} == {
        config_hash(parse_config(LJ))
    }
    assert all(key in KEYS or key in SECTIONS for key in NOT_IN_HASH)


OTHER = {
    "structure.lattice_constant": 1.57,
    "structure.cross_section": [6, 7],
    "structure.length.A": 25,
    "structure.length.B": 25,
    "materials.A.mass": 1.5,
    "materials.A.epsilon": 1.5,
    "materials.A.sigma": 1.01,
    "materials.B.mass": 1.5,
    "materials.B.epsilon": 1.5,
    "materials.B.sigma": 1.01,
    "interaction.potential": "lj-harmonic",
    "interaction.cutoff": 2.6,
    "interaction.truncation": "none",
    "interaction.cross.epsilon": 0.9,
    "interaction.cross.sigma": "geometric",
    "baths.hot.temperature": 0.3,
    "baths.cold.temperature": 0.3,
    "baths.hot.length": 7,
    "baths.cold.length": 7,
    "baths.friction": 2.0,
    "baths.ramp": True,
    "baths.walls": 3,
    "run.timestep": 0.004,
    "run.equilibration_steps": 1000,
    "run.production_steps": 1000,
    "run.sample_every": 5,
    "run.series_steps": 200,
    "run.block_steps": 1000,
    "run.replicas": 2,
    "run.seed": 2,
    "fit.skip_bath": 2,
    "fit.skip_interface": 2,
    "materials.A.symbol": "Ne",
    "structure.orientation": 111,
    "structure.interface": {"kind": "rough", "layers": 2},
    "structure.interface.plane": "species",
}


def test_every_other_key_changes_the_hash():
    others = [*OTHER.items(), ("fit.model", "log")]  # which does not go with some of the others
    hashes = {config_hash(parse_config(set_path(LJ, key, value))) for key, value in others}
    assert len(hashes | {config_hash(parse_config(LJ))}) == len(others) + 1


def test_random_configs_survive_shuffling_dumping_and_reading(tmp_path):
    rng = random.Random(1)
    for _ in range(60):
        data = copy.deepcopy(LJ)
        for key in rng.sample(sorted(OTHER), rng.randrange(len(OTHER))):
            data = set_path(data, key, OTHER[key])
        data = set_path(data, "materials.B.mass", rng.uniform(0.5, 8))
        config = parse_config(data)
        assert run_id(config) == f"r-{config_hash(config)[:10]}"
        assert config_hash(parse_config(shuffled(data, rng))) == config_hash(config)
        again = load_config(write(tmp_path / "dump.yaml", dump_config(config)))
        assert again == config and config_hash(again) == config_hash(config)


def shuffled(data, rng):
    """Return nested mappings with their keys in another order."""
    items = list(data.items())
    rng.shuffle(items)
    return {key: shuffled(value, rng) if isinstance(value, dict) else value for key, value in items}


@pytest.mark.parametrize("base", [CHAIN, FCC])
def test_springs_survive_dumping(tmp_path, base):
    config = parse_config(base)
    assert load_config(write(tmp_path / "dump.yaml", dump_config(config))) == config


def test_configs_cannot_be_changed_after_reading():
    with pytest.raises(ValueError, match="frozen"):
        parse_config(LJ).run.seed = 3


def test_a_sweep_or_limits_are_not_one_run():
    found = problems(LJ | {"sweep": {"run.seed": [1]}, "limits": {"length": {"cells": [30]}}})
    assert [str(problem) for problem in found] == [
        "sweep: present: must be absent: one run has no sweep",
        "limits: present: must be absent: one run has no limits",
    ]
    assert parse_config(LJ | {"sweep": None, "limits": {}}) == parse_config(LJ)


def test_schema_describes_every_field():
    schema = json_schema()
    assert "sweep" in schema["properties"]
    models = [schema, *schema["$defs"].values()]
    for model in models:
        assert model["additionalProperties"] is False
        assert all(field.get("description") for field in model["properties"].values())
    assert issubclass(Config, object) and schema["title"] == "Config"
