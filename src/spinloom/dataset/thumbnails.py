"""Slices as small, z-scored pictures: alike slices are found by one matrix product."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, SpinloomError
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Scan
from spinloom.files import gate

SIDE = 32
LEAST_CONTENT = 0.1
"""Share of a picture that must differ from its background to count: the tips of all heads are alike."""


CLEARLY = 0.05
"""Difference from the background that counts, of the range of the values."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Slices of one side of a split.

    pictures  (n, 1024) float32, each of mean 0 and length 1: their products are correlations
    labels    (n,) file and slice of each, e.g. sub-01_T1w.nii.gz slice 80
    faults    (path, what is wrong) of what could not be read
    """

    pictures: NDArray[np.float32]
    labels: tuple[str, ...]
    faults: tuple[tuple[Path, str], ...] = ()


def thumbnails_of(scans: Iterable[Scan], progress: Callable[[str], None] = lambda name: None) -> Thumbnails:
    """Every axial slice with something in it (of an image one voxel thick: that slice). Labels are passed over."""
    pictures: list[NDArray[np.float32]] = []
    labels: list[str] = []
    faults: list[tuple[Path, str]] = []
    for scan in scans:
        progress(scan.path.name)
        try:
            image = read_scan(scan)
        except SpinloomError as error:
            faults.append((scan.path, str(error)))
            continue
        data = np.abs(image.data) if image.data.dtype.kind == "c" else image.data
        volume, _ = to_ras(data, image.affine)
        thin = min(range(3), key=lambda axis: volume.shape[axis])
        stack = np.moveaxis(volume, thin if volume.shape[thin] == 1 else 2, 0)
        made, which = shrunk(stack)
        pictures.append(made)
        labels += [f"{scan.path.parent.name}/{scan.path.name} slice {z}" for z in which]
    whole = np.concatenate(pictures) if pictures else np.empty((0, SIDE * SIDE), np.float32)
    return Thumbnails(whole, tuple(labels), tuple(faults))


def thumbnails_of_stack(path: str | os.PathLike[str]) -> Thumbnails:
    """Of a NumPy file (slice, y, x), the form in which whole training sets are often kept.

    Raises InputError for anything else; pickled files are never opened.
    """
    file = gate.admit(path)
    try:
        stack = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"is no plain NumPy array ({error})", file=file) from error
    if not isinstance(stack, np.ndarray) or stack.ndim != 3 or stack.dtype.kind not in "fiu":
        raise InputError("holds no stack of slices (slice, y, x) of real numbers", file=file)
    parts = [shrunk(np.asarray(stack[start : start + 256])) for start in range(0, len(stack), 256)]
    made = np.concatenate([part[0] for part in parts])
    which = [256 * n + int(z) for n, part in enumerate(parts) for z in part[1]]
    return Thumbnails(made, tuple(f"{file.name} slice {z}" for z in which))


def joined(parts: Iterable[Thumbnails]) -> Thumbnails:
    """All slices of several, in order."""
    known = list(parts)
    pictures = [np.empty((0, SIDE * SIDE), np.float32), *(part.pictures for part in known)]
    labels = tuple(label for part in known for label in part.labels)
    return Thumbnails(np.concatenate(pictures), labels, tuple(fault for part in known for fault in part.faults))


def turned(of: Thumbnails) -> Thumbnails:
    """All slices in the eight ways a square can lie: four turns of each, and of its mirror image."""
    square = of.pictures.reshape(-1, SIDE, SIDE)
    ways = [np.rot90(mirror, turns, (1, 2)) for mirror in (square, square[:, ::-1]) for turns in range(4)]
    return Thumbnails(np.concatenate(ways).reshape(-1, SIDE * SIDE), of.labels * 8, of.faults)


def shrunk(stack: NDArray[np.generic]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Slices (n, y, x), padded to squares, averaged to 32 x 32 and z-scored; and which of them show something."""
    values = np.nan_to_num(np.asarray(stack, np.float32))
    side = max(values.shape[1:])
    small = np.einsum(
        "iy,nyx,jx->nij", _areas(values.shape[1], side), values, _areas(values.shape[2], side), optimize=True
    )
    rim = np.concatenate([small[:, 0], small[:, -1], small[:, :, 0], small[:, :, -1]], axis=1)
    differs = np.abs(small - np.median(rim, axis=1)[:, None, None])
    low, high = np.percentile(values, (0.5, 99.5)) if values.size else (0.0, 0.0)
    shows = (differs > CLEARLY * max(float(high - low), 1e-12)).mean(axis=(1, 2)) >= LEAST_CONTENT
    flat = small.reshape(len(small), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(flat, axis=1)
    which = np.flatnonzero(shows & (length > 0))
    return np.asarray(flat[which] / length[which, None], np.float32), which


def _areas(n: int, side: int) -> NDArray[np.float32]:
    """(32, n) weights that average n pixels, centred in a square, over 32 equal cells."""
    edges = np.linspace(0, side, SIDE + 1)
    left = (side - n) / 2 + np.arange(n)
    shared = np.minimum(edges[1:, None], left + 1) - np.maximum(edges[:-1, None], left)
    return np.asarray(np.clip(shared, 0, None) * SIDE / side, np.float32)
