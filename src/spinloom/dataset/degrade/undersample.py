"""Undersampling: what was not acquired is zero, which blurs, aliases or streaks as the pattern has it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.degrade.fourier import to_image, to_kspace
from spinloom.dataset.degrade.patterns import Pattern
from spinloom.dataset.degrade.way import Facts, require_magnitude, result, values_of


@dataclass(frozen=True)
class Undersample:
    """Zero-filled reconstruction of part of k-space.

        s' = |F* M F s|     (complex images keep their phase)

    No density compensation: the zeros are zeros, as a data-consistency network expects its input.

    pattern  Regular, VariableDensity, PartialFourier (along `axes[0]`) or Radial (in the plane `axes`)
    axes     of the array; the same pattern for all that lies along the others
    """

    pattern: Pattern
    axes: tuple[int, int] = (1, 0)

    def __post_init__(self) -> None:
        if len(self.axes) != 2 or len({*self.axes} & {0, 1, 2}) != 2:
            raise UsageError(f"axes are two of 0, 1 and 2, got {self.axes}")

    def apply(self, image: Image, rng: np.random.Generator) -> Image:
        """On the same grid. Raises InputError for labels and CT numbers, UsageError where the pattern does not fit."""
        if image.quantity is Quantity.HU:
            raise InputError("CT numbers have no k-space to leave out", remedy="Give an MR image.")
        data = values_of(image, "undersampling")
        require_magnitude(data, "undersampling", "Give an MR image as it was reconstructed.")
        axes = tuple(self.axes) if self.pattern.plane else (self.axes[0],)
        mask = self.pattern.mask(tuple(data.shape[a] for a in axes), rng)
        shape = [1, 1, 1]
        for a in axes:
            shape[a] = data.shape[a]
        order = np.argsort(axes)
        zero_filled = to_image(to_kspace(data, axes) * np.transpose(mask, order).reshape(shape), axes)
        facts = {**self.facts(), "kept": round(float(mask.mean()), 6)}
        kept = zero_filled if np.iscomplexobj(data) else np.abs(zero_filled)
        return result(image, kept, image.affine, facts)

    def facts(self) -> Facts:
        axes = list(self.axes) if self.pattern.plane else [self.axes[0]]
        return {"way": "undersampling", "axes": axes, **self.pattern.facts()}
