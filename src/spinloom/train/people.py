"""People as tissue classes in one space: label maps read, their brains' middles brought together, bent and sampled."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.io.blame import blame
from spinloom.io.nifti import read_image
from spinloom.phantom.classes import classes_of, index
from spinloom.phantom.deform import Deformation, apply
from spinloom.phantom.variation import Variation
from spinloom.translate.brain_plan import BRAIN_MM, CENTRE_MM

KNOT_MM = 4.0
"""Deformations are evaluated so far apart, and linear in between: their own grid is no finer."""
FIELD_MM = (192.0, 224.0, 192.0)
OTHERS = Variation(size=(1.0, 0.03), proportions=0.025, turn_deg=4.0, ventricles_mm=1.5)
"""How far one label map is bent to make another person."""
Classes = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Person:
    """classes (x, y, z) of a label map;  back (4, 4): common space [mm] → voxel index of the map."""

    name: str
    classes: Classes
    back: NDArray[np.float64]


def label_maps(folder: str | os.PathLike[str]) -> list[Path]:
    """The label maps in a folder (or the one file), sorted. Raises InputError if there are none."""
    root = Path(folder)
    found = [root] if root.is_file() else sorted(p for p in root.glob("*.nii*") if p.name.endswith((".nii", ".nii.gz")))
    if not found:
        raise InputError("holds no label maps", file=root, remedy="Expected NIfTI files (.nii, .nii.gz).")
    return found


def read_person(path: str | os.PathLike[str]) -> Person:
    """Raises InputError for files that are no whole-head label maps."""
    image = read_image(path, quantity=Quantity.LABEL)
    with blame(path):
        if image.data.ndim != 3:
            raise InputError("is no volume of labels")
        labels, A = geometry.to_ras(np.asarray(image.data).astype(np.int32), image.affine)
        classes = classes_of(np.asarray(labels, np.int32))
        brain = np.flatnonzero(np.isin(classes, (index("grey"), index("white"))))
        if len(brain) < 1000:
            raise InputError("holds no brain", remedy="Labels of grey and white matter are needed.")
        middle = geometry.apply(A, np.array([np.mean(v) for v in np.unravel_index(brain, classes.shape)]))
        moved = A.copy()
        moved[:3, 3] += np.asarray(BRAIN_MM) - middle
        return Person(Path(path).name.split(".")[0], classes, np.asarray(np.linalg.inv(moved), np.float64))


def sampled(person: Person, bent: Deformation | None, voxel_mm: float, levels_mm: Sequence[float] = ()) -> Classes:
    """The person's classes in the common space, nearest voxel.

    bent       another person made of this one; None: as they are
    levels_mm  axial levels to cut at: (n, x, y); none: the whole field, (x, y, z)
    """
    x, y = (_axis(n, voxel_mm) for n in (0, 1))
    z = np.asarray(levels_mm, float) if len(levels_mm) else _axis(2, voxel_mm)
    out = []
    for part in np.array_split(z, max(1, round(len(z) * voxel_mm / KNOT_MM / 4))):
        index_of = _indices(person, bent, x, y, part)
        inside = np.all((index_of >= 0) & (index_of < np.array(person.classes.shape)), axis=-1)
        found = person.classes[tuple(np.where(inside[..., None], index_of, 0).reshape(-1, 3).T)].reshape(inside.shape)
        out.append(np.where(inside, found, 0).astype(np.uint8))
    joined = np.concatenate(out, 2)
    return joined.transpose(2, 0, 1) if len(levels_mm) else joined


def _axis(n: int, voxel_mm: float) -> NDArray[np.float64]:
    """Voxel centres along an axis [mm]."""
    count = round(FIELD_MM[n] / voxel_mm)
    return np.asarray(CENTRE_MM[n] + (np.arange(count) - (count - 1) / 2) * voxel_mm, np.float64)


def _indices(
    person: Person, bent: Deformation | None, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
) -> NDArray[np.int64]:
    """(nx, ny, nz, 3) voxel of the map at each place: knots of the deformation, linear between them along x and y."""
    knots = [np.linspace(v[0], v[-1], max(2, round(np.ptp(v) / KNOT_MM) + 1)) for v in (x, y)]
    at = np.stack(np.meshgrid(*knots, z, indexing="ij"), -1)
    mm = at.reshape(-1, 3) if bent is None else apply(bent, at)
    found = geometry.apply(person.back, mm).reshape(at.shape).astype(np.float32)
    rows = torch.from_numpy(found).permute(2, 3, 0, 1)
    fine = F.interpolate(rows, (len(x), len(y)), mode="bilinear", align_corners=True)
    return fine.permute(2, 3, 0, 1).round().long().numpy()
