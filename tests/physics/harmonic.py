"""A harmonic run of the engine next to its exact expectation, which oracles.py derives on its own.

The expectation is that of the very run: its time step, its start, its length (`oracles.finite_run`). So a test owes
nothing to the time step, to modes that equilibrate slowly, or to those that no bath damps; what is left is noise, and
replicas are independent, so their scatter is its measure.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
import oracles
from physics.validation import mean_and_stderr

from analysis import Settings, analyse
from nemd_core import Simulation
from nemd_core.baths import layer_friction
from nemd_core.config import parse_config
from nemd_core.storage import Samples
from nemd_core.structure import build

NOISELESS_ROWS = 16


def configure(
    lattice, length, mass=(1.0, 1.0), stiffness=(1.0, 1.0), *, transverse=None, cross, baths, run, fit
):
    """Config of a harmonic junction; pairs are (A, B). The lattice constant makes no difference: 1 (chain, sc), 2 (fcc).

    cross : stiffness across the interface; with transverse stiffness, the same rule for both.
    """
    materials = {s: {"mass": m, "stiffness": k} for s, m, k in zip("AB", mass, stiffness, strict=True)}
    structure = {"lattice": lattice, "lattice_constant": 1.0, "length": dict(zip("AB", length, strict=True))}
    cross = {"stiffness": cross}
    if lattice != "chain":
        structure |= {"lattice_constant": {"sc": 1.0, "fcc": 2.0}[lattice], "cross_section": [3, 3]}
    if transverse is not None:
        for s, k in zip("AB", transverse, strict=True):
            materials[s]["transverse_stiffness"] = k
        cross["transverse_stiffness"] = cross["stiffness"]
    return parse_config(
        {
            "units": "lj",
            "structure": structure,
            "materials": materials,
            "interaction": {"potential": "harmonic", "cross": cross},
            "baths": baths,
            "run": {"sample_every": 10, "series_steps": 500, "threads": 1, **run},
            "fit": fit,
        }
    )


def junction_of(config):
    """The same junction as the oracles build it."""
    structure, baths, cross = config.structure, config.baths, config.interaction.cross
    options = {
        "stiffness_cross": cross.stiffness,
        "walls": baths.walls,
        "bath_hot": baths.hot.length,
        "bath_cold": baths.cold.length,
        "friction": baths.friction,
        "ramp": baths.ramp,
        "T_hot": baths.hot.temperature,
        "T_cold": baths.cold.temperature,
        "lattice_constant": structure.lattice_constant,
    }
    for side in "AB":
        material = getattr(config.materials, side)
        options |= {f"length_{side}": getattr(structure.length, side), f"mass_{side}": material.mass}
        options[f"stiffness_{side}"] = material.stiffness
        if material.transverse_stiffness:
            options[f"transverse_stiffness_{side}"] = material.transverse_stiffness
            options["transverse_stiffness_cross"] = cross.transverse_stiffness
    if structure.lattice == "chain":
        return oracles.chain_junction(**options)
    return oracles.crystal_junction(
        structure.lattice, **options, cross_section=tuple(structure.cross_section)
    )


def junction_of_crystal(config):
    """A crystal of any orientation as the oracles take it: one strip is the whole of it, so that one block holds all.

    Sites, species and bath regions are those that the engine builds; springs are sought here, between all sites that
    are nearest neighbours. Both materials, and the bonds across, have the same stiffness, along the bond alone.
    """
    system, baths = build(config), config.baths
    atoms = system.to_ase()
    positions, period = atoms.get_positions(), atoms.cell.lengths()[1:]
    moving = system.moving_cell[system.cell_of_site]
    springs, vectors = [], []
    for i, image in product(range(len(positions)), product((-1, 0, 1), repeat=2)):
        bond = positions + np.array([0.0, *(image * period)]) - positions[i]
        length = np.linalg.norm(bond, axis=1)
        for j in np.flatnonzero((length > 0) & (length < 1.01 * system.nearest)):
            forward = bond[j] if abs(bond[j, 0]) > 1e-9 else np.array([0.0, *bond[j, 1:]])
            if (moving[i] or moving[j]) and (*forward, i) > (*-forward, j):  # once, from the lower x
                springs.append((i, j))
                vectors.append(bond[j])
    unit = np.array(vectors) / system.nearest
    region, friction = system.layer_region[system.layer_of_site], layer_friction(system, baths)
    return oracles.Junction(
        positions=positions,
        masses=np.array([config.materials.A.mass, config.materials.B.mass])[system.species],
        moving=moving,
        species=np.array(["A", "B"])[system.species],
        layer=system.layer_of_site,
        column=np.arange(len(positions)),
        friction=friction[system.layer_of_site],
        temperature=np.select(
            [region == "hot", region == "cold"], [baths.hot.temperature, baths.cold.temperature], 0.0
        ),
        bath=np.where(np.isin(region, ["hot", "cold"]), region, ""),
        springs=np.array(springs),
        spring_vectors=np.array(vectors),
        spring_tensors=config.materials.A.stiffness * unit[:, :, None] * unit[:, None, :],
        anchors=np.zeros((len(positions), 3, 3)),
        cross_section=(1, 1),
        lattice_constant=config.structure.lattice_constant,
        area=system.area,
        layer_x0=system.layer_x,
        layer_region=system.layer_region,
        plane_x0=system.plane_x,
        plane_cell=system.plane_cell,
        between_baths=_between_baths(system),
        interface_plane=int(system.interfaces["plane"][0]),
    )


def _between_baths(system):
    inner = [system.layer_x[system.layer_region == name] for name in ("hot", "cold")]
    return (system.plane_x > inner[0].max()) & (system.plane_x < inner[1].min())


def expect(config):
    """The junction and the exact expectation of its run, which starts on the sites at twice the linear profile."""
    junction, baths, run = junction_of(config), config.baths, config.run
    x, region = junction.layer_x0, junction.layer_region
    inner = x[region == "hot"].max(), x[region == "cold"].min()
    start = 2 * np.interp(x, inner, (baths.hot.temperature, baths.cold.temperature))
    return junction, oracles.finite_run(
        junction, run.timestep, start, run.equilibration_steps, run.production_steps
    )


def noiseless_samples(config, junction, exact):
    """Samples in which every row holds the exact averages."""
    shape = (1, NOISELESS_ROWS)
    first = np.unique(junction.layer, return_index=True)[1]
    layer_species = junction.species[first]
    step = config.run.series_steps * np.arange(1, NOISELESS_ROWS + 1)
    hot, cold = (
        h * junction.area * config.run.timestep * step[None] for h in (exact.heat_hot, exact.heat_cold)
    )
    return Samples(
        layers={
            "x0": junction.layer_x0,
            "x_mean": junction.layer_x0,
            "region": junction.layer_region,
            "species": layer_species,
            "n_sites": np.bincount(junction.layer),
            "friction": junction.friction[first],
        },
        planes={"x0": junction.plane_x0, "cell": junction.plane_cell},
        interfaces={
            "plane": np.array([junction.interface_plane]),
            "left": np.flatnonzero(layer_species == "A")[-1:],
            "right": np.flatnonzero(layer_species == "B")[:1],
            "direction": np.array([1]),
        },
        period=0.0,
        step=step,
        temperature=np.broadcast_to(np.nan_to_num(exact.temperature), (*shape, junction.n_layers)),
        flux=np.broadcast_to(exact.flux, (*shape, len(exact.flux))),
        heat_hot=hot,
        heat_cold=cold,
        energy=hot + cold,
        stress=np.zeros((*shape, 2)),
        energy_start=np.zeros(1),
        area=junction.area,
        timestep=config.run.timestep,
        series_steps=config.run.series_steps,
    )


@dataclass
class Measured:
    """What the replicas of a run measured, one row per replica, and what it should be."""

    temperature: np.ndarray
    """(n_replicas, n_moving_layers)"""
    fluxes: np.ndarray
    """J_hot, J_cold and the mean flux through the planes between the baths, (n_replicas, 3)"""
    exact_temperature: np.ndarray
    exact_fluxes: np.ndarray
    fitted: dict
    """`interface.json` of the run"""
    exact_fitted: dict
    """`interface.json` of the exact averages"""
    jumps: np.ndarray
    """delta_T of each replica, by the same lines, (n_replicas,)"""


def measure(config) -> Measured:
    """Run the engine, and compute what it should find."""
    simulation = Simulation(config)
    simulation.run()
    samples, settings = simulation.samples(), Settings.from_config(config)
    junction, exact = expect(config)
    moving = junction.layer_region != "wall"
    time = config.run.production_steps * config.run.timestep * junction.area
    fluxes = (
        samples.heat_hot[:, -1] / time,
        -samples.heat_cold[:, -1] / time,
        samples.flux[:, :, junction.between_baths].mean(axis=(1, 2)),
    )
    result = analyse(samples, settings)
    fitted = result.interface
    means = samples.temperature.mean(axis=1)
    x, jump = samples.layers["x_mean"], 0.0
    for side, sign in (("A", 1), ("B", -1)):
        layers = np.isfinite(result.profile["fitted"]) & (result.profile["species"] == side)
        value = np.polyfit(x[layers] - fitted["x_interface"], means[:, layers].T, 1)[1]
        jump = jump + sign * value
    return Measured(
        temperature=means[:, moving],
        fluxes=np.column_stack(fluxes),
        exact_temperature=exact.temperature[moving],
        exact_fluxes=np.array([exact.heat_hot, -exact.heat_cold, exact.J]),
        fitted=fitted,
        exact_fitted=analyse(noiseless_samples(config, junction, exact), settings).interface,
        jumps=jump,
    )


def check_averages(record, name, run: Measured, *, cap_T, cap_J):
    """All layer temperatures and the three fluxes together, then J alone. Caps are fractions of mean T and of J."""
    J = run.exact_fluxes[2]
    caps = (cap_T * run.exact_temperature.mean(), cap_J * abs(J))
    record.vector(
        f"{name}: temperatures, J_hot, J_cold, J_planes",
        np.hstack([run.temperature, run.fluxes]),
        np.hstack([run.exact_temperature, run.exact_fluxes]),
        cap=np.repeat(caps, (run.temperature.shape[1], 3)),
        source="Lyapunov equation",
    )
    record(f"{name}: J", *mean_and_stderr(run.fluxes[:, 2]), J, cap=caps[1], source="Lyapunov equation")


def check_resistance(record, name, run: Measured, *, cap):
    """R_K of the analysis against the same fit to the exact averages; its error from the replicas' scatter."""
    R_K, exact = run.fitted["R_K"], run.exact_fitted["R_K"]
    J = run.fluxes[:, 2]
    _, stderr = mean_and_stderr((run.jumps - R_K * J) / J.mean())
    record(f"{name}: R_K", R_K, stderr, exact, cap=cap * exact, source="same fit, exact profile")
