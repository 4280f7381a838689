"""Harmonic chains against exact solutions: the uniform chain between end baths, a mass step, a stiffness step.

Every test compares with the expectation of its own run (harmonic.py) at 4 standard errors, with a cap on them.
"""

import numpy as np
import oracles
import pytest
from physics.harmonic import check_averages, check_resistance, configure, measure
from physics.validation import Comparisons, mean_and_stderr

import nemd_core.baths
import nemd_core.group
from nemd_core.errors import PhysicsError

T_HOT, T_COLD = 1.5, 0.5
FRICTIONS = (0.1, 1.0, 5.0)
INTERIOR = slice(10, 30)
"""Atoms of the uniform chain whose temperature is the mean of the baths: the ends reach less far."""


def uniform_chain(friction, timestep, equilibration, production, replicas=128, seed=1):
    """The chain of Rieder, Lebowitz and Lieb: N = 40, fixed ends, one bath atom at either."""
    return configure(
        "chain",
        (20, 20),
        cross="arithmetic",
        baths={
            "hot": {"temperature": T_HOT, "length": 1},
            "cold": {"temperature": T_COLD, "length": 1},
            "friction": friction,
            "walls": 0,
        },
        run={
            "timestep": timestep,
            "equilibration_steps": equilibration,
            "production_steps": production,
            "replicas": replicas,
            "seed": seed,
        },
        fit={"skip_bath": 4, "skip_interface": 4},
    )


def check_uniform_chain(record, name, config, cap_T):
    run = measure(config)
    check_averages(record, name, run, cap_T=cap_T, cap_J=0.01)
    profile = run.temperature[:, INTERIOR]
    middle = 0.5 * (T_HOT + T_COLD)
    record(
        f"{name}: mean of the interior temperatures",
        *mean_and_stderr(profile.mean(axis=1)),
        middle,
        cap=0.01 * middle,
        source="Rieder et al. 1967",
    )
    x = np.linspace(-0.5, 0.5, profile.shape[1])
    record(
        f"{name}: rise of the interior profile",
        *mean_and_stderr(np.polyfit(x, profile.T, 1)[0]),
        np.polyfit(x, run.exact_temperature[INTERIOR], 1)[0],
        cap=0.005 * (T_HOT - T_COLD),
        source="Lyapunov equation",
    )
    return run


@pytest.mark.parametrize("friction", FRICTIONS)
def test_uniform_chain(record, friction):
    """With a step of 0.1 the exact J of the run is up to 1.6 % off the continuous one: see the next test."""
    config = uniform_chain(friction, 0.1, equilibration=10_000, production=60_000)
    check_uniform_chain(record, f"Uniform chain, friction {friction:g}, short", config, cap_T=0.02)


@pytest.mark.parametrize("friction", FRICTIONS)
def test_uniform_chain_tends_to_rieder_lebowitz_lieb(record, friction):
    """What the runs are compared with lies off the formula by the time step alone, as dt²; the profile is flat."""
    exact = oracles.rll_flux(k=1, m=1, gamma=friction, T_hot=T_HOT, T_cold=T_COLD)
    chain = oracles.chain_junction(20, 20, friction=friction, T_hot=T_HOT, T_cold=T_COLD)
    discrete = [oracles.steady_state_discrete(chain, dt) for dt in (0.04, 0.02)]
    off = [state.J - exact for state in discrete]
    assert abs(off[1]) < 0.001 * exact
    assert np.allclose(discrete[1].temperature[INTERIOR], 0.5 * (T_HOT + T_COLD), rtol=5e-4)
    record.within(
        f"Uniform chain, friction {friction:g}: time-step error of J at 0.04 / at 0.02",
        off[0] / off[1],
        4.0,
        tolerance=0.05,
        source="second order; discrete Lyapunov equation and Rieder et al. 1967",
    )


@pytest.mark.validate
@pytest.mark.parametrize("friction", FRICTIONS)
def test_uniform_chain_sharp(record, friction):
    """With a step of 0.02 the formula itself is within a small part of the standard error."""
    config = uniform_chain(friction, 0.02, equilibration=100_000, production=700_000)
    run = check_uniform_chain(record, f"Uniform chain, friction {friction:g}", config, cap_T=0.01)
    exact = oracles.rll_flux(k=1, m=1, gamma=friction, T_hot=T_HOT, T_cold=T_COLD)
    record(
        f"Uniform chain, friction {friction:g}: J (formula)",
        *mean_and_stderr(run.fluxes[:, 2]),
        exact,
        cap=0.01 * exact,
        source="Rieder et al. 1967",
    )


def mass_step(production):
    """Mass ratio 3 between long, ramped baths."""
    return configure(
        "chain",
        (30, 30),
        mass=(1.0, 3.0),
        cross="arithmetic",
        baths={
            "hot": {"temperature": T_HOT, "length": 16},
            "cold": {"temperature": T_COLD, "length": 16},
            "friction": 0.3,
            "ramp": True,
            "walls": 0,
        },
        run={
            "timestep": 0.1,
            "equilibration_steps": 10_000,
            "production_steps": production,
            "replicas": 160,
            "seed": 2,
        },
        fit={"skip_bath": 2, "skip_interface": 2},
    )


def stiffness_step(production):
    """Stiffness ratio 2.5, sides and baths of unequal length, walls, and the colder bath in A."""
    return configure(
        "chain",
        (26, 32),
        stiffness=(1.0, 2.5),
        cross="geometric",
        baths={
            "hot": {"temperature": T_COLD, "length": 10},
            "cold": {"temperature": T_HOT, "length": 14},
            "friction": 0.2,
            "walls": 2,
        },
        run={
            "timestep": 0.1,
            "equilibration_steps": 10_000,
            "production_steps": production,
            "replicas": 160,
            "seed": 3,
        },
        fit={"skip_bath": 2, "skip_interface": 2},
    )


STEPS = {"Mass-step chain": mass_step, "Stiffness-step chain": stiffness_step}


def check_step(record, name, run, cap, cap_R_K):
    check_averages(record, name, run, cap_T=cap, cap_J=cap)
    check_resistance(record, name, run, cap=cap_R_K)


@pytest.mark.parametrize("name", STEPS)
def test_step(record, name):
    check_step(record, f"{name}, short", measure(STEPS[name](30_000)), cap=0.01, cap_R_K=0.04)


@pytest.mark.validate
@pytest.mark.parametrize("name", STEPS)
def test_step_sharp(record, name):
    check_step(record, name, measure(STEPS[name](300_000)), cap=0.004, cap_R_K=0.012)


def wrong_friction(monkeypatch):
    right = nemd_core.baths.layer_friction
    monkeypatch.setattr(nemd_core.baths, "layer_friction", lambda *args: 1.1 * right(*args))


def change_baths(monkeypatch, **factors):
    """Multiply fields of the baths; a factor is a number or a pair (hot, cold)."""
    right = nemd_core.group.build_baths

    def wrong(*args):
        baths = right(*args)
        fields = {
            name: getattr(baths, name) * np.broadcast_to(factor, 2)[baths.bath]
            for name, factor in factors.items()
        }
        return baths._replace(**fields)

    monkeypatch.setattr(nemd_core.group, "build_baths", wrong)


def half_the_flow(monkeypatch):
    right = nemd_core.group.build_meter

    def wrong(*args):
        meter = right(*args)
        return meter._replace(area=2 * meter.area)

    monkeypatch.setattr(nemd_core.group, "build_meter", wrong)


WRONG = {
    "friction 10 % too high": wrong_friction,
    "hot bath 2 % too hot": lambda m: change_baths(m, noise=(np.sqrt(1.02), 1)),
    "cold bath 2 % too hot": lambda m: change_baths(m, noise=(1, np.sqrt(1.02))),
    "noise without its factor 2": lambda m: change_baths(m, noise=np.sqrt(0.5)),
    "heat of the baths without its factor 1/2": lambda m: change_baths(m, half_mass=2),
    "flow through planes half as large": half_the_flow,
}


@pytest.mark.parametrize("error", WRONG)
def test_wrong_engine_is_rejected(monkeypatch, error):
    """The comparisons above fail for an engine with one thing wrong; the energy audit may catch it before."""
    WRONG[error](monkeypatch)
    with pytest.raises((AssertionError, PhysicsError), match=r"T² =|off by|energy audit") as caught:
        run = measure(mass_step(30_000))
        check_averages(Comparisons(), error, run, cap_T=1, cap_J=1)
    print(caught.value)
