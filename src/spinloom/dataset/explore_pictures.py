"""Figures of an exploratory report: histograms and slices in numbers, all subjects over each other."""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence

import numpy as np

from spinloom.dataset.explore_look import Look
from spinloom.report.page import Picture

PLAIN, FAR = "#3c6e9f", "#c8452d"
DIRECTIONS = ("left to right", "posterior to anterior", "inferior to superior")
MOST_NAMED = 8


def histograms(contrast: str, looks: Sequence[Look], far: Collection[str]) -> Picture:
    """Densities inside the subjects: as they are, and each on its own 1 to 99 % scale, where only shape counts.

    far  names of visits to draw in red
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 2.9), dpi=110, layout="constrained")
    plain, scaled = figure.subplots(1, 2)
    for look in _far_last(looks, far):
        if look.histogram is None:
            continue
        value, density = look.histogram
        style = _style(look, far, len(looks))
        plain.plot(value, 100 * density * (value[1] - value[0]), **style)
        low, high = np.interp((0.01, 0.99), np.cumsum(density) / density.sum(), value)
        width = max(high - low, 1e-30)
        scaled.plot((value - low) / width, density * width, **style)
    plain.set(xlabel=looks[0].quantity.value, ylabel="% of voxels", title=f"{contrast}: as stored")
    scaled.set(
        xlabel="1 % to 99 % of the subject's voxels", ylabel="density", title="on its own scale", xlim=(-0.1, 1.1)
    )
    if len(looks) <= MOST_NAMED or far:
        plain.legend(fontsize=7, frameon=False)
    n = f"{len(looks)} images" if len(looks) > 1 else "One image"
    red = "; outliers in red" if far else ""
    return Picture(_png(figure), f"{contrast}. {n}, voxels inside the subject{red}.")


def profiles(contrast: str, looks: Sequence[Look], far: Collection[str]) -> Picture:
    """Mean, standard deviation and area of every slice, along the three directions of the world."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.2, 5.6), dpi=110, layout="constrained")
    axes = figure.subplots(3, 3, sharex="col", sharey="row")
    for look in _far_last(looks, far):
        style = _style(look, far, len(looks))
        for column, profile in enumerate(look.profiles):
            enough = profile.area_cm2 > 0.02 * max(profile.area_cm2.max(), 1e-30)
            marked = {**style, "marker": "."} if enough.sum() < 5 else style
            for row, values in enumerate((profile.mean, profile.sd, profile.area_cm2)):
                axes[row, column].plot(profile.at_mm, np.where(enough | (row == 2), values, np.nan), **marked)
    for column, direction in enumerate(DIRECTIONS):
        axes[0, column].set_title(direction, fontsize=9)
        axes[2, column].set_xlabel("from the middle of the subject [mm]")
    for row, name in enumerate(("mean", "standard deviation", "area [cm²]")):
        axes[row, 0].set_ylabel(name)
    if len(looks) <= MOST_NAMED or far:
        axes[0, 2].legend(fontsize=7, frameon=False)
    return Picture(
        _png(figure),
        f"{contrast}. Every slice, voxels inside the subject; slices below 2 % of the largest area have no mean.",
    )


def _style(look: Look, far: Collection[str], n: int) -> dict[str, object]:
    from matplotlib import colormaps

    if look.name in far:
        return {"color": FAR, "linewidth": 1.6, "label": look.name}
    if n > MOST_NAMED or far:
        return {"color": PLAIN, "linewidth": 0.9, "alpha": 0.55}
    place = sum(ord(c) * (k + 1) for k, c in enumerate(look.name)) % 10
    return {"color": colormaps["tab10"](place), "linewidth": 1.3, "label": look.name}


def _far_last(looks: Sequence[Look], far: Collection[str]) -> list[Look]:
    return sorted(looks, key=lambda look: look.name in far)


def _png(figure: object) -> bytes:
    out = io.BytesIO()
    figure.savefig(out, format="png")  # type: ignore[attr-defined]
    return out.getvalue()
