"""One case: a head, a sequence, and four ways to simulate it in one process on as many threads."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinloom.core.kspace import KSpace
from spinloom.evaluation.similarity import ssim
from spinloom.files import atomic
from spinloom.io.learned import read_learned
from spinloom.jobs.units import Json
from spinloom.phantom.phantom import Phantom
from spinloom.reconstruction.reconstruct import Part, reconstruct
from spinloom.sequence.protocols import PROTOCOLS, Orientation
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.learned import LearnedBloch
from spinloom.simulation.learned_network import Network
from spinloom.simulation.signal import SignalEquation
from spinloom.simulation.simulate import Method
from spinloom.study.scanner_heads import slab, tissue_of
from spinloom.study.scanner_reference import references, timed

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
    threads = int(spec.get("threads", 1))
    phantom, sequence = scan(case)
    about, right = references(spec["case"], phantom, sequence, folder, HEAVY, threads)
    ways: dict[str, tuple[Method, int]] = {
        "learned": (LearnedBloch(network, threads=threads), REPEATS),
        "first guess": (LearnedBloch(silent(network), threads=threads), 1),
        "closed form": (SignalEquation(threads=threads), REPEATS),
    }
    found: dict[str, KSpace] = {}
    seconds: dict[str, float] = dict(about["seconds"])
    for name, (method, repeats) in ways.items():
        found[name], seconds[name] = timed(phantom, sequence, method, repeats)
    found |= {name: replace(found["learned"], samples=samples) for name, samples in right.items()}
    images = {name: reconstruct(kspace, part=Part.COMPLEX).data for name, kspace in found.items()}
    tissues = tissue_of(phantom, reconstruct(found["Bloch"]).grid)

    def scores(reference: str) -> dict[str, dict[str, float]]:
        names = [n for n in found if n != reference]
        return {n: _scores(found[n], images[n], found[reference], images[reference], tissues) for n in names}

    told = {
        **about, "weights": network.sha256, "name": case.name, "seconds": seconds, "scores": scores("Bloch"),
        "by the phase graph": scores("automatic") if "automatic" in found else {},
    }  # fmt: skip
    shown = {n: images[n][..., images[n].shape[2] // 2].astype(np.complex64) for n in ("Bloch", "learned")}
    atomic.write_with(folder / f"{case.name}.npz", lambda path: _save(path, shown))
    atomic.write_json(file, told)
    return told


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
