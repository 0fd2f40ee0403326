"""Held-out subjects by a translator and by the floors it has to beat, scored by the honest protocol."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from spinloom.core.image import Image, Quantity
from spinloom.evaluation.floors.example import Example
from spinloom.evaluation.floors.identity import Identity
from spinloom.evaluation.floors.lookup import IntensityLookup
from spinloom.evaluation.floors.tissue_mean import TissueMeanOracle
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.scores import Report, evaluate
from spinloom.models.told import told_of
from spinloom.models.translator import Translator
from spinloom.train.examples import Volumes
from spinloom.translate.devices import arithmetic
from spinloom.translate.plan import Plan
from spinloom.translate.translate import apply_of

EYE = np.eye(4)


def answer(translator: Translator, volumes: Volumes, plan: Plan, seed: int = 0) -> np.ndarray:
    """(d, x, y, z) what the translator makes of a prepared subject."""
    assert volumes.source is not None
    device = next(translator.parameters()).device
    rng = torch.Generator().manual_seed(seed)
    with torch.inference_mode(), arithmetic(plan, device):
        given = volumes.source[None].to(device)
        asked = told_of(translator, volumes.told)
        return np.asarray(asked.sample(given, rng, apply_of(plan))[0].float().cpu().numpy())


def scored(made: Sequence[np.ndarray], held: Sequence[Volumes], plan: Plan) -> dict[str, Report]:
    """By contrast: a report over subjects of what was made (d, x, y, z) of each."""
    return {side.contrast: evaluate(pairs_of(made, held, plan, i), "honest") for i, side in enumerate(plan.target)}


def pairs_of(made: Sequence[np.ndarray], held: Sequence[Volumes], plan: Plan, i: int) -> list[Pair]:
    """What was made (d, x, y, z) of each subject beside what it should be, of the i-th target, in its unit."""
    side, pairs = plan.target[i], []
    for values, one in zip(made, held, strict=True):
        assert one.target is not None
        x, y = values[i].astype(float), one.target[i].numpy().astype(float)
        if not side.is_signal:
            x, y = side.unscaled(x), side.unscaled(y)
        pairs.append(Pair(one.name, x, y, one.mask.numpy(), None, one.voxel_mm, Quantity[side.quantity], EYE))
    return pairs


def floors(train: Sequence[Volumes], held: Sequence[Volumes], plan: Plan) -> dict[str, list[np.ndarray]]:
    """What lookup table and identity (of the first source, where it is of the target's kind) make of the held-out
    subjects, by name."""
    found: dict[str, list[np.ndarray]] = {}
    alike = all(s.quantity == plan.source[0].quantity for s in plan.target)
    for floor in (IntensityLookup(), Identity()) if alike else (IntensityLookup(),):
        made = []
        for i in range(len(plan.target)):
            fitted = floor.fit([_example(v, i) for v in train])
            made.append([np.asarray(fitted.predict(_image(v.source), _mask(v)).data) for v in held])
        found[floor.name] = [np.stack(parts) for parts in zip(*made, strict=True)]
    return found


def oracle(held: Sequence[Volumes]) -> list[np.ndarray]:
    """What knowing every voxel's tissue, and the mean of each tissue in this very subject, would make of each."""
    made = []
    for v in held:
        assert v.target is not None
        assert v.labels is not None
        labels = Image(v.labels.numpy(), EYE, Quantity.LABEL)
        parts = []
        for target in v.target:
            fitted = TissueMeanOracle().fit([Example(labels, Image(target.numpy(), EYE), _mask(v))])
            parts.append(np.asarray(fitted.predict(labels, _mask(v)).data))
        made.append(np.stack(parts))
    return made


def _example(v: Volumes, i: int) -> Example:
    assert v.target is not None
    return Example(_image(v.source), Image(v.target[i].numpy(), EYE), _mask(v))


def _image(values: torch.Tensor | None) -> Image:
    assert values is not None
    return Image(values[0].numpy(), EYE)


def _mask(v: Volumes) -> Image:
    return Image(v.mask.numpy().astype(np.uint8), EYE, Quantity.LABEL)
