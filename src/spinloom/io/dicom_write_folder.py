"""A folder of files under its final name, whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable
from pathlib import Path

from spinloom.core.errors import InputError, MachineError
from spinloom.files import atomic


def require_room(folder: Path) -> None:
    """Raises InputError for a folder that holds something, or a file in its place; MachineError if it is shut."""
    try:
        taken = folder.is_file() or (folder.is_dir() and any(folder.iterdir()))
    except OSError as error:
        raise MachineError(
            f"cannot look into it: {error.strerror or error}", file=folder, remedy="Choose another output folder."
        ) from error
    if taken:
        raise InputError(
            "is a file" if folder.is_file() else "holds files already",
            file=folder,
            remedy="Choose an empty or a new folder: series are not mixed, and nothing is written over.",
        )


def write_folder(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """(name, bytes) of each file, into a hidden folder beside it first, which is then renamed.

    Raises InputError if the folder holds something, MachineError if the disk is full or does not let us write.
    """
    require_room(folder)
    temp = folder.with_name(f"{atomic.TEMP_MARK}{os.getpid()}-{secrets.token_hex(4)}-{folder.name}")
    try:
        for name, data in files:
            atomic.write_bytes(temp / name, data)
        if folder.is_dir():
            folder.rmdir()
        temp.rename(folder)
    except MachineError as error:  # of a name that nobody gave
        raise MachineError(error.fault, file=folder, remedy=error.remedy) from error
    except OSError as error:
        raise MachineError(
            f"cannot write: {error.strerror or error}", file=folder, remedy="Choose another output folder."
        ) from error
    finally:
        shutil.rmtree(temp, ignore_errors=True)
