"""`spinloom train`: a folder of images, or simulated heads → a translator, its curves, pictures and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o
from spinloom.cli.folders import Exclude, LayoutName, tell
from spinloom.cli.train_asked import only, pairs_of, root_of, same_question, seconds, sound_any
from spinloom.cli.train_said import doing, facts_of, shown

Names = list[str] | None


def train(
    out: o.Out,
    data: Annotated[
        Path | None, typer.Argument(help="A folder of scans, pairs.json, or shards. Left out: simulated heads alone.")
    ] = None,
    source_data: Annotated[
        Path | None,
        typer.Option("--source-data", help="A folder of the sources alone, e.g. low-field T1w of the same people."),
    ] = None,
    source: Annotated[Names, typer.Option("--source", help="What goes in, e.g. T1w. May be repeated.")] = None,
    target: Annotated[Names, typer.Option("--target", help="What should come out, e.g. T2w, CT, T1map.")] = None,
    family: Annotated[
        str,
        typer.Option("--family", help="regression, pix2pix, cyclegan, ddpm, fast-ddpm, edm, flow, bridge, refinement."),
    ] = "regression",
    budget: Annotated[str, typer.Option("--budget", help="How long to train, e.g. 90s, 30m, 2h.")] = "15m",
    memory: Annotated[
        str | None, typer.Option("--memory", help="What a step may take, e.g. 8G. Default: what is free.")
    ] = None,
    dims: Annotated[str, typer.Option("--dims", help="2, 2.5 (slices with neighbours, three views) or 3.")] = "2.5",
    super_resolution: Annotated[
        int | None,
        typer.Option("--super-resolution", help="Target from itself in slices so many times as thick.", min=2, max=16),
    ] = None,
    stages: Annotated[
        int, typer.Option("--stages", help="Super-resolution in so many steps, each a model of its own.", min=1, max=4)
    ] = 1,
    simulated: Annotated[
        int, typer.Option("--simulated", help="Digital heads to simulate samples from.", min=0, max=1000)
    ] = 0,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="A folder of whole-head label maps to simulate samples from.")
    ] = None,
    share: Annotated[
        float, typer.Option("--simulated-share", help="Of samples, where there are scans too.", min=0, max=1)
    ] = 0.3,
    source_B0: Annotated[
        float | None, typer.Option("--source-B0", help="Field of simulated sources [T], e.g. 0.055.", min=0.05, max=7)
    ] = None,
    target_B0: Annotated[
        float | None, typer.Option("--target-B0", help="Field of simulated targets [T].", min=0.05, max=7)
    ] = None,
    any_contrast: Annotated[
        bool, typer.Option("--any-contrast", help="Any contrast to any, told TR, TE, TI, FA, B0; simulated heads.")
    ] = False,
    unpaired: Annotated[bool, typer.Option("--unpaired", help="Sources and targets are of different people.")] = False,
    split: Annotated[
        Path | None, typer.Option("--split", help="Made by `spinloom split`. Default: 15 % held out.")
    ] = None,
    setting: Annotated[
        Names, typer.Option("--set", help="Of the family, e.g. --set sampling_steps=20. May be repeated.")
    ] = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="A plan.json: it alone says what is done.")] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="A model to begin with, of the same network: fine-tuning.")
    ] = None,
    plan_only: Annotated[bool, typer.Option("--plan-only", help="Write plan.json and stop.")] = False,
    name: Annotated[str, typer.Option("--name", help="Of the model.")] = "translator",
    attribution: Annotated[str, typer.Option("--attribution", help="Whose data it is, for the model's card.")] = "",
    device: Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")] = "auto",
    layout: LayoutName = None,
    exclude: Exclude = None,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Train a translator and score it on subjects held out. The same command again goes on where it stopped.

    Example: spinloom train scans --source T1w --target T2w --budget 15m -o run
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts, print_note

    needs_learn()
    from dataclasses import replace

    from spinloom.core.errors import UsageError
    from spinloom.dataset.split_cases import read_splits
    from spinloom.train.data import examples_of
    from spinloom.train.draft import draft
    from spinloom.train.folder import PLAN
    from spinloom.train.gather import gather, gather_shards
    from spinloom.train.memory import bytes_of
    from spinloom.train.planner import sized, timed
    from spinloom.train.ranks import expected
    from spinloom.train.train import train as run
    from spinloom.translate.devices import chosen
    from spinloom.translate.plan import read_plan, write_plan
    from spinloom.translate.shelf import fetched

    where = chosen(device)
    if expected() > 1 and plan is None:
        raise UsageError(
            "several processes need one plan", remedy="Write it first with --plan-only, then give it with --plan."
        )
    if stages > 1 and plan is not None:
        raise UsageError("--plan says what one model learns", remedy="Train the stages one by one.")
    if source_data is not None and (data is None or not data.is_dir() or super_resolution):
        raise UsageError("--source-data goes with a folder of targets", remedy="E.g. train high --source-data low.")
    if super_resolution and source:
        raise UsageError("super-resolution makes its source from the target", remedy="Leave out --source.")
    if any_contrast:
        sound_any(data, [*(source or ()), *(target or ())], simulated or labels, family, super_resolution, plan)
    by = None if split is None else only(read_splits(split), split)

    def learned(folder: Path, thick: int | None, finer: int) -> dict[str, object]:
        """One model; thick, finer: its factor of super-resolution and that of the stages after it."""
        asked = None if plan else draft(
            source or ["T1w"], target or ["T2w"], family=family, dims=dims, thick=thick, start=finer,
            paired=not unpaired, simulated=(share if data else 1.0) if simulated or labels else 0.0,
            settings=setting or [], source_B0=source_B0, target_B0=target_B0, any_contrast=any_contrast, name=name,
            seed=seed, device=where,
        )  # fmt: skip
        kept = plan if plan is not None else folder / PLAN if (folder / PLAN).exists() else None
        made = read_plan(kept) if kept else asked
        assert made is not None
        if kept and asked:
            same_question(made, asked, folder)
        for what, words, sides in (("--source", source, made.source), ("--target", target, made.target)):
            if plan and words and words != [s.contrast for s in sides]:
                has = ", ".join(s.contrast for s in sides)
                raise UsageError(f"{what} {', '.join(words)}, but the plan has {has}", remedy=f"Leave out {what}.")
        if data is not None and (data / "shards.json").is_file() and source_data is None:
            loaded = gather_shards(made, data, heads=simulated, labels=labels, say=tell)
        else:
            pairs = None if data is None else pairs_of(made, data, layout, exclude, source_data)
            loaded = gather(made, pairs, heads=simulated, labels=labels, split_by=by, say=tell)
        for who, why in loaded.told.get("left out", ()):
            print_note(f"spinloom: left out: {who}: {why}")
        for note in loaded.told.get("notes", ()):
            print_note(f"spinloom: {note}")
        if kept is None:
            masks = [v.mask for v in loaded.train or loaded.held] or [h.whole for h in loaded.heads]
            shapes = [tuple(mask.shape) for mask in masks]
            made = sized(made, shapes, seconds(budget) / stages, where, None if memory is None else bytes_of(memory))
            made = timed(made, examples_of(loaded, made, where), where)
        if plan_only:
            folder.mkdir(parents=True, exist_ok=True)
            write_plan(made, folder / PLAN)
            return {"written": [str(folder / PLAN)]}
        if attribution:
            loaded = replace(loaded, told={**loaded.told, "attribution": attribution})
        first = None if start is None else fetched(start).translator
        return facts_of(run(made, loaded, folder, device=where, start=first, say=shown, tell=doing), folder)

    if stages == 1:
        print_facts(learned(out, super_resolution, 1), as_json=json)
        return
    each = root_of(super_resolution, stages)
    for n in range(1, stages + 1):
        print_facts(learned(out / f"stage-{n}", each, each ** (stages - n)), as_json=json)
