"""Layer temperatures and the flux through planes as a table: the `profile.csv` of a run.

Columns: layer (index along x, walls included), x (measured mean position), region, species, n_sites,
temperature, temperature_stderr, flux (along +x), flux_stderr, fitted; then position, temperature and flux in the units
of the field, named by them: x_nm, temperature_K, flux_GW_per_m2 (a chain: flux_nW). Empty (NaN in memory) are: the
temperature of frozen wall layers; the flux of a layer that has no plane directly above it, in +x direction, before the
next layer (planes lie between cells, so in fcc every second layer has one); `fitted`, the value of the
bulk line, of layers outside the fit windows. In a periodic cell the first layer is the one above the last.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from nemd_core.errors import StorageError
from nemd_core.storage import Samples, atomic
from nemd_core.units import Reference

from .uncertainty import Blocks

COLUMNS = "layer x region species n_sites temperature temperature_stderr flux flux_stderr fitted".split()


def check_samples(samples: Samples) -> None:
    """Raise StorageError where the samples cannot be analysed: units, shapes, uneven rows, non-finite values."""
    if samples.units != "lj":
        raise StorageError(f"samples: units {samples.units!r} are not known; known: lj")
    n_rep, n_rows, n_layers = samples.temperature.shape
    shapes = {
        "step": (samples.step.shape, (n_rows,)),
        **{f"layers/{name}": (samples.layers[name].shape, (n_layers,)) for name in ("x_mean", "friction")},
        "flux": (samples.flux.shape, (n_rep, n_rows, len(samples.planes["x0"]))),
        "stress": (samples.stress.shape, (n_rep, n_rows, 2)),
        "energy_start": (np.shape(samples.energy_start), (n_rep,)),
        **{
            name: (getattr(samples, name).shape, (n_rep, n_rows))
            for name in ("heat_hot", "heat_cold", "energy")
        },
    }
    if samples.flux_species is not None:
        shapes["flux_species"] = (samples.flux_species.shape, (n_rep, n_rows))
    for name, (found, wanted) in shapes.items():
        if tuple(found) != wanted:
            raise StorageError(f"samples: {name} has shape {tuple(found)}, expected {wanted}")
    if n_rows == 0:
        raise StorageError(
            "samples: no rows; the run stopped before its first stretch of series_steps was done"
        )
    if np.any(np.diff(samples.step) != samples.series_steps):
        raise StorageError("samples: the rows are not equally long; step must grow by series_steps")
    moving = samples.layers["region"] != "wall"
    series = {name: getattr(samples, name) for name in ("flux", "heat_hot", "heat_cold", "energy", "stress")}
    series["temperature"] = samples.temperature[:, :, moving]
    if samples.flux_species is not None:
        series["flux_species"] = samples.flux_species
    for name, values in series.items():
        if not np.all(np.isfinite(values)):
            raise StorageError(f"samples: {name} holds values that are not finite; the run was unstable")


def layer_profile(
    samples: Samples, blocks: Blocks, reference: Reference, dimensions: int, fitted
) -> pd.DataFrame:
    """Mean layer temperatures and fluxes with errors; `fitted` of shape (n_layers,) is NaN outside the windows."""
    layers = samples.layers
    n_layers = len(layers["x0"])
    moving = layers["region"] != "wall"
    temperature, temperature_stderr, flux, flux_stderr = np.full((4, n_layers), np.nan)
    temperature[moving] = blocks.mean(samples.temperature[:, :, moving])
    temperature_stderr[moving] = blocks.stderr(samples.temperature[:, :, moving])
    below = layer_below(samples)
    flux[below] = blocks.mean(samples.flux)
    flux_stderr[below] = blocks.stderr(samples.flux)
    table = pd.DataFrame(
        {
            "layer": np.arange(n_layers),
            "x": layers["x_mean"],
            "region": layers["region"],
            "species": layers["species"],
            "n_sites": layers["n_sites"],
            "temperature": temperature,
            "temperature_stderr": temperature_stderr,
            "flux": flux,
            "flux_stderr": flux_stderr,
            "fitted": fitted,
        },
        columns=list(COLUMNS),
    )
    for name in ("x", "temperature", "flux"):
        values, unit = reference.to_field(table[name], name, dimensions)
        table[f"{name}_{unit.replace('/', '_per_').replace('^', '')}"] = values
    return table


def layer_below(samples: Samples) -> np.ndarray:
    """Index of the layer directly below each plane, shape (n_planes,), by ideal positions.

    Below the first layer of a periodic cell lies the last one.
    """
    below = np.searchsorted(samples.layers["x0"], samples.planes["x0"]) - 1
    return below % len(samples.layers["x0"])


def write_profile(path, profile: pd.DataFrame) -> None:
    with atomic(path) as temporary:
        profile.to_csv(temporary, index=False, float_format="%.10g")


def read_profile(path) -> pd.DataFrame:
    """Read `profile.csv`. Raises StorageError where it is missing or lacks a column."""
    try:
        profile = pd.read_csv(path)
    except FileNotFoundError:
        raise StorageError(f"{path}: no such file; run: python -m analysis fit {Path(path).parent}") from None
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from None
    missing = [name for name in COLUMNS if name not in profile]
    if missing:
        raise StorageError(f"{path}: columns missing: {', '.join(missing)}")
    return profile
