"""`run.until` and `fit: auto`: what they allow, what they change in a run's identity, and what they leave alone."""

import pytest
from configurations import CHAIN, LJ, changed, only_problem, problems, write

from nemd_core.config import config_hash, dump_config, dynamics_hash, load_config, load_study, parse_config
from nemd_core.config_geometry import fit_layer_count

UNTIL = changed(LJ, "run.until={relative_error: 0.02, max_steps: 4000000}")

# ---- until ----


def test_until_is_read_and_survives_dumping(tmp_path):
    config = parse_config(UNTIL)
    assert (config.run.until.relative_error, config.run.until.max_steps) == (0.02, 4_000_000)
    assert load_config(write(tmp_path / "x.yaml", dump_config(config))) == config


def test_without_until_runs_are_those_of_before():
    """Runs that lie in results/ are found again: hashes as they were before these keys came."""
    config = parse_config(LJ)
    assert config.run.until is None and "until" not in dump_config(config)
    assert config_hash(config)[:10] == "949cabcd0b" and dynamics_hash(config)[:10] == "14343d4591"
    assert config_hash(parse_config(CHAIN))[:10] == "c4108a5b6b"


def test_until_makes_another_run():
    other = ["run.until.relative_error=0.01", "run.until.max_steps=5000000"]
    configs = [parse_config(data) for data in (LJ, UNTIL, *(changed(UNTIL, item) for item in other))]
    assert len({config_hash(config) for config in configs}) == 4


def test_the_fit_decides_when_a_run_with_until_ends():
    """So such runs cannot share their samples, as others can that differ in the fit alone."""
    for base, same in ((LJ, True), (UNTIL, False)):
        two = [parse_config(changed(base, f"fit.skip_bath={n}")) for n in (3, 4)]
        assert (dynamics_hash(two[0]) == dynamics_hash(two[1])) == same


@pytest.mark.parametrize(
    "setting",
    [
        "run.until.max_steps=400000",  # the first look is the last
        "run.until.relative_error=0.999",
        "output.trajectory_every=100",
        "run.until.max_steps=1e12",
    ],
)
def test_accepted(setting):
    parse_config(changed(UNTIL, setting))


@pytest.mark.parametrize(
    ("setting", "key", "text"),
    [
        ("run.until.relative_error=0", "run.until.relative_error", "above 0 and below 1"),
        ("run.until.relative_error=1", "run.until.relative_error", "above 0 and below 1"),
        ("run.until.relative_error=2", "run.until.relative_error", "above 0 and below 1"),
        ("run.until.relative_error=.nan", "run.until.relative_error", "above 0 and below 1"),
        ("run.until.max_steps=0", "run.until.max_steps", "an integer from 1"),
        ("run.until.max_steps=399900", "run.until.max_steps", "at least run.production_steps = 400000"),
        ("run.until.max_steps=400050", "run.until.max_steps", "a multiple of run.series_steps = 100"),
        ("run.until=3", "run.until", "a mapping with the keys relative_error, max_steps"),
        ("run.until={relative_error: 0.1}", "run.until.max_steps", "an integer from 1"),
        ("run.until={max_steps: 400000}", "run.until.relative_error", "a number above 0"),
        ("run.until={}", None, "must be"),
        ("run.until.steps=3", "run.until.steps", "did you mean run.until.max_steps?"),
    ],
)
def test_wrong_until(setting, key, text):
    if key is None:
        assert [p.key for p in problems(changed(UNTIL, setting))] == [
            "run.until.relative_error",
            "run.until.max_steps",
        ]
        return
    problem = only_problem(changed(UNTIL, setting))
    assert problem.key == key and text in problem.allowed


def test_until_can_be_swept(tmp_path):
    sweep = {"run.until.relative_error": [0.1, "5e-2"], "run.until.max_steps": [400_000]}
    study = load_study(write(tmp_path / "x.yaml", LJ | {"sweep": sweep}))
    assert [tuple(point.values.values()) for point in study.points] == [(0.1, 400_000), (0.05, 400_000)]
    assert study.points[1].config.run.until.relative_error == 0.05


# ---- fit: auto ----


def test_fit_auto(tmp_path):
    config = parse_config(changed(LJ, "fit=auto"))
    assert config.fit == "auto" and config_hash(config) != config_hash(parse_config(LJ))
    assert dynamics_hash(config) == dynamics_hash(parse_config(LJ))  # the samples can be shared
    assert load_config(write(tmp_path / "x.yaml", dump_config(config))) == config
    assert fit_layer_count(config, "A") == 2 * (24 - 2 - 6 - 2 - 2)


def test_fit_can_be_swept(tmp_path):
    fits = ["auto", {"skip_bath": 3, "skip_interface": 3}, {"skip_bath": 2}]
    study = load_study(write(tmp_path / "x.yaml", LJ | {"sweep": {"fit": fits}}))
    assert [point.values["fit"] for point in study.points] == [
        "auto",
        {"skip_bath": 3.0, "skip_interface": 3.0, "model": "linear"},
        {"skip_bath": 2.0, "skip_interface": 4.0, "model": "linear"},
    ]
    base = changed(LJ, "fit=auto")
    study = load_study(write(tmp_path / "x.yaml", base | {"sweep": {"fit.skip_bath": [2, 3]}}))
    assert [point.config.fit.skip_bath for point in study.points] == [2, 3]


def test_a_key_of_a_section_that_one_value_replaces_has_no_value(tmp_path):
    sweep = {"fit.skip_bath": [2], "fit": ["auto"]}
    study = load_study(write(tmp_path / "x.yaml", LJ | {"sweep": sweep}))
    assert study.points[0].values == {"fit.skip_bath": None, "fit": "auto"}


@pytest.mark.parametrize(
    ("base", "shortest", "layers"),
    [
        (LJ, 15, 14),  # two layers a cell: 4 + 6 + 4 between bath and interface, of 2 * (15 - 2 - 6)
        (CHAIN, 10, 9),  # one layer a cell: 2 + 5 + 2, of 10 - 1
        (changed(LJ, "structure.orientation=111", "baths.hot.length=4", "baths.cold.length=4"), 13, 21),
    ],
)
def test_fit_auto_needs_room_for_a_window(base, shortest, layers):
    """Three cells and five layers, after two cells at either end, and a third of the slab."""
    base = changed(base, "fit=auto", f"structure.length={{A: {shortest}, B: {shortest}}}")
    parse_config(base)
    problem = only_problem(changed(base, f"structure.length.B={shortest - 1}"))
    assert problem.key == "structure.length.B"
    assert (
        f"must be longer, or baths.cold.length shorter: fit auto needs at least {layers}" in problem.allowed
    )


def test_room_is_counted_from_the_edge_of_a_disordered_interface():
    base = changed(LJ, "fit=auto", "structure.length={A: 15, B: 15}")
    found = problems(changed(base, "structure.interface={kind: rough, layers: 2}"))
    assert [problem.key for problem in found] == ["structure.length.A", "structure.length.B"]
    assert found[0].allowed.endswith("needs at least 14 layers between bath and interface, and has 13")
