"""Who is at work in a folder: each run holds a lock with the others, and alone what must meet no other."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from spinloom.files import atomic

PRESENT = Path(".spinloom") / "present"


@contextmanager
def present(folder: Path) -> Iterator[Callable[[Callable[[], object]], bool]]:
    """Be at work here while the block runs, from the first call of the function it gives: that does something if nobody
    else is at work, keeps others out meanwhile, and returns whether it was done."""
    with atomic.explained(folder / PRESENT):
        handle = os.open(folder / PRESENT, os.O_RDWR | os.O_CREAT, 0o644)

    def if_alone(act: Callable[[], object]) -> bool:
        if sys.platform == "win32":
            act()
            return True
        import fcntl

        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            alone = False
        else:
            act()
            alone = True
        fcntl.flock(handle, fcntl.LOCK_SH)
        return alone

    try:
        yield if_alone
    finally:
        os.close(handle)
