"""Scans made by plain Fourier sums: voxels that are points, coils, and echo-planar or spiral readouts in a field."""

from __future__ import annotations

import numpy as np

from spinloom.core.encoding import Encoding
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Coils
from spinloom.reconstruction.coil_maps import maps_of

N, SIZE_MM, THICK_MM = 32, 6.0, 5.0


def encoding_2d(n: int = N, slices: int = 1) -> Encoding:
    """Square pixels of 192 mm / n."""
    size = N * SIZE_MM / n
    return Encoding(Grid.centred((n, n, slices), (size, size, THICK_MM)))


def disc(encoding: Encoding, radius: float = 0.32, hole: float = 0.1) -> np.ndarray:
    """(x, y, z) a disc of 1 with a round hole off its centre, edges a pixel wide; radii in fields of view."""
    x, y = places(encoding)
    edge = encoding.grid.shape[0] / 1.5
    body = 0.5 - 0.5 * np.tanh((np.hypot(x, y / 0.85) - radius) * edge)
    lack = 0.5 - 0.5 * np.tanh((np.hypot(x - 0.08, y + 0.05) - hole) * edge)
    return np.repeat((body * (1 - 0.8 * lack))[..., None], encoding.grid.shape[2], axis=2)


def places(encoding: Encoding) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the voxel centres, in fields of view."""
    return np.meshgrid(*[(np.arange(n) - (n - 1) / 2) / n for n in encoding.grid.shape[:2]], indexing="ij")


def cartesian_scan(m: np.ndarray, encoding: Encoding, coils: Coils | None = None) -> KSpace:
    """Every line of m (x, y, z); voxels are points, so that a full scan gives m back."""
    maps = np.ones((1, *m.shape)) if coils is None else maps_of(coils, encoding)
    n, FOV = encoding.grid.shape, np.array(encoding.grid.shape) * encoding.grid.voxel_mm * 1e-3
    q = [(np.arange(size) - size // 2) / length for size, length in zip(n, FOV)]
    r = [(np.arange(size) - (size - 1) / 2) * length / size for size, length in zip(n, FOV)]
    F = [np.exp(-2j * np.pi * np.outer(k, x)) for k, x in zip(q, r)]
    heard = maps * m * encoding.grid.voxel_volume_mm3
    if encoding.volume:
        S = np.einsum("ax,by,cz,ixyz->icba", *F, heard, optimize=True).reshape(len(maps), -1, n[0])
        k2, labels = np.repeat(q[2], n[1]), {}
    else:
        S = np.einsum("ax,by,ixyz->izba", F[0], F[1], heard, optimize=True).reshape(len(maps), -1, n[0])
        k2, labels = np.zeros(n[1] * n[2]), {"SLC": np.repeat(np.arange(n[2]), n[1])}
    k = np.stack(np.broadcast_arrays(q[0], np.tile(q[1], n[2])[:, None], k2[:, None]), axis=-1)
    return KSpace(S, np.array(k), np.zeros(k.shape[:2]), encoding, labels)


def samples_of(m: np.ndarray, f: np.ndarray, k: np.ndarray, t: np.ndarray, encoding: Encoding) -> np.ndarray:
    """(readout, sample) of one slice: sum_r m exp(-2πi (k r + f t)); m, f (x, y); k (readout, sample, 3), t alike."""
    index = np.stack(np.meshgrid(*map(np.arange, m.shape), indexing="ij"), -1).reshape(-1, 2)
    r = encoding.grid.positions_mm(np.concatenate([index, 0 * index[:, :1]], axis=1))[:, :2] * 1e-3
    own = m.ravel() != 0
    phase = k[..., :2].reshape(-1, 2) @ r[own].T + t.reshape(-1, 1) * f.ravel()[own]
    S = np.exp(-2j * np.pi * phase) @ m.ravel()[own]
    return (S * encoding.grid.voxel_volume_mm3).reshape(t.shape)


def echo_planar_raster(
    encoding: Encoding, spacing: float = 1e-3, reading: float = 0.6
) -> tuple[np.ndarray, np.ndarray]:
    """k (line, sample, 3) to and fro, and t (line, sample) within a train of one slice; `reading` of the spacing."""
    n, FOV = encoding.grid.shape, encoding.grid.shape[0] * encoding.grid.voxel_mm[0] * 1e-3
    k = np.zeros((n[1], 2 * n[0], 3))
    k[..., 0] = (np.arange(2 * n[0]) - n[0] + 0.5) / (2 * FOV)
    k[1::2, :, 0] *= -1
    k[..., 1] = ((np.arange(n[1]) - n[1] // 2) / FOV)[:, None]
    t = (np.arange(n[1]) * spacing)[:, None] + np.linspace(-reading / 2, reading / 2, 2 * n[0]) * spacing
    return k, t


def field_map(f: np.ndarray, encoding: Encoding) -> Image:
    """f (x, y) in Hz as an image."""
    return Image(f[..., None], encoding.grid.affine, Quantity.DB0)


def relative_error(image: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(image - truth) / np.linalg.norm(truth))
