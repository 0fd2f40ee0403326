"""Run units on a Ray cluster: this machine's cores, or a cluster that is joined by its address (extra `ray`).

Units go out and receipts come home as short JSON texts, never arrays; a bounded number of units is out at a time, so a
million of them are never a million references. Ray itself retries nothing: which unit runs again is decided here as it
is for processes of one machine. Clusters are entered with a token (RAY_AUTH_MODE=token), and nothing is reported to
anybody.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from spinloom.core.cores import available_cores
from spinloom.core.errors import MachineError, UsageError
from spinloom.jobs.attempt import attempt
from spinloom.jobs.patience import ALONE, Patience
from spinloom.jobs.say import listening
from spinloom.jobs.units import Heard, Outcome, Unit, UnitFunction, reference, resolve, to_json
from spinloom.jobs.work import Work

AHEAD = 4
"""Units that are out at a time, per core of the cluster."""
POLL_SECONDS = 1.0
CONNECT_SECONDS = 10.0
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class Ray:
    """A Ray cluster.

    address  of its head, "host:6379", or "auto" for one on this machine; None: a cluster is started here and ended
    jobs     cores of a cluster that is started here; None: all
    alone    deaths in a row, running alone, after which a unit is quarantined
    """

    address: str | None = None
    jobs: int | None = None
    alone: int = ALONE

    def run(self, function: UnitFunction, units: Iterable[Unit], heard: Heard | None = None) -> Iterator[Outcome]:
        """Outcomes as they finish; what units say comes with their outcome.

        Raises UsageError without Ray, MachineError for a cluster that cannot be reached or goes away.
        """
        work, name = Work(iter(units), Patience(self.alone)), reference(function)
        with cluster(self.address, self.jobs) as ray:
            remote = ray.remote(num_cpus=1, max_retries=0)(one)
            out: dict[Any, tuple[Unit, float]] = {}
            try:
                while True:
                    room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
                    while len(out) < room and (unit := work.next()):
                        ref = remote.remote(name, json.dumps({"name": unit.name, "spec": unit.spec}))
                        out[ref] = unit, time.monotonic()
                    if not out:
                        return
                    for ref in ray.wait([*out], num_returns=1, timeout=POLL_SECONDS)[0]:
                        unit, began = out.pop(ref)
                        message = answer(ray, ref)
                        if isinstance(message, str):
                            if given_up := work.died(unit, message, time.monotonic() - began):
                                yield given_up
                            continue
                        for text in message["said"] if heard else ():
                            heard(unit.name, text)  # type: ignore[misc]
                        if outcome := work.answered(unit, message):
                            yield outcome
            finally:
                for ref in out:
                    ray.cancel(ref, force=True)


def one(function: str, text: str) -> str:
    """On a worker: run one unit; JSON in, JSON out."""
    unit = json.loads(text)
    said: list[str] = []
    with listening(said.append):
        outcome = attempt(resolve(function), unit["name"], unit["spec"])
    return json.dumps({**to_json(outcome), "said": said})


def answer(ray: Any, ref: Any) -> dict[str, Any] | str:
    """What came home; or, as a text, how the worker ended. Raises MachineError if the cluster is gone."""
    from ray import exceptions

    try:
        message: dict[str, Any] = json.loads(ray.get(ref))
        return message
    except exceptions.RayTaskError as error:
        return f"could not run the unit ({error.cause})"
    except (exceptions.RaySystemError, exceptions.LocalRayletDiedError, exceptions.RpcError, ConnectionError) as error:
        raise MachineError(
            f"the Ray cluster is gone: {error}", remedy="The same command goes on where it stopped."
        ) from error
    except exceptions.RayError as error:
        return f"ended ({type(error).__name__})"


def reachable(address: str | None) -> None:
    """Raises MachineError for a host and port that nobody answers at: Ray itself would wait for minutes."""
    host, colon, port = (address or "").rpartition(":")
    if not colon or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
    except OSError as error:
        raise MachineError(
            f"no Ray cluster {address}: {error.strerror or error}", remedy="Is `ray start --head` running there?"
        ) from error


@contextmanager
def cluster(address: str | None, jobs: int | None) -> Iterator[Any]:
    """A connection to a cluster, ended with the block; one that was started here ends with it."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    if address is None:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        import ray
    except ImportError:
        raise UsageError("--engine ray needs Ray", remedy='pip install "spinloom[ray]"') from None
    reachable(address)
    cores = jobs or available_cores()
    threads = 1 if address is not None else max(1, available_cores() // cores)
    told = {"SPINLOOM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    own: dict[str, Any] = {"num_cpus": cores, "include_dashboard": False, "object_store_memory": 2**27}
    if address is None:
        told["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
    at_term = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(
            address=address, log_to_driver=False, logging_level=logging.ERROR, runtime_env={"env_vars": told},
            **(own if address is None else {}),
        )  # fmt: skip
    except Exception as error:
        where = address or "on this machine"
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MachineError(
            f"no Ray cluster {where}: {why}", remedy="Is it started, and RAY_AUTH_TOKEN set to its token?"
        ) from error
    finally:
        if at_term is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, at_term)  # Ray's own ends the run with another exit code
    try:
        yield ray
    finally:
        ray.shutdown()
