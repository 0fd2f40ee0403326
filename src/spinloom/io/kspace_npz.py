"""KSpace ↔ .npz: every array as it is, the rest as JSON; no pickle.

samples, k, t     the arrays of KSpace
label_LIN, ...    one array per label
meta              JSON: format, isocentre_mm, encoding, info
"""

from __future__ import annotations

import json
import math
import os
import zipfile
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.errors import InputError, MachineError
from spinloom.core.grid import Grid
from spinloom.core.kspace import KSpace
from spinloom.files import atomic, gate
from spinloom.io.plain_json import plain

AGAIN = "Write it again with spinloom simulate --kspace."
FORMAT = "spinloom k-space 1"
CAP_BYTES = 16 * 2**30
LABEL = "label_"


def write_npz(kspace: KSpace, path: str | os.PathLike[str]) -> None:
    """The whole KSpace; the same KSpace is always the same bytes."""
    meta = {
        "format": FORMAT,
        "isocentre_mm": list(kspace.isocentre_mm),
        "encoding": None if kspace.encoding is None else encoding_json(kspace.encoding),
        "info": plain(kspace.info),
    }
    arrays: dict[str, Any] = {"samples": kspace.samples, "k": kspace.k, "t": kspace.t}
    arrays |= {LABEL + name: np.asarray(values) for name, values in sorted(kspace.labels.items())}
    arrays["meta"] = np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)

    def write(temp: Path) -> None:
        with open(temp, "xb") as handle:
            np.savez(handle, **arrays)

    atomic.write_with(path, write)


def read_npz(path: str | os.PathLike[str]) -> KSpace:
    """What write_npz wrote.

    Raises InputError for another kind of .npz, a damaged one, pickled objects, or shapes that disagree.
    """
    arrays = _arrays(path)
    missing = [name for name in ("samples", "k", "t", "meta") if name not in arrays]
    if missing:
        raise InputError(
            f"is not k-space of Spinloom: it lacks {', '.join(missing)}",
            file=path,
            remedy=AGAIN,
        )
    try:
        meta = json.loads(bytes(np.asarray(arrays["meta"], np.uint8)))
        encoding = None if meta["encoding"] is None else encoding_from_json(meta["encoding"])
        x, y, z = (float(v) for v in meta["isocentre_mm"])
        if meta["format"] != FORMAT:
            raise InputError(
                f"has the format '{meta['format']}', '{FORMAT}' was expected",
                file=path,
                remedy=AGAIN,
            )
        kspace = KSpace(
            samples=np.asarray(arrays["samples"]),
            k=np.asarray(arrays["k"], np.float64),
            t=np.asarray(arrays["t"], np.float64),
            encoding=encoding,
            labels=MappingProxyType(
                {name.removeprefix(LABEL): v.astype(np.int64) for name, v in arrays.items() if name.startswith(LABEL)}
            ),
            isocentre_mm=(x, y, z),
            info=MappingProxyType(dict(meta["info"])),
        )
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise InputError(f"its description is damaged ({str(error)[:150]})", file=path, remedy=AGAIN) from error
    except InputError as error:
        raise InputError(error.fault, file=path, remedy=error.remedy) from error
    if kspace.samples.dtype.kind != "c":
        raise InputError(
            f"its samples are {kspace.samples.dtype}, complex numbers were expected",
            file=path,
            remedy=AGAIN,
        )
    for name, values in kspace.labels.items():
        if values.shape != kspace.samples.shape[1:2]:
            raise InputError(
                f"label {name} has shape {values.shape} for {kspace.samples.shape[1]} readouts",
                file=path,
                remedy=AGAIN,
            )
    return kspace


def encoding_json(encoding: Encoding) -> dict[str, object]:
    return {
        "shape": list(encoding.grid.shape),
        "affine": encoding.grid.affine.tolist(),
        "readout_axis": encoding.readout_axis,
        "phase_axis": encoding.phase_axis,
        "volume": encoding.volume,
    }


def encoding_from_json(value: Any) -> Encoding:
    x, y, z = (int(n) for n in value["shape"])
    affine = np.array(value["affine"], float)
    readout, phase = int(value["readout_axis"]), int(value["phase_axis"])
    if affine.shape != (4, 4) or min(x, y, z) < 1 or readout == phase or not {readout, phase} <= {0, 1, 2}:
        raise ValueError(f"impossible encoding {value}")
    return Encoding(Grid((x, y, z), affine), readout_axis=readout, phase_axis=phase, volume=bool(value["volume"]))


def _arrays(path: str | os.PathLike[str]) -> dict[str, NDArray[Any]]:
    """Every array, after the archive's own directory says how large they are."""
    file = gate.admit(path, cap_bytes=CAP_BYTES)
    stored = file.stat().st_size
    try:
        with zipfile.ZipFile(file) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            if total > CAP_BYTES or (total > 2**29 and total > 200 * stored):
                raise InputError(
                    f"would unpack {stored} bytes into {total}",
                    file=path,
                    remedy=AGAIN,
                )
            return {entry.filename.removesuffix(".npy"): _array(archive, entry) for entry in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, RuntimeError, zlib.error) as error:
        raise InputError(f"is damaged ({str(error)[:150]})", file=path, remedy="Copy or write it again.") from error
    except MemoryError as error:
        raise MachineError(
            "not enough memory to read it", file=path, remedy="Close other programs, or use a machine with more memory."
        ) from error


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """One .npy, whose header must agree with its length; objects are refused."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        reader = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
        if reader is None:
            raise ValueError(f"'{entry.filename}' is .npy version {version}")
        shape, fortran, dtype = reader(stream)
        if dtype.hasobject:
            raise ValueError(f"'{entry.filename}' holds pickled objects")
        n_bytes = math.prod(shape) * dtype.itemsize
        if stream.tell() + n_bytes != entry.file_size:
            raise ValueError(f"'{entry.filename}' promises {n_bytes} bytes")
        return np.frombuffer(stream.read(n_bytes), dtype).reshape(shape, order="F" if fortran else "C")
