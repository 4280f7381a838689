"""The interface: bulk lines, the jump, the combined flux, R_K and kappa with joint error bars.

Definitions: T_A and T_B are the least-squares lines (equal weights) through the layer temperatures of each
bulk window, extrapolated to `x_interface`, midway between the measured mean positions of the last A and
the first B layer; delta_T = T_A - T_B; R_K = delta_T / J; kappa = -J / slope. A line's `intercept` is its
value at x = 0, its `window` the measured positions of its first and last layer.

Everything but the ratios is linear in the samples. So each quantity has a series of its own, row by row,
and one set of blocks gives all their means, errors and covariances; the covariance between layers needs no
model. Ratios take their standard error from the jackknife over blocks, in which numerator and denominator
fluctuate together, and R_K its 95 % interval from Fieller's theorem, honest also where J is poorly known.

J combines J_hot (heat given by the hot bath, per area and time), J_cold (minus that given by the cold
bath) and the mean flux through all planes between the baths, with weights from their measured covariance
(`uncertainty.combine`). Planes inside a bath carry only a part of the flux and take no part in it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nemd_core.config import load_config
from nemd_core.errors import StorageError
from nemd_core.lattice import LATTICES
from nemd_core.storage import CONFIG, SAMPLES, Samples, read_samples, write_json

from . import uncertainty
from .plots import save_profile
from .profile import check_samples, layer_profile, write_profile
from .uncertainty import with_error
from .verdict import judge

MIN_LAYERS = 3
PROFILE, INTERFACE, FIGURE = "profile.csv", "interface.json", "profile.png"


@dataclass(frozen=True)
class Settings:
    """What the analysis needs to know of a run's configuration."""

    layers_per_cell: int
    dimensions: int
    skip_bath: float
    """Cells next to the bath that are left out of the fit; a layer is in if its middle is."""
    skip_interface: float
    """Cells next to the interface that are left out of the fit."""
    T_hot: float
    T_cold: float
    friction: float
    ramp: bool = False

    @classmethod
    def from_config(cls, config) -> "Settings":
        lattice = LATTICES[config.structure.lattice]
        return cls(
            layers_per_cell=lattice.layers_per_cell,
            dimensions=lattice.dimensions,
            skip_bath=config.fit.skip_bath,
            skip_interface=config.fit.skip_interface,
            T_hot=config.baths.hot.temperature,
            T_cold=config.baths.cold.temperature,
            friction=config.baths.friction,
            ramp=config.baths.ramp,
        )


@dataclass(frozen=True)
class Line:
    """The bulk line of one side as a linear map of its layers' temperatures."""

    layers: np.ndarray
    """Indices of the fitted layers, shape (n,)."""
    x: np.ndarray
    """Their measured mean positions, shape (n,)."""
    to_interface: np.ndarray
    """Coefficients that give the line's value at x_interface, shape (n,)."""
    to_slope: np.ndarray
    """Coefficients that give the slope, shape (n,)."""
    x_interface: float

    def __call__(self, temperature, x):
        """The line through layer temperatures of shape (n_layers,), at positions x."""
        T = temperature[self.layers]
        return T @ self.to_interface + T @ self.to_slope * (np.asarray(x) - self.x_interface)

    def summary(self, temperature) -> dict:
        return {
            "window": [float(self.x[0]), float(self.x[-1])],
            "slope": float(temperature[self.layers] @ self.to_slope),
            "intercept": float(self(temperature, 0.0)),
            "n_layers": len(self.layers),
        }


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
                f"delta_T = {with_error(f['delta_T'], f['delta_T_stderr'])} {units['delta_T']})"
            )
        count = f"{f['n_effective']:.0f} independent samples"
        second = f"J = {with_error(f['J'], f['J_stderr'])} {units['J']}  ({count})"
        failed = [f"{check['name']} ({check['message']})" for check in f["checks"] if not check["passed"]]
        third = "trusted: all checks passed" if f["trusted"] else "NOT trusted: " + "; ".join(failed)
        return "\n".join((first, second, third))


def unit_table(system: str, dimensions: int) -> dict[str, str]:
    """Unit of each quantity; a chain has no cross-section, its flux is a power."""
    if system != "lj":
        raise StorageError(f"samples: units {system!r} are not known; known: lj")
    area = "" if dimensions == 1 else " sigma^2"
    flux = f"epsilon/(tau{area})" if area else "epsilon/tau"
    return {
        "system": system,
        "x": "sigma",
        "temperature": "epsilon/k_B",
        "delta_T": "epsilon/k_B",
        "J": flux,
        "R_K": f"tau{area}/k_B",
        "G": f"k_B/(tau{area})" if area else "k_B/tau",
        "kappa": "k_B/(tau sigma)" if area else "k_B sigma/tau",
        "slope": "epsilon/(k_B sigma)",
        "L_qq": f"epsilon^2/(k_B tau{area})" if area else "epsilon^2/(k_B tau)",
    }


def interface_position(samples: Samples) -> float:
    """Midpoint between the measured mean positions of the last A and the first B layer."""
    species = samples.layers["species"]
    last_A, first_B = np.flatnonzero(species == "A")[-1], np.flatnonzero(species == "B")[0]
    return 0.5 * float(samples.layers["x_mean"][last_A] + samples.layers["x_mean"][first_B])


def bulk_line(samples: Samples, side: str, settings: Settings) -> Line:
    """The line of side 'A' or 'B': its window is the region without the skipped cells at either end.

    Raises StorageError where fewer than 3 layers are left.
    """
    layers = np.flatnonzero(samples.layers["region"] == side)
    skips = [
        int(np.ceil(cells * settings.layers_per_cell - 0.5 - 1e-9))
        for cells in (settings.skip_bath, settings.skip_interface)
    ]
    first, last = skips if side == "A" else skips[::-1]
    fitted = layers[first : max(len(layers) - last, 0)]
    if len(fitted) < MIN_LAYERS:
        raise StorageError(
            f"fit window of {side}: {len(fitted)} of {len(layers)} layers are left; at least {MIN_LAYERS} "
            f"are needed: lower fit.skip_bath ({settings.skip_bath:g}) or fit.skip_interface "
            f"({settings.skip_interface:g}), or raise structure.length.{side}"
        )
    x = samples.layers["x_mean"][fitted]
    x_interface = interface_position(samples)
    coefficients = np.linalg.pinv(np.stack([np.ones(len(x)), x - x_interface], axis=1))
    return Line(fitted, x, coefficients[0], coefficients[1], x_interface)


def planes_between_baths(samples: Samples) -> np.ndarray:
    """Indices of the planes that the whole flux crosses: not inside a bath, shape (n,)."""
    x0, region = samples.layers["x0"], samples.layers["region"]
    plane = samples.planes["x0"]
    inside = (plane > x0[region == "hot"].max()) & (plane < x0[region == "cold"].min())
    return np.flatnonzero(inside)


def heat_rates(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Heat given by the hot and by the cold bath in each row, per time and area, each (n_rep, n_rows)."""
    stretch = samples.series_steps * samples.timestep * samples.area
    return tuple(
        np.diff(heat, axis=1, prepend=0.0) / stretch for heat in (samples.heat_hot, samples.heat_cold)
    )


def analyse(samples: Samples, settings: Settings) -> Result:
    """Everything in `profile.csv` and `interface.json` from the samples of a run.

    Raises StorageError where the samples are unusable or a fit window is too small. Not handled: periodic
    ends with their two interfaces.
    """
    check_samples(samples)
    lines = {side: bulk_line(samples, side, settings) for side in "AB"}
    rows = {}
    for side, line in lines.items():
        rows[f"T_{side}"] = samples.temperature[:, :, line.layers] @ line.to_interface
        rows[f"slope_{side}"] = samples.temperature[:, :, line.layers] @ line.to_slope
    rows["delta_T"] = rows["T_A"] - rows["T_B"]
    hot, cold = heat_rates(samples)
    rows["J_hot"], rows["J_cold"] = hot, -cold
    between = planes_between_baths(samples)
    rows["J_planes"] = samples.flux[:, :, between].mean(axis=2)
    blocks, _ = uncertainty.choose_blocks(np.stack(list(rows.values()), axis=2))
    rows["J_interface"] = samples.flux[:, :, samples.interface_plane]
    estimates = np.stack([rows["J_hot"], rows["J_cold"], rows["J_planes"]], axis=2)
    rows["J"] = uncertainty.combine(estimates, blocks)

    fields, unresolved = _Estimates(rows, blocks).collect()
    temperature = np.zeros(len(samples.layers["x0"]))
    moving = samples.layers["region"] != "wall"
    temperature[moving] = blocks.mean(samples.temperature[:, :, moving])
    fitted = np.full(len(temperature), np.nan)
    for line in lines.values():
        fitted[line.layers] = line(temperature, line.x)

    n_samples = int(np.prod(samples.energy.shape))
    _, tau = uncertainty.choose_blocks(np.stack([rows["delta_T"], rows["J"]], axis=2))
    n_effective = n_samples / (2.0 * max(tau.max(), 0.5))
    checks = judge(samples, settings, rows, between, blocks, n_effective)
    interface = {
        **fields,
        "x_interface": lines["A"].x_interface,
        "fit_A": lines["A"].summary(temperature),
        "fit_B": lines["B"].summary(temperature),
        "n_samples": n_samples,
        "n_effective": float(n_effective),
        "units": unit_table(samples.units, settings.dimensions),
        "checks": checks,
        "trusted": bool(checks) and all(check["passed"] for check in checks),
        "unresolved": unresolved,
    }
    return Result(layer_profile(samples, blocks, fitted), interface)


class _Estimates:
    """Values, standard errors and reasons of what the rows of a run give, one quantity after the other."""

    def __init__(self, rows: dict, blocks: uncertainty.Blocks):
        self.rows, self.blocks, self.names = rows, blocks, list(rows)
        self.means = np.stack([blocks.means(rows[name]) for name in self.names], axis=1)
        self.value = dict(zip(self.names, self.means.mean(axis=0), strict=True))
        self.stderr = {name: float(blocks.stderr(rows[name])) for name in self.names}
        self.t95 = blocks.t(0.95)
        self.T_scale = max(abs(self.value["T_A"]), abs(self.value["T_B"]))
        self.fields, self.unresolved = {}, {}

    def collect(self) -> tuple[dict, dict]:
        """The fields of interface.json that carry numbers, and the reasons for those that are null."""
        for name in ("delta_T", "J", "T_A", "T_B", "J_hot", "J_cold", "J_interface"):
            self.keep(name, (self.value[name], self.stderr[name]))
        reason = self.add_resistance()
        self.add_conductance(reason)
        for side in "AB":
            slope = f"slope_{side}"
            reason = self.unsure(slope, self.T_scale)
            self.keep(f"kappa_{side}", None if reason else self.ratio("J", slope, -1.0)[:2], reason)
        return self.fields, self.unresolved

    def keep(self, name: str, number: tuple | None, reason: str | None = None) -> None:
        """Store (value, standard error), or null with the reason why there is none."""
        value, error = (None, None) if number is None else map(float, number)
        self.fields[name], self.fields[f"{name}_stderr"] = value, error
        if reason:
            self.unresolved[name] = reason

    def unsure(self, name: str, scale: float) -> str | None:
        """Why `name` is not resolved from 0, or None if it is."""
        half_width = self.t95 * self.stderr[name]
        if uncertainty.includes_zero(self.value[name], half_width, scale):
            return f"the 95 % interval of {name} contains 0 ({self.value[name]:.3g} ± {half_width:.2g})"
        return None

    def ratio(self, numerator: str, denominator: str, sign: float = 1.0) -> tuple[float, float, float]:
        """(ratio, its standard error, the factor on variances for what neighbouring blocks share)."""
        i, j = self.names.index(numerator), self.names.index(denominator)
        number = sign * self.value[numerator] / self.value[denominator]
        projected = self.rows[numerator] - sign * number * self.rows[denominator]
        factor = float(self.blocks.correction(projected))
        error = uncertainty.jackknife(lambda m: sign * m[..., i] / m[..., j], self.means)
        return number, np.sqrt(factor) * error, factor

    def add_resistance(self) -> str | None:
        """R_K with its interval; returns why G cannot follow from it, or None."""
        reason = self.unsure("J", np.abs(self.rows["J"]).max())
        interval = None
        if reason is None:
            R_K, R_K_stderr, factor = self.ratio("delta_T", "J")
            pair = self.means[:, [self.names.index("delta_T"), self.names.index("J")]]
            covariance = factor * np.cov(pair.T) / self.blocks.n_blocks
            interval = uncertainty.fieller(self.value["delta_T"], self.value["J"], covariance, self.t95)
            if interval is None:
                reason = "J is not resolved together with delta_T: the interval of their ratio is unbounded"
        if reason:
            self.keep("R_K", None, reason)
            self.fields["R_K_ci95"] = None
            self.unresolved["R_K_ci95"] = reason
            return f"R_K is not resolved: {reason}"
        self.keep("R_K", (R_K, R_K_stderr))
        low, high = self.fields["R_K_ci95"] = [float(end) for end in interval]
        half_width = 0.0 if low * high > 0 else np.inf
        if uncertainty.includes_zero(self.value["delta_T"], half_width, self.T_scale):
            return f"the 95 % interval of R_K contains 0 ({low:.3g} to {high:.3g})"
        return None

    def add_conductance(self, reason: str | None) -> None:
        """G = 1/R_K and Onsager's L_qq = G T², unless there is a reason against it."""
        if reason:
            self.keep("G", None, reason)
            self.fields["L_qq"] = None
            self.unresolved["L_qq"] = f"G is not resolved: {reason}"
            return
        G, G_stderr, _ = self.ratio("J", "delta_T")
        self.keep("G", (G, G_stderr))
        self.fields["L_qq"] = float(G * (0.5 * (self.value["T_A"] + self.value["T_B"])) ** 2)


def fit_run(directory) -> Result:
    """Analyse the run in `directory` and write its profile.csv, interface.json and profile.png.

    Raises StorageError or ConfigError where the samples or the configuration cannot be used.
    """
    directory = Path(directory)
    if not (directory / CONFIG).is_file():
        raise StorageError(f"{directory / CONFIG}: no such file; the directory holds no run")
    settings = Settings.from_config(load_config(directory / CONFIG))
    result = analyse(read_samples(directory / SAMPLES), settings)
    write_profile(directory / PROFILE, result.profile)
    save_profile(result, directory / FIGURE)
    write_json(directory / INTERFACE, result.interface)
    return result
