"""Measured relaxation of every label: medians of T and of PD, and how sure they are."""

from __future__ import annotations

from collections.abc import Iterable
from math import hypot
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from spinloom.core.image import Image, Quantity
from spinloom.dataset.find_labels import LabelMap, labels_of
from spinloom.dataset.profile.label_medians import LabelMedian, label_medians
from spinloom.dataset.profile.map_numbers import named
from spinloom.dataset.profile.series import SURE, Relaxation
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Scan


def label_numbers(r: Relaxation, labels: ArrayLike) -> dict[str, float]:
    """ "label 3 s" and "label 3 error_s" of T; "label 3 PD" and "label 3 error_PD" relative to the largest label.

    labels  (x, y, z) on the grid of the series

    Voxels count where T is known to 25 %. PD is the signal without relaxation: the receive field is still in it.
    Raises InputError for labels of another shape.
    """
    sure = r.T_error < SURE * r.T
    T = label_medians(np.where(sure, r.T, np.nan), labels)
    A = label_medians(np.where(sure, r.A, np.nan), labels)
    if not A:
        return {}
    base = max(A.values(), key=lambda m: m.voxels)
    return named(T, "s") | named({i: _over(m, base) for i, m in A.items() if base.median}, "PD")


def labels_for(series: Path, image: Image, maps: Iterable[LabelMap]) -> Image | None:
    """The labels of a series among maps: of those with its name or subject, else of all, the first on its grid."""
    known = tuple(maps)
    likely = labels_of(Scan(series, series.name.split("_")[0], None, "T1map"), known)
    for m in dict.fromkeys((*likely, *known)):
        labels = read_scan(Scan(m.path, m.path.name, None, "dseg", Quantity.LABEL))
        if labels.grid.same_place(image.grid):
            return labels
    return None


def _over(m: LabelMedian, base: LabelMedian) -> LabelMedian:
    ratio = m.median / base.median
    error = 0.0 if m is base else abs(ratio) * hypot(m.error / m.median if m.median else 0.0, base.error / base.median)
    return LabelMedian(ratio, error, m.voxels)
