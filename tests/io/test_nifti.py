"""An image survives the disk: numbers, place and meaning."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinloom.core.affine import centred, to_ras
from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.io import read_image, write_image

A = centred((6, 7, 8), 1.5, (3.0, -2.0, 9.0))


def image(dtype: str = "f4", seed: int = 0) -> Image:
    values = np.random.default_rng(seed).normal(50, 20, (6, 7, 8))
    return Image(values.astype(dtype), A)


def rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rodrigues' formula."""
    x, y, z = axis / np.linalg.norm(axis)
    K = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * K + (1 - np.cos(angle)) * K @ K


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
@pytest.mark.parametrize("dtype", ["f4", "i2", "u2", "u1", "i4", "c8"])
def test_what_is_written_is_read(dtype: str, name: str, tmp_path: Path) -> None:
    before = image(dtype)
    write_image(before, tmp_path / name)
    after = read_image(tmp_path / name)
    np.testing.assert_array_equal(after.data, before.data)
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: np.linalg.norm(v) > 0.1),
    st.one_of(st.floats(-3.2, 3.2), st.floats(np.pi - 1e-3, np.pi + 1e-3)),
    st.lists(st.floats(0.3, 6), min_size=3, max_size=3),
    st.booleans(),
)
def test_any_rotation_and_handedness_survives(
    tmp_path_factory: pytest.TempPathFactory, axis: list[float], angle: float, size: list[float], flip: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "rotated.nii"
    affine = np.eye(4)
    affine[:3, :3] = rotation(np.array(axis), angle) @ np.diag(size) @ np.diag([-1.0 if flip else 1.0, 1, 1])
    affine[:3, 3] = [-90, 40, 12.5]
    write_image(Image(np.ones((40, 50, 60), np.uint8), affine), path)
    np.testing.assert_allclose(read_image(path).affine, affine, atol=2e-6 * 90)
    stored = nib.load(path)
    assert np.abs(stored.get_qform() - affine).max() < 1e-3 * max(size)


def test_int16_is_within_half_a_step_and_the_step_is_a_round_number(tmp_path: Path) -> None:
    before = image("f8")
    write_image(before, tmp_path / "x.nii.gz", dtype=np.int16)
    stored = nib.load(tmp_path / "x.nii.gz")
    slope = float(stored.dataobj.slope)
    assert stored.get_data_dtype() == np.int16
    peak = np.abs(before.data).max()
    assert peak / 32767 <= slope <= 1.011 * peak / 32767
    assert float(f"{slope:.2e}") == pytest.approx(slope, rel=1e-6)
    assert np.abs(read_image(tmp_path / "x.nii.gz").data - before.data).max() <= 0.5001 * slope


def test_a_last_bit_difference_moves_no_voxel_by_more_than_one_step(tmp_path: Path) -> None:
    before = image("f8")
    nudged = Image(before.data * (1 + 4e-16), A)
    for name, value in (("a.nii", before), ("b.nii", nudged)):
        write_image(value, tmp_path / name, dtype=np.int16)
    a, b = (np.asarray(nib.load(tmp_path / n).dataobj.get_unscaled(), int) for n in ("a.nii", "b.nii"))
    assert np.abs(a - b).max() <= 1


def test_whole_numbers_that_fit_are_not_scaled(tmp_path: Path) -> None:
    ct = Image(np.array([-1024.0, 0.4, 3071.0]).reshape(3, 1, 1), np.eye(4), Quantity.HU)
    write_image(ct, tmp_path / "ct.nii", dtype=np.int16)
    np.testing.assert_array_equal(read_image(tmp_path / "ct.nii", quantity=Quantity.HU).data.ravel(), [-1024, 0, 3071])
    labels = Image(np.array([0, 3, 515]).reshape(3, 1, 1), np.eye(4), Quantity.LABEL)
    write_image(labels, tmp_path / "labels.nii")
    assert nib.load(tmp_path / "labels.nii").get_data_dtype() == np.int16
    np.testing.assert_array_equal(
        read_image(tmp_path / "labels.nii", quantity=Quantity.LABEL).data.ravel(), [0, 3, 515]
    )


def test_same_image_same_bytes_and_no_time_in_them(tmp_path: Path) -> None:
    for name in ("a.nii.gz", "b.nii.gz"):
        write_image(image(), tmp_path / name, description="T1w, simulated")
    packed = (tmp_path / "a.nii.gz").read_bytes()
    assert packed == (tmp_path / "b.nii.gz").read_bytes()
    assert packed[4:8] == bytes(4)
    assert b"T1w, simulated" in gzip.decompress(packed)[:352]


def test_the_header_says_millimetres_seconds_and_two_equal_affines(tmp_path: Path) -> None:
    write_image(image(), tmp_path / "x.nii")
    header = nib.load(tmp_path / "x.nii").header
    assert header.get_xyzt_units() == ("mm", "sec")
    assert (int(header["sform_code"]), int(header["qform_code"])) == (1, 1)
    np.testing.assert_allclose(header.get_sform(), header.get_qform(), atol=1e-5)
    np.testing.assert_allclose(header.get_zooms(), 1.5)


def test_a_sheared_affine_is_written_without_a_qform(tmp_path: Path) -> None:
    sheared = np.eye(4)
    sheared[0, 1] = 0.3
    with pytest.warns(UserWarning, match="only the sform"):
        write_image(Image(np.ones((3, 3, 3)), sheared), tmp_path / "x.nii")
    with pytest.warns(UserWarning, match="sheared"):
        np.testing.assert_allclose(read_image(tmp_path / "x.nii").affine, sheared, atol=1e-6)


def test_more_than_32767_voxels_along_an_axis_become_NIfTI_2(tmp_path: Path) -> None:
    long = Image(np.arange(40_000, dtype=np.int32).reshape(-1, 1, 1), np.eye(4))
    write_image(long, tmp_path / "x.nii.gz")
    assert isinstance(nib.load(tmp_path / "x.nii.gz"), nib.Nifti2Image)
    np.testing.assert_array_equal(read_image(tmp_path / "x.nii.gz").data, long.data)


def test_big_endian_and_scaled_files_are_read(tmp_path: Path) -> None:
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    other = nib.Nifti1Image(data, np.eye(4), header)
    other.header.set_slope_inter(0.5, 10)
    header = other.header
    header.set_data_shape(data.shape)
    header.set_sform(np.eye(4), 1)
    header["scl_slope"], header["scl_inter"], header["vox_offset"] = 0.5, 10, 352
    content = bytes(header.structarr.tobytes()) + bytes(4) + data.astype(">i2").tobytes(order="F")
    (tmp_path / "x.nii").write_bytes(content)
    read = read_image(tmp_path / "x.nii")
    assert read.data.dtype == np.float32
    np.testing.assert_array_equal(read.data, data * 0.5 + 10)


@pytest.mark.parametrize(
    ("dtype", "values", "fault"),
    [
        (np.float16, 1.0, "no float16 voxels"),
        (np.uint8, -1.5, "negative values do not fit"),
        (np.int16, 1j, "complex values do not fit"),
        (np.float32, 1e300, "do not fit in float32"),
    ],
)
def test_a_type_that_cannot_hold_the_values_is_refused(
    dtype: type, values: complex, fault: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=fault):
        write_image(Image(np.full((2, 2, 2), values), np.eye(4)), tmp_path / "x.nii", dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_NaN_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="8 voxels are NaN"):
        write_image(Image(np.full((2, 2, 2), np.nan), np.eye(4)), tmp_path / "x.nii")
    with pytest.raises(UsageError, match=r"\.nii or \.nii\.gz"):
        write_image(image(), tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_twelve_axis_orders_are_one_volume(shared_data: Path) -> None:
    files = sorted((shared_data / "nifti_orientations").glob("*.nii.gz"))
    assert len(files) == 12
    first, place = to_ras(read_image(files[0]).data, read_image(files[0]).affine)
    for path in files[1:]:
        data, affine = to_ras(read_image(path).data, read_image(path).affine)
        np.testing.assert_array_equal(data, first)
        np.testing.assert_allclose(affine, place, atol=1e-4)


def test_every_real_file_is_read_as_nibabel_reads_it(shared_data: Path) -> None:
    files = [p for p in sorted(shared_data.rglob("*.nii*")) if "head_label_maps" not in p.parts]
    assert len(files) > 30
    for path in files:
        ours, theirs = read_image(path), nib.load(path)
        np.testing.assert_allclose(ours.affine, theirs.affine, atol=1e-5, err_msg=str(path))
        np.testing.assert_allclose(ours.data, np.asanyarray(theirs.dataobj), rtol=1e-6, atol=1e-4, err_msg=str(path))
