"""A sequence: unique events and a table of blocks that use them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from spinloom.core.encoding import Encoding
from spinloom.core.scanner import Limits
from spinloom.sequence.events import ADC, RF, Block, Gradient
from spinloom.sequence.protocol import Protocol

LABELS = ("LIN", "PAR", "SLC", "ECO", "SEG", "REP", "AVG", "SET", "PHS", "ACQ")
NONE = -1


@dataclass(frozen=True, eq=False)
class Sequence:
    """A tuple of timed events with physical units, stored as Pulseq does: each unique event once.

    rf, gradients, adc  unique events
    blocks      (n_blocks, 5) int: index of rf, gx, gy, gz, adc; -1 for none
    durations   (n_blocks,) [s]
    labels      per readout (n_readouts,) integers by Pulseq label (see KSpace.labels)
    encoding    the image it asks for, if known
    protocol    the named protocol and its parameters, if it was made by one
    limits      the hardware it was made for
    definitions what a file said about itself (name, FOV, ...)
    name        for people
    """

    rf: tuple[RF, ...]
    gradients: tuple[Gradient, ...]
    adc: tuple[ADC, ...]
    blocks: NDArray[np.int32]
    durations: NDArray[np.float64]
    labels: Mapping[str, NDArray[np.int64]] = field(default_factory=lambda: MappingProxyType({}))
    encoding: Encoding | None = None
    protocol: Protocol | None = None
    limits: Limits = field(default_factory=Limits)
    definitions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    name: str = "sequence"

    @property
    def n_blocks(self) -> int:
        return len(self.durations)

    @property
    def duration(self) -> float:
        """Length of the scan [s]."""
        return float(np.sum(self.durations))

    @property
    def block_starts(self) -> NDArray[np.float64]:
        """(n_blocks,) start of each block [s]."""
        return np.concatenate([[0.0], np.cumsum(self.durations)[:-1]])

    @property
    def readout_blocks(self) -> NDArray[np.intp]:
        """(n_readouts,) indices of the blocks that hold an ADC."""
        return np.flatnonzero(self.blocks[:, 4] != NONE)

    @property
    def n_readouts(self) -> int:
        return len(self.readout_blocks)

    def block(self, i: int) -> Block:
        """Block i with its events in place."""
        r, x, y, z, a = (int(n) for n in self.blocks[i])
        return Block(
            duration=float(self.durations[i]),
            rf=None if r == NONE else self.rf[r],
            gx=None if x == NONE else self.gradients[x],
            gy=None if y == NONE else self.gradients[y],
            gz=None if z == NONE else self.gradients[z],
            adc=None if a == NONE else self.adc[a],
        )

    def __iter__(self) -> Iterator[Block]:
        return (self.block(i) for i in range(self.n_blocks))


def assemble(
    blocks: Iterable[Block],
    *,
    encoding: Encoding | None = None,
    protocol: Protocol | None = None,
    limits: Limits | None = None,
    definitions: Mapping[str, str] | None = None,
    name: str = "sequence",
) -> Sequence:
    """Blocks in order → Sequence; an event object used twice is stored once (by identity).

    blocks  re-use event objects wherever the event is the same: memory and simulation time follow unique events
    """
    rf: dict[int, RF] = {}
    gradients: dict[int, Gradient] = {}
    adc: dict[int, ADC] = {}
    table: dict[int, int] = {}

    def enter(event: object, pool: dict[int, object]) -> int:
        if event is None:
            return NONE
        if id(event) not in table:
            table[id(event)] = len(pool)
            pool[id(event)] = event
        return table[id(event)]

    rows: list[tuple[int, int, int, int, int]] = []
    durations: list[float] = []
    labels: list[dict[str, int]] = []
    for block in blocks:
        rows.append(
            (
                enter(block.rf, rf),  # type: ignore[arg-type]
                *(enter(g, gradients) for g in block.gradients),  # type: ignore[arg-type]
                enter(block.adc, adc),  # type: ignore[arg-type]
            )
        )
        durations.append(block.duration)
        if block.adc is not None:
            labels.append(block.labels or {})
    names = sorted({name for row in labels for name in row}, key=LABELS.index)
    return Sequence(
        rf=tuple(rf.values()),
        gradients=tuple(gradients.values()),
        adc=tuple(adc.values()),
        blocks=np.array(rows, np.int32).reshape(-1, 5),
        durations=np.array(durations, float),
        labels=MappingProxyType({n: np.array([row.get(n, 0) for row in labels], np.int64) for n in names}),
        encoding=encoding,
        protocol=protocol,
        limits=limits or Limits(),
        definitions=MappingProxyType(dict(definitions or {})),
        name=name,
    )
