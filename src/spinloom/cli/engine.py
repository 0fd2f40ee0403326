"""Options of commands that make many: who works, on which part, beside whom; and `spinloom status` and `clean`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from spinloom.cli import options as o

if TYPE_CHECKING:
    from spinloom.jobs.share import Share
    from spinloom.jobs.units import Executor

EngineName = Annotated[
    str, typer.Option("--engine", help="local (processes of this machine) or ray (a Ray cluster).", show_default=True)
]
Address = Annotated[
    str | None, typer.Option("--address", help="Of a Ray cluster's head, host:6379 or auto. Default: start one here.")
]
ShardOf = Annotated[
    str | None,
    typer.Option("--shard", help="Part of a job array: i/n with i from 0, or auto (SLURM, PBS, SGE, AWS, Kubernetes)."),
]
Join = Annotated[bool, typer.Option("--join", help="Help a run that is at work on the folder.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", help="Longest time one unit may take [s]; then it is tried again.", min=1)
]


def crew(engine: str, jobs: int, address: str | None, timeout: float | None = None) -> Executor:
    """Who works. Raises UsageError for an engine that is not known, and for options that do not fit it."""
    from spinloom.core.errors import UsageError, nearest
    from spinloom.jobs.local import Local
    from spinloom.jobs.serial import Serial

    if engine == "ray":
        from spinloom.jobs.ray_engine import Ray

        return Ray(address, jobs or None)
    if engine != "local":
        raise UsageError(f"no engine '{engine}'", remedy=nearest(engine, ("local", "ray")))
    if address is not None:
        raise UsageError("--address is of a Ray cluster", remedy="Add --engine ray.")
    return Local(jobs=jobs, timeout=timeout) if jobs else Serial()


def part(shard: str | None) -> Share:
    from spinloom.jobs.share import share

    return share(shard)


def status(
    out: Annotated[Path, typer.Argument(help="Output folder of a command that makes many.")], json: o.Json = False
) -> None:
    """Say how far a run is, and who is at work on its folder."""
    from spinloom.cli.write import print_facts
    from spinloom.jobs.state import state

    print_facts(state(out).facts(), as_json=json)


def clean(
    out: Annotated[Path, typer.Argument(help="Output folder of a command that makes many.")], json: o.Json = False
) -> None:
    """Remove what runs that died left behind; what is done stays."""
    from spinloom.cli.write import print_facts
    from spinloom.jobs.state import clean as tidy

    print_facts(tidy(out), as_json=json)
