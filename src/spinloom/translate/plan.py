"""Plan: what is learned from what, by which network, how long. Small, frozen, JSON that a person can edit."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.files import atomic, gate
from spinloom.simulation.signal_equations import namespace
from spinloom.translate.conditions import Conditions

Family = Literal[
    "regression", "pix2pix", "cyclegan", "ddpm", "fast-ddpm", "edm", "flow", "bridge", "refinement"
]  # fmt: skip
M = TypeVar("M", bound=BaseModel)
SOUND = "spinloom train --plan-only writes a sound one."
Positive = Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=10**9)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Side(_Frozen):
    """One image that goes in or comes out.

    contrast   its name, e.g. T1w, CT
    quantity   SIGNAL, HU, T1, T2, PD ...
    low, high  what becomes 0 and 1: of SIGNAL percentiles in the foreground (low 0: the value 0), of others values [SI]
    bias       whether shading is taken out first (SIGNAL only)
    log        between low and high in proportion to the logarithm, so that equal steps are equal ratios (T1, T2, whose
               tissues lie decades apart); what is below low counts as low
    B0         field at which it is simulated [T]; None: each head's own, 1.5 or 3
    """

    contrast: str = Field(min_length=1, max_length=64)
    quantity: str = "SIGNAL"
    low: float = 0.0
    high: float = 99.5
    bias: bool = True
    log: bool = False
    B0: float | None = Field(default=None, ge=0.05, le=7)

    @model_validator(mode="after")
    def _sound(self) -> Side:
        if self.quantity not in Quantity.__members__:
            raise ValueError(f"quantity '{self.quantity}' is none of {', '.join(Quantity.__members__)}")
        if not self.low < self.high or (self.quantity == "SIGNAL" and not 0 <= self.low < self.high <= 100):
            raise ValueError(f"low {self.low:g} and high {self.high:g} are no range")
        if self.log and (self.is_signal or self.low <= 0):
            raise ValueError("log: a quantity with a unit, from a low above 0")
        return self

    @property
    def is_signal(self) -> bool:
        return self.quantity == "SIGNAL"

    def scaled(self, values: Any) -> Any:
        """y = (x - low) / (high - low), or ln(max(x, low) / low) / ln(high / low);  arrays and tensors, in the unit."""
        if self.log:
            xp = namespace(values)
            return xp.log(xp.clip(values, self.low, None) / self.low) / math.log(self.high / self.low)
        return (values - self.low) / (self.high - self.low)

    def unscaled(self, values: Any) -> Any:
        """x of y; log: y is kept within -0.1 ... 1.1, for an exponential makes much of a little too much."""
        if self.log:
            xp = namespace(values)
            return self.low * xp.exp(xp.clip(values, -0.1, 1.1) * math.log(self.high / self.low))
        return self.low + values * (self.high - self.low)


class Thick(_Frozen):
    """Super-resolution: the source is the target in slices `factor` times as thick.

    factor  of the slice thickness;  axis  0, 1, 2 of RAS in training (2: axial slices)
    start   planes of an image whose mean is one of the target's: above 1 in the early stages of a cascade
    turned  whether it also learns from each image turned, so that every axis is once the thick one
    """

    factor: int = Field(ge=2, le=16)
    axis: int = Field(default=2, ge=0, le=2)
    start: int = Field(default=1, ge=1, le=16)
    turned: bool = False


class Network(_Frozen):
    """dims 2 (slices) or 3;  slices seen together (odd; 1: plain 2D, more: 2.5D);  views: axes sliced across, answers
    averaged;  channels of the levels;  blocks per level;  patch [voxels], of dims numbers.

    reversible  the encoder keeps no activations (kind unet): less memory, more time
    """

    kind: Literal["unet", "strided", "monai"] = "unet"
    dims: Literal[2, 3] = 2
    slices: int = Field(default=5, ge=1, le=31)
    views: tuple[int, ...] = (0, 1, 2)
    channels: tuple[int, ...] = (24, 48, 96, 96)
    blocks: int = Field(default=1, ge=1, le=8)
    reversible: bool = False
    patch: tuple[int, ...] = (128, 128)

    @model_validator(mode="after")
    def _sound(self) -> Network:
        if self.slices % 2 == 0 or (self.dims == 3 and self.slices != 1):
            raise ValueError("slices: an odd number, and 1 in three dimensions")
        if len(self.patch) != self.dims or min(self.patch) < 8:
            raise ValueError(f"patch: {self.dims} numbers of at least 8 voxels are needed")
        if not self.views or not set(self.views) <= {0, 1, 2}:
            raise ValueError("views: one or more of the axes 0, 1, 2")
        if self.reversible and any(c % 2 for c in self.channels):
            raise ValueError("reversible: the channels of every level must be even")
        if not 1 <= len(self.channels) <= 7 or not all(4 <= c <= 2048 for c in self.channels):
            raise ValueError("channels: one to seven levels of 4 to 2048")
        return self


class Training(_Frozen):
    """steps of `batch` samples;  seconds: at most, whatever the steps;  rate of AdamW, falling as a cosine to 0;
    average: rate of the moving average;  clip: largest norm of a gradient;  panel: steps between pictures;
    protocols: of simulated sources, of any scanner or the usual one (T1, T2 and PD cannot be told without it)."""

    steps: Count = 2000
    seconds: Positive | None = None
    batch: Count = 8
    rate: Positive = 1e-3
    average: float = Field(default=0.995, ge=0, lt=1)
    clip: Positive = 1.0
    bf16: bool = False
    panel: Count = 200
    augment: bool = True
    simulated: float = Field(default=0.0, ge=0, le=1)
    protocols: Literal["any", "usual"] = "any"
    seed: int = Field(default=0, ge=0)


class Plan(_Frozen):
    """What a run does.

    voxel_mm    the grid the network works on; None: each image's own
    conditions  acquisitions that are drawn and that the network is told: any contrast to any; None: it is told nothing
    """

    format: Literal["spinloom plan 1"] = "spinloom plan 1"
    name: str = Field(default="translator", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    source: tuple[Side, ...] = Field(min_length=1)
    target: tuple[Side, ...] = Field(min_length=1)
    paired: bool = True
    family: Family = "regression"
    settings: dict[str, float | int | str | bool] = Field(default_factory=dict)
    thick: Thick | None = None
    voxel_mm: Positive | None = None
    conditions: Conditions | None = None
    network: Network = Network()
    training: Training = Training()

    @model_validator(mode="after")
    def _conditioned(self) -> Plan:
        if self.conditions is None:
            return self
        sides = (*self.source, *self.target)
        if len(sides) != 2 or not all(s.is_signal for s in sides) or not self.paired or self.thick is not None:
            raise ValueError("conditions: one signal to one signal, paired, no super-resolution")
        if self.family != "regression" or self.network.kind != "unet" or self.network.reversible:
            raise ValueError("conditions: family regression, network unet, not reversible")
        return self

    def to_json(self) -> str:
        return json.dumps(self.model_dump(mode="json"), indent=2) + "\n"


def plan_of(told: object, file: str | os.PathLike[str] | None = None) -> Plan:
    """A plan from plain values. Raises InputError naming every field that is wrong."""
    return validated(Plan, told, "plan", SOUND, file)


def read_plan(path: str | os.PathLike[str]) -> Plan:
    """Raises InputError for files that are no plan."""
    return plan_of(json_of(path, SOUND), path)


def validated(kind: type[M], told: object, what: str, remedy: str, file: str | os.PathLike[str] | None) -> M:
    """A value of a kind from plain values. Raises InputError naming every field that is wrong."""
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'plan'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise InputError(f"is no {what}: {faults}", file=file, remedy=remedy) from error


def json_of(path: str | os.PathLike[str], remedy: str) -> object:
    """What a JSON file holds. Raises InputError for one that holds none."""
    try:
        value: object = json.loads(gate.read_text(path))
        return value
    except (ValueError, RecursionError) as error:
        raise InputError(f"is no JSON: {error}", file=path, remedy=remedy) from error


def write_plan(plan: Plan, path: str | os.PathLike[str]) -> None:
    atomic.write_text(Path(path), plan.to_json())
