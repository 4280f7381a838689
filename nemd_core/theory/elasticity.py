"""The limit of long waves of a perfect crystal: sound velocities, elastic constants and stress at rest.

Velocities come from the dynamical matrix, constants from the strained crystal; that they agree is for the tests.
"""

from typing import NamedTuple

import numpy as np

from ..errors import PhysicsError
from .crystal import ZERO, Bulk, bond_sums, dynamical_matrix, squared_scale

_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


class Elasticity(NamedTuple):
    """Of a crystal in the axes of the junction; of a chain all are of its one direction.

    rho v² u_i = Σ (C_ijkl + stress_jl delta_ik) n_j n_l u_k gives the sound velocities along n.
    """

    constants: np.ndarray
    """C in Voigt's order xx, yy, zz, yz, xz, xy, in epsilon/sigma³, (6, 6); (1, 1) of a chain, its tension included."""
    stress: np.ndarray
    """At rest, positive in tension, (3, 3); a chain's (1, 1) is 0, see there."""
    density: float
    """Mass per volume, of a chain per length."""


def sound_velocities(bulk: Bulk, direction=(1.0, 0.0, 0.0)) -> np.ndarray:
    """dw/dk of the d acoustic branches at k = 0 in a direction, ascending, in sigma/tau, (d,).

    v² are the eigenvalues of P·D2·P - P·D1·Q (Q·D0·Q)^-1 Q·D1·P with D(q n) = D0 + q D1 + q² D2 + ..., P the uniform
    translations and Q all other motions (Born and Huang, Dynamical Theory of Crystal Lattices, section 26).
    direction: (3,), of any length. Raises PhysicsError where a velocity is imaginary.
    """
    d = bulk.dimensions
    unit = np.asarray(direction, float) / np.linalg.norm(direction)
    along = bulk.vector @ unit
    first, second = bond_sums(bulk, np.array([along, 0.5 * along**2])).real
    rigid = np.kron(np.sqrt(bulk.mass / bulk.mass.sum())[:, None], np.eye(d))
    inner = first @ rigid
    squared = rigid.T @ second @ rigid - inner.T @ _response(bulk) @ inner
    values = np.linalg.eigvalsh(0.5 * (squared + squared.T))
    least = -ZERO * squared_scale(bulk) * bulk.volume ** (2 / d)
    if values[0] < least:
        raise PhysicsError(
            f"structure.lattice_constant: crystal {bulk.side} is unstable, the squared sound velocity along "
            f"({', '.join(f'{x:.3g}' for x in unit)}) is {values[0]:.4g}; must be a spacing nearer to equilibrium"
        )
    return np.sqrt(np.maximum(values, 0.0))


def elastic_constants(bulk: Bulk) -> Elasticity:
    """Elastic constants and stress of the crystal as it is strained, in epsilon/sigma³.

    C_ijkl = 1/(2V) Σ (phi'' - phi'/r) r_i r_j r_k r_l / r², less what the sites of a cell give way against each other, and
    stress_jl = 1/(2V) Σ phi'/r r_j r_l, over the bonds from all sites of a cell (Born and Huang, sections 11 and 27).
    Springs across the bond act as a tension phi'/r.
    """
    density, V = float(bulk.mass.sum() / bulk.volume), bulk.volume
    if bulk.dimensions == 1:
        modulus = (bulk.stiffness[:, 0, 0] * bulk.vector[:, 0] ** 2).sum() / (2 * V)
        return Elasticity(np.array([[modulus]]), np.zeros((1, 1)), density)
    r, K = bulk.vector, bulk.stiffness
    squared = (r**2).sum(axis=1)
    along = np.einsum("mi,mij,mj->m", r, K, r) / squared
    across = 0.5 * (np.trace(K, axis1=1, axis2=2) - along)
    central = (along - across) / squared
    constants = np.einsum("m,mi,mj,mk,ml->ijkl", central, r, r, r, r, optimize=True) / (2 * V)
    stress = np.einsum("m,mi,mj->ij", across, r, r) / (2 * V)
    pull = np.zeros((len(bulk.mass), 3, 3, 3))  # force on a site per strain
    np.add.at(pull, bulk.first, np.einsum("mai,mj->maij", K, r))
    pull = pull.reshape(-1, 9)
    without_mass = bulk._replace(mass=np.ones_like(bulk.mass))
    constants -= (pull.T @ _response(without_mass) @ pull / V).reshape(3, 3, 3, 3)
    return Elasticity(np.array([[constants[i + j] for j in _VOIGT] for i in _VOIGT]), stress, density)


def _response(bulk: Bulk) -> np.ndarray:
    """The inverse of D(0) on all motions but those without a force, (n d, n d)."""
    values, vectors = np.linalg.eigh(dynamical_matrix(bulk, np.zeros((1, 3)))[0].real)
    stiff = values > ZERO * squared_scale(bulk)
    return (vectors[:, stiff] / values[stiff]) @ vectors[:, stiff].T
