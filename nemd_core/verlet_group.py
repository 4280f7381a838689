"""Replicas of a junction whose atoms may go anywhere: what `group.Group` is for crystals, with the same methods."""

from functools import partial

import numpy as np

from .atoms import Atoms, make_atoms
from .forces.neighbours import DONE, FULL, LOST, build_all, enlarge, make_neighbours
from .forces.sorting import BUILDS, Box, pack, pack_ghosts
from .forces.verlet import pair_table, sum_energies, sum_forces
from .group import count_rows, draw_velocities, make_plan
from .observables import Series, empty_series
from .potentials import LennardJones, law_of
from .system import System
from .team import make_meeting, run_team
from .verlet_meter import find_layers, make_bins, make_meter, record_heats, total_energy
from .verlet_steps import count_ghost_chunks, make_reservoirs, run_block


def conserved(law: LennardJones) -> LennardJones:
    """The potential whose energy the forces of a law conserve: continuous at the cut-off.

    Without truncation the energy of a pair jumps where it crosses the cut-off, while no force does work: atoms that do
    so all the time would make an energy, and a heat flow, that the dynamics does not have.
    """
    at_cutoff = law.a * law.cutoff**-12 - law.b * law.cutoff**-6 + law.slope * law.cutoff
    return law._replace(offset=-at_cutoff)


class Replica:
    """One copy of the junction: its atoms, their neighbours, its baths and its sums."""

    def __init__(self, config, system: System, number, box: Box, frozen: np.ndarray):
        self.number = number
        self.steps = 0
        """Steps done since the start of this process, to which the builds of the list belong."""
        moving = np.flatnonzero(system.moving_site)
        self.atoms: Atoms = make_atoms(
            system.positions[moving],
            draw_velocities(system, config, number),
            system.mass[moving],
            moving,
            system.species[moving],
            config.run.timestep,
        )
        reach = config.interaction.cutoff + config.run.skin
        density = system.n_sites / (system.area * system.length)
        self.list, self.work = make_neighbours(box, len(moving), frozen, reach, config.run.skin, density)
        self.reservoirs = make_reservoirs(system, config, number, len(moving))
        between = config.structure.interface.plane == "species"
        self.meter = make_meter(system, len(moving), between)
        self.law = pair_table(conserved(law_of(config)))
        self.lost = False
        self.build()

    def build(self) -> None:
        """Build the list for the present positions, and sum forces."""
        status = FULL
        while status == FULL:
            status = build_all(self.atoms, self.list, self.work)
            if status == FULL:
                self.list, self.work = enlarge(self.list, self.work)
        self.lost = status == LOST
        if not self.lost:
            self.sum_forces()

    def pack(self) -> None:
        """Bring positions to where pairs look for them."""
        for chunk in range(len(self.list.moved)):
            pack(chunk, self.atoms, self.list)
        for chunk in range(count_ghost_chunks(self.list)):
            pack_ghosts(chunk, self.list)

    def sum_forces(self) -> None:
        for chunk in range(len(self.list.moved)):
            sum_forces(chunk, self.atoms, self.list, self.law)

    def energy(self) -> float:
        """Full-step kinetic plus potential energy."""
        for chunk in range(len(self.list.moved)):
            sum_energies(chunk, self.atoms, self.list, self.law, self.meter.potential)
        return total_energy(self.atoms, self.meter)

    def by_number(self, array: np.ndarray) -> np.ndarray:
        """From the order of memory to that of sites: (3, n) -> (n, 3)."""
        return array.T[self.atoms.by_number]


class VerletGroup:
    """Replicas that one after the other do the same steps; threads, if there are several, share each."""

    def __init__(self, config, system: System, replica_ids, threads: int):
        self.config, self.system = config, system
        self.replica_ids = np.asarray(replica_ids, np.uint64)
        reach = config.interaction.cutoff + config.run.skin
        frozen = find_frozen(system, reach)
        ends = frozen[:, 0] if len(frozen) else system.layer_x
        self.bins = make_bins(system)
        low, high = float(ends.min()) - 1.0, float(ends.max()) + 1.0
        if system.periodic:
            low, high = self.bins.low, self.bins.low + system.length
        box = Box(low, high, np.array([system.length if system.periodic else 0.0, *system.sides]))
        self.replicas = [Replica(config, system, number, box, frozen) for number in self.replica_ids]
        self._members, self._meeting = threads, make_meeting()

    def advance(self, first_step: int, n_steps: int, measure: bool) -> tuple[int, int, Series]:
        """Do a block; returns (status, step reached, its rows). The table of a list cannot break: status is DONE."""
        run = self.config.run
        series = empty_series(self.system, len(self.replicas), count_rows(run, first_step, n_steps, measure))
        for number, replica in enumerate(self.replicas):
            self._advance_one(number, replica, make_plan(run, first_step, n_steps, measure), series)
        return DONE, first_step + n_steps, series

    def _advance_one(self, number: int, replica: Replica, plan, series: Series) -> None:
        status, end, row = DONE, plan.first_step + plan.n_steps, 0
        replica.steps += plan.n_steps
        for chunk in range(len(replica.list.moved)):
            find_layers(chunk, replica.atoms, self.bins, 0.0, replica.atoms.layer)
        while plan.n_steps > 0 and not replica.lost:
            work = (
                *(replica.atoms, replica.list, replica.work, replica.law, replica.reservoirs, self.bins),
                *(plan, replica.meter, series, number, row, status == FULL),
            )
            status, step, row = run_team(partial(self._run, work), self._members)[0]
            if status == FULL:
                replica.list, replica.work = enlarge(replica.list, replica.work)
            replica.lost = status == LOST
            plan = plan._replace(first_step=step, n_steps=end - step)

    def _run(self, work: tuple, member: int) -> tuple[int, int, int]:
        return run_block(member, self._members, self._meeting, *work)

    def energy(self) -> np.ndarray:
        """Full-step kinetic plus potential energy of each replica."""
        return np.array([replica.energy() for replica in self.replicas])

    def start_ledger(self) -> np.ndarray:
        """Zero the heats of the baths; returns the energy of each replica now."""
        for replica in self.replicas:
            replica.reservoirs.heat[:] = 0.0
        return self.energy()

    def isolate(self) -> None:
        """Take the baths away: from here on the energy is constant, but for the error of the time step."""
        for replica in self.replicas:
            replica.reservoirs.bath[:] = -1

    def heats(self) -> tuple[np.ndarray, np.ndarray]:
        """Heat given by the hot and the cold bath since the ledger was zeroed, per replica."""
        series = empty_series(self.system, len(self.replicas), 1)
        for number, replica in enumerate(self.replicas):
            record_heats(0, number, replica.reservoirs, series)
        return series.heat_hot[:, 0], series.heat_cold[:, 0]

    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions now and velocities half a step ago (in the middle of BAOAB), each (replica, n_sites, 3)."""
        moving = self.system.moving_site
        frames = np.zeros((2, len(self.replicas), self.system.n_sites, 3))
        frames[0] = self.system.positions
        for number, replica in enumerate(self.replicas):
            atoms = replica.atoms
            sides = replica.work.sides[:, None]
            frames[0, number, moving] = replica.by_number(atoms.x + sides * atoms.image)
            frames[1, number, moving] = replica.by_number(atoms.v - atoms.kick * atoms.f)
        return frames[0], frames[1]

    def snapshot(self) -> dict[str, np.ndarray]:
        """Positions in the box, boxes to add, velocities, and positions at the last build of the list, from which its order
        follows: each (replica, n_moving, 3), in the order of sites; and the heats of the baths, (replica, chunks, 2)."""
        parts = {
            "position": [r.by_number(r.atoms.x) for r in self.replicas],
            "image": [r.by_number(r.atoms.image) for r in self.replicas],
            "velocity": [r.by_number(r.atoms.v) for r in self.replicas],
            "built": [r.by_number(r.list.built) for r in self.replicas],
            "heat": [r.reservoirs.heat for r in self.replicas],
        }
        return {name: np.array(arrays) for name, arrays in parts.items()}

    def restore(self, position, image, velocity, built, heat) -> None:
        """Take over what `snapshot` returned; forces follow from positions, the list from those it was built for."""
        for number, replica in enumerate(self.replicas):
            self._place(replica, built[number], velocity[number])
            places = replica.atoms.by_number
            replica.atoms.x[:, places] = position[number].T
            replica.atoms.image[:, places] = image[number].T
            replica.pack()
            replica.sum_forces()
            replica.reservoirs.heat[:] = heat[number]

    def adopt(self, displacement, velocity) -> None:
        """Start from the state of a crystal, `Group.snapshot`."""
        moving = self.system.moving_site
        for number, replica in enumerate(self.replicas):
            places = (self.system.positions + displacement[number])[moving]
            self._place(replica, places, velocity[number, moving])

    def _place(self, replica: Replica, position, velocity) -> None:
        """Put the atoms of a replica somewhere, (n_moving, 3) in the order of sites, and build the list for it."""
        places = replica.atoms.by_number
        replica.atoms.x[:, places], replica.atoms.v[:, places] = position.T, velocity.T
        replica.atoms.image[:] = 0
        replica.build()

    @property
    def watched(self) -> bool:
        return False

    def strayed(self) -> bool:
        """Atoms may."""
        return False

    def is_finite(self) -> bool:
        """Whether every atom is somewhere."""
        return all(
            not r.lost and bool(np.isfinite(r.atoms.v).all() and np.isfinite(r.atoms.x).all())
            for r in self.replicas
        )

    def stress_at_rest(self) -> np.ndarray:
        """Forces have no state of rest: zeros, shape (2,)."""
        return np.zeros(2)

    def layer_displacement(self) -> np.ndarray:
        """Bins lie where they lie: zeros, (n_layers,)."""
        return np.zeros(self.system.n_layers)

    def describe(self) -> dict | None:
        """What run.json says about the neighbour list."""
        builds = sum(int(replica.list.count[BUILDS]) for replica in self.replicas)
        steps = sum(replica.steps for replica in self.replicas)
        return {"builds": builds, "steps_per_build": round(steps / builds, 2)}

    def temperature(self) -> float:
        """Mean full-step kinetic temperature of everything that moves."""
        twice = sum((r.atoms.mass * r.atoms.v**2).sum() for r in self.replicas)
        return float(twice / (3 * self.system.n_moving * len(self.replicas)))


def find_frozen(system: System, reach: float) -> np.ndarray:
    """Frozen atoms within reach of where atoms move, with their images: x, y, z, species; (n, 4).

    Beyond its fixed ends the frozen crystal goes on, as far as is needed.
    """
    if system.periodic:
        return np.zeros((0, 4))
    places, layer, home = system.continued(int(np.ceil(reach / system.layer_spacing.min())) + 2)
    frozen = ~system.moving_site[home] | (layer < 0) | (layer >= system.n_layers)
    x = system.positions[system.moving_site, 0]
    margin = reach + system.nearest
    near = frozen & (places[:, 0] > x.min() - margin) & (places[:, 0] < x.max() + margin)
    atoms = np.column_stack([places[near], system.species[home[near]]])
    sides = system.sides
    found = []
    for shift in np.stack(np.meshgrid((-1, 0, 1), (-1, 0, 1)), axis=-1).reshape(-1, 2):
        image = atoms + np.array([0.0, *(shift * sides), 0.0])
        within = (image[:, 1:3] >= -reach) & (image[:, 1:3] < sides + reach)
        found.append(image[within.all(axis=1)])
    return np.concatenate(found)
