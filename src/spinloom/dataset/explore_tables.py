"""Tables of an exploratory report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from spinloom.dataset.fingerprint import Fingerprint
from spinloom.dataset.fingerprint_contrast import Spread
from spinloom.dataset.fingerprint_image import ImageFacts
from spinloom.dataset.fingerprint_outliers import Outlier
from spinloom.report.page import Table

PARTS = 4


def outlier_table(far: Sequence[Outlier]) -> Table:
    rows = tuple((o.name, o.contrast, o.what, f"{o.score:.1f}" if np.isfinite(o.score) else "") for o in far)
    text = "Worst first. The last column counts robust standard deviations from the median of the contrast."
    return Table(("subject", "contrast", "what is unusual", "how far"), rows, text)


def fault_table(found: Fingerprint) -> Table:
    rows = tuple((_place(file), fault) for file, fault in found.faults)
    return Table(("path", "not measured, because"), rows, "The others went on.")


def _place(file: str) -> str:
    """A path, or the end of a long one: in most layouts a bare name is that of many subjects."""
    parts = Path(file).parts
    return file if len(parts) <= PARTS else "/".join(("…", *parts[-PARTS:]))


def contrast_table(found: Fingerprint) -> Table:
    """One row per contrast: medians, with the range where there is one."""
    columns = ("contrast", "images", "subjects", "voxels", "voxel [mm]", "field of view [mm]", "axes", "anisotropy")
    more = ("mean", "sd", "1 %", "50 %", "99 %", "background", "noise sd")
    rows = []
    for c in found.contrasts:
        i = c.intensities
        numbers = ("",) * 7
        if i is not None:
            picked = (i.mean, i.sd, *(i.percentiles[p] for p in ("1", "50", "99")), i.background, i.noise)
            numbers = tuple("" if v is None else f"{v:.4g}" for v in picked)  # type: ignore[assignment]
        axes = ", ".join(f"{k}" if len(c.orientations) == 1 else f"{n} {k}" for k, n in c.orientations.items())
        sizes = (_said(c.shape), _said(c.voxel_mm), _said(c.FOV_mm))
        rows.append((c.contrast, str(c.images), str(c.subjects), *sizes, axes, f"{c.anisotropy:.3g}", *numbers))
    text = "Medians over images, ranges in brackets; intensities inside the subject, in the unit of the contrast."
    return Table(columns + more, tuple(rows), text)


def agreement_table(found: Fingerprint) -> Table:
    """Pairs of contrasts, those whose boundaries agree least first."""
    ranked = sorted(found.agreements, key=lambda a: -1.0 if a.boundaries is None else a.boundaries)
    rows = tuple(
        (
            a.subject if a.session is None else f"{a.subject} {a.session}",
            f"{a.first}, {a.second}",
            "yes" if a.one_grid else "no",
            *("" if v is None else f"{v:.3f}" for v in (a.boundaries, a.NMI, a.NCC, a.dice)),
        )
        for a in ranked
    )
    text = (
        "Boundaries: 1 where all edges run alike, 0.33 for unrelated images. Images on different grids are compared "
        "where their affines put them; no number where they share too little space. NCC between contrasts may well be "
        "negative."
    )
    return Table(("subject", "contrasts", "one grid", "boundaries", "NMI", "NCC", "Dice of the masks"), rows, text)


def image_table(found: Fingerprint) -> Table:
    columns = ("image", "contrast", "voxels", "voxel [mm]", "axes", "tilt [deg]", "grid", "subject [cm³]", "mean", "sd", "1 %", "99 %", "noise sd")  # fmt: skip  # noqa: E501
    return Table(columns, tuple(_image_row(i) for i in found.images), "Every image; labels have no intensities.")


def grid_table(found: Fingerprint) -> Table:
    rows = tuple(
        (str(n), _times(g.shape), str(g.images), *(f"{row[3]:.1f}" for row in g.affine[:3]))
        for n, g in enumerate(found.grids)
    )
    return Table(("grid", "voxels", "images", "x of voxel 0 [mm]", "y", "z"), rows, "Grids: shape and place.")


def _image_row(i: ImageFacts) -> tuple[str, ...]:
    v = i.intensities
    numbers = ("",) * 5
    if v is not None:
        picked = (v.mean, v.sd, v.percentiles["1"], v.percentiles["99"], v.noise)
        numbers = tuple(f"{x:.4g}" for x in picked)  # type: ignore[assignment]
    place = (
        _times(i.shape),
        _times(i.voxel_mm),
        i.orientation,
        f"{i.oblique_deg:.3g}",
        str(i.grid),
        f"{i.mask_cm3:.4g}",
    )
    return i.name, i.contrast, *place, *numbers


def _said(s: Spread) -> str:
    if s.least == s.most:
        return _times(s.median)
    return f"{_times(s.median)} ({_times(s.least)} to {_times(s.most)})"


def _times(values: Iterable[float]) -> str:
    return " × ".join(f"{v:.4g}" for v in values)
