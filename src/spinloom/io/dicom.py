"""One DICOM series, from a folder or a zip → Image in RAS+ millimetres; HU for CT.

Slices are sorted by where they lie, never by name or number. A tilted gantry makes a sheared grid, which is kept. What
does not make one even grid is refused with its reason: missing, doubled or unevenly spaced slices, several series.
Names, numbers and dates of people are not read.

DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (functional groups), C.11.1 (rescale).
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.io.dicom_frames import Frame
from spinloom.io.dicom_grid import grid
from spinloom.io.dicom_kinds import QUANTITIES
from spinloom.io.dicom_pixels import values
from spinloom.io.dicom_series import Series, described, facts, groups_in, list_series, tell
from spinloom.io.plausible import require_plausible

__all__ = ["Series", "list_series", "read_series"]

LEAST_HU = -1200
"""Air is -1000 and noise goes some way below; scanners put -2000 or -3024 where they did not look."""


def read_series(path: str | os.PathLike[str], *, series: int | str | None = None, fill: bool = False) -> Image:
    """A DICOM series.

        position = IPP + column spacing (row cosines) i + row spacing (column cosines) j + step k,   LPS → RAS
        value    = slope stored + intercept

    path    a folder, a zip, or one file
    series  which: its number or its uid, as list_series gives them; None: there must be only one
    fill    interpolate linearly between slices that are missing or unevenly spaced, at their commonest spacing, and say
            so in info["filled"]

    info holds TE, TR, TI [s], FA [rad], B0 [T], modality, manufacturer and model, as far as they are said.
    Images of other series that cannot be read are left out, with a warning.
    Raises InputError naming what is in the way: see above; MachineError without pydicom.
    """
    place = Path(path)
    groups, faults = groups_in(place)
    group = _chosen(groups, series, place)
    for uid, fault in faults:
        if uid == group[0].uid:  # without it the volume would be short of a slice
            raise fault
    tell(faults)
    affine, ordered, at = grid(group, place, fill=fill)
    data = values(ordered, place)
    info = _info(ordered[0])
    if at is not None:
        info["filled"] = f"{len(at)} slices interpolated from {len(ordered)}"
        data = _between(data.astype(np.float32), at)
    quantity = QUANTITIES[str(ordered[0].header.Modality)]
    require_plausible(data, quantity, place)
    if quantity is Quantity.HU:
        _tell_of_no_HU(data, place)
    return Image(data, affine, quantity, MappingProxyType(info))


def _chosen(groups: list[list[Frame]], series: int | str | None, place: Path) -> list[Frame]:
    numbered = list(enumerate(groups, start=1))
    fitting = [(n, g) for n, g in numbered if series in (None, n, g[0].uid)]
    if len(fitting) == 1:
        return fitting[0][1]
    if not fitting:
        raise InputError(
            f"has no series {series}: it holds {len(groups)}",
            file=place,
            remedy="Count from 1, or give the SeriesInstanceUID.",
        )
    held = "; ".join(str(described(n, g)) for n, g in fitting)
    raise InputError(
        f"holds {len(fitting)} series ({held})",
        file=place,
        remedy=f"Put each into a folder of its own and name that (in Python: series={fitting[0][0]}).",
    )


def _between(data: NDArray[Any], at: NDArray[np.float64]) -> NDArray[Any]:
    """Slices at fractional numbers `at` (m,) of slices data (x, y, z)."""
    low = np.clip(np.floor(at).astype(int), 0, data.shape[2] - 2)
    share = (at - low).astype(np.float32)
    return np.asarray(data[..., low] * (1 - share) + data[..., low + 1] * share)


def _info(frame: Frame) -> dict[str, object]:
    """What the image may keep of its header: how it was made, and nothing of whom."""
    found: dict[str, object] = dict(facts(frame))
    for tag, name in (("Modality", "modality"), ("Manufacturer", "manufacturer"), ("ManufacturerModelName", "model")):
        if frame.header.get(tag):
            found[name] = str(frame.header.get(tag))
    return found


def _tell_of_no_HU(data: NDArray[Any], place: Path) -> None:
    if (share := float(np.mean(data < LEAST_HU))) > 0:
        warnings.warn(
            f"{place}: {100 * share:.3g} % of the voxels are below {LEAST_HU} HU (down to {data.min():.0f}), where "
            "nothing was measured and the header does not say so: clip them at -1000 before you compare",
            stacklevel=4,
        )
