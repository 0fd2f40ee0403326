"""What a profile says of fields of view and acquired voxels → the parameters of a protocol."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from spinloom.dataset.profile.measure import Range
from spinloom.phantom.variation import FOV_MM
from spinloom.sequence.geometry import Orientation

BY_SLICE = {o.slice: o for o in Orientation}
THICK = 1.3
"""Where voxels are this much longer along one axis than along the next, slices lie across it."""
FEWEST = 16
"""Voxels along an axis of a simulated scan, at least."""


def geometry(numbers: Mapping[str, Range], known: Collection[str], *, cropped: bool = False) -> dict[str, Any]:
    """Parameters as a recipe names them; none if the profile does not hold what they need.

    numbers  acquired_x_mm, voxel_x_mm, FOV_x_mm and so on, of which the medians count
    known    arguments of the protocol: with slice_thickness it is a stack of slices (axial where voxels are as long
             along all axes), else a volume, as high as the head is, however thin a slab was acquired
    cropped  the files hold less than was acquired, as after brain extraction: encoded axes grow to the head
    """
    names = [(f"acquired_{a}_mm", f"voxel_{a}_mm", f"FOV_{a}_mm") for a in "xyz"]
    if not {"matrix", "FOV", "orientation"} <= set(known) or not all(n in numbers for axis in names for n in axis):
        return {}
    acquired, voxel, FOV = ([numbers[axis[i]].median for axis in names] for i in range(3))
    order = sorted(range(3), key=lambda a: acquired[a])
    stack = "slice_thickness" in known
    thick = acquired[order[2]] > THICK * acquired[order[1]]
    even = Orientation.AXIAL if stack else Orientation.SAGITTAL
    orientation = BY_SLICE[order[2]] if thick else even
    used = orientation.value[: 2 if stack else 3]
    if not stack:  # nothing selects a slab: the volume must hold the whole head
        FOV[orientation.slice] = max(FOV[orientation.slice], FOV_MM[orientation.slice])
    if cropped:
        FOV = [max(f, FOV_MM[a]) if a in used else f for a, f in enumerate(FOV)]
    found: dict[str, Any] = {
        "orientation": orientation.name.lower(),
        "FOV_mm": [round(FOV[a], 2) for a in used],
        "matrix": [max(FEWEST, round(FOV[a] / acquired[a])) for a in used],
    }
    if stack:
        across = orientation.slice
        found |= {
            "slices": max(1, round(FOV[across] / voxel[across])),
            "slice_thickness_mm": round(voxel[across], 3),
        }
    return found
