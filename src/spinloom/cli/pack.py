"""`spinloom pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from spinloom.cli import options as o


def pack(
    data: Annotated[Path, typer.Argument(help="A finished data set, in BIDS or with --layout shards.")],
    out: o.Out,
    shard_mb: Annotated[float, typer.Option("--shard-MB", help="Largest shard [MB].", min=1, max=100_000)] = 256,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Shards at once; 0: in this process.", min=0)] = 0,
    json: o.Json = False,
) -> None:
    """Pack a data set into tar shards (WebDataset's layout) with an index; the same command again resumes it.

    Example: spinloom pack demo -o demo-shards
    """
    from spinloom.cli.progress import watching
    from spinloom.cli.write import print_facts
    from spinloom.dataset.pack import pack as make

    with watching() as progress:
        summary = make(data, out, shard_bytes=round(shard_mb * 1e6), jobs=jobs, progress=progress)
    print_facts(summary.facts(), as_json=json)
