"""What a run owes to its start, against the moments of the whole junction carried from sample to sample."""

import numpy as np
import oracles
import pytest
from physics.harmonic import configure, junction_of
from scipy.linalg import expm

from nemd_core.structure import build
from nemd_core.theory import transients as module
from nemd_core.theory.steady_state import steady_state
from nemd_core.theory.transients import Transients

N_ROWS = 24


def junction(lattice="chain", length=(12, 9), *, equilibration, bath=1, **options):
    """Config of a harmonic junction whose rows hold two samples, 3 time units apart."""
    baths = {
        "hot": {"temperature": 1.5, "length": bath},
        "cold": {"temperature": 0.5, "length": bath},
        "friction": 0.5,
        "walls": 1,
    }
    run = {
        "timestep": 0.02,
        "equilibration_steps": equilibration,
        "sample_every": 150,
        "series_steps": 300,
        "production_steps": 300 * N_ROWS,
        "block_steps": 300,
    }
    fit = {"skip_bath": 0, "skip_interface": 0}
    config = configure(
        lattice, length, mass=(1.0, 2.0), cross="arithmetic", baths=baths, run=run, fit=fit, **options
    )
    if lattice == "chain":
        return config
    narrow = config.structure.model_copy(update={"cross_section": (2, 2)})
    return config.model_copy(update={"structure": narrow})


def jump_weights(config) -> np.ndarray:
    """Any linear map of layer temperatures will do: the difference of the means of both sides."""
    region = build(config).layer_region
    return sum(sign * (region == side) / (region == side).sum() for side, sign in (("A", 1.0), ("B", -1.0)))


def carry(config) -> tuple[float, float]:
    """Mean and variance over starts of the mean of the samples of a run, from the covariance of all displacements and
    velocities at each sample, and Wick's theorem between any two of them."""
    run, system, harmonic = config.run, build(config), junction_of(config)
    K, masses, friction, T = oracles.dense_matrices(harmonic)
    n, root = len(masses), np.sqrt(masses)
    A = np.block([[np.zeros((n, n)), np.eye(n)], [-K / np.outer(root, root), -np.diag(friction)]])
    hot, cold = (system.layer_x[np.flatnonzero(system.layer_region == name)] for name in ("hot", "cold"))
    d = harmonic.dimensions
    layer = np.repeat(harmonic.layer[harmonic.moving], d)
    start = 2 * np.interp(system.layer_x, [hot[-1], cold[0]], [1.5, 0.5])[layer]
    weights = jump_weights(config)[layer] / np.bincount(layer)[layer]
    Q = np.diag(np.r_[np.zeros(n), weights])

    D = np.diag(np.r_[np.zeros(n), 2 * friction * T])
    both = expm(  # Van Loan, IEEE Trans. Autom. Control 23, 395 (1978)
        np.block([[-A, D], [np.zeros_like(A), A.T]])
    )
    E = both[2 * n :, 2 * n :].T  # in a unit of time, with the covariance that noise adds
    noise = E @ both[: 2 * n, 2 * n :]
    P = np.diag(np.r_[np.zeros(n), start])
    for _ in range(round(run.equilibration_steps * run.timestep)):
        P = E @ P @ E.T + noise
    noise = noise + E @ (noise + E @ noise @ E.T) @ E.T
    E = E @ E @ E
    assert run.sample_every * run.timestep == 3
    count = run.production_steps // run.sample_every
    mean = variance = 0.0
    earlier = np.zeros_like(P)
    for _ in range(count):
        P = E @ P @ E.T + noise
        earlier = E @ earlier @ E.T
        now = P @ Q @ P
        mean += np.trace(Q @ P) / count
        variance += 2 * np.trace(Q @ now + 2 * Q @ earlier) / count**2
        earlier += now
    return mean, variance


def exact(config):
    return Transients(config).jump_error(tuple(jump_weights(config)), 0, (N_ROWS,))


@pytest.mark.parametrize(
    ("lattice", "options"),
    [
        ("chain", {}),
        ("chain", {"length": (30, 30), "bath": 3}),
        ("sc", {"length": (5, 5), "transverse": (0.3, 0.2)}),
        ("fcc", {"length": (4, 4)}),  # a tenth of its motions reach no bath
    ],
)
@pytest.mark.parametrize("equilibration", [0, 6000])
def test_moments(lattice, options, equilibration):
    """The bias is exact. The variance takes for stationary what is not, within 4 % here: 2 % of a standard error."""
    config = junction(lattice, **options, equilibration=equilibration)
    found, (mean, variance) = exact(config), carry(config)
    steady = np.nan_to_num(steady_state(config).temperature) @ jump_weights(config)
    assert found.bias == pytest.approx(mean - steady, rel=1e-8)
    assert found.variances[0] == pytest.approx(variance, rel=0.04)


def test_nothing_is_left_of_a_start_long_ago():
    found = exact(junction(equilibration=600_000))
    assert abs(found.bias) < 1e-6 * np.sqrt(found.variances[0])
    assert found.alive == 0.0


def test_too_large_a_junction_is_not_solved(monkeypatch):
    transients = Transients(junction(equilibration=0))
    assert transients.affordable
    monkeypatch.setattr(module, "MAX_WORK", 1.0)
    assert not Transients(junction(equilibration=0)).affordable
    assert "waves" not in vars(transients)
