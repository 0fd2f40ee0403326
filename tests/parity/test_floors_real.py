"""Floors on public scans: the numbers of docs/results.md, made by benchmarks/floors.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from spinloom.evaluation.floors import Forest, IntensityLookup

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "floors.py"


@pytest.fixture(scope="module")
def floors() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_floors", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(("head", "psnr", "ssim"), [("healthy", 23.0, 0.84), ("stroke", 23.1, 0.86)])
def test_four_times_through_plane_cubic_interpolation_agrees_with_a_measurement_by_other_code(
    floors: ModuleType, shared_data: Path, head: str, psnr: float, ssim: float
) -> None:
    found = floors.superresolution(shared_data, head)
    assert found.psnr == pytest.approx(psnr, abs=0.1)
    assert found.ssim == pytest.approx(ssim, abs=0.005)


@pytest.mark.parametrize(("source", "target", "psnr", "ssim"), [("T1", "T2", 16.74, 0.704), ("T2", "T1", 15.62, 0.762)])
def test_a_lookup_table_from_one_subject_to_another(
    floors: ModuleType, shared_data: Path, source: str, target: str, psnr: float, ssim: float
) -> None:
    found, _ = floors.contrast(shared_data, IntensityLookup(), source, target)
    assert found.psnr == pytest.approx(psnr, abs=0.05)
    assert found.ssim == pytest.approx(ssim, abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target", "psnr", "ssim"), [("T1", "T2", 18.10, 0.767), ("T2", "T1", 17.64, 0.841)])
def test_a_forest_from_one_subject_to_another(
    floors: ModuleType, shared_data: Path, source: str, target: str, psnr: float, ssim: float
) -> None:
    found, _ = floors.contrast(shared_data, Forest(), source, target)
    assert found.psnr == pytest.approx(psnr, abs=0.15)
    assert found.ssim == pytest.approx(ssim, abs=0.01)
