"""MS-SSIM of the honest protocol: five scales or none, inside the mask, and a reason where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from spinloom.core.image import Image
from spinloom.evaluation import evaluate, ms_ssim
from spinloom.evaluation.honest import five_scales
from spinloom.evaluation.multiscale import box_of, least_side
from spinloom.evaluation.pair import pair_of
from spinloom.evaluation.similarity import Gaussian
from spinloom.evaluation.tables import as_csv, as_json, reasons

RNG = np.random.default_rng(3)


def images(*shape: int) -> tuple[np.ndarray, np.ndarray]:
    y = 0.5 + 2 * gaussian_filter(RNG.standard_normal(shape), 2.0)
    return y + 0.05 * RNG.standard_normal(shape), y


def test_five_scales_of_a_window_of_11_need_176_voxels() -> None:
    assert least_side(Gaussian()) == 11 * 2**4


@pytest.mark.parametrize(
    "box", [((3, 90), (40, 200)), ((100, 230), (20, 216)), ((0, 240), (0, 217)), ((200, 239), (200, 217))]
)
def test_what_lies_far_from_the_mask_changes_nothing_but_the_time(box: tuple[tuple[int, int], ...]) -> None:
    x, y = images(240, 217)
    mask = np.zeros(y.shape, bool)
    mask[tuple(slice(*edges) for edges in box)] = True
    part = box_of(mask)
    assert ms_ssim(x[part], y[part], 1.0, mask=mask[part]) == pytest.approx(ms_ssim(x, y, 1.0, mask=mask), abs=1e-12)
    assert all(s.stop - s.start >= 176 for s in part)


def test_of_slices_it_is_the_mean_and_a_thin_volume_has_no_other() -> None:
    x, y = images(180, 190, 3)
    mask = np.ones(y.shape, bool)
    mask[:, :, 2] = False
    mask[4, 4, 2] = True  # gone when voxels of 16 count by majority
    found = five_scales(x, y, 1.0, mask)
    expected = np.mean([ms_ssim(x[..., z], y[..., z], 1.0, mask=mask[..., z]) for z in (0, 1)])
    assert found["MS-SSIM of slices"] == pytest.approx(expected, abs=1e-12)
    assert np.isnan(found["MS-SSIM"])


def test_of_a_volume_it_is_that_of_three_dimensions() -> None:
    x, y = images(176, 176, 176)
    mask = np.zeros(y.shape, bool)
    mask[30:150, 20:160, 10:170] = True
    found = five_scales(x, y, 1.0, mask)
    assert found["MS-SSIM"] == pytest.approx(ms_ssim(x, y, 1.0, mask=mask), abs=1e-12)
    assert five_scales(y, y, 1.0, mask)["MS-SSIM"] == pytest.approx(1, abs=1e-9)


def test_what_lies_outside_the_mask_does_not_count() -> None:
    x, y = images(180, 180, 1)
    mask = np.zeros(y.shape, bool)
    mask[20:160, 30:150] = True
    other = five_scales(np.where(mask, x, 9.0), np.where(mask, y, -9.0), 1.0, mask)
    assert other["MS-SSIM of slices"] == pytest.approx(five_scales(x, y, 1.0, mask)["MS-SSIM of slices"], abs=1e-12)


def test_of_a_small_image_it_is_absent_with_the_reason_everywhere() -> None:
    x, y = images(60, 60, 12)
    found = evaluate(pair_of(Image(x + 3, np.eye(4)), Image(y + 3, np.eye(4)), mask=Image(np.ones(y.shape), np.eye(4))))
    for name in ("MS-SSIM", "MS-SSIM of slices"):
        assert np.isnan(found.values("honest", name)["case"])
    assert np.isfinite(found.values("honest", "SSIM")["case"])
    assert len(reasons(found)) == 2
    assert "five scales need 176 voxels" in reasons(found)[0]
    assert "five scales need 176 voxels" in as_csv(found)
    row = next(r for r in as_json(found)["rows"] if r["metric"] == "MS-SSIM")
    assert (row["value"], "176" in row["why"]) == (None, True)
