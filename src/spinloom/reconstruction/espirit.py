"""Coil maps as eigenvectors of the kernels that calibrated k-space obeys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from spinloom.reconstruction.coil_maps import calibration_images, principal, with_phase_of
from spinloom.reconstruction.lines import Lines
from spinloom.reconstruction.scan import Scan

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Espirit:
    """ESPIRiT: patches of calibrated k-space lie in a small space; coil maps are what that space leaves unchanged.

        A = U Σ V^H      rows of A: patches of all coils,   V_+ : σ > threshold σ_max
        (1 / K²) G^H G (r) s(r) = λ s(r),    G_q,c(r) = sum_δ V_qcδ exp(-2πi δ . r / FOV)

    s belongs to the largest λ; where λ < crop there is no object, and s = 0. Done in the plane of readout and phase for
    each slice, in the plane of both phase axes for each position along the readout of a volume.

    kernel     edge of a patch K [lines]
    threshold  of singular values, relative to the largest
    crop       of the eigenvalue
    most       lines of the centre used along each axis

    Raises InputError as calibration_images does.

    Uecker et al., Magn. Reson. Med. 71, 990 (2014).
    """

    kernel: int = 5
    threshold: float = 0.02
    crop: float = 0.8
    most: int = 24

    def __call__(self, scan: Scan) -> Complex:
        images, centre = calibration_images(scan)
        encoded, read = centre[:-1], centre[-1]
        plane = encoded if scan.encoding.volume else [*encoded, read]
        (a, half_a), (b, half_b) = plane
        rest = 3 - a.axis - b.axis
        stack = np.moveaxis(images, (a.axis + 1, b.axis + 1, rest + 1), (1, 2, 3))
        maps = np.zeros_like(stack)
        power = np.sqrt(np.sum(np.abs(stack) ** 2, axis=(0, 1, 2)))
        for i in np.flatnonzero(power > 1e-3 * power.max()):
            k = _centre(_centre(stack[..., i], 1, a, self._half(half_a)), 2, b, self._half(half_b))
            maps[..., i] = self._plane(k, a.N, b.N)
        back = np.moveaxis(maps, (1, 2, 3), (a.axis + 1, b.axis + 1, rest + 1))
        return with_phase_of(back, principal(images))

    def _half(self, half: int) -> int:
        return min(half, self.most // 2)

    def _plane(self, k: Complex, na: int, nb: int) -> Complex:
        """Calibrated k-space (coil, a, b) → maps (coil, na, nb)."""
        size = tuple(min(self.kernel, n) for n in k.shape[1:])
        patches = sliding_window_view(k, size, axis=(1, 2))  # (coil, i, j, *size)
        A = np.moveaxis(patches, 0, 2).reshape(-1, len(k) * size[0] * size[1])
        _, sigma, Vh = np.linalg.svd(A, full_matrices=False)
        V = Vh[sigma > self.threshold * sigma[0]].reshape(-1, len(k), *size)
        phase_a, phase_b = (np.exp(-2j * np.pi * np.outer(np.arange(s), _place(n))) for s, n in zip(size, (na, nb)))
        G = np.einsum("qcab,ax,by->xyqc", V.conj(), phase_a, phase_b, optimize=True)
        H = np.einsum("xyqc,xyqd->xycd", G.conj(), G, optimize=True) / (size[0] * size[1])
        value, vector = np.linalg.eigh(H)
        s = np.where(value[..., -1:] > self.crop, vector[..., -1], 0)
        return np.asarray(np.moveaxis(s, -1, 0))


def _centre(images: Complex, axis: int, lines: Lines, half: int) -> Complex:
    """Fourier transform along one axis, |n| <= half."""
    n = np.arange(-half, half + 1)
    F = np.exp(-2j * np.pi * np.outer(n + lines.offset, _place(lines.N)))
    return np.asarray(np.moveaxis(np.tensordot(F, images, axes=(1, axis)), 0, axis))


def _place(N: int) -> Floats:
    """Voxel centres in fields of view."""
    return np.asarray((np.arange(N) - (N - 1) / 2) / N)
