"""What a file's name says: the contrast, the visit and the subject."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from spinloom.core.image import Quantity

WORDS: dict[str, str] = {
    **dict.fromkeys(("t1", "t1w", "t1n", "mprage", "memprage", "spgr", "bravo"), "T1w"),
    **dict.fromkeys(("t1ce", "t1c", "t1gd", "t1post"), "T1ce"),
    **dict.fromkeys(("t2", "t2w"), "T2w"),
    **dict.fromkeys(("flair", "t2f"), "FLAIR"),
    **dict.fromkeys(("pd", "pdw"), "PDw"),
    **dict.fromkeys(("mr", "mri"), "MR"),
    "ct": "CT",
    "cbct": "CBCT",
    "unit1": "UNIT1",
    "t2starw": "T2starw",
    "swi": "SWI",
    "t1map": "T1map",
    "t2map": "T2map",
    "t2starmap": "T2starmap",
    "pdmap": "PDmap",
    "chimap": "Chimap",
    **dict.fromkeys(("fieldmap", "b0map"), "fieldmap"),
    **dict.fromkeys(("tb1map", "b1map"), "TB1map"),
    **dict.fromkeys(("mask", "brainmask"), "mask"),
    **dict.fromkeys(("seg", "segm", "dseg", "aseg", "label", "labels", "lesion", "lesions"), "dseg"),
}
"""Word of a file name, in lower case → contrast."""

QUANTITIES: dict[str, Quantity] = {
    "CT": Quantity.HU,
    "CBCT": Quantity.HU,
    "mask": Quantity.LABEL,
    "dseg": Quantity.LABEL,
    "T1map": Quantity.T1,
    "T2map": Quantity.T2,
    "T2starmap": Quantity.T2STAR,
    "PDmap": Quantity.PD,
    "Chimap": Quantity.CHI,
    "fieldmap": Quantity.DB0,
    "TB1map": Quantity.B1,
}
"""Of contrasts whose numbers are no plain signal."""

NOISE = frozenset(
    [
        "brain",
        "head",
        "anat",
        "reg",
        "n4",
        "fse",
        "tse",
        "tfe",
        "ffe",
        "3d",
        "2d",
        "ax",
        "sag",
        "cor",
        "axial",
        "sagittal",
        "coronal",
        "raw",
        "image",
        "img",
    ]
)
"""Words that say how a scan was made or treated, not whose it is."""

VISITS = "session|ses|visit|study|timepoint|tp"
VISIT = re.compile(rf"^(?:{VISITS})(?:=(?P<given>[0-9a-z]+)|(?P<number>\d[0-9a-z]*))$", re.IGNORECASE)
PREFIX = re.compile(r"^(?:subject|subj|sub|patient|pat|case|id)(?:[\W_]+|(?=\d))", re.IGNORECASE)
SLICE = "slice|slc|frame|#"
"""Words before the number of a slice, in whatever file."""
AXIS = rf"{SLICE}|sl|z"
"""Likewise, where something else says whose it is."""
PICTURE = rf"{AXIS}|img|image|im"
"""Likewise in a picture, which is one slice."""
OF_SLICE = re.compile(r"(?:[\W_]+(?:slice|slc|frame)|[\W_]*#)[\W_]*\d+(?=[\W_]|$)", re.IGNORECASE)
"""What a subject's name never ends with."""


@dataclass(frozen=True)
class Said:
    """What a name says.

    contrast  None if no word of it names one
    session   None if no word names a visit
    rest      the words that say neither and are no noise: the subject
    slice     number of a slice, None if no word names one
    """

    contrast: str | None
    session: str | None
    rest: str
    slice: int | None = None


def quantity_of(contrast: str) -> Quantity:
    """What the numbers of a contrast are; a signal unless the name says otherwise."""
    if contrast.startswith(("dseg", "mask")):
        return Quantity.LABEL
    return QUANTITIES.get(contrast, Quantity.SIGNAL)


def said_by(name: str, numbered: str | None = None) -> Said:
    """Read a name without its suffix, e.g. patient12_study1_T1W → T1w, 1, patient12.

    numbered  words before the number of a slice (SLICE, AXIS or PICTURE), which is no part of the subject's name then

    A label beats a signal (T1_brain_mask is a mask); T1 with IR is T1IR; T2 with FLAIR is FLAIR; otherwise the first
    word that names a contrast does.
    """
    name, number = _without_slice(name, numbered) if numbered else (name, None)
    words = [word for word in re.split(r"[_\s.\-]+", _joined(name)) if word]
    known = [WORDS.get(word.lower()) for word in words]
    named = [contrast for contrast in known if contrast]
    session = next((m["given"] or m["number"] for word in words if (m := VISIT.match(word))), None)
    inverted = "T1w" in named and any(word.lower() == "ir" for word in words)
    rest = [
        word
        for word, contrast in zip(words, known, strict=True)
        if not contrast
        and not VISIT.match(word)
        and word.lower() not in NOISE
        and not (inverted and word.lower() == "ir")
    ]
    return Said("T1IR" if inverted else _strongest(named), session, "-".join(rest), number)


def identity(subject: str) -> str:
    """One spelling of a subject for all: sub-01, sub_1, patient01 and 01 are "1"; IXI002-Guys-0828-T1 is "ixi2".

    Prefixes that only say "subject", separators, leading zeros and case do not count; letters that tell people apart
    (A01, B01) do. The number of a slice is no part of a subject: patient19_slice040 is "19".
    """
    subject = OF_SLICE.sub("", subject.strip()) or subject
    if ixi := re.match(r"^IXI(\d+)", subject, re.IGNORECASE):
        return f"ixi{int(ixi[1])}"
    bare = PREFIX.sub("", subject.strip()).lower()
    parts = re.findall(r"\d+|[^\W\d_]+", bare)
    key = "-".join(str(int(part)) if part.isdigit() else part for part in parts)
    return re.sub(r"(?<=[a-z])-(?=\d)|(?<=\d)-(?=[a-z])", "", key) or subject.lower()


def _joined(name: str) -> str:
    """ses-01 and study_1 stay one word, ses=01, though words are parted at hyphens."""
    return re.sub(rf"(?i)(?<![a-z0-9])({VISITS})(?:-(?=[0-9a-z])|[_ ](?=\d))", r"\1=", name)


def _without_slice(name: str, numbered: str) -> tuple[str, int | None]:
    """patient19_slice040_T1 → patient19_T1, 40. In IM-0001-0040 the first number is the series'."""
    series = r"(?:(?<=im)|(?<=img)|(?<=image))[\W_]*(?:\d+[\W_]+)*"
    found = re.search(rf"(?i)(?:^|(?<=[\W_]))(?:{numbered})(?:{series}|[\W_]*)(\d+)(?=[\W_]|$)|#(\d+)(?=[\W_]|$)", name)
    if not found:
        return name, None
    return f"{name[: found.start()]}_{name[found.end() :]}", int(found[1] or found[2])


def _strongest(named: Iterable[str]) -> str | None:
    found = list(named)
    for strong in ("mask", "dseg", "FLAIR"):
        if strong in found:
            return strong
    return found[0] if found else None
