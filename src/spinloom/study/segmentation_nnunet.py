"""The arms as raw data sets of nnU-Net v2, for a user's own nnU-Net.

    Dataset501_target-n01/imagesTr/NAME_0000.nii.gz, labelsTr/NAME.nii.gz, imagesTs, labelsTs, dataset.json,
    splits_final.json (copy it into nnU-Net's preprocessed folder: its own split would not keep people together)

Isensee et al., Nat. Methods 18, 203 (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.files import atomic
from spinloom.io.nifti import write_image
from spinloom.study.segmentation import Ran
from spinloom.study.segmentation_design import MIXED, SYNTHETIC, TARGET
from spinloom.study.segmentation_files import read_labelled_file
from spinloom.train.labelled import CLASSES

FIRST = 501
FOLDS = 5


def export_nnunet(ran: Ran, out: Path, root: Path, contrast: str = "T1w", repeat: int = 0) -> list[Path]:
    """A data set for each of target, synthetic and mixed at every number of people, of one repeat.

    out   the study's folder;  root  where the data sets go (nnUNet_raw)

    Fine-tuning is nnU-Net's own: train on the synthetic data set, then on a target one with -pretrained_weights.
    """
    fold = ran.folds[repeat]
    test = [f for who in fold.test for f in ran.target[who]]
    all_synthetic = list(ran.learned[repeat])
    arms = [(SYNTHETIC, 0, all_synthetic)]
    for n in ran.design.sizes:
        own = [f for who in fold.train[:n] for f in ran.target[who]]
        arms += [(TARGET, n, own), (MIXED, n, own + all_synthetic)]
    return [
        _write(root / f"Dataset{FIRST + k:03}_{arm}-n{n:02}", out, files, test, contrast)
        for k, (arm, n, files) in enumerate(arms)
    ]


def _write(folder: Path, out: Path, training: Sequence[str], test: Sequence[str], contrast: str) -> Path:
    people: dict[str, list[str]] = {}
    for part, files in (("Tr", training), ("Ts", test)):
        for file in files:
            scan = read_labelled_file(out / file)
            name = f"{Path(file).parent.name}-{scan.name}"
            affine = np.diag([*scan.voxel_mm, 1.0])
            write_image(Image(scan.image, affine), folder / f"images{part}" / f"{name}_0000.nii.gz")
            labels = Image(scan.labels.astype(np.int32), affine, Quantity.LABEL)
            write_image(labels, folder / f"labels{part}" / f"{name}.nii.gz")
            if part == "Tr":
                people.setdefault(scan.anatomy, []).append(name)
    description: dict[str, Any] = {
        "channel_names": {"0": contrast},
        "labels": {name.replace(" ", "_"): n for n, name in enumerate(CLASSES)},
        "numTraining": len(training),
        "file_ending": ".nii.gz",
        "name": folder.name,
        "description": "Copy splits_final.json to nnUNet_preprocessed/" + folder.name + ": it keeps people together.",
    }
    atomic.write_json(folder / "dataset.json", description)
    atomic.write_json(folder / "splits_final.json", splits(people))
    return folder


def splits(people: dict[str, list[str]]) -> list[dict[str, list[str]]]:
    """Folds of cross-validation, all scans of a person on one side. One person alone is on both."""
    names = sorted(people)
    if len(names) == 1:
        return [{"train": sorted(people[names[0]]), "val": sorted(people[names[0]])}]
    found = []
    for k in range(min(FOLDS, len(names))):
        held = names[k :: min(FOLDS, len(names))]
        train = sorted(f for n in names if n not in held for f in people[n])
        found.append({"train": train, "val": sorted(f for n in held for f in people[n])})
    return found
