"""How much better than a cubic spline is super-resolution on real heads it has not seen? Four times through-plane.

    python benchmarks/superres_real.py DATA MODEL [MODEL ...]

DATA is the folder of public scans (docs/real-data.md). The mean of every four planes across RAS's third axis is given
to the model and to the spline; both and the reference are divided by the reference's 99.8th percentile; range 1; SSIM
with a 3D uniform window of 7 voxels; what counts is where the reference exceeds 4 %. A MODEL that is a run of several
stages is used in turn.
"""

import sys
import time
from pathlib import Path

import numpy as np

from spinloom.core.affine import to_ras
from spinloom.core.image import Image
from spinloom.evaluation.pair import Pair
from spinloom.evaluation.perception import perception
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.similarity import Uniform, ssim
from spinloom.io import read_image
from spinloom.translate.cascade import cascade
from spinloom.translate.shelf import fetched, stages
from spinloom.translate.thick import interpolated, thicken

HEADS = {"healthy": "healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz", "stroke": "stroke_brain_1mm/T1.nii.gz"}
FACTOR = 4


def main(data: Path, names: list[str]) -> None:
    for who, file in HEADS.items():
        image = read_image(data / file)
        values, affine = to_ras(np.asarray(image.data, np.float32), image.affine)
        planes = values.shape[2] // FACTOR * FACTOR
        fine = Image(np.ascontiguousarray(values[:, :, :planes]), affine)
        thick = thicken(fine, FACTOR, 2)
        top = float(np.percentile(fine.data, 99.8))
        y = np.asarray(fine.data, float) / top
        mask = y > 0.04
        cubic = np.asarray(interpolated(thick, fine.grid).data, float)
        row(who, "cubic", cubic / top, y, mask, fine)
        for name in names:
            models = [fetched(n) for n in stages(name)]
            start = time.perf_counter()
            made = np.asarray(next(iter(cascade([thick], models).images.values())).data, float)
            took = time.perf_counter() - start
            row(who, f"{models[-1].name} x {len(models)}, {took:.0f} s", made / top, y, mask, fine)


def row(who: str, kind: str, x: np.ndarray, y: np.ndarray, mask: np.ndarray, fine: Image) -> None:
    far = perception([Pair(who, x, y, mask, None, (1.0, 1.0, 1.0), fine.quantity, fine.affine)]).paired
    alike = ssim(x, y, 1.0, window=Uniform(7), mask=mask)
    print(f"{who:8} {kind:32} {psnr(x, y, 1.0, mask):6.2f} dB  {alike:.3f}  features {far:.3f}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
