"""Leakage: does a training set already hold what a test set is meant to test?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.dataset.find_names import identity
from spinloom.dataset.thumbnails import Thumbnails

THRESHOLD = 0.98
"""Correlation from which two slices are called alike. Measured on ten heads of 1 mm (about 2,000 slices): the most
alike slices of two people reach 0.978, neighbours of one person 0.996 at 1 mm and 0.987 at 2 mm (medians)."""
COPY = 0.9995
"""Correlation of copies: the same slice, stored or scaled differently."""
TOLERATED = 0.01
"""Share of alike test slices that chance may give in a large set; copies are never tolerated."""
BLOCK = 2048


@dataclass(frozen=True)
class Leakage:
    """What of a test set was seen in training.

    subjects  (name in training, name in testing) of people on both sides, however spelled
    share     of the test slices that have an alike training slice
    copies    test slices that are the same slice as one in training
    worst     (correlation, training slice, test slice), most alike first
    n_train, n_test  slices compared
    threshold correlation from which slices are alike
    """

    subjects: tuple[tuple[str, str], ...]
    share: float
    copies: int
    worst: tuple[tuple[float, str, str], ...]
    n_train: int
    n_test: int
    threshold: float = THRESHOLD

    @property
    def found(self) -> bool:
        """Whether a score on this test set would be too good to be true."""
        return bool(self.subjects or self.copies or self.share > TOLERATED)

    def facts(self) -> dict[str, object]:
        return {
            "leakage": "yes" if self.found else "none found",
            "subjects on both sides": [a if a == b else f"{a} = {b}" for a, b in self.subjects],
            "slices compared": f"{self.n_test} for testing with {self.n_train} for training",
            "alike": f"{self.share:.1%} of the test slices (correlation of {self.threshold:g} or more)",
            "copies": self.copies,
            "most alike": [f"{r:.4f}  {a}  ~  {b}" for r, a, b in self.worst],
        }

    def raise_if_found(self) -> None:
        """InputError that says what leaks and what to do."""
        if self.found:
            people = f"{len(self.subjects)} subjects are on both sides" if self.subjects else ""
            slices = f"{self.share:.0%} of the test slices resemble a training slice" if self.share > TOLERATED else ""
            copied = f"{self.copies} test slices are copies" if self.copies else ""
            raise InputError(
                "leakage: " + "; ".join(filter(None, (people, slices, copied))),
                remedy="Split by subject (spinloom split), not by slice, and score again.",
            )


def shared_subjects(train: Iterable[str], test: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(name in training, name in testing) of the same people: sub-01 and 01, IXI002-Guys-0828-T1 and IXI002 ..."""
    known = defaultdict(list)
    for name in sorted(set(train)):
        known[identity(name)].append(name)
    return tuple((a, b) for b in sorted(set(test)) for a in known.get(identity(b), []))


def check_leakage(
    train: Thumbnails,
    test: Thumbnails,
    *,
    train_subjects: Iterable[str] = (),
    test_subjects: Iterable[str] = (),
    threshold: float = THRESHOLD,
    n_worst: int = 10,
) -> Leakage:
    """Same people on both sides, and slices that are alike: per test slice the largest correlation

        r(test) = max over training slices of <thumbnail, thumbnail>

    of 32 x 32 pictures of mean 0 and length 1, by a matrix product in blocks.

    train, test        slices of both sides
    ..._subjects       names, as far as known
    threshold          correlation from which two slices are alike, 0 to 1
    n_worst            how many pairs to name
    """
    n = len(test.labels)
    best, where = np.full(n, -1.0, np.float32), np.zeros(n, np.int64)
    for start in range(0, len(train.labels), BLOCK):
        block = train.pictures[start : start + BLOCK]
        for row in range(0, n, BLOCK):
            rows = slice(row, row + BLOCK)
            alike = test.pictures[rows] @ block.T
            top = alike.argmax(axis=1)
            value = alike[np.arange(len(top)), top]
            better = value > best[rows]
            where[rows] = np.where(better, start + top, where[rows])
            best[rows] = np.maximum(best[rows], value)
    order = np.argsort(-best, kind="stable")[: n_worst if train.labels else 0]
    worst = tuple((float(best[i]), train.labels[where[i]], test.labels[i]) for i in order)
    return Leakage(
        shared_subjects(train_subjects, test_subjects),
        float((best >= threshold).mean()) if n else 0.0,
        int((best >= COPY).sum()),
        worst,
        len(train.labels),
        n,
        threshold,
    )
