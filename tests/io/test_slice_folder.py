"""Folders of pictures become volumes that look as they look in a viewer; what would be guessed is said or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from spinloom.core.errors import InputError
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
    np.testing.assert_array_equal(image.data[0, 2], [20, 40, 200])  # the first row lies in front
    np.testing.assert_allclose(np.abs(np.diag(image.affine)), [*MM, 1])
    np.testing.assert_array_equal(read_any(tmp_path / "v", spacing_mm=MM).data, image.data)


def test_an_unknown_spacing_is_said(tmp_path: Path) -> None:
    picture(tmp_path / "v" / "a.png", np.zeros((3, 4), np.uint8))
    with pytest.warns(UserWarning, match="1 x 1 x 1 mm is assumed"):
        read_slices(tmp_path / "v")


def test_an_array_with_three_axes_is_a_volume(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(2, 3, 4))
    assert read_any(tmp_path / "a.npy", spacing_mm=MM).data.shape == (3, 2, 4)


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
    with pytest.raises(InputError, match="three positive numbers"):
        read_slices(tmp_path / "v" / "a.png", spacing_mm=(1, 0, 1))
