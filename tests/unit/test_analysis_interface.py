"""Lines, jump, R_K and conductivities on synthetic junctions: exact without noise, calibrated with it."""

import json
from dataclasses import replace

import numpy as np
import pytest
import synthetic

from analysis import Settings, analyse
from analysis.interface import bulk_line, planes_between_baths
from nemd_core.errors import StorageError

WITH_ERROR = "delta_T J R_K G kappa_A kappa_B T_A T_B J_hot J_cold J_interface".split()
FIELDS = {
    *WITH_ERROR,
    *(f"{name}_stderr" for name in WITH_ERROR),
    *"R_K_ci95 x_interface fit_A fit_B n_samples n_effective L_qq units checks trusted unresolved".split(),
}
TRUE = {
    "delta_T": synthetic.DELTA_T,
    "J": synthetic.J,
    "R_K": synthetic.R_K,
    "G": 1 / synthetic.R_K,
    "kappa_A": -synthetic.J / synthetic.SLOPE_A,
    "kappa_B": -synthetic.J / synthetic.SLOPE_B,
    "T_A": synthetic.T_MIDDLE + 0.5 * synthetic.DELTA_T,
    "T_B": synthetic.T_MIDDLE - 0.5 * synthetic.DELTA_T,
    "J_hot": synthetic.J,
    "J_cold": synthetic.J,
    "J_interface": synthetic.J,
}


def test_noiseless_samples_give_the_exact_answer():
    fields = analyse(*synthetic.make(noise=0.0, n_rows=40)).interface
    for name, value in TRUE.items():
        assert fields[name] == pytest.approx(value, rel=1e-10)
        assert fields[f"{name}_stderr"] == pytest.approx(0.0, abs=1e-10 * value)
    assert fields["x_interface"] == synthetic.SIDE - 0.5
    assert fields["fit_A"]["slope"] == pytest.approx(synthetic.SLOPE_A)
    assert fields["fit_A"]["window"] == [7.0, 17.0]
    assert fields["fit_B"]["n_layers"] == 11
    at_interface = fields["fit_B"]["intercept"] + fields["fit_B"]["slope"] * fields["x_interface"]
    assert at_interface == pytest.approx(fields["T_B"])
    assert fields["L_qq"] == pytest.approx(fields["G"] * synthetic.T_MIDDLE**2)
    assert fields["R_K_ci95"] == pytest.approx([synthetic.R_K] * 2)
    assert fields["unresolved"] == {}


def test_interface_holds_exactly_the_fields_of_the_contract_as_strict_json():
    for arguments in ({}, {"flux": 0.0, "delta_T": 0.0}):
        fields = analyse(*synthetic.make(**arguments)).interface
        assert set(fields) == FIELDS
        assert json.loads(json.dumps(fields, allow_nan=False)) == fields
        for check in fields["checks"]:
            assert set(check) == {"name", "passed", "value", "limit", "message"}
        for side in "AB":
            assert set(fields[f"fit_{side}"]) == {"window", "slope", "intercept", "n_layers"}


@pytest.mark.parametrize("tau, n_rep, n_rows", [(8.0, 1, 2000), (6.0, 4, 250)])
def test_error_bars_of_all_quantities_are_calibrated(tau, n_rep, n_rows):
    """68.3 % of values within Student's t of the truth, and 95 % of R_K intervals, to 4 binomial errors."""
    from scipy import stats

    n, within, covered = 250, dict.fromkeys(TRUE, 0), 0
    for seed in range(n):
        fields = analyse(*synthetic.make(seed, n_rep, n_rows, tau)).interface
        for name, value in TRUE.items():
            # Blocks are 8 to 30; Student's t of 15 degrees of freedom stands for all within 2 %.
            within[name] += abs(fields[name] - value) < stats.t.ppf(0.8415, 15) * fields[f"{name}_stderr"]
        covered += fields["R_K_ci95"][0] < synthetic.R_K < fields["R_K_ci95"][1]
    for name, count in within.items():
        assert count / n == pytest.approx(0.683, abs=4 * np.sqrt(0.683 * 0.317 / n)), name
    assert covered / n == pytest.approx(0.95, abs=4 * np.sqrt(0.95 * 0.05 / n))


def test_error_of_the_ratio_honours_joint_fluctuations():
    """A jump that follows the flux (share > 0) makes R_K better known, one that opposes it worse."""
    errors = {}
    for share in (-0.9, 0.0, 0.9):
        runs = [analyse(*synthetic.make(seed, share=share)).interface for seed in range(40)]
        errors[share] = np.mean([fields["R_K_stderr"] for fields in runs])
        spread = np.std([fields["R_K"] for fields in runs], ddof=1)
        assert errors[share] == pytest.approx(spread, rel=4 / np.sqrt(2 * 39))
    assert errors[0.9] < 0.8 * errors[0.0] < 0.8 * 0.9 * errors[-0.9]


def test_jackknife_agrees_with_the_delta_method():
    samples, settings = synthetic.make(seed=5, n_rows=8000)
    fields = analyse(samples, settings).interface
    lines = [bulk_line(samples, side, settings) for side in "AB"]
    A, B = (samples.temperature[:, :, line.layers] @ line.to_interface for line in lines)
    between = planes_between_baths(samples)
    residual = (A - B) - fields["R_K"] * samples.flux[:, :, between].mean(axis=2)
    blocks = residual[0, : 80 * 100].reshape(80, 100).mean(axis=1)
    by_hand = blocks.std(ddof=1) / np.sqrt(80) / fields["J"]
    assert fields["R_K_stderr"] == pytest.approx(
        by_hand, rel=0.3
    )  # 8 % from 80 blocks, twice as much from fewer


def test_no_flux_gives_nulls_with_reasons():
    fields = analyse(*synthetic.make(flux=0.0, delta_T=0.0)).interface
    for name in ("R_K", "G", "kappa_A", "kappa_B"):
        assert fields[name] is None and fields[f"{name}_stderr"] is None
        assert "contains 0" in fields["unresolved"][name]
    assert fields["R_K_ci95"] is None and fields["L_qq"] is None
    assert abs(fields["delta_T"]) < 4 * fields["delta_T_stderr"]
    assert abs(fields["J"]) < 4 * fields["J_stderr"]
    assert [check["name"] for check in fields["checks"] if not check["passed"]] == ["flux_resolved"]


def test_no_jump_leaves_R_K_but_not_G():
    fields = analyse(*synthetic.make(delta_T=0.0)).interface
    low, high = fields["R_K_ci95"]
    assert low < 0 < high and low < fields["R_K"] < high
    assert fields["G"] is None and "R_K contains 0" in fields["unresolved"]["G"]
    assert fields["L_qq"] is None
    exact = analyse(*synthetic.make(delta_T=0.0, noise=0.0, n_rows=40)).interface
    assert exact["R_K"] == pytest.approx(0.0, abs=1e-12) and exact["G"] is None


def test_flat_profile_leaves_no_conductivity():
    samples, settings = synthetic.make(seed=2)
    A = samples.layers["species"] == "A"
    exact = synthetic.truth()[1]
    samples.temperature[:, :, A] += (exact[synthetic.SIDE - 1] - exact)[A]
    fields = analyse(samples, replace(settings, T_hot=exact[synthetic.SIDE - 1])).interface
    assert fields["kappa_A"] is None and "slope_A contains 0" in fields["unresolved"]["kappa_A"]
    assert fields["kappa_B"] is not None and fields["R_K"] is not None


def test_swapped_sides_give_the_same_resistance():
    samples, settings = synthetic.make(seed=3)
    there = analyse(samples, settings).interface
    swapped = replace(settings, T_hot=settings.T_cold, T_cold=settings.T_hot)
    back = analyse(synthetic.mirror(samples), swapped).interface
    for name, other, sign in (
        ("R_K", "R_K", 1),
        ("G", "G", 1),
        ("kappa_A", "kappa_B", 1),
        ("delta_T", "delta_T", -1),
        ("J", "J", -1),
        ("T_A", "T_B", 1),
        ("J_hot", "J_cold", -1),
    ):
        assert back[name] == pytest.approx(sign * there[other], rel=1e-9)
        assert back[f"{name}_stderr"] == pytest.approx(there[f"{other}_stderr"], rel=1e-6)
    assert back["R_K_ci95"] == pytest.approx(there["R_K_ci95"], rel=1e-9)
    assert back["trusted"] and there["trusted"]


def test_flux_estimates_are_combined_and_planes_inside_baths_are_not():
    samples, settings = synthetic.make(seed=4)
    between = planes_between_baths(samples)
    edge = synthetic.WALL + synthetic.BATH - 0.5
    assert samples.planes["x0"][between][[0, -1]].tolist() == [edge, 2 * synthetic.SIDE - 1 - edge]
    fields = analyse(samples, settings).interface
    estimates = [fields["J_hot"], fields["J_cold"], samples.flux[:, :, between].mean()]
    assert min(estimates) - 2e-5 < fields["J"] < max(estimates) + 2e-5


def test_window_in_cells_of_several_layers():
    """In fcc a cell has two layers; a layer is in the window if its middle is."""
    samples, settings = synthetic.make(n_rows=40)
    for skip, first in ((1, 2), (1.5, 3), (0.2, 0), (0.3, 1)):
        line = bulk_line(samples, "A", replace(settings, layers_per_cell=2, skip_bath=skip, skip_interface=0))
        assert line.layers[0] == synthetic.WALL + synthetic.BATH + first
        assert line.layers[-1] == synthetic.SIDE - 1


def test_profile_table():
    samples, settings = synthetic.make(noise=0.0, n_rows=40)
    profile = analyse(samples, settings).profile
    columns = "layer x region species n_sites temperature temperature_stderr flux flux_stderr fitted"
    assert list(profile.columns) == columns.split()
    wall = profile["region"] == "wall"
    assert profile["temperature"].isna().equals(wall)
    np.testing.assert_allclose(profile["temperature"][~wall], synthetic.truth()[1][~wall])
    window = profile["layer"].between(7, 17) | profile["layer"].between(22, 32)
    assert profile["fitted"].notna().equals(window)
    np.testing.assert_allclose(profile["fitted"][window], profile["temperature"][window])
    assert profile["flux"].notna().sum() == len(samples.planes["x0"])
    assert np.isnan(profile["flux"].iloc[-1])  # no plane above the last layer
    assert profile["flux"][synthetic.SIDE - 1] == pytest.approx(
        synthetic.J
    )  # the interface, above the last A


def test_flux_is_empty_where_no_plane_follows_the_layer():
    samples, settings = synthetic.make(n_rows=40)
    odd = slice(None, None, 2)
    thinned = replace(
        samples,
        planes={name: values[odd] for name, values in samples.planes.items()},
        flux=samples.flux[:, :, odd],
        interface_plane=samples.interface_plane // 2,
    )
    assert analyse(thinned, settings).profile["flux"].notna().sum() == len(samples.planes["x0"][odd])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: {"temperature": np.full_like(s.temperature, np.nan)}, "temperature holds values .* not finite"),
        (lambda s: {"step": s.step + np.arange(s.step.size)}, "not equally long"),
        (lambda s: {"energy": s.energy[:, :-1]}, "energy has shape"),
        (lambda s: {n: getattr(s, n)[..., :0] for n in ("heat_hot", "heat_cold", "energy", "step")}
         | {"temperature": s.temperature[:, :0], "flux": s.flux[:, :0]}, "no rows"),
        (lambda s: {"units": "furlong"}, "furlong"),
    ],
)  # fmt: skip
def test_unusable_samples_are_refused(change, message):
    samples, settings = synthetic.make(n_rows=40)
    with pytest.raises(StorageError, match=message):
        analyse(replace(samples, **change(samples)), settings)


def test_window_of_fewer_than_three_layers_is_refused():
    samples, settings = synthetic.make(n_rows=40)
    with pytest.raises(StorageError, match=r"fit window of A: 2 of 15 layers .*skip_bath \(7\)"):
        analyse(samples, replace(settings, skip_bath=7, skip_interface=6))


def test_settings_from_a_configuration():
    from types import SimpleNamespace as Section

    config = Section(
        structure=Section(lattice="fcc"),
        fit=Section(skip_bath=4.0, skip_interface=3.0),
        baths=Section(hot=Section(temperature=0.3), cold=Section(temperature=0.2), friction=0.5, ramp=True),
    )
    assert Settings.from_config(config) == Settings(2, 3, 4.0, 3.0, 0.3, 0.2, 0.5, True)
