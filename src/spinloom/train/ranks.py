"""Several processes that train one model (torchrun): which one this is, and the mean of their gradients."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed.nn.functional  # its defaults would keep a group that is there when it is first imported
from torch import distributed

T = TypeVar("T")


@contextmanager
def joined() -> Iterator[None]:
    """Inside, the processes that torchrun started know each other; without torchrun nothing happens."""
    if expected() < 2:
        yield
        return
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if cards:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")) % cards)  # "cuda" is this one from here on
    enough = 0 < int(os.environ.get("LOCAL_WORLD_SIZE", "1")) <= cards
    distributed.init_process_group("cpu:gloo,cuda:nccl" if enough else "gloo")
    try:
        yield
        agreed(False)  # nobody hangs up while another still listens
    finally:
        distributed.destroy_process_group()


def expected() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1


def rank() -> int:
    return distributed.get_rank() if distributed.is_initialized() else 0


def count() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def is_first() -> bool:
    return rank() == 0


def in_turn(do: Callable[[], T]) -> T:
    """The first process does it, then the others do."""
    made = [do()] if is_first() else []
    agreed(False)
    return made[0] if made else do()


def average_gradients(parameters: tuple[torch.nn.Parameter, ...]) -> None:
    """Every gradient becomes its mean over the processes."""
    if not distributed.is_initialized():
        return
    flat = torch.cat([(p.grad if p.grad is not None else torch.zeros_like(p)).flatten() for p in parameters])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    at = 0
    for p in parameters:
        p.grad = flat[at : at + p.numel()].view_as(p).clone()
        at += p.numel()


def agreed(value: bool) -> bool:
    """Whether it is so for any process."""
    if not distributed.is_initialized():
        return value
    flag = torch.tensor(float(value))
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag > 0)
