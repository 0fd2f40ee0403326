"""How many cores this process may use, and who may use them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any


def available_cores() -> int:
    """Cores this process may run on (its affinity where the system tells, else all of the machine).

    SPINLOOM_THREADS, which a run with several jobs sets for its workers, says otherwise.
    """
    if (given := os.environ.get("SPINLOOM_THREADS", "")).isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def own_threads() -> Iterator[None]:
    """Linear algebra stays on the thread that calls it.

    The engines bring threads of their own; a library that starts more inside each of them costs two to five times the
    time. Needs threadpoolctl, and does nothing without it.
    """
    libraries = _libraries()
    if libraries is None:
        yield
        return
    with libraries.limit(limits=1, user_api="blas"):
        yield


@cache
def _libraries() -> Any:
    """Those of linear algebra that numpy and scipy have loaded, looked for once; None without threadpoolctl."""
    import scipy.linalg  # noqa: F401

    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


def free_memory() -> int | None:
    """Memory that programs could get now [bytes]; None where the system does not say.

    What the kernel holds as cache counts as free; a container's own limit is honoured.
    """
    found: list[int] = []
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(int(limit) - int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass
    return min(found, default=None)
