"""Fourier sums through a field that is off resonance: a few sums without it, mixed voxel by voxel.

    exp(-2πi f(r) t) ~ sum_l b_l(f(r)) exp(-2πi f_l t)

b is the least-squares fit over the times of the samples. Man, Pauly & Macovski, Magn. Reson. Med. 37, 785 (1997).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import UsageError
from spinloom.reconstruction.nufft import Exact, Fast

Complex = NDArray[np.complexfloating]
Floats = NDArray[np.float64]

FINE = 400
"""Frequencies per turn at which b is worked out: between them it is linear to 3e-5."""
MOST = 200
"""Frequencies beyond which the field or the readout makes no sense."""


@dataclass(frozen=True, eq=False)
class OffResonant:
    """forward   v(k) = sum_r image(r) exp(-2πi (k . r + f(r) t)),    adjoint its conjugate transpose.

    plain  the sums without off-resonance
    t      (n,) time of each sample since the echo [s]
    f      off-resonance at the voxels, of the shape of the image [Hz]
    """

    plain: Exact | Fast
    t: Floats
    f: Floats
    _l: Floats = field(init=False, repr=False)
    _b: Complex = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = float(self.f.min()), float(self.f.max())
        turns = (high - low) * float(np.ptp(self.t))
        L = ceil(1.5 * turns) + 4 if turns > 1e-6 else 1
        if L > MOST:
            raise UsageError(
                f"off-resonance from {low:.0f} to {high:.0f} Hz turns {turns:.0f} times during a readout",
                remedy="Check that the field map is in Hz, or mask it outside the object.",
            )
        centres = np.linspace(low, high, L) if L > 1 else np.array([(low + high) / 2])
        n = ceil(FINE * max(turns, 0.1))
        fine, t = np.linspace(low, high, n), np.linspace(self.t.min(), self.t.max(), 20 * L)
        basis = np.exp(-2j * np.pi * np.outer(t, centres))
        b = np.linalg.lstsq(basis, np.exp(-2j * np.pi * np.outer(t, fine)), rcond=1e-9)[0]  # (L, n)
        place = np.interp(self.f, fine, np.arange(n, dtype=float)) if high > low else np.zeros_like(self.f)
        i = np.minimum(place.astype(int), n - 2)
        part = place - i
        object.__setattr__(self, "_l", centres)
        object.__setattr__(self, "_b", b[:, i] * (1 - part) + b[:, i + 1] * part)

    def forward(self, image: Complex) -> Complex:
        """(len(r[0]), ...) → (n,)."""
        out = np.zeros(len(self.t), complex)
        for b, f in zip(self._b, self._l):
            out += np.exp(-2j * np.pi * f * self.t) * self.plain.forward(np.ascontiguousarray(b * image))
        return out

    def adjoint(self, v: Complex) -> Complex:
        """(n,) → (len(r[0]), ...)."""
        out = np.zeros(self.f.shape, complex)
        for b, f in zip(self._b, self._l):
            out += b.conj() * self.plain.adjoint(np.exp(2j * np.pi * f * self.t) * v)
        return out
