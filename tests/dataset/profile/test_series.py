"""Relaxation of a head from a series: known truth, and real series against the floors of their left-out points.

Floors of the real slice (fsantini/qMRI_example): README of the data; norm and head as in tests/parity.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.dataset.profile.imitate import imitate
from spinloom.dataset.profile.measure import Profile, Range, profile_of
from spinloom.dataset.profile.relaxation import factors, with_series
from spinloom.dataset.profile.relaxometry import fit_T1, fit_T2
from spinloom.dataset.profile.series import measure_T1, measure_T2
from spinloom.phantom.tissue_table import tissue_table

TI = [0.05, 0.1, 0.2, 0.5, 2.0, 4.0]
TE = [0.01, 0.025, 0.05, 0.09, 0.15, 0.25]
SHAPE = (48, 48, 4)
WHITE, GREY = (0.85, 0.07), (1.35, 0.09)
"""T1 and T2 [s] of the two halves; the first is the larger one."""


def two_tissues(echoes: bool, sigma: float, signed: bool = True) -> list[Image]:
    """A square with 60 % of one tissue, signal 100 and 130."""
    inside = np.zeros(SHAPE, bool)
    inside[8:40, 8:40] = True
    white = np.zeros(SHAPE, bool)
    white[8:27] = True
    T = np.where(white, WHITE[int(echoes)], GREY[int(echoes)])
    A = inside * np.where(white, 100.0, 130.0)
    rng = np.random.default_rng(4)
    found = []
    for t in TE if echoes else TI:
        clean = A * np.exp(-t / T) if echoes else A * (1 - 1.88 * np.exp(-t / T))
        noisy = clean + sigma * (rng.standard_normal(SHAPE) + 1j * rng.standard_normal(SHAPE))
        found.append(Image(noisy.real if signed else np.abs(noisy), np.eye(4)))
    return found


@pytest.mark.parametrize("signed", [True, False])
def test_commonest_T1_within_3_percent_with_the_efficiency_of_the_inversion(signed: bool) -> None:
    found = measure_T1(two_tissues(False, 0.7, signed), TI)
    assert found.mode == pytest.approx(WHITE[0], rel=0.03)
    assert found.inversion == pytest.approx(1.88, rel=0.01)
    assert np.nanmedian(found.T[8:27]) == pytest.approx(WHITE[0], rel=0.02)
    assert np.nanmedian(found.T[28:40, 8:40]) == pytest.approx(GREY[0], rel=0.02)
    assert found.error == pytest.approx(np.nanstd(found.T[8:27]), rel=0.4)


@pytest.mark.parametrize("sigma", [0.0, 3.0])
def test_commonest_T2_within_3_percent_with_and_without_a_noise_floor(sigma: float) -> None:
    found = measure_T2(two_tissues(True, max(sigma, 0.2), signed=False), TE, sigma)
    assert found.mode == pytest.approx(WHITE[1], rel=0.03)
    assert np.nanmedian(found.A[8:27, 8:40]) == pytest.approx(100, rel=0.02)


def test_series_of_other_grids_other_counts_and_of_noise_alone_are_refused() -> None:
    images = two_tissues(True, 1.0, signed=False)
    with pytest.raises(InputError, match="6 images and 5 times"):
        measure_T2(images, TE[:5])
    with pytest.raises(InputError, match="different grids"):
        measure_T2([*images[:5], Image(images[5].data, np.diag([2.0, 1, 1, 1]))], TE)
    noise = [Image(np.random.default_rng(n).standard_normal(SHAPE), np.eye(4)) for n in range(6)]
    few = np.zeros(SHAPE, bool)
    few[:3, :3, 0] = True
    with pytest.raises(InputError, match="no relaxation time"):
        measure_T1(noise, TI, few)


def test_measured_times_go_through_the_profile_into_factors_of_the_tissue_table() -> None:
    T1 = measure_T1(two_tissues(False, 0.5), TI)
    T2 = measure_T2(two_tissues(True, 0.2, signed=False), TE)
    profile = profile_of(with_series(Profile({"T1w": {}}, {}), T1map=T1, T2map=T2).to_toml())
    white = tissue_table(3.0).named("white_matter")
    found = factors(profile, 3.0)
    assert found["T1"][1] == pytest.approx(WHITE[0] / white.T1, rel=0.03)
    assert found["T2"][1] == pytest.approx(WHITE[1] / white.T2, rel=0.03)


def test_a_profile_of_times_and_field_maps_becomes_fields_of_a_recipe_that_have_them() -> None:
    """B0 twice as uneven as a simulated head's gives 2; T1 of 1 s stretches white matter to 1 s."""
    from spinloom.dataset.recipe import from_plain
    from spinloom.dataset.subject import make_subject

    coarse = from_plain({"phantom": {"voxel_mm": 4.0}})
    head = make_subject(coarse, 0).phantom
    assert head.dB0 is not None
    sd = 2 * float(head.dB0[head.PD > 0].std())
    one = {name: Range(v, v, v, 1) for name, v in (("mode_s", 1.0), ("field_sd", sd))}
    profile = Profile({"T1w": {}, "T1map": {"mode_s": one["mode_s"]}, "fieldmap": {"field_sd": one["field_sd"]}}, {})
    recipe, became, left = imitate(profile, coarse)
    assert float(recipe.scanner.B0_inhomogeneity.value) == pytest.approx(2.0, rel=0.02)  # type: ignore[union-attr]
    tissues = make_subject(recipe, 0).phantom.tissues
    usual = head.tissues
    assert tissues is not None
    assert usual is not None
    times = [t.named("white_matter").T1 for t in (tissues, usual)]
    assert times[0] / times[1] == pytest.approx(1.0 / tissue_table(3.0).named("white_matter").T1, rel=1e-3)
    assert any("T1_relative" in text for text in became)
    assert not any("T1map" in text or "fieldmap" in text for text in left)


def test_the_command_refuses_a_series_without_times(tmp_path: Path) -> None:
    from spinloom.cli.main import app
    from spinloom.core.errors import UsageError

    result = CliRunner().invoke(app, ["profile", str(tmp_path), "-o", "x.toml", "--T1-series", "x.npy"])
    assert isinstance(result.exception, UsageError)
    result = CliRunner().invoke(
        app, ["profile", str(tmp_path), "-o", "x.toml", "--T1-series", "x.npy", "--TI-ms", "a,b"]
    )
    assert isinstance(result.exception, UsageError | InputError)


@pytest.fixture(scope="module")
def real(shared_data: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Inversion recoveries and spin echoes (voxel of the head, point)."""
    IR, SE = (
        np.load(shared_data / "qmri_relaxometry" / f"{n}dataset.npy", encoding="latin1").astype(float)
        for n in ("t1", "t2")
    )
    head = SE[..., 0] > 0.1 * np.percentile(SE[..., 0], 99)
    return IR[head], SE[head]


def NRMSE(predicted: NDArray[np.float64], measured: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(predicted - measured) / np.linalg.norm(measured))


@pytest.mark.parametrize(("out", "floor"), [(2, 0.052), (3, 0.114), (4, 0.072)])
def test_real_inversion_recovery_left_out_is_predicted_to_its_floor(
    real: tuple[NDArray[np.float64], NDArray[np.float64]], out: int, floor: float
) -> None:
    IR, t = real[0][::4], np.array(TI)
    keep = np.arange(6) != out
    fit = fit_T1(IR[:, keep], t[keep])
    assert NRMSE(fit.A * (1 - fit.c * np.exp(-t[out] / fit.T)), IR[:, out]) <= 1.08 * floor


@pytest.mark.parametrize(("out", "floor"), [(2, 0.066), (3, 0.101), (4, 0.171)])
def test_real_spin_echo_left_out_is_predicted_to_its_floor(
    real: tuple[NDArray[np.float64], NDArray[np.float64]], out: int, floor: float
) -> None:
    SE, t = real[1][::4], np.array(TE)
    keep = np.arange(6) != out
    fit = fit_T2(SE[:, keep], t[keep])
    assert NRMSE(fit.A * np.exp(-t[out] / fit.T), SE[:, out]) <= 1.05 * floor
