"""How far are spoiled steady states off with as many spins, or configurations, as are chosen automatically?

    python benchmarks/steady_states.py [--json FILE]

One voxel (a box) through 200 repetitions of 5 ms with one turn of spoiling each, against 4,096 evenly spaced spins:
RF-spoiled gradient echoes (117 degrees) and FISP, tissues of 3 T. `one spin` is what a simulator without sub-voxel
spins gives.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import numpy as np

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import Sequence, assemble
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph

TISSUES = {"white matter": (0.85, 0.07), "grey matter": (1.3, 0.1), "CSF": (4.0, 1.0), "fat": (0.37, 0.06)}
TRAINS = {"RF-spoiled 10°": (10, 117), "RF-spoiled 30°": (30, 117), "FISP 40°": (40, 0)}


def voxel(T1: float, T2: float) -> Phantom:
    one = np.ones((1, 1, 1), np.float32)
    return Phantom(Grid.centred((1, 1, 1), 1.0), one, T1 * one, T2 * one, voxel=Voxel.BOX)


def train(FA_deg: float, increment_deg: float, n: int = 200) -> Sequence:
    edges, FA = np.array([0.0, 2e-5]), np.deg2rad(FA_deg)
    spoiler = Gradient(np.array([0.0, 1e-4, 9e-4, 1e-3]), np.array([0.0, 1.0, 1.0, 0.0]) * 1e3 / 9e-4)
    blocks = []
    for j in range(n):
        phase = np.deg2rad(increment_deg) * j * (j + 1) / 2
        pulse = RF(edges, np.array([FA / (2 * np.pi * 2e-5)], complex), phase=phase, use=RFUse.EXCITATION, centre=1e-5)
        blocks += [Block(2e-5, pulse), Block(2e-3), Block(1e-5, adc=ADC(1, 1e-6, phase=phase))]
        blocks += [Block(1e-3, gz=spoiler), Block(1.97e-3)]
    return assemble(blocks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    print(f"{'':32s}{'one spin':>10s}{'Bloch()':>18s}{'PhaseGraph()':>14s}")
    for tissue, (T1, T2) in TISSUES.items():
        for name, (FA_deg, increment_deg) in TRAINS.items():
            phantom, sequence = voxel(T1, T2), train(FA_deg, increment_deg)
            truth = Bloch(spins=(1, 1, 4096)).signal(phantom, sequence, Scanner()).samples
            row: dict[str, object] = {"tissue": tissue, "train": name}
            for way, method in (("one", Bloch(spins=1)), ("bloch", Bloch(spins=None)), ("graph", PhaseGraph())):
                found = method.signal(phantom, sequence, Scanner())
                row[way] = float(np.linalg.norm(found.samples - truth) / np.linalg.norm(truth))
                if way == "bloch":
                    row["spins"] = found.info["n_spins"]
            rows.append(row)
            numbers = f"{row['one']:10.2f}{row['bloch']:10.1e} ({row['spins']:>4})  {row['graph']:12.1e}"
            print(f"{tissue:14s}{name:18s}{numbers}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
