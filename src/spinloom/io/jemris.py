"""JEMRIS phantom files (.h5): rates on a grid, one spin per grid point.

    /sample/data        (y, x, 5) or (z, y, x, 5): PD, R1, R2, R2* [1/ms], offset [rad/s]
    /sample/resolution  x, y, z [mm]
    /sample/offset      centre of the grid from the isocentre, x, y, z [mm]

The axis order is what a C reader sees. The unit of the offset is not written in the file; a chemical-shift
sphere of 200 moves by 5.3 lines (31.8 Hz) in an EPI whose signal JEMRIS and KomaMRI agree on, so it is rad/s.

Stöcker, Vahedipour, Pflugfelder & Shah, Magn. Reson. Med. 64, 186 (2010).
"""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import centred, is_axis_aligned, to_ras
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.files import atomic
from spinloom.io.rates import rates, reversible, times
from spinloom.io.safe_h5 import numbers, open_h5
from spinloom.phantom.phantom import Phantom, Voxel

Array = NDArray[np.float64]
CHANNELS = ("PD", "R1", "R2", "R2*", "offset")
TO_SI = np.array([1.0, 1e3, 1e3, 1e3, 1 / (2 * np.pi)]).reshape(5, 1, 1, 1)


def read_jemris(path: str | os.PathLike[str], *, B0: float | None = None) -> Phantom:
    """A JEMRIS .h5 phantom as point spins on its grid.

        T = 1e-3 / R,   1/T2prime = R2* - R2,   dB0 = offset / 2 pi

    R2* = 0 everywhere means "not given". A file in which any T2* exceeds T2 has no physical meaning for
    its T2* map: T2 is used alone, and a warning says how many voxels were wrong.
    Positions count from the isocentre (0, 0, 0); a grid with an offset keeps it in its affine.

    path  file
    B0    the field its values are meant for [T], for the file does not say

    Raises InputError for a damaged file, NaN, negative rates, or rates that look like 1/s.
    """
    with open_h5(path) as file:
        data = numbers(file, "sample/data", path).astype(np.float64)
        size = numbers(file, "sample/resolution", path).astype(np.float64).ravel()
        offset = numbers(file, "sample/offset", path).astype(np.float64).ravel() if "sample/offset" in file else None
    if data.ndim not in (3, 4) or data.shape[-1] != len(CHANNELS):
        raise InputError(
            f"sample/data has shape {data.shape}, expected (y, x, 5) or (z, y, x, 5) with {', '.join(CHANNELS)}",
            file=path,
            remedy="Write it again with JEMRIS or spinloom phantom.",
        )
    if data.size == 0:
        raise InputError("sample/data is empty", file=path, remedy="Write it again with JEMRIS or spinloom phantom.")
    if size.shape != (3,) or not np.all(np.isfinite(size)) or np.any(size <= 0):
        raise InputError(
            f"sample/resolution is {size.tolist()}, expected three positive lengths in mm",
            file=path,
            remedy="Write the voxel size in mm, e.g. [1, 1, 1].",
        )
    if offset is None:
        offset = np.zeros(3)
    if offset.shape != (3,) or not np.all(np.isfinite(offset)):
        raise InputError(
            f"sample/offset is {offset.tolist()}, expected three lengths in mm",
            file=path,
            remedy="Write the offset in mm, e.g. [0, 0, 0].",
        )
    _check_values(data, path)

    maps = data if data.ndim == 4 else data[None]
    PD, R1, R2, R2star, shift = np.ascontiguousarray(maps.transpose(3, 2, 1, 0)) * TO_SI
    shape = (PD.shape[0], PD.shape[1], PD.shape[2])
    inside = PD != 0
    return Phantom(
        grid=Grid(shape, centred(shape, size, offset)),
        PD=PD.astype(np.float32),
        T1=times(R1, inside),
        T2=times(R2, inside),
        T2prime=reversible(R2, R2star, inside, path),
        dB0=shift.astype(np.float32) if np.any(shift[inside]) else None,
        voxel=Voxel.POINT,
        B0=B0,
        name=Path(path).stem,
        info=MappingProxyType({"source": Path(path).name, "format": "JEMRIS"}),
    )


def write_jemris(phantom: Phantom, path: str | os.PathLike[str]) -> None:
    """The voxel maps of a phantom as a JEMRIS .h5 file.

    D, B1, labels and fractions have no place in the format: a mixed voxel becomes a voxel of the mean tissue.

    Raises InputError for a grid that is not parallel to the scanner axes.
    """
    if not is_axis_aligned(phantom.grid.affine):
        raise InputError(
            "a JEMRIS phantom lies along the scanner axes, this one is oblique",
            file=path,
            remedy="Resample it along the axes, or write .phantom.",
        )
    inside = phantom.PD != 0
    R2 = rates(phantom.T2, inside)
    R2star = R2 if phantom.T2prime is None else R2 + rates(phantom.T2prime, inside)
    shift = np.zeros(phantom.grid.shape) if phantom.dB0 is None else phantom.dB0
    stack = np.stack([phantom.PD, rates(phantom.T1, inside), R2, R2star, shift]) / TO_SI
    data, affine = to_ras(np.moveaxis(stack, 0, -1), phantom.grid.affine)
    shape = (data.shape[0], data.shape[1], data.shape[2])
    grid = Grid(shape, affine)
    data = data.transpose(2, 1, 0, 3)
    data = data[0] if data.shape[0] == 1 else data

    def write(temp: os.PathLike[str]) -> None:
        with h5py.File(temp, "w", track_order=False) as file:
            file.create_dataset("sample/data", data=np.ascontiguousarray(data), track_times=False)
            file.create_dataset("sample/resolution", data=grid.voxel_mm.reshape(3, 1), track_times=False)
            file.create_dataset("sample/offset", data=grid.centre_mm.reshape(3, 1), track_times=False)

    atomic.write_with(path, write)


def _check_values(data: Array, path: str | os.PathLike[str]) -> None:
    for i, name in enumerate(CHANNELS):
        bad = int(np.count_nonzero(~np.isfinite(data[..., i])))
        if bad:
            raise InputError(
                f"channel {name} holds {bad} values that are not finite",
                file=path,
                remedy="Put 0 where there is no tissue.",
            )
        if name != "offset" and np.any(data[..., i] < 0):
            raise InputError(
                f"channel {name} holds negative values", file=path, remedy="Put 0 where there is no tissue."
            )
    inside = data[..., 0] != 0
    if not np.any(inside):
        raise InputError(
            "the proton density is zero everywhere",
            file=path,
            remedy="Its first channel is the proton density: write it.",
        )
    R1 = float(np.median(data[..., 1][inside]))
    if R1 > 0.2:
        raise InputError(
            f"R1 has median {R1:.3g}, which looks like 1/s (or T1 in s); the format keeps 1/ms",
            file=path,
            remedy="Divide the three rate channels by 1000.",
        )
