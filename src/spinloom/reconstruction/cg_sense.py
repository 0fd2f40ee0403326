"""CG-SENSE: the image that, heard by the coils and sampled as it was, comes closest to the samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.core.image import Image
from spinloom.core.products import product
from spinloom.reconstruction.cartesian import along_readout, axis_positions, fourier, tables
from spinloom.reconstruction.coil_maps import CoilMaps
from spinloom.reconstruction.conjugate_gradients import conjugate_gradients
from spinloom.reconstruction.samples import plane, put_plane, samples
from spinloom.reconstruction.scan import Scan
from spinloom.reconstruction.whiten import whitener

Complex = NDArray[np.complexfloating]


@dataclass(frozen=True, eq=False)
class CGSense:
    """Conjugate gradients on the normal equations, for any lines and any trajectory.

        (sum_c s_c* F^H D F s_c + λ 1) m = sum_c s_c* F^H D d_c

    F the Fourier sum to the samples, D their density (scattered) or number of acquisitions (lines); solved for
    m sqrt(sum_c |s_c|²), which is better conditioned (the paper's intensity correction).

    maps        where sensitivities come from
    iterations  at most; fewer when the residual falls below `tolerance` of the right-hand side
    tikhonov    λ, in units of a fully sampled scan with sum_c |s_c|² = 1: less noise, less resolution
    covariance  Ψ (coil, coil) of the noise; None: white and equal
    dB0         off-resonance [Hz] of scattered samples, put into F; or None

    Raises UsageError for a window, which has no place in a fit, and for dB0 with straight lines.

    Pruessmann, Weiger, Börnert & Boesiger, Magn. Reson. Med. 46, 638 (2001); with dB0: Sutton, Noll & Fessler,
    IEEE Trans. Med. Imaging 22, 178 (2003).
    """

    maps: CoilMaps
    iterations: int = 30
    tikhonov: float = 1e-4
    tolerance: float = 1e-5
    covariance: Complex | None = None
    dB0: Image | None = None

    def __call__(self, scan: Scan) -> Complex:
        if self.iterations < 1 or self.tikhonov < 0:
            raise UsageError(f"{self.iterations} iterations with tikhonov {self.tikhonov:g} solve nothing")
        if scan.window is not None:
            raise UsageError("CGSense fits all samples alike", remedy="Leave the window out, or raise tikhonov.")
        if scan.is_cartesian and self.dB0 is not None:
            raise UsageError("CGSense takes a field map for spokes and spirals", remedy="Use PixelShift.")
        W = whitener(self.covariance, scan.kspace.n_coils)
        maps = np.tensordot(W, self.maps(scan), axes=1)
        strength = np.sqrt(np.sum(np.abs(maps) ** 2, axis=0))
        floor = 1e-3 * max(float(strength.max()), 1e-300)
        inverse = np.where(strength > floor, 1 / np.maximum(strength, floor), 0)
        image = np.zeros((1, *scan.encoding.grid.shape), complex)
        equations = (
            _of_lines(scan, maps * inverse, W) if scan.is_cartesian else _of_samples(scan, maps * inverse, W, self.dB0)
        )
        for slot, normal, right in equations:
            put_plane(image[0], self._solved(normal, right), scan, slot)
        return np.asarray(image * inverse)

    def _solved(self, normal: Operator, right: Complex) -> Complex:
        def regular(m: Complex) -> Complex:
            return np.asarray(normal(m) + self.tikhonov * m)

        return conjugate_gradients(regular, right, self.iterations, tolerance=self.tolerance)


Operator = Callable[[Complex], Complex]
Equations = Iterator[tuple[int, Operator, Complex]]


def _of_samples(scan: Scan, maps: Complex, W: Complex, dB0: Image | None) -> Equations:
    """Slice, normal operator and right-hand side from scattered samples."""
    for part in samples(scan, dB0):
        A, D, own = part.A, part.weight * part.volume, plane(maps, scan, part.slot)

        def normal(m: Complex, A=A, D=D, own=own) -> Complex:  # type: ignore[no-untyped-def]
            return np.sum([s.conj() * A.adjoint(D * A.forward(s * m)) for s in own], axis=0)

        heard = np.tensordot(W, part.values, axes=1) * part.weight
        yield part.slot, normal, np.sum([s.conj() * A.adjoint(v) for s, v in zip(own, heard)], axis=0)


def _of_lines(scan: Scan, maps: Complex, W: Complex) -> Equations:
    """The same from straight lines, Fourier-transformed along the readout: F along the other axes only, F^H F = 1."""
    encoding, kspace = scan.encoding, scan.kspace
    shape, size = encoding.grid.shape, encoding.grid.voxel_mm
    order = (encoding.phase_axis, encoding.slice_axis, encoding.readout_axis)
    hybrid = np.tensordot(W, along_readout(kspace, encoding, scan.readouts, None), axes=1)
    for t in tables(kspace, encoding, scan.readouts):
        E1 = _unitary(axis_positions(encoding, order[0]), t.u1)
        unit = np.sqrt(shape[order[0]]) * size[order[0]]
        if encoding.volume:
            E2 = _unitary(axis_positions(encoding, order[1]), t.u2)
            unit *= np.sqrt(shape[order[1]]) * size[order[1]]
        else:
            E2 = np.ones((1, 1), complex)
            unit *= size[order[1]] if scan.thickness is None else scan.thickness * 1e3
        own = plane(maps, scan, t.slot).reshape(len(maps), *_kept(scan, shape)).transpose(0, *(a + 1 for a in order))
        D = (t.count / t.count.max())[..., None]

        def folded(m: Complex) -> Complex:
            """(phase, slice, readout) → the shape of a slice's or volume's image."""
            image = m.transpose(np.argsort(order))
            return image if encoding.volume else image.squeeze(encoding.slice_axis)

        def normal(image: Complex, E1=E1, E2=E2, own=own, D=D) -> Complex:  # type: ignore[no-untyped-def]
            m = image.reshape(_kept(scan, shape)).transpose(order)
            each = (s.conj() * _both(E1, E2, D * _both(E1.conj().T, E2.conj().T, s * m)) for s in own)
            return folded(sum(each, np.zeros(m.shape, complex)))

        heard = (s.conj() * _both(E1, E2, D * t.filled(h) / unit) for s, h in zip(own, hybrid))
        yield t.slot, normal, folded(sum(heard, np.zeros(own.shape[1:], complex)))


def _kept(scan: Scan, shape: tuple[int, int, int]) -> list[int]:
    """Shape of a volume, or of one slice with its axis kept."""
    return [1 if a == scan.encoding.slice_axis and not scan.encoding.volume else shape[a] for a in range(3)]


def _unitary(r: NDArray[np.float64], k: NDArray[np.float64]) -> Complex:
    return fourier(r, k, np.dtype(complex)) / np.sqrt(len(r))


def _both(E1: Complex, E2: Complex, table: Complex) -> Complex:
    """E1 along the first and E2 along the second of three axes."""
    plane_ = product(E2, table)
    return product(E1, plane_.reshape(len(plane_), -1)).reshape(len(E1), *plane_.shape[1:])
