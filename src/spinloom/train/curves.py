"""Losses against steps, as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np


def curves(rows: Sequence[dict[str, float]]) -> bytes:
    """PNG: every loss, smoothed over a fiftieth of the run, on a logarithmic axis where all are positive."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    names = [k for k in (rows[-1] if rows else {}) if k not in ("step", "seconds", "rate")]
    steps = np.array([r["step"] for r in rows])
    width = max(1, len(rows) // 50)
    positive = True
    for name in names:
        values = np.array([r.get(name, np.nan) for r in rows], float)
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        axes.plot(steps[width - 1 :], smooth, label=name, lw=1)
        positive &= bool(np.nanmin(smooth) > 0) if len(smooth) else True
    if positive and names:
        axes.set_yscale("log")
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    if names:
        axes.legend(fontsize=7, ncols=2)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()
