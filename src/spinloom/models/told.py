"""A translator that is told the same of every image: then it is like any other."""

from __future__ import annotations

import torch
from torch import Tensor

from spinloom.models.regression import Regression
from spinloom.models.translator import Apply, Objective, Translator, direct


class Told(Translator):
    """translator(x, told) as a function of x alone;  told (k,), the same for every x."""

    def __init__(self, translator: Regression, told: Tensor) -> None:
        super().__init__()
        self.translator, self.told = translator, told

    def objectives(self) -> tuple[Objective, ...]:
        return self.translator.objectives()

    def forward(self, source: Tensor) -> Tensor:
        told = self.told.to(source.device).expand(len(source), -1)
        return self.translator(source, told)  # type: ignore[no-any-return]

    def sample(self, source: Tensor, rng: torch.Generator, apply: Apply | None = None) -> Tensor:
        return (apply or direct)(self, source)


def told_of(translator: Translator, told: Tensor | None) -> Translator:
    """The translator itself where it is told nothing."""
    if told is None:
        return translator
    assert isinstance(translator, Regression)
    return Told(translator, told)
