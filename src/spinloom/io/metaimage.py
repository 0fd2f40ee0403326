"""MetaImage (.mha, or .mhd with a voxel file beside it) → Image."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.files import gate
from spinloom.io.plausible import require_plausible

AGAIN = "Export it again as one uncompressed or zlib-packed .mha."
HEADER_CAP = 1 << 16
VOXELS_CAP_BYTES = 8 * 2**30
TYPES = {
    "MET_UCHAR": "u1",
    "MET_CHAR": "i1",
    "MET_USHORT": "u2",
    "MET_SHORT": "i2",
    "MET_UINT": "u4",
    "MET_INT": "i4",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
}
RAS_FROM_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def read_mha(path: str | os.PathLike[str], *, quantity: Quantity | None = None) -> Image:
    """One scalar 3D volume.

        position = Offset + TransformMatrix^T diag(ElementSpacing) index   [mm, LPS; turned to RAS here]

    An .mhd names the file of its voxels, which must lie in the same folder and hold exactly the bytes promised. An
    .mha that names another file is refused, and so are paths, lists and patterns of files.

    Raises InputError (file, fault, remedy) for a header that does not say all this, and for NaN or infinite voxels.
    Format: https://itk.org/Wiki/ITK/MetaIO/Documentation
    """
    file = gate.admit(path)
    with open(file, "rb") as handle:
        head = handle.read(HEADER_CAP)
        fields, start = _fields(head, path)
        apart = fields["ElementDataFile"] != "LOCAL"
        shape = _shape(fields, path)
        dtype = _dtype(fields, path)
        n_bytes = math.prod(shape) * dtype.itemsize
        if n_bytes > VOXELS_CAP_BYTES:
            raise InputError(
                f"promises {n_bytes / 2**30:.1f} GiB of voxels, more than the limit",
                file=path,
                remedy=AGAIN,
            )
        handle.seek(start)
        packed = _beside(file, fields, n_bytes).read_bytes() if apart else handle.read()
    raw = _inflated(packed, n_bytes, path) if fields.get("CompressedData", "False").lower() == "true" else packed
    if len(raw) != n_bytes:
        raise InputError(
            f"holds {len(raw)} bytes of voxels where its header promises {n_bytes}",
            file=path,
            remedy="Copy or download it again.",
        )
    data = np.frombuffer(raw, dtype).reshape(shape, order="F").astype(dtype.newbyteorder("="), copy=False)
    if dtype.kind == "f" and not np.isfinite(data).all():
        raise InputError(
            f"{int((~np.isfinite(data)).sum())} of {data.size} voxels are NaN or inf",
            file=path,
            remedy="Put 0 in their place and save it again.",
        )
    kind = quantity or Quantity.SIGNAL
    require_plausible(data, kind, path)
    return Image(data, _affine(fields, path), kind, MappingProxyType({"source": file.name}))


def _fields(head: bytes, path: str | os.PathLike[str]) -> tuple[dict[str, str], int]:
    """Key = value lines up to ElementDataFile, and where the voxels begin."""
    fields: dict[str, str] = {}
    at = 0
    while (end := head.find(b"\n", at)) >= 0:
        key, equals, value = head[at:end].decode("latin-1").partition("=")
        at = end + 1
        if not equals:
            break
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            if value.strip() != "LOCAL" and not os.fspath(path).lower().endswith(".mhd"):
                raise InputError("keeps its voxels in another file", file=path, remedy="Save it as one .mha or NIfTI.")
            return fields, at
    raise InputError(
        "is no MetaImage (.mha) file: its header has no ElementDataFile",
        file=path,
        remedy=AGAIN,
    )


def voxel_file(header: str | os.PathLike[str]) -> Path:
    """The file in which an .mhd keeps its voxels. Raises InputError for any that is not in the header's own folder."""
    file = gate.admit(header)
    with open(file, "rb") as handle:
        fields, _ = _fields(handle.read(HEADER_CAP), header)
    name = fields["ElementDataFile"]
    beside = file.with_name(name) if name and Path(name).name == name and not set(name) & set("\\/:%*?") else None
    if beside is None or name in ("LIST", "LOCAL", ".", "..") or beside == file:
        raise InputError(
            f"keeps its voxels in '{name}', which is no file of its folder", file=header, remedy="Save it as one .mha."
        )
    if beside.resolve().parent not in (file.parent.resolve(), file.resolve().parent):
        raise InputError(f"its voxels in {name} are a link that leaves the folder", file=header, remedy="Copy them.")
    return beside


def _beside(file: Path, fields: dict[str, str], n_bytes: int) -> Path:
    """The voxel file, whose size is looked at before any of it is read."""
    raw = gate.admit(voxel_file(file), cap_bytes=VOXELS_CAP_BYTES)
    if fields.get("HeaderSize", "0") != "0":
        raise InputError(f"skips {fields['HeaderSize']} bytes of {raw.name}", file=file, remedy="Save it as one .mha.")
    packed = fields.get("CompressedData", "False").lower() == "true"
    size = raw.stat().st_size
    if size != n_bytes and not (packed and size < n_bytes + HEADER_CAP):
        raise InputError(
            f"holds {size} bytes of voxels where {file.name} promises {n_bytes}",
            file=raw,
            remedy="Copy or download it again.",
        )
    return raw


def _numbers(fields: dict[str, str], key: str, n: int, path: str | os.PathLike[str]) -> NDArray[np.float64]:
    try:
        values = np.array([float(word) for word in fields[key].split()])
    except (KeyError, ValueError):
        values = np.empty(0)
    if len(values) != n or not np.isfinite(values).all():
        raise InputError(
            f"its header's {key} is '{fields.get(key, 'missing')}', {n} numbers were expected",
            file=path,
            remedy=AGAIN,
        )
    return values


def _shape(fields: dict[str, str], path: str | os.PathLike[str]) -> tuple[int, ...]:
    if fields.get("NDims") != "3" or fields.get("ElementNumberOfChannels", "1") != "1":
        raise InputError("is no scalar volume with three axes", file=path, remedy="Save one volume.")
    n = _numbers(fields, "DimSize", 3, path)
    if (n < 1).any() or (n != np.rint(n)).any() or (n > 2**15).any():
        raise InputError(
            f"has the impossible size {fields['DimSize']}",
            file=path,
            remedy=AGAIN,
        )
    return tuple(int(v) for v in n)


def _dtype(fields: dict[str, str], path: str | os.PathLike[str]) -> np.dtype[Any]:
    name = fields.get("ElementType", "missing")
    if name not in TYPES:
        raise InputError(f"its voxels are of type {name}", file=path, remedy=f"Known: {', '.join(TYPES)}.")
    big = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False")).lower() == "true"
    return np.dtype(TYPES[name]).newbyteorder(">" if big else "<")


def _affine(fields: dict[str, str], path: str | os.PathLike[str]) -> NDArray[np.float64]:
    A = np.eye(4)
    key = next((k for k in ("TransformMatrix", "Rotation", "Orientation") if k in fields), "TransformMatrix")
    directions = _numbers(fields, key, 9, path).reshape(3, 3).T  # the file lists the direction of each axis in turn
    A[:3, :3] = directions * _numbers(fields, "ElementSpacing", 3, path)
    origin = next((k for k in ("Offset", "Position", "Origin") if k in fields), "Offset")
    A[:3, 3] = _numbers(fields, origin, 3, path)
    return np.asarray(RAS_FROM_LPS @ A)


def _inflated(packed: bytes, n_bytes: int, path: str | os.PathLike[str]) -> bytes:
    """zlib, never inflating more than promised."""
    try:
        return zlib.decompressobj().decompress(packed, n_bytes + 1)
    except zlib.error as error:
        raise InputError(
            f"the compressed data is damaged ({str(error)[:150]})",
            file=path,
            remedy=AGAIN,
        ) from error
