"""Any raw-data file ↔ KSpace: written by suffix, read by content."""

from __future__ import annotations

import os
from pathlib import Path

from spinloom.core.errors import InputError, UsageError
from spinloom.core.kspace import KSpace
from spinloom.files import gate
from spinloom.io.kspace_npz import read_npz, write_npz
from spinloom.io.safe_h5 import MAGIC as HDF5_MAGIC
from spinloom.io.safe_h5 import open_h5


def read_kspace(path: str | os.PathLike[str]) -> KSpace:
    """Raw data from Spinloom's .npz, ISMRMRD (.mrd, .h5), or a KomaMRI service's /raw/data.

    Raises InputError if the file is none of them or is damaged, UsageError if it needs a package that is not installed.
    """
    head = gate.read_head(gate.admit(path), len(HDF5_MAGIC))
    if head[:4] == b"PK\x03\x04":
        return read_npz(path)
    if head != HDF5_MAGIC:
        raise InputError(
            "is not raw data that is known here", file=path, remedy="Expected .npz or ISMRMRD (.mrd, .h5)."
        )
    with open_h5(path) as file:
        bare = "raw" in file and "dataset" not in file
    if bare:
        from spinloom.io.koma_raw import read_koma_raw

        return read_koma_raw(path)
    from spinloom.io.mrd_read import read_mrd

    return read_mrd(path)


def write_kspace(kspace: KSpace, path: str | os.PathLike[str]) -> None:
    """Raw data as .npz (all of it, exactly) or ISMRMRD .mrd (complex64; needs the `mrd` extra)."""
    suffix = Path(path).suffix.lower()
    if suffix == ".npz":
        write_npz(kspace, path)
    elif suffix in (".mrd", ".h5"):
        from spinloom.io.mrd import write_mrd

        write_mrd(kspace, path)
    else:
        raise UsageError(f"cannot write raw data as '{Path(path).name}'", remedy="End the name in .npz or .mrd.")
