"""Free diffusion: Stejskal & Tanner's b-value from the gradients themselves."""

from __future__ import annotations

import numpy as np
import pytest

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.simulation.bloch import Bloch


def hard(angle: float, use: RFUse, phase: float = 0.0) -> RF:
    edges = np.array([0.0, 1e-6])
    return RF(edges, np.array([angle / (2 * np.pi * 1e-6)], complex), phase=phase, use=use, centre=5e-7)


def water(D: float) -> Phantom:
    one = np.ones((1, 1, 1), np.float32)
    return Phantom(Grid.centred((1, 1, 1), 1.0), one, 1e6 * one, 1e6 * one, D=np.float32(D) * one, voxel=Voxel.POINT)


@pytest.mark.parametrize(("G", "delta", "Delta", "axis"), [(20e-3, 10e-3, 30e-3, 0), (40e-3, 20e-3, 40e-3, 2)])
def test_spin_echo_falls_as_Stejskal_and_Tanner_say(G: float, delta: float, Delta: float, axis: int) -> None:
    """S = exp(-b D), b = (2 pi G)^2 delta^2 (Delta - delta/3) for rectangular lobes [G in Hz/m].

    Stejskal & Tanner, J. Chem. Phys. 42, 288 (1965), eq. 24.
    """
    D, g = 1e-9, G * 42.577e6
    lobe = Gradient(np.array([0.0, 1e-9, delta - 1e-9, delta]), np.array([0.0, g, g, 0.0]))

    def play(gradient: Gradient | None, duration: float) -> Block:
        axes: list[Gradient | None] = [None, None, None]
        axes[axis] = gradient
        return Block(duration, None, *axes)

    adc = ADC(1, 1e-6)
    blocks = [
        Block(1e-6, hard(np.pi / 2, RFUse.EXCITATION)),
        play(lobe, delta),
        play(None, (Delta - delta) / 2),
        Block(1e-6, hard(np.pi, RFUse.REFOCUSING, np.pi / 2)),
        play(None, (Delta - delta) / 2 - 1e-6),
        play(lobe, delta),
        Block(1e-5, adc=adc),
    ]

    def signal(D: float) -> complex:
        return complex(Bloch().signal(water(D), assemble(blocks), Scanner()).samples[0, 0, 0])

    b = (2 * np.pi * g) ** 2 * delta**2 * (Delta - delta / 3)
    assert abs(signal(D)) / abs(signal(0.0)) == pytest.approx(np.exp(-b * D), rel=1e-4)
