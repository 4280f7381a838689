"""The tables of a prediction: spectra, dispersions, the conductance against temperature, the exact profile.

Each is {column: values}; frequencies are angular, in 1/tau, and again as w/2pi in THz.
"""

import numpy as np

from .landauer import Spectra, accumulate, conductance, conductance_map
from .phonons import band_path, frequencies
from .prediction_state import tabulate_state

N_SLICES = 4
"""Frequencies, evenly spaced, at which the transmission is mapped over the wave vectors."""


def make_tables(own: Spectra, mesh: Spectra, crystals, fields: dict, state=None) -> dict[str, dict]:
    """{stem of the file: {column: values}}."""
    to_THz = fields["si"]["bulk"]["A"]["w_max"]["value"] / fields["bulk"]["A"]["w_max"]
    tables = {
        "transmission": _transmission(own, mesh, crystals, to_THz),
        "dispersion": _dispersion(crystals, to_THz),
        "dos": _densities(crystals, to_THz),
        "conductance": {name: [row[name] for row in fields["quantum"]] for name in fields["quantum"][0]},
    }
    if fields["dimensions"] == 3:
        tables["transmission_map"] = _map(mesh)
    if state is not None:
        tables["exact_profile"] = tabulate_state(state)
    return tables


def _transmission(own: Spectra, mesh: Spectra, crystals, to_THz: float) -> dict:
    w, weight = own.w, own.points.weight
    on_mesh = own.full_area / mesh.full_area * (mesh.points.weight @ mesh.transmission)
    dos = {f"dos_{side}": _pad(getattr(crystals, f"dos_{side}").density, len(w)) for side in "AB"}
    return {
        "frequency": w,
        "frequency_THz": to_THz * w,
        "transmission": weight @ own.transmission,
        "modes_A": weight @ own.modes_A,
        "modes_B": weight @ own.modes_B,
        "transmission_mesh": np.interp(w, mesh.w, on_mesh, right=0.0),
        **dos,
        "accumulation": conductance(own) * accumulate(own),
        "accumulation_mesh": np.interp(w, mesh.w, conductance(mesh) * accumulate(mesh)),
    }


def _pad(values, n: int) -> np.ndarray:
    """The first n values, with 0 for those that are missing."""
    return np.concatenate([values, np.zeros(n)])[:n]


def _map(mesh: Spectra) -> dict:
    """Of every wave vector of the mesh its share of G, of which the mean is G, and tau at a few frequencies."""
    full, index = mesh.points.full, mesh.points.index
    table = {"k_y": full[:, 0], "k_z": full[:, 1], "G": conductance_map(mesh)[index]}
    for n in mesh.n * (2 * np.arange(N_SLICES) + 1) // (2 * N_SLICES):
        table[f"w={mesh.w[n]:.6g}"] = mesh.transmission[index, n]
    return table


def _dispersion(crystals, to_THz: float) -> dict:
    """Both sides along their standard paths, one line a wave vector; special points have labels."""
    columns = {"side": [], "label": [], "distance": [], "k_x": [], "k_y": [], "k_z": []}
    branches = []
    for bulk in (crystals.A, crystals.B):
        path = band_path(bulk)
        columns["side"] += [bulk.side] * len(path.k)
        columns["label"] += _labels(path)
        columns["distance"] += path.distance.tolist()
        for axis, values in zip("xyz", path.k.T, strict=True):
            columns[f"k_{axis}"] += values.tolist()
        branches.append(frequencies(bulk, path.k))
    return columns | {f"w_{n}": values for n, values in enumerate(np.concatenate(branches).T, 1)}


def _labels(path) -> list[str]:
    """Of each point of a path its name, or none. Where the path jumps, two points at one distance have a name each."""
    labels = [""] * len(path.k)
    for distance, name in path.labels:
        for n in np.flatnonzero(np.abs(path.distance - distance) < 1e-9 * path.distance[-1]):
            if not labels[n]:
                labels[n] = name
                break
    return labels


def _densities(crystals, to_THz: float) -> dict:
    edges = crystals.dos_A.edges
    w = (edges[1:] + edges[:-1]) / 2
    return {
        "frequency": w,
        "frequency_THz": to_THz * w,
        "dos_A": crystals.dos_A.density,
        "dos_B": crystals.dos_B.density,
    }
