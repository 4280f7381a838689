"""Builds a junction of two crystals, from a configuration or from an `ase.Atoms` that this package wrote."""

from dataclasses import replace
from functools import partial

import ase
import numpy as np
from scipy.spatial import cKDTree

from .config_yaml import one_line
from .crystals import lattice_constants
from .errors import StorageError
from .lattice import find_lattice, orientations_of
from .system import REGIONS, SPECIES, System
from .two_lattices import TwoLattices

_OFF_SITE = 0.25
"""How far from its site an atom of a structure file may lie, in nearest-neighbour distances."""


def build(config, crystals: dict | None = None) -> System:
    """The junction of a configuration.

    Along x: walls, hot bath, A, interface, B, cold bath, walls; with periodic ends the baths sit in the middle of both
    sides. crystals: what `crystals.relax_all` found, for a relaxed lattice constant. Raises StorageError for a structure
    file that does not fit.
    """
    structure, baths = config.structure, config.baths
    lattice = find_lattice(structure.lattice, structure.orientation)
    lateral, *axial = lattice_constants(config, crystals)
    n_a, n_b = structure.length.A, structure.length.B
    if structure.ends == "periodic":
        beside = ((n_a - baths.hot.length) // 2, (n_b - baths.cold.length) // 2)
        a, b = ("A", beside[0]), ("B", beside[1])
        regions = (a, ("hot", baths.hot.length), a, b, ("cold", baths.cold.length), b)
    else:
        regions = (
            ("wall", baths.walls),
            ("hot", baths.hot.length),
            ("A", n_a - baths.walls - baths.hot.length),
            ("B", n_b - baths.walls - baths.cold.length),
            ("cold", baths.cold.length),
            ("wall", baths.walls),
        )
    cross_section = tuple(structure.cross_section or (1, 1))
    materials = [getattr(config.materials, name) for name in SPECIES]
    kind = System
    if structure.cross_section_B:
        kind = partial(TwoLattices, cross_section_b=tuple(structure.cross_section_B))
    system = kind(
        lattice=lattice,
        lateral=lateral,
        axial=tuple(axial),
        cross_section=cross_section,
        n_cells=n_a + n_b,
        first_b_cell=n_a,
        species=np.zeros(0, np.int64),
        mass=np.zeros(0),
        cell_region=np.repeat([REGIONS.index(name) for name, _ in regions], [n for _, n in regions]),
        periodic=structure.ends == "periodic",
        zone=_zone(structure),
        symbols=tuple(
            material.symbol if material else symbol
            for material, symbol in zip(materials, System.symbols, strict=True)
        ),
    )
    side = system.cell_side[system.cell_of_site]
    return _fill(replace(system, species=side), config, materials)


def _zone(structure) -> tuple[int, int]:
    layers = structure.interlayer.layers if structure.interlayer else structure.interface.layers
    return layers // 2, layers - layers // 2


def _fill(system: System, config, materials) -> System:
    """Put species and masses on the sites."""
    structure = config.structure
    species = system.species
    if structure.file:
        symbols = {name: m.symbol for name, m in zip(SPECIES, materials, strict=True) if m}
        species = _read_species(structure.file, system, symbols)
        system = replace(system, species=species)
        system = replace(system, zone=_find_zone(system))
        return replace(system, mass=_masses(materials, species))
    for number, depth in enumerate(_depths(system)):
        inside = (depth >= -system.zone[0]) & (depth < system.zone[1])
        if structure.interlayer:
            species = np.where(inside, SPECIES.index("C"), species)
        elif inside.any():
            rng = np.random.default_rng([structure.interface.seed, number])
            species = _DISORDER[structure.interface.kind](system, species, depth, inside, rng)
    mass = _masses(materials, species)
    if structure.interlayer and structure.interlayer.masses != "uniform":
        mass = _grade(system, mass, species, structure.interlayer.masses)
    return replace(system, species=species, mass=mass)


def _masses(materials, species) -> np.ndarray:
    return np.array([material.mass if material and material.mass else 0.0 for material in materials])[species]


def _find_zone(system: System) -> tuple[int, int]:
    """The layers beside the interface that are not of their side's own species, on A's and on B's side.

    A side without a layer of its own (an alloy throughout) has no zone: what is left out there says `fit`.
    """
    depth, name = _depths(system)[0], system.layer_species
    depth = depth[np.argsort(system.layer_of_site, kind="stable")][:: system.sites_per_layer]
    pure = [-1 - depth[(name == "A") & (depth < 0)], depth[(name == "B") & (depth >= 0)]]
    return tuple(int(layers.min()) if layers.size else 0 for layers in pure)


def _depths(system: System) -> list[np.ndarray]:
    """For each interface, how many layers a site lies beyond it on B's side; negative in A, 0 in B's first layer."""
    layer = system.layer_of_site
    depths = [layer - system.first_b_layer]
    if system.periodic:
        half = system.n_layers // 2
        depths.append((-1 - layer + half) % system.n_layers - half)
    return depths


def _roughen(system: System, species, depth, inside, rng) -> np.ndarray:
    """Steps: the boundary lies at a height of its own in every column of the cross-section, evenly spread over the zone."""
    columns = system.cross_section[0] * system.cross_section[1]
    low, high = -system.zone[0], system.zone[1]
    middle = (2 * np.arange(columns) + 1) * (high - low + 1) // (2 * columns)
    heights = rng.permutation(low + middle)
    height = np.repeat(heights, len(system.lattice.basis) * system.n_cells)
    return np.where(inside, (depth >= height).astype(np.int64), species)


def _intermix(system: System, species, depth, inside, rng) -> np.ndarray:
    """A solid solution whose share of B grows linearly from layer to layer; which sites is drawn by lot.

    A chain has one site in a layer: there the share is the chance that it is B.
    """
    species = species.copy()
    layers = sum(system.zone)
    for n in range(layers):
        sites = np.flatnonzero(inside & (depth == n - system.zone[0]))
        count = len(sites) * (n + 1) / (layers + 1) + (0.5 if len(sites) > 1 else rng.random())
        species[sites] = rng.permutation((np.arange(len(sites)) < int(count)).astype(np.int64))
    return species


_DISORDER = {"rough": _roughen, "intermixed": _intermix}


def _grade(system: System, mass, species, kind: str) -> np.ndarray:
    """Masses of the interlayer between those of A and B, in equal steps of the mass (linear) or its logarithm."""
    ends = np.array([mass[species == s][0] for s in (0, 1)])
    if kind == "geometric":
        ends = np.log(ends)
    mass, layers = mass.copy(), sum(system.zone)
    for depth in _depths(system):
        inside = (depth >= -system.zone[0]) & (depth < system.zone[1])
        step = (depth[inside] + system.zone[0] + 1) / (layers + 1)
        value = ends[0] + (ends[1] - ends[0]) * step
        mass[inside] = np.exp(value) if kind == "geometric" else value
    return mass


def _read_species(path, system: System, symbols: dict[str, str]) -> np.ndarray:
    """Species of each site from the atoms of an extended XYZ file, by its column `material` or its chemical symbols.

    symbols: those of the materials that there are, by name. Every site needs one atom near it. With fixed ends it does not
    matter where the atoms stand as a whole along x; with periodic ends x = 0 is the first layer.
    """
    import ase.io  # as in storage.py

    try:
        atoms = ase.io.read(path, format="extxyz")
    except Exception as error:  # ASE's reader raises what the line at fault happens to cause
        raise _misfit(path, f"cannot be read as extended XYZ ({one_line(error)})") from None
    if len(atoms) != system.n_sites:
        raise _misfit(path, f"{len(atoms)} atoms; must be {system.n_sites}, one for each site of the lattice")
    species = np.empty(system.n_sites, np.int64)
    species[_find_sites(path, system, atoms.positions)] = _name_species(path, atoms, symbols)
    return species


def _misfit(path, problem: str) -> StorageError:
    return StorageError(f"structure.file: {path}: {problem}")


def _find_sites(path, system: System, positions) -> np.ndarray:
    """The site at which each atom stands, shape (n_sites,). Raises StorageError unless it is one for each."""
    if not np.isfinite(positions).all():
        raise _misfit(path, "positions must be finite")
    box = np.array([system.length if system.periodic else 0.0, *system.sides])
    if system.lattice.dimensions == 1:
        box[1:] = 0.0
    sites, limit = system.positions, _OFF_SITE * system.nearest
    if not system.periodic:
        shift = np.median(np.sort(positions[:, 0]) - np.sort(sites[:, 0]))
        positions = positions - [shift, 0.0, 0.0]
    away, site = cKDTree(_inside(sites, box), boxsize=box).query(_inside(positions, box))
    worst = int(np.argmax(away))
    if away[worst] > limit:
        raise _misfit(
            path,
            f"atom {worst} lies {away[worst]:.3g} sigma0 from the nearest site of the lattice; must be at most {limit:.3g}",
        )
    occupied, first = np.unique(site, return_index=True)
    if len(occupied) < len(site):
        second = int(np.setdiff1d(np.arange(len(site)), first)[0])
        pair = f"atoms {first[occupied == site[second]][0]} and {second}"
        raise _misfit(path, f"{pair} are at one site and another site is empty; must be one atom for each")
    return site


def _name_species(path, atoms: ase.Atoms, symbols: dict[str, str]) -> list[int]:
    """Index into SPECIES of each atom. Raises StorageError for one that is no material, or that could be two."""
    if "material" in atoms.arrays:
        names, known = atoms.arrays["material"], {name: name for name in symbols}
    else:
        names, known = atoms.get_chemical_symbols(), {symbol: name for name, symbol in symbols.items()}
        if len(known) < len(symbols):
            shared = ", ".join(f"{name}: {symbol}" for name, symbol in symbols.items())
            raise _misfit(
                path,
                f"materials cannot be told by their symbols ({shared}); must be different, or in a column material",
            )
    unknown = sorted({str(name) for name in names} - set(known))
    if unknown:
        allowed = ", ".join(
            name if name == label else f"{label} (materials.{name})" for label, name in known.items()
        )
        raise _misfit(path, f"species {', '.join(unknown)}; must be {allowed}")
    return [SPECIES.index(known[str(name)]) for name in names]


def _inside(positions, box) -> np.ndarray:
    """Positions folded into the periodic directions, those with an edge above 0."""
    folded = np.mod(positions, np.where(box > 0, box, np.inf))
    return np.where(box > 0, np.where(folded >= box, 0.0, folded), positions)


def from_ase(atoms: ase.Atoms) -> System:
    """The junction that `System.to_ase` wrote. Raises StorageError when information is missing or disagrees."""
    try:
        system = _system_of(atoms)
        same = _agrees(atoms, system)
    except KeyError as error:
        raise StorageError(
            f"structure: {error.args[0]} is missing; a file written by `build` has it"
        ) from None
    except (IndexError, TypeError, ValueError):
        same = False
    if not same:
        raise StorageError("structure: its atoms are not those of the junction that it names")
    return system


def _agrees(atoms: ase.Atoms, system: System) -> bool:
    """Whether `atoms` are those of `system`, and its regions where its sides and ends say. Materials and masses may be any."""
    wanted, tolerance = system.to_ase(), 1e-6 * system.lateral
    of_side = np.array([REGIONS[region] in ("B", "cold") for region in system.cell_region])
    wall = ~system.moving_cell
    return bool(
        all(
            np.array_equal(atoms.arrays[name], wanted.arrays[name]) for name in ("region", "layer", "numbers")
        )
        and np.allclose(atoms.positions, wanted.positions, rtol=0, atol=tolerance)
        and np.allclose(atoms.cell, wanted.cell, rtol=0, atol=tolerance)
        and np.array_equal(atoms.pbc, wanted.pbc)
        and np.array_equal(of_side[~wall], system.cell_side[~wall])
        and not (system.periodic and wall.any())
    )


def _system_of(atoms: ase.Atoms) -> System:
    """What the information beside the atoms says; whether they agree is for the caller to see."""
    info = atoms.info
    name, orientation = str(info["lattice"]), int(info["orientation"])
    if orientation not in orientations_of(name):
        raise ValueError
    lattice = find_lattice(name, orientation)
    region, material = atoms.arrays["region"], atoms.arrays["material"]
    cell = np.asarray(atoms.arrays["layer"]) // lattice.layers_per_cell
    first = [int(np.flatnonzero(cell == c)[0]) for c in range(int(cell.max()) + 1)]
    species = np.array([SPECIES.index(name) for name in material])
    symbols = np.array(System.symbols, dtype="U2")
    symbols[species] = atoms.get_chemical_symbols()
    kind = System
    if "cross_section_b" in info:
        kind = partial(TwoLattices, cross_section_b=tuple(int(n) for n in info["cross_section_b"]))
    return kind(
        lattice=lattice,
        lateral=float(info["lateral"]),
        axial=tuple(float(a) for a in info["axial"]),
        cross_section=tuple(int(n) for n in info["cross_section"]),
        n_cells=len(first),
        first_b_cell=int(info["first_b_cell"]),
        species=species,
        mass=atoms.get_masses(),
        cell_region=np.array([REGIONS.index(str(region[i])) for i in first]),
        periodic=bool(atoms.pbc[0]),
        zone=tuple(int(n) for n in info["zone"]),
        symbols=tuple(str(symbol) for symbol in symbols),
    )
