"""Gradients that come late, block by block: what spills over a block's end plays at the start of the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from spinloom.sequence.events import Gradient
from spinloom.sequence.sequence import NONE, Sequence

FloatArray = NDArray[np.float64]
Line = tuple[FloatArray, FloatArray]
SAME = 1e-12  # times closer than this are one [s]


def delayed(sequence: Sequence, delays: tuple[float, float, float]) -> Sequence:
    """Every gradient later by the delay of its axis; pulses and readouts stay where they are.

        G(t) → G(t - d)

    Blocks in which the same happens share one event. What a delay pushes beyond the end of the scan is lost.

    delays   along x, y, z [s]; negative: early
    returns  the same object if all are zero
    """
    if not any(delays):
        return sequence
    blocks = sequence.blocks.copy()
    gradients: list[Gradient] = list(sequence.gradients)
    for axis, delay in enumerate(delays):
        if delay:
            blocks[:, 1 + axis] = _column(sequence, sequence.blocks[:, 1 + axis], delay, gradients)
    return tidy(replace(sequence, gradients=tuple(gradients), blocks=blocks))


def _column(
    sequence: Sequence, column: NDArray[np.int32], delay: float, gradients: list[Gradient]
) -> NDArray[np.int32]:
    """Indices of the delayed events; new ones are appended to `gradients`."""
    T, start = sequence.durations, sequence.block_starts
    spill: list[list[tuple[int, float]]] = [[] for _ in range(len(T))]
    for i in np.flatnonzero(column != NONE).tolist():
        gradient = sequence.gradients[column[i]]
        begin, end = start[i] + gradient.t[0] + delay, start[i] + gradient.end + delay
        j: int = i
        while j > 0 and begin < start[j] - SAME:
            j -= 1
        while j < len(T) and start[j] < end - SAME:
            if start[j] + T[j] > begin + SAME:
                spill[j].append((int(column[i]), round(float(start[i] - start[j] + delay), 12)))
            j += 1
    made: dict[tuple[float, tuple[tuple[int, float], ...]], int] = {}
    out = np.full(len(T), NONE, np.int32)
    for i, pieces in enumerate(spill):
        if not pieces:
            continue
        key = (float(T[i]), tuple(pieces))
        if key not in made:
            parts = [(sequence.gradients[g].t + shift, sequence.gradients[g].g) for g, shift in pieces]
            made[key] = len(gradients)
            gradients.append(Gradient(*glue([cut(part, float(T[i])) for part in parts])))
        out[i] = made[key]
    return out


def cut(line: Line, T: float) -> Line:
    """The part of a line of knots that lies in [0, T]; its ends are interpolated."""
    t, g = line
    if t[0] >= -SAME and t[-1] <= T + SAME:
        return t, g
    lo, hi = max(0.0, float(t[0])), min(T, float(t[-1]))
    inside = (t > lo + SAME) & (t < hi - SAME)
    ends = np.interp([lo, hi], t, g)
    return np.concatenate([[lo], t[inside], [hi]]), np.concatenate([ends[:1], g[inside], ends[1:]])


def glue(lines: list[Line]) -> Line:
    """Lines one after another as one, zero between them; a step is two knots at one time."""
    t, g = lines[0]
    for later, height in lines[1:]:
        if later[0] - t[-1] < 1e-9:
            first = 1 if abs(height[0] - g[-1]) <= 1e-9 * np.abs(g).max() else 0
            t, g = np.concatenate([t, later[first:]]), np.concatenate([g, height[first:]])
            continue
        down = [(t[-1], 0.0)] if g[-1] != 0 else []
        up = [(later[0], 0.0)] if height[0] != 0 else []
        middle = np.array(down + up, float).reshape(-1, 2)
        t = np.concatenate([t, middle[:, 0], later])
        g = np.concatenate([g, middle[:, 1], height])
    return t, g


def tidy(sequence: Sequence) -> Sequence:
    """The same sequence without events that no block uses."""
    used = np.unique(sequence.blocks[:, 1:4])
    used = used[used != NONE]
    new = np.full(len(sequence.gradients) + 1, NONE, np.int32)
    new[used] = np.arange(len(used))
    blocks = sequence.blocks.copy()
    blocks[:, 1:4] = new[blocks[:, 1:4]]
    return replace(sequence, gradients=tuple(sequence.gradients[i] for i in used), blocks=blocks)
