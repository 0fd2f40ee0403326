"""Run units in supervised processes on this machine.

Each worker is a process of its own, spoken to in JSON lines (no pickle, no re-import of the user's script).
A worker that dies or falls silent is replaced and its unit tried again; a unit that takes its worker down
every time is given up (quarantined) and the others go on.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from spinloom.core.cores import available_cores
from spinloom.core.errors import SpinloomError
from spinloom.jobs.units import Heard, Json, Outcome, Unit, UnitFunction, error_from_json, reference


@dataclass(frozen=True)
class Local:
    """Supervised worker processes.

    jobs      how many at once
    attempts  starts a unit gets before it is quarantined
    silence   a worker without a heartbeat for this long is taken for hung and killed [s]
    timeout   longest time one attempt may take [s]; None: no limit
    """

    jobs: int = 2
    attempts: int = 3
    silence: float = 300.0
    timeout: float | None = None

    def run(self, function: UnitFunction, units: Sequence[Unit], heard: Heard | None = None) -> Iterator[Outcome]:
        """Outcomes as they finish. Whatever ends this generator, no worker outlives it."""
        pending = deque(units)
        started = {unit.name: 0 for unit in units}
        news: queue.SimpleQueue[tuple[_Worker, Json | None]] = queue.SimpleQueue()
        workers: set[_Worker] = set()
        hello = {"path": sys.path, "function": reference(function)}
        threads = max(1, available_cores() // max(1, self.jobs))
        try:
            while pending or any(w.unit for w in workers):
                while pending and len(workers) < self.jobs:
                    workers.add(_Worker(hello, news, threads))
                for worker in workers:
                    if worker.unit is None and pending:
                        unit = pending.popleft()
                        started[unit.name] += 1
                        worker.begin(unit)
                for worker in workers:
                    worker.check(self.silence, self.timeout)
                try:
                    worker, message = news.get(timeout=0.5)
                except queue.Empty:
                    continue
                if message is None:
                    workers.discard(worker)
                    dead = worker.unit
                    worker.stop()
                    if dead is not None and started[dead.name] < self.attempts:
                        pending.append(dead)
                    elif dead is not None:
                        yield _quarantined(dead, started[dead.name], worker)
                elif "said" in message:
                    if heard:
                        heard(message["name"], message["said"])
                else:
                    worker.unit = None
                    error = None if message["error"] is None else error_from_json(message["error"])
                    yield Outcome(
                        message["name"],
                        receipt=message["receipt"],
                        error=error,
                        attempts=started[message["name"]],
                        seconds=message["seconds"],
                        log=message["log"],
                    )
        finally:
            for worker in workers:
                worker.kill()
            for worker in workers:
                worker.stop()


@dataclass(eq=False)
class _Worker:
    """One process, a thread that listens to it, and the unit it works on."""

    hello: Json
    news: queue.SimpleQueue[tuple[_Worker, Json | None]]
    threads: int
    unit: Unit | None = None
    heard: float = field(default_factory=time.monotonic)
    began: float = 0.0
    reason: str = ""

    def __post_init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        env["SPINLOOM_THREADS"] = str(self.threads)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            env.setdefault(name, str(self.threads))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "spinloom.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=env,
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._tell(self.hello)

    def begin(self, unit: Unit) -> None:
        self.unit, self.began = unit, time.monotonic()
        self._tell({"name": unit.name, "spec": unit.spec})

    def check(self, silence: float, timeout: float | None) -> None:
        """Kill the worker if it hangs; its end then comes as news."""
        now = time.monotonic()
        if now - self.heard > silence:
            self.reason = f"gave no sign of life for {silence:.0f} s"
            self.kill()
        elif self.unit is not None and timeout is not None and now - self.began > timeout:
            self.reason = f"took longer than {timeout:.0f} s"
            self.kill()

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        """Wait for the end and free what belongs to it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    def _tell(self, message: Json) -> None:
        """Send a line; if the worker is gone already, its end comes as news."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as pipe:
            for line in pipe:
                self.heard = time.monotonic()
                try:
                    message = json.loads(line)
                except ValueError:
                    continue  # torn by a kill
                if "name" in message:
                    self.news.put((self, message))
        self.news.put((self, None))


def _quarantined(unit: Unit, attempts: int, worker: _Worker) -> Outcome:
    code = worker.process.returncode
    why = worker.reason or (f"was killed by signal {-code}" if code < 0 else f"ended with code {code}")
    error = SpinloomError(
        f"the worker process {why}, {attempts} times in a row",
        remedy="Often this is a lack of memory: use fewer --jobs. Run with --jobs 1 to see it happen.",
    )
    return Outcome(unit.name, error=error, attempts=attempts, seconds=time.monotonic() - worker.began)
