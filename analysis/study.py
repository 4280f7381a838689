"""A study: its runs collected into one table, whatever became of each of them.

`summary.csv` has one row per run of `runs.csv`: run, one column per key that the sweep or a limit changes, R_K,
R_K_stderr, R_K_systematic, delta_T, J, kappa_A, kappa_B (each with _stderr), trusted, failed_checks, status,
wall_time (seconds), G; then the same quantities in SI units of the reference substance, each with _stderr, their unit in
the name: R_K_m2K_per_GW, G_MW_per_m2K, delta_T_K, J_GW_per_m2, kappa_A_W_per_mK, kappa_B_W_per_mK; of a chain
R_K_K_per_nW, J_nW and so on; last what theory says of the same junction in reduced units, R_two_probe, R_four_probe and
R_nemd (theory.py). `status` is 'done', or 'failed: ' and why there is no result; what is not resolved is empty;
`failed_checks` are joined by ';'. Where a seed is swept, `pooled.csv` has one row per case (`tables.pool_seeds`).
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from nemd_core.config import Config, load_config
from nemd_core.errors import NemdError, StorageError
from nemd_core.storage import CONFIG, SAMPLES, Samples, atomic, read_run_info, read_samples

from .figures import FORMATS, in_style, new_axes, save
from .interface import INTERFACE, PROFILE, Settings
from .lines import heat_rates
from .plots import plot_running, save_profile
from .plots_study import fill_grid, plot_map, plot_sweep, varying_keys
from .profile import read_profile
from .running import running_resistance
from .tables import (
    CONDUCTANCE,
    DONE,
    RESULTS,
    SI_QUANTITIES,
    STATE,
    THEORY,
    base_runs,
    pool_seeds,
    si_column,
    swept_seeds,
)
from .theory import join_theory

RUNS, SUMMARY, POOLED = "runs.csv", "summary.csv", "pooled.csv"
LIMITS = "limits.json"
"""Which runs belong to which limit: {limits: [{case, name, parameter, values, run_ids, base}]}; only where there are."""
OF_LIMITS = ("limits.csv", *(f"limit_*.{kind}" for kind in FORMATS))
"""What is made of the limits (limits.py, plots_limits.py)."""
OUTCOME = "analyse_run.json"
"""Where the workflow says how the last step of a run ended: {status: done | failed, message}."""


@dataclass
class Run:
    """A finished and analysed run, as its directory holds it; the samples are read when they are first used."""

    directory: Path
    config: Config
    info: dict
    """What `run.json` says."""
    profile: pd.DataFrame
    interface: dict

    @cached_property
    def samples(self) -> Samples:
        """What `samples.h5` holds. Raises StorageError where it cannot be read."""
        return read_samples(self.directory / SAMPLES)

    @cached_property
    def series(self) -> pd.DataFrame:
        """One row per replica and stretch of the series: replica, step, time (tau), energy, heat_hot, heat_cold
        (cumulative, epsilon), J_hot, J_cold, J_interface (along the path from A to B, mean over the interfaces),
        stress_A, stress_B."""
        return tidy_series(self.samples)

    @cached_property
    def layer_temperatures(self) -> pd.DataFrame:
        """Temperatures, one row per (replica, step) and one column per layer; walls are empty."""
        samples = self.samples
        n_rep, _, n_layers = samples.temperature.shape
        index = pd.MultiIndex.from_product([range(n_rep), samples.step], names=["replica", "step"])
        moving = samples.layers["region"] != "wall"
        values = np.where(moving, samples.temperature, np.nan).reshape(-1, n_layers)
        return pd.DataFrame(values, index=index, columns=pd.RangeIndex(n_layers, name="layer"))

    @cached_property
    def running(self) -> pd.DataFrame:
        """R_K and its error of the first part of the run, for growing parts (`running.running_resistance`)."""
        return running_resistance(self.samples, Settings.from_config(self.config).without_transients())


def tidy_series(samples: Samples) -> pd.DataFrame:
    """The series of a run as a table; see `Run.series`."""
    n_rep, n_rows = samples.energy.shape
    columns = {"energy": samples.energy, "heat_hot": samples.heat_hot, "heat_cold": samples.heat_cold}
    columns |= heat_rates(samples)
    columns |= {f"stress_{side}": samples.stress[:, :, k] for k, side in enumerate("AB")}
    step = np.tile(samples.step, n_rep)
    return pd.DataFrame(
        {"replica": np.repeat(np.arange(n_rep), n_rows), "step": step, "time": step * samples.timestep}
        | {name: values.ravel() for name, values in columns.items()}
    )


def load_run(directory) -> Run:
    """Load an analysed run. Raises StorageError or ConfigError where something is missing or unreadable."""
    directory = Path(directory)
    return Run(
        directory=directory,
        config=load_config(directory / CONFIG),
        info=read_run_info(directory),
        profile=read_profile(directory / PROFILE),
        interface=_read_interface(directory),
    )


def collect(study_dir) -> pd.DataFrame:
    """Write `summary.csv`, and `pooled.csv` where seeds are swept; return the table as `load_study` does."""
    study_dir = Path(study_dir)
    table = _gather(study_dir)
    _write_table(table, study_dir / SUMMARY)
    if swept_seeds(table):
        _write_table(pool_seeds(table), study_dir / POOLED)
    else:
        _remove(study_dir, POOLED)  # of an earlier form of this study
    if not table.attrs["limits"]:
        _remove(study_dir, *OF_LIMITS)
    return table


def _remove(directory: Path, *patterns) -> None:
    for path in [path for pattern in patterns for path in directory.glob(pattern)]:
        path.unlink()


def load_study(study_dir) -> pd.DataFrame:
    """The table of a study, read from its run directories (`summary.csv` is the same table).

    `attrs` holds `units` and `units_si` (quantity -> unit), `reference` (the substance behind the SI units),
    `swept_keys`, `limits` (as in limits.json) and `study` (its name). Raises StorageError where there is no runs.csv.
    """
    return _gather(Path(study_dir))


def _write_table(table: pd.DataFrame, path: Path) -> None:
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False)


def _gather(study_dir: Path) -> pd.DataFrame:
    runs = _read_runs(study_dir)
    limits = _read_json(study_dir / LIMITS, missing={"limits": []})["limits"]
    swept_keys = list(limits[0]["case"]) if limits else [name for name in runs.columns if name != "run"]
    rows, described = [], {}
    for run in runs["run"]:
        row, fields = _summarise(study_dir / run)
        rows.append(row)
        described = described or fields
    table = pd.DataFrame(rows)
    known = [*RESULTS, *STATE, *CONDUCTANCE]
    table = pd.concat([runs, table[[*known, *(name for name in table if name not in known)]]], axis=1)
    table = join_theory(table, study_dir)
    table.attrs = {
        "units": described.get("units", {}),
        "units_si": {name: si["unit"] for name, si in described.get("si", {}).items()},
        "reference": described.get("reference", "argon"),
        "swept_keys": swept_keys,
        "limits": limits,
        "study": study_dir.name,
    }
    return table


def _read_runs(study_dir: Path) -> pd.DataFrame:
    path = study_dir / RUNS
    try:
        runs = pd.read_csv(path, dtype={"run": str})
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file; the directory holds no study") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from None
    if "run" not in runs:
        raise StorageError(f"{path}: there is no column 'run'")
    clash = sorted(set(runs.columns) & {*RESULTS, *STATE, *CONDUCTANCE, *THEORY})
    if clash:
        raise StorageError(f"{path}: these columns are not swept keys: {', '.join(clash)}")
    return runs


def _summarise(directory: Path) -> tuple[dict, dict]:
    """One row of the summary and the fields that it is from; a run that failed gives its reason and no fields."""
    row = dict.fromkeys(RESULTS) | {"trusted": False, "failed_checks": "", "status": DONE, "wall_time": None}
    row |= dict.fromkeys(CONDUCTANCE)
    outcome = {"status": DONE}
    try:
        outcome = _read_json(directory / OUTCOME, missing=outcome)
        info = read_run_info(directory)
        row["wall_time"] = info.get("wall_time")
        _refuse_failure(info)
        _refuse_failure(outcome)
        fields = _read_interface(directory)
    except NemdError as error:
        reason = outcome.get("message") if outcome.get("status") == "failed" else error
        return row | {"status": f"failed: {' '.join(str(reason).split())}"}, {}
    row |= {name: fields[name] for name in (*RESULTS, *CONDUCTANCE)}
    row["trusted"] = fields["trusted"]
    row["failed_checks"] = ";".join(check["name"] for check in fields["checks"] if not check["passed"])
    for quantity in SI_QUANTITIES:
        si = fields.get("si", {}).get(quantity)
        if si:
            column = si_column(quantity, si["unit"])
            row |= {column: si["value"], f"{column}_stderr": si["stderr"]}
    return row, fields


def _refuse_failure(outcome: dict) -> None:
    if outcome.get("status") != DONE:
        raise StorageError(outcome.get("message") or f"status {outcome.get('status')}")


def _read_interface(directory: Path) -> dict:
    fields = _read_json(directory / INTERFACE)
    missing = [name for name in (*RESULTS, *CONDUCTANCE, "trusted", "checks", "units") if name not in fields]
    if missing:
        raise StorageError(f"{INTERFACE}: fields missing: {', '.join(missing)}")
    return fields


def _read_json(path: Path, missing: dict | None = None) -> dict:
    """A JSON mapping, or `missing` where there is no such file. Raises StorageError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if missing is not None:
            return missing
        raise StorageError(f"{path.name}: no such file; run: python -m analysis fit {path.parent}") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path.name}: cannot be read ({error})") from None
    if not isinstance(content, dict):
        raise StorageError(f"{path.name}: not a mapping")
    return content


def plot_study(study_dir, formats=("png", "pdf"), units="reduced") -> list[Path]:
    """Write the figures of a study, in each format, and return their paths.

    `sweep.*` shows R_K against the first swept key that varies, `map.*` over the first two, where there are two with
    runs at every pair of their values.
    """
    table = base_runs(load_study(study_dir))
    varying = varying_keys(table)
    figures = {
        "sweep": plot_sweep(table, [*varying, *swept_seeds(table), "run"][0], new_axes(5.2, 3.6), units)
    }
    if len(varying) > 1 and fill_grid(table, *varying[:2]):
        figures["map"] = plot_map(table, *varying[:2], new_axes(5.2, 4.0), units=units)
    else:
        _remove(Path(study_dir), *(f"map.{kind}" for kind in FORMATS))  # of an earlier form of this study
    with in_style():
        for ax in figures.values():
            ax.set_title("   ".join(filter(None, (table.attrs["study"], ax.get_title(loc="left")))))
    return _save_all(figures, study_dir, formats)


def plot_run(directory, formats=("png", "pdf"), units="reduced") -> list[Path]:
    """Write `profile.*` and `running.*` of an analysed run, in each format, and return their paths."""
    run = load_run(directory)
    figures = {"running": plot_running(run, new_axes(5.2, 3.4), units)}
    paths = [Path(directory) / f"profile.{kind}" for kind in formats]
    for path in paths:
        save_profile(run, path, units)
    return paths + _save_all(figures, directory, formats)


def _save_all(figures: dict, directory, formats) -> list[Path]:
    return [save(ax, Path(directory) / f"{stem}.{kind}") for stem, ax in figures.items() for kind in formats]
