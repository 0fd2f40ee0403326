"""Eddy currents and what else is linear in a gradient system, played into the sequence.

Between the knots of a waveform an exponential term is known in closed form; the past of a block is one number per term.
Blocks with the same events and, to the tolerance, the same past share one event.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinloom.core.imperfections import Axis, EddyCurrent
from spinloom.sequence.events import Gradient
from spinloom.sequence.sequence import NONE, Sequence
from spinloom.simulation.imperfect_delays import tidy
from spinloom.simulation.imperfect_lines import Mode, line_of

FloatArray = NDArray[np.float64]
Complex = NDArray[np.complex128]
TOLERANCE = 1e-6
"""Of the largest gradient: to what a block's past is rounded, and how far straight lines may leave the exponentials."""

NEAR = 0.01
"""A uniform field counts like a gradient at this distance [m] when it is rounded."""


@dataclass(frozen=True, eq=False)
class Bent:
    """What the gradient system makes of a sequence.

    sequence  with the gradients as they come out
    field     the same with the uniform field they leave as its x gradient [Hz]; None if they leave none
    """

    sequence: Sequence
    field: Sequence | None


def with_eddy_currents(sequence: Sequence, currents: tuple[EddyCurrent, ...]) -> Bent:
    """Sequence → the gradients that come out, see core.imperfections.EddyCurrent.

        e(t) = ∫ dG/dt' exp(-λ (t - t')) dt',  λ = 1/tau - 2 pi i f;     G_out = G - Re Σ alpha e
        within a block  e(t) = s/λ + (e_0 - s/λ) exp(-λ (t - t_0)),      s the slope since t_0

    Exact but for TOLERANCE; the gradient area of every block is that of the exponentials.

    returns  the same sequence if no current does anything

    Jehenson, Westphal & Schuff, J. Magn. Reson. 90, 264 (1990).
    """
    currents = tuple(c for c in currents if c.alpha)
    if not currents or not sequence.gradients:
        return Bent(sequence, None)
    largest = max(float(np.abs(g.g).max()) for g in sequence.gradients)
    modes = [Mode(c.alpha, 1 / c.tau - 2j * np.pi * c.frequency, int(c.axis)) for c in currents]
    past = [_past(sequence, mode) for mode in modes]
    columns = sequence.blocks[:, 1:4].copy()
    gradients: list[Gradient] = list(sequence.gradients)
    field: NDArray[np.int32] | None = None
    for onto in Axis:
        chosen = [i for i, c in enumerate(currents) if (c.axis if c.onto is None else c.onto) is onto]
        if not chosen:
            continue
        tolerance = TOLERANCE * largest * (NEAR if onto is Axis.B0 else 1.0)
        column = _column(sequence, onto, [modes[i] for i in chosen], [past[i] for i in chosen], tolerance, gradients)
        if onto is Axis.B0:
            field = column
        else:
            columns[:, onto] = column

    def played(x: NDArray[np.int32]) -> Sequence:
        blocks = sequence.blocks.copy()
        blocks[:, 1:4] = x
        return tidy(replace(sequence, gradients=tuple(gradients), blocks=blocks))

    none = np.full(sequence.n_blocks, NONE, np.int32)
    return Bent(played(columns), None if field is None else played(np.column_stack([field, none, none])))


def _past(sequence: Sequence, mode: Mode) -> Complex:
    """(n_blocks,) the mode at the start of each block [Hz/m]."""
    column, T = sequence.blocks[:, 1 + mode.source], sequence.durations
    kinds, kind = np.unique(np.column_stack([column, T]), axis=0, return_inverse=True)
    adds = np.zeros(len(kinds), complex)
    for i, (g, length) in enumerate(kinds):
        if g != NONE:
            adds[i] = mode.left_by(sequence.gradients[int(g)], float(length))
    gained, kept = adds[kind.ravel()].tolist(), np.exp(-mode.rate * T).tolist()
    states, e = [], 0j
    for add, keep in zip(gained, kept, strict=True):
        states.append(e)
        e = e * keep + add
    return np.array(states, complex)


def _column(
    sequence: Sequence,
    onto: Axis,
    modes: list[Mode],
    past: list[Complex],
    tolerance: float,
    gradients: list[Gradient],
) -> NDArray[np.int32]:
    """Indices of the events of one axis as they come out; new ones are appended to `gradients`."""
    own = np.full(sequence.n_blocks, NONE, np.int32) if onto is Axis.B0 else sequence.blocks[:, 1 + onto]
    sources = [sequence.blocks[:, 1 + m.source] for m in modes]
    states = np.stack(past, axis=-1)
    unit = np.array([tolerance / abs(m.alpha) for m in modes])
    steps = np.stack([np.rint(states.real / unit), np.rint(states.imag / unit)], axis=-1).astype(np.int64)
    flat = steps.reshape(len(steps), -1)
    key = np.column_stack([own, *sources, np.rint(sequence.durations * 1e9).astype(np.int64), flat])
    _, first, kind = np.unique(key, axis=0, return_index=True, return_inverse=True)
    made = np.full(len(first), NONE, np.int32)
    for n, i in enumerate(first):
        driving = [None if s[i] == NONE else sequence.gradients[s[i]] for s in sources]
        if not flat[i].any() and all(g is None for g in driving):
            made[n] = own[i]
            continue
        start = [complex(a, b) * u for (a, b), u in zip(steps[i], unit, strict=True)]
        base = None if own[i] == NONE else sequence.gradients[own[i]]
        made[n] = len(gradients)
        gradients.append(line_of(base, modes, driving, start, float(sequence.durations[i]), tolerance))
    return made[kind.ravel()]
