"""How well an image shows its tissues: means, noise, SNR, CNR, measured with the true labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import chi2

FEWEST_VOXELS = 20


@dataclass(frozen=True)
class TissueSignal:
    """Signal of one tissue [a.u.]; SNR is mean / noise."""

    name: str
    voxels: int
    mean: float
    sd: float
    SNR: float | None


@dataclass(frozen=True)
class Contrast:
    """
    noise    standard deviation of the real part, from the air around the object [a.u.]
    tissues  in order of the labels
    CNR      |mean_GM - mean_WM| / noise, if both are there
    """

    noise: float
    tissues: tuple[TissueSignal, ...]
    CNR: float | None


def contrast(image: Path, labels: Path, names: dict[int, str], *, n_coils: int = 1) -> Contrast:
    """Measure an image with the labels on its own grid.

        noise = median(|signal| in air) / sqrt(median of chi-square with 2 n_coils degrees of freedom)

    which for one coil is the Rayleigh distribution's median / 1.1774. Air is label 0 in the outer tenth of the
    field of view, where Gibbs ringing has died away.

    Gudbjartsson & Patz, Magn. Reson. Med. 34, 910 (1995); Constantinides et al., Magn. Reson. Med. 38, 852 (1997).
    """
    from spinloom.io import read_image

    data = np.asarray(read_image(image).data, np.float32)
    ids = np.asarray(read_image(labels).data).astype(np.int32)
    air = data[(ids == 0) & _border(data.shape)]
    noise = float(np.median(air) / np.sqrt(chi2.ppf(0.5, 2 * n_coils))) if air.size >= FEWEST_VOXELS else 0.0
    count = np.bincount(ids.ravel())
    total = np.bincount(ids.ravel(), data.ravel().astype(float))
    square = np.bincount(ids.ravel(), data.ravel().astype(float) ** 2)
    rows = []
    for label in np.flatnonzero(count >= FEWEST_VOXELS):
        if label == 0:
            continue
        mean = total[label] / count[label]
        sd = float(np.sqrt(max(square[label] / count[label] - mean**2, 0)))
        name = names.get(int(label), f"label_{label}")
        rows.append(TissueSignal(name, int(count[label]), float(mean), sd, float(mean / noise) if noise > 0 else None))
    by_name = {row.name: row.mean for row in rows}
    CNR = None
    if noise > 0 and {"grey_matter", "white_matter"} <= set(by_name):
        CNR = abs(by_name["grey_matter"] - by_name["white_matter"]) / noise
    return Contrast(noise, tuple(rows), CNR)


def _border(shape: tuple[int, ...]) -> np.ndarray:
    """The outer tenth of the two longest axes."""
    inner = np.ones(shape, bool)
    for axis in np.argsort(shape)[-2:]:
        edge = max(1, shape[axis] // 10)
        place = np.arange(shape[axis])
        within = (place >= edge) & (place < shape[axis] - edge)
        inner &= within.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return ~inner
