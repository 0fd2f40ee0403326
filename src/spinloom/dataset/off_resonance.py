"""The field a subject's own susceptibilities make, after the scanner has shimmed it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from spinloom.phantom.phantom import Phantom
from spinloom.phantom.susceptibility import field_from_susceptibility, shim

COARSE_MM = 3.0
"""The field is worked out on voxels of about this size: it is smooth wherever there is signal."""

BRAIN = ("csf", "grey_matter", "white_matter", "deep_grey_matter")
"""What the shim is for, where the labels tell."""


def with_off_resonance(phantom: Phantom, *, B0: float, strength: float = 1.0) -> Phantom:
    """The phantom with dB0 from its susceptibilities, shimmed to second order over the brain (or all there is).

    One that has a measured dB0, or no susceptibilities, stays as it is.

    B0        [T]
    strength  1: as it is, 0: none
    """
    if phantom.chi_ppm is None or phantom.dB0 is not None or strength == 0:
        return phantom
    every = np.maximum(1, np.floor(COARSE_MM / phantom.grid.voxel_mm + 1e-6)).astype(int)
    chi, inside = _means(phantom.chi_ppm, every), _means(_shimmed_over(phantom).astype(np.float32), every)
    size = phantom.grid.voxel_mm * every
    rotation = phantom.grid.affine[:3, :3] / phantom.grid.voxel_mm
    direction = rotation.T @ [0.0, 0.0, 1.0]  # B0 is along the scanner's S axis
    field = field_from_susceptibility(chi, size, B0, direction=(direction[0], direction[1], direction[2]))
    field = shim(field, inside > 0.5 if (inside > 0.5).any() else inside > 0, order=2, voxel_mm=size)
    # index of the coarse grid at the centre of fine voxel i: (i - (every - 1) / 2) / every
    fine = affine_transform(
        field, 1 / every, -(every - 1) / 2 / every, output_shape=phantom.grid.shape, order=1, mode="nearest"
    )
    return replace(phantom, dB0=(strength * np.asarray(fine)).astype(np.float32))


def _shimmed_over(phantom: Phantom) -> NDArray[np.bool_]:
    if phantom.tissues is not None and phantom.labels is not None:
        ids = [t.label for t in phantom.tissues if t.name in BRAIN]
        mask = np.isin(phantom.labels, ids)
        if mask.any():
            return mask
    return phantom.PD > 0


def _means(data: NDArray[np.float32], every: NDArray[np.int_]) -> NDArray[np.float32]:
    """Means of blocks of voxels; the last block of an axis is filled up with its edge."""
    pad = [(0, int(-n % e)) for n, e in zip(data.shape, every, strict=True)]
    padded = np.pad(data, pad, mode="edge")
    a, b, c = (int(e) for e in every)
    x, y, z = (n // e for n, e in zip(padded.shape, (a, b, c), strict=True))
    return padded.reshape(x, a, y, b, z, c).mean(axis=(1, 3, 5), dtype=np.float32)
