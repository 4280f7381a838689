"""Samples with a known truth for the tests of the analysis: a junction with correlated noise, no dynamics.

The junction is a crystal of one layer per cell: 1 wall, 4 bath and 15 bulk layers on each side. Energy is
conserved exactly: the flux between two planes differs by the change of a bounded energy, and the energy of
the whole changes by what the baths give.
"""

from dataclasses import replace

import numpy as np
from scipy.signal import lfilter

from analysis import Settings
from nemd_core.storage import Samples

WALL, BATH, BULK, N_SITES = 1, 4, 15, 36
SIDE = WALL + BATH + BULK
R_K, J, SLOPE_A, SLOPE_B, T_MIDDLE = 1.25, 0.03, -0.0012, -0.0020, 0.25
DELTA_T = R_K * J
AREA, TIMESTEP, SERIES_STEPS = 90.0, 0.005, 100
SETTINGS = Settings(
    layers_per_cell=1, dimensions=3, skip_bath=2, skip_interface=2, T_hot=0.0, T_cold=0.0, friction=1.0
)


def ar1(rng, tau, shape):
    """Noise of unit variance along the last axis with integrated autocorrelation time `tau` >= 1/2 rows."""
    rho = (2 * tau - 1) / (2 * tau + 1)
    noise = rng.standard_normal(shape) * np.sqrt(1 - rho**2)
    noise[..., 0] = rng.standard_normal(shape[:-1])
    return lfilter([1.0], [1.0, -rho], noise, axis=-1)


def truth(flux=J, delta_T=DELTA_T):
    """Exact layer temperatures of the junction, shape (n_layers,), with the positions of its layers."""
    x = np.arange(2.0 * SIDE)
    middle = SIDE - 0.5
    scale = flux / J
    A = T_MIDDLE + 0.5 * delta_T + SLOPE_A * scale * (x - middle)
    B = T_MIDDLE - 0.5 * delta_T + SLOPE_B * scale * (x - middle)
    T = np.where(x < middle, A, B)
    T[: SIDE - BULK] = T[SIDE - BULK]
    T[SIDE + BULK :] = T[SIDE + BULK - 1]
    return x, T


def make(
    seed=0, n_rep=1, n_rows=2000, tau=8.0, noise=1.0, share=0.5, flux=J, delta_T=DELTA_T
) -> tuple[Samples, Settings]:
    """Samples and settings; `tau` in rows, `noise` scales all noise, `share` correlates delta_T with J."""
    rng = np.random.default_rng(seed)
    x, T = truth(flux, delta_T)
    n_layers = len(x)
    species = np.where(x < SIDE, "A", "B")
    region = species.astype("U4")
    region[:WALL], region[-WALL:] = "wall", "wall"
    region[WALL : WALL + BATH], region[-WALL - BATH : -WALL] = "hot", "cold"
    shape = (n_rep, n_rows)

    common = ar1(rng, tau, shape)
    jump = np.sqrt(1 - share**2) * ar1(rng, tau, shape) + share * common
    sides = np.stack([ar1(rng, tau, shape), ar1(rng, tau, shape)], axis=2)
    temperature = T + noise * 0.01 * rng.standard_normal((*shape, n_layers))
    temperature += noise * 0.01 * jump[:, :, None] * np.where(species == "A", 0.5, -0.5)
    temperature += noise * 0.004 * np.where(species == "A", sides[:, :, :1], sides[:, :, 1:])
    temperature += noise * 0.0008 * ar1(rng, tau, shape)[:, :, None] * (x - x.mean()) / 10

    plane_x = np.arange(WALL, n_layers - WALL + 1) - 0.5
    stored = noise * 0.02 * ar1(rng, tau, (n_rep, len(plane_x) + 2, n_rows + 1))
    moved = np.diff(stored, axis=2).transpose(0, 2, 1)
    total = flux + noise * 0.012 * common[:, :, None] + moved
    stretch = SERIES_STEPS * TIMESTEP * AREA
    x_hot, x_cold = x[region == "hot"], x[region == "cold"]
    inside = np.clip((plane_x - x_hot[0] + 0.5) / BATH, 0, 1) * np.clip(
        (x_cold[-1] + 0.5 - plane_x) / BATH, 0, 1
    )
    heat_hot, heat_cold = (
        np.cumsum(sign * total[:, :, k] * stretch, axis=1) for sign, k in ((1, -2), (-1, -1))
    )
    start = np.full(n_rep, -4.0e4)
    samples = Samples(
        layers={
            "x0": x,
            "x_mean": x.copy(),
            "region": region,
            "species": species,
            "n_sites": np.full(n_layers, N_SITES),
        },
        planes={"x0": plane_x, "cell": np.arange(WALL, n_layers - WALL + 1)},
        interface_plane=SIDE - WALL,
        step=SERIES_STEPS * np.arange(1, n_rows + 1),
        temperature=temperature,
        flux=total[:, :, :-2] * inside,
        heat_hot=heat_hot,
        heat_cold=heat_cold,
        energy=start[:, None] + heat_hot + heat_cold,
        energy_start=start,
        area=AREA,
        timestep=TIMESTEP,
        series_steps=SERIES_STEPS,
    )
    offset = flux * AREA / (3 * BATH * N_SITES)  # how far Langevin baths lie off when they pass this power
    T_hot, T_cold = T[WALL] + offset, T[-WALL - 1] - offset
    return samples, replace(SETTINGS, T_hot=T_hot, T_cold=T_cold)


def mirror(samples: Samples) -> Samples:
    """The same run seen from the other end: A and B, and the bath in A and the bath in B, change places."""
    length = samples.layers["x0"].max()
    layers = {name: values[::-1].copy() for name, values in samples.layers.items()}
    layers["x0"], layers["x_mean"] = length - layers["x0"], length - layers["x_mean"]
    layers["species"] = np.where(layers["species"] == "A", "B", "A")
    names = {"A": "B", "B": "A", "hot": "cold", "cold": "hot", "wall": "wall"}
    layers["region"] = np.array([names[name] for name in layers["region"]])
    return replace(
        samples,
        layers=layers,
        planes={"x0": length - samples.planes["x0"][::-1], "cell": samples.planes["cell"]},
        interface_plane=len(samples.planes["x0"]) - 1 - samples.interface_plane,
        temperature=samples.temperature[:, :, ::-1],
        flux=-samples.flux[:, :, ::-1],
        heat_hot=samples.heat_cold,
        heat_cold=samples.heat_hot,
    )
