"""Signed distances: shapes as fields that are negative inside, so that they can be joined, hollowed and blended.

Each shape is evaluated only near itself; elsewhere it is the constant `far`, which no later step asks about.
Distances are exact for capsules and boxes and first-order for ellipsoids.

Hart, "Sphere tracing", The Visual Computer 12, 527 (1996), appendix.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid

Map = NDArray[np.float32]
Vec = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Space:
    """Where shapes are evaluated: open coordinate axes of an axis-aligned grid.

    x, y, z  (nx, 1, 1), (1, ny, 1), (1, 1, nz) positions [mm]
    far      value beyond the neighbourhood of a shape [mm]
    """

    x: Map
    y: Map
    z: Map
    far: float = 8.0

    @staticmethod
    def of(grid: Grid, far: float = 8.0) -> Space:
        axes = [(grid.affine[a, 3] + grid.affine[a, a] * np.arange(grid.shape[a])).astype(np.float32) for a in range(3)]
        return Space(axes[0][:, None, None], axes[1][None, :, None], axes[2][None, None, :], far)

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self.x.shape[0], self.y.shape[1], self.z.shape[2])

    @property
    def folded(self) -> Space:
        """Both halves of the body as the right one: a shape drawn at x > 0 appears on both sides."""
        return replace(self, x=np.abs(self.x))

    def reach(self, far: float) -> Space:
        return replace(self, far=far)


def ellipsoid(space: Space, centre: Vec, radii: Vec) -> Map:
    """First-order distance to an ellipsoid, k0 (k0 - 1) / k1 with k0 = |p / r|, k1 = |p / r^2| [mm]."""

    def inside(x: Map, y: Map, z: Map) -> Map:
        p = (x - centre[0], y - centre[1], z - centre[2])
        k0 = np.sqrt(sum((q / r) ** 2 for q, r in zip(p, radii, strict=True)))
        k1 = np.sqrt(sum((q / r**2) ** 2 for q, r in zip(p, radii, strict=True)))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(k1 > 0, k0 * (k0 - 1) / k1, -min(radii))

    box = [(c - r, c + r) for c, r in zip(centre, radii, strict=True)]
    return _near(space, box, inside)


def capsule(space: Space, a: Vec, b: Vec, ra: float, rb: float | None = None) -> Map:
    """Distance to a thick line from a to b whose radius goes linearly from ra to rb [mm]."""
    rb = ra if rb is None else rb
    d = np.subtract(b, a)
    length2 = float(d @ d)

    def inside(x: Map, y: Map, z: Map) -> Map:
        t = np.clip(((x - a[0]) * d[0] + (y - a[1]) * d[1] + (z - a[2]) * d[2]) / length2, 0, 1)
        off = (x - a[0] - t * d[0]) ** 2 + (y - a[1] - t * d[1]) ** 2 + (z - a[2] - t * d[2]) ** 2
        return np.sqrt(off) - (ra + (rb - ra) * t)

    r = max(ra, rb)
    return _near(space, [(min(p, q) - r, max(p, q) + r) for p, q in zip(a, b, strict=True)], inside)


def chain(space: Space, points: list[Vec], radius: float, last: float | None = None) -> Map:
    """A bent tube through points; its radius goes from `radius` to `last` [mm]."""
    radii = np.linspace(radius, radius if last is None else last, len(points))
    pieces = [
        capsule(space, p, q, float(r), float(s))
        for p, q, r, s in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
    ]
    return union(*pieces)


def box(space: Space, centre: Vec, half: Vec, rounding: float = 1.0) -> Map:
    """Distance to a box with rounded edges [mm]."""

    def inside(x: Map, y: Map, z: Map) -> Map:
        q = [np.abs(p - c) - (h - rounding) for p, c, h in zip((x, y, z), centre, half, strict=True)]
        outer = np.sqrt(sum(np.maximum(p, 0) ** 2 for p in q))
        return outer + np.minimum(np.maximum(np.maximum(q[0], q[1]), q[2]), 0) - rounding

    return _near(space, [(c - h, c + h) for c, h in zip(centre, half, strict=True)], inside)


def union(*shapes: Map) -> Map:
    out = shapes[0]
    for shape in shapes[1:]:
        out = np.minimum(out, shape)
    return out


def smooth_union(a: Map, b: Map, k: float) -> Map:
    """Union whose crease is filled over a width k: min(a, b) - k h^2 / 4 with h = max(0, 1 - |a - b| / k)."""
    h = np.maximum(0, 1 - np.abs(a - b) / np.float32(k))
    return np.minimum(a, b) - h * h * np.float32(k / 4)


def outside_of(shape: Map, hole: Map) -> Map:
    """shape without hole."""
    return np.maximum(shape, -hole)


def _near(space: Space, bounds: list[tuple[float, float]], inside: object) -> Map:
    """Evaluate a shape within `far` of its bounds; `far` elsewhere."""
    out = np.full(space.shape, space.far, np.float32)
    axes, window = [], []
    for axis, (coordinate, (low, high)) in enumerate(zip((space.x, space.y, space.z), bounds, strict=True)):
        c = coordinate.ravel()
        keep = np.flatnonzero((c >= low - space.far) & (c <= high + space.far))
        if len(keep) == 0:
            return out
        window.append(slice(int(keep[0]), int(keep[-1]) + 1))
        axes.append(coordinate[tuple(window[axis] if a == axis else slice(None) for a in range(3))])
    near = inside(*axes)  # type: ignore[operator]
    out[tuple(window)] = np.minimum(near, space.far)
    return out
