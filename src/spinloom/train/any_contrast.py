"""Acquisitions drawn at random from a plan's conditions, and the two of a sample as the network is told them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from spinloom.core.errors import UsageError
from spinloom.simulation.acquisition import Acquisition, Signal, signal_of
from spinloom.train.acquisitions import within
from spinloom.translate.conditions import Conditions, told_both

TRIES = 100
"""Of drawing TE and TI that fit into TR, and tissues that give a signal."""


def drawn(known: Conditions, rng: torch.Generator) -> Acquisition:
    """One acquisition: times and angles even on a logarithmic scale, TI and the choice of protocol and field even.

    Raises UsageError for ranges in which hardly anything fits into TR.
    """
    for _ in range(TRIES):
        p = known.protocols[int(torch.randint(len(known.protocols), (), generator=rng))]
        B0 = known.B0[int(torch.randint(len(known.B0), (), generator=rng))]
        made = {}
        for name, told in p.told().items():
            assert told is not None
            even = name == "TI"
            made[name] = within(*told, rng) if even else math.exp(within(math.log(told[0]), math.log(told[1]), rng))
        if made["TE"] + made.get("TI", 0.0) < 0.98 * made["TR"]:
            return Acquisition(p.family, B0=B0, **made)
    raise UsageError("TE and TI of the plan's conditions do not fit into TR", remedy="Make TR longer there.")


def scanned(what: Acquisition, rng: torch.Generator | None) -> Signal:
    """Its signal; rng: of what nobody tells of a scan, the pulse spacing of an MPRAGE and the angle of refocusing."""
    spacing, refocus_deg = within(6.5e-3, 8e-3, rng), within(150, 180, rng)
    return signal_of(what, spacing=spacing, refocus_FA=math.radians(refocus_deg if rng else 180))


def told(source: Acquisition, target: Acquisition) -> Tensor:
    """(width,) what the network is told of both."""
    return torch.tensor(told_both(source, target), dtype=torch.float32)
