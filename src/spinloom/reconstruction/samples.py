"""Scattered samples of each slice, with their times and density: what radial and spiral reconstruction works on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.reconstruction.cartesian import axis_positions
from spinloom.reconstruction.density import density_weights
from spinloom.reconstruction.distortion import field_on
from spinloom.reconstruction.nufft import Exact, Fast, fourier_sum
from spinloom.reconstruction.off_resonance import OffResonant
from spinloom.reconstruction.scan import Scan

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Samples:
    """The samples of one slice, or of a volume.

    slot    the slice
    values  (coil, n)
    weight  (n,) density, so that sum_k w S exp(+2πi k r) is the image [mm^-3]
    volume  of a voxel [mm^3]: S = volume sum_r image(r) exp(-2πi k r)
    A       sums between them and the voxels of the slice
    """

    slot: int
    values: Complex
    weight: Floats
    volume: float
    A: Exact | Fast | OffResonant


def samples(scan: Scan, dB0: Image | None = None) -> Iterator[Samples]:
    """Slice by slice; with a field map in Hz, sums that turn with it since each readout's own echo."""
    encoding, kspace = scan.encoding, scan.kspace
    axes = [a for a in range(3) if encoding.volume or a != encoding.slice_axis]
    r = tuple(axis_positions(encoding, a) for a in axes)
    field = None if dB0 is None else field_on(dB0, in_world(scan))
    size, thickness = encoding.grid.voxel_mm, 1.0
    if not encoding.volume:
        thickness = float(size[encoding.slice_axis]) if scan.thickness is None else scan.thickness * 1e3
    weights: dict[bytes, Floats] = {}
    for s in np.unique(scan.slots):
        own = scan.readouts[scan.slots == s]
        valid = ~np.isnan(kspace.k[own][..., 0])
        k = kspace.k[own][valid][:, axes]
        key = np.round(k, 3).tobytes()
        if key not in weights:
            weights[key] = density_weights(k, r)
        w = weights[key] * 1e-3 ** len(axes) / thickness
        if scan.window is not None:
            radius = np.linalg.norm(k, axis=1)
            w = w * scan.window(radius / radius.max())
        plain = fourier_sum(k, r)
        A = plain if field is None else OffResonant(plain, since_echo(scan, own)[valid], plane(field, scan, int(s)))
        volume = float(np.prod(size[axes])) * thickness
        yield Samples(int(s), kspace.samples[:, own][:, valid], w, volume, A)


def since_echo(scan: Scan, own: NDArray[np.intp]) -> Floats:
    """(readout, sample) time since the sample nearest to k = 0 of each readout [s].

    What turned before it is one phase per voxel, which a magnitude does not show.
    """
    radius = np.linalg.norm(np.nan_to_num(scan.kspace.k[own], nan=np.inf), axis=-1)
    t = scan.kspace.t[own]
    return np.asarray(t - t[np.arange(len(own)), np.argmin(radius, axis=1)][:, None], float)


def plane(volume: NDArray, scan: Scan, slot: int) -> NDArray:
    """One slice of a 2D scan, or the whole volume; leading axes stay."""
    if scan.encoding.volume:
        return volume
    return np.take(volume, slot, axis=scan.encoding.slice_axis + volume.ndim - 3)


def put_plane(images: NDArray, image: NDArray, scan: Scan, slot: int) -> None:
    """Put the image of one slice, or of the volume, in its place."""
    if scan.encoding.volume:
        images[...] = image
    else:
        np.moveaxis(images, scan.encoding.slice_axis - 3, -1)[..., slot] = image


def in_world(scan: Scan) -> Grid:
    """The image's grid in the world."""
    affine = scan.encoding.grid.affine.copy()
    affine[:3, 3] += scan.kspace.isocentre_mm
    return Grid(scan.encoding.grid.shape, affine)
