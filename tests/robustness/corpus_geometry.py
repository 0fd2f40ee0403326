"""Geometry: where an image says it lies, and images that do not lie on each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nifti_corpus as n
import numpy as np
from corpus_case import Case, accepted, refused
from corpus_container import header, nii
from numpy.typing import NDArray

A = n.AFFINE
SHEAR, NANS = A.copy(), A.copy()
SHEAR[0, 1], NANS[1, 1] = 0.8, np.nan
COMPARE = ("evaluate", "{}", "{dir}/reference.nii")


def oblique() -> NDArray[np.float64]:
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    return np.array([[2 * c, -2 * s, 0, 0], [2 * s, 2 * c, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])


def pair_of(affine: NDArray[np.float64], data: NDArray[np.float32] | None = None) -> Callable[[Path], Path]:
    """A prediction on this grid beside a reference on the usual one."""

    def make(folder: Path) -> Path:
        n.write(folder, n.nifti(), "reference.nii")
        return n.write(folder, n.nifti(n.volume() if data is None else data, affine), "prediction.nii")

    return make


def moved(mm: float) -> NDArray[np.float64]:
    B = A.copy()
    B[0, 3] += mm
    return B


def flipped() -> NDArray[np.float64]:
    """Left and right swapped, in the same place."""
    B = A.copy()
    B[0] = [-2, 0, 0, A[0, 3] + 2 * (n.SHAPE[0] - 1)]
    return B


CASES: tuple[Case, ...] = (
    accepted("left-handed", "x runs to the left", nii(lambda: n.nifti(affine=A @ np.diag([-1, 1, 1, 1]))),
            "8 x 9 x 10"),
    accepted("axes ASR", "another order", nii(lambda: n.nifti(affine=A[:, [1, 2, 0, 3]])), "axes ASR"),
    accepted("oblique by 30 degrees", "turned slices", nii(lambda: n.nifti(affine=oblique())), "of 2 x 2 x 2 mm"),
    accepted("sheared", "axes that are not square", header(**n.sform(SHEAR), qform_code=0), "sheared by"),
    accepted("0.1 x 0.1 x 10 mm", "very flat voxels", nii(lambda: n.nifti(affine=np.diag([0.1, 0.1, 10, 1]))),
             "of 0.1 x 0.1 x 10 mm"),
    refused("spacing 0", "pixdim 0", header(pixdim=[1, 0, 2, 2, 0, 0, 0, 0], sform_code=0), "singular"),
    accepted("spacing negative", "pixdim is a length: its sign is dropped, the affine counts",
             header(pixdim=[1, -2, 2, 2, 0, 0, 0, 0], qform_code=0), "of 2 x 2 x 2 mm"),
    refused("spacing 1e-9", "voxels of a picometre", nii(lambda: n.nifti(affine=np.diag([1e-9] * 3 + [1]))), "1e-09"),
    refused("spacing 1e6", "voxels of a kilometre", nii(lambda: n.nifti(affine=np.diag([1e6] * 3 + [1]))), r"1e\+06"),
    refused("sform singular", "a plane", header(**n.sform(np.diag([2, 2, 0, 1])), qform_code=0), "singular"),
    refused("sform all zero", "a point, and a qform that would do", header(**n.sform(np.zeros((4, 4)))), "qform"),
    refused("sform NaN", "nowhere", header(**n.sform(NANS)), "NaN"),
    refused("sform is not qform", "two places", header(pixdim=[1, 1, 1, 5, 0, 0, 0, 0]), "different places"),
    refused("a translation apart", "two places, 1 mm apart", header(qoffset_x=-6.0), "different places"),
    refused("left and right swapped", "sform mirrors qform", header(**n.sform(A @ np.diag([-1, 1, 1, 1]))),
            "different"),
    refused("quaternion longer than 1", "no rotation", header(quatern_b=1.0, quatern_c=1.0, sform_code=0), "NaN"),
    accepted("nowhere", "neither sform nor qform", header(sform_code=0, qform_code=0), "nothing about its orientation"),
    refused("without any size", "no affine, pixdim 0",
            header(sform_code=0, qform_code=0, pixdim=[1] + [0] * 7), "neither an affine nor a voxel size"),
    accepted("metres", "0.002 m are 2 mm", nii(lambda: n.nifti(affine=np.diag([2e-3] * 3 + [1]), xyzt_units=1)),
             "of 2 x 2 x 2 mm.*converted"),
    refused("millimetres called microns", "1 um voxels", nii(lambda: n.nifti(affine=np.eye(4), xyzt_units=3)),
            "voxels of 0.001"),
    accepted("seconds where a length should be", "a unit of time alone: taken as mm, and said", header(xyzt_units=8),
             "of 2 x 2 x 2 mm.*none of length"),
    refused("10^30 mm away", "an offset beyond all scanners", nii(lambda: n.nifti(affine=moved(1e30))),
            r"1e\+30.*more than 100 m from the origin"),
    refused("unknown length unit", "code 5", header(xyzt_units=5), "unknown length unit"),
    refused("four volumes", "a series where one image was expected",
            nii(lambda: n.nifti(np.zeros((4, 4, 4, 4), np.int16))), "holds 4 volumes"),
    refused("five axes", "vectors per voxel", nii(lambda: n.nifti(np.zeros((4, 4, 4, 2, 2), np.int16))), "shape"),
    refused("one axis", "a line", header(dim=[1, 720, 1, 1, 1, 1, 1, 1]), "two axes or three"),
    accepted("2-D", "one slice", nii(lambda: n.nifti(np.ones((5, 6), np.int16))), "5 x 6 x 1 voxels"),
    accepted("1 x 1 x 1", "one voxel", nii(lambda: n.nifti(np.ones((1, 1, 1), np.int16))), "1 x 1 x 1 voxels"),
    accepted("an axis of 1", "one column", nii(lambda: n.nifti(np.ones((1, 6, 7), np.int16))), "1 x 6 x 7 voxels"),
    accepted("grids 1e-7 mm apart", "rounding of a file format", pair_of(moved(1e-7)), "MAE +0 ", *COMPARE),
    accepted("grids 1e-4 mm apart", "rounding of a program", pair_of(moved(1e-4)), "MAE +0 ", *COMPARE),
    refused("grids 1 mm apart", "only the translation differs", pair_of(moved(1.0)), "1 mm apart", *COMPARE,
            named="reference"),
    accepted("grids mirrored", "stored from right to left in one: compared in space",
             pair_of(flipped(), np.ascontiguousarray(n.volume()[::-1])), "MAE +0 ", *COMPARE),
    refused("grids transposed", "8 x 9 x 10 against 10 x 9 x 8",
            pair_of(A, np.ascontiguousarray(n.volume().transpose(2, 1, 0))), "shape", *COMPARE, named="reference"),
)  # fmt: skip
