"""Who works on which unit, where several runs share a folder: a byte of one file per unit, locked while it is in work.

The kernel lets go of a lock when its holder dies, so a dead run claims nothing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spinloom.files import atomic


@dataclass(frozen=True)
class Claims:
    """handle  of the file that is locked byte by byte."""

    handle: int

    def take(self, index: int) -> bool:
        """Claim a unit; False if another run has it."""
        if sys.platform == "win32":
            return True  # there the folder's lock lets one run in at a time
        import fcntl

        try:
            fcntl.lockf(self.handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, index)
        except OSError:
            return False
        return True

    def release(self, index: int) -> None:
        if sys.platform != "win32":
            import fcntl

            fcntl.lockf(self.handle, fcntl.LOCK_UN, 1, index)


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
