"""Simulated scans with labels: the domain that a user scans in, and a synthetic set that has never seen it."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from spinloom.core.rng import stream
from spinloom.simulation.signal_equations import echo_train, turbo_spin_echo_Mz
from spinloom.train.heads import Head
from spinloom.train.labelled import TISSUES, Labelled, scaled
from spinloom.train.simulated import ANY, STEP, Cut, blurred, image_of, mixed, shading
from spinloom.translate.plan import Side

DEG = math.pi / 180
TARGET_B0 = 0.55
SYNTHETIC_B0 = (1.5, 3.0)
THICK = 2
"""Voxels of the head that a slice of the target domain is thick."""
TARGET_SNR = 12.0
TARGET_SHADING = 0.25
TARGET_BLUR = 0.6
TI, TR, SPACING, ETL, ECHO, REFOCUS = 0.65, 2.2, 9e-3, 8, 1, 140 * DEG
TARGET_WORDS = (
    f"inversion-recovery turbo spin echo (TI {TI * 1e3:g} ms, TR {TR:g} s, effective TE {(ECHO + 1) * SPACING * 1e3:g} "
    f"ms, {ETL} echoes refocused by {REFOCUS / DEG:.0f} degrees, by the extended phase graph) at {TARGET_B0:g} T"
)
SYNTHETIC_WORDS = (
    "MPRAGE, spoiled gradient echo or spin echo, a third each, with random times and flip angles, at 1.5 or 3 T"
)


def target_signal(T1: Tensor, T2: Tensor) -> Tensor:
    """(t,) echo of the target domain's protocol, a family that the synthetic set does not hold [PD = 1].

    |Mz| before the excitation of an inversion-recovery train, times the echo's amplitude in the phase graph.
    """
    Mz = turbo_spin_echo_Mz(
        T1, TR=TR, FA=90 * DEG, refocus_FA=REFOCUS, echo_spacing=SPACING, ETL=ETL, TI=TI, inversion_efficiency=0.96
    )
    made: Tensor = (Mz * echo_train(T1, T2, refocus_FA=REFOCUS, echo_spacing=SPACING, ETL=ETL)[ECHO]).abs()
    return made


def target_scan(head: Head, seed: int) -> Labelled:
    """The head (its T1 and T2 those at TARGET_B0) in thick slices, shaded and noisy."""
    rng = torch.Generator().manual_seed(int(stream(seed, head.name, "target scan").integers(2**62)))
    inside = head.whole.float()
    f = head.fractions.float() * inside
    S = head.PD * target_signal(head.T1, head.T2)
    slope = (head.PD * target_signal(head.T1 * (1 + STEP), head.T2 * (1 + STEP)) - S) / STEP
    image = mixed(S, f) + head.texture.float() * mixed(slope, f)
    image = F.avg_pool3d(image[None, None], (1, 1, THICK))[0, 0]
    image = image / torch.quantile(image[image > 0][::7], 0.995)
    image = blurred(image.permute(2, 0, 1), TARGET_BLUR).permute(1, 2, 0)
    image = image * shading(image, TARGET_SHADING, rng).clamp_min(0.3)
    noise = torch.randn((2, *image.shape), generator=rng) / TARGET_SNR * 0.6
    image = ((image + noise[0]) ** 2 + noise[1] ** 2).sqrt()
    mm = head.voxel_mm
    shares = F.avg_pool3d(shares_of(head)[None], (1, 1, THICK))[0]
    return Labelled(head.name, head.name, scaled(image.numpy()), hard(shares), (mm, mm, mm * THICK))


def synthetic_scan(head: Head, anatomy: str, seed: int) -> Labelled:
    """The head by a random T1w protocol on some scanner (see train.acquisitions, train.simulated)."""
    rng = torch.Generator().manual_seed(int(stream(seed, head.name, "synthetic scan").integers(2**62)))
    inside = head.whole.float()
    cut = Cut(
        head.fractions.float() * inside, head.texture.float(), inside, None, bool(torch.rand((), generator=rng) < 0.5)
    )
    image = image_of(Side(contrast="T1w"), head, head.whole, cut, rng, ANY)
    return Labelled(head.name, anatomy, scaled(image.numpy()), hard(shares_of(head)), (head.voxel_mm,) * 3)


def shares_of(head: Head) -> Tensor:
    """(classes, x, y, z) of the tissues, the first what is left to 1."""
    parts = []
    for names in TISSUES:
        own = [head.fractions[head.names.index(n)].float() for n in names if n in head.names]
        parts.append(torch.stack(own).sum(0) / 255 if own else torch.zeros(head.whole.shape))
    known = torch.stack(parts)
    return torch.cat(((1 - known.sum(0, keepdim=True)).clamp_min(0), known))


def hard(shares: Tensor) -> NDArray[np.uint8]:
    """The class with the largest share."""
    return np.asarray(shares.argmax(0).to(torch.uint8).numpy())
