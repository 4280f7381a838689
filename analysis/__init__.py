"""From the raw samples of a run to R_K with its error bar, and from runs to studies.

`analyse(samples, settings)` does the work, `fit_run(directory)` reads and writes the files of a run,
`collect(study_dir)` and `plot_study(study_dir)` those of a study, `extrapolate(study_dir)` and
`plot_limits(study_dir)` those of its limits; `load_run` and `load_study` are for notebooks, and so are the plots,
which draw on given or new axes and return them. `plot_prediction(directory)` draws what theory says of a junction.
`make_estimator(config)` tells a run how well R_K is known while it goes on.

As in `nemd_core`, a name is imported when it is first asked for: what draws nothing does without matplotlib.
"""

from nemd_core.lazy_names import lazy_names

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

__all__, __getattr__, __dir__ = lazy_names(__name__, _MODULES)
