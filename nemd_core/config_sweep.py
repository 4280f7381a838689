"""The `sweep` of a config file: dotted keys with lists, zipped lists or a table become the values of every point."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from nemd_core.config_yaml import read_table, show
from nemd_core.errors import ConfigError, Problem

MAX_POINTS = 100_000

Expansion = tuple[list[str], list[list], list[Problem]]
"""Swept keys, one list of values per point, problems. Without a sound sweep, a single empty point."""


class _Axis(NamedTuple):
    """Keys that are walked together: one tuple of values per step."""

    keys: list[str]
    steps: list[tuple]


def expand(sweep, folder: Path, check: Callable[[str, str], list[Problem]]) -> Expansion:
    """Return the points of a sweep: the product of its lists, or the lines of its table (in `folder`).

    Lists under `zip` are walked together and count as one. `check` returns the problems of a dotted key that is listed,
    under the prefix that it is given.
    """
    if sweep is None or sweep == {}:
        return [], [[]], []
    if not isinstance(sweep, dict):
        return _nothing(
            "sweep", show(sweep), "must be a mapping of dotted keys to lists, or table: points.csv"
        )
    if "table" in sweep:
        return _expand_table(sweep, folder, check)
    axes, problems = [], []
    for key, values in sweep.items():
        found = _zipped(values, sweep, check) if key == "zip" else _listed(key, values, check)
        axes += found[0]
        problems += found[1]
    n_points = math.prod(len(axis.steps) for axis in axes)
    if n_points > MAX_POINTS:
        problems.append(Problem("sweep", f"{n_points} points", f"at most {MAX_POINTS}"))
        return [], [[]], problems
    product = itertools.product(*(axis.steps for axis in axes))
    rows = [list(itertools.chain.from_iterable(steps)) for steps in product]
    return [key for axis in axes for key in axis.keys], rows, problems


def _listed(key, values, check, prefix="sweep") -> tuple[list[_Axis], list[Problem]]:
    """Return the axis of one key, as a list that is empty if it cannot be swept."""
    if found := check(key, prefix):
        return [], found
    if not isinstance(values, list) or not values:
        return [], [Problem(f"{prefix}.{key}", show(values), "must be a list of at least one value")]
    return [_Axis([key], [(value,) for value in values])], []


def _zipped(groups, sweep: dict, check) -> tuple[list[_Axis], list[Problem]]:
    """Return one axis for each mapping under `zip`."""
    groups = groups if isinstance(groups, list) else [groups]
    if not groups or not all(isinstance(group, dict) and group for group in groups):
        text = "must be a mapping of dotted keys to lists of equal length, or a list of such mappings"
        return [], [Problem("sweep.zip", show(groups), text)]
    axes, problems = [], []
    taken = {key for key in sweep if key != "zip"}
    for group in groups:
        columns = []
        for key, values in group.items():
            column, found = _listed(key, values, check, "sweep.zip")
            if not found and key in taken:
                found = [Problem(f"sweep.zip.{key}", "swept twice", "must be in one list of the sweep only")]
            taken.add(key)
            problems += found
            columns += [] if found else column
        lengths = {axis.keys[0]: len(axis.steps) for axis in columns}
        if len(set(lengths.values())) > 1:
            first, other = next(
                (a, b) for a, b in itertools.combinations(lengths, 2) if lengths[a] != lengths[b]
            )
            text = f"must have as many values as {first}, {lengths[first]}"
            problems.append(Problem(f"sweep.zip.{other}", f"{lengths[other]} values", text))
        elif columns:
            steps = zip(*(axis.steps for axis in columns), strict=True)
            steps = [tuple(itertools.chain.from_iterable(step)) for step in steps]
            axes.append(_Axis([axis.keys[0] for axis in columns], steps))
    return axes, problems


def _expand_table(sweep: dict, folder: Path, check: Callable[[str, str], list[Problem]]) -> Expansion:
    others = ", ".join(str(key) for key in sweep if key != "table")
    if others:
        return _nothing("sweep.table", show(sweep["table"]), f"must stand alone, without {others}")
    if not isinstance(sweep["table"], str):
        return _nothing("sweep.table", show(sweep["table"]), "must be the name of a CSV file")
    try:
        columns, rows = read_table(folder / sweep["table"], "sweep.table")
    except ConfigError as error:
        return [], [[]], error.problems
    if len(rows) > MAX_POINTS:
        return _nothing("sweep.table", f"{len(rows)} points", f"at most {MAX_POINTS}")
    problems = [problem for key in columns for problem in check(key, "sweep")]
    good = [i for i, key in enumerate(columns) if not check(key, "sweep")]
    return [columns[i] for i in good], [[row[i] for i in good] for row in rows], problems


def _nothing(key: str, value: str, allowed: str) -> Expansion:
    return [], [[]], [Problem(key, value, allowed)]
