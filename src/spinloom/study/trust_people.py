"""Who is learned from, calibrated with and tested on in the study of trust, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from spinloom.study.anatomies import anatomies, parted
from spinloom.study.people import person
from spinloom.study.trust_train import crowd
from spinloom.train.heads import Head

SHARES = (12, 5, 6)
"""Of the anatomies: to learn from, to calibrate with, to test on."""
PARTS = ("learn", "calibrate", "test")


@dataclass(frozen=True)
class Settings:
    """anatomies  drawn from the template where no label maps are given
    people, steps    to learn from, and of each network;  calibrated, tested  subjects
    """

    anatomies: int = 9
    people: int = 100
    steps: int = 3000
    calibrated: int = 40
    tested: int = 48
    voxel_mm: float = 2.0
    slices: int = 20
    seed: int = 0
    small: bool = False


REDUCED = Settings(3, 3, 6, 10, 3, 4.0, 6, 0, True)


@lru_cache(maxsize=1)
def bases_of(labels: tuple[Path, ...], count: int, seed: int, voxel_mm: float) -> dict[str, list[Head]]:
    """Anatomies by PARTS, kept in the process."""
    found = parted(anatomies(labels, count, seed, voxel_mm), seed, SHARES)
    return dict(zip(PARTS, found, strict=True))


@lru_cache(maxsize=1)
def crowd_of(labels: tuple[Path, ...], s: Settings) -> list[Head]:
    """Those that are learned from, kept in the process: both networks learn from them."""
    return crowd(bases_of(labels, s.anatomies, s.seed, s.voxel_mm)["learn"], s.people, s.seed)


def someone(bases: Sequence[Head], s: Settings, part: str, n: int) -> Head:
    """The n-th of a part, in turn out of each anatomy."""
    return person(bases[n % len(bases)], s.seed, f"{part}-{n:03d}", slices=s.slices)
