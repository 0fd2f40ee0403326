"""BrainPlan: how heads that nobody has are generated, coarse to fine. Small, frozen, JSON."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spinloom.files import atomic
from spinloom.translate.plan import Training, json_of, validated

BrainFamily = Literal["flow", "fast-ddpm", "gan"]
FAMILIES: tuple[BrainFamily, ...] = ("flow", "fast-ddpm", "gan")
CENTRE_MM = (0.0, -16.0, -8.0)
"""Middle of the grid; the centroid of grey and white matter lies at BRAIN_MM of it."""
SOUND = "spinloom train-brains writes a sound one."
BRAIN_MM = (0.0, -16.0, 6.0)
Level = Annotated[int, Field(ge=8, le=512)]


class BrainPlan(BaseModel):
    """A base network makes the head on voxels so many times as large; each finer one halves them.

    dims      2: axial slices of voxel_mm, 3: volumes;  size: voxels of the finest, multiples of what the levels need
    finer     how often voxels are halved after the base
    base, middle, fine  channels of the levels: of the base, of the last two finer networks (fine), of those between
    latent    numbers of a GAN's noise
    base_steps, fine_steps  steps of sampling;  sigma: noise on what a finer network starts from
    levels_mm range of axial levels it is trained at (2 dims), 0 being MNI's
    ventricles what 1 stands for: cm^2 of a slice, mL of a head
    bent, cut how many others are made of a person to learn from, and how many slices are cut of each (2 dims)
    training, finely  of the base and of each finer network
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: Literal["spinloom brains 1"] = "spinloom brains 1"
    name: str = Field(default="brains", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    family: BrainFamily = "flow"
    dims: Literal[2, 3] = 2
    size: tuple[Level, ...] = (192, 224)
    voxel_mm: float = Field(default=1.0, gt=0.2, le=16)
    finer: int = Field(default=4, ge=0, le=5)
    base: tuple[Level, ...] = (64, 128)
    middle: tuple[Level, ...] = (32, 64, 96)
    fine: tuple[Level, ...] = (24, 32, 48)
    latent: int = Field(default=64, ge=1, le=4096)
    base_steps: int = Field(default=20, ge=1, le=1000)
    fine_steps: int = Field(default=10, ge=1, le=1000)
    sigma: float = Field(default=0.5, gt=0, le=4)
    levels_mm: tuple[float, float] = (-40.0, 70.0)
    ventricles: float = Field(default=20.0, gt=0, le=1e4)
    bent: int = Field(default=10, ge=1, le=1000)
    cut: int = Field(default=20, ge=1, le=1000)
    training: Training = Training(batch=16)
    finely: Training = Training(batch=4)

    @model_validator(mode="after")
    def _sound(self) -> BrainPlan:
        if len(self.size) != self.dims:
            raise ValueError(f"size: {self.dims} numbers")
        need = 2 ** (self.finer + len(self.base) - 1)
        if any(n % need for n in self.size) or math.prod(self.size) > 2**24:
            raise ValueError(f"size: multiples of {need}, and not more than 2^24 voxels")
        if not self.levels_mm[0] < self.levels_mm[1] or not all(map(math.isfinite, self.levels_mm)):
            raise ValueError("levels_mm: low and high")
        return self

    @property
    def conditions(self) -> int:
        """Numbers that the networks are told: the level (2 dims), whether ventricles are asked for, how large."""
        return 3 if self.dims == 2 else 2

    def coarse(self, n: int) -> tuple[int, ...]:
        """Size after n of the finer networks: 0 is the base's."""
        return tuple(s // 2 ** (self.finer - n) for s in self.size)

    def told(self, level_mm: float | None, ventricles: float | None) -> np.ndarray:
        """(conditions,) for a level [mm] (2 dims) and a size of the ventricles [cm^2, mL], None: any."""
        asked = (0.0, 0.0) if ventricles is None else (1.0, 2 * ventricles / self.ventricles - 1)
        return np.array((*((level_mm or 0.0) / 100,) * (self.dims == 2), *asked), np.float32)


def brain_plan_of(said: object, file: str | os.PathLike[str] | None = None) -> BrainPlan:
    """A plan from plain values. Raises InputError naming every field that is wrong."""
    return validated(BrainPlan, said, "plan of generated heads", SOUND, file)


def read_brain_plan(path: str | os.PathLike[str]) -> BrainPlan:
    """Raises InputError for files that are no plan."""
    return brain_plan_of(json_of(path, SOUND), path)


def write_brain_plan(plan: BrainPlan, path: str | os.PathLike[str]) -> None:
    atomic.write_text(Path(path), json.dumps(plan.model_dump(mode="json"), indent=2) + "\n")


def plan_for(family: BrainFamily, dims: int, *, name: str = "brains", seed: int = 0, bf16: bool = False) -> BrainPlan:
    """Axial slices at 1 mm, or heads at 2 mm; both begin on voxels of 16 mm and halve them."""
    game = family == "gan"
    base = Training(batch=32 if dims == 2 else 16, rate=4e-4 if game else 1e-3, seed=seed, bf16=bf16)
    fine = Training(batch=4 if dims == 2 else 1, seed=seed, bf16=bf16)
    steps = 10 if family == "fast-ddpm" else 20
    if dims == 2:
        return BrainPlan(name=name, family=family, training=base, finely=fine, base_steps=steps)
    return BrainPlan(
        name=name, family=family, dims=3, size=(96, 112, 96), voxel_mm=2.0, finer=3, base=(48, 96),
        middle=(24, 48, 64), fine=(16, 24, 32), ventricles=60.0, training=base, finely=fine, base_steps=steps,
    )  # fmt: skip
