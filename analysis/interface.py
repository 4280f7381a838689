"""From the samples of a run to its result: the jump, the combined flux, R_K and kappa with joint error bars.

Definitions: T_A and T_B are the least-squares lines (equal weights) through the layer temperatures of each bulk window
(through T or ln T, or level in harmonic systems: `lines.bulk_model`), extrapolated to `x_interface`, midway between the
measured mean positions of the layers on either side of the interface zone (the last A and the first B layer where it is
sharp); delta_T = T_A - T_B; R_K = delta_T / J; kappa = -J / slope, of a line through ln T with the slope, and so kappa, at
the interface. A line's `intercept` is its value at x = 0, its `window` the measured positions of its first and last layer,
its `x_interface` the interface as seen from that side.

J is the mean of the flux through all planes between the baths, J_hot (heat given by the hot bath, per area and time)
and J_cold (minus that given by the cold bath), each bath counted as one plane. Energy is conserved, so that over long
times all of them fluctuate alike: there is nothing to gain from other weights. Planes inside a bath carry only a part
of the flux and take no part in it. J_interface is the flux through the geometric plane of the interface or, where the
run measured it, the heat that all atoms of A give to all others.

What is analysed begins where the steady state does (`steady.find_start`).

With periodic ends every series is the mean over both interfaces, row by row, so that error bars know what both share;
R_K is the mean jump by the mean flux. `interfaces` lists each one by itself. Its J is J plus how far the planes of its
own path lie from those of both.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from nemd_core.config import load_config
from nemd_core.config_stability import highest_frequency
from nemd_core.errors import StorageError
from nemd_core.lattice import find_lattice
from nemd_core.relaxation import find_crystals
from nemd_core.storage import CONFIG, SAMPLES, Samples, read_samples, write_json
from nemd_core.units import ARGON, Reference, field_unit, reduced_unit

from .estimates import LEVELS, Estimates
from .figures import FORMATS
from .lines import LEVEL, Interface, bulk_model, find_interfaces, heat_rates
from .plots import save_profile
from .profile import check_samples, layer_profile, write_profile
from .steady import Start, find_start
from .uncertainty import Blocks, choose_blocks, with_error
from .verdict import Evidence, judge
from .windows import choose_windows, scan_windows

if TYPE_CHECKING:
    from nemd_core.theory.transients import Transients

PROFILE, INTERFACE, FIGURE = "profile.csv", "interface.json", "profile.png"
_UNITS_OF = ("x", "temperature", "delta_T", "J", "R_K", "G", "kappa", "slope", "L_qq", "stress")
_OF_EACH_INTERFACE = ("delta_T", "J", "T_A", "T_B")
DECIDING = ("delta_T", "J")
"""What R_K is made of: their correlations decide the blocks of a run."""


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
    fit_auto: bool = False
    """Whether the fit windows are found from the data; the skipped cells then say nothing."""
    fit_log: bool = False
    """Whether given windows are fitted through ln T."""
    harmonic: bool = False
    """Whether all forces are linear: then there is no gradient in the bulk."""
    highest_frequency: float = 0.0
    """w_max of the crystals, 1/time; 0 where it is not known."""
    timestep: float = 0.0
    transients: "Transients | None" = None
    """What a harmonic run owes to its start; None where it is not to be judged."""

    @classmethod
    def from_config(cls, config, crystals: dict | None = None) -> "Settings":
        """crystals: what `relax_all` found, for `lattice_constant: auto`."""
        harmonic, transients = config.interaction.potential != "lj", None
        if harmonic:
            from nemd_core.theory.transients import Transients  # brings Numba with it

            transients = Transients(config, crystals)
        lattice = find_lattice(config.structure.lattice, config.structure.orientation)
        auto = config.fit == "auto"
        return cls(
            layers_per_cell=lattice.layers_per_cell,
            dimensions=lattice.dimensions,
            skip_bath=0.0 if auto else config.fit.skip_bath,
            skip_interface=0.0 if auto else config.fit.skip_interface,
            T_hot=config.baths.hot.temperature,
            T_cold=config.baths.cold.temperature,
            reference=Reference.from_config(config.reference),
            fit_auto=auto,
            fit_log=not auto and config.fit.model == "log",
            harmonic=harmonic,
            highest_frequency=highest_frequency(config)[0],
            timestep=config.run.timestep,
            transients=transients,
        )

    def without_transients(self) -> "Settings":
        """For an estimate that is not judged: the exact error of a harmonic run takes long, and needs its crystals."""
        return replace(self, transients=None)


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
                f"(95 %: {low:.4g} to {high:.4g}; fit windows: ± {f['R_K_systematic']:.2g}; "
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
    start = _find_start(samples, settings)
    samples = samples.rows_from(start.row)
    interfaces = _fit_windows(samples, settings)
    rows, parts, blocks, tau = _series(samples, interfaces)
    n_samples = int(np.prod(samples.energy.shape))
    n_effective = float(n_samples / (2.0 * max(tau.max(), 0.5)))
    scans = scan_windows(samples, settings, blocks, interfaces)
    estimates = Estimates(rows, blocks)
    _collect(estimates, sloped=bulk_model(settings) != LEVEL)
    estimates.add_systematic([scan.delta_T_systematic for scan in scans])
    parts = list(zip(interfaces, parts, strict=True))
    checks = judge(
        Evidence(samples, settings, start, rows, parts, blocks, n_effective, scans, estimates.fields)
    )
    temperature, fitted = _fit_profile(samples, blocks, interfaces)
    each = [_entry(interface, part, blocks, temperature) for interface, part in parts]
    fields = estimates.fields | {name: each[0][name] for name in ("x_interface", "fit_A", "fit_B")}
    stretch = samples.series_steps * samples.timestep
    interface = {
        **fields,
        "n_samples": n_samples,
        "n_effective": n_effective,
        "n_discarded": start.row,
        "steady_from": start.row * stretch,
        "dof": blocks.dof,
        "correlation_time": dict(zip(DECIDING, (tau * stretch).tolist(), strict=False)),
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


def _fit_profile(samples: Samples, blocks: Blocks, interfaces) -> tuple[np.ndarray, np.ndarray]:
    """Mean layer temperatures (0 in walls), and the values of the bulk lines in their windows (else NaN), (n_layers,)."""
    temperature = np.zeros(len(samples.layers["x0"]))
    moving = samples.layers["region"] != "wall"
    temperature[moving] = blocks.mean(samples.temperature[:, :, moving])
    fitted = np.full(len(temperature), np.nan)
    for line in (line for interface in interfaces for line in interface.lines.values()):
        fitted[line.layers] = line(temperature, line.x)
    return temperature, fitted


def _find_start(samples: Samples, settings: Settings) -> Start:
    """Where temperatures at the interface and the flux are steady."""
    parts = [interface.rows(samples) for interface in find_interfaces(samples, settings)]
    return find_start(np.stack([part[name] for part in parts for name in ("T_A", "T_B", "J_planes")], axis=2))


def _fit_windows(samples: Samples, settings: Settings) -> list[Interface]:
    """Every interface with its lines; with `fit: auto`, those of the windows that the data suggest."""
    interfaces = find_interfaces(samples, settings)
    if not settings.fit_auto:
        return interfaces
    blocks = _series(samples, interfaces)[2]
    return find_interfaces(samples, settings, choose_windows(samples, settings, blocks))


def _series(samples: Samples, interfaces: list[Interface]):
    """The series of the run (means over interfaces), those of each interface, the blocks for all of them, and the
    autocorrelation times of delta_T and J in rows."""
    parts = [interface.rows(samples) for interface in interfaces]
    rows = {name: np.mean([part[name] for part in parts], axis=0) for name in parts[0]}
    rows |= heat_rates(samples)
    n_planes = len(interfaces[0].planes)
    rows["J"] = (n_planes * rows["J_planes"] + rows["J_hot"] + rows["J_cold"]) / (n_planes + 2)
    for part in parts:
        part["J"] = rows["J"] + (part["J_planes"] - rows["J_planes"])
    deciding = [rows[name] for name in DECIDING]
    if len(parts) > 1:
        deciding += [part[name] for part in parts for name in DECIDING]
    blocks, tau = choose_blocks(np.stack(deciding, axis=2))
    rows |= {f"stress_{side}": samples.stress[:, :, k] for k, side in enumerate("AB")}
    return rows, parts, blocks, tau


def _collect(estimates: Estimates, sloped: bool) -> None:
    """The numbers of a run."""
    estimates.add_means((*_OF_EACH_INTERFACE, "J_hot", "J_cold", "J_interface", "stress_A", "stress_B"))
    estimates.add_intervals(DECIDING)
    estimates.add_conductance(estimates.add_resistance())
    for side in "AB":
        estimates.add_conductivity(side, sloped)


def _entry(interface: Interface, part: dict, blocks: Blocks, temperature) -> dict:
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
    """{name: {value, stderr, unit}} of every number in the units of the field, with its intervals where it has them."""

    def convert(value, name):
        if isinstance(value, list):
            return [convert(number, name) for number in value]
        return settings.reference.to_field(value, name, settings.dimensions)[0]

    numbers = {}
    for name, value in fields.items():
        if name.startswith("fit_") or name.endswith(("_stderr", "_systematic", *LEVELS)):
            continue
        unit = field_unit(name, settings.dimensions)
        stderr = convert(fields.get(f"{name}_stderr"), name)
        numbers[name] = {"value": convert(value, name), "stderr": stderr, "unit": unit}
        for end in (*LEVELS, "systematic"):
            if f"{name}_{end}" in fields:
                numbers[name][end] = convert(fields[f"{name}_{end}"], name)
    return numbers


def fit_run(directory) -> Result:
    """Analyse the run in `directory` and write its profile.csv, interface.json and profile.png.

    Other figures of an earlier fit are removed: they would not show this one.
    Raises StorageError or ConfigError where the samples or the configuration cannot be used.
    """
    directory = Path(directory)
    if not (directory / CONFIG).is_file():
        raise StorageError(f"{directory / CONFIG}: no such file; the directory holds no run")
    config = load_config(directory / CONFIG)
    settings = Settings.from_config(config, find_crystals(config, directory))
    result = analyse(read_samples(directory / SAMPLES), settings)
    for name in (f"{stem}.{kind}" for stem in ("profile", "running") for kind in FORMATS):
        if name != FIGURE:
            (directory / name).unlink(missing_ok=True)
    write_profile(directory / PROFILE, result.profile)
    save_profile(result, directory / FIGURE)
    write_json(directory / INTERFACE, result.interface)
    return result
