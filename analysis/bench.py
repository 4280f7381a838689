"""Time to an error: how long this engine and LAMMPS take until R_K of one junction is known to a given share.

Both run the same configuration on the same number of cores, and one analysis with the same fit windows and the same
rule for blocks gives both errors, those of the mean over the steady state (`foreign.lammps` says what LAMMPS measures
otherwise). The engine runs one replica of one thread per core, each with an equilibration of its own, until `run.until`
says that the error is reached; the replicas wait for each other at the end of a block only. LAMMPS shares one crystal
between MPI ranks, for a given number of steps. Compilation and the start of a program do not count, equilibration does.

Times are then taken to the very error: standard errors fall as 1/sqrt(steps), so production, and not equilibration, is
scaled by (error / wanted error)². That square is a variance taken from blocks: it is known to sqrt(2/dof) of
itself, and so are the steps. Where both codes do the same physics, both need as many steps, and pooled these are known
better; then only the seconds per step differ.
"""

import os
import sys
import tempfile
from typing import NamedTuple

import numpy as np

from nemd_core.config import Config
from nemd_core.config_models import Until
from nemd_core.config_yaml import refuse
from nemd_core.errors import StorageError
from nemd_core.foreign.lammps import check_supported, find_lmp, read_lammps, run_lammps
from nemd_core.runs import processor, run
from nemd_core.storage import Samples

from .interface import Settings, analyse
from .uncertainty import with_error
from .until import make_estimator

MOST_STEPS = 20
"""The engine's run ends at the latest after so many times the configuration's production."""


class Measurement(NamedTuple):
    """A run and what it found."""

    code: str
    replicas: int
    equilibration: int
    """Steps of each replica."""
    production: int
    """Steps of all replicas together."""
    seconds: float
    """Wall time of all of them."""
    R_K: float
    error: float
    """Standard error of R_K."""
    dof: int
    """Degrees of freedom of the error."""

    @property
    def seconds_per_step(self) -> float:
        """Wall time over the steps of all replicas."""
        return self.seconds / (self.replicas * self.equilibration + self.production)


class Estimated(NamedTuple):
    """A number with its standard error."""

    value: float
    error: float

    def over(self, other: "Estimated") -> "Estimated":
        """The quotient of two independent numbers."""
        value = self.value / other.value
        return Estimated(
            value, abs(value) * float(np.hypot(self.error / self.value, other.error / other.value))
        )

    def __str__(self) -> str:
        """Both to two digits of the error."""
        if not self.error >= 10:
            return with_error(self.value, self.error)
        digits = 1 - int(np.floor(np.log10(self.error)))
        return f"{round(self.value, digits):.0f} ± {round(self.error, digits):.0f}"


def steps_needed(measured: Measurement, relative_error: float) -> Estimated:
    """Steps of production, of all replicas together, after which the error of R_K is `relative_error` of it."""
    steps = measured.production * (measured.error / (relative_error * measured.R_K)) ** 2
    return Estimated(steps, steps * np.sqrt(2 / measured.dof))


def seconds_needed(measured: Measurement, steps: Estimated) -> Estimated:
    """Wall time of so much production and the equilibration before it."""
    total = measured.replicas * measured.equilibration + steps.value
    return Estimated(measured.seconds_per_step * total, measured.seconds_per_step * steps.error)


def pool(first: Estimated, first_dof: int, other: Estimated, other_dof: int) -> Estimated:
    """The mean of two variances, or of what is proportional to them, weighted by their degrees of freedom."""
    dof = first_dof + other_dof
    steps = (first_dof * first.value + other_dof * other.value) / dof
    return Estimated(steps, steps * np.sqrt(2 / dof))


def bench(config: Config, relative_error: float, lammps_steps: int | None, ranks: int) -> str:
    """Run both codes and return the table. `lammps_steps`: production of LAMMPS, that of the configuration if None.

    Raises ConfigError where LAMMPS is missing or can't run the configuration, StorageError where R_K is not resolved.
    """
    _check(config, relative_error, ranks)
    lines = [
        f"{processor()}; load average before the runs {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    ]
    _say(f"this engine: {ranks} replicas until the error is {100 * relative_error:g} %")
    ours, reached = measure_engine(config, relative_error, ranks)
    steps = config.run.production_steps if lammps_steps is None else lammps_steps
    _say(f"LAMMPS: {steps} steps of production on {ranks} ranks")
    theirs = measure_lammps(config, steps, ranks)
    return "\n".join([*lines, reached, "", format_table(ours, theirs, relative_error)])


def _check(config: Config, relative_error: float, ranks: int) -> None:
    if not 0 < relative_error < 1:
        raise refuse("--relative-error", f"{relative_error:g}", "must lie between 0 and 1, without them")
    if ranks < 1:
        raise refuse("--ranks", str(ranks), "must be 1 or more")
    check_supported(config)
    find_lmp()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure_engine(config: Config, relative_error: float, replicas: int) -> tuple[Measurement, str]:
    """The run of this engine until R_K is known, one thread per replica; and what its last look said."""
    each = _whole_rows(config, config.run.production_steps / replicas)
    until = Until(relative_error=relative_error, max_steps=MOST_STEPS * each)
    changed = {"replicas": replicas, "threads": replicas, "production_steps": each, "until": until}
    config = _with(config, **changed)
    row = config.run.series_steps
    run(_with(config, equilibration_steps=row, production_steps=row, until=None), progress=False)  # compiles
    result = run(config, progress=False, estimate=make_estimator(config))
    info = result.info
    production = replicas * (info["steps"] - info["equilibration_steps"])
    found = _measure("this engine", config, result.samples, production, info["wall_time"])
    return (
        found,
        f"this engine, {replicas} replicas at once, after {info['wall_time']:.0f} s: {info['until']['message']}",
    )


def measure_lammps(config: Config, production: int, ranks: int) -> Measurement:
    """A run of LAMMPS with `production` steps, in whole rows, after the equilibration of the configuration."""
    changed = {"replicas": 1, "production_steps": _whole_rows(config, production), "until": None}
    config = _with(config, **changed)
    with tempfile.TemporaryDirectory() as directory:
        outcome = run_lammps(config, directory, ranks)
        samples = read_lammps(config, directory)
    production = config.run.production_steps
    return _measure(f"LAMMPS ({outcome.version})", config, samples, production, outcome.seconds)


def _with(config: Config, **run_keys) -> Config:
    """The configuration with other values in `run`."""
    return config.model_copy(update={"run": config.run.model_copy(update=run_keys)})


def _whole_rows(config: Config, steps: float) -> int:
    row = config.run.series_steps
    return row * max(1, int(np.ceil(steps / row)))


def _measure(code: str, config: Config, samples: Samples, production: int, seconds: float) -> Measurement:
    """What the analysis says. Raises StorageError where R_K is not resolved."""
    found = analyse(samples, Settings.from_config(config)).interface
    if found["R_K"] is None:
        reason = found["unresolved"]["R_K"]
        raise StorageError(f"{code}: no R_K after {production} steps of production: {reason}: do more steps")
    return Measurement(
        code=code,
        replicas=config.run.replicas,
        equilibration=config.run.equilibration_steps,
        production=production,
        seconds=seconds,
        R_K=found["R_K"],
        error=found["R_K_stderr"],
        dof=found["dof"],
    )


def format_table(ours: Measurement, theirs: Measurement, relative_error: float) -> str:
    """Both runs, their times to the error, the ratio, and whether their R_K agree."""
    both = (ours, theirs)
    goal = f"{100 * relative_error:g} %"
    steps = [steps_needed(measured, relative_error) for measured in both]
    seconds = [seconds_needed(measured, needed) for measured, needed in zip(both, steps, strict=True)]
    rows = [("code", "production steps", "seconds", "R_K", f"steps for {goal}", f"seconds for {goal}")]
    for measured, *needed in zip(both, steps, seconds, strict=True):
        production = f"{measured.replicas} x {measured.production // measured.replicas}"
        R_K = Estimated(measured.R_K, measured.error)
        rows.append((measured.code, production, f"{measured.seconds:.0f}", *map(str, (R_K, *needed))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    same = pool(steps[0], ours.dof, steps[1], theirs.dof)
    alike = [seconds_needed(measured, same) for measured in both]
    difference = Estimated(theirs.R_K - ours.R_K, float(np.hypot(ours.error, theirs.error)))
    return "\n".join(
        [
            *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows),
            "",
            f"LAMMPS takes {seconds[1].over(seconds[0])} times as long.",
            f"If both need as many steps, {same}: {alike[0]} s and {alike[1]} s, "
            f"{alike[1].value / alike[0].value:.2g} times as long.",
            f"R_K of LAMMPS less that of this engine: {difference}, "
            f"{abs(difference.value) / difference.error:.1f} standard errors.",
        ]
    )
