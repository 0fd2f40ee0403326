"""audit(): an image, its sources and an auditor → where the image goes beyond what its sources can explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.preprocess.foreground import foreground_of_all
from spinloom.translate.limits import beyond
from spinloom.translate.model import Model
from spinloom.translate.plan import Side
from spinloom.translate.prepare import in_ras, prepare, restored, target_values
from spinloom.translate.resimulate import explained
from spinloom.translate.translate import apply_of
from spinloom.translate.trust import calibrated_for, misfit, trust_of

MAPS = {"T1", "T2", "PD"}
DOUBT = 0.05


@dataclass(frozen=True, eq=False)
class Audited:
    """trust     (x, y, z) 0 to 1 on the image's grid, 1 outside the subject
    misfit       in sigmas;  expected: what the sources explain, in multiples of the foreground's 99.5th percentile
    protocol     by which the image is explained best
    doubted      share of the subject with a trust of at most DOUBT; of images in which nothing is wrong about DOUBT
    warnings     what of the sources lies outside the auditor's training
    """

    trust: Image
    misfit: Image
    expected: Image
    protocol: str
    doubted: float
    warnings: tuple[str, ...]


def audit(image: Image, sources: Sequence[Image], auditor: Model, contrast: str, mask: Image | None = None) -> Audited:
    """Simulate the image again from its sources, and say where it differs by more than such images do.

    image     what is judged, a signal;  sources  what it was made from, on the same grid
    contrast  of the image: T2w, FLAIR ...
    mask      the brain; None: the foreground, right for stripped images

    Raises InputError for an auditor that makes no maps or was not calibrated for the contrast, and for other grids.
    """
    plan = auditor.plan
    if {s.quantity for s in plan.target} != MAPS:
        raise InputError(
            f"{auditor.name} makes no maps of T1, T2 and PD", remedy="spinloom study trust makes an auditor."
        )
    usual = calibrated_for(auditor.about, contrast)
    if image.quantity is not Quantity.SIGNAL:
        raise InputError(f"the image holds {image.quantity.value}, a signal is judged")
    if not image.grid.same_place(sources[0].grid, 1e-2):
        raise InputError("image and source lie on different grids", remedy="Register and resample one of them first.")
    turned = [in_ras(s) for s in sources]
    where = foreground_of_all(turned) if mask is None else np.asarray(in_ras(mask).data != 0)
    inside = Image(where.astype(np.uint8), turned[0].affine, Quantity.LABEL)
    made = prepare(turned, plan, inside)
    with torch.inference_mode():
        given = torch.from_numpy(made.source)[None]
        answer = auditor.translator.sample(given, torch.Generator().manual_seed(0), apply_of(plan))[0].float().numpy()
    maps = {s.quantity: np.asarray(s.unscaled(v), np.float32) for s, v in zip(plan.target, answer, strict=True)}
    side = Side(contrast=contrast)
    t = target_values(in_ras(image), where, side, plan)[made.cut]
    found = explained(t, maps["T1"], maps["T2"], maps["PD"], made.mask, contrast)
    away = misfit(t, found.image, made.mask, made.grid.voxel_mm.tolist(), usual)
    trust = trust_of(away, made.mask, usual)
    known = auditor.about.get("range")
    doubt = restored(1 - trust, made, side, sources[0])
    return Audited(
        Image((1 - np.asarray(doubt.data)).astype(np.float32), doubt.affine),
        restored(away, made, side, sources[0]),
        restored(found.image, made, side, sources[0]),
        found.protocol.told,
        float((trust[made.mask] <= DOUBT).mean()),
        tuple(beyond(made, known if isinstance(known, dict) else {}, [s.contrast for s in plan.source])),
    )
