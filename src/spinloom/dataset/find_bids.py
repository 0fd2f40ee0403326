"""Scans of a BIDS data set or derivative."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spinloom.core.errors import SpinloomError
from spinloom.dataset.find_files import stem_of, suffix_of
from spinloom.dataset.find_names import WORDS, quantity_of
from spinloom.dataset.scans import Found, Scan, in_order
from spinloom.files import gate

TAKEN = frozenset(WORDS.values()) | {"PDT2", "inplaneT1", "inplaneT2", "ct"}
NAME = re.compile(
    r"^sub-(?P<subject>[0-9A-Za-z+]+)(?:_ses-(?P<session>[0-9A-Za-z+]+))?_(?:.*_)?(?P<suffix>[0-9A-Za-z]+)$"
)
NO_FIELD = {
    **dict.fromkeys(
        ("phasediff", "phase1", "phase2"),
        "is a wrapped phase, no field. Unwrap it and divide by 2 pi (TE2 - TE1) into a _fieldmap in Hz.",
    ),
    "epi": "is a distorted image, no field. Estimate the field from both directions and save it as _fieldmap in Hz.",
    **dict.fromkeys(
        ("TB1AFI", "TB1DAM", "TB1EPI", "TB1RFM", "TB1TFL", "TB1SRGE"),
        "is what a B1 map is made from, no map. Make the _TB1map of it.",
    ),
}
"""Suffix of what is acquired to find a field → why it is not one yet."""
NO_NAME = (
    "is passed over: its name is none of BIDS. Rename it as sub-<label>_<suffix>, labels of letters A to Z and digits."
)
SITE_COLUMNS = ("site", "site_id", "centre", "center", "institution", "scanner")


@dataclass(frozen=True)
class Bids:
    """Names sub-<label>[_ses-<label>][_<entities>]_<suffix>, BIDS 1.8.

    Field maps (fmap/*_fieldmap, *_TB1map) are taken, and what such maps are made from is refused with the reason.
    Of the derivatives inside a raw data set, only contrasts are taken that the subject does not have raw. Sites come
    from participants.tsv. Contrast-enhanced T1w (ce-) is T1ce.
    """

    name: str = "BIDS"

    def explains(self, folder: Path, files: tuple[PurePosixPath, ...]) -> int:
        """Half of the files at least: other people write sub-01_T1w.nii.gz too."""
        named = sum(bool(NAME.match(stem_of(f.name))) and suffix_of(f.name) in (".nii", ".nii.gz") for f in files)
        return named if 2 * named >= len(files) else 0

    def find(self, folder: Path, files: tuple[PurePosixPath, ...]) -> Found:
        sites, faults = _sites(folder)
        raw: list[Scan] = []
        derived: list[Scan] = []
        refused: list[tuple[Path, str]] = []
        left = 0
        for file in files:
            match = NAME.match(stem_of(file.name))
            if match and match["suffix"] in NO_FIELD:
                refused.append((folder / file, NO_FIELD[match["suffix"]]))
            if not match and file.name.startswith("sub-") and "derivatives" not in file.parts:
                faults = (*faults, (folder / file, NO_NAME))
            if not match or match["suffix"] not in TAKEN or suffix_of(file.name) not in (".nii", ".nii.gz"):
                left += 1
                continue
            contrast = _contrast(match["suffix"], file.name)
            subject = f"sub-{match['subject']}"
            site = sites.get(subject)
            scan = Scan(folder / file, subject, match["session"], contrast, quantity_of(contrast), site)
            (derived if "derivatives" in file.parts else raw).append(scan)
        have = {(scan.subject, scan.session, scan.contrast) for scan in raw}
        new = [scan for scan in derived if (scan.subject, scan.session, scan.contrast) not in have]
        left += len(derived) - len(new)
        licence, more = _licence(folder)
        scans = in_order([*raw, *new])
        return Found(scans, self.name, (*faults, *more), licence, left, refused=tuple(refused))


BIDS = Bids()


def _contrast(suffix: str, name: str) -> str:
    if suffix == "T1w" and "_ce-" in name:
        return "T1ce"
    return suffix.upper() if suffix == "ct" else suffix


def _sites(folder: Path) -> tuple[dict[str, str], tuple[tuple[Path, str], ...]]:
    """Site by participant_id, from the first column that names one; a damaged table is a fault, not the end."""
    table = folder / "participants.tsv"
    if not table.is_file():
        return {}, ()
    try:
        rows = list(csv.DictReader(io.StringIO(gate.read_text(table, cap_bytes=2**26)), delimiter="\t"))
    except (SpinloomError, csv.Error) as error:
        return {}, ((table, f"its sites are not known: {error}"),)
    named = {key.lower(): key for key in (rows[0] if rows else {}) if key}
    column = next((named[key] for key in SITE_COLUMNS if key in named), None)
    if column is None or "participant_id" not in named:
        return {}, ()
    said = {str(row[named["participant_id"]]): row.get(column) for row in rows}
    return {who: site for who, site in said.items() if site and site.lower() != "n/a"}, ()


def _licence(folder: Path) -> tuple[str | None, tuple[tuple[Path, str], ...]]:
    file = folder / "dataset_description.json"
    if not file.is_file():
        return None, ()
    try:
        told = json.loads(gate.read_text(file, cap_bytes=2**24))
    except (SpinloomError, ValueError, RecursionError) as error:
        return None, ((file, f"cannot be read: {error}. Write it as JSON."),)
    licence = told.get("License") if isinstance(told, dict) else None
    return (licence if isinstance(licence, str) and licence else None), ()
