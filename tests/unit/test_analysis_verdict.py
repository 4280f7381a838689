"""The checks pass on sound samples and fail, each by name, on samples that are broken in its way."""

from dataclasses import replace

import numpy as np
import pytest
import synthetic

from analysis import analyse


def checks_of(samples, settings):
    fields = analyse(samples, settings).interface
    checks = {check["name"]: check for check in fields["checks"]}
    assert fields["trusted"] == all(check["passed"] for check in checks.values())
    return checks


def failed(samples, settings):
    return [name for name, check in checks_of(samples, settings).items() if not check["passed"]]


def test_sound_runs_are_trusted():
    """Each of the two noisy checks may fail 1 % of the time: 4 in 200, and 2 standard errors more."""
    alarms = [failed(*synthetic.make(seed)) for seed in range(200)]
    assert sum(map(bool, alarms)) <= 8
    assert list(checks_of(*synthetic.make())) == [
        "flux_agreement",
        "energy_audit",
        "bath_temperatures",
        "steady_state",
        "independent_samples",
        "flux_resolved",
    ]


def test_sound_runs_without_flux_lack_only_the_flux():
    """A 95 % interval misses 0 once in twenty runs: 2.5 in 50, and 3 standard errors more."""
    alarms = [failed(*synthetic.make(seed, flux=0.0, delta_T=0.0)) for seed in range(50)]
    assert sum("flux_resolved" not in names for names in alarms) <= 7
    assert sum(len(set(names) - {"flux_resolved"}) > 0 for names in alarms) <= 3


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
    """Where the flux is resolved, fluxes 20 % apart fail however noisy their difference is."""
    samples, settings = synthetic.make(noise=0.3)
    rng = np.random.default_rng(2)
    samples.flux[:, :, 20] += synthetic.J * (0.2 + 40.0 * synthetic.ar1(rng, 20.0, (1, samples.step.size)))
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


@pytest.mark.parametrize("n_rep, n_rows, name", [(1, 2000, "independent_samples"), (10, 200, "steady_state")])
def test_a_decaying_flux_is_found(n_rep, n_rows, name):
    """A decay looks like one long correlation; replicas that decay alike tell it from noise."""
    samples, settings = synthetic.make(n_rep=n_rep, n_rows=n_rows, tau=4.0, noise=0.3)
    decay = 0.5 * synthetic.J * np.exp(-np.linspace(0, 3, n_rows))
    heat = np.cumsum(decay) * samples.area * samples.timestep * samples.series_steps
    samples = replace(
        samples,
        flux=samples.flux + decay[None, :, None],
        heat_hot=samples.heat_hot + heat,
        heat_cold=samples.heat_cold - heat,
    )
    assert name in failed(samples, settings)


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
