"""Folders of pictures become volumes that look as they look in a viewer; what would be guessed is said or refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Quantity
from spinloom.io.images import read_any
from spinloom.io.slice_folder import read_slices

MM = (2.0, 3.0, 4.0)


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.fromarray(pixels).save(path)


@pytest.mark.parametrize(
    ("kind", "depth"), [(".png", np.uint8), (".png", np.uint16), (".tif", np.uint16), (".npy", float)]
)
def test_slices_are_in_natural_order_upright_and_of_their_depth(tmp_path: Path, kind: str, depth: type) -> None:
    for n in (1, 2, 10):
        pixels = (np.arange(12).reshape(3, 4) + 20 * n).astype(depth)
        path = tmp_path / "v" / f"slice_{n}{kind}"
        path.parent.mkdir(exist_ok=True)
        np.save(path, pixels) if kind == ".npy" else picture(path, pixels)
    image = read_slices(tmp_path / "v", spacing_mm=MM)
    assert image.data.shape == (4, 3, 3)
    assert image.data.dtype == depth
    np.testing.assert_array_equal(image.data[:, 0, 2], np.arange(4) + 200)  # the first row of slice 10
    np.testing.assert_allclose(np.diag(image.affine), [-2, -3, 4, 1])
    np.testing.assert_array_equal(read_any(tmp_path / "v", spacing_mm=MM).data, image.data)


def test_an_unknown_spacing_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "v" / "a.png", np.ones((3, 4), np.uint8))
    with pytest.warns(UserWarning, match="1 x 1 x 1 mm is assumed"):
        read_slices(tmp_path / "v")


def test_an_array_with_three_axes_is_a_volume(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(2, 3, 4))
    image = read_any(tmp_path / "a.npy", spacing_mm=MM)
    np.testing.assert_array_equal(image.data, np.load(tmp_path / "a.npy"))
    np.testing.assert_allclose(image.affine @ [0.5, 1, 1.5, 1], [0, 0, 0, 1])
    np.testing.assert_allclose(np.diag(image.affine), [*MM, 1])


def test_pictures_turn_as_ITK_turns_them(tmp_path: Path) -> None:
    """ITK keeps LPS: columns run to the left, rows to the back; only the origin differs, which is the middle here."""
    sitk = pytest.importorskip("SimpleITK")
    for n in range(3):
        picture(tmp_path / f"{n}.png", (np.arange(12).reshape(3, 4) + 20 * n).astype(np.uint8))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(tmp_path / f"{n}.png") for n in range(3)])
    theirs = reader.Execute()
    ours = read_slices(tmp_path, spacing_mm=(1, 1, 1))
    for index in np.ndindex(4, 3, 3):
        assert ours.data[index] == theirs.GetPixel(index)
    lps = np.reshape(theirs.GetDirection(), (3, 3)) * theirs.GetSpacing()
    np.testing.assert_allclose(ours.affine[:3, :3], np.diag([-1, -1, 1]) @ lps)


def test_a_number_missing_among_the_names_is_said(tmp_path: Path) -> None:
    for n in (1, 2, 4, 5):
        picture(tmp_path / f"s{n}.png", np.full((3, 4), n, np.uint8))
    with pytest.warns(UserWarning, match=r"1 numbers are missing, the first after s2\.png"):
        read_slices(tmp_path, spacing_mm=MM)


def test_slices_of_several_depths_have_no_common_scale(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", np.zeros((3, 4), np.uint8))
    picture(tmp_path / "b.png", np.zeros((3, 4), np.uint16))
    with pytest.raises(InputError, match=r"b\.png: holds uint16, and a\.png holds uint8"):
        read_slices(tmp_path, spacing_mm=MM)


@pytest.mark.parametrize(("colour", "extra"), [(2, b""), (0, b"tRNS\xea\x60")])
def test_sixteen_bits_that_would_be_read_as_eight_are_refused(tmp_path: Path, colour: int, extra: bytes) -> None:
    """In colour, and in grey with one level named transparent."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 2, 2, 16, colour, 0, 0, 0)
    row = b"\0" + bytes(range(12 if colour else 4))
    chunks = [c for c in (head, extra, b"IDAT" + zlib.compress(2 * row), b"IEND") if c]
    packed = b"".join(struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks)
    (tmp_path / "deep.png").write_bytes(b"\x89PNG\r\n\x1a\n" + packed)
    with pytest.raises(InputError, match="16 bits in several channels"):
        read_slices(tmp_path / "deep.png", spacing_mm=MM)


def test_HU_in_eight_bits_is_refused_or_doubted(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", np.arange(12, dtype=np.uint8).reshape(3, 4) * 20)
    with pytest.warns(UserWarning, match="no CT number is below -200"):
        read_slices(tmp_path / "a.png", spacing_mm=MM, quantity=Quantity.HU)
    np.save(tmp_path / "b.npy", np.linspace(0, 1, 12).reshape(3, 4))
    with pytest.raises(InputError, match="HU was expected"):
        read_slices(tmp_path / "b.npy", spacing_mm=MM, quantity=Quantity.HU)
    with pytest.raises(InputError, match="not whole"):
        read_slices(tmp_path / "b.npy", spacing_mm=MM, quantity=Quantity.LABEL)


def test_NaN_transparency_pages_and_archives_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "n.npy", np.array([[np.nan, 1.0]]))
    clear = np.zeros((3, 4, 4), np.uint8)
    picture(tmp_path / "clear.png", clear)
    page = Pillow.fromarray(np.zeros((3, 4), np.uint8))
    page.save(tmp_path / "pages.tif", save_all=True, append_images=[page])
    np.savez(tmp_path / "z.npz", a=np.zeros((3, 4)))
    (tmp_path / "z.npz").rename(tmp_path / "z.npy")
    for name, what in (("n.npy", "NaN"), ("clear.png", "transparent"), ("pages.tif", "pages"), ("z.npy", "archive")):
        with pytest.raises(InputError, match=f"{name}.*{what}"):
            read_any(tmp_path / name, spacing_mm=MM)


def test_a_folder_of_both_is_its_DICOM_series_and_of_neither_says_so(tmp_path: Path) -> None:
    pytest.importorskip("pydicom", reason="pydicom is not installed")
    picture(tmp_path / "preview.png", np.zeros((3, 4), np.uint8))
    (tmp_path / "a.dcm").write_bytes(b"no DICOM at all")
    with pytest.raises(InputError, match=r"a\.dcm is named as DICOM and is none"):
        read_any(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match="is no image that can be read"):
        read_any(tmp_path / "notes.txt")
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "t1.nii.gz").write_bytes(b"x")
    with pytest.raises(InputError, match=r"Name the file: t1\.nii\.gz"):
        read_any(tmp_path / "n")


def test_grey_saved_as_colour_is_grey_and_colour_is_refused(tmp_path: Path) -> None:
    grey = np.repeat(np.arange(12, dtype=np.uint8).reshape(3, 4, 1), 3, axis=2)
    picture(tmp_path / "g" / "a.png", grey)
    assert read_slices(tmp_path / "g", spacing_mm=MM).data.shape == (4, 3, 1)
    grey[0, 0, 1] = 99
    picture(tmp_path / "c" / "a.png", grey)
    with pytest.raises(InputError, match=r"a\.png.*channels differ"):
        read_slices(tmp_path / "c", spacing_mm=MM)


def test_what_makes_no_volume_is_refused_by_name(tmp_path: Path) -> None:
    picture(tmp_path / "v" / "a.png", np.zeros((3, 4), np.uint8))
    picture(tmp_path / "v" / "b.png", np.zeros((3, 5), np.uint8))
    with pytest.raises(InputError, match=r"b\.png.*has shape"):
        read_slices(tmp_path / "v", spacing_mm=MM)
    np.save(tmp_path / "v" / "c.npy", np.zeros((3, 4)))
    with pytest.raises(InputError, match="several kinds"):
        read_slices(tmp_path / "v", spacing_mm=MM)
    (tmp_path / "x.png").write_bytes(b"\x89PNG\r\n nothing")
    with pytest.raises(InputError, match="no picture"):
        read_slices(tmp_path / "x.png", spacing_mm=MM)
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="no plain NumPy array"):
        read_slices(tmp_path / "o.npy", spacing_mm=MM)
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="holds no slices"):
        read_slices(tmp_path / "none", spacing_mm=MM)
    with pytest.raises(UsageError, match="three positive numbers"):
        read_slices(tmp_path / "v" / "a.png", spacing_mm=(1, 0, 1))
