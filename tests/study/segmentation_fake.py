"""Small heads as label maps and labelled scans on disk, quick to simulate and to learn from."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

MM = 4.0
BRAINWEB = (6, 7, 1, 2, 3)
"""Skin, skull, CSF, grey and white matter, from outside."""


def labels(seed: int, n: int = 40) -> np.ndarray:
    """(n, n + 6, n - 4) nested ellipsoids, each person's of another size."""
    rng = np.random.default_rng(seed)
    shape = (n, n + 6, n - 4)
    middle = (np.array(shape) - 1) / 2
    half = middle * rng.uniform(0.86, 0.97, 3)
    r = np.sqrt(sum(((x - m) / h) ** 2 for x, m, h in zip(np.indices(shape), middle, half, strict=True)))
    out = np.zeros(shape, np.int16)
    for edge, label in zip((1.0, 0.9, 0.8, 0.68, 0.5), BRAINWEB, strict=True):
        out[r < edge] = label
    out[(r < 0.97) & (r > 0.93)] = 4
    return out


def write(path: Path, data: np.ndarray, shift: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([MM, MM, MM, 1])
    affine[:3, 3] = shift
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


def maps(folder: Path, count: int = 5) -> Path:
    for n in range(count):
        write(folder / f"head_{n}.nii.gz", labels(n))
    return folder


def scans(folder: Path, count: int = 3, names: str = "sub-{n:02}") -> Path:
    """BIDS: a T1w of each person and its label map (MRBrainS's numbers would be others)."""
    for n in range(count):
        what, who = labels(n), names.format(n=n)
        grey = np.array([0, 60, 200, 330, 420, 0, 250, 20], np.float32)[what]
        noise = np.random.default_rng(n).normal(0, 8, what.shape)
        write(folder / who / "anat" / f"{who}_T1w.nii.gz", np.abs(grey + noise).astype(np.float32))
        write(folder / who / "anat" / f"{who}_dseg.nii.gz", what)
    return folder
