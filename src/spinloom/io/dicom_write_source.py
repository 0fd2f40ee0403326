"""The series a derived one is put beside: where its slices lie, their uids and, only if asked, whose it is."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.io.dicom import _chosen
from spinloom.io.dicom_files import module, named, quiet
from spinloom.io.dicom_frames import Frame, frame_count
from spinloom.io.dicom_series import groups_in

POSITIONS = ("HFS", "HFP", "HFDR", "HFDL", "FFS", "FFP", "FFDR", "FFDL")
NAMES = ("SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientPosition", "SeriesNumber",
         "LossyImageCompression")  # fmt: skip
WHOSE = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge", "PatientSize",
    "PatientWeight", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber",
    "ReferringPhysicianName", "BodyPartExamined", "PatientIdentityRemoved", "DeidentificationMethod",
)  # fmt: skip
"""All that identity "keep" takes over, as it stands; "none" does not read it."""
PARALLEL = 0.999
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """One image of the source: its SOP class and instance, and its frame from 1, 0 if it is the only one."""

    kind: str
    instance: str
    frame: int = 0


@dataclass(frozen=True, eq=False)
class Beside:
    """What a derived series takes from its source.

    study, frame_of_reference  their uids, "" if the source has no valid one
    series, number             of the source, 0 if it is not said
    directions                 (3, 3) rows: of rows, columns and the normal of slices, LPS
    positions, images          (n, 3) of first pixels, LPS [mm], and the image at each
    patient_position           HFS ..., "" if not said;  lossy  whether it was once compressed so
    whose                      DICOM keyword → value as written, of WHOSE; empty for identity "none"
    """

    study: str
    frame_of_reference: str
    series: str
    number: int
    directions: FloatArray
    positions: FloatArray
    images: tuple[Reference, ...]
    patient_position: str
    lossy: bool
    whose: Mapping[str, Any]


def beside(like: str | os.PathLike[str], series: int | str | None, *, whose: bool) -> Beside:
    """The source series at `like`, chosen as read_series does.

    Raises InputError as read_series does; MachineError without pydicom.
    """
    path = Path(like)
    group = _chosen(groups_in(path)[0], series, path)
    found: dict[Any, Any] = {}
    for frame in group:
        if frame.source not in found:
            found[frame.source] = _names(frame, path, (*NAMES, "SpecificCharacterSet", *WHOSE) if whose else NAMES)
    first, head = group[0], found[group[0].source]
    number = str(head.get("SeriesNumber", "") or "0")
    position = str(head.get("PatientPosition", ""))
    return Beside(
        study=_uid(head, "StudyInstanceUID"),
        frame_of_reference=_uid(head, "FrameOfReferenceUID"),
        series=first.uid,
        number=int(number) if number.isdigit() else 0,
        directions=np.array([*first.along, np.cross(*first.along)]),
        positions=np.array([f.position for f in group]),
        images=tuple(_reference(f, found[f.source]) for f in group),
        patient_position=position if position in POSITIONS else "",
        lossy=any(h.get("LossyImageCompression") == "01" for h in found.values()),
        whose=MappingProxyType(_whose(head, path) if whose else {}),
    )


def references(source: Beside, centre: FloatArray, normal: FloatArray) -> list[Reference]:
    """The images of the source in or next to a plane; all of them if theirs are not parallel to it.

    centre, normal  (3,) of the plane, LPS
    """
    away = np.abs((source.positions - centre) @ source.directions[2])
    parallel = abs(float(normal @ source.directions[2])) > PARALLEL
    near = np.flatnonzero(away <= away.min() + 1e-3) if parallel else range(len(away))
    return [source.images[n] for n in near if source.images[n].instance]


def _names(frame: Frame, path: Path, tags: tuple[str, ...]) -> Any:
    with named(frame.source, path), frame.source.opened() as stream, quiet():
        header = module().dcmread(stream, stop_before_pixels=True, specific_tags=list(tags))
        header.decode()
        return header


def _reference(frame: Frame, header: Any) -> Reference:
    several = frame_count(frame.header) > 1
    return Reference(
        str(frame.header.get("SOPClassUID", "")), _uid(header, "SOPInstanceUID"), frame.index + 1 if several else 0
    )


def _uid(header: Any, tag: str) -> str:
    from pydicom.uid import UID

    value = UID(str(header.get(tag, "") or ""))
    return str(value) if value.is_valid else ""


def _whose(header: Any, path: Path) -> dict[str, Any]:
    """What is valid is kept; what is not would make files that strict readers refuse."""
    from pydicom.config import RAISE
    from pydicom.valuerep import validate_value

    kept: dict[str, Any] = {}
    for tag in WHOSE:
        if tag not in header or header[tag].value in (None, ""):
            continue
        element = header[tag]
        values = [str(v) for v in (element.value if element.VM > 1 else [element.value])]
        try:
            for value in values:
                validate_value(element.VR, value, RAISE)
        except ValueError:
            warnings.warn(f"{path}: its {tag} is not as DICOM wants it, and is left out", stacklevel=4)
            continue
        kept[tag] = values if len(values) > 1 else values[0]
    return kept
