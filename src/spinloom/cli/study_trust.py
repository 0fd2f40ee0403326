"""`spinloom study trust`: lesions planted in images and taken away, found again by simulating."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o
from spinloom.cli.trust import maps_of, tell


def trust(
    out: o.Out,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="Label maps of brains, three or more. Default: the template's.")
    ] = None,
    scans: Annotated[
        Path | None, typer.Option("--scans", help="Stripped scans with lesion masks (NAME_T1, NAME_T2, NAME_lesions).")
    ] = None,
    subjects: Annotated[int, typer.Option("--subjects", help="Simulated people to test on.", min=3)] = 48,
    steps: Annotated[int, typer.Option("--steps", help="That each network learns.", min=1)] = 3000,
    reduced: Annotated[bool, typer.Option("--reduced", help="Tiny, in seconds: to see that it runs.")] = False,
    seed: o.Seed = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Trainings, then people, at once; 0: in this process.", min=0)
    ] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Train an auditor and a network, calibrate, plant and remove lesions, score; OUT/auditor.safetensors is for
    `spinloom trust --auditor`. The same command goes on where it was stopped.

    Example: spinloom study trust --labels head_label_maps -o study
    """
    from dataclasses import replace

    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from spinloom.study.trust import AUDITOR, study
    from spinloom.study.trust_people import REDUCED, Settings

    s = replace(REDUCED, seed=seed) if reduced else Settings(tested=subjects, steps=steps, seed=seed)
    given = [f"--{n} {p.name}" for n, p in (("labels", labels), ("scans", scans)) if p is not None]
    size = "--reduced" if reduced else f"--subjects {subjects} --steps {steps}"
    command = " ".join(("spinloom study trust", *given, size, f"--seed {seed} -o {out.name}"))
    found = study(maps_of(labels), out, s, e.crew(engine, jobs, address), command, tell, scans)
    area = found["areas"]["scan"]["re-simulated"]
    print_facts(
        {
            "written": [str(out / n) for n in ("page.md", "results.json", AUDITOR)],
            **{f"ROC area, {k}": area[k]["lesion"]["area"] for k in ("added", "removed", "removed hidden")},
        },
        as_json=json,
    )
