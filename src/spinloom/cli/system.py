"""What the system refuses, where nothing nearer to it said so."""

from __future__ import annotations

import errno
import os

from spinloom.core.errors import MachineError

REMEDIES = {
    errno.ENAMETOOLONG: "Shorten the name, or move the folder up.",
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "Free some space and run again."),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), "Choose another folder, or ask its owner."),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "Close other programs, or raise the limit (ulimit -n)."),
}
ELSE = "Check the path and the disk, and run the same command again; `spinloom --debug ...` shows where it failed."
LONGEST = 200


def refused_by_system(error: OSError) -> MachineError:
    """The file, what the system says of it, what to do."""
    name = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else None
    if name and len(name) > LONGEST:
        name = f"{name[:LONGEST]}..."
    said = error.strerror or f"{type(error).__name__} {error}".strip()
    return MachineError(f"the system refuses it: {said}", file=name, remedy=REMEDIES.get(error.errno or 0, ELSE))
