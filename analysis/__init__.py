"""From the raw samples of a run to R_K with its error bar, and from runs to studies.

`analyse(samples, settings)` does the work, `fit_run(directory)` reads and writes the files of a run,
`collect(study_dir)` and `plot_study(study_dir)` those of a study; `load_run` and `load_study` are for
notebooks.
"""

from .interface import Result, Settings, analyse, fit_run
from .plots import plot_flux, plot_profile, plot_sweep
from .study import Run, collect, format_study, load_run, load_study, plot_study

__all__ = [
    "Result",
    "Run",
    "Settings",
    "analyse",
    "collect",
    "fit_run",
    "format_study",
    "load_run",
    "load_study",
    "plot_flux",
    "plot_profile",
    "plot_study",
    "plot_sweep",
]
