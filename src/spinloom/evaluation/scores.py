"""evaluate(): pairs of images and protocols → a report with a number per subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.evaluation.known import protocols
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.protocol import Column, Protocol
from spinloom.evaluation.statistics import Comparison, Summary, compare, summarise


@dataclass(frozen=True)
class Row:
    """One number: of a case, by a protocol."""

    case: str
    protocol: str
    metric: str
    unit: str
    value: float


@dataclass(frozen=True)
class Report:
    """What was found.

    rows       a number per case, protocol and metric
    protocols  what was asked for
    quantity   of all images
    cases      scored;  failures  (case, why) of those that could not be
    """

    rows: tuple[Row, ...]
    protocols: tuple[Protocol, ...]
    quantity: Quantity
    cases: tuple[str, ...]
    failures: tuple[tuple[str, str], ...] = ()

    def values(self, protocol: str, metric: str) -> dict[str, float]:
        """A number per case."""
        return {r.case: r.value for r in self.rows if (r.protocol, r.metric) == (protocol, metric)}

    def summary(self, protocol: str, metric: str) -> Summary:
        """Of one number over the subjects."""
        return summarise(list(self.values(protocol, metric).values()))

    def unit(self, protocol: str, column: Column) -> str:
        return next((r.unit for r in self.rows if (r.protocol, r.metric) == (protocol, column.name)), column.unit)


def evaluate(pairs: Pair | Iterable[Pair], protocol: str | Sequence[str] = "honest") -> Report:
    """Score predictions against references.

    pairs     see pair.pair_of: one, or one per subject; all of one quantity, names unique
    protocol  names (protocols.NAMES), or "all": every protocol that suits the quantity

    Raises InputError if there is no pair, if names repeat, or if quantities are mixed; UsageError for a protocol that
    does not exist or does not suit.
    """
    found = [pairs] if isinstance(pairs, Pair) else list(pairs)
    if not found:
        raise InputError("there is nothing to score: no pair of images")
    names = [p.name for p in found]
    if twice := sorted({n for n in names if names.count(n) > 1}):
        raise InputError(f"the same subject comes twice: {', '.join(twice)}", remedy="One pair per subject.")
    if len({p.quantity for p in found}) > 1:
        raise InputError("these pairs are of different quantities", remedy="Score each quantity by itself.")
    quantity = found[0].quantity
    asked = protocols((protocol,) if isinstance(protocol, str) else tuple(protocol), quantity)
    rows = [row for pair in found for p in asked for row in _rows(pair, p)]
    return Report(tuple(rows), asked, quantity, tuple(names))


def _rows(pair: Pair, protocol: Protocol) -> list[Row]:
    scores = protocol.score(pair)
    scale = "" if pair.quantity is Quantity.SIGNAL else _unit(pair.quantity)
    return [
        Row(pair.name, protocol.name, c.name, c.unit or (scale if c.name in SCALED else ""), float(scores[c.name]))
        for c in protocol.columns
    ]


SCALED = ("MAE", "RMSE", "bias")
"""Metrics in the unit of the images."""


def _unit(quantity: Quantity) -> str:
    text = quantity.value
    return text[text.index("[") + 1 : -1] if "[" in text else ""


def against(first: Report, second: Report) -> list[tuple[str, Column, Comparison]]:
    """Two predictions for the same subjects: every number of `first` minus that of `second`, subject by subject.

    Raises InputError if they have no subject in common.
    """
    common = [c for c in first.cases if c in second.cases]
    if not common:
        raise InputError("the two predictions have no subject in common", remedy="Name the files alike.")
    found = []
    for p in first.protocols:
        for column in p.columns:
            a, b = first.values(p.name, column.name), second.values(p.name, column.name)
            if b:
                x, y = np.array([a[c] for c in common]), np.array([b[c] for c in common])
                found.append((p.name, column, compare(x, y)))
    return found
