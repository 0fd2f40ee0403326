"""translate(): a scan and a model → the image it would have been, on the scan's own grid, in the right unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from spinloom.core.errors import MachineError, UsageError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.rng import stream
from spinloom.models.told import told_of
from spinloom.simulation.acquisition import Acquisition
from spinloom.translate.bright import AS_IT_IS, Stretch, stretch
from spinloom.translate.conditions import outside, told_both
from spinloom.translate.devices import arithmetic, placed
from spinloom.translate.limits import beyond
from spinloom.translate.model import Model
from spinloom.translate.plan import Plan
from spinloom.translate.prepare import Prepared, in_ras, prepare, restored
from spinloom.translate.thick import consistent
from spinloom.translate.views import Slices, Windows

CUBES = 1.2
"""Below this ratio of the largest voxel size to the next, nothing says which axis is the thick one."""
NEGATIVE = 1e-3
"""Share of voxels below 0 that interpolation and filters leave in a magnitude."""


@dataclass(frozen=True, eq=False)
class Translated:
    """images: by contrast;  spread: by contrast, standard deviation per voxel over draws, flips and models (None: one
    answer only);  warnings: what of the input is outside what the model was trained on;  stretched: signals, how."""

    images: Mapping[str, Image]
    spread: Mapping[str, Image] | None
    warnings: tuple[str, ...]
    stretched: Mapping[str, Stretch] = field(default_factory=dict)


def translate(
    images: Sequence[Image],
    models: Model | Sequence[Model],
    *,
    mask: Image | None = None,
    draws: int = 1,
    flips: bool = False,
    seed: int = 0,
    device: str | torch.device = "cpu",
    axis: int | None = None,
    acquisitions: tuple[Acquisition, Acquisition] | None = None,
    bright: bool | None = None,
) -> Translated:
    """Run one model, or the mean of several that do the same.

    images   the sources in the plan's order, on one grid
    mask     where the subject is; None: found in the images (super-resolution: everything is made finer)
    draws    samples that are averaged (families that sample)
    flips    also the mirror image (left-right), mirrored back
    seed     of the noise: the same seed, the same image
    device   cpu or cuda
    axis     of RAS, across which super-resolution refines; None: where voxels are largest
    acquisitions  of source and target, for models that are told them
    bright   signals are stretched to the brightness that their unit promises (see Stretch); None: unless the model has
             learned from simulated pairs alone, which had no such need; False: as the network says

    The result lies on the input's grid (super-resolution: finer across its thick axis). HU, T1, T2, PD come in their
    unit; signal as multiples of the 99.5th percentile of the foreground; super-resolution as bright as its input, the
    mean over every slice's planes being that slice.

    Raises InputError for images that do not fit, UsageError for models that do not fit each other, MachineError
    if memory runs out.
    """
    family = [models] if isinstance(models, Model) else list(models)
    if not family or draws < 1:
        raise UsageError("at least one model and one draw are needed")
    plan = family[0].plan
    for model in family:
        require_told(model.plan, model.name, acquisitions)
    for other in family[1:]:
        if (other.plan.source, other.plan.target) != (plan.source, plan.target):
            raise UsageError(f"{other.name} makes something else than {family[0].name}: they cannot be averaged")
    answers: list[np.ndarray] = []
    warnings: list[str] = []
    everywhere = plan.thick is not None and mask is None  # a finer scan is a scan of all that was scanned
    made = prepare(images, plan, mask, axis, everywhere)
    size = sorted(images[0].grid.voxel_mm)
    if plan.thick is not None and axis is None and size[2] < CUBES * size[1]:
        warnings.append(f"voxels are no thick slices; those across {'RAS'[made.thick_axis]} were made finer")
    for image, side in zip(images, plan.source, strict=True):
        share = float(np.mean(np.asarray(image.data) < 0)) if side.is_signal else 0.0
        if share > NEGATIVE:
            warnings.append(f"{100 * share:.2g} % of {side.contrast} are below 0: a signal has no sign, it was dropped")
    for n, model in enumerate(family):
        if n:
            made = prepare(images, model.plan, mask, axis, everywhere)
        known = model.about.get("range")
        warnings += beyond(made, known if isinstance(known, Mapping) else {}, [s.contrast for s in model.plan.source])
        if acquisitions and model.plan.conditions is not None:
            for what, whose in zip(acquisitions, ("source", "target"), strict=True):
                warnings += outside(model.plan.conditions, what, whose)
        for draw in range(draws):
            for flip in (False, True) if flips else (False,):
                answers.append(_answer(model, made, seed, n, draw, flip, device, acquisitions))
        if n and answers[-1].shape != answers[0].shape:
            raise UsageError("models work on different grids: they cannot be averaged", remedy="Use one at a time.")
    mean = np.mean(answers, 0)
    like = _like(images[0], made, plan)
    own = made.scales[0] if plan.thick is not None else None
    bright = plan.training.simulated < 1 if bright is None else bright
    signal = [bright and side.is_signal and own is None for side in plan.target]
    high = [stretch(m, made.mask, s.high) if b else AS_IT_IS for m, s, b in zip(mean, plan.target, signal, strict=True)]
    out = {s.contrast: restored(high[i](mean[i]), made, s, like, own) for i, s in enumerate(plan.target)}
    if plan.thick is not None:
        inside = _whole(made.counts, made)
        given = in_ras(images[0])
        out = {k: consistent(v, given, inside, plan.thick.factor, made.thick_axis) for k, v in out.items()}
    spread = None
    if len(answers) > 1:
        spread = {}
        for i, side in enumerate(plan.target):
            each = [high[i](a[i]) if side.is_signal else side.unscaled(a[i]) for a in answers]
            if plan.thick is not None:  # answers differ by what the scan leaves open alone
                each = [_open(a, made, plan.thick.factor) for a in each]
            flat = side.model_copy(update={"quantity": "SIGNAL", "log": False})
            unit = own[1] - own[0] if own and side.is_signal else 1.0
            spread[side.contrast] = restored(np.std(each, 0, ddof=1), made, flat, like, (0.0, unit))
    how = {s.contrast: h for s, h in zip(plan.target, high, strict=True) if h is not AS_IT_IS}
    return Translated(out, spread, tuple(dict.fromkeys(warnings)), how)


def require_told(plan: Plan, name: str, acquisitions: object) -> None:
    """Raises UsageError where a model lacks acquisitions, or is given some that it cannot hear."""
    if plan.conditions is not None and acquisitions is None:
        raise UsageError(
            f"{name} makes any contrast: it must be told both acquisitions",
            remedy="E.g. --source-protocol 'GRE TR=9ms TE=3ms FA=9deg B0=3T' --target-protocol 'TSE TR=4s TE=90ms'.",
        )
    if plan.conditions is None and acquisitions is not None:
        goes, comes = (", ".join(s.contrast for s in side) for side in (plan.source, plan.target))
        raise UsageError(f"{name} makes {comes} of {goes}, whatever the protocol", remedy="Leave protocols out.")


def apply_of(plan: Plan) -> Slices | Windows:
    """How the plan's network is laid over a volume."""
    if plan.network.dims == 2:
        return Slices(plan.network.views, plan.network.slices)
    x, y, z = plan.network.patch
    return Windows((x, y, z))


def _answer(
    model: Model, made: Prepared, seed: int, n: int, draw: int, flip: bool, device: str | torch.device,
    acquisitions: tuple[Acquisition, Acquisition] | None,
) -> np.ndarray:  # fmt: skip
    """(d, x, y, z)"""
    turn = (1 + made.thick_axis, 1 + model.plan.thick.axis) if model.plan.thick else (1, 1)
    source = made.source[:, ::-1] if flip else made.source
    source = np.swapaxes(source, *turn)
    rng = torch.Generator().manual_seed(int(stream(seed, "translate", n, draw).integers(2**62)))
    placed(model.translator, device)
    told = None if acquisitions is None else torch.tensor(told_both(*acquisitions))
    given = torch.from_numpy(np.ascontiguousarray(source))[None].to(device)
    try:
        with torch.inference_mode(), arithmetic(model.plan, device):
            found = told_of(model.translator, told).sample(given, rng, apply_of(model.plan))[0].float().cpu().numpy()
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and "allocate memory" not in str(error):
            raise
        raise MachineError(
            f"out of memory for {' x '.join(map(str, source.shape[1:]))} voxels",
            remedy="Use --device cpu, or a model with smaller windows (network.patch of its plan).",
        ) from error
    found = np.swapaxes(found, *turn)
    return found[:, ::-1] if flip else found


def _whole(values: np.ndarray, made: Prepared) -> np.ndarray:
    """A cut in its place on the working grid, 0 elsewhere."""
    whole = np.zeros(made.grid.shape, values.dtype)
    whole[made.cut] = values
    return whole


def _open(values: np.ndarray, made: Prepared, factor: int) -> np.ndarray:
    """An answer less what `consistent` sets: its mean over the planes of every slice."""
    shape = list(made.grid.shape)
    shape[made.thick_axis] //= factor
    nothing = Image(np.zeros(shape, np.float32), np.eye(4), Quantity.HU)
    answer = Image(_whole(values, made), np.eye(4))
    inside = _whole(made.counts, made)
    return np.asarray(consistent(answer, nothing, inside, factor, made.thick_axis).data)[made.cut]


def _like(image: Image, made: Prepared, plan: Plan) -> Image:
    if plan.thick is None:
        return image
    grid: Grid = made.grid
    return Image(np.zeros(grid.shape, np.uint8), grid.affine)
