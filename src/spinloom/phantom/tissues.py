"""Tissues and their MR parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from spinloom.core.errors import UsageError, nearest


@dataclass(frozen=True)
class Tissue:
    """One tissue at one field.

    label      id in the label map
    name       e.g. "grey_matter"
    PD         proton density, water = 1
    T1, T2     [s]
    T2prime    [s], inf for no reversible decay
    *_sd       standard deviation between subjects, relative [1]
    D          diffusivity [m^2/s]
    chi_ppm    susceptibility, absolute (vacuum = 0) [ppm]
    shift_ppm  chemical shift against water [ppm]
    spectrum   lines (shift [ppm], part of the signal) that replace the one at shift_ppm; parts sum to 1
    """

    label: int
    name: str
    PD: float
    T1: float
    T2: float
    T2prime: float = float("inf")
    PD_sd: float = 0.0
    T1_sd: float = 0.0
    T2_sd: float = 0.0
    D: float = 0.0
    chi_ppm: float = 0.0
    shift_ppm: float = 0.0
    spectrum: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if self.spectrum and abs(sum(part for _, part in self.spectrum) - 1) > 1e-6:
            raise UsageError(f"the lines of {self.name}'s spectrum must sum to 1")


@dataclass(frozen=True)
class TissueTable:
    """Tissues at one field, in the order of a phantom's fraction maps.

    B0      the field the values are meant for [T]
    source  where the numbers come from
    """

    tissues: tuple[Tissue, ...]
    B0: float
    source: str = ""

    def __len__(self) -> int:
        return len(self.tissues)

    def __iter__(self) -> Iterator[Tissue]:
        return iter(self.tissues)

    def named(self, name: str) -> Tissue:
        for tissue in self.tissues:
            if tissue.name == name:
                return tissue
        raise UsageError(f"no tissue named '{name}'", remedy=nearest(name, [t.name for t in self.tissues]))

    def index(self, name: str) -> int:
        return self.tissues.index(self.named(name))
