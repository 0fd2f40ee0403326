"""Generated heads beside held-out ones, and one of them scanned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.core.image import Image
from spinloom.core.scanner import Scanner
from spinloom.phantom.classes import CLASSES
from spinloom.phantom.generated import from_classes
from spinloom.reconstruction.reconstruct import reconstruct_all
from spinloom.report import slices
from spinloom.report.page import Picture
from spinloom.sequence.protocols import PROTOCOLS
from spinloom.simulation.simulate import simulate
from spinloom.study.brains_sets import Compared
from spinloom.translate.brain_model import BrainModel
from spinloom.translate.brains import one_head, place

COLOURS = np.array(
    [
        (18, 22, 30), (224, 170, 140), (176, 110, 80), (96, 88, 76), (206, 176, 120), (196, 40, 60), (74, 144, 217),
        (30, 60, 200), (150, 150, 158), (238, 236, 228), (110, 170, 120),
    ],
    np.uint8,
)  # fmt: skip
"""Of CLASSES."""
LEGEND = "CSF light blue, ventricles dark blue, grey and white as named, deep grey green, bone brown, vessels red"
SCANS = {
    "T1w": ("spin_echo", {"TE": 10e-3, "TR": 500e-3}),
    "T2w": ("spin_echo", {"TE": 90e-3, "TR": 4.0}),
}


def strip(some: Compared, at: list[int]) -> Picture:
    """Some slices of a set in colours, side by side; nose up."""
    tiles = [coloured(some.labels[k]) for k in at]
    return Picture(slices.webp(slices.beside(tiles), 70), "")


def planes(some: Compared, k: int) -> Picture:
    """A volume's axial, coronal and sagittal slice through the middle of the ventricles' level."""
    v = some.labels[k]
    x, y, z = (n // 2 for n in v.shape)
    parts = [v[:, :, z + 8], v[:, y - 4, :], v[x - 2, :, :]]
    return Picture(slices.webp(slices.beside([np.repeat(np.repeat(coloured(p), 2, 0), 2, 1) for p in parts]), 70), "")


def coloured(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(x, y) classes → (y, x, 3), the second axis upwards."""
    assert len(COLOURS) == len(CLASSES)
    return np.ascontiguousarray(COLOURS[labels].transpose(1, 0, 2)[::-1])


def scanned(model: BrainModel, number: int, seed: int, level_mm: float) -> dict[str, Picture]:
    """One generated slice as T1w and T2w, through k-space, with noise."""
    grid = place(model.plan)
    fractions, _ = one_head(model, seed, number, level_mm=level_mm)
    head = from_classes(fractions.reshape(-1, *grid.shape), grid, B0=3.0, seed=seed, subject=f"scanned-{number}")
    found = {}
    for name, (protocol, settings) in SCANS.items():
        k = simulate(head, PROTOCOLS[protocol](B0=3.0, **settings), Scanner(B0=3.0), seed=seed)
        found[name] = Picture(grey(reconstruct_all(k)[0]), "")
    return found


def grey(image: Image) -> bytes:
    """The middle slice of an image."""
    v = slices.volume(np.abs(image.data), image.affine)
    frame = slices.frame_of(v, margin_mm=0.0, height_px=320)
    return slices.webp(slices.orthogonal(v, frame, slices.window(v.data)), 75)
