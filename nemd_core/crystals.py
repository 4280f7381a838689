"""The crystals whose spacing sets the lattice constants of a junction; what `structure.lattice_constant: auto` means.

Both crystals share one lateral constant, the mean of the two bulk constants a_A(T) and a_B(T) at zero pressure. Along x
each has the spacing at which, strained to that lateral constant, its axial stress vanishes at T. T is the mean of the
bath temperatures. Mass does not matter in classical statistics. How the spacings are found: `relaxation`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from .errors import ConfigError, Problem, StorageError
from .lattice import find_lattice
from .solids import Solid, make_solid

CRYSTALS = "crystals.json"
"""What a run directory keeps of them."""
PROTOCOL = 1
"""Part of every key: raise it when the way to the numbers changes, so that stored ones are computed anew."""


@dataclass(frozen=True)
class Crystal:
    """A crystal whose spacing without stress is wanted."""

    kind: str
    """'bulk': cubic, no pressure; 'axial': strained to the junction's lateral constant, no stress along x."""
    lattice: str
    orientation: int | None
    """Crystal direction along x; None for bulk, where it does not matter."""
    epsilon: float
    sigma: float
    cutoff: float
    truncation: str
    temperature: float
    partner: tuple[float, float] | None
    """epsilon and sigma of the other side, whose bulk constant enters the lateral one; None for bulk."""

    @property
    def key(self) -> str:
        """The name under which its result is kept."""
        text = json.dumps([PROTOCOL, *asdict(self).values()])
        return f"{self.kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    @property
    def bulk(self) -> list["Crystal"]:
        """The bulk crystals that the lateral constant of an axial one needs: its own and its partner's."""
        materials = [(self.epsilon, self.sigma), self.partner] if self.kind == "axial" else []
        return [
            Crystal("bulk", self.lattice, None, *m, self.cutoff, self.truncation, self.temperature, None)
            for m in materials
        ]

    @property
    def solid(self) -> Solid:
        """The perfect crystal, in its own units."""
        cell = find_lattice(self.lattice, self.orientation or 100)
        return make_solid(cell, self.cutoff / self.sigma, self.truncation)


# ---- the constants of a configuration ----


def lattice_constants(config, crystals: Mapping | None = None) -> tuple[float, float, float]:
    """The lattice constants (lateral, a_A along x, a_B along x) in sigma0, for every form of the key.

    crystals: what `relaxation.relax_all` found, for `auto`. Raises ConfigError where it is missing.
    """
    value = config.structure.lattice_constant
    if value == "auto":
        if not all(crystal.key in (crystals or {}) for crystal in crystals_of(config)):
            allowed = "needs its crystals relaxed first: crystals=nemd_core.relax_all(config)"
            raise ConfigError([Problem("structure.lattice_constant", "auto", allowed)])
        return resolve_constants(config, crystals)
    if isinstance(value, float | int):
        return (float(value),) * 3
    if config.structure.lattice == "chain":
        return value.A, value.A, value.B  # it has no width: nothing may depend on the lateral constant
    return value.lateral, value.A, value.B


def crystals_of(config) -> list[Crystal]:
    """The crystals that `auto` needs, bulk before axial; none for a constant that is given."""
    structure, interaction, baths = config.structure, config.interaction, config.baths
    if structure.lattice_constant != "auto":
        return []
    thermal = interaction.potential == "lj"  # lj-harmonic is expanded about a crystal at rest
    mean = 0.5 * (baths.hot.temperature + baths.cold.temperature)
    temperature = round(mean, 12) if thermal else 0.0  # one key for one mean, whatever the difference
    common = (interaction.cutoff, interaction.truncation, temperature)
    a, b = _materials(config)
    bulk = [Crystal("bulk", structure.lattice, None, *m, *common, None) for m in dict.fromkeys((a, b))]
    if len(bulk) == 1:
        return bulk
    return bulk + [
        Crystal("axial", structure.lattice, structure.orientation, *own, *common, partner)
        for own, partner in ((a, b), (b, a))
    ]


def resolve_constants(config, known: Mapping) -> tuple[float, float, float]:
    """(lateral, a_A, a_B) for `auto`. known: results of the configuration's crystals by key."""
    bulk, axial = {}, {}
    for crystal in crystals_of(config):
        found = bulk if crystal.kind == "bulk" else axial
        found[crystal.epsilon, crystal.sigma] = float(known[crystal.key]["lattice_constant"])
    a, b = _materials(config)
    along = bulk | axial  # equal crystals need no strain
    return 0.5 * (bulk[a] + bulk[b]), along[a], along[b]


def read_store(store: str | Path, crystals: Iterable[Crystal]) -> dict[str, dict]:
    """The results that a store has for these crystals, by key. Raises StorageError for a file that cannot be read."""
    known = {}
    for crystal in crystals:
        path = Path(store) / f"{crystal.key}.json"
        if path.exists():
            try:
                known[crystal.key] = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise StorageError(
                    f"{path}: cannot be read ({error}); delete it to compute it again"
                ) from None
    return known


def _materials(config) -> list[tuple[float, float]]:
    return [(m.epsilon, m.sigma) for m in (config.materials.A, config.materials.B)]
