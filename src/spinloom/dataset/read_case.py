"""Pair → Case: the images read, checked and, if asked, put on one grid."""

from __future__ import annotations

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import covered, resample
from spinloom.dataset.case import Case
from spinloom.dataset.offset import doubt
from spinloom.dataset.pairs import Pair
from spinloom.dataset.read_scan import read_scan, size_is_assumed
from spinloom.dataset.scans import Scan

LEAST_COVERED = 0.5
"""Share of the target's grid that an image must reach to be resampled onto it."""


def read_case(pair: Pair, *, resample: bool = False) -> Case:
    """The images of a pair.

    resample  put all on the first target's grid (the first source's if there is no target), by the affines; what was
              done stands in the case's origin. False: unequal grids are refused

    Raises InputError naming file and remedy: unreadable, constant or NaN images, empty masks, unequal grids, and images
    that share too little space to be resampled.
    """
    images = {key: read_scan(scan) for key, scan in pair.scans.items()}
    goal_key = next((key for key in images if key[0] == "target"), next(iter(images)))
    goal, goal_scan = images[goal_key], pair.scans[goal_key]
    origin: dict[str, object] = {}
    for key, scan in pair.scans.items():
        facts: dict[str, object] = {"file": scan.path.name, "quantity": scan.quantity.value}
        if size_is_assumed(scan):
            facts["voxel size"] = "not known, 1 mm assumed"
        if said := doubt(images[key]):
            facts["doubt"] = said
        if not images[key].grid.same_place(goal.grid):
            if not resample:
                raise InputError(
                    f"its grid {_grid(images[key])} is not that of {goal_scan.path.name} {_grid(goal)}",
                    file=scan.path,
                    remedy="Register it first (spinloom register), or pass --resample if both lie in one space.",
                )
            images[key], how = _resampled(images[key], goal, scan, goal_scan)
            facts |= how
        origin[" ".join(key)] = facts
    sides = {side: {k[1]: v for k, v in images.items() if k[0] == side} for side in ("source", "target", "mask")}
    return Case(pair.subject, pair.session, sides["source"], sides["target"], sides["mask"].get("mask"), origin)


def _resampled(image: Image, goal: Image, scan: Scan, goal_scan: Scan) -> tuple[Image, dict[str, object]]:
    share = covered(image, goal.grid)
    if share < LEAST_COVERED:
        raise InputError(
            f"reaches only {share:.0%} of the grid of {goal_scan.path.name}",
            file=scan.path,
            remedy="Register it first (spinloom register).",
        )
    moved = resample(image, goal.grid)
    if moved.data.min() == moved.data.max():
        raise InputError(f"shows nothing within {goal_scan.path.name}", file=scan.path, remedy="Register it first.")
    how = "nearest" if image.quantity is Quantity.LABEL else "linear, averaged where voxels grow"
    return moved, {"resampled onto": goal_scan.path.name, "interpolation": how, "covered": round(share, 4)}


def _grid(image: Image) -> str:
    return f"({' x '.join(map(str, image.data.shape))} of {' x '.join(f'{v:.3g}' for v in image.grid.voxel_mm)} mm)"
