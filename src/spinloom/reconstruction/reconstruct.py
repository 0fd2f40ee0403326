"""The verb: KSpace → Image."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.core.lines import straight
from spinloom.reconstruction.cartesian import cartesian
from spinloom.reconstruction.coils import Combine, RootSumOfSquares
from spinloom.reconstruction.grid import implied_encoding
from spinloom.reconstruction.scattered import scattered
from spinloom.reconstruction.window import Window


class Part(Enum):
    """Which number of the complex image is kept."""

    MAGNITUDE = "magnitude"
    COMPLEX = "complex"


SEPARATE = ("ECO", "REP", "SET", "PHS")
"""Labels that tell images apart; averages (AVG) of one k are averaged."""

BESIDE = ("NOISE", "NAV")
"""Labels of readouts that belong to no image: noise scans and navigators."""


def reconstruct(
    kspace: KSpace, *, combine: Combine | None = None, window: Window | None = None, part: Part = Part.MAGNITUDE
) -> Image:
    """The image of a scan that makes one; the first one, if it makes several (see reconstruct_all).

        image(r) = sum_k S(k) exp(+2πi k . r) Δk      so a uniform object with signal m has the value m

    combine  how coils become one image; default root sum of squares
    window   apodisation, or None
    part     magnitude (default) or the complex image

    Raises InputError when the samples are not finite or encode no image.
    """
    return _images(kspace, combine, window, part, first_only=True)[0]


def reconstruct_all(
    kspace: KSpace, *, combine: Combine | None = None, window: Window | None = None, part: Part = Part.MAGNITUDE
) -> tuple[Image, ...]:
    """One image per echo, repetition, set and phase (labels ECO, REP, SET, PHS), in that order of counting."""
    return _images(kspace, combine, window, part, first_only=False)


def coil_images(kspace: KSpace, *, window: Window | None = None) -> NDArray[np.complexfloating]:
    """Complex image of each coil (coil, x, y, z), before any combination; of the first echo or repetition."""
    return _coils(kspace, _separate(kspace)[0], window)


def _images(
    kspace: KSpace, combine: Combine | None, window: Window | None, part: Part, *, first_only: bool
) -> tuple[Image, ...]:
    if not np.isfinite(kspace.samples).all():
        raise InputError("k-space holds NaN or infinite samples", remedy="Repair or drop the readouts they are in.")
    encoding = _encoding(kspace)
    affine = encoding.grid.affine.copy()
    affine[:3, 3] += kspace.isocentre_mm
    made = []
    for readouts in _separate(kspace)[: 1 if first_only else None]:
        data = (combine or RootSumOfSquares())(_coils(kspace, readouts, window))
        if part is Part.MAGNITUDE:
            data = np.abs(data)
        info = {**kspace.info, **{n: int(kspace.labels[n][readouts[0]]) for n in SEPARATE if n in kspace.labels}}
        made.append(Image(data, affine, info=MappingProxyType(info)))
    return tuple(made)


def _coils(kspace: KSpace, readouts: NDArray[np.intp], window: Window | None) -> NDArray[np.complexfloating]:
    encoding, thickness = _encoding(kspace), kspace.info.get("slice_thickness")
    way = cartesian if straight(kspace.k[readouts], encoding.readout_axis) else scattered
    return way(kspace, encoding, readouts, window, float(thickness) if isinstance(thickness, (int, float)) else None)


def _encoding(kspace: KSpace) -> Encoding:
    """The one it has, or the one its samples imply."""
    thickness = kspace.info.get("slice_thickness")
    known = {"slice_thickness": float(thickness)} if isinstance(thickness, (int, float)) else {}
    return kspace.encoding or implied_encoding(kspace.k, **known)


def _separate(kspace: KSpace) -> list[NDArray[np.intp]]:
    """Readouts of each image; those with a label of BESIDE are left out, unless there are no others."""
    names = [n for n in SEPARATE if n in kspace.labels]
    n = kspace.k.shape[0]
    if n == 0:
        raise InputError("k-space holds no readouts")
    keys = np.stack([kspace.labels[name] for name in names], axis=1) if names else np.zeros((n, 1), np.int64)
    image = np.ones(n, bool)
    for name in BESIDE:
        image &= kspace.labels.get(name, np.zeros(n, np.int64)) == 0
    own = np.flatnonzero(image if image.any() else ~image)
    _, which = np.unique(keys[own], axis=0, return_inverse=True)
    return [own[which == i] for i in range(int(which.max()) + 1)]
