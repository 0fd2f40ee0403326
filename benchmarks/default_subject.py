"""How long does one subject of the default data set take, stage by stage?

    python benchmarks/default_subject.py [--json FILE]

Ratios are to a calibration in the same process: one complex FFT of 192 x 256 x 256 points (scipy, one thread).
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.fft

from spinloom import reconstruct, simulate
from spinloom.core.rng import stream
from spinloom.dataset.fields import Recipe
from spinloom.dataset.scan import make_sequence
from spinloom.dataset.subject import make_method, make_subject

T = TypeVar("T")


def calibration() -> float:
    """Best of three [s]."""
    volume = np.ones((192, 256, 256), np.complex64)
    best = np.inf
    for _ in range(3):
        start = time.perf_counter()
        scipy.fft.fftn(volume, workers=1)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    unit = calibration()
    rows: list[dict[str, float | str]] = []

    def timed(stage: str, work: Callable[[], T]) -> T:
        start, cpu = time.perf_counter(), time.process_time()
        result = work()
        wall = time.perf_counter() - start
        rows.append({"stage": stage, "wall_s": wall, "cpu_s": time.process_time() - cpu, "ratio": wall / unit})
        print(f"{stage:<20} {wall:7.1f} s   {rows[-1]['cpu_s']:7.1f} CPU s   {wall / unit:7.0f} x")
        return result

    print(f"calibration          {unit:7.2f} s")
    recipe = Recipe()
    subject = timed("phantom and field", lambda: make_subject(recipe, 0))
    for section in recipe.protocol:
        label, rng = section.label, stream(0, "benchmark", section.key)
        sequence, _ = timed(f"{label} sequence", partial(make_sequence, section, B0=3.0, rng=rng))
        scan = partial(simulate, subject.phantom, sequence, subject.scanner, method=make_method(section), seed=0)
        timed(f"{label} reconstruct", partial(reconstruct, timed(f"{label} simulate", scan)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory          {peak:7.2f} GiB")
    if args.json:
        args.json.write_text(json.dumps({"calibration_s": unit, "peak_GiB": peak, "stages": rows}, indent=2))


if __name__ == "__main__":
    main()
