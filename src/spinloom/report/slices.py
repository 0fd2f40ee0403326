"""Volumes → small pictures: orthogonal slices in neurological orientation (left is left), at true proportions."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras, voxel_sizes_mm

Pixels = NDArray[np.uint8]
PLANES = ("axial", "coronal", "sagittal")
AXIS = {"axial": 2, "coronal": 1, "sagittal": 0}


@dataclass(frozen=True, eq=False)
class Volume:
    """A RAS volume ready to be cut.

    data      (x, y, z), axes along right, anterior, superior
    voxel_mm  (3,) [mm]
    """

    data: NDArray[np.generic]
    voxel_mm: NDArray[np.float64]


def volume(data: NDArray[np.generic], affine: NDArray[np.float64]) -> Volume:
    """Reorder to RAS; no interpolation."""
    ras, A = to_ras(data, affine)
    return Volume(ras, voxel_sizes_mm(A))


def window(data: NDArray[np.generic], low: float = 1.0, high: float = 99.5) -> tuple[float, float]:
    """Display limits from percentiles of what is not background (above 5 % of the robust maximum)."""
    values = np.asarray(data, np.float32)[::2, ::2, ::2].ravel()
    values = values[np.isfinite(values)]
    if values.size == 0 or values.max() <= values.min():
        return 0.0, 1.0
    top = float(np.percentile(values, 99.9))
    object_ = values[values > 0.05 * top]
    if object_.size < 16:
        return float(values.min()), float(values.max())
    return min(0.0, float(np.percentile(values, low))), float(np.percentile(object_, high))


def cut(v: Volume, plane: str, position: float = 0.5) -> NDArray[np.generic]:
    """One slice as (rows, columns): anterior or superior up, right of the picture is the subject's right.

    plane     axial, coronal or sagittal (nose to the right)
    position  0 … 1 along the axis of the slice
    """
    axis = AXIS[plane]
    index = round(position * (v.data.shape[axis] - 1))
    return np.take(v.data, index, axis=axis).T[::-1]


def grey(v: Volume, plane: str, limits: tuple[float, float], position: float = 0.5, height: int = 220) -> Pixels:
    """A slice as (height, width) bytes at true proportions."""
    low, high = limits
    flat = np.nan_to_num(cut(v, plane, position).astype(np.float32))
    scaled = np.clip((flat - low) / max(high - low, 1e-12), 0, 1)
    return np.asarray(_resize((scaled * 255 + 0.5).astype(np.uint8), v, plane, height, smooth=True), np.uint8)


def coloured(v: Volume, plane: str, palette: NDArray[np.uint8], position: float = 0.5, height: int = 220) -> Pixels:
    """A label slice as (height, width, 3) bytes.

    palette  (n_ids, 3): colour of each label id
    """
    ids = np.clip(cut(v, plane, position).astype(np.int64), 0, len(palette) - 1)
    return palette[_resize(ids.astype(np.int32), v, plane, height, smooth=False)]


def mapped(
    v: Volume, plane: str, limits: tuple[float, float], name: str, position: float = 0.5, height: int = 220
) -> Pixels:
    """A quantitative map slice through a perceptually uniform colour map, (height, width, 3) bytes."""
    from matplotlib import colormaps

    indices = grey(v, plane, limits, position, height)
    table = (np.asarray(colormaps[name](np.arange(256)))[:, :3] * 255).astype(np.uint8)
    table[0] = 0
    return table[indices]


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
    return _encode(pixels, "PNG", optimize=True)


def webp(pixels: Pixels, quality: int = 82) -> bytes:
    return _encode(pixels, "WEBP", quality=quality, method=4)


def data_uri(picture: bytes) -> str:
    kind = {b"\x89PNG": "image/png", b"RIFF": "image/webp", b"<svg": "image/svg+xml", b"<?xm": "image/svg+xml"}
    return f"data:{kind[picture[:4]]};base64,{base64.b64encode(picture).decode()}"


def _encode(pixels: Pixels, kind: str, **options: object) -> bytes:
    from PIL import Image as Pillow

    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, kind, **options)
    return out.getvalue()


def _resize(flat: NDArray[np.generic], v: Volume, plane: str, height: int, *, smooth: bool) -> NDArray[np.generic]:
    from PIL import Image as Pillow

    across, up = [a for a in range(3) if a != AXIS[plane]]
    rows, columns = flat.shape
    width = max(1, round(height * columns * v.voxel_mm[across] / (rows * v.voxel_mm[up])))
    how = Pillow.Resampling.BICUBIC if smooth else Pillow.Resampling.NEAREST
    return np.asarray(Pillow.fromarray(np.ascontiguousarray(flat)).resize((width, height), how))
