"""Part i of n: how job arrays (SLURM, AWS Batch, Kubernetes ...) divide one run among them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from spinloom.core.errors import UsageError

ARRAYS = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"),
    ("PBS_ARRAY_INDEX", "PBS_ARRAY_COUNT", ""),
    ("SGE_TASK_ID", "SGE_TASK_LAST", "SGE_TASK_FIRST"),
    ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE", ""),
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETION_COUNT", ""),
)
"""Variables of an index, of how many there are, and of the first index, where it need not be 0."""


@dataclass(frozen=True)
class Share:
    """Units whose number leaves the remainder `part` (0 ... of - 1) when divided by `of`."""

    part: int = 0
    of: int = 1

    def holds(self, index: int) -> bool:
        return index % self.of == self.part


def share(text: str | None, environment: Mapping[str, str] = os.environ) -> Share:
    """ "i/n" with i from 0; "auto": of the scheduler's variables, where only the count may be given as "auto/n".

    Raises UsageError for what is no share, or where no scheduler tells one.
    """
    if text is None:
        return Share()
    part, slash, of = text.partition("/")
    if part == "auto":
        return _told(of if slash else None, environment)
    if not (slash and part.isdecimal() and of.isdecimal() and int(part) < int(of)):
        raise UsageError(f"'{text}' is no share of a run", remedy="Write i/n with i from 0 to n - 1, or auto.")
    return Share(int(part), int(of))


def _told(of: str | None, environment: Mapping[str, str]) -> Share:
    for index, count, first in ARRAYS:
        if index not in environment:
            continue
        size = of or environment.get(count, "")
        start = environment.get(first, "0") if first else "0"
        try:
            before = 0 if of or count != "SGE_TASK_LAST" else max(int(start) - 1, 0)  # it tells the last, not how many
            found = Share(int(environment[index]) - int(start), int(size) - before)
        except ValueError:
            raise UsageError(
                f"{index} is set, and nothing says how many tasks there are", remedy="Write --shard auto/COUNT."
            ) from None
        if not 0 <= found.part < found.of:
            raise UsageError(f"{index} is {environment[index]}, beyond {found.of} tasks", remedy="Write --shard i/n.")
        return found
    names = ", ".join(index for index, _, _ in ARRAYS)
    raise UsageError("--shard auto: no job array is running", remedy=f"It reads {names}. Or write --shard i/n.")
