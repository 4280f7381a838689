"""What the figures of theory show, read back from their artists, and theory in the report; predictions are synthetic."""

import json

import numpy as np
import pandas as pd
import pytest
import studies

from analysis import load_prediction, load_study, plot_prediction
from analysis.__main__ import main
from analysis.figures import Scale
from analysis.plots_map import plot_exact_profile, plot_transmission_map
from analysis.plots_theory import plot_conductance, plot_phonons, plot_transmission
from analysis.report import write_report
from analysis.report_runs import Numbers
from analysis.report_theory import view_theory
from analysis.theory import FIGURES
from nemd_core.errors import StorageError
from nemd_core.storage import write_json
from nemd_core.units import ARGON

MESH, SPACING = 6, 1.58
W = np.linspace(0.05, 9.95, 100)
T = np.geomspace(0.01, 3.0, 12)
PLATEAU = 0.8
TO_THZ = ARGON.to_field(1.0, "w")[0]


def write_prediction(directory, dimensions=3):
    """A prediction of a mesh, side B with half of A's frequencies; G = plateau T³/(T³ + 1), of a chain without the power."""
    directory.mkdir(parents=True)
    unit = "epsilon/tau" if dimensions == 1 else "epsilon/(tau sigma^2)"
    fields = {
        "units": {"J": unit},
        "reference": ARGON.summary(),
        "dos_overlap": 0.25,
        "dimensions": dimensions,
    }
    fields |= {"R_two_probe": 3.0, "R_four_probe": 1.0, "R_nemd": 1.5}
    n = 1 if dimensions == 1 else MESH**2
    fields |= {"wave_vectors": n, "infinite_cross_section": {"G_classical": PLATEAU, "wave_vectors": n}}
    write_json(directory / "predict.json", fields)
    for name, columns in make_tables(dimensions).items():
        pd.DataFrame(columns).to_csv(directory / f"{name}.csv", index=False)
    return directory


def make_tables(dimensions):
    distance = np.repeat(np.linspace(0.0, 2.0, 21), np.where(np.arange(21) == 11, 2, 1))
    sides = [
        pd.DataFrame({"side": side, "distance": distance, "w_1": top * np.sin(np.pi * distance / 2)})
        for side, top in (("A", 10.0), ("B", 5.0))
    ]
    for bands in sides:
        bands.loc[[0, 10, 11, 21], "label"] = ["G", "X", "K|U", "G"]
    modes = {"A": np.where(W < 10, 3.0, 0.0), "B": np.where(W < 5, 3.0, 0.0)}
    transmission = {"frequency": W, "transmission": 0.6 * modes["B"], "transmission_mesh": 0.5 * modes["B"]}
    transmission |= {f"modes_{side}": count for side, count in modes.items()}
    transmission |= {f"accumulation{end}": PLATEAU * np.minimum(W / 5, 1) for end in ("", "_mesh")}
    step = 2 * np.pi / SPACING / MESH
    cells = (np.arange(MESH) + MESH // 2 - 1) % MESH - MESH // 2 + 1  # of the first zone, one edge of two
    k_y, k_z = (step * part.ravel() for part in np.meshgrid(cells, cells, indexing="ij"))
    waves = {"k_y": k_y, "k_z": k_z, "G": 2 + np.cos(SPACING * k_y), "w=2.5": k_y**2, "w=7.5": 0.0 * k_y}
    powers = T**dimensions
    tables = {
        "dispersion": pd.concat(sides),
        "dos": {"frequency": W, "dos_A": np.full(100, 0.1), "dos_B": np.where(W < 5, 0.2, 0.0)},
        "transmission": transmission,
        "conductance": {"temperature": T, "temperature_K": 119.8 * T, "G": PLATEAU * powers / (1 + powers)},
    }
    return tables | ({"transmission_map": waves} if dimensions == 3 else {})


@pytest.fixture(scope="module")
def prediction(tmp_path_factory):
    return load_prediction(write_prediction(tmp_path_factory.mktemp("theory") / "crystal"))


@pytest.fixture(scope="module")
def scale(prediction):
    return Scale(prediction.fields)


def labelled(ax, start):
    (line,) = (line for line in ax.lines if line.get_label().startswith(start))
    return line


def test_phonons_of_both_sides_share_the_axis_of_frequencies(prediction, scale):
    A, B, dos = plot_phonons(prediction, scale).axes
    assert A.get_shared_y_axes().joined(A, B) and A.get_shared_y_axes().joined(A, dos)
    assert A.lines[0].get_ydata().max() == pytest.approx(10.0)
    assert B.lines[0].get_ydata().max() == pytest.approx(5.0)
    assert A.lines[1].get_xdata().min() == A.lines[0].get_xdata().max()  # broken where the path jumps
    assert [text.get_text() for text in A.get_xticklabels()] == ["Γ", "X", "\nK|U", "Γ"]
    np.testing.assert_allclose(labelled(dos, "B").get_xdata(), np.where(W < 5, 0.2, 0.0))
    np.testing.assert_allclose(labelled(dos, "B").get_ydata(), W)
    assert "overlap 0.250" in dos.get_legend_handles_labels()[1]


def test_transmission_lies_before_the_modes_of_both_sides(prediction, scale):
    upper, lower = plot_transmission(prediction, scale).axes
    np.testing.assert_allclose(labelled(upper, "modes of A").get_ydata(), 3.0)
    np.testing.assert_allclose(labelled(upper, "transmission, sim").get_ydata(), np.where(W < 5, 1.8, 0.0))
    np.testing.assert_allclose(labelled(upper, "transmission, inf").get_ydata(), np.where(W < 5, 1.5, 0.0))
    assert lower.lines[0].get_ydata()[-1] == pytest.approx(PLATEAU)
    assert "τ" in lower.get_xlabel() and "k_" in lower.get_ylabel()
    mesh = prediction.fields["infinite_cross_section"] | {"wave_vectors": 1}
    fields = prediction.fields | {"wave_vectors": 1, "infinite_cross_section": mesh}
    upper, lower = plot_transmission(type(prediction)(prediction.directory, fields), scale).axes
    assert len(lower.lines) == 1 and upper.get_legend_handles_labels()[1][-1] == "transmission"


def test_si_units_are_those_of_the_reference(prediction):
    si = Scale(prediction.fields, "si")
    upper, lower = plot_transmission(prediction, si).axes
    np.testing.assert_allclose(labelled(upper, "modes of A").get_xdata(), TO_THZ * W)
    assert lower.lines[0].get_ydata()[-1] == pytest.approx(ARGON.to_field(PLATEAU, "G")[0])
    assert "THz" in lower.get_xlabel() and "MW" in lower.get_ylabel()
    *_, dos = plot_phonons(prediction, si).axes
    line = labelled(dos, "A")
    assert np.trapezoid(line.get_xdata(), line.get_ydata()) == pytest.approx(
        0.99, rel=1e-6
    )  # a density of ω/2π
    map_figure = plot_transmission_map(prediction, si)
    assert f"{2.5 * TO_THZ:.3g} THz" in map_figure.axes[1].get_title(loc="left")
    x, _ = zone(map_figure.axes[0].images[0])
    edge = np.pi / SPACING / ARGON.to_field(1.0, "x")[0]
    assert x.max() == pytest.approx(edge, rel=0.01)


def zone(image):
    """k_y and the value of every pixel inside the Brillouin zone."""
    values = image.get_array()
    x = np.linspace(*image.get_extent()[:2], values.shape[1])
    return np.broadcast_to(x, values.shape)[~values.mask], values.compressed()


def test_map_covers_the_whole_zone_with_both_of_its_edges(prediction, scale):
    integrated, first, second, *bars = plot_transmission_map(prediction, scale).axes
    x, G = zone(integrated.images[0])
    assert (x.min(), x.max()) == pytest.approx((-np.pi / SPACING, np.pi / SPACING), rel=0.01)
    k = 2 * np.pi / SPACING / MESH * np.arange(-MESH, MESH + 1)
    np.testing.assert_allclose(G, np.interp(x, k, 2 + np.cos(SPACING * k)), atol=1e-9)
    assert first.images[0].get_clim() == second.images[0].get_clim()
    assert first.images[0].get_clim() == pytest.approx((0.0, (np.pi / SPACING) ** 2))
    assert second.get_title(loc="left") == "$\\omega$ = 7.5/τ" and len(bars) == 2


def test_conductance_has_its_power_law_and_plateau(prediction, scale, tmp_path):
    (ax,) = plot_conductance(prediction, scale).axes
    np.testing.assert_allclose(labelled(ax, "quantum").get_ydata()[-1], PLATEAU * 27 / 28)
    assert labelled(ax, "classical").get_ydata()[0] == PLATEAU
    x, y = labelled(ax, "$T^3$").get_data()
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(3.0)
    np.testing.assert_allclose(y, PLATEAU * x**3, rtol=0.03)
    other_T, other_G = ax.child_axes
    assert "K" in other_T.get_xlabel() and "MW" in other_G.get_ylabel()
    ax.figure.draw_without_rendering()
    np.testing.assert_allclose(other_T.get_xlim(), np.multiply(119.8, ax.get_xlim()))
    chain = load_prediction(write_prediction(tmp_path / "chain", dimensions=1))
    (ax,) = plot_conductance(chain, Scale(chain.fields, "si")).axes
    x, y = labelled(ax, "$T$").get_data()
    assert np.diff(np.log(y)) / np.diff(np.log(x)) == pytest.approx(1.0) and "pW" in ax.get_ylabel()
    # of a chain, no point rises as T³
    (ax,) = plot_conductance(chain, Scale(prediction.fields)).axes
    assert not any(line.get_label().startswith("$T") for line in ax.lines)


def add_exact(directory):
    """The exact state of a chain of 12 layers with levels of 1.1 and 0.9 about x = 5.5."""
    x = np.arange(12)
    regions = ["wall", "hot", *"AAAA", *"BBBB", "cold", "wall"]
    T = np.select([(x == 0) | (x == 11), x == 1, x < 6, x < 10], [np.nan, 1.2, 1.1, 0.9], 0.8)
    fitted = np.where(np.isin(x, (3, 4, 7, 8)), T, np.nan)
    columns = {"layer": x, "x": x, "region": regions, "species": [*"AAAAAA", *"BBBBBB"], "temperature": T}
    pd.DataFrame(columns | {"flux": 0.05, "fitted": fitted}).to_csv(
        directory / "exact_profile.csv", index=False
    )
    fit = {"model": "T straight"}
    interface = {
        "x_interface": 5.5,
        "T_A": 1.1,
        "T_B": 0.9,
        "delta_T": 0.2,
        "J": 0.05,
        "fit_A": fit,
        "fit_B": fit,
    }
    fields = json.loads((directory / "predict.json").read_text())
    write_json(
        directory / "predict.json", fields | {"exact": {"R_K": 4.0, **interface, "interfaces": [interface]}}
    )


def test_exact_steady_state_looks_like_a_run_without_errors(tmp_path):
    directory = write_prediction(tmp_path / "chain", dimensions=1)
    add_exact(directory)
    exact = load_prediction(directory)
    (ax,) = plot_exact_profile(exact, Scale(exact.fields)).axes
    temperatures = np.concatenate([container[0].get_ydata().astype(float) for container in ax.containers])
    np.testing.assert_allclose(temperatures, [1.2, *[1.1] * 4, *[0.9] * 4, 0.8])
    ends = [np.array(line.get_data(), float).T for line in ax.lines if len(line.get_xdata()) == 2]
    assert all(np.isclose(np.concatenate(ends), (5.5, T)).all(axis=1).any() for T in (1.1, 0.9))
    title, texts = ax.get_title(loc="left"), [text.get_text() for text in ax.texts]
    assert "= 4 " in title and "$J$ = 0.05 " in title and "±" not in title
    assert {"hot", "cold"} < set(texts) and any(text.startswith("$\\Delta T$ = 0.2 ") for text in texts)
    (si,) = plot_exact_profile(exact, Scale(exact.fields, "si")).axes
    assert "K/nW" in si.get_title(loc="left")


def test_what_a_prediction_does_not_hold_is_not_drawn(prediction, scale, tmp_path):
    assert plot_exact_profile(prediction, scale) is None
    empty = type(prediction)(prediction.directory / "none", prediction.fields)
    for draw in (plot_phonons, plot_transmission, plot_transmission_map, plot_conductance):
        assert draw(empty, scale) is None
    pd.DataFrame({"k_y": [0.0], "k_z": 0.0, "G": 1.0, "w=1": 2.0}).to_csv(
        tmp_path / "transmission_map.csv", index=False
    )
    assert plot_transmission_map(type(prediction)(tmp_path, prediction.fields), scale) is None
    nothing = type(prediction)(prediction.directory, {"infinite_cross_section": {"G_classical": 0.0}})
    assert plot_conductance(nothing, scale) is plot_transmission_map(nothing, scale) is None


def test_files_of_a_prediction(tmp_path, capsys):
    directory = write_prediction(tmp_path / "chain", dimensions=1)
    for table in ("dispersion", "conductance"):  # what is drawn of them is drawn in the report's tests
        (directory / f"{table}.csv").unlink()
    (directory / "transmission_map.png").write_text("of an earlier prediction")
    wanted = directory / "transmission.svg"
    assert plot_prediction(directory, ["svg"]) == [wanted]
    assert not (directory / "transmission_map.png").exists()
    assert main(["theory", str(directory), "--format", "png", "--units", "si"]) == 0
    assert capsys.readouterr().out.splitlines() == [str(wanted.with_suffix(".png"))]
    assert not wanted.exists()


def test_what_holds_no_prediction_is_refused(tmp_path, capsys):
    assert main(["theory", str(tmp_path)]) == 2
    made_by = f"python -m nemd_core predict CONFIG -o {tmp_path}"
    assert capsys.readouterr().err == f"error: {tmp_path}/predict.json: no such file; run: {made_by}\n"
    (tmp_path / "predict.json").write_text("[]")
    with pytest.raises(StorageError, match=r"predict\.json: not a mapping"):
        load_prediction(tmp_path)
    (tmp_path / "predict.json").write_text("{")
    with pytest.raises(StorageError, match="cannot be read"):
        plot_prediction(tmp_path)


@pytest.fixture(scope="module")
def study_dir(tmp_path_factory):
    """A study of three masses: all is well; theory failed; nothing passes in theory, and the run failed."""
    study_dir = tmp_path_factory.mktemp("results") / "masses"
    failures = {8.0: None, 4.0: None, 2.0: studies.FAILURE}
    runs = [
        studies.write_run(study_dir, number, mass, failure=failure)
        for number, (mass, failure) in enumerate(failures.items())
    ]
    pd.DataFrame({"run": runs, "materials.B.mass": list(failures)}).to_csv(
        study_dir / "runs.csv", index=False
    )
    columns = ["run", "key", "R_two_probe", "R_four_probe", "R_nemd", "status"]
    rows = [
        [runs[0], "t-0", 3.0, 1.0, 1.5, "done"],
        [runs[1], "t-1", None, None, None, "failed: imaginary mode, w² = -3"],
        [runs[2], "t-2", None, None, None, "done"],
    ]
    pd.DataFrame(rows, columns=columns).to_csv(study_dir / "theory.csv", index=False)
    for key in ("t-0", "t-2"):
        directory = write_prediction(study_dir / "theory" / key)
    fields = json.loads((directory / "predict.json").read_text())
    write_json(directory / "predict.json", fields | {"unresolved": {"R_nemd": "no common frequency"}})
    plot_prediction(directory, ["png"])
    return study_dir


def test_report_shows_theory_beside_the_simulation(study_dir):
    table = load_study(study_dir)
    view = view_theory(study_dir, table, Numbers(table.attrs))
    names = ["R_K", "R_NEMD", "ratio", "four-probe", "two-probe"]
    rows = [dict(zip(names, row[1:], strict=True)) for row in view["rows"]]
    first = table.iloc[0]
    assert rows[0]["R_NEMD"]["reduced"] == "1.5" and rows[0]["two-probe"]["reduced"] == "3"
    assert float(rows[0]["ratio"]["sort"]) == pytest.approx(first["R_K"] / 1.5)
    assert all(row["R_NEMD"]["reduced"] == row["ratio"]["text"] == "–" for row in rows[1:])
    assert view["notes"] == [
        "1 of 3 runs without theory, failed: imaginary mode, w² = -3",
        "1 of 3 runs without R_NEMD: no common frequency",
    ]
    # of the last junction alone, without an exact steady state
    assert len(view["figures"]) == len(FIGURES) - 1
    assert "mass = 2" in view["figures"][0]["caption"]


def test_theory_has_a_section_in_the_report_where_there_is_some(study_dir):
    text = write_report(study_dir).read_text(encoding="utf-8")
    assert text.count('id="theory-heading"') == 1 and "imaginary mode" in text
    table = (study_dir / "theory.csv").rename(study_dir / "other.csv")
    without = write_report(study_dir).read_text(encoding="utf-8")
    table.rename(study_dir / "theory.csv")
    assert "theory-heading" not in without


def test_theory_of_equal_sides_is_zero_not_what_integrals_miss(study_dir, tmp_path):
    table = load_study(study_dir).assign(R_two_probe=2.0, R_four_probe=-3e-12, R_nemd=2.4e-5)
    (tmp_path / "theory.csv").write_text("run,key,R_two_probe,R_four_probe,R_nemd,status\n")
    *_, R_nemd, ratio, four_probe, _ = view_theory(tmp_path, table, Numbers(table.attrs))["rows"][0]
    assert (R_nemd["reduced"], four_probe["reduced"], ratio["text"]) == ("0", "0", "–")
