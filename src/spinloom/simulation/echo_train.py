"""The echo train of many spins at once: signal_equations.echo_train, compiled, in blocks that fit vector registers."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Singles = NDArray[np.float32]

LANES = 64


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
    _trains(np.exp(-np.float32(echo_spacing) / T1), np.exp(-np.float32(echo_spacing) / T2), refocus_FA, last, row, out)
    return out


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _trains(E1, E2, angle, n_echoes, row, out):  # type: ignore[no-untyped-def]
    n = len(E1)
    orders = n_echoes + 2
    plus = np.zeros((orders, LANES), np.float32)
    minus, Z = plus.copy(), plus.copy()
    s2, s, c = np.ones(LANES, np.float32), np.ones(LANES, np.float32), np.ones(LANES, np.float32)
    e1, e2, half = np.ones(LANES, np.float32), np.ones(LANES, np.float32), np.ones(LANES, np.float32)
    for first in range(0, n, LANES):
        lanes = min(LANES, n - first)
        for j in range(lanes):
            e1[j], e2[j], half[j] = E1[first + j], E2[first + j], np.sqrt(E2[first + j])
            beta = angle[first + j]
            s[j], c[j] = np.sin(beta), np.cos(beta)
            s2[j] = (np.float32(1.0) - c[j]) * np.float32(0.5)
        plus[:], minus[:], Z[:] = 0.0, 0.0, 0.0
        plus[0, :lanes] = half[:lanes]
        for echo in range(n_echoes):
            top = min(echo + 1, n_echoes - echo)
            for m in range(top):
                _mix(plus[m], minus[m], Z[m], s2, s, c, e1, e2)
            if row[echo] >= 0:
                # minus already carries a whole spacing of decay: half of it lies behind the echo
                for j in range(lanes):
                    out[row[echo], first + j] = minus[0, j] / half[j]
            new = minus[0].copy()
            for m in range(top - 1):
                minus[m, :] = minus[m + 1]
            minus[top - 1, :] = 0.0
            for m in range(top, 0, -1):
                plus[m, :] = plus[m - 1]
            plus[0, :] = new
            Z[top, :] = 0.0
            minus[top, :] = 0.0


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz", "arcp"})
def _mix(plus, minus, Z, s2, s, c, e1, e2):  # type: ignore[no-untyped-def]
    """One refocusing pulse and the decay of the spacing after it."""
    for j in range(LANES):
        p, m, z = plus[j], minus[j], Z[j]
        plus[j] = (p + s2[j] * (m - p) + s[j] * z) * e2[j]
        minus[j] = (m + s2[j] * (p - m) - s[j] * z) * e2[j]
        Z[j] = (np.float32(0.5) * s[j] * (m - p) + c[j] * z) * e1[j]
