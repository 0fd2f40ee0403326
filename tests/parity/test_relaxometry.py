"""Real relaxometry: maps fitted to all points but one predict that one through the signal equations.

One slice of a living brain (fsantini/qMRI_example, MIT): inversion-recovery turbo spin echoes at six inversion times
and spin echoes at six echo times. What keeps the error from being zero is the brain (several water pools in a voxel,
CSF in motion, ghosts) and the noise, so one T1 and T2 per voxel have a floor, given in the README of the data.

    NRMSE = |predicted - measured| / |measured|      Euclidean norms over the voxels of the head

The head is where the first spin echo exceeds a tenth of its 99th percentile: with this norm and mask a plain
mono-exponential fit gives those floors (inversion recovery: with an efficiency of 0.9 everywhere).
"""

from __future__ import annotations

from math import pi
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from spinloom.simulation.signal_equations import inversion_recovery, spin_echo

Floats = NDArray[np.float64]

TI = np.array([50, 100, 200, 500, 2000, 4000]) * 1e-3
TR_IR = 15.0
TE = np.array([10, 25, 50, 90, 150, 250]) * 1e-3
TR_SE = 5.0
T1_GRID = np.geomspace(0.05, 6.0, 240)
T2_GRID = np.geomspace(0.008, 3.0, 240)
EFFICIENCIES = np.arange(0.6, 1.001, 0.05)


def fit(measured: Floats, models: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Least squares: the amplitude (voxel,) and the index of the model that leave the smallest residual.

    measured  (voxel, point);  models (model, point) for an amplitude of 1
    """
    unit = models / np.linalg.norm(models, axis=1, keepdims=True)
    best = np.concatenate([np.argmax(part @ unit.T, axis=1) for part in np.array_split(measured, 40)])
    return np.sum(measured * models[best], axis=1) / np.sum(models[best] ** 2, axis=1), best


def inversion_recoveries(at: Floats) -> Floats:
    """Mz of every pair of efficiency and T1 → (model, point)."""
    e, T1 = (x.reshape(-1, 1) for x in np.meshgrid(EFFICIENCIES, T1_GRID, indexing="ij"))
    return np.asarray(inversion_recovery(T1, TI=at, TR=TR_IR, inversion_efficiency=e))


def fitted_T1(series: Floats, points: NDArray[np.bool_]) -> tuple[Floats, NDArray[np.intp], Floats]:
    """PD, index of the model, and T1 [s]; from the points that are used."""
    PD, model = fit(series[:, points], inversion_recoveries(TI[points]))
    return PD, model, T1_GRID[model % len(T1_GRID)]


def spin_echoes(T1: float, at: Floats) -> Floats:
    """Spin echoes of every T2 → (model, point)."""
    return np.asarray(spin_echo(T1, T2_GRID[:, None], TE=at, TR=TR_SE, FA=pi / 2))


def NRMSE(predicted: Floats, measured: Floats) -> float:
    return float(np.linalg.norm(predicted - measured) / np.linalg.norm(measured))


def predicted_recovery(IR: Floats, out: int) -> tuple[Floats, Floats]:
    """Inversion recovery (voxel,) at the TI left out, and T1 (voxel,) [s], from the other TI."""
    PD, model, T1 = fitted_T1(IR, np.arange(6) != out)
    return PD * inversion_recoveries(TI[[out]])[model, 0], T1


def predicted_echo(SE: Floats, T1: Floats, out: int) -> tuple[Floats, Floats]:
    """Spin echo (voxel,) at the TE left out, and T2 (voxel,) [s], from the other TE; T1 (voxel,) [s] is known."""
    keep = np.arange(6) != out
    PD, T2 = np.zeros(len(SE)), np.zeros(len(SE))
    for value in np.unique(T1):
        here = value == T1
        PD[here], model = fit(SE[here][:, keep], spin_echoes(float(value), TE[keep]))
        T2[here] = T2_GRID[model]
    return PD * np.asarray(spin_echo(T1, T2, TE=TE[out], TR=TR_SE, FA=pi / 2)), T2


def load(shared_data: Path) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Inversion recovery and spin echo (voxel of the head, point), and the head (row, column)."""
    folder = shared_data / "qmri_relaxometry"
    IR, SE = (np.load(folder / f"{name}dataset.npy", encoding="latin1").astype(float) for name in ("t1", "t2"))
    head = SE[..., 0] > 0.1 * np.percentile(SE[..., 0], 99)
    return IR[head], SE[head], head


@pytest.fixture(scope="module")
def series(shared_data: Path) -> tuple[Floats, Floats]:
    return load(shared_data)[:2]


@pytest.mark.parametrize(("left_out", "floor"), [(0.2, 0.052), (0.5, 0.114), (2.0, 0.072)])
def test_inversion_recovery_with_imperfect_inversion_predicts_the_TI_left_out(
    series: tuple[Floats, Floats], left_out: float, floor: float
) -> None:
    IR, _ = series
    out = int(np.flatnonzero(np.isclose(TI, left_out))[0])
    assert NRMSE(predicted_recovery(IR, out)[0], IR[:, out]) <= 1.05 * floor


@pytest.mark.parametrize(("left_out", "floor"), [(0.05, 0.066), (0.09, 0.101), (0.15, 0.171)])
def test_spin_echo_predicts_the_TE_left_out(series: tuple[Floats, Floats], left_out: float, floor: float) -> None:
    """T1 of each voxel, from the inversion recovery, says how much of PD is back after TR."""
    IR, SE = series
    out = int(np.flatnonzero(np.isclose(TE, left_out))[0])
    T1 = fitted_T1(IR, np.ones(6, bool))[2]
    assert NRMSE(predicted_echo(SE, T1, out)[0], SE[:, out]) <= 1.05 * floor


def test_the_inversion_was_not_perfect(series: tuple[Floats, Floats]) -> None:
    """The efficiency that leaves the smallest residual, one for all voxels, lies near 0.9 (a factor 1 + e near 1.9)."""
    IR, _ = series
    efficiencies, residual = np.arange(0.8, 1.001, 0.05), []
    for e in efficiencies:
        models = np.asarray(inversion_recovery(T1_GRID[:, None], TI=TI, TR=TR_IR, inversion_efficiency=e))
        PD, model = fit(IR, models)
        residual.append(np.linalg.norm(IR - PD[:, None] * models[model]))
    assert efficiencies[int(np.argmin(residual))] == pytest.approx(0.9, abs=0.06)


def test_fitted_maps_are_those_of_a_brain(series: tuple[Floats, Floats]) -> None:
    """The commonest T1 and T2 of the slice are those of white and grey matter between 1.5 and 3 T.

    T1 646 to 1607 ms: Wright et al., MAGMA 21, 121 (2008); T2 71 to 87 ms: Cox & Gowland, MRM 64, 1440 (2010).
    """
    IR, SE = series
    T1 = fitted_T1(IR, np.ones(6, bool))[2]
    _, model = fit(SE, spin_echoes(1.0, TE))
    assert 0.646 <= np.median(T1) <= 1.607
    assert 0.06 <= np.median(T2_GRID[model]) <= 0.1
