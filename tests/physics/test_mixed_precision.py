"""What pair terms in single precision cost: drift of the energy, the ledger of the baths, and R_K."""

import numpy as np
import pytest
from physics.engine import configure, simulate, start


def energy_drift(precision):
    """Change of the energy per atom and unit time over T of a crystal without baths, and its standard error."""
    T, steps, config = 0.25, 100_000, {"cells": 8, "cross_section": 4, "baths": (1, 1), "fit": (0, 0)}
    config = configure(temperatures=(T, T), replicas=8, precision=precision, **config)
    group = start(config, baths=False)
    group.advance(0, 20_000, False)
    _, _, series = group.advance(20_000, steps, True)
    energy = series.energy / (group.system.n_moving * T)
    time = config.run.series_steps * config.run.timestep * (np.arange(energy.shape[1]) + 1)
    slopes = np.polyfit(time, energy.T, 1)[0]
    return slopes.mean(), slopes.std(ddof=1) / np.sqrt(len(slopes))


@pytest.mark.validate
@pytest.mark.parametrize("precision", ["double", "mixed"])
def test_energy_of_a_crystal_without_baths(precision, record):
    """In a time of 1e4 at most a thousandth of the thermal energy: far below what baths exchange."""
    drift, stderr = energy_drift(precision)
    record.within(
        f"Energy drift per atom and unit time over T, {precision} precision (stderr {stderr:.1g})",
        drift,
        0.0,
        tolerance=1e-7,
        source="conserved",
    )


@pytest.mark.validate
def test_resistance_and_ledger(record):
    """R_K of the default junction; the ledger is off by the same share of the heat transferred."""
    found = {}
    for precision in ("double", "mixed"):
        config = configure(
            precision=precision, replicas=2, equilibration_steps=30_000, production_steps=200_000
        )
        samples, fields = simulate(config)
        heat = samples.heat_hot[:, -1]
        gained = samples.energy[:, -1] - samples.energy_start
        drift = (gained - heat - samples.heat_cold[:, -1]) / heat
        found[precision] = fields, np.abs(drift).max()
    (double, _), (mixed, _) = found.values()
    stderr = np.hypot(double["R_K_stderr"], mixed["R_K_stderr"])
    difference = mixed["R_K"] - double["R_K"]
    record(
        "Mass ratio 4: R_K, mixed less double", difference, stderr, 0.0, cap=0.15, source="double precision"
    )
    for precision, (_, drift) in found.items():
        record.within(
            f"Mass ratio 4: energy less heat, over the heat transferred, {precision} precision",
            drift,
            0.0,
            tolerance=0.01,
            source="first law",
        )
