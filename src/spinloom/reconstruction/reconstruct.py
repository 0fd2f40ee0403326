"""The verb: KSpace → Image."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.coils import Combine, RootSumOfSquares
from spinloom.reconstruction.distortion import FieldCorrection
from spinloom.reconstruction.ghost import Ghost
from spinloom.reconstruction.grid import implied_encoding
from spinloom.reconstruction.missing import partial_lines, tell_missing
from spinloom.reconstruction.partial_fourier import PartialFourier, ZeroFilling
from spinloom.reconstruction.samples import in_world
from spinloom.reconstruction.scan import Fourier, Method, Scan
from spinloom.reconstruction.window import Window

Complex = NDArray[np.complexfloating]


class Part(Enum):
    """Which number of the complex image is kept."""

    MAGNITUDE = "magnitude"
    COMPLEX = "complex"


SEPARATE = ("ECO", "REP", "SET", "PHS")
"""Labels that tell images apart; averages (AVG) of one k are averaged."""

BESIDE = ("NOISE", "NAV")
"""Labels of readouts that belong to no image: noise scans and navigators."""


def reconstruct(
    kspace: KSpace,
    *,
    combine: Combine | None = None,
    window: Window | None = None,
    part: Part = Part.MAGNITUDE,
    ghost: Ghost | None = None,
    method: Method | None = None,
    partial: PartialFourier | None = None,
    field: FieldCorrection | None = None,
) -> Image:
    """The image of a scan that makes one; the first one, if it makes several (see reconstruct_all).

        image(r) = sum_k S(k) exp(+2πi k . r) Δk      so a uniform object with signal m has the value m

    combine  how coils become one image; default root sum of squares
    window   apodisation, or None
    part     magnitude (default) or the complex image
    ghost    how odd and even echo-planar lines are aligned, before anything else; None: they are
    method   from samples to images: Fourier(), Sense(maps), CGSense(maps), ConjugatePhase(dB0);
             None: Fourier(), with a warning if lines are missing
    partial  what stands in for lines missing at one end of an axis: ZeroFilling(), Homodyne(), POCS(); None: zero
    field    how a known off-resonance is undone in the image: PixelShift(dB0); None: it is not

    Raises InputError when the samples are not finite, encode no image, or do not suit what is asked for; UsageError
    when two ways to combine coils are.
    """
    return _images(kspace, _Way(combine, window, part, ghost, method, partial, field), first_only=True)[0]


def reconstruct_all(
    kspace: KSpace,
    *,
    combine: Combine | None = None,
    window: Window | None = None,
    part: Part = Part.MAGNITUDE,
    ghost: Ghost | None = None,
    method: Method | None = None,
    partial: PartialFourier | None = None,
    field: FieldCorrection | None = None,
) -> tuple[Image, ...]:
    """One image per echo, repetition, set and phase (labels ECO, REP, SET, PHS), in that order of counting."""
    return _images(kspace, _Way(combine, window, part, ghost, method, partial, field), first_only=False)


def coil_images(kspace: KSpace, *, window: Window | None = None) -> Complex:
    """Complex image of each coil (coil, x, y, z), before any combination; of the first echo or repetition."""
    return Fourier()(first_scan(kspace, window=window))


def first_scan(kspace: KSpace, *, window: Window | None = None) -> Scan:
    """The readouts of the first image of some k-space, with the grid they encode."""
    return _scan(kspace, _separate(kspace)[0], window)


def encoding_of(kspace: KSpace) -> Encoding:
    """The one it has, or the one its samples imply."""
    if np.isnan(kspace.k).all():
        raise InputError("k-space has no trajectory", remedy="Take k from the sequence that was played.")
    thickness = _thickness(kspace)
    known = {} if thickness is None else {"slice_thickness": thickness}
    return kspace.encoding or implied_encoding(kspace.k, **known)


@dataclass(frozen=True, eq=False)
class _Way:
    """The arguments of reconstruct."""

    combine: Combine | None
    window: Window | None
    part: Part
    ghost: Ghost | None
    method: Method | None
    partial: PartialFourier | None
    field: FieldCorrection | None


def _images(kspace: KSpace, way: _Way, *, first_only: bool) -> tuple[Image, ...]:
    if not np.isfinite(kspace.samples).all():
        raise InputError("k-space holds NaN or infinite samples", remedy="Repair or drop the readouts they are in.")
    groups = _separate(kspace)
    if way.ghost is not None:
        kspace = way.ghost(_scan(kspace, groups[0], None))
    made = []
    for readouts in groups[: 1 if first_only else None]:
        scan = _scan(kspace, readouts, way.window)
        data = _combined(scan, way)
        grid = in_world(scan)
        if way.part is Part.MAGNITUDE:
            data = np.abs(data)
        info = {**kspace.info, **{n: int(kspace.labels[n][readouts[0]]) for n in SEPARATE if n in kspace.labels}}
        made.append(Image(data, grid.affine, info=MappingProxyType(info)))
    return tuple(made)


def _combined(scan: Scan, way: _Way) -> NDArray[np.inexact]:
    """One image of a scan: method, partial Fourier, off-resonance, combination."""
    if way.method is None:
        tell_missing(scan, way.partial)
    images = (way.method or Fourier())(scan)
    if way.combine is not None and len(images) < scan.kspace.n_coils:
        raise UsageError("the method has combined the coils already", remedy="Leave combine out.")
    if way.partial is not None and not isinstance(way.partial, ZeroFilling):
        for lines in partial_lines(scan):
            images = way.partial(images, lines)
    if way.field is not None:
        images = way.field(images, scan, in_world(scan))
    return (way.combine or RootSumOfSquares())(images)


def _scan(kspace: KSpace, readouts: NDArray[np.intp], window: Window | None) -> Scan:
    return Scan(kspace, encoding_of(kspace), readouts, window, _thickness(kspace))


def _thickness(kspace: KSpace) -> float | None:
    thickness = kspace.info.get("slice_thickness")
    return float(thickness) if isinstance(thickness, (int, float)) else None


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
