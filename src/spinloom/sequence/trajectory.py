"""Where in k-space each sample is taken: closed-form integrals of the gradients, pulses taken as instants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import Gradient, RFUse
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """k-space of every readout; shorter readouts are padded with NaN to the longest.

    k             (readout, sample, 3) scanner frame [1/m]
    t             (readout, sample) since the start of the scan [s]
    t_excitation  (readout, sample) since the centre of the last excitation [s]; NaN before the first
    n_samples     (readout,) samples that are not padding
    """

    k: FloatArray
    t: FloatArray
    t_excitation: FloatArray
    n_samples: NDArray[np.int64]


def integral(gradient: Gradient, t: FloatArray) -> FloatArray:
    """Area of a gradient from the start of its block to t.

        ∫ g dt' = A_j + g_j (t - t_j) + (g_(j+1) - g_j) / (t_(j+1) - t_j) (t - t_j)^2 / 2   for t_j <= t <= t_(j+1)

    t        (...) from the start of the block [s]
    returns  (...) [1/m]
    """
    return integrals(gradient.t, gradient.g, t)


def integrals(knots: FloatArray, g: FloatArray, t: FloatArray) -> FloatArray:
    """The same for several gradients with common knots: g (..., n) at knots (n,), t (m) → (..., m)."""
    step = np.diff(knots)
    area = np.zeros(g.shape)
    np.cumsum(step * (g[..., 1:] + g[..., :-1]) / 2, axis=-1, out=area[..., 1:])
    slope = np.divide(np.diff(g), step, out=np.zeros((*g.shape[:-1], len(step))), where=step > 0)
    j = np.clip(np.searchsorted(knots, t, side="right") - 1, 0, len(step) - 1)
    d = np.clip(t, knots[0], knots[-1]) - knots[j]
    return np.asarray(area[..., j] + d * (g[..., j] + d * slope[..., j] / 2), float)


def trajectory(sequence: Sequence) -> Trajectory:
    """k-space position and time of every sample.

        k(t) = ∫ G dt' from the centre of the last excitation;   k -> -k at the centre of a refocusing pulse

    G is gamma-bar times the gradient [Hz/m]. Pulses of undefined use count as excitations; inversion, saturation
    and preparation pulses leave k as it is.

    sequence  with or without readouts
    returns   Trajectory

    Twieg, Med. Phys. 10, 610 (1983); Hennig, J. Magn. Reson. 78, 397 (1988) for refocusing.
    """
    start = sequence.block_starts
    before = _area_before(sequence)
    blocks = sequence.readout_blocks
    when, offset, excited = _offsets(sequence, start, before)

    adc = sequence.blocks[blocks, 4]
    n_samples = np.array([sequence.adc[i].n_samples for i in adc], np.int64)
    longest = int(n_samples.max(initial=0))
    times = np.full((len(sequence.adc), longest), np.nan)
    for i in np.unique(adc):
        times[i, : sequence.adc[i].n_samples] = sequence.adc[i].times

    t = start[blocks, None] + times[adc]
    first, last = _pulses_before(when, t, n_samples)
    k = np.empty((len(blocks), longest, 3))
    for axis in range(3):
        k[..., axis] = _inside(sequence, blocks, axis, times)
        k[..., axis] += (before[blocks, axis] + offset[first, axis])[:, None]
    t_excitation = t - excited[first][:, None]
    for i in np.flatnonzero(first != last):  # a pulse inside the readout
        now = np.searchsorted(when, t[i], side="right")
        k[i] += offset[now] - offset[first[i]]
        t_excitation[i] = t[i] - excited[now]
    for i in np.flatnonzero(n_samples < longest):
        k[i, n_samples[i] :] = np.nan
    return Trajectory(k=k, t=t, t_excitation=t_excitation, n_samples=n_samples)


def _pulses_before(
    when: FloatArray, t: FloatArray, n_samples: NDArray[np.int64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """How many pulses act before the first and before the last sample of each readout."""
    if not t.size:
        nothing = np.zeros(len(t), np.intp)
        return nothing, nothing
    ends = t[:, 0], t[np.arange(len(t)), n_samples - 1]
    return np.searchsorted(when, ends[0], side="right"), np.searchsorted(when, ends[1], side="right")


def _area_before(sequence: Sequence) -> FloatArray:
    """(n_blocks, 3) area of all gradients before each block [1/m]."""
    areas = np.array([*(g.area for g in sequence.gradients), 0.0])
    of_block = areas[sequence.blocks[:, 1:4]]
    return np.asarray(np.cumsum(of_block, axis=0) - of_block, float)


def _offsets(sequence: Sequence, start: FloatArray, before: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What to add to the area since the start of the scan, from each pulse on.

    returns  times of the pulses (n,) [s], offsets (n + 1, 3) [1/m] and time of the excitation in force (n + 1,) [s];
             entry 0 of the latter two holds before the first pulse
    """
    acts = np.array([p.use in (RFUse.EXCITATION, RFUse.REFOCUSING, RFUse.UNDEFINED) for p in sequence.rf] + [False])
    blocks = np.flatnonzero(acts[sequence.blocks[:, 0]])
    pulses = [sequence.rf[i] for i in sequence.blocks[blocks, 0]]
    centre = np.array([p.centre for p in pulses], float)
    when = start[blocks] + centre
    area = before[blocks].copy()
    for axis in range(3):
        pairs = sequence.blocks[blocks, 1 + axis].astype(np.int64) * len(sequence.rf) + sequence.blocks[blocks, 0]
        _, example, which = np.unique(pairs, return_index=True, return_inverse=True)
        part = np.zeros(len(example))
        for i, b in enumerate(blocks[example]):
            r, g = sequence.blocks[b, [0, 1 + axis]]
            if g != NONE:
                part[i] = integral(sequence.gradients[g], np.array(sequence.rf[r].centre))
        area[:, axis] += part[which]

    offset = np.zeros((len(blocks) + 1, 3))
    excited = np.full(len(blocks) + 1, np.nan)
    for i, pulse in enumerate(pulses):
        if pulse.use is RFUse.REFOCUSING:
            offset[i + 1] = -2 * area[i] - offset[i]
            excited[i + 1] = excited[i]
        else:
            offset[i + 1] = -area[i]
            excited[i + 1] = when[i]
    return when, offset, excited


def _inside(sequence: Sequence, blocks: NDArray[np.intp], axis: int, times: FloatArray) -> FloatArray:
    """(readout, sample), or (1, sample) if all are alike: area from the start of the block to each sample.

    Worked out once per unique gradient and ADC, and together for the gradients that have their knots in common.
    """
    code = sequence.blocks[blocks, 1 + axis].astype(np.int64) * len(times) + sequence.blocks[blocks, 4]
    unique, which = np.unique(code, return_inverse=True)
    area = np.zeros((len(unique), times.shape[1]))
    alike: dict[tuple[bytes, int], list[tuple[int, Gradient]]] = {}
    for i, c in enumerate(unique):
        g, a = divmod(int(c), len(times))
        if g != NONE:
            gradient = sequence.gradients[g]
            alike.setdefault((gradient.t.tobytes(), a), []).append((i, gradient))
    for (_, a), members in alike.items():
        rows = [i for i, _ in members]
        area[rows] = integrals(members[0][1].t, np.array([gradient.g for _, gradient in members]), times[a])
    return area if len(unique) == 1 else area[which]  # one row serves all
