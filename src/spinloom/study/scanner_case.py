"""One case: a head, a sequence, and four ways to simulate it in one process on as many threads."""

from __future__ import annotations

import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.kspace import KSpace
from spinloom.core.scanner import Scanner
from spinloom.evaluation.similarity import ssim
from spinloom.files import atomic
from spinloom.io.learned import read_learned
from spinloom.jobs.units import Json
from spinloom.phantom.phantom import Phantom
from spinloom.reconstruction.reconstruct import Part, reconstruct
from spinloom.sequence.protocols import PROTOCOLS, Orientation
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.automatic import Automatic
from spinloom.simulation.bloch import Bloch
from spinloom.simulation.learned import LearnedBloch
from spinloom.simulation.learned_network import Network
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import Method, simulate
from spinloom.simulation.thin import some_voxels
from spinloom.study.scanner_heads import slab, tissue_of

TOLERANCE = 5e-3
VOXELS = 12
LATTICES = ((3, 1, 167), (3, 1, 337), (3, 1, 677))
REPEATS = 3
HEAVY = ("bssfp",)
"""Where the phase graph is not run: nothing is spoiled, and its configurations took more than 5 GB."""
FOV = 0.24


@dataclass(frozen=True)
class Case:
    """protocol, settings  of spinloom.sequence.protocols (SI);  seed  of the head;  matrix  pixels along a side

    kind    "seen" or "unseen" family;  layers  of a volume, 1 for a slice
    """

    protocol: str
    settings: dict[str, float]
    seed: int
    matrix: int
    kind: str = "seen"
    layers: int = 1

    @property
    def name(self) -> str:
        return f"{self.protocol}-{self.seed}"


def scan(case: Case) -> tuple[Phantom, Sequence]:
    """Phantom and sequence. A slice lies in the middle of matter twice as thick and the same throughout."""
    pixel_mm = 1e3 * FOV / case.matrix
    make, settings = PROTOCOLS[case.protocol], {k: _whole(k, v) for k, v in case.settings.items()}
    if case.layers > 1:
        shape, FOVs = (case.matrix, case.matrix, case.layers), (FOV, FOV, case.layers * pixel_mm * 1e-3)
        volume = make(FOV=FOVs, matrix=shape, orientation=Orientation.AXIAL, oversampling=1, **settings)
        return slab(case.seed, pixel_mm=pixel_mm, thick_mm=pixel_mm, layers=case.layers), volume
    sequence = make(FOV=FOV, matrix=case.matrix, oversampling=1, **settings)
    thick_mm = 2e3 * float(sequence.protocol.slice_thickness)  # type: ignore[union-attr,arg-type]
    return slab(case.seed, pixel_mm=pixel_mm, thick_mm=thick_mm), sequence


def _whole(name: str, value: float) -> float | int:
    return int(value) if name in ("n_dummies", "ETL", "slices") else value


def run(spec: Json) -> Json:
    """Simulate a case by each method; scores and times, images into a file beside. What is there already is kept."""
    case, folder = Case(**spec["case"]), Path(spec["folder"])
    network = read_learned(spec["weights"]).network
    file = folder / f"{case.name}.json"
    if file.exists():
        kept = json.loads(file.read_text())
        if kept["weights"] == network.sha256 and kept["case"] == spec["case"]:
            return dict(kept)
    phantom, sequence = scan(case)
    threads = int(spec.get("threads", 1))
    spins, change = converged(phantom, sequence)
    ways: dict[str, tuple[Method, int]] = {
        "Bloch": (Bloch(spins=spins, threads=threads), 1),
        "learned": (LearnedBloch(network, threads=threads), REPEATS),
        "first guess": (LearnedBloch(silent(network), threads=threads), 1),
        "closed form": (SignalEquation(threads=threads), REPEATS),
        "automatic": (Automatic(threads=threads), 1),
    }
    if case.protocol in HEAVY:
        del ways["automatic"]
    found: dict[str, KSpace] = {}
    seconds: dict[str, float] = {}
    for name, (method, repeats) in ways.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if repeats > 1:
                simulate(phantom, sequence, method=method)  # compiled and warm
            each = []
            for _ in range(repeats):
                start = time.perf_counter()
                found[name] = simulate(phantom, sequence, method=method)
                each.append(time.perf_counter() - start)
            seconds[name] = min(each)
    images = {name: reconstruct(kspace, part=Part.COMPLEX).data for name, kspace in found.items()}
    grid = reconstruct(found["Bloch"]).grid
    tissues = tissue_of(phantom, grid)
    scores = {n: _scores(found[n], images[n], found["Bloch"], images["Bloch"], tissues) for n in ways if n != "Bloch"}
    engine: Any = found["automatic"].info["engine"] if "automatic" in found else {"name": "not run"}
    told = {
        "case": spec["case"], "weights": network.sha256, "name": case.name, "spins": list(spins), "change": change,
        "seconds": seconds,
        "scores": scores, "automatic": str(engine["name"]), "entries": int(found["Bloch"].info["n_spins"]),  # type: ignore[call-overload]
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    shown = {n: images[n][..., images[n].shape[2] // 2].astype(np.complex64) for n in ("Bloch", "learned")}
    atomic.write_with(folder / f"{case.name}.npz", lambda path: _save(path, shown))
    atomic.write_json(file, told)
    return told


def converged(phantom: Phantom, sequence: Sequence, seed: int = 0) -> tuple[tuple[int, int, int], float]:
    """The first lattice whose signal the next one changes by no more than TOLERANCE, on a few voxels of the object, and
    that change; else the last, and what it changed.

    Along readout, phase and slice; primes: spoilers then outrun the lattice only when they come round on both axes.
    (Spins on the ladder of Bloch(spins=None) have common factors with spoilers, and long T2 needs thousands of them.)
    """
    rng = np.random.default_rng(seed)
    inside = np.flatnonzero(phantom.PD)
    ends = [inside[pick(v.ravel()[inside])] for v in (phantom.T1, phantom.T2) for pick in (np.argmin, np.argmax)]
    few = some_voxels(phantom, np.unique([*ends, *rng.choice(inside, min(len(inside), VOXELS), replace=False)]))
    before, change = None, np.inf
    for spins in LATTICES:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            now = Bloch(spins=spins, threads=1).signal(few, sequence, Scanner()).samples
        if before is not None:
            change = float(np.linalg.norm(now - before) / np.linalg.norm(now))
            if change <= TOLERANCE:
                return LATTICES[LATTICES.index(spins) - 1], change
        before = now
    return LATTICES[-1], change


def silent(network: Network) -> Network:
    """The same without what it has learned: the first guess alone."""
    last = f"layers.{network.depth}"
    zeros = {name: 0 * value for name, value in network.arrays.items() if name.startswith(last)}
    return Network({**network.arrays, **zeros}, network.about, network.sha256)


def _scores(
    kspace: KSpace, image: NDArray[Any], right: KSpace, truth: NDArray[Any], tissues: dict[str, NDArray[np.bool_]]
) -> dict[str, float]:
    size = np.abs(truth)
    inside = np.logical_or.reduce(list(tissues.values()))

    def of(where: NDArray[np.bool_]) -> float:
        return float(np.linalg.norm((image - truth)[where])) / max(float(np.linalg.norm(truth[where])), 1e-30)

    whole = np.ones(truth.shape, bool)
    return {
        "k-space": float(np.linalg.norm(kspace.samples - right.samples) / np.linalg.norm(right.samples)),
        "image": of(whole),
        "SSIM": ssim(np.abs(image), size, float(size.max()), mask=inside, slice_axis=2),
        **{name: of(where) for name, where in tissues.items() if where.any()},
    }


def _save(path: Path, arrays: dict[str, Any]) -> None:
    with path.open("wb") as out:
        np.savez(out, **arrays)
