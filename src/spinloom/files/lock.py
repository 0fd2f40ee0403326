"""One run per folder: an advisory lock that the kernel releases when its holder dies.

The lock file names who holds it, for the message the second run gives. After a kill the file stays but the
lock does not, so the next run takes it over without asking.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spinloom.core.errors import MachineError

FOREIGN_STALE_AFTER = 24 * 3600.0
"""Age after which a lock of another host is taken for a leftover [s]: not every network disk carries locks."""


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold the lock file at `path` while the block runs.

    MachineError, naming host, process and age of the holder, if another run has it.
    """
    file = Path(path)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise MachineError(
            f"cannot be locked: {error.strerror}", file=file, remedy="Choose another output folder."
        ) from error
    try:
        holder = _holder(handle)
        if not _take(handle) or _held_elsewhere(holder):
            raise MachineError(
                f"another run is at work here: {_describe(holder)}",
                file=file,
                remedy="Wait for it or choose another folder; if that run is surely gone, delete this file.",
            )
        _write(handle, json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "since": time.time()}))
        try:
            yield
        finally:
            _write(handle, "")
    finally:
        os.close(handle)


def holder(path: str | os.PathLike[str]) -> str | None:
    """Who holds the lock file, as a sentence; None if nobody does."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return None
    try:
        told = _holder(handle)
        return _describe(told) if _held_elsewhere(told) or not _take(handle) else None
    finally:
        os.close(handle)


def _holder(handle: int) -> dict[str, object]:
    """What the lock file says about its holder; empty if nothing readable."""
    try:
        value = json.loads(os.pread(handle, 4096, 0) if hasattr(os, "pread") else os.read(handle, 4096))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _held_elsewhere(holder: dict[str, object]) -> bool:
    """Whether a run on another host, young enough to be alive, left its name here."""
    since = holder.get("since")
    young = isinstance(since, int | float) and time.time() - since < FOREIGN_STALE_AFTER
    return bool(holder) and holder.get("host") != socket.gethostname() and young


def _describe(holder: dict[str, object]) -> str:
    since = holder.get("since")
    age = f", for {(time.time() - since) / 60:.0f} min" if isinstance(since, int | float) else ""
    return f"process {holder.get('pid', '?')} on {holder.get('host', '?')}{age}"


def _write(handle: int, text: str) -> None:
    """Say who holds the lock; a full disk takes only this courtesy, not the lock."""
    with suppress(OSError):
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, text.encode())


def _take(handle: int) -> bool:
    """Take the kernel's lock without waiting; False if somebody has it."""
    if sys.platform == "win32":
        import msvcrt

        try:
            os.lseek(handle, 1 << 20, os.SEEK_SET)  # lock a byte past the text, which others must be able to read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise MachineError(
            f"this disk carries no locks: {error.strerror}",
            remedy="Choose a folder on another disk, or mount this one with them (Lustre: -o flock).",
        ) from error
    return True
