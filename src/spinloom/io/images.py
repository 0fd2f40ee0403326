"""read_any(): whatever an image is stored as."""

from __future__ import annotations

import os
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate
from spinloom.files.walk import walk

KNOWN = ".nii, .nii.gz, .mha, .mhd, .png, .jpg, .tif, .npy, a DICOM file, a folder or zip of DICOM, a folder of slices"


def read_any(
    path: str | os.PathLike[str],
    *,
    quantity: Quantity | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    series: int | str | None = None,
    fill: bool = False,
) -> Image:
    """One volume, recognised by what is there:

        .nii, .nii.gz                    NIfTI
        .mha, .mhd                       MetaImage
        .png, .jpg, .tif, .npy           a slice, or an .npy with three axes
        folder, .zip, .dcm, .ima, DICM   DICOM, which goes before pictures in the same folder
        folder                           of slices

    quantity    what the numbers are; None: what the file says (DICOM CT: HU), else a signal
    spacing_mm  of slices, which do not know it [mm]
    series, fill  of DICOM, see dicom.read_series

    Raises InputError (file, fault, remedy) for what is none of these, is damaged, or says it is another quantity.
    """
    place = Path(path)
    if not place.is_dir() and (place.exists() or place.is_symlink()):
        gate.admit(place)
    if not place.exists():
        raise InputError("no such file or folder", file=place, remedy="Check the path.")
    name = place.name.lower()
    if name.endswith((".nii", ".nii.gz")) and place.is_file():
        from spinloom.io.nifti import read_image

        return read_image(place, quantity=quantity)
    if name.endswith((".mha", ".mhd")) and place.is_file():
        from spinloom.io.metaimage import read_mha

        return read_mha(place, quantity=quantity)
    from spinloom.io.slice_folder import SUFFIXES, read_slices, slices_in

    if place.is_file() and name.endswith(SUFFIXES):
        return read_slices(place, spacing_mm=spacing_mm, quantity=quantity or Quantity.SIGNAL)
    if place.is_file() or _holds_dicom(place):
        if not (name.endswith(".zip") or _is_dicom(place) or place.is_dir()):
            raise InputError("is no image that can be read", file=place, remedy=f"Known: {KNOWN}.")
        return _dicom(place, quantity, series, fill)
    if slices_in(place):
        return read_slices(place, spacing_mm=spacing_mm, quantity=quantity or Quantity.SIGNAL)
    named = sorted(p.name for p in place.iterdir() if p.name.lower().endswith((".nii", ".nii.gz", ".mha", ".mhd")))
    raise InputError(
        "holds no DICOM series and no slices",
        file=place,
        remedy=f"Name the file: {', '.join(named[:5])}." if named else f"Known: {KNOWN}.",
    )


def _dicom(place: Path, quantity: Quantity | None, series: int | str | None, fill: bool) -> Image:
    from spinloom.io.dicom import read_series

    image = read_series(place, series=series, fill=fill)
    if quantity not in (None, image.quantity):
        raise InputError(
            f"holds {image.quantity.value}, and {quantity.value} was expected",
            file=place,
            remedy="Is it the file you meant?",
        )
    return image


def _holds_dicom(folder: Path) -> bool:
    """In it or below, by suffix or mark, hidden files passed by."""
    files = (place / name for place, names in walk(folder) for name in names if not name.startswith("."))
    return any(file.is_file() and _is_dicom(file) for file in files)


def _is_dicom(file: Path) -> bool:
    if file.name.lower().endswith((".dcm", ".ima")):
        return True
    try:
        with open(file, "rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False
