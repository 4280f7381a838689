"""What a limit comes to, `Findings`, and which points of a limit take part in it. How each is taken: limit_kinds.py."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .extrapolation import Z95, Fit
from .tables import SYSTEMATIC, value_text

FEWEST = 2
"""Points that a fit needs; untrusted ones are used where there are fewer without them."""
KNOWN = 0.1
"""Where values of R_K agree, the share of it to which that must be known for a suggestion."""
RESOLVED = 2.0
"""Standard errors that R_K must lie from 0 for shares of it to mean anything."""


@dataclass
class Findings:
    """What a limit comes to: rows of `limits.csv`, the fits by quantity for its figure, and the suggestion in words."""

    rows: list[dict] = field(default_factory=list)
    fits: dict[str, Fit] = field(default_factory=dict)
    plateau: np.ndarray | None = None
    """Which points make the plateau, where the limit is one."""

    def add(
        self, quantity: str, number=(None, None), ci95=None, fit=None, without_furthest=None, n=0, note=()
    ):
        """One row; the interval is that of normal errors unless given."""
        value, stderr = number
        if ci95 is None and stderr is not None:
            ci95 = (value - Z95 * stderr, value + Z95 * stderr)
        low, high = ci95 or (None, None)
        quality = {"chi2": fit.chi2, "dof": fit.dof, "p_value": fit.p_value} if fit else {}
        self.rows.append(
            {"quantity": quantity, "value": value, "stderr": stderr, "ci95_low": low, "ci95_high": high}
            | quality
            | {"without_furthest": without_furthest, "n_runs": n, "note": "; ".join(filter(None, note))}
        )

    def suggest(self, value, text: str) -> None:
        """The row of the suggestion: a number where it is one, and a sentence."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        self.add("suggestion", (value if number else None, None), note=[text])

    @property
    def suggestion(self) -> str:
        return next((row["note"] for row in self.rows if row["quantity"] == "suggestion"), "")


def unresolved(fit: Fit) -> str:
    """Why there is nothing to suggest where R_K may be 0, as between equal materials; empty where it may not."""
    if abs(fit.coefficients[0]) >= RESOLVED * fit.stderr():
        return ""
    return "none: R_K is not resolved from 0, so no share of it is"


def numbers(points: pd.DataFrame, name: str) -> tuple[np.ndarray, np.ndarray]:
    """A quantity of all points and its standard errors."""
    return points[name].to_numpy(float), points[f"{name}_stderr"].to_numpy(float)


def choose(points: pd.DataFrame, name: str) -> tuple[np.ndarray, list[str]]:
    """Which points take part in a fit of `name`, and what is to be said of the others, and of fit windows (R_K)."""
    used, notes = _choose(points, name)
    if name == "R_K" and used.any():
        systematic = points.loc[used, SYSTEMATIC].astype(float).mean()
        if systematic > 0:
            notes.append(f"fit windows: R_K_systematic is {systematic:.2g} in the mean, on top of the error")
    return used, notes


def _choose(points: pd.DataFrame, name: str) -> tuple[np.ndarray, list[str]]:
    resolved = (points[name].notna() & (points[f"{name}_stderr"] > 0)).to_numpy(bool)
    trusted = resolved & points["trusted"].to_numpy(bool)
    notes = []
    if not resolved.all():
        notes.append(f"no {name}: {list_values(points[~resolved])}")
    if (resolved & ~trusted).any():
        enough = trusted.sum() >= FEWEST
        listed = list_values(points[resolved & ~trusted], reasons=True)
        notes.append(f"left out, not trusted: {listed}" if enough else f"used though NOT trusted: {listed}")
        return (trusted if enough else resolved), notes
    return resolved, notes


def list_values(points: pd.DataFrame, reasons=False) -> str:
    """The values of points in words, with the checks that they failed if asked for."""
    texts = [value_text(value) for value in points["value"]]
    if reasons:
        checks = points["failed_checks"].str.replace(";", ", ")
        texts = [f"{text} ({names})" if names else text for text, names in zip(texts, checks, strict=True)]
    return ", ".join(texts)
