"""The checks pass on sound samples and fail, each by name, on samples that are broken in its way."""

from dataclasses import replace

import numpy as np
import pytest
import synthetic

from analysis import analyse
from analysis.checks_run import change_over_run
from analysis.verdict import CHECKS


def checks_of(samples, settings):
    fields = analyse(samples, settings).interface
    checks = {check["name"]: check for check in fields["checks"]}
    assert fields["trusted"] == all(check["passed"] for check in checks.values())
    return checks


def failed(samples, settings):
    return [name for name, check in checks_of(samples, settings).items() if not check["passed"]]


def test_sound_runs_are_trusted():
    """Each of the five noisy checks may fail 1 % of the time: 10 in 200, and 2 standard errors more."""
    alarms = [failed(*synthetic.make(seed)) for seed in range(200)]
    assert sum(map(bool, alarms)) <= 16
    for name in {name for names in alarms for name in names}:  # 2 % each, and 2 standard errors more
        assert sum(name in names for names in alarms) <= 8, name


def test_checks_come_in_the_order_of_their_functions():
    names = [check.__name__ for check in CHECKS]
    assert list(checks_of(*synthetic.make())) == names
    assert names == [
        "steady_state",
        "flux_agreement",
        "energy_audit",
        "bath_temperatures",
        "curvature",
        "window_sensitivity",
        "independent_samples",
        "slow_modes",
        "replicas_agree",
        "slab_length",
        "time_step",
        "jump_resolved",
        "flux_resolved",
    ]


@pytest.mark.parametrize("n_rep, n_rows", [(1, 500), (4, 125), (1, 1600)])
@pytest.mark.parametrize("fit_auto", [False, True])
def test_short_sound_runs_lack_only_length(n_rep, n_rows, fit_auto):
    """30 and 100 independent samples; the number that is measured scatters. Bounds as above, in 60 runs."""
    alarms = []
    for seed in range(60):
        samples, settings = synthetic.make(seed, n_rep=n_rep, n_rows=n_rows)
        alarms += set(failed(samples, replace(settings, fit_auto=fit_auto))) - {"independent_samples"}
    assert len(alarms) <= 6
    for name in set(alarms):
        assert alarms.count(name) <= 3, name


def test_replicas_that_differ_for_good_are_found():
    """As if frozen motions gave each replica another jump."""
    samples, settings = synthetic.make(n_rep=4, n_rows=2000)
    calm = checks_of(samples, settings)["replicas_agree"]
    assert calm["passed"] and "scatter" in calm["message"]
    of_replica = 2 * analyse(samples, settings).interface["delta_T_stderr"]
    offset = 3 * of_replica * np.array([1, -1, -1, 1])[:, None, None]
    samples.temperature[:, :, samples.layers["species"] == "A"] += offset
    check = checks_of(samples, settings)["replicas_agree"]
    assert not check["passed"] and check["value"] > check["limit"]
    assert "run.replicas" in check["message"]


def test_few_replicas_are_not_judged():
    check = checks_of(*synthetic.make(n_rep=3, n_rows=500))["replicas_agree"]
    assert check["passed"] and "not judged" in check["message"]


def test_slow_modes_are_judged_of_harmonic_junctions_alone():
    check = checks_of(*synthetic.make())["slow_modes"]
    assert check["passed"] and "not judged" in check["message"]


def test_sound_runs_without_flux_lack_only_the_flux():
    """A 95 % interval misses 0 once in twenty runs: 2.5 in 50, and 3 standard errors more."""
    alarms = [failed(*synthetic.make(seed, flux=0.0, delta_T=0.0)) for seed in range(50)]
    assert sum("flux_resolved" not in names for names in alarms) <= 7
    assert sum(len(set(names) - {"flux_resolved", "jump_resolved"}) > 0 for names in alarms) <= 3


@pytest.mark.parametrize("factor", [0.5, 0.95])
def test_a_plane_that_loses_heat_is_found(factor):
    samples, settings = synthetic.make()
    samples.flux[:, :, 12] *= factor
    check = checks_of(samples, settings)["flux_agreement"]
    assert not check["passed"] and check["value"] > check["limit"]
    assert f"x = {samples.planes['x0'][12]:g}" in check["message"]
    assert "run.production_steps" in check["message"]


def test_all_planes_without_their_half_are_found():
    samples, settings = synthetic.make()
    assert failed(replace(samples, flux=0.5 * samples.flux), settings) == ["flux_agreement"]


def test_a_bath_whose_ledger_is_wrong_is_found():
    samples, settings = synthetic.make()
    assert failed(replace(samples, heat_hot=1.2 * samples.heat_hot), settings)[:2] == [
        "flux_agreement",
        "energy_audit",
    ]


def test_energy_drift_is_found_and_noise_is_not():
    samples, settings = synthetic.make()
    transferred = abs(samples.heat_hot[0, -1])
    ramp = np.linspace(0, 1, samples.step.size)
    noise = np.random.default_rng(1).standard_normal(ramp.size)
    assert failed(replace(samples, energy=samples.energy + 0.02 * transferred * ramp), settings) == [
        "energy_audit"
    ]
    calm = checks_of(replace(samples, energy=samples.energy + 0.005 * transferred * ramp), settings)[
        "energy_audit"
    ]
    assert calm["passed"] and calm["value"] == pytest.approx(0.005, rel=0.01) and calm["limit"] == 0.01
    assert failed(replace(samples, energy=samples.energy + 0.02 * transferred * noise), settings) == []


def test_energy_drift_without_flux_is_judged_by_the_heat_exchanged():
    samples, settings = synthetic.make(flux=0.0, delta_T=0.0)
    exchanged = 0.5 * sum(
        np.abs(np.diff(q, prepend=0.0)).sum() for q in (samples.heat_hot, samples.heat_cold)
    )
    drift = np.linspace(0, 1, samples.step.size) * exchanged
    check = checks_of(replace(samples, energy=samples.energy + 0.03 * drift), settings)["energy_audit"]
    assert not check["passed"] and check["value"] == pytest.approx(0.03, rel=0.01)
    assert "exchanged" in check["message"] and "run.timestep" in check["message"]


def test_a_drift_in_one_replica_is_found():
    samples, settings = synthetic.make(n_rep=4, n_rows=500)
    samples.energy[2] += 0.03 * abs(samples.heat_hot[:, -1].mean()) * np.linspace(0, 1, 500)
    assert failed(samples, settings) == ["energy_audit"]


@pytest.mark.parametrize("bath", ["hot", "cold"])
def test_wrong_bath_temperature_is_found(bath):
    samples, settings = synthetic.make()
    wrong = replace(settings, **{f"T_{bath}": 1.1 * getattr(settings, f"T_{bath}")})
    check = checks_of(samples, wrong)["bath_temperatures"]
    assert not check["passed"] and f"the {bath} bath" in check["message"]


def test_a_short_bath_may_lie_off_its_set_temperature():
    """A bath that passes much power through little friction lies off, by power / (d rate n), and no more."""
    samples, settings = synthetic.make()
    samples.layers["friction"] *= 0.05
    power = synthetic.J * synthetic.AREA
    gap = power / (3 * 4 * synthetic.N_SITES) * (2 * 0.005 / np.expm1(2 * 0.05 * 0.005))
    T = synthetic.truth()[1]
    weak = replace(settings, T_hot=T[synthetic.WALL] + gap, T_cold=T[-synthetic.WALL - 1] - gap)
    assert gap > 0.1
    assert failed(samples, weak) == []
    samples.layers["friction"] *= 2
    assert failed(samples, weak) == ["bath_temperatures"]


def test_layers_of_a_bath_count_by_their_friction():
    """A ramped bath is as warm as its well coupled layers; those of hardly any friction may be elsewhere."""
    samples, settings = synthetic.make(noise=0.3)
    hot = np.flatnonzero(samples.layers["region"] == "hot")
    samples.layers["friction"][hot] = [1.95, 1.95, 0.05, 0.05]
    samples.temperature[:, :, hot[2:]] -= 0.01
    assert failed(samples, settings) == []
    samples.layers["friction"][hot] = 1.0
    assert failed(samples, settings) == ["bath_temperatures"]


def test_too_few_independent_samples_are_found():
    check = checks_of(*synthetic.make(tau=60.0, n_rows=600))["independent_samples"]
    assert not check["passed"] and check["value"] < check["limit"] == 20
    assert "run.production_steps or run.replicas" in check["message"]


def test_noise_cannot_hide_that_fluxes_disagree():
    """Where the flux is known to 5 %, fluxes 20 % apart fail however noisy their difference is."""
    samples, settings = synthetic.make(noise=0.3)
    rng = np.random.default_rng(2)
    samples.flux[:, :, 20] += synthetic.J * (0.2 + 10.0 * synthetic.ar1(rng, 20.0, (1, samples.step.size)))
    samples.flux[:, :, 20] -= samples.flux[:, :, 20].mean() - 1.2 * synthetic.J
    assert failed(samples, settings) == ["flux_agreement"]


@pytest.mark.parametrize("n_rep, n_rows", [(1, 2000), (10, 200)])
@pytest.mark.parametrize("side", ["A", "B"])
def test_a_drifting_temperature_is_found(side, n_rep, n_rows):
    samples, settings = synthetic.make(n_rep=n_rep, n_rows=n_rows, noise=0.5)
    assert failed(samples, settings) == []
    drift = 0.02 * np.linspace(-1, 1, n_rows)[:, None]
    samples.temperature[:, :, samples.layers["region"] == side] += drift
    check = checks_of(samples, settings)["steady_state"]
    assert not check["passed"] and check["value"] == pytest.approx(0.04, rel=0.2)
    assert check["message"].startswith((f"T_{side}", "delta_T")) and "equilibration_steps" in check["message"]


@pytest.mark.parametrize("n_rep, n_rows", [(1, 2000), (10, 200)])
def test_a_decaying_flux_is_found(n_rep, n_rows):
    """Leaving out the first rows does not help: the decay goes on to the end."""
    samples, settings = synthetic.make(n_rep=n_rep, n_rows=n_rows, tau=4.0, noise=0.3)
    decay = synthetic.J * np.exp(-np.linspace(0, 1.5, n_rows))
    heat = np.cumsum(decay) * samples.area * samples.timestep * samples.series_steps
    samples = replace(
        samples,
        flux=samples.flux + decay[None, :, None],
        heat_hot=samples.heat_hot + heat,
        heat_cold=samples.heat_cold - heat,
    )
    check = checks_of(samples, settings)["steady_state"]
    assert not check["passed"] and "run.equilibration_steps" in check["message"]


def test_a_transient_that_ends_is_left_out():
    samples, settings = synthetic.make()
    samples.temperature[:, :300, samples.layers["region"] == "A"] += 0.05
    check = checks_of(samples, settings)["steady_state"]
    assert check["passed"] and "left out" in check["message"]


# --- the fits and the jump ------------------------------------------------------------------------------------------


def bend(samples, side, size):
    """Add to the layers of a side what a parabola, zero at the interface, adds there at its far end."""
    inside = samples.layers["region"] == side
    distance = np.abs(samples.layers["x0"][inside] - (synthetic.SIDE - 0.5)) / synthetic.BULK
    samples.temperature[:, :, inside] += size * distance**2


@pytest.mark.parametrize("side", ["A", "B"])
def test_a_curved_profile_is_found(side):
    samples, settings = synthetic.make()
    bend(samples, side, synthetic.DELTA_T)
    checks = checks_of(samples, settings)
    for name in ("curvature", "window_sensitivity"):
        check = checks[name]
        assert not check["passed"] and check["value"] > check["limit"]
        assert f"structure.length.{side}" in check["message"] and "fit: auto" in check["message"]


def test_curvature_is_the_change_of_the_jump():
    """Without noise: a parabola that is zero at the interface moves the line there by what it adds, and itself by 0."""
    samples, settings = synthetic.make(noise=0.0)
    before = analyse(samples, settings).interface["T_A"]
    bend(samples, "A", 0.3 * synthetic.DELTA_T)
    fields = analyse(samples, settings).interface
    check = next(check for check in fields["checks"] if check["name"] == "curvature")
    assert check["value"] == pytest.approx(abs(fields["T_A"] - before), rel=1e-6)
    assert check["limit"] == pytest.approx(0.05 * abs(fields["delta_T"]), rel=1e-6)


def test_a_little_curvature_is_harmless_however_well_it_is_known():
    samples, settings = synthetic.make(noise=0.01)
    bend(samples, "A", 0.1 * synthetic.DELTA_T)
    checks = checks_of(samples, settings)
    assert all(check["passed"] for check in checks.values())
    assert 0.3 < checks["curvature"]["value"] / checks["curvature"]["limit"] < 1


@pytest.mark.parametrize("skip, passed", [(5, True), (6, False)])
def test_short_fit_windows_are_found(skip, passed):
    samples, settings = synthetic.make()
    check = checks_of(samples, replace(settings, skip_bath=skip, skip_interface=5))["slab_length"]
    assert check["passed"] == passed
    assert check["limit"] == 5 and check["value"] == (5 if passed else 4)
    assert passed or "raise structure.length.A by 1" in check["message"]


def test_cells_of_several_layers_need_three_of_them():
    samples, settings = synthetic.make()
    check = checks_of(samples, replace(settings, layers_per_cell=4, skip_bath=0.75, skip_interface=0.75))[
        "slab_length"
    ]
    assert not check["passed"] and (check["value"], check["limit"]) == (9, 12)


def test_a_long_time_step_is_found():
    """The exact frequency of velocity Verlet is (2/dt) asin(w dt/2); the limit is where it is 1 % too high."""
    samples, settings = synthetic.make()
    check = checks_of(samples, replace(settings, highest_frequency=20.0, timestep=0.03))["time_step"]
    assert not check["passed"] and check["value"] == pytest.approx(0.6)
    half = 0.5 * check["limit"]
    assert np.arcsin(half) / half - 1 == pytest.approx(0.01, rel=0.05)
    assert "run.timestep (0.03) to at most 0.024, better 0.012" in check["message"]
    assert checks_of(samples, replace(settings, highest_frequency=20.0, timestep=0.01))["time_step"]["passed"]


def test_a_bath_that_takes_most_of_the_difference_is_found():
    samples, settings = synthetic.make()
    samples.layers["friction"][samples.layers["region"] == "cold"] *= 0.01
    T_cold = synthetic.truth()[1][-1] - 100 * synthetic.J * synthetic.AREA / (3 * 4 * synthetic.N_SITES)
    check = checks_of(samples, replace(settings, T_cold=T_cold))["bath_temperatures"]
    assert not check["passed"] and "baths.cold.length" in check["message"]


def test_a_jump_is_resolved_or_known_to_be_small():
    """Without a jump: an error of 5 % of the bias is allowed, so that R_K has an upper bound."""
    samples, settings = synthetic.make(delta_T=0.0, noise=0.3)
    half_width = checks_of(samples, settings)["jump_resolved"]["value"]
    for share, passed in ((0.04, True), (0.06, False)):
        middle = 0.5 * (settings.T_hot + settings.T_cold)
        bias = half_width / share
        wide = replace(settings, T_hot=middle + 0.5 * bias, T_cold=middle - 0.5 * bias)
        check = checks_of(samples, wide)["jump_resolved"]
        assert check["passed"] == passed
        assert ("upper bound" if passed else "run.production_steps") in check["message"]
    assert "resolved from 0" in checks_of(*synthetic.make())["jump_resolved"]["message"]


# --- periodic ends ------------------------------------------------------------------------------------------------


def test_sound_periodic_runs_are_trusted():
    """As above, also where the two interfaces differ and their paths carry different fluxes."""
    jumps, fluxes = (0.04, 0.05), (0.033, 0.027)
    alarms = [failed(*synthetic.make_periodic(seed, jumps=jumps, fluxes=fluxes)) for seed in range(100)]
    assert sum(map(bool, alarms)) <= 6


@pytest.mark.parametrize("number, plane", [(1, 40), (2, 60), (2, 5), (2, 0)])
def test_a_plane_on_either_path_that_loses_heat_is_found(number, plane):
    samples, settings = synthetic.make_periodic()
    samples.flux[:, :, plane] *= 0.9
    check = checks_of(samples, settings)["flux_agreement"]
    assert not check["passed"]
    place = f"interface {number}" if plane == 0 else f"x = {samples.planes['x0'][plane]:g} "
    assert place in check["message"]


def test_all_planes_without_their_half_are_found_on_both_paths():
    samples, settings = synthetic.make_periodic()
    assert failed(replace(samples, flux=0.5 * samples.flux), settings) == ["flux_agreement"]


def test_a_bath_that_gives_its_heat_only_once_is_found():
    """Half the heat of both baths, as if it left them one way: no plane agrees with it."""
    samples, settings = synthetic.make_periodic()
    halved = replace(samples, heat_hot=0.5 * samples.heat_hot, heat_cold=0.5 * samples.heat_cold)
    assert "flux_agreement" in failed(halved, settings)


def test_opposite_drifts_of_the_two_interfaces_are_found():
    """Their mean does not change; each of them does."""
    samples, settings = synthetic.make_periodic(noise=0.5)
    assert failed(samples, settings) == []
    drift = 0.02 * np.linspace(-1, 1, samples.step.size)[:, None]
    samples.temperature[:, :, : synthetic.BULK] += drift
    samples.temperature[:, :, synthetic.BULK + synthetic.BATH : synthetic.PERIODIC_SIDE] -= drift
    check = checks_of(samples, settings)["steady_state"]
    assert not check["passed"] and " of interface " in check["message"]


def test_bath_temperatures_with_periodic_ends():
    """The power that puts a bath off its set value is that of both ways together."""
    samples, settings = synthetic.make_periodic()
    assert failed(samples, settings) == []
    offset = 2 * synthetic.J * synthetic.AREA / (3 * synthetic.BATH * synthetic.N_SITES)
    bias = settings.T_hot - settings.T_cold
    assert offset > 0.05 * bias
    wrong = replace(settings, T_hot=settings.T_hot + 0.12 * bias)
    assert failed(samples, wrong) == ["bath_temperatures"]


def test_the_flux_of_the_species_is_judged():
    samples, settings = synthetic.make()
    interface = samples.flux[:, :, samples.interfaces["plane"][0]]
    assert failed(replace(samples, flux_species=interface), settings) == []
    check = checks_of(replace(samples, flux_species=0.9 * interface), settings)["flux_agreement"]
    assert not check["passed"] and check["message"].startswith("the heat that A gives to the other atoms")


@pytest.mark.parametrize("n_rep", [1, 2, 4, 7])
def test_the_error_of_a_drift_is_right_for_few_replicas(n_rep):
    rng, pulls = np.random.default_rng(21), []
    for _ in range(150):
        change, stderr, _ = change_over_run(synthetic.ar1(rng, 10.0, (n_rep, 4000 // n_rep)))
        pulls.append(change / stderr)
    # the scatter of 150 pulls is known to 6 %; with eight and more degrees of freedom theirs is 1 to 1.15
    assert 0.8 < np.std(pulls) < 1.35
