"""One attempt at one unit: whatever it raises becomes part of its outcome, so one bad unit never stops the others."""

from __future__ import annotations

import time
import traceback

from spinloom.core.errors import SpinloomError
from spinloom.jobs.units import Json, Outcome, UnitFunction


def attempt(function: UnitFunction, name: str, spec: Json) -> Outcome:
    """Call a unit function once."""
    start = time.monotonic()
    try:
        return Outcome(name, receipt=function(spec), seconds=time.monotonic() - start)
    except SpinloomError as error:
        return Outcome(name, error=error, seconds=time.monotonic() - start)
    except MemoryError:
        full = SpinloomError("ran out of memory", remedy="Use fewer --jobs, a coarser phantom or a smaller matrix.")
        return Outcome(name, error=full, seconds=time.monotonic() - start, log=traceback.format_exc(), memory=True)
    except Exception as bug:
        unforeseen = SpinloomError(
            f"unforeseen {type(bug).__name__}: {bug}", remedy="This is a bug; the log holds what to report."
        )
        return Outcome(name, error=unforeseen, seconds=time.monotonic() - start, log=traceback.format_exc())
