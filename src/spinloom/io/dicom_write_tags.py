"""All that a derived slice says: a header made anew, in which nothing of the source is copied unasked.

DICOM PS3.3 A.3 (CT), A.4 (MR), C.7.6.1.1.2 (derived), C.12.1 (synthetic data, contributing equipment); PS3.16 CID 7005
and 7202 (purposes). CID 7203 has no code for an image made by a model, so the derivation is described, not coded.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from spinloom.core.image import Image, Quantity
from spinloom.core.units import deg, ms
from spinloom.core.version import __version__
from spinloom.io.dicom_write_planes import Planes
from spinloom.io.dicom_write_source import Beside, Reference
from spinloom.io.dicom_write_stored import KINDS, Kind, Stored

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
SYNTHESIZING = ("109100", "DCM", "Synthesizing Equipment")
SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")
REMOVED = (
    "Spinloom: new header, nothing of the patient taken over",
    "UIDs of study, frame of reference and source images retained",
)
TIMES = (("EchoTime", "TE", ms), ("RepetitionTime", "TR", ms), ("InversionTime", "TI", ms), ("FlipAngle", "FA", deg),
         ("MagneticFieldStrength", "B0", 1.0))  # fmt: skip


@dataclass(frozen=True)
class MadeBy:
    """The model an image came from: its name, its version, and the sha256 of its weights."""

    name: str
    version: str = ""
    weights_sha256: str = ""


def common(image: Image, kept: Stored, source: Beside | None, model: MadeBy | None, description: str) -> Any:
    """What all slices say, without uids: a pydicom Dataset."""
    d = _dataset()
    kind, is_CT = KINDS[image.quantity], image.quantity is Quantity.HU
    d.SpecificCharacterSet = "ISO_IR 192"
    d.ImageType = ["DERIVED", "SECONDARY", kind.word]
    d.SOPClassUID, d.Modality = (CT, "CT") if is_CT else (MR, "MR")
    d.SyntheticData, d.BurnedInAnnotation = "YES", "NO"
    d.LossyImageCompression = "01" if source and source.lossy else "00"
    for tag in ("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
                "PatientBirthDate", "PatientSex", "PositionReferenceIndicator", "AcquisitionNumber"):  # fmt: skip
        setattr(d, tag, None)
    d.SeriesDescription = description
    d.SeriesNumber = 1000 + source.number if source else 1
    d.PatientPosition = source.patient_position if source else None
    d.Manufacturer, d.ManufacturerModelName, d.SoftwareVersions = "Spinloom", "Spinloom", __version__
    d.DerivationDescription = _derivation(kind, kept, source, model)
    d.ContributingEquipmentSequence = [_equipment(model)]
    d.KVP = None
    if not is_CT:
        del d.KVP, d.AcquisitionNumber
        _mr(d, image, kept, kind)
    d.SamplesPerPixel, d.PhotometricInterpretation = 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, 1
    d.RescaleIntercept, d.RescaleSlope = number(kept.intercept), number(kept.slope)
    d.RescaleType = "HU" if is_CT else "US"
    d.WindowCenter, d.WindowWidth = number(kept.window[0]), number(kept.window[1])
    return d


def say_whose(d: Any, source: Beside | None, *, keep: bool) -> None:
    """The patient and study of the source, or a pseudonym made of the study's uid, which is in the file anyway."""
    if keep and source is not None:
        d.PatientName = d.PatientID = None
        for tag, value in source.whose.items():
            setattr(d, tag, value)
        return
    d.PatientName = "ANONYMOUS"
    d.PatientID = f"ANON-{uuid.uuid5(uuid.NAMESPACE_OID, d.StudyInstanceUID).hex[:12].upper()}"
    d.PatientIdentityRemoved, d.LongitudinalTemporalInformationModified = "YES", "REMOVED"
    d.DeidentificationMethod = list(REMOVED) if source else "Spinloom: made from an image without a header"


def place(d: Any, plane: Planes, k: int, sources: Sequence[Reference]) -> None:
    """What slice k says: where it lies, its pixels and its source images."""
    d.InstanceNumber = k + 1
    d.ImagePositionPatient = [number(v) for v in plane.positions[k]]
    d.ImageOrientationPatient = [number(v) for v in plane.along.ravel()]
    d.PixelSpacing = [number(v) for v in plane.spacing[::-1]]  # the file says rows first
    d.SliceThickness = d.SpacingBetweenSlices = number(plane.gap)
    d.Rows, d.Columns = plane.pixels.shape[1:]
    d.PixelData = plane.pixels[k].astype("<i2").tobytes()
    d["PixelData"].VR = "OW"
    if len(d.PixelData) % 2:
        d.PixelData += b"\0"
    if sources:
        d.SourceImageSequence = [_reference(s) for s in sources]


def number(value: float) -> str:
    """A decimal string of at most 16 characters."""
    from pydicom.valuerep import format_number_as_ds

    short = f"{float(value) + 0.0!r}".removesuffix(".0")  # 0.0: no minus before nothing
    return short if len(short) <= 16 else str(format_number_as_ds(float(value)))


def _derivation(kind: Kind, kept: Stored, source: Beside | None, model: MadeBy | None) -> str:
    made = f"by {model.name} {model.version}".rstrip() if model else "by Spinloom"
    of = " from the source images" if source else ""
    return f"Synthetic, research only: {kind.name} made {made}{of}; not acquired. Values are {kept.rounding}."


def _equipment(model: MadeBy | None) -> Any:
    item = _dataset()
    item.PurposeOfReferenceCodeSequence = [_code(*SYNTHESIZING)]
    item.Manufacturer = "Spinloom"
    item.ManufacturerModelName = model.name if model else "Spinloom"
    versions = ([model.version] if model and model.version else []) + [f"Spinloom {__version__}"]
    item.SoftwareVersions = versions
    weights = f"; weights sha256 {model.weights_sha256}" if model and model.weights_sha256 else ""
    item.ContributionDescription = f"Made the image; research only{weights}"
    return item


def _mr(d: Any, image: Image, kept: Stored, kind: Kind) -> None:
    """What an MR image must say; times of the acquisition only where there was one."""
    d.ScanningSequence, d.SequenceVariant = "RM", "NONE"  # research mode
    for tag in ("ScanOptions", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EchoTrainLength"):
        setattr(d, tag, None)
    for tag, name, unit in TIMES:
        value = image.info.get(name)
        if image.quantity is Quantity.SIGNAL and isinstance(value, int | float) and 0 < value < float("inf"):
            setattr(d, tag, number(float(f"{value / unit:.9g}")))
    if not kind.code:
        return
    item = _dataset()
    item.LUTExplanation, item.LUTLabel = kind.name, kind.name.split()[0]
    item.MeasurementUnitsCodeSequence = [_code(kind.code, "UCUM", kind.meaning)]
    for tag, value in (("First", -(2**15)), ("Last", 2**15 - 1)):
        item.add_new(f"RealWorldValue{tag}ValueMapped", "SS", value)
    item.RealWorldValueIntercept, item.RealWorldValueSlope = kept.intercept, kept.slope
    d.RealWorldValueMappingSequence = [item]


def _reference(source: Reference) -> Any:
    item = _dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.kind, source.instance
    if source.frame:
        item.ReferencedFrameNumber = source.frame
    item.PurposeOfReferenceCodeSequence = [_code(*SOURCE_IMAGE)]
    return item


def _code(value: str, scheme: str, meaning: str) -> Any:
    item = _dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _dataset() -> Any:
    from pydicom.dataset import Dataset

    return Dataset()
