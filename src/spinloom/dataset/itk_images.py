"""Image ↔ SimpleITK (extra `register`): (x, y, z) RAS here, (z, y, x) LPS there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, MachineError
from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.core.resample import FWHM

LPS = np.diag([-1.0, -1.0, 1.0])


def simpleitk() -> Any:
    """The module, or MachineError that says how to get it."""
    try:
        import SimpleITK
    except ImportError as error:
        raise MachineError("registration needs SimpleITK", remedy="pip install 'spinloom[register]'") from error
    return SimpleITK


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order: the same images give the same bytes on any machine with any number of cores."""
    process = simpleitk().ProcessObject
    before = process.GetGlobalDefaultNumberOfThreads()
    process.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        process.SetGlobalDefaultNumberOfThreads(before)


def to_itk(image: Image, name: str) -> Any:
    """A float32 image of ITK; InputError for sheared affines and complex numbers, which it does not know."""
    if image.data.dtype.kind == "c":
        raise InputError(f"{name} holds complex numbers", remedy="Give its magnitude.")
    size, directions, origin = placement(image.grid, name)
    out = simpleitk().GetImageFromArray(np.ascontiguousarray(np.transpose(image.data).astype(np.float32)))
    out.SetSpacing(size)
    out.SetDirection(directions)
    out.SetOrigin(origin)
    return out


def placement(grid: Grid, name: str) -> tuple[list[float], list[float], list[float]]:
    """Spacing, direction cosines (row by row) and origin, in LPS."""
    size = grid.voxel_mm
    R = LPS @ (grid.affine[:3, :3] / size)
    if np.abs(R.T @ R - np.eye(3)).max() > 1e-3:
        raise InputError(f"the affine of {name} is sheared", remedy="Resample it to right-angled axes first.")
    u, _, v = np.linalg.svd(R)
    return list(map(float, size)), list(map(float, (u @ v).ravel())), list(map(float, LPS @ grid.affine[:3, 3]))


def matrix_RAS(transform: Any) -> NDArray[np.float64]:
    """(4, 4) of a linear transform: y = A x in RAS [mm], fixed → moving."""
    points = np.vstack([np.zeros(3), np.eye(3) * 100.0])
    moved = np.array([transform.TransformPoint(tuple(map(float, LPS @ p))) for p in points]) @ LPS
    A = np.eye(4)
    A[:3, 3] = moved[0]
    A[:3, :3] = (moved[1:] - moved[0]).T / 100.0
    return A


def through(image: Any, grid: Any, transform: Any, outside: float, *, nearest: bool = False) -> NDArray[Any]:
    """(z, y, x) voxels of an ITK image through a transform on another's grid, interpolated linearly or not at all."""
    sitk = simpleitk()
    out = sitk.ResampleImageFilter()
    out.SetReferenceImage(grid)
    out.SetInterpolator(sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear)
    out.SetDefaultPixelValue(outside)
    out.SetTransform(transform)
    return np.asarray(sitk.GetArrayFromImage(out.Execute(image)))


def at_voxel(image: Any, voxel_mm: float) -> Any:
    """An ITK image on cubes of about one size, averaged first where they are larger than its voxels."""
    sitk = simpleitk()
    spacing, size = np.array(image.GetSpacing()), np.array(image.GetSize())
    new_size = np.maximum(4, np.ceil(size * spacing / voxel_mm)).astype(int)
    new_spacing = size * spacing / new_size
    sigma = np.sqrt(np.maximum(0.0, new_spacing**2 - spacing**2)) / FWHM
    smooth = image
    for axis in range(3):
        if sigma[axis] > 0.1 * spacing[axis]:
            blur = sitk.RecursiveGaussianImageFilter()
            blur.SetDirection(axis)
            blur.SetSigma(float(sigma[axis]))
            smooth = blur.Execute(smooth)
    out = sitk.ResampleImageFilter()
    out.SetSize([int(n) for n in new_size])
    out.SetOutputSpacing([float(s) for s in new_spacing])
    out.SetOutputDirection(image.GetDirection())
    corner = [float(v) for v in (new_spacing / spacing - 1) / 2]
    out.SetOutputOrigin(image.TransformContinuousIndexToPhysicalPoint(corner))
    out.SetInterpolator(sitk.sitkLinear)
    return out.Execute(smooth)
