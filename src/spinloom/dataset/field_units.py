"""Units of measured field maps, as their sidecars name them → Hz, and B1+ relative to nominal."""

from __future__ import annotations

from dataclasses import replace
from math import pi

import numpy as np

from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.scans import Scan
from spinloom.dataset.sidecar_facts import unit_beside
from spinloom.io.plausible import require_plausible

UNITS = {
    Quantity.DB0: {"hz": 1.0, "rad/s": 1 / (2 * pi), "t": GAMMA_BAR},
    Quantity.B1: {"1": 1.0, "arbitrary": 1.0, "a.u.": 1.0, "percent": 0.01, "%": 0.01, "p.u.": 0.01},
}
"""Of maps: name of the unit in lower case → what one of it is. BIDS knows Hz, rad/s and T for fields."""


def factor(scan: Scan) -> float:
    """By which a map's numbers are multiplied; 1 where no sidecar names a unit. InputError for unknown units."""
    unit = unit_beside(scan.path) if scan.quantity in UNITS else None
    if not unit:
        return 1.0
    known = UNITS[scan.quantity]
    if unit.strip().lower() not in known:
        raise InputError(f"is in '{unit}'", file=scan.path, remedy=f"Units that are known: {', '.join(known)}.")
    return known[unit.strip().lower()]


def stored_as(scan: Scan) -> Quantity:
    """The quantity to read a scan as: a signal where its numbers have still to be converted."""
    return scan.quantity if factor(scan) == 1 else Quantity.SIGNAL


def in_unit(image: Image, scan: Scan) -> Image:
    """The image in Hz, or relative to nominal. Raises InputError for numbers that cannot be that."""
    scale = factor(scan)
    if scale == 1:
        return image
    data = np.asarray(image.data, float) * scale
    require_plausible(data, scan.quantity, scan.path)
    return replace(image, data=data, quantity=scan.quantity)
