"""Lines and plateaus through the results of independent runs: weighted least squares, and which values agree.

Nothing here knows files, limits or quantities.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

HARMLESS = 0.03
"""Values this close to their mean, or to the one that is the limit, agree whatever their errors; relative to it."""
FALSE_ALARM = 0.05
"""How often noise alone may make equal values disagree, all of them together."""
UNLIKELY = 0.01
"""Probability of chi2 below which a fit does not describe its points."""
Z95 = float(special.ndtri(0.975))


@dataclass(frozen=True)
class Fit:
    """y = sum_k c_k f_k by weighted least squares; the errors of y are taken as known, and as independent.

    Where the points do not lie on the form (p below 1 %) the errors of the coefficients are enlarged by
    sqrt(chi2 / dof), as if those of the points were too small alike (Birge, Phys. Rev. 40, 207 (1932)).
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    maps: np.ndarray
    """The coefficients as linear maps of y, shape (k, n): what each point weighs in them."""
    chi2: float
    dof: int

    @property
    def enlarged(self) -> float:
        """Factor by which the errors of the coefficients were enlarged."""
        return _birge(self.chi2, self.dof)

    @property
    def p_value(self) -> float:
        """Probability of a chi2 at least as large by noise alone; NaN where no degree of freedom is left."""
        return float(special.chdtrc(self.dof, self.chi2)) if self.dof else np.nan

    def stderr(self, k: int = 0) -> float:
        """Standard error of a coefficient."""
        return float(np.sqrt(self.covariance[k, k]))

    def at(self, columns) -> tuple[np.ndarray, np.ndarray]:
        """Values of the fit and their standard errors where the functions have the values `columns` (n, k)."""
        columns = np.asarray(columns, float)
        variances = np.einsum("nk,kl,nl->n", columns, self.covariance, columns)
        return columns @ self.coefficients, np.sqrt(np.maximum(variances, 0.0))

    def residuals(self, y, stderr) -> tuple[np.ndarray, np.ndarray]:
        """y - c_0 of the points that were fitted, and its standard error; y and c_0 share the noise of y."""
        variances = stderr**2 + self.covariance[0, 0] - 2.0 * self.maps[0] * stderr**2
        return y - self.coefficients[0], np.sqrt(np.maximum(variances, 0.0))


def fit_weighted(columns, y, stderr) -> Fit | None:
    """The fit of y ± stderr, shape (n,), by the functions in `columns`, shape (n, k); None where they do not fix it."""
    columns, y, stderr = (np.asarray(values, float) for values in (columns, y, stderr))
    n, k = columns.shape
    scale = np.abs(columns).max(axis=0, initial=0.0)
    if n < k or not scale.all():
        return None
    weighted = columns / scale / stderr[:, None]
    if np.linalg.matrix_rank(weighted) < k:
        return None
    maps = np.linalg.pinv(weighted) / scale[:, None] / stderr
    coefficients = maps @ y
    chi2 = float(np.sum(((y - columns @ coefficients) / stderr) ** 2))
    covariance = _birge(chi2, n - k) ** 2 * (maps * stderr**2) @ maps.T
    return Fit(coefficients, covariance, maps, chi2, n - k)


def _birge(chi2: float, dof: int) -> float:
    return float(np.sqrt(chi2 / dof)) if dof and special.chdtrc(dof, chi2) < UNLIKELY else 1.0


def fit_mean(y, stderr) -> Fit:
    """The weighted mean of y ± stderr as a fit."""
    return fit_weighted(np.ones((len(y), 1)), y, stderr)


def fit_last(y, stderr) -> Fit:
    """The last of y ± stderr as a fit: the others weigh nothing, and chi2 is that of all about their mean."""
    mean = fit_mean(y, stderr)
    maps = np.zeros((1, len(y)))
    maps[0, -1] = 1.0
    return Fit(np.array([y[-1]]), np.array([[stderr[-1] ** 2]]), maps, mean.chi2, mean.dof)


def joint_z(n: int) -> float:
    """How many standard errors noise explains where n values are judged together."""
    return float(special.ndtri(1.0 - 0.5 * FALSE_ALARM / n))


def explained(mean: Fit) -> bool:
    """Whether noise explains how the values of a mean differ: its chi2, which is that of their differences from any one."""
    return mean.dof == 0 or mean.p_value > FALSE_ALARM


def agree(y, stderr, anchored: bool) -> bool:
    """Whether noise explains how values differ, or all lie within 3 % of their mean; `anchored`: of the last one."""
    mean = fit_mean(y, stderr)
    centre = y[-1] if anchored else mean.coefficients[0]
    return explained(mean) or bool(np.abs(y - centre).max() <= HARMLESS * abs(centre))


def find_plateau(y, stderr, anchored: bool) -> slice:
    """The most neighbouring values that agree; `anchored`: the last one is the limit and must be among them.

    Of several equally many, those whose mean has the smallest chi2 per degree of freedom.
    """
    n = len(y)
    ranges = [slice(i, j) for i in range(n) for j in range(i + 1, n + 1) if j == n or not anchored]

    def rank(part):
        mean = fit_mean(y[part], stderr[part])
        return -(part.stop - part.start), mean.chi2 / max(mean.dof, 1)

    return min((part for part in ranges if agree(y[part], stderr[part], anchored)), key=rank)


def first_settled(within) -> int | None:
    """Index of the first value from which on all are `within`; None where the last one is not."""
    outside = np.flatnonzero(~np.asarray(within, bool))
    first = int(outside[-1]) + 1 if len(outside) else 0
    return first if first < len(within) else None
