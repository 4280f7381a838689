"""Files of a run and of a study, their tables, and the command line."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import synthetic

from analysis import (
    Settings,
    analyse,
    collect,
    fit_run,
    format_study,
    load_run,
    load_study,
    plot_study,
    pool_seeds,
)
from analysis.__main__ import main
from analysis.study import tidy_series
from analysis.tables import RESULTS, main_keys, short_names, si_column
from nemd_core.errors import StorageError
from nemd_core.storage import write_json, write_samples
from nemd_core.units import ARGON

CONFIG = """
units: lj
structure:
  lattice: sc
  lattice_constant: 1.0
  cross_section: [200, 200]  # too large for an exact answer: samples made up here know nothing of slow modes
  length: {{A: 20, B: 20}}
materials:
  A: {{mass: 1.0, stiffness: 1.0, transverse_stiffness: 0.2}}
  B: {{mass: 4.0, stiffness: 1.0, transverse_stiffness: 0.2}}
interaction: {{potential: harmonic}}
baths:
  hot: {{temperature: {T_hot}, length: 4}}
  cold: {{temperature: {T_cold}, length: 4}}
  walls: 1
fit: {{skip_bath: 2, skip_interface: 2}}
"""


def write_run(directory, seed=0, **arguments):
    directory.mkdir(parents=True)
    samples, settings = synthetic.make(seed, n_rows=1000, **arguments)
    write_samples(directory / "samples.h5", samples)
    text = CONFIG.format(T_hot=settings.T_hot, T_cold=settings.T_cold)
    (directory / "config.yaml").write_text(text)
    write_json(directory / "run.json", {"status": "done", "wall_time": 12.5})
    return samples, settings


SI_COLUMNS = (
    "R_K_m2K_per_GW",
    "G_MW_per_m2K",
    "delta_T_K",
    "J_GW_per_m2",
    "kappa_A_W_per_mK",
    "kappa_B_W_per_mK",
)


@pytest.fixture
def study_dir(tmp_path):
    """Four runs: two sound, one stopped by physics, one that never began."""
    study = tmp_path / "masses"
    for run, delta_T in (("r-one", 0.0375), ("r-two", 0.075)):
        write_run(study / run, delta_T=delta_T)
        fit_run(study / run)
    (study / "r-bad").mkdir()
    write_json(study / "r-bad" / "run.json", {"status": "failed", "message": "energy audit:\n 3 % > 1 %"})
    (study / "runs.csv").write_text("run,materials.B.mass\nr-one,4\nr-two,8\nr-bad,16\nr-none,32\n")
    return study


def test_fit_writes_the_files_of_a_run(tmp_path, capsys):
    samples, _ = write_run(tmp_path / "run")
    before = set((tmp_path / "run").iterdir())
    assert main(["fit", str(tmp_path / "run")]) == 0
    new = {path.name for path in set((tmp_path / "run").iterdir()) - before}
    assert new == {"profile.csv", "interface.json", "profile.png"}
    *lines, last = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["R_K", "J", "trusted:"]
    files = "profile.csv, interface.json, profile.png"
    more = f"more figures: python -m analysis plot {tmp_path}/run"
    assert last == f"written to {tmp_path}/run: {files}; {more}"
    run = load_run(tmp_path / "run")
    result = analyse(samples, Settings.from_config(run.config))
    assert run.interface == result.interface
    assert run.info["wall_time"] == 12.5
    pd.testing.assert_frame_equal(run.profile, result.profile, check_dtype=False)
    assert (tmp_path / "run" / "profile.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "run" / "profile.csv").read_text()
    header = "layer,x,region,species,n_sites,temperature,temperature_stderr,flux,flux_stderr,fitted"
    assert text.splitlines()[0].startswith(header)
    assert "nan" not in text.lower()


def test_figures_of_an_earlier_fit_go_once_there_is_a_new_one(tmp_path):
    run = tmp_path / "run"
    write_run(run)
    old = [f"{stem}.{kind}" for stem in ("running", "profile") for kind in ("png", "pdf", "svg")]
    for name in (*old, "running.txt"):
        (run / name).write_text("old")
    with pytest.raises(StorageError, match=r"samples\.h5"):
        (run / "samples.h5").rename(run / "kept.h5")
        fit_run(run)
    assert all((run / name).exists() for name in old)
    (run / "kept.h5").rename(run / "samples.h5")
    fit_run(run)
    assert [name for name in old if (run / name).exists()] == ["profile.png"]
    assert (run / "profile.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "running.txt").exists()  # not one of the figures


def test_a_run_for_a_study_and_the_other_way_round_name_the_right_commands(tmp_path, capsys):
    study, run = tmp_path / "study", tmp_path / "study" / "r-one"
    write_run(run)
    (study / "runs.csv").write_text("run\nr-one\n")
    assert main(["fit", str(study)]) == 2
    wanted = f"error: {study}: holds no run; it is a study: use collect, limits, plot or report\n"
    assert capsys.readouterr().err == wanted
    for command in ("collect", "report"):
        assert main([command, str(run)]) == 2
        assert capsys.readouterr().err == f"error: {run}: holds no study; it is a run: use fit or plot\n"
    assert not (run / "summary.csv").exists() and not (run / "report.html").exists()


def test_summary_names_what_is_not_resolved_and_what_failed(tmp_path):
    samples, settings = synthetic.make(flux=0.0, delta_T=0.0)
    assert "R_K not resolved: the 95 % interval of J contains 0" in analyse(samples, settings).summary()
    samples, settings = synthetic.make()
    text = analyse(samples, replace(settings, T_hot=1.0)).summary()
    assert "NOT trusted: bath_temperatures (the hot bath lies" in text
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize("missing", ["directory", "samples.h5", "config.yaml"])
def test_missing_input_is_one_line_and_exit_2(tmp_path, missing, capsys):
    directory = tmp_path / "run"
    if missing != "directory":
        write_run(directory)
        (directory / missing).unlink()
    assert main(["fit", str(directory)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("error: ")
    assert ("config.yaml" if missing == "directory" else missing) in error
    assert not (directory / "interface.json").exists()


def test_truncated_samples_and_foreign_studies_exit_2(tmp_path, capsys):
    write_run(tmp_path / "run")
    data = (tmp_path / "run" / "samples.h5").read_bytes()
    (tmp_path / "run" / "samples.h5").write_bytes(data[: len(data) // 2])
    assert main(["fit", str(tmp_path / "run")]) == 2
    assert main(["collect", str(tmp_path)]) == 2
    assert main(["plot", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("runs.csv") == 2


def test_summary_of_a_study(study_dir, capsys):
    table = collect(study_dir)
    state = ["trusted", "failed_checks", "status", "wall_time"]
    conductance = ["G", "G_stderr"]
    contract = ["run", "materials.B.mass", *RESULTS, *state, *conductance]
    theory = ["R_two_probe", "R_four_probe", "R_nemd"]
    si_columns = [f"{name}{end}" for name in SI_COLUMNS for end in ("", "_stderr")]
    assert list(table.columns) == [*contract, *si_columns, *theory]
    assert table[theory].isna().all(axis=None)
    assert "delta_T_stderr" in RESULTS and "kappa_B_stderr" in RESULTS
    assert RESULTS[:3] == ["R_K", "R_K_stderr", "R_K_systematic"]
    assert table["run"].tolist() == ["r-one", "r-two", "r-bad", "r-none"]
    assert table["status"].tolist() == [
        "done",
        "done",
        "failed: energy audit: 3 % > 1 %",
        f"failed: {study_dir}/r-none/run.json: no such file; the directory holds no run",
    ]
    assert table["trusted"].tolist() == [True, True, False, False]
    assert table["R_K"][1] == pytest.approx(2 * table["R_K"][0], rel=0.2)
    assert table["R_K"][2:].isna().all()
    assert table["wall_time"][0] == 12.5
    assert table.attrs["swept_keys"] == ["materials.B.mass"]
    assert table.attrs["units"]["R_K"] == "tau sigma^2/k_B"
    assert table.attrs["units_si"]["R_K"] == "m^2 K/GW" and table.attrs["reference"]["name"] == "argon"
    assert table["R_K_m2K_per_GW"][0] == pytest.approx(ARGON.to_si(table["R_K"][0], "resistance") * 1e9)
    assert table["R_K_m2K_per_GW"][2:].isna().all()
    written = pd.read_csv(study_dir / "summary.csv", keep_default_na=False, na_values=[""])
    assert list(written.columns) == list(table.columns)
    np.testing.assert_allclose(written["R_K"], table["R_K"].astype(float))
    pd.testing.assert_frame_equal(load_study(study_dir), table)
    assert main(["collect", str(study_dir)]) == 0
    text = capsys.readouterr().out
    assert text.strip() == format_study(table).strip()
    assert "R_K (tau sigma^2/k_B)  R_K (m^2 K/GW)" in text and "energy audit" in text and "±" in text
    assert "B.mass" in text and "materials.B.mass" not in text


def test_theory_of_a_study_joins_its_runs(study_dir):
    """Rows of theory.csv are found by their run; a run that failed may have a theory, and the other way round."""
    header = "run,key,R_two_probe,R_four_probe,R_nemd,status\n"
    rows = "r-bad,t-1,9,3,4,done\nr-one,t-0,7.857,3.145,4.096,done\nr-two,t-2,,,,failed: no overlap\n"
    (study_dir / "theory.csv").write_text(header + rows)
    table = collect(study_dir)
    assert table["R_nemd"].tolist()[:3:2] == [4.096, 4.0] and np.isnan(table["R_nemd"][[1, 3]]).all()
    written = pd.read_csv(study_dir / "summary.csv")
    assert written["R_two_probe"].tolist()[::2] == [7.857, 9.0]
    assert plot_study(study_dir, ["png"]) == [study_dir / "sweep.png"]
    (study_dir / "theory.csv").write_text("run,key,R_nemd,status\n")
    with pytest.raises(StorageError, match=r"theory\.csv: columns missing: R_two_probe, R_four_probe"):
        load_study(study_dir)
    (study_dir / "theory.csv").write_text("")
    with pytest.raises(StorageError, match=r"theory\.csv: cannot be read"):
        load_study(study_dir)


def test_a_run_without_analysis_or_with_a_foreign_one_is_named(study_dir):
    (study_dir / "r-one" / "interface.json").unlink()
    (study_dir / "r-two" / "interface.json").write_text("{}")
    status = load_study(study_dir)["status"]
    assert "interface.json: no such file; run: python -m analysis fit" in status[0]
    assert "fields missing: R_K" in status[1]
    (study_dir / "r-one" / "run.json").write_text("{")
    assert "cannot be read" in load_study(study_dir)["status"][0]
    with pytest.raises(StorageError, match=r"interface\.json"):
        load_run(study_dir / "r-two")


def test_the_reason_that_the_workflow_recorded_is_shown(study_dir):
    write_json(
        study_dir / "r-one" / "analyse_run.json", {"status": "failed", "message": "fit window of A: 2"}
    )
    (study_dir / "r-none").mkdir()
    write_json(study_dir / "r-none" / "analyse_run.json", {"status": "failed", "message": "killed"})
    write_json(study_dir / "r-two" / "analyse_run.json", {"status": "done", "message": ""})
    status = load_study(study_dir)["status"].tolist()
    assert status[:2] == ["failed: fit window of A: 2", "done"] and status[3] == "failed: killed"


def test_untrusted_run_lists_its_failed_checks(study_dir):
    path = study_dir / "r-one" / "interface.json"
    fields = json.loads(path.read_text())
    fields["trusted"] = False
    for check in fields["checks"][:2]:
        check["passed"] = False
    write_json(path, fields)
    table = load_study(study_dir)
    assert table["failed_checks"][0] == "steady_state;flux_agreement"
    assert "NOT trusted: steady_state;flux_agreement" in format_study(table)


def test_a_long_message_is_short_in_the_printed_table_only(study_dir):
    message = "run.timestep: 0.05: energy audit: E - Q drifted by 12.3 " + "(allowed 1) " * 20
    write_json(study_dir / "r-bad" / "run.json", {"status": "failed", "message": message})
    table = collect(study_dir)
    whole = f"failed: {message.strip()}"
    assert table["status"][2] == whole and whole in (study_dir / "summary.csv").read_text()
    line = format_study(table).splitlines()[3]
    shown = line[line.index("failed: ") :]
    assert len(shown) <= 70 and shown.endswith("…") and whole.startswith(shown[:-1])
    table["status"] = table["status"].where(table["status"] != whole, whole[:70])
    assert format_study(table).splitlines()[3].endswith(whole[:70])


def test_a_study_of_one_run_without_swept_keys(tmp_path):
    study = tmp_path / "single"
    write_run(study / "r-one")
    fit_run(study / "r-one")
    (study / "runs.csv").write_text("run\nr-one\n")
    assert list(collect(study).columns)[:2] == ["run", "R_K"]
    assert plot_study(study) == [study / "sweep.png", study / "sweep.pdf"]


def test_columns_of_runs_csv_must_be_swept_keys(tmp_path):
    (tmp_path / "runs.csv").write_text("run,R_K\nr-one,1\n")
    with pytest.raises(StorageError, match="not swept keys: R_K"):
        load_study(tmp_path)
    (tmp_path / "runs.csv").write_text("name\nr-one\n")
    with pytest.raises(StorageError, match="no column 'run'"):
        load_study(tmp_path)


def test_run_gives_its_series_as_tables(tmp_path):
    samples, _ = write_run(tmp_path / "run", n_rep=2)
    fit_run(tmp_path / "run")
    run = load_run(tmp_path / "run")
    series = run.series
    assert len(series) == 2 * len(samples.step)
    assert series["time"].iloc[-1] == samples.step[-1] * samples.timestep
    second = series[series["replica"] == 1]
    np.testing.assert_array_equal(second["energy"], samples.energy[1])
    np.testing.assert_array_equal(second["heat_cold"], samples.heat_cold[1])
    np.testing.assert_array_equal(second["stress_B"], samples.stress[1, :, 1])
    np.testing.assert_array_equal(second["J_interface"], samples.flux[1, :, samples.interfaces["plane"][0]])
    assert series["J_hot"].mean() == pytest.approx(run.interface["J_hot"], rel=0.01)
    by_species = replace(samples, flux_species=2.0 * samples.energy)
    np.testing.assert_array_equal(tidy_series(by_species)["J_interface"], by_species.flux_species.ravel())
    temperatures = run.layer_temperatures
    walls = samples.layers["region"] == "wall"
    assert temperatures.loc[:, walls].isna().all(axis=None)
    np.testing.assert_array_equal(temperatures.loc[1].loc[:, ~walls], samples.temperature[1][:, ~walls])


def test_running_resistance_ends_with_the_result(tmp_path):
    samples, _ = write_run(tmp_path / "run")
    fit_run(tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert len(run.running) > 10 and run.running["time"].is_monotonic_increasing
    last = run.running.iloc[-1]
    assert last["time"] == samples.step[-1] * samples.timestep
    assert (last["R_K"], last["R_K_stderr"]) == (run.interface["R_K"], run.interface["R_K_stderr"])


def make_table(values, errors, seeds, swept=("materials.B.mass", "run.seed")):
    """A table of runs at one mass with seeds; a value that is None is that of a run without a result."""
    table = pd.DataFrame(
        {
            "run": [f"r-{i}" for i in range(len(values))],
            "materials.B.mass": 4.0,
            "run.seed": seeds,
            **{name: 1.0 for name in RESULTS},
            "trusted": [value is not None for value in values],
            "failed_checks": "",
            "status": ["done" if value is not None else "failed: killed" for value in values],
            "wall_time": 2.0,
        }
    )
    table["R_K"] = np.array(values, float)
    table["R_K_stderr"] = np.array(errors, float)
    table.attrs = {"swept_keys": list(swept), "units": {}}
    return table


def test_pooled_seeds_have_mean_spread_and_error():
    pooled = pool_seeds(make_table([1.0, 2.0, 3.0], [0.3, 0.4, 1.2], [1, 2, 3]))
    assert len(pooled) == 1 and pooled.attrs["swept_keys"] == ["materials.B.mass"]
    row = pooled.iloc[0]
    assert (row["n_seeds"], row["n_resolved"], row["trusted"], row["status"]) == (3, 3, True, "done")
    assert (row["R_K"], row["R_K_spread"]) == (2.0, 1.0)
    assert row["R_K_stderr"] == pytest.approx(1 / np.sqrt(3))
    assert row["R_K_half95"] == pytest.approx(4.302653 / np.sqrt(3))  # Student's t, 2 degrees of freedom
    assert row["R_K_claimed"] == pytest.approx(1.3 / 3)
    assert row["R_K_systematic"] == 1.0  # windows do to all runs what they do to one
    assert row["wall_time"] == 6.0


def test_pooling_keeps_what_failed_in_sight():
    row = pool_seeds(make_table([1.0, None, None], [0.3, None, None], [1, 2, 3])).iloc[0]
    assert (row["n_seeds"], row["n_resolved"], row["trusted"]) == (3, 1, False)
    assert row["status"] == "2 of 3 runs without a result"
    assert (row["R_K"], row["R_K_stderr"]) == (1.0, 0.3) and np.isnan(row["R_K_spread"])
    assert np.isnan(pool_seeds(make_table([None], [None], [1]))["R_K"][0])


def test_the_figures_of_a_run_that_was_not_analysed_say_what_to_do(tmp_path, capsys):
    run = tmp_path / "r-one"
    write_run(run)
    assert main(["plot", str(run)]) == 2
    assert (
        capsys.readouterr().err
        == f"error: {run}/profile.csv: no such file; run: python -m analysis fit {run}\n"
    )
    assert main(["plot", str(tmp_path)]) == 2
    wanted = f"error: {tmp_path}: holds neither a study (runs.csv) nor a run (config.yaml)\n"
    assert capsys.readouterr().err == wanted


def test_copies_of_a_run_are_not_taken_for_independent_runs():
    """A sharp interface has no use for its seed: three equal runs have no spread, but their mean has an error."""
    row = pool_seeds(make_table([1.0, 1.0, 1.0], [0.3, 0.3, 0.3], [1, 2, 3])).iloc[0]
    assert (row["n_seeds"], row["n_resolved"]) == (3, 1)
    assert (row["R_K"], row["R_K_stderr"], row["R_K_claimed"]) == (1.0, 0.3, 0.3)
    assert np.isnan(row["R_K_spread"])


def test_theory_of_pooled_seeds_is_their_mean_or_nothing():
    """A rough interface has another transmission for each seed."""
    table = make_table([1.0, 2.0, None], [0.3, 0.4, None], [1, 2, 3]).assign(
        R_two_probe=[2.0, 3.0, 4.0], R_four_probe=[1.0, 1.0, None], R_nemd=[0.5, 1.5, 1.0]
    )
    row = pool_seeds(table).iloc[0]
    assert (row["R_two_probe"], row["R_nemd"]) == (3.0, 1.0) and np.isnan(row["R_four_probe"])


def test_what_some_seeds_do_not_resolve_is_not_pooled():
    """Of a G that is resolved only where noise made R_K large, the mean over those that have it is too small."""
    table = make_table([0.2, 0.1, 0.3], [0.1, 0.1, 0.1], [1, 2, 3])
    table["G"], table["G_stderr"] = [5.0, None, 3.3], [2.0, None, 1.0]
    row = pool_seeds(table).iloc[0]
    assert row["R_K"] == pytest.approx(0.2) and row["n_resolved"] == 3
    assert np.isnan(row["G"]) and np.isnan(row["G_stderr"])


def test_of_keys_walked_together_tables_show_the_first():
    table = make_table(
        [1.0, 2.0, 3.0, 4.0], [0.1] * 4, [1, 2, 3, 4], swept=["run.seed", "m", "length.A", "length.B"]
    )
    table = table.assign(m=[1, 1, 4, 4], **{"length.A": [8, 9, 8, 9], "length.B": [16, 18, 16, 18]})
    assert main_keys(table) == ["run.seed", "m", "length.A"]  # a seed of every run's own hides nothing
    assert main_keys(table.assign(**{"length.B": [16, 18, 16, 17]}))[-1] == "length.B"
    lines = format_study(table).splitlines()
    assert "length.A" in lines[0] and "length.B" not in lines[0]
    assert lines[5] == "(not shown, as the swept keys that are shown determine them: length.B)"
    assert "not shown" not in format_study(make_table([1.0], [0.1], [1]))  # what has one value stays


def test_error_of_pooled_seeds_is_that_of_their_mean():
    """Over many cases of 5 seeds, the interval by Student's t holds the truth in 95 % of them."""
    cases, seeds = 200, 5
    values = np.random.default_rng(5).normal(1.0, 0.1, cases * seeds)
    table = make_table(values, np.full(len(values), 0.1), np.tile(range(seeds), cases))
    table["materials.B.mass"] = np.repeat(range(cases), seeds)
    pooled = pool_seeds(table)
    held = np.mean(np.abs(pooled["R_K"] - 1.0) < pooled["R_K_half95"])
    assert len(pooled) == cases and abs(held - 0.95) < 4 * np.sqrt(0.95 * 0.05 / cases)


def test_pooled_table_of_a_study_is_written_and_shown(tmp_path):
    study = tmp_path / "seeds"
    rows = ["run,materials.B.mass,run.seed"]
    for seed in range(3):
        write_run(study / f"r-{seed}", seed)
        fit_run(study / f"r-{seed}")
        rows.append(f"r-{seed},4,{seed}")
    (study / "runs.csv").write_text("\n".join(rows) + "\n")
    table = collect(study)
    written = pd.read_csv(study / "pooled.csv")
    assert written["R_K"].tolist() == pytest.approx([table["R_K"].mean()])
    assert written["R_K_m2K_per_GW"].tolist() == pytest.approx([table["R_K_m2K_per_GW"].mean()])
    assert written["R_K_stderr"][0] == pytest.approx(table["R_K"].std() / np.sqrt(3))
    text = format_study(table)
    assert text.splitlines()[5].startswith("Pooled over run.seed") and len(text.splitlines()) == 8
    (study / "runs.csv").write_text("run,materials.B.mass\nr-0,4\n")
    collect(study)
    assert not (study / "pooled.csv").exists()


def test_columns_in_si_units_have_the_unit_in_their_name():
    assert si_column("R_K", "m^2 K/GW") == "R_K_m2K_per_GW"
    assert si_column("G", "MW/(m^2 K)") == "G_MW_per_m2K"
    assert si_column("J", "nW") == "J_nW"


def test_short_names_of_keys_stay_different():
    keys = ["materials.A.mass", "materials.B.mass", "run.seed", "baths.mean", "interaction.cutoff"]
    assert list(short_names(keys).values()) == ["A.mass", "B.mass", "seed", "baths.mean", "cutoff"]
    assert short_names(["run.x", "structure.x"]) == {"run.x": "run.x", "structure.x": "structure.x"}


def test_run_without_si_values_is_still_listed(study_dir):
    path = study_dir / "r-one" / "interface.json"
    fields = json.loads(path.read_text())
    del fields["si"]
    write_json(path, fields)
    table = load_study(study_dir)
    assert np.isnan(table["R_K_m2K_per_GW"][0]) and table["R_K_m2K_per_GW"][1] > 0
    assert "R_K (" in format_study(table)


def test_figures_of_a_run_and_of_a_study_by_format(study_dir, capsys):
    assert main(["plot", str(study_dir / "r-one"), "--format", "pdf", "svg", "--units", "si"]) == 0
    assert {path.name for path in (study_dir / "r-one").glob("*.[ps][dv][fg]")} == {
        "profile.pdf",
        "profile.svg",
        "running.pdf",
        "running.svg",
    }
    assert "<text" in (study_dir / "r-one" / "profile.svg").read_text()
    assert main(["plot", str(study_dir), "--format", "svg"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(study_dir / "sweep.svg")


def test_map_is_drawn_for_two_keys_and_goes_when_one_is_left(study_dir):
    runs = pd.read_csv(study_dir / "runs.csv")
    runs["run.timestep"] = [0.01, 0.02, 0.02, 0.01]
    runs.to_csv(study_dir / "runs.csv", index=False)
    assert [path.name for path in plot_study(study_dir, ["png"])] == ["sweep.png"]  # the mass says it all
    runs["materials.B.mass"] = [4, 4, 8, 8]
    runs.to_csv(study_dir / "runs.csv", index=False)
    assert [path.name for path in plot_study(study_dir, ["png"])] == ["sweep.png", "map.png"]
    runs.drop(columns="run.timestep").to_csv(study_dir / "runs.csv", index=False)
    plot_study(study_dir, ["png"])
    assert not (study_dir / "map.png").exists()
