"""Look at inputs as every command would read them and name each fault."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.check_files import files_to_read
from spinloom.dataset.find_files import is_dicom, stem_of
from spinloom.dataset.find_names import quantity_of, said_by
from spinloom.dataset.manifest import NAME
from spinloom.io.slice_folder import slices_in

PICTURES = (".npy", ".png", ".jpg", ".jpeg", ".tif", ".tiff")
ARCHIVES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar")
PICKLES = (".pkl", ".pickle", ".pt", ".pth", ".ckpt")
CONVERTED = (
    ((".mgz", ".mgh"), "Convert it with FreeSurfer: mri_convert scan.mgz scan.nii.gz."),
    ((".hdr", ".img"), "Convert the pair to one NIfTI, e.g. with fslchfiletype NIFTI_GZ scan."),
    ((".bvec", ".bval"), "It tells of a diffusion scan beside it: name that; dcm2niix makes both from DICOM."),
    ((".nii.bz2", ".nii.xz", ".nii.zst"), "Unpack it, and pack it with gzip if need be."),
)
"""Other people's kinds → how they become one that is read."""


@dataclass(frozen=True)
class Finding:
    """What came of reading one file.

    kind    what it was read as
    ok      whether every command would take it
    text    what is wrong and what to do; for a good file, what it holds or what was assumed
    """

    path: Path
    kind: str
    ok: bool
    text: str

    def row(self) -> dict[str, str]:
        return {"file": str(self.path), "kind": self.kind, "state": "ok" if self.ok else "refused", "what": self.text}


def check(paths: Iterable[str | os.PathLike[str]]) -> list[Finding]:
    """A finding per file; folders are looked through, a data set is compared with its manifest.

    Warns of files in a folder that are of no known kind, with their number.
    """
    return [_examine(path) for given in paths for path in _files(Path(given))]


def _files(path: Path) -> list[Path]:
    """The things to read: the path itself, or what a plain folder holds; its maps are one thing."""
    from spinloom.io.qmri import is_map

    if not path.is_dir() or (path / NAME).exists():
        return [path]
    found = files_to_read(path, lambda file: _reader(file) is not None)
    if any(path.glob("*map.nii*")):
        return [path, *(file for file in found if file != path and not (file.parent == path and is_map(file)))]
    return found or [path]


def _examine(path: Path) -> Finding:
    kind, read = _reader(path) or ("unknown", _unknown)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            text = read(path)
        except SpinloomError as error:
            return Finding(path, kind, False, str(error))
    notes = sorted({str(w.message) for w in caught if w.category is UserWarning})
    return Finding(path, kind, True, "; ".join([text, *notes]))


def _reader(path: Path) -> tuple[str, Callable[[Path], str]] | None:
    name = path.name.lower()
    if path.is_dir():
        if name.endswith((".nii", ".nii.gz")):
            return "image", _image
        if any(is_dicom(path, PurePosixPath(p.name)) for p in path.iterdir() if p.is_file()):
            return "DICOM", _any
        if (path / NAME).exists():
            return "data set", _data_set
        if any(path.glob("*map.nii*")):
            return "quantitative maps", _phantom
        return ("slices", _any) if slices_in(path) else ("unknown", _unknown)
    for suffixes, kind, read in (
        ((".nii", ".nii.gz"), "image", _image),
        ((".mha", ".mhd"), "image", _any),
        (PICTURES, "slices", _any),
        ((".zip", ".dcm", ".ima"), "DICOM", _any),
        ((".seq",), "sequence", _sequence),
        ((".toml",), "recipe", _recipe),
        ((".h5", ".phantom", ".mnc", ".rawb"), "phantom", _phantom),
        ((".npz", ".mrd"), "raw data", _kspace),
    ):
        if name.endswith(suffixes):
            return kind, read
    return None


def _image(path: Path) -> str:
    """What the name says of its numbers is believed: p1_CT is in HU, p1_labels holds whole numbers."""
    from spinloom.io import read_image
    from spinloom.io.qmri import is_map

    if is_map(path):
        return _phantom(path)
    contrast = said_by(stem_of(path.name)).contrast
    quantity = quantity_of(contrast) if contrast else Quantity.SIGNAL
    told = _told(read_image(path, quantity=quantity))
    return told if quantity is Quantity.SIGNAL else f"{quantity.value}, {told}"


def _any(path: Path) -> str:
    from spinloom.io.images import read_any

    image = read_any(path)
    return f"{image.quantity.value}, {_told(image)}"


def _told(image: Image) -> str:
    import nibabel

    size = " x ".join(f"{v:.3g}" for v in image.grid.voxel_mm)
    axes = "".join(nibabel.aff2axcodes(image.affine))
    first = image.data.flat[0]
    flat = f"; every voxel is {first:g}" if image.data.dtype.kind in "iuf" and np.all(image.data == first) else ""
    return f"{' x '.join(map(str, image.data.shape))} voxels of {size} mm, axes {axes}, {image.data.dtype}{flat}"


def _phantom(path: Path) -> str:
    from spinloom.io import read_phantom

    phantom = read_phantom(path)
    return f"{' x '.join(map(str, phantom.grid.shape))} voxels, {int((phantom.PD > 0).sum())} of them filled"


def _sequence(path: Path) -> str:
    from spinloom.core.scanner import Scanner
    from spinloom.io import read_sequence
    from spinloom.simulation.hardware_limits import beyond

    sequence = read_sequence(path)
    if sequence.n_readouts == 0:
        raise InputError("has no ADC: it would acquire nothing", file=path, remedy="Use a sequence with a readout.")
    found = "; ".join(str(finding) for finding in beyond(sequence, Scanner()))
    limits = f"; beyond the default scanner, simulated as written: {found}" if found else ""
    return f"{sequence.n_blocks} blocks, {sequence.n_readouts} readouts, {sequence.duration:.3f} s{limits}"


def _recipe(path: Path) -> str:
    from spinloom.dataset.plan import validate
    from spinloom.dataset.recipe import read_recipe

    recipe = read_recipe(path)
    validate(recipe)
    for scan in recipe.protocol:
        if scan.file:
            _sequence(Path(scan.file))
    return f"{recipe.subjects} subjects, {len(recipe.protocol)} scans each"


def _kspace(path: Path) -> str:
    from spinloom.io import read_kspace

    kspace = read_kspace(path)
    return "{} coils, {} readouts of {} samples".format(*kspace.samples.shape)


def _data_set(path: Path) -> str:
    from spinloom.dataset.verify import verify

    result = verify(path)
    result.raise_if_damaged()
    return f"{result.whole} files as they were made"


def _unknown(path: Path) -> str:
    name = path.name.lower()
    if name.endswith(ARCHIVES) and path.exists():
        raise InputError(
            "is an archive, and only zips are looked into", file=path, remedy="Unpack it: name the folder."
        )
    if name.endswith(PICKLES) and path.exists():
        raise InputError("is a pickle, and those are never opened", file=path, remedy="Save weights as .safetensors.")
    for suffixes, remedy in CONVERTED:
        if name.endswith(suffixes) and path.is_file():
            raise InputError("is of no kind that is known here", file=path, remedy=remedy)
    what = "holds nothing that is known here" if path.is_dir() else "is of no kind that is known here"
    raise InputError(
        what if path.exists() else "no such file",
        file=path,
        remedy="Known: .nii, .nii.gz, .mha, .mhd, .zip and folders of DICOM, .npy, .png, .jpg, .tif, "
        ".seq, .toml, .h5, .phantom, .mnc, .npz, .mrd, folders of maps, data sets.",
    )
