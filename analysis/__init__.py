"""From the raw samples of a run to R_K with its error bar, and from runs to studies.

`analyse(samples, settings)` does the work, `fit_run(directory)` reads and writes the files of a run,
`collect(study_dir)` and `plot_study(study_dir)` those of a study; `load_run` and `load_study` are for
notebooks, and so are the plots, which draw on given or new axes and return them.
"""

from .figures import save
from .interface import Result, Settings, analyse, fit_run
from .plots import plot_flux, plot_profile, plot_running, save_profile
from .plots_study import plot_map, plot_sweep, varying_keys
from .running import running_resistance
from .study import Run, collect, load_run, load_study, plot_run, plot_study
from .tables import format_study, pool_seeds, si_column

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
    "plot_map",
    "plot_profile",
    "plot_run",
    "plot_running",
    "plot_study",
    "plot_sweep",
    "pool_seeds",
    "running_resistance",
    "save",
    "save_profile",
    "si_column",
    "varying_keys",
]
