"""calibrate(): a model and simulated people → how wide its intervals must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from spinloom.core.errors import UsageError
from spinloom.evaluation.conformal import least_subjects, subject_quantile
from spinloom.models.unet import UNet
from spinloom.study.learned_spread import learned_spread
from spinloom.study.trust_case import scanned
from spinloom.train.heads import Head
from spinloom.train.simulated import CLEAN, Cut, Scanning, map_of, scanner_of
from spinloom.translate.interval import LEVELS, Intervals, group_of, offset_of, score_of, spread_of, values_of
from spinloom.translate.model import Model
from spinloom.translate.plan import Side
from spinloom.translate.translate import apply_of

TISSUES = ("white_matter", "grey_matter", "csf")
"""What groups are named after, in rising order of predicted T1, T2 and T2w."""
THIRDS = ("lowest third", "middle third", "highest third")


@dataclass(frozen=True, eq=False)
class Answer:
    """Of one person: source (c, x, y, z), answer (d, x, y, z) scaled; value, truth (d, x, y, z) in their unit; inside
    and the tissue (x, y, z) that fills most of a voxel: its number in TISSUES, 3 a lesion, -1 another."""

    name: str
    source: np.ndarray
    answer: np.ndarray
    value: np.ndarray
    truth: np.ndarray
    inside: np.ndarray
    tissue: np.ndarray

    @property
    def error(self) -> np.ndarray:
        return np.abs(self.value - self.truth)


def answer_of(model: Model, head: Head, seed: int, how: Scanning | None = None, B0: float | None = None) -> Answer:
    """A person scanned, answered for, and the truth.

    how  None: as the model's training was scanned;  B0  of scans and truth [T], None: what the plan says
    """
    plan = model.plan
    if B0 is not None:
        sides = {n: tuple(s.model_copy(update={"B0": B0}) for s in getattr(plan, n)) for n in ("source", "target")}
        plan = plan.model_copy(update=sides)
    sources = np.stack([scanned(head, s, how or scanner_of(plan), seed) for s in plan.source])
    given = torch.from_numpy(sources.astype(np.float32))
    with torch.inference_mode():
        found = model.translator.sample(given[None], torch.Generator().manual_seed(0), apply_of(plan))[0]
    answer = found.float().numpy()
    value = np.stack([values_of(s, a) for s, a in zip(plan.target, answer, strict=True)])
    truth = np.stack([truth_of(head, s, seed) for s in plan.target])
    f = head.fractions.numpy()
    most = f.argmax(0)
    index = np.array([TISSUES.index(n) if n in TISSUES else 3 if n == "lesion_ms" else -1 for n in head.names])
    tissue = np.where(f.max(0) >= 128, index[most], -1)
    return Answer(head.name, sources, answer, value, truth, head.brain.numpy(), tissue)


def truth_of(head: Head, side: Side, seed: int) -> np.ndarray:
    """In its unit: a map, or the clean image under the usual protocol."""
    if side.is_signal:
        return scanned(head, side, CLEAN, seed)
    m = head.brain.float()
    cut = Cut(head.fractions.float() * m, head.texture.float(), m, None)
    return map_of(side.quantity, head, cut, side.B0).numpy()


def groups_of(people: Sequence[Answer]) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Edges and names of predicted tissues: an edge is the geometric mean of the median predicted first target of a
    tissue and of the next. A model that does not tell them apart gets thirds of its predictions instead."""
    medians = []
    for n in range(len(TISSUES)):
        each = np.concatenate([p.value[0][p.inside & (p.tissue == n)] for p in people])
        medians.append(float(np.median(each)) if len(each) else np.nan)
    if np.isfinite(medians).all() and (np.diff(medians) > 0).all() and medians[0] > 0:
        return tuple(float(np.sqrt(a * b)) for a, b in pairwise(medians)), TISSUES
    every = np.concatenate([p.value[0][p.inside] for p in people])
    low, high = np.quantile(every, [1 / 3, 2 / 3])
    return (float(low), float(high)), THIRDS


def of_groups(people: Sequence[Answer], scores: Sequence[np.ndarray], edges: Sequence[float]) -> list[list[np.ndarray]]:
    """[group][person] scores (x, y, z) of voxels predicted to be of that group."""
    groups = [group_of(p.value[0], edges) for p in people]
    each = list(zip(people, scores, groups, strict=True))
    return [[s[p.inside & (g == k)] for p, s, g in each] for k in range(len(edges) + 1)]


def calibrate(
    model: Model, learn: Sequence[Answer], others: Sequence[Answer], *, seed: int, steps: int, told: str
) -> tuple[Intervals, dict[str, list[float]]]:
    """Intervals of a model, and of each contrast q at 90 % per group for a constant width.

    learn   answers that the second network learns from;  others: those that calibrate, of other people

    Raises UsageError for fewer people than the highest level needs.
    """
    if len(others) < (least := least_subjects(LEVELS[-1] / 100)):
        raise UsageError(f"{len(others)} people calibrate no {LEVELS[-1]} %", remedy=f"Give {least} at least.")
    sides = model.plan.target
    given = [np.concatenate((p.source, p.answer)).astype(np.float32) for p in learn]
    net = learned_spread(
        model.plan, given, [offsets_of(sides, p) for p in learn], [p.inside for p in learn], seed, steps
    )
    edges, groups = groups_of(learn)
    offsets, s = [offsets_of(sides, p) for p in others], [spread_at(net, p) for p in others]
    q: dict[str, dict[str, list[float]]] = {}
    constant: dict[str, list[float]] = {}
    for d, side in enumerate(sides):
        scores = of_groups(others, [score_of(e[d], each[:, d]) for e, each in zip(offsets, s, strict=True)], edges)
        q[side.contrast] = {str(n): [subject_quantile(g, n / 100) for g in scores] for n in LEVELS}
        alike = of_groups(others, [p.error[d] for p in others], edges)
        constant[side.contrast] = [subject_quantile(g, 0.9) for g in alike]
    made = Intervals(net, edges, groups, q, model.sha256 or "", len(others), told)
    return made, constant


def offsets_of(sides: Sequence[Side], p: Answer) -> np.ndarray:
    """(d, x, y, z) truth less answer on the plan's scale."""
    return np.stack([offset_of(s, y, a) for s, y, a in zip(sides, p.truth, p.answer, strict=True)])


def spread_at(net: UNet, p: Answer) -> np.ndarray:
    """(2, d, x, y, z) s- and s+ on the plan's scale."""
    return spread_of(net, torch.from_numpy(p.source.astype(np.float32)), torch.from_numpy(p.answer)).numpy()
