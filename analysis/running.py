"""How R_K and its error settle as a run goes on: the analysis of its first part, for growing parts."""

import numpy as np
import pandas as pd

from nemd_core.errors import StorageError
from nemd_core.storage import Samples

from .interface import Settings, analyse

N_POINTS = 20


def running_resistance(samples: Samples, settings: Settings, n_points: int = N_POINTS) -> pd.DataFrame:
    """Columns time (simulated, of one replica, in tau), R_K, R_K_stderr; one row per part of the run.

    Each row is `analyse` of the samples up to that time, the last one of all of them; parts too short to resolve R_K
    are left out. Layers are where they are in the whole run.
    """
    rows = []
    ends = np.linspace(0, len(samples.step), n_points + 1).astype(int)[1:]
    for end in np.unique(ends[ends > 0]):
        try:
            found = analyse(samples.first_rows(end), settings).interface
        except StorageError:  # too few rows for an error bar
            continue
        if found["R_K"] is not None:
            time = samples.step[end - 1] * samples.timestep
            rows.append((time, found["R_K"], found["R_K_stderr"]))
    return pd.DataFrame(rows, columns=["time", "R_K", "R_K_stderr"])
