"""Real scans of people nobody has trained on: T1w and T2w made of each other, told how they were acquired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import radians
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import Mask
from spinloom.core.resample import resample
from spinloom.dataset.preprocess.bias import BiasCorrection
from spinloom.dataset.preprocess.foreground import foreground_of_all
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.similarity import Uniform, ssim
from spinloom.io import read_image
from spinloom.simulation.acquisition import Acquisition
from spinloom.translate.model import Model
from spinloom.translate.translate import translate

MPRAGE = partial(Acquisition, "MPRAGE")


@dataclass(frozen=True)
class Scanned:
    """Files and acquisitions of one person, T1w then T2w;  known: where the numbers are from.

    skull  whether the head is whole: then what counts is also where the target is above 0
    """

    files: tuple[str, str]
    protocols: tuple[Acquisition, Acquisition]
    known: str
    skull: bool = False


PEOPLE: Mapping[str, Scanned] = MappingProxyType(
    {
        "MS 19": Scanned(
            ("ms_mni_brain/patient19_T1.nii.gz", "ms_mni_brain/patient19_T2.nii.gz"),
            (Acquisition("IR", TR=2.0, TE=0.02, TI=0.8), Acquisition("SE", TR=6.0, TE=0.12)),
            "Lesjak et al., Neuroinformatics (2017), quoted from memory",
        ),
        "stroke": Scanned(
            ("stroke_brain_1mm/T1.nii.gz", "stroke_brain_1mm/T2.nii.gz"),
            (MPRAGE(TR=2.25, TE=4.2e-3, TI=0.925, FA=radians(9)), Acquisition("SE", TR=3.2, TE=0.1)),
            "assumed: only 3 T is told with the data",
        ),
        "healthy head": Scanned(
            ("healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz", "healthy_t1_t2_head/T2w_FSE.nii.gz"),
            (MPRAGE(TR=2.53, TE=1.66e-3, TI=1.1, FA=radians(7)), Acquisition("SE", TR=11.73, TE=0.091)),
            "its header; TI assumed",
            True,
        ),
    }
)
WAYS = MappingProxyType({"T1w to T2w": (0, 1), "T2w to T1w": (1, 0)})


def read(data: Path, who: str, way: str) -> tuple[Image, Image, Mask]:
    """Source and target on the source's grid by their headers, corrected for shading, and the mask: where either is
    above 0, holes filled (the whole head: Otsu's).

    Raises InputError where the scans are not in the folder.
    """
    here = PEOPLE[who]
    paths = [data / here.files[i] for i in WAYS[way]]
    for path in paths:
        if not path.exists():
            raise InputError("is not there", file=path, remedy="--scans is the folder of public scans, or left out.")
    x, y = map(read_image, paths)
    if not x.grid.same_place(y.grid, 1e-2):
        y = resample(y, x.grid)
    x, y = (Image(np.maximum(np.asarray(i.data, np.float32), 0), i.affine) for i in (x, y))
    mask = foreground_of_all([x, y])
    if here.skull:
        mask &= np.asarray(y.data) > 0
    x, y = (BiasCorrection(iterations=20).fit(i, mask).forward(i) for i in (x, y))
    return x, y, mask


def scaled(image: Any, mask: Mask) -> np.ndarray:
    """Over its own 99.5th percentile in the mask, 0 to 1.2."""
    values = np.asarray(image, float)
    return np.clip(values / np.percentile(values[mask], 99.5), 0, 1.2) * mask


def score(made: Any, real: Any, mask: Mask) -> dict[str, float]:
    """Range 1; SSIM with a 3D uniform window of 7 voxels."""
    a, b = scaled(made, mask), scaled(real, mask)
    return {"PSNR": psnr(a, b, 1.0, mask), "SSIM": ssim(a, b, 1.0, window=Uniform(7), mask=mask)}


def real_score(data: Path, model: Model, others: Sequence[Model], way: str, who: str) -> dict[str, Any]:
    """by whom → PSNR, SSIM.

    others  models of one contrast to one that go this way; "told reversed": this one, told source as target and
            target as source
    """
    x, y, mask = read(data, who, way)
    where = Image(mask.astype(np.uint8), x.affine, Quantity.LABEL)
    source, target = (PEOPLE[who].protocols[i] for i in WAYS[way])
    images = {model.name: _made(x, model, where, (source, target))}
    images["told reversed"] = _made(x, model, where, (target, source))
    images |= {m.name: _made(x, m, where, None) for m in others}
    return {name: score(image, y.data, mask) for name, image in images.items()}


def _made(x: Image, model: Model, where: Image, told: tuple[Acquisition, Acquisition] | None) -> np.ndarray:
    return np.asarray(next(iter(translate([x], model, mask=where, acquisitions=told).images.values())).data)
