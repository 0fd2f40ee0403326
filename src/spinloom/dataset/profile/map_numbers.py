"""Maps of relaxation times and proton density → numbers of a profile, tissue by tissue where labels are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.profile.label_medians import LabelMedian, label_medians
from spinloom.dataset.profile.series import commonest

TIMES = (Quantity.T1, Quantity.T2, Quantity.PD)


def map_numbers(image: Image, labels: Image | None = None) -> dict[str, float]:
    """mode_s and median_s of T1 and T2 where the map is above 0; "label 3 s" and its "label 3 error_s" (PD: no unit).

    Raises InputError for a map without a value above 0 and for labels on another grid.
    """
    v = np.asarray(image.data, float)
    v = np.where(v > 0, v, np.nan)
    some = v[np.isfinite(v)]
    if not len(some):
        raise InputError("the map holds no value above 0")
    numbers = {} if image.quantity is Quantity.PD else {"mode_s": commonest(some), "median_s": float(np.median(some))}
    if labels is None:
        return numbers
    if not labels.grid.same_place(image.grid):
        raise InputError("the labels lie on another grid than the map", remedy="Resample them to it.")
    unit = "" if image.quantity is Quantity.PD else "s"
    return numbers | named(label_medians(v, labels.data), unit)


def named(medians: Mapping[int, LabelMedian], unit: str) -> dict[str, float]:
    """Label medians by their names in a profile."""
    found: dict[str, float] = {}
    for i, m in medians.items():
        found |= {f"label {i} {unit}".rstrip(): m.median, f"label {i} error_{unit}".rstrip("_"): m.error}
    return found
