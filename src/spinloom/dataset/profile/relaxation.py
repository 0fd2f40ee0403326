"""Measured relaxation in a profile: which numbers it adds, and which factors of a recipe it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from spinloom.core.image import Image
from spinloom.dataset.profile.measure import Profile, Range
from spinloom.dataset.profile.relaxation_labels import label_numbers
from spinloom.dataset.profile.series import Relaxation
from spinloom.phantom.tissue_table import tissue_table

SECTIONS = {"T1map": "T1", "T2map": "T2"}
"""Section of a profile → the time it is about."""


def with_series(profile: Profile, labels: Mapping[str, Image] = MappingProxyType({}), **series: Relaxation) -> Profile:
    """The profile with measured times: with_series(profile, T1map=measure_T1(...), T2map=measure_T2(...)).

    labels  T1map or T2map → labels on the grid of the series, where there are any
    """
    more: dict[str, Mapping[str, Range]] = {}
    for section, r in series.items():
        one = {"mode_s": r.mode, "median_s": r.median, "error_s": r.error}
        if r.inversion:
            one["inversion"] = r.inversion
        if section in labels:
            one |= label_numbers(r, labels[section].data)
        numbers = {name: Range(value, value, value, 1) for name, value in one.items()}
        more[section] = MappingProxyType(numbers | {"spread_s": Range(r.low, r.median, r.high, r.voxels)})
    return replace(profile, contrasts=MappingProxyType({**profile.contrasts, **more}))


def factors(profile: Profile, B0: float) -> dict[str, tuple[float, float]]:
    """T1, T2 → (measured commonest time [s], that over white matter's in the table at B0 [T])."""
    found = {}
    for section, name in SECTIONS.items():
        mode = profile.contrasts.get(section, {}).get("mode_s")
        if mode is not None:
            found[name] = (mode.median, mode.median / getattr(tissue_table(B0).named("white_matter"), name))
    return found
