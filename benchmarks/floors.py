"""What any learner must beat, on real scans: the rows of floors in docs/results.md.

    python benchmarks/floors.py [FOLDER]

FOLDER holds the public scans named in docs/real-data.md; default: SPINLOOM_SHARED_DATA, or shared/data beside the
project. Prints a table; takes about two minutes on two cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_fill_holes

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import largest
from spinloom.dataset.degrade import SliceProfile
from spinloom.evaluation.floors import CubicInterpolation, Example, Forest, Identity, IntensityLookup, relative_score
from spinloom.evaluation.floors.example import scale_of
from spinloom.evaluation.floors.score import FloorScore
from spinloom.io import read_image

HEADS = {"healthy": "healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz", "stroke": "stroke_brain_1mm/T1.nii.gz"}
TIMES = 4
FOREGROUND = 0.04


def superresolution(folder: Path, head: str, foreground: float | None = FOREGROUND) -> FloorScore:
    """x4 through-plane by cubic interpolation, over the 99.8th percentile of the whole reference.

    Slices are means of four planes of the third array axis. foreground  share of that percentile above which a voxel
    of the reference counts; None: the whole frame
    """
    image = read_image(folder / HEADS[head])
    thick = SliceProfile(TIMES, axis=2).apply(image, np.random.default_rng(0))
    predicted = CubicInterpolation(image.grid).fit().predict(thick)
    unit = float(np.percentile(image.data, 99.8))
    inside = np.ones(image.data.shape, bool) if foreground is None else np.asarray(image.data) > foreground * unit
    return relative_score(predicted, image, inside, reference_unit=unit)


def example(folder: Path, patient: int, source: str, target: str) -> Example:
    """A subject with multiple sclerosis, skull-stripped: the mask is where either scan is above 0, holes filled.

    Where both are above 0 would leave out CSF that interpolation made slightly negative.
    """
    s, t = (read_image(folder / f"ms_mni_brain/patient{patient}_{contrast}.nii.gz") for contrast in (source, target))
    mask = binary_fill_holes(largest((np.asarray(s.data) > 0) | (np.asarray(t.data) > 0)))
    return Example(s, t, Image(mask.astype(np.uint8), s.affine, Quantity.LABEL))


def contrast(
    folder: Path, floor: Identity | IntensityLookup | Forest, source: str, target: str
) -> tuple[FloorScore, FloorScore]:
    """Fitted to subject 26, scored on 19 in the mask: reference over its own 99.5th percentile there, prediction over
    that of subject 26's target; and both over their own, clipped at 1.2."""
    fitted, test = example(folder, 26, source, target), example(folder, 19, source, target)
    assert fitted.mask is not None
    assert test.mask is not None
    predicted = floor.fit([fitted]).predict(test.source, test.mask)
    inside = np.asarray(test.mask.data) > 0
    own, learnt = scale_of(test.target, inside), scale_of(fitted.target, np.asarray(fitted.mask.data) > 0)
    x, y = (_masked(image, inside) for image in (predicted, test.target))
    fair = relative_score(x, y, inside, reference_unit=own, prediction_unit=learnt)
    x, y = (_clipped(image, inside) for image in (x, y))
    return fair, relative_score(x, y, inside, reference_unit=1.0)


def _masked(image: Image, inside: np.ndarray) -> Image:
    return Image(np.where(inside, image.data, 0), image.affine, image.quantity)


def _clipped(image: Image, inside: np.ndarray) -> Image:
    return Image(np.clip(image.data / scale_of(image, inside), 0, 1.2), image.affine, image.quantity)


def rows(folder: Path) -> Iterator[str]:
    for foreground, where in ((FOREGROUND, ""), (0.05, ", above 5 %"), (None, ", whole frame")):
        for head in HEADS:
            s = superresolution(folder, head, foreground)
            yield f"| x4 through-plane, {head} T1w{where} | cubic | {s.psnr:.2f} | {s.ssim:.3f} | | |"
    for source, target in (("T1", "T2"), ("T2", "T1")):
        for floor in (Identity(), IntensityLookup(), Forest()):
            fair, own = contrast(folder, floor, source, target)
            row = f"{fair.psnr:.2f} | {fair.ssim:.3f} | {own.psnr:.2f} | {own.ssim:.3f}"
            yield f"| {source}w to {target}w, MS subject 26 to 19 | {floor.name} | {row} |"


def main() -> None:
    here = os.environ.get("SPINLOOM_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else here)
    print("| task | floor | PSNR [dB] | SSIM | PSNR, own scales | SSIM, own scales |\n|---|---|--:|--:|--:|--:|")
    for row in rows(folder):
        print(row, flush=True)


if __name__ == "__main__":
    main()
