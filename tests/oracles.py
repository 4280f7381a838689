"""Slow, independent reference solutions for harmonic junctions.

Contract: this file imports numpy and scipy only, never the package under test, and is derived from the
physics alone. What lives here: the Rieder-Lebowitz-Lieb flux, builders of harmonic chains and crystals
between Langevin baths, their exact steady state in continuous time and under the BAOAB map at finite `dt`,
the exact expectation of a finite run, and the Landauer conductance of two semi-infinite chains. What does
not: statistics, files, anharmonic forces.

Units: reduced (k_B = 1). Each moving atom obeys, with K the force-constant matrix of the springs,

    du = v dt,    m dv = -K u dt - gamma m v dt + sqrt(2 m gamma T) dW.

The state is linear, so its stationary covariance S is exact: A S + S A^T = -D in continuous time,
S = M S M^T + N for the discrete map. Crystals split into transverse Fourier blocks, and in mass-weighted
coordinates q = sqrt(m) u, w = sqrt(m) v the temperature of a degree of freedom is <w²>.
"""

from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.integrate import quad
from scipy.linalg import solve_continuous_lyapunov

# Sites and nearest neighbours in units of half a lattice constant; x is the transport direction.
_BASIS = {
    "chain": [(0, 0, 0)],
    "sc": [(0, 0, 0)],
    "fcc": [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)],
}
_NEIGHBOURS = {
    "chain": [(2, 0, 0), (-2, 0, 0)],
    "sc": [o for o in product((-2, 0, 2), repeat=3) if np.abs(o).sum() == 2],
    "fcc": [o for o in product((-1, 0, 1), repeat=3) if np.abs(o).sum() == 2],
}
_LAYERS_PER_CELL = {"chain": 1, "sc": 1, "fcc": 2}


def rll_flux(k, m, gamma, T_hot, T_cold):
    """Heat flux J of the uniform chain with fixed ends and Langevin end atoms, N -> infinity.

    J = (w²/2 gamma) [1 + nu/2 - ½ sqrt(nu (4 + nu))] (T_hot - T_cold), w² = k/m, nu = w²/gamma²
    (Rieder, Lebowitz, Lieb, J. Math. Phys. 8, 1073 (1967)).
    """
    w2 = k / m
    nu = w2 / gamma**2
    return w2 / (2 * gamma) * (1 + nu / 2 - 0.5 * np.sqrt(nu * (4 + nu))) * (T_hot - T_cold)


@dataclass(frozen=True)
class Junction:
    """A harmonic junction A|B between two Langevin baths; n sites (walls included), d components.

    Springs are listed once per bond with atom i at the lower x (or tie); a bond across the periodic boundary
    has its own `spring_vectors` entry. The energy of bond s is ½ du^T spring_tensors[s] du, du = u_j - u_i.
    """

    positions: np.ndarray  # (n, 3) length
    masses: np.ndarray  # (n,) mass
    moving: np.ndarray  # (n,) bool, False for walls
    species: np.ndarray  # (n,) "A" or "B"
    layer: np.ndarray  # (n,) int, lattice layer along x
    column: np.ndarray  # (n,) int, site of the strip that is repeated over the cross-section
    friction: np.ndarray  # (n,) 1/time, 0 outside the baths
    temperature: np.ndarray  # (n,) of the bath that acts on the atom, 0 outside the baths
    bath: np.ndarray  # (n,) "hot", "cold" or ""
    springs: np.ndarray  # (n_springs, 2) int, atoms i and j
    spring_vectors: np.ndarray  # (n_springs, 3) length, r_j - r_i
    spring_tensors: np.ndarray  # (n_springs, d, d) mass/time²
    anchors: np.ndarray  # (n, d, d) mass/time², springs to fixed sites beyond a chain without walls
    cross_section: tuple  # (ny, nz) cells
    lattice_constant: float  # length
    area: float  # length², 1 for a chain
    layer_x0: np.ndarray  # (n_layers,) length
    layer_region: np.ndarray  # (n_layers,) "wall", "hot", "A", "B" or "cold"
    plane_x0: np.ndarray  # (n_planes,) length, between two cells
    plane_cell: np.ndarray  # (n_planes,) int, the cell on the right
    between_baths: np.ndarray  # (n_planes,) bool, no bath cell on the wrong side: the flux there is J
    interface_plane: int

    @property
    def n_layers(self):
        return len(self.layer_x0)

    @property
    def dimensions(self):
        return self.spring_tensors.shape[1]


@dataclass(frozen=True)
class SteadyState:
    """Exact stationary averages of a Junction; heats and fluxes per time and area, positive from A to B."""

    temperature: np.ndarray  # (n_layers,) of half-step velocities, nan in walls
    temperature_full_step: np.ndarray  # (n_layers,) of full-step velocities; the same in continuous time
    temperature_atom: np.ndarray  # (n,) half-step, nan in walls
    flux: np.ndarray  # (n_planes,) through every plane
    J: float  # mean of the flux over the planes between the baths
    heat_hot: float  # given by the hot bath to the system
    heat_cold: float  # given by the cold bath to the system


def chain_junction(length_A, length_B, mass_A=1.0, mass_B=1.0, stiffness_A=1.0, stiffness_B=1.0, **options):
    """Chain junction; `options` as in `_build`. walls=0 ties both end atoms to fixed sites."""
    options = {"bath_hot": 1, "bath_cold": 1, "walls": 0} | options
    return _build("chain", length_A, length_B, mass_A, mass_B, stiffness_A, stiffness_B, **options)


def crystal_junction(
    lattice, length_A, length_B, mass_A=1.0, mass_B=1.0, stiffness_A=1.0, stiffness_B=1.0, **options
):
    """Crystal junction, lattice "sc" or "fcc", at least one wall cell; `options` as in `_build`."""
    if options.get("walls", 1) < 1:
        raise ValueError("crystals need at least one wall cell")
    return _build(lattice, length_A, length_B, mass_A, mass_B, stiffness_A, stiffness_B, **options)


def ramp_friction(friction, n_sites):
    """Ramped friction of `n_sites` layers from the inner edge outwards: 2 friction sin²(pi s/2).

    Site number n of N is at s = (n + ½)/N, its centre, so that the mean over the bath is exactly `friction`.
    """
    s = (np.arange(n_sites) + 0.5) / n_sites
    return 2 * friction * np.sin(np.pi * s / 2) ** 2


def _mixed(rule, a, b):
    return {"arithmetic": (a + b) / 2, "geometric": np.sqrt(a * b)}[rule] if isinstance(rule, str) else rule


def _build(
    lattice,
    length_A,
    length_B,
    mass_A,
    mass_B,
    stiffness_A,
    stiffness_B,
    *,
    stiffness_cross="arithmetic",
    transverse_stiffness_A=0.0,
    transverse_stiffness_B=0.0,
    transverse_stiffness_cross="arithmetic",
    walls=1,
    bath_hot=2,
    bath_cold=2,
    friction=1.0,
    T_hot=1.0,
    T_cold=0.0,
    ramp=False,
    cross_section=(1, 1),
    lattice_constant=1.0,
):
    """Nearest-neighbour springs K = k_L rr^T + k_T (1 - rr^T); lengths, walls and baths in cells.

    `stiffness_cross` is a number, "arithmetic" or "geometric". Baths lie next to the walls.
    """
    n_cells, per_cell = length_A + length_B, _LAYERS_PER_CELL[lattice]
    if walls + bath_hot > length_A or walls + bath_cold > length_B:
        raise ValueError("walls and bath do not fit into their side")
    n_layers, (ny, nz), a = n_cells * per_cell, cross_section, lattice_constant

    columns = sorted({(2 * c + b[0], b[1], b[2]) for c in range(n_cells) for b in _BASIS[lattice]})
    sites = [
        (X, Y + 2 * iy, Z + 2 * iz, column)
        for iy in range(ny)
        for iz in range(nz)
        for column, (X, Y, Z) in enumerate(columns)
    ]
    index = {site[:3]: i for i, site in enumerate(sites)}
    half = np.array([site[:3] for site in sites])
    column = np.array([site[3] for site in sites])
    cell, layer = half[:, 0] // 2, half[:, 0] * per_cell // 2

    # regions, friction and bath temperature by layer
    first, last = walls * per_cell, (n_cells - walls) * per_cell  # moving layers
    n_hot, n_cold = bath_hot * per_cell, bath_cold * per_cell
    region = np.where(np.arange(n_layers) < length_A * per_cell, "A", "B").astype("<U4")
    region[first : first + n_hot], region[last - n_cold : last] = "hot", "cold"
    region[:first], region[last:] = "wall", "wall"
    layer_friction = np.zeros(n_layers)
    inwards = [ramp_friction(friction, n) if ramp else np.full(n, friction) for n in (n_hot, n_cold)]
    layer_friction[first : first + n_hot] = inwards[0][::-1]
    layer_friction[last - n_cold : last] = inwards[1]
    layer_temperature = np.select([region == "hot", region == "cold"], [T_hot, T_cold], 0.0)

    species = np.where(cell < length_A, "A", "B")
    stiffness = {
        "AA": (stiffness_A, transverse_stiffness_A),
        "BB": (stiffness_B, transverse_stiffness_B),
        "AB": (
            _mixed(stiffness_cross, stiffness_A, stiffness_B),
            _mixed(transverse_stiffness_cross, transverse_stiffness_A, transverse_stiffness_B),
        ),
    }
    d = 1 if lattice == "chain" else 3

    def tensor(offset, pair):
        k_L, k_T = stiffness[pair]
        if d == 1:
            return np.array([[k_L]])
        r = np.array(offset) / np.linalg.norm(offset)
        return k_L * np.outer(r, r) + k_T * (np.eye(3) - np.outer(r, r))

    moving = region[layer] != "wall"
    springs, vectors, tensors = [], [], []
    for i, (X, Y, Z, _) in enumerate(sites):
        for o in _NEIGHBOURS[lattice]:
            j = index.get((X + o[0], (Y + o[1]) % (2 * ny), (Z + o[2]) % (2 * nz)))
            if o > (0, 0, 0) and j is not None and (moving[i] or moving[j]):  # each bond once
                springs.append((i, j))
                vectors.append(np.array(o) * a / 2)
                tensors.append(tensor(o, "".join(sorted(species[i] + species[j]))))
    anchors = np.zeros((len(sites), d, d))
    if walls == 0:
        anchors[0] += tensor((1, 0, 0), "AA")
        anchors[-1] += tensor((1, 0, 0), "BB")

    plane_cell = np.arange(max(walls, 1), n_cells - max(walls, 1) + 1)
    return Junction(
        positions=half * a / 2,
        masses=np.where(species == "A", mass_A, mass_B).astype(float),
        moving=moving,
        species=species,
        layer=layer,
        column=column,
        friction=layer_friction[layer],
        temperature=layer_temperature[layer],
        bath=np.where(np.isin(region, ["hot", "cold"]), region, "")[layer],
        springs=np.array(springs),
        spring_vectors=np.array(vectors),
        spring_tensors=np.array(tensors),
        anchors=anchors,
        cross_section=(ny, nz),
        lattice_constant=a,
        area=1.0 if d == 1 else ny * nz * a**2,
        layer_x0=np.arange(n_layers) * a / per_cell,
        layer_region=region,
        plane_x0=plane_cell * a - a / (2 * per_cell),
        plane_cell=plane_cell,
        between_baths=(plane_cell >= walls + bath_hot) & (plane_cell <= n_cells - walls - bath_cold),
        interface_plane=int(np.flatnonzero(plane_cell == length_A)[0]),
    )


def steady_state(junction, undamped_at_rest=False):
    """Exact steady state in continuous time: A S + S A^T = -D, one Fourier block at a time.

    Modes that no bath reaches keep their initial energy for ever, so there is no unique steady state; every
    fcc (100) junction with nearest-neighbour springs has some. With `undamped_at_rest` they are held at rest:
    J and heats, which they do not carry, are right, but temperatures lack their share (see `finite_run`).

    Raises ValueError for undamped modes otherwise, and for zero-frequency modes.
    """

    def solve(K, gamma, T, layer):
        A, D = _drift(K, gamma), np.diag(np.r_[np.zeros(len(K)), 2 * gamma * T])
        R = _damped_basis(K, gamma, undamped_at_rest)
        S = R @ solve_continuous_lyapunov(R.conj().T @ A @ R, -R.conj().T @ D @ R) @ R.conj().T
        n = len(K)
        w2 = S.diagonal()[n:].real
        return w2, w2, gamma * (T - w2), S[:n, n:]

    return _average(junction, solve)


def steady_state_discrete(junction, dt, undamped_at_rest=False):
    """Exact steady state of the BAOAB map with time step `dt`: S = M S M^T + N. Otherwise as `steady_state`.

    One step is B(dt/2) A(dt/2) O A(dt/2) B(dt/2): half kick, half drift, bath, half drift, half kick.
    Half-step temperatures are those right after O; full-step velocities and the flux ½ F (v_i + v_j) are
    taken at whole steps; a bath's heat is the kinetic energy that O adds per step, divided by dt. Away from
    equilibrium heat and flux differ by a relative O(dt²), since O also changes the covariance between bath
    atoms and their neighbours, and a bath layer is warmer or colder right before O, by O(dt).

    Raises ValueError also if the map is not stable (dt times the highest frequency reaches 2).
    """

    def solve(K, gamma, T, layer):
        M, N = _baoab_map(K, gamma, T, dt)
        R = _damped_basis(K, gamma, undamped_at_rest)
        S = R @ _discrete_lyapunov(R.conj().T @ M @ R, R.conj().T @ N @ R) @ R.conj().T
        return _baoab_averages(S, K, gamma, T, dt)

    return _average(junction, solve)


def finite_run(junction, dt, initial_temperature, equilibration_steps, production_steps):
    """Exact expectation of a finite BAOAB run, undamped and slow modes included.

    The run starts on the lattice sites (u = 0) with independent velocities of `initial_temperature`
    (n_layers,); averages are over `production_steps` >= 1 steps after `equilibration_steps`. A run shorter
    than the life of its slowest modes is so compared to its own expectation, not to the steady state.
    Undamped modes make averages vary from one initial state to the next: only independent replicas show it.
    """

    def solve(K, gamma, T, layer):
        M, N = _baoab_map(K, gamma, T, dt)
        S = np.diag(np.r_[np.zeros(len(K)), np.asarray(initial_temperature, dtype=float)[layer]])
        S, _ = _iterate(M, N, S, equilibration_steps)
        _, total = _iterate(M, N, S, production_steps)
        return _baoab_averages(total / production_steps, K, gamma, T, dt)

    return _average(junction, solve)


def damping_rates(junction):
    """Amplitude decay rates of all modes in continuous time, ascending, (2 n_dof,); 0 where no bath reaches.

    The time that a run must cover is several times the inverse of twice the smallest one.
    """
    rates = []
    for block in _blocks(junction):
        rates += list(-np.linalg.eigvals(_drift(block.K, block.gamma)).real) * block.weight
    return np.sort(rates)


def _drift(K, gamma):
    """A (2n, 2n) of dz = A z dt + noise, z = (q, w) mass-weighted."""
    n = len(K)
    return np.block([[np.zeros((n, n)), np.eye(n)], [-K, -np.diag(gamma)]])


def _damped_basis(K, gamma, undamped_at_rest):
    """Orthonormal basis (2n, 2m) of the modes that a bath reaches.

    A mode is undamped if K e = w² e and gamma e = 0: sought within each degenerate eigenspace of K.
    """
    n = len(K)
    w2, E = np.linalg.eigh(K)
    damped = []
    for group in np.split(np.arange(n), np.flatnonzero(np.diff(w2) > 1e-9 * w2[-1]) + 1):
        _, singular, V = np.linalg.svd(np.sqrt(gamma)[:, None] * E[:, group], full_matrices=False)
        damped.append(E[:, group] @ V[singular > 1e-7 * np.sqrt(gamma.max())].conj().T)
    R = np.hstack(damped)
    if R.shape[1] == n:
        return np.eye(2 * n)
    if not undamped_at_rest:
        raise ValueError(f"{n - R.shape[1]} modes of a Fourier block are not damped by the baths")
    return np.block([[R, np.zeros_like(R)], [np.zeros_like(R), R]])


def _kick_and_drift(K, dt):
    """Half kick B and half drift A as matrices (2n, 2n) on z = (q, w)."""
    if np.linalg.eigvalsh(K)[-1] * dt**2 >= 4:
        raise ValueError(f"time step {dt} is unstable: dt times the highest frequency must stay below 2")
    one, zero = np.eye(len(K)), np.zeros((len(K), len(K)))
    return np.block([[one, zero], [-dt / 2 * K, one]]), np.block([[one, dt / 2 * one], [zero, one]])


def _baoab_map(K, gamma, T, dt):
    """M and N of one step z' = M z + noise, <noise noise^T> = N, from whole step to whole step."""
    B, A = _kick_and_drift(K, dt)
    c = np.exp(-gamma * dt)
    keep, noise = np.r_[np.ones(len(K)), c], np.diag(np.r_[np.zeros(len(K)), (1 - c**2) * T])
    return B @ A @ (keep[:, None] * (A @ B)), B @ A @ noise @ (B @ A).conj().T


def _baoab_averages(S, K, gamma, T, dt):
    """Half-step <w²>, full-step <w²>, heat per time (n,), <q w^†> (n, n) from the whole-step covariance S."""
    n, c2 = len(K), np.exp(-2 * gamma * dt)
    B, A = _kick_and_drift(K, dt)
    w2_before = (A @ B @ S @ (A @ B).conj().T).diagonal()[n:].real
    w2_after = c2 * w2_before + (1 - c2) * T
    return w2_after, S.diagonal()[n:].real, (w2_after - w2_before) / (2 * dt), S[:n, n:]


def _discrete_lyapunov(M, N):
    """Solve S = M S M^† + N by doubling: S <- S + M S M^†, M <- M M (64 doublings reach any damping)."""
    S = N
    for _ in range(64):
        S = S + M @ S @ M.conj().T
        M = M @ M
        if np.abs(M).max() < 1e-12:
            return S
    raise ValueError("the map does not contract: a mode is not damped")


def _iterate(M, N, S, n_steps):
    """S_n and sum of S_0 ... S_(n-1) under S <- M S M^† + N, by binary powers of the map."""
    power, noise, total, n = np.eye(len(M)), np.zeros_like(N), np.zeros_like(N), 0
    for bit in f"{n_steps:b}":
        total = total + power @ total @ power.conj().T + n * noise
        noise = noise + power @ noise @ power.conj().T
        power, n = power @ power, 2 * n
        if bit == "1":
            total = S + M @ total @ M.conj().T + n * N
            noise = N + M @ noise @ M.conj().T
            power, n = M @ power, n + 1
    return power @ S @ power.conj().T + noise, total


def _average(junction, solve):
    """Sum the Fourier blocks of `solve` into layer temperatures, fluxes and heats."""
    d, n_transverse = junction.dimensions, np.prod(junction.cross_section)
    free, row = _strip(junction)
    # By translation, bonds that start in the first strip stand for all; bonds to walls carry no mean heat.
    local = (junction.springs[:, 0] <= free[-1]) & (row[junction.springs] >= 0).all(axis=1)
    i, j = row[junction.springs[local]].T
    vectors, tensors = junction.spring_vectors[local], junction.spring_tensors[local]

    sums = np.zeros((3, len(free) * d))
    bond_flux = np.zeros(len(i))
    for block in _blocks(junction):
        *diagonals, C = solve(block.K, block.gamma, block.T, np.repeat(junction.layer[free], d))
        sums += block.weight * np.array(diagonals)
        # <u v^†> by strip site and component: [site, site, component, component]
        C = block.scale[:, None] * C * block.scale.conj()
        C = C.reshape(len(free), d, len(free), d).swapaxes(1, 2)
        phase = np.exp(1j * vectors @ block.k)[:, None, None]
        # F on j = -K (u_j - u_i);  heat through the bond = <½ F·(v_i + v_j)>
        pairs = phase * C[j, i] + C[j, j] - C[i, i] - phase.conj() * C[i, j]
        bond_flux -= 0.5 * block.weight * (tensors * pairs).sum(axis=(1, 2)).real
    half, full, heat = sums.reshape(3, len(free), d).sum(axis=2) / n_transverse  # per atom

    x_i = junction.positions[junction.springs[local][:, 0], 0]
    crosses = (x_i < junction.plane_x0[:, None]) & (x_i + vectors[:, 0] > junction.plane_x0[:, None])
    flux = crosses @ bond_flux / junction.area
    temperature_atom = np.full(len(junction.masses), np.nan)
    temperature_atom[junction.moving] = (half / d)[row[junction.moving]]

    def by_layer(values):
        counts = np.bincount(junction.layer[free], minlength=junction.n_layers)
        totals = np.bincount(junction.layer[free], values / d, minlength=junction.n_layers)
        return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)

    return SteadyState(
        temperature=by_layer(half),
        temperature_full_step=by_layer(full),
        temperature_atom=temperature_atom,
        flux=flux,
        J=float(flux[junction.between_baths].mean()),
        heat_hot=float(heat[junction.bath[free] == "hot"].sum() * n_transverse / junction.area),
        heat_cold=float(heat[junction.bath[free] == "cold"].sum() * n_transverse / junction.area),
    )


def _strip(junction):
    """Moving atoms of the first strip, at cell (0, 0); and the strip row of every atom, -1 in walls."""
    free = np.flatnonzero(junction.moving[: junction.column.max() + 1])
    row = np.full(len(junction.masses), -1)
    row[junction.moving] = np.searchsorted(free, junction.column[junction.moving])
    return free, row


class _Block(NamedTuple):
    """One transverse wave vector in mass-weighted coordinates; n = strip sites times components."""

    k: np.ndarray  # (3,) 1/length
    weight: int  # 2 where the block stands for -k too
    K: np.ndarray  # (n, n) 1/time²
    scale: np.ndarray  # (n,) complex, u = scale q
    gamma: np.ndarray  # (n,) 1/time
    T: np.ndarray  # (n,) of the bath


def _blocks(junction):
    """The transverse Fourier blocks; k and -k have complex conjugate covariances, so one counts twice."""
    d, (ny, nz) = junction.dimensions, junction.cross_section
    free, row = _strip(junction)
    mass, gamma, T = (
        np.repeat(v[free], d) for v in (junction.masses, junction.friction, junction.temperature)
    )
    for my, mz in product(range(ny), range(nz)):
        minus = (-my % ny, -mz % nz)
        if (my, mz) <= minus:
            k = 2 * np.pi / junction.lattice_constant * np.array([0, my / ny, mz / nz])
            K, gauge = _fourier_block(junction, row, k)
            weight = 1 if (my, mz) == minus else 2
            yield _Block(k, weight, K / np.sqrt(np.outer(mass, mass)), gauge / np.sqrt(mass), gamma, T)


def _fourier_block(junction, row, k):
    """Force constants K(k) of the strip, (n, n), u_r = sum over k of exp(i k·r) u_k, and the gauge (n,).

    Phases use true positions, so a two-fold axis along x through every site makes the x-y and x-z parts
    imaginary. In the gauge u_y, u_z = i q_y, i q_z the block is then real: four times faster to solve.
    """
    d, n = junction.dimensions, row.max() + 1
    K = np.zeros((n, n, d, d), dtype=complex)
    n_transverse = junction.cross_section[0] * junction.cross_section[1]
    i, j = row[junction.springs].T
    tensors = junction.spring_tensors / n_transverse  # every image of a bond is listed: take the mean
    phase = np.exp(1j * junction.spring_vectors @ k)[:, None, None]
    both = (i >= 0) & (j >= 0)
    np.add.at(K, (i[i >= 0], i[i >= 0]), tensors[i >= 0])
    np.add.at(K, (j[j >= 0], j[j >= 0]), tensors[j >= 0])
    np.add.at(K, (i[both], j[both]), -(tensors * phase)[both])
    np.add.at(K, (j[both], i[both]), -(tensors * phase.conj())[both])
    np.add.at(K, (row[row >= 0],) * 2, junction.anchors[row >= 0] / n_transverse)
    gauge = np.tile([1, 1j, 1j][:d], n)
    K = K.swapaxes(1, 2).reshape(n * d, n * d)
    K = gauge.conj()[:, None] * K * gauge
    if np.abs(K.imag).max() < 1e-12 * np.abs(K).max():
        K = K.real
    if np.linalg.eigvalsh(K)[0] <= 1e-9 * np.abs(K).max():
        raise ValueError(f"zero-frequency mode at k = {k}: give the springs transverse stiffness")
    return K, gauge


def dense_matrices(junction):
    """K (n, n), masses, friction and bath temperature (n,) of all moving degrees of freedom, in real space.

    Degrees of freedom run over the moving atoms in order, components fastest.
    """
    d, n = junction.dimensions, len(junction.masses)
    K = np.zeros((n, d, n, d))
    for (i, j), tensor in zip(junction.springs, junction.spring_tensors, strict=True):
        K[i, :, i] += tensor
        K[j, :, j] += tensor
        K[i, :, j] -= tensor
        K[j, :, i] -= tensor
    for i, tensor in enumerate(junction.anchors):
        K[i, :, i] += tensor
    dofs = np.repeat(junction.moving, d)
    columns = [np.repeat(v, d)[dofs] for v in (junction.masses, junction.friction, junction.temperature)]
    return K.reshape(n * d, n * d)[np.ix_(dofs, dofs)], *columns


def steady_state_dense(K, masses, gamma, T):
    """Stationary covariance (2n, 2n) of (u, p) for a small harmonic system, per degree of freedom.

    Solves A S + S A^T = -diag(0, 2 m gamma T); the temperature of degree i is S[n + i, n + i] / m_i.
    """
    n = len(K)
    A = np.block([[np.zeros((n, n)), np.diag(1 / masses)], [-K, -np.diag(gamma)]])
    return solve_continuous_lyapunov(A, -np.diag(np.r_[np.zeros(n), 2 * masses * gamma * T]))


def landauer_chain_transmission(w, m_A, k_A, m_B, k_B, k_I):
    """Transmission tau(w) between two semi-infinite chains joined by the spring k_I; 0 outside either band.

    With m w² = 2 k (1 - cos q) the half-chain beyond an end atom adds the retarded self-energy -k exp(iq),
    0 < q < pi; tau = Gamma_A Gamma_B |G_AB|², Gamma = 2 k sin q, G the Green's function of both end atoms.
    """
    cos_A, cos_B = 1 - m_A * w**2 / (2 * k_A), 1 - m_B * w**2 / (2 * k_B)
    if w <= 0 or cos_A <= -1 or cos_B <= -1:
        return 0.0
    sin_A, sin_B = np.sqrt(1 - cos_A**2), np.sqrt(1 - cos_B**2)
    g_A = m_A * w**2 - k_A - k_I + k_A * (cos_A + 1j * sin_A)
    g_B = m_B * w**2 - k_B - k_I + k_B * (cos_B + 1j * sin_B)
    return 4 * k_A * sin_A * k_B * sin_B * abs(k_I / (g_A * g_B - k_I**2)) ** 2


def landauer_chain_conductance(m_A, k_A, m_B, k_B, k_I):
    """Classical two-probe conductance G = ∫ dw/2pi tau(w) of two semi-infinite chains (k_B = 1, area 1)."""
    top = min(2 * np.sqrt(k_A / m_A), 2 * np.sqrt(k_B / m_B))

    def integrand(theta):  # w = top sin(theta) removes the square root at the band edge
        return landauer_chain_transmission(top * np.sin(theta), m_A, k_A, m_B, k_B, k_I) * top * np.cos(theta)

    return quad(integrand, 0, np.pi / 2, epsabs=1e-12, epsrel=1e-11, limit=200)[0] / (2 * np.pi)


def landauer_chain_resistances(m_A, k_A, m_B, k_B, k_I):
    """Two-probe, four-probe and extrapolated-NEMD resistance of the chain junction.

    1/G_AB; 1/G_AB - ½ (1/G_AA + 1/G_BB); (1 - ½ <tau>_A - ½ <tau>_B)/G_AB, where <tau>_X is the mean over the
    modes of X (wave numbers 0 < q < pi, evenly).
    """
    args = (m_A, k_A, m_B, k_B, k_I)
    tops = 2 * np.sqrt([k_A / m_A, k_B / m_B])  # band edges; G_XX = top/2pi

    def mode_mean(w_top):
        edge = 2 * np.arcsin(tops.min() / w_top)  # tau vanishes beyond the lower band edge
        return quad(lambda q: landauer_chain_transmission(w_top * np.sin(q / 2), *args), 0, edge)[0] / np.pi

    two_probe = 1 / landauer_chain_conductance(*args)
    four_probe = two_probe - (np.pi / tops).sum()
    return two_probe, four_probe, two_probe * (1 - sum(mode_mean(w_top) for w_top in tops) / 2)
