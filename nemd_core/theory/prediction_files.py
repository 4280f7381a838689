"""The files of a prediction, and what tells one from another. Their content is made in `predict`.

`predict.json` is written last: where it is, the tables beside it belong to it.
"""

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..crystals import crystals_of
from ..errors import StorageError
from ..storage import atomic, write_json

PREDICT = "predict.json"
TABLES = ("transmission", "transmission_map", "dispersion", "dos", "conductance", "exact_profile")
"""Stems of the CSV files; the last only of an exact solution."""
RESISTANCES = ("R_two_probe", "R_four_probe", "R_nemd")
DIGITS = 12
"""Of the numbers in tables."""
_NOT_IN_THEORY = ("name", "run", "fit", "output", "baths")


def theory_hash(config) -> str:
    """The sha256 (hex) of what a prediction depends on, its exact solution aside.

    Runs that differ in temperatures, friction, seed or length share it; with `lattice_constant: auto` those at the same mean
    temperature.
    """
    data = config.model_dump(mode="json", exclude_none=True)
    for name in _NOT_IN_THEORY:
        data.pop(name, None)
    data["structure"].pop("file", None)  # its sha256 stays
    data["cells"] = [config.baths.walls, config.baths.hot.length, config.baths.cold.length]
    data["crystals"] = [crystal.key for crystal in crystals_of(config)]
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def theory_key(config) -> str:
    """The name of a prediction in a study: `t-` and the first ten digits of the hash."""
    return f"t-{theory_hash(config)[:10]}"


def make_directory(directory: Path) -> None:
    """Make it, with those above it. Raises StorageError where it cannot be used."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise StorageError(f"{directory}: is a file; a directory is needed") from None
    except OSError as error:
        raise StorageError(f"{directory}: cannot be made ({error.strerror})") from None


def write_prediction(directory: Path, fields: Mapping, tables: Mapping[str, Mapping]) -> None:
    """Write tables, {stem: {column: values}}, and then predict.json, in place of an earlier prediction."""
    (directory / PREDICT).unlink(missing_ok=True)
    for name in TABLES:
        path = directory / f"{name}.csv"
        if name in tables:
            write_table(path, tables[name])
        else:
            path.unlink(missing_ok=True)
    write_json(directory / PREDICT, fields)


def write_table(path: Path, columns: Mapping) -> None:
    """Write a CSV file of columns of equal length; what is no number, or none, is left empty."""
    with atomic(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(
            zip(*([_cell(value) for value in column] for column in columns.values()), strict=True)
        )


def _cell(value) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, int | np.integer):
        return str(value)
    return f"{value:.{DIGITS}g}" if np.isfinite(value) else ""
