"""What the keys of a junction's geometry must be together: cross-section, walls, baths, interface, fit windows.

Each rule takes the configuration (and a side) and yields problems; it ends with an AttributeError where a partial
configuration lacks a key that it needs.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from nemd_core.config_problems import get
from nemd_core.config_yaml import show
from nemd_core.errors import Problem
from nemd_core.lattice import Lattice, find_lattice

MIN_FIT_LAYERS = 3
BULK_LAYERS, BULK_CELLS = 5, 3
"""A fit window with fewer layers or cells is no bulk: a slope would stand on little more than its two ends."""
AUTO_SKIP, AUTO_SHARE = 2, 1 / 3
"""With `fit: auto` a window leaves out two cells or more at either end; it never has less than that share of the slab."""
MAX_STRAIN = 0.03
"""Strain of a side to which the lateral cells of the other fit."""
MAX_CUTOFF_CELLS = 6
"""Lattice constants within the cut-off: beyond, the neighbour table is useless and memory runs out."""

_AUTO_NEIGHBOUR = 1.11
"""Distance of neighbours in sigma that a relaxed Lennard-Jones fcc crystal has, from 1.09 at T = 0 to 1.14 hot."""
_AUTO_SLACK = 1.03
"""Sizes are not refused for what this estimate may be wrong by. The engine's sums do not need them: every image is a
pair of its own, and behind the walls the frozen crystal goes on."""


class Spacings(NamedTuple):
    """Lattice constants, and the factor by which they may turn out larger or smaller."""

    lateral: float
    A: float
    B: float
    slack: float


def lattice_of(config) -> Lattice:
    """Return the lattice in its orientation."""
    return find_lattice(config.structure.lattice, config.structure.orientation)


def spacings(config) -> Spacings:
    """Return the lattice constants of a configuration, estimated from sigma where they are to be relaxed."""
    value = config.structure.lattice_constant
    if isinstance(value, float):
        return Spacings(value, value, value, 1.0)
    if value == "auto":
        a, b = (relaxed_constant(lattice_of(config), getattr(config.materials, name).sigma) for name in "AB")
        return Spacings((a + b) / 2, a, b, _AUTO_SLACK)
    lateral = value.A if config.structure.lattice == "chain" else value.lateral
    return Spacings(lateral, value.A, value.B, 1.0)


def relaxed_constant(lattice: Lattice, sigma: float) -> float:
    """Return the lattice constant at which neighbours of a Lennard-Jones crystal have about their own distance."""
    return _AUTO_NEIGHBOUR / lattice.neighbour_distance * sigma


def reaches(config) -> bool:
    """Whether the potential reaches a neighbour, and not absurdly many."""
    if config.interaction.potential == "harmonic":
        return True
    low, high = _cutoff_limits(config)
    return low < config.interaction.cutoff <= high


def _cutoff_limits(config) -> tuple[float, float]:
    *constants, slack = spacings(config)
    nearest = lattice_of(config).neighbour_distance * max(constants) / slack
    return nearest, MAX_CUTOFF_CELLS * min(constants) * slack


def cutoff(config) -> Iterator[Problem]:
    """Yield a cut-off that reaches no neighbour, or absurdly many."""
    if not reaches(config):
        low, high = _cutoff_limits(config)
        text = (
            f"must be above the nearest-neighbour distance {low:.6g} and at most "
            f"{MAX_CUTOFF_CELLS} lattice_constant = {high:g}"
        )
        yield Problem("interaction.cutoff", show(config.interaction.cutoff), text)


def cross_section(config) -> Iterator[Problem]:
    """Yield a cross-section of a chain, a missing one, or one so small that an atom meets its own image."""
    structure, key = config.structure, "structure.cross_section"
    cells = structure.cross_section
    if structure.lattice == "chain":
        if cells is not None:
            yield Problem(key, show(list(cells)), "not a key of a chain, which has no cross-section")
        return
    if cells is None:
        yield Problem(
            key, "missing", f"must be two integers [ny, nz]; the lattice {structure.lattice} needs it"
        )
        return
    edges = lattice_of(config).edges[1:]
    if config.interaction.potential == "harmonic":
        # the bonds to both sides must end at different sites: more than two neighbour distances
        least = [math.floor(2 * lattice_of(config).neighbour_distance / edge + 1e-9) + 1 for edge in edges]
        reason = "an atom must not be tied to two images of one neighbour"
    elif not reaches(config):
        return
    else:
        lateral, *_, slack = spacings(config)
        least = [math.ceil(2 * config.interaction.cutoff / (edge * lateral * slack) - 1e-9) for edge in edges]
        reason = f"at least 2 cutoff = {2 * config.interaction.cutoff:g} wide"
    if cells[0] < least[0] or cells[1] < least[1]:
        one = least[0] == least[1]
        wanted = f"{least[0]} cells each way" if one else f"{least[0]} cells along y and {least[1]} along z"
        yield Problem(key, show(list(cells)), f"must be at least {wanted}: {reason}")


def second_cross_section(config) -> Iterator[Problem]:
    """Yield a cross-section of B that goes with nothing else that is given, or that would strain B too much."""
    structure, key = config.structure, "structure.cross_section_B"
    cells = structure.cross_section_B
    if cells is None:
        return
    needs = (
        ("run.forces", config.run.forces, "verlet"),
        ("structure.interface.kind", structure.interface.kind, "sharp"),
        ("structure.interlayer", "present" if structure.interlayer else "absent", "absent"),
        ("structure.file", "present" if structure.file else "absent", "absent"),
    )
    for name, value, wanted in needs:
        if value != wanted:
            yield Problem(name, value, f"must be {wanted} with {key}: the sites are not one lattice")
    constants = structure.lattice_constant
    if isinstance(constants, float | str):
        text = f"must be a mapping with the keys lateral, A, B with {key}: each side has its own"
        yield Problem("structure.lattice_constant", show(constants), text)
        return
    if structure.cross_section is None:
        return
    for axis, n_a, n_b in zip("yz", structure.cross_section, cells, strict=True):
        strain = constants.lateral * n_a / n_b / constants.B - 1
        if abs(strain) > MAX_STRAIN:
            best = max(1, round(constants.lateral * n_a / constants.B))
            text = (
                f"strains B by {100 * strain:.2g} % along {axis} against its lattice constant {constants.B:g}, must be at "
                f"most {100 * MAX_STRAIN:g} %: {best} cells come closest; or change structure.cross_section"
            )
            yield Problem(key, show(list(cells)), text)


def _reach_in_cells(config) -> int:
    """Return how many cells along x an interaction reaches."""
    lattice = lattice_of(config)
    if config.interaction.potential == "harmonic":
        return math.ceil(lattice.neighbour_distance / lattice.edges[0] - 1e-9)
    _, a, b, slack = spacings(config)
    return math.ceil(config.interaction.cutoff / (lattice.edges[0] * min(a, b) * slack) - 1e-9)


def walls(config) -> Iterator[Problem]:
    """Yield walls so thin that moving atoms would face the vacuum behind them, and walls where there is no end."""
    structure, n_walls = config.structure, config.baths.walls
    if structure.ends == "periodic":
        if n_walls:
            yield Problem("baths.walls", show(n_walls), "must be 0 with periodic ends, which need no walls")
    elif n_walls == 0:
        if structure.lattice != "chain":
            yield Problem("baths.walls", "0", "must be at least 1 cell for a crystal; 0 is only for a chain")
    elif config.interaction.potential != "harmonic" and reaches(config):
        least = _reach_in_cells(config)
        if n_walls < least:
            text = f"must be at least {least} cells, as thick as cutoff = {config.interaction.cutoff:g}"
            yield Problem("baths.walls", show(n_walls), text)


def periodic(config) -> Iterator[Problem]:
    """Yield what cannot be done with periodic ends."""
    structure = config.structure
    if structure.ends != "periodic":
        return
    if config.interaction.potential == "lj-harmonic":
        yield Problem("structure.ends", "periodic", "must be fixed for potential lj-harmonic")
    if structure.interface.plane == "species":
        text = "must be geometric with periodic ends: A gives its heat away through two interfaces"
        yield Problem("structure.interface.plane", "species", text)
    if reaches(config):
        cells, least = structure.length.A + structure.length.B, 2 * _reach_in_cells(config)
        if cells < least:
            text = f"must make both sides together at least {least} cells long: an atom must not meet its own image"
            yield Problem("structure.length.A", show(structure.length.A), text)


def _bath(side: str) -> str:
    return {"A": "hot", "B": "cold"}[side]


def slab(config, side: str) -> Iterator[Problem]:
    """Yield a bath that reaches beyond the interface, or that cannot lie in the middle of its side."""
    bath = _bath(side)
    length, bath_length = get(config, f"structure.length.{side}"), get(config, f"baths.{bath}.length")
    n_walls, key = config.baths.walls, f"baths.{bath}.length"
    if n_walls >= length:
        yield Problem(
            "baths.walls", show(n_walls), f"must be fewer than the {length} cells of the slab {side}"
        )
    elif n_walls + bath_length > length:
        text = (
            f"must be at most {length - n_walls}: bath and wall overlap the slab {side}, "
            f"{n_walls} of whose {length} cells are wall"
        )
        yield Problem(key, show(bath_length), text)
    elif config.structure.ends == "periodic" and (length - bath_length) % 2:
        text = (
            f"must be {'odd' if length % 2 else 'even'} to lie in the middle of the {length} cells of {side}"
        )
        yield Problem(key, show(bath_length), text)


def interface(config) -> Iterator[Problem]:
    """Yield a disordered interface without layers, where nothing can be disordered, or a sharp one with layers."""
    structure = config.structure
    kind, layers = structure.interface.kind, structure.interface.layers
    if kind == "sharp":
        if layers:
            yield Problem("structure.interface.layers", show(layers), "must be 0 for a sharp interface")
        return
    if layers == 0:
        yield Problem("structure.interface.layers", "0", f"must be at least 1 for kind {kind}")
    if kind == "rough" and structure.lattice == "chain":
        yield Problem(
            "structure.interface.kind",
            "rough",
            "must be sharp or intermixed for a chain, which is one column",
        )
    if structure.file is not None:
        yield Problem(
            "structure.interface.kind", kind, "must be sharp with structure.file, which has every species"
        )
    if structure.interlayer is not None:
        yield Problem("structure.interface.kind", kind, "must be sharp with structure.interlayer")


def third_material(config) -> Iterator[Problem]:
    """Yield a material C that nothing uses, a missing one, and a mass that it must or must not have."""
    structure, material = config.structure, config.materials.C
    interlayer, file = structure.interlayer, structure.file
    if interlayer is not None and file is not None:
        yield Problem(
            "structure.interlayer", "present", "must be absent with structure.file, which has every species"
        )
    if material is None:
        if interlayer is not None:
            yield Problem("materials.C", "missing", "must be a mapping; structure.interlayer is made of it")
        return
    if interlayer is None and file is None:
        text = "must be absent: nothing is made of it without structure.interlayer or structure.file"
        yield Problem("materials.C", "present", text)
        return
    graded = interlayer is not None and interlayer.masses != "uniform"
    if graded and material.mass is not None:
        text = f"must be absent: structure.interlayer.masses {interlayer.masses} gives the masses"
        yield Problem("materials.C.mass", show(material.mass), text)
    if not graded and material.mass is None:
        yield Problem("materials.C.mass", "missing", "must be a number > 0")


def _zone(config, side: str) -> tuple[str, int, int]:
    """Return the key of the layers around the interface, their number, and how many of them are on a side."""
    if config.structure.interlayer is not None:
        key, layers = "structure.interlayer.layers", config.structure.interlayer.layers
    else:
        key, layers = "structure.interface.layers", config.structure.interface.layers
    return key, layers, layers // 2 if side == "A" else layers - layers // 2


def _free_layers(config, side: str) -> int:
    """Return the layers between bath and interface plane; below 0 if the bath overlaps the slab's end."""
    cells = (
        get(config, f"structure.length.{side}")
        - config.baths.walls
        - get(config, f"baths.{_bath(side)}.length")
    )
    if config.structure.ends == "periodic":
        cells //= 2
    return cells * lattice_of(config).layers_per_cell


def zone(config, side: str) -> Iterator[Problem]:
    """Yield a disordered interface or an interlayer that reaches into a bath."""
    key, layers, here = _zone(config, side)
    free = _free_layers(config, side)
    if here > free >= 0:
        most = 2 * free + (side == "A")
        text = (
            f"must be at most {most}: half of them are on side {side}, where the bath is {free} layers away"
        )
        yield Problem(key, show(layers), text)


def fit_layer_count(config, side: str) -> int:
    """Return the number of layers in the bulk fit of a side.

    The window runs from the bath's inner edge plus `fit.skip_bath` cells to the interface, or the edge of the disordered
    layers or interlayer around it, minus `fit.skip_interface` cells; a layer is 1/layers_per_cell cells thick and counts
    if its middle is inside. With `fit: auto` it is the longest window that may be chosen.
    """
    per_cell, fit = lattice_of(config).layers_per_cell, config.fit
    skip_bath, skip_interface = (
        (AUTO_SKIP, AUTO_SKIP) if fit == "auto" else (fit.skip_bath, fit.skip_interface)
    )
    bulk = _free_layers(config, side) - _zone(config, side)[2]
    first = math.ceil(skip_bath * per_cell - 0.5 - 1e-9)
    last = math.floor(bulk - skip_interface * per_cell - 0.5 + 1e-9)
    return max(0, last - first + 1)


def _least_layers(config) -> tuple[int, str]:
    """Return the layers that must lie between bath and interface for any bulk fit, and who needs them."""
    if config.fit != "auto":
        return MIN_FIT_LAYERS, "the fit"
    return auto_fit_layers(lattice_of(config).layers_per_cell), "fit auto"


def auto_fit_layers(per_cell: int) -> int:
    """Return the layers that must lie between bath and interface for `fit: auto`, with so many layers in a cell."""
    ends = 2 * AUTO_SKIP * per_cell
    return max(ends + bulk_layers(per_cell), math.ceil(ends / (1 - AUTO_SHARE)))


def bulk_layers(per_cell: int) -> int:
    """Return the fewest layers of a fit window that can be trusted."""
    return max(BULK_LAYERS, BULK_CELLS * per_cell)


def fit_window(config, side: str) -> Iterator[Problem]:
    """Yield a fit window with too few layers; a bath or zone that does not fit at all is not reported twice."""
    zone_key, _, here = _zone(config, side)
    bulk = _free_layers(config, side) - here
    n_layers, (least, who) = fit_layer_count(config, side), _least_layers(config)
    if 0 <= bulk < least:  # no window would do
        key = f"structure.length.{side}"
        shorter = f"baths.{_bath(side)}.length" + (f" or {zone_key}" if here else "")
        text = (
            f"must be longer, or {shorter} shorter: {who} needs at least {least} layers between bath and "
            f"interface, and has {bulk}"
        )
        yield Problem(key, show(get(config, key)), text)
    elif bulk >= 0 and n_layers < MIN_FIT_LAYERS:
        text = (
            f"with fit.skip_interface {config.fit.skip_interface:g} leaves {n_layers} layers of {side} for the fit, must "
            f"leave at least {MIN_FIT_LAYERS} of the {bulk} layers between bath and interface"
        )
        yield Problem("fit.skip_bath", f"{config.fit.skip_bath:g}", text)
