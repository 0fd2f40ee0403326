"""The Fitted of every step that is a straight line: y = gain x + offset, clipped before if it says so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from spinloom.core.errors import UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.preprocess.step import Fitted


@dataclass(frozen=True)
class Line:
    """y = gain clip(x, low, high) + offset, and x = (y - offset) / gain back.

    gain, offset  of the line, gain > 0
    low, high     what x is clipped to before, None: not at all. What was clipped is lost: the inverse gives the bound
    quantity      what the numbers mean before; after, they are a SIGNAL unless `keeps`
    keeps         whether the numbers still mean the same
    clipped       share of the voxels fitted to that lay beyond the bounds

    Answers of a network beyond the bounds are not clipped on the way back: that they are wrong should be seen.
    """

    gain: float
    offset: float
    low: float | None = None
    high: float | None = None
    quantity: Quantity = Quantity.SIGNAL
    keeps: bool = False
    clipped: float = 0.0

    def __post_init__(self) -> None:
        if not (0 < self.gain < np.inf and np.isfinite(self.offset)):
            raise UsageError(f"gain {self.gain} and offset {self.offset} make no line that can be inverted")

    def forward(self, image: Image) -> Image:
        if image.quantity is Quantity.LABEL:
            return image
        x = np.asarray(image.data, float)
        if self.low is not None or self.high is not None:
            x = np.clip(x, self.low, self.high)
        y = (self.gain * x + self.offset).astype(np.float32)
        return replace(image, data=y, quantity=self.quantity if self.keeps else Quantity.SIGNAL)

    def inverse(self, image: Image) -> Image:
        if image.quantity is Quantity.LABEL:
            return image
        x = (np.asarray(image.data, float) - self.offset) / self.gain
        return replace(image, data=x.astype(np.float32), quantity=self.quantity)

    def beyond(self, outside: float) -> float:
        low, high = (bound if bound is not None else outside for bound in (self.low, self.high))
        return self.gain * min(max(outside, low), high) + self.offset

    def facts(self) -> dict[str, object]:
        return {
            "fitted": "line",
            "gain": self.gain,
            "offset": self.offset,
            "low": self.low,
            "high": self.high,
            "quantity": self.quantity.name,
            "keeps": self.keeps,
            "clipped": self.clipped,
        }

    @staticmethod
    def of(facts: dict[str, object]) -> Fitted:
        told = {key: value for key, value in facts.items() if key not in ("fitted", "quantity")}
        return Line(quantity=Quantity[str(facts["quantity"])], **told)  # type: ignore[arg-type]
