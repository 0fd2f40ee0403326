"""Image → a derived DICOM series, beside the series it was made from: synthetic, and saying so in every file.

The header is made anew; of the source come the uids of its study and frame of reference, so that the images overlay,
references to its images and, only if asked, whose they are. The same image beside the same source is the same bytes.

DICOM PS3.3 A.3, A.4 and C.12.1.1.2; PS3.5 B.2 (uids made of uuids); PS3.10 (files).
"""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.image import Image
from spinloom.io.dicom_files import module
from spinloom.io.dicom_write_folder import require_room, write_folder
from spinloom.io.dicom_write_planes import Planes, planes
from spinloom.io.dicom_write_source import Beside, beside, references
from spinloom.io.dicom_write_stored import KINDS, stored
from spinloom.io.dicom_write_tags import MadeBy, common, place, say_whose

__all__ = ["MadeBy", "write_series"]

SAID = " (synthetic, research only)"
LONGEST = 64
"""Characters of a DICOM long string."""
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"


def write_series(
    image: Image,
    folder: str | os.PathLike[str],
    *,
    like: str | os.PathLike[str] | None,
    series: int | str | None = None,
    identity: Literal["none", "keep"] = "none",
    model: MadeBy | None = None,
    description: str = "",
) -> list[Path]:
    """A CT series of an image in HU; an MR series of a signal or a map of T1, T2, T2star, T2prime [ms] or PD.

        value = slope stored + intercept, 16 bits: HU as whole numbers, others as dicom_write_stored says

    folder       new or empty; appears whole or not at all
    like         the source: a folder, zip or file as read_series takes it, and `series` in it; slices go along the axis
                 nearest to the source's. None: a study of its own, slices along the third axis
    identity     "none": a pseudonym; "keep": patient and study as the source says
    model        what made the image;  description  begins the series' name, 37 characters at most
    returns      the files, in order of place

    UIDs of study, frame of reference and source images are the source's with either identity.
    Raises InputError for an image or source that cannot be written or read so, or a folder that holds something;
    UsageError for arguments that make no sense; MachineError if it cannot be written, or without pydicom.
    """
    module()
    target = Path(folder)
    _require(like, identity, model, description)
    kept = stored(image)
    require_room(target)
    source = None if like is None else beside(like, series, whose=identity == "keep")
    plane = planes(kept.stored, image.affine, None if source is None else source.directions)
    d = common(image, kept, source, model, (description or KINDS[image.quantity].name) + SAID)
    _name(d, plane, source, identity)
    names = [f"IM{k + 1:05d}.dcm" for k in range(len(plane.pixels))]
    write_folder(target, zip(names, _files(d, plane, source), strict=True))
    return [target / name for name in names]


def _require(like: object, identity: str, model: MadeBy | None, description: str) -> None:
    if identity not in ("none", "keep"):
        raise UsageError(f"identity={identity!r}: it is 'none' or 'keep'")
    if like is None and identity == "keep":
        raise UsageError(
            "there is no source whose identity could be kept",
            remedy="Give the DICOM series it was made from, or no identity (in Python: like=..., identity='none').",
        )
    words = {
        "description": (description, LONGEST - len(SAID)),
        "model name": (model.name if model else "Spinloom", LONGEST),
        "model version": (model.version if model else "", LONGEST),
        "sha256 of the weights": (model.weights_sha256 if model else "", LONGEST),
    }
    for name, (text, longest) in words.items():
        if len(text) > longest or "\\" in text or not (text.isprintable() and text == text.strip()):
            raise UsageError(
                f"the {name} {text!r} does not fit DICOM",
                remedy=f"Give at most {longest} characters, without backslashes, line ends and blanks around.",
            )
    if model is not None and not model.name:
        raise UsageError("the model has no name")


def _name(d: Any, plane: Planes, source: Beside | None, identity: str) -> None:
    """Uids of study, frame of reference and series, and whose it is; slices' uids follow from the series'."""
    content = _digest(d, plane, source, identity)
    d.StudyInstanceUID = (source.study if source else "") or _uid(content if source is None else source.series, "study")
    d.FrameOfReferenceUID = (source.frame_of_reference if source else "") or _uid(d.StudyInstanceUID, "frame")
    d.SeriesInstanceUID = _uid(content, "series")
    say_whose(d, source, keep=identity == "keep")


def _digest(d: Any, plane: Planes, source: Beside | None, identity: str) -> str:
    """Of all that the files will say but their own uids."""
    found = hashlib.sha256(d.to_json().encode())
    for array in (plane.pixels, plane.along, plane.spacing, plane.positions):
        found.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    if source is not None:
        others = (source.study, source.frame_of_reference, source.series, source.images, sorted(source.whose.items()))
        found.update(repr(others).encode())
    found.update(identity.encode())
    return found.hexdigest()


def _files(d: Any, plane: Planes, source: Beside | None) -> Iterator[bytes]:
    from pydicom.dataset import FileDataset, FileMetaDataset

    normal = np.cross(*plane.along)
    middle = np.array([plane.pixels.shape[2] - 1, plane.pixels.shape[1] - 1]) / 2 * plane.spacing @ plane.along
    for k in range(len(plane.pixels)):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = EXPLICIT_LITTLE_ENDIAN, d.SOPClassUID
        meta.MediaStorageSOPInstanceUID = _uid(d.SeriesInstanceUID, f"slice {k + 1}")
        meta.ImplementationClassUID, meta.ImplementationVersionName = _uid("spinloom", "implementation"), "SPINLOOM"
        one = FileDataset(None, dict(d.items()), file_meta=meta, preamble=b"\0" * 128)
        one.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        place(one, plane, k, references(source, plane.positions[k] + middle, normal) if source else ())
        stream = io.BytesIO()
        one.save_as(stream, enforce_file_format=True)
        yield stream.getvalue()


def _uid(*of: str) -> str:
    """2.25. and a uuid as a whole number, of a name: the same name is the same uid."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '/'.join(('spinloom', *of))).int}"
