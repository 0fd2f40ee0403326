"""Does a model trained on simulated 0.055 T and 3 T images bring real 0.055 T slices nearer to the 3 T ones?

    python benchmarks/low_field.py DATA MODEL --contrast T1w|T2w [--picture out.png]

DATA is the folder of public scans (docs/real-data.md): three people, four axial slices each, matched by hand by their
authors. Each 3 T slice is registered to the 0.055 T one (affine in the plane, mutual information) before anything is
scored; the same transform serves the input and the model's answer. In the head, eroded by 2 pixels: correlation, and
structural correlation, the mean over windows of 7^2 of (s_xy + c) / (s_x s_y + c), SSIM's third factor (Wang 2004).
"""

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image as Picture
from scipy.ndimage import binary_erosion, uniform_filter

from spinloom.core.image import Image
from spinloom.core.masks import head
from spinloom.translate.shelf import fetched
from spinloom.translate.translate import translate

NAMES = {"T1w": ("lf_T1w_GRE", "hf_T1w"), "T2w": ("lf_T2w_FSE", "hf_T2w")}
PIXEL_MM, SLICE_MM = 1.0, 5.0
"""About the head's size; the repository gives none."""
C = 0.03**2 / 2


def main() -> None:
    said = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    said.add_argument("data", type=Path)
    said.add_argument("model")
    said.add_argument("--contrast", default="T1w", choices=sorted(NAMES))
    said.add_argument("--picture", type=Path)
    args = said.parse_args()
    model = fetched(args.model)
    low_name, high_name = NAMES[args.contrast]
    strips = []
    print("| subject | correlation, input | answer | structure, input | answer |\n| --- | --: | --: | --: | --: |")
    for file in sorted((args.data / "hku_ulf_3t").glob("subj*/images.npz")):
        with np.load(file) as held:
            low, high = (as_ras(held[k]) for k in (low_name, high_name))
        affine = np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0])
        made = np.asarray(next(iter(translate([Image(low, affine)], model).images.values())).data, float)
        rows = []
        for z in range(low.shape[2]):
            reference = registered(high[..., z], low[..., z])
            mask = binary_erosion(head(low)[..., z] & (reference > 0), iterations=2)
            rows.append([f(x[..., z], reference, mask) for f in (correlation, structure) for x in (low, made)])
            if z == 1:
                strips.append(np.hstack([shown(v) for v in (low[..., z], made[..., z], reference)]))
        print(f"| {file.parent.name} | " + " | ".join(f"{v:.3f}" for v in np.mean(rows, 0)) + " |")
    if args.picture:
        Picture.fromarray(np.vstack(strips)).save(args.picture)


def as_ras(stored: np.ndarray) -> np.ndarray:
    """(row, column, slice), nose up -> (x, y, z), y to the nose."""
    return np.ascontiguousarray(stored.transpose(1, 0, 2)[:, ::-1]).astype(np.float32)


def registered(moving: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """A 3 T slice on the grid of the 0.055 T one."""
    still, turned = (sitk.GetImageFromArray(v / v.max()) for v in (fixed, moving))
    scale = fixed.shape[0] * PIXEL_MM / moving.shape[0] * 0.85  # heads fill more of the 3 T images
    turned.SetSpacing((scale, scale))
    start = sitk.CenteredTransformInitializer(
        still, turned, sitk.AffineTransform(2), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(48)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 1e-4, 300)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([3, 1, 0])
    method.SetInitialTransform(start)
    found = sitk.Resample(turned, still, method.Execute(still, turned), sitk.sitkLinear, 0.0)
    return np.asarray(sitk.GetArrayFromImage(found), np.float32)


def correlation(x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> float:
    return float(np.corrcoef(x[mask], y[mask])[0, 1])


def structure(x: np.ndarray, y: np.ndarray, mask: np.ndarray) -> float:
    a, b = (v / np.percentile(v[mask], 99.5) for v in (x.astype(float), y.astype(float)))
    mean = [uniform_filter(v, 7) for v in (a, b)]
    va, vb = (np.maximum(uniform_filter(v * v, 7) - m * m, 0) for v, m in zip((a, b), mean, strict=True))
    both = uniform_filter(a * b, 7) - mean[0] * mean[1]
    return float(((both + C) / (np.sqrt(va * vb) + C))[mask].mean())


def shown(plane: np.ndarray) -> np.ndarray:
    return np.uint8(255 * np.clip(plane.T[::-1] / np.percentile(plane, 99.5), 0, 1))


if __name__ == "__main__":
    main()
