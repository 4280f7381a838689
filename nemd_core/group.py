"""Replicas of a crystal that advance together in one set of arrays: forces, baths, meter and state of a configuration.

What makes a run of them - phases, checks, checkpoints, samples - is in `simulation`; `verlet_group` has the same
methods for atoms that may go anywhere.
"""

import numpy as np

from .baths import build_baths
from .forces.build import build_forces
from .forces.lattice import sweep_energy
from .integrator import Plan, State, run_block
from .observables import Series, build_meter, empty_series, record_heats, total_energy
from .potentials import law_of
from .random import fill_normals
from .system import System
from .team import make_meeting, run_team

CHECK_EVERY = 200
"""Steps between looks at the neighbour table."""


def set_temperatures(system: System, config) -> np.ndarray:
    """The linear profile between the inner edges of the baths, shape (n_layers,)."""
    x, known, values = system.layer_x, [], []
    for name in ("hot", "cold"):
        layers = np.flatnonzero(system.layer_region == name)
        known += [x[layers[0]], x[layers[-1]]]
        values += 2 * [getattr(config.baths, name).temperature]
    return np.interp(x, known, values, period=system.length if system.periodic else None)


def draw_velocities(system: System, config, replica) -> np.ndarray:
    """Normal, at twice the linear profile: atoms start on their sites, and equipartition takes half of it.

    replica: its number. Shape (n_moving, 3), in the order of sites.
    """
    site = np.flatnonzero(system.moving_site)
    spread = np.sqrt(2 * set_temperatures(system, config)[system.layer_of_site[site]] / system.mass[site])
    out, scratch = np.empty((2, 4, len(site)))
    seed, keys = np.uint64(config.run.seed), np.full(len(site), replica, np.uint64)
    fill_normals(out, scratch, site.astype(np.uint64), keys, np.uint64(0), seed, np.uint64(1))
    return (spread * out[:3]).T


def make_plan(run, first_step: int, n_steps: int, measure: bool, check_every: int = 0) -> Plan:
    """The plan of a block; `run` is that section of a configuration."""
    return Plan(
        timestep=run.timestep,
        seed=np.uint64(run.seed),
        first_step=first_step,
        n_steps=n_steps,
        sample_every=run.sample_every if measure else 0,
        series_steps=run.series_steps,
        check_every=check_every,
        fresh=False,
    )


def count_rows(run, first_step: int, n_steps: int, measure: bool) -> int:
    """Rows that a block needs room for."""
    ends = (first_step + n_steps) // run.series_steps - first_step // run.series_steps
    return ends if measure else 1


class Group:
    """Replicas that advance together in one set of arrays."""

    def __init__(self, config, system: System, replica_ids, threads: int):
        self.config, self.system = config, system
        self.replica_ids = np.asarray(replica_ids, np.uint64)
        hottest = max(config.baths.hot.temperature, config.baths.cold.temperature)
        potential = config.interaction.potential
        between = config.structure.interface.plane == "species"
        mixed = config.run.precision == "mixed"
        self.forces = build_forces(
            system, law_of(config), potential, hottest, len(replica_ids), between, mixed
        )
        rows = self.forces.rows
        self.meter = build_meter(system, rows)
        self.baths = build_baths(system, rows, config, replica_ids)
        mass = self.meter.mass
        kick = np.divide(0.5 * config.run.timestep, mass, out=rows.scalars(), where=mass > 0)
        u, v = rows.vectors(), self._initial_velocities()
        pair_x = self.forces.pair_array(u)
        pair_v = v if pair_x.dtype == v.dtype else rows.vectors(pair_x.dtype)
        exact_x = self.forces.exact_array(u, pair_x)
        self.state = State(u, v, rows.vectors(), pair_x, pair_v, exact_x, kick)
        self._members, self._meeting = min(threads, rows.sheets), make_meeting()
        self.find_forces()

    def find_forces(self) -> None:
        """Forces of the present displacements, after they were changed from outside."""
        plan = make_plan(self.config.run, 0, 0, measure=False)
        self._run(plan._replace(fresh=True), empty_series(self.system, len(self.replica_ids), 1))

    def _initial_velocities(self) -> np.ndarray:
        rows = self.forces.rows
        _, sheet, element = rows.elements(self.system)
        v = rows.vectors()
        for number, replica in enumerate(self.replica_ids):
            drawn = draw_velocities(self.system, self.config, replica)
            v[sheet, :, element + number] = drawn[:, : rows.components]
        return v

    def energy(self) -> np.ndarray:
        """Full-step kinetic plus potential energy of each replica."""
        for sheet in range(self.forces.rows.sheets):
            sweep_energy(sheet, self.state.exact_x, self.forces.field, self.forces.law)
        return np.array(
            [total_energy(r, self.state, self.forces.field, self.meter) for r in range(len(self.replica_ids))]
        )

    def advance(self, first_step: int, n_steps: int, measure: bool) -> tuple[int, int, Series]:
        """Do a block; returns (status, step reached, its rows)."""
        run = self.config.run
        plan = make_plan(run, first_step, n_steps, measure, CHECK_EVERY if self.watched else 0)
        series = empty_series(
            self.system, len(self.replica_ids), count_rows(run, first_step, n_steps, measure)
        )
        return *self._run(plan, series), series

    def _run(self, plan: Plan, series: Series) -> tuple[int, int]:
        """Do what a plan says, with all threads; returns (status, step reached)."""
        forces = self.forces
        work = (
            *(self.state, forces.field, forces.law, forces.pair_field, forces.pair_law, forces.places),
            *(forces.outer, forces.watch, self.baths, plan, self.meter, series),
        )
        found = run_team(lambda member: run_block(member, self._members, self._meeting, *work), self._members)
        return found[0]

    def stress_at_rest(self) -> np.ndarray:
        """Axial stress in A and in B of the crystal that linear forces are expanded about, shape (2,); 0 for others."""
        return -(self.meter.plane_share @ self.forces.rest_pull) / self.meter.area

    def start_ledger(self) -> np.ndarray:
        """Zero the heats of the baths; returns the energy of each replica now."""
        self.baths.heat[:] = 0.0
        return self.energy()

    def heats(self) -> tuple[np.ndarray, np.ndarray]:
        """Heat given by the hot and the cold bath since the ledger was zeroed, per replica."""
        series = empty_series(self.system, len(self.replica_ids), 1)
        record_heats(0, self.baths, series)
        return series.heat_hot[:, 0], series.heat_cold[:, 0]

    def frames(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions now and velocities half a step ago (in the middle of BAOAB), each (replica, n_sites, 3)."""
        rows, system, state = self.forces.rows, self.system, self.state
        frames = np.zeros((2, rows.replicas, system.n_sites, 3))
        frames[0] = system.positions
        frames[0, :, :, : rows.components] += self.forces.relaxed + rows.gather(system, state.u)
        frames[1, :, :, : rows.components] = rows.gather(system, state.v - state.kick[:, None] * state.f)
        return frames[0], frames[1]

    def snapshot(self) -> dict[str, np.ndarray]:
        """Displacements from the sites that forces are expanded about and velocities, (replica, n_sites, component), and
        what the baths gave to each site in the present phase, (replica, n_sites)."""
        rows, system, baths = self.forces.rows, self.system, self.baths
        heat = np.zeros((rows.replicas, system.n_sites))
        heat[self._bath_replica, baths.site.astype(np.int64)] = baths.heat
        displacement, velocity = rows.gather(system, self.state.u), rows.gather(system, self.state.v)
        return {"displacement": displacement, "velocity": velocity, "heat": heat}

    def restore(self, displacement, velocity, heat) -> None:
        """Take over what `snapshot` returned; forces follow from displacements."""
        rows, system = self.forces.rows, self.system
        self.state.u[:] = rows.scatter(system, displacement)
        self.state.v[:] = rows.scatter(system, velocity)
        self.baths.heat[:] = heat[self._bath_replica, self.baths.site.astype(np.int64)]
        self.find_forces()

    @property
    def _bath_replica(self) -> np.ndarray:
        """Place of each bath site's replica in this group, shape (sheets, sites)."""
        baths = self.baths
        return np.broadcast_to(np.arange(baths.site.shape[1]) % self.forces.rows.replicas, baths.site.shape)

    @property
    def watched(self) -> bool:
        """Whether the neighbour table holds for small displacements only."""
        return self.forces.watch.axial.size > 0

    def is_finite(self) -> bool:
        return bool(np.isfinite(self.state.v).all() and np.isfinite(self.state.u).all())

    def strayed(self) -> bool:
        """Whether an atom has moved, where it must not, by more than a neighbour distance against the next cell of its
        row."""
        if not self.watched:
            return False
        rows = self.forces.rows
        for u in self.state.u:  # sheet by sheet: a copy of all would be the most memory that a run takes
            u = u[:, : rows.rows * rows.width].reshape(rows.components, rows.rows, rows.width)
            if np.abs(u[..., rows.replicas :] - u[..., : -rows.replicas]).max() > self.system.nearest:
                return True
        return False

    def layer_displacement(self) -> np.ndarray:
        """Mean displacement along x of the sites that forces are expanded about from the ideal ones, (n_layers,)."""
        system = self.system
        return (
            np.bincount(system.layer_of_site, self.forces.relaxed[:, 0], system.n_layers) / system.layer_count
        )

    def describe(self) -> dict | None:
        """What run.json says about the neighbour list: there is none."""
        return None

    def temperature(self) -> float:
        """Mean full-step kinetic temperature of everything that moves."""
        rows, system = self.forces.rows, self.system
        twice = sum((mass * v**2).sum() for mass, v in zip(self.meter.mass, self.state.v, strict=True))
        return float(twice / (rows.components * system.n_moving * rows.replicas))
