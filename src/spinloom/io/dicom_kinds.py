"""Which DICOM objects hold an MR or CT image (or one mask), and which only look like it."""

from __future__ import annotations

from typing import Any

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.io.dicom_sources import Source

QUANTITIES = {"MR": Quantity.SIGNAL, "CT": Quantity.HU, "SEG": Quantity.LABEL}
LARGEST_SIDE = 16_384
MOST_VOXELS = 2**31


def require_image(source: Source, header: Any) -> None:
    """Raises InputError (file, fault, remedy) for anything but grey MR and CT images and masks of one segment."""
    kind = getattr(header.get("SOPClassUID"), "name", "") or "of no known kind"
    if "Secondary Capture" in kind:
        raise refused(source, "is a picture of a screen (secondary capture), no image", "Export the original series.")
    modality = str(header.get("Modality", ""))
    if modality not in QUANTITIES or "Waveform" in kind:
        raise refused(
            source, f"is {kind} of modality '{modality}'; MR and CT images are read", "Give the original MR or CT."
        )
    words = [str(v).upper() for v in header.get("ImageType") or ()]
    if modality == "CT" and "LOCALIZER" in words:
        raise refused(source, "is a scout view, no slice", "Leave it out: give the slices of the scan.")
    if "MOSAIC" in words:
        raise refused(source, "is a Siemens mosaic", "Convert it with dcm2niix first.")
    if int(header.get("SamplesPerPixel", 1) or 1) != 1:
        raise refused(
            source, "is a colour picture, not an image of one number per pixel", "Export the original series."
        )
    if str(header.get("PhotometricInterpretation", "MONOCHROME2")) != "MONOCHROME2":
        raise refused(
            source,
            f"shows its numbers as {header.get('PhotometricInterpretation')}, not as grey on black",
            "Export the original series.",
        )
    _require_size(source, header)
    if modality == "SEG" and (
        header.get("SegmentationType") != "BINARY" or len(header.get("SegmentSequence") or ()) != 1
    ):
        raise refused(source, "is a segmentation of several segments or of fractions", "Export one binary segment.")


def refused(source: Source, fault: str, remedy: str) -> InputError:
    return InputError(f"{source.name} {fault}" if source.member else fault, file=source.path, remedy=remedy)


def _require_size(source: Source, header: Any) -> None:
    rows, columns, count = int(header.Rows), int(header.Columns), int(header.get("NumberOfFrames", 1) or 1)
    sides = 0 < rows <= LARGEST_SIDE and 0 < columns <= LARGEST_SIDE
    if not (sides and 0 < count and rows * columns * count <= MOST_VOXELS):
        raise refused(source, f"claims {rows} x {columns} x {count} pixels", "It is damaged: export it again.")
