"""Leakage: does a training set already hold what a test set is meant to test?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError
from spinloom.dataset.find_names import identity
from spinloom.dataset.leakage_align import aligned, candidates
from spinloom.dataset.thumbnails import AT_ONCE, Thumbnails

THRESHOLD = 0.8
"""Correlation of detail from which two slices may be alike.

Measured on different people: at most 0.62 of all slices of four real ones, T1w and T2w; of six simulated heads, two by
two, painted alike as T1w, CT and brain, at most 0.78 (none of 9,069 slices passes); of one simulated head against 17
others at most 0.83 (9 of 528 slices pass, so that TOLERATED is needed; with hundreds of people take 0.85).
On one real person of 1 mm: padded, cropped, shifted or scaled at least 0.97, gamma 0.7 to 1.4 at least 0.95, turned by
up to 10 degrees and mirrored at least 0.86 (a noisy CT: 0.76); the next slice 0.90 to 0.96, 2 mm away 0.71 to 0.88,
3 mm away 0.51 to 0.76. Thicker slices need a lower threshold.
"""
COPY = 0.95
"""Correlation of the same slice, padded, cropped or scaled differently, or of its nearest neighbour."""
TOLERATED = 0.05
"""Share of alike test slices that chance may give; copies are never tolerated."""


@dataclass(frozen=True)
class Leakage:
    """What of a test set was seen in training.

    subjects  (name in training, name in testing) of people on both sides, however spelled
    share     of the test slices that have an alike training slice
    copies    test slices that are the same slice as one in training, or the next
    worst     (correlation, training slice, test slice), most alike first
    n_train, n_test  slices compared
    missed    contrasts of either side that the other has not, so that nothing could be compared with them
    threshold correlation from which slices are alike
    """

    subjects: tuple[tuple[str, str], ...]
    share: float
    copies: int
    worst: tuple[tuple[float, str, str], ...]
    n_train: int
    n_test: int
    threshold: float = THRESHOLD
    missed: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether any slices could be compared: names alone clear nobody."""
        return bool(self.n_train and self.n_test)

    @property
    def found(self) -> bool:
        """Whether a score on this test set would be too good to be true."""
        return bool(self.subjects or self.copies or self.share > TOLERATED)

    def facts(self) -> dict[str, object]:
        return {
            "leakage": "yes" if self.found else "none found" if self.comparable else "not comparable",
            "subjects on both sides": [a if a == b else f"{a} = {b}" for a, b in self.subjects],
            "slices compared": f"{self.n_test} for testing with {self.n_train} for training",
            "alike": f"{self.share:.1%} of the test slices (correlation of {self.threshold:g} or more)",
            "copies": self.copies,
            "most alike": [f"{r:.3f}:  {a}  ~  {b}" for r, a, b in self.worst],
            **({"not compared": ", ".join(self.missed)} if self.missed else {}),
        }

    def raise_if_found(self) -> None:
        """InputError that says what leaks and what to do, or that nothing could be compared."""
        if self.found:
            people = f"{len(self.subjects)} subjects are on both sides" if self.subjects else ""
            slices = f"{self.share:.0%} of the test slices resemble a training slice" if self.share > TOLERATED else ""
            copied = f"{self.copies} test slices are copies" if self.copies else ""
            raise InputError(
                "leakage: " + "; ".join(filter(None, (people, slices, copied))),
                remedy="Split by subject (spinloom split), not by slice, and score again.",
            )
        if not self.comparable:
            raise InputError(
                f"not comparable: no contrast is on both sides ({', '.join(self.missed) or 'no slices'}); no name is",
                remedy="Compare sets of one contrast, or stacks (.npy): people may be the same under other names.",
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
    """Same people on both sides, and slices that are alike: per test slice the largest correlation of detail

        r(test) = max over candidates of the correlation of aligned pictures, where both show something

    of pictures framed by their content (`framed`); the candidates are the training slices most like it in any of the
    eight ways a square can lie, turned by -10 to 10 degrees (`candidates`), each then aligned to it (`aligned`).

    train, test        slices of both sides
    ..._subjects       names, as far as known
    threshold          correlation from which two slices are alike, 0 to 1
    n_worst            how many pairs to name
    """
    n = len(test.labels)
    best, where = np.full(n, -1.0), np.zeros(n, np.int64)
    if train.labels:
        for start in range(0, n, AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            which, turned = candidates(train.pictures, test.pictures[rows])
            r = aligned(train.pictures[which.ravel()], turned.reshape(-1, turned.shape[2])).reshape(which.shape)
            best[rows] = r.max(axis=1)
            where[rows] = np.take_along_axis(which, r.argmax(axis=1)[:, None], 1)[:, 0]
    order = np.argsort(-best, kind="stable")[: n_worst if train.labels else 0]
    return Leakage(
        shared_subjects(train_subjects, test_subjects),
        float((best >= threshold).mean()) if n else 0.0,
        int((best >= max(COPY, threshold)).sum()),
        tuple((float(best[i]), train.labels[where[i]], test.labels[i]) for i in order),
        len(train.labels),
        n,
        threshold,
    )


def merged(results: Sequence[Leakage], n_worst: int = 10, missed: tuple[str, ...] = ()) -> Leakage:
    """One answer from several groups of slices of the same two sides, e.g. one per contrast; `missed` as in Leakage."""
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
        missed,
    )
