"""Who works on which unit, where several runs share a folder: a byte of one file per unit, locked while it is in work.

The kernel lets go of a lock when its holder dies, so a dead run claims nothing.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spinloom.core.errors import MachineError
from spinloom.files import atomic


@dataclass(frozen=True)
class Claims:
    """handle  of the file that is locked byte by byte. Which byte a unit has depends on its name alone, so that runs
    with different lists agree."""

    handle: int

    def take(self, name: str) -> bool:
        """Claim a unit; False if another run has it. Raises MachineError on a disk without locks."""
        if sys.platform == "win32":
            return True  # there the folder's lock lets one run in at a time
        import fcntl

        try:
            fcntl.lockf(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte_of(name))
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            raise MachineError(f"{name} cannot be claimed: {error.strerror}", remedy="Choose another disk.") from error
        return True

    def release(self, name: str) -> None:
        if sys.platform != "win32":
            import fcntl

            fcntl.lockf(self.handle, fcntl.LOCK_UN, 1, byte_of(name))


def byte_of(name: str) -> int:
    """0 ... 2^48 - 1; the file itself stays empty."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


@contextmanager
def claims(file: Path) -> Iterator[Claims]:
    """Claims on the units of one folder, all let go of at the end. Raises MachineError if the file cannot be made."""
    with atomic.explained(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield Claims(handle)
    finally:
        os.close(handle)
