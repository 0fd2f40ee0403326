"""A CT stored with 1024 added is a fault wherever scans are read; one without air is taken, and marked."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from spinloom.core.errors import InputError
from spinloom.core.image import Image, Quantity
from spinloom.dataset.find import find_scans
from spinloom.dataset.fingerprint import fingerprint, write_fingerprint
from spinloom.dataset.offset import DOUBT
from spinloom.dataset.pairing import pair
from spinloom.dataset.pairs_file import read_pairs, write_pairs
from spinloom.dataset.read_scan import read_scan
from spinloom.dataset.scans import Scan
from spinloom.io import read_image, write_image

pytestmark = pytest.mark.filterwarnings("ignore:.*no CT number is below")
AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


def head_CT(air: float = -1000.0) -> np.ndarray:
    """A ball of soft tissue (40 +- 30 HU) in a skull of 500 to 1800 HU, in air with the noise of a scanner."""
    rng = np.random.default_rng(0)
    r = np.linalg.norm(np.indices((40, 40, 40)) - 19.5, axis=0)
    HU = np.where(r < 14, rng.normal(40, 30, r.shape), rng.uniform(500, 1800, r.shape))
    return np.where(r < 16, HU, air + (rng.normal(0, 15, r.shape) if air < 0 else 0)).astype(np.int16)


def layout(root: Path, CT: np.ndarray) -> Path:
    """A SynthRAD2023 folder of one subject."""
    folder = root / "1BA001"
    write_image(Image(np.where(CT > -500, CT + 2000, 0).astype(np.float32), AFFINE), folder / "mr.nii.gz")
    write_image(Image(CT, AFFINE, Quantity.HU), folder / "ct.nii.gz")
    write_image(Image((CT > -500).astype(np.uint8), AFFINE, Quantity.LABEL), folder / "mask.nii.gz")
    return root


@pytest.mark.parametrize("added", [1000, 1024])
def test_soft_tissue_near_1000_is_an_offset_and_is_refused_with_the_remedy(tmp_path: Path, added: int) -> None:
    found = find_scans(layout(tmp_path, np.maximum(head_CT() + added, 0).astype(np.int16)))
    with pytest.raises(InputError, match="offset of 1000 or 1024"):
        pair(found, ("MR",) if any(s.contrast == "MR" for s in found.scans) else ("T1w",), ("CT",))


def test_a_CT_with_air_and_its_bone_is_taken_without_doubt(tmp_path: Path) -> None:
    found = find_scans(layout(tmp_path, head_CT()))
    source = next(s.contrast for s in found.scans if s.quantity is Quantity.SIGNAL)
    assert pair(found, (source,), ("CT",)).doubts == ()


def test_a_CT_without_air_is_taken_and_marked_in_pairs_and_fingerprint(tmp_path: Path) -> None:
    HU = np.maximum(head_CT(), -150).astype(np.int16)
    found = find_scans(layout(tmp_path / "in", HU))
    source = next(s.contrast for s in found.scans if s.quantity is Quantity.SIGNAL)
    made = pair(found, (source,), ("CT",))
    measured = fingerprint(found.scans)
    assert [doubt for _, doubt in made.doubts] == [DOUBT]
    listed = write_pairs(made, tmp_path / "out", progress=lambda _: None)
    assert json.loads(listed.read_text())["doubts"][0]["doubt"] == DOUBT
    assert read_pairs(listed).doubts == made.doubts
    write_fingerprint(measured, tmp_path / "f.json")
    doubts = {i["contrast"]: i["doubt"] for i in json.loads((tmp_path / "f.json").read_text())["images"]}
    assert doubts == {"CT": DOUBT, source: "", "mask": ""}


def test_a_real_body_is_taken_and_with_1024_added_refused(tmp_path: Path) -> None:
    file = Path(__file__).parents[3] / "shared" / "data" / "ct_body_small" / "example_ct_sm.nii.gz"
    if not file.exists():
        pytest.skip(f"{file} is missing")
    image = read_image(file, quantity=Quantity.HU)
    read_scan(Scan(file, "a", None, "CT", Quantity.HU))
    wrong = tmp_path / "ct.nii.gz"
    shifted = np.maximum(np.asarray(image.data, float) + 1024, 0).astype(np.int16)
    write_image(Image(shifted, image.affine, Quantity.HU), wrong)
    with pytest.raises(InputError, match="offset"):
        read_scan(Scan(wrong, "a", None, "CT", Quantity.HU))
