"""Scans with tissue labels, and random slices of them: what a segmentation network learns from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.errors import InputError
from spinloom.core.masks import filled, head
from spinloom.train.augment import regraded, turned
from spinloom.train.examples import below, window

CLASSES = ("background", "CSF", "grey matter", "white matter")
TISSUES: tuple[tuple[str, ...], ...] = (
    ("csf",),
    ("grey_matter", "deep_grey_matter"),
    ("white_matter", "lesion_ms"),
)
"""Tissues of the classes after the first; plaques lie in white matter and count as it."""
REST = 0.1
"""Share of samples that are any slice; the others hold tissue."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """One scan with labels.

    name    of the scan;  anatomy  whose: two with one anatomy never lie on two sides of a split
    image   (x, y, z) float32, RAS, scaled by `scaled`;  labels (x, y, z) uint8, position in CLASSES
    voxel_mm  of x, y, z [mm]
    """

    name: str
    anatomy: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8]
    voxel_mm: tuple[float, float, float]

    @cached_property
    def tensors(self) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.image), torch.from_numpy(self.labels)

    @cached_property
    def bare(self) -> tuple[Tensor, float]:
        """Where the brain is, and the factor that scales the image when nothing else is left of it."""
        inside = filled(self.labels > 0, axis=2)
        return torch.from_numpy(inside), 0.5 / max(float(self.image[inside].mean()), 1e-6)

    @cached_property
    def filled_slices(self) -> list[int]:
        return np.flatnonzero(self.labels.any((0, 1))).tolist()


def scaled(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """The image with a mean of 1/2 over what stands out of the background (the largest part above Otsu's threshold)."""
    values = np.asarray(image, np.float32)
    return (values * np.float32(0.5 / max(float(values[head(values)].mean()), 1e-12))).astype(np.float32)


def sample(scans: Sequence[Labelled], size: tuple[int, int], count: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """count random axial slices: images (n, 1, h, w), classes' shares (n, classes, h, w).

    Every second is stripped to the brain by its own labels. Place, size, mirror image, gamma, gain, shading and noise
    are changed at random (see `augment`); the shares are changed with the place alone.
    """
    drawn = [_one(scans[below(len(scans), rng)], size, rng) for _ in range(count)]
    images, shares = (torch.stack(side) for side in zip(*drawn, strict=True))
    images, shares = turned([images, shares], rng)
    shares[:, 0] += 1 - shares.sum(1)
    return torch.stack([regraded(x, rng) for x in images]), shares


def _one(scan: Labelled, size: tuple[int, int], rng: torch.Generator) -> tuple[Tensor, Tensor]:
    image, labels = scan.tensors
    some = scan.filled_slices
    anywhere = float(torch.rand((), generator=rng)) < REST
    z = below(image.shape[2], rng) if anywhere or not some else some[below(len(some), rng)]
    corner = [_corner(n, m, rng) for n, m in zip(image.shape, size, strict=False)]
    plane = image[..., z]
    if below(2, rng):
        inside, factor = scan.bare
        plane = plane * inside[..., z] * factor
    shares = F.one_hot(labels[..., z].long(), len(CLASSES)).permute(2, 0, 1).float()
    shares = window(shares, corner, size)
    shares[0] += 1 - shares.sum(0)
    return window(plane[None], corner, size), shares


def _corner(length: int, size: int, rng: torch.Generator) -> int:
    """Anywhere in a longer image; up to 4 voxels off the middle of a shorter one."""
    if length > size:
        return below(length - size + 1, rng)
    return (length - size) // 2 + below(9, rng) - 4


def require_classes(scans: Sequence[Labelled], of: str) -> None:
    """Raises InputError if no scan has one of the classes."""
    held = np.zeros(len(CLASSES), bool)
    for scan in scans:
        held[np.unique(scan.labels)] = True
    if not held.all():
        lacks = ", ".join(name for name, has in zip(CLASSES, held, strict=True) if not has)
        raise InputError(f"no label map of {of} holds {lacks}", remedy="Say what the labels mean with --classes.")
