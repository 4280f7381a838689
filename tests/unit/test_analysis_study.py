"""Files of a run and of a study, the command line, and the figures."""

import json
from dataclasses import replace

import matplotlib
import numpy as np
import pandas as pd
import pytest
import synthetic

from analysis import (
    analyse,
    collect,
    fit_run,
    format_study,
    load_run,
    load_study,
    plot_flux,
    plot_profile,
    plot_study,
    plot_sweep,
)
from analysis.__main__ import main
from analysis.study import RESULTS
from nemd_core.errors import StorageError
from nemd_core.storage import write_json, write_samples

matplotlib.use("Agg")

CONFIG = """
units: lj
structure:
  lattice: sc
  lattice_constant: 1.0
  cross_section: [6, 6]
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
    samples, settings = write_run(tmp_path / "run")
    before = set((tmp_path / "run").iterdir())
    assert main(["fit", str(tmp_path / "run")]) == 0
    new = {path.name for path in set((tmp_path / "run").iterdir()) - before}
    assert new == {"profile.csv", "interface.json", "profile.png"}
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["R_K", "J", "trusted:"]
    result = analyse(samples, settings)
    run = load_run(tmp_path / "run")
    assert run.interface == result.interface
    assert run.info["wall_time"] == 12.5
    pd.testing.assert_frame_equal(run.profile, result.profile, check_dtype=False)
    assert (tmp_path / "run" / "profile.png").read_bytes().startswith(b"\x89PNG")
    text = (tmp_path / "run" / "profile.csv").read_text()
    header = "layer,x,region,species,n_sites,temperature,temperature_stderr,flux,flux_stderr,fitted"
    assert text.splitlines()[0] == header
    assert "nan" not in text.lower()


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
    assert capsys.readouterr().err.count("runs.csv: no such file") == 2


def test_summary_of_a_study(study_dir, capsys):
    table = collect(study_dir)
    state = ["trusted", "failed_checks", "status", "wall_time"]
    assert list(table.columns) == ["run", "materials.B.mass", *RESULTS, *state]
    assert "delta_T_stderr" in RESULTS and "kappa_B_stderr" in RESULTS
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
    written = pd.read_csv(study_dir / "summary.csv", keep_default_na=False, na_values=[""])
    assert list(written.columns) == list(table.columns)
    np.testing.assert_allclose(written["R_K"], table["R_K"].astype(float))
    pd.testing.assert_frame_equal(load_study(study_dir), table)
    assert main(["collect", str(study_dir)]) == 0
    text = capsys.readouterr().out
    assert text.strip() == format_study(table).strip()
    assert "R_K (tau sigma^2/k_B)" in text and "energy audit" in text and "±" in text


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
    assert table["failed_checks"][0] == "flux_agreement;energy_audit"
    assert "NOT trusted: flux_agreement;energy_audit" in format_study(table)


def test_a_study_of_one_run_without_swept_keys(tmp_path):
    study = tmp_path / "single"
    write_run(study / "r-one")
    fit_run(study / "r-one")
    (study / "runs.csv").write_text("run\nr-one\n")
    assert list(collect(study).columns)[:2] == ["run", "R_K"]
    assert plot_study(study) == study / "sweep.png"
    assert plot_study(study, tmp_path / "other.png").is_file()


def test_columns_of_runs_csv_must_be_swept_keys(tmp_path):
    (tmp_path / "runs.csv").write_text("run,R_K\nr-one,1\n")
    with pytest.raises(StorageError, match="not swept keys: R_K"):
        load_study(tmp_path)
    (tmp_path / "runs.csv").write_text("name\nr-one\n")
    with pytest.raises(StorageError, match="no column 'run'"):
        load_study(tmp_path)


def test_profile_figure_shows_fits_jump_and_units():
    result = analyse(*synthetic.make())
    ax = plot_profile(result)
    x_interface = result.interface["x_interface"]
    solid = [line for line in ax.lines if str(line.get_label()).startswith("fit of")]
    assert [line.get_label() for line in solid] == ["fit of A", "fit of B"]
    assert list(solid[0].get_xdata()) == result.interface["fit_A"]["window"]
    drawn = [(line.get_xdata()[-1], line.get_ydata()[-1]) for line in ax.lines] + [
        (line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines
    ]
    for side in "AB":
        end = np.array([x_interface, result.interface[f"T_{side}"]])
        assert any(np.allclose(end, point) for point in drawn)
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "Delta T" in texts and "hot" in texts and "cold" in texts
    assert "sigma" in ax.get_xlabel() or "σ" in ax.get_xlabel()
    assert "ε" in ax.get_ylabel() and "R_K" in ax.get_title(loc="left")
    assert len(ax.containers) == 2  # error bars of both sides


def test_figures_of_unresolved_and_untrusted_runs():
    samples, settings = synthetic.make(flux=0.0, delta_T=0.0)
    ax = plot_profile(analyse(samples, replace(settings, T_hot=1.0)))
    assert "not resolved" in ax.get_title(loc="left")
    assert "not trusted: bath temperatures" in ax.get_title(loc="left")


def test_flux_figure_draws_on_given_axes():
    result = analyse(*synthetic.make())
    figure = matplotlib.figure.Figure()
    ax = figure.add_subplot()
    assert plot_flux(result, ax) is ax
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["given by the hot bath", "taken by the cold bath", "planes"]


def test_sweep_figure_tells_untrusted_points_and_series_apart(study_dir):
    table = load_study(study_dir)
    table["trusted"] = [True, False, False, False]
    ax = plot_sweep(table, "materials.B.mass")
    faces = [container[0].get_markerfacecolor() for container in ax.containers]
    assert faces[1] == "white" != faces[0]
    assert ax.get_legend_handles_labels()[1] == ["not trusted"]
    assert ax.get_xlabel() == "materials.B.mass" and "R_K" in ax.get_ylabel()
    doubled = pd.concat([table.assign(seed=1), table.assign(seed=2)], ignore_index=True)
    doubled.attrs = table.attrs | {"swept_keys": ["materials.B.mass", "seed"]}
    assert plot_sweep(doubled, "materials.B.mass").get_legend_handles_labels()[1][:2] == [
        "seed = 1",
        "seed = 2",
    ]
    with pytest.raises(KeyError):
        plot_sweep(table, "no.such.key")


def test_sweep_figure_over_words(study_dir):
    table = load_study(study_dir)
    table["interaction.truncation"] = ["none", "force-shift", "energy-shift", "none"]
    ax = plot_sweep(table, "interaction.truncation")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "force-shift", "energy-shift"]
