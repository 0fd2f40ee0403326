"""One tile of spins through one plan in single precision; as kernels.py, whose frame and tables these are.

Phases are worked out in double and reduced to half a turn; what passes from a pulse to the next is added to the
magnetisation, not multiplied. Turns about z between pulses are part of the phase.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.kernels import RF, TILE
from spinloom.simulation.polynomials_single import turn
from spinloom.simulation.pulse_single import apply_map, fill_losses, pulse, pulse_map
from spinloom.simulation.readout_single import (
    CHUNK,
    LOW,
    POWERS,
    STEEP,
    listen,
    phase,
    powers,
    read_line,
    weighted_sum,
)
from spinloom.simulation.wide import aligned, widest_vectors

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

TABLES = 2
"""Tables of powers kept: an echo train goes to and fro between two lines."""

_FLAGS = {"cache": True, "nogil": True, "error_model": "numpy"}
_FAST = {**_FLAGS, "fastmath": {"contract", "nsz"}}
_ZERO, _ONE, _LEAST = np.float32(0.0), np.float32(1.0), np.float32(1e-18)


def new_maps(n: int) -> Singles:
    """Room for n maps."""
    return np.asarray(aligned(n * 12 * TILE)).reshape(n, 12 * TILE)


@njit(**_FAST)
def free(m: Singles, D: Singles, ph: Singles) -> None:
    """Free precession by the phase ph [turns, reduced], in closed form.

        M+ <- M+ exp(-2 pi i ph) (1 - D2),   Mz <- Mz + D1 (1 - Mz)

    m  rows Mx, My, Mz;  D  rows D1, D2, see pulse_single.fill_losses
    """
    widest_vectors()
    for i in range(TILE):
        s, c = turn(ph[i])
        D1, D2 = D[i], D[TILE + i]
        p = m[i] * c + m[TILE + i] * s
        q = m[TILE + i] * c - m[i] * s
        p -= D2 * p
        q -= D2 * q
        m[i] = p if abs(p) > _LEAST else _ZERO
        m[TILE + i] = q if abs(q) > _LEAST else _ZERO
        m[2 * TILE + i] += D1 * (_ONE - m[2 * TILE + i])


@njit(**_FLAGS)
def chunk(reach: Floats, fastest: float, dt: float) -> int:
    """Samples of a line from one listening to the next: a multiple of 8, or 0 where decay is too steep for that."""
    most = (reach[4] + fastest) * abs(dt)
    return CHUNK if CHUNK * most <= STEEP else LOW * int(STEEP / (LOW * most))


@njit(**_FLAGS)
def run_tile(
    spin: Floats,
    R2prime: Floats,
    w: Floats,
    ops: Ints,
    par: Floats,
    moment: Floats,
    steps: Floats,
    pulses: Ints,
    pulse_f0: Floats,
    samples: Floats,
    maps: Singles,
    out: Floats,
) -> None:
    """One tile of spins through the whole plan (see plan.Plan for the tables); adds to out (2, coils, samples)."""
    widest_vectors()
    n_near, n_w = spin.size, w.size
    near, late, weight = aligned(n_near), aligned(TILE), aligned(n_w).reshape(w.shape)
    near[:], late[:], weight[:] = spin, R2prime, w
    reach = np.empty(spin.size // TILE)
    for j in range(reach.size):
        reach[j] = np.abs(spin[j * TILE : (j + 1) * TILE]).max()
    fastest = R2prime.max()
    m, none, D = aligned(3 * TILE), aligned(2 * TILE), aligned(4 * TILE)
    m[:], none[:], D[:] = _ZERO, _ZERO, _ZERO
    m[2 * TILE :], none[:TILE] = _ONE, _ONE
    a, b, s = aligned(2 * TILE), aligned(2 * TILE), aligned(2 * LOW)
    off, ph, e = aligned(TILE), aligned(TILE), aligned(4 * TILE)
    P, kept, oldest = aligned(TABLES * POWERS * TILE).reshape(TABLES, POWERS * TILE), np.full((TABLES, 3), -1), 0
    step = np.empty(samples.shape[1])
    F, lost = aligned(2 * TILE), -1.0  # losses of the last delay, which often comes again
    behind = 0.0  # what is left to turn about z after the last pulse, as a phase [turns]
    for j in range(pulses.shape[0]):
        if pulses[j, 2] >= 0:
            pulse_map(maps[pulses[j, 2]], spin, near, reach, steps[pulses[j, 0] : pulses[j, 1]], pulse_f0[j], D, off, e)
    for j in range(ops.shape[0]):
        index = ops[j, 1]
        dt = par[j, 0]
        if ops[j, 0] == RF:
            phase(ph, spin, dt, moment[j], behind - par[j, 1] / (2 * math.pi))
            if dt != lost:
                fill_losses(F, near, dt)
                lost = dt
            free(m, F, ph)
            if pulses[index, 2] >= 0:
                apply_map(m, maps[pulses[index, 2]])
            else:
                pulse(m, spin, near, reach, steps[pulses[index, 0] : pulses[index, 1]], pulse_f0[index], D, off, e)
            behind = -par[j, 2] / (2 * math.pi)
            continue
        count, first, tau, sign, weighting = ops[j, 2], ops[j, 3], par[j, 1], par[j, 2], par[j, 3]
        last = index + count - 1
        apart = (samples[last, 0] - samples[index, 0]) / max(1, count - 1)
        length = chunk(reach, fastest, apart) if ops[j, 4] == 1 and count > 1 else 0
        slot = 0
        if length > 0:
            slot = -1
            for n in range(TABLES):
                if kept[n, 0] == index and kept[n, 1] == count and kept[n, 2] == sign:
                    slot = n
            if slot < 0:
                slot, oldest = oldest, (oldest + 1) % TABLES
                kept[slot, 0], kept[slot, 1], kept[slot, 2] = index, count, int(sign)
                for n in range(step.size):
                    step[n] = (samples[last, n] - samples[index, n]) / (count - 1)
                powers(P[slot], spin, near, late, ph, step, sign * apart, none)
        for i in range(0, count, max(1, length)):
            q = samples[index + i]
            for n in range(moment.shape[1]):
                step[n] = moment[j, n] + q[1 + n]
            phase(ph, spin, dt + q[0], step[: moment.shape[1]], behind)
            listen(a, m, near, late, ph, dt + q[0], tau + sign * (q[0] - samples[index, 0]), weighting)
            if length > 0:
                read_line(out, a, b, P[slot], weight, s, first + i, min(length, count - i))
                continue
            for c in range(w.shape[0]):
                sr, si = weighted_sum(a, weight[c])
                out[0, c, first + i] += sr
                out[1, c, first + i] += si
