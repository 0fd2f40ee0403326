"""What a pulse is for, told from how far it turns the magnetisation and what follows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, RFUse

LARGEST_EXCITATION = np.deg2rad(100.0)


def rotation_angle(rf: RF) -> float:
    """Angle between M and z after the pulse, for a spin on resonance that starts along z [rad].

        M -> R_n ... R_2 R_1 M,   R_i the rotation by 2 pi |B1_i| dt_i about the direction of B1_i

    Unlike the pulse area it is right for adiabatic pulses too.

    Pauly et al., IEEE Trans. Med. Imaging 10, 53 (1991), equations 6 to 9 (spinors a, b).
    """
    alpha, beta = 1.0 + 0.0j, 0.0 + 0.0j
    for signal, dt in zip(rf.signal, np.diff(rf.edges), strict=True):
        size = abs(signal)
        if size == 0.0:
            continue
        half = np.pi * size * dt
        c, s = np.cos(half), -1j * np.sin(half) * signal / size
        alpha, beta = c * alpha - np.conj(s) * beta, s * alpha + c * beta
    return float(2 * np.arctan2(abs(beta), abs(alpha)))


def rf_centre(rf: RF) -> float:
    """Middle of the span where |B1| is within 0.001 % of its peak, from the start of the block [s]."""
    size = np.abs(rf.signal)
    top = np.flatnonzero(size >= size.max() * (1 - 1e-5))
    return float((rf.edges[top[0]] + rf.edges[top[-1] + 1]) / 2)


def rf_uses(angles: NDArray[np.float64], times: NDArray[np.float64], has_adc: NDArray[np.bool_]) -> list[RFUse | None]:
    """Use of the pulse in each block.

    A pulse of at most 100 degrees excites. A larger one inverts if it stands between the readouts of one
    excitation and the next excitation, unless it follows the refocusing pulse before it within 2.5 times the
    time from excitation to first refocusing (a train that goes on unread). All other large pulses refocus.

    angles   (n_blocks,) rotation angle of the block's pulse [rad]; NaN where there is none
    times    (n_blocks,) when the pulse acts [s]
    has_adc  (n_blocks,)
    returns  (n_blocks,) None where there is no pulse
    """
    uses: list[RFUse | None] = [None] * len(angles)
    unread = False  # there is transverse magnetisation that has not been read yet
    excited_at, refocused_at, gap = np.nan, np.nan, np.nan
    waiting: list[int] = []  # large pulses that invert if an excitation follows
    for i in np.flatnonzero(np.isfinite(angles) | has_adc):
        if angles[i] <= LARGEST_EXCITATION:
            for j in waiting:
                uses[j] = RFUse.INVERSION
            waiting, unread = [], True
            uses[i] = RFUse.EXCITATION
            excited_at, refocused_at, gap = times[i], np.nan, np.nan
        elif np.isfinite(angles[i]):
            uses[i] = RFUse.REFOCUSING
            if not unread and not times[i] - refocused_at <= 2.5 * gap:
                waiting.append(int(i))
            else:
                gap = times[i] - excited_at if np.isnan(gap) else gap
                refocused_at = times[i]
        if has_adc[i]:
            waiting, unread = [], False
    return uses
