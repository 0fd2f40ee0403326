"""The source as it is: what a learner must beat before anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinloom.core.image import Image
from spinloom.evaluation.floors.example import Example, Output, real, scale_of, where


@dataclass(frozen=True)
class Identity:
    """out = source, times target scale / source scale where both are signals."""

    name: str = "identity"
    is_oracle: bool = False

    def fit(self, examples: Sequence[Example]) -> Same:
        return Same(Output.of(examples) if examples else None)


@dataclass(frozen=True)
class Same:
    """Identity, fitted; without examples the very same image."""

    output: Output | None

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        if self.output is None:
            return source
        factor = self.output.scale / scale_of(source, where(source, mask))
        return replace(source, data=(real(source) * np.float32(factor)), quantity=self.output.quantity)
