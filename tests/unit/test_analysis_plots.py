"""What the figures show, read back from their artists; no pixels."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import synthetic
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from analysis import (
    analyse,
    plot_flux,
    plot_map,
    plot_profile,
    plot_running,
    plot_sweep,
    running_resistance,
    save,
)
from analysis.figures import Scale, is_geometric, key_label, new_axes, unit_label
from analysis.plots_overlay import DASHES, GREY, SQUASHED, TICKS, plot_bath_lengths
from analysis.plots_study import fill_grid, varying_keys
from nemd_core.errors import StorageError
from nemd_core.units import ARGON, KRYPTON

MASS, EPSILON, SEED = "materials.B.mass", "materials.B.epsilon", "run.seed"
TO_K = ARGON.to_field(1.0, "temperature")[0]
TO_NM = ARGON.to_field(1.0, "x")[0]
TO_RESISTANCE = ARGON.to_field(1.0, "R_K")[0]


@pytest.fixture
def ax():
    return Figure().add_subplot()


@pytest.fixture(scope="module")
def result():
    return analyse(*synthetic.make())


@pytest.fixture(scope="module")
def periodic():
    return analyse(*synthetic.make_periodic())


def make_table(points, R_K=None, swept=None):
    """A study's table from points {key: value}; R_K is the product of the values unless given."""
    table = pd.DataFrame(points)
    swept = swept or list(table.columns)
    table.insert(0, "run", [f"r-{i:010x}" for i in range(len(table))])
    table["R_K"] = table[swept].prod(axis=1) if R_K is None else np.array(R_K, float)
    table["R_K_stderr"] = 0.1 * table["R_K"].abs()
    table["status"] = np.where(table["R_K"].notna(), "done", "failed: killed")
    table = table.assign(trusted=table["R_K"].notna(), failed_checks="", wall_time=1.0)
    table.attrs = {
        "swept_keys": swept,
        "units": {"R_K": "tau sigma^2/k_B"},
        "reference": "argon",
        "study": "s",
    }
    return table


def add_theory(table, two_probe, four_probe, nemd):
    """The table with the three resistances of theory, each a number or one for each row."""
    return table.assign(R_two_probe=two_probe, R_four_probe=four_probe, R_nemd=nemd)


def drawn_theory(ax):
    """The lines of theory, {name: [(colour, x, y), ...]}; ticks that nothing joins have the names of lines too."""
    lines = [line for line in ax.lines if line.get_zorder() == 0.5]
    dashed = {tuple(dashes[1]): name for name, dashes in DASHES.items()}
    pieces = {len(ticks): name for name, ticks in TICKS.items() if name != "R_nemd"}
    found = {}
    for line in lines:
        if line.get_linestyle() == "None":
            corners = line.get_marker().vertices
            name = pieces.get(len(corners) // 2)
            name = "R_nemd" if np.allclose(corners[0:2, 0], TICKS["R_nemd"][0]) else name
        else:
            name = dashed[tuple(line._unscaled_dash_pattern[1])]
        found.setdefault(name, []).append((line.get_color(), list(line.get_xdata()), list(line.get_ydata())))
    return found


def grid(**values):
    """Points of a product, in the order of a study."""
    frames = pd.MultiIndex.from_product(values.values(), names=values).to_frame(index=False)
    return frames.rename(columns={"mass": MASS, "epsilon": EPSILON, "seed": SEED})


def drawn_points(ax):
    """The points of each series with error bars, {(x, y), ...} by series."""
    return [set(zip(*container[0].get_data(), strict=True)) for container in ax.containers]


def line_ends(ax):
    """The ends of all lines but those of interfaces, shape (n, 2)."""
    straight = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linestyle() != ":"]
    lines = [np.transpose(line.get_data()) for line in straight]
    return np.array([end for line in lines for end in (line[0], line[-1])], float)


def legend(ax):
    return ax.get_legend_handles_labels()[1]


def test_profile_shows_layers_fits_and_jump(result, ax):
    assert plot_profile(result, ax) is ax
    fields = result.interface
    fits = [line for line in ax.lines if str(line.get_label()).startswith("fit of")]
    assert [line.get_label() for line in fits] == ["fit of A", "fit of B"]
    assert list(fits[0].get_xdata()) == fields["fit_A"]["window"]
    for side in "AB":
        end = (fields["x_interface"], fields[f"T_{side}"])
        assert np.isclose(line_ends(ax), end).all(axis=1).any()
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "Delta T" in texts and "hot" in texts and "cold" in texts
    assert "σ" in ax.get_xlabel() and "ε" in ax.get_ylabel()


def test_a_line_through_ln_T_is_drawn_curved_up_to_the_interface(ax):
    samples, settings = synthetic.make(noise=0.0, n_rows=40)
    fields = analyse(samples, replace(settings, fit_auto=True)).interface
    plot_profile(analyse(samples, replace(settings, fit_auto=True)), ax)
    drawn = [np.transpose(line.get_data()) for line in ax.lines if len(line.get_xdata()) > 2]
    ends = np.array([line[k] for line in drawn for k in (0, -1)])
    for side in "AB":
        assert fields[f"fit_{side}"]["model"] == "ln T straight"
        assert np.isclose(ends, (fields["x_interface"], fields[f"T_{side}"])).all(axis=1).any()
    assert ax.get_title(loc="left").startswith("$R_")
    assert len(ax.containers) == 2  # error bars of both sides
    assert len(ax.containers[0][0].get_xdata()) == synthetic.SIDE - synthetic.WALL


@pytest.mark.parametrize("flux", [1.0, -1.0])
@pytest.mark.parametrize("jump", [1e-3, -1e-3])
def test_a_small_jump_is_named_where_there_are_no_points(ax, flux, jump):
    """To the right of the interface: above where temperatures fall along x, below where they rise."""
    plot_profile(analyse(*synthetic.make(flux=flux * synthetic.J, delta_T=jump)), ax)
    (name,) = (text for text in ax.texts if "Delta T" in text.get_text())
    assert np.sign(name.xyann[1]) == flux


def test_profile_in_si_units_is_the_same_picture(result, ax):
    other = Figure().add_subplot()
    plot_profile(result, ax)
    plot_profile(result, other, units="si")
    np.testing.assert_allclose(line_ends(other), line_ends(ax) * (TO_NM, TO_K))
    assert "nm" in other.get_xlabel() and "K" in other.get_ylabel() and "GW" in other.get_title(loc="left")
    with pytest.raises(StorageError, match="'imperial': must be reduced or si"):
        plot_profile(result, units="imperial")


def test_reference_of_the_run_decides_si_units():
    result = analyse(
        *(lambda samples, settings: (samples, replace(settings, reference=KRYPTON)))(*synthetic.make())
    )
    ax = plot_profile(result, Figure().add_subplot(), units="si")
    end = (result.interface["x_interface"] * KRYPTON.sigma * 1e9, result.interface["T_A"] * 163.0)
    assert np.isclose(line_ends(ax), end).all(axis=1).any()


def test_periodic_profile_marks_both_interfaces(periodic, ax):
    plot_profile(periodic, ax)
    inner, boundary = periodic.interface["interfaces"]
    length = len(periodic.profile)
    drawn = sorted({float(line.get_xdata()[0]) for line in ax.lines if line.get_linestyle() == ":"})
    np.testing.assert_allclose(drawn, [-0.5, inner["x_interface"], length - 0.5])
    # every line ends on its own interface, the boundary's at either end of the cell
    for x, T in (
        (inner["x_interface"], inner["T_A"]),
        (inner["x_interface"], inner["T_B"]),
        (-0.5, boundary["T_A"]),
        (length - 0.5, boundary["T_B"]),
    ):
        assert np.isclose(line_ends(ax), (x, T)).all(axis=1).any()
    assert [line.get_label() for line in ax.lines].count("fit of A") == 1
    assert sum("Delta T" in text.get_text() for text in ax.texts) == 2
    assert ax.get_xlim() == (-0.5, length - 0.5)


def test_periodic_flux_runs_both_ways(periodic, ax):
    plot_flux(periodic, ax)
    J_hot = periodic.interface["J_hot"]
    levels = [line.get_ydata()[0] for line in ax.lines if line.get_color() == "#D55E00"]
    np.testing.assert_allclose(sorted(levels), [-J_hot, J_hot])
    flux = ax.containers[0][0].get_ydata()
    assert np.nanmin(flux) < -0.9 * J_hot and np.nanmax(flux) > 0.9 * J_hot
    assert len(legend(ax)) == 3


def test_layers_of_other_species_have_their_own_marks(result, ax):
    profile = result.profile.copy()
    profile.loc[19:20, "species"] = "C"
    profile.loc[21, "species"] = "mixed"
    plot_profile(replace(result, profile=profile), ax)
    assert {"layers of C", "mixed layers"} < set(legend(ax))
    points = drawn_points(ax)
    assert [len(part) for part in points[2:]] == [2, 1]
    colours = {container[0].get_color() for container in ax.containers}
    assert len(colours) == 4


def test_figures_of_unresolved_and_untrusted_runs(ax):
    samples, settings = synthetic.make(flux=0.0, delta_T=0.0)
    plot_profile(analyse(samples, replace(settings, T_hot=1.0)), ax)
    assert "not resolved" in ax.get_title(loc="left")
    assert "not trusted: bath temperatures" in ax.get_title(loc="left")


def test_flux_figure_draws_planes_and_baths(result, ax):
    assert plot_flux(result, ax, units="si") is ax
    assert legend(ax) == ["given by the hot bath", "taken by the cold bath", "planes"]
    levels = {float(line.get_ydata()[0]) for line in ax.lines if len(set(line.get_ydata())) == 1}
    wanted = ARGON.to_field(result.interface["J_hot"], "J")[0]
    assert any(np.isclose(level, wanted) for level in levels) and "GW" in ax.get_ylabel()


def test_running_figure_ends_in_the_band(result, ax):
    samples, settings = synthetic.make()
    table = running_resistance(samples, settings, 5)
    run = SimpleNamespace(interface=result.interface, running=table)
    assert plot_running(run, ax, units="si") is ax
    time, R_K = ax.containers[0][0].get_data()
    assert R_K[-1] == pytest.approx(result.interface["R_K"] * TO_RESISTANCE)
    assert time[-1] == pytest.approx(samples.step[-1] * samples.timestep * ARGON.to_field(1.0, "time")[0])
    assert "ps" in ax.get_xlabel()


def test_running_figure_without_a_resolved_part_says_so(ax):
    result = analyse(*synthetic.make(flux=0.0, delta_T=0.0))
    empty = pd.DataFrame(columns=["time", "R_K", "R_K_stderr"])
    plot_running(SimpleNamespace(interface=result.interface, running=empty), ax)
    assert "no part of the run" in ax.texts[0].get_text()


def test_sweep_tells_untrusted_points_apart(ax):
    table = make_table({MASS: [1, 2, 4, 8]}, R_K=[0.1, 0.2, np.nan, 0.4])
    table.loc[1, ["trusted", "failed_checks"]] = [False, "steady_state;curvature"]
    plot_sweep(table, MASS, ax)
    assert drawn_points(ax) == [{(1, 0.1), (8, 0.4)}, {(2, 0.2)}]
    faces = [container[0].get_markerfacecolor() for container in ax.containers]
    assert faces[1] == "white" != faces[0]
    assert legend(ax) == ["not trusted: steady state, curvature"]
    assert ax.get_xlabel() == f"{MASS} ($m_0$)" and "sigma" not in ax.get_ylabel()
    assert ax.get_xscale() == "log" and [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    with pytest.raises(KeyError, match="no such column; swept keys: materials"):
        plot_sweep(table, "no.such.key")


def test_sweep_in_si_units(ax):
    plot_sweep(make_table({MASS: [1.0, 2.0, 3.0]}), MASS, ax, units="si")
    (points, _) = drawn_points(ax)
    assert sorted(y for _, y in points) == pytest.approx([TO_RESISTANCE * mass for mass in (1, 2, 3)])
    assert ax.get_xscale() == "linear" and "GW" in ax.get_ylabel()


def test_sweep_makes_series_of_other_keys_but_not_of_those_walked_together(ax):
    table = make_table(grid(mass=[1, 2, 4], epsilon=[1, 2]))
    plot_sweep(table, MASS, ax)
    assert legend(ax) == ["B.epsilon = 1", "B.epsilon = 2"]
    zipped = make_table({MASS: [1, 2, 4], EPSILON: [1, 3, 5]})
    assert varying_keys(zipped) == [MASS]
    assert legend(plot_sweep(zipped, MASS, Figure().add_subplot())) == []
    many = make_table(grid(mass=[1, 2], epsilon=range(9)))
    axes = plot_sweep(many, MASS, Figure().add_subplot())
    assert len({tuple(container[0].get_color()) for container in axes.containers[::2]}) == 9


def test_orientations_are_names_not_numbers(ax):
    orientation = "structure.orientation"
    table = make_table(
        grid(mass=[1, 2, 4], orientation=[100, 110, 111]).rename(columns={"orientation": orientation})
    )
    plot_sweep(table, orientation, ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "110", "111"]
    assert {x for points in drawn_points(ax) for x, _ in points} == {0, 1, 2}
    assert not [
        line for line in ax.lines if line.get_linestyle() != "None" and line.get_lw() == 0.8
    ]  # not joined
    assert len(plot_map(table, MASS, orientation, Figure().add_subplot()).collections) == 1  # no contours


def test_sweep_pools_seeds(ax):
    table = make_table(grid(mass=[1, 2], seed=[1, 2]), R_K=[1.0, 1.2, 2.0, 2.6], swept=[MASS, SEED])
    plot_sweep(table, MASS, ax)
    (points, _) = drawn_points(ax)
    np.testing.assert_allclose(sorted(points), [(1, 1.1), (2, 2.3)])
    (bars,) = ax.containers[0][2]
    low, high = bars.get_segments()[0][:, 1]
    assert high - low == pytest.approx(2 * 0.1)  # spread 0.1 sqrt(2), of 2 runs
    single = plot_sweep(table, SEED, Figure().add_subplot())
    assert sum(map(len, drawn_points(single))) == 4


def test_theory_stands_behind_the_points_of_a_sweep(ax):
    table = add_theory(make_table({MASS: [1, 2, 4, 8]}), [2.0, 4.0, 8.0, 16.0], [0, 1, 2, 3], [0, 1.5, 3, 6])
    table.loc[2, "R_K"] = np.nan  # theory does not need the run
    plot_sweep(table, MASS, ax)
    lines = drawn_theory(ax)
    assert lines["R_two_probe"] == [(GREY, [1, 2, 4, 8], [2, 4, 8, 16])]
    assert lines["R_four_probe"] == [(GREY, [1, 2, 4, 8], [0, 1, 2, 3])]
    assert lines["R_nemd"] == [(GREY, [1, 2, 4, 8], [0, 1.5, 3, 6])]
    assert legend(ax) == ["theory, two-probe", "theory, four-probe", "theory, $R_{\\mathrm{NEMD}}$"]
    si = plot_sweep(table, MASS, Figure().add_subplot(), units="si")
    np.testing.assert_allclose(drawn_theory(si)["R_nemd"][0][2], np.multiply(TO_RESISTANCE, [0, 1.5, 3, 6]))


def test_without_theory_a_sweep_is_as_it_was(ax):
    table = make_table({MASS: [1, 2, 4]})
    for missing in (table, add_theory(table, np.nan, np.nan, np.nan)):
        axes = plot_sweep(missing, MASS, Figure().add_subplot())
        assert drawn_theory(axes) == {} and legend(axes) == []
    failed = add_theory(table, [2.0, np.nan, 8.0], [1.0, np.nan, 3.0], [1.5, np.nan, 6.0])
    plot_sweep(failed, MASS, ax)
    (between, alone) = drawn_theory(ax)["R_nemd"]  # what lies between is not known: nothing joins the two
    np.testing.assert_array_equal(between[2], [1.5, np.nan, 6.0])
    assert alone[1:] == ([1, 4], [1.5, 6.0])


def test_series_have_their_own_theory_unless_they_share_it(ax):
    points = grid(mass=[1, 2, 4], epsilon=[1, 2])
    table = make_table(points)
    plot_sweep(add_theory(table, 9.0, 1.0, 2.0 * points[MASS]), MASS, ax)
    assert {name: len(lines) for name, lines in drawn_theory(ax).items()} == dict.fromkeys(DASHES, 1)
    assert drawn_theory(ax)["R_nemd"] == [(GREY, [1, 2, 4], [2, 4, 8])]
    own = plot_sweep(add_theory(table, 9.0, 1.0, points[EPSILON]), MASS, Figure().add_subplot())
    colours = [container[0].get_color() for container in own.containers[::2]]
    assert drawn_theory(own)["R_nemd"] == [
        (colours[0], [1, 2, 4], [1, 1, 1]),
        (colours[1], [1, 2, 4], [2, 2, 2]),
    ]
    many = make_table(grid(mass=[1, 2], epsilon=[1, 2, 3]))
    axes = plot_sweep(add_theory(many, 9.0, 1.0, many[EPSILON]), MASS, Figure().add_subplot())
    assert list(drawn_theory(axes)) == ["R_nemd"] and len(drawn_theory(axes)["R_nemd"]) == 3
    assert sum("theory" in text for text in legend(axes)) == 1


def test_theory_of_words_is_a_short_line_at_each(ax):
    key = "interaction.truncation"
    table = make_table({key: ["none", "force-shift"]}, R_K=[1, 2])
    plot_sweep(add_theory(table, [3.0, 4.0], 0.5, 1.0), key, ax)
    assert drawn_theory(ax)["R_two_probe"] == [(GREY, [0, 1], [3.0, 4.0])]
    assert all(line.get_linestyle() == "None" for line in ax.lines if line.get_zorder() == 0.5)


def test_theory_does_not_squash_the_points(ax):
    table = make_table({MASS: [1, 2, 4]}, R_K=[1, 1, 1])  # bars reach 1.1
    plot_sweep(add_theory(table, [2.0, 4.0, 50.0], 1.0, 2.5), MASS, ax)
    assert 2.5 < ax.get_ylim()[1] < SQUASHED * 1.1
    assert legend(ax)[0] == "theory, two-probe (up to 50, beyond the axis)" and "beyond" not in "".join(
        legend(ax)[1:]
    )
    other = plot_sweep(add_theory(table, 3.2, 1.0, 2.5), MASS, Figure().add_subplot())
    assert other.get_ylim()[1] > 3.2 and not any("beyond" in text for text in legend(other))


def test_temperature_sweep_of_two_potentials_zipped_with_its_bias(ax):
    """The figure of simulations that run into theory as T -> 0: T along x, one series for each potential."""
    mean = [0.02, 0.05, 0.1, 0.2, 0.4]
    points = pd.DataFrame(
        [
            {"baths.mean": T, "baths.difference": T / 2, "interaction.potential": potential}
            for T in mean
            for potential in ("lj", "lj-harmonic")
        ]
    )
    lj = points["interaction.potential"] == "lj"
    table = make_table(points, R_K=np.where(lj, 1.1 - points["baths.mean"], 1.1))
    assert varying_keys(table) == ["baths.mean", "interaction.potential"]
    plot_sweep(add_theory(table, 2.5, 0.8, 1.1), varying_keys(table)[0], ax)
    assert ax.get_xscale() == "log" and ax.get_xlabel().startswith("baths.mean")
    assert legend(ax)[:2] == ["potential = lj", "potential = lj-harmonic"]
    assert drawn_theory(ax)["R_nemd"] == [(GREY, mean, [1.1] * 5)]
    points = drawn_points(ax)
    assert sorted(points[0]) == [(T, pytest.approx(1.1 - T)) for T in mean]


def test_resistance_against_the_length_of_the_baths(ax):
    theory = {"R_nemd": 4.096, "R_four_probe": 3.145, "units": {"J": "epsilon/tau"}, "reference": "argon"}
    assert plot_bath_lengths([100, 200, 300], [4.2, 4.132, 4.122], theory, ax, units="si") is ax
    unit = ARGON.to_field(1.0, "R_K", 1)[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), unit * np.array([4.2, 4.132, 4.122]))
    assert [line.get_ydata()[0] / unit for line in ax.lines[1:]] == pytest.approx([4.096, 3.145])
    assert "K/nW" in ax.get_ylabel() and "cells" in ax.get_xlabel()


def test_sweep_shows_zero_and_negative_values(ax):
    plot_sweep(make_table({MASS: [1, 2]}, R_K=[-0.5, 0.5]), MASS, ax)
    assert ax.get_ylim()[0] < -0.5 and any(list(line.get_ydata()) == [0.0, 0.0] for line in ax.lines)
    assert plot_sweep(make_table({MASS: [1, 2]}), MASS, Figure().add_subplot()).get_ylim()[0] == 0.0


def test_sweep_over_words_runs_and_nothing(ax):
    truncation = "interaction.truncation"
    table = make_table({truncation: ["none", "force-shift", "energy-shift", "none"]}, R_K=[1, 2, 3, 4])
    plot_sweep(table, truncation, ax)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["none", "force-shift", "energy-shift"]
    runs = plot_sweep(table, "run", Figure().add_subplot())
    assert len(drawn_points(runs)[0]) == 4 and legend(runs) == []
    empty = plot_sweep(table.assign(R_K=np.nan), truncation, Figure().add_subplot())
    assert "no run has a resolved" in empty.texts[0].get_text()


def test_map_shows_values_holes_and_doubts(ax):
    table = make_table(grid(mass=[1, 2, 4, 8], epsilon=[1, 2, 3]))
    table.loc[table.index[-1], ["R_K", "trusted"]] = [np.nan, False]
    table.loc[0, ["trusted", "failed_checks"]] = [False, "curvature"]
    plot_map(table, MASS, EPSILON, ax, units="si")
    cells = ax.collections[0].get_array()
    assert cells.shape == (3, 4) and cells.mask.sum() == 1 and cells.mask[2, 3]
    assert cells[1, 2] == pytest.approx(8 * TO_RESISTANCE)
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[(2, 1)] == f"{8 * TO_RESISTANCE:.0f}" and texts[(3, 2)] == "–"
    hatched = [patch.get_xy() for patch in ax.patches if isinstance(patch, Rectangle) and patch.get_hatch()]
    assert hatched == [(-0.5, -0.5)]
    assert ax.get_title(loc="left") == "hatched: not trusted: curvature, grey: no result"
    assert [label.get_text() for label in ax.get_xticklabels()] == ["1", "2", "4", "8"]
    assert "GW" in ax.figure.axes[1].get_ylabel()
    assert len(ax.collections) > 1  # contours


def test_map_contours_of_a_plane_are_straight():
    """R_K = m + e over two by two cells: contours are the lines on which the sum is constant."""
    table = make_table(grid(mass=[0, 1], epsilon=[0, 1]), R_K=[0, 1, 1, 2])
    ax = plot_map(table, MASS, EPSILON, Figure().add_subplot())
    contours = ax.collections[1]
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        np.testing.assert_allclose(path.vertices.sum(axis=1), level)


def test_map_takes_the_first_of_other_keys_and_pools_seeds():
    points = grid(mass=[1, 2], epsilon=[1, 2], seed=[1, 3])
    table = make_table(points, R_K=np.arange(8.0), swept=[MASS, EPSILON, SEED])
    cells = plot_map(table, MASS, EPSILON, Figure().add_subplot()).collections[0].get_array()
    np.testing.assert_allclose(cells, [[0.5, 4.5], [2.5, 6.5]])
    third = make_table(points.rename(columns={SEED: "run.timestep"}), R_K=np.arange(8.0))
    ax = plot_map(third, MASS, EPSILON, Figure().add_subplot())
    np.testing.assert_allclose(ax.collections[0].get_array(), [[0, 4], [2, 6]])
    assert ax.get_title(loc="left") == "timestep = 1"


def test_a_grid_is_filled_by_runs_not_by_results():
    table = make_table(grid(mass=[1, 2], epsilon=[1, 2], seed=[1, 2]), R_K=[np.nan] * 8)
    assert fill_grid(table, MASS, EPSILON)
    assert not fill_grid(table[2:], MASS, EPSILON)


def test_map_without_any_result_is_grey():
    table = make_table(grid(mass=[1, 2], epsilon=[1, 2]), R_K=[np.nan] * 4)
    ax = plot_map(table, MASS, EPSILON, Figure().add_subplot())
    assert len(ax.figure.axes) == 1 and {text.get_text() for text in ax.texts} == {"–"}


def test_nothing_is_clipped_or_covered():
    """Titles and legends of crowded figures lie inside the figure; the legend of many series beside the axes."""
    table = make_table(grid(mass=[1, 2], epsilon=range(1, 10)))
    ax = plot_sweep(table, MASS, new_axes(5.2, 3.6))
    bad = analyse(*synthetic.make())
    bad.interface["trusted"] = False
    for check in bad.interface["checks"]:
        check["passed"] = False
    profile = plot_profile(bad, new_axes(6.4, 4.0))
    for axes, artists in ((ax, [ax.get_legend()]), (profile, [profile._left_title, profile.get_legend()])):
        axes.figure.draw_without_rendering()
        for artist in artists:
            box = artist.get_window_extent()
            assert box.x0 >= 0 and box.y0 >= 0
            assert box.x1 <= axes.figure.bbox.x1 and box.y1 <= axes.figure.bbox.y1
    assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


@pytest.mark.parametrize("kind", ["png", "pdf", "svg"])
def test_saved_figures_are_the_same_bytes_twice(result, tmp_path, kind):
    files = [save(plot_flux(result, new_axes(4, 3)), tmp_path / f"{name}.{kind}") for name in "ab"]
    first, second = (path.read_bytes() for path in files)
    assert first == second
    if kind == "pdf":
        assert b"/FontFile2" in first and b"/Type3" not in first  # text stays text


def test_unknown_format_of_a_figure_is_refused(tmp_path, ax):
    with pytest.raises(StorageError, match="written as png, pdf, svg, not as jpg"):
        save(ax, tmp_path / "figure.jpg")


def test_labels():
    assert unit_label("epsilon/(tau sigma^2)") == r"$ε/(τ\,σ^2)$"
    assert unit_label("MW/(m^2 K)", "si") == r"$\mathrm{MW/(m^2\,K)}$"
    assert key_label("structure.length.A") == "structure.length.A (cells)"
    assert key_label("baths.hot.temperature") == r"baths.hot.temperature ($ε/k_{\mathrm{B}}$)"
    assert key_label("no.such.key") == "no.such.key"


def test_scale_of_a_chain_has_no_area():
    scale = Scale({"units": {"J": "epsilon/tau"}, "reference": "argon"}, "si")
    assert scale.label("J") == r"$\mathrm{nW}$" and scale("J") == ARGON.to_field(1.0, "J", 1)[0]
    assert Scale({}).label("R_K") == r"$τ\,σ^2/k_{\mathrm{B}}$"


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([1, 2, 4, 8], True),
        ([0.1, 1, 10], True),
        ([1, 2, 3, 4], False),
        ([0, 1, 2, 4, 8], False),
        ([1, 8], False),
        ([1, 1.1, 1.21], False),
    ],
)
def test_spacing_by_factors(values, wanted):
    assert is_geometric(values) == wanted
