"""Atomistic Green's functions: what passes from lead to lead at a wave vector and a frequency.

Surface Green's functions of the leads come from decimation (Lopez Sancho, Lopez Sancho and Rubio, J. Phys. F 15, 851
(1985)), that of the device from recursion over its blocks, and the transmission from Caroli's formula. Here are single
wave vectors, batched over frequencies; sums over wave vectors and what follows from them are in `landauer`, the blocks in
`leads`, the modes of a lead in `branches`.
"""

from typing import NamedTuple

import numpy as np

from ..errors import PhysicsError
from .leads import Junction, device_blocks, lead_blocks

_DOUBLINGS = 50
"""Most doublings of the surface layer; 2^50 layers forget their end at any damping that numbers can tell from none."""
_FORGOTTEN = 1e-12
"""Couplings below this part of the largest force constant are none."""
_INCOMING = 1e-9
"""Negative eigenvalues of the broadening beyond this part of the largest force constant are more than rounding."""
_ERROR = 1e-4
"""Largest relative error of the surface Green's function."""
_TIMES = tuple(10**n for n in range(7))
"""Where layers of a doubling resonate, digits are lost; so many times the damping keeps them, as little as it is."""
_DEPTH_DOUBLINGS = 5
"""2^5 principal layers of a lead over which the density of transmitted waves is averaged, as many from the surface."""
_BATCH = 2_000_000
"""Numbers in one batch of matrices."""


class Transmission(NamedTuple):
    """What passes at one transverse wave vector; every array (n_w,)."""

    tau: np.ndarray
    """tau(w), the sum over modes, dimensionless."""
    tau_dos_A: np.ndarray
    """Its integral over w is <tau>_A at this k: tau averaged over all modes of A, each with weight one."""
    tau_dos_B: np.ndarray


class _Surface(NamedTuple):
    """A lead at the frequencies of a batch."""

    g: np.ndarray
    """Surface Green's function, (n_w, n, n)."""
    out: np.ndarray
    """Block to the next principal layer outwards, (n, n)."""
    sigma: np.ndarray
    """Self-energy on the device, (n_w, n, n)."""
    good: np.ndarray
    """Where the decimation has settled on waves that go out, (n_w,)."""


def transmit(junction: Junction, k, w, eta: float) -> Transmission:
    """tau(w) = Tr[Gamma_A G Gamma_B G^†] of a junction at the transverse wave vector k.

    Caroli et al., J. Phys. C 4, 916 (1971); for phonons Mingo and Yang, PRB 68, 245406 (2003), with G = [(w + i eta)² - D]^-1.
    k: (k_y, k_z) in 1/sigma; w > 0, (n_w,); eta > 0, much smaller than w. tau is right at all w; the densities are where both
    leads have modes. Raises PhysicsError when the decimation does not settle.
    """
    w = np.asarray(w, float)
    blocks = device_blocks(junction, k)
    waves = np.asarray(k, float) + junction.folded
    leads = [[lead_blocks(lead, wave) for wave in waves] for lead in (junction.A, junction.B)]
    result = Transmission(*np.zeros((3, len(w))))
    size = max(1, _BATCH // blocks[0][0].size)
    for start in range(0, len(w), size):
        left = np.arange(start, min(start + size, len(w)))
        for times in _TIMES:
            *values, good = _transmit(*blocks, leads, w[left], eta * times)
            for column, new in zip(result, values, strict=True):
                column[left] = new
            left = left[~good]
            if not len(left):
                break
        else:
            raise PhysicsError(
                f"decimation does not settle at w = {w[left[0]]:.6g}, eta = {eta:.3g}; make eta larger"
            )
    return result


def _transmit(own, ahead, leads, w, eta: float) -> tuple:
    """The fields of Transmission, and where they are good."""
    with np.errstate(all="ignore"):  # what rounding spoils is found and computed again
        surfaces = [[_find_surface(*lead, w, eta) for lead in each] for each in leads]
        good = np.all([s.good for each in surfaces for s in each], axis=0)
        sigma_A, sigma_B = (_stack([s.sigma for s in each]) for each in surfaces)
        A_to_B, B_to_A = _pass(own, ahead, sigma_A, sigma_B, w, eta)
        gamma_A, gamma_B = _broadening(sigma_A), _broadening(sigma_B)
        from_B = B_to_A @ gamma_B @ _dagger(B_to_A)
        from_A = A_to_B @ gamma_A @ _dagger(A_to_B)
        tau = np.einsum("wij,wji->w", gamma_A, from_B).real
        tau_A = _density_inside(surfaces[0], from_B, _dagger(A_to_B) @ gamma_B @ A_to_B)
        tau_B = _density_inside(surfaces[1], from_A, _dagger(B_to_A) @ gamma_A @ B_to_A)
    return tau, w / np.pi * tau_A, w / np.pi * tau_B, good


def _find_surface(own, out, w, eta: float) -> _Surface:
    unit = ((w + 1j * eta) ** 2)[:, None, None] * np.eye(len(own))
    n, limit = len(own), _FORGOTTEN * np.abs(own).max()
    bulk = surface = np.broadcast_to(own, unit.shape)
    couplings = np.broadcast_to(np.concatenate([out, _dagger(out)]), (len(w), 2 * n, n))
    for _ in range(_DOUBLINGS):
        ahead, back = couplings[:, :n], couplings[:, n:]
        products = couplings @ (np.linalg.inv(unit - bulk) @ np.concatenate([ahead, back], axis=2))
        surface = surface + products[:, :n, n:]
        bulk = bulk + products[:, :n, n:] + products[:, n:, :n]
        couplings = np.concatenate([products[:, :n, :n], products[:, n:, n:]], axis=1)
        left = np.abs(couplings).max(axis=(1, 2))
        settled = left < limit
        if (settled | ~np.isfinite(left)).all():
            break
    surface[~settled] = 0.0
    g = np.linalg.inv(unit - surface)
    sigma = out @ g @ _dagger(out)
    # A wave that rounding has made to grow comes in where it should go out: its broadening is negative.
    outgoing = np.linalg.eigvalsh(_broadening(sigma))[:, 0] > -_INCOMING * np.abs(own).max()
    error = np.abs(g @ (unit - own - sigma) - np.eye(n)).max(axis=(1, 2))  # one more layer changes nothing
    return _Surface(g, out, sigma, settled & outgoing & (error < _ERROR))


def _broadening(sigma):
    return 1j * (sigma - _dagger(sigma))


def _pass(own, ahead, sigma_A, sigma_B, w, eta: float):
    """Green's functions of the device from its first to its last block and back, each (n_w, n, n)."""
    unit = ((w + 1j * eta) ** 2)[:, None, None] * np.eye(own.shape[1])
    last = len(own) - 1
    g = np.linalg.inv(unit - own[0] - sigma_A)
    forth = back = g
    for i in range(1, last + 1):
        coupling = ahead[i - 1]
        inner = unit - own[i] - _dagger(coupling) @ g @ coupling
        g = np.linalg.inv(inner - sigma_B if i == last else inner)
        forth, back = g @ _dagger(coupling) @ forth, back @ coupling @ g
    return forth, back


def _density_inside(surfaces: list[_Surface], leaving, entering) -> np.ndarray:
    """Density of transmitted waves deep inside a lead, per degree of freedom, over both k and -k, (n_w,).

    leaving: spectral matrix of the waves that the lead receives, in the outermost block of the device. The sum over m of
    tau_m/v_m is their density deep inside, without the interference of modes: the mean over many principal layers p, far
    from the surface, of F^p X F^p^†, F the lead's transfer matrix. So no mode need be told from another; those of equal wave
    number, which Bloch vectors have to treat with care (Ong and Zhang, PRB 91, 174302 (2015)), make no trouble. entering:
    `leaving` at -k, transposed: there waves travel the other way, so that points halved by time reversal are enough.
    """
    total, n = 0.0, len(surfaces[0].out)
    for r, lead in enumerate(surfaces):
        rows = slice(r * n, (r + 1) * n)
        transfers = lead.g @ _dagger(lead.out), _dagger(lead.out @ lead.g)
        for density, transfer in zip((leaving, entering), transfers, strict=True):
            X = density[:, rows, rows]
            for _ in range(_DEPTH_DOUBLINGS):
                X = (X + transfer @ X @ _dagger(transfer)) / 2
                transfer = transfer @ transfer
            X = transfer @ X @ _dagger(transfer)
            total = total + np.trace(X, axis1=1, axis2=2).real
    return total / (n * len(surfaces))


def _stack(blocks: list[np.ndarray]) -> np.ndarray:
    """Square matrices (n_w, n, n) along the diagonal of a large one."""
    if len(blocks) == 1:
        return blocks[0]
    n = blocks[0].shape[1]
    matrix = np.zeros((len(blocks[0]), n * len(blocks), n * len(blocks)), complex)
    for r, block in enumerate(blocks):
        matrix[:, r * n : (r + 1) * n, r * n : (r + 1) * n] = block
    return matrix


def _dagger(matrix):
    return matrix.conj().swapaxes(-1, -2)
