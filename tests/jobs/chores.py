"""Unit functions for the tests: small, importable, some of them nasty."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from spinloom.core.errors import InputError, MachineError
from spinloom.core.rng import stream
from spinloom.files import atomic
from spinloom.jobs.ledger import Ledger
from spinloom.jobs.say import say
from spinloom.jobs.units import Json, Unit


def draw(spec: Json) -> Json:
    """Write eight random numbers that depend on the seed and the index only."""
    say("drawing")
    numbers = stream(spec["seed"], spec["index"]).normal(size=8)
    atomic.write_bytes(Path(spec["out"]) / f"{spec['index']}.bin", numbers.tobytes())
    return {"index": spec["index"]}


def slow_draw(spec: Json) -> Json:
    time.sleep(spec.get("sleep", 0.3))
    return draw(spec)


def sealed_draw(spec: Json) -> Json:
    """The same, with a receipt."""
    time.sleep(spec.get("sleep", 0.0))
    if spec["index"] == spec.get("full_at"):
        raise MachineError("the disk is full", file="x.bin", remedy="Free some space and run again.")
    draw(spec)
    return Ledger(Path(spec["out"]), "config").seal(spec["name"], [f"{spec['index']}.bin"], {"index": spec["index"]})


def stormy_disk(spec: Json) -> Json:
    """A disk that answers with an errno when unit `at` is written."""
    if spec["index"] == spec.get("at"):
        honest, os.fsync = os.fsync, lambda handle: (_ for _ in ()).throw(OSError(spec["errno"], "told so"))  # type: ignore[assignment]
        try:
            return sealed_draw(spec)
        finally:
            os.fsync = honest  # type: ignore[assignment]
    return sealed_draw(spec)


def greedy(spec: Json) -> Json:
    """Takes more memory than its process may have."""
    import resource

    if spec.get("gigabytes"):
        resource.setrlimit(resource.RLIMIT_AS, (2**31, resource.getrlimit(resource.RLIMIT_AS)[1]))
        return {"bytes": len(bytearray(spec["gigabytes"] * 2**30))}
    return sealed_draw(spec)


def nothing(spec: Json) -> Json:
    """Only a receipt."""
    return Ledger(Path(spec["out"]), "config").seal(spec["name"], [], {})


def unit(name: str, **spec: object) -> Unit:
    return Unit(name, dict(spec))


def nasty(spec: Json) -> Json:
    """Whatever the spec's "do" says."""
    match spec["do"]:
        case "refuse":
            raise InputError("is bad", file="x.nii.gz", remedy="Repair it.")
        case "bug":
            raise ZeroDivisionError("oops")
        case "memory":
            raise MemoryError
        case "memory once":
            mark = Path(spec["out"]) / "hungry"
            if not mark.exists():
                mark.touch()
                raise MemoryError
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "die once":
            mark = Path(spec["out"]) / "died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            time.sleep(60)
        case "sealed":
            return sealed_draw(spec)
        case "print":
            print("a stray print")
    return draw(spec)


def note_pid(spec: Json) -> Json:
    (Path(spec["out"]) / f"pid-{os.getpid()}").touch()
    time.sleep(60)
    return {}
