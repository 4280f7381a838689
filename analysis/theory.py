"""What theory says of a junction, read from its files: predict.json with its tables, and theory.csv of a study.

They are written by `python -m nemd_core predict` and by the workflow (docs/files.md). Figures are in plots_theory.py
and plots_overlay.py.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nemd_core.errors import StorageError

from .tables import THEORY

PREDICT, STUDY_TABLE, PREDICTIONS = "predict.json", "theory.csv", "theory"
"""Of one junction; of a study, and its directory with one prediction in each."""
FIGURES = {
    "phonons": "Dispersions and densities of states of both sides",
    "transmission": "Transmission below the number of modes of either side, and the conductance that it adds up to",
    "transmission_map": "Transmission over transverse wave vectors",
    "conductance": "Conductance against temperature with Bose-Einstein statistics",
    "exact_profile": "Exact harmonic steady state of the set-up",
}
"""What `plots_theory.plot_prediction` draws where it has the data."""


@dataclass
class Prediction:
    """The theory of one junction, as its directory holds it."""

    directory: Path
    fields: dict
    """What `predict.json` says."""

    def table(self, name: str) -> pd.DataFrame | None:
        """One of its CSV files by its stem; None where there is none. Raises StorageError where it cannot be read."""
        return _read_csv(self.directory / f"{name}.csv")


def load_prediction(directory) -> Prediction:
    """Load the theory of a junction. Raises StorageError where there is none or it cannot be read."""
    path = Path(directory) / PREDICT
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        made_by = f"python -m nemd_core predict CONFIG -o {path.parent}"
        raise StorageError(f"{path}: no such file; run: {made_by}") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from None
    if not isinstance(fields, dict):
        raise StorageError(f"{path}: not a mapping")
    return Prediction(Path(directory), fields)


def read_theory(study_dir) -> pd.DataFrame | None:
    """theory.csv of a study: run, key (its directory below theory/), the three resistances (tau sigma²/k_B), status.

    None where the study has none. Raises StorageError where it cannot be read or lacks a column.
    """
    path = Path(study_dir) / STUDY_TABLE
    table = _read_csv(path, {"run": str, "key": str, "status": str})
    if table is not None:
        missing = [name for name in ("run", "key", *THEORY, "status") if name not in table]
        if missing:
            raise StorageError(f"{path}: columns missing: {', '.join(missing)}")
    return table


def join_theory(table: pd.DataFrame, study_dir) -> pd.DataFrame:
    """The table of a study with the resistances of theory as its last columns, empty where there are none."""
    theory = read_theory(study_dir)
    if theory is None:
        return table.assign(**dict.fromkeys(THEORY, float("nan")))
    values = theory.drop_duplicates("run").set_index("run")[THEORY].astype(float)
    return table.join(values, on="run")


def _read_csv(path: Path, dtype: dict | None = None) -> pd.DataFrame | None:
    try:
        return pd.read_csv(path, dtype=dtype)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from None
