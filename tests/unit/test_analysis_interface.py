"""Lines, jump, R_K and conductivities on synthetic junctions: exact without noise, calibrated with it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import synthetic

from analysis import Settings, analyse
from analysis.lines import bulk_line, find_interfaces, heat_rates, planes_between_baths
from nemd_core.config import load_config
from nemd_core.errors import StorageError
from nemd_core.units import KRYPTON, Reference

DEFAULT = Path(__file__).parents[2] / "configs" / "default.yaml"
WITH_ERROR = "delta_T J R_K G kappa_A kappa_B T_A T_B J_hot J_cold J_interface stress_A stress_B".split()
FIELDS = {
    *WITH_ERROR,
    *(f"{name}_stderr" for name in WITH_ERROR),
    *(f"{name}_{interval}" for name in ("R_K", "J", "delta_T") for interval in ("ci68", "ci95")),
    *"R_K_systematic x_interface fit_A fit_B n_samples n_effective n_discarded steady_from dof".split(),
    *"correlation_time L_qq units checks trusted unresolved interfaces si reference".split(),
}
OF_EACH = "delta_T J R_K T_A T_B".split()
OF_INTERFACE = {
    *OF_EACH,
    *(f"{name}_stderr" for name in OF_EACH),
    *"R_K_ci68 R_K_ci95 x_interface direction fit_A fit_B unresolved".split(),
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
    "stress_A": synthetic.STRESS_A,
    "stress_B": synthetic.STRESS_B,
}


def test_noiseless_samples_give_the_exact_answer():
    fields = analyse(*synthetic.make(noise=0.0, n_rows=40)).interface
    for name, value in TRUE.items():
        assert fields[name] == pytest.approx(value, rel=1e-10)
        assert fields[f"{name}_stderr"] == pytest.approx(0.0, abs=1e-10 * abs(value))
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
    nothing = {"fluxes": (0.0, 0.0), "jumps": (0.0, 0.0)}
    for samples, settings in (
        synthetic.make(),
        synthetic.make(flux=0.0, delta_T=0.0),
        synthetic.make_periodic(),
        synthetic.make_periodic(**nothing),
    ):
        fields = analyse(samples, settings).interface
        assert set(fields) == FIELDS
        assert all(set(entry) == OF_INTERFACE for entry in fields["interfaces"])
        assert json.loads(json.dumps(fields, allow_nan=False)) == fields
        for check in fields["checks"]:
            assert set(check) == {"name", "passed", "value", "limit", "message"}
        for side in "AB":
            line = "model window slope intercept n_layers x_interface"
            assert set(fields[f"fit_{side}"]) == set(line.split())


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
    assert fields["R_K_ci68"] is None and fields["R_K_systematic"] is None
    failed = [check["name"] for check in fields["checks"] if not check["passed"]]
    assert failed == ["jump_resolved", "flux_resolved"]


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
    assert list(profile.columns) == [*columns.split(), "x_nm", "temperature_K", "flux_GW_per_m2"]
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
        interfaces=samples.interfaces | {"plane": samples.interfaces["plane"] // 2},
    )
    assert analyse(thinned, settings).profile["flux"].notna().sum() == len(samples.planes["x0"][odd])


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda s: {"temperature": np.full_like(s.temperature, np.nan)}, "temperature holds values .* not finite"),
        (lambda s: {"step": s.step + np.arange(s.step.size)}, "not equally long"),
        (lambda s: {"energy": s.energy[:, :-1]}, "energy has shape"),
        (lambda s: {"stress": s.stress[:, :, :1]}, "stress has shape"),
        (lambda s: {"stress": np.full_like(s.stress, np.inf)}, "stress holds values .* not finite"),
        (lambda s: {"flux_species": s.energy[:, 1:]}, "flux_species has shape"),
        (lambda s: {n: getattr(s, n)[..., :0] for n in ("heat_hot", "heat_cold", "energy", "step")}
         | {"temperature": s.temperature[:, :0], "flux": s.flux[:, :0], "stress": s.stress[:, :0]}, "no rows"),
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
    overrides = {"materials.B.mass": 4, "reference": "krypton", "run.timestep": 0.004}
    fixed = Settings.from_config(
        load_config(DEFAULT, overrides | {"fit": {"skip_bath": 4, "skip_interface": 3}})
    )
    assert fixed == Settings(
        layers_per_cell=2,
        dimensions=3,
        skip_bath=4.0,
        skip_interface=3.0,
        T_hot=0.35,
        T_cold=0.15,
        reference=KRYPTON,
        highest_frequency=fixed.highest_frequency,
        timestep=0.004,
    )
    # of the fcc crystal with nearest neighbours alone, w² = 8 k/m, k the curvature of the pair energy
    r = 1.58 / np.sqrt(2)
    k = 624 / r**14 - 168 / r**8
    assert fixed.highest_frequency == pytest.approx(np.sqrt(8 * k), rel=0.1)
    log = load_config(DEFAULT, overrides | {"fit": {"skip_bath": 4, "model": "log"}})
    assert Settings.from_config(log).fit_log and not fixed.fit_log
    auto = Settings.from_config(load_config(DEFAULT, overrides | {"fit": "auto"}))
    assert auto.fit_auto and not auto.harmonic
    linear = load_config(DEFAULT, overrides | {"interaction.potential": "lj-harmonic"})
    assert Settings.from_config(linear).harmonic
    own = load_config(DEFAULT, overrides | {"reference": dict(epsilon_K=100, sigma_angstrom=3, mass_u=20)})
    assert Settings.from_config(own).reference == Reference.of("custom", 100.0, 3.0, 20.0)


# --- the units of the field ---------------------------------------------------------------------------------------


def test_results_in_the_units_of_the_field():
    """Argon by hand: K 119.8, nm 0.3405, ps 2.15637, GW/m² 6.61587, m² K/GW 18.10798."""
    samples, settings = synthetic.make(noise=0.0, n_rows=40)
    result = analyse(samples, settings)
    si = result.interface["si"]
    for name, value, unit in (
        ("R_K", 1.25 * 18.10798, "m^2 K/GW"),
        ("G", 1e3 / (1.25 * 18.10798), "MW/(m^2 K)"),
        ("kappa_A", 25.0 * 0.01880386, "W/(m K)"),
        ("delta_T", 0.0375 * 119.8, "K"),
        ("J", 0.03 * 6.615866, "GW/m^2"),
        ("x_interface", 19.5 * 0.3405, "nm"),
        ("stress_B", -0.03 * 41.89756, "MPa"),
        ("L_qq", 0.8 * 0.25**2 * 792.5808, "GW K/m^2"),
    ):
        assert si[name]["value"] == pytest.approx(value, rel=1e-6) and si[name]["unit"] == unit
    assert si["R_K"]["ci95"] == pytest.approx([si["R_K"]["value"]] * 2)
    assert result.interface["reference"]["name"] == "argon"
    assert "22.635" in result.summary() and "with argon" in result.summary()
    row = result.profile.iloc[10]
    assert row["x_nm"] == pytest.approx(3.405) and row["flux_GW_per_m2"] == pytest.approx(si["J"]["value"])
    assert row["temperature_K"] == pytest.approx(119.8 * row["temperature"])
    on_krypton = analyse(samples, replace(settings, reference=KRYPTON)).interface
    assert on_krypton["reference"]["epsilon_K"] == 163.0
    assert on_krypton["si"]["T_A"]["value"] == pytest.approx(163.0 * on_krypton["T_A"])


def test_errors_in_the_units_of_the_field_and_what_is_not_resolved():
    samples, settings = synthetic.make(flux=0.0, delta_T=0.0)
    fields = analyse(samples, settings).interface
    J, R_K = fields["si"]["J"], fields["si"]["R_K"]
    assert J["stderr"] / J["value"] == pytest.approx(fields["J_stderr"] / fields["J"])
    assert R_K == {"value": None, "stderr": None, "unit": "m^2 K/GW"} | dict.fromkeys(
        ("ci68", "ci95", "systematic")
    )


def test_a_chain_has_units_of_its_own():
    samples, settings = synthetic.make(noise=0.0, n_rows=40)
    result = analyse(samples, replace(settings, dimensions=1))
    found = {name: number["unit"] for name, number in result.interface["si"].items()}
    assert (
        found["J"] == "nW" and found["R_K"] == "K/nW" and found["G"] == "pW/K" and found["stress_A"] == "pN"
    )
    assert result.interface["units"]["J"] == "epsilon/tau"
    assert list(result.profile.columns)[-1] == "flux_nW"


# --- interface zones and the flux by species ----------------------------------------------------------------------


def test_the_interface_zone_is_left_out_of_the_fits():
    """Layers between left and right belong to no side, whatever their temperature; skips count from there on."""
    samples, settings = synthetic.make(noise=0.0, n_rows=40)
    left, right = synthetic.SIDE - 3, synthetic.SIDE + 1
    zone = np.arange(left + 1, right)
    samples.layers["species"] = samples.layers["species"].astype("U5")
    samples.layers["species"][zone] = ["mixed", "C", "C"]
    samples.temperature[:, :, zone] += 1.0
    samples.layers["x_mean"][right:] += 0.4  # a wider zone; the lines of the truth move with the layers
    zoned = replace(
        samples, interfaces=samples.interfaces | {"left": np.array([left]), "right": np.array([right])}
    )
    fields = analyse(zoned, settings).interface
    assert fields["fit_A"]["window"] == [7.0, left - 2.0]
    assert fields["fit_B"]["window"] == [right + 2.4, 32.4]
    middle = 0.5 * (left + right + 0.4)
    assert fields["x_interface"] == pytest.approx(middle)
    T_A = synthetic.T_MIDDLE + 0.5 * synthetic.DELTA_T + synthetic.SLOPE_A * (middle - synthetic.SIDE + 0.5)
    T_B = synthetic.T_MIDDLE - 0.5 * synthetic.DELTA_T + synthetic.SLOPE_B * (middle - synthetic.SIDE + 0.1)
    assert fields["T_A"] == pytest.approx(T_A) and fields["T_B"] == pytest.approx(T_B)
    assert fields["R_K"] == pytest.approx((T_A - T_B) / synthetic.J)


@pytest.mark.parametrize("make", [synthetic.make, synthetic.make_periodic])
def test_flux_at_the_interface_is_that_of_the_species_where_it_was_measured(make):
    samples, settings = make(seed=6)
    n = samples.n_interfaces
    at_planes = samples.flux[:, :, samples.interfaces["plane"]] @ samples.interfaces["direction"]
    plain = analyse(samples, settings).interface
    assert plain["J_interface"] == pytest.approx(at_planes.mean() / n, abs=1e-4)
    by_species = analyse(replace(samples, flux_species=1.02 * at_planes), settings).interface
    assert by_species["J_interface"] == pytest.approx(1.02 * plain["J_interface"])
    assert by_species["J"] == plain["J"]


# --- periodic ends ------------------------------------------------------------------------------------------------


def test_each_bath_sends_half_of_its_heat_across_either_interface():
    """One function divides: with two interfaces by two, for both baths, the species and the geometric planes."""
    for make, n in ((synthetic.make, 1), (synthetic.make_periodic, 2)):
        samples, _ = make(noise=0.0, n_rows=10)
        by_species = replace(samples, flux_species=np.full(samples.energy.shape, n * synthetic.J))
        assert samples.heat_hot[0, -1] == pytest.approx(n * synthetic.J * synthetic.AREA * 10 * 100 * 0.005)
        for measured in (samples, by_species):
            rates = heat_rates(measured)
            assert set(rates) == {"J_hot", "J_cold", "J_interface"}
            for rate in rates.values():
                np.testing.assert_allclose(rate, synthetic.J, rtol=1e-10)


def test_noiseless_periodic_samples_give_the_exact_answer():
    fields = analyse(*synthetic.make_periodic(noise=0.0, n_rows=40)).interface
    for name, value in TRUE.items():
        assert fields[name] == pytest.approx(value, rel=1e-10)
    assert [entry["direction"] for entry in fields["interfaces"]] == [1, -1]
    for entry in fields["interfaces"]:
        for name in OF_EACH:
            assert entry[name] == pytest.approx(TRUE[name], rel=1e-10)


def test_two_different_interfaces_are_each_found_and_averaged():
    jumps, fluxes = (0.0375, 0.05), (0.03, 0.02)
    fields = analyse(*synthetic.make_periodic(noise=0.0, n_rows=40, jumps=jumps, fluxes=fluxes)).interface
    for entry, jump, flux in zip(fields["interfaces"], jumps, fluxes, strict=True):
        assert entry["delta_T"] == pytest.approx(jump) and entry["J"] == pytest.approx(flux)
        assert entry["R_K"] == pytest.approx(jump / flux)
    assert fields["delta_T"] == pytest.approx(0.04375) and fields["J"] == pytest.approx(0.025)
    assert fields["R_K"] == pytest.approx(0.04375 / 0.025)  # the mean jump by the mean flux
    assert fields["T_A"] == pytest.approx(0.25 + 0.5 * 0.04375)
    assert fields["kappa_A"] == pytest.approx(25.0) and fields["kappa_B"] == pytest.approx(15.0)
    assert fields["J_hot"] == fields["J_cold"] == pytest.approx(0.025)
    first, second = fields["interfaces"]
    half = synthetic.PERIODIC_SIDE - 0.5
    assert fields["x_interface"] == first["x_interface"] == half
    assert second["x_interface"] == second["fit_B"]["x_interface"] == 2 * half + 0.5
    assert second["fit_A"]["x_interface"] == -0.5  # the same place, seen from the other side of the boundary
    assert first["fit_A"]["window"] == [21.0, 31.0] and first["fit_B"]["window"] == [36.0, 46.0]
    assert second["fit_A"]["window"] == [2.0, 12.0] and second["fit_B"]["window"] == [55.0, 65.0]
    assert second["fit_A"]["slope"] == pytest.approx(-synthetic.SLOPE_A * 2 / 3)  # of T(x): mirrored
    for entry in (first, second):
        for side in "AB":
            fit = entry[f"fit_{side}"]
            assert fit["intercept"] + fit["slope"] * fit["x_interface"] == pytest.approx(entry[f"T_{side}"])


@pytest.mark.parametrize("shift", [1, 10, 17, 34, 50, 63])
def test_it_does_not_matter_where_the_periodic_cell_begins(shift):
    """Layers renumbered round the ring: sides, windows and paths cross the boundary and give the same numbers."""
    samples, settings = synthetic.make_periodic(seed=2, n_rows=400, jumps=(0.0375, 0.05), fluxes=(0.03, 0.02))
    n = len(samples.layers["x0"])
    layers = {name: np.roll(values, shift) for name, values in samples.layers.items()}
    layers |= {name: samples.layers[name] for name in ("x0", "x_mean")}
    ends = {name: (samples.interfaces[name] + shift) % n for name in ("plane", "left", "right")}
    rolled = replace(
        samples,
        layers=layers,
        interfaces=samples.interfaces | ends,
        temperature=np.roll(samples.temperature, shift, axis=2),
        flux=np.roll(samples.flux, shift, axis=2),
    )
    there, here = analyse(samples, settings), analyse(rolled, settings)
    for name in WITH_ERROR:
        assert here.interface[name] == pytest.approx(there.interface[name], rel=1e-9)
        assert here.interface[f"{name}_stderr"] == pytest.approx(there.interface[f"{name}_stderr"], rel=1e-6)
    for entry, other in zip(here.interface["interfaces"], there.interface["interfaces"], strict=True):
        assert entry["R_K"] == pytest.approx(other["R_K"], rel=1e-9)
        assert (entry["x_interface"] - other["x_interface"] - shift) % n == pytest.approx(0.0, abs=1e-9)
    np.testing.assert_allclose(here.profile["fitted"], np.roll(there.profile["fitted"], shift))
    np.testing.assert_allclose(here.profile["flux"], np.roll(there.profile["flux"], shift))
    for k in range(2):
        planes = np.sort((planes_between_baths(samples, k) + shift) % n)
        assert planes_between_baths(rolled, k).tolist() == planes.tolist()


def test_seen_from_the_other_end_and_with_swapped_names_the_interfaces_are_the_same():
    samples, settings = synthetic.make_periodic(seed=3, jumps=(0.0375, 0.05), fluxes=(0.03, 0.02))
    there = analyse(samples, settings).interface
    turned = analyse(synthetic.reverse(samples), settings).interface
    swapped = replace(settings, T_hot=settings.T_cold, T_cold=settings.T_hot)
    named = analyse(synthetic.mirror(samples), swapped).interface
    for name in ("R_K", "delta_T", "J", "T_A", "T_B", "kappa_A"):
        assert turned[name] == pytest.approx(there[name], rel=1e-9)
    for name, other, sign in (
        ("R_K", "R_K", 1),
        ("J", "J", -1),
        ("T_A", "T_B", 1),
        ("kappa_A", "kappa_B", 1),
    ):
        assert named[name] == pytest.approx(sign * there[other], rel=1e-9)
    for k in range(2):
        R_K = there["interfaces"][k]["R_K"]
        assert turned["interfaces"][k]["direction"] == -there["interfaces"][k]["direction"]
        assert turned["interfaces"][k]["R_K"] == pytest.approx(R_K, rel=1e-9)
        assert named["interfaces"][k]["R_K"] == pytest.approx(R_K, rel=1e-9)


def test_swapped_bath_temperatures_turn_the_flux_and_leave_the_resistance():
    swapped = {"jumps": (-synthetic.DELTA_T,) * 2, "fluxes": (-synthetic.J,) * 2}
    fields = analyse(*synthetic.make_periodic(seed=1, **swapped)).interface
    assert fields["J"] < 0 and fields["delta_T"] < 0 and fields["trusted"]
    for entry in (fields, *fields["interfaces"]):
        assert abs(entry["R_K"] - synthetic.R_K) < 4 * entry["R_K_stderr"]


def test_error_bars_with_periodic_ends_are_calibrated():
    """Of the averages and of each interface: as above."""
    from scipy import stats

    n, within = 150, dict.fromkeys((*TRUE, "first", "second"), 0)
    for seed in range(n):
        fields = analyse(*synthetic.make_periodic(seed)).interface
        entries = dict(zip(("first", "second"), fields["interfaces"], strict=True))
        t = stats.t.ppf(0.8415, 15)
        for name in within:
            entry, quantity = (entries[name], "R_K") if name in entries else (fields, name)
            within[name] += abs(entry[quantity] - TRUE[quantity]) < t * entry[f"{quantity}_stderr"]
    for name, count in within.items():
        assert count / n == pytest.approx(0.683, abs=4 * np.sqrt(0.683 * 0.317 / n)), name


def test_two_interfaces_are_worth_twice_the_samples():
    """The noise of both paths is independent: the error of the mean is that of one by sqrt 2."""
    one, two = (
        np.mean([analyse(*make(seed)).interface["R_K_stderr"] for seed in range(30)])
        for make in (synthetic.make, synthetic.make_periodic)
    )
    assert two == pytest.approx(one / np.sqrt(2), rel=0.15)


def test_paths_hold_every_plane_outside_the_baths_once():
    samples, settings = synthetic.make_periodic(noise=0.0, n_rows=40)
    first, second = (interface.planes for interface in find_interfaces(samples, settings))
    both = np.sort(np.concatenate([first, second]))
    bath = synthetic.BATH - 1  # planes between the layers of a bath
    assert len(np.unique(both)) == len(both) == len(samples.planes["x0"]) - 2 * bath
    np.testing.assert_allclose(np.abs(samples.flux[:, :, both].mean(axis=(0, 1))), synthetic.J)


def test_periodic_window_of_fewer_than_three_layers_is_refused():
    samples, settings = synthetic.make_periodic(n_rows=40)
    with pytest.raises(StorageError, match=r"fit window of A: 2 of 15 layers .*skip_bath \(7\)"):
        analyse(samples, replace(settings, skip_bath=7, skip_interface=6))
