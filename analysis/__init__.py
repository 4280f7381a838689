"""From the raw samples of a run to R_K with its error bar, and from runs to studies.

`analyse(samples, settings)` does the work, `fit_run(directory)` reads and writes the files of a run,
`collect(study_dir)` and `plot_study(study_dir)` those of a study, `extrapolate(study_dir)` and
`plot_limits(study_dir)` those of its limits; `load_run` and `load_study` are for notebooks, and so are the plots,
which draw on given or new axes and return them. `plot_prediction(directory)` draws what theory says of a junction. `make_estimator(config)` tells a run how well R_K is known while it goes on.
"""

from .figures import save
from .interface import Result, Settings, analyse, fit_run
from .limits import extrapolate, format_limits, read_limits
from .plots import plot_flux, plot_profile, plot_running, save_profile
from .plots_limits import plot_limits
from .plots_overlay import plot_bath_lengths
from .plots_study import plot_map, plot_sweep, varying_keys
from .plots_theory import plot_prediction
from .running import running_resistance
from .study import Run, collect, load_run, load_study, plot_run, plot_study
from .tables import base_runs, format_study, pool_seeds, si_column
from .theory import load_prediction
from .until import make_estimator

__all__ = [
    "Result",
    "Run",
    "Settings",
    "analyse",
    "base_runs",
    "collect",
    "extrapolate",
    "fit_run",
    "format_limits",
    "format_study",
    "load_prediction",
    "load_run",
    "load_study",
    "make_estimator",
    "plot_bath_lengths",
    "plot_flux",
    "plot_limits",
    "plot_map",
    "plot_prediction",
    "plot_profile",
    "plot_run",
    "plot_running",
    "plot_study",
    "plot_sweep",
    "pool_seeds",
    "read_limits",
    "running_resistance",
    "save",
    "save_profile",
    "si_column",
    "varying_keys",
]
