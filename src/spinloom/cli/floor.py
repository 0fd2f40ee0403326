"""`spinloom floor`: what any learner must beat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.core.image import Image
    from spinloom.evaluation.floors.example import Example

Paths = list[Path] | None


def floor(
    name: Annotated[str, typer.Argument(help="identity, lookup, forest, cubic, or the oracle tissue-mean.")],
    apply: Annotated[Path, typer.Option("--apply", help="What to predict from (tissue-mean: a label map).")],
    out: o.Out,
    source: Annotated[Paths, typer.Option("--source", help="To fit: what goes in. Again for each subject.")] = None,
    target: Annotated[Paths, typer.Option("--target", help="To fit: what should come out, in the same order.")] = None,
    mask: Annotated[
        Paths, typer.Option("--mask", help="To fit: where it counts, in the same order. Default: source not 0.")
    ] = None,
    apply_mask: Annotated[Path | None, typer.Option("--apply-mask", help="Where it counts in --apply.")] = None,
    like: Annotated[Path | None, typer.Option("--like", help="cubic: an image on the grid to reach.")] = None,
    quantity: Annotated[str, typer.Option("--quantity", help="Of the targets: signal, HU, T1, T2, PD.")] = "signal",
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Fit a floor and predict: the score that a network has to beat.

    Example: spinloom floor lookup --source a_T1.nii.gz --target a_T2.nii.gz --apply b_T1.nii.gz -o b_T2.nii.gz
    """
    from spinloom.cli.keep import beside, keep_others
    from spinloom.cli.write import print_facts, write_images
    from spinloom.core.errors import UsageError
    from spinloom.core.image import Quantity
    from spinloom.core.version import __version__
    from spinloom.evaluation.floors.known import known_floor
    from spinloom.files.hashes import sha256_path

    known = known_floor(name)
    oracle_labels = name == "tissue-mean"
    goal = _quantity(quantity)
    goes_in = Quantity.LABEL if oracle_labels else goal if name in ("identity", "cubic") else Quantity.SIGNAL
    sources, targets, masks = source or [], target or [], mask or []
    inputs = [*sources, *targets, *masks, apply, apply_mask, like]
    keep_others(out, inputs)
    if len(sources) != len(targets) or (masks and len(masks) != len(sources)):
        raise UsageError(
            f"{len(sources)} --source, {len(targets)} --target and {len(masks)} --mask do not match",
            remedy="Name them in the same order, once for each subject.",
        )
    if known.is_fitted and not sources:
        raise UsageError(f"{name} has to be fitted", remedy="Name a pair with --source and --target.")
    finer = None if like is None else _read(like, Quantity.SIGNAL).grid
    made = known.make(seed, finer)
    places: list[Path | None] = [*masks] if masks else [None] * len(sources)
    examples = [_example(s, t, m, goes_in, goal) for s, t, m in zip(sources, targets, places, strict=True)]
    given = _read(apply, goes_in)
    inside = None if apply_mask is None else _on_its_grid(_read(apply_mask, Quantity.LABEL), given, apply_mask)
    result = made.fit(examples).predict(given, inside)
    told = {
        "floor": name,
        "version": __version__,
        "is_oracle": made.is_oracle,
        "settings": {k: v for k, v in vars(made).items() if isinstance(v, int | float) and k != "is_oracle"},
        "fitted to": [
            {"source": s.name, "target": t.name, "sha256": [sha256_path(s), sha256_path(t)]}
            for s, t in zip(sources, targets, strict=True)
        ],
        "applied to": {"file": apply.name, "sha256": sha256_path(apply)},
        "quantity": result.quantity.value,
    }
    written = write_images([result], out, lambda image: told, inputs=inputs)
    facts: dict[str, object] = {"written": [str(p) for p in written], "floor": known.told}
    if made.is_oracle:
        facts["note"] = "an oracle: it is told the answer's tissues, so it is a yardstick and no competitor"
    print_facts({**facts, "sidecar": str(beside(out)[0])}, as_json=json)


def _example(source: Path, target: Path, mask: Path | None, goes_in: object, goal: object) -> Example:
    from spinloom.core.errors import InputError
    from spinloom.core.image import Quantity
    from spinloom.evaluation.floors.example import Example

    try:
        return Example(
            _read(source, goes_in), _read(target, goal), None if mask is None else _read(mask, Quantity.LABEL)
        )
    except InputError as error:
        raise InputError(error.fault, file=error.file or target, remedy=error.remedy) from error


def _read(path: Path, quantity: object) -> Image:
    from spinloom.core.image import Quantity
    from spinloom.io.images import read_any

    assert isinstance(quantity, Quantity)
    return read_any(path, quantity=quantity)


def _on_its_grid(mask: Image, image: Image, path: Path) -> Image:
    from spinloom.core.errors import InputError

    if not mask.grid.same_place(image.grid, tolerance_mm=1e-2):
        raise InputError("lies on another grid than --apply", file=path, remedy="Resample it first.")
    if not (mask.data != 0).any():
        raise InputError("is an empty mask: no voxel counts", file=path)
    return mask


def _quantity(name: str) -> object:
    from spinloom.core.errors import UsageError, nearest
    from spinloom.core.image import Quantity

    known = {q.name.lower(): q for q in (Quantity.SIGNAL, Quantity.HU, Quantity.T1, Quantity.T2, Quantity.PD)}
    if name.lower() not in known:
        raise UsageError(f"no quantity '{name}'", remedy=nearest(name.lower(), tuple(known)))
    return known[name.lower()]
