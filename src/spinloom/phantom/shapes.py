"""Geometric phantoms: ellipsoids of one tissue each, with partial volume at their surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.phantom.fractions import phantom_of_fractions
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.phantom.tissues import TissueTable

Triple = tuple[float, float, float]
SUB = 5  # sub-voxels per axis where a surface passes


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid of one tissue, which replaces whatever lay there.

    tissue     name in the table
    centre_mm  world position [mm]
    semi_mm    semi-axes [mm]
    angle      of the first semi-axis from x towards y [rad]
    """

    tissue: str
    centre_mm: Triple
    semi_mm: Triple
    angle: float = 0.0


def Sphere(tissue: str, centre_mm: Triple, radius_mm: float) -> Ellipsoid:
    """A sphere of one tissue."""
    return Ellipsoid(tissue, centre_mm, (radius_mm, radius_mm, radius_mm))


def spheres(
    shapes: Sequence[Ellipsoid],
    tissues: TissueTable,
    *,
    shape: tuple[int, int, int],
    voxel_mm: ArrayLike = 1.0,
    centre_mm: ArrayLike = (0.0, 0.0, 0.0),
    name: str = "spheres",
    voxel: Voxel = Voxel.BOX,
) -> Phantom:
    """A phantom of spheres and ellipsoids, painted in order.

        f_new = c,  f_other <- f_other (1 - c),   c the part of the voxel inside the shape

    shapes     later ones replace earlier ones
    tissues    table in which the shapes' tissues are found
    shape      voxels along x, y, z
    voxel_mm   (3,) or scalar [mm]
    centre_mm  (3,) middle of the grid [mm]
    raises     InputError if a shape has no extent; UsageError for an unknown tissue
    """
    grid = Grid.centred(shape, voxel_mm, centre_mm)
    fractions = np.zeros((len(tissues), *shape), np.uint8)
    for item in shapes:
        if min(item.semi_mm) <= 0:
            raise InputError(f"an ellipsoid of {item.tissue} has semi-axes {item.semi_mm} mm")
        box, c = coverage(item, grid)
        new = tissues.index(item.tissue)
        here = [t for t in range(len(tissues)) if t == new or fractions[t][box].any()]
        amount = np.stack([fractions[t][box] * (1 - c) for t in here])
        amount[here.index(new)] += 255 * c
        upto = np.rint(np.cumsum(amount, axis=0)).astype(np.int16)
        for t, part in zip(here, np.diff(upto, axis=0, prepend=np.int16(0)), strict=True):
            fractions[t][box] = part
    return phantom_of_fractions(fractions, tissues, grid=grid, voxel=voxel, B0=tissues.B0, name=name)


def coverage(item: Ellipsoid, grid: Grid) -> tuple[tuple[slice, ...], NDArray[np.float32]]:
    """The part of the grid an ellipsoid may touch, and how much of each voxel there lies inside it.

    grid     axis-aligned along RAS+
    returns  slices of the grid, and (x, y, z) parts 0 to 1, in steps of 1/125
    """
    size = grid.voxel_mm
    origin = grid.positions_mm((0, 0, 0))
    a, b, c = item.semi_mm
    turn = np.array([cos(item.angle), sin(item.angle)])
    extent = np.array([*np.hypot(a * turn, b * turn[::-1]), c])
    middle = (np.asarray(item.centre_mm) - origin) / size
    low = np.clip(np.floor(middle - extent / size - 0.5), 0, grid.shape).astype(int)
    high = np.clip(np.ceil(middle + extent / size + 0.5) + 1, 0, grid.shape).astype(int)
    box = tuple(slice(i, max(i, j)) for i, j in zip(low, high, strict=True))
    part = np.zeros([s.stop - s.start for s in box], np.float32)
    first = origin + low * size - np.asarray(item.centre_mm)
    _cover(part, first, size, np.asarray(item.semi_mm, float), cos(item.angle), sin(item.angle))
    return box, part


@njit(cache=True, error_model="numpy", nogil=True)
def _cover(  # pragma: no cover - compiled
    part: NDArray[np.float32],
    first: NDArray[np.float64],
    size: NDArray[np.float64],
    semi: NDArray[np.float64],
    cosine: float,
    sine: float,
) -> None:
    """Voxels whose eight corners lie inside are full (an ellipsoid is convex); the others are sampled."""
    for i in range(part.shape[0]):
        for j in range(part.shape[1]):
            for k in range(part.shape[2]):
                x, y, z = first[0] + i * size[0], first[1] + j * size[1], first[2] + k * size[2]
                corners = 0
                for n in range(8):
                    u = x + size[0] * ((n & 1) - 0.5)
                    v = y + size[1] * (((n >> 1) & 1) - 0.5)
                    w = z + size[2] * (((n >> 2) & 1) - 0.5)
                    corners += _inside(u, v, w, semi, cosine, sine)
                if corners == 8:
                    part[i, j, k] = 1
                    continue
                count = 0
                for p in range(SUB):
                    u = x + size[0] * ((p + 0.5) / SUB - 0.5)
                    for q in range(SUB):
                        v = y + size[1] * ((q + 0.5) / SUB - 0.5)
                        for r in range(SUB):
                            count += _inside(u, v, z + size[2] * ((r + 0.5) / SUB - 0.5), semi, cosine, sine)
                part[i, j, k] = count / SUB**3


@njit(cache=True, nogil=True, inline="always")
def _inside(  # pragma: no cover - compiled
    x: float, y: float, z: float, semi: NDArray[np.float64], cosine: float, sine: float
) -> int:
    u = (x * cosine + y * sine) / semi[0]
    v = (y * cosine - x * sine) / semi[1]
    w = z / semi[2]
    return 1 if u * u + v * v + w * w <= 1 else 0
