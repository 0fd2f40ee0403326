"""The Bloch simulator on the card: a block takes a tile of spins through the whole plan, then the next tile.

One thread is one spin through pulses and delays, its state in registers; see cuda_readout for what it is in a readout.
Phases are worked out in double and reduced to the nearest turn, everything after that is single. The grid is as large
as the card holds at once and every block keeps sums of its own, in double, so that nothing depends on who is first.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from numba import cuda, float32
from numpy.typing import NDArray

from spinloom.simulation import cuda_readout
from spinloom.simulation.cuda_pulse import mapped, pulse, pulse_map
from spinloom.simulation.cuda_readout import (
    BLOCK,
    CHUNK,
    LANES,
    ROW,
    SIMULATED,
    SUMS,
    TABLE,
    collect,
    gather_1,
    gather_2,
    gather_4,
    gather_8,
    powers,
    slope,
    starts,
    turns,
)
from spinloom.simulation.cuda_steps import clockwise, left, loss, reduced, times
from spinloom.simulation.kernels import RF

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

LARGEST = np.float32(44.0)
"""R2' tau up to which a straight readout towards an echo is a recurrence, as in polynomials.LARGEST."""
RESIDENT = 2
"""Blocks of a multiprocessor at once: 128 registers a thread and 45 kB of shared memory each."""
REGISTERS: dict[str, int] = {} if SIMULATED else {"max_registers": 65536 // (RESIDENT * BLOCK)}
_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


@functools.cache
def kernel(C: int) -> Any:
    """The kernel that hears C coils at a time in scattered samples; 1 or 4."""
    listen = cuda_readout.listen_1 if C == 1 else cuda_readout.listen_4

    @cuda.jit(fastmath=True, **REGISTERS)
    def run(
        spin: Floats,
        R2prime: Singles,
        fastest: Singles,
        weight: Singles,
        ops: Ints,
        par: Floats,
        turn_z: Singles,
        moment: Floats,
        steps: Singles,
        pulses: Ints,
        pulse_f0: Floats,
        samples: Floats,
        maps: Singles,
        n_coils: int,
        out: Floats,
    ) -> None:
        tab = cuda.shared.array(TABLE, float32)
        red = cuda.shared.array(SUMS, float32)
        thread, block = cuda.threadIdx.x, cuda.blockIdx.x
        warp, lane, own, column = thread // LANES, thread % LANES, thread * ROW, block * BLOCK + thread
        for tile in range(block, fastest.shape[0], cuda.gridDim.x):
            i = tile * BLOCK + thread
            r = (spin[0, i], spin[1, i], spin[2, i], spin[5, i])
            near = (np.float32(r[0]), np.float32(r[1]), np.float32(r[2]))
            R1, R2, R2p = np.float32(spin[3, i]), np.float32(spin[4, i]), R2prime[i]
            for n in range(pulses.shape[0]):
                if pulses[n, 2] >= 0:
                    off = np.float32(r[3] - pulse_f0[n])
                    pulse_map(maps, pulses[n, 2], column, steps, pulses[n, 0], pulses[n, 1], spin, i, near, off, R1, R2)
            x, y, z = _ZERO, _ZERO, _ONE
            for j in range(ops.shape[0]):
                index = ops[j, 1]
                t = par[j, 0]
                if ops[j, 0] == RF:
                    dt = np.float32(t)
                    E2 = left(R2 * dt)
                    x, y = clockwise(E2 * x, E2 * y, reduced(turns(moment, j, samples, 0, 0.0, t, r, spin, i)))
                    z += loss(R1, dt) * (_ONE - z)
                    x, y = times(x, y, turn_z[j, 0], turn_z[j, 1])
                    if pulses[index, 2] >= 0:
                        x, y, z = mapped((x, y, z), maps, pulses[index, 2], column)
                    else:
                        off = np.float32(r[3] - pulse_f0[index])
                        x, y, z = pulse(
                            (x, y, z), steps, pulses[index, 0], pulses[index, 1], spin, i, near, off, R1, R2
                        )
                    x, y = times(x, y, turn_z[j, 2], turn_z[j, 3])
                    continue
                count, first, tau, sign, b = ops[j, 2], ops[j, 3], par[j, 1], par[j, 2], par[j, 3]
                E = left(np.float32(b * spin[7, i])) if b > 0.0 else _ONE
                if ops[j, 4] == 1 and (sign > 0.0 or tau * fastest[tile] < LARGEST):
                    step = (samples[index + count - 1, 0] - samples[index, 0]) / max(1, count - 1)
                    ph = slope(samples, index, index + count - 1, r, spin, i)
                    p = powers(tab, own, ph, np.float32(step) * (R2 + np.float32(sign) * R2p))
                    for s in range(0, count, CHUNK):
                        n = min(CHUNK, count - s)
                        at = index + s
                        t = par[j, 0] + samples[at, 0]
                        late = tau + sign * (samples[at, 0] - samples[index, 0])
                        F = E * left(R2 * np.float32(t)) * left(R2p * np.float32(late))
                        ar, ai = clockwise(F * x, F * y, reduced(turns(moment, j, samples, at, 1.0, t, r, spin, i)))
                        for c in range(n_coils):
                            br, bi = times(ar, ai, weight[c, 0, i], weight[c, 1, i])
                            starts(tab, own, br, bi, p)
                            cuda.syncthreads()
                            if n <= LANES:
                                gather_1(tab, red, warp, lane)
                            elif n <= 2 * LANES:
                                gather_2(tab, red, warp, lane)
                            elif n <= 4 * LANES:
                                gather_4(tab, red, warp, lane)
                            else:
                                gather_8(tab, red, warp, lane)
                            cuda.syncthreads()
                            collect(red, 0, out, block, c, first + s, n, thread)
                    continue
                tab[own], tab[own + 1], tab[own + 2], tab[own + 3] = E * x, E * y, R2, R2p
                for s in range(0, count, CHUNK // C):
                    n = min(CHUNK // C, count - s)
                    for c in range(0, n_coils, C):
                        cuda.syncthreads()
                        for k in range(0, n, LANES):
                            at = index + min(s + k + lane, count - 1)
                            t = par[j, 0] + samples[at, 0]
                            late = tau + sign * (samples[at, 0] - samples[index, 0])
                            listen(tab, red, k + lane, warp, moment, j, samples, at, t, late, spin, weight, c, tile)
                        cuda.syncthreads()
                        for d in range(min(C, n_coils - c)):
                            collect(red, d * (CHUNK // C), out, block, c + d, first + s, n, thread)

    return run


@cuda.jit
def add_blocks(out: Floats, factor: Floats, total: Floats, first: int) -> None:
    """total_c(first + s) += factor(first + s) sum over blocks of out_c(s), complex, blocks in their order."""
    for at in range(cuda.grid(1), out.shape[2] * out.shape[3], cuda.gridsize(1)):
        c, s = at // out.shape[3], at % out.shape[3]
        sr, si = 0.0, 0.0
        for block in range(out.shape[0]):
            sr += out[block, 0, c, s]
            si += out[block, 1, c, s]
        fr, fi = factor[first + s, 0], factor[first + s, 1]
        total[c, 2 * (first + s)] += sr * fr - si * fi
        total[c, 2 * (first + s) + 1] += sr * fi + si * fr


@cuda.jit
def clear(out: Floats) -> None:
    """Zeros, written on the card."""
    for at in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        s = at % out.shape[3]
        c = at // out.shape[3] % out.shape[2]
        out[at // (out.shape[3] * out.shape[2] * 2), at // (out.shape[3] * out.shape[2]) % 2, c, s] = 0.0
