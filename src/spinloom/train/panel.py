"""What the network makes while it learns: one picture per interval, and all of them as an animation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageDraw

from spinloom.files import atomic
from spinloom.models.translator import Translator
from spinloom.train.examples import Volumes
from spinloom.train.score import answer
from spinloom.translate.plan import Plan

Grey = np.ndarray


def panel(translator: Translator, one: Volumes, plan: Plan, title: str) -> Picture.Image:
    """Axial, coronal and sagittal middle slices in rows; source, made, real (where there is one) and difference.

    Only these three are made, each as a slice of its own view: a panel shall not cost a whole volume.
    """
    assert one.source is not None
    at = [int(np.median(c)) for c in np.nonzero(one.mask.numpy())]
    made = {axis: plane(translator, one, plan, axis, at[axis]) for axis in (2, 1, 0)}
    columns = [
        ("source", {axis: one.source[0].numpy().take(at[axis], axis) for axis in made}, 0.0),
        ("made", made, 0.0),
    ]
    if one.target is not None:
        real = {axis: one.target[0].numpy().take(at[axis], axis) for axis in made}
        columns += [("real", real, 0.0), ("difference", {axis: made[axis] - real[axis] for axis in made}, 0.5)]
    side = max(one.mask.shape)
    sheet = Picture.new("L", (len(columns) * side, 3 * side + 14))
    draw = ImageDraw.Draw(sheet)
    for c, (name, planes, shift) in enumerate(columns):
        draw.text((c * side + 3, 1), name if c else f"{name}  {title}", fill=220)
        for r, axis in enumerate((2, 1, 0)):
            flat = np.rot90(planes[axis])
            grey = np.clip(255 * (flat / 1.2 if not shift else 0.5 + flat), 0, 255).astype(np.uint8)
            x = c * side + (side - grey.shape[1]) // 2
            sheet.paste(Picture.fromarray(grey), (x, 14 + r * side + (side - grey.shape[0]) // 2))
    return sheet


def plane(translator: Translator, one: Volumes, plan: Plan, axis: int, index: int) -> Grey:
    """(h, w) what is made of one plane, from a slab that is as thick as the network sees.

    An axis that the plan does not slice across is cut out of the whole volume, made in one view.
    """
    assert one.source is not None
    net = plan.network
    length = one.source.shape[1 + axis]
    if net.dims == 2 and axis not in net.views:
        whole = plan.model_copy(update={"network": net.model_copy(update={"views": net.views[:1]})})
        return np.asarray(answer(translator, one, whole)[0].take(index, axis))
    thick = net.slices if net.dims == 2 else min(net.patch[axis], length)
    start = max(0, min(index - thick // 2, length - thick))
    slab = replace(one, source=one.source.narrow(1 + axis, start, min(thick, length)))
    across = net.model_copy(update={"views": (axis,)}) if net.dims == 2 else net
    made = answer(translator, slab, plan.model_copy(update={"network": across}))[0]
    return np.asarray(made.take(index - start, axis))


def write_panel(picture: Picture.Image, path: Path) -> None:
    data = io.BytesIO()
    picture.save(data, "PNG")
    atomic.write_bytes(path, data.getvalue())


def animated(panels: Sequence[Path], path: Path, seconds: float = 0.35) -> None:
    """All panels one after another as WebP; the last stays for two seconds."""
    if not panels:
        return
    frames = [Picture.open(p).convert("L") for p in panels]
    duration = [int(1000 * seconds)] * (len(frames) - 1) + [2000]
    data = io.BytesIO()
    frames[0].save(data, "WEBP", save_all=True, append_images=frames[1:], duration=duration, loop=0, quality=80)
    atomic.write_bytes(path, data.getvalue())


def through(volume: np.ndarray, path: Path, frames: int = 48) -> None:
    """A walk through a volume (x, y, z) in 0 ... 1.2: axial, coronal and sagittal side by side, as WebP."""
    side = max(volume.shape)
    pages = []
    for n in range(frames):
        sheet = Picture.new("L", (3 * side, side))
        for c, axis in enumerate((2, 1, 0)):
            i = round(n * (volume.shape[axis] - 1) / (frames - 1))
            grey = np.clip(255 * np.rot90(volume.take(i, axis)) / 1.2, 0, 255).astype(np.uint8)
            sheet.paste(Picture.fromarray(grey), (c * side + (side - grey.shape[1]) // 2, (side - grey.shape[0]) // 2))
        pages.append(sheet)
    data = io.BytesIO()
    pages[0].save(data, "WEBP", save_all=True, append_images=pages[1:], duration=100, loop=0, quality=70)
    atomic.write_bytes(path, data.getvalue())
