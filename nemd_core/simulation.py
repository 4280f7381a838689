"""A run: equilibrate, then produce, in compiled blocks, with checks between them. Dynamics only; files are in `runs`."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from .baths import layer_friction
from .checkpoint import Snapshot
from .errors import PhysicsError, TableError
from .forces.build import einstein_stiffness
from .group import Group
from .integrator import INTRUDER
from .observables import Series
from .potentials import law_of
from .storage import Samples
from .structure import build
from .system import System
from .until import Course
from .verlet_group import VerletGroup

PARALLEL_SITES = 1500
"""Moving sites per thread above which threads share the sheets of a crystal."""
STRETCH_SECONDS = 1.5
"""How long a compiled stretch may take: in between, checkpoints are written and signals heard."""
AUDIT_FRACTION = 0.01
"""Largest drift of E - Q allowed, as a fraction of the heat transferred (physics of BAOAB with anharmonic forces)."""
AUDIT_EXCHANGE = 0.002
"""Share of what the baths exchange with the crystal back and forth, gamma T per degree of freedom and time, that counts
as heat transferred: at equal bath temperatures nothing is transferred on the whole, yet the drift grows with time."""
AUDIT_FLOOR = 0.002
"""... or of the thermal energy, whichever is larger: early in a run little heat has been transferred."""


def bounded_energy(system: System, config) -> float:
    """How far E at whole steps may lie from the energy that velocity Verlet conserves, without any drift.

    For a harmonic mode of frequency w they differ by a part w² dt²/4 of its energy: the sum of w² dt² T/4 over all modes, by
    Einstein's frequency, at the higher set temperature; eight standard deviations of it are added (few modes have long
    tails).
    """
    moving = system.moving_cell[system.cell_of_site]
    stiffness = einstein_stiffness(system, law_of(config))[system.species[moving]]
    T = max(config.baths.hot.temperature, config.baths.cold.temperature)
    squared = np.maximum(stiffness, 0) / system.mass[moving]
    mean = system.lattice.dimensions * squared.sum() * config.run.timestep**2 * T / 4
    return float(mean * (1 + 8 * np.sqrt(2 / (system.lattice.dimensions * moving.sum()))))


def bath_exchange(system: System, config) -> float:
    """Energy per time that both baths give to the crystal and take from it, gamma T per degree of freedom."""
    region = system.layer_region
    T = np.select(
        [region == "hot", region == "cold"], [config.baths.hot.temperature, config.baths.cold.temperature]
    )
    exchanged = layer_friction(system, config.baths) * T * system.layer_count
    return float(system.lattice.dimensions * exchanged.sum())


@dataclass
class Audit:
    """The energy ledger of a phase: drift of E - Q against the heat transferred; the worst replica counts."""

    drift: float = 0.0
    heat: float = 0.0
    allowed: float = 0.0

    @property
    def passed(self) -> bool:
        return abs(self.drift) <= self.allowed


class Simulation:
    """All replicas of one configuration. `run()` does everything; `samples()` is what is measured so far."""

    def __init__(self, config, replica_ids=None, crystals: dict | None = None, estimate=None):
        """estimate: what `run.until` needs, see `until.Course`. Raises ConfigError where it is missing."""
        self.config = config
        self.course = Course(config, estimate)
        self.system = build(config, crystals)
        ids = list(range(config.run.replicas)) if replica_ids is None else list(replica_ids)
        available = 1 if numba.config.DISABLE_JIT else min(config.run.threads, numba.config.NUMBA_NUM_THREADS)
        # a thread for each part of the replicas needs no meeting in every step; else threads share the sheets of a crystal
        enough = self.system.n_moving * len(ids) >= PARALLEL_SITES * available
        together = len(ids) < available and self.system.cross_section[1] > 1 and enough
        self.threads = available if together else min(available, len(ids))
        parts = [ids] if together else np.array_split(ids, self.threads)
        kind = VerletGroup if config.run.forces == "verlet" else Group
        self.groups = [kind(config, self.system, part, self.threads if together else 1) for part in parts]
        self.replica_ids = ids
        self._bounded = bounded_energy(self.system, config)
        self._exchange = bath_exchange(self.system, config)
        self._phase_start = 0
        self.audit = Audit()
        self.step = 0
        self.producing = False
        self.energy_start = None
        self.started_from: dict | None = None
        """The run with other forces whose atoms this one took over."""
        self._blocks: list[Series] = []
        self._stretch_steps = config.run.series_steps

    @property
    def total_steps(self) -> int:
        """Steps of the whole run; with `run.until` as far as they can be foreseen."""
        equilibration = self.config.run.equilibration_steps
        return equilibration + self.course.foresee(max(0, self.step - equilibration))

    def run(self, progress=None, writers=(), keeper=None) -> None:
        """Equilibrate and produce, from the beginning or from what was restored.

        writers: one `trajectory.TrajectoryWriter` for each replica, fed during production. keeper: a `checkpoint.Keeper`.
        Raises PhysicsError on non-finite values, a failed audit or a broken table, Interrupted when the keeper says so.
        """
        equilibration = self.config.run.equilibration_steps
        with ThreadPoolExecutor(len(self.groups)) as pool:
            if self.step > self._phase_start:
                self._check_energy()  # of what was restored: there may be nothing left to do
            if self.step == 0:
                self._start_phase(producing=False)
            self._advance(pool, equilibration, progress, (), keeper)
            if self.step == equilibration:
                self._start_phase(producing=True)
            for look in self.course.looks:
                if equilibration + look < self.step:
                    continue  # it said to go on, before the run was stopped and restored
                self._advance(pool, equilibration + look, progress, writers, keeper)
                ended = self.course.ends_at(look, self.samples)
                if progress:
                    progress.update(self)
                if ended:
                    return
                if keeper:
                    keeper.visit(self)  # the estimate took its time

    def _start_phase(self, producing: bool) -> None:
        self.energy_start = np.concatenate([group.start_ledger() for group in self.groups])
        self.producing, self._phase_start = producing, self.step

    def _advance(self, pool, end: int, progress, writers, keeper) -> None:
        """Go on to a step in blocks, with progress after each; after the last one of production once it is judged."""
        while self.step < end:
            self._block(pool, min(self.config.run.block_steps, end - self.step), writers, keeper)
            if progress and not (self.producing and self.step == end):
                progress.update(self)

    def _block(self, pool, n_steps: int, writers, keeper) -> None:
        begun, end, intruder = self.step, self.step + n_steps, False
        every = self.config.output.trajectory_every if writers else n_steps
        while self.step < end and not intruder:
            to_frame = every - (self.step - self._phase_start) % every
            to_row = self._stretch_steps - self.step % self.config.run.series_steps
            intruder = self._stretch(pool, min(to_frame, to_row, end - self.step))
            if writers and (self.step - self._phase_start) % every == 0:
                self._write_frames(writers)
            if keeper and not intruder and self.step % self.config.run.series_steps == 0:
                keeper.visit(self)
        self._check_finite(begun)
        self._check_energy()  # first: too large a time step drives atoms apart as well
        self._check_table(intruder)

    def _stretch(self, pool, n_steps: int) -> bool:
        """Advance all groups and keep what they measured; returns whether the neighbour table broke."""
        started = time.monotonic()
        results = list(pool.map(lambda group: group.advance(self.step, n_steps, self.producing), self.groups))
        rows_a_second = n_steps / self.config.run.series_steps / (time.monotonic() - started)
        self._stretch_steps = self.config.run.series_steps * max(1, int(STRETCH_SECONDS * rows_a_second))
        reached = min(step for _, step, _ in results)
        rows = reached // self.config.run.series_steps - self.step // self.config.run.series_steps
        if self.producing and rows:
            parts = [[values[:, :rows] for values in series] for _, _, series in results]
            self._blocks.append(Series(*(np.concatenate(columns) for columns in zip(*parts, strict=True))))
        self.step = reached
        return any(status == INTRUDER for status, _, _ in results)

    def _write_frames(self, writers) -> None:
        frames = [np.concatenate(parts) for parts in zip(*(g.frames() for g in self.groups), strict=True)]
        for writer, positions, velocities in zip(writers, *frames, strict=True):
            writer.write(self.step - self._phase_start, positions, velocities)

    def _check_finite(self, begun: int) -> None:
        if not all(group.is_finite() for group in self.groups):
            raise PhysicsError(
                f"run.timestep: {self.config.run.timestep}: positions or velocities became non-finite between steps "
                f"{begun} and {self.step}; choose a smaller time step"
            )

    def _check_table(self, intruder: bool) -> None:
        if intruder or any(group.strayed() for group in self.groups):
            raise TableError(
                f"run.forces: lattice: by step {self.step} two atoms that are not neighbours in the crystal came within "
                f"the cut-off {self.config.interaction.cutoff}: the crystal diffuses or melts; lower the temperatures, "
                "check structure.lattice_constant, or go on with forces: verlet (--resume --set run.forces=verlet "
                "starts from the last checkpoint)"
            )

    def _check_energy(self) -> None:
        """Audit the ledger since the present phase, equilibration or production, began."""
        hot, cold = (np.concatenate(heats) for heats in zip(*(g.heats() for g in self.groups), strict=True))
        drift = np.concatenate([group.energy() for group in self.groups]) - self.energy_start - hot - cold
        exchanged = self._exchange * self.config.run.timestep * (self.step - self._phase_start)
        transferred = np.maximum(np.maximum(abs(hot), abs(cold)), AUDIT_EXCHANGE * exchanged)
        baths = self.config.baths
        thermal = self.system.n_moving * self.system.lattice.dimensions
        thermal *= max(baths.hot.temperature, baths.cold.temperature)
        allowed = np.maximum(AUDIT_FRACTION * transferred, AUDIT_FLOOR * thermal) + self._bounded
        worst = int(np.argmax(abs(drift) / np.maximum(allowed, 1e-300)))
        self.audit = Audit(float(drift[worst]), float(transferred[worst]), float(allowed[worst]))
        if not self.audit.passed:
            raise PhysicsError(
                f"run.timestep: {self.config.run.timestep}: energy audit: E - Q drifted by {self.audit.drift:.4g} "
                f"(allowed {self.audit.allowed:.4g}; heat transferred {self.audit.heat:.4g}) by step {self.step}; "
                "choose a smaller time step, or lower temperatures if the crystal melts"
            )

    def snapshot(self) -> Snapshot:
        """Everything needed to go on from here; the step must end a row of the series."""
        parts = [group.snapshot() for group in self.groups]
        return Snapshot(
            step=self.step,
            phase_start=self._phase_start,
            producing=self.producing,
            energy_start=self.energy_start,
            state={name: np.concatenate([part[name] for part in parts]) for name in parts[0]},
            series=self._series()._asdict() if self._blocks else {},
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot of the same configuration, with any number of threads.

        From one of a crystal with forces lattice a run with forces verlet takes positions and velocities, and begins anew:
        what was measured before belongs to another state.
        """
        first = 0
        if self.config.run.forces == "verlet" and snapshot.of_crystal:
            for group in self.groups:
                of_group = slice(first, first := first + len(group.replica_ids))
                group.adopt(snapshot.state["displacement"][of_group], snapshot.state["velocity"][of_group])
            self.started_from = {"forces": "lattice", "step": snapshot.step}
            return
        self.step, self._phase_start = snapshot.step, snapshot.phase_start
        self.producing, self.energy_start = snapshot.producing, snapshot.energy_start
        self._blocks = [Series(**snapshot.series)] if snapshot.series else []
        for group in self.groups:
            of_group = slice(first, first := first + len(group.replica_ids))
            group.restore(**{name: array[of_group] for name, array in snapshot.state.items()})

    def _series(self) -> Series:
        """All rows so far in one piece."""
        columns = zip(*self._blocks, strict=True)
        self._blocks = [Series(*(np.concatenate(column, axis=1) for column in columns))]
        return self._blocks[0]

    def samples(self) -> Samples | None:
        """Everything measured so far, or None before the first block of production."""
        if not self._blocks:
            return None
        series = self._series()
        system, run = self.system, self.config.run
        count = np.where(system.layer_region == "wall", system.layer_count, series.count.mean(axis=(0, 1)))
        layers = {
            "x0": system.layer_x,
            "x_mean": system.layer_x + self._layer_displacement(series),
            "region": system.layer_region,
            "species": system.layer_species,
            "n_sites": system.layer_count if np.array_equal(count, system.layer_count) else count,
            "friction": layer_friction(system, self.config.baths),
        }
        return Samples(
            layers=layers,
            planes={"x0": system.plane_x, "cell": system.plane_cell},
            interfaces=system.interfaces,
            period=system.length if system.periodic else 0.0,
            step=run.series_steps * np.arange(1, series.energy.shape[1] + 1),
            temperature=_fill_empty(series.temperature, series.count, system.layer_region != "wall"),
            flux=series.flux,
            heat_hot=series.heat_hot,
            heat_cold=series.heat_cold,
            energy=series.energy,
            stress=series.stress + self.groups[0].stress_at_rest(),
            energy_start=self.energy_start,
            area=system.area,
            timestep=run.timestep,
            series_steps=run.series_steps,
            flux_species=series.flux_species if self.config.structure.interface.plane == "species" else None,
        )

    def _layer_displacement(self, series: Series) -> np.ndarray:
        """Mean displacement of each layer along x from its ideal place, (n_layers,).

        A periodic crystal floats; what counts is where a layer lies in it.
        """
        mean = series.displacement.mean(axis=(0, 1))
        if self.system.periodic:
            mean -= mean.mean()
        return mean + self.groups[0].layer_displacement()


def _fill_empty(temperature: np.ndarray, count: np.ndarray, moving: np.ndarray) -> np.ndarray:
    """Layer temperatures (replica, row, layer) where those of layers that may hold atoms, `moving`, but held none are taken
    from their neighbours, by a straight line along the layers."""
    empty = (count == 0) & moving
    if not empty.any():
        return temperature
    filled, layers = temperature.copy(), np.arange(temperature.shape[2])
    for replica, row in np.argwhere(empty.any(axis=2)):
        there = ~empty[replica, row] & moving
        line = np.interp(layers, layers[there], temperature[replica, row, there])
        filled[replica, row, empty[replica, row]] = line[empty[replica, row]]
    return filled
