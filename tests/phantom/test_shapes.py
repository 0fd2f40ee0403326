"""Geometric phantoms: volumes and positions are those of the formulas, values those of the papers."""

from __future__ import annotations

from math import pi

import numpy as np
import pytest

from spinloom.core.errors import InputError, UsageError
from spinloom.phantom.shapes import Ellipsoid, Sphere, spheres
from spinloom.phantom.shepp import shepp_logan
from spinloom.phantom.system_phantom import T1_ARRAY_MS, nist
from spinloom.phantom.tissues import Tissue, TissueTable

TWO = TissueTable((Tissue(1, "a", 1.0, 1.0, 0.1), Tissue(2, "b", 0.5, 2.0, 0.2)), 3.0)


def test_volume_of_a_sphere_is_kept_through_partial_volume() -> None:
    """4/3 pi r^3, for a sphere that fits no grid."""
    p = spheres([Sphere("a", (0.3, -0.2, 0.1), 6.2)], TWO, shape=(20, 20, 20))
    assert p.PD.sum() == pytest.approx(4 / 3 * pi * 6.2**3, rel=2e-3)


def test_volume_of_a_turned_ellipsoid() -> None:
    """4/3 pi a b c, on voxels that are not cubes"""
    p = spheres([Ellipsoid("a", (1, 0, 0), (8, 3, 5), 0.6)], TWO, shape=(24, 20, 8), voxel_mm=(1, 1, 2))
    assert p.PD.sum() * 2 == pytest.approx(4 / 3 * pi * 8 * 3 * 5, rel=4e-3)
    x, y = np.nonzero(p.PD[:, :, 4] > 0.5)
    assert np.corrcoef(x, y)[0, 1] > 0.5


def test_centre_of_mass_is_the_centre() -> None:
    centre = (1.7, -2.3, 0.4)
    p = spheres([Sphere("a", centre, 4.0)], TWO, shape=(16, 16, 16))
    index = np.argwhere(p.PD > 0)
    assert np.allclose(np.average(p.grid.positions_mm(index), axis=0, weights=p.PD[p.PD > 0]), centre, atol=0.02)


def test_later_shapes_replace_earlier_ones_and_voxels_stay_full() -> None:
    p = spheres([Sphere("a", (0, 0, 0), 8.0), Sphere("b", (0, 0, 0), 4.0)], TWO, shape=(20, 20, 20))
    assert p.fractions is not None
    assert p.PD[10, 10, 10] == pytest.approx(0.5)
    inside = np.linalg.norm(p.grid.positions_mm(np.indices((20, 20, 20)).reshape(3, -1).T), axis=1) < 6
    assert (p.fractions.sum(0, dtype=int).ravel()[inside] == 255).all()


def test_shape_outside_the_grid_leaves_it_empty() -> None:
    assert spheres([Sphere("a", (50, 0, 0), 4.0)], TWO, shape=(8, 8, 8)).PD.sum() == 0


def test_impossible_shapes_are_refused() -> None:
    with pytest.raises(InputError):
        spheres([Sphere("a", (0, 0, 0), 0.0)], TWO, shape=(8, 8, 8))
    with pytest.raises(UsageError):
        spheres([Sphere("c", (0, 0, 0), 2.0)], TWO, shape=(8, 8, 8))


def test_shepp_logan_has_the_values_of_its_paper() -> None:
    """Grey matter of Gach et al. (2008): PD 0.745, T2 0.1 s, T1 = 0.857 s (B0/T)^0.376."""
    p = shepp_logan((80, 100, 1), 2.0, B0=1.5, z_mm=-25.0)
    x, y = np.round(np.array([40, -20]) / 2 + (np.array([80, 100]) - 1) / 2).astype(int)
    assert p.PD[x, y, 0] == pytest.approx(0.745)
    assert p.T1[x, y, 0] == pytest.approx(0.857 * 1.5**0.376, rel=1e-5)
    assert p.T2[x, y, 0] == pytest.approx(0.1)


def test_shepp_logan_has_the_larger_ventricle_on_the_left() -> None:
    p = shepp_logan((80, 100, 1), 2.0, z_mm=-25.0)
    assert p.tissues is not None
    assert p.fractions is not None
    csf = p.fractions[p.tissues.index("csf")][:, 30:70, 0].astype(int)
    assert csf[:40].sum() > 1.5 * csf[41:].sum()


@pytest.mark.parametrize("B0", [1.5, 3.0])
def test_nist_spheres_carry_the_reference_values(B0: float) -> None:
    p = nist(2.0, B0=B0)
    assert p.tissues is not None
    T1, T2 = T1_ARRAY_MS[B0]
    for n in range(14):
        here = p.labels == 101 + n
        at = np.argwhere(here).mean(axis=0)
        middle = tuple(np.round(at).astype(int))
        assert p.T1[middle] == pytest.approx(T1[n] * 1e-3, rel=1e-4)
        assert p.T2[middle] == pytest.approx(T2[n] * 1e-3, rel=1e-4)


def test_nist_has_57_fiducials_and_42_solutions_that_do_not_touch() -> None:
    p = nist(2.0)
    assert p.tissues is not None
    assert len(p.tissues) == 2 + 3 * 14
    volume = {t.name: f.sum() / 255 * 8 for t, f in zip(p.tissues, p.fractions, strict=True)}  # type: ignore[arg-type]
    assert volume["fiducial"] == pytest.approx(57 * 4 / 3 * pi * 5**3, rel=0.02)
    for name, v in volume.items():
        if name not in ("water", "fiducial"):
            assert v == pytest.approx(4 / 3 * pi * 7.5**3, rel=0.02), name


def test_nist_has_no_values_at_other_fields() -> None:
    with pytest.raises(UsageError, match=r"1\.5 and 3"):
        nist(B0=7.0)
