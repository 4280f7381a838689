"""Leads, Green's functions and modes, against mode matching, counted modes and what symmetry demands."""

import numpy as np
import pytest
from junctions import CHAIN, LJ, SPRINGS, changed, configure
from oracles import landauer_chain_transmission

from nemd_core.errors import ConfigError, PhysicsError
from nemd_core.theory import strips
from nemd_core.theory.branches import count_modes, follow_branches, integrate_modes, lead_frequencies
from nemd_core.theory.greens import transmit
from nemd_core.theory.leads import device_blocks, lead_blocks, make_blocks
from nemd_core.theory.strips import make_strip

ETA = 1e-8
LONG = {"A": 12, "B": 12}
K = np.array([0.61, 0.37])
SOFT = changed(
    LJ, interaction={"potential": "harmonic"}, materials=SPRINGS, structure__length=LONG, baths__walls=1
)
HARMONIC_LJ = changed(LJ, interaction__potential="lj-harmonic", structure__length=LONG)


def blocks(base, **settings):
    return make_blocks(make_strip(configure(base, **settings)))


def chain(mass=1.0, stiffness=1.0, **settings):
    """A chain of mass and stiffness 1 against another."""
    other = {"mass": mass, "stiffness": stiffness}
    return blocks(CHAIN, materials__B=other, structure__length={"A": 12, "B": 12}, **settings)


def uniform(base, **settings):
    return blocks(base, materials__B=base["materials"]["A"], **settings)


def modes_of(lead, k, w):
    return count_modes(follow_branches(lead, k), w)


# ---- chains ----


@pytest.mark.parametrize("mass, stiffness", [(4.0, 1.0), (0.5, 1.0), (1.0, 2.0), (3.0, 0.4)])
def test_chain_transmission_is_the_formula(mass, stiffness):
    w = np.linspace(0.01, 2.9, 60)
    exact = [landauer_chain_transmission(x, 1.0, 1.0, mass, stiffness, (1 + stiffness) / 2) for x in w]
    np.testing.assert_allclose(transmit(chain(mass, stiffness), [0, 0], w, ETA).tau, exact, atol=3e-6)


def test_long_waves_see_the_impedances():
    Z = np.sqrt(3.0 * 2.0)
    tau = transmit(chain(3.0, 2.0), [0, 0], [1e-3], 1e-9).tau[0]
    assert tau == pytest.approx(4 * Z / (1 + Z) ** 2, rel=1e-5)


def test_nothing_passes_above_the_softer_side():
    junction = chain(4.0)
    assert transmit(junction, [0, 0], [1.001, 1.5, 1.99], ETA).tau == pytest.approx(0.0, abs=1e-6)


# ---- perfect crystals ----


CRYSTALS = [
    (SOFT, {"structure__lattice": "sc"}),
    (SOFT, {"structure__lattice": "bcc"}),
    (SOFT, {"structure__lattice": "diamond"}),
    (SOFT, {}),
    (SOFT, {"structure__orientation": 110}),
    (SOFT, {"structure__orientation": 111}),
    (HARMONIC_LJ, {}),
    (HARMONIC_LJ, {"structure__orientation": 111, "structure__cross_section": [4, 3]}),
]


@pytest.mark.parametrize("base, settings", CRYSTALS)
def test_perfect_crystal_transmits_all_its_modes(base, settings):
    junction = uniform(base, **settings)
    for k in (K, 1.7 * K[::-1], np.zeros(2)):
        branches = follow_branches(junction.A, k)
        w = np.linspace(0.02, 1.02, 23) * branches.w.max()
        near = np.abs(np.subtract.outer(w, branches.w)).min(axis=(1, 2)) > 0.01 * branches.w.max()
        modes = count_modes(branches, w)
        w, modes = w[near | (modes > 0)], modes[near | (modes > 0)]
        np.testing.assert_allclose(transmit(junction, k, w, 1e-9 * w.max()).tau, modes, atol=1e-4)


def test_counted_modes_are_whole_and_their_integral_is_that_of_the_velocities():
    lead = uniform(HARMONIC_LJ).A
    branches = follow_branches(lead, K)
    w = (np.arange(4000) + 0.5) / 4000 * branches.w.max()
    modes = count_modes(branches, w)
    assert (modes == modes.round()).all()
    assert modes.sum() * (w[1] - w[0]) == pytest.approx(integrate_modes(branches), rel=1e-3)


def test_leads_of_a_primitive_strip_repeat_after_one_layer_and_after_two_in_diamond():
    assert uniform(HARMONIC_LJ).A.period == 1
    junction = uniform(SOFT, structure__lattice="diamond")
    assert junction.A.period == 2
    own, _ = lead_blocks(junction.A, K)
    np.testing.assert_allclose(own, device_blocks(junction, K)[0][0], atol=1e-12)


# ---- junctions ----


@pytest.mark.parametrize("base", [SOFT, HARMONIC_LJ])
def test_transmission_stays_between_zero_and_the_modes(base):
    junction = blocks(base)
    w = np.linspace(0.05, 25, 80)
    tau = transmit(junction, K, w, 1e-8).tau
    least = np.minimum(modes_of(junction.A, K, w), modes_of(junction.B, K, w))
    assert tau.min() > -1e-9
    assert (tau <= least + 1e-4).all()


@pytest.mark.parametrize("base, orientation", [(SOFT, 100), (SOFT, 111), (HARMONIC_LJ, 100)])
def test_swapped_sides_transmit_the_same(base, orientation):
    materials = {"A": base["materials"]["B"], "B": base["materials"]["A"]}
    w = np.linspace(0.1, 12, 30)
    forth, back = (
        transmit(blocks(base, structure__orientation=orientation, **change), k, w, ETA)
        # a mirror along x turns fcc [111] into its twin, whose k is the opposite one
        for change, k in (({}, K), ({"materials": materials}, K if orientation == 100 else -K))
    )
    np.testing.assert_allclose(forth.tau, back.tau, atol=1e-5)


def test_unequal_epsilon_keeps_its_bounds_about_relaxed_sites():
    junction = blocks(HARMONIC_LJ, materials__B__epsilon=1.6, structure__length={"A": 16, "B": 16})
    assert junction.n_blocks > 2  # the relaxed zone is inside the device
    assert junction.mismatch < 1e-4
    w = np.linspace(0.1, 30, 60)
    tau = transmit(junction, K, w, ETA).tau
    least = np.minimum(modes_of(junction.A, K, w), modes_of(junction.B, K, w))
    # force constants at the edge of the device are those of the lead but for the mismatch
    assert (tau > -1e-6).all() and (tau < least + 1e-3).all()


def test_junction_between_periodic_ends_is_the_one_in_the_middle():
    fixed, periodic = blocks(SOFT), blocks(SOFT, structure__ends="periodic", baths__walls=0)
    w = np.linspace(0.1, 1.9, 20)
    np.testing.assert_allclose(transmit(periodic, K, w, ETA).tau, transmit(fixed, K, w, ETA).tau, atol=1e-6)


# ---- slow twins ----


def match_modes(junction, k, w):
    """(tau, Σ tau_m/v_m of A, of B) from Bloch waves on both sides, joined at the interface; one layer is a block.

    Young and Maris, PRB 40, 3685 (1989): incoming, reflected, transmitted and decaying waves together obey the equations of
    motion of the two layers at the interface.
    """
    own, ahead = device_blocks(junction, k)
    outwards = [lead_blocks(lead, k) for lead in (junction.A, junction.B)]
    H01 = [outwards[0][1].conj().T, outwards[1][1]]  # towards +x
    into, out = zip(*(_bloch(outwards[s][0], H01[s], w, s) for s in (0, 1)), strict=True)
    n = len(own[0])
    # layers -1 and 0 in A, 1 and 2 in B; amplitudes of the waves that leave
    A_out = [u * lam**x for x in (-1, 0) for lam, u in zip(*out[0][:2], strict=True)]
    back, here = np.array(A_out[:n]).T, np.array(A_out[n:]).T
    there, beyond = (np.array([u * lam**x for lam, u in zip(*out[1][:2], strict=True)]).T for x in (0, 1))
    left, right = own[0] - w**2 * np.eye(n), own[1] - w**2 * np.eye(n)
    matrix = np.block(
        [
            [left @ here + H01[0].conj().T @ back, ahead[0] @ there],
            [ahead[0].conj().T @ here, right @ there + H01[1] @ beyond],
        ]
    )
    tau, over_v = 0.0, []
    for side in (0, 1):
        total = 0.0
        for lam, u, v in zip(*into[side], strict=True):
            if side == 0:
                drive = np.concatenate([left @ u + H01[0].conj().T @ u / lam, ahead[0].conj().T @ u])
            else:
                drive = np.concatenate([ahead[0] @ u, right @ u + H01[1] @ u * lam])
            amplitude = np.linalg.solve(matrix, -drive)
            leaving = amplitude[n:] if side == 0 else amplitude[:n]
            tau_m = (np.abs(leaving) ** 2 * np.abs(out[1 - side][2])).sum() / abs(v)
            tau += tau_m / 2
            total += tau_m / abs(v)
        over_v.append(total)
    return tau, *over_v


def _bloch(H00, H01, w, side):
    """Waves (lambda, vector, velocity) of a lead that come in and that leave; velocity 0 for those that decay."""
    n = len(H00)
    one, zero = np.eye(n), np.zeros((n, n))
    first = np.block([[zero, one], [-H01.conj().T, w**2 * one - H00]])
    inverse = np.linalg.solve(np.block([[one, zero], [zero, H01]]), first)
    into, out = [], []
    for lam, vector in zip(*[a if a.ndim == 1 else a.T for a in np.linalg.eig(inverse)], strict=True):
        u = vector[:n] / np.linalg.norm(vector[:n])
        if abs(abs(lam) - 1) > 1e-7:
            if (abs(lam) < 1) == (side == 1):
                out.append((lam, u, 0.0))
            continue
        v = (u.conj() @ (1j * (H01 * lam - H01.conj().T / lam)) @ u).real / (2 * w)
        (into if (v > 0) == (side == 0) else out).append((lam, u, v))
    return [list(column) for column in zip(*into, strict=True)], [list(c) for c in zip(*out, strict=True)]


@pytest.mark.parametrize("orientation", [100, 111])
def test_transmission_and_densities_are_those_of_matched_modes(orientation):
    """Also without a lateral mirror (fcc [111]), where k and -k differ in the densities but not in tau."""
    heavier = SPRINGS["A"] | {"mass": 2.0}
    junction = blocks(SOFT, structure__orientation=orientation, materials__B=heavier)
    assert junction.n_blocks == 2
    for w in (0.9, 1.31, 1.77):
        found = transmit(junction, K, [w], 1e-10)
        at_k, opposite = (match_modes(junction, k, w) for k in (K, -K))
        assert found.tau[0] == pytest.approx(at_k[0], rel=1e-6)
        assert opposite[0] == pytest.approx(at_k[0], rel=1e-6)
        for dos, first, second in zip(
            (found.tau_dos_A, found.tau_dos_B), at_k[1:], opposite[1:], strict=True
        ):
            # Per layer there are 3 modes, half of which come in: <tau> = (2/3) ∫ dw/2pi Σ tau_m/v_m. The mean over 32 layers
            # leaves a little of the interference of modes.
            assert dos[0] == pytest.approx((first + second) / 2 / np.pi / 3, rel=0.02)


@pytest.mark.parametrize(
    "base, settings",
    [
        (SOFT, {"structure__lattice": "diamond", "structure__cross_section": [2, 2]}),
        (SOFT, {"structure__orientation": 111, "structure__cross_section": [3, 2]}),
        (HARMONIC_LJ, {}),
    ],
)
def test_wide_strip_is_the_sum_over_its_folded_wave_vectors(base, settings, monkeypatch):
    config = configure(base, **settings)
    narrow = make_strip(config)
    monkeypatch.setattr(strips, "narrowest_cell", lambda s: (np.diag(s.sides), np.arange(s.n_sites)))
    wide = make_blocks(make_strip(config))
    assert len(wide.folded) == narrow.n_strips
    w = np.array([0.5, 1.2, 1.9]) * (1.0 if base is SOFT else 5.0)
    total = np.zeros((3, len(w)))
    points, junction = strips.simulated_points(narrow), make_blocks(narrow)
    for k, weight in zip(points.k, points.weight, strict=True):
        total += weight * np.array(transmit(junction, k, w, ETA))
    total[1:] /= narrow.n_strips  # densities are per mode
    # a frequency that one doubling made to step aside by 1e-7 is in the sum only
    np.testing.assert_allclose(transmit(wide, [0, 0], w, ETA), total, rtol=1e-5)


# ---- refusals ----


def test_a_side_too_short_for_a_lead_is_named():
    with pytest.raises(
        ConfigError, match=r"^structure\.length\.A: 8 moving layers of nothing but A: .* at least 11 "
    ):
        blocks(
            LJ,
            interaction__cutoff=2.5,
            structure__cross_section=[4, 4],
            structure__length={"A": 6, "B": 12},
        )


def test_imaginary_modes_are_named():
    lead = uniform(HARMONIC_LJ).A
    weak = lead._replace(stiffness=-lead.stiffness)
    with pytest.raises(PhysicsError, match=r"materials\.A: imaginary mode, w² = -.* k = \(0\.61, 0\.37\)"):
        lead_frequencies(weak, K, np.linspace(0, 6, 9))
