"""The search for a transform: mutual information, coarse to fine, one thread."""

from __future__ import annotations

from typing import Any

import numpy as np

from spinloom.core.errors import InputError
from spinloom.dataset.itk_images import at_voxel, simpleitk
from spinloom.dataset.register_kinds import Affine, Deformable, Kind, Rigid

BINS = 50
SEED = 1
"""Of the small random shifts that regular samples get; 0 would mean the clock."""
SAMPLES, SPLINE_SAMPLES = 400_000, 150_000
"""Voxels of the fixed image that each step looks at, about; fewer where a step costs more."""


def search(fixed: Any, moving: Any, rim: Any, counts: Any, kind: Kind) -> tuple[Any, ...]:
    """Transforms fixed → moving point, LPS [mm], of SimpleITK images: the wanted one last, what it began from before.

    Raises InputError if none is found.

    counts  mask on the fixed grid: voxels that count, for the freer kinds
    rim     the same with a rim around it, for the rigid start: the edge of a head is the surest guide to its place, but
            a poor one to its size, since contrasts show skin and skull differently
    """
    try:
        rigid = _refined(fixed, moving, rim, _start(fixed, moving), kind.levels_mm)
        if isinstance(kind, Rigid):
            return (rigid,)
        affine = _refined(fixed, moving, counts, _affine_of(rigid), kind.levels_mm[-2:])
        if isinstance(kind, Affine):
            return rigid, affine
        return rigid, affine, _deformed(fixed, moving, counts, affine, kind)
    except RuntimeError as error:
        apart = any(word in str(error) for word in ("outside", "overlap", "No valid points"))
        why = "the images do not meet in space" if apart else "the search failed"
        raise InputError(
            f"no registration found: {why}",
            remedy="Check that both images show the same part of the body, and their affines.",
        ) from error


def _start(fixed: Any, moving: Any) -> Any:
    """The better of: as the headers say, and centre of mass on centre of mass."""
    sitk = simpleitk()
    rigid = sitk.Euler3DTransform()
    centre = [(n - 1) / 2 for n in fixed.GetSize()]
    rigid.SetCenter(fixed.TransformContinuousIndexToPhysicalPoint(centre))
    masses = sitk.Euler3DTransform(
        sitk.CenteredTransformInitializer(
            fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
        )
    )
    coarse, other = at_voxel(fixed, 8.0), at_voxel(moving, 8.0)
    return min((rigid, masses), key=lambda start: _disagreement(coarse, other, start))


def _disagreement(fixed: Any, moving: Any, transform: Any) -> float:
    """Minus the mutual information; infinite where the images do not meet."""
    method = _method(fixed)
    method.SetInitialTransform(transform)
    try:
        return float(method.MetricEvaluate(fixed, moving))
    except RuntimeError:
        return float("inf")


def _refined(fixed: Any, moving: Any, where: Any, transform: Any, levels_mm: tuple[float, ...]) -> Any:
    for level_mm in levels_mm:
        coarse, other = at_voxel(fixed, level_mm), at_voxel(moving, level_mm)
        method = _method(coarse)
        method.SetMetricFixedMask(where)
        method.SetOptimizerAsRegularStepGradientDescent(
            learningRate=level_mm / 2, minStep=level_mm / 2000, numberOfIterations=200, relaxationFactor=0.6,
            gradientMagnitudeTolerance=1e-6,
        )  # fmt: skip
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(coarse, other)
    return transform


def _affine_of(rigid: Any) -> Any:
    affine = simpleitk().AffineTransform(3)
    affine.SetCenter(rigid.GetCenter())
    affine.SetMatrix(rigid.GetMatrix())
    affine.SetTranslation(rigid.GetTranslation())
    return affine


def _deformed(fixed: Any, moving: Any, where: Any, affine: Any, kind: Deformable) -> Any:
    """Affine after B-spline: T(x) = affine(x + spline(x))."""
    sitk = simpleitk()
    reach_mm = [n * s for n, s in zip(fixed.GetSize(), fixed.GetSpacing(), strict=True)]
    mesh = [max(1, int(np.ceil(length / kind.spacing_mm))) for length in reach_mm]
    spline = sitk.BSplineTransformInitializer(fixed, mesh, order=3)
    for level_mm in kind.levels_mm:
        coarse, other = at_voxel(fixed, level_mm), at_voxel(moving, level_mm)
        method = _method(coarse, SPLINE_SAMPLES)
        method.SetMetricFixedMask(where)
        method.SetMovingInitialTransform(affine)
        method.SetOptimizerAsLBFGSB(
            gradientConvergenceTolerance=1e-5, numberOfIterations=40, maximumNumberOfFunctionEvaluations=60
        )
        method.SetInitialTransform(spline, inPlace=True)
        method.Execute(coarse, other)
    return sitk.CompositeTransform([affine, spline])


def _method(fixed: Any, samples: int = SAMPLES) -> Any:
    sitk = simpleitk()
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    n = int(np.prod(fixed.GetSize()))
    if n > samples:
        method.SetMetricSamplingStrategy(method.REGULAR)
        method.SetMetricSamplingPercentage(samples / n, SEED)
    method.SetInterpolator(sitk.sitkLinear)
    return method
