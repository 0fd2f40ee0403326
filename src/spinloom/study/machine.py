"""What a study was made on, in words: every page says it, and whether its numbers are those of a GPU."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from spinloom.core.cores import available_cores

GPU = ("cuda", "xpu", "mps")
REDUCED = "No GPU: these are the numbers of the reduced setting."


def machine() -> dict[str, Any]:
    """processor's name, cores that may be used, threads of this process."""
    return {"processor": _processor(), "cores": available_cores(), "threads": _threads()}


def told(made_on: Mapping[str, Any], devices: set[str]) -> str:
    """In words.  devices: that anything was trained on or run by"""
    cores, threads = made_on["cores"], made_on["threads"]
    words = f"Machine: {cores} core{'s' * (cores > 1)} ({made_on['processor']}), {threads} thread{'s' * (threads > 1)}."
    gpus = sorted(d for d in devices if d.startswith(GPU))
    return f"{words} Trained or run on a GPU ({', '.join(gpus)})." if gpus else f"{words} {REDUCED}"


def devices_in(results: object) -> Iterator[str]:
    """Every `device` that a study's numbers, or the models they are of, were made on."""
    if isinstance(results, Mapping):
        for key, value in results.items():
            if key == "device" and isinstance(value, str):
                yield value
            else:
                yield from devices_in(value)
    elif isinstance(results, list | tuple):
        for value in results:
            yield from devices_in(value)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "processor unknown"


def _threads() -> int:
    try:
        import torch
    except ImportError:
        return available_cores()
    return int(torch.get_num_threads())
