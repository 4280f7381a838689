"""From the samples of a run to its result: the jump, the combined flux, R_K and kappa with joint error bars.

Definitions: T_A and T_B are the least-squares lines (equal weights) through the layer temperatures of each bulk
window, extrapolated to `x_interface`, midway between the measured mean positions of the layers on either side of the
interface zone (the last A and the first B layer where it is sharp); delta_T = T_A - T_B; R_K = delta_T / J;
kappa = -J / slope. A line's `intercept` is its value at x = 0, its `window` the measured positions of its first and
last layer, its `x_interface` the interface as seen from that side.

J combines J_hot (heat given by the hot bath, per area and time), J_cold (minus that given by the cold bath) and the
mean flux through all planes between the baths, with weights from their measured covariance (`uncertainty.combine`).
Planes inside a bath carry only a part of the flux and take no part in it. J_interface is the flux through the
geometric plane of the interface or, where the run measured it, the heat that all atoms of A give to all others.

With periodic ends every series is the mean over both interfaces, row by row, so that error bars know what both share;
R_K is the mean jump by the mean flux. `interfaces` lists each one by itself. Its J is J plus how far the planes of its
own path lie from those of both.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nemd_core.config import load_config
from nemd_core.errors import StorageError
from nemd_core.lattice import find_lattice
from nemd_core.storage import CONFIG, SAMPLES, Samples, read_samples, write_json
from nemd_core.units import ARGON, Reference, field_unit, reduced_unit

from . import uncertainty
from .estimates import Estimates
from .figures import FORMATS
from .lines import Interface, find_interfaces, heat_rates
from .plots import save_profile
from .profile import check_samples, layer_profile, write_profile
from .uncertainty import with_error
from .verdict import judge

PROFILE, INTERFACE, FIGURE = "profile.csv", "interface.json", "profile.png"
_UNITS_OF = ("x", "temperature", "delta_T", "J", "R_K", "G", "kappa", "slope", "L_qq", "stress")
_OF_EACH_INTERFACE = ("delta_T", "J", "T_A", "T_B")


@dataclass(frozen=True)
class Settings:
    """What the analysis needs to know of a run's configuration."""

    layers_per_cell: int
    dimensions: int
    skip_bath: float
    """Cells next to the bath that are left out of the fit; a layer is in if its middle is."""
    skip_interface: float
    """Cells next to the interface zone that are left out of the fit."""
    T_hot: float
    T_cold: float
    reference: Reference = ARGON
    """The substance through which results are also given in the units of the field."""

    @classmethod
    def from_config(cls, config) -> "Settings":
        lattice = find_lattice(config.structure.lattice, config.structure.orientation)
        return cls(
            layers_per_cell=lattice.layers_per_cell,
            dimensions=lattice.dimensions,
            skip_bath=config.fit.skip_bath,
            skip_interface=config.fit.skip_interface,
            T_hot=config.baths.hot.temperature,
            T_cold=config.baths.cold.temperature,
            reference=Reference.from_config(config.reference),
        )


@dataclass
class Result:
    """The analysis of one run: the table of `profile.csv` and the fields of `interface.json`."""

    profile: pd.DataFrame
    interface: dict

    def summary(self) -> str:
        """Three lines for a reader: R_K, J, and whether to trust them."""
        f, units = self.interface, self.interface["units"]
        if f["R_K"] is None:
            first = f"R_K not resolved: {f['unresolved']['R_K']}"
        else:
            low, high = f["R_K_ci95"]
            first = (
                f"R_K = {with_error(f['R_K'], f['R_K_stderr'])} {units['R_K']}  "
                f"(95 %: {low:.4g} to {high:.4g}; "
                f"delta_T = {with_error(f['delta_T'], f['delta_T_stderr'])} {units['delta_T']}; "
                f"with {f['reference']['name']}: {_with_unit(f['si']['R_K'])})"
            )
        count = f"{f['n_effective']:.0f} independent samples"
        if len(f["interfaces"]) > 1:
            count = f"mean of {len(f['interfaces'])} interfaces; {count}"
        second = f"J = {with_error(f['J'], f['J_stderr'])} {units['J']}  ({count})"
        failed = [f"{check['name']} ({check['message']})" for check in f["checks"] if not check["passed"]]
        third = "trusted: all checks passed" if f["trusted"] else "NOT trusted: " + "; ".join(failed)
        return "\n".join((first, second, third))


def _with_unit(number: dict) -> str:
    return f"{with_error(number['value'], number['stderr'])} {number['unit']}"


def analyse(samples: Samples, settings: Settings) -> Result:
    """Everything in `profile.csv` and `interface.json` from the samples of a run.

    Raises StorageError where the samples are unusable or a fit window is too small.
    """
    check_samples(samples)
    interfaces = find_interfaces(samples, settings)
    rows, parts, blocks = _series(samples, interfaces)
    n_samples = int(np.prod(samples.energy.shape))
    _, tau = uncertainty.choose_blocks(np.stack([rows["delta_T"], rows["J"]], axis=2))
    n_effective = n_samples / (2.0 * max(tau.max(), 0.5))
    checks = judge(samples, settings, rows, list(zip(interfaces, parts, strict=True)), blocks, n_effective)

    temperature = np.zeros(len(samples.layers["x0"]))
    moving = samples.layers["region"] != "wall"
    temperature[moving] = blocks.mean(samples.temperature[:, :, moving])
    fitted = np.full(len(temperature), np.nan)
    for line in (line for interface in interfaces for line in interface.lines.values()):
        fitted[line.layers] = line(temperature, line.x)

    estimates = Estimates(rows, blocks)
    _collect(estimates)
    each = [
        _entry(interface, part, blocks, temperature)
        for interface, part in zip(interfaces, parts, strict=True)
    ]
    fields = estimates.fields | {name: each[0][name] for name in ("x_interface", "fit_A", "fit_B")}
    interface = {
        **fields,
        "n_samples": n_samples,
        "n_effective": float(n_effective),
        "interfaces": each,
        "units": {"system": samples.units}
        | {name: reduced_unit(name, settings.dimensions) for name in _UNITS_OF},
        "reference": settings.reference.summary(),
        "si": _field_units(fields, settings),
        "checks": checks,
        "trusted": bool(checks) and all(check["passed"] for check in checks),
        "unresolved": estimates.unresolved,
    }
    profile = layer_profile(samples, blocks, settings.reference, settings.dimensions, fitted)
    return Result(profile, interface)


def _series(samples: Samples, interfaces: list[Interface]) -> tuple[dict, list[dict], uncertainty.Blocks]:
    """The series of the run (means over interfaces), those of each interface, and the blocks for all of them."""
    parts = [interface.rows(samples) for interface in interfaces]
    rows = {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
    rows |= heat_rates(samples)
    deciding = [rows[name] for name in rows if name != "J_interface"]
    if len(parts) > 1:
        deciding += [series for part in parts for series in part.values()]
    blocks, _ = uncertainty.choose_blocks(np.stack(deciding, axis=2))
    estimates = np.stack([rows["J_hot"], rows["J_cold"], rows["J_planes"]], axis=2)
    rows["J"] = uncertainty.combine(estimates, blocks)
    for part in parts:
        part["J"] = rows["J"] + (part["J_planes"] - rows["J_planes"])
    rows |= {f"stress_{side}": samples.stress[:, :, k] for k, side in enumerate("AB")}
    return rows, parts, blocks


def _collect(estimates: Estimates) -> None:
    """The numbers of a run."""
    estimates.add_means((*_OF_EACH_INTERFACE, "J_hot", "J_cold", "J_interface", "stress_A", "stress_B"))
    estimates.add_conductance(estimates.add_resistance())
    for side in "AB":
        estimates.add_conductivity(side)


def _entry(interface: Interface, part: dict, blocks: uncertainty.Blocks, temperature) -> dict:
    """The numbers of one interface: an entry of `interfaces`."""
    estimates = Estimates(part, blocks)
    estimates.add_means(_OF_EACH_INTERFACE)
    estimates.add_resistance()
    return {
        "direction": interface.direction,
        "x_interface": interface.x,
        **estimates.fields,
        **{f"fit_{side}": line.summary(temperature) for side, line in interface.lines.items()},
        "unresolved": estimates.unresolved,
    }


def _field_units(fields: dict, settings: Settings) -> dict:
    """{name: {value, stderr, unit}} of every number in the units of the field; R_K has its ci95 as well."""

    def convert(value, name):
        if isinstance(value, list):
            return [convert(number, name) for number in value]
        return settings.reference.to_field(value, name, settings.dimensions)[0]

    numbers = {}
    for name, value in fields.items():
        if name.startswith("fit_") or name.endswith(("_stderr", "_ci95")):
            continue
        unit = field_unit(name, settings.dimensions)
        stderr = convert(fields.get(f"{name}_stderr"), name)
        numbers[name] = {"value": convert(value, name), "stderr": stderr, "unit": unit}
        if f"{name}_ci95" in fields:
            numbers[name]["ci95"] = convert(fields[f"{name}_ci95"], name)
    return numbers


def fit_run(directory) -> Result:
    """Analyse the run in `directory` and write its profile.csv, interface.json and profile.png.

    Other figures of an earlier fit are removed: they would not show this one.
    Raises StorageError or ConfigError where the samples or the configuration cannot be used.
    """
    directory = Path(directory)
    if not (directory / CONFIG).is_file():
        raise StorageError(f"{directory / CONFIG}: no such file; the directory holds no run")
    settings = Settings.from_config(load_config(directory / CONFIG))
    result = analyse(read_samples(directory / SAMPLES), settings)
    for name in (f"{stem}.{kind}" for stem in ("profile", "running") for kind in FORMATS):
        if name != FIGURE:
            (directory / name).unlink(missing_ok=True)
    write_profile(directory / PROFILE, result.profile)
    save_profile(result, directory / FIGURE)
    write_json(directory / INTERFACE, result.interface)
    return result
