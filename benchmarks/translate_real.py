"""How good is a T1w <-> T2w translator on real people it has not seen, beside floors fitted to the same scans?

    python benchmarks/translate_real.py DATA MODEL --from T1 --to T2 [--fitted 26 19] [--test stroke healthy 19]

DATA is the folder of public scans (docs/real-data.md). Both images over their own 99.5th percentile in the mask,
clipped at 1.2; range 1; SSIM with a 3D uniform window of 7 voxels; the reference is corrected for shading as the source
is. The mask is where either scan is above 0, holes filled (the head with skull: Otsu's).
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from spinloom.core.image import Image, Quantity
from spinloom.core.resample import resample
from spinloom.dataset.preprocess.bias import BiasCorrection
from spinloom.dataset.preprocess.foreground import foreground_of_all
from spinloom.evaluation.floors import Example, Forest, IntensityLookup
from spinloom.evaluation.pointwise import psnr
from spinloom.evaluation.similarity import Uniform, ssim
from spinloom.io import read_image
from spinloom.translate.shelf import fetched
from spinloom.translate.translate import translate

FILES = {
    "26": {"T1": "ms_mni_brain/patient26_T1.nii.gz", "T2": "ms_mni_brain/patient26_T2.nii.gz"},
    "19": {"T1": "ms_mni_brain/patient19_T1.nii.gz", "T2": "ms_mni_brain/patient19_T2.nii.gz"},
    "stroke": {"T1": "stroke_brain_1mm/T1.nii.gz", "T2": "stroke_brain_1mm/T2.nii.gz"},
    "healthy": {"T1": "healthy_t1_t2_head/T1w_MEMPRAGE.nii.gz", "T2": "healthy_t1_t2_head/T2w_FSE.nii.gz"},
}


def read(data: Path, who: str, source: str, target: str) -> tuple[Image, Image, np.ndarray]:
    """Source and target on the source's grid by their headers, corrected for shading, and the mask."""
    x, y = (read_image(data / FILES[who][c]) for c in (source, target))
    if not x.grid.same_place(y.grid, 1e-2):
        y = resample(y, x.grid)
    x, y = (Image(np.maximum(np.asarray(i.data, np.float32), 0), i.affine) for i in (x, y))
    mask = foreground_of_all([x, y])
    if who == "healthy":
        mask &= np.asarray(y.data) > 0
    x, y = (BiasCorrection(iterations=20).fit(i, mask).forward(i) for i in (x, y))
    return x, y, mask


def scaled(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return np.clip(image / np.percentile(image[mask], 99.5), 0, 1.2) * mask


def score(made: np.ndarray, real: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    a, b = scaled(np.asarray(made, float), mask), scaled(np.asarray(real, float), mask)
    return psnr(a, b, 1.0, mask), ssim(a, b, 1.0, window=Uniform(7), mask=mask)


def main() -> None:
    said = argparse.ArgumentParser()
    said.add_argument("data", type=Path)
    said.add_argument("model")
    said.add_argument("--from", dest="source", default="T1")
    said.add_argument("--to", dest="target", default="T2")
    said.add_argument("--fitted", nargs="*", default=["26", "19"])
    said.add_argument("--test", nargs="*", default=["stroke", "healthy"])
    said.add_argument("--forest", action="store_true")
    given = said.parse_args()
    model = fetched(given.model)
    floors = {}
    if given.fitted:
        examples = []
        for who in given.fitted:
            x, y, m = read(given.data, who, given.source, given.target)
            examples.append(Example(Image(scaled(x.data, m), x.affine), Image(scaled(y.data, m), y.affine),
                                    Image(m.astype(np.uint8), x.affine, Quantity.LABEL)))  # fmt: skip
        kinds = [IntensityLookup(), *([Forest()] if given.forest else [])]
        floors = {k.name: k.fit(examples) for k in kinds}
    rows = []
    for who in given.test:
        x, y, m = read(given.data, who, given.source, given.target)
        where = Image(m.astype(np.uint8), x.affine, Quantity.LABEL)
        start = time.perf_counter()
        made = next(iter(translate([x], model, mask=where).images.values()))
        seconds = time.perf_counter() - start
        answers = {model.name: made.data}
        answers |= {n: f.predict(Image(scaled(x.data, m), x.affine), where).data for n, f in floors.items()}
        for name, values in answers.items():
            p, s = score(values, y.data, m)
            rows.append({"subject": who, "by": name, "PSNR": round(p, 2), "SSIM": round(s, 3)})
            print(f"{who:8} {name:16} {p:6.2f} dB  {s:.3f}", f"{seconds:.0f} s" if name == model.name else "")
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
