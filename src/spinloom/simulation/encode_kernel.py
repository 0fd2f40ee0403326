"""How one spin is spread over a grid along the readout: least-squares interpolation of exp(-2πi ξ u), u complex.

    exp(-2πi ξ (m + δ)) D(ξ) ≈ sum_i c_i(δ) exp(-2πi ξ (m + i - (w-1)/2)),   |ξ| <= n / 2N,  |Re δ| <= 1/2

c(δ) = P [D(ξ) exp(-2πi ξ δ)], P the pseudo-inverse of the right side's exponentials, is a power series in δ with real
coefficients. It holds for complex δ as well: a spin that decays during the readout stands beside the real axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

Floats = NDArray[np.float64]

NARROW, WIDE = 8, 16  # cells
DEGREES = {NARROW: 12, WIDE: 28}
FINEST = 2e-5  # tolerance below which the grid is twice as fine as the samples need, else one and a half times
STEPS = np.linspace(0.0, 4.0, 33)  # decays looked at, imaginary parts of u


@dataclass(frozen=True, eq=False)
class Kernel:
    """Interpolation between n samples and N cells.

    n, N    samples of a readout, cells of the grid's period 1/dk
    tables  by width w: (degree + 1, w) coefficients of c(δ), highest power first
    limits  by width w: largest |Im δ| at which the error, relative to the spin's largest sample, keeps the tolerance
    """

    n: int
    N: int
    tables: dict[int, NDArray[np.float32]]
    limits: dict[int, float]

    @cached_property
    def roll_off(self) -> Floats:
        """(n,) D at the samples, ξ = (s - n // 2) / N."""
        return _D((np.arange(self.n) - self.n // 2) / self.N, self.n / self.N)


@lru_cache(maxsize=64)
def kernel(n: int, tolerance: float) -> Kernel:
    """The grid and its two kernels for n even samples.

    tolerance  relative to each spin's largest sample, in the mean over the readout

    Fessler & Sutton, IEEE Trans. Signal Process. 51, 560 (2003): least-squares interpolation for the non-uniform FFT;
    D is the transform of a Kaiser-Bessel window: Beatty, Nishimura & Pauly, IEEE Trans. Med. Imaging 24, 799 (2005).
    """
    N = next_fast_len(max(int(np.ceil((1.5 if tolerance >= FINEST else 2.0) * n)), 2 * WIDE))
    tables = {w: _series(w, n / N) for w in (NARROW, WIDE)}
    return Kernel(
        n,
        N,
        {w: np.ascontiguousarray(t[::-1], np.float32) for w, t in tables.items()},
        _limits(tables, n / N, tolerance),
    )


def _D(xi: Floats, share: float) -> Floats:
    beta = np.pi * np.sqrt((NARROW * (1 - share / 2)) ** 2 - 0.8)
    root = np.sqrt(beta**2 - (np.pi * NARROW * xi) ** 2 + 0j)
    return np.asarray((np.sinh(root) / root).real / (np.sinh(beta) / beta))


def _nodes(share: float) -> Floats:
    return np.asarray(0.5 * share * np.cos(np.pi * (np.arange(96) + 0.5) / 96))


def _series(w: int, share: float) -> Floats:
    xi = _nodes(share)
    P = np.linalg.pinv(np.exp(-2j * np.pi * xi[:, None] * (np.arange(w) - (w - 1) / 2)), rcond=1e-6)
    terms = [(P @ (_D(xi, share) * (-2j * np.pi * xi) ** k)).real / factorial(k) for k in range(DEGREES[w] + 1)]
    return np.array(terms)


def _limits(tables: dict[int, Floats], share: float, tolerance: float) -> dict[int, float]:
    xi = _nodes(share)
    delta = np.array([-0.5, -0.25, 0.0, 0.5])[:, None] + 1j * STEPS
    exact = np.exp(-2j * np.pi * xi * delta[..., None])
    largest = np.abs(exact).max(axis=-1)
    found = {}
    for w, table in tables.items():
        c = (delta[..., None] ** np.arange(len(table))) @ table
        cells = np.exp(-2j * np.pi * xi * (np.arange(w) - (w - 1) / 2)[:, None])
        wrong = np.sqrt(np.mean(np.abs(c @ cells / _D(xi, share) - exact) ** 2, axis=-1)) / largest
        kept = np.max(wrong, axis=0) <= tolerance
        found[w] = float(STEPS[np.argmin(kept) - 1]) if not kept.all() else float(STEPS[-1])
        if not kept[0]:
            found[w] = -1.0
    return found
