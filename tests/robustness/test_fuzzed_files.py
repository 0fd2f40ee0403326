"""Whatever bytes are changed in a file, the answer is an image, a phantom, raw data or one clear error."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import nifti_corpus as corpus
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_bad_h5 import jemris, koma

from spinloom.core.errors import SpinloomError
from spinloom.core.kspace import KSpace
from spinloom.io import read_image, read_kspace, read_phantom, write_kspace

Fuzz = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
changes = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)


def survives(
    read: Callable[[Path], object], path: Path, good: bytes, edits: list[tuple[float, int]], head: int
) -> None:
    content = bytearray(good)
    for where, value in edits:
        content[int(where * min(head, len(content)))] = value
    path.write_bytes(bytes(content))
    start = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            read(path)
        except SpinloomError as error:
            said = str(error)
        else:
            said = str(path)
    assert str(path) in said
    assert time.monotonic() - start < 5


@Fuzz
@given(changes)
def test_any_NIfTI_header(tmp_path: Path, edits: list[tuple[float, int]]) -> None:
    survives(read_image, tmp_path / "x.nii", corpus.nifti(), edits, 352)


@Fuzz
@given(changes)
def test_any_gzip(tmp_path: Path, edits: list[tuple[float, int]]) -> None:
    survives(read_image, tmp_path / "x.nii.gz", corpus.packed(corpus.nifti()), edits, 10**6)


@pytest.mark.parametrize("make", [jemris(), koma()], ids=["JEMRIS", "KomaMRI"])
@Fuzz
@given(edits=changes)
def test_any_HDF5_phantom(make: Callable[[Path], None], tmp_path: Path, edits: list[tuple[float, int]]) -> None:
    make(tmp_path / "good.h5")
    survives(read_phantom, tmp_path / "x.h5", (tmp_path / "good.h5").read_bytes(), edits, 10**6)


@pytest.mark.parametrize("suffix", [".npz", ".mrd"])
@Fuzz
@given(edits=changes)
def test_any_raw_data(suffix: str, tmp_path: Path, edits: list[tuple[float, int]]) -> None:
    good = tmp_path / f"good{suffix}"
    if not good.exists():
        write_kspace(KSpace(np.ones((1, 2, 3), complex), np.zeros((2, 3, 3)), np.zeros((2, 3))), good)
    survives(read_kspace, tmp_path / f"x{suffix}", good.read_bytes(), edits, 10**6)
