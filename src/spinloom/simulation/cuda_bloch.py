"""Spins through a plan on an NVIDIA card: what goes over, in what portions, and what is said when it fails."""

from __future__ import annotations

import math
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
from numba import NumbaPerformanceWarning, cuda
from numpy.typing import NDArray

from spinloom.core.cores import available_cores
from spinloom.core.errors import MachineError
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.simulation.cuda_kernels import RESIDENT, add_blocks, clear, kernel
from spinloom.simulation.cuda_plan import Tables, fastest_axis, split, tables, windows
from spinloom.simulation.cuda_readout import BLOCK
from spinloom.simulation.device import CUDA
from spinloom.simulation.plan import Plan
from spinloom.simulation.spins import Matter, Spins, batches

Batches = Callable[[int, int], Iterable[Spins]]
"""(first, last) → Spins of entries first to last of the matter."""

SPINS = 2**18
"""Spins of a portion: enough to fill a card twice, few enough that making one takes a fraction of a second."""
SUMS, MAPS = 0.4, 0.2
"""Shares of the free memory for the sums of blocks and for maps of pulses; spins take some of the rest."""


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
    device: CUDA, todo: Plan, stuff: Matter, phantom: Phantom, scanner: Scanner
) -> NDArray[np.complex128] | None:
    """`run` for the matter of a phantom in a scanner."""

    def part(lo: int, hi: int) -> Iterable[Spins]:
        return batches(stuff, phantom, scanner, lo, hi, SPINS + len(stuff.lattice))

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
    blocks, most_outputs, most_maps = portions(n_coils, n_out, math.ceil(n_entries * spins_each / BLOCK))
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


def portions(n_coils: int, n_outputs: int, n_tiles: int) -> tuple[int, int, int]:
    """Blocks of the grid, outputs of a window and maps of pulses that the free memory holds.

    Sums of blocks take 16 bytes x blocks x coils x outputs. Where that is too much, fewer blocks; then the outputs are
    cut into windows, and spins go through the scan once for each.
    """
    free = float(cuda.current_context().get_memory_info()[0])
    free = 2.0**33 if math.isinf(free) else free
    processors = int(getattr(cuda.current_context().device, "MULTIPROCESSOR_COUNT", 2))
    blocks = max(1, min(RESIDENT * processors, n_tiles))
    fits = SUMS * free / (16.0 * n_coils)
    if blocks * n_outputs > fits:
        blocks = min(blocks, max(processors, int(fits // max(1, n_outputs))))
    if fits < blocks * 4096:
        raise MachineError(
            f"the sums of {n_coils} coils over {blocks} blocks of 4096 samples take "
            f"{blocks * 4096 * 16 * n_coils / 1e9:.1f} GB; the card has {free / 1e9:.1f} GB free",
            remedy="Free memory on the card, use fewer coils, or use the processor (--device cpu).",
        )
    return blocks, int(fits // blocks), int(MAPS * free // (48 * blocks * BLOCK))


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
        warnings.simplefilter("ignore", NumbaPerformanceWarning)
        yield
