"""How long does a whole head take? (How far off it is: mprage_check.py.) A 1 mm 3D MPRAGE by the phase graph.

    python benchmarks/mprage.py [--coils 1 8] [--growth FIGURE] [--json FILE]

The default head (MNI152, 1 mm, partial volume, textured T1 and T2) with a B1 field of +-20 % and dB0 of +-100 Hz,
scanned by the default MPRAGE: 192 x 256 x 256 encoding, 49,152 readouts of 512 samples, 49,601 pulses. Sequence loaded
and kernels warm; calibration: one complex FFT of 192 x 256 x 256 points in the same process.

--growth  time over voxels, samples and coils, as a figure
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.fft

from spinloom import io, phantom
from spinloom.core.coils import coils_for
from spinloom.core.sampled import SampledCoils
from spinloom.core.scanner import Coils, Scanner, UniformCoil
from spinloom.phantom.phantom import Phantom
from spinloom.phantom.template import Template
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.graph import PhaseGraph

plt.switch_backend("Agg")


@dataclass(frozen=True)
class Hump:
    """offset + height cos(2 pi |r| / width): a smooth field."""

    offset: float
    height: float
    width: float

    def __call__(self, r: np.ndarray) -> np.ndarray:
        return self.offset + self.height * np.cos(2 * np.pi * np.linalg.norm(r, axis=-1) / self.width)


def scanner(n_coils: int) -> Scanner:
    coils: Coils = UniformCoil() if n_coils == 1 else SampledCoils(coils_for(n_coils))
    return Scanner(B1=Hump(1.0, 0.2, 0.3), dB0=Hump(0.0, 100.0, 0.2), coils=coils)


def calibration() -> float:
    """Seconds of one complex FFT of 192 x 256 x 256 points."""
    volume = np.ones((192, 256, 256), np.complex64)
    scipy.fft.fftn(volume, workers=-1)
    start = time.perf_counter()
    scipy.fft.fftn(volume, workers=-1)
    return time.perf_counter() - start


def run(head: Phantom, sequence: Sequence, n_coils: int, method: PhaseGraph) -> dict[str, object]:
    cpu, wall = time.process_time(), time.perf_counter()
    kspace = method.signal(head, sequence, scanner(n_coils))
    row: dict[str, object] = {
        "coils": n_coils,
        "voxels": int((head.PD > 0).sum()),
        "samples": int(kspace.samples[0].size),
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
        "engine": kspace.info["engine"],
    }
    print({k: v if not isinstance(v, float) else round(v, 2) for k, v in row.items() if k != "engine"}, flush=True)
    return row


def growth(template: Template, method: PhaseGraph) -> dict[str, list[dict[str, object]]]:
    """Runs in which voxels, samples or coils grow and the other two stay."""

    def row(voxel_mm: float, matrix: tuple[int, int, int], n_coils: int) -> dict[str, object]:
        head = phantom.from_fractions(template, B0=3.0, seed=0, voxel_mm=voxel_mm)
        return run(head, mprage(matrix=matrix), n_coils, method)

    return {
        "voxels": [row(mm, (128, 128, 96), 1) for mm in (4.0, 3.0, 2.0, 1.5, 1.0)],
        "samples": [row(2.0, (n, n, 3 * n // 4), 1) for n in (32, 64, 96, 128, 192)],
        "coils": [row(2.0, (128, 128, 96), n) for n in (1, 2, 4, 8, 16)],
    }


def draw(rows: dict[str, list[dict[str, object]]], file: Path) -> None:
    figure, axes = plt.subplots(1, len(rows), figsize=(9, 2.8), sharey=True, layout="constrained")
    for ax, (what, some) in zip(axes, rows.items(), strict=True):
        x, wall, cpu = (np.array([r[name] for r in some], float) for name in (what, "wall_s", "cpu_s"))
        ax.loglog(x, wall, "o-", label="wall")
        ax.loglog(x, cpu, "s--", label="processor", alpha=0.6)
        ax.loglog(x, wall[-1] * x / x[-1], ":", color="grey", label="proportional")
        ax.set_xlabel(what)
        ax.grid(alpha=0.3, which="both")
    axes[0].set_ylabel("seconds")
    axes[0].legend(frameon=False)
    figure.savefig(file, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--coils", type=int, nargs="*", default=[1, 8])
    parser.add_argument("--tolerance", type=float, default=1e-3)
    parser.add_argument("--growth", type=Path, help="figure to write")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    method = PhaseGraph(tolerance=args.tolerance)
    template = io.read_template("mni152")
    small = phantom.from_fractions(template, B0=3.0, seed=0, voxel_mm=4)
    for n in (1, 2):
        method.signal(small, mprage(matrix=(32, 16, 16)), scanner(n))  # compiles
    head, sequence = phantom.from_fractions(template, B0=3.0, seed=0), mprage()
    unit = calibration()
    print(f"calibration (FFT of 192 x 256 x 256): {unit:.3f} s")
    found: dict[str, object] = {"calibration_s": unit, "tolerance": args.tolerance}
    found["whole head"] = [run(head, sequence, n, method) for n in args.coils]
    if args.growth:
        found["growth"] = growth(template, method)
        draw(found["growth"], args.growth)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2, default=str) + "\n")


if __name__ == "__main__":
    main()
