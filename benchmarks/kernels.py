"""How near are the inner loops in single precision to what the processor can do, and what do whole scans take?

    python benchmarks/kernels.py [--json FILE] [--runs N]

The measure is the fused multiply-add: chains of them on an array in the first-level cache, independent of each other,
so that they come out as fast as the processor takes them in; on one thread and on two. Every loop takes turns with the
measure, in the same process, best of N after a warm-up. Flops are counted from the formulas (a multiply-add is 2),
so a loop of single additions and multiplications cannot reach 100 %. Scans: wall time and processor time of all
threads, which is the number to read where others use the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numba import njit

from spinloom import io
from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.protocols.spoiled_gre import spoiled_gre
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation import kernels, kernels_single, pulse_single, readout_single
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.plan import plan
from spinloom.simulation.precision import Precision
from spinloom.simulation.wide import aligned, widest_vectors

DATA = Path(os.environ.get("SPINLOOM_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
N = kernels.TILE
TIMES = 1000
CHAIN, MEASURE = 8, 8000
"""Long enough for loads and stores not to matter, short enough for a dozen chains to be under way at once."""
FREE_FLOPS = 27 + 13
"""Sine and cosine; the turn and what is lost. The phase, in double, is 9 more that are not counted."""
_FLAGS = {"error_model": "numpy", "nogil": True}


@njit(fastmath={"contract"}, **_FLAGS)
def multiply_adds(a: np.ndarray, times: int) -> None:
    widest_vectors()
    k, c = np.float32(0.999), np.float32(0.001)
    for _ in range(times):
        for i in range(a.size):
            x = a[i]
            for _ in range(CHAIN):
                x = x * k + c
            a[i] = x


@njit(**_FLAGS)
def steps_of_a_pulse(m, e, near, off, D, q, times):  # type: ignore[no-untyped-def]
    """As in pulse_single.pulse: m one magnetisation, or the four columns of a map."""
    widest_vectors()
    for _ in range(times):
        pulse_single.rotation(e, near, off, q)
        for j in range(0, m.size, 3 * N):
            pulse_single.rotate(m[j : j + 3 * N], e, D, np.float32(1.0) if j == m.size - 3 * N else np.float32(0.0))


@njit(**_FLAGS)
def applied(m, A, times):  # type: ignore[no-untyped-def]
    widest_vectors()
    for _ in range(times):
        pulse_single.apply_map(m, A)


@njit(**_FLAGS)
def precession(m, D, ph, spin, moment, times):  # type: ignore[no-untyped-def]
    widest_vectors()
    for _ in range(times):
        readout_single.phase(ph, spin, 1e-3, moment, 0.0)
        kernels_single.free(m, D, ph)


@njit(**_FLAGS)
def lines(out, a, b, P, w, s, times):  # type: ignore[no-untyped-def]
    widest_vectors()
    for _ in range(times):
        a[:] = np.float32(1.0)
        readout_single.read_line(out, a, b, P, w, s, 0, readout_single.CHUNK)


@njit(**_FLAGS)
def scattered(a, m, near, R2prime, ph, spin, moment, w, times):  # type: ignore[no-untyped-def]
    widest_vectors()
    total = np.float32(0.0)
    for _ in range(times):
        readout_single.phase(ph, spin, 1e-3, moment, 0.0)
        readout_single.listen(a, m, near, R2prime, ph, 1e-3, 1e-3, 0.0)
        total += readout_single.weighted_sum(a, w)[0]
    return total


@dataclass(frozen=True)
class Loop:
    """work() does `count` of something, `flops` each; 0 where they were not counted."""

    name: str
    count: float
    flops: int
    work: Callable[[], object]


def seconds(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Least wall and processor time [s] of several runs after one that is thrown away."""
    work()
    wall, own = [], []
    for _ in range(runs):
        start, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        own.append(time.process_time() - used)
    return min(wall), min(own)


def peak(threads: int, runs: int) -> float:
    """Flops per second of multiply-adds."""
    arrays = [np.ones(256, np.float32) for _ in range(threads)]

    def work() -> None:
        others = [threading.Thread(target=multiply_adds, args=(a, MEASURE)) for a in arrays[1:]]
        for t in others:
            t.start()
        multiply_adds(arrays[0], MEASURE)
        for t in others:
            t.join()

    return threads * MEASURE * 256 * CHAIN * 2 / seconds(work, runs)[0]


def on_line(x: np.ndarray) -> np.ndarray:
    """Single, at the start of a line of the cache."""
    there = aligned(x.size)
    there[:] = x
    return there


def inner_loops() -> list[Loop]:
    rng = np.random.default_rng(0)
    rows = [
        *rng.uniform(-0.1, 0.1, (3, N)),
        np.ones(N),
        np.full(N, 10.0),
        rng.uniform(-50, 50, N),
        np.ones(N),
        np.zeros(N),
    ]
    spin = np.concatenate(rows)
    near, m, A, e = (
        on_line(spin),
        on_line(np.repeat([0.0, 0.0, 1.0], N)),
        on_line(np.zeros(12 * N)),
        on_line(np.ones(4 * N)),
    )
    off, D, ph, R2prime = on_line(rows[5]), on_line(np.full(4 * N, 1e-6)), on_line(np.zeros(N)), on_line(np.zeros(N))
    q, moment = np.float32([5e-4, 1e-4, 0.5, 0.1, 0.2, 5e-6]), np.array([10.0, 20.0, 30.0])
    a, b, s, none = (
        on_line(np.ones(2 * N)),
        on_line(np.ones(2 * N)),
        np.empty(16, np.float32),
        np.repeat(np.float32([1, 0]), N),
    )
    w, P = on_line(np.ones(16 * N)).reshape(8, -1), on_line(np.ones(readout_single.POWERS * N))
    readout_single.powers(P, spin, near, R2prime, ph, np.array([1e-5, 1.0, 0.0, 0.0]), 1e-5, none)
    out = np.zeros((2, 8, readout_single.CHUNK))
    SAMPLE = readout_single.SAMPLE_FLOPS
    each, samples = N * TIMES, N * TIMES * readout_single.CHUNK
    steps, maps = np.tile([5e-6, 100.0, 20.0, 1e5, 0.0, 0.0], (TIMES, 1)), np.empty(12 * N)
    E, off64, m64 = np.empty(2 * N), np.empty(N), m.astype(float)
    a64, p64, w64 = np.ones(2 * N), np.repeat([0.9999, 0.01], N), np.ones((8, 2 * N))
    long = np.zeros((2, 1, 8 * readout_single.CHUNK))
    return [
        Loop("step of a pulse", each, pulse_single.STEP_FLOPS, lambda: steps_of_a_pulse(m, e, near, off, D, q, TIMES)),
        Loop("step of a map", each, pulse_single.MAP_FLOPS, lambda: steps_of_a_pulse(A, e, near, off, D, q, TIMES)),
        Loop("map applied", each, pulse_single.APPLY_FLOPS, lambda: applied(m, A, TIMES)),
        Loop("free precession", each, FREE_FLOPS, lambda: precession(m, D, ph, spin, moment, TIMES)),
        Loop("sample of a line", samples, SAMPLE, lambda: lines(out[:, :1], a, b, P, w[:1], s, TIMES)),
        Loop("sample of a line, 8 coils", samples * 8, SAMPLE, lambda: lines(out, a, b, P, w, s, TIMES)),
        Loop("scattered sample", each, 0, lambda: scattered(a, m, near, R2prime, ph, spin, moment, w[0], TIMES)),
        Loop("double: step of a pulse", each, 0, lambda: kernels.pulse(m64, spin, steps, 0.0, 1.0, E, off64)),
        Loop("double: step of a map", each, 0, lambda: kernels.pulse_map(maps, spin, steps, 0.0, E, off64)),
        Loop("double: sample of a line", N * 1024, 0, lambda: kernels.read_straight(long, a64, p64, w64[:1], 0, 1024)),
    ]


def measured(runs: int) -> list[dict[str, object]]:
    """A row for each loop: its best rate, and the median share of the measure, with which it takes turns."""
    rows: list[dict[str, object]] = []
    for loop in inner_loops():
        loop.work()
        taken, tops = [], []
        for _ in range(4 * runs):
            tops.append(peak(1, 1))
            start = time.perf_counter()
            loop.work()
            taken.append(time.perf_counter() - start)
        rate = loop.count / min(taken)
        share = float(np.median(loop.count * loop.flops / np.array(taken) / np.array(tops)))
        row = {"per second": rate, "flops": loop.flops, "flops/s": rate * loop.flops, "peak flops/s": max(tops)}
        rows.append({"loop": loop.name, **row, "share of peak": share})
    return rows


def repeated_pulse(repetitions: int = 128) -> Sequence:
    """A sinc of 3 ms in 300 steps with a slice gradient, again and again; one sample at the end."""
    edges = 1e-5 * np.arange(301)
    shape = np.sinc(np.linspace(-3, 3, 300))
    rf = RF(edges, 0.05 / (1e-5 * shape.sum()) * shape, use=RFUse.EXCITATION, centre=1.5e-3)
    slice_ = Gradient(np.array([0.0, 3e-3]), np.array([4e5, 4e5]))
    rest = Block(4e-3, gz=Gradient(np.array([0.0, 4e-3]), np.array([2e5, 2e5])))
    return assemble([Block(3e-3, rf=rf, gz=slice_), rest] * repetitions + [Block(1e-4, adc=ADC(1, 1e-5, 1e-5))])


def cube(n: int = 64) -> Phantom:
    one = np.ones((n, n, n), np.float32)
    x = np.linspace(-1, 1, n, dtype=np.float32)
    dB0 = 100 * x[:, None, None] * x[None, :, None] * one
    return Phantom(Grid.centred((n, n, n), 3.0), one, one, 0.1 * one, dB0=dB0, voxel=Voxel.POINT)


def with_susceptibility(brain: Phantom) -> Phantom:
    """Smooth dB0 from -200 to 200 Hz over the head: a spot at the front on a slow wave."""
    x, y = np.meshgrid(*(np.linspace(-1, 1, n) for n in brain.grid.shape[:2]), indexing="ij")
    d = (2 * np.exp(-((y - 0.7) ** 2 + x**2) / 0.15) + 0.4 * np.sin(2 * x) * y)[..., None]
    inside = brain.PD > 0
    lo, hi = d[inside].min(), d[inside].max()
    return replace(brain, dB0=np.where(inside, 400 * (d - lo) / (hi - lo) - 200, 0).astype(np.float32))


def scans(runs: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []

    def row(name: str, work: Callable[[], object], times: int, difference: float | None = None) -> None:
        wall, own = seconds(work, times)
        rows.append({"scan": name, "wall [s]": wall, "processor [s]": own, "difference from double": difference})

    volume = spoiled_gre(FOV=(0.2, 0.2, 0.16), matrix=(64, 64, 64), n_dummies=0)
    row(f"plan: 3D spoiled gradient echo, {len(volume.blocks)} blocks", lambda: plan(volume, 5e-6), runs)
    single = Bloch(precision=Precision.SINGLE, threads=2)
    phantom, train, scanner = cube(), repeated_pulse(), Scanner()
    name = f"Bloch single, 2 threads: {phantom.PD.size} spins x 128 repetitions of a 300-step pulse"
    row(name, lambda: single.signal(phantom, train, scanner), min(runs, 5))
    head, file = DATA / "koma_phantoms" / "brain.h5", DATA / "simulator_reference" / "epi_100x100_TE100_FOV230.seq"
    if not head.exists() or not file.exists():
        return rows
    brain, epi = with_susceptibility(io.read_phantom(head)), io.read_sequence(file)
    right = Bloch(threads=1).signal(brain, epi, scanner).samples
    methods = {
        "Bloch double, 2 threads": Bloch(threads=2),
        "Bloch single, 1 thread": Bloch(precision=Precision.SINGLE, threads=1),
        "Bloch single, 2 threads": single,
        "PhaseGraph, 2 threads": PhaseGraph(threads=2),
    }
    for name, method in methods.items():
        found = method.signal(brain, epi, scanner).samples
        far = float(np.linalg.norm(found - right) / np.linalg.norm(right))
        size = f"{int((brain.PD > 0).sum())} spins x {right.size} samples"
        row(f"{name}: brain EPI, {size}", lambda m=method: m.signal(brain, epi, scanner), runs, far)  # type: ignore[misc]
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    one, two = peak(1, args.runs), peak(2, args.runs)
    print(f"multiply-adds in single precision: {one / 1e9:.0f} Gflop/s on one thread, {two / 1e9:.0f} on two\n")
    print(f"{'inner loop, one thread':<28}{'per second':>12}{'flops each':>12}{'Gflop/s':>9}{'peak':>6}{'of it':>7}")
    loops = measured(args.runs)
    for r in loops:
        counted = (
            f"{r['flops/s'] / 1e9:>9.0f}{r['peak flops/s'] / 1e9:>6.0f}{r['share of peak']:>7.0%}" if r["flops"] else ""
        )  # type: ignore[operator]
        print(f"{r['loop']:<28}{r['per second']:>12.3g}{r['flops'] or '':>12}{counted}")
    print(f"\n{'scan':<78}{'wall [s]':>10}{'processor [s]':>15}{'difference':>12}")
    table = scans(args.runs)
    for r in table:
        far = r["difference from double"]
        print(
            f"{r['scan']:<78}{r['wall [s]']:>10.4f}{r['processor [s]']:>15.4f}{'' if far is None else f'{far:.1e}':>12}"
        )
    if args.json:
        found = {"peak flops/s": {"1 thread": one, "2 threads": two}, "loops": loops, "scans": table}
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
