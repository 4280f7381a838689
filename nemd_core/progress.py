"""How far a run is: a bar on a terminal, a line every few per cent in a log file."""

import sys
import time

_LINE_EVERY = 0.05


class Progress:
    """Call `update(simulation)` after every block. Writes to standard error."""

    def __init__(self, stream=None):
        self.stream = stream or sys.stderr
        self.terminal = self.stream.isatty()
        self.start = time.monotonic()
        self._next_line = 0.0

    def update(self, simulation) -> None:
        done = simulation.step / simulation.total_steps
        if not self.terminal and done < self._next_line and done < 1:
            return
        self._next_line = done + _LINE_EVERY
        elapsed = time.monotonic() - self.start
        left = elapsed * (1 - done) / done
        temperature = sum(group.temperature() for group in simulation.groups) / len(simulation.groups)
        heat = max(simulation.audit.heat, 1e-300)
        drift = f"{simulation.audit.drift / heat:+.1e} of Q" if simulation.audit.heat else "-"
        phase = "producing" if simulation.producing else "equilibrating"
        text = (
            f"{phase} step {simulation.step}/{simulation.total_steps}  T {temperature:.4f}  energy drift {drift}  "
            f"{simulation.step / elapsed:.0f} steps/s  {left:.0f} s left"
        )
        if self.terminal:
            bar = "#" * int(20 * done)
            self.stream.write(f"\r\x1b[K[{bar:<20}] {text}" + ("\n" if done >= 1 else ""))
        else:
            self.stream.write(f"{100 * done:3.0f} %  {text}\n")
        self.stream.flush()
