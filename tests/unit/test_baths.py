"""Friction of the baths, layer by layer."""

import numpy as np
import pytest
from junctions import CHAIN, configure

from nemd_core.baths import bath_friction, layer_friction
from nemd_core.structure import build


def friction(**settings):
    config = configure(CHAIN, structure__length={"A": 12, "B": 12}, baths__friction=0.7, **settings)
    system = build(config)
    return layer_friction(system, config.baths), system.layer_region


def rise(n):
    return 1.4 * np.sin(np.pi * (np.arange(n) + 0.5) / (2 * n)) ** 2


def test_a_ramp_rises_outwards():
    found, region = friction(baths__ramp=True, baths__hot__length=4, baths__cold__length=6)
    assert found[region == "hot"] == pytest.approx(rise(4)[::-1])
    assert found[region == "cold"] == pytest.approx(rise(6))
    assert (found[(region == "A") | (region == "B")] == 0).all()


@pytest.mark.parametrize("length", [4, 6])
def test_a_ramp_between_two_edges_rises_from_both(length):
    """Layers of one cell: the mean over the bath is the friction that was asked for."""
    found, region = friction(
        baths__ramp=True,
        structure__ends="periodic",
        baths__walls=0,
        baths__hot__length=length,
        baths__cold__length=length,
    )
    half = rise(length // 2)
    for name in ("hot", "cold"):
        assert found[region == name] == pytest.approx(np.concatenate([half, half[::-1]]))
        assert found[region == name].mean() == pytest.approx(0.7)


def test_without_a_ramp_friction_is_the_same_everywhere():
    found, region = friction(baths__hot__length=3, baths__cold__length=2)
    bath = np.isin(region, ["hot", "cold"])
    assert (found == np.where(bath, 0.7, 0.0)).all()
    assert (bath_friction(3, 1.0, False) == 1.0).all()
