"""All that theory says of one configuration, as the fields of predict.json and the tables beside it.

The physics is in the other modules: `strips`, `leads`, `landauer`, `resistances` for the junction, `crystal`, `phonons`,
`elasticity`, `density_of_states` for both materials, `steady_state` for the finite set-up. How files are written is in
`prediction_files`, the tables are made in `prediction_tables`.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..config_yaml import refuse, show
from ..crystals import crystals_of, lattice_constants
from ..relaxation import relax_all
from ..units import QUANTITIES, Reference, quantity_of, reduced_unit
from ..version import __version__
from .crystal import Bulk, make_bulk
from .density_of_states import DensityOfStates, density_of_states, overlap
from .elasticity import elastic_constants, sound_velocities
from .landauer import Spectra, compute_spectra, flux
from .leads import Junction, make_blocks
from .long_waves import QuantumSum, sum_quanta
from .phonons import highest_frequency
from .prediction_files import make_directory, theory_hash, write_prediction
from .prediction_state import describe_state
from .prediction_tables import make_tables
from .resistances import report_convergence, resistances
from .steady_state import steady_state
from .strips import Strip, make_strip, mesh_points, simulated_points

_COLDEST, _HOTTEST, _N_TEMPERATURES = 0.01, 3.0, 25
"""Default temperatures in units of hbar w_max, in equal ratios."""
_UNEVEN = 0.01
"""Residual of the exact state at which its flux is said to be lost in rounding."""
_UNITS = (
    "R_K",
    "R_two_probe",
    "R_four_probe",
    "R_nemd",
    "G",
    "G_classical",
    "G_AA",
    "G_BB",
    "J",
    "delta_T",
    "temperature",
)
_UNITS += ("J_hot", "J_cold", "J_classical", "J_quantum", "T_A", "T_B", "T_hot", "T_cold", "x_interface")
_RATES = ("decay_rate", "eta")
"""In 1/tau; no frequencies, which the field counts in periods."""
_UNITS += (
    "relaxed_lattice_constants",
    "w_max",
    "sound_velocities",
    "elastic_constants",
    "stress",
    "lattice_constants",
)
_WITHOUT_TWIN = ("convergence", "unresolved", "reference", "temperature_K", "interfaces", "fit_A", "fit_B")
"""Names that are no results in reduced units, or that are in `si` already."""


class Crystals(NamedTuple):
    """Both materials as perfect crystals, and their densities of states in the same bins."""

    A: Bulk
    B: Bulk
    w_max: tuple[float, float]
    dos_A: DensityOfStates
    dos_B: DensityOfStates


def predict(
    config,
    directory=None,
    *,
    exact: bool = False,
    crystals: Mapping | None = None,
    threads: int | None = None,
) -> dict:
    """The fields of predict.json; with a directory, it and its tables are written there in place of an earlier prediction.

    Conductances and resistances at the top are on the transverse wave vectors of the simulated cross-section, and compare with a
    run; those of `infinite_cross_section` and `quantum` are on the mesh. Numbers are in reduced units, `units`, and
    again in `si`. What is None has its reason in `unresolved`.

    exact: also the exact steady state of the finite set-up with its baths. crystals: what `relax_all` found for
    `lattice_constant: auto`; without it they are relaxed here. threads: by default `run.threads`, as far as there are cores.
    Raises ConfigError where theory cannot be had of the configuration, PhysicsError for imaginary modes, StorageError where
    the directory cannot be used.
    """
    if config.theory is None:
        raise refuse("theory", "empty", "must be a mapping, or be left out, for a prediction")
    if config.structure.cross_section_B is not None:
        cells = show(list(config.structure.cross_section_B))
        raise refuse("structure.cross_section_B", cells, "must be absent for theory, which takes one lattice")
    if directory is not None:
        make_directory(Path(directory))
    threads = threads or min(config.run.threads, os.cpu_count() or 1)
    if crystals is None and crystals_of(config):
        crystals = relax_all(config)
    state = steady_state(config, crystals, threads) if exact else None
    strip = make_strip(config, crystals)
    junction = make_blocks(strip)
    own, mesh, n_mesh = compute_both(config, strip, junction, threads)
    bulk = compute_crystals(config, strip, float(own.w[1] - own.w[0]), crystals)
    temperatures = config.theory.temperatures or _temperatures(config, max(bulk.w_max))
    fields = _describe(config, strip, crystals)
    fields |= _level(own) | {"infinite_cross_section": {"mesh": [n_mesh] * 2} | _level(mesh)}
    fields["landauer_flux"] = _flux(config, own)
    fields["quantum"] = _quantum(config, sum_quanta(junction, mesh, n_mesh, threads), temperatures)
    fields["bulk"] = {side: _describe_bulk(bulk, side) for side in "AB"}
    fields["dos_overlap"] = overlap(bulk.dos_A, bulk.dos_B)
    fields["convergence"] = report_convergence(junction, mesh, n_mesh, threads)
    fields["warnings"] = fields["convergence"].pop("warnings")
    if state is not None:
        fields["exact"] = describe_state(state)
        if state.residual > _UNEVEN:
            text = "planes and baths differ by so much of J, which is no more than rounding: R_K is not known"
            fields["warnings"].append(f"exact: {state.residual:.2g}: {text}")
    fields |= _unit_names(config, fields)
    if directory is not None:
        write_prediction(Path(directory), fields, make_tables(own, mesh, bulk, fields, state))
    return fields


# ---- the junction ----


def compute_both(config, strip: Strip, junction: Junction, threads: int) -> tuple[Spectra, Spectra, int]:
    """The spectra on the simulated wave vectors and on the mesh, and the mesh's points each way.

    The mesh is that of a primitive lateral cell; a strip of n such cells, whose zone is smaller, has 1/n of it each way.
    """
    n_mesh = max(1, config.theory.mesh // len(junction.folded)) if strip.dimensions == 3 else 1
    own, mesh = simulated_points(strip), mesh_points(strip, n_mesh)
    n = config.theory.frequencies
    spectra = compute_spectra(junction, own, n, threads)
    if len(own.full) == len(mesh.full) == 1:
        return spectra, spectra, n_mesh
    return spectra, compute_spectra(junction, mesh, n, threads), n_mesh


def _level(spectra: Spectra) -> dict:
    """Conductances and resistances, and why some are None."""
    found = resistances(spectra)
    reason = found.pop("reason", None)
    return {
        "wave_vectors": len(spectra.points.full),
        **found,
        "unresolved": {name: reason for name, value in found.items() if value is None},
    }


def _temperatures(config, w_max: float) -> list[float]:
    scale = Reference.from_config(config.reference).hbar * w_max
    return [float(f"{scale * x:.4g}") for x in np.geomspace(_COLDEST, _HOTTEST, _N_TEMPERATURES)]


def _flux(config, spectra: Spectra) -> dict:
    """What flows between reservoirs at the temperatures of both baths, on the simulated wave vectors."""
    T_hot, T_cold = config.baths.hot.temperature, config.baths.cold.temperature
    hbar = Reference.from_config(config.reference).hbar
    return {
        "T_hot": T_hot,
        "T_cold": T_cold,
        "J_classical": flux(spectra, T_hot, T_cold),
        "J_quantum": flux(spectra, T_hot, T_cold, hbar),
    }


def _quantum(config, quanta: QuantumSum, temperatures) -> list[dict]:
    reference = Reference.from_config(config.reference)
    return [
        {
            "temperature": T,
            "temperature_K": reference.to_si(T, "temperature"),
            "G": quanta.conductance(T, reference.hbar),
        }
        for T in temperatures
    ]


# ---- the crystals ----


def compute_crystals(config, strip: Strip, step: float, crystals=None) -> Crystals:
    """Both materials, strained as they are in the junction. step: width of the bins of their densities of states."""
    lateral = lattice_constants(config, crystals)[0]
    sides = [make_bulk(config, side, axial, lateral) for side, axial in zip("AB", strip.axial, strict=True)]
    tops = tuple(highest_frequency(bulk) for bulk in sides)
    edges = step * np.arange(np.ceil(max(tops) / step) + 1)
    return Crystals(*sides, tops, *(density_of_states(bulk, edges) for bulk in sides))


def _describe_bulk(crystals: Crystals, side: str) -> dict:
    bulk, dos = getattr(crystals, side), getattr(crystals, f"dos_{side}")
    elastic = elastic_constants(bulk)
    return {
        "w_max": crystals.w_max["AB".index(side)],
        "sound_velocities": sound_velocities(bulk).tolist(),
        "elastic_constants": _without_rounding(elastic.constants),
        "stress": _without_rounding(elastic.stress),
        "dos_convergence": dos.convergence,
    }


def _without_rounding(matrix) -> list:
    """As lists, with what symmetry forbids as 0."""
    return np.where(np.abs(matrix) > 1e-9 * np.abs(matrix).max(), matrix, 0.0).tolist()


# ---- around the numbers ----


def _describe(config, strip: Strip, crystals) -> dict:
    constants = dict(zip(("lateral", "A", "B"), lattice_constants(config, crystals), strict=True))
    if strip.dimensions == 1:
        del constants["lateral"]
    return {
        "version": __version__,
        "theory_hash": theory_hash(config),
        "potential": config.interaction.potential,
        "dimensions": strip.dimensions,
        "lattice_constants": constants,
        "relaxed_lattice_constants": dict(zip("AB", strip.axial.tolist(), strict=True)),
        "reference": Reference.from_config(config.reference).summary(),
    }


def _unit_names(config, fields: dict) -> dict:
    """`units`, the reduced unit of each name, and `si`, every number in the units of the field."""
    dimensions, reference = fields["dimensions"], Reference.from_config(config.reference)
    units = {name: reduced_unit(name, dimensions) for name in _UNITS} | dict.fromkeys(_RATES, "1/tau")
    found = {"units": {"system": "lj"} | units}
    return found | {"si": _in_field_units(fields, reference, dimensions)}


def _in_field_units(fields: dict, reference: Reference, dimensions: int) -> dict:
    """{name: {value, unit}} of the numbers in fields and in the sections below, whose names measure something."""
    found = {}
    for name, value in fields.items():
        if name in _WITHOUT_TWIN:
            continue
        try:
            quantity = quantity_of(name, dimensions)
        except KeyError:
            if isinstance(value, dict) and (inner := _in_field_units(value, reference, dimensions)):
                found[name] = inner
            if name == "quantum":
                found[name] = [_in_field_units(row, reference, dimensions) for row in value]
            continue
        factor = reference.unit(quantity) * QUANTITIES[quantity].per_si
        found[name] = {"value": _scaled(value, factor), "unit": QUANTITIES[quantity].field}
    return found


def _scaled(value, factor: float):
    if isinstance(value, dict):
        return {name: _scaled(item, factor) for name, item in value.items()}
    if isinstance(value, list):
        return [_scaled(item, factor) for item in value]
    return None if value is None else value * factor
