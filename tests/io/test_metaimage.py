"""MetaImage files: read as SimpleITK wrote them, refused if they are not whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.image import Quantity
from spinloom.io.metaimage import read_mha

HEAD = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
ElementSpacing = 1 1 1
DimSize = 2 2 2
ElementType = MET_SHORT
ElementDataFile = LOCAL
"""
VOXELS = np.arange(8, dtype="<i2").tobytes()


def write(path: Path, head: str = HEAD, voxels: bytes = VOXELS) -> Path:
    path.write_bytes(head.encode() + voxels)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_values_and_positions_are_those_simpleitk_wrote(dtype: str, compressed: bool, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    data = (np.random.default_rng(0).random((4, 5, 6)) * 200).astype(dtype)  # z, y, x there
    image = sitk.GetImageFromArray(data)
    c, s = np.cos(0.3), np.sin(0.3)
    image.SetDirection([c, -s, 0, s, c, 0, 0, 0, -1])
    image.SetSpacing([0.5, 1.5, 3.0])
    image.SetOrigin([10.0, -20.0, 30.0])
    sitk.WriteImage(image, str(tmp_path / "a.mha"), compressed)
    got = read_mha(tmp_path / "a.mha")
    assert np.array_equal(got.data, data.T)
    for index in ((0, 0, 0), (5, 4, 3), (2, 0, 1)):
        x, y, z = image.TransformIndexToPhysicalPoint(index)
        assert got.grid.positions_mm(index) == pytest.approx([-x, -y, z], abs=1e-6)


def test_voxels_run_x_first(tmp_path: Path) -> None:
    assert read_mha(write(tmp_path / "a.mha")).data[1, 0, 0] == 1


def test_a_header_may_not_name_another_file(tmp_path: Path) -> None:
    (tmp_path / "secret.raw").write_bytes(VOXELS)
    with pytest.raises(InputError, match="another file"):
        read_mha(write(tmp_path / "a.mha", HEAD.replace("LOCAL", "secret.raw"), b""))


@pytest.mark.parametrize(
    ("head", "voxels", "fault"),
    [
        (HEAD, VOXELS[:-2], "14 bytes of voxels where its header promises 16"),
        (HEAD.replace("NDims = 3", "NDims = 4"), VOXELS, "three axes"),
        (HEAD.replace("DimSize = 2 2 2", "DimSize = 2 2"), VOXELS, "DimSize"),
        (HEAD.replace("DimSize = 2 2 2", "DimSize = -2 2 2"), VOXELS, "impossible size"),
        (HEAD.replace("DimSize = 2 2 2", "DimSize = 30000 30000 30000"), VOXELS, "more than the limit"),
        (HEAD.replace("MET_SHORT", "MET_LABEL"), VOXELS, "MET_LABEL"),
        (HEAD.replace("ElementSpacing = 1 1 1", "ElementSpacing = 1 nan 1"), VOXELS, "ElementSpacing"),
        (HEAD.replace("CompressedData = False", "CompressedData = True"), VOXELS, "damaged"),
        ("nonsense\n", b"", "no MetaImage"),
    ],
)
def test_what_is_not_whole_is_refused_with_the_fault(head: str, voxels: bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fault) as caught:
        read_mha(write(tmp_path / "a.mha", head, voxels))
    assert "a.mha" in str(caught.value)


def test_nan_is_refused(tmp_path: Path) -> None:
    head = HEAD.replace("MET_SHORT", "MET_FLOAT")
    with pytest.raises(InputError, match="1 of 8 voxels"):
        read_mha(write(tmp_path / "a.mha", head, np.array([np.nan, *range(7)], "<f4").tobytes()))


def test_hounsfield_units_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rescaled"):
        read_mha(write(tmp_path / "ct.mha", voxels=np.array([0, 1] * 4, "<i2").tobytes()), quantity=Quantity.HU)
