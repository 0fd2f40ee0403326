"""Pulseq shapes: run-length coded derivatives, unpacked no further than they promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class ShapeError(ValueError):
    """A shape whose data does not make the number of samples it promises."""


def decompress(stored: FloatArray, n_samples: int, *, always_compressed: bool = False) -> FloatArray:
    """Samples of a shape: w_n = sum of the first n decoded differences.

    A difference written twice is followed by the number of its further repeats.

    stored             (m,) numbers in the file
    n_samples          samples promised by the file
    always_compressed  True before version 1.4, where as many numbers as samples does not mean uncompressed
    returns            (n_samples,)
    raises             ShapeError if the data holds more or fewer samples than promised

    Pulseq file format specification 1.4, section "Shapes" (Layton et al., Magn. Reson. Med. 77, 1544 (2017)).
    """
    if len(stored) == n_samples and not always_compressed:
        return stored
    if len(stored) > 1.5 * n_samples + 1:  # a value written twice costs three numbers
        raise ShapeError(f"stores {len(stored)} numbers for {n_samples} samples")
    repeats = np.ones(len(stored), np.int64)
    after = 0  # first position that may start a run
    for i in np.flatnonzero(stored[1:] == stored[:-1]).tolist():
        if i < after:
            continue
        if i + 2 >= len(stored):
            raise ShapeError("ends inside a run")
        count = stored[i + 2]
        if count != int(count) or not 0 <= count <= n_samples:
            raise ShapeError(f"has a run of {count:g} in {n_samples} samples")
        repeats[i + 2] = 0
        repeats[i] += int(count)
        after = i + 3
    total = int(repeats.sum())
    if total != n_samples:
        raise ShapeError(f"holds {total} samples where {n_samples} are promised")
    return np.cumsum(np.repeat(stored, repeats))
