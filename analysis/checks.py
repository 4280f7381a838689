"""What the checks of a run judge, and the form of their answer. The checks themselves: checks_run, _flux, _fit."""

from dataclasses import dataclass

import numpy as np

from nemd_core.storage import Samples

from .uncertainty import Blocks, includes_zero

FALSE_ALARM = 0.01
"""Probability that noise alone fails a check, for all numbers that it judges together (Bonferroni)."""
CAP_ERRORS = 4.0


@dataclass(frozen=True)
class Evidence:
    """All that is known of a run when it is judged. A series has the shape (n_rep, n_rows)."""

    samples: Samples
    """The steady part alone."""
    settings: object
    """`interface.Settings`."""
    start: object
    """`steady.Start`: where the steady part begins, and whether any part of the run is stationary."""
    rows: dict
    """Series of the run: J, J_hot, J_cold, J_interface, delta_T and more."""
    parts: list
    """Pairs of an interface (`lines.Interface`) and its own series J, T_A, T_B and delta_T."""
    blocks: Blocks
    n_effective: float
    """Independent samples of delta_T and J."""
    scans: list
    """`windows.Scan` of each interface: what other fit windows and a parabola say."""
    fields: dict
    """Numbers of `interface.json`: J and delta_T with their _stderr and _ci95."""

    @property
    def bias(self) -> float:
        """|T_hot - T_cold|"""
        return abs(self.settings.T_hot - self.settings.T_cold)

    @property
    def flux_resolved(self) -> bool:
        """Whether the 95 % interval of J excludes 0."""
        return not includes_zero(self.fields["J"], self.half_width("J"), np.abs(self.rows["J"]).max())

    def noise_cap(self, share: float) -> float:
        """How large a share of |J|, or of the bias, noise may explain: at least `share`, or 4 standard errors of J."""
        J = abs(self.fields["J"])
        return max(share, CAP_ERRORS * self.fields["J_stderr"] / J) if J > 0 else np.inf

    def half_width(self, name: str) -> float:
        """Half the 95 % interval of a field."""
        low, high = self.fields[f"{name}_ci95"]
        return 0.5 * (high - low)

    def of_interface(self, number: int) -> str:
        """' of interface n' where there are several, counted from 0; for messages."""
        return f" of interface {number + 1}" if len(self.parts) > 1 else ""


def outcome(name: str, passed: bool, value, limit, message: str) -> dict:
    """A check as it stands in `interface.json`."""
    return {
        "name": name,
        "passed": bool(passed),
        "value": float(value),
        "limit": float(limit),
        "message": message,
    }
