"""Which lines to keep: regular and random undersampling, partial Fourier; and a scan with only those."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.kspace import KSpace
from spinloom.reconstruction.lines import raster_lines
from spinloom.reconstruction.reconstruct import BESIDE, encoding_of

Mask = NDArray[np.bool_]


def regular(n: int, R: int, calibration: int = 0) -> Mask:
    """(n,) every R-th line, counted from k = 0 at n // 2, and the middle lines all.

    R            acceleration of the outer lines
    calibration  lines of the fully sampled centre
    """
    if not 1 <= R <= n or not 0 <= calibration <= n:
        raise UsageError(f"{n} lines cannot be thinned {R} times with {calibration} in the centre")
    line = np.arange(n) - n // 2
    return np.asarray((line % R == 0) | _centre(n, calibration))


def variable_density(n: int, R: float, calibration: int, rng: np.random.Generator, *, power: float = 2.0) -> Mask:
    """(n,) n / R lines: a full centre, the others drawn without replacement with weights (1 - |k| / k_max)^power.

    Lustig, Donoho & Pauly, Magn. Reson. Med. 58, 1182 (2007).
    """
    wanted = round(n / R)
    if not calibration <= wanted <= n:
        raise UsageError(f"{wanted} of {n} lines cannot hold {calibration} in the centre")
    mask = _centre(n, calibration)
    weight = np.where(mask, 0.0, (1 - np.abs(np.arange(n) - (n - 1) / 2) / (n / 2 + 1)) ** power)
    if wanted > calibration:
        mask[rng.choice(n, wanted - calibration, replace=False, p=weight / weight.sum())] = True
    return mask


def partial(n: int, fraction: float) -> Mask:
    """(n,) the last lines, fraction n of them: partial Fourier with its early lines left out."""
    if not 0.5 <= fraction <= 1:
        raise UsageError(f"partial Fourier keeps half of the lines or more, got {fraction:g}")
    return np.asarray(np.arange(n) >= n - round(fraction * n))


def keep_lines(kspace: KSpace, mask: Mask, axis: int | None = None) -> KSpace:
    """The scan without the lines whose mask is False; navigators and noise scans stay.

    mask  (N,) over the raster k = (n - N // 2) / FOV
    axis  of the image; None: the phase axis
    """
    encoding = encoding_of(kspace)
    axis = encoding.phase_axis if axis is None else axis
    keep = np.zeros(len(kspace.k), bool)
    for name in BESIDE:
        keep |= kspace.labels.get(name, np.zeros(len(keep), np.int64)) != 0
    image = np.flatnonzero(~keep)
    n, _ = raster_lines(kspace.k[image, 0, axis], encoding, axis)
    place = n + encoding.grid.shape[axis] // 2
    keep[image] = (place >= 0) & (place < len(mask)) & mask[np.clip(place, 0, len(mask) - 1)]
    if not keep.any():
        raise UsageError("no line would be left")
    return replace(
        kspace,
        samples=kspace.samples[:, keep],
        k=kspace.k[keep],
        t=kspace.t[keep],
        labels=MappingProxyType({name: values[keep] for name, values in kspace.labels.items()}),
    )


def _centre(n: int, lines: int) -> Mask:
    first = n // 2 - lines // 2
    return np.asarray((np.arange(n) >= first) & (np.arange(n) < first + lines))
