"""Degraded images and what they were, as cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spinloom.core.image import Image
from spinloom.core.rng import stream
from spinloom.core.version import __version__
from spinloom.dataset.case import Case
from spinloom.dataset.degrade.onto import spline_onto
from spinloom.dataset.degrade.way import Degradation, Facts, degrade


@dataclass(frozen=True, eq=False)
class Degraded:
    """A case (source: the degraded image on the target's grid, target: the original) and the image as degraded."""

    case: Case
    image: Image


def degraded_case(
    image: Image,
    ways: Sequence[Degradation],
    *,
    subject: str,
    session: str | None = None,
    contrast: str = "T1w",
    mask: Image | None = None,
    seed: int = 0,
) -> Degraded:
    """A case whose source is the degraded image and whose target is the image itself.

    Where the degraded image has other voxels, the source is put on the target's grid by a cubic spline between them;
    the case's origin says so, and holds the recipe: method, settings, seed and what was drawn.

    seed  with subject, session and contrast it decides what is drawn, whatever else is degraded
    """
    coarse = degrade(image, ways, stream(seed, "degrade", subject, session or "", contrast))
    same = coarse.grid.same_place(image.grid)
    done = coarse.info.get("degraded", ())
    recipe: Facts = {
        "recipe": [way.facts() for way in ways],
        "done": list(done) if isinstance(done, tuple | list) else [],
        "seed": seed,
        "voxel_mm": [round(float(v), 4) for v in coarse.grid.voxel_mm],
        "shape": list(coarse.grid.shape),
        "put on the target's grid by": "nothing: it has that grid" if same else "cubic spline between voxels",
        "version": __version__,
    }
    on_grid = coarse if same else spline_onto(coarse, image.grid)
    origin = {f"source {contrast}": recipe, f"target {contrast}": {"original": True}}
    return Degraded(Case(subject, session, {contrast: on_grid}, {contrast: image}, mask, origin), coarse)
