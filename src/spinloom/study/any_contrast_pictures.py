"""One head in five contrasts: what was made beside what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Sheet
from PIL import ImageDraw

from spinloom.core.image import Image, Quantity
from spinloom.report.slices import webp
from spinloom.study.any_contrast_people import CONTRASTS, T1W, Person, made_by, scan
from spinloom.study.any_contrast_real import PEOPLE, read, scaled
from spinloom.train.any_contrast import told
from spinloom.train.examples import Volumes
from spinloom.train.simulated import ANY, CLEAN
from spinloom.translate.model import Model
from spinloom.translate.translate import translate

Plane = np.ndarray


def five(model: Model, who: Person, seed: int) -> bytes:
    """WebP: the T1w that was given; below it, per contrast of CONTRASTS, what was made over what is right."""
    source = scan(who, T1W, model.plan, ANY, seed)
    z = source.shape[2] // 2
    made, right = [], []
    for target in CONTRASTS.values():
        given = Volumes(who.name, source[None], None, who.mask, told=told(T1W, target))
        made.append(made_by(model.translator, [given], model.plan)[0][0][..., z] * who.mask.numpy()[..., z])
        right.append((scan(who, target, model.plan, CLEAN, seed) * who.cut.mask)[..., z].numpy())
    titles = [f"made: {name}" for name in CONTRASTS]
    blank = np.zeros_like(right[0])
    return sheet([[source[..., z].numpy(), *made], [blank, *right]], [["given: T1w", *titles], ["", *["equation"] * 5]])


def five_real(model: Model, data: Path, who: str = "MS 19") -> bytes:
    """WebP: a real T1w, the contrasts made of it, and the T2w that is there."""
    x, y, mask = read(data, who, "T1w to T2w")
    where = Image(mask.astype(np.uint8), x.affine, Quantity.LABEL)
    z = int(np.median(np.nonzero(mask)[2]))
    own = PEOPLE[who].protocols
    targets = {f"made: {n}": own[1] if n == "T2w" else a for n, a in CONTRASTS.items()}
    box = tuple(slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(mask[..., z]))

    def plane(values: object) -> Plane:
        return scaled(values, mask)[..., z][box]

    made = [
        plane(next(iter(translate([x], model, mask=where, acquisitions=(own[0], a)).images.values())).data)
        for a in targets.values()
    ]
    titles = ["real T1w (given)", *targets, "real T2w"]
    return sheet([[plane(x.data), *made[:2], plane(y.data)], made[2:]], [[*titles[:3], titles[-1]], titles[3:-1]])


def sheet(rows: Sequence[Sequence[Plane]], titles: Sequence[Sequence[str]]) -> bytes:
    """Planes (x, y) of 0 to 1 in rows, front up, each under its title."""
    w, h = (max(p.shape[a] for row in rows for p in row) for a in (0, 1))
    bar = 13
    page = Sheet.new("L", (max(map(len, rows)) * (w + 2), len(rows) * (h + bar + 2)))
    draw = ImageDraw.Draw(page)
    for r, (row, names) in enumerate(zip(rows, titles, strict=True)):
        for c, (plane, name) in enumerate(zip(row, names, strict=True)):
            grey = (255 * np.clip(plane.T[::-1], 0, 1)).astype(np.uint8)
            draw.text((c * (w + 2) + 2, r * (h + bar + 2)), name, fill=220)
            page.paste(Sheet.fromarray(grey), (c * (w + 2), r * (h + bar + 2) + bar))
    return webp(np.asarray(page))
