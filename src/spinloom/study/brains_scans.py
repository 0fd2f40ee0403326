"""Class maps as one fixed scan, and what the project's own encoder sees in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from spinloom.evaluation.features import slice_features
from spinloom.phantom.classes import CLASSES, TISSUES
from spinloom.phantom.tissue_table import tissue_table
from spinloom.simulation.signal_equations import spoiled_gradient_echo

TR, FA, B0 = 20e-3, np.deg2rad(25), 3.0
"""T1w: a spoiled gradient echo of 20 ms and 25 degrees at 3 T, echo time near 0, mean tissue values."""
Labels = NDArray[np.uint8]


def signals() -> NDArray[np.float64]:
    """(11,) signal of each class, the largest 1."""
    table = tissue_table(B0)
    found = np.zeros(len(CLASSES))
    for name, mixture in TISSUES.items():
        for tissue, share in mixture:
            t = table.named(tissue)
            found[CLASSES.index(name)] += share * t.PD * spoiled_gradient_echo(t.T1, TR=TR, FA=FA)
    return found / found.max()


def features(slices: Labels, voxel_mm: float) -> NDArray[np.float64]:
    """(n, x, y) classes → (n, 48) features of their scans."""
    values = signals()
    return np.array([slice_features(values[s], s > 0, (voxel_mm, voxel_mm)) for s in slices])
