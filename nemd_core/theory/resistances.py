"""The three resistances of a junction, never to be confused, and how far they have converged."""

import numpy as np

from .landauer import Spectra, compute_spectra, conductance
from .leads import Junction
from .strips import Points

_OF_POINTS = Spectra._fields[Spectra._fields.index("transmission") :]
"""What spectra hold for every wave vector."""
_NOTHING = 1e-12
"""A conductance below this part of either crystal's own is rounding."""
_LARGE = 0.05
"""Relative change at which a result is said not to have converged."""
_MISMATCH = 0.01
"""Relative deviation of the force constants at the device's edges that is worth a warning."""
_SMALL = 0.1
"""Changes of R_nemd are relative to it, but at least to this part of the two-probe resistance: it vanishes in a crystal."""


def resistances(spectra: Spectra) -> dict:
    """Classical conductances and resistances per area, and what they are made of; all in reduced units.

    With tau(w, k) the transmission, G_AB its conductance and G_XX that of the perfect crystal of a side:

    - R_two_probe = 1/G_AB (Landauer: from bath to bath);
    - R_four_probe = 1/G_AB - ½ (1/G_AA + 1/G_BB);
    - R_nemd = (1 - ½ <tau>_A - ½ <tau>_B)/G_AB, to which an extrapolated jump converges in the harmonic limit: <tau>_X is the
      mean over all modes of X that travel, each with weight one, for a thermometer weighs modes by their number, a flux by
      their velocity.

    Where nothing passes, the resistances are None and `reason` says why.
    """
    G = conductance(spectra)
    share = spectra.points.weight / spectra.points.weight.sum()
    G_AA, G_BB = (
        float(share @ each / (2 * np.pi * spectra.area))
        for each in (spectra.ballistic_A, spectra.ballistic_B)
    )
    mean_A = float(share @ spectra.tau_sum_A / (share @ spectra.mobile_A))
    mean_B = float(share @ spectra.tau_sum_B / (share @ spectra.mobile_B))
    parts = {"G_AA": G_AA, "G_BB": G_BB, "mean_tau_A": mean_A, "mean_tau_B": mean_B}
    if G <= _NOTHING * min(G_AA, G_BB):
        none = dict.fromkeys(("R_two_probe", "R_four_probe", "R_nemd"))
        return {"G_classical": 0.0, **none, **parts, "reason": _reason(spectra)}
    return {
        "G_classical": G,
        "R_two_probe": 1 / G,
        "R_four_probe": 1 / G - (1 / G_AA + 1 / G_BB) / 2,
        "R_nemd": (1 - (mean_A + mean_B) / 2) / G,
        **parts,
    }


def _reason(spectra: Spectra) -> str:
    if spectra.weight.any():
        return "nothing passes: the force constants that join A and B are none, or too small to tell"
    spans = []
    for name, modes in (("A", spectra.modes_A), ("B", spectra.modes_B)):
        w = spectra.w[(modes > 0).any(axis=0)]
        spans.append(f"{name} from w = {w.min():.4g} to {w.max():.4g}" if len(w) else f"{name} nowhere")
    return f"nothing passes: A and B share no frequency at any wave vector: modes in {', in '.join(spans)}"


# ---- convergence ----


def report_convergence(
    junction: Junction, spectra: Spectra, mesh: int | None = None, threads: int = 1
) -> dict:
    """Relative changes of G and R_nemd with the numerical parameters, and warnings where they are large.

    - `eta`: doubled; `frequencies`: half as many at each wave vector; `mesh`: every second wave vector in both directions, if the
      points are `mesh_points(strip, mesh)` with an even mesh, else None. Each is {value, G, R_nemd}: the parameter and the changes.
    - `mismatch`: deviation of the force constants at the edges of the device from those of the leads.
    - `warnings`: one line each; empty if all is well.

    To save time the first two are found on the coarser mesh, if there is one.
    """
    points = spectra.points
    halved = mesh is not None and mesh > 1 and mesh % 2 == 0 and len(points.full) == mesh**2
    kept = _on_half_mesh(junction, points, mesh) if halved else np.full(len(points.k), True)
    fine = _choose(spectra, kept)
    half = compute_spectra(junction, fine.points, max(1, spectra.n // 2), threads, spectra.eta)
    damped = compute_spectra(junction, fine.points, half.n, threads, 2 * spectra.eta)
    report = {
        "eta": {"value": spectra.eta, **_change(half, damped)},
        "frequencies": {"value": spectra.n, **_change(fine, half)},
        "mesh": {"value": mesh, **_change(spectra, fine)} if halved else None,
        "mismatch": junction.mismatch,
    }
    return report | {"warnings": _warnings(report)}


def _on_half_mesh(junction: Junction, points: Points, mesh: int) -> np.ndarray:
    turns = points.k @ junction.lateral.T / (2 * np.pi) * (mesh // 2)
    return (np.abs(turns - np.rint(turns)) < 1e-6).all(axis=1)


def _choose(spectra: Spectra, kept) -> Spectra:
    """The spectra of some of the points."""
    points = spectra.points
    inside = kept[points.index]
    index = (np.cumsum(kept) - 1)[points.index[inside]]
    fewer = Points(points.k[kept], points.weight[kept], points.full[inside], index)
    return spectra._replace(points=fewer, **{name: getattr(spectra, name)[kept] for name in _OF_POINTS})


def _change(before: Spectra, after: Spectra) -> dict:
    """Relative changes from one set of spectra to another; None where nothing passes."""
    old, new = resistances(before), resistances(after)
    if "reason" in old or "reason" in new:
        return {"G": None, "R_nemd": None}
    scale = max(abs(old["R_nemd"]), _SMALL * old["R_two_probe"])
    return {
        "G": new["G_classical"] / old["G_classical"] - 1,
        "R_nemd": (new["R_nemd"] - old["R_nemd"]) / scale,
    }


_CHECKS = {
    "eta": "twice the imaginary part of the frequency changes G or R_nemd by {:.2g} of it: it is too large",
    "frequencies": "half as many change G or R_nemd by {:.2g} of it: too few; raise theory.frequencies",
    "mesh": "half as many wave vectors a side change G or R_nemd by {:.2g} of it: too coarse; raise theory.mesh",
}


def _warnings(report: dict) -> list[str]:
    found = []
    for name, message in _CHECKS.items():
        entry = report[name] or {"G": None, "R_nemd": None}
        change = max(abs(entry[key] or 0.0) for key in ("G", "R_nemd"))
        if change > _LARGE:
            found.append(f"{name}: {entry['value']:.4g}: {message.format(change)}")
    if report["mismatch"] > _MISMATCH:
        text = (
            "force constants at the edge of the device deviate so much from the lead's; make the sides longer"
        )
        found.append(f"mismatch: {report['mismatch']:.2g}: {text}")
    return found
