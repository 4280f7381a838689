"""The exact steady state: against the oracles, textbook fluxes, itself by another method, and conservation."""

import numpy as np
import oracles
import pytest
from junctions import CHAIN, LJ, changed
from numba import types
from physics.harmonic import configure, junction_of

from nemd_core.baths import layer_friction
from nemd_core.config import parse_config
from nemd_core.errors import ConfigError, PhysicsError
from nemd_core.forces.build import build_forces
from nemd_core.potentials import law_of
from nemd_core.structure import build
from nemd_core.theory import steady_state as module
from nemd_core.theory.chain_kernels import count_modes, sweep
from nemd_core.theory.chain_spectrum import make_band, respond_chain
from nemd_core.theory.lyapunov import find_modes, respond
from nemd_core.theory.prediction_state import tabulate_state
from nemd_core.theory.steady_state import steady_state

EXACT = 1e-10
FIT = {"skip_bath": 0, "skip_interface": 0}


def baths(length=2, T=(1.5, 0.5), **settings):
    return {
        "hot": {"temperature": T[0], "length": length},
        "cold": {"temperature": T[1], "length": length},
        "friction": 1.0,
        "walls": 1,
    } | settings


def harmonic(lattice="chain", length=(12, 9), fit=FIT, bath=None, **materials):
    options = {"cross": "arithmetic"} | materials
    return configure(lattice, length, baths=bath or baths(), run={"timestep": 0.02}, fit=fit, **options)


def assert_same(state, oracle, tolerance=EXACT):
    """Profile, fluxes and heats of an oracle's SteadyState."""
    assert np.nanmax(np.abs(state.temperature - oracle.temperature)) < tolerance
    assert (np.isnan(state.temperature) == np.isnan(oracle.temperature)).all()
    assert np.abs(state.flux - oracle.flux).max() < tolerance
    assert state.J == pytest.approx(oracle.J, abs=tolerance)
    assert state.heat_hot == pytest.approx(oracle.heat_hot, abs=tolerance)
    assert state.heat_cold == pytest.approx(oracle.heat_cold, abs=tolerance)
    assert state.residual * abs(state.J) < tolerance


# ---- the oracles' junctions ----

CHAINS = {
    "uniform": {},
    "mass-step": {"mass": (1.0, 4.0)},
    "stiffness-step": {"stiffness": (1.0, 2.5), "cross": 1.3},
    "ramped": {"mass": (1.0, 2.0), "bath": baths(4, ramp=True, friction=0.3)},
    "no-walls": {"mass": (1.0, 3.0), "bath": baths(1, walls=0)},
    "hot-in-B": {"mass": (1.0, 3.0), "bath": baths(3, T=(0.2, 1.0), walls=2)},
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains(name):
    config = harmonic(**CHAINS[name])
    state = steady_state(config)
    assert_same(state, oracles.steady_state(junction_of(config)))
    slowest = oracles.damping_rates(junction_of(config))[0]
    assert state.decay_rate == pytest.approx(slowest, rel=1e-6)
    assert state.n_undamped == 0


def test_sc_crystal():
    config = harmonic(
        "sc", (7, 6), mass=(1.0, 2.0), stiffness=(1.0, 1.5), transverse=(0.3, 0.2), bath=baths(2, ramp=True)
    )
    assert_same(steady_state(config), oracles.steady_state(junction_of(config)))


def test_fcc_crystal_keeps_what_the_start_gave_its_undamped_modes():
    """Fluxes are those of the damped modes; temperatures are the expectation of a run that starts as the engine does."""
    config = harmonic("fcc", (5, 5), mass=(1.0, 2.0), bath=baths(1))
    junction, state, dt = junction_of(config), steady_state(config), 0.002
    at_rest = oracles.steady_state(junction, undamped_at_rest=True)
    assert np.abs(state.flux - at_rest.flux).max() < EXACT
    still = (oracles.damping_rates(junction) < 1e-12).sum() / 2
    assert state.n_undamped == still > 0
    system = build(config)
    hot, cold = (system.layer_x[np.flatnonzero(system.layer_region == name)] for name in ("hot", "cold"))
    linear = np.interp(system.layer_x, [hot[-1], cold[0]], [1.5, 0.5])
    run = oracles.finite_run(junction, dt, 2 * linear, 2**38, 2**38)
    w_max, bulk = 4 * np.sqrt(2), np.isin(state.region, ["A", "B"])  # in a bath the step counts as O(dt)
    assert np.abs(state.temperature - run.temperature)[bulk].max() < w_max**2 * dt**2 / 4
    assert np.nanmax(np.abs(state.temperature - at_rest.temperature)) > 1e-3


def test_undamped_modes_do_not_spoil_equilibrium():
    state = steady_state(harmonic("fcc", (5, 5), mass=(1.0, 2.0), bath=baths(1, T=(0.7, 0.7))))
    assert np.nanmax(np.abs(state.temperature - 0.7)) < EXACT
    assert np.abs(state.flux).max() < EXACT and abs(state.delta_T) < EXACT
    assert state.R_K == pytest.approx(
        steady_state(harmonic("fcc", (5, 5), mass=(1.0, 2.0), bath=baths(1))).R_K
    )


# ---- values ----


@pytest.mark.parametrize(
    ("friction", "J"), [(0.1, 0.0490243), (1, 0.1909830), (2, 0.1524029), (5, 0.0819002)]
)
def test_flux_of_rieder_lebowitz_and_lieb(friction, J):
    """N -> infinity: 40 atoms differ by far less than these digits; the profile is flat at the mean."""
    state = steady_state(harmonic(length=(20, 20), bath=baths(1, walls=0, friction=friction)))
    assert state.J == pytest.approx(J, abs=6e-8 if friction >= 1 else 1e-6)
    middle = state.temperature[18:22]
    assert middle == pytest.approx(np.ones(4), abs=1e-5)


@pytest.mark.parametrize(
    ("n", "ratio", "J"),
    [(160, 2, 0.110006), (160, 3, 0.071873), (160, 4, 0.051671), (40, 2, 0.109966), (40, 4, 0.051485)],
)
def test_flux_of_a_mass_step(n, ratio, J):
    state = steady_state(harmonic(length=(n // 2, n // 2), mass=(1.0, ratio), bath=baths(1, walls=0)))
    assert pytest.approx(J, abs=6e-7) == state.J


@pytest.mark.parametrize(
    ("mass", "stiffness", "J", "R_K"),
    [(2, 1, 0.2025, 1.787), (4, 1, 0.1243, 4.187), (1, 2, 0.3025, 1.009), (1, 4, 0.2719, 1.684)],
)
def test_resistance_between_long_baths(mass, stiffness, J, R_K):
    """The values that configs/mass-step-chain.yaml and stiffness-step-chain.yaml quote."""
    bath = baths(80, walls=0, friction=0.2, ramp=True)
    fit = {"skip_bath": 10, "skip_interface": 10}
    state = steady_state(
        harmonic(length=(120, 120), mass=(1, mass), stiffness=(1, stiffness), bath=bath, fit=fit)
    )
    assert pytest.approx(J, abs=6e-5) == state.J
    assert pytest.approx(R_K, abs=6e-4) == state.R_K


# ---- integrals over frequency against the Lyapunov equation ----


def both_ways(K, gamma, hot):
    modes = find_modes(K, gamma)
    return modes, respond(modes, gamma, hot), *respond_chain(K, modes, gamma, hot, 1)


def chain_matrices(config):
    """K, friction and hot bath of a chain, mass-weighted; and what turns a response into heat through its bonds."""
    system, strip = build(config), module.make_strip(config)
    junction = module.prepare_junction(config, system, strip)
    K = module.force_matrix(strip, [0, 0], junction.site).real / np.outer(*2 * [junction.root_mass])

    def heat(response):
        return module._bond_heat(junction, [0, 0], 1 / junction.root_mass, response)

    return K, junction.gamma, junction.hot, heat


def periodic_chain(hot, cold):
    lengths = {
        "structure__length": {"A": 21, "B": 24},
        "baths__hot__length": hot,
        "baths__cold__length": cold,
    }
    return parse_config(changed(CHAIN, structure__ends="periodic", **lengths))


LJ_CHAIN = changed(
    LJ,
    structure={"lattice": "chain", "lattice_constant": 1.1, "length": {"A": 30, "B": 25}},
    materials__B__epsilon=1.5,
    interaction={"potential": "lj-harmonic", "cutoff": 2.5},
    baths__walls=3,
    baths__hot__length=8,
)
SPECTRAL = {
    "end-baths": harmonic(length=(40, 33), mass=(1.0, 4.0), bath=baths(1, walls=0, friction=0.5)),
    "ramped": harmonic(length=(40, 40), stiffness=(1.0, 2.0), bath=baths(20, ramp=True, friction=0.2)),
    "strong": harmonic(length=(40, 40), mass=(1.0, 2.0), bath=baths(15, friction=20.0)),
    "two-neighbours": parse_config(LJ_CHAIN),
    "ring": periodic_chain(5, 8),
}


@pytest.mark.parametrize("name", SPECTRAL)
def test_both_methods_agree(name):
    K, gamma, hot, heat = chain_matrices(SPECTRAL[name])
    _, lyapunov, spectrum, missing = both_ways(K, gamma, hot)
    assert missing < 1e-8
    assert np.abs(lyapunov.kinetic - spectrum.kinetic).max() < 1e-8
    assert np.abs(heat(lyapunov) - heat(spectrum)).max() < 1e-8
    assert spectrum.decay_rate == pytest.approx(lyapunov.decay_rate, rel=1e-5)


def test_resonances_as_narrow_as_rounding():
    """Baths at the nodes of some modes of a ring: their spectra are 1e-9 and less wide, and not lost."""
    K, gamma, hot, _ = chain_matrices(periodic_chain(1, 2))
    modes, lyapunov, spectrum, missing = both_ways(K, gamma, hot)
    assert 1e-11 < modes.rate.min() < 1e-8
    assert missing < 1e-6
    assert np.abs(lyapunov.kinetic - spectrum.kinetic).max() < 1e-6


@pytest.mark.compiled
def test_kernels_take_arrays():
    """And no named tuples, whose fields may change in a file that is not in the digest of what is compiled."""
    both_ways(*chain_matrices(SPECTRAL["end-baths"])[:3])
    for kernel in (count_modes, sweep):
        assert all(isinstance(t, types.Array) for signature in kernel.alone.signatures for t in signature)


def test_blocks_of_a_band():
    widths = {
        name: make_band(chain_matrices(config)[0]).diagonal.shape[1] for name, config in SPECTRAL.items()
    }
    assert widths == {"end-baths": 1, "ramped": 1, "strong": 1, "two-neighbours": 2, "ring": 2}


@pytest.mark.parametrize("n", [8, 14, 60])
def test_a_localised_mode_is_undamped_in_both(n):
    """A stiff bond between the sides binds a mode above both bands, too far from the baths to be damped."""
    K, gamma, hot, _ = chain_matrices(harmonic(length=(n, n + 3), cross=5.0, bath=baths(1, walls=0)))
    modes, lyapunov, spectrum, missing = both_ways(K, gamma, hot)
    assert modes.n_undamped == 1 and missing < 1e-8
    assert np.abs(lyapunov.kinetic - spectrum.kinetic).max() < 1e-8
    kept = modes.kept(np.ones(len(K)))
    assert kept[n - 1] > 0.4 and (lyapunov.kinetic < 1 - kept).all()


def test_long_chains_take_the_integrals(monkeypatch):
    config = harmonic(length=(30, 30), mass=(1.0, 2.0))
    short = steady_state(config)
    monkeypatch.setattr(module, "_SHORT_CHAIN", 0)
    long = steady_state(config)
    assert short.missing == 0 < long.missing < 1e-8
    assert np.nanmax(np.abs(short.temperature - long.temperature)) < 1e-8
    assert long.R_K == pytest.approx(short.R_K, rel=1e-7)


# ---- other junctions ----


def dense_temperature(config):
    """Temperature of each moving site from force constants that the engine's forces have, by unit displacements."""
    system = build(config)
    forces = build_forces(system, law_of(config), config.interaction.potential, 0.0)
    d, moving = system.lattice.dimensions, np.flatnonzero(system.moving_cell[system.cell_of_site])
    K = np.zeros((len(moving) * d,) * 2)
    for column, (site, component) in enumerate((s, c) for s in moving for c in range(d)):
        u = np.zeros((system.n_sites, d))
        u[site, component] = 1.0
        K[:, column] = -forces.evaluate(system, u)[0][moving].ravel()
    layer = np.repeat(system.layer_of_site[moving], d)
    T = np.select([system.layer_region == name for name in ("hot", "cold")], [0.35, 0.15], 0.0)
    mass = np.repeat(system.mass[moving], d)
    S = oracles.steady_state_dense(K, mass, layer_friction(system, config.baths)[layer], T[layer])
    kinetic = S.diagonal()[len(K) :] / mass
    return np.bincount(layer, kinetic, system.n_layers) / np.maximum(
        np.bincount(layer, minlength=system.n_layers), 1
    )


def test_lennard_jones_chain_about_its_relaxed_sites():
    config = parse_config(changed(LJ_CHAIN, structure__length={"A": 14, "B": 12}, baths__hot__length=3))
    state, expected = steady_state(config), dense_temperature(config)
    moving = state.region != "wall"
    assert np.abs(state.temperature - expected)[moving].max() < 1e-9
    assert np.ptp(np.diff(state.x)) > 1e-3  # epsilon differs: the sites do relax
    assert state.residual < 1e-9


@pytest.mark.parametrize("lattice", ["chain", "sc"])
def test_periodic_ends(lattice):
    """Two equal interfaces; uniform translation has no restoring force, and disturbs nothing."""
    bath = baths(2, walls=0)
    base = harmonic(
        lattice, (8, 10), mass=(1.0, 3.0), transverse=None if lattice == "chain" else (0.3, 0.3), bath=baths()
    )
    data = base.model_dump(exclude_none=True) | {"baths": bath}
    data["structure"] |= {"ends": "periodic"}
    state = steady_state(parse_config(data))
    first, second = state.interfaces
    assert (first.direction, second.direction) == (1, -1)
    assert first.J == pytest.approx(second.J, rel=1e-8)
    assert first.delta_T == pytest.approx(second.delta_T, rel=1e-7)
    assert state.heat_hot == pytest.approx(2 * state.J, rel=1e-8)
    assert state.residual < 1e-8
    sides = len(first.planes), len(second.planes)
    assert sides == (3 + 4 + 1,) * 2


def test_a_level_in_place_of_a_line():
    settings = {"length": (40, 40), "mass": (1.0, 4.0), "bath": baths(15, ramp=True, friction=0.3)}
    line, level = (steady_state(harmonic(fit=fit, **settings)) for fit in (FIT, "auto"))
    assert (line.fit, level.fit) == ("T straight", "T level")
    jump = level.interfaces[0]
    assert jump.A.slope == 0 and len(jump.A.layers) == 8  # a third of 24
    assert level.T_A == pytest.approx(level.temperature[jump.A.layers].mean())
    assert line.T_A == pytest.approx(
        np.polyval(np.polyfit(line.x[16:40], line.temperature[16:40], 1), line.x[39:41].mean())
    )


def test_planes_lie_between_the_relaxed_layers_of_two_cells():
    """A smaller sigma in B moves the interface by more than a layer; in the table each plane keeps its cell."""
    size = {"structure__length": {"A": 20, "B": 20}, "structure__lattice_constant": 1.55}
    state = steady_state(
        parse_config(changed(LJ, interaction__potential="lj-harmonic", materials__B__sigma=0.96, **size))
    )
    assert np.abs(state.x - np.linspace(state.x[0], state.x[-1], len(state.x))).max() > 0.7
    flux = tabulate_state(state)["flux"]
    assert np.flatnonzero(np.isfinite(flux)).tolist() == list(range(3, 77, 2))


# ---- what is refused ----


def test_anharmonic_forces_are_refused():
    with pytest.raises(
        ConfigError, match=r"^interaction.potential: lj: exact needs harmonic or lj-harmonic$"
    ):
        steady_state(parse_config(LJ))


def test_too_large_a_strip_is_refused(monkeypatch):
    monkeypatch.setattr(module, "MAX_DENSE", 10)
    with pytest.raises(ConfigError, match=r"^structure.cross_section: \[3, 3\]: exact solves \d+ degrees"):
        steady_state(harmonic("fcc", (5, 5)))


def test_unstable_sites_and_free_motion_are_refused():
    K = np.diag([1.0, 2.0, -0.1])
    with pytest.raises(PhysicsError, match=r"^imaginary mode at the edge: w² = -0\.1: "):
        find_modes(K, np.ones(3), " at the edge")
    with pytest.raises(PhysicsError, match="free motion"):
        find_modes(np.diag([1.0, 2.0, 0.0]), np.array([1.0, 1.0, 0.0]))
