"""Registration: move one image of a subject onto another, by mutual information."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import head
from spinloom.core.resample import AIR_HU
from spinloom.dataset.itk_images import matrix_RAS, one_thread, simpleitk, through, to_itk
from spinloom.dataset.register_kinds import Deformable, Kind, Rigid
from spinloom.dataset.register_quality import Quality, measure
from spinloom.dataset.register_search import search

LEAST_OVERLAP = 0.3
"""Share of the region that counts which the moved image must still reach."""
SLACK = 0.02
"""Relative loss of mutual information that interpolation alone may cost."""
RIM_MM = 6.0
"""How far beyond the region that counts the search also looks [mm]."""
FURTHEST_MM = 150.0
"""Displacement beyond which a registration is taken to have run away [mm]."""


@dataclass(frozen=True, eq=False)
class Registered:
    """A moved image and how it was moved.

    image    the moving image on the fixed grid
    matrix   (4, 4) its linear part: fixed → moving position, RAS [mm]
    quality  agreement before and after
    facts    what was done, for a JSON file
    """

    image: Image
    matrix: NDArray[np.float64]
    quality: Quality
    facts: dict[str, object]


def register(moving: Image, fixed: Image, kind: Kind | None = None, mask: Image | None = None) -> Registered:
    """The moving image, interpolated linearly where the fixed image's voxels are.

        T = argmax MI(fixed(x), moving(T(x)))

    over a pyramid of voxel sizes, from the better of two starts: positions as the headers say, and centres of mass on
    each other. One thread, regular samples: the same images give the same transform.

    moving  a signal or CT numbers; labels are moved by nearest neighbour but are a poor guide
    fixed   the image that stays
    kind    Rigid() (the default), Affine() or Deformable()
    mask    on the fixed grid, where agreement counts; None: the head or body in the fixed image

    Raises InputError for constant images, images of fewer than 4 slices, a mask elsewhere, and a registration that made
    the agreement worse (than before, or than the stiffer stage it began from), ran away or folded space; MachineError
    without SimpleITK.

    Mattes et al., IEEE Trans. Med. Imaging 22, 120 (2003); Rueckert et al., IEEE Trans. Med. Imaging 18, 712 (1999).
    """
    how = kind or Rigid()
    for name, image in (("the moving image", moving), ("the fixed image", fixed)):
        if min(image.data.shape) < 4:
            raise InputError(f"{name} has shape {image.data.shape}; 4 voxels along each axis are the least")
        if not np.isfinite(image.data).all() or image.data.min() == image.data.max():
            raise InputError(f"{name} is constant or holds NaN", remedy="Give another.")
    where = _region(fixed, mask)
    itk_fixed, itk_moving = to_itk(fixed, "the fixed image"), to_itk(moving, "the moving image")
    counts = to_itk(replace(fixed, data=where.astype(np.uint8)), "the mask")
    with one_thread():
        *began, transform = search(itk_fixed, itk_moving, _with_rim(counts), _as_mask(counts), how)
        quality = measure(itk_fixed, itk_moving, counts, transform, how.levels_mm[-1])
        earlier = [measure(itk_fixed, itk_moving, counts, stage, how.levels_mm[-1]).MI_after for stage in began[-1:]]
    _require_better(quality, earlier)
    linear = transform.GetNthTransform(0) if isinstance(how, Deformable) else transform
    A = matrix_RAS(linear)
    middle = fixed.grid.centre_mm
    facts: dict[str, object] = {
        "kind": type(how).__name__,
        "settings": dict(vars(how)),
        "fixed to moving, RAS [mm]": [[round(float(v), 6) for v in row] for row in A],
        "rotation [deg]": round(float(np.rad2deg(_angle(A))), 4),
        "shift of the middle [mm]": [round(float(v), 4) for v in A[:3, :3] @ middle + A[:3, 3] - middle],
        "interpolation": "nearest" if moving.quantity is Quantity.LABEL else "linear",
        "by": f"SimpleITK {simpleitk().Version.VersionString()}",
        "quality": quality.facts(),
    }
    return Registered(_moved(itk_moving, itk_fixed, moving, fixed, transform), A, quality, facts)


def _region(fixed: Image, mask: Image | None) -> NDArray[np.bool_]:
    if mask is None:
        return head(fixed.data)
    if not mask.grid.same_place(fixed.grid):
        raise InputError("the mask does not lie on the fixed image's grid", remedy="Make it on that image.")
    if not np.any(mask.data):
        raise InputError("the mask is empty")
    return np.asarray(mask.data) != 0


def _as_mask(counts: Any) -> Any:
    return simpleitk().Cast(counts > 0, simpleitk().sitkUInt8)


def _with_rim(counts: Any) -> Any:
    """The region that counts and a rim around it, so that its edge is seen."""
    steps = [max(1, round(RIM_MM / size)) for size in counts.GetSpacing()]
    return simpleitk().BinaryDilate(_as_mask(counts), steps, simpleitk().sitkBox)


def _moved(itk_moving: Any, itk_fixed: Any, moving: Image, fixed: Image, transform: Any) -> Image:
    is_label = moving.quantity is Quantity.LABEL
    outside = AIR_HU if moving.quantity is Quantity.HU else 0.0
    data = np.ascontiguousarray(np.transpose(through(itk_moving, itk_fixed, transform, outside, nearest=is_label)))
    return replace(moving, data=data.astype(moving.data.dtype) if is_label else data, affine=fixed.affine)


def _require_better(q: Quality, earlier: list[float]) -> None:
    if earlier and q.MI_after < earlier[0] * (1 - SLACK):
        raise InputError(
            f"the freer registration agrees less than the stiffer one it began from: mutual information "
            f"{q.MI_after:.3f} after {earlier[0]:.3f}",
            remedy="Use a stiffer kind; strong shading misleads, so even it out first.",
        )
    if q.MI_after < q.MI_before * (1 - SLACK):
        raise InputError(
            f"registration made it worse: mutual information fell from {q.MI_before:.3f} to {q.MI_after:.3f}",
            remedy="Keep the images as they are, or give a mask.",
        )
    if q.overlap < LEAST_OVERLAP or q.displacement_max_mm > FURTHEST_MM:
        raise InputError(
            f"registration ran away: {q.overlap:.0%} overlap, up to {q.displacement_max_mm:.0f} mm moved",
            remedy="Check that both show the same part of the same body, and their orientation.",
        )
    if q.least_jacobian <= 0:
        raise InputError("registration folds space", remedy="Use a wider lattice, or an affine one.")


def _angle(A: NDArray[np.float64]) -> float:
    """Rotation angle of the orthogonal part [rad]."""
    u, _, v = np.linalg.svd(A[:3, :3])
    return float(np.arccos(np.clip((np.trace(u @ v) - 1) / 2, -1, 1)))
