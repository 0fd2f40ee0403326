"""Field maps of a BIDS data set are measured where they lie, in Hz and relative to nominal whatever their unit."""

from __future__ import annotations

import json
from math import pi
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spinloom.cli.main import app
from spinloom.core.constants import GAMMA_BAR
from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.find import find_scans
from spinloom.dataset.profile.measure import profile_of
from spinloom.dataset.read_scan import read_scan
from spinloom.io import write_image

SHAPE = (32, 36, 20)
INSIDE = sum(((g - n / 2) / (0.36 * n)) ** 2 for g, n in zip(np.indices(SHAPE), SHAPE, strict=True)) < 1
RNG = np.random.default_rng(2)
B0 = 5.0 * (np.indices(SHAPE)[0] - 15.7)
"""[Hz], 1 Hz/mm"""
B1 = 1 + 0.01 * (np.indices(SHAPE)[1] - 17.6)
SCAN = np.hypot(100.0 * INSIDE + RNG.normal(size=SHAPE), RNG.normal(size=SHAPE)).astype(np.float32)


def bids(root: Path, unit: str | None, per_unit: float, percent: bool = False) -> Path:
    def save(name: str, data: np.ndarray, unit: str | None = None) -> None:
        file = root / "sub-01" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        write_image(Image(data, np.diag([5.0, 5.0, 5.0, 1.0])), file)
        if unit:
            Path(str(file).replace(".nii.gz", ".json")).write_text(json.dumps({"Units": unit}))

    save("anat/sub-01_T1w.nii.gz", SCAN)
    outside = RNG.normal(0, 300, SHAPE) * ~INSIDE
    save("fmap/sub-01_fieldmap.nii.gz", ((B0 * INSIDE + outside) / per_unit).astype(np.float32), unit)
    save("fmap/sub-01_magnitude.nii.gz", SCAN)
    save("fmap/sub-01_TB1map.nii.gz", (B1 * INSIDE * (100 if percent else 1)), "percent" if percent else None)
    save("fmap/sub-01_phasediff.nii.gz", SCAN)
    return root


@pytest.mark.parametrize(("unit", "per_unit"), [(None, 1.0), ("Hz", 1.0), ("rad/s", 1 / (2 * pi)), ("T", GAMMA_BAR)])
def test_B0_and_B1_of_fmap_are_measured_and_phasediff_is_refused(
    tmp_path: Path, unit: str | None, per_unit: float
) -> None:
    root = bids(tmp_path / "bids", unit, per_unit, percent=unit == "Hz")
    done = CliRunner().invoke(app, ["profile", str(root), "-o", str(tmp_path / "like.toml")])
    assert done.exit_code == 0, done.output
    assert "phasediff.nii.gz is a wrapped phase" in done.stderr
    found = profile_of((tmp_path / "like.toml").read_text()).contrasts
    assert found["fieldmap"]["field_sd"].median == pytest.approx(B0[INSIDE].std(), rel=0.03)
    assert found["fieldmap"]["field_slope_per_mm"].median == pytest.approx(1.0, rel=0.03)
    assert found["TB1map"]["field_sd"].median == pytest.approx(B1[INSIDE].std(), rel=0.01)
    assert found["TB1map"]["field_median"].median == pytest.approx(np.median(B1[INSIDE]), rel=0.01)


def test_an_unknown_unit_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    found = find_scans(bids(tmp_path, "gauss", 1.0))
    field = next(s for s in found.scans if s.contrast == "fieldmap")
    assert field.quantity is Quantity.DB0
    with pytest.raises(InputError, match=r"is in 'gauss'.*rad/s"):
        read_scan(field)
