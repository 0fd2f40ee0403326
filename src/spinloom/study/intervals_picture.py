"""One test subject of the study of intervals: what was given, true, answered, and how wide the interval is."""

from __future__ import annotations

import numpy as np

from spinloom.report.slices import webp
from spinloom.study.calibrate import Answer, spread_at
from spinloom.study.intervals_measured import ends_at
from spinloom.translate.interval import Intervals
from spinloom.translate.model import Model

TOLD = "source, truth, answer, how far the 90 % interval goes below and above it (bright: far), and voxels outside"


def picture(model: Model, known: Intervals, p: Answer) -> bytes:
    """WebP of the first target."""
    low, high = ends_at(known, model.plan.target[0], 0, p, spread_at(known.spread, p))
    below, above = (np.where(np.isfinite(v), v, 0) * p.inside for v in (p.value[0] - low, high - p.value[0]))
    k = p.inside.shape[2] // 2
    top = float(np.percentile(p.truth[0][p.inside], 97))
    widest = max(float(np.percentile(np.stack((below, above))[:, p.inside], 98)), 1e-9)
    out = ((p.truth[0] < low) | (p.truth[0] > high)) & p.inside
    cells = [p.source[0] / 1.1, p.truth[0] / top, p.value[0] * p.inside / top, below / widest, above / widest, out]
    flat = [np.rot90(np.clip(c[..., k].astype(float), 0, 1)) for c in cells]
    return webp(np.repeat(np.repeat((np.concatenate(flat, 1) * 255).astype(np.uint8), 3, 0), 3, 1), 80)
