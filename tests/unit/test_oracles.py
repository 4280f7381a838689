"""The oracles agree with themselves: two routes to one answer, conservation, symmetry, order in dt."""

from dataclasses import replace

import numpy as np
import oracles
import pytest
from scipy.linalg import solve_discrete_lyapunov

TRANSVERSE = {"transverse_stiffness_A": 0.2, "transverse_stiffness_B": 0.3}


def mass_step_chain(**options):
    options = {"stiffness_B": 1.5, "bath_hot": 3, "bath_cold": 2, "friction": 0.7} | options
    return oracles.chain_junction(10, 10, mass_B=4.0, **options)


def small_crystal(lattice, cross_section=(2, 2), **options):
    options = {"bath_hot": 1, "bath_cold": 1, "friction": 0.8, "lattice_constant": 1.3} | TRANSVERSE | options
    return oracles.crystal_junction(
        lattice, 3, 3, mass_B=3.0, stiffness_B=1.4, cross_section=cross_section, **options
    )


# --- builders -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lattice", "n_neighbours", "per_cell"), [("sc", 6, 1), ("fcc", 12, 2)])
@pytest.mark.parametrize("cross_section", [(1, 1), (2, 3)])
def test_crystal_geometry(lattice, n_neighbours, per_cell, cross_section):
    junction = small_crystal(lattice, cross_section)
    n_cells, a = 6, junction.lattice_constant
    period = np.array([np.inf, cross_section[0] * a, cross_section[1] * a])
    i, j = junction.springs.T
    shift = junction.positions[j] - junction.positions[i] - junction.spring_vectors
    shift[:, 1:] -= np.round(shift[:, 1:] / period[1:]) * period[1:]
    assert np.abs(shift).max() < 1e-12
    lengths = np.linalg.norm(junction.spring_vectors, axis=1)
    assert lengths == pytest.approx(np.full(len(i), a if lattice == "sc" else a / np.sqrt(2)))
    bonds = np.bincount(junction.springs.ravel(), minlength=len(junction.masses))
    assert (bonds[junction.moving] == n_neighbours).all()
    assert junction.n_layers == n_cells * per_cell
    assert junction.positions[:, 0] == pytest.approx(junction.layer_x0[junction.layer])
    sites_per_cell = {"sc": 1, "fcc": 4}[lattice]
    assert len(junction.masses) == n_cells * sites_per_cell * np.prod(cross_section)
    assert list(junction.plane_cell) == [1, 2, 3, 4, 5]
    assert list(junction.between_baths) == [False, True, True, True, False]
    interface = junction.plane_x0[junction.interface_plane]
    assert ((junction.positions[:, 0] < interface) == (junction.species == "A")).all()


def test_interface_springs_join_unlike_atoms_only():
    junction = mass_step_chain(stiffness_cross=7.0)
    unlike = (junction.species[junction.springs] == ["A", "B"]).all(axis=1)
    assert unlike.sum() == 1 and junction.spring_tensors[unlike].item() == 7.0
    assert (junction.spring_tensors[~unlike] != 7.0).all()
    assert mass_step_chain().spring_tensors[unlike].item() == 1.25
    assert mass_step_chain(stiffness_cross="geometric").spring_tensors[unlike].item() == np.sqrt(1.5)


@pytest.mark.parametrize("walls", [1, 2])
def test_frozen_walls_of_a_chain_equal_ties_to_fixed_sites(walls):
    tied = oracles.steady_state(mass_step_chain())
    n = 10 + walls
    walled = oracles.steady_state(
        oracles.chain_junction(
            n, n, mass_B=4.0, stiffness_B=1.5, bath_hot=3, bath_cold=2, friction=0.7, walls=walls
        )
    )
    assert walled.temperature[walls:-walls] == pytest.approx(tied.temperature, abs=1e-12)
    assert walled.flux[1:-1] == pytest.approx(tied.flux, abs=1e-12)  # two more planes, next to the walls
    assert np.abs(walled.flux[[0, -1]]).max() < 1e-12
    assert np.isnan(walled.temperature[:walls]).all() and np.isnan(walled.temperature[-walls:]).all()


def test_ramp_rises_from_the_inner_edge_and_keeps_the_mean():
    assert oracles.ramp_friction(0.3, 1) == pytest.approx([0.3])
    ramp = oracles.ramp_friction(0.3, 4)
    assert ramp == pytest.approx(0.6 * np.sin(np.pi * np.array([1, 3, 5, 7]) / 16) ** 2)
    assert ramp.mean() == pytest.approx(0.3)
    junction = mass_step_chain(ramp=True, bath_hot=4, bath_cold=4, friction=0.3)
    assert junction.friction == pytest.approx(np.r_[ramp[::-1], np.zeros(12), ramp])


def test_what_does_not_fit_or_is_floppy_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        oracles.chain_junction(3, 3, bath_hot=4)
    with pytest.raises(ValueError, match="wall"):
        oracles.crystal_junction("fcc", 4, 4, walls=0)
    with pytest.raises(ValueError, match="zero-frequency"):
        oracles.steady_state(oracles.crystal_junction("sc", 4, 4))
    with pytest.raises(ValueError, match="unstable"):
        oracles.steady_state_discrete(mass_step_chain(stiffness_B=1.0), dt=1.05)


# --- continuous time ----------------------------------------------------------------------------------------


def dense_reference(junction):
    """Temperature per atom and flux per plane from the real-space covariance, summed over every bond."""
    K, masses, gamma, T = oracles.dense_matrices(junction)
    n, d = len(K), junction.dimensions
    S = oracles.steady_state_dense(K, masses, gamma, T)
    A = np.block([[np.zeros((n, n)), np.diag(1 / masses)], [-K, -np.diag(gamma)]])
    residual = A @ S + S @ A.T + np.diag(np.r_[np.zeros(n), 2 * masses * gamma * T])
    assert np.abs(residual).max() < 1e-10
    temperature = np.full(len(junction.masses), np.nan)
    temperature[junction.moving] = (np.diag(S)[n:] / masses).reshape(-1, d).mean(axis=1)
    uv = (S[:n, n:] / masses).reshape(-1, d, n // d, d)
    row = np.cumsum(junction.moving) - 1
    flux = np.zeros(len(junction.plane_x0))
    for (i, j), vector, tensor in zip(
        junction.springs, junction.spring_vectors, junction.spring_tensors, strict=True
    ):
        x = junction.positions[i, 0]
        crossed = (x < junction.plane_x0) & (junction.plane_x0 < x + vector[0])
        if crossed.any() and junction.moving[i] and junction.moving[j]:
            p, q = row[i], row[j]
            du_v = uv[q, :, p] + uv[q, :, q] - uv[p, :, p] - uv[p, :, q]
            flux[crossed] -= 0.5 * (tensor * du_v).sum() / junction.area
    return temperature, flux


@pytest.mark.parametrize(
    "junction",
    [
        mass_step_chain(),
        small_crystal("sc", (2, 3)),
        small_crystal("sc", (3, 1)),
        small_crystal("fcc", (2, 1)),
        small_crystal("fcc", (1, 3)),
        small_crystal("fcc", (2, 2), transverse_stiffness_A=0.0, transverse_stiffness_B=0.0),
    ],
    ids=["chain", "sc 2x3", "sc 3x1", "fcc 2x1", "fcc 1x3", "fcc 2x2 central"],
)
def test_fourier_blocks_equal_the_dense_solution(junction):
    # A weak bath on every atom reaches also the modes that no other bath does.
    friction = np.where(junction.moving, junction.friction + 0.05, 0.0)
    junction = replace(junction, friction=friction, temperature=junction.temperature + 0.3)
    temperature, flux = dense_reference(junction)
    exact = oracles.steady_state(junction)
    assert exact.temperature_atom == pytest.approx(temperature, abs=1e-10, nan_ok=True)
    assert exact.flux == pytest.approx(flux, abs=1e-10)


@pytest.mark.parametrize(
    "junction",
    [mass_step_chain(), mass_step_chain(ramp=True), small_crystal("sc"), small_crystal("fcc", (2, 3))],
    ids=["chain", "ramped chain", "sc", "fcc"],
)
def test_energy_is_conserved(junction):
    """J is the same at every plane between the baths, and equal to what the baths give and take."""
    exact = oracles.steady_state(junction, undamped_at_rest=True)
    assert exact.J > 0.01
    assert exact.flux[junction.between_baths] == pytest.approx(exact.J, rel=1e-9)
    assert exact.heat_hot == pytest.approx(exact.J, rel=1e-9)
    assert exact.heat_cold == pytest.approx(-exact.J, rel=1e-9)


@pytest.mark.parametrize("solve", [oracles.steady_state, lambda j: oracles.steady_state_discrete(j, 0.2)])
def test_mirror_image_has_the_opposite_flux(solve):
    common = {"friction": 0.7, "ramp": True}
    junction = oracles.chain_junction(
        9, 12, mass_B=3, stiffness_B=2, T_hot=0.9, T_cold=0.1, bath_hot=3, bath_cold=4, **common
    )
    mirror = oracles.chain_junction(
        12, 9, mass_A=3, stiffness_A=2, T_hot=0.1, T_cold=0.9, bath_hot=4, bath_cold=3, **common
    )
    a, b = solve(junction), solve(mirror)
    assert a.temperature == pytest.approx(b.temperature[::-1], abs=1e-10)
    assert a.flux == pytest.approx(-b.flux[::-1], abs=1e-10)
    assert a.heat_hot == pytest.approx(b.heat_cold, abs=1e-10)


def test_reversed_bias_reverses_everything():
    """The system is linear: T - T_mean and J change sign, R_K stays."""
    a = oracles.steady_state(small_crystal("sc", T_hot=0.7, T_cold=0.3))
    b = oracles.steady_state(small_crystal("sc", T_hot=0.3, T_cold=0.7))
    assert a.temperature - 0.5 == pytest.approx(0.5 - b.temperature, abs=1e-10, nan_ok=True)
    assert a.flux == pytest.approx(-b.flux, abs=1e-10)


def test_modes_that_no_bath_reaches_are_found():
    """fcc along (100): x-motion at k = (2pi/a, 0) does not couple between layers, one mode per free layer."""
    junction = small_crystal("fcc", (3, 3))
    free_layers = np.isin(junction.layer_region, ["A", "B"]).sum()
    assert (oracles.damping_rates(junction) < 1e-10).sum() == 2 * free_layers  # two eigenvalues per mode
    with pytest.raises(ValueError, match=f"{free_layers} modes"):
        oracles.steady_state(junction)
    assert oracles.damping_rates(small_crystal("sc"))[0] > 1e-6


# --- BAOAB at finite dt -------------------------------------------------------------------------------------


def test_discrete_solution_equals_explicit_substeps():
    """The covariance pushed through B, A, O, A, B one after the other, many steps, and the SciPy solution."""
    junction, dt = mass_step_chain(bath_hot=1, bath_cold=1), 0.3
    K, masses, gamma, T = oracles.dense_matrices(junction)
    n = len(K)
    B, A = np.eye(2 * n), np.eye(2 * n)  # on (u, v)
    B[n:, :n] = -dt / 2 * K / masses[:, None]
    A[:n, n:] = dt / 2 * np.eye(n)
    c = np.exp(-gamma * dt)
    keep, noise = np.diag(np.r_[np.ones(n), c]), np.diag(np.r_[np.zeros(n), (1 - c**2) * T / masses])

    initial = np.linspace(0.8, 0.4, junction.n_layers)
    S = np.diag(np.r_[np.zeros(n), initial / masses])
    n_equilibration, n_production = 37, 50
    half, heat, uv = np.zeros(n), np.zeros(n), np.zeros((n, n))
    for step in range(n_equilibration + n_production):
        before = A @ B @ S @ B.T @ A.T
        after = keep @ before @ keep + noise
        if step >= n_equilibration:
            half += masses * after.diagonal()[n:] / n_production
            heat += masses * (after - before).diagonal()[n:] / (2 * dt * n_production)
            uv += S[:n, n:] / n_production
        S = B @ A @ after @ A.T @ B.T
    run = oracles.finite_run(junction, dt, initial, n_equilibration, n_production)
    assert run.temperature == pytest.approx(half, rel=1e-10)
    assert run.heat_hot == pytest.approx(heat[0], rel=1e-10)
    assert run.heat_cold == pytest.approx(heat[-1], rel=1e-10)
    k = junction.spring_tensors.ravel()
    i, j = np.arange(n - 1), np.arange(1, n)
    flux = -0.5 * k * (uv[j, i] + uv[j, j] - uv[i, i] - uv[i, j])
    assert run.flux == pytest.approx(flux, rel=1e-9)

    steady = oracles.steady_state_discrete(junction, dt)
    M = B @ A @ keep @ A @ B
    S = solve_discrete_lyapunov(M, B @ A @ noise @ (B @ A).T)
    assert steady.temperature_full_step == pytest.approx(masses * S.diagonal()[n:], rel=1e-8)


@pytest.mark.parametrize(
    "junction",
    [mass_step_chain(), small_crystal("fcc", (2, 2))],
    ids=["chain", "fcc"],
)
def test_discrete_solution_converges_as_dt_squared(junction):
    """Free layers, J and heats; in a bath the velocity right after O is off by a term linear in dt."""
    limit = oracles.steady_state(junction, undamped_at_rest=True)
    free = np.isin(junction.layer_region, ["A", "B"])

    def deviations(dt):
        found = oracles.steady_state_discrete(junction, dt, undamped_at_rest=True)
        pairs = [
            (found.temperature[free], limit.temperature[free]),
            (found.temperature_full_step, limit.temperature_full_step),
            (found.flux, limit.flux),
            (found.heat_hot, limit.heat_hot),
        ]
        return np.array([np.nanmax(np.abs(a - b)) for a, b in pairs])

    coarse, fine = deviations(0.02), deviations(0.01)
    assert coarse / fine == pytest.approx(4.0, rel=0.02)
    K, masses, _, _ = oracles.dense_matrices(junction)
    w2_max = np.linalg.eigvalsh(K / np.sqrt(np.outer(masses, masses)))[-1]
    assert (fine < w2_max * 0.01**2 / 4).all()  # the largest error of a full-step temperature at T = 1


@pytest.mark.parametrize(
    ("junction", "dt"),
    [
        (mass_step_chain(T_hot=0.6, T_cold=0.6, stiffness_B=1.0), 0.4),
        (mass_step_chain(T_hot=0.6, T_cold=0.6, stiffness_B=1.0), 0.9),
        (small_crystal("sc", T_hot=0.6, T_cold=0.6), 0.4),
    ],
    ids=["chain 0.4", "chain 0.9", "sc 0.4"],
)
def test_half_step_temperature_is_exact_in_equilibrium(junction, dt):
    """Half-step <w²> is T at any stable dt; at whole steps T (1 - dt² K_ii/4m): 1 - w²dt²/4 for each mode."""
    found = oracles.steady_state_discrete(junction, dt)
    moving = junction.layer_region != "wall"
    assert found.temperature[moving] == pytest.approx(0.6, abs=1e-9)
    assert np.abs(found.flux).max() < 1e-9 and abs(found.heat_hot) < 1e-9
    K, masses, _, _ = oracles.dense_matrices(junction)
    ratio = (1 - dt**2 * np.diag(K) / (4 * masses)).reshape(-1, junction.dimensions).mean(axis=1)
    layer = junction.layer[junction.moving]
    expected = np.bincount(layer, 0.6 * ratio)[moving[: layer.max() + 1]] / np.bincount(layer)[layer.min() :]
    assert found.temperature_full_step[moving] == pytest.approx(expected, abs=1e-9)
    assert found.temperature_full_step[moving].min() < 0.6 * (1 - dt**2 / 4)


def test_equal_temperatures_give_a_flat_profile():
    found = oracles.steady_state(small_crystal("sc", T_hot=0.6, T_cold=0.6))
    assert found.temperature[1:-1] == pytest.approx(0.6, abs=1e-9)
    assert np.abs(found.flux).max() < 1e-9


def test_heats_balance_exactly_at_finite_dt():
    """Velocity Verlet conserves a shadow energy that O changes by its kinetic energy alone: no net heat."""
    junction = mass_step_chain()
    found = oracles.steady_state_discrete(junction, 0.4)
    assert found.heat_hot == pytest.approx(-found.heat_cold, rel=1e-10)
    touched = np.isin(junction.plane_cell, [3, 18])  # planes next to a bath atom, where O disturbs the bond
    inner = found.flux[junction.between_baths & ~touched]
    assert inner == pytest.approx(inner[0], rel=1e-10)
    assert found.heat_hot == pytest.approx(inner[0], rel=0.4**2 / 4)


def test_long_run_reaches_the_steady_state():
    junction = mass_step_chain()
    rate = oracles.damping_rates(junction)[0]
    steps = int(20 / rate / 0.2)
    run = oracles.finite_run(junction, 0.2, np.full(junction.n_layers, 0.5), steps, 1000)
    steady = oracles.steady_state_discrete(junction, 0.2)
    assert run.temperature == pytest.approx(steady.temperature, abs=1e-9)
    assert run.flux == pytest.approx(steady.flux, abs=1e-9)


def test_undamped_modes_keep_half_of_their_initial_energy_as_kinetic():
    """A run from u = 0: the mode shares its initial kinetic energy evenly, so its half-step <w²> is T/2."""
    junction = small_crystal("fcc", (1, 1))
    at_rest = oracles.steady_state_discrete(junction, 0.05, undamped_at_rest=True)
    initial = np.linspace(1.0, 0.2, junction.n_layers)
    run = oracles.finite_run(junction, 0.05, initial, 10**8, 10**6)
    free = np.isin(junction.layer_region, ["A", "B"])
    share = run.temperature[free] - at_rest.temperature[free]
    # one of six degrees of freedom per layer; w dt = 0.14 moves the half by (w dt)²/8
    assert share == pytest.approx(initial[free] / 2 / 6, rel=0.01)
    assert run.J == pytest.approx(at_rest.J, rel=1e-6)
