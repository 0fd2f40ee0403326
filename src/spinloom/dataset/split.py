"""Training, validation and testing, by subject."""

from __future__ import annotations

from math import floor

from spinloom.core.rng import stream
from spinloom.dataset.fields import SplitSection


def splits(section: SplitSection, n: int, seed: int) -> list[str]:
    """The part each of n subjects belongs to.

    Counts are the shares of n, rounded by largest remainder (first train, then val, then test where they tie);
    which subject goes where is shuffled by the seed.
    """
    shares = {"train": section.train, "val": section.val, "test": section.test}
    whole = sum(shares.values())
    exact = {part: n * share / whole for part, share in shares.items()}
    counts = {part: floor(x + 1e-9) for part, x in exact.items()}
    by_remainder = sorted(exact, key=lambda part: -round(exact[part] - counts[part], 9))
    for part in by_remainder[: n - sum(counts.values())]:
        counts[part] += 1
    parts = [part for part, count in counts.items() for _ in range(count)]
    order = stream(seed, "split").permutation(n)
    return [parts[int(i)] for i in order]
