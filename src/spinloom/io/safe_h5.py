"""HDF5 from strangers: no links out of the file, no data set larger than it may be, errors that name the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError, MachineError
from spinloom.files import gate

MAGIC = b"\x89HDF\r\n\x1a\n"
MAX_OBJECTS = 10_000
MAX_DEPTH = 16
CAP_BYTES = 4 * 2**30
BOMB_BYTES = 2**24
BOMB_RATIO = 200
"""No data set grows more than so many times, as in zips and in NIfTI."""


@contextmanager
def open_h5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """An admitted HDF5 file whose every link and data set was looked at; library errors become InputError."""
    admitted = gate.admit(path)
    if gate.read_head(admitted, len(MAGIC)) != MAGIC:
        raise InputError("is not an HDF5 file", file=path, remedy="Check that it was copied whole.")
    try:
        with h5py.File(admitted, "r") as file:
            _check_objects(file, path)
            yield file
    except (OSError, RuntimeError, KeyError, ValueError, UnicodeDecodeError) as error:
        text = str(error).splitlines()[0]
        raise InputError(f"the HDF5 structure is damaged ({text})", file=path, remedy="Copy it again.") from error
    except MemoryError as error:
        raise MachineError(
            "not enough memory to read it", file=path, remedy="Close other programs, or use a machine with more memory."
        ) from error


def numbers(
    file: h5py.File, name: str, path: str | os.PathLike[str], *, kinds: str = "biuf", cap_bytes: int = CAP_BYTES
) -> NDArray[np.generic]:
    """The whole numeric data set `name`, refused before reading if absent, of another kind or too large.

    kinds      of numpy's types: real numbers; "c" lets complex ones in, too
    cap_bytes  of its numbers in double precision, for that is what becomes of them
    """
    item = file.get(name)
    if not isinstance(item, h5py.Dataset) or item.shape is None:
        raise InputError(f"has no data set '{name}'", file=path, remedy=f"It holds: {', '.join(file) or 'nothing'}.")
    if item.dtype.kind not in kinds:
        raise InputError(
            f"data set '{name}' is of type {item.dtype}, {'' if 'c' in kinds else 'real '}numbers were expected",
            file=path,
            remedy="Write it as float64.",
        )
    if (full := item.size * max(item.dtype.itemsize, 8)) > cap_bytes:
        raise InputError(
            f"data set '{name}' claims {full / 2**30:.1f} GiB",
            file=path,
            remedy="It is damaged or made to do harm: write it again.",
        )
    return np.asarray(item[()])


def _check_dataset(item: h5py.Dataset, path: str | os.PathLike[str]) -> None:
    """Refuse numbers that lie in another file, and those that would grow without measure."""
    name = str(item.name).lstrip("/")
    if item.is_virtual or item.external:
        raise InputError(
            f"data set '{name}' keeps its numbers in another file; this is refused",
            file=path,
            remedy="Copy the numbers into one file (h5repack).",
        )
    stored = item.id.get_storage_size()
    if item.nbytes > max(BOMB_BYTES, BOMB_RATIO * stored):
        raise InputError(
            f"data set '{name}' would become {item.nbytes} bytes and stores {stored}; no real one does",
            file=path,
            remedy="It is damaged or made to do harm; if you trust it, unpack it: h5repack -f NONE.",
        )


def _check_objects(file: h5py.File, path: str | os.PathLike[str]) -> None:
    """Refuse links that are not plain, loops, crowds and depth, and data sets that are not what they seem."""
    seen: set[Any] = set()
    todo: list[tuple[h5py.Group, int]] = [(file, 0)]
    while todo:
        group, depth = todo.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                where = f"{group.name.rstrip('/')}/{name}"
                raise InputError(
                    f"'{where}' is a link to somewhere else; this is refused",
                    file=path,
                    remedy="Copy what it points to into the file.",
                )
            child = group[name]
            key = h5py.h5o.get_info(child.id).addr
            if key in seen:
                continue
            seen.add(key)
            if len(seen) > MAX_OBJECTS or depth > MAX_DEPTH:
                raise InputError(
                    "holds too many or too deeply nested objects", file=path, remedy="Keep only the phantom in it."
                )
            if isinstance(child, h5py.Group):
                todo.append((child, depth + 1))
            elif isinstance(child, h5py.Dataset):
                _check_dataset(child, path)
