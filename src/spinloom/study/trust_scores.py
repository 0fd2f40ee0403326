"""What each way of auditing says of a case: by lesion and by voxel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import spearmanr

from spinloom.core.rng import stream
from spinloom.models.translator import Translator
from spinloom.study.trust_case import Case, answered
from spinloom.translate.plan import Plan
from spinloom.translate.resimulate import explained
from spinloom.translate.trust import Usual, misfit, smoothed, unit_of

Volume = np.ndarray
VOXELS = 3000
"""Of the negatives of a case, drawn at random."""
CONTRASTS = {"4 and more": 4.0, "2 to 4": 2.0, "1 to 2": 1.0, "below 1": 0.0}
"""Bins of a lesion's contrast in the source, in standard deviations of white matter, and where they begin."""
METHODS = {
    "re-simulated": "maps from the input, simulated again: misfit in sigmas",
    "re-simulated, no sigma": "the same, difference alone",
    "second network": "difference from a network trained on the same question",
    "lookup table": "difference from the mean output of that input grey value",
    "flips": "spread of the network's answers to the image and its mirror image",
    "input": "misfit of the input that is simulated again",
}


@dataclass(frozen=True, eq=False)
class Scored:
    """lesions, voxels: by output, method and kind, scores (n,); kind "clear": voxels far from lesions
    error  by method: rank correlation with the true error of the network's own answer
    """

    name: str
    lesions: Mapping[str, Mapping[str, Mapping[str, list[float]]]]
    voxels: Mapping[str, Mapping[str, Mapping[str, Volume]]]
    error: Mapping[str, float]
    maps: Mapping[str, Volume] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Table:
    """E[target | source]: source (n,) middles of bins, target (n,) means."""

    source: Volume
    target: Volume

    def __call__(self, s: Volume) -> Volume:
        return np.interp(s, self.source, self.target)


def table_of(cases: Sequence[tuple[Volume, Volume, Volume]], bins: int = 128) -> Table:
    """From (source, scan, inside) of people in whose images nothing is wrong."""
    s = np.concatenate([source[inside] for source, _, inside in cases])
    t = np.concatenate([scan[inside] for _, scan, inside in cases])
    low, high = np.percentile(s, [0.1, 99.9])
    edges = np.linspace(low, high, bins + 1)
    at = np.clip(np.searchsorted(edges, s) - 1, 0, bins - 1)
    count, total = np.bincount(at, minlength=bins), np.bincount(at, t, bins)
    some = count > 0
    return Table(((edges[1:] + edges[:-1]) / 2)[some], total[some] / count[some])


def maps_of(auditor: Translator, plan: Plan, source: Volume) -> dict[str, Volume]:
    """T1, T2 [s] and PD (x, y, z)."""
    made = answered(auditor, source)
    return {s.quantity: np.asarray(s.unscaled(v), np.float32) for s, v in zip(plan.target, made, strict=True)}


def expected(maps: Mapping[str, Volume], image: Volume, inside: Volume, contrast: str) -> Volume:
    return explained(image, maps["T1"], maps["T2"], maps["PD"], inside, contrast).image


def scored(
    case: Case, auditor: Translator, plan: Plan, translator: Translator, usual: Usual, table: Table, keep: bool = False
) -> Scored:
    """All methods on both outputs: the scan that was tampered with, and a network's answer to another source.

    keep  also the images, for pictures
    """
    size, inside = (case.voxel_mm,) * 3, case.inside
    maps = maps_of(auditor, plan, case.source)
    own = answered(translator, case.source)[0]
    mirrored = answered(translator, case.source[::-1])[0][::-1]
    outputs = {"scan": case.scan, "answer": answered(translator, case.other)[0]}
    lesions: dict[str, dict[str, dict[str, list[float]]]] = {}
    voxels: dict[str, dict[str, dict[str, Volume]]] = {}
    kept: dict[str, Volume] = {}
    rng = stream(0, case.name, "voxels")
    clear = rng.permutation(np.flatnonzero(case.clear))[:VOXELS]
    for name, image in outputs.items():
        e = expected(maps, image, inside, "T2w")
        found = {
            "re-simulated": misfit(image, e, inside, size, usual),
            "re-simulated, no sigma": smoothed((image - e) / unit_of(e, inside), inside, size),
            "lookup table": smoothed(image - table(case.source), inside, size),
            "flips": smoothed(own - mirrored, inside, size),
            "input": smoothed(case.source - expected(maps, case.source, inside, "T1w"), inside, size),
        }
        if name == "scan":
            found["second network"] = smoothed(image - own * _scale(image, own, inside), inside, size)
        lesions[name] = {m: by_lesion(v, case) for m, v in found.items()}
        voxels[name] = {m: by_voxel(v, case) | {"clear": v.ravel()[clear]} for m, v in found.items()}
        if keep:
            kept |= {f"{name} output": image, f"{name} expected": e, f"{name} misfit": found["re-simulated"]}
    e = expected(maps, own, inside, "T2w")
    wrong = smoothed(own - case.truth, inside, size).ravel()[clear]
    error = {
        "re-simulated": misfit(own, e, inside, size, usual),
        "re-simulated, no sigma": smoothed(own - e, inside, size),
        "lookup table": smoothed(own - table(case.source), inside, size),
        "flips": smoothed(own - mirrored, inside, size),
    }
    rank = {m: float(spearmanr(v.ravel()[clear], wrong).statistic) for m, v in error.items()}
    return Scored(case.name, lesions, voxels, rank, kept)


def by_lesion(values: Volume, case: Case) -> dict[str, list[float]]:
    """Mean over each lesion's voxels, by kind; of those taken away also by how much they stand out of the source."""
    found: dict[str, list[float]] = {}
    for n, kind in case.kind.items():
        mean = float(values[case.which == n].mean())
        found.setdefault(kind, []).append(mean)
        if kind.startswith("removed"):
            found.setdefault(bin_of(case.contrast(n)), []).append(mean)
    return found


def bin_of(contrast: float) -> str:
    """A name of CONTRASTS."""
    return next(name for name, least in CONTRASTS.items() if contrast >= least)


def by_voxel(values: Volume, case: Case) -> dict[str, Volume]:
    kinds = set(case.kind.values())
    return {k: values[np.isin(case.which, [n for n, name in case.kind.items() if name == k])] for k in kinds}


def _scale(image: Volume, other: Volume, inside: Volume) -> float:
    return float(np.median(image[inside]) / max(float(np.median(other[inside])), 1e-6))
