"""`run.until`: production goes on until R_K is known to a relative error, or until it is clear that it cannot be.

Production is judged at looks. They stand at fixed steps, n_k = production_steps * GROWTH^k and max_steps, so that a
run that goes on from a checkpoint takes the same ones and ends at the same step. What R_K is known to comes from
outside as `estimate(samples)`: nothing here analyses anything. `decide` is a pure function of a look and its estimate.

A run that stops when its data look good enough is biased, in two ways. Both vanish with the relative error r asked for
(Chow and Robbins, Ann. Math. Stat. 36, 457 (1965); Glynn and Whitt, Ann. Appl. Probab. 2, 180 (1992)), and are bounded
here:

- The value: the limit r |R_K| is wider where R_K fluctuates upwards, so such runs stop earlier. The length of a run goes
  as 1/(r R_K)², so a fluctuation by a share d shortens it by 2 d; as d is of the order r when the run stops, the mean of
  many runs is too high by a share 2 r²: 2 r error bars, a twenty-fifth of one for r = 0.02.
- The error bar: among many looks, one at which the error is underestimated is picked. There are few looks (they lie a
  factor GROWTH apart), they share most of their data, none decides with fewer than MIN_SAMPLES independent samples, and
  two in a row have to agree that the target is reached (at max_steps one is enough). On harmonic chains
  (tests/physics/test_until.py) the scatter of the results is then 4 to 8 % above what is claimed; with a single look it
  was 13 to 20 %.
"""

import math
from typing import NamedTuple

from .config_yaml import refuse
from .storage import Samples

GROWTH = 1.2
"""Ratio of the lengths of production at successive looks: a run is at most so much longer than it must be."""
MIN_SAMPLES = 30
"""Independent samples before an error bar is believed."""
GIVE_UP_AFTER = 0.25
"""Share of max_steps that is always spent before a run is given up."""
SAFETY = 2.0
"""A run is given up when it is predicted to need more than this many times max_steps: error bars are noisy."""

GO_ON, REACHED, CANNOT_REACH, OUT_OF_STEPS = "go on", "reached", "cannot reach", "out of steps"


class Estimate(NamedTuple):
    """What the samples so far say about R_K."""

    value: float
    error: float
    """Half the 68 % interval, in the unit of `value`."""
    n_effective: float
    """Independent samples, all replicas together."""


class Decision(NamedTuple):
    """What a look decides."""

    outcome: str
    """GO_ON, REACHED, CANNOT_REACH or OUT_OF_STEPS."""
    predicted_steps: float | None
    """Production steps that the target needs as far as this look can tell, None if it cannot."""


def list_looks(run) -> list[int]:
    """Steps of production after which it may end: production_steps * GROWTH^k in whole rows of the series, max_steps.

    Without `run.until` that is production_steps alone.
    """
    if run.until is None:
        return [run.production_steps]
    looks, length = [], float(run.production_steps)
    while length < run.until.max_steps:
        looks.append(math.ceil(length / run.series_steps) * run.series_steps)
        length *= GROWTH
    return sorted({min(look, run.until.max_steps) for look in looks} | {run.until.max_steps})


def decide(look: int, estimate: Estimate | None, until) -> Decision:
    """Whether production ends after `look` steps; `until` is `config.run.until`, estimate None if R_K is not resolved.

    Ends where error <= relative_error |value| from at least MIN_SAMPLES independent samples, at max_steps, and where,
    after GIVE_UP_AFTER of max_steps, more than SAFETY times max_steps is predicted to be needed.
    """
    needed = _predict(look, estimate, until)
    predicted = None if needed is None or math.isinf(needed) else needed
    if needed is not None and needed <= look:
        return Decision(REACHED, predicted)
    if look >= until.max_steps:
        return Decision(OUT_OF_STEPS, predicted)
    hopeless = needed is not None and needed > SAFETY * until.max_steps
    if hopeless and look >= GIVE_UP_AFTER * until.max_steps:
        return Decision(CANNOT_REACH, predicted)
    return Decision(GO_ON, predicted)


def _predict(look: int, estimate: Estimate | None, until) -> float | None:
    """Steps of production that the target needs: the error falls as 1/sqrt(steps), independent samples grow as steps."""
    if estimate is None:
        return None
    target = until.relative_error * abs(estimate.value)
    if not target > 0 or not estimate.n_effective > 0:
        return math.inf
    return look * max((estimate.error / target) ** 2, MIN_SAMPLES / estimate.n_effective)


class Course:
    """How far the production of a run goes: its looks, and what the latest one said."""

    def __init__(self, config, estimate):
        """estimate: a function of `Samples` that returns an `Estimate`, or None while R_K is not resolved.

        Raises ConfigError where `run.until` is set and there is no such function.
        """
        check_estimate(config, estimate)
        self.looks = list_looks(config.run)
        self.look: int | None = None
        """Production steps at the latest look."""
        self.decision: Decision | None = None
        self._until, self._estimate = config.run.until, estimate
        self._found: Estimate | None = None
        self._unconfirmed = False
        self._remedies = ["run.until.max_steps", "the difference of the bath temperatures", "run.replicas"]
        if config.structure.lattice != "chain":
            self._remedies.append("structure.cross_section")

    def ends_at(self, look: int, samples) -> bool:
        """Whether production ends at `look`, one of `looks`. samples: a function that returns what is measured so far."""
        if self._until is None:
            return True
        measured = samples()
        self.look, self._found = look, self._estimate(measured)
        self.decision = decide(look, self._found, self._until)
        self._unconfirmed = self.decision.outcome == REACHED and not self._confirmed(look, measured)
        if self._unconfirmed:
            self.decision = self.decision._replace(outcome=GO_ON)
        return not self.goes_on

    def _confirmed(self, look: int, measured: Samples) -> bool:
        """Whether the look before this one had reached the target too, or this is the last one.

        It is taken again, from the rows that it had: so a run that was stopped in between decides alike.
        """
        number = self.looks.index(look)
        if number + 1 == len(self.looks):
            return True
        if number == 0:
            return False
        before = self.looks[number - 1]
        found = self._estimate(measured.first_rows(before // measured.series_steps))
        return decide(before, found, self._until).outcome == REACHED

    @property
    def goes_on(self) -> bool:
        """Whether the latest look said so."""
        return self.decision is not None and self.decision.outcome == GO_ON

    def foresee(self, done: int) -> int:
        """Production steps of the whole run, as seen after `done` of them.

        With `run.until` the look at which the target is predicted to be reached; the next one where nothing is predicted.
        """
        if self.decision is None:
            wanted = done
        elif self.decision.outcome != GO_ON:
            return self.look
        else:
            wanted = max(done, self.look + 1, self.decision.predicted_steps or 0)
        return next((look for look in self.looks if look >= wanted), self.looks[-1])

    @property
    def predicted(self) -> bool:
        """Whether `foresee` knows where production ends, not only where the next look is."""
        return self._until is None or bool(
            self.decision and (self.decision.predicted_steps or self.decision.outcome != GO_ON)
        )

    @property
    def message(self) -> str:
        """What the latest look found, and what to do where the target is not reached."""
        found, until = self._found, self._until
        after = f"after {self.look} production steps"
        if found is None:
            text = f"R_K is not resolved {after}"
        else:
            share = found.error / abs(found.value) if found.value else math.inf
            wanted = f"{100 * share:.2g} %, wanted {100 * until.relative_error:.2g} %"
            text = f"R_K = {found.value:.4g} ± {found.error:.2g} ({wanted}) {after}"
        outcome, predicted = self.decision
        if outcome == REACHED:
            return f"{text}: reached"
        if self._unconfirmed:
            return f"{text}: the next look has to confirm it"
        if found is not None and found.n_effective < MIN_SAMPLES:
            text += f", {found.n_effective:.0f} independent samples, at least {MIN_SAMPLES} needed"
        if predicted:
            text += f", about {float(f'{predicted:.2g}'):.0f} needed"
        if outcome != GO_ON or (predicted or 0) > until.max_steps:
            text += f", run.until.max_steps is {until.max_steps}"
        if outcome != GO_ON:
            text += (
                f": raise {', '.join(self._remedies[:-1])} or {self._remedies[-1]} (the run then starts anew)"
            )
        return text

    def summary(self) -> dict | None:
        """The entry `until` of run.json: the target and what the latest look found; None without `run.until`."""
        if self._until is None:
            return None
        found, decision = self._found, self.decision
        predicted = decision.predicted_steps if decision else None
        return {
            "relative_error": self._until.relative_error,
            "max_steps": self._until.max_steps,
            "reached": bool(decision and decision.outcome == REACHED),
            "value": found.value if found else None,
            "error": found.error if found else None,
            "production_steps": self.look,
            "predicted_steps": math.ceil(predicted) if predicted else None,
            "message": self.message if decision else "physics stopped the run before the first look",
        }


def check_estimate(config, estimate) -> None:
    """Raise ConfigError where `run.until` is set and nothing says what R_K is known to."""
    until = config.run.until
    if until is not None and estimate is None:
        value = f"{{relative_error: {until.relative_error:g}, max_steps: {until.max_steps}}}"
        text = "needs an estimate of R_K during the run: pass estimate=analysis.make_estimator(config)"
        raise refuse("run.until", value, text)
