"""Liquids: published conductivities, no false jump, and the same flux everywhere although atoms cross every plane."""

from pathlib import Path

import numpy as np
import pytest
from physics.engine import simulate

from nemd_core import load_config

CONFIGS = Path(__file__).parents[2] / "configs"
ERROR = 0.03
"""Largest standard error of a conductivity, of itself."""


def check_conductivity(record, name, found, low, high, source):
    """Both sides of one liquid inside the published range, known well enough; and no jump between them."""
    for side in "AB":
        kappa, stderr = found[f"kappa_{side}"], found[f"kappa_{side}_stderr"]
        assert stderr < ERROR * kappa
        middle, reach = (low + high) / 2, (high - low) / 2
        quantity = f"{name}: kappa_{side} (stderr {stderr:.2g})"
        record.within(quantity, kappa, middle, tolerance=reach, source=f"{source}; ± range")
    bias = 0.05 * abs(found["T_A"])
    record(
        f"{name}: delta_T", found["delta_T"], found["delta_T_stderr"], 0.0, cap=bias, source="no interface"
    )


def passed(found, name):
    return next(check["passed"] for check in found["checks"] if check["name"] == name)


@pytest.mark.validate
def test_liquid_argon(record):
    """Density 0.6, T = 1.35."""
    samples, found = simulate(load_config(CONFIGS / "liquid.yaml"))
    source = "3.29 to 3.55 by four methods, LAMMPS examples/KAPPA; 3.4, Evans 1986"
    check_conductivity(record, "Liquid argon", found, 3.2, 3.6, source)
    assert passed(found, "flux_agreement") and passed(found, "energy_audit")
    assert np.ptp(samples.layers["n_sites"]) > 0.5  # it has melted: bins hold what is there


@pytest.mark.validate
def test_dense_melt(record):
    """Density 0.8442, T = 0.722, close to the triple point."""
    settings = {
        "structure.lattice_constant": (4 / 0.8442) ** (1 / 3),
        "baths.hot.temperature": 0.792,
        "baths.cold.temperature": 0.652,
        "run.production_steps": 600_000,
        "run.replicas": 4,
    }
    _, found = simulate(load_config(CONFIGS / "liquid.yaml", settings))
    source = "7.11(10) STACIE; 6.95(12) Viscardi 2007"
    check_conductivity(record, "Dense melt", found, 6.8, 7.3, source)


@pytest.mark.validate
def test_solid_against_liquid(record):
    """Every plane between the baths carries the heat that the baths give and take; the solid stays one."""
    samples, found = simulate(load_config(CONFIGS / "solid-liquid.yaml"))
    assert passed(found, "flux_agreement") and passed(found, "energy_audit")
    J = found["J"]
    for name in ("J_hot", "J_cold", "J_interface"):
        error = np.hypot(found[f"{name}_stderr"], found["J_stderr"])
        record(f"Solid against liquid: {name}", found[name], error, J, cap=0.05 * J, source="J of the run")
    solid = samples.layers["region"] == "A"
    assert np.abs(samples.layers["n_sites"][solid][1:-1] - 32).max() < 0.5
    assert found["trusted"] and found["R_K_stderr"] < 0.1 * found["R_K"]
