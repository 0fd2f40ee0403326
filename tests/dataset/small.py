"""A recipe small enough for a test: a label map of 24 x 28 x 16 voxels and two quick turbo spin echoes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.affine import centred
from spinloom.core.image import Image, Quantity
from spinloom.dataset.fields import Recipe
from spinloom.dataset.recipe import from_plain
from spinloom.io import write_image

GEOMETRY: dict[str, Any] = {"matrix": [24, 24], "slices": 3, "slice_thickness_mm": 20, "FOV_mm": [200, 200]}
T2W = {"use": "t2w", "suffix": "T2w", "parameters": {**GEOMETRY, "TR_ms": {"uniform": [3000, 4000]}, "ETL": 8}}
PDW = {"use": "pdw", "suffix": "PDw", "parameters": {**GEOMETRY, "TE_ms": 15, "TR_ms": 3000, "ETL": 4}}


def label_map(folder: Path) -> Path:
    """Four nested ellipsoids with BrainWeb's ids: CSF 1, GM 2, WM 3, fat 4."""
    file = folder / "labels.nii.gz"
    labels = np.zeros((24, 28, 16), np.uint8)
    x, y, z = np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in labels.shape], indexing="ij")
    r = np.sqrt((x / 11) ** 2 + (y / 13) ** 2 + (z / 9) ** 2)
    for radius, label in ((1.0, 4), (0.9, 1), (0.8, 2), (0.5, 3)):
        labels[r < radius] = label
    write_image(Image(labels, centred((24, 28, 16), 6.0), Quantity.LABEL), file)
    return file


def small_recipe(folder: Path, **more: Any) -> Recipe:
    """Two subjects, two scans; everything can be overridden."""
    folder.mkdir(exist_ok=True, parents=True)
    file = folder / "labels.nii.gz"
    if not file.exists():
        label_map(folder)
    value: dict[str, Any] = {
        "seed": 3,
        "subjects": 2,
        "phantom": {"kind": "labels", "files": [str(file)], "labels": "brainweb"},
        "protocol": [T2W, PDW],
        "scanner": {"B1_inhomogeneity": 0, "receive_inhomogeneity": 0},
    }
    return from_plain({**value, **more})
