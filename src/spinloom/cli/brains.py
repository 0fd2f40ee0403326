"""`spinloom train-brains`: a generator of heads that nobody has, from label maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o


def train_brains(
    labels: Annotated[Path, typer.Argument(help="A folder of whole-head label maps (NIfTI, FreeSurfer numbers).")],
    out: o.Out,
    family: Annotated[str, typer.Option("--family", help="flow, fast-ddpm or gan.")] = "flow",
    dims: Annotated[int, typer.Option("--dims", help="2: axial slices at 1 mm. 3: heads at 2 mm.", min=2, max=3)] = 2,
    budget: Annotated[str, typer.Option("--budget", help="Time for all its networks: 90s, 15m, 2h.")] = "15m",
    held: Annotated[int, typer.Option("--held", help="How many label maps are never learned from.", min=0)] = 5,
    finer: Annotated[
        str | None, typer.Option("--finer", help="Another run, whose finer networks are taken as they are.")
    ] = None,
    plan: Annotated[Path | None, typer.Option("--plan", help="A plan.json: it alone says what is done.")] = None,
    name: Annotated[str, typer.Option("--name", help="Of the model.")] = "brains",
    attribution: Annotated[str, typer.Option("--attribution", help="Whose label maps they are.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="Of the label maps.")] = "",
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Train a generator of digital heads. The same command again goes on where it stopped.

    Example: spinloom train-brains label_maps --family flow --budget 15m -o run_brains
    """
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.cli.train_asked import seconds
    from spinloom.cli.write import print_facts, print_note
    from spinloom.core.errors import UsageError, nearest
    from spinloom.train.brains import train_brains as run
    from spinloom.train.folder import MODEL, PLAN
    from spinloom.translate.brain_model import fetched_brains
    from spinloom.translate.brain_plan import FAMILIES, plan_for, read_brain_plan
    from spinloom.translate.devices import has_bf16

    known = [f for f in FAMILIES if f == family]
    if not known:
        raise UsageError(f"no family '{family}'", remedy=nearest(family, FAMILIES))
    made = read_brain_plan(plan) if plan else plan_for(known[0], dims, name=name, seed=seed, bf16=has_bf16("cpu"))
    model = run(
        made,
        labels,
        out,
        held=held,
        seconds=seconds(budget),
        finer=None if finer is None else fetched_brains(finer),
        told={"attribution": attribution, "licence": licence},
        say=lambda text: print_note(f"  {text}"),
    )
    facts = {
        "written": [str(out / MODEL), str(out / PLAN)],
        "family": model.plan.family,
        "weights": sum(p.numel() for part in (model.base, *model.finer) for p in part.parameters()),
    }
    print_facts(facts, as_json=json)
