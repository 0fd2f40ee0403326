"""Noise of the scans and of the simulated ones by the same four numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from spinloom.core.masks import head
from spinloom.study.low_field_examples import LowField
from spinloom.study.low_field_scan import Complex, shown

OUTER = 0.8
MARGIN = 12
"""Pixels around the head's box that still may hold its ghosts."""
COLUMNS = (
    "noise of outer k over all of k [%]",
    "its right half over its left",
    "noise over median of the head [%]",
    "likeness of neighbours, x",
    "likeness of neighbours, y",
)


def noise_of(K: Complex) -> tuple[float, ...]:
    """Of one slice (rows, columns), as COLUMNS.

        sigma_k = rms |K(k)| where |q| > 0.8, q = (2 k_row / rows, 2 k_column / columns), |q_row| and |q_column| > 0.15,
                  over sqrt(mean |K|^2) of all k: unlike |K(0)| it does not depend on the image's phase
        sigma_r = rms |image| / sqrt(2) where there is no head (Rayleigh)

    likeness: correlation of the magnitudes of neighbouring background pixels, along x and y
    """
    q = np.meshgrid(*((np.arange(n) - n // 2) / (n / 2) for n in K.shape), indexing="ij")
    outer = (np.hypot(*q) > OUTER) & (np.abs(q[0]) > 0.15) & (np.abs(q[1]) > 0.15)
    power = np.abs(K) ** 2
    right, left = (np.sqrt(power[outer & side].mean()) for side in (q[1] > 0, q[1] < 0))
    image = shown(torch.from_numpy(np.asarray(K))).numpy().T[::-1]
    return (100 * np.sqrt(power[outer].mean() / power.mean()), right / left, *_image(image))


def _image(image: NDArray[np.floating]) -> tuple[float, float, float]:
    inside = head(image[..., None])[..., 0]
    box = tuple(slice(max(0, i.min() - MARGIN), i.max() + 1 + MARGIN) for i in np.nonzero(inside))
    bare = np.ones(image.shape, bool)
    bare[box] = False
    sigma = np.sqrt(np.mean(image[bare] ** 2) / 2)
    alike = []
    for axis in (0, 1):
        pair = [np.roll(v, -1, axis) for v in (image, bare)]
        both = bare & pair[1]
        both[-1, :] = both[:, -1] = False
        alike.append(float(np.corrcoef(image[both], pair[0][both])[0, 1]))
    return 100 * sigma / float(np.median(image[inside])), alike[0], alike[1]


def of_scan(kspace: Complex) -> NDArray[np.float64]:
    """Means over slices."""
    return np.mean([noise_of(kspace[..., z]) for z in range(kspace.shape[2])], 0)


def of_simulated(examples: LowField, count: int, rng: torch.Generator) -> NDArray[np.float64]:
    """(3, columns) the 10th, 50th and 90th percentile of simulated slices, heads in turn."""
    rows = []
    for n in range(count):
        who = examples.people[n % len(examples.people)]
        made = examples.scanned(who.head, who.planes[(5 * n + 3) % len(who.planes)], rng)
        rows.append(noise_of(made.kspace.numpy()))
    return np.percentile(rows, [10, 50, 90], axis=0)


def cells(values: Sequence[float]) -> tuple[str, ...]:
    return tuple(f"{v:.2f}" for v in values)
