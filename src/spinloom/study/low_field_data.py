"""The public scans of Liu et al. (2021): raw 0.055 T k-space and 3 T images of one subject per folder."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.files import gate
from spinloom.study.low_field_scan import Complex, Scan

Volume = NDArray[np.float32]
REMEDY = "The folder is that of docs/real-data.md: subj*/lf_*_kspace.mat and images.npz."
CAP_BYTES = 2**28


@dataclass(frozen=True, eq=False)
class Subject:
    """By contrast: kspace (rows, columns, slices); high (x, y, slices), 3 T; published (x, y, slices), the 0.055 T
    image as its authors show it, absent where it is not there. Nose up in the files; here y points to the nose."""

    name: str
    kspace: Mapping[str, Complex]
    high: Mapping[str, Volume]
    published: Mapping[str, Volume]


def subjects_in(folder: Path, scans: Sequence[Scan]) -> list[Subject]:
    """All subjects, every file looked at. Raises InputError that names the first file that is missing or wrong."""
    return [subject_of(p, scans) for p in folders_in(folder)]


def folders_in(folder: Path) -> list[Path]:
    """One per subject. Raises InputError if there is none."""
    if not folder.is_dir():
        raise InputError("is no folder", file=folder, remedy=REMEDY)
    names = sorted(p for root in (folder, folder / "hku_ulf_3t") for p in root.glob("subj*") if p.is_dir())
    if not names:
        raise InputError("holds no subject (subj*)", file=folder, remedy=REMEDY)
    return names


def subject_of(folder: Path, scans: Sequence[Scan]) -> Subject:
    images = folder / "images.npz"
    high, published = {}, {}
    held = read_images(images)
    for scan in scans:
        if scan.high not in held:
            there = ", ".join(sorted(k for k in held if k.startswith("hf_"))) or "none"
            raise InputError(
                f"holds no {scan.high}: no {scan.contrast} at 3 T (it has {there})", file=images, remedy=REMEDY
            )
        high[scan.contrast] = held[scan.high]
        if (low := held.get(f"lf_{scan.stem}")) is not None:
            published[scan.contrast] = low
    kspace = {s.contrast: read_kspace(folder / f"lf_{s.stem}_kspace.mat", s) for s in scans}
    for name, K in kspace.items():
        if K.shape[2] != high[name].shape[2]:
            raise InputError(
                f"holds {high[name].shape[2]} slices of {name} at 3 T, the k-space {K.shape[2]}",
                file=images,
                remedy=REMEDY,
            )
    return Subject(folder.name, MappingProxyType(kspace), MappingProxyType(high), MappingProxyType(published))


def read_images(path: Path) -> dict[str, Volume]:
    """Arrays with three axes, in their unit: stored whole numbers times <name>_scale, where there is one."""
    try:
        with np.load(gate.admit(path, cap_bytes=CAP_BYTES), allow_pickle=False) as file:
            held = {k: np.asarray(file[k]) for k in file.files}
    except (ValueError, TypeError, OSError, EOFError, KeyError, zlib.error, BadZipFile, AttributeError) as error:
        raise InputError(f"is no archive of plain arrays ({first_line(error)})", file=path, remedy=REMEDY) from error
    out = {}
    for name, values in held.items():
        if values.ndim != 3:
            continue
        if values.dtype.kind not in "uif" or not np.isfinite(values).all() or not values.any():
            raise InputError(f"{name} holds no finite grey values", file=path, remedy=REMEDY)
        scale = held.get(f"{name}_scale")
        grey = values.astype(np.float32) * (1.0 if scale is None else float(np.asarray(scale).ravel()[0]))
        out[name] = np.ascontiguousarray(grey.transpose(1, 0, 2)[:, ::-1])
    return out


def read_kspace(path: Path, scan: Scan) -> Complex:
    """(rows, columns, slices) complex, k = 0 at (rows // 2, columns // 2)."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    admitted = gate.admit(path, cap_bytes=CAP_BYTES)
    try:
        held = loadmat(admitted, variable_names=["kspace"])
    except (MatReadError, ValueError, TypeError, OSError, EOFError, KeyError, NotImplementedError, zlib.error) as error:
        raise InputError(
            f"is no MATLAB file that can be read ({first_line(error)})", file=path, remedy=REMEDY
        ) from error
    if "kspace" not in held:
        raise InputError("holds no variable 'kspace'", file=path, remedy=REMEDY)
    K = np.asarray(held["kspace"])
    if K.ndim != 3 or K.shape[:2] != scan.matrix or K.shape[2] < 1:
        want = " x ".join(map(str, scan.matrix))
        raise InputError(
            f"k-space of {' x '.join(map(str, K.shape))}; {scan.contrast} has {want} and slices",
            file=path,
            remedy=REMEDY,
        )
    if K.dtype.kind != "c" or not np.isfinite(K).all() or not K.any():
        raise InputError("holds no finite complex k-space", file=path, remedy=REMEDY)
    return K


def first_line(error: BaseException) -> str:
    return re.sub(r"\s+", " ", str(error).splitlines()[0])[:100] if str(error) else type(error).__name__
