"""SI through argon: the units that textbooks quote, and the relations between them."""

import numpy as np
import pytest
from scipy.constants import k

from nemd_core.units import ARGON, EXPONENTS


def test_argon():
    assert ARGON.unit("temperature") == pytest.approx(119.8)
    assert ARGON.unit("time") == pytest.approx(2.156e-12, rel=1e-3)
    assert ARGON.unit("pressure") == pytest.approx(41.9e6, rel=1e-3)
    assert ARGON.unit("conductivity") == pytest.approx(0.0188, rel=1e-3)
    assert 2 * np.pi * ARGON.hbar == pytest.approx(0.186, rel=5e-3)  # de Boer's parameter of argon


def test_units_agree_with_each_other():
    unit = ARGON.unit
    assert unit("heat_flux") == pytest.approx(unit("energy") / unit("time") / unit("area"))
    assert unit("resistance") == pytest.approx(unit("temperature") / unit("heat_flux"))
    assert unit("conductance") == pytest.approx(1 / unit("resistance"))
    assert unit("conductivity") == pytest.approx(unit("heat_flux") * unit("length") / unit("temperature"))
    assert unit("energy") == pytest.approx(unit("mass") * unit("velocity") ** 2)
    assert unit("stiffness") == pytest.approx(unit("mass") * unit("frequency") ** 2)
    assert unit("force") == pytest.approx(unit("pressure") * unit("area"))
    assert unit("energy") == pytest.approx(k * unit("temperature"))


@pytest.mark.parametrize("quantity", EXPONENTS)
def test_there_and_back(quantity):
    values = np.array([0.0, 0.3, -2.0])
    np.testing.assert_allclose(ARGON.from_si(ARGON.to_si(values, quantity), quantity), values)


def test_unknown_quantity():
    with pytest.raises(KeyError):
        ARGON.unit("charge")
