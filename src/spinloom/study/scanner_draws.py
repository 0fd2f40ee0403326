"""What a learned scanner is taught on: protocols of five families and tissues, drawn within stated ranges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.sequence.protocols import bssfp, inversion_recovery, spin_echo, spoiled_gre, turbo_spin_echo
from spinloom.sequence.sequence import Sequence
from spinloom.simulation.responses import Tissues

Range = tuple[float, float]
DEG = pi / 180
TRIES = 200


@dataclass(frozen=True)
class Family:
    """A protocol, and the ranges its parameters are drawn from: log-uniform for times, uniform for all else (SI).

    lines  how many are played, per echo of a train
    spins  of a voxel along readout, phase and slice axis: primes, so that no two spoilers come round together
    """

    name: str
    make: Callable[..., Sequence]
    times: dict[str, Range]
    plain: dict[str, Range]
    whole: dict[str, tuple[int, int]]
    lines: tuple[int, int]
    spins: tuple[int, int, int]


SLICE = {"slice_thickness": (3e-3, 6e-3)}
SOME, MANY = (13, 1, 331), (31, 1, 503)
"""Spins of a voxel: at short TR and in long trains, fluid remembers hundreds of spoilers."""
FAMILIES = (
    Family(
        "spoiled_gre", spoiled_gre, {"TR": (8e-3, 0.4), "TE": (2e-3, 25e-3)},
        {"FA": (5 * DEG, 80 * DEG), "bandwidth": (150, 500), **SLICE}, {"n_dummies": (5, 60)}, (16, 136), MANY,
    ),
    Family(
        "spin_echo", spin_echo, {"TR": (0.25, 4.0), "TE": (10e-3, 0.14)},
        {"FA": (60 * DEG, 110 * DEG), "refocus_FA": (120 * DEG, pi), "bandwidth": (120, 400), **SLICE},
        {"n_dummies": (1, 3)}, (4, 8), SOME,
    ),
    Family(
        "inversion_recovery", inversion_recovery,
        {"TR": (0.8, 8.0), "TE": (10e-3, 0.1), "TI": (0.05, 3.0)},
        {"refocus_FA": (150 * DEG, pi), "bandwidth": (120, 400), **SLICE}, {"n_dummies": (1, 3)}, (4, 6), SOME,
    ),
    Family(
        "bssfp", bssfp, {"TR": (3.5e-3, 14e-3)}, {"FA": (15 * DEG, 80 * DEG), "bandwidth": (400, 1200), **SLICE},
        {"n_dummies": (20, 200)}, (16, 136), (2, 1, 97),
    ),
    Family(
        "turbo_spin_echo", turbo_spin_echo,
        {"TR": (0.4, 7.0), "TE": (10e-3, 0.16), "echo_spacing": (8e-3, 18e-3)},
        {"refocus_FA": (100 * DEG, pi), "bandwidth": (150, 500), **SLICE}, {"ETL": (3, 20), "n_dummies": (1, 3)},
        (2, 3), MANY,
    ),
)  # fmt: skip
LEFT_OUT = ("mprage", "flair")
T1, T2 = (0.2, 4.6), (0.02, 2.2)
"""Of tissues [s], log-uniform; T2 below T1."""
B1 = (0.7, 1.3)
N_B1 = 4
USUAL = ((0.37, 0.10), (0.85, 0.07), (1.4, 0.09), (1.3, 0.05), (4.3, 1.8), (1.9, 0.15), (0.9, 0.045))
"""T1, T2 [s] around which half of the tissues lie: fat, white and grey matter, muscle, fluid, blood, marrow."""


def draw_sequence(family: Family, rng: np.random.Generator) -> Sequence:
    """A sequence whose parameters fit together: drawn again where they do not."""
    for _ in range(TRIES):
        given = {name: float(np.exp(rng.uniform(*np.log(ends)))) for name, ends in family.times.items()}
        given |= {name: float(rng.uniform(*ends)) for name, ends in family.plain.items()}
        whole = {name: int(rng.integers(low, high + 1)) for name, (low, high) in family.whole.items()}
        n = int(rng.integers(family.lines[0], family.lines[1] + 1)) * whole.get("ETL", 1)
        try:
            return family.make(**given, **whole, matrix=(96, 2 * (n // 2)), FOV=(0.24, 0.24))
        except UsageError:
            continue
    raise UsageError(f"no {family.name} fits the ranges it is drawn from in {TRIES} tries")


def draw_tissues(n: int, band: float, rng: np.random.Generator) -> Tissues:
    """band: off-resonance is uniform between plus and minus half of it [Hz]."""
    t1, t2 = (np.exp(rng.uniform(np.log(ends[0]), np.log(ends[1]), n)) for ends in (T1, T2))
    which = np.array(USUAL)[rng.integers(0, len(USUAL), n)] * np.exp(rng.normal(0, 0.15, (n, 2)))
    usual = rng.random(n) < 0.5
    t1 = np.clip(np.where(usual, which[:, 0], t1), *T1)
    t2 = np.clip(np.where(usual, which[:, 1], t2), T2[0], np.minimum(t1, T2[1]))
    return Tissues(T1=t1, T2=t2, dB0=rng.uniform(-0.5, 0.5, n) * band, B1=rng.choice(rng.uniform(*B1, N_B1), n))
