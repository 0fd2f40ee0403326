"""`spinloom study brains`: how good are heads that nobody has?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o


def brains(
    labels: Annotated[Path, typer.Argument(help="The folder of label maps that the generators were trained on.")],
    out: o.Out,
    model: Annotated[list[str], typer.Option("--model", help="A run of train-brains, a file, a name. Repeat.")],
    slices: Annotated[int, typer.Option("--slices", help="Levels of each held-out map.", min=4, max=200)] = 24,
    heads: Annotated[int, typer.Option("--heads", help="Whole heads generated.", min=2, max=1000)] = 10,
    asked: Annotated[int, typer.Option("--asked", help="Sizes of ventricles asked for.", min=3, max=1000)] = 40,
    seed: o.Seed = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Parts of sets generated at once; 0: in this process.", min=0)
    ] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Compare generators of heads with label maps never trained on; ends in a page.

    Trains nothing: spinloom train-brains does. The same command goes on where it was stopped.

    Example: spinloom study brains label_maps --model run_flow --model run_gan -o brains
    """
    from spinloom.cli.learn import needs_learn

    needs_learn()
    from spinloom.cli.write import print_facts, print_note
    from spinloom.study.brains import study_brains

    names = " ".join(f"--model {Path(m).name}" for m in model)
    command = (
        f"spinloom study brains {labels.name} {names} --slices {slices} --heads {heads} --asked {asked} -o {out.name}"
    )
    written = study_brains(
        model, labels, out, e.crew(engine, jobs, address), slices=slices, heads=heads, asked=asked, seed=seed,
        command=command, say=lambda text: print_note(f"  {text}"),
    )  # fmt: skip
    print_facts({"written": [str(path) for path in written]}, as_json=json)
