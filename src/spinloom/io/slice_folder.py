"""A folder of slices (PNG, JPEG, TIFF, NPY), or one such file → Image.

Slices come in natural order (2 before 10). A row of a picture runs from the subject's left to right as a viewer shows
it, rows run from front to back, and files from bottom to top: what looks upright in a viewer lies upright in RAS.
Nothing in such files says whether this is so.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
SUFFIXES = (*PICTURES, ".npy")
MOST_PIXELS = 2**31


def read_slices(
    path: str | os.PathLike[str],
    *,
    spacing_mm: tuple[float, float, float] | None = None,
    quantity: Quantity = Quantity.SIGNAL,
) -> Image:
    """One volume: of a folder every slice, of a file the one (or the three axes of an .npy).

    spacing_mm  between columns, rows and slices [mm]; None: 1 mm, with a warning

    Raises InputError for slices of different sizes, colour pictures whose channels differ, files that are damaged, and
    what holds no slice.
    """
    place = Path(path)
    files = slices_in(place) if place.is_dir() else [place]
    if not files:
        raise InputError(f"holds no slices ({', '.join(SUFFIXES)})", file=place)
    spacing = _spacing(spacing_mm, place)
    planes = [_plane(file) for file in files]
    volume = planes[0] if planes[0].ndim == 3 and len(planes) == 1 else _stacked(planes, files)
    affine = np.diag([*spacing, 1.0])
    data = np.ascontiguousarray(np.swapaxes(volume, 0, 1)[:, ::-1])  # rows from front to back → y from back to front
    return Image(data, affine, quantity, {"source": place.name})


def slices_in(folder: Path) -> list[Path]:
    """Files of the commonest kind of slice in a folder, in natural order."""
    by_kind: dict[str, list[Path]] = {}
    for file in folder.iterdir():
        if file.is_file() and (kind := file.suffix.lower()) in SUFFIXES and not file.name.startswith("."):
            by_kind.setdefault(".jpg" if kind == ".jpeg" else kind, []).append(file)
    if len(by_kind) > 1:
        counts = ", ".join(f"{len(v)} {k}" for k, v in sorted(by_kind.items()))
        raise InputError(f"holds slices of several kinds ({counts})", file=folder, remedy="Keep one kind per folder.")
    return sorted(next(iter(by_kind.values()), []), key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in re.split(r"(\d+)", path.name)]


def _spacing(given: Sequence[float] | None, place: Path) -> tuple[float, float, float]:
    if given is None:
        warnings.warn(f"{place}: nothing says how large a pixel is: 1 x 1 x 1 mm is assumed", stacklevel=3)
        return 1.0, 1.0, 1.0
    dx, dy, dz = (float(v) for v in given)
    if not all(np.isfinite(v) and v > 0 for v in (dx, dy, dz)):
        raise InputError(f"spacing must be three positive numbers of mm, got {tuple(given)}")
    return dx, dy, dz


def _stacked(planes: list[NDArray[Any]], files: list[Path]) -> NDArray[Any]:
    for plane, file in zip(planes, files, strict=True):
        if plane.ndim != 2 or plane.shape != planes[0].shape:
            raise InputError(
                f"has shape {plane.shape}, and {files[0].name} has {planes[0].shape}",
                file=file,
                remedy="Slices of one volume are of one size: crop or pad them, or use a folder for each.",
            )
    return np.stack(planes, axis=2)


def _plane(file: Path) -> NDArray[Any]:
    gate.admit(file)
    return _array(file) if file.suffix.lower() == ".npy" else _picture(file)


def _array(file: Path) -> NDArray[Any]:
    try:
        data = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise InputError(f"is no plain NumPy array ({str(error)[:120]})", file=file) from error
    if data.ndim not in (2, 3) or data.dtype.kind not in "iufb" or not 0 < data.size <= MOST_PIXELS:
        raise InputError(
            f"holds {data.dtype} of shape {data.shape}; numbers with two or three axes are needed", file=file
        )
    return np.array(data)


def _picture(file: Path) -> NDArray[Any]:
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(file) as opened:
            if opened.width * opened.height > MOST_PIXELS // 16:
                raise InputError(f"claims {opened.width} x {opened.height} pixels", file=file)
            indexed = opened.mode == "P" or "transparency" in opened.info
            pixels = np.asarray(opened.convert("RGBA") if indexed else opened)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        raise InputError(f"is no picture that can be read ({str(error)[:120]})", file=file) from error
    if pixels.ndim == 2:
        return np.asarray(pixels.astype(np.uint8) if pixels.dtype == bool else pixels)
    colours = pixels[..., : 3 if pixels.shape[2] >= 3 else 1].astype(int)
    if np.ptp(colours, axis=2).max() > 0:
        raise InputError(
            "is a colour picture whose channels differ",
            file=file,
            remedy="Export grey values; a colour map cannot be undone.",
        )
    return np.ascontiguousarray(pixels[..., 0])
