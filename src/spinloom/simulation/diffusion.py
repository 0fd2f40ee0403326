"""How strongly free diffusion weighs the encoded echo of every readout."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import RF, Gradient, RFUse
from spinloom.sequence.trajectory import integral
from spinloom.simulation.drive import Drive, kinds
from spinloom.simulation.timeline import Pulses, Readouts

FloatArray = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(3)


def b_values(drive: Drive, played: Pulses, read: Readouts) -> FloatArray:
    """(n_readouts,) diffusion weighting at the middle of each readout [s/m^2]; the signal falls by exp(-b D).

        b = (2 pi)^2 ∫ |k(t)|^2 dt      from the excitation, along the path of the encoded echo

    k(t) includes every gradient: diffusion, crusher, slice and imaging. Other pathways get the weighting of this one.

    Stejskal & Tanner, J. Chem. Phys. 42, 288 (1965); Karlicek & Lowe, J. Magn. Reson. 37, 75 (1980).
    """
    sequence, n = drive.sequence, len(read.block)
    if not n:
        return np.empty(0)
    start = sequence.block_starts
    middle = np.array([(w[0, 0] + w[-1, 0]) / 2 for w in read.windows])[read.window]
    acts = np.array([rf.use in (RFUse.EXCITATION, RFUse.UNDEFINED, RFUse.REFOCUSING) for rf in sequence.rf], bool)
    pulse = np.flatnonzero(acts[played.rf])
    # every block is cut at its pulse and at the middle of its readout
    block = np.concatenate([np.arange(sequence.n_blocks), played.block[pulse], read.block])
    since = np.concatenate([np.zeros(sequence.n_blocks), played.centre[pulse] - start[played.block[pulse]], middle])
    kind = np.repeat([0, 1, 2], [sequence.n_blocks, len(pulse), n])
    order = np.lexsort((since, block))
    block, since, kind, source = block[order], since[order], kind[order], np.argsort(order)
    until = np.where(np.append(np.diff(block), 1) == 0, np.append(since[1:], 0.0), sequence.durations[block])
    table = drive.table[block, :3]
    lengths = np.round(np.column_stack([since, until]) * 1e10).astype(np.int64)
    example, which = kinds(*table.T, lengths[:, 0], lengths[:, 1])
    start_of, first, second = np.empty((3, len(example), 3))
    for axis in range(3):  # most parts differ along one axis only
        some, own = kinds(table[example, axis], lengths[example, 0], lengths[example, 1])
        each = [_integrals(drive.playing(table[j])[axis], since[j], until[j]) for j in example[some]]
        start_of[:, axis], first[:, axis], second[:, axis] = np.array(each)[own].T
    area = drive.before[block, :3] + start_of[which]
    k = area + _offset(sequence.rf, played, pulse, kind, area)
    length = until - since
    b = np.sum(k**2, axis=1) * length + 2 * np.sum(k * first[which], axis=1) + second.sum(axis=1)[which]
    passed = np.concatenate([[0.0], np.cumsum(b)])[:-1]
    excites = np.array([sequence.rf[r].use is not RFUse.REFOCUSING for r in played.rf[pulse]], bool)
    at_pulse = source[sequence.n_blocks : sequence.n_blocks + len(pulse)]
    excited = np.zeros(len(block))
    excited[at_pulse[excites]] = 1
    last = np.maximum.accumulate(np.where(excited > 0, np.arange(len(block)), 0))
    at_middle = source[-n:]
    return np.asarray((2 * np.pi) ** 2 * (passed[at_middle] - passed[last[at_middle]]), float)


def _offset(
    rf: tuple[RF, ...], played: Pulses, pulse: NDArray[np.intp], kind: NDArray[np.intp], area: FloatArray
) -> FloatArray:
    """(n, 3) what to add to the area since the start of the scan to get k, from each cut on."""
    offset, at = np.zeros((len(pulse) + 1, 3)), np.flatnonzero(kind == 1)
    for i, (p, row) in enumerate(zip(pulse, at, strict=True)):
        if rf[played.rf[p]].use is RFUse.REFOCUSING:
            offset[i + 1] = -2 * area[row] - offset[i]
        else:
            offset[i + 1] = -area[row]
    return np.asarray(offset[np.cumsum(kind == 1)], float)


def _integrals(gradient: Gradient | None, lo: float, hi: float) -> tuple[float, float, float]:
    """Area A(lo) since the block's start, ∫ (A - A(lo)) dt and ∫ (A - A(lo))^2 dt from lo to hi: quartics, exact."""
    if gradient is None:
        return 0.0, 0.0, 0.0
    edges = np.unique(np.concatenate([[lo, hi], gradient.t[(gradient.t > lo) & (gradient.t < hi)]]))
    half, mid = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    at = np.concatenate([[lo], (mid[:, None] + half[:, None] * _NODES).ravel()])
    area = integral(gradient, at)
    A, weight = area[1:] - area[0], (half[:, None] * _WEIGHTS).ravel()
    return float(area[0]), float(weight @ A), float(weight @ A**2)
