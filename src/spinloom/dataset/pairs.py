"""Pair and Pairs: which scans make a case, before any is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spinloom.dataset.scans import Scan


@dataclass(frozen=True)
class Pair:
    """Scans that make one case; see `read_case`. In unpaired sets one side is empty.

    subject, session, site  whose, when, where
    source, target          by contrast
    mask                    where it counts; None: everywhere
    """

    subject: str
    session: str | None
    source: Mapping[str, Scan]
    target: Mapping[str, Scan]
    mask: Scan | None = None
    site: str | None = None

    @property
    def scans(self) -> dict[tuple[str, str], Scan]:
        """All scans by (source, target or mask; contrast)."""
        sides = {"source": self.source, "target": self.target, "mask": {} if self.mask is None else {"mask": self.mask}}
        return {(side, contrast): scan for side, scans in sides.items() for contrast, scan in scans.items()}

    @property
    def anonymous(self) -> bool:
        """Whether nothing says whose it is."""
        return any(scan.anonymous for scan in self.scans.values())

    @property
    def kinship(self) -> str:
        """What to know of who is related to whom."""
        return next((scan.kinship for scan in self.scans.values() if scan.kinship), "")

    @property
    def name(self) -> str:
        return self.subject if self.session is None else f"{self.subject}_{self.session}"


@dataclass(frozen=True)
class Pairs:
    """What a folder gives for training.

    pairs     in order of subject and session
    source    contrasts that go in;  target  contrasts that should come out
    faults    (file or subject, what is wrong and what to do) of what was left out
    layout    how the folder is laid out;  licence  of its data, if it says so
    paired    False: the two sides belong to nobody in common by intent
    resample  whether a case's images are put on its first target's grid when read
    doubts    (file, what to know of it) of what was taken and may be wrong
    """

    pairs: tuple[Pair, ...]
    source: tuple[str, ...]
    target: tuple[str, ...]
    faults: tuple[tuple[Path, str], ...] = ()
    layout: str = "plain"
    licence: str | None = None
    paired: bool = True
    resample: bool = False
    doubts: tuple[tuple[Path, str], ...] = ()
