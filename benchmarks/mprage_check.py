"""How far off is the phase graph's MPRAGE of a whole head? Thousands of voxels spin by spin, in double precision.

    python benchmarks/mprage_check.py [--voxels 4096] [--trains 5] [--json FILE]

The head, fields and sequence of mprage.py, the fields as maps (constant inside a voxel, as data sets have them). Of the
257 trains some are played, drawn at random; 512 lines drawn from them are received, every eighth sample of each.
Reference: Bloch() in double precision with 53 x 1 x 89 spins per voxel, 107 x 1 x 181 where there is cerebrospinal
fluid (its T2 of 1.7 s keeps thousands of configurations; the smaller lattice would be 5 % off there).

T2' is compared apart, on 64 voxels: Bloch() weighs it by the time since the nominal echo, the phase graph by the clock
of each configuration.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from mprage import scanner

from spinloom import io, phantom
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.events import RFUse
from spinloom.sequence.protocols.mprage import mprage
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.graph import PhaseGraph
from spinloom.simulation.place import isocentre_mm
from spinloom.simulation.thin import some_readouts, some_voxels

DRY, WET = (53, 1, 89), (107, 1, 181)
LINES, EVERY, TOGETHER = 512, 8, 64


def with_maps(head: Phantom) -> Phantom:
    """The head with the scanner's B1 and dB0 as maps of its own."""
    fields, centre = scanner(1), np.array(isocentre_mm(head, scanner(1)))
    B1, dB0 = (np.empty(head.grid.shape, np.float32) for _ in range(2))
    plane = np.indices((1, *head.grid.shape[1:])).reshape(3, -1).T
    for i in range(len(B1)):
        r = (head.grid.positions_mm(plane + np.array([i, 0, 0])) - centre) * 1e-3
        B1[i], dB0[i] = fields.B1(r).reshape(B1[i].shape), fields.dB0(r).reshape(B1[i].shape)
    return replace(head, B1=B1, dB0=dB0)


def without_T2prime(head: Phantom) -> Phantom:
    return replace(head, tissues=tuple(replace(t, T2prime=np.inf) for t in head.tissues))


def some_trains(sequence: Sequence, trains: np.ndarray) -> Sequence:
    """Only some trains, each from its inversion to the next."""
    inverts = np.array([*(rf.use is RFUse.INVERSION for rf in sequence.rf), False])
    starts = np.flatnonzero(inverts[sequence.blocks[:, 0]])
    ends = np.append(starts[1:], len(sequence.blocks))
    own = np.concatenate([np.arange(starts[t], ends[t]) for t in trains])
    read = np.isin(sequence.readout_blocks, own)
    labels = MappingProxyType({name: values[read] for name, values in sequence.labels.items()})
    return replace(sequence, blocks=sequence.blocks[own], durations=sequence.durations[own], labels=labels)


def coarser(sequence: Sequence) -> Sequence:
    """Every eighth sample of each readout."""
    adc = tuple(replace(a, n_samples=a.n_samples // EVERY, dwell=a.dwell * EVERY) for a in sequence.adc)
    return replace(sequence, adc=adc)


def relative(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voxels", type=int, default=4096)
    parser.add_argument("--trains", type=int, default=5)
    parser.add_argument("--tolerance", type=float, nargs="*", default=[1e-3, 3e-4])
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    head = with_maps(phantom.from_fractions(io.read_template("mni152"), B0=3.0, seed=0))
    sequence = mprage()
    n_trains = sequence.n_readouts // 192 + 1
    short = some_trains(sequence, np.sort(rng.choice(n_trains, args.trains, replace=False)))
    short = coarser(some_readouts(short, np.sort(rng.choice(short.n_readouts, LINES, replace=False))))
    own = np.sort(rng.choice(np.flatnonzero(head.PD), args.voxels, replace=False))
    has_csf = head.fractions[[t.name for t in head.tissues].index("csf")].ravel()[own] > 0
    plain = without_T2prime(head)

    start, truth, done = time.perf_counter(), 0.0, 0
    parts: dict[str, list[np.ndarray]] = {}
    for name, voxels, spins in (("without CSF", own[~has_csf], DRY), ("with CSF", own[has_csf], WET)):
        parts[name] = [np.zeros(1)]
        for lo in range(0, len(voxels), TOGETHER):
            some = voxels[lo : lo + TOGETHER]
            one = Bloch(spins=spins, rf_step=2e-5).signal(some_voxels(plain, some), short, Scanner()).samples
            parts[name][0] = parts[name][0] + one
            done += len(some)
            print(f"\r{done} of {len(own)} voxels, {time.perf_counter() - start:.0f} s", end="", flush=True)
        truth = truth + parts[name][0]
        parts[name].append(voxels)
    print()
    found: dict[str, object] = {"voxels": len(own), "lines": LINES, "trains": args.trains, "lattices": [DRY, WET]}
    for tolerance in args.tolerance:
        method = PhaseGraph(tolerance=tolerance)
        error = {"all": relative(method.signal(some_voxels(plain, own), short, Scanner()).samples, truth)}
        for name, (one, voxels) in parts.items():
            if len(voxels):
                error[name] = relative(method.signal(some_voxels(plain, voxels), short, Scanner()).samples, one)
        print(f"tolerance {tolerance}:", {k: f"{v:.1e}" for k, v in error.items()}, flush=True)
        found[f"tolerance {tolerance}"] = error
    some = own[~has_csf][:: max(1, int(np.sum(~has_csf)) // 64)]
    reference = Bloch(spins=DRY, rf_step=2e-5).signal(some_voxels(head, some), short, Scanner()).samples
    with_T2prime = relative(
        PhaseGraph(tolerance=1e-3).signal(some_voxels(head, some), short, Scanner()).samples, reference
    )
    print(f"with T2', {len(some)} voxels without CSF: {with_T2prime:.1e}")
    found["with T2'"] = with_T2prime
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
