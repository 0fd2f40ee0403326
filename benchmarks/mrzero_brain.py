"""The phantom of mrzero.py: one slice of a brain, every map continuous."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat
from scipy.ndimage import gaussian_filter

DATA = Path(os.environ.get("SPINLOOM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
FOV, THICKNESS, MATRIX = 208e-3, 5e-3, 128  # [m, m, 1]; the grid is MATRIX x MATRIX x 1
BRAINWEB = {  # class of brain2D.mat: PD, T1, T2, T2* [ms]; the rest (bone, vessels, air) is silent
    23: (1.00, 2569, 329, 58),
    46: (0.86, 833, 83, 69),
    70: (0.77, 500, 70, 61),
    93: (1.00, 350, 70, 58),
    116: (1.00, 900, 47, 30),
    139: (1.00, 569, 329, 58),
    209: (0.77, 500, 70, 61),
    232: (1.00, 2569, 329, 58),
    255: (0.77, 500, 70, 61),
}
Maps = dict[str, NDArray[np.float32]]


def averaging(fine: int, coarse: int) -> NDArray[np.float64]:
    """(coarse, fine) overlap of coarse pixels with fine ones over one length; rows sum to 1."""
    low, high = np.arange(coarse) * fine / coarse, (np.arange(coarse) + 1) * fine / coarse
    pixel = np.arange(fine)
    overlap = np.minimum(high[:, None], pixel + 1) - np.maximum(low[:, None], pixel)
    return np.clip(overlap, 0, None) * coarse / fine


def brain(folder: Path = DATA) -> Maps:
    """The axial BrainWeb slice of KomaMRI on MATRIX x MATRIX x 1 voxels, every map continuous.

    Rates are PD-weighted means over a voxel, with a smooth texture of 4 %; voxels less than half full are empty.
    PD [water = 1], T1, T2, T2prime [s], dB0 [Hz], B1 [1], each (x, y, z); voxel_mm (3,).
    """
    path = folder / "koma_phantoms" / "brain2D.mat"
    if not path.exists():
        raise SystemExit(f"the brain is not here ({path}): set SPINLOOM_SHARED_DATA to the folder of shared data")
    classes = loadmat(path)["axial"]
    fine = round(FOV / 0.5e-3)
    rows, columns = np.nonzero(classes)
    framed = np.zeros((fine, fine), int)
    i = rows - (rows.min() + rows.max()) // 2 + fine // 2
    j = columns - (columns.min() + columns.max()) // 2 + fine // 2
    framed[i, j] = classes[rows, columns]
    W = averaging(fine, MATRIX)
    sums, full = np.zeros((4, MATRIX, MATRIX)), np.zeros((MATRIX, MATRIX))
    for value, (PD, *times) in BRAINWEB.items():
        share = W @ (framed == value) @ W.T
        full += share
        T1, T2, T2star = (t * 1e-3 for t in times)
        sums += share * PD * np.array([1, 1 / T1, 1 / T2, 1 / T2star - 1 / T2])[:, None, None]
    there = full > 0.5
    PD = np.where(there, sums[0], 0)
    rates = sums[1:] / np.where(there, sums[0], 1)
    texture = gaussian_filter(np.random.default_rng(0).standard_normal((3, MATRIX, MATRIX)), (0, 2, 2))
    rates = np.where(there, rates * (1 + 0.04 * texture / texture.std()), 1)
    x, y = np.meshgrid(*[(np.arange(MATRIX) - (MATRIX - 1) / 2) / (MATRIX / 2)] * 2, indexing="ij")
    sinus = 90 * np.exp(-((x - 0.75) ** 2 + y**2) / 0.08)
    maps = {
        "PD": PD,
        **{name: 1 / rate for name, rate in zip(("T1", "T2", "T2prime"), rates, strict=True)},
        "dB0": np.where(there, sinus + 15 * x - 10 * y + 20 * (x**2 - y**2) - 5, 0),
        "B1": np.where(there, 1.12 - 0.35 * (x**2 + 0.8 * y**2) + 0.04 * x * y, 1),
    }
    out = {name: values[..., None].astype(np.float32) for name, values in maps.items()}
    out["voxel_mm"] = np.array([FOV / MATRIX, FOV / MATRIX, THICKNESS], np.float32) * 1e3
    return out
