"""KomaMRI phantom files (.phantom): point spins anywhere, kept here on the grid they lie on.

    attributes    Version, Name, Ns (spins), Dims
    /position     x, y, z [m]; an absent one is 0
    /contrast     ρ, T1, T2, T2s [s], Δw [rad/s]; an absent one has KomaMRI's default
    /motion       (optional) how spins move; see koma_motion

Castillo-Passi et al., Magn. Reson. Med. 90, 329 (2023).
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from types import MappingProxyType

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import centred
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.files import atomic
from spinloom.io.koma_motion import read_motion
from spinloom.io.rates import reversible, times
from spinloom.io.safe_h5 import numbers, open_h5
from spinloom.phantom.phantom import Map, Phantom, Voxel

DEFAULTS = {"ρ": 1.0, "T1": 1e6, "T2": 1e6, "T2s": 1e6, "Δw": 0.0}
NOT_GIVEN_S = 1e3
FORMAT_VERSION = b"0.9.0"
SAME_PLACE_M = 1e-7
ON_GRID = 1e-2
MAX_VOXELS = 2**28
THICKNESS_MM = 1.0

Spins = dict[str, NDArray[np.float64]]


def read_koma(path: str | os.PathLike[str], *, B0: float | None = None) -> Phantom:
    """A KomaMRI .phantom whose spins lie on a regular grid, as point spins on that grid.

    The grid spacing along an axis is the smallest distance between two coordinates; along an axis on which all
    spins share one coordinate the voxel is 1 mm thick. T2s of 1000 s or more everywhere means "not given".

    path  file
    B0    the field its values are meant for [T], for the file does not say

    Raises InputError for arrays of different lengths, values that are not finite or not positive, and spins that
    lie on no regular grid. Motion of all spins together is kept; any other is left out with a warning.
    """
    with open_h5(path) as file:
        spins = _spins(file, path)
        name = file.attrs.get("Name", Path(path).stem)
        motion, left_out = read_motion(file, np.array([spins[axis].mean() for axis in "xyz"]), path)
    if left_out:
        warnings.warn(f"{path}: its motion ({left_out}) is left out; the phantom stands still.", stacklevel=2)
    grid, index = _grid(spins, path)

    def put(values: NDArray[np.float64]) -> NDArray[np.float64]:
        out = np.zeros(grid.shape)
        out.reshape(-1)[index] = values
        return out

    PD = put(spins["ρ"])
    inside = PD != 0
    R1, R2, R2star = (put(1 / spins[key]) for key in ("T1", "T2", "T2s"))
    if np.all(spins["T2s"] >= NOT_GIVEN_S):
        R2star = np.zeros_like(R2)
    return Phantom(
        grid=grid,
        PD=PD.astype(np.float32),
        T1=times(R1, inside),
        T2=times(R2, inside),
        T2prime=reversible(R2, R2star, inside, path),
        dB0=put(spins["Δw"] / (2 * np.pi)).astype(np.float32) if np.any(spins["Δw"]) else None,
        voxel=Voxel.POINT,
        B0=B0,
        motion=motion,
        name=name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name),
        info=MappingProxyType({"source": Path(path).name, "format": "KomaMRI"}),
    )


def write_koma(phantom: Phantom, path: str | os.PathLike[str]) -> None:
    """Every voxel with signal as one spin at its centre (world position = scanner position).

    D, B1, labels and fractions have no place in the format: a mixed voxel becomes a spin of the mean tissue.
    """
    voxel = np.flatnonzero(phantom.PD)
    if len(voxel) == 0:
        raise InputError(
            "a phantom without any signal has no spins to write", file=path, remedy="Give some voxel a proton density."
        )
    r = phantom.grid.positions_mm(np.stack(np.unravel_index(voxel, phantom.grid.shape), axis=-1)) * 1e-3
    dB0 = np.zeros(len(voxel)) if phantom.dB0 is None else phantom.dB0.ravel()[voxel].astype(np.float64)

    def at_spins(values: Map) -> NDArray[np.float64]:
        return values.ravel()[voxel].astype(np.float64)

    contrast = {
        "ρ": at_spins(phantom.PD),
        "T1": at_spins(phantom.T1),
        "T2": at_spins(phantom.T2),
        "T2s": at_spins(phantom.T2star),
        "Δw": 2 * np.pi * dB0,
    }

    def write(temp: os.PathLike[str]) -> None:
        with h5py.File(temp, "w") as file:
            file.attrs["Version"] = np.bytes_(FORMAT_VERSION)
            file.attrs["Name"] = np.bytes_(phantom.name.encode("ascii", "replace"))
            file.attrs["Ns"] = np.int64(len(voxel))
            file.attrs["Dims"] = np.int64(np.count_nonzero(np.ptp(r, axis=0) > SAME_PLACE_M))
            for axis, values in zip("xyz", r.T, strict=True):
                file.create_dataset(f"position/{axis}", data=values, track_times=False)
            for key, values in contrast.items():
                file.create_dataset(f"contrast/{key}", data=values, track_times=False)

    atomic.write_with(path, write)


def _spins(file: h5py.File, path: str | os.PathLike[str]) -> Spins:
    """Every array of a file, one value per spin, finite and in range."""
    if "position" not in file or "contrast" not in file:
        raise InputError(
            "has no 'position' and 'contrast' groups, as a KomaMRI phantom has",
            file=path,
            remedy="Write it with KomaMRI (write_phantom) or spinloom phantom.",
        )
    spins: Spins = {}
    for group, keys in (("position", "xyz"), ("contrast", tuple(DEFAULTS))):
        for key in keys:
            if key in file[group]:
                spins[key] = numbers(file, f"{group}/{key}", path).astype(np.float64)
    lengths = {key: values.shape for key, values in spins.items()}
    if len(set(lengths.values())) != 1 or len(next(iter(lengths.values()))) != 1:
        shown = ", ".join(f"{key} {shape}" for key, shape in lengths.items())
        raise InputError(f"its arrays have different lengths ({shown})", file=path, remedy="Write the file again.")
    n = len(next(iter(spins.values())))
    if n == 0:
        raise InputError("holds no spins", file=path, remedy="Write it again with KomaMRI.")
    if int(file.attrs.get("Ns", n)) != n:
        raise InputError(
            f"says it has {int(file.attrs['Ns'])} spins but holds {n}",
            file=path,
            remedy="It is damaged or was edited: write it again.",
        )
    for key in ("x", "y", "z"):
        spins.setdefault(key, np.zeros(n))
    for key, value in DEFAULTS.items():
        spins.setdefault(key, np.full(n, value))
    for key, values in spins.items():
        endless = key in ("T1", "T2", "T2s")
        if np.any(np.isnan(values)) or (not endless and np.any(np.isinf(values))):
            raise InputError(f"'{key}' holds values that are not finite", file=path, remedy="Leave such spins out.")
        if endless and np.any(values <= 0):
            raise InputError(
                f"'{key}' holds times that are not positive",
                file=path,
                remedy="Leave such spins out, or leave the array out: no decay.",
            )
    if np.any(spins["ρ"] < 0):
        raise InputError("'ρ' holds negative proton densities", file=path, remedy="Leave such spins out.")
    if np.median(spins["T1"]) > 20 and np.median(spins["T1"]) < NOT_GIVEN_S * 10:
        raise InputError(
            f"T1 has median {np.median(spins['T1']):.4g}, which looks like ms; the format keeps s",
            file=path,
            remedy="Divide T1 and T2 by 1000.",
        )
    return spins


def _grid(spins: Spins, path: str | os.PathLike[str]) -> tuple[Grid, NDArray[np.int64]]:
    """The regular grid that holds all spins, and the flat voxel index of each."""
    steps, counts, firsts, places = [], [], [], []
    for axis in "xyz":
        x = spins[axis]
        gaps = np.diff(np.sort(x))
        gaps = gaps[gaps > SAME_PLACE_M]
        step = float(gaps.min()) if len(gaps) else THICKNESS_MM * 1e-3
        place = (x - x.min()) / step
        if not place.max() < MAX_VOXELS:
            raise InputError(
                f"its spins are spread over more than {MAX_VOXELS} grid points along {axis}",
                file=path,
                remedy="Positions are in m: check their unit, or leave outliers out.",
            )
        step *= float(place.max()) / max(round(float(place.max())), 1) if len(gaps) else 1.0
        place = (x - x.min()) / step
        if np.abs(place - np.rint(place)).max() > ON_GRID:
            raise InputError(
                f"its spins lie on no regular grid along {axis} (smallest distance {step * 1e3:.4g} mm)",
                file=path,
                remedy="Resample it to a grid; positions between grid points are not supported.",
            )
        steps.append(step)
        places.append(np.rint(place).astype(np.int64))
        counts.append(int(places[-1].max()) + 1)
        firsts.append(float(x.min()))
    shape = (counts[0], counts[1], counts[2])
    if counts[0] * counts[1] * counts[2] > MAX_VOXELS:
        raise InputError(
            f"the grid of its spins would have {shape} voxels",
            file=path,
            remedy="Put the spins on a denser grid, or split the phantom.",
        )
    index = np.ravel_multi_index(tuple(places), shape).astype(np.int64)
    taken = np.zeros(counts[0] * counts[1] * counts[2], bool)
    taken[index] = True
    if np.count_nonzero(taken) != len(index):
        raise InputError("two of its spins lie at one grid point", file=path, remedy="Merge them first.")
    size = np.array(steps) * 1e3
    middle = np.array(firsts) * 1e3 + size * (np.array(shape) - 1) / 2
    return Grid(shape, centred(shape, size, middle)), index
