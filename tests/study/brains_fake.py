"""Heads made of ellipsoids as label maps of FreeSurfer numbers, on voxels of 4 mm: enough to learn from in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.io import write_image

SHAPE = (48, 58, 50)
LAYERS = ((511, 1.0), (507, 0.95), (515, 0.88), (24, 0.8), (3, 0.74), (2, 0.6))
"""Label and size of each ellipsoid, from outside in."""


def label_map(k: int) -> np.ndarray:
    """Person k: ventricles grow with k, and the head's width changes a little."""
    grid = np.stack(np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in SHAPE), indexing="ij"), -1)
    r = np.linalg.norm(grid / np.array([19.0 + 0.5 * (k % 3), 23.0, 21.0]), axis=-1)
    out = np.zeros(SHAPE, np.int32)
    for label, size in LAYERS:
        out[r < size] = label
    away = np.abs(np.abs(grid[..., 0]) - 3.0)
    out[(away < 1.5 + 0.3 * k) & (np.abs(grid[..., 1]) < 8) & (np.abs(grid[..., 2]) < 3 + 0.3 * k)] = 4
    out[(np.abs(np.abs(grid[..., 0]) - 8) < 2) & (np.abs(grid[..., 1]) < 4) & (np.abs(grid[..., 2]) < 4)] = 10
    out[(np.abs(grid[..., 0]) < 2) & (grid[..., 1] < -19) & (r < 0.86)] = 514
    return out


def write_maps(folder: Path, count: int) -> Path:
    """seg_0.nii.gz ... in a folder."""
    for k in range(count):
        affine = np.diag([4.0, 4.0, 4.0, 1.0])
        write_image(Image(label_map(k), affine, Quantity.LABEL), folder / f"seg_{k}.nii.gz")
    return folder
