"""One PNG, JPEG, TIFF or NPY file → its numbers, unscaled."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.files import gate

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
MOST_PIXELS = 2**31
MOST_IN_PICTURE = 2**26
AS_SHOWN = {None, 1}
"""EXIF orientations that do not ask the viewer to turn the picture."""


def read_slice(file: Path) -> NDArray[Any]:
    """(rows, columns) of a picture, or two or three axes of an .npy; 8 and 16 bit stay what they are.

    Raises InputError (file, fault, remedy) for colour, transparency, several pages, damage and sizes beyond reason.
    """
    gate.admit(file)
    return _array(file) if file.suffix.lower() == ".npy" else _picture(file)


def _array(file: Path) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # arrays of Python 2 are read with a remark
            data = np.load(file, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # a damaged header may break its parser in any way
        raise InputError(
            f"is no plain NumPy array ({str(error)[:120]})",
            file=file,
            remedy="Save an array of plain numbers.",
        ) from error
    if not isinstance(data, np.ndarray):
        data.close()
        raise InputError("is an archive of arrays, one array was expected", file=file, remedy="Save one with np.save.")
    if data.ndim not in (2, 3) or data.dtype.kind not in "iufcb" or not 0 < data.size <= MOST_PIXELS:
        raise InputError(
            f"holds {data.dtype} of shape {data.shape}; numbers with two or three axes are needed",
            file=file,
            remedy="Save numbers with two or three axes (np.save).",
        )
    kind = np.dtype(np.uint8) if data.dtype == bool else data.dtype.newbyteorder("=")
    return np.array(data, kind)


def _picture(file: Path) -> NDArray[Any]:
    from PIL import Image as Pillow

    _require_grey_if_deep(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Pillow.open(file, formats=("PNG", "JPEG", "TIFF")) as opened:
                if opened.width * opened.height > MOST_IN_PICTURE:
                    raise InputError(
                        f"claims {opened.width} x {opened.height} pixels, more than the limit",
                        file=file,
                        remedy="Cut it into smaller pictures.",
                    )
                if getattr(opened, "n_frames", 1) > 1:
                    raise InputError("holds several pages", file=file, remedy="Save each slice as a file.")
                if opened.getexif().get(0x0112) not in AS_SHOWN:
                    raise InputError("asks to be turned (EXIF orientation)", file=file, remedy="Save it upright.")
                indexed = opened.mode in ("P", "PA") or "transparency" in opened.info
                mode, pixels = opened.mode, np.asarray(opened.convert("RGBA") if indexed else opened)
    except InputError:
        raise
    except Exception as error:  # decoders of damaged pictures fail in many ways
        raise InputError(
            f"is no picture that can be read ({str(error)[:120]})", file=file, remedy="Copy or export it again."
        ) from error
    if mode in ("CMYK", "YCbCr", "LAB", "HSV"):
        raise InputError(f"is a colour picture ({mode})", file=file, remedy="Export grey values.")
    return _grey(pixels, file)


def _grey(pixels: NDArray[Any], file: Path) -> NDArray[Any]:
    """The one channel of grey pictures, however many they are saved with."""
    if pixels.ndim == 2:
        return np.asarray(pixels.astype(np.uint8) if pixels.dtype == bool else pixels)
    channels = pixels.shape[2]
    if channels in (2, 4) and pixels[..., -1].min() < 255:
        raise InputError("is transparent in places", file=file, remedy="Export grey values without transparency.")
    colours = pixels[..., :3] if channels >= 3 else pixels[..., :1]
    if (colours != colours[..., :1]).any():
        raise InputError(
            "is a colour picture whose channels differ",
            file=file,
            remedy="Export grey values; a colour map cannot be undone.",
        )
    return np.ascontiguousarray(pixels[..., 0])


def _require_grey_if_deep(file: Path) -> None:
    """Pillow reads 16-bit PNGs with several channels or a transparent grey as 8 bit: half would be lost in silence."""
    with open(file, "rb") as handle:
        head = handle.read(1 << 16)
    if head[:4] != b"\x89PNG" or head[24:25] != b"\x10":
        return
    if head[25:26] != b"\x00" or b"tRNS" in head.split(b"IDAT")[0]:
        raise InputError("holds 16 bits in several channels", file=file, remedy="Save it as 16-bit grey.")
