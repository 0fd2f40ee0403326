"""The echo train of many spins at once: signal_equations.echo_train, compiled, in blocks that fit vector registers."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Singles = NDArray[np.float32]

LANES = 128


def echo_amplitudes(
    T1: Singles, T2: Singles, refocus_FA: Singles, *, echo_spacing: float, ETL: int, echoes: NDArray[np.int64]
) -> Singles:
    """Amplitude of some echoes of a CPMG train after a unit excitation, by the extended phase graph.

    T1, T2       (n,) [s];  refocus_FA (n,) local flip angle [rad];  echo_spacing [s]
    echoes       (L,) which echoes, counted from 0
    returns      (L, n) [excited magnetisation = 1]

    The equations are those of signal_equations.echo_train; orders that cannot come back in time are left out.
    """
    out = np.empty((len(echoes), len(T1)), np.float32)
    row = np.full(ETL, -1, np.int64)
    row[echoes] = np.arange(len(echoes))
    last = int(echoes.max(initial=0)) + 1
    spacing = np.float32(echo_spacing)
    _trains(np.exp(-spacing / T1), np.exp(-spacing / T2), np.sin(refocus_FA), np.cos(refocus_FA), last, row, out)
    return out


_FAST = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "reassoc", "nsz", "arcp"}}


@njit(**_FAST)
def _trains(E1, E2, sine, cosine, n_echoes, row, out):  # type: ignore[no-untyped-def]
    n = len(E1)
    # order m of plus is row n_echoes + m - echo, of minus row m + echo: the shift of a spacing moves nothing
    plus = np.zeros((2 * n_echoes + 3, LANES), np.float32)
    minus = plus.copy()
    Z = np.zeros((n_echoes + 2, LANES), np.float32)
    mixed = np.zeros(LANES, np.float32)
    s2, s, c = np.ones(LANES, np.float32), np.ones(LANES, np.float32), np.ones(LANES, np.float32)
    e1, e2, half = np.ones(LANES, np.float32), np.ones(LANES, np.float32), np.ones(LANES, np.float32)
    for first in range(0, n, LANES):
        lanes = min(LANES, n - first)
        for j in range(lanes):
            e1[j], e2[j], half[j] = E1[first + j], E2[first + j], np.sqrt(E2[first + j])
            s[j], c[j] = sine[first + j], cosine[first + j]
            s2[j] = (np.float32(1.0) - c[j]) * np.float32(0.5)
        plus[:], minus[:], Z[:] = 0.0, 0.0, 0.0
        plus[n_echoes, :lanes] = half[:lanes]
        for echo in range(n_echoes):
            top = min(echo + 1, n_echoes - echo)
            for m in range(top):
                _mix(plus[n_echoes + m - echo], minus[m + echo], Z[m], mixed, s2, s, c, e1, e2)
            if row[echo] >= 0:
                # minus already carries a whole spacing of decay: half of it lies behind the echo
                for j in range(lanes):
                    out[row[echo], first + j] = minus[echo, j] / half[j]
            plus[n_echoes - echo - 1, :] = minus[echo]
            minus[top + echo, :] = 0.0
            minus[top + echo + 1, :] = 0.0
            Z[top, :] = 0.0


@njit(**_FAST)
def _mix(plus, minus, Z, mixed, s2, s, c, e1, e2):  # type: ignore[no-untyped-def]
    """One refocusing pulse and the decay after it, in loops short enough to become vector instructions."""
    for j in range(LANES):
        mixed[j] = s2[j] * (minus[j] - plus[j]) + s[j] * Z[j]
    for j in range(LANES):
        Z[j] = (np.float32(0.5) * s[j] * (minus[j] - plus[j]) + c[j] * Z[j]) * e1[j]
    for j in range(LANES):
        plus[j] = (plus[j] + mixed[j]) * e2[j]
    for j in range(LANES):
        minus[j] = (minus[j] - mixed[j]) * e2[j]
