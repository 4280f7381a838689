"""Finds the spacing at which a crystal is without stress, at a temperature.

At T = 0 (and for lj-harmonic, which stands for it) spacings are roots of lattice sums (`solids`). Above, they are measured:
short runs of a periodic crystal, Newton steps on its axial stress, a longer run at the end. Stress is the mean force
through lattice planes per area, positive in tension; no atom crosses a plane, so there is no kinetic part.

Inside, lengths are in the material's sigma and energies in its epsilon: then only cut-off and temperature tell materials
apart. `Crystal` and results are in the units of the configuration; the mass is 1.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .config import parse_config
from .crystals import CRYSTALS, Crystal, crystals_of, read_store
from .errors import NemdError, PhysicsError, StorageError
from .solids import SPACINGS, find_spacing, find_stiffness, guess_expansion, static_stress
from .storage import write_json

_SIDE, _WIDTH = 12.0, 6.0
"""Length of each side of the simulated crystal and its least width, in sigma."""
_FREE_LAYERS = 3
"""Layers on either side of a bath without friction, for the sake of the configuration's fit windows."""
_REPLICAS = 4
_TIMESTEP, _FRICTION = 0.005, 2.0
_EQUILIBRATION, _SHORT, _LONG = 2_000, 4_000, 24_000
"""Steps of each run before it measures; measured steps of those that seek the spacing and of the last."""
_SERIES, _BLOCK_ROWS = 100, 20
"""Steps in a row of the series; rows averaged before the error is taken: 10 time units, stress forgets within one."""
_NEAR, _CLOSE = 5e-4, 2.5e-4
"""Relative steps of the spacing: below the first a long run follows, below the second it was the last."""
_SLOPE_ERROR = 0.25
"""Relative error of the stiffness at rest at T > 0; runs at different spacings improve on it."""
_MOST_RUNS = 8


def relax_all(config, store: str | Path | None = None) -> dict[str, dict]:
    """The results of all crystals of a configuration by key, see `relax_crystal`; empty for a constant that is given.

    store: a directory of <key>.json, read first and completed. Raises StorageError for a file that cannot be read.
    """
    crystals = crystals_of(config)
    known = read_store(store, crystals) if store else {}
    for crystal in crystals:
        if crystal.key not in known:
            known[crystal.key] = relax_crystal(crystal, known)
            if store:
                Path(store).mkdir(parents=True, exist_ok=True)
                write_json(Path(store) / f"{crystal.key}.json", known[crystal.key])
    return known


def find_crystals(
    config, directory: Path | None, crystals: dict | None = None, progress: bool = False
) -> dict | None:
    """What `build` takes for `lattice_constant: auto`: as given, as the directory holds it, or relaxed now."""
    needed = crystals_of(config)
    if not needed:
        return None
    if crystals is None and directory is not None:
        crystals = _read_crystals(directory)
    if crystals is None or not all(crystal.key in crystals for crystal in needed):
        if progress:
            seconds = "seconds each; a study shares them between its runs"
            print(
                f"structure.lattice_constant: auto: {len(needed)} crystals to relax, {seconds}",
                file=sys.stderr,
            )
        return relax_all(config)
    return crystals


def _read_crystals(directory: Path) -> dict | None:
    path = directory / CRYSTALS
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}: cannot be read ({error}); delete it to relax the crystals again"
        ) from None


# ---- one crystal ----


def relax_crystal(crystal: Crystal, known: Mapping) -> dict:
    """The spacing of a crystal without stress, as it goes to JSON.

    known: results by key; an axial crystal needs those of `crystal.bulk`. Returns the fields of `Crystal` with

    - key, method ('static' or 'dynamic'), lateral (the given constant, None for bulk);
    - lattice_constant and its stderr;
    - spacing, stress, stress_stderr: the last run and what it measured; `lattice_constant` is one linear step away;
    - stiffness: change of stress per relative change of spacing; steps: of all runs and each replica.

    Raises PhysicsError if there is no spacing without stress.
    """
    lateral, solid = _lateral(crystal, known), crystal.solid
    spacing, static = find_spacing(solid, lateral), crystal.temperature == 0
    if spacing is None:
        raise _no_spacing(crystal, "not even at rest")
    if static:
        found = _Found(spacing, 0.0, spacing, 0.0, 0.0, find_stiffness(solid, spacing, lateral), 0)
    else:
        found = _search(crystal, spacing, lateral)
    length = crystal.sigma
    pressure = crystal.epsilon / crystal.sigma**3
    return {
        "key": crystal.key,
        **asdict(crystal),
        "method": "static" if static else "dynamic",
        "lateral": None if lateral is None else lateral * length,
        "lattice_constant": found.zero * length,
        "stderr": found.stderr * length,
        "spacing": found.spacing * length,
        "stress": found.stress * pressure,
        "stress_stderr": found.stress_stderr * pressure,
        "stiffness": found.stiffness * pressure,
        "steps": found.steps,
    }


class _Found(NamedTuple):
    """Where stress vanishes and what the last run measured, in the material's own units."""

    zero: float
    stderr: float
    spacing: float
    stress: float
    stress_stderr: float
    stiffness: float
    steps: int


def _lateral(crystal: Crystal, known: Mapping) -> float | None:
    """The lateral constant in the material's own units; None for a bulk crystal."""
    if crystal.kind == "bulk":
        return None
    return float(np.mean([known[bulk.key]["lattice_constant"] for bulk in crystal.bulk])) / crystal.sigma


def _no_spacing(crystal: Crystal, reason: str) -> PhysicsError:
    return PhysicsError(
        f"structure.lattice_constant: auto: no {crystal.kind} {crystal.lattice} crystal of epsilon {crystal.epsilon:g} and "
        f"sigma {crystal.sigma:g} is without stress at temperature {crystal.temperature:g} ({reason}); lower the bath "
        "temperatures or give the constant as a number"
    )


def _search(crystal: Crystal, spacing: float, lateral: float | None) -> _Found:
    """Newton's method from the spacing at rest: short runs until the step is small, then long ones."""
    solid = crystal.solid
    spacing *= np.exp(guess_expansion(solid, spacing, lateral, crystal.temperature / crystal.epsilon))
    slope = find_stiffness(solid, spacing, lateral)
    runs, steps, measured = [], 0, _SHORT
    for seed in range(1, _MOST_RUNS + 1):
        stress, stress_stderr = _measure_stress(crystal, spacing, lateral or spacing, measured, seed)
        runs.append((np.log(spacing), stress, stress_stderr))
        steps += _EQUILIBRATION + measured
        step, stderr, stiffness = fit_zero(*np.transpose(runs), slope)
        zero = float(spacing * np.exp(step))
        if not SPACINGS[0] < zero / solid.unit < SPACINGS[-1]:
            raise _no_spacing(
                crystal, f"the stress at a spacing of {spacing * crystal.sigma:.5g} leads nowhere"
            )
        if measured == _LONG and abs(step) < max(_CLOSE, 2 * stderr):
            return _Found(zero, zero * stderr, spacing, stress, stress_stderr, stiffness, steps)
        if abs(step) < max(_NEAR, 2 * stderr):
            measured = _LONG
        spacing = zero
    raise _no_spacing(crystal, f"{_MOST_RUNS} runs did not settle")


def fit_zero(x, stress, stderr, slope: float) -> tuple[float, float, float]:
    """Least squares of stress = C (x - x0); returns (x0 - x[-1], its standard error, C).

    x: logarithms of spacings, shape (n,), like stress and stderr. slope: an estimate of C, right to `_SLOPE_ERROR`, that
    counts as one more measurement.
    """
    rows = np.column_stack([np.ones_like(x), x - x[-1]]) / stderr[:, None]
    rows = np.vstack([rows, [0.0, 1 / (_SLOPE_ERROR * slope)]])
    covariance = np.linalg.inv(rows.T @ rows)
    at_last, C = covariance @ rows.T @ np.append(stress / stderr, 1 / _SLOPE_ERROR)
    gradient = np.array([-1 / C, at_last / C**2])
    return float(-at_last / C), float(np.sqrt(gradient @ covariance @ gradient)), float(C)


# ---- the crystal in motion ----


def _measure_stress(crystal: Crystal, axial: float, lateral: float, steps: int, seed: int):
    """Axial stress at the crystal's temperature and its standard error, from `steps` measured steps of each replica.

    A periodic crystal of N atoms lacks three of 3 N modes, the uniform translations: N/(N - 1) makes up for it.
    """
    from .simulation import Simulation  # the engine, which what relaxes nothing does without

    try:
        simulation = Simulation(parse_config(_describe(crystal, axial, lateral, steps, seed)))
        simulation.run()
    except NemdError as error:
        raise _no_spacing(crystal, str(error).splitlines()[0].split(";")[0]) from None
    series = simulation.samples().stress.mean(axis=-1)
    blocks = series.reshape(len(series), -1, _BLOCK_ROWS).mean(axis=-1).ravel()
    static, n = static_stress(crystal.solid, axial, lateral), simulation.system.n_sites
    stress = static + (blocks.mean() - static) * n / (n - 1)
    return float(stress), float(blocks.std(ddof=1) / np.sqrt(blocks.size))


def _describe(crystal: Crystal, axial: float, lateral: float, steps: int, seed: int) -> dict:
    """The configuration of a periodic crystal in its own units, with baths of one temperature in both its halves."""
    cell, cutoff = crystal.solid.cell, crystal.cutoff / crystal.sigma
    free = -(-_FREE_LAYERS // cell.layers_per_cell)
    side = max(round(_SIDE / (axial * cell.edges[0])), 2 * free + 1)
    width = 1.01 * max(_WIDTH, 2 * cutoff)
    structure = {
        "lattice": cell.name,
        "orientation": cell.orientation,
        "lattice_constant": axial if axial == lateral else {"lateral": lateral, "A": axial, "B": axial},
        "cross_section": [int(np.ceil(width / (lateral * edge))) for edge in cell.edges[1:]],
        "length": {"A": side, "B": side},
        "ends": "periodic",
    }
    bath = {"temperature": crystal.temperature / crystal.epsilon, "length": side - 2 * free}
    material = {"mass": 1.0, "epsilon": 1.0, "sigma": 1.0}
    return {
        "units": "lj",
        "structure": structure,
        "materials": {"A": material, "B": material},
        "interaction": {"potential": "lj", "cutoff": cutoff, "truncation": crystal.truncation},
        "baths": {"hot": bath, "cold": bath, "friction": _FRICTION, "walls": 0},
        "run": {
            "timestep": _TIMESTEP,
            "equilibration_steps": _EQUILIBRATION,
            "production_steps": steps,
            "sample_every": 10,
            "series_steps": _SERIES,
            "block_steps": _SERIES * _BLOCK_ROWS,
            "replicas": _REPLICAS,
            "seed": seed,
            "threads": 1,
        },
        "fit": {"skip_bath": 0, "skip_interface": 0},
    }
