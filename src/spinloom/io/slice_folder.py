"""A folder of slices (PNG, JPEG, TIFF, NPY), or one such file → Image.

Slices come in natural order (2 before 10). A picture is taken as radiologists show an axial slice, which is also where
ITK puts it: columns run from the subject's right to left, rows from front to back, files from bottom to top. Nothing in
such files says whether this is so. An .npy with three axes is taken as the data of an Image: x to the right, y to the
front, z to the top.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import centred
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.io.plausible import require_plausible
from spinloom.io.slice_file import MOST_PIXELS, PICTURES, read_slice

SUFFIXES = (*PICTURES, ".npy")


def read_slices(
    path: str | os.PathLike[str],
    *,
    spacing_mm: tuple[float, float, float] | None = None,
    quantity: Quantity = Quantity.SIGNAL,
) -> Image:
    """One volume: of a folder every slice, of a file the one (or the three axes of an .npy).

        position = (-dx i, -dy j, dz k) of column i, row j, slice k, about the middle of the volume   [RAS mm]

    spacing_mm  between columns, rows and slices [mm]; None: 1 mm, with a warning
    quantity    what the numbers are; they are never rescaled

    Raises InputError for slices of different sizes or depths, colour pictures whose channels differ, files that are
    damaged, and what holds no slice; UsageError for an impossible spacing.
    """
    place = Path(path)
    files = slices_in(place) if place.is_dir() else [place]
    if not files:
        raise InputError(f"holds no slices ({', '.join(SUFFIXES)})", file=place, remedy="Check the path.")
    return read_stack(files, place, spacing_mm=spacing_mm, quantity=quantity)


def read_stack(
    files: Sequence[Path],
    place: Path,
    *,
    spacing_mm: tuple[float, float, float] | None = None,
    quantity: Quantity = Quantity.SIGNAL,
) -> Image:
    """One volume of files in the order given; see `read_slices`. place is what messages name."""
    files = list(files)
    spacing = _spacing(spacing_mm, place)
    planes = _alike(files)
    if planes[0].ndim == 3:
        data, signs = planes[0], (1, 1, 1)
    else:
        data, signs = np.stack([plane.T for plane in planes], axis=2), (-1, -1, 1)
    _tell_of_gaps(files, place)
    data = _kept_as(data, quantity, place)
    require_plausible(data, quantity, place)
    x, y, z = data.shape
    affine = centred((x, y, z), np.multiply(spacing, signs))
    return Image(np.ascontiguousarray(data), affine, quantity, MappingProxyType({"source": place.name}))


def slices_in(folder: Path) -> list[Path]:
    """The slices of a folder in natural order; InputError if they are of several kinds."""
    by_kind: dict[str, list[Path]] = {}
    for file in folder.iterdir():
        if file.is_file() and (kind := file.suffix.lower()) in SUFFIXES and not file.name.startswith("."):
            by_kind.setdefault({".jpeg": ".jpg", ".tiff": ".tif"}.get(kind, kind), []).append(file)
    if len(by_kind) > 1:
        counts = ", ".join(f"{len(v)} {k}" for k, v in sorted(by_kind.items()))
        raise InputError(f"holds slices of several kinds ({counts})", file=folder, remedy="Keep one kind per folder.")
    return sorted(next(iter(by_kind.values()), []), key=lambda file: (_natural(file), file.name))


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part.lower()) for part in re.split(r"(\d+)", path.name)]


def _spacing(given: Sequence[float] | None, place: Path) -> tuple[float, float, float]:
    if given is None:
        warnings.warn(f"{place}: nothing says how large a pixel is: 1 x 1 x 1 mm is assumed", stacklevel=3)
        return 1.0, 1.0, 1.0
    values = tuple(float(v) for v in given)
    if len(values) != 3 or not all(np.isfinite(v) and v > 0 for v in values):
        raise UsageError(f"spacing must be three positive numbers of mm, got {tuple(given)}")
    return values[0], values[1], values[2]


def _alike(files: list[Path]) -> list[NDArray[Any]]:
    """Their pixels; InputError naming the first that is unlike the others."""
    planes: list[NDArray[Any]] = []
    for file in files:
        plane = read_slice(file)
        first = planes[0] if planes else plane
        if plane.shape != first.shape or (plane.ndim == 3 and len(files) > 1):
            raise InputError(
                f"has shape {plane.shape}, and {files[0].name} has {first.shape}",
                file=file,
                remedy="Slices of one volume are of one size: crop or pad them, or use a folder for each.",
            )
        if plane.dtype != first.dtype:
            raise InputError(
                f"holds {plane.dtype}, and {files[0].name} holds {first.dtype}",
                file=file,
                remedy="Their grey values have no common scale: export all with one depth.",
            )
        if first.size * len(files) > MOST_PIXELS:
            raise InputError(
                f"is one of {len(files)} slices of {first.size} pixels, more than the limit",
                file=file,
                remedy="Name fewer slices.",
            )
        planes.append(plane)
    return planes


def _tell_of_gaps(files: list[Path], place: Path) -> None:
    """Names that count by one, but for a gap."""
    numbers = [int(found[-1]) for file in files if (found := re.findall(r"\d+", file.stem))]
    steps = np.diff(numbers)
    if len(numbers) == len(files) > 2 and (steps > 0).all() and np.median(steps) == 1 and (steps > 1).any():
        after = files[int(np.argmax(steps > 1))].name
        warnings.warn(
            f"{place}: the names count by one, but {int((steps - 1).sum())} numbers are missing, the first after "
            f"{after}; the slices are taken as neighbours",
            stacklevel=3,
        )


def _kept_as(data: NDArray[Any], quantity: Quantity, place: Path) -> NDArray[Any]:
    """Finite; labels as integers."""
    if data.dtype.kind in "fc" and not np.isfinite(data).all():
        raise InputError("holds NaN or infinite values", file=place, remedy="Repair it or leave it out.")
    if quantity is not Quantity.LABEL or data.dtype.kind in "iu":
        return data
    if data.dtype.kind == "c" or not np.array_equal(data, np.rint(data)) or data.min() < 0 or data.max() > 2**31 - 1:
        raise InputError(
            "holds numbers that are not whole, labels were expected",
            file=place,
            remedy="Resample labels with nearest neighbour.",
        )
    return data.astype(np.int32)
