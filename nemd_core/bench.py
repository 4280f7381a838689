"""Atom-steps per second of whole NEMD steps: baths, sampling and checks included. No physics is judged here.

The peer runs the same junction in the same call (`foreign.lammps`). Repeats alternate between the two; medians are
printed, with the range.
"""

import os
import tempfile
import time
from statistics import median

from .config import parse_config
from .foreign.lammps import find_lmp, input_text, run_lammps
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
    """Measure every case and print a table; `against`: 'lammps' or None. Returns the exit status.

    Raises ConfigError where the peer is not installed.
    """
    if against:
        find_lmp()  # before anything is measured
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
                    peer_rates.append(_measure_lammps(config))
            print(
                f"{name}, {n} thread{'s' * (n > 1)}: {_summary(rates)}; {median(rates) / n / 1e6:.1f} per core"
            )
            if peer:
                ratios = [ours / theirs for ours, theirs in zip(rates, peer_rates, strict=True)]
                print(f"    LAMMPS, {n} MPI ranks: {_summary(peer_rates)}")
                print(f"    ratio {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
    if against:
        print(f"\nLAMMPS input:\n{input_text(parse_config(_LJ))}")
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


def _measure_lammps(config) -> float:
    """Moving atoms x steps / s that LAMMPS reports for its run loop, on as many ranks as the engine has threads."""
    with tempfile.TemporaryDirectory() as directory:
        seconds = run_lammps(config, directory, config.run.threads).seconds
    return build(config).n_moving * config.run.production_steps / seconds
