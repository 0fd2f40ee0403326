"""What do the models that come with the package make of real scans? Draws docs/figures/translated.webp.

python benchmarks/translated_figure.py DATA docs/figures/translated.webp

DATA is the folder of public scans (docs/real-data.md). One axial slice each: a stroke subject's T1w, its T2w as made
and as scanned, and back; a healthy head's T1w and a CT that nobody measured.
"""

import io
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from PIL import Image as Picture

from spinloom.core.affine import to_ras
from spinloom.core.image import Image
from spinloom.io import read_image
from spinloom.translate.shelf import fetched
from spinloom.translate.translate import translate


def axial(image: Image, share: float = 0.5) -> np.ndarray:
    data, _ = to_ras(np.asarray(image.data, float), image.affine)
    return np.rot90(data[:, :, int(share * data.shape[2])])


def grey(flat: np.ndarray) -> np.ndarray:
    return np.clip(flat / np.percentile(flat[flat > 0], 99.5), 0, 1.1)


def main(data: Path, target: Path) -> None:
    T1, T2 = (read_image(data / "stroke_brain_1mm" / f"{c}.nii.gz") for c in ("T1", "T2"))
    head = read_image(data / "healthy_t1_t2_head" / "T1w_MEMPRAGE.nii.gz")
    made2 = translate([T1], fetched("t1w-to-t2w")).images["T2w"]
    made1 = translate([T2], fetched("t2w-to-t1w")).images["T1w"]
    ct = translate([head], fetched("mr-to-ct")).images["CT"]
    shown = [
        ("T1w, scanned", grey(axial(T1))),
        ("T2w, made of it", grey(axial(made2))),
        ("T2w, scanned", grey(axial(T2))),
        ("T1w, made of T2w", grey(axial(made1))),
        ("T1w, scanned", grey(axial(head, 0.6))),
        ("CT, made: never measured", (axial(ct, 0.6) + 1000) / 2500),
    ]
    figure = Figure(figsize=(12, 2.9), layout="constrained")
    for axes, (title, flat) in zip(figure.subplots(1, len(shown)), shown, strict=True):
        axes.imshow(flat, cmap="gray", vmin=0, vmax=1)
        axes.set_title(title, fontsize=8)
        axes.axis("off")
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=90)
    Picture.open(out).convert("RGB").save(target, "WEBP", quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
