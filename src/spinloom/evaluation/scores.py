"""evaluate(): pairs of images and protocols → a report with a number per subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.dataset.find_names import identity
from spinloom.evaluation.about import About, mask_of, units_doubt, whose
from spinloom.evaluation.encoded import Encoded
from spinloom.evaluation.honest import scale_of, where
from spinloom.evaluation.known import protocols
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.protocol import Column, Protocol
from spinloom.evaluation.statistics import Comparison, Summary, compare, mean_of, summarise
from spinloom.evaluation.tissues import by_tissue

TISSUES = "by label"
"""The name that errors per label go by in a report, beside the protocols."""


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
    encoded    what a user's own networks say of all cases together
    about      of every case: whose it is, where it counted, its files
    """

    rows: tuple[Row, ...]
    protocols: tuple[Protocol, ...]
    quantity: Quantity
    cases: tuple[str, ...]
    failures: tuple[tuple[str, str], ...] = ()
    encoded: tuple[Encoded, ...] = ()
    about: tuple[About, ...] = ()

    def values(self, protocol: str, metric: str) -> dict[str, float]:
        """A number per case."""
        return {r.case: r.value for r in self.rows if (r.protocol, r.metric) == (protocol, metric)}

    def subject(self, case: str) -> str:
        """Whose a case is."""
        return next((a.subject for a in self.about if a.case == case), None) or whose(case)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Of the cases, each once."""
        return tuple({identity(who): who for who in map(self.subject, self.cases)}.values())

    def by_subject(self, protocol: str, metric: str) -> dict[str, float]:
        """A number per subject: the mean over the subject's visits or slices."""
        return within(self.values(protocol, metric), self.subject)

    def summary(self, protocol: str, metric: str) -> Summary:
        """Of one number over the subjects."""
        return summarise(list(self.by_subject(protocol, metric).values()))

    def metrics(self) -> tuple[tuple[str, Column], ...]:
        """(protocol, column) of every number, in the order in which they came."""
        known = {(p.name, c.name): c for p in self.protocols for c in p.columns}
        found: dict[tuple[str, str], Column] = {}
        for r in self.rows:
            key = (r.protocol, r.metric)
            own = known.get(key) or Column(r.metric, ideal=0.0 if "bias" in r.metric else None)
            found.setdefault(key, replace(own, unit=r.unit))
        return tuple((protocol, column) for (protocol, _), column in found.items())


def within(values: Mapping[str, float], subject: Callable[[str], str]) -> dict[str, float]:
    """Numbers of cases → one of each subject, however its name is spelled: the mean of the finite ones.

    values   case → number
    subject  case → whose
    """
    people: dict[str, list[float]] = {}
    names: dict[str, str] = {}
    for case, value in values.items():
        who = subject(case)
        people.setdefault(identity(who), []).append(value)
        names.setdefault(identity(who), who)
    return {names[key]: mean_of(found) for key, found in people.items()}


def evaluate(pairs: Pair | Iterable[Pair], protocol: str | Sequence[str] = "honest") -> Report:
    """Score predictions against references.

    pairs     see pair.pair_of: one, or one per subject, taken one by one; all of one quantity, names unique
    protocol  names (known.NAMES), or "all": every protocol that suits the quantity

    Raises InputError if there is no pair, if names repeat, or if quantities are mixed; UsageError for a protocol that
    does not exist or does not suit.
    """
    found: list[Row] = []
    names: list[str] = []
    about: list[About] = []
    first: Pair | None = None
    asked: tuple[Protocol, ...] = ()
    for pair in [pairs] if isinstance(pairs, Pair) else pairs:
        if first is None:
            first, asked = pair, protocols((protocol,) if isinstance(protocol, str) else tuple(protocol), pair.quantity)
        if pair.name in names:
            raise InputError(f"the same subject comes twice: {pair.name}", remedy="One pair per subject.")
        if pair.quantity is not first.quantity:
            raise InputError("these pairs are of different quantities", remedy="Score each quantity by itself.")
        found += rows_of(pair, asked)
        names.append(pair.name)
        about.append(About(pair.name, whose(pair.name), mask_of(pair), units_doubt(pair)))
    if first is None:
        raise InputError("there is nothing to score: no pair of images")
    return Report(tuple(found), asked, first.quantity, tuple(names), about=tuple(about))


def rows_of(pair: Pair, asked: tuple[Protocol, ...]) -> Iterator[Row]:
    """Every number of one pair: of the protocols, then of its tissues if it has labels (of signal: in shares of
    its scale)."""
    factor, unit = shown(pair.quantity)
    for p in asked:
        scores = p.score(pair)
        for c in p.columns:
            own = c.name in SCALED and not c.unit
            value = float(scores[c.name]) * (factor if own and p.name == "honest" else 1.0)
            yield Row(pair.name, p.name, c.name, c.unit or (unit if own else ""), value)
    if pair.labels is None or pair.quantity is Quantity.LABEL:
        return
    if pair.quantity is Quantity.SIGNAL:
        factor = 1 / max(scale_of(pair, where(pair)), 1e-12)
    for t in by_tissue(pair):
        yield Row(pair.name, TISSUES, f"{t.label}: MAE", unit, factor * t.MAE)
        yield Row(pair.name, TISSUES, f"{t.label}: bias", unit, factor * t.bias)
        if np.isfinite(t.bias_percent):
            yield Row(pair.name, TISSUES, f"{t.label}: MAE in percent", "%", t.MAE_percent)
            yield Row(pair.name, TISSUES, f"{t.label}: bias in percent", "%", t.bias_percent)


SCALED = ("MAE", "RMSE", "bias")
"""Metrics in the unit of the images."""


def shown(quantity: Quantity) -> tuple[float, str]:
    """What people want to read: times in ms, everything else as it is kept."""
    text = quantity.value
    unit = text[text.index("[") + 1 : -1] if "[" in text else ""
    if unit == "s":
        return 1e3, "ms"
    return 1.0, "" if quantity is Quantity.SIGNAL else unit


def against(first: Report, second: Report) -> list[tuple[str, Column, Comparison]]:
    """Two predictions for the same subjects: every number of `first` minus that of `second`, subject by subject.

    Raises InputError if they have no subject in common.
    """
    common = [c for c in first.cases if c in second.cases]
    if not common:
        raise InputError("the two predictions have no subject in common", remedy="Name the files alike.")
    found = []
    for protocol, column in first.metrics():
        a, b = first.values(protocol, column.name), second.values(protocol, column.name)
        both = [c for c in common if c in a and c in b and np.isfinite(a[c]) and np.isfinite(b[c])]
        if any(c in a and c in b for c in common):
            x, y = (list(within({c: v[c] for c in both}, first.subject).values()) for v in (a, b))
            found.append((protocol, column, compare(x, y)))
    return found
