"""Slices as small pictures of their detail, framed by what they show, in which alike slices are found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, SpinloomError
from spinloom.dataset.leakage_frame import SIDE, framed, worth_comparing
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Scan
from spinloom.files import gate

AT_ONCE = 128
"""Slices read and framed together."""


@dataclass(frozen=True, eq=False)
class Thumbnails:
    """Slices of one side of a split.

    pictures  (n, SIDE^2) float32, see `framed`
    labels    (n,) file and slice of each, e.g. sub-01_T1w.nii.gz slice 80
    faults    (path, what is wrong) of what could not be read
    """

    pictures: NDArray[np.float32]
    labels: tuple[str, ...]
    faults: tuple[tuple[Path, str], ...] = ()


def thumbnails_of(
    scans: Iterable[Scan], progress: Callable[[str], None] = lambda name: None, square: bool = False
) -> Thumbnails:
    """Every axial slice with something in it (of an image one voxel thick: that slice).

    square  take pixels for squares, as in a stack, where nobody knows their sides
    """
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
        volume, affine = to_ras(data, image.affine)
        thin = min(range(3), key=lambda axis: volume.shape[axis])
        through = thin if volume.shape[thin] == 1 else 2
        sides = np.delete(np.linalg.norm(affine[:3, :3], axis=0), through)
        made, which = shrunk(np.moveaxis(volume, through, 0), (1.0, 1.0) if square else (sides[0], sides[1]))
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
    made, which = shrunk(stack)
    return Thumbnails(made, tuple(f"{file.name} slice {z}" for z in which))


def joined(parts: Iterable[Thumbnails]) -> Thumbnails:
    """All slices of several, in order."""
    known = list(parts)
    pictures = [np.empty((0, SIDE * SIDE), np.float32), *(part.pictures for part in known)]
    labels = tuple(label for part in known for label in part.labels)
    return Thumbnails(np.concatenate(pictures), labels, tuple(fault for part in known for fault in part.faults))


def shrunk(
    stack: NDArray[np.generic], pixel: tuple[float, float] = (1.0, 1.0)
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pictures of those slices (n, y, x) that show something, and which these are; pixel: (y, x) size."""
    parts = [framed(stack[start : start + AT_ONCE], pixel) for start in range(0, max(len(stack), 1), AT_ONCE)]
    pictures, shown = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
    which = worth_comparing(shown)
    return pictures[which], which
