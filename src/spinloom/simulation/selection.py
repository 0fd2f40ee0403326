"""Slice selection as a flip angle over position: what a shaped pulse under a gradient does, without relaxation.

The pulse is a product of small rotations in SU(2) (Cayley–Klein parameters), each for one constant step of B1 under
the gradient at its middle. Excitation: the angle between the magnetisation and z; refocusing: 2 arcsin |β|.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.sequence.events import RF, Gradient, RFUse
from spinloom.sequence.sequence import NONE, Sequence

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Profile:
    """Flip angle relative to nominal over position.

    z         (n,) from the slice centre, even steps [m]; empty: the pulse selects nothing
    relative  (n,) local flip angle / nominal, signed
    gradient  during the pulse [Hz/m]: off-resonance f moves the slice by -f / gradient
    """

    z: Floats
    relative: Floats
    gradient: float

    @property
    def selective(self) -> bool:
        return len(self.z) > 0

    def at(self, z: NDArray[np.floating], f: NDArray[np.floating], thickness: float = 0.0) -> NDArray[np.float32]:
        """Relative flip angle at z from the slice centre [m] and off-resonance f [Hz], averaged over a layer.

        thickness  of the layer of matter [m]
        """
        relative = self.relative
        if thickness > 0:
            step = self.z[1] - self.z[0]
            area = np.concatenate([[0.0], np.cumsum((relative[1:] + relative[:-1]) / 2) * step])
            upper = np.interp(self.z + thickness / 2, self.z, area)
            lower = np.interp(self.z - thickness / 2, self.z, area)
            relative = (upper - lower) / thickness
        return np.interp(z + f / self.gradient, self.z, relative, left=0.0, right=0.0).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Local:
    """Flip angles where the transmit field is not nominal: a pulse scaled by B1 does not select the scaled profile.

    B1        (k,) increasing: fields at which the profile was worked out;  profiles  (k,) relative to B1 x nominal
    """

    B1: Floats
    profiles: tuple[Profile, ...]

    def at(
        self, B1: NDArray[np.float32], z: NDArray[np.floating], f: NDArray[np.floating], thickness: float
    ) -> NDArray[np.float32]:
        """Flip angle relative to nominal, see Profile.at; linear between the fields."""
        if not self.profiles[0].selective:
            return B1
        if len(self.B1) == 1:
            return np.asarray(B1 * self.profiles[0].at(z, f, thickness))
        every = np.stack([p.at(z, f, thickness) for p in self.profiles])
        upper = np.clip(np.searchsorted(self.B1, B1), 1, len(self.B1) - 1)
        part = np.clip((B1 - self.B1[upper - 1]) / (self.B1[upper] - self.B1[upper - 1]), 0, 1).astype(np.float32)
        rows = np.arange(len(B1))
        return np.asarray(B1 * ((1 - part) * every[upper - 1, rows] + part * every[upper, rows]))


def local(sequence: Sequence, use: RFUse, axis: int, thickness: float, B1: NDArray[np.floating]) -> Local:
    """Profiles of a pulse for transmit fields as they occur, about STEP apart; one if they are all alike."""
    low, high = float(B1.min(initial=np.inf)), float(B1.max(initial=-np.inf))
    low, high = (1.0, 1.0) if not low <= high else (max(low, STEP), max(high, STEP))
    n = 1 + int(np.ceil((high - low) / STEP))
    fields = np.linspace(low, high, n) if n > 1 else np.array([low])
    return Local(fields, tuple(profile(sequence, use, axis, thickness, float(b)) for b in fields))


STEP = 0.05
NON_SELECTIVE = Profile(np.empty(0), np.empty(0), np.inf)


def reach(excite: Profile, refocus: Profile, FA: float, refocus_FA: float, least: float = 2e-3) -> float:
    """Distance from the slice centre beyond which sin FA(z) sin²(β(z)/2) stays below `least` of its maximum [m].

    0 if nothing is excited.
    """
    weight = np.abs(np.sin(FA * excite.relative))
    if refocus.selective:
        weight = weight * np.sin(refocus_FA / 2 * refocus.relative) ** 2
    if not weight.max() > 0:
        return 0.0
    return float(np.abs(excite.z[weight > least * weight.max()]).max())


def profile(sequence: Sequence, use: RFUse, axis: int, thickness: float, B1: float = 1.0) -> Profile:
    """Slice profile of the first pulse of a kind; NON_SELECTIVE if there is none or no gradient runs during it.

    axis       scanner axis of the slice direction
    thickness  nominal slice thickness, sets the range looked at [m]
    B1         transmit field relative to nominal; angles are relative to B1 x nominal

    Pauly et al., IEEE Trans. Med. Imaging 10, 53 (1991), eqs 1 to 8.
    """
    kinds = np.array([rf.use is use for rf in sequence.rf] + [False])
    found = np.flatnonzero(kinds[sequence.blocks[:, 0]] & (sequence.blocks[:, 0] != NONE))
    if not len(found):
        return NON_SELECTIVE
    block = sequence.block(int(found[0]))
    gradient = block.gradients[axis]
    assert block.rf is not None
    if gradient is None or not np.any(_during(gradient, block.rf)) or block.rf.flip_angle == 0:
        return NON_SELECTIVE
    strength = float(np.interp(block.rf.centre, gradient.t, gradient.g, left=0.0, right=0.0))
    if strength == 0.0:
        return NON_SELECTIVE
    z = np.linspace(-2.0, 2.0, 801) * thickness
    rf = block.rf if B1 == 1.0 else replace(block.rf, signal=B1 * block.rf.signal)
    alpha, beta = spinor(rf, gradient, z)
    if use is RFUse.REFOCUSING:
        return Profile(z, 2 * np.arcsin(np.minimum(np.abs(beta), 1.0)) / rf.flip_angle, strength)
    transverse = 2 * np.conj(alpha) * beta * np.exp(2j * np.pi * strength * z * (rf.end - rf.centre))
    angle = np.arctan2(np.abs(transverse), np.abs(alpha) ** 2 - np.abs(beta) ** 2)
    middle = transverse[len(z) // 2]
    sign = np.where((transverse * np.conj(middle)).real < 0, -1.0, 1.0)
    return Profile(z, sign * angle / rf.flip_angle, strength)


def transverse_time(sequence: Sequence) -> float:
    """How long the first inversion pulse keeps the magnetisation in the transverse plane, on resonance [s]; 0 if none.

        t = ∫ sin² θ dt,   θ the angle to z;   the inverted magnetisation shrinks by exp(-t / T2)

    A spin locked at the angle θ relaxes at R1 cos² θ + R2 sin² θ: Abragam, Principles of Nuclear Magnetism (1961),
    ch. XII.
    """
    rf = next((p for p in sequence.rf if p.use is RFUse.INVERSION), None)
    if rf is None:
        return 0.0
    still = Gradient(np.array([0.0, rf.end]), np.zeros(2))
    steps = np.linspace(0, len(rf.signal), min(len(rf.signal), 129)).astype(int)
    parts = [RF(rf.edges[a : b + 1], rf.signal[a:b]) for a, b in pairwise(steps)]
    alpha, beta = np.ones(1, complex), np.zeros(1, complex)
    total = 0.0
    for part in parts:
        a, b = spinor(part, still, np.zeros(1))
        alpha, beta = a * alpha - np.conj(b) * beta, b * alpha + np.conj(a) * beta
        total += (1 - (abs(alpha[0]) ** 2 - abs(beta[0]) ** 2) ** 2) * (part.edges[-1] - part.edges[0])
    return float(total)


def spinor(rf: RF, gradient: Gradient, z: Floats) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Cayley–Klein parameters α, β after a pulse on its own frequency, per position.

        step:  φ = -2π dt sqrt(|B1|² + (G z)²),  n = (B1x, B1y, G z) / |.|
               a = cos(φ/2) - i n_z sin(φ/2),    b = -i (n_x + i n_y) sin(φ/2)
        (α, β) ← (a α - b* β,  b α + a* β)

    z  (n,) [m]
    """
    middle = (rf.edges[1:] + rf.edges[:-1]) / 2
    g = np.interp(middle, gradient.t, gradient.g, left=0.0, right=0.0)
    return _turned(np.asarray(rf.signal, complex), g, np.diff(rf.edges), np.asarray(z, float))


@njit(cache=True, nogil=True)
def _turned(B1, g, dt, z):  # type: ignore[no-untyped-def]
    alpha, beta = np.ones(len(z), np.complex128), np.zeros(len(z), np.complex128)
    for i in range(len(z)):
        p, q = 1.0 + 0.0j, 0.0j
        for n in range(len(B1)):
            f = g[n] * z[i]
            norm = np.sqrt(B1[n].real ** 2 + B1[n].imag ** 2 + f * f)
            half = -np.pi * dt[n] * norm
            s = np.sin(half) / norm if norm > 0.0 else -np.pi * dt[n]
            a, b = np.cos(half) - 1j * f * s, -1j * B1[n] * s
            p, q = a * p - np.conj(b) * q, b * p + np.conj(a) * q
        alpha[i], beta[i] = p, q
    return alpha, beta


def _during(gradient: Gradient, rf: RF) -> Floats:
    return np.interp((rf.edges[1:] + rf.edges[:-1]) / 2, gradient.t, gradient.g, left=0.0, right=0.0)
