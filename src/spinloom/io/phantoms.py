"""Any phantom file ↔ Phantom: read by what the file holds, written by what the name says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from spinloom.core.errors import InputError, UsageError
from spinloom.files import gate
from spinloom.io.brainweb import MINC1_MAGIC, RAW_GRIDS, read_minc, read_raw
from spinloom.io.jemris import read_jemris, write_jemris
from spinloom.io.koma import read_koma, write_koma
from spinloom.io.label_map import SchemeChoice, phantom_of_labels, read_label_map
from spinloom.io.qmri import is_map, read_maps
from spinloom.io.qmri_write import write_maps
from spinloom.io.safe_h5 import MAGIC as HDF5_MAGIC
from spinloom.io.safe_h5 import open_h5
from spinloom.phantom.filling import Filling
from spinloom.phantom.phantom import Phantom, Voxel

RAW_SUFFIXES = (".raw", ".rawb", ".raw.gz", ".rawb.gz")


def read_phantom(
    path: str | os.PathLike[str],
    *,
    B0: float | None = None,
    scheme: SchemeChoice = None,
    filling: Filling | None = None,
    seed: int = 0,
) -> Phantom:
    """A phantom from a file or folder, told by its content:

        JEMRIS .h5, KomaMRI .phantom   point spins with their own values
        BIDS quantitative maps         a folder, or one of its T1map, T2map ... files
        NIfTI label map                tissues of a scheme, values of the literature at B0
        BrainWeb .mnc, .raw, .rawb     the same with BrainWeb's classes

    B0       field whose tissue values are taken [T], for files that hold no values; None: 3 T.
             For the others the field they are meant for
    scheme   what labels mean: "brainweb", "freesurfer", "head", a TSV table, a Scheme; None or "auto": the table
             beside the file, or else a guess from the numbers
    filling  how tissues get their values; None: Correlated()
    seed     of the filling

    Raises InputError (file, fault, remedy) for everything that is none of these, or damaged.
    """
    if Path(path).is_dir():
        return read_maps(path, B0=B0)
    file = gate.admit(path)
    head = gate.read_head(file, 352)
    name = file.name.lower()
    if head.startswith(HDF5_MAGIC):
        return _read_h5(path, B0=B0, scheme=scheme, filling=filling, seed=seed)
    if head.startswith(MINC1_MAGIC):
        return phantom_of_labels(read_minc(path), path, scheme=_brainweb(scheme), B0=B0, filling=filling, seed=seed)
    if name.endswith(RAW_SUFFIXES) or (not _is_nifti(head) and file.stat().st_size in RAW_GRIDS):
        return phantom_of_labels(read_raw(path), path, scheme=_brainweb(scheme), B0=B0, filling=filling, seed=seed)
    if is_map(path) and scheme is None:
        return read_maps(path, B0=B0)
    if name.endswith((".nii", ".nii.gz")) or _is_nifti(head):
        return read_label_map(path, scheme=scheme, B0=B0, filling=filling, seed=seed)
    raise InputError(
        "is no phantom that is known here",
        file=path,
        remedy="Expected JEMRIS .h5, KomaMRI .phantom, BrainWeb .mnc or .raw, a NIfTI label map, or a folder of maps.",
    )


def write_phantom(phantom: Phantom, path: str | os.PathLike[str]) -> None:
    """JEMRIS for .h5, KomaMRI for .phantom, and a folder of BIDS quantitative maps for a name without suffix.

    Raises UsageError for another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".h5":
        write_jemris(phantom, path)
    elif suffix == ".phantom":
        write_koma(phantom, path)
    elif suffix == "" or Path(path).is_dir():
        write_maps(phantom, path)
    else:
        raise UsageError(
            f"cannot write a phantom as '{Path(path).name}'",
            remedy="End the name in .h5 (JEMRIS) or .phantom (KomaMRI), or give a folder for NIfTI maps.",
        )


def left_out(phantom: Phantom, path: str | os.PathLike[str]) -> tuple[str, ...]:
    """What of a phantom write_phantom finds no place for under a name; a scan of the file lacks it."""
    points = Path(path).suffix.lower() in (".h5", ".phantom")
    found: list[tuple[bool, str]] = [
        (_is_mixed(phantom), "several tissues in one voxel: it becomes one of their mean"),
        (bool(_shifted(phantom)), f"chemical shift ({', '.join(_shifted(phantom))})"),
        (phantom.D is not None and bool(phantom.D.any()), "diffusion"),
        (phantom.motion is not None, "motion"),
        (points and phantom.B1 is not None, "transmit field (B1)"),
        (points and phantom.chi_ppm is not None, "susceptibility"),
        (points and phantom.labels is not None, "labels: a scan is centred on the grid, not on the brain"),
        (points and phantom.voxel is Voxel.BOX, "voxels that fill space: they become points at their centres"),
        (not points and phantom.voxel is Voxel.POINT, "voxels that are points: they become boxes that fill space"),
    ]
    return tuple(text for lost, text in found if lost)


def _shifted(phantom: Phantom) -> list[str]:
    """Names of tissues that are there and do not sound at the frequency of water."""
    if phantom.fractions is None or phantom.tissues is None:
        return []
    pairs = zip(phantom.tissues, phantom.fractions, strict=True)
    return [t.name for t, part in pairs if t.PD and (t.shift_ppm or t.spectrum) and part.any()]


def _is_mixed(phantom: Phantom) -> bool:
    """Whether some voxel holds two tissues with signal."""
    if phantom.fractions is None or phantom.tissues is None:
        return False
    seen = np.zeros(phantom.grid.shape, bool)
    for tissue, part in zip(phantom.tissues, phantom.fractions, strict=True):
        here = (part > 0) & (tissue.PD > 0)
        if (seen & here).any():
            return True
        seen |= here
    return False


def _read_h5(
    path: str | os.PathLike[str], *, B0: float | None, scheme: SchemeChoice, filling: Filling | None, seed: int
) -> Phantom:
    with open_h5(path) as file:
        groups = set(file)
    if "sample" in groups:
        return read_jemris(path, B0=B0)
    if "contrast" in groups or "position" in groups:
        return read_koma(path, B0=B0)
    if "minc-2.0" in groups:
        return phantom_of_labels(read_minc(path), path, scheme=_brainweb(scheme), B0=B0, filling=filling, seed=seed)
    raise InputError(
        f"is HDF5 but no phantom: it holds {', '.join(sorted(groups)) or 'nothing'}",
        file=path,
        remedy="Expected JEMRIS (sample/data) or KomaMRI (position, contrast).",
    )


def _brainweb(scheme: SchemeChoice) -> SchemeChoice:
    return "brainweb" if scheme is None or scheme == "auto" else scheme


def _is_nifti(head: bytes) -> bool:
    return head[344:347] in (b"n+1", b"ni1") or head[4:7] == b"n+2"
