"""How much better than a cubic spline is super-resolution on real heads it has not seen? Four times through-plane.

    python benchmarks/superres_real.py DATA MODEL

DATA is the folder of public scans (docs/real-data.md). The mean of every four planes across RAS's third axis is given
to the model and to the spline; both and the reference are divided by the reference's 99.8th percentile; range 1; SSIM
with a 3D uniform window of 7 voxels; what counts is where the reference exceeds 4 %.
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
from spinloom.translate.shelf import fetched
from spinloom.translate.thick import interpolated, thicken
from spinloom.translate.translate import translate

HEADS = {"healthy": "healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz", "stroke": "stroke_brain_1mm/T1.nii.gz"}
FACTOR = 4


def main(data: Path, name: str) -> None:
    model = fetched(name)
    for who, file in HEADS.items():
        image = read_image(data / file)
        values, affine = to_ras(np.asarray(image.data, np.float32), image.affine)
        planes = values.shape[2] // FACTOR * FACTOR
        fine = Image(np.ascontiguousarray(values[:, :, :planes]), affine)
        thick = thicken(fine, FACTOR, 2)
        top = float(np.percentile(fine.data, 99.8))
        y = np.asarray(fine.data, float) / top
        mask = y > 0.04
        start = time.perf_counter()
        made = next(iter(translate([thick], model).images.values()))
        seconds = time.perf_counter() - start
        cubic = np.asarray(interpolated(thick, fine.grid).data, float)
        own = np.where(np.asarray(made.data) != 0, np.asarray(made.data, float), cubic)  # outside its foreground: cubic
        for kind, x in (("cubic", cubic / top), (model.name, own / top)):
            one = Pair(who, x, y, mask, None, (1.0, 1.0, 1.0), fine.quantity, affine)
            far = perception([one]).paired
            alike = ssim(x, y, 1.0, window=Uniform(7), mask=mask)
            took = f"  {seconds:.0f} s" if kind == model.name else ""
            print(f"{who:8} {kind:10} {psnr(x, y, 1.0, mask):6.2f} dB  {alike:.3f}  features {far:.3f}{took}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
