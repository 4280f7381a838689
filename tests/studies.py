"""Studies on disk made of synthetic samples: what the report and the summaries read, without any dynamics.

And the config of the smallest study that the pipeline computes itself: `write_chain`.
"""

import hashlib
import shutil
from dataclasses import replace

import pandas as pd
import synthetic
import yaml

from analysis import fit_run
from nemd_core.config import config_hash, dump_config, parse_config, run_id
from nemd_core.storage import write_json, write_samples, write_text

MASSES, CROSS = (2.0, 4.0, 8.0), ("arithmetic", "geometric")
KEYS = ("materials.B.mass", "interaction.cross.stiffness")
FAILURE = "energy audit: drift 3.1 % of the heat transferred, allowed 1 %: lower run.timestep"
N_ROWS, TAU = 600, 4.0
"""Short series with little autocorrelation: quick to analyse, and enough independent samples to be trusted."""

CHAIN = {
    "units": "lj",
    "structure": {"lattice": "chain", "lattice_constant": 1.12, "length": {"A": 20, "B": 20}},
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 2.0, "epsilon": 1.0, "sigma": 1.0},
    },
    "interaction": {"potential": "lj", "cutoff": 1.7},
    "baths": {
        "hot": {"temperature": 2.0, "length": 4},
        "cold": {"temperature": 1.0, "length": 4},
        "walls": 2,
    },
    "run": {"equilibration_steps": 2000, "production_steps": 8000, "block_steps": 2000, "threads": 1},
    "fit": {"skip_bath": 2, "skip_interface": 2},
    "theory": None,
}
"""A study of one run, which takes a fraction of a second."""


def write_chain(path, **sections):
    """Write CHAIN as a config file, with other or more `sections`."""
    write_text(path, yaml.safe_dump(CHAIN | sections, sort_keys=False))


def make_config(settings, mass=4.0, cross="arithmetic", seed=1, ends="fixed"):
    """The configuration of a junction of the size of the synthetic samples, at the bath temperatures of `settings`."""
    material = {"stiffness": 1.0, "transverse_stiffness": 0.2}
    side = synthetic.SIDE if ends == "fixed" else synthetic.PERIODIC_SIDE
    return parse_config(
        {
            "units": "lj",
            "structure": {
                "lattice": "sc",
                "lattice_constant": 1.0,
                # too large for an exact answer: synthetic samples know no slow modes
                "cross_section": [200, 200],
                "length": {"A": side, "B": side},
                "ends": ends,
            },
            "materials": {"A": {"mass": 1.0, **material}, "B": {"mass": mass, **material}},
            "interaction": {"potential": "harmonic", "cross": {"stiffness": cross}},
            "baths": {
                "hot": {"temperature": float(settings.T_hot), "length": synthetic.BATH},
                "cold": {"temperature": float(settings.T_cold), "length": synthetic.BATH},
                "walls": synthetic.WALL if ends == "fixed" else 0,
            },
            "run": {"seed": seed},
            "fit": {"skip_bath": settings.skip_bath, "skip_interface": settings.skip_interface},
        }
    )


def make_info(config, **changes) -> dict:
    """A `run.json` as the engine writes it."""
    return {
        "status": "done",
        "message": "",
        "version": "0.2.0",
        "git_revision": hashlib.sha1(b"synthetic").hexdigest(),
        "config_hash": config_hash(config),
        "seed": config.run.seed,
        "replicas": 1,
        "hardware": {"machine": "x86_64", "processor": "synthetic", "cores": 2, "python": "3.11.7"},
        "threads": 1,
        "steps": 100_000,
        "equilibration_steps": 10_000,
        "atoms": 1440,
        "moving_atoms": 1368,
        "wall_time": 12.5,
        "atom_steps_per_s": 11.4e6,
        "units": "lj",
    } | changes


def write_run(
    study_dir,
    number,
    mass=4.0,
    cross="arithmetic",
    seed=1,
    ends="fixed",
    T_shift=0.0,
    failure=None,
    **arguments,
) -> str:
    """Write and analyse one run and return its name; `number` seeds the noise, `arguments` are those of `synthetic`.

    The running R_K takes seconds to draw: a copy of profile.png stands in for its figure.
    `T_shift` on the hot bath's set temperature makes the run untrusted; `failure` is the message of a run that was
    stopped by physics.
    """
    make = synthetic.make if ends == "fixed" else synthetic.make_periodic
    samples, settings = make(number, n_rows=N_ROWS, tau=TAU, **arguments)
    config = make_config(replace(settings, T_hot=settings.T_hot + T_shift), mass, cross, seed, ends)
    directory = study_dir / run_id(config)
    directory.mkdir(parents=True)
    write_text(directory / "config.yaml", dump_config(config))
    info = make_info(config, wall_time=12.5 + 60.0 * number)
    if failure:
        write_json(directory / "run.json", info | {"status": "failed", "message": failure})
        return directory.name
    write_json(directory / "run.json", info)
    write_samples(directory / "samples.h5", samples)
    fit_run(directory)
    shutil.copy(directory / "profile.png", directory / "running.png")
    return directory.name


def make_study(study_dir, failure=FAILURE) -> pd.DataFrame:
    """Six runs over two keys: R_K grows with the mass; the fifth is not trusted, the sixth failed.

    Returns runs.csv, in the order of the study, which is not that of R_K.
    """
    points = [(mass, cross) for mass in reversed(MASSES) for cross in CROSS]
    rows = []
    for number, (mass, cross) in enumerate(points):
        name = write_run(
            study_dir,
            number,
            mass,
            cross,
            delta_T=synthetic.DELTA_T * mass / 4 * (1.0 if cross == "arithmetic" else 1.3),
            T_shift=0.1 if number == 4 else 0.0,
            failure=failure if number == 5 else None,
        )
        rows.append((name, mass, cross))
    runs = pd.DataFrame(rows, columns=["run", *KEYS])
    runs.to_csv(study_dir / "runs.csv", index=False)
    return runs
