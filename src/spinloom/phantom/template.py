"""A template: what an average brain is made of, voxel by voxel; every subject is bent out of one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid


@dataclass(frozen=True, eq=False)
class Template:
    """Tissue probabilities of a skull-stripped average brain in its own space.

    grid    voxels and their place (RAS+)
    GM, WM  (x, y, z) float32, probability of grey and white matter in 0 .. 1; GM + WM <= 1
    T1w     (x, y, z) float32, T1-weighted intensity in 0 .. 1; 0 outside the brain and its inner CSF
    name    e.g. "mni152"
    source  where it comes from, and its licence
    """

    grid: Grid
    GM: NDArray[np.float32]
    WM: NDArray[np.float32]
    T1w: NDArray[np.float32]
    name: str = "template"
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("GM", "WM", "T1w"):
            if getattr(self, name).shape != self.grid.shape:
                raise InputError(
                    f"template map {name} has shape {getattr(self, name).shape}, its grid {self.grid.shape}"
                )

    @property
    def CSF(self) -> NDArray[np.float32]:
        """What of the brain is neither grey nor white: 1 - GM - WM where T1w > 0."""
        return np.where(self.T1w > 0, np.clip(1 - self.GM - self.WM, 0, 1), 0).astype(np.float32)
