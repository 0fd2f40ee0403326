"""What makes the phase of a spin run: three gradients, and whatever else goes with a place and a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import Gradient
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]
Basis = Callable[[FloatArray], FloatArray]
"""r (..., 3) position from the isocentre [m] → (...): what a waveform of 1 Hz does to the frequency at r [Hz]."""


@dataclass(frozen=True, eq=False)
class Drive:
    """A sequence, and waveforms beside its gradients.

        f(r, t) = G(t) . r + sum_j e_j(t) b_j(r)        [Hz]

    sequence  its gradients are terms 0, 1, 2 with b = x, y, z
    extra     unique further waveforms e, linear between knots like gradients
    columns   (n_blocks, n_extra_terms) int: which of them plays in a block; -1 for none
    basis     (n_extra_terms,) b_j
    """

    sequence: Sequence
    extra: tuple[Gradient, ...] = ()
    columns: NDArray[np.int32] | None = None
    basis: tuple[Basis, ...] = ()

    @property
    def n_terms(self) -> int:
        return 3 + len(self.basis)

    @cached_property
    def table(self) -> NDArray[np.int64]:
        """(n_blocks, n_terms) index into `pool`; -1 for none."""
        own = self.sequence.blocks[:, 1:4].astype(np.int64)
        if self.columns is None:
            return own
        more = self.columns.astype(np.int64)
        return np.concatenate([own, np.where(more == NONE, NONE, more + len(self.sequence.gradients))], axis=1)

    @cached_property
    def pool(self) -> tuple[Gradient, ...]:
        return (*self.sequence.gradients, *self.extra)

    def playing(self, row: NDArray[np.int64]) -> tuple[Gradient | None, ...]:
        """(n_terms,) waveforms of one row of `table`."""
        return tuple(None if i == NONE else self.pool[i] for i in row)

    @cached_property
    def before(self) -> FloatArray:
        """(n_blocks, n_terms) moment of every term since the start of the scan, at the start of each block."""
        areas = np.array([*(g.area for g in self.pool), 0.0])
        of_block = areas[self.table]
        return np.asarray(np.cumsum(of_block, axis=0) - of_block, float)


def kinds(*columns: NDArray[np.integer]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Distinct rows of integer columns: an example of each, and which one every row is."""
    code, room = np.zeros(len(columns[0]), np.int64), 1
    for column in columns if len(code) else ():
        low, high = int(column.min()), int(column.max())
        span = high - low + 1
        if room * span >= 2**62:
            _, code = np.unique(code, return_inverse=True)
            room = len(code)
        code, room = code * span + (column - low), room * span
    _, example, which = np.unique(code, return_index=True, return_inverse=True)
    return example, which
