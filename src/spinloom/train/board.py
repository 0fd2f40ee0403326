"""Losses and panels for TensorBoard, where it is installed; log.jsonl has the same losses for everybody."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from spinloom.train.loop import Progress


def board(root: Path) -> Callable[[Progress, Picture.Image | None], None]:
    """A function that writes a step's losses and picture under `tensorboard/`; it does nothing without TensorBoard."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return lambda progress, picture: None

    def write(progress: Progress, picture: Picture.Image | None) -> None:
        with SummaryWriter(str(root / "tensorboard")) as writer:
            for name, value in progress.losses.items():
                writer.add_scalar(name.replace(" ", "/"), value, progress.step)
            if picture is not None:
                writer.add_image("panel", np.asarray(picture)[None], progress.step)

    return write
