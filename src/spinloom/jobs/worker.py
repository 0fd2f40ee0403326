"""The worker's side of `Local`: `python -m spinloom.jobs.worker` reads units and writes outcomes as JSON lines.

A heartbeat goes out every second. When the pipe is gone, so is the parent, and the worker ends itself at the
next beat: no orphans, whatever killed the parent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import IO

from spinloom.jobs.attempt import attempt
from spinloom.jobs.say import listening
from spinloom.jobs.units import Json, resolve, to_json

HEARTBEAT = 1.0
"""Seconds between two beats."""


class _Line:
    """The pipe to the parent, shared by the worker and its heartbeat."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, message: Json) -> None:
        try:
            with self._lock:
                self._pipe.write(json.dumps(message) + "\n")
                self._pipe.flush()
        except (OSError, ValueError):
            os._exit(1)

    def beat_for_ever(self) -> None:
        never = threading.Event()
        while not never.wait(HEARTBEAT):
            self.send({"beat": True})


def main() -> None:
    """Serve units until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    line = _Line(os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8"))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not break the conversation
    threading.Thread(target=line.beat_for_ever, daemon=True).start()
    hello = json.loads(sys.stdin.readline())
    sys.path[:] = hello["path"]
    function = resolve(hello["function"])
    line.send({"ready": True})
    for text in sys.stdin:
        unit = json.loads(text)
        with listening(lambda said, name=unit["name"]: line.send({"name": name, "said": said})):  # type: ignore[misc]
            outcome = attempt(function, unit["name"], unit["spec"])
        line.send(to_json(outcome))


if __name__ == "__main__":
    main()
