"""Scan: one image file of somebody, found but not yet read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from spinloom.core.image import Quantity


@dataclass(frozen=True)
class Scan:
    """One image on disk.

    path       a file, or a folder that holds one series (DICOM, slices)
    subject    whose; session  which visit, None where there is only one
    contrast   T1w, T2w, FLAIR, PDw, CT, CBCT, mask, dseg, T1map ...
    quantity   of its numbers;  site  where it was acquired, None if nobody said
    slices     (number, file) in order, where the scan is some files of a folder; path is the first of them then
    anonymous  nothing says whose it is: the subject is only a name for the picture
    kinship    what to know of who is related to whom in its data set; "": nothing is known
    """

    path: Path
    subject: str
    session: str | None
    contrast: str
    quantity: Quantity = Quantity.SIGNAL
    site: str | None = None
    slices: tuple[tuple[int, Path], ...] = ()
    anonymous: bool = False
    kinship: str = ""


@dataclass(frozen=True)
class Found:
    """What a folder holds.

    scans     in order of subject, session, contrast
    layout    how the folder is laid out, e.g. BIDS
    faults    (path, what is wrong and what to do) of what could not be taken
    licence   of the data where the layout says it, else None
    left      image files that belong to the layout but were not taken (other contrasts, raw copies)
    refused   (path, why) of those among them that one could expect to be taken
    about     where the data comes from, its terms and what to cite, where the layout is a published data set's
    notes     what the user should know of how names were read
    """

    scans: tuple[Scan, ...]
    layout: str
    faults: tuple[tuple[Path, str], ...] = ()
    licence: str | None = None
    left: int = 0
    about: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    refused: tuple[tuple[Path, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rights(self) -> str | None:
        """The licence, or where it is stated; None if nobody said."""
        return self.licence or (f"stated at {self.about['terms']}" if "terms" in self.about else None)


def in_order(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    """By subject, session, contrast and path."""
    return tuple(sorted(scans, key=lambda s: (s.subject, s.session or "", s.contrast, str(s.path))))
