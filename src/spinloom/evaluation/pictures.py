"""Pictures of scored cases: prediction, reference and difference in the worst slice, and what errors look like."""

from __future__ import annotations

import io

import numpy as np

from spinloom.core.affine import voxel_sizes_mm
from spinloom.evaluation.honest import where
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.scores import shown
from spinloom.report.page import Picture
from spinloom.report.slices import png

HEIGHT_PX = 230
HU_SHOWN = (-300.0, 700.0)


def triptych(pair: Pair) -> Picture:
    """Prediction, reference and their difference, side by side, in the axial slice with the largest error, one window
    for both images; nose up, the subject's right on the right."""
    mask = where(pair) if pair.quantity.name != "LABEL" else np.ones(pair.y.shape, bool)
    error = np.abs(pair.x - pair.y) * mask
    z = int(np.argmax(error.sum(axis=(0, 1))))
    low, high = _window(pair, mask)
    largest = max(float(np.percentile(error[mask], 99.5)), 1e-12)
    x, y, d = (_placed(a[:, :, z], pair) for a in (pair.x, pair.y, (pair.x - pair.y) * mask))
    grey = [np.repeat(_bytes((a - low) / max(high - low, 1e-12))[..., None], 3, axis=2) for a in (x, y)]
    place = float((pair.affine @ [0, 0, z, 1])[2])
    factor, unit = shown(pair.quantity)
    said = f"slice at z = {place:.0f} mm; blue to red: ±{factor * largest:.3g} {unit}".rstrip()
    return Picture(png(np.concatenate([*grey, _coloured(d / largest)], axis=1)), said)


def histogram(pair: Pair) -> Picture:
    """Errors x - y inside the mask, as shares of voxels on a logarithmic scale."""
    from matplotlib.figure import Figure

    mask = where(pair) if pair.quantity.name != "LABEL" else np.ones(pair.y.shape, bool)
    factor, unit = shown(pair.quantity)
    e = factor * (pair.x - pair.y)[mask]
    edge = max(float(np.percentile(np.abs(e), 99.9)), 1e-12)
    figure = Figure(figsize=(3.2, 2.3), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    axes.hist(np.clip(e, -edge, edge), bins=80, weights=np.full(len(e), 100 / len(e)), color="#3c6e9f", log=True)
    axes.axvline(0, color="black", linewidth=0.6)
    axes.set(xlabel=f"prediction - reference {unit and f'[{unit}]'}", ylabel="% of voxels")
    return Picture(
        _figure(figure), f"median {np.median(e):.3g}, 95 % within ±{np.percentile(np.abs(e), 95):.3g} {unit}"
    )


def perception_distortion(sets: dict[str, dict[str, tuple[float, float]]], distortion: str, perception: str) -> Picture:
    """Each case as a point, and the mean of each set of predictions as a large one: how far from its reference, and how
    far from looking like it.

    sets  name → case → (distortion, perception). Blau & Michaeli, CVPR (2018): no method gets arbitrarily good at both.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.6, 3.4), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    for n, (name, cases) in enumerate(sets.items()):
        at = np.array(list(cases.values())).reshape(-1, 2)
        axes.plot(*at.T, "o", color=f"C{n}", markersize=4, alpha=0.5, markeredgewidth=0)
        axes.plot(*at.mean(axis=0), "D", color=f"C{n}", markersize=8, label=name)
    axes.set(xlabel=f"distortion: {distortion}", ylabel=f"perception: {perception}")
    axes.margins(0.1)
    axes.legend(frameon=False, fontsize=8)
    return Picture(_figure(figure), "A point per case, a diamond for their mean; lower left is better.")


def _window(pair: Pair, mask: np.ndarray) -> tuple[float, float]:
    if pair.quantity.name == "HU":
        return HU_SHOWN
    values = pair.y[mask]
    return min(0.0, float(np.percentile(values, 1))), max(
        float(np.percentile(values, 99.5)), float(values.min()) + 1e-12
    )


def _placed(flat: np.ndarray, pair: Pair) -> np.ndarray:
    """(x, y) → rows from front to back, columns from left to right, at true proportions."""
    from PIL import Image as Pillow

    dx, dy, _ = voxel_sizes_mm(pair.affine)
    scale = HEIGHT_PX / (flat.shape[1] * dy)
    size = max(1, round(flat.shape[0] * dx * scale)), HEIGHT_PX
    how = Pillow.Resampling.NEAREST if pair.quantity.name == "LABEL" else Pillow.Resampling.BILINEAR
    return np.asarray(Pillow.fromarray(np.ascontiguousarray(flat.T[::-1], np.float32)).resize(size, how))


def _bytes(a: np.ndarray) -> np.ndarray:
    return np.asarray((np.clip(a, 0, 1) * 255 + 0.5).astype(np.uint8))


def _coloured(d: np.ndarray) -> np.ndarray:
    """-1 ... 1 as blue, white, red."""
    from matplotlib import colormaps

    return np.asarray((np.asarray(colormaps["RdBu_r"](np.clip(d, -1, 1) / 2 + 0.5))[..., :3] * 255).astype(np.uint8))


def _figure(figure: object) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")  # type: ignore[attr-defined]
    return out.getvalue()
