"""`spinloom generate`, `check`, `verify` and `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import engine as e
from spinloom.cli import options as o

Folder = Annotated[Path, typer.Argument(help="A data set made by `spinloom generate`.")]


def generate(
    out: Annotated[Path, typer.Argument(help="Folder of the data set; the same command again resumes it.")],
    recipe: Annotated[Path | None, typer.Option("--recipe", help="TOML file; see `spinloom list recipe`.")] = None,
    subjects: Annotated[int | None, typer.Option("--subjects", "-n", help="Number of subjects.", min=1)] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Same seed, same bytes.", min=0)] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", help="Subjects at once; 0: in this process. Default: by cores and memory.", min=0),
    ] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="bids, nnunet, source0 or shards.")] = None,
    like: Annotated[
        Path | None, typer.Option("--like", help="Scans like those of a profile (see `spinloom profile`).")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Make one subject elsewhere; say what all would take; write nothing.")
    ] = False,
    engine: e.EngineName = "local",
    address: e.Address = None,
    shard: e.ShardOf = None,
    join: e.Join = False,
    timeout: e.Timeout = None,
    json: o.Json = False,
) -> None:
    """Make a data set: simulated subjects with labels and truth maps, in BIDS, with a report.

    Example: spinloom generate demo --subjects 3
    """
    from spinloom.cli.progress import watching
    from spinloom.cli.write import print_facts, print_note
    from spinloom.dataset import generate as dataset
    from spinloom.dataset.plan import affordable_jobs
    from spinloom.dataset.recipe import read_recipe

    chosen = read_recipe(recipe, subjects=subjects, seed=seed, layout=layout)
    if like is not None:
        from spinloom.dataset.profile.imitate import imitate
        from spinloom.dataset.profile.measure import profile_of
        from spinloom.files import gate

        chosen, became, left = imitate(profile_of(gate.read_text(like, cap_bytes=2**20), str(like)), chosen)
        for text in became:
            print_note(f"like {like.name}: {text}")
        for text in left:
            print_note(f"like {like.name}: not imitated: {text}")
    at_once = affordable_jobs(chosen) if jobs is None else jobs
    if dry_run:
        from spinloom.dataset.dry_run import dry_run as rehearse

        print_facts(rehearse(out, chosen, jobs=at_once), as_json=json)
        return
    with watching() as progress:
        summary = dataset.generate(
            out, chosen, jobs=at_once, progress=progress, executor=e.crew(engine, at_once, address, timeout),
            share=e.part(shard), join=join,
        )  # fmt: skip
    print_facts(summary.facts(), as_json=json)
    summary.raise_if_incomplete()


def check(
    paths: Annotated[
        list[Path], typer.Argument(help="Images, label maps, phantoms, .seq files, recipes or data sets.")
    ],
    json: o.Json = False,
) -> None:
    """Read inputs as every command would and name each fault: which file, what is wrong, what to do."""
    from spinloom.cli.write import print_table
    from spinloom.core.errors import InputError
    from spinloom.dataset.check import check as examine

    findings = examine(paths)
    print_table([finding.row() for finding in findings], as_json=json)
    bad = [finding for finding in findings if not finding.ok]
    if bad:
        raise InputError(f"{len(bad)} of {len(findings)} refused")


def verify(out: Folder, json: o.Json = False) -> None:
    """Hash every file of a data set again and compare with its manifest."""
    from spinloom.cli.write import print_facts
    from spinloom.dataset.verify import verify as compare

    result = compare(out)
    print_facts(result.facts(), as_json=json)
    result.raise_if_damaged()


def report(out: Folder) -> None:
    """Write the report of a data set again (report.html, one self-contained file)."""
    from spinloom.cli.write import print_line
    from spinloom.dataset.report import write_report

    print_line(write_report(out))
