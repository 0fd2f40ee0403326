"""Spins through a plan on an NVIDIA card: what goes over, in what portions, and what is said when it fails."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from spinloom.core.cores import available_cores
from spinloom.core.errors import MachineError
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.simulation.cuda_card import portions, quiet, room, the_card
from spinloom.simulation.cuda_kernels import add_blocks, clear, kernel
from spinloom.simulation.cuda_plan import Tables, fastest_axis, split, tables, windows
from spinloom.simulation.cuda_readout import BLOCK
from spinloom.simulation.device import CUDA
from spinloom.simulation.drive import Basis
from spinloom.simulation.kernels import READ
from spinloom.simulation.plan import Plan
from spinloom.simulation.spins import Matter, Spins, batches

Batches = Callable[[int, int], Iterable[Spins]]
"""(first, last) → Spins of entries first to last of the matter."""

SPINS = 2**18
"""Spins of a portion: enough to fill a card twice, few enough that making one takes a fraction of a second."""


def run(
    todo: Plan,
    parts: Batches,
    n_entries: int,
    spins_each: int,
    n_coils: int,
    device: CUDA | None = None,
) -> NDArray[np.complex128] | None:
    """The signal of a plan before demodulation, summed over spins.

    todo        see plan.Plan
    parts       (first, last) → spins of these entries of the matter, any number of batches; called from several threads
    n_entries   of the matter;  spins_each  spins of one entry
    returns     (n_coils, n_outputs); None where the card failed and device.or_cpu lets the processor go on

    Raises MachineError where there is no card that works, its memory is too small or it fails on the way. Within one
    card the result is the same, byte for byte.
    """
    device = device or CUDA()
    try:
        with the_card(device.index):
            total = samples_on_card(todo, parts, n_entries, spins_each, n_coils)
            return np.asarray(total.copy_to_host().view(np.complex128))
    except MachineError as no:
        if not device.or_cpu:
            raise
        warnings.warn(f"going on with the processor: {no.fault}", stacklevel=2)
        return None


def on_card(
    device: CUDA, todo: Plan, stuff: Matter, phantom: Phantom, scanner: Scanner, basis: tuple[Basis, ...] = ()
) -> NDArray[np.complex128] | None:
    """`run` for the matter of a phantom in a scanner."""

    def part(lo: int, hi: int) -> Iterable[Spins]:
        return batches(stuff, phantom, scanner, lo, hi, SPINS + len(stuff.lattice), basis)

    return run(todo, part, len(stuff.amount), len(stuff.lattice), scanner.coils.n_coils, device)


def samples_on_device(
    todo: Plan,
    parts: Batches,
    n_entries: int,
    spins_each: int,
    n_coils: int,
    device: CUDA | None = None,
    *,
    factor: NDArray[np.complex128] | None = None,
) -> Any:
    """As `run`, left on the card: (n_coils, n_outputs) complex128 with __cuda_array_interface__.

    factor  (n_outputs,) what each sample is multiplied by, Plan.demod above all

    torch.as_tensor(samples, device="cuda") and cupy.asarray(samples) take it over without a copy.
    """
    with the_card((device or CUDA()).index):
        return samples_on_card(todo, parts, n_entries, spins_each, n_coils, factor).view(np.complex128)


def samples_on_card(
    todo: Plan,
    parts: Batches,
    n_entries: int,
    spins_each: int,
    n_coils: int,
    factor: NDArray[np.complex128] | None = None,
) -> Any:
    """(n_coils, 2 n_outputs) double, on the current card."""
    n_out = len(todo.demod)
    weights = np.ones(n_out, complex) if factor is None else np.asarray(factor, complex)
    scale = cuda.to_device(np.ascontiguousarray(weights).view(float).reshape(n_out, 2))
    total = cuda.to_device(np.zeros((n_coils, 2 * n_out)))
    longest = int(todo.ops[todo.ops[:, 0] == READ, 2].max(initial=0))
    tiles = math.ceil(n_entries * spins_each / BLOCK)
    blocks, most_outputs, most_maps = portions(*room(), n_coils, n_out, longest, tiles)
    each = max(1, SPINS // (spins_each * max(1, n_coils // 8)))
    starts = [(lo, min(lo + each, n_entries)) for lo in range(0, n_entries, each)]
    for window in windows(tables(todo), most_outputs):
        sums = cuda.device_array((blocks, 2, n_coils, window.n_outputs))
        with quiet():
            clear[blocks, BLOCK](sums)
        for spins in ahead(parts, starts):
            launch(todo, window, spins, n_coils, blocks, most_maps, sums)
        with quiet():
            add_blocks[min(1024, math.ceil(n_coils * window.n_outputs / BLOCK)), BLOCK](
                sums, scale, total, window.first
            )
        cuda.synchronize()
        del sums
    return total


def ahead(parts: Batches, starts: list[tuple[int, int]]) -> Iterator[Spins]:
    """Spins of all portions in order, made by several threads while the card is busy; few wait at a time."""

    def part(lo: int, hi: int) -> list[Spins]:
        return list(parts(lo, hi))

    with ThreadPoolExecutor(available_cores()) as pool:
        waiting: deque[Future[list[Spins]]] = deque()
        for lo, hi in starts:
            waiting.append(pool.submit(part, lo, hi))
            if len(waiting) > available_cores():
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def launch(todo: Plan, window: Tables, spins: Spins, n_coils: int, blocks: int, most_maps: int, sums: Any) -> None:
    """One batch through one window; adds to the sums of the blocks. Returns before the card is done."""
    grid, C, arguments = prepare(todo, window, spins, n_coils, blocks, most_maps)
    with quiet():
        kernel(C)[grid, BLOCK](*arguments, n_coils, sums)


def prepare(
    todo: Plan, window: Tables, spins: Spins, n_coils: int, blocks: int, most_maps: int
) -> tuple[int, int, list[Any]]:
    """Grid, coils at a time, and what the kernel reads, on the card; filled up with spins that weigh nothing."""
    C = 1 if n_coils == 1 else 4
    fill, rows = -len(spins.R2prime) % BLOCK, -n_coils % C
    spin = np.pad(spins.spin, ((0, 0), (0, fill)))
    R2prime = np.pad(spins.R2prime, (0, fill)).astype(np.float32)
    weight = np.pad(spins.weight, ((0, rows), (0, 0), (0, fill))).astype(np.float32)
    pulses = split(todo, fastest_axis(todo, spins), most_maps)
    grid = min(blocks, len(R2prime) // BLOCK)
    tensors = (
        *(spin, R2prime, R2prime.reshape(-1, BLOCK).max(axis=1), weight),
        *(window.ops, window.par, window.turn_z, window.moment),
        *(pulses.steps, pulses.pulses, todo.pulse_f0, window.samples),
    )
    there = [cuda.to_device(np.ascontiguousarray(a)) for a in tensors]
    return grid, C, [*there, cuda.device_array((max(1, pulses.n_maps), 12, grid * BLOCK), np.float32)]
