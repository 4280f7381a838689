"""From rows to numbers: values with joint error bars, ratios, and reasons for what is not resolved.

Everything but the ratios is linear in the samples. So each quantity has a series of its own, row by row, and one set
of blocks gives all their means, errors and covariances; the covariance between layers needs no model. Ratios take
their standard error from the jackknife over blocks, in which numerator and denominator fluctuate together, and R_K its
intervals from Fieller's theorem, honest also where J is poorly known. Intervals are Student's t with the degrees of
freedom of the blocks: at few blocks, one standard error covers less than 68 %.
"""

import numpy as np

from . import uncertainty

LEVELS = {"ci68": 0.6827, "ci95": 0.95}
"""Probability of each interval that is reported."""


class Estimates:
    """Values, standard errors and reasons of what the rows of a run give, one quantity after the other.

    `rows` holds series of shape (n_rep, n_rows), among them T_A, T_B, delta_T and J. `fields` are those of
    `interface.json` that carry numbers, `unresolved` the reasons for those that are null.
    """

    def __init__(self, rows: dict, blocks: uncertainty.Blocks):
        self.rows, self.blocks, self.names = rows, blocks, list(rows)
        self.means = np.stack([blocks.means(rows[name]) for name in self.names], axis=1)
        self.value = dict(zip(self.names, self.means.mean(axis=0), strict=True))
        self.stderr = dict(zip(self.names, blocks.stderr_of_means(self.means).tolist(), strict=True))
        self.t = {end: blocks.t(probability) for end, probability in LEVELS.items()}
        self.T_scale = max(abs(self.value["T_A"]), abs(self.value["T_B"]))
        self.fields, self.unresolved = {}, {}

    def add_means(self, names) -> None:
        """Quantities that are means of their own rows."""
        for name in names:
            self.keep(name, (self.value[name], self.stderr[name]))

    def add_intervals(self, names) -> None:
        """The intervals of quantities that are means of their own rows."""
        for name in names:
            for end, t in self.t.items():
                half = t * self.stderr[name]
                self.fields[f"{name}_{end}"] = [
                    float(self.value[name] - half),
                    float(self.value[name] + half),
                ]

    def add_conductivity(self, side: str, sloped: bool = True) -> None:
        """kappa = -J / slope of side A or B; there is none where the bulk line is level by construction."""
        slope = f"slope_{side}"
        reason = "harmonic crystals have no bulk gradient: the line is level"
        if sloped:
            reason = self.unsure(slope, self.T_scale)
        self.keep(f"kappa_{side}", None if reason else self.ratio("J", slope, -1.0), reason)

    def keep(self, name: str, number: tuple | None, reason: str | None = None) -> None:
        """Store (value, standard error), or null with the reason why there is none."""
        value, error = (None, None) if number is None else map(float, number)
        self.fields[name], self.fields[f"{name}_stderr"] = value, error
        if reason:
            self.unresolved[name] = reason

    def unsure(self, name: str, scale: float) -> str | None:
        """Why `name` is not resolved from 0, or None if it is."""
        half_width = self.t["ci95"] * self.stderr[name]
        if uncertainty.includes_zero(self.value[name], half_width, scale):
            return f"the 95 % interval of {name} contains 0 ({self.value[name]:.3g} ± {half_width:.2g})"
        return None

    def ratio(self, numerator: str, denominator: str, sign: float = 1.0) -> tuple[float, float]:
        """(ratio, its standard error)."""
        i, j = self.names.index(numerator), self.names.index(denominator)
        number = sign * self.value[numerator] / self.value[denominator]
        return number, self.blocks.stderr_of_derived(lambda m: sign * m[..., i] / m[..., j], self.means)

    def add_resistance(self) -> str | None:
        """R_K with its intervals; returns why G cannot follow from it, or None."""
        reason = self.unsure("J", np.abs(self.rows["J"]).max())
        intervals = {}
        if reason is None:
            pair = self.means[:, [self.names.index("delta_T"), self.names.index("J")]]
            covariance = self.blocks.covariance(pair)
            intervals = {
                f"R_K_{end}": uncertainty.fieller(self.value["delta_T"], self.value["J"], covariance, t)
                for end, t in self.t.items()
            }
            if None in intervals.values():
                reason = "J is not resolved together with delta_T: the interval of their ratio is unbounded"
        if reason:
            self.keep("R_K", None, reason)
            for end in self.t:
                self.fields[f"R_K_{end}"] = None
                self.unresolved[f"R_K_{end}"] = reason
            return f"R_K is not resolved: {reason}"
        self.keep("R_K", self.ratio("delta_T", "J"))
        self.fields |= {name: [float(end) for end in interval] for name, interval in intervals.items()}
        low, high = self.fields["R_K_ci95"]
        half_width = 0.0 if low * high > 0 else np.inf
        if uncertainty.includes_zero(self.value["delta_T"], half_width, self.T_scale):
            return f"the 95 % interval of R_K contains 0 ({low:.3g} to {high:.3g})"
        return None

    def add_systematic(self, delta_T_systematic) -> None:
        """R_K_systematic, what the choice of fit windows adds to the error, from that of each interface's jump.

        Their mean: what windows and models do at one interface they do at the other.
        """
        if self.fields["R_K"] is None:
            self.fields["R_K_systematic"] = None
            return
        self.fields["R_K_systematic"] = float(np.mean(delta_T_systematic) / abs(self.value["J"]))

    def add_conductance(self, reason: str | None) -> None:
        """G = 1/R_K and Onsager's L_qq = G T², unless there is a reason against it."""
        if reason:
            self.keep("G", None, reason)
            self.fields["L_qq"] = None
            self.unresolved["L_qq"] = f"G is not resolved: {reason}"
            return
        G, G_stderr = self.ratio("J", "delta_T")
        self.keep("G", (G, G_stderr))
        self.fields["L_qq"] = float(G * (0.5 * (self.value["T_A"] + self.value["T_B"])) ** 2)
