"""Round heads of five tissues, and a folder of scans of them in the files of the public ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from brains_fake import label_map
from scipy.io import savemat

from spinloom.core.image import Image, Quantity
from spinloom.io import write_image
from spinloom.study.low_field_examples import LowField, Person, sliced
from spinloom.study.low_field_scan import SCANS
from spinloom.train.heads import Head

NAMES = ("white_matter", "grey_matter", "csf", "fat", "skin")
PD, T1, T2 = [0.7, 0.83, 1.0, 0.9, 0.7], [0.83, 1.33, 4.3, 0.37, 0.9], [0.07, 0.1, 1.8, 0.1, 0.03]


def person(name: str = "round", lobes: int = 7) -> Person:
    """Shells: skin, fat, nothing, CSF, a folded border of grey and white matter, ventricles of CSF."""
    shape = (150, 180, 48)
    x, y, z = np.meshgrid(*(np.arange(n) - (n - 1) / 2 for n in shape), indexing="ij")
    r = np.sqrt((x / 70) ** 2 + (y / 85) ** 2 + (z / 120) ** 2)
    fold = 0.68 + 0.07 * np.sin(lobes * np.arctan2(y, x) + z / 5)
    inner = np.hypot(x / 12, (y - 8) / 25) < 1
    where = np.full(shape, -1)
    for below, tissue in ((1.0, 4), (0.97, 3), (0.9, -1), (0.84, 2), (0.8, 1)):
        where[r < below] = tissue
    where[r < fold], where[inner] = 0, 2
    fractions = torch.from_numpy(np.stack([255 * (where == t) for t in range(5)]).astype(np.uint8))
    brain = torch.from_numpy(np.ascontiguousarray(r < 0.84))
    return sliced(
        Head(
            fractions, torch.zeros(shape, dtype=torch.float16), torch.tensor(PD), torch.tensor(T1), torch.tensor(T2),
            NAMES, torch.from_numpy(np.ascontiguousarray(r < 1)), brain, name=name,
        )
    )  # fmt: skip


def write_scans(folder: Path, people: list[Person], slices: int = 4) -> Path:
    """subjA, subjB ... with k-space of both contrasts, and 3 T slices of 1.25 pixels per pixel."""
    for letter, who in zip("ABC", people, strict=False):
        own = folder / f"subj{letter}"
        own.mkdir(parents=True)
        images: dict[str, object] = {}
        for scan in SCANS:
            rng = torch.Generator().manual_seed(5)
            state = rng.get_state()
            made = []
            for plane in who.planes[2 : 2 + slices]:
                rng.set_state(state)  # one place and turn for all slices of a scan
                made.append(LowField([who], scan, (128, 128)).scanned(who.head, plane, rng))
            savemat(own / f"lf_{scan.stem}_kspace.mat", {"kspace": np.stack([m.kspace.numpy() for m in made], -1)})
            high = torch.stack([m.high for m in made])[None]
            fine = torch.nn.functional.interpolate(high, scale_factor=1.25, mode="bilinear")[0].numpy()
            stored = fine.transpose(2, 1, 0)[::-1]  # nose up: rows from the front
            images[scan.high] = np.round(65535 * stored / stored.max()).astype(np.uint16)
            images[f"{scan.high}_scale"] = np.float64(1e-5)
        np.savez(own / "images.npz", **images)  # type: ignore[arg-type]
    return folder


def write_label_maps(folder: Path, count: int) -> Path:
    """seg_0.nii.gz ... on voxels of 1 mm: 24 mm of each head."""
    for k in range(count):
        fine = label_map(k)[:, :, 22:28].repeat(4, 0).repeat(4, 1).repeat(4, 2)
        write_image(Image(fine, np.eye(4), Quantity.LABEL), folder / f"seg_{k}.nii.gz")
    return folder
