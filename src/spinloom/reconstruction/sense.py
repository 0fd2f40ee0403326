"""SENSE: voxels that regular undersampling folds onto each other, told apart by what each coil hears of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, UsageError
from spinloom.reconstruction.cartesian import axis_positions
from spinloom.reconstruction.coil_maps import CoilMaps
from spinloom.reconstruction.lines import lines_along, raster_lines
from spinloom.reconstruction.scan import Fourier, Scan, part_of
from spinloom.reconstruction.whiten import whitener

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sense:
    """Unfolding of a Cartesian scan with every R-th line; extra lines in the centre serve the maps only.

        m = (S^H Ψ^-1 S + λ 1)^-1 S^H Ψ^-1 a      for each set of voxels N / R apart

    a (coil,) folded coil images, S (coil, R) sensitivities at the voxels of the set.

    maps        where sensitivities come from
    covariance  Ψ (coil, coil) of the noise; None: white and equal
    tikhonov    λ relative to the mean of the diagonal of S^H Ψ^-1 S over the image

    Raises InputError when lines are not a regular comb of R that divides the number of voxels.

    Pruessmann, Weiger, Scheidegger & Boesiger, Magn. Reson. Med. 42, 952 (1999), eqs. 2-3.
    """

    maps: CoilMaps
    covariance: Complex | None = None
    tikhonov: float = 1e-6

    def __call__(self, scan: Scan) -> Complex:
        if not scan.is_cartesian:
            raise InputError("SENSE unfolds straight lines", remedy="Use CGSense for spokes and spirals.")
        combs = [comb(scan, axis) for axis in scan.encoded_axes]
        keep = np.ones(len(scan.readouts), bool)
        phase = np.ones(scan.encoding.grid.shape, complex)
        for c in combs:
            keep &= c.member
            ramp = np.exp(-2j * np.pi * c.first * axis_positions(scan.encoding, c.axis))
            phase = phase * ramp.reshape([-1 if a == c.axis else 1 for a in range(3)])
        reduction = int(np.prod([c.R for c in combs]))
        if reduction > scan.kspace.n_coils:
            raise InputError(f"{reduction} voxels fold onto each other, {scan.kspace.n_coils} coils cannot part them")
        W = whitener(self.covariance, scan.kspace.n_coils)
        folded = np.tensordot(W, reduction * phase * Fourier()(part_of(scan, keep)), axes=1)
        maps = np.tensordot(W, self.maps(scan), axes=1)
        R, axes = [c.R for c in combs], [c.axis for c in combs]
        image = unfold(folded, maps, R, axes, self.tikhonov)
        return np.asarray((image * phase.conj())[None], folded.dtype)


@dataclass(frozen=True, eq=False)
class Comb:
    """Every R-th line along an axis.

    first   k of one of its lines [1/m]
    member  (n,) which readouts of the scan belong to it
    """

    axis: int
    R: int
    first: float
    member: NDArray[np.bool_]


def comb(scan: Scan, axis: int) -> Comb:
    """The regular lines of an undersampled scan along an encoded axis; InputError when there are none."""
    lines = lines_along(scan, axis)
    R = lines.acceleration
    have = set(lines.n.tolist())
    wide = int(lines.n[np.argmax(np.diff(lines.n, append=lines.n[-1]))])  # a line with the widest step after it
    first, last = int(lines.n[0]), int(lines.n[-1])
    start = wide - (wide - first) // R * R
    if lines.N % R or any(n not in have for n in range(start, last + 1, R)) or start - first >= R:
        raise InputError(
            f"lines along axis {'xyz'[axis]} are no comb of every {R} lines that divides {lines.N} voxels",
            remedy="Use CGSense, which takes any lines.",
        )
    n, offset = raster_lines(scan.kspace.k[scan.readouts, 0, axis], scan.encoding, axis)
    FOV = lines.N * scan.encoding.grid.voxel_mm[axis] * 1e-3
    return Comb(axis, R, (start + offset) / FOV, np.asarray((n - start) % R == 0))


def unfold(folded: Complex, maps: Complex, R: Sequence[int], axes: Sequence[int], tikhonov: float = 0.0) -> Complex:
    """m = (S^H S + λ 1)^-1 S^H a; folded and maps (coil, x, y, z), white noise → (x, y, z).

    R, axes   reduction along each undersampled axis
    tikhonov  λ relative to the mean diagonal of S^H S
    """
    S, a = _sets(maps, R, axes), _sets(folded, R, axes)[..., :1]
    gram = _gram(S, tikhonov)
    right = np.einsum("...cr,...co->...ro", S.conj(), a)
    return _spread(np.linalg.solve(gram, right)[..., 0], maps.shape[1:], R, axes)


def g_factor(maps: Complex, R: Sequence[int], axes: Sequence[int], covariance: Complex | None = None) -> Floats:
    """Noise of SENSE relative to that of a full scan of the same time, R apart.

        g = sqrt( [(S^H Ψ^-1 S)^-1]_rr [S^H Ψ^-1 S]_rr )

    maps        (coil, x, y, z) sensitivities
    R, axes     reduction along each undersampled axis, which divides its number of voxels
    covariance  Ψ (coil, coil) of the noise; None: white and equal
    returns     (x, y, z), at least 1; 0 where no coil hears anything

    Pruessmann, Weiger, Scheidegger & Boesiger, Magn. Reson. Med. 42, 952 (1999), eq. 24.
    """
    if any(maps.shape[axis + 1] % r for r, axis in zip(R, axes)):
        raise UsageError(f"reduction {tuple(R)} does not divide the image {maps.shape[1:]}")
    white = np.tensordot(whitener(covariance, len(maps)), maps, axes=1)
    S = _sets(white, R, axes)
    gram = _gram(S, 1e-12)
    power = np.real(np.einsum("...rr->...r", _gram(S, 0.0)))
    g = np.sqrt(np.maximum(np.real(np.einsum("...rr->...r", np.linalg.inv(gram))) * power, 0))
    return np.asarray(_spread(np.where(power > 1e-9 * power.max(), g, 0), maps.shape[1:], R, axes), float)


def _gram(S: Complex, tikhonov: float) -> Complex:
    """S^H S + λ 1; a voxel that no coil hears gets a 1, so that it comes out as 0."""
    gram = np.einsum("...cr,...cs->...rs", S.conj(), S)
    power = np.real(np.einsum("...rr->...r", gram))
    scale = float(power[power > 0].mean()) if (power > 0).any() else 1.0
    deaf = power <= 1e-9 * scale
    return np.asarray(gram + np.eye(S.shape[-1]) * (tikhonov * scale + np.where(deaf, scale, 0))[..., None])


def _sets(images: Complex, R: Sequence[int], axes: Sequence[int]) -> Complex:
    """(coil, x, y, z) → (..., coil, R): voxels N / R apart along each axis, side by side; the product of several R."""
    out = np.moveaxis(images, 0, -1)[..., None]
    for r, axis in zip(R, axes):
        M = out.shape[axis] // r
        out = out.reshape(*out.shape[:axis], r, M, *out.shape[axis + 1 :])
        out = np.moveaxis(out, axis, -1)
        out = out.reshape(*out.shape[:-2], -1)
    return out


def _spread(sets: NDArray, shape: Sequence[int], R: Sequence[int], axes: Sequence[int]) -> NDArray:
    """The reverse of _sets for one number per voxel: (..., R) → (x, y, z)."""
    out = sets
    for r, axis in reversed(list(zip(R, axes))):
        out = out.reshape(*out.shape[:-1], -1, r)
        out = np.moveaxis(out, -1, axis)
        out = out.reshape(*out.shape[:axis], -1, *out.shape[axis + 2 :])
    return np.asarray(out.reshape(tuple(shape)))
