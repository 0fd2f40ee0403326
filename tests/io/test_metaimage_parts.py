"""An .mhd and its voxel file: read as ITK reads them, from the header's own folder and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.io.images import read_any
from spinloom.io.metaimage import voxel_file

HEAD = """ObjectType = Image
NDims = 3
BinaryData = True
BinaryDataByteOrderMSB = False
CompressedData = False
TransformMatrix = 1 0 0 0 1 0 0 0 1
Offset = 0 0 0
ElementSpacing = 1 1 3
DimSize = 2 2 2
ElementType = MET_SHORT
ElementDataFile = T1.raw
"""
VOXELS = np.arange(8, dtype="<i2").tobytes()


def put(folder: Path, head: str = HEAD, voxels: bytes = VOXELS, raw: str = "T1.raw") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "T1.mhd").write_text(head)
    (folder / raw).write_bytes(voxels)
    return folder / "T1.mhd"


@pytest.mark.parametrize("compressed", [False, True])
def test_an_mhd_is_read_as_itk_wrote_it(compressed: bool, tmp_path: Path) -> None:
    sitk = pytest.importorskip("SimpleITK")
    data = np.random.default_rng(0).integers(-900, 900, (4, 5, 6)).astype(np.int16)
    image = sitk.GetImageFromArray(data)
    image.SetSpacing((0.9, 0.8, 3.0))
    image.SetOrigin((10, -20, 30))
    sitk.WriteImage(image, str(tmp_path / "a.mhd"), compressed)
    got = read_any(tmp_path / "a.mhd")
    assert np.array_equal(got.data, data.T)
    x, y, z = image.TransformIndexToPhysicalPoint((2, 1, 3))
    assert got.grid.positions_mm((2, 1, 3)) == pytest.approx([-x, -y, z], abs=1e-6)


def test_the_voxel_file_is_the_one_the_header_names(tmp_path: Path) -> None:
    assert voxel_file(put(tmp_path)) == tmp_path / "T1.raw"
    assert read_any(tmp_path / "T1.mhd").data[1, 0, 0] == 1


@pytest.mark.parametrize(
    "name", ["../T1.raw", "/etc/passwd", "sub/T1.raw", "..", "", "LIST", "T%d.raw 1 2 1", "T1.mhd"]
)
def test_no_file_outside_the_headers_folder_is_ever_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "T1.raw").write_bytes(VOXELS)
    with pytest.raises(InputError, match="no file of its folder"):
        read_any(put(tmp_path / "in", HEAD.replace("T1.raw", name)))


def test_a_link_that_leaves_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere.raw").write_bytes(VOXELS)
    header = put(tmp_path / "in")
    (tmp_path / "in" / "T1.raw").unlink()
    (tmp_path / "in" / "T1.raw").symlink_to(tmp_path / "elsewhere.raw")
    with pytest.raises(InputError, match="leaves the folder"):
        read_any(header)


def test_header_and_voxels_may_be_links_to_one_other_folder(tmp_path: Path) -> None:
    put(tmp_path / "kept")
    (tmp_path / "here").mkdir()
    for name in ("T1.mhd", "T1.raw"):
        (tmp_path / "here" / name).symlink_to(tmp_path / "kept" / name)
    assert read_any(tmp_path / "here" / "T1.mhd").data.shape == (2, 2, 2)


@pytest.mark.parametrize(
    ("head", "voxels", "fault"),
    [
        (HEAD, VOXELS[:-2], "14 bytes of voxels where T1.mhd promises 16"),
        (HEAD, VOXELS + b"\0", "17 bytes"),
        ("HeaderSize = 4\n" + HEAD, VOXELS, "skips 4 bytes"),
        (HEAD.replace("CompressedData = False", "CompressedData = True"), VOXELS, "damaged"),
    ],
)
def test_sizes_are_those_of_the_header(head: str, voxels: bytes, fault: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=fault):
        read_any(put(tmp_path, head, voxels))


def test_a_missing_voxel_file_is_named(tmp_path: Path) -> None:
    header = put(tmp_path)
    (tmp_path / "T1.raw").unlink()
    with pytest.raises(InputError, match=r"T1\.raw: no such file"):
        read_any(header)
