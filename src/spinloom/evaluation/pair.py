"""A prediction beside its reference: what every definition of a score starts from."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras, voxel_sizes_mm
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity

Values = NDArray[np.float64]
Mask = NDArray[np.bool_]
SAME_MM = 1e-2
AIR_OF_A_CT = -500.0


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images of one case on one grid; all arrays (x, y, z), axes nearest to right, anterior, superior.

    name      of the case: the unit of all statistics, a subject
    x, y      prediction and reference, in the unit of `quantity`
    mask      where it counts; None: nobody said
    labels    tissue of each voxel; None: nobody said
    voxel_mm  (3,) [mm]
    quantity  of both
    affine    (4, 4) of the arrays
    """

    name: str
    x: Values
    y: Values
    mask: Mask | None
    labels: NDArray[np.int64] | None
    voxel_mm: tuple[float, float, float]
    quantity: Quantity
    affine: Values


def pair_of(
    prediction: Image, reference: Image, *, mask: Image | None = None, labels: Image | None = None, name: str = "case"
) -> Pair:
    """Images → Pair.

    mask    voxels above zero count;  labels  integers

    The same voxels with their axes in another order or direction are one grid.

    Raises InputError if grids or quantities differ (nothing is resampled or converted in silence), if a value is not
    finite, if the reference is constant, if the mask is empty, or if CT numbers do not look like Hounsfield units.
    Warns of a signal that looks like CT numbers.
    """
    if prediction.quantity is not reference.quantity:
        raise InputError(
            f"{name}: the prediction is {prediction.quantity.value}, the reference {reference.quantity.value}",
            remedy="Convert one of them first; scores of different quantities mean nothing.",
        )
    reference, prediction = _upright(reference), _upright(prediction)
    mask, labels = (None if one is None else _upright(one) for one in (mask, labels))
    for what, other in (("prediction", prediction), ("mask", mask), ("label map", labels)):
        if other is not None:
            _require_one_grid(name, what, other, reference)
    x, y, affine = np.asarray(prediction.data), np.asarray(reference.data), reference.affine
    for what, values in (("prediction", x), ("reference", y)):
        _require_numbers(name, what, values)
    if np.ptp(y) == 0:
        raise InputError(f"{name}: the reference is constant ({float(y.flat[0]):g})", remedy="Check the file.")
    inside = None if mask is None else np.asarray(mask.data, float) > 0
    if inside is not None and not inside.any():
        raise InputError(f"{name}: the mask is empty", remedy="Check the mask, or leave it out.")
    if reference.quantity is Quantity.HU:
        for what, values in (("prediction", x), ("reference", y)):
            _require_hounsfield(name, what, values)
    if reference.quantity is Quantity.SIGNAL and float(np.min(y)) < AIR_OF_A_CT:
        warnings.warn(
            f"{name}: the reference goes down to {float(np.min(y)):g}, as CT numbers do, and is scored as a signal "
            "without units; if it is a CT, say that its quantity is HU (--quantity HU)",
            stacklevel=2,
        )
    tissue = None if labels is None else np.asarray(labels.data, np.int64)
    dx, dy, dz = (float(d) for d in voxel_sizes_mm(affine))
    return Pair(
        name, np.asarray(x, float), np.asarray(y, float), inside, tissue, (dx, dy, dz), reference.quantity, affine
    )


def _upright(image: Image) -> Image:
    """The same voxels, with axes that run as close to right, anterior, superior as they can."""
    data, affine = to_ras(np.asarray(image.data), image.affine)
    return replace(image, data=data, affine=affine)


def _require_one_grid(name: str, what: str, other: Image, reference: Image) -> None:
    if other.data.shape != reference.data.shape:
        raise InputError(
            f"{name}: the {what} has shape {other.data.shape}, the reference {reference.data.shape}",
            remedy="Resample one of them onto the other first; nothing is resampled here.",
        )
    corners = np.array(np.meshgrid(*([0, n - 1] for n in reference.data.shape))).reshape(3, -1)
    apart = (other.affine - reference.affine)[:3] @ np.vstack([corners, np.ones(8)])
    if np.linalg.norm(apart, axis=0).max() > SAME_MM:
        raise InputError(
            f"{name}: {what} and reference lie up to {np.linalg.norm(apart, axis=0).max():.3g} mm apart in space",
            remedy="Register and resample first, or correct the affine of one; nothing is resampled here.",
        )


def _require_numbers(name: str, what: str, values: NDArray[np.generic]) -> None:
    if np.iscomplexobj(values):
        raise InputError(f"{name}: the {what} is complex", remedy="Score its magnitude.")
    if not np.isfinite(np.asarray(values, float)).all():
        raise InputError(
            f"{name}: {int(np.sum(~np.isfinite(np.asarray(values, float))))} voxels of the {what} are not finite",
            remedy="Set them to a value that you can defend, or mask them in both images.",
        )


def _require_hounsfield(name: str, what: str, values: NDArray[np.generic]) -> None:
    low, high = float(np.min(values)), float(np.max(values))
    if low >= -200:
        fault, remedy = f"from {low:g} to {high:g}, without air", "Stored with an offset? Subtract it (often 1024)."
        if high - low <= 10:
            undo = "2000 x - 1000" if low >= 0 and high <= 1.5 else "1000 x"
            fault = f"from {low:g} to {high:g}"
            remedy = f"Undo the scaling of the network, with the numbers it was trained with: HU = {undo}, for example."
        raise InputError(f"{name}: the {what} does not look like HU: {fault}", remedy=remedy)
    if high - low <= 10 or high < -500:
        remedy = "An offset subtracted twice? Add it again (often 1024)." if high < -500 else "Check the file."
        raise InputError(f"{name}: the {what} does not look like HU: from {low:g} to {high:g}", remedy=remedy)
