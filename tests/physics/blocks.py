"""Small sequences and phantoms for laws: hard pulses, trapezoids, single samples, columns of voxels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from spinloom.core.grid import Grid
from spinloom.core.scanner import Scanner
from spinloom.phantom.phantom import Phantom, Voxel
from spinloom.sequence.events import ADC, RF, Block, Gradient, RFUse
from spinloom.sequence.sequence import assemble
from spinloom.simulation.bloch import Bloch

INSTANT = 1e-9
HUGE = 1e9


def hard(
    angle: float, phase: float = 0.0, use: RFUse = RFUse.EXCITATION, length: float = INSTANT, freq: float = 0.0
) -> RF:
    """A rectangular pulse of a flip angle [rad]; by default so short that nothing else happens in it."""
    signal = np.array([angle / (2 * np.pi * length)], complex)
    return RF(edges=np.array([0.0, length]), signal=signal, freq=freq, phase=phase, use=use, centre=length / 2)


def pulse(rf: RF, **gradients: Gradient) -> Block:
    return Block(duration=rf.end, rf=rf, **gradients)


def excite(angle: float, phase: float = 0.0) -> Block:
    return pulse(hard(angle, phase))


def refocus(angle: float = np.pi, phase: float = 0.0) -> Block:
    return pulse(hard(angle, phase, RFUse.REFOCUSING))


def trapezoid(area: float, length: float) -> Gradient:
    """A gradient of a moment [1/m] with ramps of a tenth of its length."""
    ramp = length / 10
    top = area / (length - ramp)
    return Gradient(np.array([0, ramp, length - ramp, length]), np.array([0, top, top, 0]))


def spoil(area: float, length: float, axis: str = "gx") -> Block:
    return Block(duration=length, **{axis: trapezoid(area, length)})


def wait(length: float) -> Block:
    return Block(duration=length)


def sample(freq: float = 0.0, phase: float = 0.0) -> Block:
    """One sample, taken INSTANT after the start of the block."""
    return Block(duration=2 * INSTANT, adc=ADC(n_samples=1, dwell=2 * INSTANT, freq=freq, phase=phase))


def column(
    n: int = 1,
    *,
    T1: float = HUGE,
    T2: float = HUGE,
    T2prime: float | None = None,
    dB0: np.ndarray | float | None = None,
    B1: float | None = None,
    voxel: Voxel = Voxel.POINT,
    voxel_mm: tuple[float, float, float] = (1.0, 1.0, 1.0),
    axis: int = 0,
) -> Phantom:
    """A row of n voxels of PD 1 about the isocentre."""
    shape = [1, 1, 1]
    shape[axis] = n
    grid = Grid.centred((shape[0], shape[1], shape[2]), voxel_mm)

    def full(value: np.ndarray | float) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, np.float32).reshape(-1), (n,)).reshape(grid.shape).copy()

    return Phantom(
        grid=grid,
        PD=full(1.0),
        T1=full(T1),
        T2=full(T2),
        T2prime=None if T2prime is None else full(T2prime),
        dB0=None if dB0 is None else full(dB0),
        B1=None if B1 is None else full(B1),
        voxel=voxel,
    )


def signal(
    phantom: Phantom, blocks: Iterable[Block], method: Bloch | None = None, scanner: Scanner | None = None
) -> np.ndarray:
    """Samples of the first coil, one after the other."""
    kspace = (method or Bloch(threads=1)).signal(phantom, assemble(blocks), scanner or Scanner())
    return kspace.samples[0].ravel()
