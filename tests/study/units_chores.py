"""Units of work that cost nothing: one counts how often it was begun, one leaves files."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from spinloom.core.errors import InputError
from spinloom.jobs.say import say
from spinloom.study.units import FILES

Json = dict[str, Any]


def count(spec: Json) -> Json:
    """spec: out, n. A file with a line per beginning; fails where `bad` lies, kills its run where `deadly` lies."""
    out = Path(spec["out"])
    with open(out / f"begun-{spec['n']}", "a") as log:
        log.write("begun\n")
    if (out / f"bad-{spec['n']}").exists():
        raise InputError("bad luck")
    if (out / f"deadly-{spec['n']}").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    (out / f"made-{spec['n']}").write_text(str(spec["n"]))
    say("half way")
    return {FILES: [f"made-{spec['n']}"], "square": spec["n"] ** 2}


def double(spec: Json) -> Json:
    return {"double": 2 * spec["n"]}
