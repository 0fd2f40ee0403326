"""The protocol of source 1 (super-resolution by EDM): its window padded with zeros, in the plane and in 3D.

Read: src/metrics.py, scripts/evaluate_baselines.py, evaluate_25d.py and run_inference_3d.py of its repository. Not
public there: how scans became eight bits (here: 0 to the largest value of the reference). Its networks' outputs come in
eight bits, its bicubic baseline in fractions; here all predictions do in eight bits. Its slices are sagittal, blank
ones among them; here they are axial, and blank ones do not count.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from spinloom.evaluation.pair import Pair, Values
from spinloom.evaluation.pointwise import mse, psnr
from spinloom.evaluation.protocol import Column, Protocol, Scores, axial, mean
from spinloom.evaluation.similarity import Gaussian

NAN = float("nan")
EQUAL, BEST = 1e-10, 100.0
"""Below this MSE, its PSNR is 100 dB."""


def source1(pair: Pair) -> Scores:
    """Eight bits from 0 to the largest value of the reference, scaled to [-1, 1], whole slices: PSNR and SSIM with a
    range of 2; SSIM also with the window of 11^3 that its successor puts on single slices."""
    top = float(pair.y.max())
    rows = []
    for x, y, _ in axial(pair):
        a, b = (np.rint(np.clip(v / top, 0, 1) * 255) / 127.5 - 1 for v in (x, y))
        plane, solid = ssim_on_a_slice(a, b, 2.0), ssim_3d_on_a_slice(a, b, 2.0)
        decibel = psnr(a, b, 2.0) if mse(a, b) >= EQUAL else BEST
        rows.append({"PSNR": decibel, "SSIM": plane, "SSIM of 3D window": solid})
    found = mean(rows)
    return {c.name: found.get(c.name, NAN) for c in SOURCE1.columns}


def ssim_on_a_slice(x: Values, y: Values, data_range: float) -> float:
    """SSIM of a slice (nx, ny) under a Gaussian window of 11^2 that sees zeros beyond the edges; mean of all voxels."""
    return _padded_with_zeros(x, y, data_range, 1.0)


def ssim_3d_on_a_slice(x: Values, y: Values, data_range: float) -> float:
    """SSIM of a slice (nx, ny) as a volume of depth one sees it under a window of 11^3 padded with zeros.

    Only the middle of the window, w_0 = 0.266, meets the slice, so every mean is w_0 times that of the plane,

        m = w_0 m_2D,   s^2 = w_0 <x^2>_2D - (w_0 m_2D)^2,

    and most of what is called variance is the square of the mean: the two images seem more alike than they are.
    """
    w = Gaussian().weights
    return _padded_with_zeros(x, y, data_range, float(w[len(w) // 2]))


def _padded_with_zeros(x: Values, y: Values, data_range: float, share: float) -> float:
    """share  of the window that lies in the plane of the slice."""

    def smooth(a: Values) -> Values:
        for axis in (0, 1):
            a = correlate1d(a, Gaussian().weights, axis=axis, mode="constant")
        return np.asarray(share * a)

    mx, my = smooth(x), smooth(y)
    vx, vy, vxy = smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my
    C1, C2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    value = (2 * mx * my + C1) * (2 * vxy + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))
    return float(value.mean())


SOURCE1 = Protocol(
    "source1",
    "Source 1: super-resolution by EDM",
    (Column("PSNR", "dB", more=True), Column("SSIM", more=True), Column("SSIM of 3D window", more=True)),
    source1,
    "arXiv:2603.14667 and its repository's src/metrics.py",
    HU=False,
    data_range="2, from 0 to the largest value of the reference",
    caveats=(
        "Its 3D window on single slices is misleading: see the SSIM of the plane beside it.",
        "A slice without any error counts as 100 dB; background counts, and its windows see zeros beyond the edges.",
        "It averages over all slices; here over those of each subject.",
    ),
)
