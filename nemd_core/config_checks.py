"""What the keys of a configuration must be together: a list of rules.

Each rule takes the configuration and yields problems. It also works on a partial one, from which wrong keys
are missing: a rule that touches such a key ends there, so that all that can be judged is reported at once.
Rules of the geometry are in config_geometry.py, those of lattice dynamics in config_stability.py.
"""

from collections.abc import Iterator, Mapping

from nemd_core import config_geometry as geometry
from nemd_core import config_stability as stability
from nemd_core.config_docs import REQUIRED, Key
from nemd_core.config_problems import get
from nemd_core.config_yaml import show
from nemd_core.errors import Problem
from nemd_core.lattice import orientations_of


def find_refused(config, keys: Mapping[str, Key]) -> list[Problem]:
    """Return values that others cannot be judged by: not supported yet, not of this lattice, or missing."""
    problems = []
    for rule, arguments in ((_orientation, ()), (_relaxed, ()), (_forces, ()), (_missing_keys, (keys,))):
        try:
            problems += rule(config, *arguments)
        except AttributeError:
            continue
    return problems


def find_problems(config, keys: Mapping[str, Key], complete: bool) -> list[Problem]:
    """Return what is wrong between the keys of `config`; with complete=False some may have no attribute."""
    problems = []
    rules = [(rule, (config, side)) for rule in _SIDE_RULES for side in "AB"]
    rules += [(stability.stability, (config, *crystal)) for crystal in stability.CRYSTALS]
    rules += [(rule, (config,)) for rule in _RULES] + [(_idle_keys, (config, keys))]
    for rule, arguments in rules:
        try:
            for problem in rule(*arguments):
                problems.append(problem)
        except AttributeError:
            if complete:
                raise
    order = list(keys)
    return sorted(problems, key=lambda p: order.index(p.key) if p.key in order else len(order))


def _orientation(config) -> Iterator[Problem]:
    """Yield a crystal direction that the lattice does not come in."""
    lattice, orientation = config.structure.lattice, config.structure.orientation
    known = orientations_of(lattice)
    if orientation not in known:
        text = f"must be {' or '.join(map(str, known))} for the lattice {lattice}; other directions are only for fcc"
        yield Problem("structure.orientation", show(orientation), text)


def _relaxed(config) -> Iterator[Problem]:
    """Yield a lattice constant that is to be relaxed where there is nothing to relax to."""
    structure, key = config.structure, "structure.lattice_constant"
    if structure.lattice_constant != "auto":
        return
    if config.interaction.potential == "harmonic":
        yield Problem(
            key, "auto", "must be a number for springs, whose length at rest is that of the lattice"
        )
    elif structure.lattice != "fcc":
        text = f"must be a number for {structure.lattice}: with Lennard-Jones only fcc relaxes to a stable crystal"
        yield Problem(key, "auto", text)


def _forces(config) -> Iterator[Problem]:
    """Yield forces that do not go with the potential or the lattice."""
    if config.run.forces != "verlet":
        return
    potential = config.interaction.potential
    if potential != "lj":
        text = f"must be lattice for potential {potential}, whose bonds belong to the sites of a crystal"
        yield Problem("run.forces", "verlet", text)
    elif config.structure.lattice == "chain":
        yield Problem("run.forces", "verlet", "must be lattice for a chain, which moves along x only")
    if config.run.precision == "mixed":
        yield Problem("run.precision", "mixed", "must be double for forces verlet")


def _skin(config) -> Iterator[Problem]:
    """Yield a skin that forces lattice do not have, or one that is too thick."""
    run, cutoff = config.run, config.interaction.cutoff
    if run.skin is None:
        return
    if run.forces != "verlet":
        yield Problem("run.skin", show(run.skin), "not a key of forces lattice, only of verlet")
    elif cutoff is not None and run.skin > cutoff:
        text = f"must be at most interaction.cutoff = {cutoff:g}: an atom must not meet its own image"
        yield Problem("run.skin", show(run.skin), text)


def _missing_keys(config, keys: Mapping[str, Key]) -> Iterator[Problem]:
    """Yield keys that the potential needs."""
    potential = config.interaction.potential
    for key, value in _keys_by_potential(config, keys):
        if value is None and key.by_potential.get(potential) is REQUIRED:
            yield Problem(key.path, "missing", f"must be {key.allowed}; potential {potential} needs it")


def _idle_keys(config, keys: Mapping[str, Key]) -> Iterator[Problem]:
    """Yield keys that the potential, or a chain, does not have."""
    potential = config.interaction.potential
    for key, value in _keys_by_potential(config, keys):
        if value is None:
            continue
        if potential not in key.by_potential:
            text = f"not a key of potential {potential}, only of {' and '.join(key.by_potential)}"
            yield Problem(key.path, show(value), text)
        elif key.path.endswith("transverse_stiffness") and config.structure.lattice == "chain":
            yield Problem(key.path, show(value), "not a key of a chain, which moves along x only")


def _keys_by_potential(config, keys: Mapping[str, Key]) -> Iterator[tuple[Key, object]]:
    """Yield the keys that only some potentials have, with their values."""
    for key in keys.values():
        if key.by_potential:
            try:
                yield key, get(config, key.path)
            except AttributeError:
                continue


def _steps(config) -> Iterator[Problem]:
    """Yield step counts that do not divide each other."""
    multiples = (
        ("run.series_steps", "run.sample_every"),
        ("run.block_steps", "run.series_steps"),
        ("run.equilibration_steps", "run.series_steps"),
        ("run.production_steps", "run.series_steps"),
        ("run.until.max_steps", "run.series_steps"),
        ("output.trajectory_every", "run.sample_every"),
    )
    for key, divisor in multiples:
        try:
            value, step = get(config, key), get(config, divisor)
        except AttributeError:
            continue
        if value % step:
            yield Problem(key, show(value), f"must be a multiple of {divisor} = {step}")


def _until(config) -> Iterator[Problem]:
    """Yield a largest length of a run that ends before its error is first looked at."""
    if config.run.until is None:
        return
    first, most = config.run.production_steps, config.run.until.max_steps
    if most < first:
        text = f"must be at least run.production_steps = {first}, after which the error is first looked at"
        yield Problem("run.until.max_steps", show(most), text)


def _fit_model(config) -> Iterator[Problem]:
    """Yield a fit through ln T of a profile that is level."""
    potential = config.interaction.potential
    if config.fit != "auto" and config.fit.model == "log" and potential != "lj":
        text = f"must be linear for potential {potential}, whose profile has no gradient in the bulk"
        yield Problem("fit.model", "log", text)


_RULES = (
    _skin,
    geometry.cross_section,
    geometry.second_cross_section,
    geometry.walls,
    geometry.periodic,
    geometry.cutoff,
    geometry.interface,
    geometry.third_material,
    _steps,
    _until,
    _fit_model,
    stability.timestep,
)
_SIDE_RULES = (geometry.slab, geometry.zone, geometry.fit_window)
