"""Several models one after the other: what one makes, the next is given. Super-resolution in stages, for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.image import Image, Quantity
from spinloom.core.resample import resample
from spinloom.models.cycle import Cycle
from spinloom.translate.model import Model
from spinloom.translate.plan import Plan
from spinloom.translate.prepare import thick_axis
from spinloom.translate.translate import Translated, translate


def cascade(
    images: Sequence[Image], stages: Sequence[Model], *, mask: Image | None = None, **options: Any
) -> Translated:
    """Run `translate` with each model on what the one before made; spread is the last one's.

    options  of translate: draws, flips, seed, device

    Raises UsageError for models that do not follow on each other, else what translate raises.
    """
    for first, second in pairwise(stages):
        follows(first.plan, second.plan)
    warnings: list[str] = []
    axis = None
    for model in stages:
        made = translate(images, model, mask=mask, axis=axis if model.plan.thick else None, **options)
        if model.plan.thick is not None and axis is None:
            axis = thick_axis(images[0].grid)  # all stages refine the same
        warnings += [f"{model.name}: {w}" for w in made.warnings]
        images = [made.images[side.contrast] for side in model.plan.target]
        if mask is not None and not mask.grid.same_place(images[0].grid, 1e-2):
            where = Image(np.asarray(mask.data != 0).astype(np.uint8), mask.affine, Quantity.LABEL)
            mask = resample(where, images[0].grid)
    return replace(made, warnings=tuple(dict.fromkeys(warnings)) if len(stages) > 1 else made.warnings)


def follows(first: Plan, second: Plan) -> None:
    """Raises UsageError where the second needs something else than the first makes."""
    made, needed = ([(s.contrast, s.quantity) for s in side] for side in (first.target, second.source))
    if made != needed:
        a, b = (", ".join(c for c, _ in side) for side in (made, needed))
        raise UsageError(f"{second.name} needs {b}, {first.name} makes {a}", remedy="Name models that follow on.")


def back(model: Model) -> Model:
    """A CycleGAN the other way. Raises UsageError for models that know one way only."""
    if not isinstance(model.translator, Cycle):
        raise UsageError(f"{model.name} ({model.plan.family}) knows one way only", remedy="Only CycleGAN goes back.")
    plan = model.plan.model_copy(update={"source": model.plan.target, "target": model.plan.source})
    about = {k: v for k, v in model.about.items() if k not in ("range", "range back")}
    about |= {"range": model.about.get("range back", {}), "range back": model.about.get("range", {})}
    return Model(plan, model.translator.turned().eval(), about)
