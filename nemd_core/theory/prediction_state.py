"""The exact steady state as the fields of predict.json and as a table, in the form of interface.json and profile.csv."""

import numpy as np

from .jumps import Jump
from .steady_state import ExactState


def describe_state(state: ExactState) -> dict:
    """`exact`: the jump and the fluxes of the finite set-up, and how sure they are."""
    n = len(state.interfaces)
    sides = [_describe_interface(state, jump) for jump in state.interfaces]
    return {
        **{name: getattr(state, name) for name in ("R_K", "J", "delta_T", "T_A", "T_B")},
        "J_hot": state.heat_hot / n,
        "J_cold": -state.heat_cold / n,
        **{name: sides[0][name] for name in ("x_interface", "fit_A", "fit_B")},
        "interfaces": sides,
        **{
            name: getattr(state, name)
            for name in ("n_modes", "n_undamped", "decay_rate", "residual", "missing")
        },
    }


def _describe_interface(state: ExactState, jump: Jump) -> dict:
    lines = {side: getattr(jump, side) for side in "AB"}
    return {
        "direction": jump.direction,
        "x_interface": jump.x,
        "J": jump.J,
        "delta_T": jump.delta_T,
        **{f"T_{side}": line.at_interface for side, line in lines.items()},
        **{
            f"fit_{side}": {
                "model": state.fit,
                "window": list(line.window),
                "slope": line.slope,
                "intercept": line.at_interface - line.slope * jump.x,
                "n_layers": len(line.layers),
                "x_interface": jump.x,
            }
            for side, line in lines.items()
        },
    }


def tabulate_state(state: ExactState) -> dict:
    """{column: values}, one row per layer; the flux is that through the plane above the layer, where there is one."""
    flux, fitted = np.full(len(state.x), np.nan), np.full(len(state.x), np.nan)
    flux[np.searchsorted(state.x, state.plane_x) - 1] = state.flux
    period = np.ptp(state.x) * len(state.x) / (len(state.x) - 1)
    for jump in state.interfaces:
        for line, ahead in ((jump.A, -jump.direction), (jump.B, jump.direction)):
            away = state.x[line.layers] - jump.x
            away += ahead * period * (away * ahead < 0)  # in the next periodic cell
            fitted[line.layers] = line.at_interface + line.slope * away
    return {
        "layer": np.arange(len(state.x)),
        "x": state.x,
        "region": state.region,
        "species": state.species,
        "temperature": state.temperature,
        "flux": flux,
        "fitted": fitted,
    }
