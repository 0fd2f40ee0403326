"""A CUDA card: whether it is there, what it has room for, and what is said when it fails."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numba import cuda

from spinloom.core.errors import MachineError
from spinloom.simulation.cuda_kernels import RESIDENT, clear
from spinloom.simulation.cuda_readout import BLOCK

SUMS, MAPS = 0.4, 0.2
"""Shares of the free memory for the sums of blocks and for maps of pulses; spins take some of the rest."""


def room() -> tuple[float, int]:
    """Free memory of the current card [bytes] and its multiprocessors."""
    here = cuda.current_context()
    free = float(here.get_memory_info()[0])
    return (2.0**33 if math.isinf(free) else free), int(getattr(here.device, "MULTIPROCESSOR_COUNT", 2))


def portions(
    free: float, processors: int, n_coils: int, n_outputs: int, longest: int, n_tiles: int
) -> tuple[int, int, int]:
    """Blocks of the grid, outputs of a window and maps of pulses that the free memory [bytes] holds.

    Sums of blocks take 16 bytes x blocks x coils x outputs. Where that is too much, fewer blocks, down to one on each
    multiprocessor; then the outputs are cut into windows, and spins go through the scan once for each; then blocks
    again, because a readout is not cut.

    longest  samples of the longest readout;  n_tiles  blocks that have something to do
    """
    fits = int(SUMS * free / (16 * n_coils))
    blocks = max(1, min(RESIDENT * processors, n_tiles))
    if blocks * n_outputs > fits:
        blocks = min(blocks, max(processors, fits // n_outputs))
        blocks = min(blocks, fits // max(1, longest))
    if blocks < 1:
        raise MachineError(
            f"a readout of {longest} samples in {n_coils} coils takes {16e-9 * longest * n_coils / SUMS:.2g} GB; "
            f"the CUDA card has {free / 1e9:.2g} GB free",
            remedy="Free memory on the card, use fewer coils, or use the processor (--device cpu).",
        )
    return blocks, fits // blocks, int(MAPS * free / (48 * blocks * BLOCK))


def try_card(index: int) -> None:
    """Write one number on a card and read it back; MachineError if that does not work."""
    with the_card(index), quiet():
        out = cuda.to_device(np.ones((1, 2, 1, 1)))
        clear[1, 32](out)
        out.copy_to_host()


@contextmanager
def the_card(index: int) -> Iterator[None]:
    """Within it, `index` is the current card, and what the card has to say becomes a MachineError."""
    remedy = "Look at nvidia-smi and at numba's CUDA installation, or use the processor (--device cpu)."
    try:
        with cuda.gpus[index]:
            yield
    except IndexError:
        raise MachineError(f"there is no CUDA card number {index}", remedy=remedy) from None
    except Exception as no:
        if not any(kind.__module__.startswith(("numba.cuda", "cuda.")) for kind in type(no).__mro__):
            raise
        said = " ".join(str(no).split()) or type(no).__name__
        raise MachineError(f"the CUDA card failed: {said[:300]}", remedy=remedy) from no


@contextmanager
def quiet() -> Iterator[None]:
    """A small problem does not fill the card, and that is no news."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Grid size")
        yield
