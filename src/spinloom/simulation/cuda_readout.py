"""Readouts on the card: threads change sides, and a thread that was a spin becomes a sample.

Summing a sample over spins by warp shuffles costs ten shuffles per spin-sample for six arithmetic instructions. So a
warp writes what its 32 spins have to say into shared memory, and each of its lanes gathers its own samples over them:
what is read is read by all lanes at once, and nothing is ever summed across lanes. Warps are summed once per readout.

    S(s) = sum_v a_v p_v^s,   s = 32 j + 8 h + l = lane + 32 j:   a_v p_v^(8 h) from one table, p_v^l from another,
                                                                 then j times p_v^32
"""

from __future__ import annotations

import math
import os

import numpy as np
from numba import cuda, float32
from numpy.typing import NDArray

from spinloom.simulation.cuda_steps import clockwise, left, natural, reduced, times
from spinloom.simulation.kernels import EXTRA

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Place = tuple[float, float, float, float]

LANES = 32
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"
WARPS = 2 if SIMULATED else 8
BLOCK = LANES * WARPS
CHUNK = 8 * LANES
"""Samples taken together; the recurrence starts afresh at each chunk."""
ROW = 27
"""Numbers per spin in shared memory, odd so that threads writing their rows meet no bank conflict: complex a p^(8 h),
h < 4; p^l, l < 8; p^32 at 24. Scattered samples: a, R2, R2'."""
LOW, STEP = 8, 24
NEXT, R2_AT, R2P_AT, ROWS = natural(1), natural(2), natural(3), natural(ROW)
TABLE, SUMS = BLOCK * ROW, (2, WARPS, CHUNK)
"""Shared memory of a block, in single-precision numbers: what spins say, and the sums of warps."""
_ZERO = np.float32(0.0)
_EIGHT, _LANES = np.float32(8.0), np.float32(LANES)


@cuda.jit(device=True)
def turns(k: Floats, j: int, more: Floats, at: int, share: float, t: float, r: Place, spin: Floats, i: int) -> float:
    """(k_j + share more_at) . r + f t [turns, double]: how far a spin has turned t [s] after a pulse.

    k     (n, n_terms) moments;  more  (n, 1 + n_terms) of samples, see plan.Plan;  share 0 or 1
    r     (x, y, z, f);  spin  rows, for the further terms
    """
    j, at, i = natural(j), natural(at), natural(i)
    ph = r[3] * t + (k[j, 0] + share * more[at, 1]) * r[0]
    ph += (k[j, 1] + share * more[at, 2]) * r[1] + (k[j, 2] + share * more[at, 3]) * r[2]
    for n in range(3, k.shape[1]):
        ph += (k[j, natural(n)] + share * more[at, natural(1 + n)]) * spin[natural(EXTRA - 3 + n), i]
    return ph


@cuda.jit(device=True)
def slope(more: Floats, lo: int, hi: int, r: Place, spin: Floats, i: int) -> float:
    """Turns from one sample to the next along the straight line from row lo to row hi [double]."""
    steps = max(1, hi - lo)
    lo, hi, i = natural(lo), natural(hi), natural(i)
    ph = r[3] * (more[hi, 0] - more[lo, 0]) + r[0] * (more[hi, 1] - more[lo, 1])
    ph += r[1] * (more[hi, 2] - more[lo, 2]) + r[2] * (more[hi, 3] - more[lo, 3])
    for n in range(4, more.shape[1]):
        ph += (more[hi, natural(n)] - more[lo, natural(n)]) * spin[natural(EXTRA - 4 + n), i]
    return ph / steps


@cuda.jit(device=True)
def powers(tab: Singles, row: int, ph: float, d: float) -> tuple[float, float, float, float]:
    """p^0 ... p^7 and p^32 into a spin's row, p = exp(-2 pi i ph - d); returns p^8 and p^16.

    p^8 and p^32 are sines of their own, of phases reduced in double: squaring would double the error five times.
    """
    E = left(d)
    pr, pi = clockwise(E, _ZERO, reduced(ph))
    ar, ai = np.float32(1.0), _ZERO
    for n in range(8):
        tab[natural(row + LOW + 2 * n)], tab[natural(row + LOW + 2 * n + 1)] = ar, ai
        ar, ai = times(ar, ai, pr, pi)
    br, bi = clockwise(left(_EIGHT * d), _ZERO, reduced(8.0 * ph))
    cr, ci = clockwise(left(_LANES * d), _ZERO, reduced(32.0 * ph))
    tab[natural(row + STEP)], tab[natural(row + STEP + 1)] = cr, ci
    cr, ci = times(br, bi, br, bi)
    return br, bi, cr, ci


@cuda.jit(device=True)
def starts(tab: Singles, row: int, ar: float, ai: float, p: tuple[float, float, float, float]) -> None:
    """a, a p^8, a p^16, a p^24 into a spin's row."""
    tab[natural(row)], tab[natural(row + 1)] = ar, ai
    br, bi = times(ar, ai, p[0], p[1])
    tab[natural(row + 2)], tab[natural(row + 3)] = br, bi
    ar, ai = times(ar, ai, p[2], p[3])
    tab[natural(row + 4)], tab[natural(row + 5)] = ar, ai
    br, bi = times(ar, ai, p[0], p[1])
    tab[natural(row + 6)], tab[natural(row + 7)] = br, bi


def gatherer(J: int):  # type: ignore[no-untyped-def]
    """Sums of 32 J samples of a straight line, J of them per lane in registers: J is a constant of the compiler."""

    @cuda.jit(device=True)
    def gather(tab: Singles, red: Singles, warp: int, lane: int) -> None:
        re, im = cuda.local.array(J, float32), cuda.local.array(J, float32)
        for j in range(J):
            re[j], im[j] = _ZERO, _ZERO
        p = natural(warp * LANES * ROW + STEP)
        h = natural(warp * LANES * ROW + 2 * (lane >> 3))
        l = natural(warp * LANES * ROW + LOW + 2 * (lane & 7))
        for _ in range(LANES):
            zr, zi = times(tab[h], tab[h + NEXT], tab[l], tab[l + NEXT])
            pr, pi = tab[p], tab[p + NEXT]
            p, h, l = p + ROWS, h + ROWS, l + ROWS
            for j in range(J):
                re[j] += zr
                im[j] += zi
                if j + 1 < J:
                    zr, zi = times(zr, zi, pr, pi)
        for j in range(J):
            s = natural(LANES * j + lane)
            red[0, natural(warp), s], red[1, natural(warp), s] = re[j], im[j]

    return gather


gather_1, gather_2, gather_4, gather_8 = gatherer(1), gatherer(2), gatherer(4), gatherer(8)


@cuda.jit(device=True)
def collect(red: Singles, at: int, out: Floats, block: int, coil: int, first: int, count: int, thread: int) -> None:
    """Warps summed in their order, added to the block's own sums: no atomics, the same bytes every time."""
    for s in range(thread, count, BLOCK):
        sr, si = _ZERO, _ZERO
        for warp in range(WARPS):
            sr += red[0, natural(warp), natural(at + s)]
            si += red[1, natural(warp), natural(at + s)]
        out[natural(block), 0, natural(coil), natural(first + s)] += sr
        out[natural(block), 1, natural(coil), natural(first + s)] += si


def listener(C: int):  # type: ignore[no-untyped-def]
    """One scattered sample of a lane over the spins of its warp, for C coils at once."""

    @cuda.jit(device=True)
    def listen(
        tab: Singles,
        red: Singles,
        at: int,
        warp: int,
        k: Floats,
        j: int,
        more: Floats,
        row: int,
        t: float,
        tau: float,
        spin: Floats,
        weight: Singles,
        coil: int,
        tile: int,
    ) -> None:
        re, im = cuda.local.array(C, float32), cuda.local.array(C, float32)
        for c in range(C):
            re[c], im[c] = _ZERO, _ZERO
        j, row = natural(j), natural(row)
        kx, ky, kz = k[j, 0] + more[row, 1], k[j, 1] + more[row, 2], k[j, 2] + more[row, 3]
        t_single, tau_single = np.float32(t), np.float32(tau)
        own, i = natural(warp * LANES * ROW), natural(tile * BLOCK + warp * LANES)
        for _ in range(LANES):
            ph = kx * spin[0, i] + ky * spin[1, i] + kz * spin[2, i] + t * spin[5, i]
            for n in range(3, k.shape[1]):
                ph += (k[j, natural(n)] + more[row, natural(1 + n)]) * spin[natural(EXTRA - 3 + n), i]
            E = np.float32(math.exp(-(tab[own + R2_AT] * t_single + tab[own + R2P_AT] * tau_single)))
            zr, zi = clockwise(E * tab[own], E * tab[own + NEXT], reduced(ph))
            for c in range(C):
                wr, wi = weight[natural(coil + c), 0, i], weight[natural(coil + c), 1, i]
                re[c] += zr * wr - zi * wi
                im[c] += zr * wi + zi * wr
            own, i = own + ROWS, i + NEXT
        for c in range(C):
            s = natural(at + c * (CHUNK // C))
            red[0, natural(warp), s], red[1, natural(warp), s] = re[c], im[c]

    return listen


listen_1, listen_4 = listener(1), listener(4)
