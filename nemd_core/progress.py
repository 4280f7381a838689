"""How far a run is: a bar on a terminal, a line every few per cent in a log file, and a line for each look at R_K."""

import sys
import time

_LINE_EVERY = 0.05


class Progress:
    """Call `update(simulation)` after every block and look. Writes to standard error."""

    def __init__(self, first_step: int = 0, stream=None):
        """first_step: where the run goes on from a checkpoint; what is before it took no time of this process."""
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self._since = (first_step, time.monotonic())
        self._compiled = False
        self._next_line = 0.0
        self._look = None

    def update(self, simulation) -> None:
        total, step = simulation.total_steps, simulation.step
        (first, begun), now = self._since, time.monotonic()
        speed = (step - first) / (now - begun)
        if not self._compiled:  # the first block takes long, and says little of the others
            self._since, self._compiled = (step, now), True
        left = f"{(total - step) / speed if speed else 0:.0f} s"
        course = simulation.course
        if course.look != self._look:
            self._look, self._next_line = course.look, 0.0  # what is left may have changed
            self._show_look(course, left)
        done = step / total
        if not self.terminal and done < self._next_line and done < 1:
            return
        self._next_line = done + _LINE_EVERY
        goal = f"{left} left" if course.predicted else f"{left} to the next look"
        self._show(done, f"{_describe(simulation, total)}  {speed:.0f} steps/s  {goal}")

    def _show_look(self, course, left: str) -> None:
        """On a terminal above the bar, where it stays."""
        text = f"{course.message}; {left} left" if course.goes_on and course.predicted else course.message
        self.stream.write("\r\x1b[K" * self.terminal + text + "\n")

    def _show(self, done: float, text: str) -> None:
        if self.terminal:
            bar = "#" * int(20 * done)
            self.stream.write(f"\r\x1b[K[{bar:<20}] {text}" + ("\n" if done >= 1 else ""))
        else:
            self.stream.write(f"{100 * done:3.0f} %  {text}\n")
        self.stream.flush()


def _describe(simulation, total: int) -> str:
    temperature = sum(group.temperature() for group in simulation.groups) / len(simulation.groups)
    heat = max(simulation.audit.heat, 1e-300)
    drift = f"{simulation.audit.drift / heat:+.1e} of Q" if simulation.audit.heat else "-"
    phase = "producing" if simulation.producing else "equilibrating"
    return f"{phase} step {simulation.step}/{total}  T {temperature:.4f}  energy drift {drift}"
