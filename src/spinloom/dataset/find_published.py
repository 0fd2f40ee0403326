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

    def explains(self, folder: Path, files: tuple[PurePosixPath, ...]) -> int:
        """All that the data set's download holds, if one image in it is named as only this data set names it."""
        if not any(self.of.file.search(str(file)) and self.of.mark.search(str(file)) for file in files):
            return 0
        return sum(bool(self.of.belongs.search(str(file))) for file in files)

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found:
        scans = []
        for file in files:
            if not (match := self.of.file.search(str(file))):
                continue
            said = match.groupdict()
            contrast, site = self.of.kinds[_kind(said["kind"])], said.get("site")
            where = None if site is None else self.of.sites.get(site, site)
            whose, when = said["subject"].replace("/", "-"), said.get("session")
            scan = Scan(folder / file, whose, when, contrast, quantity_of(contrast), where, kinship=self.of.kinship)
            scans.append(scan)
        of, taken = self.of, {scan.path for scan in scans}
        left = [file for file in files if folder / file not in taken]
        about = {"source": of.source, "terms": of.terms, "cite": of.citation, "checksums": of.checksums}
        about |= {f"MD5 of {name}": md5 for name, md5 in of.archives.items()}
        notes = (f"{len(left)} of {len(files)} image files are passed over, e.g. {left[0]}",) if left else ()
        made = in_order(scans)
        return Found(made, of.name, licence=of.licence, left=len(left), about=MappingProxyType(about), notes=notes)


def _kind(said: str) -> str:
    """Paths and all in lower case; of unprocessed files the folder that names the scan."""
    low = said.lower()
    return low.split("/")[-2] if low.startswith("unprocessed/") else low


KNOWN = tuple(AsPublished(published) for published in PUBLISHED)
