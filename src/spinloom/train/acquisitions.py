"""Random acquisitions: what contrasts look like over scanners and protocols, by the closed forms.

Each contrast is a way to draw a protocol, and gives the signal of tissues (t,) under it. Without a random stream it is
the usual protocol, the middle of every range.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import torch
from torch import Tensor

from spinloom.simulation.signal_equations import inversion_recovery, mprage, spin_echo, spoiled_gradient_echo

Signal: TypeAlias = Callable[[Tensor, Tensor], Tensor]
"""(T1, T2) [s] -> transverse magnetisation per PD"""
DEG = math.pi / 180


def T1w(rng: torch.Generator | None) -> Signal:
    """MPRAGE, spoiled gradient echo or spin echo, a third each.

    Gradient echoes decay with T2 (T2star is not kept of heads): nothing to brain, all to bone, whose T2 is 0.5 ms.
    """
    kind = 0 if rng is None else int(torch.randint(3, (), generator=rng))
    if kind == 0:
        TI, TR, FA = within(0.75, 1.15, rng), within(1.8, 2.6, rng), within(7, 11, rng) * DEG
        spacing, inner = within(6.5e-3, 8e-3, rng), 170
        early = within(2.0e-3, 4.0e-3, rng)

        def magnetisation(T1: Tensor, T2: Tensor) -> Tensor:
            made = mprage(
                T1,
                torch.tensor(inner // 2),
                TI=TI,
                TR=TR,
                FA=FA,
                echo_spacing=spacing,
                n_inner=inner,
                n_centre=inner // 2,
            ).abs()
            return made * torch.exp(-early / T2)

        return magnetisation
    if kind == 1:
        TR, FA, TE = within(8e-3, 30e-3, rng), within(15, 32, rng) * DEG, within(2.0e-3, 5.0e-3, rng)
        return lambda T1, T2: spoiled_gradient_echo(T1, TR=TR, FA=FA) * torch.exp(-TE / T2)
    TR, TE = within(0.4, 0.8, rng), within(8e-3, 18e-3, rng)
    return lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=90 * DEG)


def T2w(rng: torch.Generator | None) -> Signal:
    """Spin echo of long TE and TR, refocused by 150 to 180 degrees."""
    TR, TE, refocus = within(2.5, 7.0, rng), within(75e-3, 125e-3, rng), within(150, 180, rng) * DEG
    return lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=90 * DEG, refocus_FA=torch.tensor(refocus))


def PDw(rng: torch.Generator | None) -> Signal:
    TR, TE = within(2.5, 5.0, rng), within(8e-3, 25e-3, rng)
    return lambda T1, T2: spin_echo(T1, T2, TE=TE, TR=TR, FA=90 * DEG)


def FLAIR(rng: torch.Generator | None) -> Signal:
    """CSF is nulled: TI from its T1 of 4.2 s, TI = T1 (ln 2 - ln(1 + exp(-TR / T1))), up to 8 % off."""
    TR, TE = within(6.0, 11.0, rng), within(85e-3, 140e-3, rng)
    null = 4.2 * (math.log(2) - math.log1p(math.exp(-TR / 4.2)))
    TI = null * within(0.95, 1.03, rng)
    return lambda T1, T2: (inversion_recovery(T1, TI=TI, TR=TR) * torch.exp(-TE / T2)).abs()


CONTRASTS: Mapping[str, Callable[[torch.Generator | None], Signal]] = MappingProxyType(
    {"T1w": T1w, "T2w": T2w, "PDw": PDw, "FLAIR": FLAIR}
)


def within(low: float, high: float, rng: torch.Generator | None) -> float:
    """Uniform; without rng the middle."""
    return (low + high) / 2 if rng is None else low + (high - low) * float(torch.rand((), generator=rng))
