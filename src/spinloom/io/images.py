"""read_any(): whatever an image is stored as."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity


def read_any(
    path: str | os.PathLike[str],
    *,
    quantity: Quantity | None = None,
    spacing_mm: tuple[float, float, float] | None = None,
    series: int | None = None,
    fill: bool = False,
) -> Image:
    """One volume, recognised by what is there:

        .nii, .nii.gz                    NIfTI
        .mha                             MetaImage
        folder of .png, .jpg, .tif, .npy  slices; one such file: a slice, or an .npy with three axes
        folder, .zip, .dcm, any other    DICOM

    quantity    what the numbers are; None: what the file says (DICOM CT: HU), else a signal
    spacing_mm  of slices, which do not know it [mm]
    series, fill  of DICOM, see dicom.read_series

    Raises InputError (file, fault, remedy) for what is none of these or is damaged.
    """
    place = Path(path)
    if not place.exists():
        raise InputError("no such file or folder", file=place, remedy="Check the path.")
    name = place.name.lower()
    if name.endswith((".nii", ".nii.gz")):
        from spinloom.io.nifti import read_image

        return read_image(place, quantity=quantity)
    if name.endswith(".mha"):
        from spinloom.io.metaimage import read_mha

        return read_mha(place, quantity=quantity or Quantity.SIGNAL)
    from spinloom.io.slice_folder import SUFFIXES, read_slices, slices_in

    if name.endswith(SUFFIXES) or (place.is_dir() and slices_in(place)):
        return read_slices(place, spacing_mm=spacing_mm, quantity=quantity or Quantity.SIGNAL)
    from spinloom.io.dicom import read_series

    image = read_series(place, series=series, fill=fill)
    return image if quantity is None else replace(image, quantity=quantity)
