"""What happens during a readout, as few images instead of one per sample.

    exp(-2πi f tau - R2 tau - R2' (|clock + tau| - |clock|)) ≈ sum_q sum_p turn(q, p) exp(the same at tau_p) C(q, tau)

tau_p are Chebyshev points of the readout, turn and C the least-squares fit over the range of f, R2 and R2', in terms
that matter less and less.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TimeTerms:
    """A readout of n samples in the order of the FFT: sample j is at tau = ((j + n/2) mod n - n/2) / (n bandwidth).

    tau      (Q,) times from the echo at which images are made [s]
    turn     (Q, Q) from these images to the terms
    mixture  (Q, n) C above
    error    in the mean over the range and the readout, relative to a voxel's largest sample
    """

    tau: Floats
    turn: NDArray[np.complex64]
    mixture: NDArray[np.complex64]
    error: float


def time_terms(
    n: int, bandwidth: float, *, clock: float, f: float, R2: float, R2prime: float, tolerance: float
) -> TimeTerms:
    """Terms for voxels with |off-resonance| <= f [Hz] and rates from 0 to R2, R2prime [1/s].

    n          samples;  bandwidth of a pixel [Hz], so the readout takes 1/bandwidth
    clock      net dephasing time at the echo, 0 for a spin echo [s]
    tolerance  of `error`; at the edges of the range it is two to three times as large
    """
    width = 1.0 / bandwidth
    found = _terms(n, clock == 0, _ladder(f * width), _ladder(R2 * width), _ladder(R2prime * width), tolerance)
    return TimeTerms(found.tau * width, found.turn, found.mixture, found.error)


def _ladder(x: float) -> float:
    """The next quarter power of two, so that similar slices share their terms; 0 below a ten-thousandth."""
    return 0.0 if x < 1e-4 else float(2.0 ** (np.ceil(4 * np.log2(x)) / 4))


@lru_cache(maxsize=256)
def _terms(n: int, spin_echo: bool, turns: float, rate: float, reversible: float, tolerance: float) -> TimeTerms:
    f = np.linspace(-turns, turns, 2 * int(np.ceil(6 * turns)) + 3) if turns else np.zeros(1)
    rates = [(a, b) for a in np.unique([0.0, rate / 2, rate]) for b in np.unique([0.0, reversible / 2, reversible])]

    def readout(tau: NDArray[np.floating]) -> NDArray[np.complex128]:
        side = np.abs(tau) if spin_echo else tau
        return np.concatenate([np.exp(-2j * np.pi * f[:, None] * tau - a * tau - b * side) for a, b in rates])

    F = readout(np.fft.fftfreq(n))
    largest = np.abs(F).max(axis=1, keepdims=True)
    F /= largest
    for rank in range(1, n + 1):
        nodes = np.asarray(0.5 * np.cos(np.pi * (np.arange(rank) + 0.5) / rank), float)
        few = readout(nodes) / largest
        mixture = np.linalg.lstsq(few, F, rcond=1e-9)[0]
        error = float(np.sqrt(np.mean(np.abs(few @ mixture - F) ** 2)))
        if error <= tolerance:
            break
    turn, mixture = principal(few, mixture)
    return TimeTerms(nodes, turn.astype(np.complex64), mixture.astype(np.complex64), error)


def principal(values: NDArray[Any], mixture: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """turn (L, L) and a new mixture (L, m), its rows orthonormal, of the same product values @ mixture.

        values @ mixture = (values @ turn.T) @ new mixture

    values (n, L) are examples: over them, the terms values @ turn.T fall off as fast as any.
    """
    Q, R = np.linalg.qr(mixture.T)
    some = values @ R.T
    U = np.linalg.eigh(some.T @ some.conj())[1][:, ::-1]
    return U.conj().T @ R, np.ascontiguousarray(U.T @ Q.T)
