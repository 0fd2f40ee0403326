"""Pulseq files, versions 1.2 to 1.5 → Sequence."""

from __future__ import annotations

from dataclasses import replace
from os import PathLike
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.scanner import Limits
from spinloom.io import pulseq_definitions as definitions
from spinloom.io import pulseq_events as events
from spinloom.io import pulseq_extensions as extensions
from spinloom.io.pulseq_parse import CUT_SHORT, PulseqText, Table, parse
from spinloom.sequence.events import ADC, RF, Gradient, RFUse
from spinloom.sequence.rf_use import rf_uses, rotation_angle
from spinloom.sequence.sequence import NONE, Sequence

Indices = NDArray[np.int64]
LONGEST = 30 * 86400.0


def read_sequence(path: str | PathLike[str], *, B0: float | None = None, verify_signature: bool = True) -> Sequence:
    """Read a Pulseq .seq file.

    Triggers are ignored; soft delays keep the duration they have in the file; gradients of no amplitude are left out.
    Pulses whose use the file does not say get the one `spinloom.sequence.rf_use` finds.

    path              version 1.2 to 1.5
    B0                main field for offsets given in ppm (1.5) [T]; the file's own B0 definition by default, else 3 T
    verify_signature  refuse a file whose content does not match its [SIGNATURE]
    raises            InputError naming the line, the fault and the remedy

    Layton et al., Magn. Reson. Med. 77, 1544 (2017); file format specification 1.5.1, pulseq.github.io.
    """
    text = parse(path, verify_signature=verify_signature)
    extensions.check_required(text)
    limits = definitions.rasters(text)
    field = definitions.field(text, B0)
    definitions.warn_of_FOV(text)
    rf, rf_ends = events.pulses(text, limits, field)
    traps = events.trapezoids(text)
    shaped, open_ended = events.arbitrary(text, limits.gradient_raster)
    adc = events.readouts(text, field)
    if traps.keys() & shaped.keys():
        raise InputError(
            f"gradient id {min(traps.keys() & shaped.keys())} is given twice",
            file=path,
            remedy="Write it again with the program that made it.",
        )

    table = np.round(text.blocks.values).astype(np.int64)
    if table.shape[1] == 7:
        table = np.column_stack([table, np.zeros(len(table), np.int64)])
    gradients: dict[int, Gradient] = {**traps, **shaped}
    for column, what, known in (
        (2, "RF pulse", rf),
        (3, "gradient", gradients),
        (4, "gradient", gradients),
        (5, "gradient", gradients),
        (6, "ADC", adc),
    ):
        _check_ids(table[:, column], list(known), what, text)
    durations = _durations(text, table, rf_ends, gradients, adc, limits)
    if not durations.sum() <= LONGEST:
        raise InputError(
            f"would take {durations.sum() / 86400:.3g} days",
            file=path,
            remedy="Correct the durations of its blocks, or their raster.",
        )
    lists = extensions.chains(text)
    _check_ids(table[:, 7], list(lists), "extension list", text)

    pool = _Gradients(gradients, open_ended)
    axes = pool.place(table[:, 3:6], durations)
    axes = _rotate(text, lists, table[:, 7], axes, pool)
    pulses, pulse_column = _with_uses(rf, table[:, 2], table[:, 6] > 0, durations)
    adc_column = _indices(table[:, 6], list(adc))
    return Sequence(
        rf=pulses,
        gradients=tuple(pool.events),
        adc=tuple(adc.values()),
        blocks=np.column_stack([pulse_column, axes, adc_column]).astype(np.int32),
        durations=durations,
        labels=extensions.readout_labels(text, lists, table[:, 7], adc_column != NONE),
        limits=limits,
        definitions=MappingProxyType(dict(text.definitions)),
        name=text.definitions.get("Name") or Path(path).stem,
    )


def _check_ids(column: Indices, known: list[int], what: str, text: PulseqText) -> None:
    bad = np.flatnonzero((column != 0) & ~np.isin(column, known))
    if len(bad):
        line, number = text.blocks.lines[bad[0]], column[bad[0]]
        raise InputError(
            f"line {line}: the block uses {what} {number}, which the file does not hold",
            file=text.file,
            remedy=CUT_SHORT,
        )


def _indices(column: Indices, known: list[int]) -> Indices:
    """Ids of the file → index into `known`; 0 → NONE."""
    if not known:
        return np.full(len(column), NONE, np.int64)
    ids = np.array(known, np.int64)
    order = np.argsort(ids)
    place = order[np.minimum(np.searchsorted(ids, column, sorter=order), len(ids) - 1)]
    return np.where(column == 0, NONE, place)


def _ends(column: Indices, ends: dict[int, float]) -> NDArray[np.float64]:
    values = np.array([*ends.values(), 0.0])
    return np.asarray(values[_indices(column, list(ends))], float)


def _durations(
    text: PulseqText,
    table: Indices,
    rf_ends: dict[int, float],
    gradients: dict[int, Gradient],
    adc: dict[int, ADC],
    limits: Limits,
) -> NDArray[np.float64]:
    """Length of each block: said by the file since 1.4, before that the end of its last event [s]."""
    if text.version >= (1, 4, 0):
        if np.any(table[:, 1] < 0):
            line = text.blocks.lines[np.argmin(table[:, 1])]
            raise InputError(f"line {line}: the duration of the block is negative", file=text.file, remedy=CUT_SHORT)
        return np.asarray(table[:, 1] * limits.block_raster, float)
    delays = text.delays if len(text.delays) else Table(np.zeros((0, 2)), np.zeros(0, np.int64))
    waits = {int(i): float(t) * 1e-6 for i, t in delays.values}
    _check_ids(table[:, 1], list(waits), "delay", text)
    ends = {i: g.end for i, g in gradients.items()}
    parts = [_ends(table[:, c], ends) for c in (3, 4, 5)]
    parts += [
        _ends(table[:, 1], waits),
        _ends(table[:, 2], rf_ends),
        _ends(table[:, 6], {i: a.end for i, a in adc.items()}),
    ]
    return np.asarray(np.max(parts, axis=0), float)


class _Gradients:
    """Gradients in order of index; grows where one event means several waveforms."""

    def __init__(self, by_id: dict[int, Gradient], open_ended: frozenset[int]) -> None:
        self.by_id = by_id
        self.open_ended = open_ended
        self.events: list[Gradient] = []
        self.known: dict[tuple[object, ...], int] = {}

    def enter(self, key: tuple[object, ...], gradient: Gradient | None) -> int:
        if key not in self.known:
            nothing = gradient is None or not np.any(np.abs(gradient.g) > 1e-9)
            self.known[key] = NONE if nothing else len(self.events)
            if gradient is not None and not nothing:
                self.events.append(gradient)
        return self.known[key]

    def place(self, columns: Indices, durations: NDArray[np.float64]) -> Indices:
        """(n_blocks, 3) ids → indices; an open-ended gradient begins where the one before it on its axis ended."""
        out = np.full(columns.shape, NONE, np.int64)
        for axis in range(3):
            column = columns[:, axis]
            if not np.isin(column, list(self.open_ended)).any():
                used = np.unique(column[column != 0])
                index = {int(i): self.enter((int(i),), self.by_id[int(i)]) for i in used}
                out[:, axis] = [index.get(int(i), NONE) for i in column]
                continue
            level = 0.0
            for block, number in enumerate(column.tolist()):
                if number == 0:
                    level = 0.0
                    continue
                gradient = self.by_id[number]
                key: tuple[object, ...] = (number,)
                if number in self.open_ended:
                    first = level if gradient.t[0] == 0 else 0.0
                    gradient, key = events.closed(gradient, first), (number, first)
                out[block, axis] = self.enter(key, gradient)
                level = float(gradient.g[-1]) if gradient.end >= durations[block] - 1e-9 else 0.0
        return out


def _rotate(
    text: PulseqText, lists: extensions.Chains, block_lists: Indices, axes: Indices, pool: _Gradients
) -> Indices:
    """Blocks with a rotation get rotated gradients; each distinct combination is made once."""
    turns = extensions.rotations(text)
    rotation = {i: [r for name, r in pairs if name == "ROTATIONS"] for i, pairs in lists.items()}
    out = axes.copy()
    for block in np.flatnonzero(np.isin(block_lists, [i for i, r in rotation.items() if r])):
        for number in rotation[int(block_lists[block])]:
            if number not in turns:
                raise InputError(
                    f"rotation {number} is used but the file does not hold it",
                    file=text.file,
                    remedy="Write it again with the program that made it.",
                )
            row = tuple(int(i) for i in out[block])
            if ("turn", number, row, 0) not in pool.known:
                made = extensions.rotated(tuple(None if i == NONE else pool.events[i] for i in row), turns[number])
                for axis in range(3):
                    pool.enter(("turn", number, row, axis), made[axis])
            out[block] = [pool.known["turn", number, row, axis] for axis in range(3)]
    return out


def _with_uses(
    rf: dict[int, RF], column: Indices, has_adc: NDArray[np.bool_], durations: NDArray[np.float64]
) -> tuple[tuple[RF, ...], Indices]:
    """Pulses in order of index and the index of each block; a pulse used for two purposes becomes two."""
    index = _indices(column, list(rf))
    pulses = list(rf.values())
    unsaid = np.array([p.use is RFUse.UNDEFINED for p in pulses], bool)
    if not unsaid.any():
        return tuple(pulses), index
    shapes: dict[tuple[bytes, bytes], float] = {}
    angle = np.zeros(len(pulses))
    for i, pulse in enumerate(pulses):
        key = (np.diff(pulse.edges).tobytes(), pulse.signal.tobytes())
        if key not in shapes:
            shapes[key] = rotation_angle(pulse)
        angle[i] = shapes[key]
    starts = np.cumsum(durations) - durations
    times = starts + np.array([p.centre for p in pulses])[index]
    uses = rf_uses(np.where(index == NONE, np.nan, angle[index]), times, has_adc)
    made: dict[tuple[int, RFUse], int] = {}
    out: list[RF] = []
    placed = np.full(len(index), NONE, np.int64)
    for block in np.flatnonzero(index != NONE):
        pulse = pulses[index[block]]
        use = uses[block] if unsaid[index[block]] else pulse.use
        assert use is not None
        key_use = (int(index[block]), use)
        if key_use not in made:
            made[key_use] = len(out)
            out.append(replace(pulse, use=use))
        placed[block] = made[key_use]
    return tuple(out), placed
