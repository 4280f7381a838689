"""Samples with a known truth for the tests of the analysis: a junction with correlated noise, no dynamics.

The junction is a crystal of one layer per cell. With fixed ends: 1 wall, 4 bath and 15 bulk layers on each side. With
periodic ends: 15 bulk, 4 bath and 15 bulk layers of A, then as many of B; the first interface lies between them, the
second at the boundary of the cell. Energy is conserved exactly: the flux between two planes differs by the change of a
bounded energy, and the energy of the whole changes by what the baths give.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.signal import lfilter

from analysis import Settings
from nemd_core.storage import Samples

WALL, BATH, BULK, N_SITES = 1, 4, 15, 36
SIDE = WALL + BATH + BULK
PERIODIC_SIDE = BULK + BATH + BULK
R_K, J, SLOPE_A, SLOPE_B, T_MIDDLE = 1.25, 0.03, -0.0012, -0.0020, 0.25
DELTA_T = R_K * J
STRESS_A, STRESS_B = 0.02, -0.03
AREA, TIMESTEP, SERIES_STEPS, FRICTION = 90.0, 0.005, 100, 1.0
SETTINGS = Settings(layers_per_cell=1, dimensions=3, skip_bath=2, skip_interface=2, T_hot=0.0, T_cold=0.0)


def ar1(rng, tau, shape):
    """Noise of unit variance along the last axis with integrated autocorrelation time `tau` >= 1/2 rows."""
    rho = (2 * tau - 1) / (2 * tau + 1)
    noise = rng.standard_normal(shape) * np.sqrt(1 - rho**2)
    noise[..., 0] = rng.standard_normal(shape[:-1])
    return lfilter([1.0], [1.0, -rho], noise, axis=-1)


@dataclass
class Geometry:
    """Where everything lies. A path leads from the hot to the cold bath across one interface."""

    x: np.ndarray
    species: np.ndarray
    region: np.ndarray
    path: np.ndarray
    """Path that each layer is on."""
    along: np.ndarray
    """Distance of each layer from its interface along its path, positive in B."""
    planes: dict
    plane_path: np.ndarray
    plane_share: np.ndarray
    """Share of the path's flux that crosses each plane along +x: less inside a bath, negative where A lies right."""
    interfaces: dict
    period: float


def fixed() -> Geometry:
    n_layers = 2 * SIDE
    x = np.arange(float(n_layers))
    species = np.where(x < SIDE, "A", "B")
    region = species.astype("U4")
    region[:WALL], region[-WALL:] = "wall", "wall"
    region[WALL : WALL + BATH], region[-WALL - BATH : -WALL] = "hot", "cold"
    cell = np.arange(WALL, n_layers - WALL + 1)
    plane = cell - 0.5
    share = np.clip((plane - WALL + 0.5) / BATH, 0, 1) * np.clip((n_layers - WALL - 0.5 - plane) / BATH, 0, 1)
    return Geometry(
        x=x,
        species=species,
        region=region,
        path=np.zeros(n_layers, int),
        along=x - (SIDE - 0.5),
        planes={"x0": plane, "cell": cell},
        plane_path=np.zeros(len(plane), int),
        plane_share=share,
        interfaces={name: np.array([k]) for name, k in _ends(SIDE - WALL, SIDE - 1, SIDE, 1)},
        period=0.0,
    )


def periodic() -> Geometry:
    n_layers = 2 * PERIODIC_SIDE
    x = np.arange(float(n_layers))
    species = np.where(x < PERIODIC_SIDE, "A", "B")
    region = species.astype("U4")
    for first, name in ((BULK, "hot"), (PERIODIC_SIDE + BULK, "cold")):
        region[first : first + BATH] = name
    middle = PERIODIC_SIDE / 2 - 0.5  # of the hot bath
    path = np.where(np.abs(x - (PERIODIC_SIDE - 0.5)) < PERIODIC_SIDE / 2, 0, 1)
    from_boundary = np.where(species == "A", x + 0.5, x + 0.5 - n_layers)
    plane = x - 0.5
    towards = np.clip((plane - middle) * 2 / BATH, -1, 1)  # +1 on the first path, -1 on the second
    towards *= np.clip((middle + PERIODIC_SIDE - plane) * 2 / BATH, -1, 1)
    ends = zip(
        _ends(PERIODIC_SIDE, PERIODIC_SIDE - 1, PERIODIC_SIDE, 1), _ends(0, n_layers - 1, 0, -1), strict=True
    )
    return Geometry(
        x=x,
        species=species,
        region=region,
        path=path,
        along=np.where(path == 0, x - (PERIODIC_SIDE - 0.5), -from_boundary),
        planes={"x0": plane, "cell": np.arange(n_layers)},
        plane_path=np.where(towards > 0, 0, 1),
        plane_share=towards,
        interfaces={name: np.array([k, other]) for (name, k), (_, other) in ends},
        period=float(n_layers),
    )


def _ends(plane, left, right, direction):
    return [("plane", plane), ("left", left), ("right", right), ("direction", direction)]


def temperatures(geometry: Geometry, fluxes, jumps) -> np.ndarray:
    """Exact layer temperatures, shape (n_layers,); a bath and the wall behind it are as warm as its inner edge."""
    flux, jump = np.array(fluxes)[geometry.path], np.array(jumps)[geometry.path]
    in_A = geometry.species == "A"
    T = T_MIDDLE + np.where(in_A, 0.5, -0.5) * jump
    T += np.where(in_A, SLOPE_A, SLOPE_B) * flux / J * geometry.along
    for side in "AB":
        bulk = geometry.region == side
        edge = np.flatnonzero(bulk)[np.argmax(np.abs(geometry.along[bulk]))]
        T[(geometry.species == side) & ~bulk] = T[edge]
    return T


def truth(flux=J, delta_T=DELTA_T):
    """Positions and exact layer temperatures of the junction with fixed ends, each of shape (n_layers,)."""
    geometry = fixed()
    return geometry.x, temperatures(geometry, [flux], [delta_T])


def make(seed=0, n_rep=1, n_rows=2000, tau=8.0, noise=1.0, share=0.5, flux=J, delta_T=DELTA_T):
    """Samples and settings with fixed ends; see `build`."""
    return build(fixed(), (flux,), (delta_T,), seed, n_rep, n_rows, tau, noise, share)


def make_periodic(
    seed=0, n_rep=1, n_rows=2000, tau=8.0, noise=1.0, share=0.5, fluxes=(J, J), jumps=(DELTA_T, DELTA_T)
):
    """Samples and settings with periodic ends; see `build`. `fluxes` and `jumps` of the two interfaces."""
    return build(periodic(), fluxes, jumps, seed, n_rep, n_rows, tau, noise, share)


def build(geometry, fluxes, jumps, seed, n_rep, n_rows, tau, noise, share) -> tuple[Samples, Settings]:
    """Samples and settings; `tau` in rows, `noise` scales all noise, `share` correlates each jump with its flux."""
    rng = np.random.default_rng(seed)
    T = temperatures(geometry, fluxes, jumps)
    n_layers, n_planes, shape = len(T), len(geometry.plane_path), (n_rep, n_rows)
    in_A = geometry.species == "A"

    common = [ar1(rng, tau, shape) for _ in fluxes]
    jump = [np.sqrt(1 - share**2) * ar1(rng, tau, shape) + share * c for c in common]
    jump, common = np.stack(jump, axis=2), np.stack(common, axis=2)
    sides = np.stack([ar1(rng, tau, shape), ar1(rng, tau, shape)], axis=2)
    temperature = T + noise * 0.01 * rng.standard_normal((*shape, n_layers))
    temperature += noise * 0.01 * jump[:, :, geometry.path] * np.where(in_A, 0.5, -0.5)
    temperature += noise * 0.004 * np.where(in_A, sides[:, :, :1], sides[:, :, 1:])
    temperature += noise * 0.0008 * ar1(rng, tau, shape)[:, :, None] * geometry.along / 10

    stored = noise * 0.02 * ar1(rng, tau, (n_rep, n_planes + 2, n_rows + 1))
    moved = np.diff(stored, axis=2).transpose(0, 2, 1)
    flux = np.array(fluxes) + noise * 0.012 * common
    planes = flux[:, :, geometry.plane_path] + np.sign(geometry.plane_share) * moved[:, :, :-2]
    stretch = SERIES_STEPS * TIMESTEP * AREA
    heat_hot, heat_cold = (
        np.cumsum(sign * (flux.sum(axis=2) + moved[:, :, k]) * stretch, axis=1)
        for sign, k in ((1, -2), (-1, -1))
    )
    start = np.full(n_rep, -4.0e4)
    friction = np.where(np.isin(geometry.region, ["hot", "cold"]), FRICTION, 0.0)
    samples = Samples(
        layers={
            "x0": geometry.x,
            "x_mean": geometry.x.copy(),
            "region": geometry.region,
            "species": geometry.species,
            "n_sites": np.full(n_layers, N_SITES),
            "friction": friction,
        },
        planes=geometry.planes,
        interfaces=geometry.interfaces,
        period=geometry.period,
        step=SERIES_STEPS * np.arange(1, n_rows + 1),
        temperature=temperature,
        flux=planes * geometry.plane_share,
        heat_hot=heat_hot,
        heat_cold=heat_cold,
        energy=start[:, None] + heat_hot + heat_cold,
        stress=[STRESS_A, STRESS_B] + noise * 0.01 * rng.standard_normal((*shape, 2)),
        energy_start=start,
        area=AREA,
        timestep=TIMESTEP,
        series_steps=SERIES_STEPS,
    )
    offset = (
        sum(fluxes) * AREA / (3 * BATH * N_SITES)
    )  # how far Langevin baths lie off when they pass this power
    T_hot, T_cold = (T[geometry.region == name][0] for name in ("hot", "cold"))
    return samples, replace(SETTINGS, T_hot=T_hot + offset, T_cold=T_cold - offset)


def reverse(samples: Samples) -> Samples:
    """The same run seen from the other end: x runs backwards."""
    length, n_layers = samples.layers["x0"].max(), len(samples.layers["x0"])
    layers = {name: values[::-1].copy() for name, values in samples.layers.items()}
    layers["x0"], layers["x_mean"] = length - layers["x0"], length - layers["x_mean"]
    ends = samples.interfaces
    return replace(
        samples,
        layers=layers,
        planes={"x0": length - samples.planes["x0"][::-1], "cell": samples.planes["cell"]},
        interfaces={
            "plane": len(samples.planes["x0"]) - 1 - ends["plane"],
            "left": n_layers - 1 - ends["right"],
            "right": n_layers - 1 - ends["left"],
            "direction": -ends["direction"],
        },
        temperature=samples.temperature[:, :, ::-1],
        flux=-samples.flux[:, :, ::-1],
    )


def mirror(samples: Samples) -> Samples:
    """Seen from the other end, and A and B, and the bath in A and the bath in B, change their names."""
    turned = reverse(samples)
    layers = dict(turned.layers)
    layers["species"] = np.where(layers["species"] == "A", "B", "A")
    names = {"A": "B", "B": "A", "hot": "cold", "cold": "hot", "wall": "wall"}
    layers["region"] = np.array([names[name] for name in layers["region"]])
    return replace(
        turned,
        layers=layers,
        interfaces=turned.interfaces | {"direction": -turned.interfaces["direction"]},
        heat_hot=samples.heat_cold,
        heat_cold=samples.heat_hot,
        stress=samples.stress[:, :, ::-1],
    )
