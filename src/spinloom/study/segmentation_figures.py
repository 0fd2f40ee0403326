"""Pictures of the study: learning curves, segmentations of the simulated domain and of real scans."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom

from spinloom.report.slices import Pixels, webp
from spinloom.study.segmentation_cases import ATLAS
from spinloom.study.segmentation_design import ARMS, MIXED, SYNTHETIC, TARGET, TUNED, Design
from spinloom.study.segmentation_files import read_labelled_file, read_network
from spinloom.study.segmentation_statistics import MEAN, TISSUES
from spinloom.train.tissues import segmented

Json = dict[str, Any]
COLOURS = np.array([(0, 0, 0), (74, 144, 217), (150, 150, 158), (240, 236, 220)], np.uint8)
INK = {TARGET: "#c4531b", SYNTHETIC: "#5c6672", MIXED: "#1f6fb4", TUNED: "#2c8a4b"}
ZOOM = 2


def learning_curve(told: Json, design: Design, measure: str) -> bytes:
    """Mean over people with its 95 % interval against the number of people of the target domain, a panel per class."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 2.9), layout="constrained")
    panels = figure.subplots(1, len(TISSUES) + 1)
    for axes, tissue in zip(panels, (*TISSUES, MEAN), strict=True):
        for arm, title in ARMS.items():
            rows = [
                r for r in told["summaries"] if r["arm"] == arm and r["tissue"] == tissue and r["measure"] == measure
            ]
            x = np.array([r["n"] for r in rows], float)
            y, low, high = (np.array([r[k] for r in rows], float) for k in ("mean", "low", "high"))
            if arm == SYNTHETIC:
                axes.axhline(y[0], color=INK[arm], lw=1.2, ls="--", label=title)
                axes.axhspan(low[0], high[0], color=INK[arm], alpha=0.12, lw=0)
                continue
            nudge = 1.0 + 0.03 * (list(ARMS).index(arm) - 1.5)
            bars = np.nan_to_num(np.stack((y - low, high - y)))
            axes.errorbar(x * nudge, y, bars, color=INK[arm], lw=1.2, marker="o", ms=3, capsize=2, label=title)
        axes.set_xscale("log", base=2)
        axes.set_xticks(design.sizes, [str(n) for n in design.sizes], minor=False)
        axes.minorticks_off()
        axes.set_title(tissue, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("hard Dice" if measure == "Dice" else "HD95 [mm]", fontsize=9)
    figure.supxlabel("people of the target domain trained on", fontsize=9)
    panels[-1].legend(fontsize=7)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=110)
    return out.getvalue()


def row_of(out: Path, trained: tuple[Json, ...], design: Design, which: int) -> tuple[bytes, str]:
    """One tested person of the first repeat: scan, truth, and the answers of all arms with fewest and most people."""
    shown = [r for r in trained if r["repeat"] == 0 and r["n"] in (0, min(design.sizes), max(design.sizes))]
    files = sorted(shown[0]["scores"])
    scan = read_labelled_file(out / files[which % len(files)])
    z = int((scan.labels == 1).sum((0, 1)).argmax())
    planes = [grey(scan.image[..., z]), painted(scan.labels[..., z])]
    names = ["scan", "truth"]
    for arm, n in dict.fromkeys((r["arm"], r["n"]) for r in sorted(shown, key=_order)):
        name = f"{arm}-n{n:02}-r00"
        network = read_network(out / f"weights/{name}.safetensors", design.channels)
        planes.append(painted(segmented(network, scan.image[..., z : z + 1])[..., 0]))
        names.append(ARMS[arm] + (f", {n}" if n else ""))
    return webp(sheet(planes, names), 88), f"{scan.anatomy}: " + " · ".join(names)


def _order(row: Json) -> tuple[int, int]:
    return int(row["n"]), list(ARMS).index(row["arm"])


def case_row(out: Path, case: Json) -> tuple[bytes, str]:
    """A real scan, the mixture's classes, every arm's; lesions outlined in the scan."""
    with np.load(out / case["file"], allow_pickle=False) as kept:
        planes = [grey(kept["image"], kept.get("lesions")), painted(kept[ATLAS])]
        arms = [a for a in ARMS if a in kept]
        planes += [painted(kept[arm]) for arm in arms]
    names = ["scan", "mixture", *(ARMS[a] for a in arms)]
    return webp(sheet(planes, names), 88), " · ".join(names)


def grey(plane: NDArray[np.float32], outlined: NDArray[np.bool_] | None = None) -> Pixels:
    """(rows, columns, 3), anterior up; the outline of a mask in orange."""
    values = np.clip(np.asarray(plane, np.float32) / max(float(np.percentile(plane, 99.5)), 1e-6), 0, 1) * 255
    rgb = np.repeat(np.rot90(values)[..., None], 3, 2).astype(np.uint8)
    rgb = rgb.repeat(ZOOM, 0).repeat(ZOOM, 1)
    smooth = zoom(np.rot90(values), ZOOM, order=1)
    rgb[:] = smooth[: rgb.shape[0], : rgb.shape[1], None].astype(np.uint8)
    if outlined is not None:
        mask = np.rot90(outlined).repeat(ZOOM, 0).repeat(ZOOM, 1)
        inner = mask.copy()
        inner[1:-1, 1:-1] &= mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
        rgb[mask & ~inner] = (255, 120, 30)
    return rgb


def painted(labels: NDArray[np.uint8]) -> Pixels:
    """Classes in colours: CSF blue, grey matter grey, white matter white."""
    return np.asarray(COLOURS[np.rot90(labels)].repeat(ZOOM, 0).repeat(ZOOM, 1))


def sheet(planes: list[Pixels], names: list[str]) -> Pixels:
    """Pictures of one size beside each other, four in a row, a title over each."""
    from PIL import Image, ImageDraw

    height, width = planes[0].shape[:2]
    wide = min(4, len(planes))
    rows = -(-len(planes) // wide)
    page = Image.new("RGB", (wide * (width + 4), rows * (height + 16)))
    draw = ImageDraw.Draw(page)
    for n, (plane, name) in enumerate(zip(planes, names, strict=True)):
        x, y = (n % wide) * (width + 4), (n // wide) * (height + 16)
        draw.text((x + 3, y + 2), name, fill=(230, 230, 230))
        page.paste(Image.fromarray(plane), (x, y + 16))
    return np.asarray(page)
