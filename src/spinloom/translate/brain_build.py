"""BrainPlan → its networks with fresh weights."""

from __future__ import annotations

import math

import torch

from spinloom.models.diffusion import Diffusion
from spinloom.models.generator import Generator
from spinloom.models.latent_gan import LatentGAN
from spinloom.models.patchgan import PatchDiscriminator
from spinloom.models.paths import FewSteps, Flow, FromStart, non_uniform
from spinloom.models.predictions import Clean, Drift, Velocity
from spinloom.models.samplers import DDIM
from spinloom.models.schedules import Cosine
from spinloom.models.translator import Translator
from spinloom.models.unet import Shape, UNet
from spinloom.phantom.classes import CLASSES
from spinloom.translate.brain_plan import BrainPlan

PARTS = len(CLASSES)
CRITIC_LEAST = 3
"""Voxels along a side that a critic's last two layers need."""


def build_base(plan: BrainPlan) -> Translator:
    """Conditions (n, c, ...) → fractions of the classes (n, 11, ...) on the coarsest voxels."""
    if plan.family == "gan":
        network = Generator(plan.coarse(0), PARTS, plan.conditions, latent=plan.latent, channels=plan.base)
        halvings = int(math.log2(max(min(plan.coarse(0)) / CRITIC_LEAST, 1)))
        strides = (*(2,) * min(halvings, 3), 1)
        critic = PatchDiscriminator(plan.dims, PARTS + plan.conditions, 32, strides, spectral=True)
        return LatentGAN(network, critic)
    unet = UNet(Shape(plan.dims, PARTS + plan.conditions, PARTS, plan.base, time=True))
    if plan.family == "flow":
        return Diffusion(unet, PARTS, path=Flow(), prediction=Drift(), sampler=DDIM(plan.base_steps))
    with torch.device("cpu"):  # numbers, wherever weights are
        few = FewSteps(schedule=Cosine(), stops=non_uniform(plan.base_steps))
    return Diffusion(unet, PARTS, path=few, prediction=Velocity(), sampler=DDIM(plan.base_steps, eta=1.0))


def build_finer(plan: BrainPlan, n: int) -> Translator:
    """The n-th finer network, 1 ... finer: coarse fractions, resampled, and conditions (n, 11 + c, ...) → fractions
    (n, 11, ...) on voxels half as large."""
    channels = plan.fine if n > plan.finer - 2 else plan.middle
    unet = UNet(Shape(plan.dims, 2 * PARTS + plan.conditions, PARTS, channels, time=True))
    return Diffusion(
        unet, PARTS, path=FromStart(plan.sigma), prediction=Clean(), sampler=DDIM(plan.fine_steps), residual=True
    )
