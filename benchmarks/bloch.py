"""How fast is the Bloch simulator, and where does its time go?

    python benchmarks/bloch.py [--json FILE] [--threads N]

Rates of the inner loops (best of several runs, one thread) also as ratios to a calibration loop that runs in the same
process: a chain of multiply-adds on an array that stays in the first-level cache. Absolute numbers depend on the
machine and on who else uses it; ratios much less. Then whole simulations, all threads.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numba import njit

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.protocols.turbo_spin_echo import turbo_spin_echo
from spinloom.simulation import kernels
from spinloom.simulation.bloch import Bloch

N = kernels.TILE
REPEATS = 1000


@njit(fastmath={"contract"})
def calibration(a: np.ndarray, n: int) -> None:
    for _ in range(n):
        for i in range(a.size):
            x = a[i]
            x = x * 0.999 + 0.1
            x = x * 1.001 - 0.1
            x = x * 0.998 + 0.2
            a[i] = x * 1.002 - 0.2


def best(work: Callable[[], object], runs: int = 9) -> float:
    """Shortest of several runs [s]; the first one, which compiles, is thrown away."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def loops() -> dict[str, float]:
    """Spins (or spin-steps, or spin-samples) per second of each inner loop."""
    rng = np.random.default_rng(0)
    rows = [*rng.uniform(-0.1, 0.1, (3, N)), np.ones(N), np.full(N, 10.0), rng.uniform(-50, 50, N), np.ones(N)]
    spin, m, R2prime = np.concatenate(rows), np.tile(0.5, 3 * N), np.zeros(N)
    steps = np.tile([5e-6, 100.0, 20.0, 1e5, 0.0, 0.0], (REPEATS, 1))
    E, a, p = np.ones(2 * N), np.ones(2 * N), np.repeat([0.9999, 0.01], N)
    out, weight = np.zeros((2, 8, REPEATS)), np.ones((8, 2 * N))

    work: dict[str, Callable[[], object]] = {
        "pulse: spin-steps": lambda: kernels.pulse(m, spin, steps, 0.0, 1.0, E),
        "free precession: spins": lambda: [kernels.free(m, spin, 1e-3, 1.0, 2.0, 3.0) for _ in range(REPEATS)],
        "scattered sample: spins": lambda: [
            kernels.listen(a, m, spin, R2prime, 1e-3, 1.0, 2.0, 3.0, 0.0) for _ in range(REPEATS)
        ],
        "straight readout: spin-samples": lambda: kernels.read_straight(out, a, p, weight[:1], 0, REPEATS),
        "straight readout, 8 coils: spin-samples": lambda: kernels.read_straight(out, a, p, weight, 0, REPEATS),
    }
    return {name: N * REPEATS / best(f) for name, f in work.items()}


def slab(n: int) -> Phantom:
    """A disc of n x n x 5 voxels of 1 mm."""
    x, y = np.meshgrid(*[np.arange(n) - (n - 1) / 2] * 2, indexing="ij")
    disc = np.repeat((np.hypot(x, y) < 0.4 * n)[..., None], 5, axis=2).astype(np.float32)
    return Phantom(Grid.centred((n, n, 5), 1.0), disc, disc + 1e-3, 0.09 * disc + 1e-3, voxel=Voxel.BOX)


def scans(threads: int | None) -> list[dict[str, object]]:
    """Whole simulations: a turbo spin echo of one slice, at one and at several spins per voxel."""
    rows: list[dict[str, object]] = []
    for n, spins in ((128, 1), (128, 16), (256, 1)):
        sequence = turbo_spin_echo(matrix=(n, n), FOV=(n * 1e-3, n * 1e-3), slice_thickness=5e-3)
        start = time.perf_counter()
        kspace = Bloch(spins=spins, threads=threads).signal(slab(n), sequence, Scanner())
        seconds = time.perf_counter() - start
        total = int(str(kspace.info["n_spins"]))
        rows.append(
            {
                "scan": f"turbo spin echo {n} x {n}, 5 mm slice, {spins} spins per voxel",
                "spins": total,
                "samples": kspace.samples[0].size,
                "seconds": seconds,
                "spin-samples/s": total * kspace.samples[0].size / seconds,
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    a = np.ones(512)
    unit = 512 * REPEATS / best(lambda: calibration(a, REPEATS))
    print(f"calibration (4 multiply-adds): {unit:.3g} elements/s on {os.cpu_count()} cores\n")
    print(f"{'inner loop':<44}{'per second':>12}{'ratio':>9}")
    rates = loops()
    for name, rate in rates.items():
        print(f"{name:<44}{rate:>12.3g}{rate / unit:>9.3f}")
    print(f"\n{'scan':<58}{'spins':>9}{'samples':>9}{'seconds':>9}{'per second':>12}")
    table = scans(args.threads)
    for row in table:
        print(
            f"{row['scan']:<58}{row['spins']:>9}{row['samples']:>9}{row['seconds']:>9.2f}{row['spin-samples/s']:>12.3g}"
        )
    if args.json:
        args.json.write_text(json.dumps({"calibration": unit, "loops": rates, "scans": table}, indent=2) + "\n")


if __name__ == "__main__":
    main()
