"""Exact noise of what a run of a harmonic junction measures: how fast the mean of jump and flux settles.

Between Langevin baths the state z = (q, w) of a harmonic junction, mass-weighted displacements and velocities, is a
stationary Gaussian process, dz = A z dt + noise with covariance S. Jump and flux are quadratic in it, z^T Q z, and so
have, by Wick's theorem (Isserlis, Biometrika 12, 134 (1918)), the autocovariance

    C(t) = 2 tr(Q e^(A t) P e^(A^T t)),  P = S Q S.

A mean over a time L has the variance V(L)/L, and its integrals are solutions of Lyapunov's equation:

    V(L) = 2 ∫ (1 - t/L) C(t) dt, from 0 to L,  = 4 tr(Q [Y - (Z - e^(A L) Z e^(A^T L))/L]),
    A Y + Y A^T = -P,  A Z + Z A^T = -Y;  V = 4 tr(Q Y) for a long run.

In continuous time; the time step of a run changes it by O(dt²). What does not live here: averages (oracles.py), and the
correlation time 2 tau = V / Var(row), for which runs say what a row scatters (calibration.py).
"""

import numpy as np
import oracles
from physics.harmonic import noiseless_samples
from scipy.linalg import expm, solve_continuous_lyapunov

from analysis import Settings
from analysis.lines import find_interfaces
from nemd_core.structure import build


def noise_of_means(config, junction, length=np.inf) -> dict:
    """V(L) of delta_T and of J_planes, the mean flux through the planes between the baths, for L = `length` in units of time.

    The J of the analysis, which counts the baths' heat as well, has the same V for a long run: energy is conserved.
    """
    K, masses, friction, T = oracles.dense_matrices(junction)
    root = np.sqrt(masses)
    K = K / np.outer(root, root)
    scale = np.tile(root, 2)
    forms = {name: Q / np.outer(scale, scale) for name, Q in observables(config, junction).items()}
    total = dict.fromkeys(forms, 0.0)
    for U in waves(config, junction):
        A, S = steady_wave(U.conj().T @ K @ U, *(abs(U.T) ** 2 @ along for along in (friction, T)))
        U = np.kron(np.eye(2), U)
        for name, Q in forms.items():
            total[name] += noise_of_mean(A, S, U.conj().T @ Q @ U, length)
    return total


def noise_of_mean(A, S, Q, length=np.inf) -> float:
    """V(L) of z^T Q z."""
    Y = solve_continuous_lyapunov(A, -S @ Q @ S)
    if np.isfinite(length):
        Z, over = solve_continuous_lyapunov(A, -Y), expm(length * A)
        Y = Y - (Z - over @ Z @ over.conj().T) / length
    return float(4 * np.trace(Q @ Y).real)


def steady_wave(K, friction, T):
    """A and the stationary covariance S, (2n, 2n) each, of n mass-weighted degrees of freedom."""
    n = len(K)
    A = np.block([[np.zeros((n, n)), np.eye(n)], [-K, -np.diag(friction)]])
    return A, solve_continuous_lyapunov(A, -np.diag(np.r_[np.zeros(n), 2 * friction * T]).astype(A.dtype))


def waves(config, junction):
    """Orthonormal bases (n_dof, n) of waves that are the same but for a phase in all equal sites of a layer.

    Lateral translations take one of them into another and leave jump and flux as they are: no wave vector mixes with
    another. Crystals have one site per layer in a primitive lateral cell; a chain is one wave.
    """
    if junction.dimensions == 1:
        yield np.eye(junction.moving.sum())
        return
    period = build(config).to_ase().cell.lengths()[1:]
    position, layer = junction.positions[junction.moving, 1:], junction.layer[junction.moving]
    first = position[layer == layer[0]]
    found = []
    for k in np.ndindex(len(first), len(first)):
        phase = np.exp(2j * np.pi * position @ (k / period))
        pattern = phase[layer == layer[0]] / np.exp(2j * np.pi * first[0] @ (k / period))
        if all(
            abs(other.conj() @ pattern) < 0.5 * len(first) for other in found
        ):  # else an alias of one before
            found.append(pattern)
            in_layer = layer[:, None] == np.unique(layer)
            yield np.kron(phase[:, None] * in_layer / np.sqrt(len(first)), np.eye(junction.dimensions))
    assert len(found) == len(first), "the sites of a layer are not one lateral lattice"


def observables(config, junction) -> dict:
    """delta_T and J_planes as symmetric matrices (2n, 2n) on displacements and velocities."""
    n_layers = junction.n_layers
    level = oracles.SteadyState(*np.ones((3, n_layers)), np.ones(len(junction.plane_x0)), 1.0, 1.0, 1.0)
    (interface,) = find_interfaces(noiseless_samples(config, junction, level), Settings.from_config(config))
    weight = np.zeros(n_layers)
    for side, sign in (("A", 1), ("B", -1)):
        weight[interface.lines[side].layers] += sign * interface.lines[side].to_interface
    d, layer, masses = junction.dimensions, junction.layer[junction.moving], junction.masses[junction.moving]
    kinetic = weight[layer] * masses / (d * np.bincount(layer, minlength=n_layers)[layer])
    n = d * len(layer)
    delta_T, J = np.zeros((2, 2 * n, 2 * n))
    delta_T[n:, n:] = np.diag(np.repeat(kinetic, d))
    J[:n, n:] = 0.5 * _flux(junction, junction.plane_x0[interface.planes])
    return {"delta_T": delta_T, "J_planes": J + J.T}


def _flux(junction, planes):
    """P (n, n) such that u^T P v is the mean flux through the planes: ½ F·(v_i + v_j) of each bond that crosses."""
    d, n = junction.dimensions, len(junction.masses)
    P = np.zeros((n, d, n, d))
    for (i, j), vector, tensor in zip(
        junction.springs, junction.spring_vectors, junction.spring_tensors, strict=True
    ):
        x = junction.positions[i, 0]
        share = np.mean((x < planes) & (planes < x + vector[0])) / junction.area
        for v in (i, j):  # F on j = -K (u_j - u_i)
            P[j, :, v] -= 0.5 * share * tensor
            P[i, :, v] += 0.5 * share * tensor
    moving = np.repeat(junction.moving, d)
    return P.reshape(len(moving), len(moving))[np.ix_(moving, moving)]
