"""Leakage: does a training set already hold what a test set is meant to test?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.dataset.find_names import identity
from spinloom.dataset.thumbnails import SIDE, Thumbnails

THRESHOLD = 0.98
"""Correlation from which two slices may be alike. The outline of a head alone gives much of it, so that the
correlation inside both outlines must also reach 1 - 5 (1 - threshold), 0.9 here. Measured on ten heads of 1 mm painted
as T1w and as CT, and on their brains: of two people 0, 3 and 0 % of the slices pass; of neighbours in one person 92, 99
and 86 to 100 % at 1 mm, 48, 76 and 1 to 62 % at 2 mm. Thicker slices need a lower threshold."""
COPY = 0.9995
"""Correlation of copies: the same slice, stored or scaled differently."""
TOLERATED = 0.05
"""Share of alike test slices that chance may give; copies are never tolerated."""
BLOCK = 2048


@dataclass(frozen=True)
class Leakage:
    """What of a test set was seen in training.

    subjects  (name in training, name in testing) of people on both sides, however spelled
    share     of the test slices that have an alike training slice
    copies    test slices that are the same slice as one in training
    worst     (correlation, correlation inside, training slice, test slice), most alike first
    n_train, n_test  slices compared
    threshold correlation from which slices are alike
    """

    subjects: tuple[tuple[str, str], ...]
    share: float
    copies: int
    worst: tuple[tuple[float, float, str, str], ...]
    n_train: int
    n_test: int
    threshold: float = THRESHOLD

    @property
    def found(self) -> bool:
        """Whether a score on this test set would be too good to be true."""
        return bool(self.subjects or self.copies or self.share > TOLERATED)

    def facts(self) -> dict[str, object]:
        return {
            "leakage": "yes" if self.found else "none found" if self.n_test and self.n_train else "none by name",
            "subjects on both sides": [a if a == b else f"{a} = {b}" for a, b in self.subjects],
            "slices compared": f"{self.n_test} for testing with {self.n_train} for training",
            "alike": f"{self.share:.1%} of the test slices (correlation of {self.threshold:g} or more)",
            "copies": self.copies,
            "most alike": [f"{r:.3f}, inside {inner:.3f}:  {a}  ~  {b}" for r, inner, a, b in self.worst],
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

    of 32 x 32 pictures of mean 0 and length 1, by a matrix product in blocks; then the correlation of that pair inside
    both outlines.

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
            products = test.pictures[rows] @ block.T
            top = products.argmax(axis=1)
            value = products[np.arange(len(top)), top]
            better = value > best[rows]
            where[rows] = np.where(better, start + top, where[rows])
            best[rows] = np.maximum(best[rows], value)
    inner = inside(train.pictures[where], test.pictures) if train.labels else np.full(n, -1.0)
    alike = (best >= threshold) & (inner >= 1 - 5 * (1 - threshold))
    order = np.lexsort((-best, ~alike))[: n_worst if train.labels else 0]
    return Leakage(
        shared_subjects(train_subjects, test_subjects),
        float(alike.mean()) if n else 0.0,
        int((alike & (best >= COPY)).sum()),
        tuple((float(best[i]), float(inner[i]), train.labels[where[i]], test.labels[i]) for i in order),
        len(train.labels),
        n,
        threshold,
    )


def inside(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) correlation of pictures (n, 1024), each pair where neither is background; -1 where that is nothing.

    Background is the median of a picture's rim and what differs from it by less than a tenth of the largest difference.
    """
    both = _content(a) & _content(b)
    count = np.maximum(both.sum(axis=1), 1)[:, None]
    x, y = (np.where(both, p - (p * both).sum(axis=1, keepdims=True) / count, 0.0) for p in (a, b))
    size = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    return np.where(size > 0, (x * y).sum(axis=1) / np.where(size > 0, size, 1), -1.0)


def _content(pictures: NDArray[np.float32]) -> NDArray[np.bool_]:
    square = pictures.reshape(-1, SIDE, SIDE)
    rim = np.concatenate([square[:, 0], square[:, -1], square[:, :, 0], square[:, :, -1]], axis=1)
    differs = np.abs(pictures - np.median(rim, axis=1)[:, None]) if len(pictures) else np.abs(pictures)
    return np.asarray(differs > differs.max(axis=1, keepdims=True, initial=0) / 10)


def merged(results: Sequence[Leakage], n_worst: int = 10) -> Leakage:
    """One answer from several groups of slices of the same two sides, e.g. one per contrast."""
    n = sum(one.n_test for one in results)
    worst = sorted((pair for one in results for pair in one.worst), reverse=True)[:n_worst]
    return Leakage(
        results[0].subjects,
        sum(one.share * one.n_test for one in results) / n if n else 0.0,
        sum(one.copies for one in results),
        tuple(worst),
        sum(one.n_train for one in results),
        n,
        results[0].threshold,
    )
