"""Run units in supervised processes on this machine.

Each worker is a process of its own, spoken to in JSON lines (no pickle, no re-import of the user's script).
A worker that dies or falls silent is replaced and its unit tried again (see patience); a unit that takes its worker
down three times in a row while nothing else runs is given up (quarantined), and the others go on.
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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from spinloom.core.cores import available_cores
from spinloom.core.errors import MachineError
from spinloom.jobs.patience import ALONE, Patience
from spinloom.jobs.units import Heard, Json, Outcome, Unit, UnitFunction, reference
from spinloom.jobs.work import Work

STILLBORN = 3
"""Workers in a row that end by themselves before they can work, after which none is started any more."""


@dataclass(frozen=True)
class Local:
    """Supervised worker processes.

    jobs     how many at once
    alone    deaths in a row, running alone, after which a unit is quarantined
    silence  a worker without a heartbeat for this long is taken for hung and killed [s]
    timeout  longest time one attempt may take [s]; None: no limit
    """

    jobs: int = 2
    alone: int = ALONE
    silence: float = 300.0
    timeout: float | None = None

    def run(self, function: UnitFunction, units: Iterable[Unit], heard: Heard | None = None) -> Iterator[Outcome]:
        """Outcomes as they finish. Whatever ends this generator, no worker outlives it.

        Raises MachineError if workers cannot be started, or end before they can work.
        """
        work = Work(iter(units), Patience(self.alone))
        news: queue.SimpleQueue[tuple[_Worker, Json | None]] = queue.SimpleQueue()
        workers: set[_Worker] = set()
        hello = {"path": sys.path, "function": reference(function)}
        threads = max(1, available_cores() // max(1, self.jobs))
        stillborn = 0
        try:
            while True:
                while sum(w.unit is not None for w in workers) < self.jobs and (unit := work.next()):
                    worker = next((w for w in workers if w.unit is None), None)
                    if worker is None:
                        worker = _Worker(hello, news, threads)
                        workers.add(worker)
                    worker.begin(unit)
                if not work.running:
                    return
                for worker in workers:
                    worker.check(self.silence, self.timeout)
                try:
                    worker, message = news.get(timeout=0.5)
                except queue.Empty:
                    continue
                if message is None:
                    workers.discard(worker)
                    worker.stop()
                    stillborn = stillborn + 1 if worker.stillborn() else 0
                    if stillborn == STILLBORN:
                        raise MachineError(
                            f"worker processes cannot begin: each {worker.why()} before its first unit",
                            remedy="What they said stands above. Run with --jobs 0 to see it happen.",
                        )
                    if worker.unit is not None and (
                        given_up := work.died(worker.unit, worker.why(), time.monotonic() - worker.began)
                    ):
                        yield given_up
                elif "said" in message:
                    if heard:
                        heard(message["name"], message["said"])
                elif worker.unit is not None:
                    unit, worker.unit = worker.unit, None
                    if outcome := work.answered(unit, message):
                        yield outcome
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
    ready: bool = False
    reason: str = ""

    def __post_init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
        env["SPINLOOM_THREADS"] = str(self.threads)
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            env.setdefault(name, str(self.threads))
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "spinloom.jobs.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                env=env,
            )
        except OSError as error:
            raise MachineError(
                f"no worker process can be started: {error.strerror}", remedy="Use fewer --jobs, or --jobs 0."
            ) from error
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
            self.reason = f"took longer than {timeout:g} s"
            self.kill()

    def why(self) -> str:
        """How it ended."""
        code = self.process.returncode
        return self.reason or (f"was killed by signal {-code}" if code < 0 else f"ended with code {code}")

    def stillborn(self) -> bool:
        """Whether it ended by itself before it could work."""
        return not self.ready and not self.reason and self.process.returncode > 0

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
                self.ready = self.ready or "ready" in message
                if "name" in message:
                    self.news.put((self, message))
        self.news.put((self, None))
