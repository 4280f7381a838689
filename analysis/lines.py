"""Where the interfaces lie, the bulk lines on their sides, and the planes and baths that measure their flux.

With fixed ends there is one interface, with periodic ends there are two: the heat leaves the hot bath both ways and
enters the cold one from both sides. Every interface is seen along its own path from the hot to the cold bath, so that
jumps, slopes and fluxes of both have the same sign, also where A lies on the right (`direction` -1).

Positions are those of `profile.csv`. A path that crosses the boundary of a periodic cell is unrolled: seen from its
other side the interface lies one period away.
"""

from dataclasses import dataclass

import numpy as np

from nemd_core.config_geometry import AUTO_SKIP
from nemd_core.errors import StorageError
from nemd_core.storage import Samples

MIN_LAYERS = 3
LINE, LOG_LINE, LEVEL = "T straight", "ln T straight", "T level"
"""Models of a bulk profile."""


@dataclass(frozen=True)
class Slab:
    """The layers of one side between the interface zone and the bath, from the interface outwards."""

    layers: np.ndarray
    """Their indices, shape (n,)."""
    x: np.ndarray
    """Their measured mean positions, shape (n,)."""
    x_interface: float
    """The interface as seen from this side."""


@dataclass(frozen=True)
class Line:
    """The bulk line of one side as a linear map of its layers' temperatures."""

    layers: np.ndarray
    """Indices of the fitted layers, shape (n,), in the order of x."""
    x: np.ndarray
    """Their measured mean positions, shape (n,)."""
    to_interface: np.ndarray
    """Coefficients that give the line's value at x_interface, shape (n,)."""
    to_slope: np.ndarray
    """Coefficients that give the slope along +x, at x_interface, shape (n,)."""
    x_interface: float
    """The interface as seen from this side."""
    model: str = LINE
    """What is straight: LINE, LOG_LINE or LEVEL."""

    def __call__(self, temperature, x):
        """The line through layer temperatures of shape (n_layers,), at positions x."""
        T = temperature[self.layers]
        at_interface, rise = T @ self.to_interface, T @ self.to_slope * (np.asarray(x) - self.x_interface)
        return at_interface * np.exp(rise / at_interface) if self.model == LOG_LINE else at_interface + rise

    def summary(self, temperature) -> dict:
        return {
            "model": self.model,
            "window": [float(self.x[0]), float(self.x[-1])],
            "slope": float(temperature[self.layers] @ self.to_slope),
            "intercept": float(self(temperature, 0.0)),
            "n_layers": len(self.layers),
            "x_interface": self.x_interface,
        }


@dataclass(frozen=True)
class Interface:
    """One interface: its two lines, and the planes on the path from the hot to the cold bath across it."""

    direction: int
    """+1 where A is on the left, else -1."""
    plane: int
    """Index of the geometric plane of the interface."""
    planes: np.ndarray
    """Indices of all planes of the path, shape (n,)."""
    lines: dict[str, Line]
    """By side, A and B."""

    @property
    def x(self) -> float:
        """Midway between the measured mean positions of the layers on either side, seen from the left."""
        return self.lines["A" if self.direction > 0 else "B"].x_interface

    def rows(self, samples: Samples) -> dict[str, np.ndarray]:
        """Series of T_A, T_B, delta_T, slope_A, slope_B and J_planes (mean of the planes of the path), each
        (n_rep, n_rows), along the path from A to B."""
        rows = {}
        for side, line in self.lines.items():
            temperature = samples.temperature[:, :, line.layers]
            rows[f"T_{side}"] = temperature @ line.to_interface
            rows[f"slope_{side}"] = self.direction * (temperature @ line.to_slope)
        rows["delta_T"] = rows["T_A"] - rows["T_B"]
        rows["J_planes"] = self.direction * samples.flux[:, :, self.planes].mean(axis=2)
        return rows


def find_interfaces(samples: Samples, settings, windows=None) -> list[Interface]:
    """Every interface of the samples with its lines.

    `windows` holds for each interface the layers left out at the interface and at the bath, {side: (near, far)}; None
    takes `configured_window` everywhere. Raises StorageError where a fit window is too small.
    """
    found = []
    for k in range(samples.n_interfaces):
        found.append(
            Interface(
                direction=int(samples.interfaces["direction"][k]),
                plane=int(samples.interfaces["plane"][k]),
                planes=planes_between_baths(samples, k),
                lines={
                    side: bulk_line(samples, side, settings, k, windows[k][side] if windows else None)
                    for side in "AB"
                },
            )
        )
    return found


def configured_window(settings) -> tuple[int, int]:
    """Layers left out of a fit at the interface and at the bath: skip_interface and skip_bath, a layer is in if its
    middle is; with `fit: auto`, before windows are chosen, two cells at either end."""
    cells = (AUTO_SKIP, AUTO_SKIP) if settings.fit_auto else (settings.skip_interface, settings.skip_bath)
    near, far = (int(np.ceil(n * settings.layers_per_cell - 0.5 - 1e-9)) for n in cells)
    return near, far


def bulk_model(settings) -> str:
    """What is straight in the bulk: in given windows what `fit.model` says; with `fit: auto` ln T, but in harmonic systems T
    is level.

    In a classical crystal well above its lowest temperatures kappa goes as 1/T (Peierls 1929; Ashcroft and Mermin, Solid
    State Physics, chapter 25), and then ln T is straight. A harmonic crystal carries heat ballistically and has no
    gradient in its bulk (Rieder, Lebowitz and Lieb, J. Math. Phys. 8, 1073 (1967)).
    """
    if not settings.fit_auto:
        return LOG_LINE if settings.fit_log else LINE
    return LEVEL if settings.harmonic else LOG_LINE


def bulk_line(samples: Samples, side: str, settings, interface: int = 0, window=None) -> Line:
    """The line of side 'A' or 'B' of an interface, by least squares with equal weights.

    Its window is the stretch of that region from the interface zone to the bath, without the layers that `window`,
    (near, far), leaves out at either end. Raises StorageError where fewer than 3 layers are left.
    """
    slab = find_slab(samples, side, interface)
    near, far = window or configured_window(settings)
    inside = np.arange(near, max(len(slab.x) - far, near))
    if len(inside) < MIN_LAYERS:
        remedy = f"raise structure.length.{side}"
        if not settings.fit_auto:
            skipped = (
                f"fit.skip_bath ({settings.skip_bath:g}) or fit.skip_interface ({settings.skip_interface:g})"
            )
            remedy = f"lower {skipped}, or {remedy}"
        left = max(len(slab.x) - near - far, 0)
        raise StorageError(
            f"fit window of {side}: {left} of {len(slab.x)} layers are left; at least {MIN_LAYERS} are needed: {remedy}"
        )
    inside = inside[np.argsort(slab.x[inside])]
    layers, x, model = slab.layers[inside], slab.x[inside], bulk_model(settings)
    if model == LOG_LINE:
        fit = fit_logarithm(x - slab.x_interface, samples.temperature[:, :, layers].mean(axis=(0, 1)))
    elif model == LINE:
        fit = fit_polynomial(x - slab.x_interface, 1)
    else:
        fit = fit_polynomial(x - slab.x_interface, 0)[0], np.zeros(len(x))
    return Line(layers, x, *fit, slab.x_interface, model)


def fit_logarithm(x, temperature, degree: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients that give, from temperatures at x, T and its slope at x = 0 of the polynomial through ln T.

    The fit is made linear about the mean temperatures T_k, shape (n,). T_0 = exp(sum c_k ln T_k) has the derivatives
    c_k T_0 / T_k, and these coefficients, since the c_k add up to 1, also give T_0 itself; those of the slope
    T_0 sum b_k ln T_k, whose b_k add up to 0, likewise give the slope.
    """
    temperature = np.maximum(temperature, np.finfo(float).tiny)  # of a crystal at rest
    logarithm = np.log(temperature)
    value, slope = fit_polynomial(x, degree)[:2]
    T_0 = np.exp(value @ logarithm)
    to_value = value * T_0 / temperature
    return to_value, slope @ logarithm * to_value + slope * T_0 / temperature


def fit_polynomial(x, degree: int) -> np.ndarray:
    """Coefficients that give, from values at x, those of their least-squares polynomial, shape (degree + 1, n).

    Row k belongs to x^k: the first gives the polynomial's value at x = 0, the second its slope there.
    """
    return np.linalg.pinv(np.vander(x, degree + 1, increasing=True))


def find_slab(samples: Samples, side: str, interface: int = 0) -> Slab:
    """The layers of side 'A' or 'B' of an interface up to the bath."""
    walked, _ = _walk(samples, side, interface)
    left, right = (
        _position(samples, "x_mean", samples.interfaces[name][interface]) for name in ("left", "right")
    )
    half_gap = 0.5 * (right - left + (samples.period if right < left else 0.0))
    x_interface = float(left + half_gap if _outwards(samples, side, interface) < 0 else right - half_gap)
    return Slab(walked % len(samples.layers["x0"]), _position(samples, "x_mean", walked), x_interface)


def planes_between_baths(samples: Samples, interface: int = 0) -> np.ndarray:
    """Indices of the planes that the whole flux across an interface crosses: not inside a bath, shape (n,)."""
    low, high = (
        _position(samples, "x0", _walk(samples, side, interface)[1])
        for side in sorted("AB", key=lambda side: _outwards(samples, side, interface))
    )
    period = samples.period or np.inf
    above = (samples.planes["x0"] - low) % period  # of fixed ends, infinite below the lower bath
    return np.flatnonzero((above > 0) & (above < (high - low) % period))


def heat_rates(samples: Samples) -> dict[str, np.ndarray]:
    """Flux of one interface, by the baths and where it crosses: J_hot, J_cold and J_interface, each (n_rep, n_rows).

    Positive from A to B. J_interface is the heat that the atoms of A give to all others, where that was measured, else
    what crosses the geometric plane. What a bath gives, and what all atoms of A give, crosses all interfaces together:
    each carries its share, half of it where there are two.
    """
    stretch = samples.series_steps * samples.timestep * samples.area
    rates = {
        "J_hot": np.diff(samples.heat_hot, axis=1, prepend=0.0) / stretch,
        "J_cold": -np.diff(samples.heat_cold, axis=1, prepend=0.0) / stretch,
        "J_interface": samples.flux_species,
    }
    if samples.flux_species is None:
        rates["J_interface"] = (
            samples.flux[:, :, samples.interfaces["plane"]] @ samples.interfaces["direction"]
        )
    return {name: rate / samples.n_interfaces for name, rate in rates.items()}


def _walk(samples: Samples, side: str, interface: int) -> tuple[np.ndarray, int]:
    """Layers of one side from the interface zone up to the bath, shape (n,), and the first one of the bath.

    Numbers below 0 and from n_layers on are those of layers in the next periodic cell.
    """
    region = samples.layers["region"]
    n_layers = len(region)
    step = _outwards(samples, side, interface)
    start = int(samples.interfaces["left" if step < 0 else "right"][interface])
    room = n_layers if samples.period else (start + 1 if step < 0 else n_layers - start)
    index = start + step * np.arange(room)
    outside = np.flatnonzero(region[index % n_layers] != side)
    n = int(outside[0]) if outside.size else room
    return index[:n], start + step * n


def _outwards(samples: Samples, side: str, interface: int) -> int:
    """Direction along x from an interface into a side: +1 or -1."""
    return int(samples.interfaces["direction"][interface]) * (1 if side == "B" else -1)


def _position(samples: Samples, name: str, layer):
    """Positions x0 or x_mean of layers by the numbers of `_walk`, unrolled."""
    n_layers = len(samples.layers[name])
    return samples.layers[name][layer % n_layers] + samples.period * (layer // n_layers)
