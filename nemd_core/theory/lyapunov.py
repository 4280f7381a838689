"""Normal modes between baths, and the stationary covariance of a harmonic system, from plain matrices.

Mass-weighted coordinates q = sqrt(m) u, w = sqrt(m) v of n degrees of freedom obey, with K Hermitian and Gamma diagonal,

    dq = w dt,    dw = -K q dt - Gamma w dt + sqrt(2 Gamma T) dW,

so that the temperature of a degree of freedom is <|w|²>. Everything is linear in the bath temperatures, and at equal ones
the covariance is known: what is computed is the response to a hot bath at 1 and a cold one at 0.

A mode e of K is undamped if Gamma e = 0: no bath reaches it, and it keeps what the start gave it. Nothing here knows of
crystals, layers or files.
"""

from typing import NamedTuple

import numpy as np
from scipy.sparse.linalg import eigs

from ..errors import PhysicsError

_DEGENERATE = 1e-9
"""Relative difference of w² below which two modes count as degenerate."""
UNDAMPED = 1e-11
"""Decay rate over the highest frequency, below which a mode is undamped: no run is as long as it lives."""
_CONVERGED, _GROWN = 1e-13, 2.0
_MAX_DOUBLINGS = 64
_HALFWAY, _SLOWEST = 0.3, 12


class Undamped(NamedTuple):
    """Modes of one frequency that no bath reaches."""

    frequency: float
    rate: float
    """Up to this they are damped after all."""
    modes: np.ndarray
    """As columns, (n, z)."""


class Modes(NamedTuple):
    """The normal modes of K. Where they are degenerate, as the baths tell them apart."""

    damped: np.ndarray
    """Those that a bath reaches, as columns, shape (n, m)."""
    frequency: np.ndarray
    """Of the damped ones, shape (m,); 0 for what moves without a restoring force."""
    rate: np.ndarray
    """Half the damping e·Gamma e of each, shape (m,): the decay rate of its amplitude where it is small."""
    undamped: tuple[Undamped, ...]
    """The others."""

    @property
    def n_undamped(self) -> int:
        return sum(group.modes.shape[1] for group in self.undamped)

    @property
    def rates_alone(self) -> np.ndarray:
        """Decay rate of the amplitude of each damped mode as if it were alone: z of z² - 2 rate z + frequency² = 0, (m,)."""
        root = np.sqrt(np.maximum(self.rate**2 - self.frequency**2, 0.0))
        slow = np.where(root > 0, self.frequency**2 / (self.rate + root), self.rate)
        return np.where(self.frequency > 0, slow, 2 * self.rate)

    def kept(self, temperature: np.ndarray) -> np.ndarray:
        """<|w|²> of each degree of freedom in the undamped modes for ever, (n,).

        Started at q = 0 with independent velocities of twice `temperature` (n,), a mode keeps half of its energy as
        kinetic energy: P T P for the projector P of each frequency.
        """
        total = np.zeros(len(temperature))
        for _, _, modes in self.undamped:
            inside = (modes.conj().T * temperature) @ modes
            total += np.einsum("ia,ab,ib->i", modes, inside, modes.conj()).real
        return total


class Response(NamedTuple):
    """Stationary averages for a hot bath at temperature 1 and a cold one at 0, undamped modes at rest."""

    kinetic: np.ndarray
    """<|w|²>, shape (n,)."""
    correlation: np.ndarray
    """<q w^†>, shape (n, n), but for motions without a restoring force."""
    decay_rate: float
    """Of the slowest amplitude, 1/time."""


def find_modes(K: np.ndarray, gamma: np.ndarray, where: str = "") -> Modes:
    """Normal modes of K (n, n), sorted by what the baths with friction gamma (n,) damp.

    where: what a message adds about K. Raises PhysicsError for imaginary frequencies, and for a motion that neither a
    spring nor a bath stops.
    """
    w2, vectors = np.linalg.eigh(K)
    scale = w2[-1]
    if w2[0] < -_DEGENERATE * scale:
        raise PhysicsError(f"imaginary mode{where}: w² = {w2[0]:.4g}: the sites are no energy minimum")
    w2[w2 < _DEGENERATE * scale] = 0.0
    friction = np.sqrt(gamma)[:, None]
    damped, frequency, rate, undamped = [], [], [], []
    for group in np.split(np.arange(len(w2)), np.flatnonzero(np.diff(w2) > _DEGENERATE * scale) + 1):
        _, amplitude, turn = np.linalg.svd(friction * vectors[:, group], full_matrices=False)
        modes, alone = vectors[:, group] @ turn.conj().T, 0.5 * amplitude**2
        reached = alone > UNDAMPED * np.sqrt(scale)
        damped.append(modes[:, reached])
        w = np.sqrt(w2[group].mean())
        frequency.append(np.full(reached.sum(), w))
        rate.append(alone[reached])
        if not reached.all():
            undamped.append(Undamped(w, alone[~reached].max(), modes[:, ~reached]))
            if w2[group[0]] == 0.0:
                raise PhysicsError(
                    f"free motion{where}: neither a spring nor a bath stops it; give the springs transverse_stiffness"
                )
    return Modes(np.hstack(damped), np.concatenate(frequency), np.concatenate(rate), tuple(undamped))


def respond(modes: Modes, gamma: np.ndarray, hot: np.ndarray) -> Response:
    """Stationary covariance for a hot bath at temperature 1 on the degrees `hot` (n,), and a cold one at 0.

    A S + S A^† = -D for z = (y, w) in the basis of the damped modes, y = frequency times q:
    A = [[0, W], [-W, -Gamma]], D = diag(0, 2 Gamma T). In this basis S = T at equal temperatures and A contracts in the
    plain norm, so that nothing grows on the way. Squared Smith method (Smith, SIAM J. Appl. Math. 16, 198 (1968);
    Penzl, SIAM J. Sci. Comput. 21, 1401 (2000)): with the Cayley transform M = (p - A)^-1 (p + A) and
    S = 2 p (p - A)^-1 D (p - A)^-†,  S <- S + M S M^†,  M <- M M  until M vanishes. A motion without restoring force has
    no y: nothing depends on where it is. Raises PhysicsError if M does not contract.
    """
    basis, frequency = modes.damped, modes.frequency
    A, bound = equations_of_motion(basis, frequency, gamma)
    n_bound, size = len(bound), len(A)

    p = 2 * frequency.max()  # above all frequencies, so that M damps them nearly by their rates
    inverse = np.linalg.inv(p * np.eye(size) - A)
    source = inverse[:, n_bound:] @ (basis.conj().T * np.sqrt(2 * gamma * hot))
    S = 2 * p * (source @ source.conj().T)
    M = 2 * p * inverse - np.eye(size)
    halfway = M
    for _ in range(_MAX_DOUBLINGS):
        S += M @ S @ M.conj().T
        if np.abs(M).max() > _HALFWAY:
            halfway = M
        M = M @ M
        left = np.abs(M).max()
        if left < _CONVERGED or left > _GROWN:
            break
    if not left < _CONVERGED:
        raise PhysicsError("no exact steady state: a motion that the baths hardly reach does not decay")
    kinetic = np.einsum("ia,ab,ib->i", basis, S[n_bound:, n_bound:], basis.conj(), optimize=True).real
    position = basis[:, bound] / frequency[bound]
    return Response(kinetic, position @ S[:n_bound, n_bound:] @ basis.conj().T, _slowest(A, halfway))


def equations_of_motion(basis, frequency, gamma) -> tuple[np.ndarray, np.ndarray]:
    """A of dz = A z dt + noise for z = (y, w) in a basis of normal modes, and which of them have a y.

    y is frequency times q; a motion without a restoring force has none. basis (n, m), frequency (m,), gamma (n,).
    """
    bound = np.flatnonzero(frequency)
    n_bound, size = len(bound), len(bound) + len(frequency)
    A = np.zeros((size, size), basis.dtype)
    A[np.arange(n_bound), n_bound + bound] = frequency[bound]
    A[n_bound + bound, np.arange(n_bound)] = -frequency[bound]
    A[n_bound:, n_bound:] = -basis.conj().T @ (gamma[:, None] * basis)
    return A, bound


def _slowest(A: np.ndarray, power: np.ndarray) -> float:
    """The smallest decay rate of A, among the motions that a power of its Cayley transform leaves largest."""
    if len(A) > 2 * _SLOWEST + 2:
        _, vectors = eigs(power, k=_SLOWEST, v0=np.ones(len(A)))
        vectors, _ = np.linalg.qr(vectors)
        A = vectors.conj().T @ A @ vectors
    return float(-np.linalg.eigvals(A).real.max())
