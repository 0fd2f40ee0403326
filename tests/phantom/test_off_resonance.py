"""The phantom's own field: from its susceptibility, at its field, along the world's z axis."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import UsageError
from spinloom.phantom.maps import from_maps
from spinloom.phantom.off_resonance import with_off_resonance
from spinloom.phantom.shapes import Sphere, spheres
from spinloom.phantom.susceptibility import field_from_susceptibility, shim
from spinloom.phantom.tissues import Tissue, TissueTable

BALLS = spheres(
    [Sphere("a", (0, 0, 0), 7.0), Sphere("b", (0, 0, 2), 3.0)],
    TissueTable((Tissue(1, "a", 1.0, 1.0, 0.1, chi_ppm=-9.0), Tissue(2, "b", 1.0, 1.0, 0.1, chi_ppm=-8.0)), 3.0),
    shape=(20, 20, 20),
)


def test_off_resonance_is_the_shimmed_field_of_its_susceptibility() -> None:
    p = with_off_resonance(BALLS)
    assert p.dB0 is not None
    assert BALLS.chi_ppm is not None
    assert np.allclose(p.dB0, shim(field_from_susceptibility(BALLS.chi_ppm, 1.0, 3.0), BALLS.PD > 0))


def test_off_resonance_grows_with_the_field() -> None:
    low, high = (with_off_resonance(BALLS, B0=B0).dB0 for B0 in (1.5, 3.0))
    assert low is not None
    assert high is not None
    assert np.allclose(high, 2 * low, atol=1e-2)


def test_without_susceptibility_or_field_it_is_refused() -> None:
    one = np.ones((4, 4, 4))
    with pytest.raises(UsageError, match="susceptibility"):
        with_off_resonance(from_maps(T1=one, T2=0.1 * one, affine=np.eye(4), B0=3.0))
    with pytest.raises(UsageError, match="field"):
        with_off_resonance(from_maps(T1=one, T2=0.1 * one, chi_ppm=one, affine=np.eye(4)))
