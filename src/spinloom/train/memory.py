"""How much memory a step of training needs, before it is taken; and a plan that fits into what there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks

from spinloom.core.errors import MachineError, UsageError
from spinloom.models.translator import Batch
from spinloom.translate.build import build
from spinloom.translate.plan import Plan

COPIES = 5
"""Of every weight: itself, its gradient, two moments, the average."""
HEADROOM = 1.3
"""For what comes and goes within a step."""


def needed(plan: Plan) -> int:
    """Bytes of a step: COPIES weights + batch * what the largest player keeps for its backward pass, with HEADROOM.

    What is kept is counted on one sample, each storage once; nothing is counted twice for views of it.
    """
    quiet = {k: v for k, v in plan.settings.items() if k != "feature_weight"}
    translator = build(plan.model_copy(update={"settings": quiet}))
    net = plan.network
    x, y = (
        torch.rand((1, c * (net.slices if n == 0 else 1), *net.patch))
        for n, c in enumerate((len(plan.source), len(plan.target)))
    )
    told = None if plan.conditions is None else torch.rand((1, plan.conditions.width))
    batch = Batch(x, y, torch.ones((1, 1, *net.patch)), told)
    weights = sum(p.numel() * p.element_size() for p in translator.parameters())
    kept, rng = 0, torch.Generator().manual_seed(0)
    for player in translator.objectives():
        with counted() as seen, torch.autocast("cpu", torch.bfloat16, enabled=plan.training.bf16):
            player.loss(batch, rng)
        kept = max(kept, sum(seen.values()))
    return int(HEADROOM * (COPIES * weights + plan.training.batch * kept))


@contextmanager
def counted() -> Iterator[dict[int, int]]:
    """Storages that a forward pass keeps: address → bytes. They are held until the end, so that none comes again."""
    seen: dict[int, int] = {}
    held: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        seen[storage.data_ptr()] = storage.nbytes()
        held.append(tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        yield seen


def fitted(plan: Plan, memory: float) -> Plan:
    """The plan with a smaller batch, then smaller patches, until a step fits into so many bytes.

    Raises MachineError if not even one sample of the smallest patch does.
    """
    while (found := needed(plan)) > memory:
        net, training = plan.network, plan.training
        least = max(16, 2 ** len(net.channels))
        if training.batch > 1:
            plan = plan.model_copy(update={"training": training.model_copy(update={"batch": training.batch // 2})})
        elif min(net.patch) // 2 >= least:
            patch = tuple(side // 2 for side in net.patch)
            plan = plan.model_copy(update={"network": net.model_copy(update={"patch": patch})})
        else:
            raise MachineError(
                f"one sample of {' x '.join(map(str, net.patch))} needs {found / 2**30:.2g} GiB",
                remedy="Give more --memory, or a plan with fewer network.channels.",
            )
    return plan


def free(device: str) -> float:
    """Bytes that may be taken: nine tenths of what is free on a card, six tenths of what is free of the main memory."""
    if device.startswith("cuda"):
        return 0.9 * torch.cuda.mem_get_info()[0]
    try:
        with open("/proc/meminfo") as told:
            rows = dict(line.split(":", 1) for line in told)
        return 0.6 * 1024 * float(rows["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return 4.0 * 2**30


def bytes_of(text: str) -> float:
    """8G, 500M, plain bytes. Raises UsageError."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
    number, unit = (text[:-1], units[text[-1].upper()]) if text and text[-1].upper() in units else (text, 1)
    try:
        value = float(number) * unit
    except ValueError:
        value = float("nan")
    if not 2**20 <= value < 2**50:
        raise UsageError(f"'{text}' is no amount of memory", remedy="E.g. 8G, 500M.")
    return value


@contextmanager
def memory_kept(plan_says: str) -> Iterator[None]:
    """Turns running out of memory into a MachineError that says which setting to lower."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise MachineError(f"out of memory: {plan_says}", remedy=LOWER) from error
    except RuntimeError as error:
        if "allocate memory" not in str(error):
            raise
        raise MachineError(f"out of memory: {plan_says}", remedy=LOWER) from error


LOWER = "Lower training.batch in the plan, then network.patch, then network.channels; or give --memory."
