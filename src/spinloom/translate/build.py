"""Plan → the translator it describes, with fresh weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from torch import nn

from spinloom.core.errors import UsageError, nearest
from spinloom.models.adversarial import Adversarial
from spinloom.models.cycle import Cycle
from spinloom.models.diffusion import Diffusion
from spinloom.models.features import FeatureLoss
from spinloom.models.guess import GUESSES, Guessed
from spinloom.models.losses import CrossEntropy, Game, Hinge, LeastSquares
from spinloom.models.patchgan import PatchDiscriminator
from spinloom.models.paths import (
    Bridge,
    FewSteps,
    Flow,
    FromStart,
    Path,
    VarianceExploding,
    VariancePreserving,
    non_uniform,
    uniform,
)
from spinloom.models.predictions import Clean, Drift, Noise, Preconditioned, Prediction, Velocity
from spinloom.models.refinement import Refinement
from spinloom.models.regression import Regression
from spinloom.models.samplers import DDIM, Heun, Sampler
from spinloom.models.schedules import Cosine, Linear, Literal, Schedule
from spinloom.models.strided_unet import StridedUNet
from spinloom.models.translator import Translator
from spinloom.models.unet import Shape, UNet
from spinloom.translate.conditions import FAT, Conditions
from spinloom.translate.plan import Plan

GAMES: Mapping[str, type[Game]] = {"bce": CrossEntropy, "lsgan": LeastSquares, "hinge": Hinge}
SCHEDULES: Mapping[str, type[Schedule]] = {"linear": Linear, "cosine": Cosine, "literal": Literal}
PREDICTIONS: Mapping[str, type[Prediction]] = {"noise": Noise, "clean": Clean, "velocity": Velocity, "drift": Drift}
STRIDES: Mapping[str, tuple[int, ...]] = {"70": (2, 2, 2, 1), "94": (2, 2, 2, 2), "34": (2, 2, 1)}
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "regression": {"feature_weight": 0.0, "smooth": 0.0, "unit": 1.0},
    "pix2pix": {"game": "bce", "l1": 100.0, "penalty": 0.0, "patch": "70", "critic_width": 32, "critic_rate": 1.0,
        "feature_weight": 0.0,
    },
    "cyclegan": {
        "game": "lsgan", "cycle": 10.0, "identity": 5.0, "structure": 0.0, "patch": "70", "critic_width": 32,
        "critic_rate": 1.0, "pool": 50,
    },
    "ddpm": {"schedule": "cosine", "predict": "velocity", "sampling_steps": 50, "eta": 0.0},
    "fast-ddpm": {"schedule": "linear", "predict": "noise", "stops": "non-uniform", "sampling_steps": 10, "eta": 0.0},
    "edm": {"sampling_steps": 20, "heun": True},
    "flow": {"sampling_steps": 10, "heun": False},
    "bridge": {"sigma": 0.3, "sampling_steps": 10, "eta": 1.0},
    "refinement": {"sigma": 0.1, "sampling_steps": 5, "smooth": 0.0, "unit": 1.0},
}  # fmt: skip
"""Families and their settings with the values they have unless a plan says otherwise."""
LIMITS: Mapping[str, tuple[float, float]] = {
    "sampling_steps": (1, 1000), "critic_width": (1, 1024), "eta": (0, 1), "unit": (1e-6, 1e6), "pool": (0, 10_000),
}  # fmt: skip
"""Of settings that are numbers; the others are 0 to a million."""


def settings_of(plan: Plan) -> dict[str, object]:
    """All settings of the plan's family. Raises UsageError for one it does not have, or of the wrong kind."""
    known = SETTINGS[plan.family]
    said = {k: str(v) if type(v) is int and isinstance(known.get(k), str) else v for k, v in plan.settings.items()}
    for name, value in said.items():
        if name not in known:
            raise UsageError(f"family '{plan.family}' has no setting '{name}'", remedy=nearest(name, tuple(known)))
        if isinstance(value, str) != isinstance(known[name], str):
            raise UsageError(f"setting '{name}' of '{plan.family}' is like {known[name]!r}, not {value!r}")
        low, high = LIMITS.get(name, (0.0, 1e6))
        if not isinstance(value, str) and not low <= value <= high:
            raise UsageError(f"setting {name} is {value:g}", remedy=f"{low:g} to {high:g}.")
    return {**known, **said}


def build(plan: Plan, segmenter: UNet | None = None) -> Translator:
    """The translator of a plan.

    segmenter  for the feature loss, where the plan gives it a weight

    Raises UsageError for settings that do not exist or do not fit together.
    """
    return Builder(plan, segmenter).build()


ONE_ANSWER = ("regression", "pix2pix", "cyclegan")
"""Families whose answer is the same at every draw."""


def samples(plan: Plan) -> bool:
    """Whether another draw gives another answer. A bridge begins at the source: with eta 0 it draws no noise."""
    return plan.family not in ONE_ANSWER and not (plan.family == "bridge" and settings_of(plan)["eta"] == 0)


K = TypeVar("K")


class Builder:
    """Networks of one plan."""

    def __init__(self, plan: Plan, segmenter: UNet | None = None) -> None:
        self.plan, self.net, self.said = plan, plan.network, settings_of(plan)
        self.sources, self.targets = len(plan.source), len(plan.target)
        self.stacked = self.sources * self.net.slices
        self.segmenter = segmenter

    def build(self) -> Translator:
        families: Mapping[str, Callable[[], Translator]] = {
            "regression": self.regression,
            "pix2pix": self.pix2pix,
            "cyclegan": self.cyclegan,
            "refinement": lambda: Refinement(self.regression(), self.diffusion()),
        }
        return families.get(self.plan.family, self.diffusion)()

    def regression(self) -> Regression:
        residual = self.middle if self.plan.thick is not None else None
        weight = self.number("feature_weight") if "feature_weight" in self.said else 0.0
        return Regression(
            self.network(self.stacked, self.targets)
            if self.plan.conditions is None
            else self.told(self.plan.conditions),
            residual=residual,
            feature=self.feature(weight),
            feature_weight=weight,
            smooth=self.number("smooth") if "smooth" in self.said else 0.0,
            unit=self.number("unit") if "unit" in self.said else 1.0,
        )

    def told(self, conditions: Conditions) -> nn.Module:
        """A network that is told both acquisitions; it begins with what the signal equation says of a few tissues."""
        inner = self.network(self.stacked + GUESSES, self.targets, told=conditions.width)
        return Guessed(inner, self.middle, *conditions.signals, (1.0, 1.0, 1.0, 1 / FAT))

    def pix2pix(self) -> Adversarial:
        weight = self.number("feature_weight")
        return Adversarial(
            self.network(self.stacked, self.targets),
            self.critic(self.stacked + self.targets),
            game=self.one_of(GAMES, "game")(),
            l1_weight=self.number("l1"),
            penalty_weight=self.number("penalty"),
            critic_rate=self.number("critic_rate"),
            feature=self.feature(weight),
            feature_weight=weight,
        )

    def cyclegan(self) -> Cycle:
        if self.net.slices != 1:
            raise UsageError("CycleGAN goes both ways, so both sides need one slice", remedy="Set network.slices to 1.")
        return Cycle(
            self.network(self.sources, self.targets),
            self.network(self.targets, self.sources),
            self.critic(self.targets),
            self.critic(self.sources),
            game=self.one_of(GAMES, "game")(),
            cycle_weight=self.number("cycle"),
            identity_weight=self.number("identity"),
            structure_weight=self.number("structure"),
            pool=int(self.number("pool")),
            critic_rate=self.number("critic_rate"),
        )

    def diffusion(self) -> Diffusion:
        path, prediction, sampler = self.process()
        return Diffusion(
            self.network(self.stacked + self.targets, self.targets, time=True),
            self.targets,
            path=path,
            prediction=prediction,
            sampler=sampler,
            stack=self.net.slices,
            residual=self.plan.family == "refinement" or (self.plan.family == "bridge" and self.plan.thick is not None),
        )

    def process(self) -> tuple[Path, Prediction, Sampler]:
        family, steps = self.plan.family, int(self.number("sampling_steps"))
        if family == "edm":
            return VarianceExploding(), Preconditioned(), Heun(steps) if self.said["heun"] else DDIM(steps)
        if family == "flow":
            return Flow(), Drift(), Heun(steps) if self.said["heun"] else DDIM(steps)
        if family == "bridge":
            if self.sources != self.targets:
                raise UsageError("a bridge needs as many sources as targets", remedy="Take another family.")
            return Bridge(self.number("sigma")), Clean(), DDIM(steps, self.number("eta"))
        if family == "refinement":
            return FromStart(self.number("sigma")), Clean(), DDIM(steps)
        schedule = self.one_of(SCHEDULES, "schedule")()
        prediction = self.one_of(PREDICTIONS, "predict")()
        sampler = DDIM(steps, self.number("eta"))
        if family == "fast-ddpm":
            stops = self.one_of({"uniform": uniform, "non-uniform": non_uniform}, "stops")(steps, schedule.steps)
            return FewSteps(schedule, stops), prediction, DDIM(len(stops), self.number("eta"))
        return VariancePreserving(schedule), prediction, sampler

    def network(self, inputs: int, outputs: int, time: bool = False, told: int = 0) -> nn.Module:
        net = self.net
        if net.kind == "unet":
            return UNet(Shape(net.dims, inputs, outputs, net.channels, net.blocks, time, net.reversible, told))
        if time:
            raise UsageError(f"network '{net.kind}' has no time input", remedy="Take 'unet' for diffusion and flow.")
        if net.kind == "strided":
            return StridedUNet(net.dims, inputs, outputs, net.channels)
        from monai.networks.nets import BasicUNet

        c = (*net.channels, *net.channels[-1:] * 5)[:5]
        return BasicUNet(net.dims, inputs, outputs, (*c, c[0]))

    def critic(self, inputs: int) -> PatchDiscriminator:
        return PatchDiscriminator(
            self.net.dims, inputs, int(self.number("critic_width")), self.one_of(STRIDES, "patch")
        )

    def feature(self, weight: float) -> FeatureLoss | None:
        if not weight:
            return None
        if self.segmenter is None:
            raise UsageError("a feature loss needs a segmenter", remedy="Train it with simulated heads, or set 0.")
        return FeatureLoss(self.segmenter)

    @property
    def middle(self) -> int:
        """Channel of the middle slice of the first source; slices of one source lie together."""
        return self.net.slices // 2

    def number(self, name: str) -> float:
        return float(self.said[name])  # type: ignore[arg-type]

    def one_of(self, table: Mapping[str, K], name: str) -> K:
        value = str(self.said[name])
        if value not in table:
            raise UsageError(f"setting {name} is '{value}'", remedy=nearest(value, tuple(table)))
        return table[value]
