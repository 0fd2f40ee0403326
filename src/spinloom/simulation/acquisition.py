"""An acquisition in a few numbers (family, TR, TE, TI, FA, field), and the signal of tissues under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import degrees, isfinite, radians
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from spinloom.core.errors import UsageError, nearest
from spinloom.simulation.signal_equations import inversion_recovery, mprage, namespace, spin_echo, spoiled_gradient_echo

Array = Any
Signal: TypeAlias = Callable[[Array, Array], Array]
"""(T1, T2) [s] -> transverse magnetisation per PD"""
FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"GRE": ("TR", "TE", "FA"), "MPRAGE": ("TR", "TE", "TI", "FA"), "SE": ("TR", "TE"), "IR": ("TR", "TE", "TI")}
)
"""Families and what must be said of each.

GRE: spoiled gradient echo;  SE: spin echo, and turbo spin echo by its effective TE;  IR: the same after an inversion
(FLAIR, STIR), magnitude;  MPRAGE: TI from the inversion to the centre of k-space.
"""
ALIASES: Mapping[str, str] = MappingProxyType(
    {"SPGR": "GRE", "FLASH": "GRE", "TSE": "SE", "FSE": "SE", "FLAIR": "IR", "STIR": "IR", "IR-TSE": "IR"}
)
SPACING, INNER = 7.25e-3, 85
"""Of an MPRAGE whose train nobody told: time between its pulses [s], and pulses on either side of the centre."""
LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"TR": (1e-3, 60.0), "TE": (1e-4, 2.0), "TI": (5e-3, 20.0), "FA": (radians(0.5), radians(180)), "B0": (0.05, 7.0)}
)


@dataclass(frozen=True)
class Acquisition:
    """family of FAMILIES;  TR, TE, TI [s];  FA of excitation [rad];  B0 [T].

    What its family does not have is None: TI of GRE and SE, FA of SE and IR, whose excitation is 90 degrees (scanners
    write the angle of refocusing there).

    Raises UsageError for an unknown family, numbers that are missing or impossible, and times that do not fit into TR.
    """

    family: str
    TR: float
    TE: float
    TI: float | None = None
    FA: float | None = None
    B0: float = 3.0

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise UsageError(f"no sequence family '{self.family}'", remedy=nearest(self.family, [*FAMILIES, *ALIASES]))
        needed = FAMILIES[self.family]
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if name in ("TI", "FA") and name not in needed:
                object.__setattr__(self, name, None)
            elif value is None:
                raise UsageError(f"{self.family} needs {name}", remedy=f"Say {' '.join(needed)}.")
            elif not isfinite(value) or not low <= value <= high:
                raise UsageError(f"{name} of {shown(name, value)} is out of range", remedy=f"{span(name, low, high)}.")
        if self.TE + (self.TI or 0.0) >= self.TR:
            raise UsageError(f"{self}: TE and TI do not fit into TR", remedy="Times are in ms or s: 90ms, 4s.")

    def __str__(self) -> str:
        told = {n: getattr(self, n) for n in (*FAMILIES[self.family], "B0")}
        return " ".join([self.family, *(f"{n}={shown(n, v)}" for n, v in told.items())])


def signal_of(what: Acquisition, *, spacing: float = SPACING, refocus_FA: float = np.pi) -> Signal:
    """The closed form of its family.

        GRE     sin FA (1 - E1) / (1 - E1 cos FA) exp(-TE / T2)
        MPRAGE  the pulse that reads the centre of k-space, times exp(-TE / T2)
        SE      the steady-state spin echo
        IR      |1 - 2 exp(-TI / T1) + exp(-TR / T1)| exp(-TE / T2)

    spacing     of an MPRAGE's pulses [s];  refocus_FA of spin echoes [rad]

    T2star is not known of every tissue: gradient echoes decay with T2, which matters little where TE is short.
    """
    TR, TE, TI, FA = what.TR, what.TE, what.TI or 0.0, what.FA or np.pi / 2
    if what.family == "GRE":
        return lambda T1, T2: spoiled_gradient_echo(T1, TR=TR, FA=FA) * namespace(T2).exp(-TE / T2)
    if what.family == "SE":
        return lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=np.pi / 2, refocus_FA=_like(T1, refocus_FA))
    if what.family == "IR":
        return lambda T1, T2: abs(inversion_recovery(T1, TI=TI, TR=TR)) * namespace(T2).exp(-TE / T2)
    before = min(INNER, int(TI / spacing))
    inner = before + min(INNER, int((TR - TI) / spacing))

    def magnetisation(T1: Array, T2: Array) -> Array:
        n = _like(T1, before)
        made = mprage(T1, n, TI=TI, TR=TR, FA=FA, echo_spacing=spacing, n_inner=inner, n_centre=before)
        return abs(made) * namespace(T2).exp(-TE / T2)

    return magnetisation


def _like(T1: Array, value: float) -> Array:
    """The value as T1 is: array or tensor."""
    return value + 0.0 * T1


def shown(name: str, value: float) -> str:
    """A number with the unit people say: TE=90ms, TR=4s, FA=9deg, B0=3T."""
    if name == "FA":
        return f"{degrees(value):.4g}deg"
    if name == "B0":
        return f"{value:.4g}T"
    return f"{value:.4g}s" if value >= 1 else f"{1e3 * value:.4g}ms"


def span(name: str, low: float, high: float) -> str:
    return f"{shown(name, low)} to {shown(name, high)}"
