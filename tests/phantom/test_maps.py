"""Quantitative maps: what is plainly wrong is refused with a remedy, what is slightly wrong is repaired and said."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.phantom.maps import from_maps

SHAPE = (8, 7, 6)


def good() -> dict[str, np.ndarray]:
    maps = {"PD": 0.8, "T1": 1.2, "T2": 0.08, "T2star": 0.05, "B1": 1.02, "dB0": -20.0}
    return {"affine": np.eye(4)} | {k: np.full(SHAPE, v) for k, v in maps.items()}


def test_reversible_rate_is_the_difference_of_the_rates() -> None:
    """1/T2prime = 1/T2star - 1/T2"""
    p = from_maps(**good())
    assert p.T2prime is not None
    assert np.allclose(1 / p.T2prime, 1 / 0.05 - 1 / 0.08, rtol=1e-5)
    assert np.allclose(p.T2star, 0.05, rtol=1e-5)
    assert (p.T2star <= p.T2).all()


def test_without_T2star_nothing_is_reversible() -> None:
    maps = good()
    del maps["T2star"]
    assert from_maps(**maps).T2prime is None


def test_PD_is_one_wherever_there_are_times_if_not_given() -> None:
    maps = good()
    del maps["PD"]
    maps["T1"][0] = 0
    p = from_maps(**maps)
    assert p.PD[0].sum() == 0
    assert (p.PD[1:] == 1).all()


@pytest.mark.parametrize(
    ("name", "factor", "unit"),
    [("T1", 1000, "ms"), ("T2", 1000, "ms"), ("T2star", 1000, "ms"), ("PD", 100, "percent"), ("B1", 100, "percent")],
)
def test_other_units_are_refused_with_the_remedy(name: str, factor: float, unit: str) -> None:
    maps = good()
    maps[name] = maps[name] * factor
    with pytest.raises(InputError, match=f"{name} map has median.*looks like {unit}.*Divide it by {factor}"):
        from_maps(**maps)


def test_diffusivity_in_mm2_per_s_is_refused() -> None:
    with pytest.raises(InputError, match="looks like mm"):
        from_maps(**good(), D=np.full(SHAPE, 0.8e-3))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("T1", np.nan, "not finite"), ("B1", np.inf, "not finite"), ("T2", -0.1, "negative"), ("PD", -1.0, "negative")],
)
def test_impossible_numbers_are_refused(name: str, value: float, says: str) -> None:
    maps = good()
    maps[name][2, 3, 4] = value
    with pytest.raises(InputError, match=f"{name} map holds 1 .*{says}"):
        from_maps(**maps)


def test_other_shapes_and_affines_are_refused() -> None:
    with pytest.raises(InputError, match="one grid"):
        from_maps(**(good() | {"T2": np.ones((8, 7, 5))}))
    with pytest.raises(InputError, match="affine"):
        from_maps(**(good() | {"affine": np.zeros((4, 4))}))
    with pytest.raises(InputError, match="real numbers"):
        from_maps(**(good() | {"T2": np.ones(SHAPE, complex)}))
    with pytest.raises(InputError, match="both"):
        from_maps(**good(), T2prime=np.ones(SHAPE))
    with pytest.raises(InputError, match="nothing"):
        from_maps(**(good() | {"PD": np.zeros(SHAPE)}))


@pytest.mark.parametrize(("name", "value"), [("T2", 1.5), ("T2star", 0.09), ("T1", 0.0)])
def test_a_few_impossible_voxels_are_repaired_aloud_and_many_refused(name: str, value: float) -> None:
    maps = good()
    maps[name][0, 0, :3] = value
    with pytest.warns(UserWarning, match="3 of 336 voxels have"):
        p = from_maps(**maps)
    seen = p.PD > 0
    assert (p.T2[seen] <= p.T1[seen]).all()
    assert (p.T2star[seen] <= p.T2[seen]).all()
    maps[name][:4] = value
    with pytest.raises(InputError, match="impossible"):
        from_maps(**maps)


def test_maps_are_turned_to_RAS_and_stay_in_place() -> None:
    maps = good()
    maps["affine"] = np.diag([-2.0, 1.0, 1.0, 1.0])
    maps["PD"][1, 2, 3] = 0.5
    p = from_maps(**maps)
    index = np.argwhere(p.PD == np.float32(0.5))[0]
    assert np.allclose(p.grid.positions_mm(index), [-2, 2, 3])
    assert p.grid.affine[0, 0] > 0
