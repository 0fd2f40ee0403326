"""Times of a real scan that a simulated sequence can keep: with a higher bandwidth, else without one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from spinloom.core.errors import SpinloomError
from spinloom.dataset.fields import ProtocolSection
from spinloom.dataset.scan import make_sequence
from spinloom.sequence.sequence import Sequence

FASTER = (1.25, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Bandwidths to try, relative to the protocol's own."""
GIVEN_UP = (("TE_ms",), ("TI_ms",), ("TR_ms",), ("TI_ms", "TR_ms"), ("TE_ms", "TI_ms", "TR_ms"))
"""What to do without, the first that helps."""


def feasible(use: str, parameters: Mapping[str, Any], B0: float) -> tuple[dict[str, Any], str | None, str | None]:
    """Parameters with which the sequence can be made, what was changed for it, and what was given up and why.

    use  protocol or preset;  parameters  as a recipe names them;  B0  [T]

    Raises UsageError, as making it does, if nothing helps.
    """
    wanted = dict(parameters)
    try:
        _made(use, wanted, B0)
        return wanted, None, None
    except SpinloomError as error:
        why = str(error)
    if "TE_ms" in wanted:
        for bandwidth in _bandwidths(use, {k: v for k, v in wanted.items() if k != "TE_ms"}, B0):
            faster = wanted | {"bandwidth": bandwidth}
            if _works(use, faster, B0):
                return faster, f"TE asks for bandwidth = {bandwidth:g} Hz per voxel", None
    for names in GIVEN_UP:
        fewer = {k: v for k, v in wanted.items() if k not in names}
        if len(fewer) < len(wanted) and _works(use, fewer, B0):
            lost = ", ".join(f"{n} = {wanted[n]:g}" for n in names if n in wanted)
            return fewer, None, f"{lost}: {why}"
    _made(use, wanted, B0)
    raise AssertionError("unreachable")


def _bandwidths(use: str, parameters: dict[str, Any], B0: float) -> list[float]:
    try:
        own = getattr(_made(use, parameters, B0).protocol, "bandwidth", None)
    except SpinloomError:
        return []
    return [] if own is None else [float(round(own * f)) for f in FASTER]


def _works(use: str, parameters: dict[str, Any], B0: float) -> bool:
    try:
        _made(use, parameters, B0)
    except SpinloomError:
        return False
    return True


def _made(use: str, parameters: dict[str, Any], B0: float) -> Sequence:
    section = ProtocolSection.model_validate({"use": use, "parameters": parameters})
    return make_sequence(section, B0=B0, rng=np.random.default_rng(0))[0]
