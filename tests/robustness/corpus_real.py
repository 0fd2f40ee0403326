"""Odd files of other people: DICOM of five makers, every orientation, a spine with axes PSR. Absent, a case says so."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

from corpus_case import CHECK, Case, NotHere, accepted, refused


def shared(*parts: str) -> Path:
    """SPINLOOM_SHARED_DATA, or shared/data at or beside the project."""
    root = Path(__file__).resolve().parents[2]
    named = os.environ.get("SPINLOOM_SHARED_DATA")
    places = [Path(named)] if named else [root / "shared" / "data", root.parent / "shared" / "data"]
    for place in places:
        if place.joinpath(*parts).exists():
            return place.joinpath(*parts)
    raise NotHere("the shared real data is not here")


def linked(*parts: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / parts[-1]).symlink_to(shared(*parts))
        return folder / parts[-1]

    return make


def members(archive: str, below: str) -> Callable[[Path], Path]:
    """The files of one folder of a zip, by their last names; or one file."""

    def make(folder: Path) -> Path:
        source = shared("dicom", archive)
        if below.endswith(".dcm"):
            (folder / below).write_bytes(zipfile.ZipFile(source).read(below))
            return folder / below
        root = folder / below.split("/")[1]
        root.mkdir()
        with zipfile.ZipFile(source) as packed:
            for name in packed.namelist():
                if name.startswith(f"{below}/") and not name.endswith("/"):
                    (root / Path(name).name).write_bytes(packed.read(name))
        return root

    return make


def of_pydicom(name: str, says: str, *, good: bool = False) -> Case:
    make = accepted if good else refused
    return make(
        f"pydicom: {name}", "a file of pydicom's own tests", members("pydicom_odd_files.zip", f"{name}.dcm"), says
    )


def of_variants(below: str, says: str, *, good: bool = True) -> Case:
    make = accepted if good else refused
    return make(
        f"variant: {below}", "a folder of dicom2nifti's tests", members("dicom2nifti_variants.zip", below), says
    )


def packed_as(below: str, says: str) -> Case:
    """Read where a decoder is installed, and refused with its name where none is."""
    name, what = f"variant: {below}", "compressed in a way that needs a decoder"
    make = members("dicom2nifti_variants.zip", below)
    return Case(name, what, make, f"no decoder is installed|{says}", (0, 4), CHECK)


FRAMES = "holds 10 frames and does not say where they lie"
MAKERS: tuple[Case, ...] = (
    refused("zip of 11 series", "several makers in one zip", linked("dicom", "dicom2nifti_variants.zip"), "11 series"),
    refused("CT with tilt and two spacings", "1.08 and 7 mm", linked("dicom", "ge_head_ct_tilt_variable_spacing.zip"),
            "spaced unevenly: 1.08 to 7.00 mm"),
    refused("T1w and T2w in one zip", "two series", linked("dicom", "siemens_3t_t1_t2_slices_with_gap.zip"),
            "2 series"),
    refused("two echoes", "PD and T2 of one scan", linked("dicom", "siemens_pd_t2_dual_echo_phantom.zip"), "TE 92 ms"),
    of_variants("failing/gantrytilting/001", "tilted by 14.0"),
    of_variants("failing/slicecount/001", "256 x 256 x 2 voxels"),
    of_variants("failing/sliceorientation/001", "holds 2 series", good=False),
    of_variants("ge/anatomical/001", "256 x 256 x 4 voxels of 1 x 1 x 1 mm"),
    of_variants("generic/anatomical/002_non_isotropic", "64 x 28 x 4 voxels of 6.4 x 4 x 0.5 mm"),
    of_variants("generic/compressed/001", "256 x 256 x 4 voxels of 1 x 1 x 1 mm"),
    of_variants("generic/compressed_rle/001", "256 x 256 x 4 voxels of 1 x 1 x 1 mm"),
    packed_as("generic/compressed_jpeg/001", "256 x 256 x 4 voxels"),
    packed_as("generic/compressed_jpegls/001", "256 x 256 x 4 voxels"),
    of_variants("generic/rgb/001", "picture of a screen", good=False),
    of_variants("hitachi/anatomical/001", "64 x 64 x 4 voxels"),
    of_variants("hyperfine/anatomical/001", "112 x 138 x 8 voxels"),
    of_variants("philips_enhanced/anatomical/001", "256 x 256 x 8 voxels of 1 x 1 x 1.2 mm"),
    of_variants("siemens_multiframe/anatomical/001", "256 x 256 x 8 voxels"),
)  # fmt: skip
PYDICOM: tuple[Case, ...] = (
    of_pydicom("JPEG2000_UNC", "picture of a screen"),
    of_pydicom("MR-SIEMENS-DICOM-WithOverlays", "484 x 484 x 1 voxels", good=True),
    of_pydicom("MR2_J2KI", "1024 x 1024 x 1 voxels", good=True),
    of_pydicom("MR2_J2KR", "1024 x 1024 x 1 voxels", good=True),
    of_pydicom("SC_rgb_16bit", "picture of a screen"),
    of_pydicom("eCT_Supplemental", "no HU"),
    of_pydicom("emri_small", FRAMES),
    of_pydicom("emri_small_RLE", FRAMES),
    of_pydicom("emri_small_big_endian", FRAMES),
    of_pydicom("emri_small_jpeg_2k_lossless", FRAMES),
    of_pydicom("emri_small_jpeg_ls_lossless", FRAMES),
    of_pydicom("explicit_VR-UN", "how thick it is: 1 mm is assumed", good=True),
    of_pydicom("liver", "label, 512 x 512 x 3", good=True),
    of_pydicom("parametric_map_double_float", "Parametric Map"),
    of_pydicom("parametric_map_float", "Parametric Map"),
)
OTHER: tuple[Case, ...] = (
    *(
        accepted(f"axes {axes}", "one head, its axes in another order", linked("nifti_orientations", f"{axes}.nii.gz"),
                 f"axes {axes}, ")
        for axes in ("AIL", "ARI", "IAL", "IPL", "LAI", "LPI", "PIL", "PRI", "RAI", "RPI", "SAL", "SPL")
    ),
    accepted("spine T1w", "axes RAS", linked("spine_small", "t1w.nii.gz"),
             "42 x 76 x 77 voxels of 1 x 1 x 1 mm, axes RAS"),
    accepted("spine T2w", "axes PSR, another grid", linked("spine_small", "t2.nii.gz"),
            "60 x 55 x 52 voxels.*axes PSR"),
    refused("seq with a stale signature", "edited after it was signed",
            linked("pulseq_seq", "koma_read_comparison", "v1.4", "epi.seq"), "does not match its MD5 signature"),
    refused("seq without ADC of other people", "a test of labels",
            linked("pulseq_seq", "koma_basic", "v1.4", "label_test.seq"), "no ADC"),
    refused("signals for a phantom", "raw data of another simulator",
            linked("simulator_reference", "a.column1d", "signals.h5"), "no phantom: it holds signal"),
    accepted("k-space as an image", "complex numbers in an .npy", linked("kspace_brain_8ch", "cartesian_ksp.npy"),
             "complex64.*1 x 1 x 1 mm is assumed"),
)  # fmt: skip
CASES = (*MAKERS, *PYDICOM, *OTHER)
