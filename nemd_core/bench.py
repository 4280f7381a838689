"""Atom-steps per second of whole NEMD steps: baths, sampling and checks included, but for the peer's own benchmark of a
melt. No physics is judged here.

The peer runs the same junction in the same call (`foreign.lammps`). Repeats alternate between the two; medians are
printed, with the range. Atoms that move are counted, of all replicas.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .config import Config, parse_config
from .foreign.lammps import MPIRUN, find_lmp, input_text, melt_text, run_lammps, run_melt
from .machine import arithmetic_rate, seconds_per_pair
from .runs import processor
from .simd import LANES
from .simulation import Simulation
from .structure import build

_DENSE = 4 ** (1 / 3)
"""Lattice constant of an fcc crystal of density 1."""
_LJ = {
    "units": "lj",
    "materials": {
        "A": {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0},
        "B": {"mass": 4.0, "epsilon": 1.0, "sigma": 1.0},
    },
    "baths": {"hot": {"temperature": 0.35, "length": 3}, "cold": {"temperature": 0.15, "length": 3}},
    "fit": {"skip_bath": 0, "skip_interface": 0},
}
_CHAIN = {
    "units": "lj",
    "materials": {"A": {"mass": 1.0, "stiffness": 1.0}, "B": {"mass": 4.0, "stiffness": 1.0}},
    "interaction": {"potential": "harmonic"},
    "baths": {
        "hot": {"temperature": 1.5, "length": 10},
        "cold": {"temperature": 0.5, "length": 10},
        "walls": 0,
    },
    "fit": {"skip_bath": 0, "skip_interface": 0},
}
_MELT = {
    **_LJ,
    "lattice_constant": (4 / 0.8442) ** (1 / 3),
    "materials": {"A": _LJ["materials"]["A"], "B": _LJ["materials"]["A"]},
    "baths": {
        "hot": {"temperature": 0.72, "length": 2},
        "cold": {"temperature": 0.72, "length": 2},
        "walls": 0,
    },
}
"""The melt that is every code's benchmark, between two baths that `Case.isolated` takes away."""
_SECONDS = 4.0
"""What a measurement aims to take."""


class Case(NamedTuple):
    """One kind of work."""

    name: str
    settings: dict
    cells: tuple[int, int]
    """Cells of the whole length, and of the cross-section along y and along z."""
    replicas: int = 1
    truncation: str = "energy-shift"
    precision: str = "double"
    forces: str = "lattice"
    isolated: bool = False
    """Whether baths are taken away, and steps not sampled, as the peer's benchmark of a melt has it."""
    peer: bool = False
    """Whether the peer can do the same."""
    checked: bool = False
    """Whether the peer's list is built when an atom has moved half the skin, as ours is; its own benchmark of a melt does
    not look, and builds every 20 steps."""

    def config(self, threads: int, steps: int) -> Config:
        """The case as a configuration of so many steps."""
        length, cross = self.cells
        crystal = self.settings is not _CHAIN
        structure = {
            "lattice": "fcc" if crystal else "chain",
            "lattice_constant": self.settings.get("lattice_constant", _DENSE if crystal else 1.0),
            "length": {"A": length // 2, "B": length - length // 2},
        }
        run = {
            "timestep": 0.005 if crystal else 0.05,
            "equilibration_steps": 0,
            "production_steps": steps,
            "block_steps": steps,
            "threads": threads,
            "replicas": self.replicas,
            "precision": self.precision,
            "forces": self.forces,
        }
        if self.isolated:  # nothing is measured but at the end, where something must be
            run |= {"equilibration_steps": steps - 10, "production_steps": 10, "series_steps": 10}
        settings = {**self.settings, "structure": structure, "run": run}
        settings.pop("lattice_constant", None)
        if crystal:
            structure["cross_section"] = [cross, cross]
            structure["ends"] = "periodic" if self.settings is _MELT else "fixed"
            settings["interaction"] = {"potential": "lj", "cutoff": 2.5, "truncation": self.truncation}
        return parse_config(settings)


CASES = (
    Case("lattice, double", _LJ, (100, 8), peer=True),
    Case("lattice, double, force-shift", _LJ, (100, 8), truncation="force-shift", peer=True),
    Case("lattice, mixed", _LJ, (100, 8), precision="mixed", peer=True),
    Case(
        "lattice, mixed, force-shift", _LJ, (100, 8), truncation="force-shift", precision="mixed", peer=True
    ),
    Case("verlet, melt", _MELT, (20, 20), forces="verlet", isolated=True, peer=True),
    Case(
        "verlet, melt, lists of both checked",
        _MELT,
        (20, 20),
        forces="verlet",
        isolated=True,
        peer=True,
        checked=True,
    ),
    Case("verlet, melt between baths, measured", _MELT, (20, 20), forces="verlet"),
    Case("small crystal, 8 replicas", _LJ, (20, 4), replicas=8),
    Case("chain of 100, 64 replicas", _CHAIN, (100, 1), replicas=64),
    Case("chain of 1000", _CHAIN, (1000, 1)),
)
"""The first is the one that sizes are measured with."""
_SHARED = [case for case in CASES if case.name in ("lattice, double", "lattice, mixed", "verlet, melt")]
"""What several threads are compared with one on."""


def bench(
    threads: list[int], repeats: int, against: str | None, sizes: list[int], json_file: str | None
) -> int:
    """Measure every case and print a table; returns the exit status.

    against: 'lammps' or None. sizes: atoms of the crystals that speed and memory are measured for besides. json_file:
    where the same numbers go. Raises ConfigError where the peer is not installed.
    """
    if against:
        find_lmp()  # before anything is measured
    print(
        f"{processor()}, {os.cpu_count()} cores; million atom-steps/s, median of {repeats} (lowest to highest)"
    )
    found = {"processor": processor(), "cases": [], "threads": [], "sizes": [], "kernel": _measure_kernel()}
    for case in CASES:
        for n in threads:
            found["cases"].append(_compare(case, n, repeats, against))
    for case in _SHARED:
        for n in threads:
            if n > 1:
                found["threads"].append(_compare_threads(case, n, repeats))
    for size in sizes:
        found["sizes"].append(_measure_size(size, threads[0]))
    if against:
        _print_inputs()
    if json_file:
        Path(json_file).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _compare(case: Case, threads: int, repeats: int, against: str | None) -> dict:
    """Rates of the engine and, where it can do the same, of the peer, in turn."""
    steps = _steps_for(case, threads)
    config = case.config(threads, steps)
    rates, peer_rates = [], []
    for _ in range(repeats):
        rates.append(_measure(config, case.isolated))
        if against and case.peer:
            peer_rates.append(_measure_lammps(case, threads, max(200, steps // 8 // 100 * 100)))
    atoms = build(config).n_moving
    print(f"{case.name}, {atoms} atoms, {_count(threads, 'thread')}: {_summary(rates)}", end="")
    print(f"; {median(rates) / threads / 1e6:.1f} per core")
    found = {"name": case.name, "atoms": atoms, "replicas": case.replicas, "threads": threads, "rates": rates}
    if peer_rates:
        ratios = [ours / theirs for ours, theirs in zip(rates, peer_rates, strict=True)]
        print(f"    LAMMPS, {_count(threads, 'MPI rank')}: {_summary(peer_rates)}")
        print(f"    ratio {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})")
        found |= {"peer": "LAMMPS", "peer_rates": peer_rates, "ratios": ratios}
    return found


def _compare_threads(case: Case, threads: int, repeats: int) -> dict:
    """Several threads against one, in turn; and as many processes of one thread at the same time, which share nothing but
    the machine: more than those gain, threads cannot."""
    steps = max(200, _steps_for(case, 1) // 2 // 100 * 100)
    one, several = case.config(1, steps), case.config(threads, threads * steps)
    gains = {"threads": [], "processes": []}
    with ProcessPoolExecutor(threads, mp_context=get_context("spawn")) as pool:

        def measure_apart():
            return sum(pool.map(_measure, threads * [one], threads * [case.isolated]))

        measure_apart()  # start the processes
        for _ in range(repeats):
            alone = _measure(one, case.isolated)
            gains["threads"].append(_measure(several, case.isolated) / alone)
            gains["processes"].append(measure_apart() / alone)
    for kind, times in gains.items():
        print(
            f"{case.name}, {threads} {kind}: {median(times):.2f} times one ({min(times):.2f} to {max(times):.2f})"
        )
    return {"name": case.name, "number": threads, **gains}


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n > 1)}"


def _summary(rates) -> str:
    return f"{median(rates) / 1e6:.1f} ({min(rates) / 1e6:.1f} to {max(rates) / 1e6:.1f})"


def _steps_for(case: Case, threads: int) -> int:
    """Steps that take about as long as a measurement should, in whole hundreds."""
    config = case.config(threads, 200)
    _measure(config, case.isolated)  # compile
    atoms = build(config).n_moving * case.replicas
    return max(200, int(_SECONDS * _measure(config, case.isolated) / atoms) // 100 * 100)


def _measure(config: Config, isolated: bool = False) -> float:
    """Moving atoms x steps / s of the run of `config`."""
    simulation = Simulation(config)
    if isolated:
        for group in simulation.groups:
            group.isolate()
    start = time.perf_counter()
    simulation.run()
    elapsed = time.perf_counter() - start
    return simulation.system.n_moving * config.run.replicas * simulation.step / elapsed


def _measure_lammps(case: Case, threads: int, steps: int) -> float:
    """Moving atoms x steps / s that LAMMPS reports for its run loop, on as many ranks as the engine has threads."""
    config = case.config(threads, steps)
    with tempfile.TemporaryDirectory() as directory:
        if case.settings is _MELT:
            seconds = run_melt(config, directory, threads, case.checked).seconds
        else:
            seconds = run_lammps(config, directory, threads).seconds
    return build(config).n_moving * steps / seconds


def _print_inputs() -> None:
    for case in CASES:
        if case.peer and case.precision == "double":
            print(f"\nLAMMPS input of '{case.name}' (each rank on its core: {' '.join(MPIRUN)}):")
            config = case.config(1, 1000)
            print(melt_text(config, case.checked) if case.settings is _MELT else input_text(config))


# ---- how speed and memory grow with atoms ----


def size_case(atoms: int) -> Case:
    """A crystal of about so many sites, four times as long as it is wide where it can be."""
    cross = max(4, round((atoms / 4 / 4) ** (1 / 3)))
    length = max(16, round(atoms / 4 / cross**2))
    return CASES[0]._replace(name=f"{atoms:g} atoms", cells=(length, cross))


def _measure_size(atoms: int, threads: int) -> dict:
    """In a process of its own, whose peak memory is then that of this size."""
    command = [sys.executable, "-m", "nemd_core.bench", str(atoms), str(threads)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    print(
        f"{found['atoms']} atoms, {_count(threads, 'thread')}: {found['rate'] / 1e6:.1f}; "
        f"{found['bytes_per_atom']:.0f} bytes an atom, peak of the process {found['peak_bytes'] / 1e6:.0f} MB"
    )
    return found


def _report_size(atoms: int, threads: int) -> dict:
    """Speed, and how far a crystal of this size raises the peak memory above that of a small one."""
    _measure(size_case(1000).config(threads, 200))  # compile
    before = _peak()
    case = size_case(atoms)
    config = case.config(threads, 200)
    rate = _measure(config)
    n = build(config).n_sites
    return {
        "atoms": n,
        "threads": threads,
        "rate": rate,
        "peak_bytes": _peak(),
        "bytes_per_atom": (_peak() - before) / n,
    }


def _peak() -> int:
    """Peak memory in bytes of this program alone: the usage that the system keeps also knows the process that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return 1024 * int(line.split()[1])
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# ---- how close to the machine's limit ----


def _measure_kernel() -> dict:
    """The force kernel against what the vector unit could do."""
    found = {"fused_per_s": arithmetic_rate()}
    print(
        f"vector arithmetic: {found['fused_per_s'] / 1e9:.2f} thousand million vectors of {LANES} doubles a second"
    )
    for case in CASES[:4]:
        seconds, operations = seconds_per_pair(case.config(1, 200))
        limit = operations / found["fused_per_s"]
        print(
            f"{case.name}: {seconds * 1e9:.3f} ns a pair; {operations:g} operations a pair would take {limit * 1e9:.3f} ns"
        )
        found[case.name] = {"seconds_per_pair": seconds, "operations_per_pair": operations}
    return found


if __name__ == "__main__":
    print(json.dumps(_report_size(*map(int, sys.argv[1:3]))))
