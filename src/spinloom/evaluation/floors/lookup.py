"""A table from intensity to intensity: all that a voxel says of itself, and nothing of its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image
from spinloom.evaluation.floors.example import Example, Output, Values, real, scale_of, where


@dataclass(frozen=True)
class IntensityLookup:
    """The conditional mean, which no function of one voxel's intensity beats in squared error:

        f(s) = E[ target / target scale | source / source scale in the bin of s ]

    bins  entries of the table, evenly over what the sources reach; read with straight lines between their middles

    A learner that does not beat it has learnt nothing of space.
    """

    bins: int = 256
    name: str = "lookup"
    is_oracle: bool = False

    def __post_init__(self) -> None:
        if not 2 <= self.bins <= 65536:
            raise UsageError(f"a table has 2 to 65536 entries, got {self.bins}")

    def fit(self, examples: Sequence[Example]) -> Table:
        """Raises InputError without examples, and where all sources are constant."""
        output = Output.of(examples)
        sources, targets = [], []
        for e in examples:
            inside = where(e.source, e.mask)
            sources.append(real(e.source)[inside].astype(float) / scale_of(e.source, inside))
            targets.append(real(e.target)[inside].astype(float) / scale_of(e.target, inside))
        s, t = np.concatenate(sources), np.concatenate(targets)
        low, high = np.percentile(s, [0.01, 99.99])
        if low == high:
            raise InputError("the sources are constant: a table of one entry says nothing")
        edges = np.linspace(low, high, self.bins + 1)
        count, _ = np.histogram(np.clip(s, low, high), edges)
        total, _ = np.histogram(np.clip(s, low, high), edges, weights=t)
        filled = count > 0
        centres = (edges[:-1] + edges[1:]) / 2
        return Table(output, centres[filled], total[filled] / count[filled])


@dataclass(frozen=True, eq=False)
class Table:
    """A table, fitted.

    source, target  (n,) middles of bins and the mean there, in multiples of the scales
    """

    output: Output
    source: Values
    target: Values

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        inside = where(source, mask)
        s = real(source)[inside] / scale_of(source, inside)
        return self.output.image(source, inside, np.interp(s, self.source, self.target))
