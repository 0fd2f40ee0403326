"""How many closed-form slices a second, from maps to noisy magnitude images?

    python benchmarks/closed_slices.py [--slices 32] [--matrix 256] [--json FILE]

Each slice: maps of T1, T2, T2', PD, B1 and dB0 (a head-sized ellipse of three tissues with texture, up to 30 Hz), the
closed form of the protocol with the T2 decay along its train, k-space with decay and off-resonance during the readout,
complex noise, magnitude image. CPU time beside wall time, because others may use the machine; ratios are to a
calibration in the same process: one complex FFT of 256 x 256 points (scipy, one thread).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from math import pi
from pathlib import Path

import numpy as np
import scipy.fft

from spinloom.sequence.protocols.bssfp import BalancedSSFP
from spinloom.sequence.protocols.spin_echo import SpinEcho
from spinloom.sequence.protocols.spoiled_gre import SpoiledGRE
from spinloom.sequence.protocols.turbo_spin_echo import TurboSpinEcho
from spinloom.simulation.slices_images import SliceMaps, images_of_slices

PROTOCOLS = {
    "spin echo": SpinEcho(TE=0.02, TR=0.6, FA=pi / 2, bandwidth=217.0, refocus_FA=pi),
    "inversion recovery": SpinEcho(TE=0.02, TR=4.0, FA=pi / 2, bandwidth=217.0, refocus_FA=pi, TI=0.4),
    "turbo spin echo, 16": TurboSpinEcho(
        TE=0.095, TR=5.5, FA=pi / 2, bandwidth=217.0, refocus_FA=2.6, ETL=16, echo_spacing=0.0095
    ),
    "spoiled GRE": SpoiledGRE(TE=0.005, TR=0.02, FA=0.35, bandwidth=217.0, rf_spoil_increment=2.0, echo_times=(0.005,)),
    "balanced SSFP": BalancedSSFP(TE=0.003, TR=0.006, FA=0.7, bandwidth=500.0),
}
REPEATS = 5


def maps_of(n: int, matrix: int) -> SliceMaps:
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, matrix)
    X, Y = np.meshgrid(x, x, indexing="ij")
    R = np.hypot(X / 0.8, Y / 0.9)
    tissue = (R * 7).astype(int) % 3

    def textured(values: list[float]) -> np.ndarray:
        return (np.array(values)[tissue] * (1 + 0.05 * rng.standard_normal((n, matrix, matrix)))).astype(np.float32)

    def smooth(a: np.ndarray) -> np.ndarray:
        return np.broadcast_to(a.astype(np.float32), (n, matrix, matrix))

    PD = np.broadcast_to(np.where(R < 0.95, np.array([0.7, 0.85, 1.0])[tissue], 0).astype(np.float32), (n, *R.shape))
    T1, T2, T2prime = textured([0.8, 1.3, 4.0]), textured([0.07, 0.1, 1.5]), smooth(0.08 + 0 * R)
    return SliceMaps(PD, T1, T2, T2prime, smooth(30 * np.sin(3 * X) * np.cos(2 * Y)), smooth(1 - 0.2 * R**2))


def best(work: Callable[[], object]) -> tuple[float, float]:
    """Least wall and CPU time of several runs, after one that compiles [s]."""
    work()
    wall, cpu = [], []
    for _ in range(REPEATS):
        start, busy = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start)
        cpu.append(time.process_time() - busy)
    return min(wall), min(cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=32)
    parser.add_argument("--matrix", type=int, default=256)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    plane = np.ones((256, 256), np.complex64)
    unit = min(best(lambda: scipy.fft.fft2(plane, workers=1))[0] for _ in range(5))
    maps = maps_of(args.slices, args.matrix)
    print(f"calibration, one FFT of 256 x 256: {unit * 1e3:.2f} ms; {int((maps.PD[0] > 0).sum())} pixels hold matter")
    rows = []
    for name, protocol in PROTOCOLS.items():
        for threads in (1, 2):
            wall, cpu = best(lambda p=protocol, t=threads: images_of_slices(maps, p, sigma=0.01, threads=t))  # type: ignore[misc]
            row = {
                "protocol": name,
                "threads": threads,
                "slices_per_s": args.slices / wall,
                "cpu_ms_per_slice": cpu / args.slices * 1e3,
                "ratio": cpu / args.slices / unit,
            }
            rows.append(row)
            print(
                f"{name:<22}{threads} threads {row['slices_per_s']:6.0f} slices/s   "
                f"{row['cpu_ms_per_slice']:6.2f} CPU ms a slice   {row['ratio']:5.0f} x"
            )
    if args.json:
        args.json.write_text(json.dumps({"calibration_s": unit, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
