"""`spinloom study low-field`: real 0.055 T k-space, enhanced, beside the 3 T slices of the same people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o


def low_field(
    data: Annotated[Path, typer.Argument(help="The public scans: subj*/lf_*_kspace.mat and images.npz.")],
    out: o.Out,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help="A run or a model's name; once per contrast. Default: as shipped."),
    ] = None,
    train: Annotated[bool, typer.Option("--train", help="Train the models of both contrasts first.")] = False,
    heads: Annotated[
        int,
        typer.Option("--heads", help="Digital heads to simulate from; 0: none, and no simulated noise.", min=0, max=64),
    ] = 0,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="A folder of whole-head label maps to simulate from, too.")
    ] = None,
    attribution: Annotated[
        str, typer.Option("--attribution", help="Whose label maps they are, for the models' cards.")
    ] = "",
    budget: Annotated[str, typer.Option("--budget", help="Of training, for each contrast, e.g. 90s, 15m.")] = "15m",
    steps: Annotated[int, typer.Option("--steps", help="Of training, at most.", min=1, max=1_000_000)] = 2500,
    seed: o.Seed = 0,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", help="Trainings, then scans, at once; 0: in this process.", min=0)
    ] = 0,
    engine: e.EngineName = "local",
    address: e.Address = None,
    json: o.Json = False,
) -> None:
    """Enhance real 0.055 T scans and score them against 3 T: a page with tables, pictures and limits.

    The same command goes on where it was stopped.

    Example: spinloom study low-field hku_ulf_3t -o study
    """
    from spinloom.cli.learn import needs_learn
    from spinloom.cli.write import print_facts

    needs_learn()
    from spinloom.cli.train_asked import seconds
    from spinloom.core.errors import UsageError
    from spinloom.dataset.itk_images import simpleitk
    from spinloom.study.low_field_data import subjects_in
    from spinloom.study.low_field_run import models_of, run, trained_models
    from spinloom.study.low_field_scan import SCANS
    from spinloom.study.low_field_units import told as people_told
    from spinloom.study.write import write_study

    if train and model:
        raise UsageError("--train and --model", remedy="Leave out one.")
    if train and not heads and labels is None:
        raise UsageError("there is nothing to learn from", remedy="Give --heads 6, or --labels.")
    time, crew = seconds(budget), e.crew(engine, jobs, address)
    simpleitk()
    subjects_in(data, SCANS)  # what is missing is said before any training
    people = people_told(heads, labels, seed, attribution)
    if train:
        models = trained_models(people, out, crew, steps=steps, seconds=time, say=told)
    else:
        models = models_of(model or [])
    command = typed(data, out, model, train, heads, labels, budget, steps, seed)
    page, results = run(data, models, people, out, crew, command=command, say=told)
    written = write_study(page, results, out)
    print_facts({"written": [str(p) for p in written], **results["summary"]}, as_json=json)


def told(what: str) -> None:
    from spinloom.cli.write import print_note

    print_note(f"spinloom: {what}")


def typed(
    data: Path, out: Path, model: list[str] | None, train: bool, heads: int, labels: Path | None, budget: str,
    steps: int, seed: int,
) -> str:  # fmt: skip
    """The command again, with folders by their last name: a page names no place of the machine it was made on."""
    parts = [f"spinloom study low-field {data.name} -o {out.name if out.is_absolute() else out}"]
    parts += [f"--model {Path(m).name}" for m in model or []]
    parts += [f"--heads {heads}"] * bool(heads) + [f"--labels {labels.name}" for _ in range(1) if labels]
    parts += [f"--train --budget {budget} --steps {steps}"] * train + [f"--seed {seed}"] * bool(seed)
    return " ".join(parts)
