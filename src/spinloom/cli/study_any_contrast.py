"""`spinloom study any-contrast`: one network told both acquisitions, on simulated and on real people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o


def any_contrast(
    model: Annotated[str, typer.Argument(help="A model's name, file or run folder (spinloom train --any-contrast).")],
    out: o.Out,
    labels: Annotated[
        Path | None,
        typer.Option("--labels", help="Label maps of people not trained on. Default: heads of another seed."),
    ] = None,
    scans: Annotated[
        Path | None, typer.Option("--scans", help="The folder of public scans, for the real test.")
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option("--beside", help="A model from T1w to T2w or back, scored too. Repeatable.")
    ] = None,
    people: Annotated[int, typer.Option("--people", help="Simulated people to score.", min=1, max=100)] = 5,
    slices: Annotated[int, typer.Option("--slices", help="Axial slices of each; SSIM needs 11.", min=11, max=200)] = 20,
    voxel_mm: Annotated[float, typer.Option("--voxel-mm", help="Of simulated people.", min=0.5, max=8)] = 1.0,
    seed: o.Seed = 0,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="People at once; 0: in this process.", min=0)] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Score a model of any contrast on pairs of protocols, wrong ones told, response curves and real scans.

    The same command goes on where it was stopped.

    Example: spinloom study any-contrast run_any --people 5 -o study
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from spinloom.study.any_contrast import run
    from spinloom.study.any_contrast_units import told as people_told
    from spinloom.study.write import write_study

    crew, who = e.crew(engine, jobs, address), people_told(people, labels, seed, slices=slices, voxel_mm=voxel_mm)
    anatomy = f"label maps of {labels.name}" if labels else "heads made of the MNI152 template"
    options = {"labels": labels, "scans": scans}
    parts = [f"spinloom study any-contrast {Path(model).name}", *(f"--{k} {v.name}" for k, v in options.items() if v)]
    parts += [f"--beside {Path(name).name}" for name in beside or []]
    parts.append(f"--people {people} --slices {slices} --voxel-mm {voxel_mm:g} --seed {seed} -o {out.name}")
    page, results = run(
        model, beside or [], who, out, crew, scans=scans, seed=seed, command=" ".join(parts), anatomy=anatomy, say=told
    )
    written = write_study(page, results, out)
    print_facts(
        {"written": [str(p) for p in written], "told wrong": [str(r) for r in results["told wrong"]]}, as_json=json
    )


def told(what: str) -> None:
    from spinloom.cli.write import print_note

    print_note(f"spinloom: {what}")
