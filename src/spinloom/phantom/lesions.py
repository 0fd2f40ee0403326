"""Lesions: disease drawn into a brain's tissue fractions, so that it enters labels and truth like any tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import ndimage

from spinloom.core.grid import Grid
from spinloom.phantom.sdf import Map
from spinloom.phantom.texture import correlated_noise

Brain = dict[str, Map]


class Lesion(Protocol):
    """Something that turns part of a brain into other tissue."""

    def draw(self, brain: Brain, grid: Grid, rng: np.random.Generator) -> Brain:
        """Fractions by tissue name, with the lesion's own tissues added; their sum per voxel does not grow."""
        ...


def add_lesions(brain: Brain, lesions: Sequence[Lesion], grid: Grid, rng: np.random.Generator) -> Brain:
    """Draw lesions one after another."""
    for lesion in lesions:
        brain = lesion.draw(brain, grid, rng)
    return brain


@dataclass(frozen=True)
class MultipleSclerosis:
    """Ovoid demyelinated plaques in white matter, most of them around the ventricles and pointing away from them.

    count       how many
    radius_mm   median radius across; radii are log-normal with a relative spread of 0.45 [mm]
    periventricular  share of plaques within 10 mm of the ventricles [1]

    Filippi et al., Brain 142, 1858 (2019): size (>= 3 mm), ovoid shape and place of MS lesions.
    """

    count: int = 20
    radius_mm: float = 2.3
    periventricular: float = 0.6

    def draw(self, brain: Brain, grid: Grid, rng: np.random.Generator) -> Brain:
        h = float(grid.voxel_mm.mean())
        white = brain["white_matter"] > 0.85
        tissue = np.sum(list(brain.values()), axis=0) > 0.5
        fluid = ~tissue & ndimage.binary_erosion(
            ndimage.binary_fill_holes(_closed(tissue, 8, h)), iterations=round(12 / h)
        )
        fluid = _large_parts(fluid, 400 / h**3)
        away = ndimage.distance_transform_edt(~fluid) * h if fluid.any() else np.full(grid.shape, np.inf)
        deep = ndimage.distance_transform_edt(white) * h > 1.5
        shape = np.zeros(grid.shape, np.float32)
        wobble = correlated_noise(grid.shape, grid.voxel_mm, 3.0, rng)
        near, far = np.flatnonzero(deep & (away < 10)), np.flatnonzero(deep & (away >= 10))
        for _ in range(self.count):
            places = near if rng.uniform() < self.periventricular and len(near) else far
            radius = float(np.clip(self.radius_mm * np.exp(0.45 * rng.standard_normal()), 1.5, 9.0))
            direction = rng.standard_normal(3)
            if len(places) == 0:
                continue
            place = np.array(np.unravel_index(int(places[rng.integers(len(places))]), grid.shape))
            if places is near:
                direction = _gradient(away, place) + 0.25 * direction
            _stamp(shape, wobble, place, radius, direction / (np.linalg.norm(direction) + 1e-9), h)
        return _replace(brain, "lesion_ms", shape, ("white_matter",))


@dataclass(frozen=True)
class Tumour:
    """A glioma-like mass in the cerebral white matter: necrotic core, solid rim, and oedema that follows white matter.

    radius_mm   of the solid tumour [mm]
    core        radius of the necrotic part, relative [1]
    oedema_mm   how far the oedema reaches beyond the tumour [mm]
    """

    radius_mm: float = 15.0
    core: float = 0.6
    oedema_mm: float = 14.0

    def draw(self, brain: Brain, grid: Grid, rng: np.random.Generator) -> Brain:
        h = float(grid.voxel_mm.mean())
        depth = ndimage.distance_transform_edt(brain["white_matter"] > 0.5) * h
        index = np.argwhere(depth > min(6.0, 0.7 * float(depth.max())))
        z = grid.positions_mm(index)[:, 2]
        index = index[z > np.median(z)] if len(index) > 1 else index
        place = index[rng.integers(len(index))]
        axes = np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij", sparse=True)
        stretch = np.exp(0.15 * rng.standard_normal(3))
        r = np.sqrt(sum((((a - p) * h * s) ** 2 for a, p, s in zip(axes, place, stretch, strict=True)), np.zeros(1)))
        r = r.astype(np.float32) + np.float32(0.12 * self.radius_mm) * correlated_noise(
            grid.shape, grid.voxel_mm, 7.0, rng
        )
        fingers = np.float32(0.35 * self.oedema_mm) * correlated_noise(grid.shape, grid.voxel_mm, 6.0, rng)
        soft = np.float32(2.5)
        oedema = np.clip((self.radius_mm + self.oedema_mm - r + fingers) / soft + 0.5, 0, 1)
        solid = np.clip((self.radius_mm - r) / h + 0.5, 0, 1)
        inner = self.radius_mm * self.core
        core = np.clip((inner - r - 0.2 * fingers) / h + 0.5, 0, 1)
        brain = _replace(brain, "oedema", oedema.astype(np.float32), ("white_matter",))
        everything = ("white_matter", "grey_matter", "deep_grey_matter", "oedema")
        brain = _replace(brain, "tumour", solid.astype(np.float32), everything)
        return _replace(brain, "tumour_core", core.astype(np.float32), (*everything, "tumour"))


def _replace(brain: Brain, name: str, share: Map, victims: tuple[str, ...]) -> Brain:
    """Turn a share (0 .. 1) of some tissues into another; the sum stays."""
    out = dict(brain)
    out[name] = np.zeros_like(share)
    for victim in victims:
        taken = out[victim] * share
        out[victim] = out[victim] - taken
        out[name] = out[name] + taken
    return out


def _closed(mask: np.ndarray, mm: float, h: float) -> np.ndarray:
    n = max(1, round(mm / h))
    padded = np.pad(mask, n)
    inner = ndimage.distance_transform_edt(~padded) * h < mm
    back = ndimage.distance_transform_edt(inner) * h > mm
    return np.asarray(back[n:-n, n:-n, n:-n])


def _large_parts(mask: np.ndarray, voxels: float) -> np.ndarray:
    parts, _ = ndimage.label(mask)
    size = np.bincount(parts.ravel())
    size[0] = 0
    return np.asarray((size >= voxels)[parts])


def _gradient(field: np.ndarray, place: np.ndarray) -> np.ndarray:
    low, high = np.maximum(place - 2, 0), np.minimum(place + 2, np.array(field.shape) - 1)
    step = []
    for axis in range(3):
        a, b = place.copy(), place.copy()
        a[axis], b[axis] = low[axis], high[axis]
        step.append(field[tuple(b)] - field[tuple(a)])
    g = np.nan_to_num(np.asarray(step, float), posinf=0, neginf=0)
    return np.asarray(g / (np.linalg.norm(g) + 1e-9))


def _stamp(out: Map, wobble: Map, place: np.ndarray, radius: float, direction: np.ndarray, h: float) -> None:
    """An ellipsoid twice as long along `direction`, its border roughened, into `out` by maximum."""
    reach = int(np.ceil((2 * radius + 2) / h))
    low, high = np.maximum(place - reach, 0), np.minimum(place + reach + 1, np.array(out.shape))
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    p = (
        np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), -1) - place
    ) * h
    along = p @ direction
    r = np.sqrt(np.maximum((p**2).sum(-1) - along**2 + (along / 2) ** 2, 0))
    share = np.clip((radius - r + 0.25 * radius * wobble[window]) / max(h, 1.0) + 0.5, 0, 1)
    out[window] = np.maximum(out[window], share)
