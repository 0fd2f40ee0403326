"""Extended phase graphs: magnetisation of a dephased voxel as configuration states, in plain numpy.

States F+(n), F-(n), Z(n), n = 0, 1, ... (n: units of one gradient's dephasing); F-(0) = conj F+(0). Flips mix the
three of one order, gradients move F+ up and F- down, relaxation damps all and feeds Z(0). An exact result for an
ensemble spread evenly over whole turns, with which isochromats must agree when there are enough of them.

Hennig, Concepts Magn. Reson. 3, 125 (1991); Weigel, J. Magn. Reson. Imaging 41, 266 (2015), whose equations are cited.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

States = NDArray[np.complex128]


def equilibrium(orders: int) -> States:
    """(3, orders) rows F+, F-, Z with Z(0) = 1."""
    states = np.zeros((3, orders), complex)
    states[2, 0] = 1.0
    return states


def flip(states: States, angle: float, phase: float = 0.0) -> States:
    """Turn by `angle` about the axis at `phase` in the transverse plane; left-handed, as in Bloch().

        F+' = cos^2(a/2) F+ + exp(2i p) sin^2(a/2) F- + i exp(i p) sin(a) Z
        F-' = exp(-2i p) sin^2(a/2) F+ + cos^2(a/2) F- - i exp(-i p) sin(a) Z
        Z'  = (i/2) exp(-i p) sin(a) F+ - (i/2) exp(i p) sin(a) F- + cos(a) Z

    Weigel (2015), eq. 15, with a → -a for the handedness.
    """
    c2, s2, s = np.cos(angle / 2) ** 2, np.sin(angle / 2) ** 2, np.sin(angle)
    e = np.exp(1j * phase)
    T = np.array(
        [
            [c2, e**2 * s2, 1j * e * s],
            [e**-2 * s2, c2, -1j * s / e],
            [0.5j * s / e, -0.5j * e * s, np.cos(angle)],
        ]
    )
    return T @ states


def relax(states: States, dt: float, T1: float, T2: float) -> States:
    """F → E2 F, Z → E1 Z, Z(0) += 1 - E1. Weigel (2015), eq. 23. dt, T1, T2 [s]."""
    E1, E2 = np.exp(-dt / T1), np.exp(-dt / T2)
    out = states * np.array([[E2], [E2], [E1]])
    out[2, 0] += 1 - E1
    return out


def dephase(states: States) -> States:
    """One unit of gradient: F+(n) → F+(n + 1), F-(n) → F-(n - 1); the highest is dropped. Weigel (2015), eq. 20."""
    out = states.copy()
    out[0, 1:] = states[0, :-1]
    out[1, :-1] = states[1, 1:]
    out[1, -1] = 0
    out[0, 0] = np.conj(out[1, 0])
    return out


def cpmg(
    *, FA: float, refocus_FA: ArrayLike, echo_spacing: float, T1: float, T2: float, excite_phase: float = np.pi / 2
) -> NDArray[np.complex128]:
    """Echo amplitudes of a multi-echo train with balanced crushers, (n_echoes,).

    FA            excitation [rad];  refocus_FA  (n_echoes,) refocusing flips about x [rad]
    echo_spacing  [s];  T1, T2 [s]
    """
    flips = np.atleast_1d(np.asarray(refocus_FA, float))
    states = flip(equilibrium(len(flips) + 2), FA, excite_phase)
    echoes = []
    for angle in flips:
        states = dephase(relax(states, echo_spacing / 2, T1, T2))
        states = flip(states, angle)
        states = dephase(relax(states, echo_spacing / 2, T1, T2))
        echoes.append(states[0, 0])
    return np.array(echoes)


def spoiled_gradient_echo(
    *, FA: float, TR: float, TE: float, T1: float, T2: float, increment: float, n_pulses: int
) -> NDArray[np.complex128]:
    """Signal of each pulse of an RF-spoiled train, demodulated by its own phase, (n_pulses,).

    Phase of pulse n: increment n (n + 1) / 2 [rad]; one unit of dephasing per TR.

    Zur, Wood & Neuringer, Magn. Reson. Med. 21, 251 (1991).
    """
    states = equilibrium(n_pulses + 2)
    out = np.empty(n_pulses, complex)
    for n in range(n_pulses):
        phase = increment * n * (n + 1) / 2
        states = relax(flip(states, FA, phase), TE, T1, T2)
        out[n] = states[0, 0] * np.exp(-1j * phase)
        states = dephase(relax(states, TR - TE, T1, T2))
    return out
