"""What `run.until` asks during a run: how well R_K is known from the samples so far, by the analysis that will judge it."""

from nemd_core.storage import Samples
from nemd_core.until import Estimate

from .interface import Settings, analyse
from .uncertainty import MIN_BLOCKS


def make_estimator(config):
    """The `estimate` of `nemd_core.run(config, ..., estimate=...)`: a function Samples -> Estimate, or None.

    value is R_K, error half of its 68 % interval, n_effective the independent samples. None where R_K is not resolved,
    and where there are too few rows for an error bar. The checks have no say: `trusted` is judged when the run has ended.
    """
    settings = Settings.from_config(config).without_transients()

    def estimate(samples: Samples) -> Estimate | None:
        if samples.energy.size < MIN_BLOCKS:
            return None
        fields = analyse(samples, settings).interface
        if fields["R_K"] is None:
            return None
        low, high = fields["R_K_ci68"]
        return Estimate(fields["R_K"], (high - low) / 2, fields["n_effective"])

    return estimate
