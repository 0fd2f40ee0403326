"""How fast is the Bloch simulator on a card, and what share is that of what the card can do?

    python benchmarks/gpu.py [--json FILE] [--index N] [--small]

First the work is counted: instruction slots and bytes of every scan. Then the card's own ceilings are measured in this
run, multiply-adds per second and bytes per second of a copy; the slower of the two says how long a scan must take. Then
the scans run: the kernel alone on a portion of spins that is already there, and the whole simulation with its making of
spins. Slots per spin-sample were read off the machine code for sm_90; see docs/decisions/0006-cuda.md.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numba import cuda

from spinloom.core.coils import LoopArray
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.protocols.spiral_gre import spiral_gre
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.protocols.turbo_spin_echo import turbo_spin_echo
from spinloom.sequence.sequence import Sequence
from spinloom.simulation import cuda_bloch, cuda_card, kernels
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.cuda_kernels import RESIDENT, clear, kernel
from spinloom.simulation.cuda_plan import MAP_STEP, STEP, fastest_axis, split, tables
from spinloom.simulation.cuda_readout import BLOCK, CHUNK, LANES
from spinloom.simulation.device import CUDA
from spinloom.simulation.plan import Plan, plan
from spinloom.simulation.spins import Spins, batches, matter

SLOTS = {1: 15.3, 2: 11.6, 4: 9.3, 8: 8.3}
"""Instructions per spin-sample of a straight readout, by samples per lane."""
SET_UP, COIL_SET_UP, SCATTERED, COIL_SCATTERED, EVENT = 250, 40, 85, 13, 130
"""Per spin: a chunk of a straight readout, and per coil; a scattered sample, and per coil; the delay before a pulse."""


@dataclass(frozen=True)
class Count:
    """Work per spin: instruction slots and bytes; steps of pulses and samples x coils."""

    slots: float
    bytes: float
    steps: int
    samples: int


def count(todo: Plan, spins: Spins, n_coils: int) -> Count:
    """What a plan asks of each spin. Bytes: maps of pulses written once and read at each use, and 32 bytes for every
    sample and coil of a block of spins."""
    pulses = split(todo, fastest_axis(todo, spins), 10**6)
    is_rf = todo.ops[:, 0] == kernels.RF
    used = np.bincount(todo.ops[is_rf, 1], minlength=len(pulses.pulses))
    n_steps = pulses.pulses[:, 1] - pulses.pulses[:, 0]
    kept = pulses.pulses[:, 2] >= 0
    slots = float((n_steps * np.where(kept, MAP_STEP, used * STEP)).sum() + EVENT * is_rf.sum())
    steps = int((n_steps * np.where(kept, 4, used)).sum())
    moved = 48.0 * (kept.sum() + used[kept].sum())
    samples = 0
    for _, _, n, _, straight in todo.ops[~is_rf]:
        samples += int(n) * n_coils
        moved += 32.0 * n * n_coils / BLOCK
        if straight:
            for size in (min(CHUNK, int(n) - s) for s in range(0, int(n), CHUNK)):
                J = next(j for j in SLOTS if size <= LANES * j)
                slots += SET_UP + n_coils * (COIL_SET_UP + SLOTS[J] * LANES * J)
        else:
            C = 1 if n_coils == 1 else 4
            passes = math.ceil(n_coils / C)
            slots += LANES * math.ceil(n / LANES) * passes * (SCATTERED + C * COIL_SCATTERED)
    return Count(slots, moved, steps, samples)


def best(work: Callable[[], object], runs: int = 5) -> float:
    """Shortest of several runs [s], the card waited for; the first one, which compiles, is thrown away."""
    work()
    times = []
    for _ in range(runs):
        cuda.synchronize()
        start = time.perf_counter()
        work()
        cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


@cuda.jit
def multiply_adds(out: np.ndarray, n: int) -> None:
    i = cuda.grid(1)
    a, b = np.float32(0.999), np.float32(0.001)
    p = q = r = s = t = u = v = w = np.float32(i)
    for _ in range(n):
        p, q, r, s = p * a + b, q * a + b, r * a + b, s * a + b
        t, u, v, w = t * a + b, u * a + b, v * a + b, w * a + b
    out[i] = p + q + r + s + t + u + v + w


@cuda.jit
def copy(there: np.ndarray, here: np.ndarray) -> None:
    for i in range(cuda.grid(1), here.size, cuda.gridsize(1)):
        there[i] = here[i]


def ceilings(small: bool) -> tuple[float, float]:
    """Multiply-adds per second in single precision, bytes per second of a copy (read and written)."""
    processors = int(getattr(cuda.current_context().device, "MULTIPROCESSOR_COUNT", 2))
    blocks, n = (2, 10) if small else (16 * processors, 20_000)
    out = cuda.device_array(blocks * BLOCK, np.float32)
    fma = blocks * BLOCK * 8 * n / best(lambda: multiply_adds[blocks, BLOCK](out, n))
    size = 2**10 if small else 2**28
    here, there = cuda.device_array(size, np.float32), cuda.device_array(size, np.float32)
    return fma, 8 * size / best(lambda: copy[blocks, BLOCK](there, here))


def disc(n: int, slices: int) -> Phantom:
    """n x n x slices voxels of 1 mm, T2' included."""
    x, y = np.meshgrid(*[np.arange(n) - (n - 1) / 2] * 2, indexing="ij")
    inside = np.repeat((np.hypot(x, y) < 0.45 * n)[..., None], slices, axis=2).astype(np.float32)
    times = {"T1": inside + 1e-3, "T2": 0.09 * inside + 1e-3, "T2prime": 0.06 * inside + 1e-3}
    return Phantom(Grid.centred((n, n, slices), 1.0), inside, voxel=Voxel.BOX, **times)


@dataclass(frozen=True)
class Scan:
    name: str
    phantom: Phantom
    sequence: Sequence
    scanner: Scanner
    spins: int


def scans(small: bool) -> list[Scan]:
    """Pulses with maps and straight lines; many spins per voxel; many coils; spirals."""
    n = 4 if small else 256
    fov = (n * 1e-3, n * 1e-3)
    tse = turbo_spin_echo(matrix=(n, n), FOV=fov, slice_thickness=5e-3)
    gre = spoiled_gre(matrix=(n, n), FOV=fov, slice_thickness=5e-3)
    curve = spiral_gre(matrix=n, FOV=n * 1e-3, slice_thickness=5e-3)
    eight = Scanner(coils=LoopArray(n_coils=8))
    head = disc(n, 5 if not small else 1)
    return [
        Scan("turbo spin echo, 1 coil, 4 spins per voxel", head, tse, Scanner(), 4),
        Scan("turbo spin echo, 8 coils, 4 spins per voxel", head, tse, eight, 4),
        Scan("spoiled GRE, 1 coil, 64 spins per voxel", disc(n, 1), gre, Scanner(), 64),
        Scan("spiral, 8 coils, 4 spins per voxel", head, curve, eight, 4),
    ]


def measure(scan: Scan, fma: float, copied: float, index: int) -> dict[str, float | str]:
    """One scan: what it must take, what its kernel takes, and what the whole simulation takes."""
    method = Bloch(spins=scan.spins, device=CUDA(index))
    stuff = matter(scan.phantom, scan.scanner, scan.spins)
    todo = plan(scan.sequence, method.rf_step)
    n_coils = scan.scanner.coils.n_coils
    total = len(stuff.amount) * len(stuff.lattice)
    entries = max(1, min(len(stuff.amount), cuda_bloch.SPINS // scan.spins))
    spins = next(batches(stuff, scan.phantom, scan.scanner, 0, entries, cuda_bloch.SPINS + scan.spins))
    work, n = count(todo, spins, n_coils), len(spins.R2prime)
    must = max(work.slots * n / fma, work.bytes * n / copied)
    blocks, _, most_maps = cuda_card.portions(
        *cuda_card.room(), n_coils, len(todo.demod), int(todo.ops[:, 2].max()), math.ceil(n / BLOCK)
    )
    sums = cuda.device_array((blocks, 2, n_coils, len(todo.demod)))
    clear[blocks, BLOCK](sums)
    grid, C, there = cuda_bloch.prepare(todo, tables(todo), spins, n_coils, blocks, most_maps)
    launch = [*there, n_coils, sums]
    took = best(lambda: kernel(C)[grid, BLOCK](*launch), 3)
    del there, sums
    launch.clear()
    start = time.perf_counter()
    method.signal(scan.phantom, scan.sequence, scan.scanner)
    whole = time.perf_counter() - start
    return {
        "scan": scan.name,
        "spins": total,
        "spin-steps": float(work.steps) * total,
        "spin-samples": float(work.samples) * total,
        "slots per spin": work.slots,
        "bytes per spin": work.bytes,
        "portion [spins]": n,
        "must [s]": must,
        "kernel [s]": took,
        "share of ceiling": must / took,
        "spin-samples/s": work.samples * n / took,
        "whole [s]": whole,
        "whole spin-samples/s": work.samples * total / whole,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--small", action="store_true", help="a few spins, to see that it runs")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    if not cuda.is_available():
        sys.exit("There is no CUDA card here: this benchmark has nothing to measure.")
    cuda.select_device(args.index)
    name = getattr(cuda.current_context().device, "name", b"simulator")
    name = name.decode() if isinstance(name, bytes) else str(name)
    fma, copied = ceilings(args.small)
    print(f"{name}: {fma:.3g} multiply-adds/s, {copied:.3g} bytes/s copied, {RESIDENT} blocks a multiprocessor\n")
    heads = ("spins", "spin-samples", "must [s]", "kernel [s]", "share of ceiling", "spin-samples/s", "whole [s]")
    print(f"{'scan':<46}" + "".join(f"{h:>18}" for h in heads))
    rows = []
    for scan in scans(args.small):
        rows.append(measure(scan, fma, copied, args.index))
        print(f"{scan.name:<46}" + "".join(f"{rows[-1][h]:>18.3g}" for h in heads), flush=True)
    if args.json:
        found = {"card": name, "multiply-adds/s": fma, "bytes/s": copied, "scans": rows}
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
