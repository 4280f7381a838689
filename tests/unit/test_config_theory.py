"""The section `theory`: what it allows, that it makes no other run, and which runs share a prediction."""

import pytest
from configurations import CHAIN, LJ, changed, only_problem, study_problems, write

from nemd_core.config import config_hash, dump_config, dynamics_hash, load_config, parse_config
from nemd_core.theory.prediction_files import theory_key


def test_defaults():
    theory = parse_config(LJ).theory
    assert (theory.mesh, theory.frequencies, theory.temperatures) == (20, 200, None)


@pytest.mark.parametrize("base", [LJ, CHAIN])
def test_theory_makes_no_other_run(base):
    runs = [
        parse_config(changed(base, setting))
        for setting in ("run.seed=1", "theory.mesh=8", "theory.temperatures=[0.1, 2]", "theory=null")
    ]
    assert len({config_hash(config) for config in runs}) == 1
    assert len({dynamics_hash(config) for config in runs}) == 1


@pytest.mark.parametrize(
    "setting", ["theory={mesh: 6, frequencies: 50, temperatures: [0.1, 1]}", "theory=null"]
)
def test_theory_survives_dumping(tmp_path, setting):
    config = parse_config(changed(LJ, setting))
    assert load_config(write(tmp_path / "x.yaml", dump_config(config))) == config


@pytest.mark.parametrize(
    ("setting", "key", "text"),
    [
        ("theory.mesh=0", "theory.mesh", "an integer from 1 to 1000"),
        ("theory.mesh=2.5", "theory.mesh", "an integer from 1 to 1000"),
        ("theory.frequencies=9", "theory.frequencies", "an integer from 10 to 100000"),
        ("theory.temperatures=[]", "theory.temperatures", "a list of numbers > 0, at least one"),
        ("theory.temperatures=[0.1, 0]", "theory.temperatures", "a list of numbers > 0, at least one"),
        ("theory.temperatures=0.1", "theory.temperatures", "a list of numbers > 0, at least one"),
        ("theory=false", "theory", "a mapping with the keys mesh, frequencies, temperatures"),
        ("theory.meshes=4", "theory.meshes", "did you mean theory.mesh?"),
    ],
)
def test_refused(setting, key, text):
    problem = only_problem(changed(LJ, setting))
    assert problem.key == key and text in problem.allowed


def test_theory_is_not_swept(tmp_path):
    path = write(tmp_path / "x.yaml", LJ | {"sweep": {"theory.mesh": [4, 8]}})
    (problem,) = study_problems(path)
    assert problem.key == "sweep.theory.mesh" and "can change the result" in problem.allowed


SHARED = (
    "baths={hot: {temperature: 0.2, length: 6}, cold: {temperature: 0.1, length: 6}, friction: 0.5, ramp: true}",
    "run.seed=7",
    "run.production_steps=100000",
    "fit=auto",
    "name=other",
    "output.trajectory_every=100",
)
APART = (
    "materials.B.mass=3",
    "structure.length.A=30",
    "baths.hot.length=5",
    "interaction.truncation=none",
    "interaction.potential=lj-harmonic",
    "reference=xenon",
    "theory.mesh=8",
)


def test_runs_of_one_junction_share_their_theory():
    own = theory_key(parse_config(LJ))
    assert own.startswith("t-") and len(own) == 12
    assert {theory_key(parse_config(changed(LJ, setting))) for setting in SHARED} == {own}
    others = {theory_key(parse_config(changed(LJ, setting))) for setting in APART}
    assert len(others) == len(APART) and own not in others


def test_relaxed_crystals_depend_on_the_mean_temperature():
    relaxed = changed(LJ, "structure.lattice_constant=auto")
    same, warmer = ("baths.hot.temperature=0.3", "baths.cold.temperature=0.2"), ("baths.hot.temperature=0.4",)
    key = theory_key(parse_config(relaxed))
    assert theory_key(parse_config(changed(relaxed, *same))) == key
    assert theory_key(parse_config(changed(relaxed, *warmer))) != key
    harmonic = changed(relaxed, "interaction.potential=lj-harmonic")  # expanded about a crystal at rest
    assert theory_key(parse_config(harmonic)) == theory_key(parse_config(changed(harmonic, *warmer)))
