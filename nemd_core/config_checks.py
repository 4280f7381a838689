"""What the keys of a configuration must be together: geometry, potential, steps, lattice dynamics.

Each rule takes the configuration and yields problems. It also works on a partial one, from which wrong keys
are missing: a rule that touches such a key ends there, so that all that can be judged is reported at once.
"""

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache

import numpy as np

from nemd_core.config_docs import REQUIRED, Key
from nemd_core.config_yaml import show
from nemd_core.errors import Problem
from nemd_core.lattice import LATTICES
from nemd_core.potentials import Springs, force_constants, lennard_jones

MIN_FIT_LAYERS = 3
MAX_CUTOFF_CELLS = 6
"""Lattice constants within the cut-off: beyond, the neighbour table is useless and memory runs out."""

_UNSUPPORTED = {
    "structure.lattice": ("bcc", "diamond"),
    "structure.ends": ("periodic",),
    "run.precision": ("mixed",),
    "run.forces": ("verlet",),
}
_SUPPORTED = {
    "structure.lattice": "chain, sc or fcc",
    "structure.lattice_constant": "one number for both sides",
    "structure.ends": "fixed",
    "run.precision": "double",
    "run.forces": "auto or lattice",
    "fit": "skip_bath and skip_interface",
}


def find_unsupported(config) -> list[Problem]:
    """Return a problem for every value that the models know and this version does not compute yet."""
    problems = []
    for key, supported in _SUPPORTED.items():
        try:
            value = get(config, key)
        except AttributeError:
            continue
        if key in _UNSUPPORTED:
            refused = value in _UNSUPPORTED[key]
        elif key == "fit":
            refused = value == "auto"
        else:
            refused = not isinstance(value, float)
        if refused:
            text = value if isinstance(value, str) else "one per side"
            problems.append(Problem(key, text, f"not supported yet; must be {supported}"))
    return problems


def find_problems(config, keys: Mapping[str, Key], complete: bool) -> list[Problem]:
    """Return what is wrong between the keys of `config`; with complete=False some may have no attribute."""
    problems = []
    rules = [(rule, (config, side)) for rule in _SIDE_RULES for side in "AB"]
    rules += [(rule, (config,)) for rule in _RULES] + [(_potential_keys, (config, keys))]
    for rule, arguments in rules:
        try:
            for problem in rule(*arguments):
                problems.append(problem)
        except AttributeError:
            if complete:
                raise
    order = list(keys)
    return sorted(problems, key=lambda p: order.index(p.key) if p.key in order else len(order))


def get(config, key: str):
    """Return the value of a dotted key; AttributeError if a partial config lacks it."""
    for name in key.split("."):
        config = getattr(config, name)
    return config


def _bath(side: str) -> str:
    return {"A": "hot", "B": "cold"}[side]


def _potential_keys(config, keys: Mapping[str, Key]) -> Iterator[Problem]:
    """Yield keys that the potential lacks and keys that it does not have."""
    potential = config.interaction.potential
    for key in keys.values():
        if not key.by_potential:
            continue
        try:
            value = get(config, key.path)
        except AttributeError:
            continue
        if value is None:
            if key.by_potential.get(potential) is REQUIRED:
                yield Problem(key.path, "missing", f"must be {key.allowed}; potential {potential} needs it")
        elif potential not in key.by_potential:
            text = f"not a key of potential {potential}, only of {' and '.join(key.by_potential)}"
            yield Problem(key.path, show(value), text)
        elif key.path.endswith("transverse_stiffness") and config.structure.lattice == "chain":
            yield Problem(key.path, show(value), "not a key of a chain, which moves along x only")


def _cross_section(config) -> Iterator[Problem]:
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
    if config.interaction.potential == "harmonic":
        # the bonds to both sides must end at different sites: more than two neighbour distances
        least = math.floor(2 * LATTICES[structure.lattice].neighbour_distance + 1e-9) + 1
        reason = "an atom must not be tied to two images of one neighbour"
    elif not _reaches(config):
        return
    else:
        least = math.ceil(2 * config.interaction.cutoff / structure.lattice_constant - 1e-9)
        reason = f"at least 2 cutoff = {2 * config.interaction.cutoff:g} wide"
    if min(cells) < least:
        yield Problem(key, show(list(cells)), f"must be at least {least} cells each way: {reason}")


def _walls(config) -> Iterator[Problem]:
    """Yield walls so thin that moving atoms would face the vacuum behind them."""
    structure, walls = config.structure, config.baths.walls
    if walls == 0:
        if structure.lattice != "chain":
            yield Problem("baths.walls", "0", "must be at least 1 cell for a crystal; 0 is only for a chain")
    elif config.interaction.potential != "harmonic" and _reaches(config):
        least = math.ceil(config.interaction.cutoff / structure.lattice_constant - 1e-9)
        if walls < least:
            text = f"must be at least {least} cells, as thick as cutoff = {config.interaction.cutoff:g}"
            yield Problem("baths.walls", show(walls), text)


def _slab(config, side: str) -> Iterator[Problem]:
    """Yield a bath that, behind its wall, reaches beyond the interface."""
    bath = _bath(side)
    length, bath_length = get(config, f"structure.length.{side}"), get(config, f"baths.{bath}.length")
    walls = config.baths.walls
    if walls >= length:
        yield Problem("baths.walls", show(walls), f"must be fewer than the {length} cells of the slab {side}")
    elif walls + bath_length > length:
        text = (
            f"must be at most {length - walls}: bath and wall overlap the slab {side}, "
            f"{walls} of whose {length} cells are wall"
        )
        yield Problem(f"baths.{bath}.length", show(bath_length), text)


def fit_layer_count(config, side: str) -> int:
    """Return the number of layers in the bulk fit of a side.

    The window runs from the bath's inner edge plus `fit.skip_bath` cells to the interface minus
    `fit.skip_interface` cells; a layer is 1/layers_per_cell cells thick and counts if its middle is inside.
    """
    per_cell = LATTICES[config.structure.lattice].layers_per_cell
    free = (
        get(config, f"structure.length.{side}")
        - config.baths.walls
        - get(config, f"baths.{_bath(side)}.length")
    )
    first = math.ceil(config.fit.skip_bath * per_cell - 0.5 - 1e-9)
    last = math.floor((free - config.fit.skip_interface) * per_cell - 0.5 + 1e-9)
    return max(0, last - first + 1)


def _fit_window(config, side: str) -> Iterator[Problem]:
    """Yield a fit window with too few layers; a bath that already overlaps the slab is not reported twice."""
    free = (
        get(config, f"structure.length.{side}")
        - config.baths.walls
        - get(config, f"baths.{_bath(side)}.length")
    )
    n_layers = fit_layer_count(config, side)
    if free >= 0 and n_layers < MIN_FIT_LAYERS:
        text = (
            f"with fit.skip_interface {config.fit.skip_interface:g} leaves {n_layers} layers of {side} for the fit, "
            f"must leave at least {MIN_FIT_LAYERS} of the {free} cells between bath and interface"
        )
        yield Problem("fit.skip_bath", f"{config.fit.skip_bath:g}", text)


def _reaches(config) -> bool:
    """Whether the potential reaches a neighbour, and not absurdly many."""
    if config.interaction.potential == "harmonic":
        return True
    a, nearest = config.structure.lattice_constant, LATTICES[config.structure.lattice].neighbour_distance
    return nearest * a < config.interaction.cutoff <= MAX_CUTOFF_CELLS * a


def _cutoff(config) -> Iterator[Problem]:
    """Yield a cut-off that reaches no neighbour, or absurdly many."""
    if not _reaches(config):
        a, nearest = config.structure.lattice_constant, LATTICES[config.structure.lattice].neighbour_distance
        text = (
            f"must be above the nearest-neighbour distance {nearest * a:.6g} and at most "
            f"{MAX_CUTOFF_CELLS} lattice_constant = {MAX_CUTOFF_CELLS * a:g}"
        )
        yield Problem("interaction.cutoff", show(config.interaction.cutoff), text)


def _steps(config) -> Iterator[Problem]:
    """Yield step counts that do not divide each other."""
    multiples = (
        ("series_steps", "sample_every"),
        ("block_steps", "series_steps"),
        ("equilibration_steps", "series_steps"),
        ("production_steps", "series_steps"),
    )
    for name, divisor in multiples:
        try:
            value, step = getattr(config.run, name), getattr(config.run, divisor)
        except AttributeError:
            continue
        if value % step:
            yield Problem(f"run.{name}", show(value), f"must be a multiple of run.{divisor} = {step}")


def _modes(config, side: str) -> tuple[float, float] | None:
    """Return the smallest and largest m w² of a side's crystal; None if its potential is refused anyway."""
    structure, interaction, material = config.structure, config.interaction, get(config, f"materials.{side}")
    if interaction.potential == "harmonic":
        law = ("springs", material.stiffness, material.transverse_stiffness or 0.0)
    else:
        law = ("lj", material.epsilon, material.sigma, interaction.cutoff, interaction.truncation)
    if None in law or not _reaches(config):
        return None
    return mode_range(structure.lattice, structure.lattice_constant, law)


def _stability(config, side: str) -> Iterator[Problem]:
    """Yield a crystal with zero-frequency modes beyond translation, or with growing ones."""
    lattice, modes = config.structure.lattice, _modes(config, side)
    if modes is None or modes[0] > 1e-8 * modes[1]:
        return
    if config.interaction.potential == "harmonic":
        key = f"materials.{side}.transverse_stiffness"
        text = f"must be > 0: central springs alone leave {lattice} zero-frequency modes beyond translation"
    else:
        key = "structure.lattice_constant"
        text = f"must make both {lattice} crystals mechanically stable: there are modes with w^2 <= 0"
    yield Problem(key, show(get(config, key) or 0.0), text)


def _timestep(config) -> Iterator[Problem]:
    """Yield a time step at which velocity Verlet blows up, w_max dt >= 2."""
    limits = []
    for side in "AB":
        modes = _modes(config, side)
        if modes is not None and 0 < modes[1] < math.inf:
            limits.append((2 * math.sqrt(get(config, f"materials.{side}.mass") / modes[1]), side))
    if limits and config.run.timestep >= min(limits)[0]:
        limit, side = min(limits)
        text = f"must be below 2/w_max = {limit:.4g} of crystal {side}, better a tenth of it"
        yield Problem("run.timestep", show(config.run.timestep), text)


@lru_cache(maxsize=10_000)
def mode_range(lattice: str, lattice_constant: float, law: tuple) -> tuple[float, float]:
    """Return the smallest and largest m w² of a perfect crystal, its three uniform translations left out.

    With one atom per primitive cell, D(k) = sum over neighbours R of K(R) (1 - cos k·R), where K(R) are the
    second derivatives of the pair energy, prestress included (Ashcroft and Mermin, Solid State Physics,
    chapter 22). The mesh of k holds the zone boundary points of sc and fcc, where central springs fail first
    and frequencies are largest.

    Arguments
    ---------
    law : ("springs", longitudinal, transverse) or ("lj", epsilon, sigma, cutoff, truncation).
    """
    cell = LATTICES[lattice]
    reach = cell.neighbour_distance * 1.001 if law[0] == "springs" else law[3] / lattice_constant
    steps = np.arange(-math.ceil(reach) - 1, math.ceil(reach) + 2)
    shifts = np.stack(
        np.meshgrid(*[steps if i < cell.dimensions else [0] for i in range(3)], indexing="ij"), -1
    )
    bonds = (shifts.reshape(-1, 1, 3) + cell.basis - cell.basis[0]).reshape(-1, 3)
    length = np.linalg.norm(bonds, axis=1)
    bonds = bonds[(length > 0) & (length < reach)]
    with np.errstate(all="ignore"):
        if law[0] == "springs":
            law = Springs(np.array([law[1]]), np.array([law[2]]))
        else:
            law = lennard_jones([law[1]], [law[2]], law[3], law[4])
        stiffness = force_constants(law, bonds * lattice_constant)[:, : cell.dimensions, : cell.dimensions]
    if not np.all(np.isfinite(stiffness)):
        return 0.0, math.inf
    fractions = (
        np.arange(16 if cell.dimensions == 3 else 8) / 8
    )  # of 2 pi/a; the zone of fcc has twice that period
    k = np.stack(
        np.meshgrid(*[fractions if i < cell.dimensions else [0] for i in range(3)], indexing="ij"), -1
    )
    one_minus_cos = 1 - np.cos(2 * np.pi * k.reshape(-1, 3) @ bonds.T)
    one_minus_cos = one_minus_cos[one_minus_cos.max(axis=1) > 1e-9]  # the others are translations
    squared = np.linalg.eigvalsh(np.einsum("kr,rij->kij", one_minus_cos, stiffness))
    return float(squared.min()), float(squared.max())


_RULES = (_cross_section, _walls, _cutoff, _steps, _timestep)
_SIDE_RULES = (_slab, _fit_window, _stability)
