"""How many cores this process may use."""

from __future__ import annotations

import os


def available_cores() -> int:
    """Cores this process may run on (its affinity where the system tells, else all of the machine).

    SPINLOOM_THREADS, which a run with several jobs sets for its workers, says otherwise.
    """
    if (given := os.environ.get("SPINLOOM_THREADS", "")).isdigit() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
