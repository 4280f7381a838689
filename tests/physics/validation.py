"""Comparisons with a reference that state their own noise, and the table that they add up to.

Each comparison names a cap on its standard error, so that noise cannot hide a failure, and asks for 4 standard
errors. `Comparisons` remembers one row each; the fixture `record` of conftest.py hands it to a test, and the option
`--validation-table PATH` writes the rows of a session as a Markdown table.

    record("Uniform chain, friction 1: J", J, stderr, exact, cap=0.01 * exact, source="Rieder et al. 1967")
    record.within("Energy error, dt / half of dt", ratio, 4, tolerance=0.5, source="second order")
    record.vector("Mass step: layer temperatures", copies, exact, cap=0.02 * exact.mean(), source="Lyapunov")
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

N_STDERR = 4.0
FOUR_SIGMA = 2 * stats.norm.sf(N_STDERR)
"""Two-sided probability of a normal deviation beyond 4 standard errors."""
CENTRAL = 0.999
"""Probability of the central part of a binomial distribution that a count must lie in."""
COPIES_PER_VALUE = 2.0
"""Fewest independent copies per value of a vector: with less the covariance between values is mostly noise."""
COLUMNS = ("quantity", "expected", "measured", "deviation", "cap on the error", "compared with")


@dataclass(frozen=True)
class Row:
    """One line of the table, already in words."""

    quantity: str
    expected: str
    measured: str
    deviation: str
    cap: str
    source: str


class Comparisons:
    """Asserts that what was measured agrees with what was expected, and remembers it."""

    def __init__(self):
        self.rows = []

    def __call__(self, quantity, measured, stderr, expected, *, cap, source):
        """Assert stderr <= cap and |measured - expected| <= 4 stderr.

        Parameters
        ----------
        quantity : str
            Set-up and symbol, for example "Uniform chain, friction 1: J"; orders the table.
        measured, stderr, expected, cap : float
            In one unit. `cap` is the largest standard error with which the test still says something.
        source : str
            Where `expected` comes from.
        """
        measured, stderr, expected, cap = map(float, (measured, stderr, expected, cap))
        deviation = (measured - expected) / stderr if stderr > 0 else np.inf
        passed = 0 < stderr <= cap and abs(deviation) <= N_STDERR
        self._remember(
            Row(
                quantity,
                _digits(expected, stderr),
                f"{_digits(measured, stderr)} ± {_digits(stderr, stderr)}",
                f"{deviation:+.1f} stderr",
                f"{cap:.2g}",
                source,
            ),
            passed,
        )
        assert 0 < stderr <= cap, f"{quantity}: standard error {stderr:.3g}, at most {cap:.3g} is allowed"
        assert abs(deviation) <= N_STDERR, (
            f"{quantity}: {measured:.6g} ± {stderr:.2g}, expected {expected:.6g} ({source}): "
            f"off by {deviation:+.1f} standard errors"
        )

    def within(self, quantity, measured, expected, *, tolerance, source):
        """Assert |measured - expected| <= tolerance for what has no noise; `source` says where both come from."""
        measured, expected, tolerance = map(float, (measured, expected, tolerance))
        passed = abs(measured - expected) <= tolerance
        self._remember(
            Row(
                quantity,
                f"{expected:.6g} ± {tolerance:.2g}",
                f"{measured:.6g}",
                f"{measured - expected:+.2g}",
                "no noise",
                source,
            ),
            passed,
        )
        assert passed, (
            f"{quantity}: {measured:.6g}, expected {expected:.6g} ± {tolerance:.2g} ({source}): off by "
            f"{measured - expected:+.3g}"
        )

    def count(self, quantity, hits, n_runs, promised, right, *, source):
        """Remember how many of `n_runs` did what a share `promised` should do; whether that is `right` is for the caller."""
        low, high = stats.binom.interval(CENTRAL, n_runs, promised)
        self._remember(
            Row(
                quantity,
                f"{100 * promised:.4g} % ({100 * low / n_runs:.1f} to {100 * high / n_runs:.1f})",
                f"{100 * hits / n_runs:.1f} % of {n_runs}",
                f"{(hits - n_runs * promised) / np.sqrt(n_runs * promised * (1 - promised)):+.1f} stderr",
                "count",
                source,
            ),
            right,
        )

    def vector(self, quantity, copies, expected, *, cap, source):
        """Assert that the mean of independent copies agrees with `expected`, correlated values together.

        Hotelling's T² = n d^T C^-1 d, d the deviation of the mean and C the covariance of the copies, follows F:
        T² (n - p)/(p (n - 1)) ~ F(p, n - p) (Hotelling, Ann. Math. Stat. 2, 360 (1931)). It is judged at the
        probability of 4 standard errors, and no single value may be off by more than Student's t allows at that
        probability shared among all values.

        Parameters
        ----------
        copies : (n, p) array
            One row per independent copy; n >= 2 p.
        expected : (p,) array
        cap : float or (p,) array
            On the standard error of each single mean.
        """
        copies, expected = np.asarray(copies, float), np.asarray(expected, float)
        n, p = copies.shape
        cap = np.broadcast_to(cap, p)
        assert n >= COPIES_PER_VALUE * p, f"{quantity}: {n} copies are too few for {p} values"
        difference = copies.mean(axis=0) - expected
        stderr = copies.std(axis=0, ddof=1) / np.sqrt(n)
        z = difference / stderr
        worst = int(np.argmax(abs(z)))
        T2 = n * difference @ np.linalg.solve(np.cov(copies, rowvar=False).reshape(p, p), difference)
        probability = stats.f.sf(T2 * (n - p) / (p * (n - 1)), p, n - p)
        largest = stats.t.isf(FOUR_SIGMA / (2 * p), n - 1)
        self._remember(
            Row(
                quantity,
                f"{p} values, T² about {p * (n - 1) / (n - p - 2):.0f}",
                f"T² = {T2:.0f}, errors {_span(stderr)}",
                f"{stats.norm.isf(max(probability, 1e-300) / 2):.1f} sigma; single {z[worst]:+.1f}",
                _span(cap),
                source,
            ),
            np.all(stderr <= cap) and probability >= FOUR_SIGMA and abs(z[worst]) <= largest,
        )
        noisiest = int(np.argmax(stderr / cap))
        assert stderr[noisiest] <= cap[noisiest], (
            f"{quantity}: standard error {stderr[noisiest]:.3g} of value {noisiest}, at most {cap[noisiest]:.3g} is "
            "allowed"
        )
        assert probability >= FOUR_SIGMA, (
            f"{quantity}: T² = {T2:.1f} of {p} values and {n} copies, probability {probability:.1e} ({source}); "
            f"largest single deviation {z[worst]:+.1f} standard errors (value {worst})"
        )
        assert abs(z[worst]) <= largest, (
            f"{quantity}: value {worst} is {copies[:, worst].mean():.6g} ± {stderr[worst]:.2g}, expected "
            f"{expected[worst]:.6g} ({source}): off by {z[worst]:+.1f} standard errors, allowed {largest:.1f}"
        )

    def _remember(self, row, passed):
        if not passed:
            row = Row(**{**vars(row), "deviation": f"**{row.deviation}, FAILED**"})
        self.rows.append(row)
        print(f"{row.quantity}: {row.measured}, expected {row.expected}, {row.deviation} (cap {row.cap})")

    def table(self, earlier="") -> str:
        """The rows as a Markdown table, ordered by quantity; rows of an `earlier` one stay where not measured anew."""
        lines = [
            tuple(line.strip("| ").split(" | ")) for line in earlier.splitlines() if line.startswith("|")
        ]
        rows = {line[0]: line for line in lines[2:]}
        rows |= {row.quantity: tuple(vars(row).values()) for row in self.rows}
        lines = [COLUMNS, ("---",) * len(COLUMNS), *(rows[quantity] for quantity in sorted(rows))]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def write(self, path):
        """Write the table to `path`; a session of some tests renews their rows only."""
        path = Path(path)
        earlier = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(
            "# Validation\n\nWritten by `make validate`. A comparison passes within 4 standard errors (stderr), or the "
            "same probability for several correlated values together (Hotelling's T²; its mean where nothing is wrong "
            "stands under expected), if its standard error is not above the cap. Reduced units.\n\n"
            f"{self.table(earlier)}",
            encoding="utf-8",
        )


def mean_and_stderr(copies):
    """Mean over independent copies and its standard error, each (...), from (n, ...)."""
    copies = np.asarray(copies, float)
    return copies.mean(axis=0), copies.std(axis=0, ddof=1) / np.sqrt(len(copies))


def _digits(value, stderr):
    """`value` to two digits of its error."""
    if not 0 < stderr < np.inf:
        return f"{value:.6g}"
    exponent = int(np.floor(np.log10(stderr)))
    return f"{value:.{max(0, 1 - exponent)}f}" if exponent > -6 else f"{value:.6g}"


def _span(values):
    low, high = f"{np.min(values):.2g}", f"{np.max(values):.2g}"
    return low if low == high else f"{low} to {high}"
