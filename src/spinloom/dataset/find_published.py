"""Scans of a published data set, by the pattern of its file names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from spinloom.dataset.find_names import quantity_of
from spinloom.dataset.layouts_found import PUBLISHED, Published
from spinloom.dataset.scans import Found, Scan, in_order


@dataclass(frozen=True)
class AsPublished:
    """The layout of one published data set."""

    of: Published

    @property
    def name(self) -> str:
        return self.of.name

    def share(self, folder: Path, files: tuple[PurePosixPath, ...]) -> float:
        return sum(bool(self.of.file.search(str(file))) for file in files) / len(files)

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found:
        scans = []
        for file in files:
            if not (match := self.of.file.search(str(file))):
                continue
            said = match.groupdict()
            contrast, site = self.of.kinds[said["kind"].lower()], said.get("site")
            where = None if site is None else self.of.sites.get(site, site)
            whose, when = said["subject"], said.get("session")
            scans.append(Scan(folder / file, whose, when, contrast, quantity_of(contrast), where))
        of = self.of
        about = {"source": of.source, "terms": of.terms, "cite": of.citation, "checksums": of.checksums}
        return Found(
            in_order(scans), of.name, licence=of.licence, left=len(files) - len(scans), about=MappingProxyType(about)
        )


KNOWN = tuple(AsPublished(published) for published in PUBLISHED)
