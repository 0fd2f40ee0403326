"""What the numbers of a label map mean is asked for, written beside it, or guessed aloud."""

from __future__ import annotations

from pathlib import Path

import nibabel.tests
import numpy as np
import pytest
from scipy.io import netcdf_file

from spinloom.core.errors import InputError, UsageError
from spinloom.core.image import Image, Quantity
from spinloom.io import read_image, read_phantom, write_image
from spinloom.io.brainweb import read_minc, read_raw
from spinloom.io.label_map import find_scheme
from spinloom.phantom.filling import Homogeneous
from spinloom.phantom.schemes import FREESURFER
from spinloom.phantom.tissue_table import tissue_table

MINC = Path(nibabel.tests.__file__).parent / "data"


def label_file(folder: Path, ids: list[int], name: str = "x.nii.gz") -> Path:
    """A row of cubes, one per id, in a sea of 0."""
    data = np.zeros((6 * len(ids) + 4, 8, 8), np.int16)
    for n, label in enumerate(ids):
        data[6 * n + 2 : 6 * n + 8, 2:6, 2:6] = label
    write_image(Image(data, np.eye(4), Quantity.LABEL), folder / name)
    return folder / name


def tissues(path: Path, **options: object) -> set[str]:
    made = read_phantom(path, filling=Homogeneous(), **options)  # type: ignore[arg-type]
    assert made.tissues is not None
    return {t.name for t in made.tissues}


def test_a_named_scheme_is_obeyed(tmp_path: Path) -> None:
    path = label_file(tmp_path, [2, 3])
    assert tissues(path, scheme="brainweb") == {"grey_matter", "white_matter"}
    assert tissues(path, scheme="freesurfer") == {"white_matter", "grey_matter"}
    with pytest.raises(UsageError, match="Did you mean 'freesurfer'"):
        read_phantom(path, scheme="freesurfr")


def test_a_guess_from_few_labels_says_what_it_assumed(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"labels \[2, 3\] were taken as grey matter, white matter"):
        assert tissues(label_file(tmp_path, [2, 3])) == {"grey_matter", "white_matter"}


def test_high_numbers_are_FreeSurfer(tmp_path: Path) -> None:
    assert tissues(label_file(tmp_path, [41, 42, 43])) == {"white_matter", "grey_matter", "csf"}


def test_a_table_beside_the_file_explains_it(tmp_path: Path) -> None:
    path = label_file(tmp_path, [7, 9], "sub-01_dseg.nii.gz")
    (tmp_path / "sub-01_dseg.tsv").write_text("index\tname\n0\tbackground\n7\tcsf\n9\tfat\n")
    assert tissues(path) == {"csf", "fat"}
    (tmp_path / "sub-01_dseg.tsv").write_text("label\tname\ttissue\n7\tliquor\tcsf\n9\tblubber\tmuscle*0.5+fat*0.5\n")
    assert tissues(path) == {"csf", "fat", "muscle"}


def test_a_table_with_unknown_names_is_refused(tmp_path: Path) -> None:
    path = label_file(tmp_path, [7])
    (tmp_path / "t.tsv").write_text("index\tname\n7\tgray_matter\n")
    with pytest.raises(InputError, match=r"t\.tsv.*'gray_matter' is not a tissue.*Did you mean 'grey_matter'"):
        read_phantom(path, scheme=tmp_path / "t.tsv")


def test_a_label_without_a_tissue_is_refused_with_the_file(tmp_path: Path) -> None:
    path = label_file(tmp_path, [2, 999])
    with pytest.raises(InputError, match=r"999 \(96 voxels\)") as refusal:
        read_phantom(path, scheme="freesurfer")
    assert refusal.value.file == str(path)


def test_an_empty_label_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing but background"):
        read_phantom(label_file(tmp_path, [0]))


def test_the_field_chooses_the_tissue_values(tmp_path: Path) -> None:
    path = label_file(tmp_path, [2, 3])
    for B0 in (0.55, 3.0):
        made = read_phantom(path, scheme="brainweb", filling=Homogeneous(), B0=B0)
        assert made.tissues is not None
        assert made.tissues.named("white_matter").T1 == tissue_table(B0).named("white_matter").T1
        assert made.B0 == B0


def test_BrainWeb_raw_bytes_have_x_fastest_and_the_published_origin(tmp_path: Path) -> None:
    data = np.zeros((181, 217, 181), np.uint8)
    data[90, 126, 72] = 3
    (tmp_path / "subject04.rawb").write_bytes(data.tobytes(order="F"))
    image = read_raw(tmp_path / "subject04.rawb")
    np.testing.assert_array_equal(image.data, data)
    np.testing.assert_allclose(image.affine @ [90, 126, 72, 1], [0, 0, 0, 1])
    made = read_phantom(tmp_path / "subject04.rawb", filling=Homogeneous())
    assert made.tissues is not None
    assert [t.name for t in made.tissues] == ["white_matter"]
    stretched = np.where(data == 3, np.uint8(70), data)
    (tmp_path / "stretched.raw").write_bytes(stretched.tobytes(order="F"))
    np.testing.assert_array_equal(read_raw(tmp_path / "stretched.raw").data, data)
    (tmp_path / "short.raw").write_bytes(b"1234")
    with pytest.raises(InputError, match="holds 4 bytes"):
        read_phantom(tmp_path / "short.raw")


def minc(path: Path, labels: np.ndarray) -> None:
    """A MINC-1 volume (z, y, x) whose bytes stretch over 0 to 11, as BrainWeb's do."""
    with netcdf_file(path, "w") as file:
        for axis, n, start, step in zip("zyx", labels.shape, (-72.0, -126.0, -90.0), (1.0, 1.0, 1.0), strict=True):
            file.createDimension(f"{axis}space", n)
            space = file.createVariable(f"{axis}space", "i", ())
            space.start, space.step, space.spacing = start, step, b"regular__"
        image = file.createVariable("image", "b", ("zspace", "yspace", "xspace"))
        image.valid_range, image.signtype = np.array([0.0, 255.0]), b"unsigned"
        image[:] = np.rint(labels * 255 / 11).astype(np.uint8).view(np.int8)
        for name, value in (("image-max", 11.0), ("image-min", 0.0)):
            file.createVariable(name, "d", ())[...] = value


def test_a_MINC_label_volume_is_placed_and_unstretched(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(0, 12, (4, 5, 6))
    minc(tmp_path / "x.mnc", labels)
    image = read_minc(tmp_path / "x.mnc")
    np.testing.assert_array_equal(image.data, labels)
    np.testing.assert_allclose(image.affine @ [0, 0, 0, 1], [-90, -126, -72, 1])
    np.testing.assert_allclose(image.affine @ [1, 0, 0, 1], [-90, -126, -71, 1])
    made = read_phantom(tmp_path / "x.mnc", filling=Homogeneous())
    assert made.tissues is not None
    assert len(made.tissues) == 11


@pytest.mark.parametrize("cut", [10, 200, 400])
def test_a_damaged_MINC_volume_is_refused(cut: int, tmp_path: Path) -> None:
    minc(tmp_path / "x.mnc", np.ones((4, 5, 6), int))
    whole = (tmp_path / "x.mnc").read_bytes()
    (tmp_path / "x.mnc").write_bytes(whole[:cut])
    with pytest.raises(InputError, match=r"x\.mnc.*not a readable MINC"):
        read_phantom(tmp_path / "x.mnc")


def test_a_MINC_image_is_no_label_map() -> None:
    with pytest.raises(InputError, match="not labels"):
        read_minc(MINC / "tiny.mnc")


def test_a_real_head_is_recognised_by_its_numbers_alone(shared_data: Path) -> None:
    path = shared_data / "head_label_maps" / "training_seg_02.nii.gz"
    labels = read_image(path, quantity=Quantity.LABEL).data
    scheme = find_scheme(None, labels, path)
    assert scheme is FREESURFER
    assert set(np.unique(labels).tolist()) <= set(scheme.meanings)
