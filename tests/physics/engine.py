"""Lennard-Jones junctions for the physics tests, runs that several tests share, and handles on the running engine."""

from pathlib import Path

import numpy as np

from analysis import Settings, analyse
from nemd_core import Simulation, load_config, relax_all
from nemd_core.config import config_hash

DEFAULT = Path(__file__).parents[2] / "configs" / "default.yaml"
_RUNS = {}


def configure(
    *,
    masses=(1.0, 4.0),
    epsilons=(1.0, 1.0),
    temperatures=(0.35, 0.15),
    cells=24,
    baths=(6, 6),
    walls=2,
    ends="fixed",
    lattice_constant=1.58,
    cross_section=6,
    cutoff=2.5,
    friction=1.0,
    ramp=False,
    fit=(3, 3),
    **run,
):
    """Config of an fcc junction, the default one except for what is given; pairs are (A, B), `fit` the cells skipped.

    With a cut-off of 1.5 only nearest neighbours interact, one wall cell is enough, and steps are far cheaper.
    """
    values = {
        "structure.ends": ends,
        "structure.lattice_constant": lattice_constant,
        "structure.cross_section": [cross_section, cross_section],
        "interaction.cutoff": cutoff,
        "baths.friction": friction,
        "baths.ramp": ramp,
        "baths.walls": walls,
        "fit.skip_bath": fit[0],
        "fit.skip_interface": fit[1],
    }
    for n, (side, bath) in enumerate(zip("AB", ("hot", "cold"), strict=True)):
        values |= {
            f"structure.length.{side}": cells,
            f"materials.{side}.mass": masses[n],
            f"materials.{side}.epsilon": epsilons[n],
            f"baths.{bath}.temperature": temperatures[n],
            f"baths.{bath}.length": baths[n],
        }
    values |= {f"run.{key}": value for key, value in run.items()}
    return load_config(DEFAULT, values)


def simulate(config):
    """Samples of a run and its `interface.json`; a run that another test has done is not repeated."""
    key = config_hash(config)
    if key not in _RUNS:
        simulation = Simulation(config, crystals=relax_all(config))
        simulation.run()
        samples = simulation.samples()
        _RUNS[key] = samples, analyse(samples, Settings.from_config(config)).interface
    return _RUNS[key]


def start(config, *, baths=True):
    """One group with all replicas of `config`, at step 0; without baths it conserves energy."""
    simulation = Simulation(config)
    (group,) = simulation.groups
    if not baths:
        switch_baths_off(group)
    return group


def switch_baths_off(group):
    group.baths.memory[:] = 1.0
    group.baths.noise[:] = 0.0


def by_site(group, array):
    """From the engine's layout to (replica, site, component)."""
    return group.forces.rows.gather(group.system, array)


def by_species(group, values):
    """Mean over the moving sites of A and of B, from (..., n_sites) to (..., 2)."""
    system = group.system
    moving = system.moving_cell[system.cell_of_site]
    return np.stack(
        [values[..., moving & (system.species == species)].mean(axis=-1) for species in (0, 1)],
        axis=-1,
    )
