"""Conditions: which acquisitions a network is told of, how they become numbers, and which it has never been told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spinloom.phantom.tissue_table import tissue_table
from spinloom.simulation.acquisition import FAMILIES, Acquisition, shown, signal_of, span

Range = tuple[Annotated[float, Field(gt=0, lt=1e3)], Annotated[float, Field(gt=0, lt=1e3)]]
SLACK = 0.02
"""Relative, for numbers that were rounded."""


class Ranges(BaseModel):
    """One way to acquire: what TR, TE, TI [s] and FA [degrees] are drawn from, each (low, high)."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    family: Literal["GRE", "MPRAGE", "SE", "IR"]
    TR: Range
    TE: Range
    TI: Range | None = None
    FA_deg: Range | None = None

    @model_validator(mode="after")
    def _sound(self) -> Ranges:
        for name, told in self.told().items():
            if told is None:
                raise ValueError(f"{self.family} needs {name}")
            if told[0] > told[1]:
                raise ValueError(f"{name}: {told[0]:g} is above {told[1]:g}")
        least = self.TE[0] + (self.TI[0] if self.TI and "TI" in FAMILIES[self.family] else 0)
        if least >= self.TR[1]:
            raise ValueError("TE and TI never fit into TR")
        return self

    def told(self) -> dict[str, tuple[float, float] | None]:
        """By name, in SI; what the family does not have is left out."""
        FA = None if self.FA_deg is None else (math.radians(self.FA_deg[0]), math.radians(self.FA_deg[1]))
        every = {"TR": self.TR, "TE": self.TE, "TI": self.TI, "FA": FA}
        return {name: every[name] for name in FAMILIES[self.family]}


class Conditions(BaseModel):
    """Acquisitions of sources and targets alike: a protocol is drawn, then its numbers, then a field of B0 [T]."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    B0: tuple[Annotated[float, Field(ge=0.05, le=7)], ...] = Field(default=(0.5, 1.0, 1.5, 3.0), min_length=1)
    protocols: tuple[Ranges, ...] = Field(
        min_length=1,
        default=(
            Ranges(family="GRE", TR=(6e-3, 60e-3), TE=(1.5e-3, 8e-3), FA_deg=(3, 40)),
            Ranges(family="MPRAGE", TR=(1.9, 3.0), TE=(1.5e-3, 5e-3), TI=(0.75, 1.2), FA_deg=(6, 12)),
            Ranges(family="SE", TR=(0.35, 1.0), TE=(8e-3, 20e-3)),
            Ranges(family="SE", TR=(1.5, 8.0), TE=(8e-3, 150e-3)),
            Ranges(family="SE", TR=(2.5, 12.0), TE=(75e-3, 130e-3)),
            Ranges(family="IR", TR=(1.8, 4.0), TE=(8e-3, 40e-3), TI=(0.3, 1.2)),
            Ranges(family="IR", TR=(5.0, 11.0), TE=(80e-3, 150e-3), TI=(1.7, 2.8)),
        ),
    )

    @property
    def width(self) -> int:
        """How many numbers the network is told: of source and target together."""
        return 2 * (len(FAMILIES) + 5 + len(TISSUES))

    @property
    def signals(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Where among them the signals of TISSUES stand, of the source and of the target."""
        half, k = self.width // 2, len(TISSUES)
        return tuple(range(half - k, half)), tuple(range(2 * half - k, 2 * half))


TISSUES = ("white_matter", "grey_matter", "csf", "fat")
FAT = 0.5
"""What fat's signal is multiplied by, to be of order 1."""


def encoded(what: Acquisition) -> tuple[float, ...]:
    """What the network is told of one acquisition: 13 numbers of order 1.

        family of FAMILIES as one of four;  ln(TR / s) / 2;  ln(TE / 20 ms) / 2;
        TI / s (0: none);  FA / 45 degrees (SE and IR: 90 degrees);  ln(B0 / T)
        S_t / max(S_WM, S_GM, S_CSF)  of WM, GM and CSF, and half of it of fat (at most 2)

    S_t = PD_t times the signal equation at the field's T1 and T2 of the tissue table: what the equation says is given,
    and need not be learned.
    """
    one = [float(what.family == name) for name in FAMILIES]
    FA = math.pi / 2 if what.FA is None else what.FA
    numbers = [math.log(what.TR) / 2, math.log(what.TE / 20e-3) / 2, what.TI or 0.0, FA / math.radians(45)]
    S = expected(what, TISSUES)
    top = max(float(S[:3].max()), 1e-6)
    return (*one, *numbers, math.log(what.B0), *(S[:3] / top).tolist(), min(float(S[3]) / top * FAT, 2.0))


def expected(what: Acquisition, tissues: Sequence[str]) -> np.ndarray:
    """(t,) PD times the signal of each tissue, as the table has it at this field."""
    PD, T1, T2 = _table(what.B0, tuple(tissues))
    return PD * np.asarray(signal_of(what)(T1, T2))


@cache
def _table(B0: float, names: tuple[str, ...]) -> np.ndarray:
    """(3, t) PD, T1 [s], T2 [s]"""
    return np.array([[t.PD, t.T1, t.T2] for t in tissue_table(B0, names)]).T


def outside(known: Conditions, what: Acquisition, whose: str) -> list[str]:
    """Sentences on what of an acquisition was not trained with; empty if nothing. whose: "source", "target"."""
    said = []
    if not min(known.B0) * (1 - SLACK) <= what.B0 <= max(known.B0) * (1 + SLACK):
        said.append(f"{whose}: B0={shown('B0', what.B0)}, trained with {span('B0', min(known.B0), max(known.B0))}")
    alike = [p for p in known.protocols if p.family == what.family]
    if not alike:
        return [*said, f"{whose}: no {what.family} was trained with"]
    faults = [_beyond(p, what) for p in alike]
    return said + [f"{whose}: {fault}" for fault in min(faults, key=len)]


def _beyond(known: Ranges, what: Acquisition) -> list[str]:
    said = []
    for name, told in known.told().items():
        assert told is not None
        value = getattr(what, name)
        if not told[0] * (1 - SLACK) <= value <= told[1] * (1 + SLACK):
            said.append(f"{name}={shown(name, value)} of {what.family}, trained with {span(name, *told)}")
    return said


def told_both(source: Acquisition, target: Acquisition) -> tuple[float, ...]:
    """What the network is told of a sample, `Conditions.width` numbers."""
    return (*encoded(source), *encoded(target))


def words(known: Conditions) -> list[str]:
    """Lines for a card: B0, then each way to acquire."""
    lines = [f"B0 {', '.join(f'{b:g}' for b in known.B0)} T"]
    for p in known.protocols:
        parts = [f"{n} {span(n, *told)}" for n, told in p.told().items() if told is not None]
        lines.append(f"{p.family}: {', '.join(parts)}")
    return lines
