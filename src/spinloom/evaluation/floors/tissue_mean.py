"""The mean of each tissue: an oracle, since it is told the tissues and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.floors.example import Example, Output, Values, real, scale_of, where


@dataclass(frozen=True)
class TissueMeanOracle:
    """out = mean of the target over all voxels of the same label.

    Examples hold a label map as source. Fitted to the very reference it is scored against, it is what a perfect
    segmentation and perfectly uniform tissues would reach; where targets are tissue means and independent noise, no
    method gets below it.
    """

    name: str = "tissue-mean"
    is_oracle: bool = True

    def fit(self, examples: Sequence[Example]) -> TissueMeans:
        """Raises InputError without examples, or where a source holds no labels."""
        output = Output.of(examples)
        labels, values = [], []
        for e in examples:
            inside = where(e.source, e.mask)
            labels.append(_labels(e.source)[inside])
            values.append(real(e.target)[inside].astype(float) / scale_of(e.target, inside))
        ids, which = np.unique(np.concatenate(labels), return_inverse=True)
        count = np.bincount(which)
        return TissueMeans(output, ids, np.bincount(which, weights=np.concatenate(values)) / count)


@dataclass(frozen=True, eq=False)
class TissueMeans:
    """labels, means (n,): in ascending order of labels, in multiples of the scale."""

    output: Output
    labels: NDArray[np.int64]
    means: Values

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        """Raises InputError for a label that no example holds."""
        inside = where(source, mask)
        found = _labels(source)[inside]
        place = np.minimum(np.searchsorted(self.labels, found), len(self.labels) - 1)
        unknown = np.unique(found[self.labels[place] != found])
        if len(unknown):
            raise InputError(f"no example holds the label {', '.join(map(str, unknown[:8]))}")
        return self.output.image(source, inside, self.means[place])


def _labels(image: Image) -> NDArray[np.int64]:
    data = np.asarray(image.data)
    if image.quantity is not Quantity.LABEL and not np.array_equal(data, np.rint(data)):
        raise InputError("the tissue-mean oracle takes a label map as source", remedy="Give labels, whole numbers.")
    return data.astype(np.int64)
