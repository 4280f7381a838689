"""A study: its runs collected into one table, whatever became of each of them.

`summary.csv` has one row per run of `runs.csv`: run, one column per swept key, R_K, R_K_stderr, delta_T, J,
kappa_A, kappa_B (each with _stderr), trusted, failed_checks, status, wall_time (seconds). `status` is
'done', or 'failed: ' and why there is no result; what is not resolved is empty; `failed_checks` are joined by ';'.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nemd_core.config import Config, load_config
from nemd_core.errors import NemdError, StorageError
from nemd_core.storage import CONFIG, atomic, read_run_info

from .interface import INTERFACE, PROFILE
from .plots import new_axes, plot_sweep, save
from .profile import read_profile
from .uncertainty import with_error

RUNS, SUMMARY, FIGURE = "runs.csv", "summary.csv", "sweep.png"
OUTCOME = "analyse_run.json"
"""Where the workflow says how the last step of a run ended: {status: done | failed, message}."""
QUANTITIES = ("R_K", "delta_T", "J", "kappa_A", "kappa_B")
RESULTS = [name for quantity in QUANTITIES for name in (quantity, f"{quantity}_stderr")]
STATE = ["trusted", "failed_checks", "status", "wall_time"]
DONE = "done"


@dataclass
class Run:
    """A finished and analysed run, as its directory holds it."""

    directory: Path
    config: Config
    info: dict
    """What `run.json` says."""
    profile: pd.DataFrame
    interface: dict


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
    """Write `summary.csv` of a study and return it as `load_study` does."""
    study_dir = Path(study_dir)
    table = _gather(study_dir)
    with atomic(study_dir / SUMMARY) as temporary:
        table.to_csv(temporary, index=False)
    return table


def load_study(study_dir) -> pd.DataFrame:
    """The table of a study, read from its run directories (`summary.csv` is the same table).

    `attrs` holds `units` (quantity -> unit) and `swept_keys`. Raises StorageError where there is no runs.csv.
    """
    return _gather(Path(study_dir))


def _gather(study_dir: Path) -> pd.DataFrame:
    runs = _read_runs(study_dir)
    swept_keys = [name for name in runs.columns if name != "run"]
    rows, units = [], {}
    for run in runs["run"]:
        row, run_units = _summarise(study_dir / run)
        rows.append(row)
        units = units or run_units
    table = pd.concat([runs, pd.DataFrame(rows, columns=RESULTS + STATE)], axis=1)
    table.attrs = {"units": units, "swept_keys": swept_keys, "study": study_dir.name}
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
    clash = sorted(set(runs.columns) & set(RESULTS + STATE))
    if clash:
        raise StorageError(f"{path}: these columns are not swept keys: {', '.join(clash)}")
    return runs


def _summarise(directory: Path) -> tuple[dict, dict]:
    """One row of the summary and the units of its values; a run that failed gives its reason."""
    row = dict.fromkeys(RESULTS) | {"trusted": False, "failed_checks": "", "status": DONE, "wall_time": None}
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
    row |= {name: fields[name] for name in RESULTS}
    row["trusted"] = fields["trusted"]
    row["failed_checks"] = ";".join(check["name"] for check in fields["checks"] if not check["passed"])
    return row, fields["units"]


def _refuse_failure(outcome: dict) -> None:
    if outcome.get("status") != DONE:
        raise StorageError(outcome.get("message") or f"status {outcome.get('status')}")


def _read_interface(directory: Path) -> dict:
    fields = _read_json(directory / INTERFACE)
    missing = [name for name in (*RESULTS, "trusted", "checks", "units") if name not in fields]
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


def format_study(table: pd.DataFrame) -> str:
    """The table of a study as text: swept values, R_K and J with errors, and what became of each run."""
    shown = table[["run", *table.attrs.get("swept_keys", [])]].copy()
    units = table.attrs.get("units", {})
    for name in ("R_K", "J"):
        unit = units.get(name)
        shown[f"{name} ({unit})" if unit else name] = [
            "-" if pd.isna(value) else with_error(value, stderr)
            for value, stderr in zip(table[name], table[f"{name}_stderr"], strict=True)
        ]
    shown["verdict"] = [
        "trusted" if trusted else (f"NOT trusted: {failed}" if status == DONE else status)
        for trusted, failed, status in zip(
            table["trusted"], table["failed_checks"], table["status"], strict=True
        )
    ]
    return shown.to_string(index=False)


def plot_study(study_dir, path=None) -> Path:
    """Write the sweep figure of a study: R_K against its first swept key that varies. Returns its path."""
    table = load_study(study_dir)
    varying = [key for key in table.attrs["swept_keys"] if table[key].nunique() > 1]
    ax = plot_sweep(table, varying[0] if varying else "run", new_axes(5.2, 3.6))
    ax.set_title(table.attrs["study"], fontsize=9, loc="left")
    path = Path(path) if path is not None else Path(study_dir) / FIGURE
    save(ax, path)
    return path
