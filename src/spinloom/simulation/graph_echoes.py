"""Which configurations a readout hears: those strong enough, at a k that their voxels let through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from spinloom.simulation.drive import Drive
from spinloom.simulation.graph_period import Followed
from spinloom.simulation.timeline import Pulses, Readouts

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Echoes:
    """Configurations heard, one row per readout and configuration; all arrays (n, ...).

    piece   which piece of the readouts
    source  (n, 3) pulse, triple, 0 for F+(kappa) or 1 for F+(-kappa)
    k       (n, 3) what to add to the moments of the readout's window to get k [1/m]
    tau     (n,) what to add to the times of the window to get the time since the echo [s]
    late    (n,) what to add to the times of the window to get the time since the end of the pulse [s]
    phase   (n,) of the pulse that was followed instead of this one is off by this [rad]
    """

    piece: NDArray[np.int64]
    source: NDArray[np.int64]
    k: Floats
    tau: Floats
    late: Floats
    phase: Floats

    def __len__(self) -> int:
        return len(self.piece)


def echoes(
    followed: Followed, drive: Drive, played: Pulses, read: Readouts, phase: Floats, size: Floats, least: float
) -> Echoes:
    """Echoes of all readouts that come after a pulse.

    phase  (n_pulses,) of all pulses [rad]
    size   (3,) voxel edges along x, y, z [m], 0 for points; negative where matter is not even across the voxel
    least  a configuration is heard if |F+| sinc(k . voxel) may exceed this part of the loudest one
    """
    graph = followed.graph
    some = np.flatnonzero(read.last >= 0)
    pulse = read.last[some]
    known = followed.reference[pulse]
    start = drive.sequence.block_starts[read.block[some]]
    since = drive.before[read.block[some], :3] - played.moment[pulse, 1, :3]
    rows = np.cumsum([0, *(len(w) for w in read.windows)])[read.window[some]]
    moments = np.concatenate([w[:, 1:4] for w in read.windows])
    ends = np.stack([moments[rows + read.lo[some]], moments[rows + read.hi[some] - 1]], axis=1)
    top = _loudest(graph.first, graph.kappa, graph.loudest, known, since, ends, size)
    piece, source = _heard(graph.first, graph.kappa, graph.loudest, known, since, ends, size, least * top)
    kappa = graph.kappa[graph.first[source[:, 0]] + source[:, 1]] * np.where(source[:, 2] == 0, 1.0, -1.0)[:, None]
    return Echoes(
        piece=some[piece],
        source=source,
        k=kappa[:, :3] + since[piece],
        tau=kappa[:, 3] + (start - played.centre[pulse])[piece],
        late=(start - played.end[pulse])[piece],
        phase=(phase[pulse] - phase[known])[piece],
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _passes(kappa, sign, since, ends, size):  # type: ignore[no-untyped-def]
    """Upper bound of the product of sinc(k . voxel) along the readout."""
    part = 1.0
    for q in range(3):
        a = (sign * kappa[q] + since[q] + ends[0, q]) * abs(size[q])
        b = (sign * kappa[q] + since[q] + ends[1, q]) * abs(size[q])
        if abs(a - b) < 1e-6 and size[q] > 0:
            x = np.pi * abs(a)
            part *= abs(np.sin(x) / x) if x > 1e-9 else 1.0
        elif (a < 0) == (b < 0):
            part *= min(1.0, 1.0 / max(np.pi * min(abs(a), abs(b)), 1e-9))
    return part


@njit(cache=True, nogil=True, error_model="numpy")
def _loudest(first, kappa, loud, pulse, since, ends, size):  # type: ignore[no-untyped-def]
    top = 0.0
    for p in range(len(pulse)):
        for g in range(first[pulse[p]], first[pulse[p] + 1]):
            for half in range(2):
                if loud[g, half] > top:
                    top = max(top, loud[g, half] * _passes(kappa[g], 1.0 - 2.0 * half, since[p], ends[p], size))
    return top


@njit(cache=True, nogil=True, error_model="numpy")
def _heard(first, kappa, loud, pulse, since, ends, size, bar):  # type: ignore[no-untyped-def]
    total = 0
    for p in range(len(pulse)):
        total += 2 * (first[pulse[p] + 1] - first[pulse[p]])
    piece, source, n = np.empty(total, np.int64), np.empty((total, 3), np.int64), 0
    for p in range(len(pulse)):
        start = first[pulse[p]]
        for g in range(start, first[pulse[p] + 1]):
            for half in range(2):
                if half == 1 and g == start:
                    continue
                if loud[g, half] <= bar:
                    continue
                if loud[g, half] * _passes(kappa[g], 1.0 - 2.0 * half, since[p], ends[p], size) > bar:
                    piece[n] = p
                    source[n, 0], source[n, 1], source[n, 2] = pulse[p], g - start, half
                    n += 1
    return piece[:n].copy(), source[:n].copy()
