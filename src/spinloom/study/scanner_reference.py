"""What a learned scanner is held against: Bloch() with enough spins, and the phase graph, with their times."""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.files import atomic
from spinloom.jobs.units import Json
from spinloom.phantom.phantom import Phantom
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.automatic import Automatic
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.simulate import Method, simulate
from spinloom.simulation.thin import some_voxels

TOLERANCE = 5e-3
VOXELS = 12
LATTICES = ((3, 1, 167), (3, 1, 337), (3, 1, 677))
MANY = (31, 1, 1009)
"""Spins of the few voxels on which a phase graph is checked where no lattice of LATTICES has converged."""
Samples = NDArray[np.complexfloating]


def references(
    case: Json, phantom: Phantom, sequence: Sequence, folder: Path, heavy: tuple[str, ...], threads: int
) -> tuple[Json, dict[str, Samples]]:
    """What was done and took how long, and samples of "Bloch" and, but for heavy protocols, "automatic".

    What is in the folder already is kept: this does not depend on any network.
    """
    name = f"{case['protocol']}-{case['seed']}-reference"
    told_by, held_by = folder / f"{name}.json", folder / f"{name}.npz"
    if told_by.exists() and held_by.exists():
        told = json.loads(told_by.read_text())
        if told["case"] == case:
            with np.load(held_by, allow_pickle=False) as held:
                return told, {key: held[key] for key in held.files}
    spins, change = converged(phantom, sequence)
    found, seconds = timed(phantom, sequence, Bloch(spins=spins, threads=threads), 1)
    told = {
        "case": case, "spins": list(spins), "change": change, "seconds": {"Bloch": seconds},
        "entries": int(found.info["n_spins"]), "automatic": "not run",  # type: ignore[call-overload]
    }  # fmt: skip
    samples: dict[str, Samples] = {"Bloch": found.samples}
    if case["protocol"] not in heavy:
        found, told["seconds"]["automatic"] = timed(phantom, sequence, Automatic(threads=threads), 1)
        told["automatic"] = str(found.info["engine"]["name"])  # type: ignore[index,call-overload]
        samples["automatic"] = found.samples
        if change > TOLERANCE:
            few = _few(phantom)
            right = _quiet(few, sequence, Bloch(spins=MANY, threads=threads)).samples
            by = _quiet(few, sequence, Automatic(threads=threads)).samples
            told["check"] = float(np.linalg.norm(by - right) / np.linalg.norm(right))
    folder.mkdir(parents=True, exist_ok=True)

    def save(path: Path) -> None:
        with path.open("wb") as out:
            np.savez(out, **samples)  # type: ignore[arg-type]

    atomic.write_with(held_by, save)
    atomic.write_json(told_by, told)
    return told, samples


def timed(phantom: Phantom, sequence: Sequence, method: Method, repeats: int) -> tuple[KSpace, float]:
    """The scan, and the least of some runs' processor time [s]; more than one run: after another that warms up."""
    if repeats > 1:
        _quiet(phantom, sequence, method)
    each = []
    for _ in range(repeats):
        start = time.process_time()
        found = _quiet(phantom, sequence, method)
        each.append(time.process_time() - start)
    return found, min(each)


def converged(phantom: Phantom, sequence: Sequence, seed: int = 0) -> tuple[tuple[int, int, int], float]:
    """The first lattice whose signal the next one changes by no more than TOLERANCE, on a few voxels of the object, and
    that change; else the last, and what it changed.

    Along readout, phase and slice; primes: spoilers then outrun the lattice only when they come round on both axes.
    (Spins on the ladder of Bloch(spins=None) have common factors with spoilers, and long T2 needs thousands of them.)
    """
    few = _few(phantom, seed)
    before, change = None, np.inf
    for spins in LATTICES:
        now = _quiet(few, sequence, Bloch(spins=spins, threads=1)).samples
        if before is not None:
            change = float(np.linalg.norm(now - before) / np.linalg.norm(now))
            if change <= TOLERANCE:
                return LATTICES[LATTICES.index(spins) - 1], change
        before = now
    return LATTICES[-1], change


def _few(phantom: Phantom, seed: int = 0) -> Phantom:
    """Some voxels, and those where T1 and T2 are smallest and largest."""
    rng = np.random.default_rng(seed)
    inside = np.flatnonzero(phantom.PD)
    ends = [inside[pick(v.ravel()[inside])] for v in (phantom.T1, phantom.T2) for pick in (np.argmin, np.argmax)]
    chosen = rng.choice(inside, min(len(inside), VOXELS), replace=False)
    return some_voxels(phantom, np.unique([*ends, *chosen]))


def _quiet(phantom: Phantom, sequence: Sequence, method: Method) -> KSpace:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return simulate(phantom, sequence, scanner=Scanner(), method=method)
