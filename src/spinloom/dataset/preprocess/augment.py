"""Augmentation of a whole case at once: one movement for all its images, one change of intensity for its sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from spinloom.core.errors import UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.rng import stream
from spinloom.dataset.case import Case
from spinloom.dataset.preprocess.step import background

Three = tuple[float, float, float]


@dataclass(frozen=True)
class Augmentation:
    """What may happen to a case, and how much of it.

    flip            (3,) probability of a mirror image along right, anterior, superior
    rotation_deg    (3,) greatest angle about each of these axes [deg]
    scale           greatest relative change of size, 0.1: 0.9 to 1.1, one for all axes
    translation_mm  (3,) greatest shift [mm]
    gamma           greatest exponent of the sources' intensity, 1.2: 1/1.2 to 1.2
    gain            greatest relative change of the sources' brightness
    noise           greatest standard deviation of Gaussian noise in the sources, relative to theirs

    Drawing is apart from applying: `draw` gives the numbers, `augment` uses them.
    """

    flip: Three = (0.5, 0.0, 0.0)
    rotation_deg: Three = (5.0, 5.0, 10.0)
    scale: float = 0.1
    translation_mm: Three = (5.0, 5.0, 5.0)
    gamma: float = 1.2
    gain: float = 0.1
    noise: float = 0.02

    def __post_init__(self) -> None:
        amounts = (*self.rotation_deg, *self.translation_mm, self.noise)
        good = all(0 <= p <= 1 for p in self.flip) and all(0 <= a < np.inf for a in amounts)
        if not (good and 0 <= self.scale < 1 and 0 <= self.gain < 1 and 1 <= self.gamma < np.inf):
            raise UsageError(f"{self}: probabilities 0 to 1, amounts of at least 0, scale and gain below 1, gamma >= 1")

    def draw(self, seed: int, *names: str | int) -> Drawn:
        """The numbers for one case and one time, e.g. draw(7, case.name, epoch): the same whoever asks when."""
        rng = stream(seed, "augment", *names)
        flip = rng.random(3) < np.array(self.flip)
        angles = rng.uniform(-1, 1, 3) * self.rotation_deg
        scale = 1 + rng.uniform(-1, 1) * self.scale
        shift = rng.uniform(-1, 1, 3) * self.translation_mm
        gamma = float(self.gamma ** rng.uniform(-1, 1))
        gain = 1 + rng.uniform(-1, 1) * self.gain
        noise = float(rng.uniform(0, 1) * self.noise)
        return Drawn(_three(flip), _three(angles), scale, _three(shift), gamma, gain, noise, int(rng.integers(2**31)))


@dataclass(frozen=True)
class Drawn:
    """What happens to one case: as in Augmentation, but drawn.

    flip  (3,) 1 for a mirror image;  noise_seed  of the noise
    """

    flip: Three = (0.0, 0.0, 0.0)
    rotation_deg: Three = (0.0, 0.0, 0.0)
    scale: float = 1.0
    translation_mm: Three = (0.0, 0.0, 0.0)
    gamma: float = 1.0
    gain: float = 1.0
    noise: float = 0.0
    noise_seed: int = 0


def augment(case: Case, drawn: Drawn, outside: Mapping[str, float] | None = None) -> Case:
    """The case with all its images moved alike; only its sources change their intensities.

        out(r) = image(c + M^-1 (r - t - c)),   M = scale Rz Ry Rx F,   c the middle of the grid

    Interpolated once, linearly; labels and mask from the nearest voxel. Mirror images (along the voxel axes nearest to
    right, anterior, superior) are not interpolated. The grid stays: it is the person who moves. Intensities change in
    sources that are plain signals, about what lies beyond them.

    outside  beyond the image of each name, e.g. {"CT": window.beyond(-1000)} after an HU window; for the others
             `background` of the image
    """
    beyond = {name: background(image) for name, image in {**case.source, **case.target}.items()} | dict(outside or {})
    source = {
        name: _changed(_moved(image, drawn, beyond[name]), drawn, name, beyond[name])
        for name, image in case.source.items()
    }
    target = {name: _moved(image, drawn, beyond[name]) for name, image in case.target.items()}
    mask = None if case.mask is None else _moved(case.mask, drawn, 0.0)
    return replace(case, source=source, target=target, mask=mask)


def _moved(image: Image, drawn: Drawn, outside: float) -> Image:
    data = image.data
    directions = np.abs(image.affine[:3, :3]) / image.grid.voxel_mm
    for world, mirrored in enumerate(drawn.flip):
        if mirrored:
            data = np.flip(data, int(np.argmax(directions[world])))
    if drawn.scale == 1 and not any(drawn.rotation_deg) and not any(drawn.translation_mm):
        return replace(image, data=np.ascontiguousarray(data))
    M = np.eye(4)
    M[:3, :3] = drawn.scale * _rotation(drawn.rotation_deg)
    there, centre = np.eye(4), np.eye(4)
    there[:3, 3] = image.grid.centre_mm + drawn.translation_mm
    centre[:3, 3] = -image.grid.centre_mm
    back = np.linalg.inv(there @ M @ centre @ image.affine) @ image.affine
    moved: NDArray[np.generic]
    if image.quantity is Quantity.LABEL:
        ids = data.astype(np.int32)
        moved = affine_transform(ids, back, order=0, mode="grid-constant").astype(data.dtype, copy=False)
    else:
        moved = affine_transform(data.astype(np.float32), back, order=1, cval=outside, mode="grid-constant")
    return replace(image, data=moved)


def _changed(image: Image, drawn: Drawn, name: str, outside: float) -> Image:
    """Gamma between the image's extremes, gain about what is outside, then noise."""
    if image.quantity is not Quantity.SIGNAL or (drawn.gamma == drawn.gain == 1 and drawn.noise == 0):
        return image
    x = np.asarray(image.data, float)
    low, width = float(x.min()), float(np.ptp(x)) or 1.0
    y = outside + drawn.gain * (low - outside + width * ((x - low) / width) ** drawn.gamma)
    y += drawn.noise * float(y.std()) * stream(drawn.noise_seed, name).standard_normal(y.shape)
    return replace(image, data=y.astype(np.float32))


def _rotation(angles_deg: Three) -> NDArray[np.float64]:
    """Rz Ry Rx, (3, 3)."""
    R = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(angles_deg)):
        a, b = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        R = turn @ R
    return R


def _three(values: NDArray[np.generic]) -> Three:
    x, y, z = (float(v) for v in values)
    return x, y, z
