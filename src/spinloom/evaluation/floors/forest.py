"""A random forest on local filters: what a neighbourhood says without learning any feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spinloom.core.cores import available_cores
from spinloom.core.errors import MachineError, UsageError
from spinloom.core.image import Image
from spinloom.core.rng import stream
from spinloom.evaluation.floors.example import Example, Output, real, scale_of, where
from spinloom.evaluation.floors.filters import local_filters


@dataclass(frozen=True)
class Forest:
    """The mean of regression trees over intensity, Gaussians, gradients, Laplacians and a median.

    trees     how many
    leaf      fewest voxels of a leaf
    voxels    drawn for the fit, from all examples alike
    features  share of the features that a split chooses from
    seed      of the voxels and the trees

    Breiman, Mach. Learn. 45, 5 (2001); for images from images: Jog et al., Med. Image Anal. 35, 475 (2017).
    """

    trees: int = 40
    leaf: int = 5
    voxels: int = 150_000
    features: float = 0.4
    seed: int = 0
    name: str = "forest"
    is_oracle: bool = False

    def __post_init__(self) -> None:
        if self.trees < 1 or self.leaf < 1 or self.voxels < 10 or not 0 < self.features <= 1:
            raise UsageError(f"{self} grows nothing", remedy="Take at least 1 tree, 1 voxel a leaf and 10 voxels.")

    def fit(self, examples: Sequence[Example]) -> Trees:
        """Raises InputError without examples, MachineError without scikit-learn."""
        output = Output.of(examples)
        rng = stream(self.seed, "forest")
        features, targets = [], []
        for e in examples:
            inside = where(e.source, e.mask)
            n = int(inside.sum())
            some = rng.choice(n, min(n, self.voxels // len(examples)), replace=False)
            features.append(_features(e.source, inside)[some])
            targets.append(real(e.target)[inside][some] / scale_of(e.target, inside))
        model = _regressor()(
            n_estimators=self.trees,
            min_samples_leaf=self.leaf,
            max_features=self.features,
            random_state=int(rng.integers(2**31)),
            n_jobs=available_cores(),
        )
        model.fit(np.concatenate(features), np.concatenate(targets))
        model.n_jobs = 1  # one thread adds the trees up in one order: the same bytes on any number of cores
        return Trees(output, model)


@dataclass(frozen=True, eq=False)
class Trees:
    """A forest, grown."""

    output: Output
    model: Any

    def predict(self, source: Image, mask: Image | None = None) -> Image:
        inside = where(source, mask)
        return self.output.image(source, inside, self.model.predict(_features(source, inside)))


def _features(image: Image, inside: Any) -> Any:
    return local_filters(real(image) / np.float32(scale_of(image, inside)), inside, image.grid.voxel_mm)


def _regressor() -> Any:
    try:
        from sklearn.ensemble import RandomForestRegressor  # type: ignore[import-untyped]
    except ImportError as error:
        raise MachineError("the forest needs scikit-learn", remedy="pip install scikit-learn") from error
    return RandomForestRegressor
