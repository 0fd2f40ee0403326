"""`spinloom study brains`: how good are heads that nobody has?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o


def brains(
    labels: Annotated[Path, typer.Argument(help="The folder of label maps that the generators were trained on.")],
    out: o.Out,
    model: Annotated[list[str], typer.Option("--model", help="A run of train-brains, a file, a name. Repeat.")],
    slices: Annotated[int, typer.Option("--slices", help="Levels of each held-out map.", min=4, max=200)] = 24,
    heads: Annotated[int, typer.Option("--heads", help="Whole heads generated.", min=2, max=1000)] = 10,
    asked: Annotated[int, typer.Option("--asked", help="Sizes of ventricles asked for.", min=3, max=1000)] = 40,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Compare generators of heads with label maps never trained on; ends in a page.

    Example: spinloom study brains label_maps --model run_flow --model run_gan -o brains
    """
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.cli.write import print_facts
    from spinloom.study.brains import study_brains
    from spinloom.translate.brain_model import fetched_brains

    names = " ".join(f"--model {Path(m).name}" for m in model)
    command = (
        f"spinloom study brains {labels.name} {names} --slices {slices} --heads {heads} --asked {asked} -o {out.name}"
    )
    written = study_brains(
        [fetched_brains(m) for m in model], labels, out, slices=slices, heads=heads, asked=asked, seed=seed,
        command=command, say=lambda text: typer.echo(f"  {text}", err=True),
    )  # fmt: skip
    print_facts({"written": [str(path) for path in written]}, as_json=json)
