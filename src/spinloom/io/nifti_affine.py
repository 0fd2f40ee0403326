"""Where a NIfTI image lies: sform, qform, or neither, and whether they can be believed."""

from __future__ import annotations

import math
import os
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import centred, voxel_sizes_mm
from spinloom.core.errors import InputError, UsageError
from spinloom.core.grid import Grid
from spinloom.io.nifti_header import Header

AffineChoice = Literal["auto", "sform", "qform"]

AGREE = 1e-3
"""sform and qform agree if no corner moves by more than this part of the grid's diagonal.

The quaternion is kept in float32 with its first element left out; near half a turn that is good to 6e-4 rad.
"""

SMALLEST_MM, LARGEST_MM = 2e-3, 1e3
FARTHEST_MM = 1e5
"""No voxel lies farther from the origin of any scanner or atlas."""
SHEAR_COSINE = 2e-3


def world_affine(header: Header, choice: AffineChoice, path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Voxel index → RAS+ [mm].

    choice  "auto": the one the file gives; refused if it gives two that disagree
            "sform", "qform": that one

    Raises InputError if it is absent, NaN, singular or of an impossible size; warns about shear, about units
    other than mm, and about a file that says nothing of orientation.
    """
    if choice not in ("auto", "sform", "qform"):
        raise UsageError(f"affine must be auto, sform or qform, not '{choice}'")
    sform, qform = header.sform, header.qform
    if choice != "auto":
        chosen = sform if choice == "sform" else qform
        if chosen is None:
            raise InputError(f"has no {choice}", file=path, remedy="Leave the choice of affine at auto.")
    elif sform is not None and qform is not None:
        _require_good(sform, "sform", path, other="qform" if _is_good(qform) else None)
        _require_good(qform, "qform", path, other="sform")
        _require_agreement(header, sform, qform, path)
        chosen = sform
    else:
        chosen = sform if sform is not None else qform
    if chosen is None:
        chosen = _unplaced(header, path)
    _require_good(chosen, choice if choice != "auto" else "sform" if sform is not None else "qform", path, other=None)
    if header.unit_mm != 1.0:
        warnings.warn(f"{path}: lengths in units of {header.unit_mm:g} mm were converted to mm.", stacklevel=3)
        chosen = np.diag([header.unit_mm] * 3 + [1.0]) @ chosen
    _check_size_and_shear(chosen, path)
    _check_place(chosen, header.shape[:3], path)
    return chosen


def _is_good(A: NDArray[np.float64]) -> bool:
    if not np.all(np.isfinite(A)):
        return False
    sizes = voxel_sizes_mm(A)
    return bool(np.all(sizes > 0) and abs(np.linalg.det(A[:3, :3])) > 1e-6 * np.prod(sizes))


def _require_good(A: NDArray[np.float64], name: str, path: str | os.PathLike[str], *, other: str | None) -> None:
    if not _is_good(A):
        fault = (
            "holds NaN or inf" if not np.all(np.isfinite(A)) else "is singular: it maps the volume onto a plane or less"
        )
        remedy = f"Pass affine='{other}' to use the other one." if other else "Correct its header."
        raise InputError(f"the affine ({name}) {fault}", file=path, remedy=remedy)


def _require_agreement(
    header: Header, sform: NDArray[np.float64], qform: NDArray[np.float64], path: str | os.PathLike[str]
) -> None:
    shape = (header.shape[0], header.shape[1], header.shape[2])
    diagonal = float(np.linalg.norm(voxel_sizes_mm(sform) * shape))
    if not Grid(shape, sform).same_place(Grid(shape, qform), AGREE * diagonal):
        sizes = " and ".join(
            f"{name} {' x '.join(f'{v * header.unit_mm:.3g}' for v in voxel_sizes_mm(A))} mm"
            for name, A in (("sform", sform), ("qform", qform))
        )
        raise InputError(
            f"its two affines put the image in different places ({sizes})",
            file=path,
            remedy="Save it with one of them in both places (in Python: affine='sform', what nibabel reads, or "
            "affine='qform', what ITK reads).",
        )


def _unplaced(header: Header, path: str | os.PathLike[str]) -> NDArray[np.float64]:
    if not np.all(np.isfinite(header.spacing)) or np.any(header.spacing <= 0):
        raise InputError(
            f"has neither an affine nor a voxel size ({header.spacing.tolist()})",
            file=path,
            remedy="Set the voxel size in its header, or convert it again from DICOM.",
        )
    warnings.warn(
        f"{path}: says nothing about its orientation (sform and qform codes are 0); its axes were taken as "
        "right, anterior, superior and its middle as the origin. Left and right may be swapped.",
        stacklevel=4,
    )
    return centred((header.shape[0], header.shape[1], header.shape[2]), header.spacing)


def _check_size_and_shear(A: NDArray[np.float64], path: str | os.PathLike[str]) -> None:
    sizes = voxel_sizes_mm(A)
    if np.any(sizes < SMALLEST_MM) or np.any(sizes > LARGEST_MM):
        shown = " x ".join(f"{v:.3g}" for v in sizes)
        raise InputError(
            f"has voxels of {shown} mm", file=path, remedy="Correct the voxel size or its unit in the header."
        )
    axes = A[:3, :3] / sizes
    cosine = float(np.abs(axes.T @ axes - np.eye(3)).max())
    if cosine > SHEAR_COSINE:
        warnings.warn(
            f"{path}: its axes are sheared by {math.degrees(math.asin(min(cosine, 1.0))):.1f} degrees; "
            "some programs will refuse or misplace it.",
            stacklevel=4,
        )


def _check_place(A: NDArray[np.float64], shape: tuple[int, ...], path: str | os.PathLike[str]) -> None:
    ends = A[:3, 3], A[:3, :3] @ (np.array(shape) - 1) + A[:3, 3]
    if max(np.abs(end).max() for end in ends) > FARTHEST_MM:
        raise InputError(
            f"lies at {', '.join(f'{v:.3g}' for v in A[:3, 3])} mm, more than {FARTHEST_MM / 1000:g} m from the origin",
            file=path,
            remedy="Correct the offset in its header (srow_x, srow_y, srow_z; qoffset).",
        )
