"""One set of heads against held-out people: amounts, contacts, topology, copies, and distances of their scans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearsonr

from spinloom.core.errors import InputError
from spinloom.evaluation.anatomy import Anatomy, anatomy, betti, unlike
from spinloom.evaluation.copies import Copies, copies, nearest
from spinloom.evaluation.distributions import frechet_distance, kernel_distance
from spinloom.evaluation.manifold import precision_recall
from spinloom.phantom.classes import BRAIN, CLASSES, index
from spinloom.study.brains_scans import features
from spinloom.study.brains_sets import Compared, Labels, thinned
from spinloom.translate.brain_model import BrainModel

SHOWN = ("csf", "ventricles", "grey", "white", "deep", "bone")
LEAST_SPREAD = 0.02
"""Of a feature: class maps have few grey values, and some quantiles hardly differ between people at all."""
SLICES = 20
"""Axial slices of a volume that the encoder looks at."""
NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Described:
    """A set: anatomy of each member, features of its slices (n, 48), and pieces of the brain as a whole of each."""

    name: str
    members: tuple[Anatomy, ...]
    features: NDArray[np.float64]
    brain_pieces: NDArray[np.float64]
    thin: Labels
    group: NDArray[np.int64]
    spread: NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """amounts  mean of each of SHOWN [cm^2, mL];  wrong: mean over them of |mean / held-out mean - 1|
    contact  total variation of who touches whom;  pieces, holes: of white and grey, means;  brain: pieces of the brain
    rough    faces per voxel of white matter;  nearest: quantiles of the distance to the training set;  copies: share
    FD, KD   of the encoder's features;  precision, recall
    """

    name: str
    n: int
    amounts: dict[str, float]
    wrong: float
    contact: float
    pieces: dict[str, float]
    holes: dict[str, float]
    brain: float
    rough: float
    nearest: tuple[float, ...]
    copies: float
    FD: float
    KD: float
    precision: float
    recall: float

    def plain(self) -> dict[str, object]:
        """For JSON, which knows no NaN."""
        return {k: None if v != v else v for k, v in asdict(self).items()}


def described(some: Compared, dims: int, voxel_mm: float) -> Described:
    """The set with everything that rows are computed from."""
    members = tuple(anatomy(labels, len(CLASSES), voxel_mm) for labels in some.labels)
    brain = np.isin(some.labels, [index(k) for k in BRAIN])
    pieces = np.array([betti(mask)[0] for mask in brain], float)
    slices, spread = some.labels, np.arange(len(some.labels))
    if dims == 3:
        used = [np.flatnonzero((v > 0).any(axis=(0, 1))) for v in some.labels]
        at = [u[np.linspace(len(u) * 0.3, len(u) * 0.95, SLICES).astype(int)] for u in used]
        slices = np.concatenate([v[:, :, z].transpose(2, 0, 1) for v, z in zip(some.labels, at, strict=True)])
        spread = np.repeat(spread, SLICES)
    thin = thinned(some.labels, dims, voxel_mm)
    return Described(some.name, members, features(slices, voxel_mm), pieces, thin, some.group, spread)


def row(one: Described, held: Described, near: Copies, dims: int) -> Row:
    """The set's numbers against those of held-out people."""
    unit = 100.0 if dims == 2 else 1000.0
    own, real = mean_amounts(one), mean_amounts(held)
    wrong = [abs(own[index(k)] - real[index(k)]) / max(real[index(k)], 1e-9) for k in SHOWN]
    a, b = scaled(one.features, held.features), scaled(held.features, held.features)
    try:
        shape = precision_recall(b, a)
        quality = shape.precision, shape.recall
    except InputError:
        quality = NAN, NAN
    return Row(
        name=one.name,
        n=len(one.members),
        amounts={k: own[index(k)] / unit for k in SHOWN},
        wrong=float(np.mean(wrong)),
        contact=unlike(contacts(one), contacts(held)),
        pieces={k: mean_of(one, "pieces", k) for k in ("grey", "white")},
        holes={k: mean_of(one, "holes", k) for k in ("grey", "white")},
        brain=float(one.brain_pieces.mean()),
        rough=mean_of(one, "roughness", "white"),
        nearest=near.quantiles,
        copies=near.copies / max(len(one.members), 1),
        FD=_frechet(a, b),
        KD=kernel_distance(a, b) if min(len(a), len(b)) > 1 else NAN,
        precision=quality[0],
        recall=quality[1],
    )


def among_themselves(held: Described, least: float, train: Labels, dims: int) -> Row:
    """Held-out people against each other: each map against the rest, means over maps; no map is its own reference."""
    rows = []
    for k in np.unique(held.group):
        inside = held.group == k
        one, rest = part_of(held, inside), part_of(held, ~inside)
        rows.append(row(one, rest, copies(one.thin, train, least), dims))
    whole = row(held, held, copies(held.thin, train, least), dims)
    means = {k: float(np.nanmean([getattr(r, k) for r in rows])) for k in ("wrong", "contact", "KD")}
    shape = {k: float(np.mean([getattr(r, k) for r in rows])) for k in ("precision", "recall")}
    return Row(**{**whole.__dict__, **means, **shape, "FD": NAN, "name": "held-out maps among themselves"})


def part_of(some: Described, inside: NDArray[np.bool_]) -> Described:
    """Some of its members."""
    kept = np.isin(some.spread, np.flatnonzero(inside))
    return Described(
        some.name, tuple(m for m, k in zip(some.members, inside, strict=True) if k), some.features[kept],
        some.brain_pieces[inside], some.thin[inside], some.group[inside],
        np.searchsorted(np.flatnonzero(inside), some.spread[kept]),
    )  # fmt: skip


def least_of(held: Described, train: Labels) -> float:
    """The smallest distance of a held-out member from the training set: nearer than that is a copy."""
    return float(nearest(held.thin, train)[0].min())


def asked_and_got(model: BrainModel, asked: Sequence[float], made: Labels) -> dict[str, object]:
    """Sizes of ventricles asked for, and those that came; Pearson's r.

    made  (n, ...) classes
    """
    plan = model.plan
    unit = 100.0 if plan.dims == 2 else 1000.0
    got = [float((one == index("ventricles")).sum()) * plan.voxel_mm**plan.dims / unit for one in made]
    r = float(pearsonr(asked, got).statistic) if len(got) > 2 and np.ptp(got) > 0 else NAN
    off = np.array(got) - asked
    return {
        "asked": list(asked),
        "got": got,
        "r": r,
        "bias": float(off.mean()),
        "mean error": float(np.abs(off).mean()),
    }


def mean_amounts(some: Described) -> NDArray[np.float64]:
    """(11,) [mm^2, mm^3]"""
    return np.asarray(np.mean([m.amount for m in some.members], axis=0))


def contacts(some: Described) -> NDArray[np.float64]:
    """(11, 11) mean share of faces."""
    return np.asarray(np.mean([m.touching for m in some.members], axis=0))


def mean_of(some: Described, what: str, name: str) -> float:
    return float(np.mean([getattr(m, what)[index(name)] for m in some.members]))


def scaled(x: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns less the mean of `by` over its standard deviation: all features count alike."""
    return (x - by.mean(0)) / np.maximum(by.std(0), LEAST_SPREAD)


def _frechet(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    try:
        return frechet_distance(a, b)
    except InputError:
        return NAN
