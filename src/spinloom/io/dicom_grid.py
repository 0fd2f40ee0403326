"""Frames of one image → their order and the affine of their grid; what makes no even grid is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.io.dicom_frames import Frame

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
EVEN = 0.03
"""Of the usual step, by which a gap between slices may differ from it."""
OFF = 0.1
"""Of the step, by which a slice may lie off its place in the grid: small differences must not add up."""
TILT_DEG = 0.1
FloatArray = NDArray[np.float64]


def grid(group: list[Frame], path: Path, *, fill: bool) -> tuple[FloatArray, list[Frame], FloatArray | None]:
    """The grid the frames lie on.

        position = IPP + column spacing (row cosines) i + row spacing (column cosines) j + step k,   LPS → RAS

    returns affine (4, 4) to RAS mm; the frames in order along the normal of their plane; None, or if fill is asked and
            needed the fractional numbers of frames at which slices of an even grid lie
    """
    first = group[0]
    for frame in group:
        if not np.allclose(frame.spacing, first.spacing, rtol=1e-3):
            raise InputError(
                f"its slices differ in pixel spacing: {first.name} has {_mm(first)}, {frame.name} {_mm(frame)} mm",
                file=path,
                remedy="Keep the slices of one spacing.",
            )
    normal = np.cross(first.along[0], first.along[1])
    ordered = sorted(group, key=lambda f: float(f.position @ normal))
    positions = np.array([f.position for f in ordered])
    if len(ordered) == 1:
        step, at = _thickness(first, normal, path), None
    else:
        step, at = _step(ordered, positions, normal, path, fill)
    _tell_of_tilt(step, normal, path)
    affine = np.eye(4)
    affine[:3, 0] = first.along[0] * first.spacing[0]
    affine[:3, 1] = first.along[1] * first.spacing[1]
    affine[:3, 2], affine[:3, 3] = step, positions[0]
    return LPS_TO_RAS @ affine, ordered, at


def _step(
    ordered: list[Frame], positions: FloatArray, normal: FloatArray, path: Path, fill: bool
) -> tuple[FloatArray, FloatArray | None]:
    """From slice to slice (3,) [mm]; and where to interpolate, if at all."""
    along, n = positions @ normal, len(ordered)
    gaps = np.diff(along)
    _require_once(ordered, gaps, path)
    if not fill:
        _require_even(ordered, along, path)
    whole, share = positions[-1] - positions[0], (along - along[0]) / (along[-1] - along[0])
    off = np.linalg.norm(positions - positions[0] - np.outer(share, whole), axis=1)
    if off.max() > EVEN * np.linalg.norm(whole) / (n - 1) + 1e-3:
        raise InputError(
            f"its slices lie up to {off.max():.2f} mm off a straight line, the most {ordered[int(off.argmax())].name}",
            file=path,
            remedy="Are two scans mixed in one folder? Keep one of them.",
        )
    if not fill or not _uneven(along).size:
        return whole / (n - 1), None
    sizes, count = np.unique(np.round(gaps, 2), return_counts=True)
    usual = gaps[np.abs(gaps - sizes[np.argmax(count)]) < 0.02].mean()  # unrounded: over many slices it would add up
    step = whole * usual / (along[-1] - along[0])
    places = np.arange(along[0], along[-1] + 1e-3, float(step @ normal))
    return step, np.interp(places, along, np.arange(n, dtype=float))


def _uneven(along: FloatArray) -> NDArray[np.intp]:
    """Which gaps are not the usual one."""
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    return np.flatnonzero(np.abs(gaps - usual) > EVEN * usual + 1e-3)


def _require_once(ordered: list[Frame], gaps: FloatArray, path: Path) -> None:
    if (doubled := np.flatnonzero(gaps < 1e-3)).size:
        a, b = ordered[doubled[0]], ordered[doubled[0] + 1]
        raise InputError(
            f"{len(doubled)} places are imaged more than once, the first by {a.name} and {b.name}",
            file=path,
            remedy="Keep one time point, coil or weighting of the series in the folder.",
        )


def _require_even(ordered: list[Frame], along: FloatArray, path: Path) -> None:
    gaps, odd = np.diff(along), _uneven(along)
    if not odd.size:
        drift = np.abs(along - np.linspace(along[0], along[-1], len(along)))
        if drift.max() <= OFF * gaps.mean():
            return
        odd = np.array([int(drift.argmax()) - 1])
    times = gaps[odd] / float(np.median(gaps))
    after, before = ordered[odd[0]].name, ordered[odd[0] + 1].name
    if (np.abs(times - np.round(times)) < 0.1).all() and (times > 1.5).all():
        missing = int(np.round(times - 1).sum())
        raise InputError(
            f"{missing} of {len(ordered) + missing} slices are missing, the first after {after} and before {before}",
            file=path,
            remedy="Find them, or put the slices of one side into a folder of their own (in Python: fill=True).",
        )
    raise InputError(
        f"its slices are spaced unevenly: {gaps.min():.2f} to {gaps.max():.2f} mm, the first change after {after}",
        file=path,
        remedy="Put the slices of one spacing into a folder of their own (in Python: fill=True).",
    )


def _thickness(frame: Frame, normal: FloatArray, path: Path) -> FloatArray:
    """The third axis of a single slice."""
    if frame.thickness is None or frame.thickness < 0:
        warnings.warn(f"{path}: a single slice that does not say how thick it is: 1 mm is assumed", stacklevel=4)
        return normal
    return normal * frame.thickness


def _tell_of_tilt(step: FloatArray, normal: FloatArray, path: Path) -> None:
    tilt = float(np.degrees(np.arccos(np.clip(abs(step @ normal) / np.linalg.norm(step), 0, 1))))
    if tilt > TILT_DEG:
        warnings.warn(
            f"{path}: the gantry was tilted by {tilt:.1f}°; the grid is kept as it is, sheared: resample it before you "
            "take its axes for right-angled",
            stacklevel=4,
        )


def _mm(frame: Frame) -> str:
    return " x ".join(f"{v:g}" for v in frame.spacing)
