"""`spinloom study intervals`: do 90 % of voxels lie in 90 % intervals, and how wide are they?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o
from spinloom.cli.trust import maps_of, tell


def intervals(
    out: o.Out,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Label maps of brains, three or more. Default: the template's.")
    ] = None,
    subjects: Annotated[int, typer.Option("--subjects", help="To calibrate with, and again to test on.", min=19)] = 100,
    steps: Annotated[int, typer.Option("--steps", help="That each first network learns.", min=1)] = 1100,
    reduced: Annotated[bool, typer.Option("--reduced", help="Tiny, in seconds: to see that it runs.")] = False,
    seed: o.Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Networks at once; 0: in this process.", min=0)] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Train two networks on simulated people, calibrate their intervals on others, measure on others still. The same
    command goes on where it was stopped.

    Example: spinloom study intervals --labels head_label_maps -o study
    """
    from dataclasses import replace

    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from spinloom.study.intervals import study
    from spinloom.study.intervals_units import REDUCED, Settings

    s = (
        replace(REDUCED, seed=seed)
        if reduced
        else Settings(calibrated=subjects, tested=subjects, steps=steps, seed=seed)
    )
    given = "" if labels is None else f" --labels {labels.name}"
    size = "--reduced" if reduced else f"--subjects {subjects} --steps {steps}"
    command = f"spinloom study intervals{given} {size} --seed {seed} -o {out.name}"
    found = study(maps_of(labels), out, s, command, tell, e.crew(engine, jobs, address))
    covered = {
        f"{contrast} within 90 %": f"{100 * kinds['learned ends']['all']['coverage']:.1f} %"
        for q in found["questions"].values()
        for contrast, kinds in q["coverage"].items()
    }
    print_facts({"written": [str(out / n) for n in ("page.md", "results.json")], **covered}, as_json=json)
