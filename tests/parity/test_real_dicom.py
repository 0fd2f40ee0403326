"""DICOM of real scanners: read, or refused with the reason; their geometry is what the headers say."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.affine import to_ras
from spinloom.core.errors import InputError, SpinloomError
from spinloom.core.image import Image, Quantity
from spinloom.io.dicom import list_series, read_series
from spinloom.io.images import read_any

pydicom = pytest.importorskip("pydicom", reason="pydicom is not installed")


def test_a_head_CT_with_a_tilted_gantry_and_two_spacings_lies_where_its_slices_lay(shared_data: Path) -> None:
    """Tilt 18.5° of the header; table steps of 4 mm and 7 mm over cos(18.5°), kept to 0.01 mm."""
    path = shared_data / "dicom" / "ge_head_ct_tilt_variable_spacing.zip"
    with pytest.raises(InputError, match="spaced unevenly"):
        read_series(path)
    with pytest.warns(UserWarning, match="tilted by 18.5"):
        image = read_series(path, fill=True)
    assert image.quantity is Quantity.HU
    assert np.percentile(image.data, [0, 99.9])[1] > 1000
    assert image.data.min() >= -1024  # -1500 outside of the circle is marked as padding
    step = np.linalg.norm(image.affine[:3, 2])
    assert step == pytest.approx(4 / np.cos(np.deg2rad(18.5)), abs=3e-3)
    normal = np.cross(image.affine[:3, 0], image.affine[:3, 1])
    normal /= np.linalg.norm(normal)
    assert abs(normal @ image.affine[:3, 2]) == pytest.approx(4.0, abs=3e-3)
    with zipfile.ZipFile(path) as packed:
        heads = [pydicom.dcmread(io.BytesIO(packed.read(n)), stop_before_pixels=True) for n in packed.namelist()]
    low = min((h.ImagePositionPatient for h in heads), key=lambda p: p[2])
    np.testing.assert_allclose(image.affine[:3, 3], np.array(low) * [-1, -1, 1], atol=1e-3)


@pytest.mark.filterwarnings("ignore:.*tilted by")
def test_every_slice_of_the_tilted_CT_lies_where_nibabel_places_it_alone(shared_data: Path) -> None:
    """nibabel's reader of single slices knows no series and no tilt; the first block's voxels are stored ones."""
    wrappers = pytest.importorskip("nibabel.nicom.dicomwrappers")
    path = shared_data / "dicom" / "ge_head_ct_tilt_variable_spacing.zip"
    image = read_series(path, fill=True)
    to_index = np.linalg.inv(image.affine)
    with zipfile.ZipFile(path) as packed:
        files = {n: pydicom.dcmread(io.BytesIO(packed.read(n))) for n in sorted(packed.namelist())}
    for n, (name, d) in enumerate(files.items()):
        placed = np.diag([-1.0, -1.0, 1.0, 1.0]) @ wrappers.wrapper_from_data(d).affine  # LPS → RAS
        for row, column in ((0, 0), (511, 0), (0, 511), (300, 77)):
            i, j, k, _ = to_index @ placed @ [row, column, 0, 1]
            assert (i, j) == pytest.approx((column, row), abs=1e-3), name
            if n < 14:
                assert k == pytest.approx(n, abs=2e-3), name
        if n < 14:
            HU = d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept)
            inside = d.pixel_array != d.PixelPaddingValue
            np.testing.assert_allclose(image.data[..., n].T[inside], HU[inside], atol=0.5)


def test_series_lie_as_in_the_NIfTI_others_made_of_the_same_scan(shared_data: Path) -> None:
    """healthy_t1_t2_head holds the whole series, converted by another program: same places, same values."""
    path = shared_data / "dicom" / "siemens_3t_t1_t2_slices_with_gap.zip"
    for series, name in ((1, "T1w_MEMPRAGE"), (2, "T2w_FSE")):
        ours = read_series(path, series=series, fill=True)
        theirs = read_any(shared_data / "healthy_t1_t2_head" / f"{name}.nii.gz")
        index = np.indices(ours.data.shape)[:, ::7, ::7].reshape(3, -1)
        world = ours.affine[:3, :3] @ index + ours.affine[:3, 3:]
        back = np.linalg.inv(theirs.affine)
        there = back[:3, :3] @ world + back[:3, 3:]
        np.testing.assert_allclose(there, np.rint(there), atol=1e-3)
        np.testing.assert_allclose(ours.data[tuple(index)], theirs.data[tuple(np.rint(there).astype(int))], atol=0.51)


def test_what_is_no_HU_is_not_called_so(shared_data: Path, tmp_path: Path) -> None:
    """A perfusion map kept as enhanced CT; a parametric map; a scan without places; colour."""
    said = {
        "eCT_Supplemental.dcm": "numbers are no HU",
        "parametric_map_float.dcm": "Parametric Map",
        "emri_small.dcm": "does not say where they lie",
        "SC_rgb_16bit.dcm": "secondary capture",
    }
    with zipfile.ZipFile(shared_data / "dicom" / "pydicom_odd_files.zip") as packed:
        for name, what in said.items():
            with pytest.raises(InputError, match=what):
                read_any(packed.extract(name, tmp_path))


def test_series_with_a_slice_missing_say_which(shared_data: Path) -> None:
    path = shared_data / "dicom" / "siemens_3t_t1_t2_slices_with_gap.zip"
    assert [s.shape for s in list_series(path)] == [(192, 192, 7), (384, 512, 7)]
    for series, after in ((1, "114"), (2, "034")):
        with pytest.raises(InputError, match=f"1 of 8 slices are missing, the first after .*{after}"):
            read_series(path, series=series)
        assert read_series(path, series=series, fill=True).data.shape[2] == 8


def test_two_echoes_in_one_series_are_two_images(shared_data: Path) -> None:
    path = shared_data / "dicom" / "siemens_pd_t2_dual_echo_phantom.zip"
    first, second = (read_series(path, series=n) for n in (1, 2))
    assert first.data.shape == second.data.shape == (64, 64, 35)
    assert (first.info["TE"], second.info["TE"]) == (pytest.approx(0.011), pytest.approx(0.092))
    bright = first.data > np.percentile(first.data, 80)
    assert second.data[bright].mean() < first.data[bright].mean()


@pytest.mark.filterwarnings("ignore:.*tilted by", "ignore:.*a single slice that does not say how thick")
@pytest.mark.parametrize("name", ["dicom2nifti_variants", "pydicom_odd_files"])
def test_every_odd_file_is_read_or_refused_with_a_reason(shared_data: Path, tmp_path: Path, name: str) -> None:
    with zipfile.ZipFile(shared_data / "dicom" / f"{name}.zip") as packed:
        packed.extractall(tmp_path)
    folders = sorted({p.parent for p in tmp_path.rglob("*") if p.is_file()})
    places = sorted(folders[0].iterdir()) if len(folders) == 1 else folders
    found = [read_or_fault(place) for place in places]
    for place, each in zip(places, found, strict=True):
        if isinstance(each, SpinloomError):
            assert str(place) in str(each)
            assert len(each.fault) > 15
        else:
            assert np.isfinite(np.asarray(each.data, float)).all()
    assert sum(not isinstance(each, SpinloomError) for each in found) >= 5


def read_or_fault(place: Path) -> Image | SpinloomError:
    try:
        return read_any(place)
    except SpinloomError as error:
        return error


def test_one_volume_stored_in_twelve_orders_of_axes_is_one_volume(shared_data: Path) -> None:
    files = sorted((shared_data / "nifti_orientations").glob("*.nii.gz"))
    assert len(files) == 12
    first, affine = to_ras(*(lambda i: (i.data, i.affine))(read_any(files[0])))
    for file in files[1:]:
        image = read_any(file)
        data, placed = to_ras(image.data, image.affine)
        np.testing.assert_array_equal(data, first)
        np.testing.assert_allclose(placed, affine, atol=1e-4)
