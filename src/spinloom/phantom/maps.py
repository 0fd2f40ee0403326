"""A phantom from quantitative maps, after checking that they can be what they claim to be."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinloom.core import affine as geometry
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.phantom.phantom import Phantom, Voxel

Map = NDArray[np.float32]
TOLERATED = 0.05
"""Part of the voxels that may be impossible (fits fail in places): they are repaired with a warning, more refused."""

# quantity: (largest believable median inside the object, what a larger one looks like, remedy)
_UNITS = {
    "T1": (20.0, "ms", "Divide it by 1000: T1 is in seconds."),
    "T2": (5.0, "ms", "Divide it by 1000: T2 is in seconds."),
    "T2star": (5.0, "ms", "Divide it by 1000: T2star is in seconds."),
    "PD": (2.0, "percent", "Divide it by 100 (or by its value in water): PD is relative to water = 1."),
    "B1": (5.0, "percent", "Divide it by 100: B1 is relative to the nominal flip angle = 1."),
    "D": (1e-6, "mm^2/s or um^2/ms", "Convert it to m^2/s (1 um^2/ms = 1e-9 m^2/s)."),
}


def from_maps(
    *,
    T1: ArrayLike,
    T2: ArrayLike,
    affine: ArrayLike,
    PD: ArrayLike | None = None,
    T2star: ArrayLike | None = None,
    T2prime: ArrayLike | None = None,
    D: ArrayLike | None = None,
    chi_ppm: ArrayLike | None = None,
    dB0: ArrayLike | None = None,
    B1: ArrayLike | None = None,
    B0: float | None = None,
    voxel: Voxel = Voxel.BOX,
    name: str = "maps",
    info: Mapping[str, object] | None = None,
) -> Phantom:
    """A phantom of maps on one grid, all (x, y, z).

        1/T2prime = 1/T2star - 1/T2

    T1, T2, T2star, T2prime  [s]; at most one of T2star and T2prime; neither: no reversible decay
    PD       water = 1; None: 1 wherever T1 and T2 are positive
    affine   (4, 4) voxel centre → RAS+ [mm]; axes are reordered to run along R, A, S
    D, chi_ppm, dB0, B1      [m^2/s], [ppm], [Hz], relative to nominal
    B0       field the maps are meant for [T]
    raises   InputError for other shapes, values that are not finite or negative, maps plainly in another unit, and
             where more than 5 % of the voxels have PD without relaxation times, T2 > T1, or T2star > T2; fewer such
             voxels are repaired (PD 0, T2 = T1, T2star = T2) with a warning
    """
    given = {"T1": T1, "T2": T2, "PD": PD, "T2star": T2star, "T2prime": T2prime}
    given |= {"D": D, "chi_ppm": chi_ppm, "dB0": dB0, "B1": B1}
    if T2star is not None and T2prime is not None:
        raise InputError("T2star and T2prime were both given", remedy="Give one: the other follows from T2.")
    maps = {key: np.asarray(value) for key, value in given.items() if value is not None}
    A = _affine(affine)
    _check_arrays(maps)
    maps = {key: geometry.to_ras(m.astype(np.float32), A)[0].astype(np.float32) for key, m in maps.items()}
    grid_affine = geometry.to_ras(np.zeros(maps["T1"].shape, np.uint8), A)[1]
    if "PD" not in maps:
        maps["PD"] = ((maps["T1"] > 0) & (maps["T2"] > 0)).astype(np.float32)
    if not maps["PD"].any():
        raise InputError("the maps hold nothing: PD, T1 or T2 is 0 everywhere")
    _check_units(maps)
    _repair(maps)
    x, y, z = maps["T1"].shape
    return Phantom(
        grid=Grid((x, y, z), grid_affine),
        PD=maps["PD"],
        T1=maps["T1"],
        T2=maps["T2"],
        T2prime=_reversible(maps),
        D=maps.get("D"),
        chi_ppm=maps.get("chi_ppm"),
        dB0=maps.get("dB0"),
        B1=maps.get("B1"),
        voxel=voxel,
        B0=B0,
        name=name,
        info=MappingProxyType(dict(info or {})),
    )


def _affine(affine: ArrayLike) -> NDArray[np.float64]:
    A = np.asarray(affine, float)
    if A.shape != (4, 4) or not np.isfinite(A).all() or abs(np.linalg.det(A[:3, :3])) < 1e-12:
        raise InputError(f"the maps need an invertible, finite (4, 4) affine, got {A.tolist()}")
    return A


def _check_arrays(maps: Mapping[str, NDArray[np.generic]]) -> None:
    """Three axes, one shape, real and finite, and not negative where a negative value has no meaning."""
    shape = maps["T1"].shape
    for name, m in maps.items():
        if m.ndim != 3 or m.shape != shape:
            raise InputError(
                f"the {name} map has shape {m.shape}, the T1 map {shape}",
                remedy="All maps must lie on one grid of three axes; resample them first.",
            )
        if m.dtype.kind not in "fiub":
            raise InputError(f"the {name} map holds {m.dtype}, real numbers were expected")
        bad = np.isnan(m) if name == "T2prime" else ~np.isfinite(m)  # an infinite T2prime means no reversible decay
        if bad.any():
            raise InputError(
                f"the {name} map holds {np.count_nonzero(bad)} values that are not finite",
                remedy="Set them to 0 where there is no object, and fill them inside it.",
            )
        if name not in ("chi_ppm", "dB0") and (m < 0).any():  # type: ignore[operator]
            raise InputError(f"the {name} map holds {np.count_nonzero(m < 0)} negative values")  # type: ignore[operator]


def _check_units(maps: Mapping[str, Map]) -> None:
    inside = maps["PD"] > 0
    for name, (largest, unit, remedy) in _UNITS.items():
        if name not in maps:
            continue
        values = maps[name][inside & (maps[name] > 0)]
        median = float(np.median(values)) if len(values) else 0.0
        if median > largest:
            raise InputError(f"the {name} map has median {median:.4g}, which looks like {unit}", remedy=remedy)


def _repair(maps: dict[str, Map]) -> None:
    """Make the few impossible voxels possible, or refuse if they are many."""
    PD, T1, T2 = maps["PD"], maps["T1"], maps["T2"]
    hollow = (PD > 0) & ((T1 <= 0) | (T2 <= 0))
    if _tolerable(hollow, PD, "have PD but no T1 or T2", "Their PD is set to 0.", "Set PD to 0 where a map is empty."):
        maps["PD"] = PD = np.where(hollow, np.float32(0), PD)
    long = (PD > 0) & (T2 > T1)
    if _tolerable(long, PD, "have T2 > T1", "Their T2 is set to T1.", "Are the two maps swapped?"):
        maps["T2"] = T2 = np.where(long, T1, T2)
    if "T2star" in maps:
        star = maps["T2star"]
        missing = (PD > 0) & (star <= 0)
        longer = (PD > 0) & (star > T2)
        remedy = "Leave the T2star map out to simulate with T2 alone."
        _tolerable(longer, PD, "have T2star > T2", "Their T2star is set to T2.", remedy)
        _tolerable(missing, PD, "have PD but no T2star", "Their T2star is set to T2.", remedy)
        maps["T2star"] = np.where(longer | missing, T2, star)


def _tolerable(bad: NDArray[np.bool_], PD: Map, what: str, done: str, remedy: str) -> bool:
    count, total = int(np.count_nonzero(bad)), int(np.count_nonzero(PD))
    if count > TOLERATED * total:
        raise InputError(f"{count} of {total} voxels {what}, which is impossible", remedy=remedy)
    if count:
        warnings.warn(f"{count} of {total} voxels {what}. {done}", stacklevel=4)
    return count > 0


def _reversible(maps: Mapping[str, Map]) -> Map | None:
    """T2prime [s], infinite where there is no reversible decay."""
    if "T2prime" in maps:
        return np.where(maps["T2prime"] > 0, maps["T2prime"], np.float32(np.inf))
    if "T2star" not in maps:
        return None
    T2, star = maps["T2"], maps["T2star"]
    with np.errstate(divide="ignore", invalid="ignore"):
        T2prime = T2 * star / (T2 - star)
    return np.where((star > 0) & (star < T2), T2prime, np.float32(np.inf)).astype(np.float32)
