"""CT numbers of tissues, each with its source in ct_numbers.tsv, and those of one person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError, nearest
from spinloom.phantom import tsv

AIR_HU = -1000.0
FILE = "ct_numbers.tsv"


@dataclass(frozen=True)
class CTNumber:
    """One row of the table.

    HU       mean over people
    between  standard deviation between people [HU]
    within   standard deviation of its slow variation within one of them [HU]
    status   "text", "recalled", "derived" or "assumed": how well the number is founded
    """

    tissue: str
    HU: float
    between: float
    within: float
    status: str
    source: str


@cache
def ct_numbers() -> tuple[CTNumber, ...]:
    """The whole table."""
    return tuple(
        CTNumber(
            row["tissue"],
            tsv.number(row, "HU", FILE),
            tsv.number(row, "between_HU", FILE),
            tsv.number(row, "within_HU", FILE),
            row["status"],
            row["source"],
        )
        for row in tsv.packaged(FILE)
    )


def ct_number(tissue: str) -> CTNumber:
    """Raises UsageError for a tissue that the table does not have."""
    known = {c.tissue: c for c in ct_numbers()}
    if tissue not in known:
        raise UsageError(f"no CT number is known of '{tissue}'", remedy=nearest(tissue, tuple(known)))
    return known[tissue]


def of_person(names: Sequence[str], rng: np.random.Generator) -> NDArray[np.float64]:
    """(len(names),) mean CT numbers of one person [HU]: HU + between z.

    One z is drawn for all soft tissues, as water content and scanner change them together, another for bone and the
    marrow in it, as mineral does. |z| stays below 2.5.
    """
    soft, mineral = np.clip(rng.standard_normal(2), -2.5, 2.5)
    rows = [ct_number(n) for n in names]
    return np.array([r.HU + r.between * (mineral if r.tissue in ("cortical_bone", "marrow") else soft) for r in rows])
