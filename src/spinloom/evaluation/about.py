"""What a case was scored from: whose it is, where it counted, which files, and whether the units can be right."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spinloom.core.image import Quantity
from spinloom.dataset.find_names import PICTURE, SLICE, said_by
from spinloom.evaluation.honest import where
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.pointwise import ncc

SUBJECT = re.compile(r"sub-[A-Za-z0-9]+")
APART = 5.0
ALIKE = 0.9
FAR = 20.0
"""Times apart at which two signals are in other units whatever they look like."""
GIVEN = "given"
FOUND = "found in the reference: its largest part above Otsu's threshold, holes filled"
BODY = "found in the reference: the largest part of the body above -400 HU, holes filled"
WHOLE = "none: label maps count whole"


@dataclass(frozen=True)
class About:
    """One case.

    case, subject  its name, and whose it is
    mask           where it counts by the protocol of this project, and who said so; protocols that need a given mask
                   have no numbers without one, the others say in their definition what they count
    doubt          what to know before its numbers are believed; "": nothing
    files          prediction, reference, mask, labels → (path, SHA-256)
    """

    case: str
    subject: str
    mask: str
    doubt: str = ""
    files: Mapping[str, tuple[str, str]] | None = None


def whose(case: str, *, picture: bool = False) -> str:
    """The subject a case's name tells: without visit, contrast and the number of a slice; else the name itself.

    picture  the file is one slice, so that words such as img stand before its number
    """
    if named := SUBJECT.search(case):
        return named.group()
    return said_by(case, PICTURE if picture else SLICE).rest or case


def mask_of(pair: Pair) -> str:
    """Who said where it counts."""
    if pair.quantity is Quantity.LABEL:
        return WHOLE
    return GIVEN if pair.mask is not None else BODY if pair.quantity is Quantity.HU else FOUND


def units_doubt(pair: Pair) -> str:
    """Two images that look alike (NCC above 0.9) with medians or spreads inside the mask more than 5 times apart, or
    any two whose 99.5th percentiles are 20 times apart."""
    if pair.quantity in (Quantity.LABEL, Quantity.HU):
        return ""
    inside = where(pair)
    x, y = pair.x[inside], pair.y[inside]
    if not x.size or np.ptp(x) == 0 or np.ptp(y) == 0:
        return ""
    tops = sorted(float(np.percentile(np.abs(v), 99.5)) for v in (x, y))
    if ncc(pair.x, pair.y, inside) <= ALIKE and tops[1] <= FAR * max(tops[0], 1e-30):
        return ""
    sizes = [(float(np.median(x)), float(np.median(y))), (float(x.std()), float(y.std()))]
    if all(max(abs(a), abs(b)) <= APART * min(abs(a), abs(b)) for a, b in sizes):
        return ""
    return (
        f"its median is {sizes[0][0]:.3g} and the reference's {sizes[0][1]:.3g}: in "
        "other units? Nothing is rescaled here: every error counts"
    )
