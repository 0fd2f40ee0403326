"""Voxel maps are amount-weighted means of tissues."""

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.phantom.fractions import AIR_CHI_PPM, maps_from_fractions
from spinloom.phantom.tissues import Tissue, TissueTable

A = Tissue(3, "a", PD=0.7, T1=0.8, T2=0.07, T2prime=0.1, D=0.7e-9, chi_ppm=-9.05)
B = Tissue(9, "b", PD=1.0, T1=4.0, T2=2.0, T2prime=float("inf"), D=3e-9, chi_ppm=-9.0)
AIR = Tissue(1, "air", PD=0.0, T1=0.0, T2=0.0, chi_ppm=0.36)
TABLE = TissueTable((A, B, AIR), 3.0)


def voxel(*parts: int) -> np.ndarray:
    return np.array(parts, np.uint8).reshape(3, 1, 1, 1)


def test_pure_voxel_is_its_tissue() -> None:
    m = maps_from_fractions(voxel(255, 0, 0), TABLE)
    got = [float(x.item()) for x in (m.PD, m.T1, m.T2, m.T2prime, m.D, m.chi_ppm)]
    np.testing.assert_allclose(got, [0.7, 0.8, 0.07, 0.1, 0.7e-9, -9.05], rtol=1e-5)
    assert m.labels.item() == 3


def test_mixture_averages_rates_by_amount() -> None:
    m = maps_from_fractions(voxel(102, 153, 0), TABLE)
    a, b = 0.4 * 0.7, 0.6 * 1.0
    np.testing.assert_allclose(m.PD.item(), a + b, rtol=1e-6)
    np.testing.assert_allclose(m.T1.item(), (a + b) / (a / 0.8 + b / 4.0), rtol=1e-5)
    np.testing.assert_allclose(m.T2.item(), (a + b) / (a / 0.07 + b / 2.0), rtol=1e-5)
    np.testing.assert_allclose(m.T2prime.item(), (a + b) / (a / 0.1), rtol=1e-5)
    np.testing.assert_allclose(m.D.item(), (a * 0.7e-9 + b * 3e-9) / (a + b), rtol=1e-5)
    np.testing.assert_allclose(m.chi_ppm.item(), 0.4 * -9.05 + 0.6 * -9.0, rtol=1e-5)
    assert m.labels.item() == 9


def test_texture_scales_relaxation_times_only() -> None:
    plain = maps_from_fractions(voxel(100, 155, 0), TABLE)
    rough = maps_from_fractions(voxel(100, 155, 0), TABLE, np.full((1, 1, 1), 0.1, np.float32))
    for name, factor in (("T1", 1.1), ("T2", 1.1), ("PD", 1.0), ("T2prime", 1.0)):
        np.testing.assert_allclose(getattr(rough, name), factor * getattr(plain, name), rtol=1e-5)


def test_air_and_nothing_have_no_signal() -> None:
    for parts in ((0, 0, 255), (0, 0, 0)):
        m = maps_from_fractions(voxel(*parts), TABLE)
        assert m.PD.item() == m.T1.item() == m.T2.item() == 0
        assert np.isinf(m.T2prime.item())
        assert m.chi_ppm.item() == pytest.approx(AIR_CHI_PPM)


def test_table_must_fit() -> None:
    with pytest.raises(InputError, match="do not fit"):
        maps_from_fractions(np.zeros((2, 1, 1, 1), np.uint8), TABLE)
