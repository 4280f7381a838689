"""Every check fails on a simulated case that is built to break it, and says what to do; sound runs pass them all.

Harmonic chains with many replicas do for most cases: they run in a second or two, and their trajectories are not
chaotic, so that a case fails on every machine by the same margin. Small Lennard-Jones crystals with nearest neighbours
show the rest. Where a fault cannot be simulated, the samples of a sound run are changed, and the test says so.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from physics import engine, harmonic

from analysis import Settings, analyse
from nemd_core import PhysicsError, Simulation, run
from nemd_core.errors import EXIT_PHYSICS


def chain(
    *,
    cells=40,
    bath=20,
    friction=0.3,
    ramp=True,
    masses=(1.0, 4.0),
    temperatures=(1.5, 0.5),
    fit=(3, 3),
    **options,
):
    """Config of a harmonic chain with a mass step; `fit` holds the cells skipped at the bath and at the interface."""
    lengths = bath if isinstance(bath, tuple) else (bath, bath)
    hot, cold = ({"temperature": T, "length": n} for T, n in zip(temperatures, lengths, strict=True))
    return harmonic.configure(
        "chain",
        (cells, cells),
        mass=masses,
        cross="geometric",
        baths={"hot": hot, "cold": cold, "friction": friction, "ramp": ramp, "walls": 0},
        run={
            "timestep": 0.1,
            "equilibration_steps": 4000,
            "production_steps": 20000,
            "series_steps": 100,
            "replicas": 32,
            **options,
        },
        fit={"skip_bath": fit[0], "skip_interface": fit[1]},
    )


def crystal(*, temperatures=(0.35, 0.05), **options):
    """Config of a small Lennard-Jones junction of nearest neighbours."""
    return engine.configure(
        cutoff=1.5,
        cross_section=4,
        cells=14,
        baths=(4, 4),
        walls=1,
        fit=(2, 2),
        temperatures=temperatures,
        threads=1,
        **{"equilibration_steps": 10000, "production_steps": 80000, **options},
    )


@cache
def sound_chain():
    return run(chain(), progress=False).samples


def judge(samples, config) -> dict:
    return {
        check["name"]: check for check in analyse(samples, Settings.from_config(config)).interface["checks"]
    }


def simulate(config) -> dict:
    """The checks of a run by name."""
    return judge(run(config, progress=False).samples, config)


def failed(checks) -> set:
    return {name for name, check in checks.items() if not check["passed"]}


def check_fails(checks, name, *remedies):
    assert name in failed(checks), checks[name]
    for remedy in remedies:
        assert remedy in checks[name]["message"]


# --- sound ----------------------------------------------------------------------------------------------------------


def test_a_sound_chain_passes_all():
    assert failed(judge(sound_chain(), chain())) == set()


def test_a_sound_crystal_passes_all():
    assert failed(simulate(crystal())) == set()


def test_equal_materials_pass_without_a_jump():
    """A jump that is known to be small is an answer too."""
    checks = simulate(chain(masses=(1.0, 1.0), replicas=64, production_steps=40000))
    assert failed(checks) == set()
    assert "upper bound" in checks["jump_resolved"]["message"]


# --- the run --------------------------------------------------------------------------------------------------------


def test_a_drifting_start():
    """The engine starts from a profile without a jump, and both crystals must exchange heat until there is one."""
    long = {
        "cells": 80,
        "bath": 40,
        "ramp": False,
        "replicas": 256,
        "production_steps": 1500,
        "series_steps": 20,
    }
    checks = simulate(chain(equilibration_steps=0, **long))
    check_fails(checks, "steady_state", "run.equilibration_steps")
    check_fails(checks, "slow_modes", "run.equilibration_steps")
    checks = simulate(chain(equilibration_steps=20000, **long))
    assert checks["steady_state"]["passed"] and checks["slow_modes"]["passed"]


def test_motions_that_outlive_the_run():
    """300 tau before 800 tau of a crystal to second order: all looks well, but another start would give another jump."""
    config = engine.configure(
        cutoff=1.5,
        cross_section=3,
        cells=11,
        baths=(3, 3),
        walls=1,
        fit=(2, 2),
        temperatures=(0.35, 0.05),
        timestep=0.01,
        equilibration_steps=30_000,
        production_steps=80_000,
        threads=1,
    )
    linear = config.interaction.model_copy(update={"potential": "lj-harmonic"})
    checks = simulate(config.model_copy(update={"interaction": linear}))
    check_fails(checks, "slow_modes", "run.replicas")
    assert failed(checks) == {"slow_modes"}


def test_a_short_run():
    check_fails(
        simulate(crystal(production_steps=2000)),
        "independent_samples",
        "run.production_steps",
        "run.replicas",
    )


def test_a_short_bath():
    """One atom with little friction cannot take what twenty give: it is the bottleneck, not the interface."""
    config = chain(bath=(20, 1), friction=0.05, ramp=False, equilibration_steps=20000)
    checks = simulate(config)
    check_fails(checks, "bath_temperatures", "baths.cold.length", "baths.friction")
    assert failed(checks) == {"bath_temperatures"}


def test_a_long_time_step():
    checks = simulate(crystal(timestep=0.03, equilibration_steps=3000, production_steps=10000))
    check_fails(checks, "time_step", "run.timestep (0.03) to at most")
    check_fails(checks, "energy_audit", "run.timestep")


def test_a_melting_crystal():
    """The engine stops it; what it measured by then is not trusted, for broken bonds do not conserve energy."""
    config = crystal(
        temperatures=(1.8, 1.2), timestep=0.0025, equilibration_steps=1000, production_steps=20000
    )
    simulation = Simulation(config)
    with pytest.raises(PhysicsError, match="diffuses or melts") as stopped:
        simulation.run()
    assert stopped.value.exit_status == EXIT_PHYSICS
    check_fails(judge(simulation.samples(), config), "energy_audit", "if the crystal melts")


# --- the heat -------------------------------------------------------------------------------------------------------


def test_different_fluxes_in_hot_and_cold():
    """The ledger of the hot bath is changed: no engine here leaks heat. Energy still closes, the fluxes do not."""
    samples = sound_chain()
    leaking = replace(
        samples, heat_hot=1.1 * samples.heat_hot, energy=samples.energy + 0.1 * samples.heat_hot
    )
    checks = judge(leaking, chain())
    assert failed(checks) == {"flux_agreement"}
    check_fails(checks, "flux_agreement", "J_hot", "run.production_steps")


def test_a_sink():
    """As if B lost heat to something unseen: planes beyond the middle of B, and the cold bath, get less."""
    samples = sound_chain()
    flux, beyond = samples.flux.copy(), samples.planes["x0"] > 50
    flux[:, :, beyond] *= 0.9
    sinking = replace(samples, flux=flux, heat_cold=0.9 * samples.heat_cold)
    check_fails(judge(sinking, chain()), "flux_agreement")
    check_fails(judge(sinking, chain()), "energy_audit")


def test_a_flux_that_is_not_resolved():
    config = chain(temperatures=(1.01, 0.99), replicas=8, production_steps=5000)
    check_fails(simulate(config), "flux_resolved", "bath temperatures", "run.production_steps")


# --- the fits and the jump ------------------------------------------------------------------------------------------


def test_a_jump_that_is_not_resolved():
    config = chain(masses=(1.0, 1.0), temperatures=(1.05, 0.95), replicas=8, production_steps=5000)
    check_fails(simulate(config), "jump_resolved", "run.production_steps", "bath temperatures")


def test_a_fit_next_to_the_bath():
    """Atoms next to a bath of one atom are colder or hotter than the bulk."""
    config = chain(
        cells=12, bath=1, friction=1.0, ramp=False, fit=(0, 3), replicas=512, production_steps=50000
    )
    checks = simulate(config)
    check_fails(checks, "curvature", "fit.skip_bath", "fit: auto")
    check_fails(checks, "window_sensitivity", "fit.skip_bath", "fit: auto")


def test_a_fit_through_the_bath():
    """Half of the hot bath is passed off as bulk: its layers take part in the fit."""
    config = chain(friction=1.0, ramp=False, fit=(0, 3), replicas=64, production_steps=50000)
    samples = run(config, progress=False).samples
    region = samples.layers["region"].copy()
    region[np.flatnonzero(region == "hot")[10:]] = "A"
    checks = judge(replace(samples, layers=samples.layers | {"region": region}), config)
    check_fails(checks, "curvature", "structure.length.A", "fit.skip_bath")
    check_fails(checks, "window_sensitivity", "structure.length.A", "fit.skip_bath")


def test_a_short_slab():
    check_fails(simulate(chain(cells=30)), "slab_length", "structure.length.A by 1")
