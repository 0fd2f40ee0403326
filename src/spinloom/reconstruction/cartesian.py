"""Cartesian reconstruction: the Fourier sum, axis by axis, evaluated exactly at the voxel centres.

    image(r) = sum_k S(k) exp(+2πi k . r) Δk_x Δk_y Δk_z

A matrix product per axis instead of an FFT: every sample counts with the k it was really taken at and every voxel with
its true centre. So oversampling is cropped, half-sample shifts, reversed echo-planar lines and off-centre grids come
out right, with nothing to shift or flip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.kspace import KSpace
from spinloom.core.products import product
from spinloom.reconstruction.window import Window

Floats = NDArray[np.float64]
Complex = NDArray[np.complexfloating]


def fourier(r: Floats, k: Floats, dtype: np.dtype) -> Complex:
    """(len(r), len(k)) exp(+2πi k r); r [m], k [1/m]."""
    return np.exp(2j * np.pi * r[:, None] * k).astype(dtype)


def axis_positions(encoding: Encoding, axis: int) -> Floats:
    """Voxel centres along one axis of the image grid, in the scanner frame [m]."""
    affine = encoding.grid.affine
    return np.asarray((affine[axis, 3] + affine[axis, axis] * np.arange(encoding.grid.shape[axis])) * 1e-3, float)


def cartesian(
    kspace: KSpace, encoding: Encoding, readouts: NDArray[np.intp], window: Window | None, thickness: float | None
) -> Complex:
    """Coil images (coil, x, y, z) of some readouts of straight lines.

    readouts   indices of those that make one image
    window     apodisation, or None
    thickness  of the slices of a 2D scan [m]; None: the grid's step
    """
    read, phase, slice_ = encoding.readout_axis, encoding.phase_axis, encoding.slice_axis
    shape, size = encoding.grid.shape, encoding.grid.voxel_mm
    hybrid = along_readout(kspace, encoding, readouts, window)  # (coil, readout, N)
    images = np.zeros((kspace.n_coils, shape[read], shape[phase], shape[slice_]), hybrid.dtype)
    limit1, limit2 = (1 / (2e-3 * size[a]) for a in (phase, slice_))
    for t in tables(kspace, encoding, readouts):
        E1 = fourier(axis_positions(encoding, phase), t.u1, hybrid.dtype) / (shape[phase] * size[phase])
        E2 = fourier(axis_positions(encoding, slice_), t.u2, hybrid.dtype) / (shape[slice_] * size[slice_])
        if window is not None:
            E1 = E1 * window(np.minimum(np.abs(t.u1) / limit1, 1.0)).astype(hybrid.real.dtype)
            E2 = E2 * window(np.minimum(np.abs(t.u2) / limit2, 1.0)).astype(hybrid.real.dtype)
        for coil in range(kspace.n_coils):
            table = t.filled(hybrid[coil])
            if encoding.volume:
                plane = product(E2, table)  # (u1, z, x)
                flat = product(E1, plane.reshape(len(t.u1), -1))
                images[coil] = flat.reshape(shape[phase], shape[slice_], shape[read]).transpose(2, 0, 1)
            else:
                step = size[slice_] if thickness is None else thickness * 1e3
                images[coil, :, :, t.slot] = product(E1, table[:, 0]).T / step
    order = np.argsort([read, phase, slice_])
    return images.transpose(0, *(int(o) + 1 for o in order))


@dataclass(frozen=True, eq=False)
class Table:
    """Where the lines of one slice or volume belong.

    slot     the slice
    own      which of the readouts they are
    u1, u2   their distinct k along phase and slice axis [1/m]
    j1, j2   of each line, its place in u1 and u2
    count    (u1, u2) how often each was acquired
    """

    slot: int
    own: NDArray[np.intp]
    u1: Floats
    u2: Floats
    j1: NDArray[np.intp]
    j2: NDArray[np.intp]
    count: Floats

    def filled(self, lines: Complex) -> Complex:
        """(readout, N) → (u1, u2, N): the mean of each line's acquisitions, 0 where there is none."""
        table = np.zeros((len(self.u1), len(self.u2), lines.shape[-1]), lines.dtype)
        if len(self.own) == np.count_nonzero(self.count):
            table[self.j1, self.j2] = lines[self.own]
        else:
            np.add.at(table, (self.j1, self.j2), lines[self.own])
            table /= np.maximum(self.count, 1.0)[..., None].astype(lines.real.dtype)
        return table


def tables(kspace: KSpace, encoding: Encoding, readouts: NDArray[np.intp]) -> Iterator[Table]:
    """One table per slice, or one for a volume; InputError for a slice that the image does not have."""
    k1, k2 = (kspace.k[readouts, 0, axis] for axis in (encoding.phase_axis, encoding.slice_axis))
    n_slices = encoding.grid.shape[encoding.slice_axis]
    slot = np.zeros(len(readouts), np.int64)
    if not encoding.volume:
        slot = kspace.labels.get("SLC", np.zeros(kspace.k.shape[0], np.int64))[readouts]
        if slot.max(initial=0) >= n_slices:
            raise InputError(f"readouts of slice {slot.max()}, but the image has {n_slices} slices")
    for s in np.unique(slot):
        own = np.flatnonzero(slot == s)
        u1, j1 = _distinct(k1[own])
        u2, j2 = _distinct(k2[own]) if encoding.volume else (np.zeros(1), 0 * own)
        count = np.zeros((len(u1), len(u2)))
        np.add.at(count, (j1, j2), 1.0)
        yield Table(int(s), own, u1, u2, j1, j2, count)


def _distinct(k: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Values that differ by more than rounding, and which one each line has."""
    _, first, which = np.unique(np.round(k, 4), return_index=True, return_inverse=True)
    return k[first], which


def along_readout(kspace: KSpace, encoding: Encoding, readouts: NDArray[np.intp], window: Window | None) -> Complex:
    """(coil, readout, N) the sum along the readout; one matrix per distinct pattern of samples."""
    axis = encoding.readout_axis
    along = kspace.k[readouts][..., axis]
    n = np.sum(~np.isnan(along), axis=1)
    ends = np.stack([np.round(along[:, 0], 2), np.round(along[np.arange(len(n)), n - 1], 2), n], axis=1)
    kinds, kind = np.unique(ends, axis=0, return_inverse=True)
    r = axis_positions(encoding, axis)
    limit = 1 / (2e-3 * encoding.grid.voxel_mm[axis])
    out = np.empty((kspace.n_coils, len(readouts), len(r)), kspace.samples.dtype)
    for i in range(len(kinds)):
        own = np.flatnonzero(kind == i)
        m = int(n[own[0]])
        first, last = along[own, 0].mean(), along[own, m - 1].mean()
        k = np.linspace(first, last, m)
        dk_per_mm = abs(last - first) / max(m - 1, 1) * 1e-3
        if m == 1:
            dk_per_mm = 1 / (encoding.grid.shape[axis] * encoding.grid.voxel_mm[axis])
        E = fourier(r, k, np.dtype(complex)) * dk_per_mm
        if window is not None:
            E = E * window(np.minimum(np.abs(k) / limit, 1.0))
        E = E.T.astype(out.dtype)
        for coil in range(kspace.n_coils):
            out[coil, own] = product(kspace.samples[coil, readouts[own], :m], E)
    return out
