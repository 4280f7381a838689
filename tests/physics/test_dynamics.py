"""Energy, the ledger of the baths, and the thermometer.

Error bars are the scatter of independent replicas, or that of the analysis on long runs of one replica; seeds are fixed.
"""

from functools import partial
from math import log

import numpy as np
import pytest
from physics import harmonic
from physics.engine import DEFAULT, by_site, by_species, configure, simulate, start, switch_baths_off
from physics.validation import mean_and_stderr
from scipy.spatial import cKDTree

from nemd_core import load_config
from nemd_core.potentials import force_constants, law_of

CONFIGS = DEFAULT.parent
JUMP = 0.055
"""delta_T of the default junction at mass ratio 4, rounded down."""


def chain(timestep, temperatures=(1.0, 1.0), bath=4, friction=0.3, replicas=16, seed=1, **run):
    """40 atoms of mass 1 and 4 joined by equal springs."""
    hot, cold = ({"temperature": T, "length": bath} for T in temperatures)
    return harmonic.configure(
        "chain",
        (20, 20),
        mass=(1.0, 4.0),
        cross="arithmetic",
        baths={"hot": hot, "cold": cold, "friction": friction, "walls": 0},
        run={"timestep": timestep, "replicas": replicas, "seed": seed, **run},
        fit={"skip_bath": 4, "skip_interface": 4},
    )


def harmonic_crystal(timestep, **run):
    return harmonic.configure(
        "fcc",
        (5, 5),
        mass=(1.0, 4.0),
        stiffness=(1.0, 2.0),
        cross="arithmetic",
        baths={
            "hot": {"temperature": 1.5, "length": 2},
            "cold": {"temperature": 0.5, "length": 2},
            "friction": 0.5,
            "walls": 1,
        },
        run={"timestep": timestep, **run},
        fit={"skip_bath": 0, "skip_interface": 0},
    )


def lj_harmonic(timestep, **run):
    """Unequal epsilon, so that the crystal relaxes away from the lattice sites."""
    values = {
        "structure.length.A": 5,
        "structure.length.B": 5,
        "structure.cross_section": [4, 4],
        "materials.B.mass": 4.0,
        "materials.B.epsilon": 1.5,
        "baths.hot.length": 1,
        "baths.cold.length": 1,
        "fit.skip_bath": 0,
        "fit.skip_interface": 0,
        "run.timestep": timestep,
        **{f"run.{key}": value for key, value in run.items()},
    }
    return load_config(CONFIGS / "lj-harmonic.yaml", values)


def small_crystal(timestep, *, cells=4, baths=(1, 1), temperatures=(0.3, 0.3), **run):
    """Nearest neighbours interact, 2 x 2 cells across."""
    return configure(
        cells=cells,
        baths=baths,
        walls=1,
        cross_section=2,
        cutoff=1.5,
        temperatures=temperatures,
        fit=(0, 0),
        timestep=timestep,
        **run,
    )


def thick_crystal(timestep, **run):
    """The default potential on the smallest crystal that carries it."""
    return configure(cells=5, baths=(1, 1), cross_section=4, fit=(0, 0), timestep=timestep, **run)


CONSERVATIVE = {"harmonic chain": (chain, 0.1, 100.0), "LJ fcc": (small_crystal, 0.01, 150.0)}
"""How to make a junction, the larger time step, and the time over which energy is watched."""


def watch_energy(config, settle, n_rows):
    """Energy without baths at the end of each row, (n_replicas, n_rows), from `settle` steps on."""
    group = start(config, baths=False)
    group.advance(0, settle, False)
    _, _, series = group.advance(settle, n_rows * config.run.series_steps, True)
    return series.energy


@pytest.mark.parametrize("name", CONSERVATIVE)
def test_energy_error_is_second_order(record, name):
    """The scatter of the energy without baths falls by 4 when the time step is halved."""
    make, timestep, time = CONSERVATIVE[name]
    spread = []
    for divisor in (1, 2):
        every = 10 * divisor
        config = make(timestep / divisor, replicas=16, sample_every=every, series_steps=every)
        n_rows = round(time / timestep) // 10
        energy = watch_energy(config, n_rows * every // 4, n_rows)
        spread.append(energy.std(axis=1))
    ratio, stderr = mean_and_stderr(spread[0] / spread[1])
    print(f"{name}: spread of E {spread[0].mean():.3g} at dt {timestep}; ratio {ratio:.3f} ± {stderr:.2g}")
    assert 4 * stderr < 0.5, "too noisy to tell the order"
    record.within(
        f"NVE, {name}: energy error at dt {timestep} / at half of it",
        ratio,
        4.0,
        tolerance=0.5,
        source="second order",
    )


def test_harmonic_energy_does_not_drift(record):
    """E - dt²/8 sum F²/m is a constant of velocity Verlet, to rounding."""
    config = chain(0.2, replicas=16, sample_every=1000, series_steps=1000)
    group = start(config, baths=False)
    mass = group.system.mass[:, None]

    def modified(energy):
        return energy - config.run.timestep**2 / 8 * (by_site(group, group.state.f) ** 2 / mass).sum(
            axis=(1, 2)
        )

    first = modified(group.start_ledger())
    _, _, series = group.advance(0, 100_000, True)
    drift = abs(modified(series.energy[:, -1]) / first - 1).max()
    print(f"spread of E itself: {(series.energy.std(axis=1) / first).mean():.2g} of E")
    record.within(
        "NVE, harmonic chain: drift in 100 000 steps / E, time-step term taken off",
        drift,
        0.0,
        tolerance=1e-10,
        source="constant of velocity Verlet",
    )


@pytest.mark.parametrize(
    ("make", "replicas"),
    [
        pytest.param(small_crystal, 8, id="nearest neighbours"),
        pytest.param(thick_crystal, 4, id="default potential", marks=pytest.mark.validate),
    ],
)
def test_lennard_jones_energy_does_not_drift(record, make, replicas):
    """The noise: E scatters by the time step; a line through 100 000 steps rises by less than that can explain."""
    config = make(0.005, replicas=replicas, sample_every=1000, series_steps=1000)
    energy = watch_energy(config, 2000, 100)
    noise = energy.std(axis=1).mean()
    rise = np.polyfit(np.linspace(-0.5, 0.5, energy.shape[1]), energy.T, 1)[0]
    record(
        f"NVE, LJ fcc, cut-off {config.interaction.cutoff}: drift of E in 100 000 steps (scatter of E {noise:.2g})",
        *mean_and_stderr(rise),
        0.0,
        cap=0.4 * noise,
        source="constant energy",
    )


@pytest.mark.parametrize(
    ("make", "timestep"),
    [(partial(chain, temperatures=(1.5, 0.5)), 0.4), (harmonic_crystal, 0.2), (lj_harmonic, 0.01)],
    ids=["chain", "fcc", "lj-harmonic"],
)
def test_harmonic_ledger_closes(record, make, timestep):
    """E - Q is a function of state, hence bounded: E - Q + ½ v M (s + s² + ...) v is constant, s = dt²/4 M^-1 K.

    Derived from the middle of the step, where only the bath acts: between two baths the kinetic energy changes by the
    force times the way between two middles, which in a harmonic system is an exact difference.
    """
    config = make(timestep, replicas=1, sample_every=10, series_steps=500)
    group = start(config)
    system, mass = group.system, group.system.mass[:, None]

    def correction():
        (v,) = by_site(group, group.state.v)
        total, w = 0.0, v
        while abs(w).max() > 1e-18:
            w = -(timestep**2) / 4 * group.forces.evaluate(system, w)[0] / mass
            total += 0.5 * (mass * v * w).sum()
        return total

    group.advance(0, 2000, False)
    first = group.start_ledger()[0] + correction()
    bounded, closed, transferred = [], [], 0.0
    for block in range(20):
        _, _, series = group.advance(2000 + 500 * block, 500, True)
        remainder = series.energy[0, -1] - series.heat_hot[0, -1] - series.heat_cold[0, -1]
        bounded.append(remainder)
        closed.append(remainder + correction() - first)
        transferred = max(transferred, abs(series.heat_hot[0, -1]), abs(series.heat_cold[0, -1]), abs(first))
    print(f"spread of E - Q {np.std(bounded):.3g}, heat {transferred:.3g}")
    record.within(
        f"Ledger, {config.interaction.potential} {config.structure.lattice}: E - Q without its bounded part / heat",
        np.abs(closed).max() / transferred,
        0.0,
        tolerance=1e-10,
        source="constant of BAOAB",
    )


def spread_of_ledger(series, energy_start):
    """Root mean square of E - Q about its start, and |Q_hot| at the end, both (n_replicas,)."""
    remainder = series.energy - energy_start[:, None] - series.heat_hot - series.heat_cold
    return np.sqrt((remainder**2).mean(axis=1)), abs(series.heat_hot[:, -1])


def check_ledger_order(record, name, coarse, fine, divisor, cap):
    """Order in dt of the spread, at least 2; what is above 2 counts as 2. Spreads of replicas, (n,)."""
    (a, a_error), (b, b_error) = (mean_and_stderr(spread) for spread in (coarse, fine))
    order, stderr = log(a / b) / log(divisor), np.hypot(a_error / a, b_error / b) / log(divisor)
    print(f"{name}: spread {a:.3g}, {b:.3g} at dt/{divisor}: order {order:.2f} ± {stderr:.2f}")
    record(f"{name}: order in dt (2 or more)", min(order, 2.0), stderr, 2.0, cap=cap, source="second order")


def test_lennard_jones_ledger(record):
    """Shadow work of the splitting makes E - Q creep; it falls as dt² or faster and stays far below the heat."""
    spreads = []
    for divisor in (1, 4):
        config = small_crystal(
            0.01 / divisor,
            cells=5,
            baths=(2, 2),
            temperatures=(0.45, 0.15),
            replicas=32,
            sample_every=50,
            series_steps=50,
        )
        group = start(config)
        group.advance(0, 500 * divisor, False)
        first = group.start_ledger()
        _, _, series = group.advance(500 * divisor, 2000 * divisor, True)
        spread, heat = spread_of_ledger(series, first)
        spreads.append(spread)
        record.within(
            f"Ledger, small LJ fcc, dt {config.run.timestep}: spread of E - Q / heat transferred",
            (spread / heat).max(),
            0.0,
            tolerance=0.01,
            source="energy conservation",
        )
    check_ledger_order(record, "Ledger, small LJ fcc", *spreads, 4, cap=0.1)


def default_run():
    """The default study at mass ratio 4, with its own time step, once for all tests."""
    return configure(threads=2)


@pytest.mark.validate
def test_lennard_jones_ledger_of_the_default_run(record):
    samples, _ = simulate(default_run())
    spread, heat = spread_of_ledger(samples, samples.energy_start)
    remainder = samples.energy - samples.energy_start[:, None] - samples.heat_hot - samples.heat_cold
    rate = np.polyfit(samples.step * samples.timestep, remainder[0], 1)[0]
    print(
        f"drift rate of E - Q: {rate:.2g} per unit time; heat {heat[0] / samples.step[-1] / samples.timestep:.3g}"
    )
    record.within(
        "Ledger, default run, mass ratio 4: spread of E - Q / heat transferred",
        spread[0] / heat[0],
        0.0,
        tolerance=0.01,
        source="energy conservation",
    )


def test_thermometer_of_a_chain_with_a_long_step(record):
    """At dt = 0.4, far from small, half-step temperatures are exact; full-step ones miss K_ii dt²/4m: 8 % and 2 %."""
    timestep, n_blocks = 0.4, 1000
    config = chain(timestep, bath=8, friction=0.5, replicas=128, sample_every=1, series_steps=20)
    group = start(config)
    group.advance(0, 10_000, False)
    mass, half_step, full_step = group.system.mass, 0.0, 0.0
    for block in range(n_blocks):
        _, _, series = group.advance(10_000 + 20 * block, 20, True)
        half_step = half_step + series.temperature[:, 0] / n_blocks
        full_step = full_step + mass * by_site(group, group.state.v)[:, :, 0] ** 2 / n_blocks
    record.vector(
        "Chain, dt 0.4, equilibrium: half-step temperature of every atom",
        half_step,
        np.ones(len(mass)),
        cap=0.01,
        source="temperature of the baths",
    )
    for species, (half, full) in enumerate(
        zip(by_species(group, half_step).T, by_species(group, full_step).T, strict=True)
    ):
        deficit = 2.0 * timestep**2 / 4 / (1.0, 4.0)[species]
        name = f"Chain, dt 0.4, equilibrium: {{}}-step temperature, mass {(1, 4)[species]}"
        record(name.format("half"), *mean_and_stderr(half), 1.0, cap=0.003, source="temperature of the baths")
        record(name.format("full"), *mean_and_stderr(full), 1 - deficit, cap=0.003, source="1 - w²dt²/4")


def mean_curvature(group, displacement):
    """Second derivatives of the energy, mean over components and over the sites of A and B: m w² of Einstein; (2,)."""
    system, law = group.system, law_of(group.config)
    box = system.lateral * np.array([system.n_cells + 20, *system.cross_section])
    position = (system.positions + displacement + np.array([10 * system.lateral, 0, 0])) % box
    i, j = cKDTree(position, boxsize=box).query_pairs(law.cutoff, output_type="ndarray").T
    bond = position[j] - position[i]
    bond -= box * np.round(bond / box)
    pair_type = system.species[i] + system.species[j]
    trace = np.trace(force_constants(law, bond, pair_type), axis1=1, axis2=2) / 3
    curvature = np.bincount(i, trace, system.n_sites) + np.bincount(j, trace, system.n_sites)
    return by_species(group, curvature)


def test_two_thermometers_on_one_trajectory(record):
    """v_half = v_full ± F dt/2m, so T_half - T_full = dt² <F²>/4m identically; and <F²> = T m w² in equilibrium."""
    config = configure(
        cells=5,
        baths=(1, 1),
        cross_section=4,
        temperatures=(0.25, 0.25),
        friction=2.0,
        fit=(0, 0),
        timestep=0.01,
        sample_every=1,
        series_steps=1,
        seed=3,
    )
    n_blocks, n_steps, dt = 20, 200, config.run.timestep
    group = start(config)
    group.advance(0, 2000, False)
    switch_baths_off(group)
    system = group.system
    mass = system.mass[:, None]
    moving = np.flatnonzero(system.moving_cell[system.layer_cell])
    side = [moving[system.cell_side[system.layer_cell[moving]] == species] for species in (0, 1)]

    def now():
        """Full-step temperature, dt²/4m F², and m dt/2m v F, of A and B, (3, 2)."""
        (v,), (f,) = by_site(group, group.state.v), by_site(group, group.state.f)
        terms = mass * v * v, dt**2 / (4 * mass) * f * f, 0.5 * dt * v * f
        return np.array([by_species(group, term.mean(axis=1)) for term in terms])

    rows, curvature, worst, step = [], [], 0.0, 2000
    for _ in range(n_blocks):
        half, whole = np.zeros(2), np.zeros((3, 2))
        first = last = now()
        for _ in range(n_steps):
            _, _, series = group.advance(step, 1, True)
            step += 1
            half += [series.temperature[0, 0, layers].mean() / n_steps for layers in side]
            before, last = last, now()
            whole += 0.5 * (before + last) / n_steps
        full, force, _ = whole
        worst = max(worst, abs(half - full - force - (first[2] - last[2]) / n_steps).max())
        rows.append((half - full) / half)
        curvature.append(mean_curvature(group, by_site(group, group.state.u)[0]))
    record.within(
        "LJ fcc, dt 0.01: T_half - T_full - dt² <F²>/4m on one trajectory",
        worst,
        0.0,
        tolerance=1e-12,
        source="identity of velocity Verlet",
    )
    measured, stderr = mean_and_stderr(rows)
    w2, w2_error = mean_and_stderr(np.array(curvature) / (1.0, 4.0))
    static = mean_curvature(group, 0.0) / (1.0, 4.0)
    for species, name in enumerate("AB"):
        predicted = w2[species] * dt**2 / 4
        error = np.hypot(stderr[species], w2_error[species] * dt**2 / 4)
        print(f"{name}: w² {w2[species]:.1f} in this crystal, {static[species]:.1f} on ideal sites")
        record(
            f"LJ fcc, dt 0.01: (T_half - T_full)/T_half, mass {(1, 4)[species]}",
            measured[species],
            error,
            predicted,
            cap=0.03 * predicted,
            source="w²dt²/4, w² from the force constants",
        )


@pytest.mark.parametrize(
    ("cells", "bath", "run", "block", "caps"),
    [
        pytest.param(
            6, 2, {"equilibration_steps": 5000, "production_steps": 60_000}, 3000, (0.004, 0.015), id="short"
        ),
        pytest.param(
            12,
            4,
            {"equilibration_steps": 10_000, "production_steps": 50_000, "replicas": 8},
            5000,
            (0.0015, 0.008),
            id="sharp",
            marks=pytest.mark.validate,
        ),
    ],
)
def test_equal_baths_give_a_flat_profile(record, cells, bath, run, block, caps):
    """Mass ratio 4, dt = 0.01, where full-step temperatures would lie 0.9 % and 0.2 % low.

    The cross-section is odd: with an even one, the crystal has modes that hardly move along x and remember their energy
    for long. Blocks of 30 time units and more count as independent.
    """
    T = 0.5
    config = configure(
        cells=cells,
        baths=(bath, bath),
        cross_section=5,
        temperatures=(T, T),
        friction=2.0,
        fit=(0, 0),
        timestep=0.01,
        block_steps=1000,
        seed=4,
        **run,
    )
    samples, fitted = simulate(config)
    name = f"Equal baths, LJ fcc of {2 * cells} cells, dt 0.01"
    moving = samples.layers["region"] != "wall"
    profile = (
        samples.temperature[:, :, moving].reshape(*samples.temperature.shape[:2], -1, 2).mean(axis=3) / T
    )
    copies = profile.reshape(-1, block // config.run.series_steps, profile.shape[2]).mean(axis=1)
    n = copies.shape[1] // 2
    for side, cells_of_side in (("A", slice(n)), ("B", slice(n, None))):
        record(
            f"{name}: T_{side} / T",
            *mean_and_stderr(copies[:, cells_of_side].mean(axis=1)),
            1.0,
            cap=caps[0],
            source="temperature of the baths",
        )
    record(
        f"{name}: delta_T / T",
        fitted["delta_T"] / T,
        fitted["delta_T_stderr"] / T,
        0.0,
        cap=caps[1],
        source="no jump",
    )
    record.vector(
        f"{name}: T of every cell / T", copies, np.ones(2 * n), cap=2 * caps[0], source="flat profile"
    )


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {
                "cells": 16,
                "baths": (4, 4),
                "cross_section": 4,
                "fit": (3, 0),
                "equilibration_steps": 3000,
                "production_steps": 4000,
                "block_steps": 1000,
                "replicas": 16,
            },
            id="short",
        ),
        pytest.param(
            {
                "fit": (5, 1),
                "equilibration_steps": 15_000,
                "production_steps": 70_000,
                "replicas": 2,
                "threads": 2,
            },
            id="sharp, default geometry",
            marks=pytest.mark.validate,
        ),
    ],
)
def test_equal_materials_show_no_jump(record, options):
    """The error is below 3 % of the jump at mass ratio 4 and the same bias.

    The finite baths bend the profile oddly about the middle, and lines through either half then miss each other: by
    about 5 % of that jump with a fit that begins 3 cells from the bath. This is a property of the set-up and
    dies out by a third per cell, so the fit begins further away here.
    """
    config = configure(masses=(1.0, 1.0), timestep=0.008, seed=5, **options)
    _, fitted = simulate(config)
    delta_T, stderr = fitted["delta_T"], fitted["delta_T_stderr"]
    print(f"delta_T {delta_T / JUMP:+.1%} ± {stderr / JUMP:.1%} of the jump at mass ratio 4")
    record(
        f"Equal materials, LJ fcc of {2 * config.structure.length.A} cells: delta_T",
        delta_T,
        stderr,
        0.0,
        cap=0.03 * JUMP,
        source="no interface",
    )


@pytest.mark.validate
def test_scale_of_the_jump():
    """JUMP, by which the test above measures its error, is not above the jump of the default run."""
    _, fitted = simulate(default_run())
    print(f"delta_T {fitted['delta_T']:.4f} ± {fitted['delta_T_stderr']:.4f}")
    assert fitted["delta_T_stderr"] < 0.1 * JUMP
    assert fitted["delta_T"] + 4 * fitted["delta_T_stderr"] > JUMP
