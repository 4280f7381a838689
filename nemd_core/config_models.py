"""The keys of a configuration: one pydantic model per section, the only place where defaults live.

What a key must be by itself stands in its type (config_types.py), what keys must be together in config_checks.py,
how defaults that depend on other keys are found in config_fill.py.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, model_validator

from nemd_core import config_docs
from nemd_core.config_docs import REQUIRED
from nemd_core.config_fill import fill
from nemd_core.config_types import (
    REGIONS,
    Cells,
    Count,
    CrossSection,
    FileName,
    Flag,
    Fraction,
    Frequencies,
    Layers,
    LayersOrNone,
    Mesh,
    Mixing,
    MixingOrZero,
    Name,
    NonNegative,
    Number,
    Orientation,
    Positive,
    Regions,
    Seed,
    Sha256,
    Steps,
    StepsOrNone,
    Symbol,
    Temperatures,
    WallCells,
    for_lj,
    key,
    keys_or_value,
    section,
)


class Section(BaseModel):
    """A group of keys; unknown keys are refused, values cannot be changed after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Reference(Section):
    """A reference substance of one's own."""

    epsilon_K: Positive = key("K", "epsilon0/k_B of the substance that the units are reduced by")
    sigma_angstrom: Positive = key("Angstrom", "sigma0 of that substance")
    mass_u: Positive = key("u", "m0 of that substance")


class Length(Section):
    """The extent of both sides."""

    A: Cells = key("cells", "length of side A along x, wall and bath included")
    B: Cells = key("cells", "length of side B along x, wall and bath included")


class LatticeConstants(Section):
    """A lattice constant for each side."""

    lateral: Positive = key("sigma0", "lattice constant of both sides along y and z")
    A: Positive = key("sigma0", "lattice constant of A along x")
    B: Positive = key("sigma0", "lattice constant of B along x")


class Interface(Section):
    """The boundary between A and B."""

    kind: Literal["sharp", "rough", "intermixed"] = key(
        "", "a plane; columns of different height; or layers whose share of B grows from A to B", "sharp"
    )
    layers: LayersOrNone = key(
        "layers",
        "thickness of a rough or intermixed interface, half of it on either side; 0 for a sharp one",
        0,
    )
    seed: Seed = key("", "seed of the disorder at the interface", 1)
    plane: Literal["geometric", "species"] = key(
        "",
        "heat at the interface: through the plane at its middle, or from all atoms of A to all others",
        "geometric",
    )


class Interlayer(Section):
    """A film of material C around the interface."""

    layers: Layers = key("layers", "layers of C, half of them on either side; leave the section out for none")
    masses: Literal["uniform", "linear", "geometric"] = key(
        "", "mass of C, or graded from A's to B's in equal steps or equal ratios", "uniform"
    )


class Structure(Section):
    """The junction of two crystals."""

    lattice: Literal["chain", "sc", "fcc", "bcc", "diamond"] = key(
        "", "lattice of both sides; a chain moves along x only"
    )
    orientation: Orientation = key(
        "",
        "crystal direction along x; 110 and 111 only for fcc. The cell's edges along x, y, z in lattice constants: "
        "1, 1, 1; 110: 1/sqrt(2), 1/sqrt(2), 1; 111: sqrt(3), 1/sqrt(2), sqrt(3/2)",
        100,
    )
    lattice_constant: Annotated[
        Annotated[LatticeConstants, Tag("keys")] | Annotated[Positive | Literal["auto"], Tag("value")],
        Discriminator(keys_or_value),
    ] = key(
        "sigma0",
        "edge of the conventional cubic cell; auto (fcc with Lennard-Jones): relaxed at the mean temperature of the "
        "baths, each side free of stress along x",
    )
    cross_section: CrossSection | None = key(
        "cells", "periodic cells along y and z, two cut-offs wide or more; a chain has none", None
    )
    cross_section_B: CrossSection | None = key(
        "cells", "of side B, where other cells than A's fit its lattice: needs forces verlet", None
    )
    length: Length = section("Cells along x on each side.")
    ends: Literal["fixed", "periodic"] = key(
        "",
        "how x ends: frozen walls, or a second interface; then both baths are in the middle of their side",
        "fixed",
    )
    file: FileName | None = key(
        "",
        "extended XYZ file (relative to this file) with the species at every lattice site, in place of A below and B "
        "above the interface",
        None,
    )
    file_sha256: Sha256 | None = key("", "sha256 of that file; filled in, need not be written", None)
    interface: Interface = section("How A and B meet.", default_factory=Interface)
    interlayer: Interlayer | None = section("A film of material C between A and B.", default=None)


class Material(Section):
    """The atoms of one material and their interaction."""

    mass: Positive = key("m0", "mass of an atom")
    epsilon: Positive | None = key(
        "epsilon0", "depth of the Lennard-Jones potential", by_potential=for_lj(REQUIRED)
    )
    sigma: Positive | None = key(
        "sigma0", "diameter of the Lennard-Jones potential", by_potential=for_lj(REQUIRED)
    )
    stiffness: Positive | None = key(
        "epsilon0/sigma0^2",
        "spring constant along the bond to a nearest neighbour",
        by_potential={"harmonic": REQUIRED},
    )
    transverse_stiffness: NonNegative | None = key(
        "epsilon0/sigma0^2",
        "spring constant across the bond; sc, bcc and diamond need one, a chain has none",
        by_potential={"harmonic": 0.0},
    )


def _symbol(default: str):
    return key("", "chemical symbol of the atoms in files", default)


class MaterialA(Material):
    """The material of side A."""

    symbol: Symbol = _symbol("Ar")


class MaterialB(Material):
    """The material of side B."""

    symbol: Symbol = _symbol("Kr")


class MaterialC(Material):
    """The material of an interlayer, or a third one in a structure file."""

    mass: Positive | None = key(
        "m0", "mass of an atom; needed, unless structure.interlayer.masses grades it", None
    )
    symbol: Symbol = _symbol("Xe")


class Materials(Section):
    """A fills x below the interface, B the rest."""

    A: MaterialA = section("Material of side A.")
    B: MaterialB = section("Material of side B.")
    C: MaterialC | None = section("Material of the interlayer.", default=None)


class Cross(Section):
    """The interaction between an atom of A and one of B; a rule also holds for pairs with C, a number does not."""

    epsilon: Mixing | None = key(
        "epsilon0", "depth between A and B: a mean of both or a number", by_potential=for_lj("geometric")
    )
    sigma: Mixing | None = key(
        "sigma0", "diameter between A and B: a mean of both or a number", by_potential=for_lj("arithmetic")
    )
    stiffness: Mixing | None = key(
        "epsilon0/sigma0^2",
        "spring constant between A and B: a mean of both or a number",
        by_potential={"harmonic": "arithmetic"},
    )
    transverse_stiffness: MixingOrZero | None = key(
        "epsilon0/sigma0^2",
        "the same across the bond; a chain has none",
        by_potential={"harmonic": "arithmetic"},
    )


class Interaction(Section):
    """How atoms interact."""

    potential: Literal["lj", "harmonic", "lj-harmonic"] = key(
        "", "Lennard-Jones; springs between nearest neighbours; Lennard-Jones to second order"
    )
    cutoff: Positive | None = key(
        "sigma0", "distance beyond which atoms do not interact", by_potential=for_lj(2.5)
    )
    truncation: Literal["none", "energy-shift", "force-shift"] | None = key(
        "",
        "what happens at the cut-off (LAMMPS: lj/cut; the same with shift yes; lj/smooth/linear)",
        by_potential=for_lj("force-shift"),
    )
    cross: Cross = section("The interaction across the interface.", default_factory=Cross)


class Bath(Section):
    """One heat bath."""

    model_config = ConfigDict(
        # a file may give baths.mean and baths.difference instead
        json_schema_extra=lambda schema: schema["required"].remove("temperature")
    )
    temperature: NonNegative = key(
        "epsilon0/k_B", "temperature of the bath; not where baths.mean and baths.difference give it"
    )
    length: Cells = key("cells", "length of the bath along x; next to the wall, or in the middle of its side")


class Baths(Section):
    """The two heat baths and the walls behind them."""

    method: Literal["langevin"] = key("", "kind of bath", "langevin")
    mean: NonNegative | None = key(
        "epsilon0/k_B",
        "mean temperature of the baths; with difference, in place of the two temperatures",
        None,
    )
    difference: Number | None = key(
        "epsilon0/k_B", "temperature of the hot bath minus that of the cold", None
    )
    hot: Bath = section("The bath in A; it may be the colder one, the flux then changes sign.")
    cold: Bath = section("The bath in B.")
    friction: Positive = key("1/tau0", "friction of the baths", 1.0)
    ramp: Flag = key(
        "", "true: friction rises as 2 friction sin^2(pi s/2), s = 0 at the inner edge, 1 at the outer", False
    )
    walls: WallCells = key(
        "cells",
        "frozen cells at each fixed end, 0 only for a chain; with periodic ends 0, also by default",
        2,
    )


class Until(Section):
    """When a run is long enough: its error decides, and a largest length."""

    relative_error: Fraction = key(
        "1", "the run ends when the error of R_K (half its 68 % interval) is below this share of R_K"
    )
    max_steps: Steps = key(
        "steps",
        "measured steps at most; a multiple of series_steps, production_steps or more",
    )


class Run(Section):
    """Time step, lengths of the run and how it is computed."""

    timestep: Positive = key("tau0", "time step", 0.005)
    equilibration_steps: StepsOrNone = key(
        "steps", "steps before measuring; a multiple of series_steps", 100_000
    )
    production_steps: Steps = key(
        "steps",
        "measured steps; a multiple of series_steps. With until: those before the error is first looked at",
        400_000,
    )
    until: Until | None = section("Go on until R_K is known well enough.", default=None)
    sample_every: Steps = key("steps", "interval between measurements", 10)
    series_steps: Steps = key(
        "steps", "stretch averaged into one row of samples.h5; a multiple of sample_every", 100
    )
    block_steps: Steps = key(
        "steps",
        "compiled stretch between checks, checkpoints and progress lines; a multiple of series_steps",
        20_000,
    )
    replicas: Count = key("copies", "independent copies in one process, seeds derived from seed", 1)
    seed: Seed = key("", "seed of all random numbers", 1)
    threads: Count = key("threads", "threads of the run; the result does not depend on them", 2)
    checkpoint_seconds: Positive = key("s", "wall time between checkpoints", 600.0)
    precision: Literal["double", "mixed"] = key(
        "",
        "mixed: pair terms of forces and heat flow in single precision, state and sums in double",
        "double",
    )
    forces: Literal["auto", "lattice", "verlet"] = key(
        "", "a fixed neighbour table, for crystals, or a list that follows the atoms", "auto"
    )
    skin: Positive | None = key("sigma0", "reach of the list beyond the cut-off; forces verlet: 0.3", None)


class Output(Section):
    """What is written on request."""

    trajectory_every: StepsOrNone = key(
        "steps",
        "interval between frames of trajectory.h5md, a multiple of run.sample_every; 0: no trajectory",
        0,
    )
    trajectory_regions: Regions = key("", "regions whose atoms the trajectory holds", REGIONS)


class Fit(Section):
    """The bulk fits: what they leave out, and what is straight."""

    skip_bath: NonNegative = key("cells", "left out of the bulk fit next to each bath", 4.0)
    skip_interface: NonNegative = key(
        "cells",
        "left out of the bulk fit next to the interface, counted from the edge of a disordered one",
        4.0,
    )
    model: Literal["linear", "log"] = key(
        "", "what is straight in these windows: T, or (lj only) ln T, as where kappa goes as 1/T", "linear"
    )


class Theory(Section):
    """How finely the theory of the junction is computed."""

    mesh: Mesh = key(
        "points",
        "transverse wave vectors each way of the infinite cross-section; where disorder makes the lateral cell n times "
        "as large, 1/n of them, at least one; a chain has one",
        20,
    )
    frequencies: Frequencies = key("points", "frequencies from 0 to the largest of the junction", 200)
    temperatures: Temperatures | None = key(
        "epsilon0/k_B",
        "where the quantum conductance is computed; by default from 0.01 to 3 times hbar w_max",
        None,
    )


class Config(Section):
    """One run, every default filled in; `load_config` and `parse_config` check it as a whole."""

    name: Name | None = key("", "name of the study's directory in results/; else the file's name", None)
    units: Literal["lj"] = key("", "reduced units of a reference substance")
    reference: Annotated[
        Annotated[Reference, Tag("keys")] | Annotated[Literal["argon", "krypton", "xenon"], Tag("value")],
        Discriminator(keys_or_value),
    ] = key("", "substance through which results are also given in SI units", "argon")
    structure: Structure = section("The junction.")
    materials: Materials = section("The materials.")
    interaction: Interaction = section("The interaction.")
    baths: Baths = section("Heat baths and walls.")
    run: Run = section("The run.", default_factory=Run)
    fit: Annotated[
        Annotated[Fit, Tag("keys")] | Annotated[Literal["auto"], Tag("value")], Discriminator(keys_or_value)
    ] = key(
        "cells",
        "what the bulk fits leave out, and what is straight; auto: windows found from the data, their choice part of the error",
        Fit(),
    )
    output: Output = section("What a run writes beyond its measurements.", default_factory=Output)
    theory: Theory | None = section("The theory of the same junction.", default_factory=Theory)

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data):
        return fill(data, KEYS)[0] if isinstance(data, Mapping) else data


KEYS = config_docs.keys(Config)
SECTIONS = config_docs.sections(Config)
