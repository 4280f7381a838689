"""Every measure of the flux agrees; the mirror image of a junction, and heat driven the other way, give the same R_K."""

import numpy as np
import pytest
from physics import harmonic
from physics.engine import by_site, configure, simulate, start, switch_baths_off
from physics.validation import mean_and_stderr
from scipy.spatial import cKDTree

from analysis import Settings, analyse
from analysis.lines import planes_between_baths
from nemd_core.baths import layer_friction

CHAIN = {"mass": (1.0, 4.0), "stiffness": (1.0, 2.0), "temperature": (1.5, 0.5)}
VARIANTS = {"as given": (1, 1), "sides and baths swapped": (-1, -1), "bias reversed": (1, -1)}
"""Order of the materials, order of the bath temperatures."""


def chain(mass, stiffness, temperature, *, production, seed, **run):
    """A mass and stiffness step between ramped baths; pairs are (A, B)."""
    hot, cold = ({"temperature": T, "length": 16} for T in temperature)
    return harmonic.configure(
        "chain",
        (30, 30),
        mass=mass,
        stiffness=stiffness,
        cross="geometric",
        baths={"hot": hot, "cold": cold, "friction": 0.3, "ramp": True, "walls": 0},
        run={
            "timestep": 0.1,
            "equilibration_steps": 5000,
            "production_steps": production,
            "replicas": 160,
            "seed": seed,
            **run,
        },
        fit={"skip_bath": 2, "skip_interface": 2},
    )


def chain_variant(variant, **run):
    materials, temperatures = VARIANTS[variant]
    return chain(
        CHAIN["mass"][::materials],
        CHAIN["stiffness"][::materials],
        CHAIN["temperature"][::temperatures],
        **run,
    )


def crystal(masses, epsilons, temperatures, baths):
    """A Lennard-Jones junction in which everything differs between the sides; pairs are (A, B)."""
    return configure(
        masses=masses,
        epsilons=epsilons,
        temperatures=temperatures,
        baths=baths,
        ramp=True,
        cells=6,
        cross_section=4,
        fit=(0, 0),
        sample_every=1,
        series_steps=50,
        seed=6,
    )


def mirror_map(system, mirrored):
    """For each site of `system`, the site of `mirrored` at x -> L - x; fcc layers match when also shifted by a/2 in y."""
    a, (ny, nz) = system.lateral, system.cross_section
    box = np.array([4 * system.n_cells * a, ny * a, nz * a])
    image = system.positions * [-1, 1, 1] + [system.layer_x[-1], 0.0, 0.0]
    if system.lattice.name == "fcc":
        image[:, 1] += 0.5 * a
    shift = 0.25 * a  # keeps sites away from the faces of the box
    distance, site = cKDTree((mirrored.positions + shift) % box, boxsize=box).query((image + shift) % box)
    assert distance.max() < 1e-9
    return site


def chain_pair():
    run = {"production": 50, "seed": 6, "replicas": 1, "sample_every": 1, "series_steps": 50}
    return chain_variant("as given", **run), chain_variant("sides and baths swapped", **run)


def crystal_pair():
    return (
        crystal((1.0, 4.0), (1.0, 1.5), (0.35, 0.15), (1, 2)),
        crystal((4.0, 1.0), (1.5, 1.0), (0.15, 0.35), (2, 1)),
    )


@pytest.mark.parametrize("pair", [chain_pair, crystal_pair], ids=["chain", "LJ fcc"])
def test_mirror_image_moves_as_the_mirror_image(pair):
    """Site by site and step by step: positions, forces, layer temperatures and fluxes (with the sign reversed)."""
    configs = pair()
    one, two = (start(config) for config in configs)
    assert np.allclose(
        layer_friction(one.system, configs[0].baths), layer_friction(two.system, configs[1].baths)[::-1]
    )
    one.advance(0, 1000, False)
    site = mirror_map(one.system, two.system)
    flip = np.array([-1.0, 1.0, 1.0])[: one.forces.rows.components]

    def mirrored(array):
        out = np.zeros_like(by_site(one, array))
        out[:, site] = by_site(one, array) * flip
        return out

    for array, image in ((two.state.u, one.state.u), (two.state.v, one.state.v)):
        array[:] = two.forces.rows.scatter(two.system, mirrored(image))
    two.find_forces()
    atol = 1e-12 * abs(one.state.f).max()
    assert np.allclose(by_site(two, two.state.f), mirrored(one.state.f), atol=atol, rtol=0)

    series = []
    for group in (one, two):
        switch_baths_off(group)
        series.append(group.advance(1000, 200, True)[2])
    first, second = series
    for name in ("u", "v", "f"):
        array = getattr(one.state, name)
        assert np.allclose(
            by_site(two, getattr(two.state, name)), mirrored(array), atol=1e-9 * abs(array).max(), rtol=0
        )
    assert np.allclose(second.temperature[..., ::-1], first.temperature, atol=1e-9)
    assert np.allclose(second.displacement[..., ::-1], -first.displacement, atol=1e-9)
    assert np.abs(first.flux).max() > 1e-3
    assert np.allclose(second.flux[..., ::-1], -first.flux, atol=1e-9 * np.abs(first.flux).max())


def exact_resistance(config):
    """J of the steady state, and delta_T of the usual fit to its exact profile over J."""
    junction = harmonic.junction_of(config)
    exact = harmonic.oracles.steady_state_discrete(junction, config.run.timestep)
    fitted = analyse(
        harmonic.noiseless_samples(config, junction, exact), Settings.from_config(config)
    ).interface
    return exact.J, fitted["delta_T"] / exact.J


def test_exact_resistance_is_symmetric(record):
    """Harmonic junctions are linear: J changes sign with the bias and R_K does not change at all."""
    J, R_K = exact_resistance(chain_variant("as given", production=10_000, seed=1))
    for variant in list(VARIANTS)[1:]:
        other_J, other_R_K = exact_resistance(chain_variant(variant, production=10_000, seed=1))
        assert other_J == pytest.approx(-J, rel=1e-9)
        record.within(
            f"Chain, exact: R_K, {variant} / as given",
            other_R_K / R_K,
            1.0,
            tolerance=1e-8,
            source="discrete Lyapunov equation",
        )


@pytest.mark.parametrize(
    ("production", "cap"),
    [
        pytest.param(20_000, 0.05, id="short"),
        pytest.param(400_000, 0.01, id="sharp", marks=pytest.mark.validate),
    ],
)
def test_resistance_of_a_chain_is_symmetric(record, production, cap):
    """Three runs with noise of their own."""
    found = {}
    for seed, variant in enumerate(VARIANTS, 11):
        run = harmonic.measure(chain_variant(variant, production=production, seed=seed))
        R_K = run.fitted["R_K"]
        J = run.fluxes[:, 2]
        found[variant] = R_K, mean_and_stderr((run.jumps - R_K * J) / J.mean())[1]
    compare_variants(record, f"Chain, {production} steps", found, cap)


def compare_variants(record, name, found, cap):
    """found: variant -> (R_K, standard error)."""
    R_K, error = found["as given"]
    for variant in list(VARIANTS)[1:]:
        other, other_error = found[variant]
        record(
            f"{name}: R_K, {variant}",
            other,
            np.hypot(error, other_error),
            R_K,
            cap=cap * R_K,
            source="as given (joint error)",
        )


@pytest.mark.validate
def test_resistance_of_a_crystal_is_symmetric(record):
    """Lennard-Jones, mass ratio 4, the default geometry."""
    found = {}
    for seed, (variant, (materials, temperatures)) in enumerate(VARIANTS.items(), 21):
        config = configure(
            masses=(1.0, 4.0)[::materials],
            temperatures=(0.35, 0.15)[::temperatures],
            timestep=0.008,
            equilibration_steps=15_000,
            production_steps=130_000,
            replicas=2,
            threads=2,
            seed=seed,
        )
        _, fitted = simulate(config)
        assert np.sign(fitted["J"]) == temperatures
        found[variant] = fitted["R_K"], fitted["R_K_stderr"]
    compare_variants(record, "LJ fcc, default geometry", found, 0.06)


def flux_copies(samples):
    """J_hot, J_cold and the flux through each plane between the baths, all less J_interface; (n_replicas, 2 + n - 1)."""
    time = samples.step[-1] * samples.timestep * samples.area
    flux = samples.flux.mean(axis=1)
    others = np.setdiff1d(planes_between_baths(samples), samples.interfaces["plane"][0])
    columns = (samples.heat_hot[:, -1] / time, -samples.heat_cold[:, -1] / time, *flux[:, others].T)
    return flux[:, samples.interfaces["plane"][0]], np.column_stack(columns)


def test_fluxes_of_a_chain_agree(record):
    """Through every plane the same, but for the exact difference of a finite time step and a finite run."""
    config = chain_variant("as given", production=20_000, seed=31, sample_every=1)
    junction, exact = harmonic.expect(config)
    samples, _ = simulate(config)
    J, copies = flux_copies(samples)
    between = np.flatnonzero(junction.between_baths)
    others = between[between != junction.interface_plane]
    J_exact = exact.flux[junction.interface_plane]
    record.vector(
        "Chain: J_hot, J_cold, J of every plane, less J_interface",
        copies - J[:, None],
        np.array([exact.heat_hot, -exact.heat_cold, *exact.flux[others]]) - J_exact,
        cap=0.01 * J_exact,
        source="discrete Lyapunov equation",
    )


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(
            {
                "cells": 5,
                "baths": (1, 1),
                "walls": 1,
                "cross_section": 2,
                "cutoff": 1.5,
                "replicas": 28,
                "equilibration_steps": 5000,
                "production_steps": 20_000,
            },
            id="nearest neighbours",
        ),
        pytest.param(
            {
                "cells": 8,
                "baths": (2, 2),
                "cross_section": 4,
                "replicas": 32,
                "equilibration_steps": 10_000,
                "production_steps": 20_000,
                "threads": 2,
            },
            id="default potential",
            marks=pytest.mark.validate,
        ),
    ],
)
def test_fluxes_of_a_crystal_agree(record, options):
    """Equilibration lasts several times the diffusion along the crystal, so that no layer still stores heat."""
    config = configure(
        **options,
        fit=(0, 0),
        timestep=0.005,
        temperatures=(0.5, 0.05),
        block_steps=5000,
        sample_every=2,
        seed=32,
    )
    samples, _ = simulate(config)
    J, copies = flux_copies(samples)
    record.vector(
        f"LJ fcc of {2 * options['cells']} cells: J_hot, J_cold, J of every plane, less J_interface",
        copies - J[:, None],
        np.zeros(copies.shape[1]),
        cap=0.01 * J.mean(),
        source="steady state",
    )
