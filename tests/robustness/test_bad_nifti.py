"""Every damaged, lying or meaningless NIfTI is refused: never a hang, a flood or a wrong volume."""

from __future__ import annotations

import os
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import nifti_corpus as corpus
import numpy as np
import pytest
from nifti_corpus import AFFINE, SHAPE, nifti, packed, volume, write

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Quantity
from spinloom.io import read_image
from spinloom.io.nifti import read_images

Make = Callable[[Path], Path]
SHEAR = AFFINE.copy()
SHEAR[0, 1] = 0.8
NAN_AFFINE = AFFINE.copy()
NAN_AFFINE[1, 1] = np.nan


def with_value(value: float) -> np.ndarray:
    data = volume()
    data[1, 2, 3] = data[4, 4, 4] = value
    return data


CONTAINER: dict[str, tuple[Make, str]] = {
    "gz cut in half": (lambda d: write_raw(d, packed(nifti())[:1500], "x.nii.gz"), "damaged or cut short"),
    "cut in half": (lambda d: write(d, nifti()[:1800]), "holds 1800 bytes where its header promises 3232"),
    "cut in half, then packed": (lambda d: write(d, nifti()[:1800], "x.nii.gz"), "holds .* where its header promises"),
    "header only": (lambda d: write(d, nifti()[:352]), "header promises"),
    "half a header": (lambda d: write(d, nifti()[:100]), "not a NIfTI|magic"),
    "one byte flipped in gz": (
        lambda d: write_raw(d, corpus.flipped_byte(packed(nifti()), 2000), "x.nii.gz"),
        "damaged",
    ),
    "wrong CRC": (
        lambda d: write_raw(d, corpus.flipped_byte(packed(nifti()), -6 % len(packed(nifti()))), "x.nii.gz"),
        "damaged",
    ),
    "empty": (lambda d: write_raw(d, b"", "x.nii.gz"), "is empty"),
    "empty gz": (lambda d: write_raw(d, packed(b""), "x.nii.gz"), "not a NIfTI"),
    "web page": (lambda d: write_raw(d, b"<!DOCTYPE html><html>404</html>" * 30, "x.nii.gz"), "web page"),
    "git-lfs pointer": (lambda d: write_raw(d, b"version https://git-lfs.github.com/spec/v1\n", "x.nii.gz"), "pointer"),
    "git-annex pointer": (lambda d: write_raw(d, b"/annex/objects/MD5E-s1--a.nii.gz\n", "x.nii.gz"), "pointer"),
    "random bytes": (lambda d: write_raw(d, np.random.default_rng(1).bytes(5000), "x.nii"), "not a NIfTI"),
    "trailing junk": (lambda d: write(d, nifti() + b"junk"), "more bytes than"),
    "gz with trailing junk": (lambda d: write_raw(d, packed(nifti()) + b"junk", "x.nii.gz"), "damaged|more bytes"),
    "inside a zip": (corpus.zipped, "zip archive"),
    "pair header": (lambda d: write(d, nifti(magic=b"ni1")), "pair"),
    "wrong magic": (lambda d: write(d, nifti(magic=b"abc")), "magic"),
    "32767 cubed in 3 kB": (lambda d: write(d, nifti(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1])), "header promises"),
    "32767 cubed in a 3 kB gz": (
        lambda d: write(d, nifti(dim=[3, 32767, 32767, 32767, 1, 1, 1, 1]), "x.nii.gz"),
        "cannot hold",
    ),
    "2000 cubed": (lambda d: write(d, nifti(dim=[3, 2000, 2000, 2000, 1, 1, 1, 1]), "x.nii.gz"), "cannot hold"),
    "negative axis": (lambda d: write(d, nifti(dim=[3, 8, -9, 10, 1, 1, 1, 1])), "impossible shape"),
    "zero axis": (lambda d: write(d, nifti(dim=[3, 8, 0, 10, 1, 1, 1, 1])), "impossible shape"),
    "nine axes": (lambda d: write(d, nifti(dim=[9, 8, 9, 10, 1, 1, 1, 1])), "9 axes|not a NIfTI"),
    "one axis": (lambda d: write(d, nifti(dim=[1, 720, 1, 1, 1, 1, 1, 1])), "two axes or three"),
    "unknown type": (lambda d: write(d, nifti(datatype=77)), "unknown data type code 77"),
    "type and bits disagree": (lambda d: write(d, nifti(datatype=4)), "bits per voxel"),
    "RGB": (lambda d: write(d, nifti(datatype=128, bitpix=24)), "RGB colour"),
    "1-bit": (lambda d: write(d, nifti(datatype=1, bitpix=1)), "1-bit"),
    "voxels beyond the file": (lambda d: write(d, nifti(vox_offset=1e6)), "header promises"),
    "voxels before the header ends": (lambda d: write(d, nifti(vox_offset=0)), "start at byte 0"),
    "voxels at a negative byte": (lambda d: write(d, nifti(vox_offset=-352)), "start at byte -352"),
    "voxels at byte NaN": (lambda d: write(d, nifti(vox_offset=np.nan)), "start at byte nan"),
    "scaling is inf": (lambda d: write(d, nifti(scl_slope=np.inf)), "scaling slope inf"),
    "intercept is NaN": (lambda d: write(d, nifti(scl_slope=2.0, scl_inter=np.nan)), "intercept nan"),
    "a named pipe": (corpus.fifo, "not a regular file"),
    "a loop of links": (corpus.link_loop, "cannot be opened|no such file"),
    "a link to nothing": (corpus.dangling, "link to a file that is not here"),
    "a folder": (corpus.directory, "is a folder"),
    "nothing": (lambda d: d / "x.nii", "no such file"),
}

GEOMETRY: dict[str, tuple[Make, str]] = {
    "sform singular": (lambda d: write(d, nifti(**corpus.sform(np.diag([2, 2, 0, 1])), qform_code=0)), "singular"),
    "sform all zero": (lambda d: write(d, nifti(**corpus.sform(np.zeros((4, 4))))), "singular.*affine='qform'"),
    "sform NaN": (lambda d: write(d, nifti(**corpus.sform(NAN_AFFINE))), "NaN.*affine='qform'"),
    "sform is not qform": (lambda d: write(d, nifti(pixdim=[1, 1, 1, 5, 0, 0, 0, 0])), "different places"),
    "a translation apart": (lambda d: write(d, nifti(qoffset_x=-6.0)), "different places"),
    "left and right swapped": (lambda d: write(d, nifti(**corpus.sform(AFFINE @ np.diag([-1, 1, 1, 1])))), "different"),
    "quaternion longer than 1": (lambda d: write(d, nifti(quatern_b=1.0, quatern_c=1.0, sform_code=0)), "NaN"),
    "spacing 0": (lambda d: write(d, nifti(pixdim=[1, 0, 2, 2, 0, 0, 0, 0], sform_code=0)), "singular"),
    "nowhere and without size": (
        lambda d: write(d, nifti(sform_code=0, qform_code=0, pixdim=[1, 0, 0, 0, 0, 0, 0, 0])),
        "neither an affine nor a voxel size",
    ),
    "spacing 1e-9": (lambda d: write(d, nifti(affine=np.diag([1e-9, 1e-9, 1e-9, 1]))), "voxels of 1e-09"),
    "spacing 1e6": (lambda d: write(d, nifti(affine=np.diag([1e6, 1e6, 1e6, 1]))), r"voxels of 1e\+06"),
    "unknown length unit": (lambda d: write(d, nifti(xyzt_units=5)), "unknown length unit"),
    "four volumes": (lambda d: write(d, nifti(np.zeros((4, 4, 4, 4), np.int16))), "holds 4 volumes"),
    "five axes": (lambda d: write(d, nifti(np.zeros((4, 4, 4, 2, 2), np.int16))), "shape"),
}

VALUES: dict[str, tuple[Make, str]] = {
    "NaN": (lambda d: write(d, nifti(with_value(np.nan))), "2 of 720 voxels are NaN or inf.*nonfinite=0"),
    "inf": (lambda d: write(d, nifti(with_value(np.inf))), "2 of 720 voxels are NaN or inf"),
    "scaling overflows": (lambda d: write(d, nifti(volume(), scl_slope=3e38)), "720 of 720 voxels are NaN or inf"),
}


def write_raw(folder: Path, content: bytes, name: str) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize("case", [*CONTAINER, *GEOMETRY, *VALUES])
def test_a_bad_file_is_refused_by_name_fault_and_remedy(case: str, tmp_path: Path) -> None:
    make, fault = (CONTAINER | GEOMETRY | VALUES)[case]
    path = make(tmp_path)
    start = time.monotonic()
    with pytest.raises(InputError, match=fault) as refusal:
        read_image(path)
    assert time.monotonic() - start < 2
    assert refusal.value.file == str(path)
    assert refusal.value.exit_code == 4
    assert len(str(refusal.value).splitlines()) == 1


def test_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    path = write_raw(tmp_path, corpus.bomb(), "x.nii.gz")
    assert path.stat().st_size < 2.2e6
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(InputError, match="would unpack"):
        read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert time.monotonic() - start < 2
    assert peak < 2**24


def test_a_file_that_holds_more_than_it_declares_is_never_unpacked_further(tmp_path: Path) -> None:
    path = write(tmp_path, nifti() + bytes(200_000_000), "x.nii.gz")
    tracemalloc.start()
    with pytest.raises(InputError, match="more bytes"):
        read_image(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_no_permission_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, nifti())
    path.chmod(0)
    with pytest.raises(InputError, match="no permission"):
        read_image(path)


def test_a_choice_settles_two_affines(tmp_path: Path) -> None:
    path = write(tmp_path, nifti(pixdim=[1, 1, 1, 5, 0, 0, 0, 0]))
    np.testing.assert_allclose(read_image(path, affine="sform").affine, AFFINE)
    np.testing.assert_allclose(np.diag(read_image(path, affine="qform").affine), [1, 1, 5, 1], atol=1e-6)
    with pytest.raises(UsageError, match="auto, sform or qform"):
        read_image(path, affine="best")  # type: ignore[arg-type]


def test_a_broken_sform_can_be_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path, nifti(**corpus.sform(np.zeros((4, 4)))))
    np.testing.assert_allclose(read_image(path, affine="qform").affine, AFFINE, atol=1e-5)


def test_nonfinite_voxels_are_replaced_when_asked(tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti(with_value(np.nan))), nonfinite=0)
    assert image.data[1, 2, 3] == 0
    assert np.all(np.isfinite(image.data))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("sheared", lambda: nifti(affine=AFFINE, **corpus.sform(SHEAR), qform_code=0), "sheared by"),
        ("nowhere", lambda: nifti(sform_code=0, qform_code=0), "says nothing about its orientation"),
        ("all zero", lambda: nifti(np.zeros(SHAPE, np.int16)), "every voxel is 0"),
    ],
)
def test_an_odd_file_is_read_with_a_warning(name: str, content: Callable[[], bytes], says: str, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=says):
        assert read_image(write(tmp_path, content())).data.shape == SHAPE


@pytest.mark.parametrize(("unit", "factor"), [(1, 1e3), (3, 1e-3)])
def test_metres_and_microns_become_millimetres(unit: int, factor: float, tmp_path: Path) -> None:
    size = 1 / factor
    path = write(tmp_path, nifti(affine=np.diag([size, size, size, 1]), xyzt_units=unit))
    with pytest.warns(UserWarning, match="converted to mm"):
        image = read_image(path)
    np.testing.assert_allclose(image.affine, np.eye(4), rtol=1e-6)


def test_millimetres_called_microns_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, nifti(affine=np.eye(4), xyzt_units=3))
    with pytest.raises(InputError, match=r"voxels of 0\.001"), pytest.warns(UserWarning, match="converted"):
        read_image(path)


ACCEPTED: dict[str, bytes] = {
    "left-handed": nifti(affine=AFFINE @ np.diag([-1, 1, 1, 1])),
    "0.1 x 0.1 x 10 mm": nifti(affine=np.diag([0.1, 0.1, 10, 1])),
    "slope NaN means none": nifti(scl_slope=np.nan, scl_inter=np.nan),
    "slope 0 means none": nifti(scl_slope=0, scl_inter=7),
    "unit not said": nifti(xyzt_units=0),
    "qfac 0": nifti(pixdim=[0, 2, 2, 2, 0, 0, 0, 0], sform_code=0),
    "constant": nifti(np.full(SHAPE, 7, np.int16)),
    "negative": nifti(-volume()),
}


@pytest.mark.parametrize("case", ACCEPTED)
@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz"])
def test_an_unusual_but_meaningful_file_is_read(case: str, name: str, tmp_path: Path) -> None:
    image = read_image(write(tmp_path, ACCEPTED[case], name))
    expected = {"constant": np.full(SHAPE, 7), "negative": -volume()}.get(case, volume())
    np.testing.assert_array_equal(image.data, expected)


def test_a_packed_file_without_the_suffix_and_a_plain_one_with_it_are_read(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read_image(write_raw(tmp_path, nifti(), "a.nii.gz")).data, volume())
    np.testing.assert_array_equal(read_image(write_raw(tmp_path, packed(nifti()), "b.nii")).data, volume())


def test_two_gzip_members_are_one_file(tmp_path: Path) -> None:
    whole = nifti()
    np.testing.assert_array_equal(
        read_image(write_raw(tmp_path, packed(whole[:1000]) + packed(whole[1000:]), "x.nii.gz")).data, volume()
    )


def test_small_and_flat_shapes_keep_three_axes(tmp_path: Path) -> None:
    for shape, expected in (
        ((5, 6), (5, 6, 1)),
        ((1, 1, 1), (1, 1, 1)),
        ((5, 6, 1), (5, 6, 1)),
        ((5, 6, 7, 1), (5, 6, 7)),
    ):
        assert read_image(write(tmp_path, nifti(np.ones(shape, np.int16)))).data.shape == expected


def test_a_series_is_read_volume_by_volume(tmp_path: Path) -> None:
    series = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    images = read_images(write(tmp_path, nifti(series)))
    assert len(images) == 5
    np.testing.assert_array_equal(images[3].data, series[..., 3])


def test_complex_voxels_stay_complex(tmp_path: Path) -> None:
    data = (volume() + 1j * volume()).astype(np.complex64)
    np.testing.assert_array_equal(read_image(write(tmp_path, nifti(data))).data, data)


def test_1e300_is_read_as_it_is(tmp_path: Path) -> None:
    assert read_image(write(tmp_path, nifti(np.full(SHAPE, 1e300)))).data.max() == 1e300


PLAUSIBLE = [
    (Quantity.T1, 1200.0, "looks like ms.*Divide it by 1000"),
    (Quantity.T2, 80.0, "looks like ms"),
    (Quantity.T2, -0.08, "negative times"),
    (Quantity.T1, 1e-6, "median 1e-06 s"),
    (Quantity.B1, 98.0, "looks like percent.*Divide it by 100"),
    (Quantity.PD, 80.0, "percent"),
    (Quantity.HU, 0.4, "rescaled"),
    (Quantity.FRACTION, 255.0, "0 to 1"),
    (Quantity.DB0, 1e-7, "looks like tesla"),
    (Quantity.LABEL, 1.5, "not whole.*nearest neighbour"),
    (Quantity.LABEL, -3.0, "negative label"),
]


@pytest.mark.parametrize(("quantity", "value", "fault"), PLAUSIBLE)
def test_numbers_in_the_wrong_unit_are_refused(quantity: Quantity, value: float, fault: str, tmp_path: Path) -> None:
    path = write(tmp_path, nifti(np.full(SHAPE, value, np.float32)))
    with pytest.raises(InputError, match=fault) as refusal:
        read_image(path, quantity=quantity)
    assert refusal.value.file == str(path)


def test_CT_stored_with_an_offset_is_said(tmp_path: Path) -> None:
    data = np.full(SHAPE, 1064, np.int16)
    with pytest.warns(UserWarning, match=r"stored with an offset.*often 1024"):
        read_image(write(tmp_path, nifti(data)), quantity=Quantity.HU)


def test_labels_kept_as_floats_become_integers(tmp_path: Path) -> None:
    image = read_image(write(tmp_path, nifti(np.full(SHAPE, 3, np.float32))), quantity=Quantity.LABEL)
    assert image.data.dtype.kind == "i"
    almost = np.full(SHAPE, np.nextafter(np.float32(1), np.float32(2)), np.float32)
    with pytest.warns(UserWarning, match="rounded"):
        assert np.all(read_image(write(tmp_path, nifti(almost)), quantity=Quantity.LABEL).data == 1)
