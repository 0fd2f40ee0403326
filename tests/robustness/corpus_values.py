"""Values: numbers that are not finite, not what they are said to be, or of no scale."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nifti_corpus as n
import numpy as np
from corpus_case import Case, accepted, refused
from corpus_container import header, nii
from numpy.typing import NDArray


def voxels(make: Callable[[], NDArray[np.generic]], name: str = "x.nii") -> Callable[[Path], Path]:
    return nii(lambda: n.nifti(make()), name)


def full(value: float, kind: type = np.float32) -> Callable[[], NDArray[np.generic]]:
    return lambda: np.full(n.SHAPE, value, kind)


def with_value(value: float) -> NDArray[np.float32]:
    data = n.volume()
    data[1, 2, 3] = data[4, 4, 4] = value
    return data


def ct() -> NDArray[np.int16]:
    """Half air, half water."""
    data = np.full(n.SHAPE, -1000, np.int16)
    data[:4] = 40
    return data


def labels(*values: float) -> Callable[[], NDArray[np.float32]]:
    return lambda: np.resize(np.array(values, np.float32), n.SHAPE)


PHANTOM = ("phantom", "{}", "-o", "{dir}/out")
CASES: tuple[Case, ...] = (
    refused("NaN", "two voxels", voxels(lambda: with_value(np.nan)), "2 of 720 voxels are NaN or inf"),
    refused("inf", "two voxels", voxels(lambda: with_value(np.inf)), "2 of 720 voxels are NaN or inf"),
    refused("scaling overflows", "slope 3e38", nii(lambda: n.nifti(scl_slope=3e38)),
            "720 of 720 voxels are NaN or inf"),
    accepted("all zero", "nothing but background", voxels(full(0, np.int16)), "every voxel is 0"),
    accepted("constant", "one number everywhere", voxels(full(7, np.int16)), "every voxel is 7"),
    accepted("negative MR", "a signal below 0", voxels(lambda: -n.volume()), "8 x 9 x 10"),
    accepted("complex", "complex voxels stay complex", voxels(lambda: n.volume().astype(np.complex64)), "complex64"),
    accepted("float64 1e300", "read as it is, in float64", voxels(full(1e300, np.float64)), "float64"),
    refused("RGB", "a colour picture as NIfTI", header(datatype=128, bitpix=24), "RGB colour"),
    refused("RGBA", "a colour picture as NIfTI", header(datatype=2304, bitpix=32), "RGB|colour|unknown"),
    accepted("HU with an offset of 1024", "a CT without air below -200: said",
             voxels(lambda: ct() + np.int16(1024), "p1_CT.nii"), "stored with an offset"),
    refused("HU within 0 and 1", "a CT that was rescaled", voxels(lambda: (ct() + 1000) / np.float32(2000),
            "p1_CT.nii"),
            "rescaled"),
    accepted("CT", "as it should be", voxels(ct, "p1_CT.nii"), "HU"),
    accepted("label 1.0000001", "floats next to whole numbers are rounded, and it is said",
             voxels(labels(0, 1, float(np.nextafter(np.float32(1), np.float32(2)))), "p1_labels.nii"), "rounded"),
    refused("label 1.5", "interpolated labels", voxels(labels(0, 1, 1.5), "p1_labels.nii"), "not whole"),
    refused("label -3", "a label below 0", voxels(labels(0, 1, -3), "p1_labels.nii"), "negative label -3"),
    refused("label beyond every table", "label 30000 in a phantom", voxels(labels(0, 1, 30000), "p1_labels.nii"),
            "30000", *PHANTOM),
    refused("label map of nothing", "only background in a phantom", voxels(labels(0), "p1_labels.nii"),
            "background|nothing|empty|no tissue|every", *PHANTOM),
    refused("label NaN", "a phantom with a voxel of NaN", voxels(lambda: with_value(np.nan), "p1_labels.nii"), "NaN"),
    refused("signal as a label map", "noise where labels were expected", voxels(n.volume, "p1_labels.nii"), "not whole",
            *PHANTOM),
)  # fmt: skip
