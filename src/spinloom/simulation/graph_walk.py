"""Which configurations a sequence makes, and where each comes from: the extended phase graph in four dimensions.

A configuration is a place kappa = (k [1/m], tau [s]) that dephased magnetisation has reached,

    M+(r, f) = sum F+(kappa) exp(-2 pi i (k . r + f tau)),   Mz(r, f) = sum Z(kappa) exp(-2 pi i (k . r + f tau)),

kept as the triples (F+, F-, Z)(kappa) of one half space, F-(kappa) = F+(-kappa)*. A pulse mixes the three of one
triple; free precession for (dk, dt) moves F+ by (dk, dt), F- by the opposite, and leaves Z. The graph is grown once,
on a few specimens of matter that span the object; configurations that are weak in all of them are left out.

Hennig, Concepts Magn. Reson. 3, 125 (1991); Weigel, J. Magn. Reson. Imaging 41, 266 (2015); in several dimensions with
off-resonance as one of them: Sodickson & Cory, Magn. Reson. Mater. Phys. 6, 91 (1998); Ganter, Magn. Reson. Med. 79,
3005 (2018).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Complex = NDArray[np.complex128]

QUANTUM = np.array([0.05, 0.05, 0.05, 2e-7])
"""Configurations nearer than this are one [1/m, 1/m, 1/m, s]."""

EXCITES, REFOCUSES, OTHER = 0, 1, 2

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}


@dataclass(frozen=True, eq=False)
class Steps:
    """What happens from pulse to pulse; all arrays (n,).

    kind     which unique pulse
    dt       free time before it, since the end of the pulse before [s]
    shift    (n, 4) what F+ moves by before it: moment [1/m] and time [s], centre to centre
    phase    of the pulse [rad]
    use      EXCITES, REFOCUSES or OTHER
    """

    kind: NDArray[np.int64]
    dt: Floats
    shift: Floats
    phase: Floats
    use: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, eq=False)
class Graph:
    """The configurations after each pulse, and their parents.

    first   (n + 1,) triples after pulse j are first[j] to first[j + 1]
    kappa   (n_triples, 4) [1/m, 1/m, 1/m, s]; the first of each pulse is 0
    parent  (n_triples, 3) int: where F+, F- and Z come from among the triples of the pulse before, counted from its
            first: 2 i: F+ of triple i, 2 i + 1: F- of triple i (for Z: i); -1 for none. Crossing between the half
            spaces conjugates: F+ from F- and F- from F+
    loudest (n_triples, 2) largest |F+|, |F-| among the specimens
    """

    first: NDArray[np.int64]
    kappa: Floats
    parent: NDArray[np.int32]
    loudest: Floats


def grow(steps: Steps, pulses: Complex, decay: Floats, threshold: float, most: int) -> Graph:
    """Steps → Graph.

    pulses     (n_kinds, 7, R) coefficients a, b, c, d, e, bT, bZ of each unique pulse in each specimen, see `apply`
    decay      (2, R) R1, R2 of the specimens [1/s]
    threshold  a configuration weaker than this in all specimens is left out [equilibrium = 1]
    most       triples kept after one pulse; the strongest if there are more
    """
    return Graph(
        *_grow(
            steps.kind, steps.dt, steps.shift, steps.phase, pulses, decay[0], decay[1], threshold, most, 1.0 / QUANTUM
        )
    )


@njit(**_FLAGS)
def _grow(kind, dt, shift, phase, pulses, R1, R2, threshold, most, per):  # type: ignore[no-untyped-def]
    n, R = len(kind), len(R1)
    capacity = 4096
    first = np.zeros(n + 1, np.int64)
    kappa, parent, loudest = np.zeros((capacity, 4)), np.zeros((capacity, 3), np.int32), np.zeros((capacity, 2))
    keys = np.zeros((1, 4))
    P, M, Z = np.zeros((1, R), np.complex128), np.zeros((1, R), np.complex128), np.ones((1, R), np.complex128)
    E1, E2 = np.empty(R), np.empty(R)
    for j in range(n):
        N = len(keys)
        moved, source, flip = np.empty((3 * N, 4)), np.empty(3 * N, np.int64), np.zeros(3 * N, np.bool_)
        count = 0
        for i in range(N):
            for part in range(3):
                if part == 1 and i == 0:
                    continue  # F-(0) is F+(0)*
                for q in range(4):
                    v = keys[i, q]
                    moved[count, q] = v if part == 2 else (v if part == 0 else -v) + shift[j, q]
                source[count] = 3 * i + part
                flip[count] = _below(moved[count], per)
                if flip[count]:
                    moved[count] = -moved[count]
                count += 1
        code = np.empty(count, np.int64)
        for i in range(count):
            code[i] = _code(moved[i], per)
        order = np.argsort(code)
        zero = _code(np.zeros(4), per)
        which, groups, last = np.empty(count, np.int64), 1, np.int64(0)
        for i in range(count):
            o = order[i]
            if code[o] == zero:
                which[o] = 0
                continue
            if groups == 1 or code[o] != last:
                groups += 1
                last = code[o]
            which[o] = groups - 1
        new = np.zeros((groups, 4))
        links = np.full((groups, 3), -1, np.int32)
        for i in range(R):
            E1[i], E2[i] = np.exp(-R1[i] * dt[j]), np.exp(-R2[i] * dt[j])
        p, m, z = (
            np.zeros((groups, R), np.complex128),
            np.zeros((groups, R), np.complex128),
            np.zeros((groups, R), np.complex128),
        )
        for i in range(count):
            g, s, part = which[i], source[i] // 3, source[i] % 3
            if g > 0:
                new[g] = moved[i]
            if part == 2:
                links[g, 2] = s
                for r in range(R):
                    z[g, r] = E1[r] * Z[s, r]
            elif not flip[i]:
                links[g, 0] = 2 * s + part
                for r in range(R):
                    p[g, r] = E2[r] * (P[s, r] if part == 0 else np.conj(M[s, r]))
            else:
                links[g, 1] = 2 * s + part
                for r in range(R):
                    m[g, r] = E2[r] * (np.conj(P[s, r]) if part == 0 else M[s, r])
        for r in range(R):
            z[0, r] += 1.0 - E1[r]
            m[0, r] = np.conj(p[0, r])
        size = _mix(p, m, z, pulses[kind[j]], phase[j])
        keep = np.empty(groups, np.int64)
        kept = 0
        bar = threshold
        if groups > most:
            bar = max(bar, np.sort(np.maximum(size[:, 2], np.maximum(size[:, 0], size[:, 1])))[groups - most])
        for g in range(groups):
            if g == 0 or max(size[g, 0], size[g, 1], size[g, 2]) > bar:
                keep[kept] = g
                kept += 1
        keep = keep[:kept]
        start = first[j]
        while start + kept > capacity:
            capacity *= 2
            kappa, parent, loudest = _longer(kappa, capacity), _longer_int(parent, capacity), _longer(loudest, capacity)
        keys = new[keep]
        P, M, Z = p[keep], m[keep], z[keep]
        kappa[start : start + kept] = keys
        parent[start : start + kept] = links[keep]
        loudest[start : start + kept] = size[keep][:, :2]
        first[j + 1] = start + kept
    total = first[n]
    return first, kappa[:total].copy(), parent[:total].copy(), loudest[:total].copy()


@njit(**_FLAGS)
def _longer(a, n):  # type: ignore[no-untyped-def]
    out = np.zeros((n, a.shape[1]))
    out[: len(a)] = a
    return out


@njit(**_FLAGS)
def _longer_int(a, n):  # type: ignore[no-untyped-def]
    out = np.zeros((n, a.shape[1]), np.int32)
    out[: len(a)] = a
    return out


@njit(**_FLAGS)
def _below(v, per):  # type: ignore[no-untyped-def]
    """Whether the first component that is not zero is negative."""
    for q in range(4):
        i = np.rint(v[q] * per[q])
        if i != 0:
            return i < 0
    return False


@njit(**_FLAGS)
def _code(v, per):  # type: ignore[no-untyped-def]
    code = np.int64(1469598103934665603)
    for q in range(4):
        code = (code ^ np.int64(np.rint(v[q] * per[q]))) * np.int64(1099511628211)
        code ^= code >> np.int64(29)
    return code


@njit(**_FLAGS)
def _mix(p, m, z, pulse, phase):  # type: ignore[no-untyped-def]
    """A pulse on all triples, in place; returns the largest |F+|, |F-|, |Z| of each among the specimens.

    F+' = a F+ + b F- + c Z + bT,   F-' = a* F- + b* F+ + c* Z + bT*,   Z' = d Z + e F+ + e* F- + bZ
    """
    size = np.zeros((len(p), 3))
    turn = np.exp(1j * phase)
    for r in range(p.shape[1]):
        a, b, c = pulse[0, r], pulse[1, r] * turn * turn, pulse[2, r] * turn
        d, e = pulse[3, r], pulse[4, r] * np.conj(turn)
        for g in range(len(p)):
            x, y, w = p[g, r], m[g, r], z[g, r]
            p[g, r] = a * x + b * y + c * w
            m[g, r] = np.conj(a) * y + np.conj(b) * x + np.conj(c) * w
            z[g, r] = d * w + e * x + np.conj(e) * y
        p[0, r] += pulse[5, r] * turn
        m[0, r] = np.conj(p[0, r])
        z[0, r] += pulse[6, r]
        for g in range(len(p)):
            size[g, 0] = max(size[g, 0], abs(p[g, r]))
            size[g, 1] = max(size[g, 1], abs(m[g, r]))
            size[g, 2] = max(size[g, 2], abs(z[g, r]))
    return size
