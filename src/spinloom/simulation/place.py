"""Where the phantom lies in the scanner."""

from __future__ import annotations

from spinloom.core.scanner import Scanner
from spinloom.phantom.landmarks import scan_centre_mm
from spinloom.phantom.phantom import Phantom


def isocentre_mm(phantom: Phantom, scanner: Scanner) -> tuple[float, float, float]:
    """World position of the isocentre: the scanner's, or where one would centre this phantom [mm]."""
    return scanner.isocentre_mm or scan_centre_mm(phantom)
