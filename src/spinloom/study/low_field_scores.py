"""How near an image of the 0.055 T scanner comes to the 3 T slice: registered once, one transform for all.

The 3 T slice is moved onto the *input*: affine in the plane, mutual information. Whatever is scored then lies on the
input's grid as it came, so nothing can gain by the transform. Before scoring, each image is matched to the reference by
least squares in the mask, x -> a x + b with a >= 0, one pair per slice; the data range is the 99.5th percentile of the
reference in the mask.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_erosion, gaussian_filter

from spinloom.core.errors import InputError
from spinloom.core.masks import head
from spinloom.dataset.itk_images import one_thread, simpleitk
from spinloom.evaluation.similarity import Gaussian, Uniform, moments, ssim

Plane = NDArray[np.floating]
Mask = NDArray[np.bool_]
RIM = 3
"""Pixels at the head's edge that do not count."""
BINS = 48
LEVELS = ((4.0, 3, 6), (2.0, 2, 6), (2.0, 1, -10), (1.0, 1, -10))
"""Of the search: how much is smoothed [pixels], how sparsely pixels are looked at, and where: so many pixels around the
head's edge, or inside it. The edge is the surest guide at first, but at 0.055 T scalp and brain do not lie to each
other as at 3 T (field, chemical shift): with the edge in it the T2w brain of subjA was 3 pixels off."""
SEED = 1
FURTHEST = 0.35


def structure(x: Plane, y: Plane, mask: Mask) -> float:
    """Structural correlation: that of what is left of both images when local means are taken out.

        r = sum s_xy / sqrt(sum s_x^2 sum s_y^2),   sums over the mask

    s_xy, s_x, s_y are covariance and standard deviations in windows of 7 x 7 that see the mask alone. 0 for an image
    without structure: SSIM's third factor (below) gives it 1.
    """
    m = moments(np.asarray(x, float), np.asarray(y, float), Uniform(7), mask, unbiased=False)
    both = np.sqrt(np.maximum(m.vx, 0)[mask].sum() * np.maximum(m.vy, 0)[mask].sum())
    return float(m.vxy[mask].sum() / both) if both > 0 else 0.0


def third_factor(x: Plane, y: Plane, data_range: float, mask: Mask) -> float:
    """The mean over the mask of SSIM's third factor, in the same windows.

        s = (s_xy + c) / (s_x s_y + c),   c = (0.03 R)^2 / 2

    Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13, 600 (2004), equation 10.
    """
    m = moments(np.asarray(x, float), np.asarray(y, float), Uniform(7), mask, unbiased=False)
    c = (0.03 * data_range) ** 2 / 2
    both = np.sqrt(np.maximum(m.vx, 0) * np.maximum(m.vy, 0))
    return float(((m.vxy + c) / (both + c))[mask].mean())


def matched(x: Plane, y: Plane, mask: Mask) -> Plane:
    """a x + b, the least squares fit to y in the mask, a >= 0."""
    u, v = np.asarray(x, float)[mask], np.asarray(y, float)[mask]
    spread = u.var()
    a = max(float(np.mean((u - u.mean()) * (v - v.mean())) / spread), 0.0) if spread > 0 else 0.0
    return a * (np.asarray(x, float) - u.mean()) + v.mean()


def scores(x: Plane, y: Plane, mask: Mask) -> dict[str, float]:
    """Of one slice: SSIM (Gaussian window, in the mask), structural correlation, SSIM's third factor, correlation."""
    R = float(np.percentile(y[mask], 99.5))
    fit = matched(x, y, mask)
    flat = np.ptp(fit[mask]) == 0
    return {
        "SSIM": ssim(fit, y, R, window=Gaussian(), mask=mask),
        "structure": structure(fit, y, mask),
        "third factor": third_factor(fit, y, R, mask),
        "correlation": 0.0 if flat else float(np.corrcoef(fit[mask], y[mask])[0, 1]),
    }


def region(low: NDArray[np.floating], high: NDArray[np.floating]) -> Mask:
    """(x, y, z) where it counts: the input's head, RIM pixels from its edge, where the moved 3 T slice reaches."""
    inside = head(low)
    eroded = np.stack([binary_erosion(plane, iterations=RIM) for plane in np.moveaxis(inside, -1, 0)], -1)
    return np.asarray(eroded & (high > 0))


def on_input(high: NDArray[np.floating], low: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The 3 T slices (x', y', z) on the grid of the 0.055 T ones (x, y, z), and A (2, 3): 3 T pixel = A (x, y, 1).

    One affine of the plane for all slices of a scan, Mattes mutual information, coarse to fine, linear interpolation.
    It begins where the boxes around both heads meet. Raises InputError for numbers of slices that differ, and for a
    search that ran away: a size that is off by more than FURTHEST of the boxes'.
    """
    if high.shape[2] != low.shape[2]:
        raise InputError(f"{high.shape[2]} slices at 3 T, {low.shape[2]} at 0.055 T", remedy="They belong in pairs.")
    sitk, begin = simpleitk(), boxes(low, high)
    start = sitk.AffineTransform(3)
    centre = np.array([(n - 1) / 2 for n in low.shape])
    start.SetCenter(centre)
    start.SetMatrix(np.diag([begin[0, 0], begin[1, 1], 1.0]).ravel())
    start.SetTranslation([*(begin @ [centre[0], centre[1], 1.0] - centre[:2]), 0.0])
    with one_thread():
        for sigma, step, rim in LEVELS:
            _refine(start, low, high, sigma, step, rim, np.sqrt(abs(np.linalg.det(begin[:, :2]))))
        still, turned = (sitk.GetImageFromArray(np.ascontiguousarray(v.T, np.float32)) for v in (low, high))
        moved = sitk.Resample(turned, still, start, sitk.sitkLinear, 0.0)
    at = [np.array(start.TransformPoint(p))[:2] for p in ((0, 0, 0), (1, 0, 0), (0, 1, 0))]
    A = np.stack([at[1] - at[0], at[2] - at[0], at[0]], 1)
    size = np.linalg.det(A[:, :2]) / np.linalg.det(begin[:, :2])
    if not 1 / (1 + FURTHEST) < size < 1 + FURTHEST:
        raise InputError(f"the registration of the 3 T slices ran away: {size:.2f} times the size of the heads' boxes")
    return np.asarray(sitk.GetArrayFromImage(moved).T, np.float32), A


def _refine(
    transform: Any,
    low: NDArray[np.floating],
    high: NDArray[np.floating],
    sigma: float,
    step: int,
    rim: int,
    size: float,
) -> None:
    """One level of the search, in place: images smoothed by sigma [pixels of `low`], every step-th pixel looked at."""
    sitk = simpleitk()
    smooth = [gaussian_filter(v / v.max(), (s, s, 0)) for v, s in ((low, sigma), (high, sigma * size))]
    still, turned = (sitk.GetImageFromArray(np.ascontiguousarray(v.T, np.float32)) for v in smooth)
    grown = binary_dilation if rim > 0 else binary_erosion
    near = np.stack([grown(plane, iterations=abs(rim)) for plane in np.moveaxis(head(low), -1, 0)], -1).astype(np.uint8)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(sitk.GetImageFromArray(np.ascontiguousarray(near.T)))
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(1 / step**2, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=1.0, minStep=1e-3, numberOfIterations=200, relaxationFactor=0.6, gradientMagnitudeTolerance=1e-7
    )
    method.SetOptimizerScalesFromPhysicalShift()
    # the matrix row by row, then the shift: what lies in the plane is free
    method.SetOptimizerWeights([1, 1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0])
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(still, turned)
    except RuntimeError as error:
        raise InputError("no registration of the 3 T slices was found", remedy="Do they show a head?") from error


def boxes(low: NDArray[np.floating], high: NDArray[np.floating]) -> NDArray[np.float64]:
    """(2, 3) pixel of `high` = A (x, y, 1) of `low`, from the boxes around both heads."""
    A = np.zeros((2, 3))
    for axis in range(2):
        ends = [np.flatnonzero(head(v).any(axis=tuple(a for a in range(3) if a != axis)))[[0, -1]] for v in (low, high)]
        A[axis, axis] = np.ptp(ends[1]) / np.ptp(ends[0])
        A[axis, 2] = ends[1].mean() - A[axis, axis] * ends[0].mean()
    return A
