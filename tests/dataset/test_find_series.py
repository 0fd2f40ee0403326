"""Series over times are found by their BIDS names, in order of the times their sidecars say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.image import Image
from spinloom.dataset.find_series import find_series, read_found
from spinloom.dataset.profile.series import measure_T2
from spinloom.io import write_image

AFFINE = np.diag([2.0, 2.0, 2.0, 1.0])


def put(root: Path, name: str, data: np.ndarray | None = None, **facts: float) -> Path:
    path = root / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(Image(np.ones((4, 4, 4), np.float32) if data is None else data, AFFINE), path)
    path.with_name(path.name.replace(".nii.gz", ".json")).write_text(json.dumps(facts))
    return path


def test_files_that_differ_by_inv_or_echo_alone_are_a_series_in_order_of_time(tmp_path: Path) -> None:
    for inv, TI in ((1, 3.0), (2, 0.2), (3, 1.0), (10, 0.5)):
        put(tmp_path, f"sub-01/anat/sub-01_inv-{inv}_IRT1", InversionTime=TI)
    for ses in ("a", "b"):
        for echo in (1, 2, 3):
            put(tmp_path, f"sub-01/ses-{ses}/anat/sub-01_ses-{ses}_echo-{echo}_MESE", EchoTime=0.01 * echo)
    put(tmp_path, "sub-01/anat/sub-01_T1w")
    series, faults = find_series(tmp_path)
    assert faults == ()
    assert [(s.subject, s.session, s.suffix, s.times_s) for s in series] == [
        ("sub-01", None, "IRT1", (0.2, 0.5, 1.0, 3.0)),
        ("sub-01", "a", "MESE", (0.01, 0.02, 0.03)),
        ("sub-01", "b", "MESE", (0.01, 0.02, 0.03)),
    ]
    assert [f.name for f in series[0].files] == [f"sub-01_inv-{n}_IRT1.nii.gz" for n in (2, 10, 3, 1)]


def test_acquisitions_and_runs_are_series_of_their_own_and_phases_of_none(tmp_path: Path) -> None:
    for other in ("acq-hi_", "acq-lo_", "run-2_"):
        for echo in (1, 2):
            for part in ("mag", "phase"):
                name = f"sub-01_{other}echo-{echo}_part-{part}_MEGRE"
                put(tmp_path, name, EchoTime=0.005 * echo)
    series, _ = find_series(tmp_path)
    assert len(series) == 3
    assert all("part-mag" in f.name for s in series for f in s.files)


@pytest.mark.parametrize(
    ("times", "fault"), [((0.01, None, 0.03), "no sidecar says"), ((0.01, 0.02, 0.02), "EchoTime of")]
)
def test_a_series_with_a_time_missing_or_twice_is_a_fault_and_the_others_are_found(
    times: tuple[float | None, ...], fault: str, tmp_path: Path
) -> None:
    for n, TE in enumerate(times, start=1):
        put(tmp_path, f"sub-01_echo-{n}_MESE", **({} if TE is None else {"EchoTime": TE}))
        put(tmp_path, f"sub-02_echo-{n}_MESE", EchoTime=0.01 * n)
    series, faults = find_series(tmp_path)
    assert [s.subject for s in series] == ["sub-02"]
    assert len(faults) == 1
    assert fault in faults[0][1]


def test_what_is_found_can_be_measured(tmp_path: Path) -> None:
    T2 = 0.08
    i, j, k = np.indices((16, 16, 16)) - 7.5
    head = (i**2 + j**2 + k**2 < 49).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1, (4, 16, 16, 16))
    for n, TE in enumerate((0.02, 0.05, 0.09, 0.15), start=1):
        data = (1000 * head * np.exp(-TE / T2) + noise[n - 1]).astype(np.float32)
        put(tmp_path, f"sub-01_echo-{n}_MESE", data, EchoTime=TE)
    ((series,), _) = find_series(tmp_path)
    assert measure_T2(read_found(series), series.times_s).median == pytest.approx(T2, rel=0.01)
