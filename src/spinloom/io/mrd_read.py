"""ISMRMRD (.mrd, .h5) → KSpace: Spinloom's own files exactly, Cartesian scans of others from their indices.

    k = (n - centre) / FOV_encoded    along read, phase and partition direction, if a readout brings no trajectory

Inati et al., Magn. Reson. Med. 77, 411 (2017).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.io.kspace_npz import encoding_from_json
from spinloom.io.mrd import IDX, LPS, ismrmrd_package
from spinloom.io.safe_h5 import CAP_BYTES, open_h5

AGAIN = "Write it again, or check it with the ISMRMRD tools."
NOISE = 1 << 18


@dataclass(frozen=True, eq=False)
class _Readouts:
    """head (readout,), data and traj as lists of float32 vectors."""

    head: NDArray[Any]
    data: list[NDArray[np.float32]]
    traj: list[NDArray[np.float32]]


def read_mrd(path: str | os.PathLike[str]) -> KSpace:
    """The imaging readouts of the file's first data set; noise scans are left out, short readouts padded (k = NaN).

    A trajectory is taken as k in 1/m if Spinloom wrote the file; in others' files, whose unit is not defined, it is
    refused unless the scan is Cartesian.

    Raises InputError for a damaged file, UsageError if the ismrmrd package is not installed.
    """
    ismrmrd = ismrmrd_package()
    with open_h5(path) as file:
        group = _dataset(file, path)
        text = group["xml"][0]
        readouts = _readouts(group["data"], ismrmrd.hdf5.acquisition_header_dtype, path)
    document = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    if "<!DOCTYPE" in document or "<!ENTITY" in document:
        raise InputError(
            "its header document declares entities; this is refused",
            file=path,
            remedy=AGAIN,
        )
    try:
        header = ismrmrd.xsd.CreateFromDocument(document)
        user = header.userParameters.userParameterString if header.userParameters else []
        own = {p.name: json.loads(p.value) for p in user if p.name.startswith("spinloom_")}
        encoding = encoding_from_json(own["spinloom_encoding"]) if "spinloom_encoding" in own else None
        x, y, z = (float(v) for v in own.get("spinloom_isocentre_mm", (0.0, 0.0, 0.0)))
        info = dict(own.get("spinloom_info", {}))
        names = [str(n) for n in own.get("spinloom_labels", [n for n in IDX if np.any(readouts.head["idx"][IDX[n]])])]
    except Exception as error:  # the parser raises many kinds
        raise InputError(
            f"its header document cannot be read ({str(error)[:150]})",
            file=path,
            remedy=AGAIN,
        ) from error
    if own:
        k = _trajectories(readouts, path)
    else:
        encoding, k = _cartesian(header, readouts, path)
    head = readouts.head
    dwell = head["sample_time_us"].astype(np.float64)
    start = head["acquisition_time_stamp"].astype(np.float64) + (head["user_float"][:, 0] if own else 0.0)
    return KSpace(
        samples=_samples(readouts, path),
        k=k,
        t=(start[:, None] + np.arange(k.shape[1]) * dwell[:, None]) * 1e-6,
        encoding=encoding,
        labels=MappingProxyType({n: head["idx"][IDX[n]].astype(np.int64) for n in names if n in IDX}),
        isocentre_mm=(x, y, z),
        info=MappingProxyType(info),
    )


def _dataset(file: h5py.File, path: str | os.PathLike[str]) -> h5py.Group:
    for name in ("dataset", *file):
        group = file.get(name)
        if isinstance(group, h5py.Group) and "xml" in group and "data" in group:
            return group
    raise InputError(
        "is HDF5 but holds no ISMRMRD data set (a group with xml and data)",
        file=path,
        remedy=AGAIN,
    )


def _readouts(table: h5py.Dataset, head: np.dtype[Any], path: str | os.PathLike[str]) -> _Readouts:
    if table.dtype.names != ("head", "traj", "data") or table.ndim != 1 or not _alike(table.dtype["head"], head):
        raise InputError(
            "its data table is not one of ISMRMRD acquisitions",
            file=path,
            remedy=AGAIN,
        )
    if table.id.get_storage_size() > CAP_BYTES or len(table) > 10**8:
        raise InputError("its data table is too large", file=path, remedy=AGAIN)
    rows = table[()]
    rows = rows[(rows["head"]["flags"] & np.uint64(NOISE)) == 0]
    if len(rows) == 0:
        raise InputError("holds no imaging readouts", file=path, remedy=AGAIN)
    if len(np.unique(rows["head"]["active_channels"])) > 1:
        raise InputError(
            "its readouts have different numbers of coils",
            file=path,
            remedy=AGAIN,
        )
    return _Readouts(np.ascontiguousarray(rows["head"]), list(rows["data"]), list(rows["traj"]))


def _alike(a: np.dtype[Any], b: np.dtype[Any]) -> bool:
    """Whether two types have the same fields; their widths and gaps may differ."""
    if a.names or b.names:
        return a.names == b.names and all(_alike(a[n], b[n]) for n in a.names or ())
    return a.base.kind == b.base.kind and a.shape == b.shape


def _samples(readouts: _Readouts, path: str | os.PathLike[str]) -> NDArray[np.complex64]:
    head = readouts.head
    n_coils, n_samples = int(head["active_channels"][0]), int(head["number_of_samples"].max())
    out = np.zeros((n_coils, len(head), n_samples), np.complex64)
    for i, (n, values) in enumerate(zip(head["number_of_samples"], readouts.data, strict=True)):
        if len(values) != 2 * n_coils * int(n):
            raise InputError(
                f"readout {i} holds {len(values)} numbers, its head promises {2 * n_coils * int(n)}",
                file=path,
                remedy=AGAIN,
            )
        out[:, i, :n] = np.ascontiguousarray(values, np.float32).view(np.complex64).reshape(n_coils, n)
    return out


def _trajectories(readouts: _Readouts, path: str | os.PathLike[str]) -> NDArray[np.float64]:
    head = readouts.head
    k = np.full((len(head), int(head["number_of_samples"].max()), 3), np.nan)
    for i, (n, values) in enumerate(zip(head["number_of_samples"], readouts.traj, strict=True)):
        if len(values) != 3 * int(n):
            raise InputError(
                f"readout {i} holds {len(values)} trajectory numbers for {n} samples",
                file=path,
                remedy=AGAIN,
            )
        k[i, :n] = values.reshape(n, 3)
    return k


def _cartesian(header: Any, readouts: _Readouts, path: str | os.PathLike[str]) -> tuple[Encoding, NDArray[np.float64]]:
    """The grid and k of a Cartesian scan from matrix, field of view, directions and indices."""
    if not header.encoding:
        raise InputError("its header describes no encoding", file=path, remedy=AGAIN)
    space = header.encoding[0]
    if str(space.trajectory.value) not in ("cartesian", "epi"):
        raise InputError(
            f"its trajectory is {space.trajectory.value}; only Cartesian scans of other programs can be read",
            file=path,
            remedy=AGAIN,
        )
    head = readouts.head
    matrix = [int(getattr(space.reconSpace.matrixSize, a)) for a in "xyz"]
    fov = np.array([float(getattr(space.reconSpace.fieldOfView_mm, a)) for a in "xyz"])
    encoded = np.array([float(getattr(space.encodedSpace.fieldOfView_mm, a)) for a in "xyz"]) * 1e-3
    if min(matrix) < 1 or not (np.all(fov > 0) and np.all(encoded > 0)):
        raise InputError(
            f"its image grid is impossible: {matrix} in {fov.tolist()} mm",
            file=path,
            remedy=AGAIN,
        )
    directions = np.stack([head[0][f].astype(float) * LPS for f in ("read_dir", "phase_dir", "slice_dir")], axis=1)
    if not np.allclose(directions.T @ directions, np.eye(3), atol=1e-2):
        directions = np.eye(3)
    n_slices = int(head["idx"]["slice"].max()) + 1
    volume = matrix[2] > 1
    shape = (matrix[0], matrix[1], matrix[2] if volume else n_slices)
    size = fov / matrix
    affine = np.eye(4)
    affine[:3, :3] = directions * size
    affine[:3, 3] = head["position"].mean(axis=0) * LPS - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    n = np.arange(int(head["number_of_samples"].max()))
    centres = [_centre(space, name, default) for name, default in (("1", matrix[1] // 2), ("2", matrix[2] // 2))]
    along = [
        (n - head["center_sample"][:, None].astype(float)) / encoded[0],
        (head["idx"]["kspace_encode_step_1"].astype(float) - centres[0])[:, None] / encoded[1] + 0 * n,
        (head["idx"]["kspace_encode_step_2"].astype(float) - centres[1])[:, None] / encoded[2] + 0 * n,
    ]
    k = np.stack(along, axis=-1) @ directions.T
    k[n[None, :] >= head["number_of_samples"][:, None]] = np.nan
    return Encoding(Grid(shape, affine), readout_axis=0, phase_axis=1, volume=volume), k


def _centre(space: Any, step: str, default: int) -> int:
    limit = getattr(space.encodingLimits, f"kspace_encoding_step_{step}", None) if space.encodingLimits else None
    return default if limit is None else int(limit.center)
