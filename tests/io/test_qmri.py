"""Quantitative maps: seconds, percent and hertz on the disk; seconds, one and hertz inside; one grid."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_phantom_files import phantom

from spinloom.core.errors import InputError
from spinloom.core.image import Image
from spinloom.io import read_image, read_phantom, write_image, write_phantom
from spinloom.io.qmri_write import write_maps

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])
SHAPE = (6, 7, 8)


def put(folder: Path, suffix: str, value: float, affine: np.ndarray = AFFINE, shape: tuple[int, ...] = SHAPE) -> None:
    write_image(Image(np.full(shape, value, np.float32), affine), folder / f"sub-01_{suffix}.nii.gz")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    before = replace(phantom(), B1=np.full((5, 6, 4), 0.9, np.float32), labels=np.ones((5, 6, 4), np.int32))
    write_phantom(before, tmp_path / "maps")
    after = read_phantom(tmp_path / "maps", B0=3.0)
    assert after.grid.same_place(before.grid)
    for name in ("PD", "T1", "T2", "T2prime", "dB0", "B1", "labels"):
        got, expected = (np.where(before.PD > 0, getattr(p, name), 0) for p in (after, before))
        np.testing.assert_allclose(got, expected, rtol=2e-5, err_msg=name)
    assert read_image(tmp_path / "maps" / "TB1map.nii.gz").data.max() == pytest.approx(90)
    assert json.loads((tmp_path / "maps" / "TB1map.json").read_text())["Units"] == "percent"


def test_one_map_stands_for_its_subject(tmp_path: Path) -> None:
    for subject, T1 in (("sub-01_", 1.0), ("sub-02_", 2.0)):
        scaled = replace(phantom(), T1=np.where(phantom().PD > 0, T1, 0).astype(np.float32))
        write_maps(scaled, tmp_path, prefix=subject)
    assert read_phantom(tmp_path / "sub-02_T1map.nii.gz").T1.max() == 2
    with pytest.raises(InputError, match="more than one PDmap"):
        read_phantom(tmp_path)


def test_rates_and_said_units_are_converted(tmp_path: Path) -> None:
    put(tmp_path, "R1map", 0.8)
    put(tmp_path, "T2map", 80.0)
    (tmp_path / "sub-01_T2map.json").write_text('{"Units": "ms"}')
    put(tmp_path, "fieldmap", 2 * np.pi * 10)
    (tmp_path / "sub-01_fieldmap.json").write_text('{"Units": "rad/s"}')
    put(tmp_path, "TB1map", 95.0)
    read = read_phantom(tmp_path)
    assert read.dB0 is not None
    assert read.B1 is not None
    for values, expected in ((read.T1, 1.25), (read.T2, 0.08), (read.dB0, 10), (read.B1, 0.95), (read.PD, 1)):
        np.testing.assert_allclose(values, expected, rtol=1e-5)


def test_a_field_map_of_zeros_is_a_field_map(tmp_path: Path) -> None:
    for suffix, value in (("T1map", 1.0), ("T2map", 0.1), ("fieldmap", 0.0)):
        put(tmp_path, suffix, value)
    assert not np.any(read_phantom(tmp_path).dB0)


BAD: dict[str, tuple[dict[str, float], str]] = {
    "T1 in ms": ({"T1map": 1200, "T2map": 0.08}, "looks like ms"),
    "T2 in ms": ({"T1map": 1.2, "T2map": 80}, "looks like ms"),
    "B1 is relative": ({"T1map": 1.2, "T2map": 0.08, "TB1map": 1.0}, "looks relative; BIDS keeps percent"),
    "B1 in per mille": (
        {"T1map": 1.2, "T2map": 0.08, "TB1map": 1000},
        "B1 map has median 10, which looks like percent",
    ),
    "PD in percent": ({"T1map": 1.2, "T2map": 0.08, "PDmap": 80}, "percent"),
    "T2 longer than T1": ({"T1map": 0.1, "T2map": 0.2}, "T2 > T1"),
    "T2star longer than T2": ({"T1map": 1.2, "T2map": 0.05, "T2starmap": 0.08}, "T2star > T2"),
    "no T2": ({"T1map": 1.2}, "holds no T2 map"),
    "T1 and R1": ({"T1map": 1.2, "R1map": 0.8, "T2map": 0.08}, "both R1map and T1map|both T1map and R1map"),
    "nothing": ({}, "holds no quantitative maps"),
    "field in tesla": ({"T1map": 1.2, "T2map": 0.08, "fieldmap": 1e-7}, "looks like tesla"),
}


@pytest.mark.parametrize("case", BAD)
def test_maps_that_cannot_be_are_refused(case: str, tmp_path: Path) -> None:
    maps, fault = BAD[case]
    for suffix, value in maps.items():
        put(tmp_path, suffix, value)
    with pytest.raises(InputError, match=fault) as refusal:
        read_phantom(tmp_path)
    assert refusal.value.file is not None


@pytest.mark.parametrize(
    ("moved", "accepted"),
    [(1e-7, True), (1e-4, True), (1.0, False)],
)
def test_grids_may_differ_by_rounding_but_not_by_a_millimetre(moved: float, accepted: bool, tmp_path: Path) -> None:
    other = AFFINE.copy()
    other[0, 3] += moved
    put(tmp_path, "T1map", 1.2)
    put(tmp_path, "T2map", 0.08, other)
    if accepted:
        assert read_phantom(tmp_path).grid.shape == SHAPE
    else:
        with pytest.raises(InputError, match=r"another grid.*up to 1 mm apart"):
            read_phantom(tmp_path)


def test_a_mirrored_or_transposed_map_lies_on_another_grid(tmp_path: Path) -> None:
    put(tmp_path, "T1map", 1.2)
    put(tmp_path, "T2map", 0.08, AFFINE @ np.diag([-1, 1, 1, 1]))
    with pytest.raises(InputError, match="another grid"):
        read_phantom(tmp_path)
    put(tmp_path, "T2map", 0.08, shape=SHAPE[::-1])
    with pytest.raises(InputError, match=r"shapes \(8, 7, 6\) and \(6, 7, 8\)"):
        read_phantom(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ("", "is empty"),
        ("[" * 100_000, "not JSON"),
        ('{"Units": "fortnights"}', "unit is 'fortnights'"),
        ('{"Units": "' + "x" * 2**20 + '"}', "more than the limit"),
    ],
)
def test_a_bad_sidecar_is_refused(text: str, fault: str, tmp_path: Path) -> None:
    put(tmp_path, "T1map", 1.2)
    put(tmp_path, "T2map", 0.08)
    (tmp_path / "sub-01_T1map.json").write_text(text)
    with pytest.raises(InputError, match=fault) as refusal:
        read_phantom(tmp_path)
    assert "sub-01_T1map" in str(refusal.value.file)
