"""One prediction under every protocol: the audit tables of docs/results.md.

    python benchmarks/protocols.py OUT [FOLDER]

Writes into OUT a blurred T2w scan, a blurred CT and a blurred T1 map, each with its reference and its mask or labels,
and prints what every protocol makes of them; `spinloom evaluate` on these files gives the same. FOLDER holds the public
scans named in docs/real-data.md; default: SPINLOOM_SHARED_DATA, or shared/data beside the project. Takes a
quarter of a minute on two cores.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
from scipy.ndimage import binary_fill_holes, gaussian_filter

from spinloom.core.image import Image, Quantity
from spinloom.core.masks import body, largest
from spinloom.evaluation import evaluate, pair_of
from spinloom.evaluation.floors import Example, TissueMeanOracle
from spinloom.evaluation.published_sr import ssim_3d_on_a_slice, ssim_on_a_slice
from spinloom.evaluation.scores import Report
from spinloom.io import read_image, write_image
from spinloom.phantom import FREESURFER, FromDistribution, from_labels

BLUR = 1.0
"""Standard deviation of the Gaussian that is the degradation [voxels]."""


def blurred(image: Image) -> Image:
    return Image(gaussian_filter(np.asarray(image.data, float), BLUR), image.affine, image.quantity)


def labelled(values: np.ndarray, like: Image) -> Image:
    return Image(values.astype(np.int32), like.affine, Quantity.LABEL)


def scan(folder: Path) -> dict[str, Image]:
    """T2w of MS patient 19, 1 mm, skull-stripped; the mask is the brain."""
    y = read_image(folder / "ms_mni_brain" / "patient19_T2.nii.gz")
    return {
        "T2w_blurred": blurred(y),
        "T2w": y,
        "T2w_brain": labelled(binary_fill_holes(largest(np.asarray(y.data, float) > 0)), y),
    }


def CT(folder: Path) -> dict[str, Image]:
    """A trunk, 3 mm, 122 x 101 x 30; the mask is the body."""
    y = read_image(folder / "ct_body_small" / "example_ct_sm.nii.gz", quantity=Quantity.HU)
    return {"CT_blurred": blurred(y), "CT": y, "CT_body": labelled(body(np.asarray(y.data, float)), y)}


def maps(folder: Path) -> dict[str, Image]:
    """T1 at 3 T of label map 01, every voxel drawn from its tissue's distribution as in source 0; 40 axial slices."""
    made = read_image(folder / "head_label_maps" / "training_seg_01.nii.gz", quantity=Quantity.LABEL)
    phantom = from_labels(made.data, made.affine, scheme=FREESURFER, B0=3.0, filling=FromDistribution(), seed=1)
    assert phantom.labels is not None
    middle = phantom.T1.shape[2] * 3 // 5
    some = (slice(None), slice(None), slice(middle - 20, middle + 20))
    affine = phantom.grid.affine.copy()
    affine[:3, 3] += affine[:3, 2] * (middle - 20)
    y = Image(np.asarray(phantom.T1[some], float), affine, Quantity.T1)
    labels = labelled(phantom.labels[some], y)
    oracle = TissueMeanOracle().fit([Example(labels, y)]).predict(labels)
    inside = labelled(phantom.labels[some] > 0, y)
    found = {"T1map_blurred": blurred(y), "T1map_oracle": oracle, "T1map": y}
    return found | {"T1map_labels": labels, "T1map_inside": inside}


def rows(report: Report) -> list[str]:
    """| protocol | its metrics and numbers |"""
    found = []
    for p in report.protocols:
        told = []
        for c in p.columns:
            (value,) = report.values(p.name, c.name).values()
            told += [f"{c.name} {value:.4g}{' ' + c.unit if c.unit else ''}"] if np.isfinite(value) else []
        found.append(f"| {p.name} | {'; '.join(told)} |")
    return found


def window(folder: Path) -> list[str]:
    """A T1w slice on [-1, 1], blurred and noisy: SSIM in the plane and under a 3D window on the slice alone."""
    T1w = np.clip(np.asarray(read_image(folder / "ms_mni_brain" / "patient26_T1.nii.gz").data, float), 0, None)
    y = 2 * T1w[:, :, 80] / T1w[:, :, 60:100].max() - 1
    noisy = y + np.random.default_rng(0).normal(0, 0.06, y.shape)
    return [
        f"| {name} | {ssim_on_a_slice(x, y, 2.0):.3f} | {ssim_3d_on_a_slice(x, y, 2.0):.3f} |"
        for name, x in (("blur", gaussian_filter(y, BLUR)), ("noise", noisy))
    ]


def main() -> None:
    here = os.environ.get("SPINLOOM_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data"
    out, folder = Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else here)
    images = scan(folder) | CT(folder) | maps(folder)
    out.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        write_image(image, out / f"{name}.nii.gz")
    for what, inside in (("T2w", "T2w_brain"), ("CT", "CT_body")):
        pair = pair_of(images[f"{what}_blurred"], images[what], mask=images[inside])
        print(f"\n{what}, blurred\n", *rows(evaluate(pair, "all")), sep="\n", flush=True)
    for prediction in ("T1map_blurred", "T1map_oracle"):
        mask, labels = images["T1map_inside"], images["T1map_labels"]
        pair = pair_of(images[prediction], images["T1map"], mask=mask, labels=labels)
        print(f"\n{prediction}\n", *rows(evaluate(pair, ("honest", "source0"))), sep="\n", flush=True)
    print("\nSSIM of a slice: in the plane, under a 3D window\n", *window(folder), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main()
