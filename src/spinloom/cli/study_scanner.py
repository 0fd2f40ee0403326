"""`spinloom study scanner`: a learned Bloch simulator, taught and tried."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o


def scanner(
    out: o.Out,
    train: Annotated[
        Path | None, typer.Option("--train", help="Teach new weights first, into this file (.safetensors).")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Try these. Default: those that come with the package.")
    ] = None,
    lessons: Annotated[int, typer.Option("--lessons", help="Random sequences to teach by.", min=5)] = 1100,
    steps: Annotated[int, typer.Option("--steps", help="Steps of the optimiser, per network.", min=1)] = 20000,
    seed: o.Seed = 0,
    tiny: Annotated[bool, typer.Option("--tiny", help="Two small scans only, to see that it runs.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cases at once; 0: in this process.", min=0)] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
) -> None:
    """A network in place of spins: how right, how fast, and what its gradients are good for.

    Example: spinloom study scanner -o scanner
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_line, print_note
    from spinloom.core.errors import UsageError

    needs_learn()
    if train is not None and weights is not None:
        raise UsageError("--train makes weights and --weights names some", remedy="Give one of them.")
    if train is not None and train.suffix != ".safetensors":
        raise UsageError(f"--train {train}: weights are written as .safetensors", remedy="Give it that ending.")
    from spinloom.study.scanner import CASES, TINY, Training, study, teach
    from spinloom.study.scanner_fit import Teaching

    crew = e.crew(engine, jobs, address)
    if train is not None:
        plan = Training(
            lessons=lessons, held=max(5, lessons // 18), seed=seed, teaching=Teaching(steps=steps, seed=seed)
        )
        weights = teach(train, out / "lessons", plan, crew, print_note)
    for path in study(out, crew, weights=weights, cases=TINY if tiny else CASES, say=print_note):
        print_line(path)
