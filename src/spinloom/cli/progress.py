"""Progress with ETA: a bar on a terminal, a plain line every 30 s elsewhere; always on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spinloom.cli.write import print_note

Callback = Callable[[int, int, str], None]
"""progress(done, total, what): called whenever something is finished."""

PLAIN_EVERY = 30.0


@contextmanager
def watching() -> Iterator[Callback]:
    """A callback that shows how far a run is, for as long as the block runs."""
    if sys.stderr.isatty():
        with _bar() as callback:
            yield callback
    else:
        yield _lines()


@contextmanager
def _bar() -> Iterator[Callback]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda done, total, what: progress.update(task, completed=done, total=total, description=what)


def _lines() -> Callback:
    began = time.monotonic()
    last = [-PLAIN_EVERY]

    def line(done: int, total: int, what: str) -> None:
        elapsed = time.monotonic() - began
        if done < total and elapsed - last[0] < PLAIN_EVERY:
            return
        last[0] = elapsed
        left = f", about {elapsed * (total - done) / done:.0f} s left" if 0 < done < total else ""
        print_note(f"{done} of {total} ({what}), {elapsed:.0f} s{left}")

    return line
