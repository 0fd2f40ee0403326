"""Images → what a network sees: RAS, working grid, foreground, shading taken out, scaled, cut; and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.core.resample import AIR_HU, resample
from spinloom.dataset.preprocess.bias import BiasCorrection
from spinloom.dataset.preprocess.foreground import foreground_of_all
from spinloom.translate.plan import Plan, Side
from spinloom.translate.thick import finer, interpolated

Volume = NDArray[np.float32]
MARGIN = 8
"""Voxels around the foreground that the network still sees."""
SAME = 0.02
"""Relative difference of voxel sizes that is let pass without resampling."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """source  (c, x, y, z) scaled, cut to the foreground and a margin;  mask (x, y, z) of the same cut
    grid    the whole working grid;  cut  where the cut lies in it;  scales  per source (low, high) that became 0 and 1
    thick_axis  of RAS, where the images had their largest voxels (super-resolution)
    everywhere  an answer counts outside the mask, too
    """

    source: Volume
    mask: Mask
    grid: Grid
    cut: tuple[slice, slice, slice]
    scales: tuple[tuple[float, float], ...]
    thick_axis: int = 2
    everywhere: bool = False

    @property
    def counts(self) -> Mask:
        """Where an answer counts."""
        return np.ones_like(self.mask) if self.everywhere else self.mask


def prepare(
    images: Sequence[Image], plan: Plan, mask: Image | None = None, axis: int | None = None, everywhere: bool = False
) -> Prepared:
    """Sources of one case, in the plan's order and on one grid. In whichever order a file stores its axes: the same.

    mask  where the subject is; None: found in the images
    axis  of RAS, across which super-resolution refines; None: where voxels are largest
    everywhere  the cut is the whole image, and an answer counts in all of it

    Raises InputError for images of several grids, without foreground, or of another quantity than the plan's.
    """
    if len(images) != len(plan.source):
        names = ", ".join(s.contrast for s in plan.source)
        raise InputError(f"{len(images)} images were given, {len(plan.source)} are needed: {names}")
    for image, side in zip(images, plan.source, strict=True):
        if not image.grid.same_place(images[0].grid, 1e-2):
            raise InputError("the sources lie on different grids", remedy="Register and resample them first.")
        require_kind(image, side)
    images = [in_ras(image) for image in images]
    mask = None if mask is None else in_ras(mask)
    where = None if mask is None else mask.data != 0
    if where is not None and mask is not None and not mask.grid.same_place(images[0].grid, 1e-2):
        raise InputError("the mask lies on another grid than the image", remedy="Resample it first.")
    if where is None:
        where = foreground_of_all(images)
    if not where.any():
        raise InputError(
            "no voxel counts: the mask is empty"
            if mask is not None
            else "no foreground is found: nothing is brighter than the background, or a few voxels outshine all others",
            remedy="Look at the image; take out voxels that are far too bright, or give a mask.",
        )
    across = thick_axis(images[0].grid) if axis is None else axis
    grid = working_grid(images[0].grid, plan, across)
    values, scales = [], []
    for image, side in zip(images, plan.source, strict=True):
        scaled, scale = normalised(image, where, side)
        values.append(_onto(scaled, grid, plan))
        scales.append(scale)
    inside = np.asarray(_labels_onto(where, images[0].affine, grid))
    if not inside.any():
        raise InputError("nothing of the mask is left on the working grid")
    cut = box(inside | everywhere, MARGIN)
    source = np.stack([v[cut] for v in values]).astype(np.float32)
    return Prepared(source, inside[cut], grid, cut, tuple(scales), across, everywhere)


def target_values(image: Image, where: Mask, side: Side, plan: Plan) -> Volume:
    """A target as a network should make it, on the working grid (super-resolution: on its own)."""
    require_kind(image, side)
    scaled, _ = normalised(image, where, side)
    grid = _ras(image.grid) if plan.thick else working_grid(image.grid, plan)
    return np.asarray(_onto(scaled, grid, plan.model_copy(update={"thick": None})), np.float32)


def normalised(image: Image, where: Mask, side: Side) -> tuple[Image, tuple[float, float]]:
    """The image with low as 0 and high as 1, and the two."""
    if side.is_signal:
        image = replace(image, data=np.abs(np.asarray(image.data)).astype(np.float32))
        if side.bias and where.sum() > 4096:
            image = BiasCorrection(iterations=20).fit(image, where).forward(image)
        inside = np.asarray(image.data)[where]
        low = 0.0 if side.low == 0 else float(np.percentile(inside, side.low))
        high = float(np.percentile(inside, side.high))
        if not high > low:
            raise InputError(
                f"{side.contrast} is constant in the foreground: {low:g}", remedy="Give a mask, or leave it out."
            )
        side = side.model_copy(update={"low": low, "high": high})
    scaled = side.scaled(np.asarray(image.data, np.float32))
    return replace(image, data=scaled, quantity=Quantity.SIGNAL), (side.low, side.high)


def restored(
    values: Volume, made: Prepared, side: Side, like: Image, scale: tuple[float, float] | None = None
) -> Image:
    """An answer (x, y, z) of the network as an Image on the grid of `like`, in the side's unit.

    scale  (low, high) of a SIGNAL; None: 0 and 1, so that 1 is the 99.5th percentile of the foreground

    Where it does not count: 0, or air for CT numbers. Onto another grid, by linear interpolation R of what counts:

        R(m x) / R(m)  where R(m) >= 1/2,  m where it counts
    """
    if scale or side.is_signal:
        side = side.model_copy(update=dict(zip(("low", "high"), scale or (0.0, 1.0), strict=True)))
    quantity = Quantity[side.quantity]
    outside = AIR_HU if quantity is Quantity.HU else 0.0
    whole, m = np.zeros((2, *made.grid.shape), np.float32)
    whole[made.cut] = np.where(made.counts, side.unscaled(values), 0)
    m[made.cut] = made.counts
    image, inside = (Image(v, made.grid.affine) for v in (whole, m))
    if (straight := reorder(image, like.grid)) is not None:
        image, inside = straight, reorder(inside, like.grid) or inside
    else:
        image, inside = resample(image, like.grid), resample(inside, like.grid)
    share = np.asarray(inside.data, np.float32)
    data = np.where(share >= 0.5, image.data / np.maximum(share, 0.5), outside)
    if quantity is Quantity.HU:
        data = np.maximum(data, AIR_HU)  # nothing is thinner than air
    return Image(data.astype(np.float32), image.affine, quantity)


def in_ras(image: Image) -> Image:
    """The same image with its axes in the order R, A, S."""
    data, A = to_ras(image.data, image.affine)
    return replace(image, data=np.ascontiguousarray(data), affine=A)


def working_grid(grid: Grid, plan: Plan, axis: int | None = None) -> Grid:
    """RAS order; the plan's voxel size where it has one; super-resolution: finer across an axis (None: the thick)."""
    ras = _ras(grid)
    if plan.thick is not None:
        return finer(ras, plan.thick.factor, thick_axis(grid) if axis is None else axis)
    if plan.voxel_mm is None or np.allclose(ras.voxel_mm, plan.voxel_mm, rtol=SAME):
        return ras
    extent = ras.voxel_mm * np.array(ras.shape)
    shape = np.maximum(np.ceil(extent / plan.voxel_mm - 0.01), 1).astype(int)
    A = np.eye(4)
    A[:3, :3] = ras.affine[:3, :3] / ras.voxel_mm * plan.voxel_mm
    A[:3, 3] = ras.centre_mm - A[:3, :3] @ ((shape - 1) / 2)
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), A)


def box(mask: Mask, margin: int) -> tuple[slice, slice, slice]:
    """The smallest box around a mask, and some voxels more where there are any."""
    found = []
    for axis, n in enumerate(mask.shape):
        some = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        found.append(slice(max(0, int(some[0]) - margin), min(n, int(some[-1]) + margin + 1)))
    return found[0], found[1], found[2]


def reorder(image: Image, grid: Grid) -> Image | None:
    """The image with its axes ordered and flipped as a grid's, without interpolation; None if that is not enough."""
    data, A = to_ras(image.data, image.affine)
    index = np.arange(int(np.prod(grid.shape)), dtype=np.int64).reshape(grid.shape)
    order, B = to_ras(index, grid.affine)
    if data.shape != order.shape or not Grid(data.shape, A).same_place(Grid(order.shape, B), 1e-2):  # type: ignore[arg-type]
        return None
    out = np.empty(int(np.prod(grid.shape)), data.dtype)
    out[order.ravel()] = data.ravel()
    return replace(image, data=out.reshape(grid.shape), affine=grid.affine)


def _onto(image: Image, grid: Grid, plan: Plan) -> Volume:
    if plan.thick is not None:
        data, A = to_ras(image.data, image.affine)
        return np.asarray(interpolated(Image(data, A), grid).data, np.float32)
    straight = reorder(image, grid)
    return np.asarray((straight or resample(image, grid)).data, np.float32)


def _labels_onto(where: Mask, affine: NDArray[np.float64], grid: Grid) -> Mask:
    image = Image(where.astype(np.uint8), affine, Quantity.LABEL)
    return np.asarray((reorder(image, grid) or resample(image, grid)).data != 0)


def thick_axis(grid: Grid) -> int:
    """Of RAS, where voxels are largest."""
    return int(np.argmax(_ras(grid).voxel_mm))


def _ras(grid: Grid) -> Grid:
    data, A = to_ras(np.empty(grid.shape, bool), grid.affine)
    x, y, z = data.shape
    return Grid((x, y, z), A)


def require_kind(image: Image, side: Side) -> None:
    """Raises InputError for voxels that are no numbers or all alike, and for another quantity or unit than needed."""
    if image.data.dtype.kind not in "fiub" or not np.isfinite(np.asarray(image.data)).all():
        raise InputError(f"{side.contrast} holds NaN, infinite or complex voxels", remedy="Repair it or leave it out.")
    if image.data.min() == image.data.max():
        raise InputError(
            f"{side.contrast} is constant: every voxel is {image.data.flat[0]:g}",
            remedy="Leave it out or export it again.",
        )
    if image.quantity.name != side.quantity:
        raise InputError(f"{side.contrast} holds {image.quantity.value}, {Quantity[side.quantity].value} is needed")
    most = float(np.percentile(np.asarray(image.data, np.float32), 95)) if side.quantity in ("T1", "T2", "PD") else 0.0
    if most > 10 * side.high:
        raise InputError(
            f"{side.contrast} reaches {most:.3g}, {side.high:g} is expected", remedy="T1 and T2 are in s, PD is 0 to 1."
        )
