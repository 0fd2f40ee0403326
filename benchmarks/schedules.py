"""What do the schedules of diffusion do to an image? Draws docs/figures/schedules.webp.

Run: python benchmarks/schedules.py docs/figures/schedules.webp
"""

import io
import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from PIL import Image

from spinloom import io as files
from spinloom.models.paths import VariancePreserving
from spinloom.models.schedules import Cosine, Linear, Literal

AT = (0.0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0)


def main(target: Path) -> None:
    brain = np.asarray(files.read_template("mni152").T1w, float)
    flat = np.rot90(brain[:, :, brain.shape[2] // 2])
    x = 2 * flat / flat.max() - 1
    noise = np.random.default_rng(0).standard_normal(x.shape)
    schedules = (("linear", Linear()), ("cosine", Cosine()), ("literal, 0.3", Literal()))
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    grid = figure.add_gridspec(3, len(AT) + 3)
    plot = figure.add_subplot(grid[:, :3])
    t = torch.linspace(0, 1, 1001, dtype=torch.float64)
    for row, (name, schedule) in enumerate(schedules):
        path = VariancePreserving(schedule)
        a, _, s = path.abs(t)
        (line,) = plot.plot(1000 * t, a, label=f"{name}: image")
        plot.plot(1000 * t, s, "--", color=line.get_color(), label=f"{name}: noise")
        for column, at in enumerate(AT):
            a1, _, s1 = path.at(at)
            axes = figure.add_subplot(grid[row, 3 + column])
            axes.imshow(a1 * x + s1 * noise, cmap="gray", vmin=-1.5, vmax=1.5)
            axes.set_xticks([])
            axes.set_yticks([])
            if row == 0:
                axes.set_title(f"{1000 * at:.0f}", fontsize=8)
            if column == 0:
                axes.set_ylabel(name, fontsize=8)
    plot.set_xlabel("step of 1000")
    plot.set_ylabel("factor")
    plot.legend(fontsize=7)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=90)
    Image.open(out).convert("RGB").save(target, "WEBP", quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
