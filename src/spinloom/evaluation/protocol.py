"""A protocol: one published way of scoring, as a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from spinloom.core.image import Quantity
from spinloom.evaluation.pair import Mask, Pair, Values

Scores = Mapping[str, float]


@dataclass(frozen=True)
class Column:
    """A number that a protocol gives.

    name    unique within the protocol;  unit  "" for ratios
    more    whether more is better
    ideal   where neither more nor less is: what it should be
    absent  why it may be NaN
    """

    name: str
    unit: str = ""
    more: bool = False
    ideal: float | None = None
    absent: str = ""

    def badness(self, value: float) -> float:
        """The larger, the worse."""
        if self.ideal is not None:
            return abs(value - self.ideal)
        return -value if self.more else value


@dataclass(frozen=True)
class Protocol:
    """How some people scored.

    name      by which it is asked for
    title     what it is
    columns   what it gives
    score     Pair → a number for every column (NaN where it has none)
    source    citation
    HU        whether it is made for CT numbers (True), for anything else (False), or for both (None)
    caveats   what its numbers hide, one sentence each
    data_range  what PSNR and SSIM take as the full range of values
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    score: Callable[[Pair], Scores]
    source: str
    HU: bool | None = None
    caveats: tuple[str, ...] = ()
    data_range: str = ""

    def suits(self, quantity: Quantity) -> bool:
        return self.HU is None or self.HU == (quantity is Quantity.HU)


PER_SUBJECT = "It averages over the slices of all subjects; here over those of each subject, then over subjects."
EXACT = "Slices without any error have no finite PSNR and are left out of its mean, unless all are such."
"""Caveats that several protocols share."""


def axial(pair: Pair, prediction: Values | None = None) -> Iterator[tuple[Values, Values, Mask | None]]:
    """Axial slices that hold any of the reference (of the mask, if there is one), as 2D-protocols see them.

    prediction  (nx, ny, nz) in place of the pair's own
    """
    x = pair.x if prediction is None else prediction
    for z in range(pair.y.shape[2]):
        y, mask = pair.y[:, :, z], None if pair.mask is None else pair.mask[:, :, z]
        if np.ptp(y) > 0 if mask is None else (mask.any() and np.ptp(y) > 0):
            yield x[:, :, z], y, mask


def mean(rows: list[dict[str, float]]) -> dict[str, float]:
    """Mean of every number over slices, finite ones only; infinite if all are, NaN if there is none."""
    found: dict[str, float] = {}
    for name in rows[0] if rows else ():
        values = np.array([row[name] for row in rows])
        kept = values[np.isfinite(values)]
        perfect = float("inf") if (values == np.inf).any() else float("nan")
        found[name] = float(kept.mean()) if len(kept) else perfect
    return found


def both(rows: list[dict[str, float]]) -> dict[str, float]:
    """Mean PSNR and SSIM over slices; NaN where no slice has any."""
    return {"PSNR": float("nan"), "SSIM": float("nan"), **mean(rows)}


def nothing(columns: tuple[Column, ...]) -> dict[str, float]:
    """NaN for every column: what a protocol says that lacks what it needs."""
    return {c.name: float("nan") for c in columns}
