"""nnU-Net v2: one segmentation task; the scans of a subject are its channels, on one grid.

    imagesTr/sub-001_0000.nii.gz  channel 0 (the first protocol) of a training or validation subject
    labelsTr/sub-001.nii.gz       consecutive labels, 0 background
    imagesTs, labelsTs            test subjects
    dataset.json

Isensee et al., Nat. Methods 18, 203 (2021).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import affine_transform

from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.dataset.card import card
from spinloom.dataset.fields import Recipe
from spinloom.dataset.subject import Acquisition, Subject
from spinloom.dataset.truth import label_image, label_names
from spinloom.files import atomic

Json = dict[str, Any]


@dataclass(frozen=True)
class NnUnet:
    """A task folder that nnUNetv2_plan_and_preprocess reads (name it DatasetXXX_NAME)."""

    def write_subject(self, out: Path, recipe: Recipe, subject: Subject, scans: Iterable[Acquisition]) -> list[str]:
        from spinloom.io import write_image

        part = "Ts" if subject.split == "test" else "Tr"
        files: list[str] = []
        grid: Grid | None = None
        for channel, scan in enumerate(scans):
            image = scan.images[0]
            grid = grid or image.grid
            files.append(f"images{part}/{subject.name}_{channel:04d}.nii.gz")
            write_image(resampled(image, grid), out / files[-1], dtype="int16")
        labels = label_image(subject.phantom, grid)
        if labels is None:
            raise InputError(
                f"{subject.name} has no labels", remedy='Use label maps or kind = "head" with this layout.'
            )
        files.append(f"labels{part}/{subject.name}.nii.gz")
        write_image(_consecutive(labels, list(label_names(subject.phantom))), out / files[-1])
        return files

    def write_collection(self, out: Path, recipe: Recipe, receipts: list[Json]) -> list[str]:
        tables = {tuple(name for _, name in r["facts"]["labels"]) for r in receipts}
        if len(tables) > 1:
            raise InputError(
                "subjects have different tissues, so their label numbers mean different things",
                file=out,
                remedy="Use label maps of one scheme.",
            )
        training = [r for r in receipts if r["facts"]["split"] != "test"]
        description = {
            "channel_names": {str(n): section.key for n, section in enumerate(recipe.protocol)},
            "labels": {name: n for n, name in enumerate(next(iter(tables)))},
            "numTraining": len(training),
            "file_ending": ".nii.gz",
            "name": recipe.name,
            "licence": recipe.license,
            "description": "Simulated MRI; nobody was scanned.",
        }
        atomic.write_json(out / "dataset.json", description)
        atomic.write_json(out / "splits_final.json", [_fold(training)])
        atomic.write_text(out / "README.md", card(recipe, receipts))
        return ["dataset.json", "splits_final.json", "README.md"]


def _fold(receipts: list[Json]) -> Json:
    """Training and validation subjects, as splits_final.json in nnU-Net's preprocessed folder wants them."""
    return {part: [r["unit"] for r in receipts if r["facts"]["split"] == part] for part in ("train", "val")}


def resampled(image: Image, grid: Grid) -> Image:
    """An image on another grid, linearly interpolated, 0 outside its own."""
    if grid.same_place(image.grid):
        return image
    step = np.linalg.inv(image.affine) @ grid.affine
    data = affine_transform(
        np.asarray(image.data, np.float32), step[:3, :3], step[:3, 3], output_shape=grid.shape, order=1, prefilter=False
    )
    return Image(data, grid.affine, image.quantity, image.info)


def _consecutive(labels: Image, ids: list[int]) -> Image:
    """Label ids → their position in `ids`."""
    return Image(np.searchsorted(ids, labels.data).astype(np.int32), labels.affine, Quantity.LABEL)
