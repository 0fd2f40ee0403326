"""What a scan lacks of the k-space its image needs, and whether somebody has decided what should be there instead."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.reconstruction.lines import Lines, lines_along
from spinloom.reconstruction.partial_fourier import PartialFourier, ZeroFilling
from spinloom.reconstruction.scan import Scan

Floats = NDArray[np.float64]


def tell_missing(scan: Scan, partial: PartialFourier | None) -> None:
    """Zeros in place of what was not acquired are a choice: warn where nobody made it."""
    if isinstance(partial, ZeroFilling) or not scan.is_cartesian:
        return
    lack = missing(scan)
    if lack and "reaches" not in lack and partial is not None:
        raise InputError(
            f"{lack}; partial Fourier fills one end only", remedy="Give a method too, such as Sense or CGSense."
        )
    if lack and partial is None:
        warnings.warn(
            f"{lack}; what is missing counts as zero. Name a method (Sense, CGSense) or a partial Fourier "
            "(Homodyne, POCS, ZeroFilling) to say what it should be.",
            stacklevel=5,
        )


def partial_lines(scan: Scan) -> list[Lines]:
    """Lines along the axis of which k-space has one end only; empty if there is none, InputError if there are two."""
    if not scan.is_cartesian:
        raise InputError("partial Fourier is for straight lines", remedy="Leave it out for spokes and spirals.")
    axes = [lines_along(scan, axis) for axis in (scan.encoding.readout_axis, *scan.encoded_axes)]
    found = [lines for lines in axes if lines.is_partial]
    if len(found) > 1:
        raise InputError(
            f"k-space is partial along {' and '.join('xyz'[lines.axis] for lines in found)}",
            remedy="Partial Fourier works along one axis; use ZeroFilling.",
        )
    return found


def missing(scan: Scan) -> str | None:
    """What a Cartesian scan lacks of the k-space its image needs, in words; None if nothing.

    Gaps wider than 1 / FOV fold the image, one end shorter than the other blurs it. A raster that is small or has
    round corners lacks nothing: its image is only less sharp.
    """
    k = scan.kspace.k[scan.readouts, 0]
    for s in np.unique(scan.slots):
        for axis in scan.encoded_axes:
            FOV = scan.encoding.grid.shape[axis] * scan.encoding.grid.voxel_mm[axis] * 1e-3
            q = np.unique(np.round(k[scan.slots == s][:, axis] * FOV, 3))
            if len(q) < 2:
                continue
            lost = int(np.sum(np.round(np.diff(q)) - 1, where=np.diff(q) > 1.5))
            if lost:
                return f"k-space lacks {lost} lines between those it has along {'xyz'[axis]}"
            if abs(q[0] + q[-1]) > 2.01:
                return f"k-space reaches from {q[0]:g} to {q[-1]:g} lines along {'xyz'[axis]}"
    return _holes(scan, k) if scan.encoding.volume else None


def _holes(scan: Scan, k: Floats) -> str | None:
    """Line positions of a volume that were skipped within the ellipse that its lines span."""
    q = []
    for axis in scan.encoded_axes:
        values, which = np.unique(np.round(k[:, axis], 2), return_inverse=True)
        q.append((2 * np.arange(len(values)) / max(len(values) - 1, 1) - 1, which))
    table = np.zeros((len(q[0][0]), len(q[1][0])), bool)
    table[q[0][1], q[1][1]] = True
    inside = q[0][0][:, None] ** 2 + q[1][0] ** 2 < 0.9
    lost = int(np.sum(inside & ~table))
    return f"k-space lacks {lost} of {int(inside.sum())} lines of a volume" if lost else None
