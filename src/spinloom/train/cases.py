"""Pairs → volumes to train on, each case prepared as an image to be translated will be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.case import Case
from spinloom.dataset.pairs import Pair, Pairs
from spinloom.dataset.preprocess.foreground import foreground_of_all
from spinloom.dataset.read_case import read_case
from spinloom.train.examples import Volumes, tensor
from spinloom.translate.limits import measured
from spinloom.translate.plan import Plan
from spinloom.translate.prepare import Prepared, box, in_ras, prepare, target_values
from spinloom.translate.thick import thicken


@dataclass(frozen=True, eq=False)
class Loaded:
    """volumes; of each, what `limits.measured` says;  origin of each;  faults: those that were left out and why."""

    volumes: tuple[Volumes, ...]
    seen: tuple[Mapping[str, Any], ...]
    origins: tuple[Mapping[str, object], ...]
    faults: tuple[tuple[str, str], ...] = field(default=())


def load(
    pairs: Pairs,
    plan: Plan,
    who: set[str] | None = None,
    say: Callable[[str], None] = lambda name: None,
    *,
    turned: bool = False,
) -> Loaded:
    """Read and prepare every case (of some subjects). One that cannot be is named and left out.

    turned  whether super-resolution gets each case also with its axes turned

    Raises InputError if none is left.
    """
    volumes, seen, origins, faults = [], [], [], []
    for pair in pairs.pairs:
        if who is not None and pair.subject not in who:
            continue
        say(pair.name)
        try:
            case = read_case(pair, resample=pairs.resample)
            each = [case, *turns(case)] if turned and plan.thick else [case]
            found = [volumes_of(c, plan) if pairs.paired else one_side(c, pair, plan) for c in each]
        except SpinloomError as error:
            faults.append((pair.name, str(error)))
            continue
        volumes += [made for made, _ in found]
        seen += [told for _, told in found if told]
        origins.append({"case": pair.name, **case.origin})
    if not volumes:
        why = f" First: {faults[0][0]}: {faults[0][1]}" if faults else ""
        raise InputError(f"no case can be used.{why}")
    return Loaded(tuple(volumes), tuple(seen), tuple(origins), tuple(faults))


def turns(case: Case) -> Iterator[Case]:
    """The case with its axes in the two other cyclic orders: x, y, z of RAS become y, z, x, then z, x, y."""
    for n, order in enumerate(((1, 2, 0), (2, 0, 1)), 1):

        def turned(image: Image, order: tuple[int, int, int] = order) -> Image:
            data, A = to_ras(image.data, image.affine)
            size = np.linalg.norm(A[:3, :3], axis=0)[list(order)]
            return replace(image, data=np.ascontiguousarray(data.transpose(order)), affine=np.diag([*size, 1.0]))

        yield replace(
            case,
            session=f"{case.session or ''}turned{n}",
            target={k: turned(v) for k, v in case.target.items()},
            mask=None if case.mask is None else turned(case.mask),
        )


def volumes_of(case: Case, plan: Plan) -> tuple[Volumes, Mapping[str, Any]]:
    """One paired case, cut to the foreground of all its images."""
    targets = [in_ras(_as(case.target[s.contrast], s.quantity)) for s in plan.target]
    if plan.thick is not None:
        return _thick(targets[0], case.mask, plan, case.name)
    sources = [in_ras(_as(case.source[s.contrast], s.quantity)) for s in plan.source]
    given = None if case.mask is None else in_ras(case.mask)
    where = foreground_of_all([*sources, *targets]) if given is None else np.asarray(given.data != 0)
    mask = Image(where.astype(np.uint8), sources[0].affine, Quantity.LABEL)
    made = prepare(sources, plan, mask)
    goal = np.stack([target_values(t, where, s, plan)[made.cut] for t, s in zip(targets, plan.target, strict=True)])
    mask3 = torch.from_numpy(made.mask)
    return Volumes(case.name, tensor(made.source), tensor(goal), mask3, voxel_mm=voxel_of(made)), measured(made)


def one_side(case: Case, pair: Pair, plan: Plan) -> tuple[Volumes, Mapping[str, Any] | None]:
    """An image by itself, for training without pairs."""
    sides, images = (plan.source, case.source) if pair.source else (plan.target, case.target)
    made = prepare([_as(images[s.contrast], s.quantity) for s in sides], plan.model_copy(update={"source": sides}))
    values, mask = tensor(made.source), torch.from_numpy(made.mask)
    if pair.source:
        return Volumes(case.name, values, None, mask, voxel_mm=voxel_of(made)), measured(made)
    return Volumes(case.name, None, values, mask, voxel_mm=voxel_of(made)), None


def _thick(target: Image, mask: Image | None, plan: Plan, name: str) -> tuple[Volumes, Mapping[str, Any]]:
    """Super-resolution: the source is made from the target."""
    assert plan.thick is not None
    factor, axis, start = plan.thick.factor, plan.thick.axis, plan.thick.start

    def planes(image: Image) -> Image:
        """In RAS order, each plane the mean of `start`, as many planes as make whole slices."""
        data, A = to_ras(image.data, image.affine)
        keep = [slice(None)] * 3
        keep[axis] = slice(0, data.shape[axis] // (factor * start) * factor * start)
        cut = Image(np.ascontiguousarray(data[tuple(keep)]), A, image.quantity)
        return thicken(cut, start, axis) if start > 1 else cut

    fine = planes(target)
    where = foreground_of_all([fine])
    if mask is not None:
        where = np.asarray(planes(Image(np.asarray(mask.data != 0, np.float32), mask.affine)).data, float) > 0.5
    thick = thicken(fine, factor, axis)
    inside = thicken(Image(where.astype(np.float32), fine.affine), factor, axis)
    inside = Image(np.asarray(inside.data != 0).astype(np.uint8), inside.affine, Quantity.LABEL)
    made = prepare([thick], plan, inside)
    if made.thick_axis != axis:
        raise InputError(
            f"{name} has its largest voxels along {'RAS'[made.thick_axis]}, slices are made thick along {'RAS'[axis]}",
            remedy="Resample it to cubes, or set thick.axis of the plan.",
        )
    low, high = made.scales[0]
    values = (np.abs(np.asarray(fine.data, np.float64)) - low) / (high - low)
    cut = box(where, 8)
    source = np.zeros((1, *made.grid.shape), np.float32)
    source[(slice(None), *made.cut)] = made.source
    x, y = tensor(source[(slice(None), *cut)]), tensor(values[cut])[None]
    volumes = Volumes(name, x, y, torch.from_numpy(where[cut]), voxel_mm=voxel_of(made))
    return volumes, measured(made)


def voxel_of(made: Prepared) -> tuple[float, float, float]:
    """Of the working grid [mm]."""
    x, y, z = made.grid.voxel_mm.tolist()
    return x, y, z


def _as(image: Image, quantity: str) -> Image:
    """With the quantity the plan gives it, where the file does not say (a pixel does not know that it is a T1 [s])."""
    if image.quantity is Quantity.SIGNAL and quantity != "SIGNAL":
        return Image(image.data, image.affine, Quantity[quantity], image.info)
    return image
