"""Closed forms: what one spin gives in each named protocol, in the steady state, at its echo.

Every function is a formula over arrays that broadcast: numpy arrays in, numpy arrays out; torch tensors in, torch
tensors (with gradients) out. Plain numbers may be mixed in. Times in s, angles in rad, signals in units of PD = 1.
Dephasing by dB0 and T2prime is not in here, except where the steady state itself depends on it (balanced SSFP).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

Array = Any


def namespace(*values: Array) -> Any:
    """The module whose exp, sin, cos ... suit these values: torch if any of them is a tensor, else numpy."""
    for value in values:
        if type(value).__module__.partition(".")[0] == "torch":
            return sys.modules["torch"]
    return np


def _exp(x: Array) -> Array:
    return namespace(x).exp(x)


def _sin(x: Array) -> Array:
    return namespace(x).sin(x)


def _cos(x: Array) -> Array:
    return namespace(x).cos(x)


def recovered(Mz: Array, t: Array, T1: Array) -> Array:
    """Longitudinal magnetisation after free recovery.

        M(t) = 1 - (1 - M(0)) exp(-t / T1)

    Mz   (...)  at the start [PD = 1]
    t    (...)  [s];  T1 (...) [s]

    Bloch, Phys. Rev. 70, 460 (1946).
    """
    return 1 - (1 - Mz) * _exp(-t / T1)


def spin_echo(T1: Array, T2: Array, *, TE: Array, TR: Array, FA: Array, refocus_FA: Array = np.pi) -> Array:
    """Spin echo in the steady state; leftover transverse magnetisation is spoiled before the next excitation.

        S = Mz sin FA sin²(β/2) exp(-TE/T2)

    with Mz of turbo_spin_echo_Mz for a train of one; at FA = 90°, β = 180° it is
    1 - 2 exp(-(TR - TE/2)/T1) + exp(-TR/T1).

    T1, T2  (...)  [s];  TE, TR [s];  FA, refocus_FA = β (...) local flip angles [rad]
    returns (...)  echo amplitude [PD = 1]

    Bernstein, King & Zhou, Handbook of MRI Pulse Sequences (2004), eq. 14.54; Woessner (1961) for sin²(β/2).
    """
    return turbo_spin_echo_Mz(T1, TR=TR, FA=FA, refocus_FA=refocus_FA, echo_spacing=TE, ETL=1) * (
        _sin(FA) * _sin(refocus_FA / 2) ** 2 * _exp(-TE / T2)
    )


def turbo_spin_echo_Mz(
    T1: Array,
    *,
    TR: Array,
    FA: Array,
    refocus_FA: Array,
    echo_spacing: Array,
    ETL: int,
    TI: Array | None = None,
    inversion_efficiency: Array = 1.0,
) -> Array:
    """Longitudinal magnetisation just before the excitation of a (turbo) spin echo, in the steady state.

    One repetition is affine in Mz: excitation (cos FA), half a spacing of recovery, ETL refocusings (cos β each) a
    spacing apart, recovery until TR; with an inversion, recovery until TR - TI, -e (efficiency), recovery for TI.
    With Mz → a + b Mz over one repetition the steady state is a / (1 - b).

    T1      (...)  [s];  TR, TI, echo_spacing [s]; TR from excitation to excitation
    FA, refocus_FA = β  (...)  local flip angles [rad];  inversion_efficiency e: Mz → -e Mz
    returns (...)  Mz [PD = 1]

    The saturation by the train: Bernstein et al. (2004), sec. 16.4; inversion: De Coene et al., AJNR 13, 1555 (1992).
    """
    a, b = 0.0 * T1, _cos(FA) + 0.0 * T1  # Mz = a + b Mz(before)
    E = _exp(-echo_spacing / T1)
    half = _exp(-echo_spacing / 2 / T1)
    c = _cos(refocus_FA)
    for n in range(ETL):
        wait = half if n == 0 else E
        a, b = c * (1 - wait + a * wait), c * b * wait
    rest = TR - (ETL - 0.5) * echo_spacing - (0.0 if TI is None else TI)
    wait = _exp(-rest / T1)
    a, b = 1 - wait + a * wait, b * wait
    if TI is not None:
        wait = _exp(-TI / T1)
        a, b = 1 - wait - inversion_efficiency * a * wait, -inversion_efficiency * b * wait
    return a / (1 - b)


def inversion_recovery(T1: Array, *, TI: Array, TR: Array, inversion_efficiency: Array = 1.0) -> Array:
    """Mz at the inversion time, when a 90° excitation at TI and its 180° echo at once leave nothing behind.

        M(TI) = 1 - (1 + e) exp(-TI/T1) + e exp(-TR/T1)

    T1 (...) [s];  TI, TR [s];  inversion_efficiency e: Mz → -e Mz
    returns (...) [PD = 1]

    Bernstein et al. (2004), eq. 14.38.
    """
    e = inversion_efficiency
    return 1 - (1 + e) * _exp(-TI / T1) + e * _exp(-TR / T1)


def spoiled_gradient_echo(T1: Array, *, TR: Array, FA: Array) -> Array:
    """Transverse magnetisation just after each pulse of an ideally spoiled gradient echo, in the steady state.

        S = sin FA (1 - E1) / (1 - E1 cos FA),   E1 = exp(-TR/T1)

    T1 (...) [s];  TR [s];  FA (...) local flip angle [rad]
    returns (...) [PD = 1]; the gradient echo itself is this times exp(-TE/T2star)

    Ernst & Anderson, Rev. Sci. Instrum. 37, 93 (1966).
    """
    E1 = _exp(-TR / T1)
    return _sin(FA) * (1 - E1) / (1 - E1 * _cos(FA))


def mprage(
    T1: Array,
    n: Array,
    *,
    TI: Array,
    TR: Array,
    FA: Array,
    echo_spacing: Array,
    n_inner: int,
    n_centre: int,
    inversion_efficiency: Array = 1.0,
) -> Array:
    """Transverse magnetisation just after pulse n of an MPRAGE train, in the steady state.

        M(n) = M* + (M(0) - M*) q^n,   q = cos FA exp(-ES/T1),   M* = (1 - exp(-ES/T1)) / (1 - q)
        S(n) = M(n) sin FA

    M(0) follows from one period: inversion Mz → -e Mz, recovery for TI - n_centre ES, n_inner pulses, recovery.

    T1      (...)  [s];  n (...) pulse index, from 0
    TI      from the inversion to pulse n_centre, which reads the k-space centre [s]
    TR      from inversion to inversion;  echo_spacing ES between pulses [s];  FA (...) local flip angle [rad]
    returns (...)  [PD = 1]

    Deichmann et al., NeuroImage 12, 112 (2000); Wang et al., PLoS ONE 9, e96899 (2014), eqs 1 to 5.
    """
    before = TI - n_centre * echo_spacing
    after = TR - before - n_inner * echo_spacing
    E = _exp(-echo_spacing / T1)
    q = E * _cos(FA)
    Mstar = (1 - E) / (1 - q)
    qN = q**n_inner
    E_before, E_after = _exp(-before / T1), _exp(-after / T1)
    # M(0) = a + b M(0) over one period
    e = inversion_efficiency
    at_inversion_a = 1 - (1 - Mstar * (1 - qN)) * E_after
    at_inversion_b = qN * E_after
    a = 1 - (1 + e * at_inversion_a) * E_before
    b = -e * at_inversion_b * E_before
    M0 = a / (1 - b)
    return (Mstar + (M0 - Mstar) * q**n) * _sin(FA)


def balanced_ssfp(T1: Array, T2: Array, *, TR: Array, FA: Array, dB0: Array = 0.0) -> Array:
    """Transverse magnetisation just after each pulse of balanced SSFP with alternating pulses, in the steady state.

        M+ = sin FA (1 - E1) (1 + E2 exp(iθ)) / D
        D  = (1 - E1 cos FA)(1 + E2 cos θ) - E2 (E1 - cos FA)(E2 + cos θ),     θ = 2π dB0 TR

    The magnetisation then precesses as exp(-2πi dB0 t) and decays as exp(-t/T2); at t = TR/2 it is refocused.

    T1, T2 (...) [s];  TR [s];  FA (...) local flip angle [rad];  dB0 (...) off-resonance [Hz]
    returns (...) complex [PD = 1]

    Freeman & Hill, J. Magn. Reson. 4, 366 (1971); Hargreaves et al., Magn. Reson. Med. 46, 149 (2001).
    """
    E1, E2 = _exp(-TR / T1), _exp(-TR / T2)
    theta = 2 * np.pi * dB0 * TR
    cos_theta, sin_theta = _cos(theta), _sin(theta)
    c = _cos(FA)
    D = (1 - E1 * c) * (1 + E2 * cos_theta) - E2 * (E1 - c) * (E2 + cos_theta)
    scale = _sin(FA) * (1 - E1) / D
    return scale * (1 + E2 * cos_theta) + 1j * (scale * E2 * sin_theta)


def echo_planar(T1: Array, *, TR: Array, FA: Array, refocus_FA: Array | None = None, TE: Array = 0.0) -> Array:
    """Transverse magnetisation an echo-planar readout starts from, steady state, spoiled between excitations.

        gradient echo:  sin FA (1 - E1) / (1 - E1 cos FA)
        spin echo:      Mz sin FA sin²(β/2)     with Mz as in spin_echo

    T2 decay, dB0 and T2prime act along the echo train and are left to the encoding.

    T1 (...) [s];  TR, TE [s];  FA, refocus_FA = β (...) local flip angles [rad]
    returns (...) [PD = 1]

    Mansfield, J. Phys. C 10, L55 (1977).
    """
    if refocus_FA is None:
        return spoiled_gradient_echo(T1, TR=TR, FA=FA)
    Mz = turbo_spin_echo_Mz(T1, TR=TR, FA=FA, refocus_FA=refocus_FA, echo_spacing=TE, ETL=1)
    return Mz * _sin(FA) * _sin(refocus_FA / 2) ** 2


def echo_train(T1: Array, T2: Array, *, refocus_FA: Array, echo_spacing: Array, ETL: int) -> list[Array]:
    """Echo amplitudes of a CPMG train after a unit excitation, by the extended phase graph.

    Between pulses the states have odd orders 2m+1 (half a spacing = one order). Each pulse mixes F+, F- and Z of one
    order; over the next spacing F+ climbs one m, F- falls one m, and F-(0) passes order zero: the echo.

        F+' = cos²(β/2) F+ + sin²(β/2) F- + sin β Z
        F-' = sin²(β/2) F+ + cos²(β/2) F- - sin β Z
        Z'  = -½ sin β F+ + ½ sin β F- + cos β Z

    T1, T2 (...) [s];  refocus_FA = β (...) local flip angle [rad];  echo_spacing [s]
    returns ETL arrays (...): echo n at (n + 1) echo_spacing [excited magnetisation = 1]

    Hennig, J. Magn. Reson. 78, 397 (1988); Weigel, J. Magn. Reson. Imaging 41, 266 (2015).
    """
    one = 1.0 + 0.0 * (T1 + T2 + refocus_FA)
    E1, E2, half = _exp(-echo_spacing / T1), _exp(-echo_spacing / T2), _exp(-echo_spacing / 2 / T2)
    s2 = _sin(refocus_FA / 2) ** 2
    c2, s, c = 1 - s2, _sin(refocus_FA), _cos(refocus_FA)
    plus, minus, Z = [half * one], [0 * one], [0 * one]
    echoes = []
    for _ in range(ETL):
        mixed = [
            (c2 * p + s2 * m + s * z, s2 * p + c2 * m - s * z, 0.5 * s * (m - p) + c * z)
            for p, m, z in zip(plus, minus, Z, strict=True)
        ]
        echoes.append(half * mixed[0][1])
        plus = [E2 * mixed[0][1], *(E2 * p for p, _, _ in mixed)]
        minus = [*(E2 * m for _, m, _ in mixed[1:]), 0 * one, 0 * one]
        Z = [*(E1 * z for _, _, z in mixed), 0 * one]
    return echoes
