"""Where the Bloch equations are solved: on the processor, or on a graphics card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spinloom.core.errors import MachineError, UsageError, nearest


@dataclass(frozen=True)
class CPU:
    """The processor, in double precision."""


@dataclass(frozen=True)
class CUDA:
    """An NVIDIA card, in single precision with phases in double.

    index   of the card, from 0
    or_cpu  go on with the processor, and say so, where the card fails
    """

    index: int = 0
    or_cpu: bool = False

    def __post_init__(self) -> None:
        if self.index < 0:
            raise UsageError(f"CUDA(index={self.index}): cards count from 0")


Device = CPU | CUDA


def pick(name: str, tell: Callable[[str], None] = lambda note: None) -> Device:
    """The device of a name.

    name     "cpu"; "cuda", which must be there; or "auto": the first card if it works, else the processor
    tell     is told in one sentence why auto leaves the card
    returns  CPU() or CUDA()

    Raises UsageError for another name, and MachineError where a card was asked for by name and does not work.
    """
    if name == "cpu":
        return CPU()
    if name not in ("auto", "cuda"):
        raise UsageError(f"no device is called {name!r}", remedy=nearest(name, ["auto", "cpu", "cuda"]))
    from spinloom.simulation.cuda_card import try_card

    try:
        try_card(0)
    except MachineError as no:
        if name == "cuda":
            raise
        tell(f"using the processor: {no.fault}")
        return CPU()
    return CUDA(or_cpu=name == "auto")
