"""Random streams that depend on names, not on the order of calls.

`stream(seed, "sub-003", "noise")` is the same stream whatever ran before it and in whichever
process, so the number of jobs never changes the bytes that come out.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator keyed by (seed, names): counter-based Philox with a 128-bit key from SHA-256.

    seed   any non-negative integer
    names  what the numbers are for, e.g. ("sub-003", "noise")

    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).
    """
    text = "\x1f".join([str(int(seed)), *(f"{type(n).__name__}:{n}" for n in names)])
    digest = hashlib.sha256(text.encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "little")))
