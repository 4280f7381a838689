"""The `sweep` of a config file: dotted keys with lists, or a table, become the values of every point."""

import itertools
import math
from collections.abc import Callable, Collection
from pathlib import Path

from nemd_core.config_yaml import read_table, show
from nemd_core.errors import ConfigError, Problem

MAX_POINTS = 100_000

Expansion = tuple[list[str], list[list], list[Problem]]
"""Swept keys, one list of values per point, problems. Without a sound sweep, a single empty point."""


def expand(
    sweep, folder: Path, check_key: Callable[[str], list[Problem]], without_effect: Collection[str]
) -> Expansion:
    """Return the points of a sweep: the product of its lists, or the lines of its table (in `folder`).

    `check_key` returns the problems of a dotted key; keys in `without_effect` cannot be swept.
    """
    if sweep is None or sweep == {}:
        return [], [[]], []
    if not isinstance(sweep, dict):
        return _nothing(
            "sweep", show(sweep), "must be a mapping of dotted keys to lists, or table: points.csv"
        )

    def check(key) -> list[Problem]:
        if key in without_effect:
            return [Problem(f"sweep.{key}", "swept", "must be a key that can change the result")]
        return [problem._replace(key=f"sweep.{problem.key}") for problem in check_key(key)]

    if "table" in sweep:
        return _expand_table(sweep, folder, check)
    problems, lists = [], {}
    for key, values in sweep.items():
        if key == "zip":
            problems.append(Problem("sweep.zip", show(values), "not supported yet; use table: points.csv"))
        elif found := check(key):
            problems += found
        elif not isinstance(values, list) or not values:
            problems.append(Problem(f"sweep.{key}", show(values), "must be a list of at least one value"))
        else:
            lists[key] = values
    n_points = math.prod(map(len, lists.values()))
    if n_points > MAX_POINTS:
        problems.append(Problem("sweep", f"{n_points} points", f"at most {MAX_POINTS}"))
        return [], [[]], problems
    return list(lists), [list(row) for row in itertools.product(*lists.values())], problems


def _expand_table(sweep: dict, folder: Path, check: Callable[[str], list[Problem]]) -> Expansion:
    others = ", ".join(str(key) for key in sweep if key != "table")
    if others:
        return _nothing("sweep", show(others), "must be table alone, or dotted keys without it")
    if not isinstance(sweep["table"], str):
        return _nothing("sweep.table", show(sweep["table"]), "must be the name of a CSV file")
    try:
        columns, rows = read_table(folder / sweep["table"], "sweep.table")
    except ConfigError as error:
        return [], [[]], error.problems
    if len(rows) > MAX_POINTS:
        return _nothing("sweep.table", f"{len(rows)} points", f"at most {MAX_POINTS}")
    problems = [problem for key in columns for problem in check(key)]
    good = [i for i, key in enumerate(columns) if not check(key)]
    return [columns[i] for i in good], [[row[i] for i in good] for row in rows], problems


def _nothing(key: str, value: str, allowed: str) -> Expansion:
    return [], [[]], [Problem(key, value, allowed)]
