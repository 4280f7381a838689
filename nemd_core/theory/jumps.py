"""The jump at each interface of an exact profile, in the fit windows of the configuration.

As a measured profile is read (analysis/lines.py), but from numbers without noise: with given windows a straight line by
least squares, through the layers between bath and interface that `fit.skip_bath` and `fit.skip_interface` leave; with
`fit: auto` the mean over the middle of each slab, as harmonic crystals have no gradient in their bulk.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from ..config_geometry import AUTO_SHARE, bulk_layers
from ..system import System

LINE, LEVEL = "T straight", "T level"


class Line(NamedTuple):
    """The fit to one side."""

    layers: np.ndarray
    """Fitted layers, from the interface outwards, (n,)."""
    window: tuple[float, float]
    """Positions of the outermost of them, in sigma, the lower first."""
    slope: float
    """dT/dx."""
    at_interface: float
    """T there."""


class Jump(NamedTuple):
    """One interface, seen along its own path from A to B."""

    x: float
    """Midway between the layers beside the interface zone, in sigma."""
    planes: np.ndarray
    """Indices of the planes between the baths on this path, (n,)."""
    direction: int
    """1 where A is on the left, else -1."""
    A: Line
    B: Line
    J: float
    """Mean flux through the planes."""

    @property
    def delta_T(self) -> float:
        return self.A.at_interface - self.B.at_interface

    def scaled(self, T_cold: float, bias: float) -> "Jump":
        """The same between baths at T_cold + bias and T_cold, if this one is between baths at 1 and 0."""
        lines = {
            side: line._replace(slope=bias * line.slope, at_interface=T_cold + bias * line.at_interface)
            for side, line in (("A", self.A), ("B", self.B))
        }
        return self._replace(**lines, J=bias * self.J)


def find_jumps(config, system: System, x, temperature, flux) -> tuple[Jump, ...]:
    """The jump at each interface. x, temperature: of each layer, (n_layers,); flux: through each plane, (n_planes,)."""
    jumps, found = [], system.interfaces
    for left, right, direction in zip(found["left"], found["right"], found["direction"], strict=True):
        across = system.n_layers if right < left else 0  # periodic ends: the next cell begins in between
        half_gap = 0.5 * (x[right] - x[left] + (system.length if across else 0.0))
        names = ("A", "B")[:: int(direction)]
        below, above = _walk(system, left, names[0], -1), _walk(system, right, names[1], 1)
        lines = {
            name: _fit(config, system, x, temperature, slab, half_gap)
            for name, slab in zip(names, (below, above), strict=True)
        }
        per_cell = system.lattice.layers_per_cell
        cells = np.arange(below[-1] // per_cell, (above[-1] + across) // per_cell + 2)
        planes = np.flatnonzero(np.isin(system.plane_cell, cells % system.n_cells))
        J = int(direction) * float(flux[planes].mean())
        jumps.append(Jump(float(x[left] + half_gap), planes, int(direction), lines["A"], lines["B"], J))
    return tuple(jumps)


def fit_model(config) -> str:
    """What is straight: T in given windows, or the level."""
    return LEVEL if config.fit == "auto" else LINE


def _walk(system: System, first: int, side: str, step: int) -> np.ndarray:
    """Layers of one side from the interface zone up to the bath, (n,)."""
    inside = (system.layer_region == side)[first::step]
    return first + step * np.arange(len(inside) if inside.all() else np.argmin(inside))


def _fit(config, system: System, x, temperature, slab, half_gap: float) -> Line:
    """The line of one slab, whose layers are given from the interface outwards."""
    per_cell, n = system.lattice.layers_per_cell, len(slab)
    if config.fit == "auto":
        kept = max(ceil(AUTO_SHARE * n), bulk_layers(per_cell))
        near, degree = (n - kept) // 2, 0
    else:
        near, far = (
            ceil(cells * per_cell - 0.5 - 1e-9) for cells in (config.fit.skip_interface, config.fit.skip_bath)
        )
        kept, degree = n - near - far, 1
    layers = slab[near : near + kept]
    away = half_gap + np.abs(x[layers] - x[slab[0]])
    at_interface, *rise = np.polynomial.polynomial.polyfit(away, temperature[layers], degree)
    outward = np.sign(slab[-1] - slab[0])
    window = sorted((float(x[layers[0]]), float(x[layers[-1]])))
    return Line(layers, tuple(window), float(outward * sum(rise)), float(at_interface))
