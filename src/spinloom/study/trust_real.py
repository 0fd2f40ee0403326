"""Lesions of real scans, taken away and copied elsewhere: a case series beside the simulated study of trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion, label

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.evaluation.roc import area
from spinloom.files.hashes import sha256_file
from spinloom.io.images import read_any
from spinloom.translate.audit import audit
from spinloom.translate.model import Model

LEAST_MM3 = 65.0
"""A ball of 5 mm."""
LEAST = 4
"""Lesions of a subject."""
TARGETS = {"T2": "T2w", "FLAIR": "FLAIR"}
NOWHERE = 3
"""Places where nothing is done, for each lesion."""


@dataclass(frozen=True)
class Scanned:
    """One output to judge, as paths: the subject's T1w, the image of another contrast, the lesions."""

    name: str
    contrast: str
    T1w: str
    image: str
    lesions: str

    def spec(self) -> dict[str, Any]:
        """As a unit is told: the files and what they hold."""
        return {"scanned": asdict(self), "held": [sha256_file(p) for p in (self.T1w, self.image, self.lesions)]}

    def read(self) -> tuple[Image, Image, np.ndarray]:
        T1w, image = (read_any(p, quantity=Quantity.SIGNAL) for p in (self.T1w, self.image))
        return T1w, image, np.asarray(read_any(self.lesions, quantity=Quantity.LABEL).data) > 0


def series(folder: Path) -> list[Scanned]:
    """Every other contrast of every subject.

    folder  of stripped scans: NAME_T1, NAME_T2 or NAME_FLAIR, NAME_lesions (.nii.gz), on one grid

    Raises InputError where there is no such subject, and for one of fewer than LEAST lesions.
    """
    found = []
    for file in sorted(folder.resolve().glob("*_T1.nii.gz")):
        name = file.name.removesuffix("_T1.nii.gz")
        mask = file.with_name(f"{name}_lesions.nii.gz")
        others = {c: file.with_name(f"{name}_{n}.nii.gz") for n, c in TARGETS.items()}
        there = {c: p for c, p in others.items() if mask.exists() and p.exists()}
        if there:
            lesions = read_any(mask, quantity=Quantity.LABEL)
            if (n := len(large_of(*label(np.asarray(lesions.data) > 0), lesions))) < LEAST:
                raise InputError(
                    f"{n} lesions of {LEAST_MM3:g} cubic mm are too few", file=mask, remedy=f"{LEAST} at least."
                )
        found += [Scanned(name, c, str(file), str(p), str(mask)) for c, p in there.items()]
    if not found:
        raise InputError("holds no subject with lesions", file=folder, remedy="NAME_T1, NAME_T2, NAME_lesions.nii.gz.")
    return found


def one(
    auditor: Model, T1w: Image, image: Image, lesions: np.ndarray, contrast: str, rng: np.random.Generator
) -> dict[str, Any]:
    """Every second lesion filled with its surroundings and copied to another place, then judged.

    doubted: share of the scan as it was measured that has a low trust (see translate.audit).

    Places where nothing is done are drawn once all that is added lies where it stays: none of it is near them.
    """
    parts, n = label(lesions)
    large = large_of(parts, n, T1w)
    free = white_of(np.asarray(T1w.data, float)) & ~binary_dilation(lesions, iterations=4)
    t = np.array(image.data, np.float32)
    kinds: dict[str, list[np.ndarray]] = {"removed": [], "added": [], "genuine": [], "nothing": []}
    changed = t.copy()
    for k in large[1::2]:
        kinds["genuine"].append(np.argwhere(parts == k))
    for k in large[::2]:
        where = np.argwhere(parts == k)
        ring = binary_dilation(parts == k, iterations=4) & ~binary_dilation(lesions, iterations=1) & (t > 0)
        around = t[ring & free] if (ring & free).sum() > 20 else t[ring]
        level, noise = float(np.median(around)), 0.7 * float(np.median(np.abs(around - np.median(around))))
        grown = np.argwhere(binary_dilation(parts == k, iterations=1) & (t > 0))
        changed[tuple(grown.T)] = level + noise * rng.standard_normal(len(grown))
        kinds["removed"].append(where)
        if (there := placed(where, free, rng)) is not None:
            changed[tuple(there.T)] += t[tuple(where.T)] - level
            free[_grown_box(there, free.shape)] = False
            kinds["added"].append(there)
    for k in large:
        for _ in range(NOWHERE):
            if (there := placed(np.argwhere(parts == k), free, rng)) is not None:
                kinds["nothing"].append(there)
    judged, untouched = (audit(v, [T1w], auditor, contrast) for v in (replace(image, data=changed), image))
    z = np.asarray(judged.misfit.data)
    scores = {k: [float(z[tuple(w.T)].mean()) for w in each] for k, each in kinds.items()}
    areas: Mapping[str, float | None] = {
        k: float(area(scores[k], scores["nothing"])) if scores[k] and scores["nothing"] else None
        for k in ("removed", "added", "genuine")
    }
    count = {k: len(each) for k, each in kinds.items()}
    return {"lesions": len(large), "places": count, "protocol": judged.protocol, "doubted": untouched.doubted, **areas}


def large_of(parts: np.ndarray, n: int, on: Image) -> list[int]:
    """Of n connected lesions, numbered in parts, those of LEAST_MM3 and more."""
    size = np.bincount(parts.ravel(), minlength=n + 1) * float(np.prod(on.grid.voxel_mm))
    return [k for k in range(1, n + 1) if size[k] >= LEAST_MM3]


def white_of(T1w: np.ndarray) -> np.ndarray:
    """The brightest 40 % of a stripped T1w image but its last percent, without its border."""
    inside = T1w > 0
    low, high = np.percentile(T1w[inside], [60, 99])
    return np.asarray(binary_erosion((T1w > low) & (T1w < high), iterations=1))


def placed(where: np.ndarray, free: np.ndarray, rng: np.random.Generator, tries: int = 400) -> np.ndarray | None:
    """(n, 3) the same shape elsewhere, nine tenths of it on free voxels; None if there is no room."""
    middle = where.mean(0).round().astype(int)
    places = np.argwhere(free)
    for i in rng.integers(len(places), size=min(tries, len(places))):
        there = where + (places[i] - middle)
        if (there >= 0).all() and (there < free.shape).all() and free[tuple(there.T)].mean() >= 0.9:
            return np.asarray(there)
    return None


def _grown_box(where: np.ndarray, shape: tuple[int, ...], by: int = 4) -> tuple[slice, ...]:
    low, high = np.maximum(where.min(0) - by, 0), np.minimum(where.max(0) + by + 1, shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
