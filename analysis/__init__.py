"""From the raw samples of a run to R_K with its error bar, and from runs to studies.

`analyse(samples, settings)` does the work, `fit_run(directory)` reads and writes the files of a run,
`collect(study_dir)` and `plot_study(study_dir)` those of a study, `extrapolate(study_dir)` and
`plot_limits(study_dir)` those of its limits; `load_run` and `load_study` are for notebooks, and so are the plots,
which draw on given or new axes and return them. `plot_prediction(directory)` draws what theory says of a junction.
`make_estimator(config)` tells a run how well R_K is known while it goes on.

As in `nemd_core`, a name is imported when it is first asked for: what draws nothing does without matplotlib.
"""

from importlib import import_module

_MODULES = {
    "figures": ["save"],
    "interface": ["Result", "Settings", "analyse", "fit_run"],
    "limits": ["extrapolate", "format_limits", "read_limits"],
    "plots": ["plot_flux", "plot_profile", "plot_running", "save_profile"],
    "plots_limits": ["plot_limits"],
    "plots_overlay": ["plot_bath_lengths"],
    "plots_study": ["plot_map", "plot_sweep", "varying_keys"],
    "plots_theory": ["plot_prediction"],
    "running": ["running_resistance"],
    "study": ["Run", "collect", "load_run", "load_study", "plot_run", "plot_study"],
    "tables": ["base_runs", "format_study", "pool_seeds", "si_column"],
    "theory": ["load_prediction"],
    "until": ["make_estimator"],
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)


def __dir__():
    return sorted({*globals(), *_HOME})
