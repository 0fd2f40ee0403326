"""Differences voxel by voxel, where images are awkward."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.evaluation import mae, mse, ncc, psnr, rmse


def test_what_lies_outside_the_mask_may_be_anything() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=(12, 9, 7))
    x = y + 0.3 * rng.normal(size=y.shape)
    mask = y > 0
    spoilt = np.where(mask, x, np.nan)
    assert mae(spoilt, y, mask) == pytest.approx(np.abs(x - y)[mask].mean(), abs=1e-12)
    assert mse(spoilt, y, mask) == pytest.approx(((x - y)[mask] ** 2).mean(), abs=1e-12)
    assert ncc(spoilt, y, mask) == pytest.approx(np.corrcoef(x[mask], y[mask])[0, 1], abs=1e-12)


def test_small_integers_do_not_wrap_around() -> None:
    x, y = np.array([0, 255], np.uint8), np.array([255, 0], np.uint8)
    assert mae(x, y) == 255
    assert rmse(x, y) == 255


@pytest.mark.parametrize("metric", [mae, mse, rmse, ncc, lambda x, y, m=None: psnr(x, y, 1.0, m)])
def test_every_difference_counts_what_is_not_finite(metric) -> None:  # type: ignore[no-untyped-def]
    y = np.arange(6.0).reshape(2, 3)
    with pytest.raises(InputError, match="2 voxels of the reference are not finite"):
        metric(y, np.where(y < 2, np.inf, y))
