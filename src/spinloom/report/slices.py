"""Volumes → small pictures: orthogonal slices in neurological orientation (left is left), at true proportions.

All pictures of one frame show the same place at the same scale, whatever the grid of the volume.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras

Pixels = NDArray[np.uint8]
PLANES = ("axial", "coronal", "sagittal")
AXIS = {"axial": 2, "coronal": 1, "sagittal": 0}


@dataclass(frozen=True, eq=False)
class Volume:
    """A volume ready to be cut.

    data    (x, y, z), axes along right, anterior, superior
    origin  (3,) world position of voxel 0 [mm]
    step    (3,) voxel size [mm]
    """

    data: NDArray[np.generic]
    origin: NDArray[np.float64]
    step: NDArray[np.float64]


@dataclass(frozen=True)
class Frame:
    """What pictures show: a box in the world, and the scale.

    low, high   corners [mm]
    px_per_mm   scale
    centre      where the three planes meet [mm]
    """

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    px_per_mm: float
    centre: tuple[float, float, float]


def volume(data: NDArray[np.generic], affine: NDArray[np.float64]) -> Volume:
    """Reorder to RAS; no interpolation (an oblique volume is shown along its own axes)."""
    ras, A = to_ras(data, affine)
    return Volume(ras, A[:3, 3], np.linalg.norm(A[:3, :3], axis=0))


def frame_of(
    v: Volume, inside: NDArray[np.bool_] | None = None, *, margin_mm: float = 6.0, height_px: int = 240
) -> Frame:
    """The box around the voxels that are `inside` (default: the whole volume), its height scaled to height_px."""
    shape = np.asarray(v.data.shape)
    first, last = np.zeros(3), shape - 1.0
    if inside is not None and inside.any():
        first, last = bounds(inside)
    low = v.origin + v.step * (first - 0.5) - margin_mm
    high = v.origin + v.step * (last + 0.5) + margin_mm
    scale = height_px / float(max(high[1] - low[1], high[2] - low[2]))
    x, y, z = (low + high) / 2
    return Frame((low[0], low[1], low[2]), (high[0], high[1], high[2]), scale, (x, y, z))


def bounds(inside: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """First and last index of the box around what is inside, (3,) each."""
    spans = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    return np.array([s[0] for s in spans], float), np.array([s[-1] for s in spans], float)


def window(data: NDArray[np.generic], low: float = 1.0, high: float = 99.5) -> tuple[float, float]:
    """Display limits from percentiles of what is not background (above 5 % of the robust maximum)."""
    values = np.asarray(data, np.float32)[::2, ::2, ::2].ravel()
    values = values[np.isfinite(values)]
    if values.size == 0 or values.max() <= values.min():
        return 0.0, 1.0
    top = float(np.percentile(values, 99.9))
    shown = values[values > 0.05 * top]
    if shown.size < 16:
        return float(values.min()), float(values.max())
    return min(0.0, float(np.percentile(values, low))), float(np.percentile(shown, high))


def cut(v: Volume, plane: str, frame: Frame, at_mm: float, *, smooth: bool) -> NDArray[np.generic]:
    """One slice as (rows, columns): anterior or superior up, the subject's right (or nose) at the right.

    plane   axial, coronal or sagittal
    at_mm   position along the slice's axis; outside the volume the picture is empty
    smooth  linear in-plane interpolation, else nearest (labels)
    """
    from scipy.ndimage import map_coordinates

    axis = AXIS[plane]
    across, up = (a for a in range(3) if a != axis)
    n_columns, n_rows = (max(1, round((frame.high[a] - frame.low[a]) * frame.px_per_mm)) for a in (across, up))
    place = (at_mm - v.origin[axis]) / v.step[axis]
    if not -0.51 <= place <= v.data.shape[axis] - 0.49:
        return np.zeros((n_rows, n_columns), v.data.dtype)
    flat = np.moveaxis(v.data, axis, 0)[int(np.clip(round(place), 0, v.data.shape[axis] - 1))]
    x = frame.low[across] + (np.arange(n_columns) + 0.5) / frame.px_per_mm
    y = frame.high[up] - (np.arange(n_rows) + 0.5) / frame.px_per_mm
    index = np.meshgrid((x - v.origin[across]) / v.step[across], (y - v.origin[up]) / v.step[up])
    return np.asarray(map_coordinates(flat, index, order=1 if smooth else 0, mode="constant"))


def grey(v: Volume, plane: str, frame: Frame, at_mm: float, limits: tuple[float, float]) -> Pixels:
    """A slice as (rows, columns) bytes."""
    low, high = limits
    flat = np.nan_to_num(cut(v, plane, frame, at_mm, smooth=True).astype(np.float32))
    return (np.clip((flat - low) / max(high - low, 1e-12), 0, 1) * 255 + 0.5).astype(np.uint8)


def coloured(v: Volume, plane: str, frame: Frame, at_mm: float, colours: NDArray[np.uint8]) -> Pixels:
    """A label slice as (rows, columns, 3) bytes.

    colours  (n_ids, 3): colour of each label id
    """
    ids = cut(v, plane, frame, at_mm, smooth=False).astype(np.int64)
    return colours[np.clip(ids, 0, len(colours) - 1)]


def mapped(v: Volume, plane: str, frame: Frame, at_mm: float, limits: tuple[float, float], name: str) -> Pixels:
    """A quantitative map slice through a perceptually uniform colour map, (rows, columns, 3) bytes."""
    from matplotlib import colormaps

    table = (np.asarray(colormaps[name](np.arange(256)))[:, :3] * 255).astype(np.uint8)
    table[0] = 0
    return table[grey(v, plane, frame, at_mm, limits)]


def planes_of(v: Volume) -> list[str]:
    """The planes in which a volume has an extent; axial for a line or a point."""
    return [p for p in PLANES if min(n for a, n in enumerate(v.data.shape) if a != AXIS[p]) > 1] or ["axial"]


def orthogonal(v: Volume, frame: Frame, limits: tuple[float, float]) -> Pixels:
    """Axial, coronal and sagittal slices through the frame's centre, side by side; only those that have an extent."""
    return beside([grey(v, plane, frame, frame.centre[AXIS[plane]], limits) for plane in planes_of(v)])


def beside(pictures: list[Pixels], gap: int = 2) -> Pixels:
    """Pictures of one height in a row, bottoms aligned."""
    rgb = [p if p.ndim == 3 else np.repeat(p[..., None], 3, 2) for p in pictures]
    height = max(p.shape[0] for p in rgb)
    strip: list[Pixels] = []
    for p in rgb:
        pad = np.zeros((height, p.shape[1], 3), np.uint8)
        pad[height - p.shape[0] :] = p
        strip += [pad, np.zeros((height, gap, 3), np.uint8)]
    return np.concatenate(strip[:-1], axis=1)


def palette(ids: list[int], names: list[str]) -> NDArray[np.uint8]:
    """A colour for each label id: the usual ones for tissues people know, evenly spread hues for the rest."""
    import colorsys

    table = np.zeros((max(ids, default=0) + 1, 3), np.uint8)
    for n, (label, name) in enumerate(zip(ids, names, strict=True)):
        hue = (0.61803398875 * n) % 1.0
        rgb = FAMILIAR.get(name) or tuple(round(255 * c) for c in colorsys.hsv_to_rgb(hue, 0.55, 0.85))
        table[label] = rgb
    return table


FAMILIAR: dict[str, tuple[int, int, int]] = {
    "background": (0, 0, 0),
    "air": (18, 22, 30),
    "csf": (74, 144, 217),
    "grey_matter": (168, 168, 176),
    "deep_grey_matter": (122, 134, 160),
    "white_matter": (238, 236, 228),
    "fat": (240, 204, 110),
    "muscle": (176, 76, 70),
    "skin": (224, 170, 140),
    "cortical_bone": (96, 88, 76),
    "marrow": (206, 176, 120),
    "eye": (96, 196, 200),
    "vessels": (196, 40, 60),
    "blood": (196, 40, 60),
    "lesion_ms": (255, 96, 32),
    "tumour": (236, 64, 160),
    "tumour_core": (120, 20, 80),
    "oedema": (180, 140, 230),
}


def png(pixels: Pixels) -> bytes:
    """Lossless: labels and single pictures."""
    return _encode(pixels, "PNG", optimize=True)


def webp(pixels: Pixels, quality: int = 82) -> bytes:
    """Lossy and small: grey slices in a page. quality 0 to 100."""
    return _encode(pixels, "WEBP", quality=quality, method=4)


def data_uri(picture: bytes) -> str:
    """A picture as text that a page can hold; PNG, WebP or SVG by its first bytes."""
    kind = {b"\x89PNG": "image/png", b"RIFF": "image/webp", b"<svg": "image/svg+xml", b"<?xm": "image/svg+xml"}
    return f"data:{kind[picture[:4]]};base64,{base64.b64encode(picture).decode()}"


def _encode(pixels: Pixels, kind: str, **options: object) -> bytes:
    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()
