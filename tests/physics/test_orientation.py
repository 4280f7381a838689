"""Crystals along [100], [110] and [111]: by cubic symmetry fcc conducts heat equally in all directions."""

from pathlib import Path

import numpy as np
import pytest
from physics.engine import simulate

from nemd_core import load_study

STUDY = Path(__file__).parents[2] / "configs" / "orientations.yaml"


@pytest.mark.validate
def test_fcc_conducts_equally_in_all_directions(record):
    """Equal materials; A is the hot half and B the cold one, which conducts better."""
    found = {}
    for point in load_study(STUDY).points:
        if point.config.materials.B.mass == 1:
            found[point.config.structure.orientation] = simulate(point.config)[1]
    for orientation in (110, 111):
        for side in "AB":
            one, other = (
                [found[n][f"kappa_{side}{end}"] for end in ("", "_stderr")] for n in (orientation, 100)
            )
            record(
                f"LJ fcc: kappa_{side} along [{orientation}] less that along [100]",
                one[0] - other[0],
                np.hypot(one[1], other[1]),
                0.0,
                cap=0.12 * other[0],
                source="cubic symmetry",
            )
