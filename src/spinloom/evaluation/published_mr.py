"""Protocols for MR images and maps: source 0, source 1, SynDiff, SelfRDB, Fast-DDPM.

Each is what a publication's own code does to its slices, worked out here anew; none of them is recommended.
"""

from __future__ import annotations

import numpy as np

from spinloom.evaluation.pair import Pair, Values
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.protocol import Column, Protocol, Scores, axial, mean
from spinloom.evaluation.similarity import Gaussian, ssim

NAN = float("nan")
PSNR, SSIM = Column("PSNR", "dB", more=True), Column("SSIM", more=True)


def source0(pair: Pair) -> Scores:
    """PSNR of slices that are each stretched to 0 ... 255 by themselves; SSIM with a range taken from the prediction,
    max - |min|."""
    rows = []
    for x, y, _ in axial(pair):
        span = float(x.max() - abs(x.min()))
        alike = ssim(x, y, span) if span > 0 else NAN
        rows.append({"PSNR": psnr(_stretched(x), _stretched(y), 255.0) if np.ptp(x) > 0 else NAN, "SSIM": alike})
    return _both(rows)


def _stretched(a: Values) -> Values:
    return np.asarray(255 * (a - a.min()) / np.ptp(a))


def source1(pair: Pair) -> Scores:
    """Eight bits from 0 to the largest value of the reference, scaled to [-1, 1], whole slices: PSNR and SSIM with a
    range of 2; SSIM also with the window of 11^3 that its successor puts on single slices."""
    top = float(pair.y.max())
    rows = []
    for x, y, _ in axial(pair):
        a, b = (np.rint(np.clip(v / top, 0, 1) * 255) / 127.5 - 1 for v in (x, y))
        rows.append({"PSNR": psnr(a, b, 2.0), "SSIM": _wang(a, b), "SSIM of 3D window": ssim_3d_on_a_slice(a, b, 2.0)})
    found = mean(rows)
    return {c.name: found.get(c.name, NAN) for c in SOURCE1.columns}


def _wang(a: Values, b: Values) -> float:
    return ssim(a, b, 2.0, window=Gaussian(), unbiased=False)


def ssim_3d_on_a_slice(x: Values, y: Values, data_range: float) -> float:
    """SSIM of a slice (nx, ny) as a volume of depth one sees it under a window of 11^3 padded with zeros.

    Only the middle of the window, w_0 = 0.266, meets the slice, so every mean is w_0 times that of the plane,

        m = w_0 m_2D,   s^2 = w_0 <x^2>_2D - (w_0 m_2D)^2,

    and most of what is called variance is the square of the mean: the two images seem more alike than they are.
    """
    from scipy.ndimage import correlate1d

    w = Gaussian().weights
    middle = w[len(w) // 2]

    def smooth(a: Values) -> Values:
        for axis in (0, 1):
            a = correlate1d(a, w, axis=axis, mode="constant")
        return np.asarray(middle * a)

    mx, my = smooth(x), smooth(y)
    vx, vy, vxy = smooth(x * x) - mx * mx, smooth(y * y) - my * my, smooth(x * y) - mx * my
    C1, C2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    value = (2 * mx * my + C1) * (2 * vxy + C2) / ((mx**2 + my**2 + C1) * (vx + vy + C2))
    return float(value.mean())


def syndiff(pair: Pair) -> Scores:
    """Each slice divided by its own largest value, prediction and reference separately, cropped to 256 x 152; PSNR with
    the largest value of the prediction as its peak, SSIM with a range of one."""
    rows = []
    for x, y, _ in axial(pair):
        if x.max() <= 0 or y.max() <= 0:
            continue
        a, b = _cropped(x / x.max()), _cropped(y / y.max())
        peak = float(a.max())
        rows.append({"PSNR": psnr(a, b, peak) if peak > 0 else NAN, "SSIM": ssim(a, b, 1.0)})
    return _both(rows)


def _cropped(a: Values, rows: int = 152, columns: int = 256) -> Values:
    """The middle (152 left to right, 256 front to back) of a slice; less if it is smaller."""
    first = [max(0, (n - most) // 2) for n, most in zip(a.shape, (rows, columns), strict=True)]
    return a[first[0] : first[0] + rows, first[1] : first[1] + columns]


def selfrdb(pair: Pair) -> Scores:
    """Times the mask, each slice divided by its own mean, prediction and reference separately; PSNR and SSIM with the
    largest value of the reference as their range."""
    rows = []
    for x, y, mask in axial(pair):
        inside = np.ones(y.shape) if mask is None else mask
        a, b = np.abs(x * inside), np.abs(y * inside)
        if a.mean() == 0 or b.mean() == 0:
            continue
        a, b = a / a.mean(), b / b.mean()
        rows.append({"PSNR": psnr(a, b, float(b.max())), "SSIM": ssim(a, b, float(b.max()))})
    return _both(rows)


def fast_ddpm(pair: Pair) -> Scores:
    """Eight bits from 0 to the largest value of the reference, whole slices, a range of 255."""
    top = float(pair.y.max())
    rows = []
    for x, y, _ in axial(pair):
        a, b = (np.rint(np.clip(v / top, 0, 1) * 255) for v in (x, y))
        rows.append({"PSNR": psnr(a, b, 255.0), "SSIM": ssim(a, b, 255.0)})
    return _both(rows)


def _both(rows: list[dict[str, float]]) -> Scores:
    found = mean(rows)
    return {"PSNR": found.get("PSNR", NAN), "SSIM": found.get("SSIM", NAN)}


SOURCE0 = Protocol(
    "source0",
    "Source 0: phantoms by Fast-DDPM and cGAN",
    (PSNR, SSIM),
    source0,
    "Its evaluation.py",
    HU=False,
    caveats=(
        "Both images are stretched separately: a map wrong by a factor of two scores as if it were right.",
        "The range of SSIM is taken from the prediction.",
    ),
)
SOURCE1 = Protocol(
    "source1",
    "Source 1: super-resolution by EDM",
    (PSNR, SSIM, Column("SSIM of 3D window", more=True)),
    source1,
    "arXiv:2603.14667 and its repository",
    HU=False,
    caveats=("Its 3D window on single slices is misleading: see the SSIM of the plane beside it.",),
)
SYNDIFF = Protocol(
    "syndiff",
    "SynDiff",
    (PSNR, SSIM),
    syndiff,
    "Özbey et al., IEEE Trans. Med. Imaging 42, 3524 (2023); its test.py",
    HU=False,
    caveats=("Prediction and reference are divided by their own largest values: errors of scale vanish.",),
)
SELFRDB = Protocol(
    "selfrdb",
    "SelfRDB",
    (PSNR, SSIM),
    selfrdb,
    "Arslan et al., arXiv:2405.06789; its utils.py",
    HU=False,
    caveats=("Prediction and reference are divided by their own means: errors of scale vanish.",),
)
FAST_DDPM = Protocol(
    "fast-ddpm",
    "Fast-DDPM",
    (PSNR, SSIM),
    fast_ddpm,
    "Jiang et al., IEEE J. Biomed. Health Inform. (2025), arXiv:2405.14802",
    HU=False,
    caveats=("Background counts, and lifts both numbers.",),
)
