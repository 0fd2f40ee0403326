"""How like real scans are those made by `spinloom generate --like`?

    python benchmarks/like.py REAL SIMULATED --figure docs/figures/like.webp

REAL holds T1w and T2w of one head with their sidecars, SIMULATED is what was generated like them (docs/real-data.md has
the commands). Draws axial sections 65 mm below the vertex, the patient's left on the left, real ones above, and prints
what is measured of both. A minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from spinloom.core.grid import Grid
from spinloom.core.image import Image
from spinloom.core.masks import head
from spinloom.core.resample import resample
from spinloom.dataset.find import find_scans
from spinloom.dataset.profile.found import to_measure
from spinloom.dataset.profile.measure import Profile, measure
from spinloom.dataset.read_scan import read_scan

plt.switch_backend("Agg")
CONTRASTS = ("T1w", "T2w")
BELOW_VERTEX_MM = 65.0
SIZE_MM = (170, 210)
ROWS = (
    ("SNR inside", "SNR_inside", "{:.1f}"),
    ("SNR over background", "SNR", "{:.1f}"),
    ("width of a point, x [mm]", "FWHM_x_mm", "{:.2f}"),
    ("width of a point, y [mm]", "FWHM_y_mm", "{:.2f}"),
    ("width of a point, z [mm]", "FWHM_z_mm", "{:.2f}"),
    ("acquired voxel, x [mm]", "acquired_x_mm", "{:.2f}"),
    ("acquired voxel, y [mm]", "acquired_y_mm", "{:.2f}"),
    ("acquired voxel, z [mm]", "acquired_z_mm", "{:.2f}"),
    ("shading depth", "shading_depth", "{:.2f}"),
    ("shading length [mm]", "shading_length_mm", "{:.0f}"),
    ("entropy focus", "entropy_focus", "{:.2f}"),
    ("TE [s]", "TE_s", "{:.4f}"),
    ("TR [s]", "TR_s", "{:.2f}"),
)


def images(folder: Path) -> dict[str, Image]:
    found = find_scans(folder, exclude=["derivatives*"])
    return {s.contrast: read_scan(s) for s in found.scans if s.contrast in CONTRASTS}


def section(image: Image, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """(x, y) of the axial plane through a place [mm], voxels of 0.5 mm."""
    grid = Grid.centred((2 * SIZE_MM[0], 2 * SIZE_MM[1], 1), (0.5, 0.5, 1.0), centre)
    return np.abs(np.asarray(resample(image, grid).data, float))[:, :, 0]


def middle(T1w: Image) -> NDArray[np.float64]:
    """Of the head in a plane 65 mm below its vertex [mm]."""
    inside = head(np.abs(np.asarray(T1w.data, np.float32)))
    places = np.argwhere(inside)[::7] @ T1w.affine[:3, :3].T + T1w.affine[:3, 3]
    z = np.percentile(places[:, 2], 99.9) - BELOW_VERTEX_MM
    there = places[np.abs(places[:, 2] - z) < 3]
    return np.array([*(there.min(0) + there.max(0))[:2] / 2, z])


def figure(sides: dict[str, dict[str, Image]], file: Path) -> None:
    fig, axes = plt.subplots(2, 2, figsize=(7.2, 9.2), facecolor="black")
    for row, (side, scans) in zip(axes, sides.items(), strict=True):
        centre = middle(scans["T1w"])
        for ax, contrast in zip(row, CONTRASTS, strict=True):
            s = section(scans[contrast], centre)
            top = np.percentile(s[s > 0.2 * np.percentile(s, 99)], 98)
            ax.imshow(s.T, cmap="gray", vmin=0, vmax=top, origin="lower")
            ax.set_axis_off()
            ax.text(0.02, 0.98, f"{contrast}, {side}", color="white", transform=ax.transAxes, va="top", fontsize=11)
            ax.text(0.02, 0.02, "L", color="white", transform=ax.transAxes, fontsize=11)
    fig.subplots_adjust(0.005, 0.005, 0.995, 0.995, 0.01, 0.01)
    if file.suffix == ".png":
        fig.savefig(file, dpi=110, facecolor="black")
    else:
        fig.savefig(file, dpi=110, facecolor="black", pil_kwargs={"quality": 80})


def table(profiles: dict[str, Profile]) -> str:
    head_row = "| | " + " | ".join(f"{c} {side}" for c in CONTRASTS for side in profiles) + " |"
    lines = [head_row, "| --- |" + " --- |" * len(CONTRASTS) * len(profiles)]
    for name, key, form in ROWS:
        numbers = [p.contrasts[c].get(key) for c in CONTRASTS for p in profiles.values()]
        lines.append(f"| {name} | " + " | ".join("" if r is None else form.format(r.median) for r in numbers) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("real", type=Path)
    parser.add_argument("simulated", type=Path)
    parser.add_argument("--figure", type=Path)
    args = parser.parse_args()
    folders = {"real": args.real, "simulated": args.simulated}
    if args.figure is not None:
        figure({side: images(folder) for side, folder in folders.items()}, args.figure)
    print(table({s: measure(to_measure(find_scans(f, exclude=["derivatives*"]))) for s, f in folders.items()}))


if __name__ == "__main__":
    main()
