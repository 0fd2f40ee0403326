"""How much memory a simulation needs, and whether the machine has it."""

from __future__ import annotations

import numpy as np

from spinloom.core.cores import free_memory
from spinloom.core.errors import MachineError
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence

SAMPLE = 64  # k (3 doubles), two times, and what working them out needs, per sample [B]
SIGNAL = 2 * 16  # complex samples and one product of them, per coil and sample [B]
MATTER = 90  # amounts, times, fields and places of one tissue share of one voxel, in both simulators [B]
COIL = 8  # one complex sensitivity [B]


def memory_needed(phantom: Phantom, sequence: Sequence, scanner: Scanner) -> int:
    """About how many bytes simulate() holds at its height, without what is loaded already.

    readouts x longest readout x (64 + 32 coils)  +  tissue shares x (90 + 8)        [B]
    """
    longest = max((a.n_samples for a in sequence.adc), default=0)
    samples = sequence.n_readouts * longest
    if phantom.fractions is None:
        shares = int(np.count_nonzero(phantom.PD))
    else:
        every = max(1, phantom.grid.shape[0] // 32)  # planes looked at: a count of all takes a second
        lines = [max(len(t.spectrum), 1) for t in phantom.tissues or ()]
        found = [np.count_nonzero(f[every // 2 :: every]) for f in phantom.fractions]
        shares = every * sum(n * int(m) for n, m in zip(lines, found, strict=True))
    return samples * (SAMPLE + SIGNAL * scanner.coils.n_coils) + shares * (MATTER + COIL)


def require_memory(phantom: Phantom, sequence: Sequence, scanner: Scanner) -> None:
    """Raise MachineError if a simulation needs more memory than is free."""
    needed, free = memory_needed(phantom, sequence, scanner), free_memory()
    if free is not None and needed > free:
        raise MachineError(
            f"simulating '{phantom.name}' with '{sequence.name}' and {scanner.coils.n_coils} coils needs about "
            f"{needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} GiB are free",
            remedy="Use fewer coils, fewer readouts or samples, or larger voxels.",
        )
