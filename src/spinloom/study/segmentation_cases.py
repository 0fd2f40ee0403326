"""Real scans without a manual truth: what the networks answer, beside a mixture of Gaussians on the same voxels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError
from spinloom.core.grid import Grid
from spinloom.core.image import Image, Quantity
from spinloom.core.masks import filled, head, largest
from spinloom.core.resample import resample
from spinloom.dataset.labels_on import labels_on
from spinloom.evaluation.mixture import gaussian_mixture, likeliest
from spinloom.evaluation.overlap import dice
from spinloom.io.images import read_any
from spinloom.jobs.ledger import Ledger
from spinloom.study.segmentation_design import SYNTHETIC
from spinloom.study.segmentation_files import one_thread, read_network
from spinloom.study.segmentation_found import coarse
from spinloom.train.labelled import CLASSES, scaled
from spinloom.train.tissues import segmented

Json = dict[str, Any]
ATLAS = "mixture"
NOTHING = 0.95


@dataclass(frozen=True)
class RealScan:
    """name;  T1w scan;  lesions mask on its grid, or None;  whole: the skull is on it, so the brain is found first."""

    name: str
    scan: Path
    lesions: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        return (self.scan,) if self.lesions is None else (self.scan, self.lesions)


def judge(spec: Json) -> Json:
    """spec: out, config, name, design, networks (training, arm), case.

    For each network: Dice of its classes with the mixture's, class volumes, and of lesion voxels the share it gives to
    each class. Also a small picture's arrays, kept as NPZ.
    """
    with one_thread():
        return _judged(spec)


def _judged(spec: Json) -> Json:
    out, case = Path(spec["out"]), spec["case"]
    image, lesions, mm, bare = _read(Path(case["scan"]), case["lesions"], spec["design"]["voxel_mm"])
    channels = tuple(spec["design"]["channels"])
    answers = {
        name: segmented(read_network(out / f"weights/{name}.safetensors", channels), image)
        for name, _ in spec["networks"]
    }
    inside = _brain(image, bare, [answers[name] for name, arm in spec["networks"] if arm == SYNTHETIC])
    classes, moments = by_grey(image, inside)
    rows = []
    litre = float(np.prod(mm)) / 1e6
    for name, arm in spec["networks"]:
        found = answers[name]
        row: Json = {"network": name, "arm": arm}
        for n, tissue in enumerate(CLASSES[1:], 1):
            d = dice((found == n) & inside, classes == n)
            row[tissue] = {
                "agreement": float(d) if np.isfinite(d) else None,
                "litre": float((found == n).sum()) * litre,
            }
        if lesions is not None:
            row["lesions"] = _shares(found[lesions])
        rows.append(row)
    facts: Json = {
        "case": case["name"],
        "brain": "stripped by its authors" if bare else "what most networks on synthetic scans call tissue",
    }
    facts |= {"voxel mm": list(mm), "mixture": moments, "rows": rows, "networks": spec["networks"]}
    facts["mixture litre"] = {t: float((classes == n).sum()) * litre for n, t in enumerate(CLASSES[1:], 1)}
    if lesions is not None:
        facts["lesion ml"] = float(lesions.sum()) * litre * 1e3
        facts["lesions by the mixture"] = _shares(classes[lesions])
    z = _busiest(inside if lesions is None else lesions)
    shown = {arm: answers[name][..., z] for name, arm in reversed(spec["networks"])}
    file = f"cases/{case['name'].replace(' ', '-').lower()}.npz"
    _keep(
        out / file,
        {"image": image[..., z], ATLAS: classes[..., z], **shown},
        None if lesions is None else lesions[..., z],
    )
    return Ledger(out, spec["config"]).seal(spec["name"], [file], {**facts, "file": file})


def _read(
    path: Path, lesions: str | None, voxel_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None, tuple[float, float, float], bool]:
    image = read_any(path, quantity=Quantity.SIGNAL)
    data, affine = to_ras(np.asarray(image.data, np.float32), image.affine)
    own = Grid(data.shape, affine)  # type: ignore[arg-type]
    grid = coarse(own, voxel_mm)
    mm = grid.voxel_mm
    where = None
    if lesions is not None:
        mask = read_any(Path(lesions), quantity=Quantity.LABEL)
        if not mask.grid.same_place(image.grid, 1e-2):
            raise InputError(f"lies on another grid than {path.name}", file=lesions, remedy="Resample it.")
        ras, _ = to_ras((np.asarray(mask.data) != 0).astype(np.int32), image.affine)
        where = labels_on(ras.astype(np.int32), own, grid) > 0
    values = np.asarray(resample(Image(data, affine), grid).data, np.float32)
    return (
        scaled(values.clip(0)),
        where,
        (float(mm[0]), float(mm[1]), float(mm[2])),
        stripped(np.asarray(data, np.float32)),
    )


def stripped(image: NDArray[np.float32]) -> bool:
    """Whether a brain was cut out: beyond 3 voxels around what stands out nearly all is exactly 0. Air is noise."""
    around = ~binary_dilation(head(image), iterations=3)
    return bool((image[around] == 0).mean() > NOTHING) if around.any() else False


def _brain(image: NDArray[np.float32], bare: bool, answers: list[NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """The brain of a stripped scan is where it is not 0; else what most networks of the synthetic arm call tissue."""
    if bare:
        return filled(largest(image > 0.02), axis=2)
    votes = np.stack([a > 0 for a in answers]).mean(0) > 0.5
    return filled(largest(votes), axis=2)


def by_grey(image: NDArray[np.float32], inside: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], Json]:
    """CSF, grey and white matter by grey value: three Gaussians; between rounds the smooth part of value / mean is
    taken for shading and divided out (12 voxels, all but the darkest part)."""
    values = np.where(inside, image, 0)
    for _ in range(3):
        mixture = gaussian_mixture(values[inside])
        part = likeliest(values, mixture)
        ratio = np.where(inside & (part > 0), values / mixture.mean[part], 0)
        weight = gaussian_filter((inside & (part > 0)).astype(np.float32), 12)
        field = gaussian_filter(ratio, 12) / weight.clip(1e-3)
        values = np.where(inside, values / field.clip(0.5, 2), 0)
    mixture = gaussian_mixture(values[inside])
    classes = np.where(inside, likeliest(values, mixture) + 1, 0).astype(np.uint8)
    return classes, {"mean": mixture.mean.tolist(), "sd": mixture.sd.tolist(), "share": mixture.share.tolist()}


def _shares(found: NDArray[np.uint8]) -> Json:
    count = np.bincount(found, minlength=len(CLASSES))
    return {name: float(count[n] / max(1, count.sum())) for n, name in enumerate(CLASSES)}


def _busiest(where: NDArray[np.bool_]) -> int:
    return int(where.sum((0, 1)).argmax())


def _keep(path: Path, planes: dict[str, Any], lesions: Any) -> None:
    import io

    from spinloom.files import atomic

    data = io.BytesIO()
    np.savez_compressed(data, **planes, **({} if lesions is None else {"lesions": lesions}))
    atomic.write_bytes(path, data.getvalue())
